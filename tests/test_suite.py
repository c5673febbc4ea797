"""The conformance suite tested from outside: sabotaged frameworks, each caught, by as little as the suite claims to catch."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest
from gradspec.crosscheck.cells.examination import examine
from gradspec.crosscheck.cells.ground import ground
from gradspec.crosscheck.cells.matrix import cells
from gradspec.crosscheck.findings import Cell
from gradspec.crosscheck.inputs.profiles import profile
from gradspec.crosscheck.witnesses import store
from gradspec.crosscheck.witnesses.search import search
from gradspec.reference import line

SUITE = Path(__file__).parent / "conformance" / "test_conformance.py"
DTYPE = "float32"

# A framework in NumPy whose functions return their value, their vjp and, some of them, their jvp.
FRAMEWORK = """
import itertools
import numpy as np

def total(x, off=0.0):
    return x.sum(), lambda bar: {"x": (bar * (1 + off) * np.ones_like(x)).astype(x.dtype)}

def biased(x):
    return (x.sum() * 1.0005).astype(x.dtype), total(x)[1]

def raises(x):
    raise RuntimeError("no kernel for this")

def long(x):
    return x.sum(), lambda bar: {"x": bar * np.ones(len(x) + 1, x.dtype)}

def row(x):
    return x.sum()[None], total(x)[1]

def wide(x):
    return x.sum(), lambda bar: {"x": np.ones_like(x, dtype=np.float64) * bar}

def wide_value(x):
    return x.sum(dtype=np.float64), total(x)[1]

def nan(x):
    return x.sum(), lambda bar: {"x": bar * np.ones_like(x) * np.nan}

def mutates(x):
    value = x.sum()
    x[0] = 7
    return value, total(x)[1]

def forgets(x):
    return x.sum(), lambda bar: {}

def listed(x):
    return x.sum(), lambda bar: {"x": [bar] * len(x)}

def contradicts(x):
    return *total(x), lambda tangent: (tangent.sum() * 1.0005).astype(x.dtype)

def sent(x, choose):
    z = x.max()
    def pull(bar):
        hits = np.nonzero(x == z)[0]
        x_bar = np.zeros_like(x)
        x_bar[choose(hits)] = bar
        return {"x": x_bar}
    return z, pull

def to_all(x):
    return sent(x, lambda hits: hits)

def to_first(x):
    return sent(x, lambda hits: hits[:1])

calls = itertools.count()

def to_any(x):
    return sent(x, lambda hits: hits[[0, -1][next(calls) % 2]][None] if len(hits) else hits)

def steps(trace, rate_off=0.0, fixed_rate=False, overwrite=False, dtype=None):
    w, found = trace.weights, []
    for rate, g in zip(trace.rates, trace.gradients):
        rate = trace.rates[0] if fixed_rate else rate
        w = (w - rate * (1 + rate_off) * g).astype(w.dtype)
        found.append(w)
    if overwrite:
        trace.gradients[:] = 0
    return np.stack(found).astype(dtype or w.dtype)
"""

ADAPTER = """
import numpy as np
from gradspec.adapters.contract import Adapter, Limitation, Native, Pullback, Pushforward
from gradspec.adapters.errors import Unsupported

KNOWN = Limitation("defect", "it is off by 0.05 %", "https://example.org/issues/1")
ZERO = Limitation(
    "defect",
    "it is zero",
    "https://example.org/issues/2",
    instead=lambda x: {"value": np.zeros(()), "x_bar": np.zeros_like(x["x"])},
)
SUMS = ("biased", "raises", "long", "row", "wide", "wide_value", "nan", "mutates", "forgets", "listed", "contradicts")
SPLIT, FIRST, LAST = ({"ties": option} for option in ("split", "first", "last"))

