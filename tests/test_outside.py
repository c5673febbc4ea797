"""Formulas and adapters from outside of the packages, each one file in `own/`, take part in everything."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from gradspec import cli
from gradspec.adapters import AdapterError, available, load
from gradspec.adapters.contract import NAMES
from gradspec.crosscheck.campaign.run import Plan
from gradspec.crosscheck.cells.examination import examine
from gradspec.crosscheck.cells.matrix import cells
from gradspec.crosscheck.identification import identify
from gradspec.crosscheck.inputs.profiles import profile
from gradspec.crosscheck.sheet import proofs, properties
from gradspec.reference import FormulaError, Map, Optimizer, catalogue, line, load_formulas
from gradspec.reference.catalogue import sources

ROOT = Path(__file__).parents[1]
OWN = Path(__file__).parent / "own"
LION, SOFTPLUS, AUTOGRAD = (str(OWN / name) for name in ("lion.py", "softplus.py", "autograd_adapter.py"))

needs_autograd = pytest.mark.skipif(importlib.util.find_spec("autograd") is None, reason="autograd is not installed")


@pytest.fixture(autouse=True)
def nothing_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test loads, the next one does not see."""
    monkeypatch.setattr(sys.modules["gradspec.reference.catalogue"], "_named", {})


@pytest.fixture
def lion() -> Optimizer:
    formula = load_formulas(LION)["own.lion"]
    assert isinstance(formula, Optimizer)
    return formula


@pytest.fixture
def softplus() -> Map:
    formula = load_formulas(SOFTPLUS)["own.softplus"]
    assert isinstance(formula, Map)
    return formula


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = cli.main(words)
    shown = capsys.readouterr()
    return status, shown.out, shown.err


