"""The scripts of findings: run where gradspec cannot be imported, they print what the campaign observed, to the last bit."""

from __future__ import annotations

import ast
import builtins
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import msgspec
import numpy as np
import pytest
from gradspec.adapters import load
from gradspec.adapters.contract import Adapter, MapProgram, Native
from gradspec.crosscheck.arithmetic.formats import precision
from gradspec.crosscheck.cells.evidence import failure_witness
from gradspec.crosscheck.cells.examination import examine, subject_of
from gradspec.crosscheck.cells.matrix import cells
from gradspec.crosscheck.cells.script import Inlined, SourceMissing, _free_names, _number, script_for
from gradspec.crosscheck.findings import Finding, Witness
from gradspec.crosscheck.inputs.profiles import profile
from gradspec.crosscheck.inputs.samples import hard_samples
from gradspec.crosscheck.inputs.traces import hard_traces
from gradspec.crosscheck.readings.compare import Miss
from gradspec.reference.catalogue import catalogue
from gradspec.reference.formula import Optimizer

PACKAGES = {"pytorch": "torch", "jax": "jax"}
FOUND = {
    "pytorch": (
        "scalar.max-torch-native.amax-float32",
        "scalar.max-torch-native.amax-float32-func",
        "scalar.max-torch-derived-bfloat16",
        "scalar.sigmoid-torch-derived-float32",
        "mlp.Z-torch-native.linear-float32",
        "optimizer.rmsprop-torch-native.optim.RMSprop-bfloat16",
        "optimizer.sgd-torch-native.optim.SGD.fused-float16",
    ),
    "jax": (
        "scalar.max-jax-native.jnp.max-float32-jit",
        "optimizer.rmsprop-jax-native.example_libraries.rmsprop_momentum-float64-jit",
    ),
}
ON_A_HARD_POINT = {
    "pytorch": ("optimizer.adam-torch-derived-float32", "optimizer.rmsprop-torch-derived-bfloat16"),
    "jax": (
        "mlp.A-jax-derived-float32",
        "optimizer.adam-jax-native.optax.adam-bfloat16",
        "optimizer.adam-jax-derived-float32",
        "optimizer.adam-jax-derived-float64-jit",
    ),
}

# Runs scripts one after the other in one process that cannot import gradspec, and reports what each printed.
RUNNER = """
import contextlib, io, json, runpy, sys, warnings

class Barred:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "gradspec":
            raise ImportError("gradspec is barred")

sys.meta_path.insert(0, Barred())
warnings.simplefilter("error")
printed = []
for path in sys.argv[1:]:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        runpy.run_path(path, run_name="__main__")
    printed.append(out.getvalue())
print(json.dumps([printed, sorted(m for m in sys.modules if m.startswith("gradspec"))]))
"""


@cache
def cell(adapter: str, wanted: str):
    return next(c for c in cells([adapter]) if c.id == wanted)


def witness_of(finding: Finding) -> Witness:
    assert finding.witness is not None
    return finding.witness


def on_a_hard_point(adapter: str, wanted: str) -> tuple[Witness, str]:
    """A witness and a script of a cell whose finding may have none of its own, since it agrees."""
    subject = subject_of(cell(adapter, wanted))
    formula, dtype = subject.formula, subject.cell.dtype
    hard, output, index = (hard_traces, "w", (3, 5)) if isinstance(formula, Optimizer) else (hard_samples, "Z_bar", (0, 1))
    sample = hard(formula, precision(dtype))[1]
    observed = subject.observe(sample)
    missed = Miss(0, output, index, "")
    witness = failure_witness(formula, formula.printed, formula.standard, sample, missed, observed, dtype)
    return witness, script_for(subject, witness)


def shown_by(adapter: str) -> dict[str, tuple[Witness, str]]:
    found = {wanted: examine(cell(adapter, wanted), profile("quick")) for wanted in FOUND[adapter]}
    shown = {wanted: (witness_of(finding), finding.script) for wanted, finding in found.items()}
    return shown | {wanted: on_a_hard_point(adapter, wanted) for wanted in ON_A_HARD_POINT[adapter]}


def observed_in(witness: Witness) -> list[str]:
    return next(q.hexadecimal for q in witness.values if q.name == "observed")