class Toy(Adapter):
    name = package = "toy"
    distributions = ("numpy",)
    modules = {"toy": "toy_framework"}
    dtypes = ("float64", "float32")
    natives = (
        Native("scalar.sum", "honest", "toy.total(x)"),
        Native("scalar.sum", "off", "toy.total(x, off=5e-4)"),
        Native("scalar.sum", "known", "toy.total(x, off=5e-4)", known=(KNOWN,)),
        Native("scalar.sum", "mended", "toy.total(x)", known=(KNOWN,)),
        Native("scalar.sum", "otherwise", "toy.total(x, off=5e-4)", known=(ZERO,)),
        Native("scalar.sum", "missing", "toy.not_there(x)"),
        *(Native("scalar.sum", name, f"toy.{name}(x)") for name in SUMS),
        Native("scalar.max", "all", "toy.to_all(x)"),
        Native("scalar.max", "first", "toy.to_first(x)", FIRST),
        Native("scalar.max", "untrue", "toy.to_first(x)", LAST),
        Native("scalar.max", "gone", "toy.to_all(x)", SPLIT),
        Native("scalar.max", "unclaimed", "toy.to_first(x)"),
        Native("scalar.max", "one", "toy.to_first(x)", FIRST, sizes={"n": 1}),
        Native("scalar.max", "fickle", "toy.to_any(x)", FIRST),
        Native("optimizer.sgd", "honest", "toy.steps(trace)"),
        Native("optimizer.sgd", "off", "toy.steps(trace, rate_off=5e-4)"),
        Native("optimizer.sgd", "deaf", "toy.steps(trace, fixed_rate=True)"),
        Native("optimizer.sgd", "overwrites", "toy.steps(trace, overwrite=True)"),
        Native("optimizer.sgd", "wide", "toy.steps(trace, dtype='float64' if trace.weights.dtype == 'float32' else 'float32')"),
    )
    namespace = np

    def pull_back(self, function, inputs, wrt, cotangent, mode):
        returned = function(**inputs)
        if not isinstance(returned, tuple):
            raise Unsupported("toy does not differentiate")
        return Pullback(returned[0], returned[1](cotangent))

    def push_forward(self, function, inputs, tangents, mode):
        value, _, *push = function(**inputs)
        if not push:
            raise Unsupported("toy has no forward mode here")
        return Pushforward(value, push[0](tangents["x"]))

    def optimize(self, native, trace, mode):
        return eval(native.code, {**self.names(), "trace": trace})

    def run_update(self, update, trace, mode):
        return np.stack(update(np, trace.weights, trace.gradients, trace.rates, trace.hyper))

ADAPTER = Toy()
"""

HIDDEN = """
from gradspec.adapters import available, load
for name in available():
    type(load(name)).installed = lambda self: False
"""
WATCH = """
import sys
def pytest_unconfigure(config):
    print("frameworks loaded:", sorted({"torch", "jax", "optax", "flax"} & set(sys.modules)))
"""


@dataclass(frozen=True)
class Run:
    """A finished pytest: exit status, what it printed, and by a cell's id the message of its failure ("" if it passed)."""

    status: int
    output: str
    outcomes: dict[str, str]

    @property
    def closing(self) -> list[str]:
        """The closing section's lines."""
        found = re.search(r"^=+ gradspec =+\n(.*?)^=", self.output, re.DOTALL | re.MULTILINE)
        assert found, self.output
        return found[1].splitlines()


def run_in(folder: Path, *options: str) -> Run:
    """Run the conformance suite with the toy framework importable."""
    for name, text in (("toy_framework", FRAMEWORK), ("toy", ADAPTER), ("hidden", HIDDEN), ("watch", WATCH)):
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "HYPOTHESIS_"))}
    environment = {
        **clean,
        "PYTHONPATH": os.pathsep.join(filter(None, (str(folder), clean.get("PYTHONPATH")))),
        "PYTHONUTF8": "1",
        "COLUMNS": "200",
    }
    record = folder / "outcomes.xml"
    record.unlink(missing_ok=True)
    fixed = ("-p", "no:cacheprovider", "--import-mode=importlib", "--basetemp", str(folder / "tmp"), f"--junitxml={record}")
    command = [sys.executable, "-m", "pytest", str(SUITE), *fixed, *options]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, encoding="utf-8")
    return Run(done.returncode, done.stdout + done.stderr, outcomes_in(record) if record.exists() else {})


def outcomes_in(record: Path) -> dict[str, str]:
    found = {}
    for case in ElementTree.parse(record).iter("testcase"):
        failure = next((child for child in case if child.tag in ("failure", "error", "skipped")), None)
        words = "" if failure is None else f"{failure.tag}: {failure.get('message')}\n{failure.text}"
        found[(case.get("name") or "").removeprefix("test_conformance[").removesuffix("]")] = words
    return found