def elsewhere(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A Python of its own in another folder, which is on its path."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "HYPOTHESIS_"))}
    path = os.pathsep.join(filter(None, (str(folder), clean.get("PYTHONPATH"))))
    environment = {**clean, "PYTHONPATH": path, "PYTHONUTF8": "1", "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False, encoding="utf-8"
    )


# --- lines of the catalogue -----------------------------------------------------------------------------------------


def test_the_formulas_of_a_file_are_lines(lion: Optimizer) -> None:
    assert line("own.lion") is lion
    assert "own.lion" in catalogue(beyond=True) and "own.lion" not in catalogue()
    assert sources() == (LION,)


def test_it_does_not_matter_in_which_order_files_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    load_formulas(LION, SOFTPLUS)
    one = list(catalogue(beyond=True).items())
    monkeypatch.setattr(sys.modules["gradspec.reference.catalogue"], "_named", {})
    load_formulas(SOFTPLUS)
    load_formulas(LION)
    load_formulas(os.path.relpath(LION))  # the same file by another name
    assert list(catalogue(beyond=True).items()) == one


def test_a_file_that_has_changed_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(Path(SOFTPLUS).read_text(encoding="utf-8"), encoding="utf-8")
    first = load_formulas(path)["own.softplus"]
    assert load_formulas(path)["own.softplus"] is first
    path.write_text(path.read_text(encoding="utf-8").replace('title="softplus"', 'title="smooth ReLU"'), encoding="utf-8")
    assert load_formulas(path)["own.softplus"].title == line("own.softplus").title == "smooth ReLU"


def test_a_name_of_the_package_stays_its_own(tmp_path: Path) -> None:
    from gradspec import reference

    path = tmp_path / "mine.py"
    path.write_text(Path(LION).read_text(encoding="utf-8").replace("own.lion", "own.adam"), encoding="utf-8")
    mine = load_formulas(path)["own.adam"]
    assert reference.adam is line("optimizer.adam") is not mine
    with pytest.raises(reference.ArgumentError, match=r"'adam' is the name of several lines: optimizer\.adam, own\.adam"):
        line("adam")


def test_a_plan_carries_what_was_loaded(lion: Optimizer) -> None:
    assert Plan(adapters=()).formulas == (LION,)


TEXT = {
    "truncated": Path(LION).read_text(encoding="utf-8")[:1500],
    "empty": "",
    "borrowed": "from gradspec.reference.lines.adam import adam",
    "raising": "1 / 0",
    "leaving": "import sys; sys.exit('no reason')",
    "lacking": "import no_such_package_here",
    "malformed": Path(LION).read_text(encoding="utf-8").replace('printed="decoupled"', 'printed="decopled"'),
    "theirs": Path(LION).read_text(encoding="utf-8").replace("own.lion", "optimizer.adam"),
    "numbered": Path(LION).read_text(encoding="utf-8").replace('id="own.lion"', 'id="own.lion", number=38'),
}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("truncated", "truncated.py cannot be imported: SyntaxError: "),
        ("empty", "empty.py holds no formula of its own; write one at its top level: mine = Map(id='own.mine', …)"),
        ("borrowed", "borrowed.py holds no formula of its own; write one at its top level"),
        ("raising", "raising.py cannot be imported: ZeroDivisionError: division by zero"),
        ("leaving", "leaving.py cannot be imported: SystemExit: no reason"),
        ("lacking", "lacking.py cannot be imported: ModuleNotFoundError: No module named 'no_such_package_here'"),
        (
            "malformed",
            "malformed.py cannot be imported: ValueError: axis 'decay': its printed option 'decopled' is none of none, ",
        ),
        ("theirs", "two formulas are called optimizer.adam, in gradspec itself and in "),
        ("numbered", "numbered.py: own.lion has the number 38, of a line on the sheet; leave it out"),
        ("emty", "no file emty.py. Did you mean empty.py"),
        ("../there", "no file ../there.py"),
    ],
)
def test_a_file_that_cannot_be_used_is_said_to_be_so(
    name: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for known, text in TEXT.items():
        Path(f"{known}.py").write_text(text, encoding="utf-8")
    status, out, err = run(capsys, "lines", "--formula", LION if name == "theirs" else SOFTPLUS, "--formula", f"{name}.py")
    assert status == 2 and not out
    assert err.startswith("gradspec: error: ") and words in err and err.count("\n") == 1
    assert not sources()  # all or nothing


def test_two_files_with_one_id_are_both_named(tmp_path: Path) -> None:
    path = tmp_path / "again.py"
    path.write_text(Path(LION).read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(FormulaError, match=r"called own\.lion, in .*(lion|again)\.py and in .*(lion|again)\.py; "):
        load_formulas(LION, path)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no.such.module", "no module no; a file is named with its folder or its ending"),
        ("gradspec.reference.arguments", "gradspec.reference.arguments holds no formula of its own"),
        (str(OWN), f"no file {OWN}: it is a folder; name a file in it"),
        (str(ROOT / "README.md"), "README.md is no Python module: its name does not end with .py"),
    ],
)
def test_what_is_no_module_of_formulas_is_refused(name: str, words: str) -> None:
    with pytest.raises(FormulaError, match=re.escape(words)):
        load_formulas(name)


# --- the oracle -----------------------------------------------------------------------------------------------------


def test_softplus_as_an_oracle(softplus: Map) -> None:
    x, z_bar = np.array([-3.0, 0.5, 2.0]), np.array([1.0, -2.0, 0.25])
    for reading in ("printed", "standard"):
        np.testing.assert_allclose(softplus(x, reading=reading), np.logaddexp(0, x), rtol=4e-16)
        np.testing.assert_allclose(softplus.vjp(z_bar, x, reading=reading)["x"], z_bar / (1 + np.exp(-x)), rtol=4e-16)
    far = np.array([1000.0, 1.0, -1000.0])
    assert softplus(far)[0] == np.inf and softplus(far, reading="standard")[0] == 1000


def test_lion_as_an_oracle(lion: Optimizer) -> None:
    w, gradients = np.array([1.0, -2.0]), np.array([[3.0, 0.0], [-1.0, -5.0]])
    plain = lion.run(w, gradients, 0.5, decay="none", beta1=0.5, beta2=0.75)
    assert plain.tolist() == [[0.5, -2.0], [1.0, -1.5]]  # 0.5·0.75 - 0.5 is below zero
    assert lion.run(w, gradients, 0.5, decay="decoupled", weight_decay=0.5)[0].tolist() == [0.25, -1.5]
    assert lion.run(w, gradients, 0.5, decay="l2", weight_decay=0.5)[0].tolist() == [0.5, -1.5]


# --- what is proved and held of them --------------------------------------------------------------------------------


