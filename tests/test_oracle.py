"""The oracle's door: what it refuses, and that what it accepts comes back new, in its dtype, with the inputs untouched."""

from __future__ import annotations

import itertools
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from gradspec.reference import ArgumentError, catalogue, line
from gradspec.reference.formula import Map, Optimizer
from gradspec.reference.vocabulary import Axis, Input, NotConformable, Option, Scope
from hypothesis import given, settings
from hypothesis import strategies as st

from .covering import covering

DTYPES = (np.float64, np.float32, np.float16, ml_dtypes.bfloat16)
MAPS = [formula for formula in catalogue().values() if isinstance(formula, Map)]
OPTIMIZERS = [formula for formula in catalogue(beyond=True).values() if isinstance(formula, Optimizer)]


def ids(value: Any) -> str:
    return getattr(value, "id", None) or np.dtype(value).name


def drawn_inputs(formula: Map, sizes: Any, dtype: Any, seed: int = 0) -> dict[str, np.ndarray]:
    """Inputs between 0.1 and 0.9, which every kind of input allows."""
    rng = np.random.default_rng(seed)
    return {name: rng.uniform(0.1, 0.9, size=i.concrete(sizes)).astype(dtype) for name, i in formula.inputs.items()}


def all_settings(formula: Map) -> list[dict[str, str]]:
    return [dict(zip(formula.settings, choice, strict=True)) for choice in itertools.product(*formula.settings.values())]


def a_cotangent(formula: Map, sizes: Any, dtype: Any, seed: int = 1) -> np.ndarray:
    shape = tuple(sizes[n] if isinstance(n, str) else n for n in formula.output)
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


# A line with every kind of argument, so that the door is tested apart from the catalogue.
SAMPLE = Map(
    id="test.sample",
    number=0,
    title="a line with every kind of argument",
    latex="",
    inputs={
        "W": Input(("h", "k"), "weights"),
        "x": Input(("k", 1), "inputs"),
        "b": Input((), "a bias"),
        "p": Input(("h", 1), "a probability", values="probability"),
        "y": Input(("h", 1), "a target", values="unit", differentiable=False),
    },
    output=("h", 1),
    forward=lambda xp, W, x, b, p, y, g, *, sign: sign * (W @ x + b) * (p - y),
    vjp_body=lambda xp, z_bar, W, x, b, p, y, g, *, sign: {"W": (z_bar * (p - y)) @ x.T},
    wrt=("W",),
    prints=("forward",),
    axes=(Axis("sign", (Option("plus", "", does=1), Option("minus", "", does=-1)), "plus", "minus"),),
    settings={"g": dict.fromkeys(["sigmoid", "relu", "tanh", "identity"])},
    sheet_sizes={"h": 2, "k": 3},
)