def native(name: str) -> str:
    """A cell's id from "scalar.sum off"."""
    line_id, _, native_name = name.partition(" ")
    return f"{line_id}-toy-native.{native_name}-{DTYPE}"


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The whole toy framework, once."""
    lines = ("--line", "scalar.sum", "--line", "scalar.max", "--line", "optimizer.sgd")
    return run_in(tmp_path_factory.mktemp("toy"), "--adapter", "toy.py", *lines, "--dtype", DTYPE)


# --- each sabotage is caught ----------------------------------------------------------------------------------------

CAUGHT = {
    "scalar.sum off": ("defect", "no reading fits; the printed reading fails at x_bar[0]: outside of the budget"),
    "scalar.sum biased": ("defect", "fails at value"),
    "scalar.sum nan": ("defect", "fails at x_bar"),
    "scalar.sum long": ("defect", "the reading's shape is (3,), the subject's (4,)"),
    "scalar.sum row": ("defect", "the reading's shape is (), the subject's (1,)"),
    "scalar.sum contradicts": ("defect", "forward mode contradicts reverse mode"),
    "scalar.sum wide": ("not-run", "the adapter returned x_bar as float64; its inputs are float32"),
    "scalar.sum wide_value": ("not-run", "the adapter returned value as float64; its inputs are float32"),
    "scalar.sum listed": ("not-run", "the adapter returned x_bar as list, not as a NumPy array"),
    "scalar.sum forgets": ("not-run", "the adapter returned no cotangent of x"),
    "scalar.sum mutates": ("not-run", "the adapter changed its inputs: x;"),
    "scalar.sum raises": ("not-run", "RuntimeError: no kernel for this"),
    "scalar.sum mended": ("stale", "the known limitation no longer shows (it is off by 0.05 %)"),
    "scalar.sum otherwise": ("defect", "not what is known of it (it is zero)"),
    "scalar.max untrue": ("stale", "claimed ties=last, but what fits is ties=first"),
    "scalar.max gone": ("stale", "claimed the standard reading, but what fits is the printed reading"),
    "scalar.max one": ("stale", "claimed ties=first, but the printed reading fits as well"),
    "scalar.max unclaimed": ("stale", "claimed the printed reading, but what fits is ties=first"),
    "scalar.max fickle": ("defect", "no reading fits; ties=first fails at x_bar"),
    "optimizer.sgd off": ("defect", "fails at w"),
    "optimizer.sgd deaf": ("defect", "fails at w"),
    "optimizer.sgd overwrites": ("not-run", "the adapter changed its inputs: gradients;"),
    "optimizer.sgd wide": ("not-run", "the adapter returned w as float64; its inputs are float32"),
}


@pytest.mark.parametrize("name", CAUGHT)
def test_a_sabotaged_framework_is_caught(name: str, toy: Run) -> None:
    verdict, words = CAUGHT[name]
    message = toy.outcomes[native(name)]
    assert message.startswith("failure: ")
    assert f" {verdict}  {native(name)}" in message
    assert words in message


@pytest.mark.parametrize("name", ["scalar.sum honest", "scalar.max all", "scalar.max first", "optimizer.sgd honest"])
def test_an_honest_framework_passes(name: str, toy: Run) -> None:
    assert toy.outcomes[native(name)] == ""


@pytest.mark.parametrize("name", ["scalar.sum missing", "scalar.sum known"])
def test_what_is_absent_or_known_passes(name: str, toy: Run) -> None:
    assert toy.outcomes[native(name)] == ""


def test_nothing_else_fails(toy: Run) -> None:
    assert toy.status == 1
    assert {cell for cell, message in toy.outcomes.items() if message} == set(map(native, CAUGHT))


def test_a_failure_shows_the_numbers_twice(toy: Run) -> None:
    message = toy.outcomes[native("scalar.sum off")]
    assert "separated at x_bar[0]" in message
    rows = [line.split() for line in message.splitlines()]
    for name in ("x", "cotangent", "observed"):
        row = next(row for row in rows if row[:1] == [name])
        assert float(row[-2]) == float.fromhex(row[-1])
    assert "toy.total(x, off=5e-4)" in message


# --- what the closing section says ----------------------------------------------------------------------------------


def test_the_closing_section_counts_every_verdict(toy: Run) -> None:
    by_verdict = {verdict: sum(v == verdict for v, _ in CAUGHT.values()) for verdict in ("defect", "stale", "not-run")}
    counts = re.fullmatch(r"(\d+) cells: (.*)", toy.closing[0])
    assert counts
    said = {part.split()[2]: int(part.split()[1]) for part in counts[2].split(", ")}
    assert int(counts[1]) == len(toy.outcomes) == sum(said.values())
    assert said["defect"] == by_verdict["defect"] + 1  # the known one is counted too
    assert (said["stale"], said["not-run"]) == (by_verdict["stale"], by_verdict["not-run"])
    # the natives that are not there, and the two maps' derived route
    assert said["absent"] == 3


def test_the_closing_section_names_what_fails_and_why(toy: Run) -> None:
    for name, (verdict, words) in CAUGHT.items():
        assert any(line.split(" ", 1)[1].startswith(f"{native(name)}: {verdict}. ") and words in line for line in toy.closing)
    assert not any(native("scalar.sum known") in line for line in toy.closing)


def test_workers_report_the_same(toy: Run, tmp_path: Path) -> None:
    pytest.importorskip("xdist")
    lines = ("--line", "scalar.sum", "--line", "scalar.max", "--line", "optimizer.sgd")
    parallel = run_in(tmp_path, "--adapter", "toy.py", *lines, "--dtype", DTYPE, "-n", "2", "--dist", "worksteal")
    assert parallel.closing[0] == toy.closing[0]
    assert sorted(parallel.closing) == sorted(toy.closing)


# --- what is asked for ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--adapter", "torch", "--adapter", "pytroch"), "unknown adapter 'pytroch'. Did you mean pytorch?"),
        (("--adapter", "no/such/file.py"), "no file no/such/file.py"),
        (("--line", "optimiser.adam"), "unknown line 'optimiser.adam'. Did you mean optimizer.adam"),
        (("--dtype", "float23"), "unknown dtype 'float23'. Did you mean float32"),
        (("--hypothesis-profile", "thorogh"), "unknown profile 'thorogh'. Did you mean thorough?"),
    ],
)
def test_an_unknown_name_is_refused_before_anything_runs(options: tuple[str, ...], words: str, tmp_path: Path) -> None:
    refused = run_in(tmp_path, *options)
    assert refused.status == pytest.ExitCode.USAGE_ERROR
    assert words in refused.output
    assert "Traceback" not in refused.output
    assert not refused.outcomes


def test_two_adapters_whose_ids_would_be_the_same_are_refused(tmp_path: Path) -> None:
    (tmp_path / "again.py").write_text(ADAPTER, encoding="utf-8")
    refused = run_in(tmp_path, "--adapter", "toy.py", "--adapter", "again.py")
    assert refused.status == pytest.ExitCode.USAGE_ERROR
    assert "toy.py and again.py adapt the same package" in refused.output


def test_a_missing_framework_is_skipped_unless_asked_for_by_name(tmp_path: Path) -> None:
    narrow = ("-p", "hidden", "--line", "scalar.sum", "--dtype", DTYPE)
    by_default = run_in(tmp_path, *narrow)
    assert by_default.status == 0
    assert by_default.outcomes
    assert all(message.startswith("skipped: ") for message in by_default.outcomes.values())
    assert "pip install torch" in "\n".join(by_default.closing)
    by_name = run_in(tmp_path, *narrow, "--adapter", "torch")
    assert by_name.status == 1
    assert all("pip install torch" in message for message in by_name.outcomes.values())
    assert not any(message.startswith("skipped: ") for message in by_name.outcomes.values())


def test_collecting_gives_the_cells_ids_whatever_the_seed_and_loads_no_framework(tmp_path: Path) -> None:
    options = ("--collect-only", "-q", "-p", "watch", "--adapter", "torch", "--line", "optimizer")
    one, other = (run_in(tmp_path, *options, "--gradspec-seed", seed).output for seed in ("0", "1"))
    ids = set(re.findall(r"test_conformance\[(.*)\]", one))
    assert ids == {cell.id for cell in cells(["pytorch"], ["optimizer"])}
    assert "optimizer.adam-torch-native.optim.Adam.fused-float32" in ids
    assert ids == set(re.findall(r"test_conformance\[(.*)\]", other))
    assert "frameworks loaded: []" in one


# --- seeds, and kept witnesses --------------------------------------------------------------------------------------


@pytest.fixture
def toy_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Cell]:
    """The toy's cells of the maximum, by the native's name, for a test in this process."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "toy_framework.py").write_text(FRAMEWORK, encoding="utf-8")
    (tmp_path / "toy.py").write_text(ADAPTER, encoding="utf-8")
    return {cell.native: cell for cell in cells([str(tmp_path / "toy.py")], ["scalar.max"], [DTYPE])}


@pytest.fixture
def one_witness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[store.Kept]:
    """A folder of witnesses that holds one, for ties=first of the maximum."""
    formula = line("scalar.max")
    found = search(formula, DTYPE, store.Departure.of(formula, formula.printed.but(ties="first")))
    monkeypatch.setattr(store, "FOLDER", tmp_path)
    store.keep(formula.id, [found])
    ground.cache_clear()
    yield found
    store.kept.cache_clear()
    ground.cache_clear()


def test_a_deviation_that_its_kept_witness_cannot_show_is_stale(toy_cells: dict[str, Cell], one_witness: store.Kept) -> None:
    assert one_witness.found
    verdicts = {name: examine(toy_cells[name], profile("quick")).verdict for name in ("first", "one")}
    assert verdicts == {"first": "convention", "one": "stale"}


def test_a_seed_changes_no_verdict(toy_cells: dict[str, Cell]) -> None:
    for name, verdict in {"first": "convention", "gone": "stale", "fickle": "defect"}.items():
        assert {examine(toy_cells[name], profile("quick"), seed).verdict for seed in range(3)} == {verdict}