def test_softplus_is_proved_and_its_properties_hold(softplus: Map) -> None:
    assert [proof.outcome for proof in proofs.of(softplus)] == ["proved", "proved"]
    held = properties.of(softplus, profile("quick"), 0)
    assert {"adjoint", "linearity", "permutation", "reflection"} == {check.property for check in held}
    assert all(check.holds for check in held)


def test_a_wrong_cotangent_of_ones_own_is_refuted(tmp_path: Path) -> None:
    path = tmp_path / "wrong.py"
    path.write_text(Path(SOFTPLUS).read_text(encoding="utf-8").replace("1 + xp.exp(-x)", "1 + xp.exp(x)"), encoding="utf-8")
    wrong = load_formulas(path)["own.softplus"]
    assert [proof.outcome for proof in proofs.of(wrong)] == ["proved", "refuted"]
    assert not all(check.holds for check in properties.of(wrong, profile("quick"), 0))


def test_what_lion_declares_of_itself_holds(lion: Optimizer) -> None:
    held = properties.of(lion, profile("quick"), 0)
    assert {check.property for check in held} == {prop.name for prop in lion.properties}
    assert all(check.holds for check in held)


# --- on the command line --------------------------------------------------------------------------------------------


def test_lines_and_explain_show_them(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "lines", "--formula", LION, "--formula", SOFTPLUS)
    assert status == 0 and "own.lion" in out and out.index("Formulas of one's own") < out.index("own.softplus")
    assert "own.lion" in {row["id"] for row in json.loads(run(capsys, "lines", "--json", "--formula", LION)[1])}
    status, out, _ = run(capsys, "explain", "own.lion", "--formula", LION)
    assert status == 0 and "https://arxiv.org/abs/2302.06675" in out and "PS decoupled" in out


@needs_autograd
def test_a_report_of_ones_own_formulas_and_adapter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = ("--formula", LION, "--formula", SOFTPLUS, "--adapter", AUTOGRAD)
    status, out, _ = run(capsys, "report", *own, "--profile", "quick", "--workers", "2", "--out", str(tmp_path))
    assert status == 0, out
    found = json.loads((tmp_path / "findings.json").read_text(encoding="utf-8"))
    assert not found["unfinished"]
    verdicts = {(cell["cell"]["line"], cell["cell"]["dtype"]): cell["verdict"] for cell in found["cells"]}
    dtypes = ("float64", "float32", "float16")
    assert verdicts == {(f"own.{name}", d): v for name, v in (("lion", "agrees"), ("softplus", "precision")) for d in dtypes}
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "own.lion" in page and "own.softplus" in page


@needs_autograd
@pytest.mark.filterwarnings("default")  # of NumPy, about an overflow that is the point
def test_a_wrong_adapter_of_ones_own_is_caught(tmp_path: Path) -> None:
    path = tmp_path / "wrong.py"
    fault = {"list(trace.gradients)": "list(-trace.gradients)", "vjp(cotangent)": "vjp(-1.001 * cotangent)"}
    text = Path(AUTOGRAD).read_text(encoding="utf-8")
    for right, wrong in fault.items():
        assert right in text
        text = text.replace(right, wrong)
    path.write_text(text, encoding="utf-8")
    load_formulas(LION, SOFTPLUS)
    for cell in cells([str(path)], ["own.lion", "own.softplus"], ["float64"]):
        assert examine(cell, profile("quick"), 0).verdict == "defect"


@needs_autograd
@pytest.mark.filterwarnings("default")  # of NumPy, about an overflow that is the point
def test_autograd_is_held_against_the_sheet() -> None:
    chosen = cells([AUTOGRAD], ["scalar.sum", "scalar.prod", "scalar.max", "optimizer.momentum", "optimizer.adam"], ["float64"])
    verdicts = {cell.native: examine(cell, profile("quick"), 0).verdict for cell in chosen if cell.native}
    assert verdicts == {"np.sum": "agrees", "np.prod": "agrees", "np.max": "erratum", "sgd": "agrees", "adam": "erratum"}


def test_the_script_of_a_finding_needs_none_of_them(softplus: Map) -> None:
    pytest.importorskip("torch")
    cell = next(cell for cell in cells(["pytorch"], [softplus.id], ["float32"]))
    script = examine(cell, profile("quick"), 0).script
    assert "def _naive_value(x)" in script
    assert set(re.findall(r"^(?:from|import) (\w+)", script, re.MULTILINE)) == {"torch", "typing"}