def sample(dtype: Any = np.float64, **changed: Any) -> dict[str, Any]:
    return {**drawn_inputs(SAMPLE, SAMPLE.sheet_sizes, dtype), "g": "relu", **changed}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"W": np.ones((2, 4))}, r"x has shape \(3, 1\); expected \(k, 1\) with k = 4"),
        ({"W": np.ones(6)}, r"W has shape \(6,\); expected \(h, k\)"),
        ({"x": np.ones((3, 2))}, r"x has shape \(3, 2\); expected \(k, 1\)"),
        ({"b": np.ones(1)}, r"b has shape \(1,\); expected \(\)"),
        ({"W": np.ones((0, 3))}, r"W has shape \(0, 3\); expected \(h, k\) with no size 0"),
        ({"W": np.ones((2, 3), np.float32)}, "mixed dtypes: W is float32, x is float64"),
        ({"W": np.ones((2, 3), int)}, "W has dtype int64; expected one of float64, float32, float16, bfloat16"),
        ({"W": np.ones((2, 3), bool)}, "W has dtype bool"),
        ({"W": np.ones((2, 3), complex)}, "W has dtype complex128"),
        ({"W": [[1.0], [1.0, 2.0]]}, "W is no array"),
        ({"b": 1}, "b has dtype int64"),
        ({"p": np.array([[0.5], [1.5]])}, r"p of shape \(2, 1\) has 1.5 at \(1, 0\); expected a probability, 0 <= p <= 1"),
        ({"p": np.array([[np.nan], [0.5]])}, r"p of shape \(2, 1\) has nan at \(0, 0\); expected a probability"),
        ({"y": np.array([[0.5], [-0.1]])}, r"y of shape \(2, 1\) has -0.1 at \(1, 0\); expected a target"),
        ({"y": np.array([[0.5], [np.nan]])}, "y of shape .* has nan"),
        ({"g": "rellu"}, "g is 'rellu'; expected one of sigmoid, relu, tanh, identity. Did you mean relu"),
        ({"sign": "plsu"}, "axis 'sign' has no option 'plsu'. Did you mean plus"),
        ({"sing": "plus"}, "has no argument 'sing'. Did you mean sign"),
        ({"reading": "standrad"}, "'standrad' is neither 'printed' nor 'standard'"),
    ],
)
def test_a_wrong_argument_is_an_error_that_names_it_and_what_was_expected(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        SAMPLE(**sample(**changed))
    with pytest.raises(ArgumentError, match=said):
        SAMPLE.vjp(np.ones((2, 1)), **sample(**changed))


@pytest.mark.parametrize("name", ["W", "b", "g"])
def test_a_missing_argument_is_named_with_its_shape_or_its_options(name: str) -> None:
    arguments = sample()
    del arguments[name]
    said = {"W": r"lacks W of shape \(h, k\)", "b": r"lacks b of shape \(\)", "g": r"lacks g \(one of 'sigmoid', 'relu'"}[name]
    with pytest.raises(ArgumentError, match=said):
        SAMPLE(**arguments)


def test_too_many_arguments_by_position_and_one_given_twice_are_errors() -> None:
    with pytest.raises(ArgumentError, match=r"takes 5 inputs \(W, x, b, p, y\); got 6 by position"):
        SAMPLE(*([np.ones(())] * 6), g="relu")
    arguments = sample()
    with pytest.raises(ArgumentError, match="got W twice"):
        SAMPLE(arguments["W"], **arguments)


@pytest.mark.parametrize(
    ("cotangent", "said"),
    [
        (np.ones((3, 1)), r"cotangent has shape \(3, 1\); expected \(h, 1\) with h = 2"),
        (np.ones(2), r"cotangent has shape \(2,\); expected \(h, 1\)"),
        (np.ones((2, 1), np.float32), "mixed dtypes: .*cotangent is float32"),
        (np.ones((2, 1), int), "cotangent has dtype int64"),
        (1.0, r"cotangent has shape \(\); expected \(h, 1\)"),
    ],
)
def test_a_wrong_cotangent_is_an_error_that_names_it(cotangent: Any, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        SAMPLE.vjp(cotangent, **sample())


@pytest.mark.parametrize("dtype", DTYPES, ids=ids)
def test_a_python_float_takes_the_dtype_of_the_other_arrays(dtype: Any) -> None:
    lone = SAMPLE(**sample(dtype, b=0.5))
    assert lone.dtype == dtype
    np.testing.assert_array_equal(lone, SAMPLE(**sample(dtype, b=np.asarray(0.5, dtype))))


def test_python_floats_alone_are_float64() -> None:
    z = line("sum").vjp(2.0, [1.0, 2.0])["x"]
    assert z.dtype == np.float64
    np.testing.assert_array_equal(z, [2.0, 2.0])


def test_nan_among_real_inputs_is_no_error_and_passes_through() -> None:
    assert np.isnan(line("sum")(np.array([1.0, np.nan])))


def test_overflow_and_zero_over_zero_are_values_without_warnings() -> None:
    assert np.isinf(line("prod")(np.array([1e200, 1e200])))
    assert np.isnan(line("prod").vjp(1.0, np.array([0.0, 1.0]))["x"][0])


@pytest.mark.parametrize("dtype", DTYPES, ids=ids)
@pytest.mark.parametrize("formula", MAPS, ids=ids)
def test_every_map_runs_in_every_reading_and_gives_new_arrays_of_the_dtype_of_its_inputs(formula: Map, dtype: Any) -> None:
    inputs = drawn_inputs(formula, formula.sheet_sizes, dtype)
    before = {name: array.copy() for name, array in inputs.items()}
    for array in inputs.values():
        array.flags.writeable = False
    z_bar = a_cotangent(formula, formula.sheet_sizes, dtype)
    for choice, reading in itertools.product(all_settings(formula), formula.readings()):
        try:
            value = formula(**inputs, **choice, reading=reading)
            bars = formula.vjp(z_bar, **inputs, **choice, reading=reading)
        except NotConformable:
            continue
        assert set(bars) == set(formula.wrt)
        for result in (value, *bars.values()):
            assert isinstance(result, np.ndarray)
            assert result.dtype == dtype
            assert result.flags.writeable
            assert not any(np.shares_memory(result, array) for array in (*inputs.values(), z_bar))
    for name, array in inputs.items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize("formula", MAPS, ids=ids)
def test_every_input_of_every_map_is_refused_as_integers_by_name(formula: Map) -> None:
    inputs = drawn_inputs(formula, formula.sheet_sizes, np.float64)
    choice = all_settings(formula)[0]
    for name in inputs:
        with pytest.raises(ArgumentError, match=f"{name} has dtype int64"):
            formula(**{**inputs, name: np.ones(inputs[name].shape, int)}, **choice)


@pytest.mark.parametrize("formula", MAPS, ids=ids)
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_an_input_with_a_dimension_too_many_is_refused_by_name(formula: Map, data: Any) -> None:
    name = data.draw(st.sampled_from(list(formula.inputs)), label="input")
    inputs = drawn_inputs(formula, formula.sheet_sizes, np.float64)
    inputs[name] = inputs[name][..., None]
    with pytest.raises(ArgumentError, match=f"{name} has shape"):
        formula(**inputs, **all_settings(formula)[0])


# --- optimizers -----------------------------------------------------------------------------------------------------

W = np.array([1.0, -2.0, 0.5])
G = np.array([0.1, 0.2, -0.3])


def stepped(name: str, **changed: Any) -> Any:
    formula = line(name)
    arguments = {"w": W, "g": G, "state": formula.init(W), "rate": 0.1, **changed}
    return formula.step(**arguments)


def adam_state(**changed: Any) -> Any:
    return line("adam").init(W)._replace(**changed)


@pytest.mark.parametrize(
    ("name", "changed", "said"),
    [
        ("adam", {"g": np.ones(2)}, r"g has shape \(2,\); expected \(3,\), the shape of w"),
        ("adam", {"g": G.astype(np.float32)}, "mixed dtypes: w is float64, g is float32"),
        ("adam", {"g": np.ones(3, int)}, "g has dtype int64"),
        ("adam", {"w": np.ones(3, int)}, "w has dtype int64"),
        ("adam", {"rate": -0.1}, "rate is -0.1; expected 0 <= rate < inf"),
        ("adam", {"rate": float("nan")}, "rate is nan"),
        ("adam", {"rate": float("inf")}, "rate is inf"),
        ("adam", {"rate": np.ones(3)}, "rate is array.*; expected one number"),
        ("adam", {"beta1": 1.0}, "beta1 is 1.0; expected 0 <= beta1 < 1"),
        ("adam", {"beta2": -0.1}, "beta2 is -0.1; expected 0 <= beta2 < 1"),
        ("adam", {"beta2": float("nan")}, "beta2 is nan"),
        ("adam", {"eps": -1e-8}, "eps is -1e-08; expected 0 <= eps < inf"),
        ("adam", {"weight_decay": "much"}, "weight_decay is 'much'; expected one number"),
        ("adam", {"beta3": 0.5}, "has no argument 'beta3'. Did you mean beta"),
        ("adam", {"epsilon": "insideroot"}, "axis 'epsilon' has no option 'insideroot'. Did you mean inside-root"),
        ("adam", {"state": adam_state(t=-1)}, r"state.t is -1; expected .*0 <= state.t, since steps count from t = 1"),
        ("adam", {"state": adam_state(t=1.0)}, r"state.t is 1.0; expected the whole number"),
        ("adam", {"state": adam_state(t=True)}, r"state.t is True"),
        ("adam", {"state": adam_state(V=np.zeros(2))}, r"state.V has shape \(2,\); expected \(3,\)"),
        ("adam", {"state": adam_state(V=np.zeros(3, np.float32))}, "mixed dtypes: .*state.V is float32"),
        ("adam", {"state": adam_state(V=None)}, "state.V has dtype object"),
        ("adam", {"state": adam_state(S=np.array([0.0, -1.0, 0.0]))}, r"state.S of shape \(3,\) has a negative element"),
        ("adam", {"state": (0, W, W)}, "state is of type tuple; expected AdamState, from adam.init"),
        ("adam", {"state": line("momentum").init(W)}, "state is of type MomentumState; expected AdamState"),
        ("momentum", {"rate": "inside-buffer"}, r"the axis rate goes into reading=\{'rate': 'inside-buffer'\}"),
        ("momentum", {"beta": 1}, "beta is 1.0; expected 0 <= beta < 1"),
        ("rmsprop", {"momentum": "outsid"}, "axis 'momentum' has no option 'outsid'. Did you mean outside"),
        ("rmsprop", {"momentum": 1.5}, "momentum is 1.5; expected 0 <= momentum < 1"),
        ("sgd", {"beta": 0.9}, "optimizer.sgd has no argument 'beta'"),
    ],
)
def test_a_wrong_argument_of_a_step_is_an_error_that_names_it(name: str, changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        stepped(name, **changed)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"gradients": np.ones(3)}, r"gradients has shape \(3,\); expected \(steps, \*w.shape\)"),
        ({"gradients": np.ones((2, 4))}, r"gradients has shape \(2, 4\)"),
        ({"rates": [0.1]}, r"rates has shape \(1,\); expected \(\) or \(2,\)"),
        ({"rates": [0.1, -0.1]}, r"rates\[1\] is .*-0.1"),
        ({"rates": [[0.1], [0.1, 0.2]]}, "rates is "),
    ],
)
def test_a_wrong_argument_of_a_run_is_an_error_that_names_it(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        line("adam").run(**{"w": W, "gradients": np.ones((2, 3)), "rates": 0.1, **changed})


def test_of_one_name_for_both_a_string_is_the_axis_and_a_number_the_hyperparameter() -> None:
    rmsprop = line("rmsprop")
    gradients = np.stack([G, G])
    by_mapping = rmsprop.run(W, gradients, 0.1, reading={"momentum": "outside"}, momentum=0.9)
    np.testing.assert_array_equal(rmsprop.run(W, gradients, 0.1, momentum="outside"), by_mapping)
    assert (rmsprop.run(W, gradients, 0.1, reading={"momentum": "outside"}, momentum=0.5) != by_mapping).any()


def test_a_nan_among_gradients_stays_in_its_element_unless_weights_see_each_other() -> None:
    for formula in OPTIMIZERS:
        if formula.scope is not Scope.MATRIX:
            w, _ = formula.step(W, np.array([np.nan, 0.2, -0.3]), formula.init(W), 0.1)
            assert np.isnan(w[0])
            assert formula.scope is Scope.ARRAY or np.isfinite(w[1:]).all()


@pytest.mark.parametrize("dtype", DTYPES, ids=ids)
@pytest.mark.parametrize("formula", OPTIMIZERS, ids=ids)
def test_every_optimizer_runs_in_every_reading_and_changes_none_of_its_inputs(formula: Optimizer, dtype: Any) -> None:
    given = [a[:, None] if formula.scope is Scope.MATRIX else a for a in (W, G)]
    w, g = (a.astype(dtype) for a in given)
    for array in (w, g):
        array.flags.writeable = False
    for reading in covering(formula):
        state = formula.init(w, reading)
        kept = [np.copy(value) for value in state]
        new_w, new_state = formula.step(w, g, state, 0.1, reading)
        newer_w, newest = formula.step(new_w, g, new_state, 0.2, reading)
        assert [state.t, new_state.t, newest.t] == [0, 1, 2]
        for array in (new_w, newer_w, *new_state[1:], *newest[1:]):
            assert array.dtype == dtype
            assert not any(np.shares_memory(array, old) for old in (w, g, *state[1:]))
        for value, copy in zip(state, kept, strict=True):
            np.testing.assert_array_equal(value, copy)
    for array, before in zip((w, g), given, strict=True):
        np.testing.assert_array_equal(array, before.astype(dtype))


def test_a_run_is_its_steps_and_takes_weights_of_any_shape() -> None:
    rng = np.random.default_rng(0)
    for formula, shape in itertools.product(OPTIMIZERS, [(), (2, 3), (0,)]):
        if formula.scope is Scope.MATRIX and len(shape) != 2:
            with pytest.raises(NotConformable, match="matrices only"):
                formula.init(np.zeros(shape))
            continue
        w, gradients = rng.normal(size=shape), rng.normal(size=(3, *shape))
        weights = formula.run(w, gradients, [0.1, 0.2, 0.3], "standard")
        state = formula.init(w, "standard")
        for t, rate in enumerate([0.1, 0.2, 0.3]):
            w, state = formula.step(w, gradients[t], state, rate, "standard")
            np.testing.assert_array_equal(weights[t], w)
