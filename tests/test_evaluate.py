"""One evaluator for every arithmetic: that a reading is the same function in each, and that it steps no further than asked."""

from dataclasses import replace

import numpy as np
import pytest
from gradspec.adapters.contract import Trace
from gradspec.crosscheck.arithmetic.formats import precision
from gradspec.crosscheck.arithmetic.objects import precise, symbol_array, symbols
from gradspec.crosscheck.arithmetic.rounding import Rounding
from gradspec.crosscheck.arithmetic.tangents import Tangent, Tangents
from gradspec.crosscheck.findings import Label
from gradspec.crosscheck.inputs.profiles import profile
from gradspec.crosscheck.inputs.samples import Sample, bound_sizes
from gradspec.crosscheck.inputs.shared import samples
from gradspec.crosscheck.readings.evaluate import Run, evaluate, steps, value
from gradspec.reference import Map, NotConformable, Optimizer, line
from gradspec.reference.namespace import Floating

LINES = ("scalar.sigmoid", "scalar.prod", "mlp2.grad_W1", "optimizer.adam", "optimizer.rmsprop")


@pytest.mark.parametrize("line_id", LINES)
def test_a_reading_is_one_function_in_floating_point_under_the_rounding_model_and_in_balls(line_id: str) -> None:
    formula = line(line_id)
    sample = next(s for s in reversed(samples(formula, "float64", profile("quick"), 0)) if s.finite)
    computed = evaluate(formula, formula.standard, sample, Floating("float64"))
    allowed = evaluate(formula, formula.standard, sample, Rounding(precision("float64")))
    with precise() as xp:
        exact = evaluate(formula, formula.standard, sample, xp)
    assert computed.keys() == allowed.keys() == exact.keys()
    for name, numbers in computed.items():
        assert numbers.dtype == np.float64 and numbers.shape == allowed[name].shape == exact[name].shape
        assert allowed[name].contains(numbers).all()
        assert allowed[name].contains(np.vectorize(float)(exact[name])).all()


def test_what_is_lifted_already_is_left_alone() -> None:
    sigmoid = line("scalar.sigmoid")
    assert isinstance(sigmoid, Map)
    x = symbol_array("x", (1,))
    shown = Sample(Label("plain"), {"x": x}, {}, symbol_array("c", (1,)))
    assert x[0] in evaluate(sigmoid, sigmoid.standard, shown, symbols())["value"][0].free_symbols
    with precise() as xp:
        dual: dict = {"x": Tangent(xp.asarray([0.0]), xp.asarray([3.0]))}
        moved = value(sigmoid, sigmoid.standard, replace(shown, arrays=dual), Tangents(xp))
    assert float(moved.tangent[0]) == 0.75  # a quarter of 3


def test_a_reading_that_has_no_value_for_the_shapes_says_so() -> None:
    formula = line("mlp.Z")
    wide = next(s for s in samples(formula, "float64", profile("quick"), 0) if bound_sizes(formula, s.arrays)["n"] > 1)
    with pytest.raises(NotConformable):
        evaluate(formula, formula.printed, wide, Rounding(precision("float64")))


def test_a_run_takes_no_step_that_it_is_not_asked_for_and_leaves_numpys_error_state_alone() -> None:
    adam = line("optimizer.adam")
    assert isinstance(adam, Optimizer)
    gradients = np.array([[1.0], [0.0], [2.0]])
    trace = Trace(np.zeros(1), gradients, (0.5,) * 3, {h.name: h.default for h in adam.hyperparameters})
    before, taken = np.geterr(), steps(adam, adam.standard, trace, Floating("float64"))
    first = next(taken)
    assert np.geterr() == before
    run = Run(adam, adam.standard, trace.weights, trace.hyper, Floating("float64"))
    assert run.state.t == 0 and run.step(gradients[0], 0.5) == first and run.state.t == 1