def test_identify_finds_lion(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("optax")
    status, out, _ = run(capsys, "identify", "optax.lion", "--formula", LION, "--json")
    answer = json.loads(out)
    assert status == 0 and answer["line"] == "own.lion" and answer["reading"] == {"decay": "decoupled"}  # of two, the simpler


def test_identify_finds_softplus(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("jax")
    status, out, _ = run(capsys, "identify", "jax.nn.softplus", "--formula", SOFTPLUS, "--json")
    answer = json.loads(out)
    assert status == 0 and answer["line"] == "own.softplus" and answer["reading"] == {"evaluation": "stable"}


def test_identify_names_every_line_that_a_function_is(tmp_path: Path) -> None:
    text = Path(SOFTPLUS).read_text(encoding="utf-8").replace("own.softplus", "own.sigmoid")
    text = text.replace("xp.log1p(xp.exp(x))", "1 / (1 + xp.exp(-x))").replace("(1 + xp.exp(x))", "(1 + xp.exp(x)) ** 2")
    (tmp_path / "mine.py").write_text(text, encoding="utf-8")
    load_formulas(tmp_path / "mine.py")
    answer = identify(lambda x: 1 / (1 + np.exp(-x)))
    assert {"own.sigmoid", "scalar.sigmoid"} <= {answer.line, *answer.also}


def test_defaults_of_two_lines_of_one_name(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("optax")
    for name, shown in (("lion", "lion (optimizer.lion)"), ("own.lion", "own.lion (own.lion)")):
        status, out, _ = run(capsys, "defaults", name, "--formula", LION)
        assert status == 0 and out.startswith(shown) and "optax.lion" in out


def test_port_writes_lion_for_torch(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("optax")
    shown = elsewhere(tmp_path, "-m", "gradspec.cli", "port", "optax.lion", "--to", "torch", "--formula", LION)
    code = "\n".join(row.removeprefix("    ") for row in shown.stdout.splitlines() if row.startswith("    "))
    parameter = torch.nn.Parameter(torch.tensor([1.0, -2.0], dtype=torch.float64))
    names = {"params": [parameter], "learning_rate": 0.5}
    exec(code, names)
    gradients = np.array([[3.0, 0.0], [-1.0, -5.0]])
    expected = line("own.lion").run(np.array([1.0, -2.0]), gradients, 0.5, weight_decay=0.001)
    for gradient, after in zip(gradients, expected, strict=True):
        parameter.grad = torch.from_numpy(gradient)
        names["optimizer"].step()
        assert parameter.detach().numpy().tolist() == after.tolist()


# --- installed, and under pytest ------------------------------------------------------------------------------------


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with the three files as modules of a package that offers them."""
    for name, path in (("own_lion", LION), ("own_softplus", SOFTPLUS), ("own_autograd", AUTOGRAD)):
        (tmp_path / f"{name}.py").write_text(Path(path).read_text(encoding="utf-8"), encoding="utf-8")
    info = tmp_path / "own-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[gradspec.formulas]\nlion = own_lion\nsoftplus = own_softplus\n\n[gradspec.adapters]\nautograd = own_autograd\n"
    )
    return tmp_path


def test_what_a_package_offers_is_there_without_being_named(installed: Path) -> None:
    shown = elsewhere(installed, "-m", "gradspec.cli", "lines")
    assert shown.returncode == 0 and "own.lion" in shown.stdout and "own.softplus" in shown.stdout
    twice = elsewhere(installed, "-m", "gradspec.cli", "explain", "own.lion", "--formula", "own_lion.py")
    assert twice.returncode == 0 and twice.stdout.startswith("own.lion")


@needs_autograd
def test_a_report_of_what_a_package_offers(installed: Path) -> None:
    words = (
        "report",
        "--adapter",
        "autograd",
        "--line",
        "own.lion",
        "--dtype",
        "float64",
        "--profile",
        "quick",
        "--workers",
        "2",
    )
    done = elsewhere(installed, "-m", "gradspec.cli", *words, "--out", "out")
    assert done.returncode == 0, done.stderr
    (cell,) = json.loads((installed / "out" / "findings.json").read_text(encoding="utf-8"))["cells"]
    assert (cell["verdict"], cell["cell"]["adapter"]) == ("agrees", "autograd")


def test_a_package_whose_formulas_cannot_be_imported_is_named(installed: Path) -> None:
    (installed / "own_lion.py").write_text("1 / 0")
    refused = elsewhere(installed, "-m", "gradspec.cli", "lines")
    assert refused.returncode == 2
    assert "the entry point lion = 'own_lion' of own cannot be imported: ZeroDivisionError" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_package_whose_adapter_cannot_be_imported_is_named(installed: Path) -> None:
    (installed / "own_autograd.py").write_text("1 / 0")
    refused = elsewhere(installed, "-m", "gradspec.cli", "explain", "optimizer.sgd")
    assert refused.returncode == 2
    assert "the entry point autograd = 'own_autograd' of own cannot be imported: ZeroDivisionError" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_formula_of_a_package_may_be_made_of_one_of_the_sheet(installed: Path) -> None:
    path = installed / "own_lion.py"
    more = "\n\nfrom gradspec.reference import adam, line\nassert line('optimizer.adam') is adam\n"
    path.write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")
    assert elsewhere(installed, "-m", "gradspec.cli", "explain", "own.lion").returncode == 0


@needs_autograd
def test_the_suite_under_pytest_takes_them(tmp_path: Path) -> None:
    suite = str(ROOT / "tests" / "conformance" / "test_conformance.py")
    options = ("-p", "no:cacheprovider", "--import-mode=importlib", "--formula", LION, "--adapter", AUTOGRAD, "-v")
    done = elsewhere(tmp_path, "-m", "pytest", suite, *options)
    assert done.returncode == 0, done.stdout
    assert "test_conformance[own.lion-autograd-derived-float32] PASSED" in done.stdout and "3 passed" in done.stdout
    refused = elsewhere(tmp_path, "-m", "pytest", suite, "--formula", "lyon.py")
    assert refused.returncode == pytest.ExitCode.USAGE_ERROR and "no file lyon.py" in refused.stderr + refused.stdout


# --- the contract of adapters ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*available(), pytest.param(AUTOGRAD, marks=needs_autograd, id="autograd")])
def test_a_namespace_offers_every_name_of_the_contract(name: str) -> None:
    adapter = load(name)
    if not adapter.installed():
        pytest.skip(f"{name} is not installed")
    assert [known for known in NAMES if not callable(getattr(adapter.namespace, known, None))] == []


def test_every_arithmetic_offers_every_name_of_the_contract() -> None:
    from gradspec.crosscheck.arithmetic.formats import precision
    from gradspec.crosscheck.arithmetic.objects import symbols, truth
    from gradspec.crosscheck.arithmetic.rounding import Rounding
    from gradspec.crosscheck.arithmetic.tangents import Tangents
    from gradspec.reference.namespace import Floating

    for xp in (Floating("float32"), Rounding(precision("float32")), truth(), symbols(), Tangents(truth())):
        assert [name for name in NAMES if not callable(getattr(xp, name, None))] == [], type(xp).__name__


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ADAPTER = 3", "has no ADAPTER that is an instance of Adapter or Framework"),
        (
            "from gradspec.adapters import Adapter\nclass A(Adapter): pass\nADAPTER = A()",
            "cannot be imported: TypeError: .*abstract",
        ),
        ("def (", "cannot be imported: SyntaxError"),
    ],
)
def test_a_bad_adapter_is_refused_in_clear_words(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text(text)
    with pytest.raises(AdapterError, match=f"bad.*{words}"):
        load(str(path))


# --- and nothing else had to be touched -----------------------------------------------------------------------------


def mentions(words: tuple[str, ...], folders: tuple[str, ...]) -> Iterator[str]:
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        text = path.read_text(encoding="utf-8").lower()
        yield from (f"{path.relative_to(ROOT)}: {word}" for word in words if re.search(rf"\b{re.escape(word)}\b", text))


def test_no_package_knows_them() -> None:
    everywhere = ("reference", "adapters", "crosscheck", "reports", "cli")
    assert not list(mentions(("own.lion", "own.softplus", "softplus.py", "autograd_adapter", "hips/autograd"), everywhere))
    assert not list(mentions(("lion", "softplus"), ("crosscheck", "reports")))
    assert list(mentions(("adam",), everywhere))  # the search finds what is there