@pytest.mark.parametrize("adapter", FOUND)
def test_scripts_print_what_was_observed_without_gradspec(adapter: str, tmp_path: Path) -> None:
    pytest.importorskip(PACKAGES[adapter])
    shown = shown_by(adapter)
    assert not [wanted for wanted, (_, script) in shown.items() if not script]
    for number, (_, script) in enumerate(shown.values()):
        (tmp_path / f"{number}.py").write_text(script, encoding="utf-8")
    runner = tmp_path / "runner"
    runner.write_text(RUNNER, encoding="utf-8")
    paths = [str(tmp_path / f"{number}.py") for number in range(len(shown))]
    command = [sys.executable, "-I", str(runner), *paths]
    done = subprocess.run(command, check=False, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    printed, loaded = json.loads(done.stdout.splitlines()[-1])
    assert not loaded
    for (wanted, (witness, script)), output in zip(shown.items(), printed, strict=True):
        lines = output.splitlines()
        row = next(i for i, line in enumerate(lines) if line.startswith("observed"))
        assert lines[row + 1].split() == observed_in(witness), wanted
        assert witness.where in script and wanted in script
        assert output.count("\n") == 1 + 2 * len({q.name for q in witness.values}), wanted


def test_a_script_shows_the_two_readings_under_the_names_of_their_difference() -> None:
    pytest.importorskip("torch")
    finding = examine(cell("pytorch", "scalar.max-torch-native.amax-float32"), profile("quick"))
    assert '"ties=split": [' in finding.script and '"ties=all": [' in finding.script
    assert "torch.amax(x)" in finding.script


def test_a_script_of_an_element_that_moves_only_beside_others_has_copies_of_it() -> None:
    pytest.importorskip("torch")
    finding = examine(cell("pytorch", "optimizer.sgd-torch-native.optim.SGD.fused-float16"), profile("quick"))
    if finding.verdict != "defect":
        pytest.skip("this torch has no fault in fused SGD")
    assert "] * 20" in finding.script


def test_an_abridged_witness_has_no_script() -> None:
    pytest.importorskip("torch")
    subject = subject_of(cell("pytorch", "scalar.max-torch-native.amax-float32"))
    finding = examine(subject.cell, profile("quick"))
    witness = witness_of(finding)
    x, *others = witness.inputs
    abridged = msgspec.structs.replace(x, shape=[len(x.hexadecimal) + 1])
    assert script_for(subject, witness)
    assert not script_for(subject, msgspec.structs.replace(witness, inputs=[abridged, *others]))


@pytest.mark.parametrize("formula", catalogue().values(), ids=lambda formula: formula.id)
def test_the_source_of_every_formula_stands_alone(formula) -> None:
    bodies = (formula.forward,) if hasattr(formula, "forward") else (formula.start, formula.update)
    source = Inlined.of(*bodies)
    names: dict = {"xp": np}
    exec(compile(source.text, formula.id, "exec"), names)
    assert all(callable(names[source.name(body)]) for body in bodies)
    assert "gradspec" not in source.text and "Any" not in source.text.replace("import Any", "").replace(": Any", "")
    free = {name for definition in ast.parse(source.text).body for name in _free_names(definition)}
    assert free <= {*names, *dir(builtins)}


def test_a_formula_whose_source_is_not_at_hand_is_refused() -> None:
    with pytest.raises(SourceMissing):
        Inlined.of(eval("lambda xp, x: x"))


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
@pytest.mark.parametrize("value", [0.0, -0.0, 0.1, 1 / 3, 2.0**-24, -65504.0, float("inf"), float("nan"), 1e-40])
def test_a_literal_is_exact_in_its_dtype(value: float, dtype: str) -> None:
    of = precision(dtype).numpy.type
    with np.errstate(over="ignore"):
        exact = of(value)
    read = eval(_number(float(exact), dtype), {"inf": float("inf"), "nan": float("nan")})
    assert float(of(read)).hex() == float(exact).hex()


def test_an_adapter_need_not_write_scripts() -> None:
    program = MapProgram("float64", "eager", "", "x", {"x": "1.0"}, {}, ("x",), "1.0", "x_bar")
    assert Adapter.script(load("pytorch"), program) == ""
    assert Native("scalar.max", "mine", "mine.max(x)").expression
