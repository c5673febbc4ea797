"""The public face: what `import gradspec` gives, its examples, and that what it shows of things is short."""

from __future__ import annotations

import doctest
import inspect
from importlib import import_module
from types import ModuleType
from typing import Any

import gradspec
import msgspec
import numpy as np
import pytest
from gradspec.adapters import available, framework, framework_names, load
from gradspec.crosscheck.answers import Identification
from gradspec.crosscheck.findings import Cell, Finding, Findings
from gradspec.reference import Optimizer, catalogue
from gradspec.reports.terminal import text

EXAMPLES = {
    "gradspec": {"identify", "port"},
    "gradspec.reference": {""},
    "gradspec.reference.catalogue": {"catalogue", "line", "group"},
    "gradspec.reference.formula": {
        "Map.__call__",
        "Map.vjp",
        "Optimizer.init",
        "Optimizer.step",
        "Optimizer.run",
        "Formula.reading",
    },
    "gradspec.adapters.discovery": {"framework", "framework_names", "load", "available"},
}
LONGEST = 400  # characters: every option of the longest axis


def examples(module: ModuleType) -> dict[str, doctest.DocTest]:
    """The examples in a module's docstrings, by the name of what they show."""
    found = doctest.DocTestFinder(exclude_empty=True).find(module)
    return {test.name.removeprefix(module.__name__).removeprefix("."): test for test in found if test.examples}


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_is_public_has_an_example(name: str) -> None:
    assert {*examples(import_module(name))} >= EXAMPLES[name]


@pytest.mark.parametrize(("name", "of"), [(name, of) for name, shown in EXAMPLES.items() for of in sorted(shown)])
def test_an_example_runs_as_written(name: str, of: str) -> None:
    if of == "port":
        pytest.importorskip("torch")
        pytest.importorskip("optax")
    outcome = doctest.DocTestRunner().run(examples(import_module(name))[of])
    assert outcome.attempted
    assert not outcome.failed


@pytest.mark.parametrize("function", [gradspec.identify, gradspec.port, gradspec.catalogue, gradspec.line])
def test_a_signature_names_every_argument(function: Any) -> None:
    kinds = {parameter.kind for parameter in inspect.signature(inspect.unwrap(function)).parameters.values()}
    assert not kinds & {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}


def test_every_public_name_is_there() -> None:
    assert all(getattr(gradspec, name) for name in gradspec.__all__)
    assert set(dir(gradspec)) >= set(gradspec.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'identfy'"):
        gradspec.identfy  # noqa: B018


# --- what things look like in a debugger ----------------------------------------------------------------------------


def things() -> list[Any]:
    """Everything that a formula and an adapter are made of, and what an engine gives."""
    lines = catalogue(beyond=True).values()
    adapters = map(load, available())
    finding = Finding(
        Cell("scalar.sum", "jax", "jax", "derived", "", "float64", "eager"), "agrees", "it fits", script="x" * 999
    )
    return [
        *lines,
        *(part for line in lines for part in (*line.axes, line.printed, *line.properties, *line.studies)),
        *(option for line in lines for axis in line.axes for option in axis.options),
        *(h for line in lines if isinstance(line, Optimizer) for h in line.hyperparameters),
        *(line.configured({}, line.standard) for line in lines if isinstance(line, Optimizer)),
        *map(framework, framework_names()),
        *(native for adapter in adapters for native in adapter.natives),
        finding,
        Findings(1, 0, "quick", {}, "", [], [finding] * 99),
    ]


def test_things_are_shown_in_one_line_without_an_address() -> None:
    shown = [repr(thing) for thing in things()]
    assert [text for text in shown if "\n" in text or " at 0x" in text or not text.startswith("<")] == []
    assert [text for text in shown if len(text) > LONGEST] == []


def test_a_formula_is_shown_by_its_name_and_title() -> None:
    assert repr(gradspec.reference.adam) == "<optimizer optimizer.adam: Adam>"
    assert repr(gradspec.reference.adam.axis("epsilon")).startswith("<axis epsilon: ")


# --- what print shows -------------------------------------------------------------------------------------------------


class Kept:
    """Momentum without a name: what is identified and shown below."""

    def __init__(self, weights: Any, beta: float = 0.9):
        self.weights, self.beta, self.v = weights, beta, 0.0

    def step(self, gradient: Any, learning_rate: float) -> Any:
        self.v = self.beta * self.v + gradient
        self.weights = self.weights - learning_rate * self.v
        return self.weights


@pytest.fixture(scope="module")
def answer() -> Any:
    return gradspec.identify(Kept, runs=1)


def test_an_answer_is_shown_in_full_by_print_and_in_one_line_in_a_debugger(answer: Any) -> None:
    assert str(answer) == text(answer)
    assert "(optimizer.momentum)" in str(answer)
    assert repr(answer) == "<Kept: optimizer.momentum, identified>"


def test_a_shown_answer_is_the_same_data(answer: Any) -> None:
    plain = msgspec.json.decode(answer.as_json(), type=Identification)
    assert msgspec.to_builtins(plain) == msgspec.to_builtins(answer)
    assert str(plain) != str(answer)


def test_a_failed_assertion_shows_what_was_found(answer: Any) -> None:
    answer.must_be("momentum", accumulation="sum")
    with pytest.raises(AssertionError, match=r"(?s)is not what it must be.*accumulation is sum, not average.*Evidence"):
        answer.must_be("momentum", accumulation="average")


def test_a_function_and_a_port_are_shown_in_full_too() -> None:
    pytest.importorskip("optax")
    function = gradspec.identify(lambda x: 1 / (1 + np.exp(-x)))
    assert str(function) == text(function)
    port = gradspec.port(gradspec.identify("optax.sgd", {"learning_rate": 0.5}, runs=1), "optax")
    assert str(port) == text(port)
    assert "\n" not in repr(port)
