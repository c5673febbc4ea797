"""The scripts of findings: run where gradspec cannot be imported, they print what the campaign observed, to the last bit."""

from __future__ import annotations

import ast
import builtins
import json
import subprocess
import sys
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest
from gradspec.adapters import load
from gradspec.adapters.contract import Adapter, MapProgram, Native
from gradspec.crosscheck.arithmetic.formats import precision
from gradspec.crosscheck.cells.evidence import Rivals
from gradspec.crosscheck.cells.examination import examine
from gradspec.crosscheck.cells.matrix import cells
from gradspec.crosscheck.cells.script import _number, script_for
from gradspec.crosscheck.cells.source import Inlined, SourceMissing, _free_names
from gradspec.crosscheck.cells.subject import subject_of
from gradspec.crosscheck.findings import Finding, Outside, Violation, Witness
from gradspec.crosscheck.inputs.profiles import profile
from gradspec.crosscheck.inputs.samples import hard_samples
from gradspec.crosscheck.inputs.traces import hard_traces
from gradspec.crosscheck.readings.compare import Observed, Question
from gradspec.reference.catalogue import catalogue
from gradspec.reference.formula import Optimizer
from gradspec.reports.words.cells import values, where

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
    "pytorch": (
        "optimizer.adam-torch-derived-float32",
        "optimizer.rmsprop-torch-derived-bfloat16",
        "mlp.A-torch-derived-float32",
        "mlp.A-torch-derived-float32-func",
    ),
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
    hard, output, index = (hard_traces, "w", (3, 8)) if isinstance(formula, Optimizer) else (hard_samples, "Z_bar", (0, 1))
    sample = hard(formula, precision(dtype))[1]
    observed = subject.observe(sample)
    asked = Observed(Question(formula, sample, dtype), observed)
    witness = Rivals(formula.printed, formula.standard).failure(asked, Violation(output, index, Outside()))
    return witness, script_for(subject, witness)


def shown_by(adapter: str) -> dict[str, tuple[Witness, str]]:
    found = {wanted: examine(cell(adapter, wanted), profile("quick")) for wanted in FOUND[adapter]}
    shown = {wanted: (witness_of(finding), finding.script) for wanted, finding in found.items()}
    return shown | {wanted: on_a_hard_point(adapter, wanted) for wanted in ON_A_HARD_POINT[adapter]}


def observed_in(witness: Witness) -> list[str]:
    assert witness.observed is not None
    return witness.observed.hexadecimal


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
        assert where(witness) in script and wanted in script
        assert output.count("\n") == 1 + 2 * len(values(witness)), wanted


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


@pytest.mark.parametrize("formula", catalogue(beyond=True).values(), ids=lambda formula: formula.id)
def test_the_source_of_every_formula_stands_alone(formula) -> None:
    bodies = (formula.forward,) if hasattr(formula, "forward") else (formula.start, formula.update)
    does = [option.does for axis in formula.axes for option in axis.options]
    does += [value for options in getattr(formula, "settings", {}).values() for value in options.values()]
    source = Inlined.of(bodies, does)
    names: dict = {"xp": np}
    exec(compile("\n".join(source.imports) + source.text, formula.id, "exec"), names)
    assert all(callable(names[source.written(body)]) for body in bodies)
    for value in does:
        assert type(eval(source.written(value), names)).__name__ == type(value).__name__
    assert "gradspec" not in source.text and "Any" not in source.text
    free = {name for definition in ast.parse(source.text).body for name in _free_names(definition)}
    assert free <= {*names, *dir(builtins)}


def test_a_formula_whose_source_is_not_at_hand_is_refused() -> None:
    with pytest.raises(SourceMissing):
        Inlined.of([eval("lambda xp, x: x")])


# A formula whose options are records, with all that may be written down.

SCALE = 3.0


def doubled(xp: Any, x: Any) -> Any:
    return xp.add(x, x)


def scaled(xp: Any, x: Any, by: float = SCALE) -> Any:
    return x * by


class Pair(NamedTuple):
    """What is asked for, and what is not."""

    used: Any
    unused: Any
    usual: Any = doubled


@dataclass(frozen=True)
class Plain:
    number: float = 1.0

    def of(self, xp: Any, x: Any) -> Any:
        return doubled(xp, x) + self.number


@dataclass(frozen=True)
class Shifted(Plain):
    shift: tuple[float, ...] = ()

    def of(self, xp: Any, x: Any) -> Any:
        return super().of(xp, x) + self.shift[0]


def body(xp: Any, x: Any, option: Any) -> Any:
    return option.used(xp, x) + option.usual(xp, x)


def methodical(xp: Any, x: Any, option: Any) -> Any:
    return option.of(xp, x)


@pytest.mark.parametrize(
    ("function", "option", "written"),
    [
        (body, Pair(doubled, scaled), "Pair(used=doubled, unused=None)"),
        (body, Pair(doubled, scaled, scaled), "Pair(used=doubled, unused=None, usual=scaled)"),
        (body, Pair(partial(scaled, by=0.5), None), "Pair(used=partial(scaled, by=0.5), unused=None)"),
        (methodical, Plain(), "Plain()"),
        (methodical, Shifted(2.0, (float("inf"),)), 'Shifted(number=2.0, shift=(float("inf"),))'),
    ],
)
def test_what_an_option_does_is_written_as_far_as_it_is_asked_for(function: Any, option: Any, written: str) -> None:
    source = Inlined.of([function], [option])
    names: dict = {"xp": np}
    exec("\n".join(source.imports) + source.text, names)
    assert source.written(option) == written
    assert eval(f"{function.__name__}(2.5, {written})", names) == function(np, 2.5, option)
    assert ("def scaled" in source.text) == ("scaled" in written)


def test_a_definition_does_not_take_a_name_of_the_script_around_it() -> None:
    source = Inlined.of([body], [Pair(doubled, None)], taken={"doubled", "Pair"})
    names: dict = {"xp": np}
    exec("\n".join(source.imports) + source.text, names)
    assert source.written(Pair(doubled, None)) == "Pair_of_test_reproduce(used=doubled_of_test_reproduce, unused=None)"
    assert "doubled" not in names and "Pair" not in names


def test_a_closure_is_not_written_down() -> None:
    def made(by: float) -> Any:
        def closure(xp: Any, x: Any) -> Any:
            return x * by

        return closure

    with pytest.raises(SourceMissing, match="closure"):
        Inlined.of([body], [Pair(made(2.0), None)])


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
@pytest.mark.parametrize("value", [0.0, -0.0, 0.1, 1 / 3, 2.0**-24, -65504.0, float("inf"), float("nan"), 1e-40])
def test_a_literal_is_exact_in_its_dtype(value: float, dtype: str) -> None:
    of = precision(dtype).numpy.type
    with np.errstate(over="ignore"):
        exact = of(value)
    read = eval(_number(float(exact), dtype), {"inf": float("inf"), "nan": float("nan")})
    assert float(of(read)).hex() == float(exact).hex()


def test_an_adapter_need_not_write_scripts() -> None:
    program = MapProgram("float64", "eager", {"x": "1.0"}, ("x",), "1.0", "x_bar", expression="x")
    assert Adapter.script(load("pytorch"), program) == ""
    assert Native("scalar.max", "mine", "mine.max(x)").expression
