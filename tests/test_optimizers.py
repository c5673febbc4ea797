"""What the optimizers' readings are in exact arithmetic, and that evaluations keep within the rounding model's budget."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Any

import numpy as np
import pytest
from gradspec.crosscheck.arithmetic.formats import precision
from gradspec.crosscheck.arithmetic.objects import precise
from gradspec.crosscheck.arithmetic.rounding import Enclosure, Rounding
from gradspec.reference import line
from gradspec.reference.formula import Optimizer
from gradspec.reference.namespace import Floating
from gradspec.reference.vocabulary import Coincidence, Reading
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from .covering import covering, single_changes

SGD, MOMENTUM, RMSPROP, ADAM, ADAGRAD = (
    line(f"optimizer.{name}") for name in ("sgd", "momentum", "rmsprop", "adam", "adagrad")
)
_BEYOND = ("adabelief", "adadelta", "adamax", "lion", "qhm", "radam", "yogi")
OPTIMIZERS = [SGD, MOMENTUM, RMSPROP, ADAM, ADAGRAD, *(line(f"optimizer.{name}") for name in _BEYOND)]  # one of each family
READINGS = [(formula, reading) for formula in OPTIMIZERS for reading in covering(formula)]
BETAS = st.floats(0.0, 0.999)
GRADIENT = st.floats(1e-3, 1e3) | st.floats(-1e3, -1e-3)


def lifted_trace(
    xp: Any, formula: Optimizer, reading: Any, w: Any, gradients: Any, rates: Any, **hyper: float
) -> tuple[list[Any], list[Any]]:
    """A trace with every number lifted into the arithmetic of ``xp``."""
    values = {h.name: xp.asarray(hyper.get(h.name, h.default)) for h in formula.hyperparameters}
    lifted = [xp.asarray(np.asarray(g)) for g in gradients], [xp.asarray(rate) for rate in rates]
    return formula.trace_in(xp, xp.asarray(np.asarray(w)), *lifted, values, formula.reading(reading))


def surely_equal(a: Any, b: Any) -> bool:
    """Whether two arrays of balls hold the same numbers, as far as 200 bits tell."""
    from flint import arb

    scale = arb(2) ** -200
    return all(
        (x - y).contains(0) and (x - y).rad() <= scale * (1 + abs(x).mid())
        for x, y in zip(np.ravel(a), np.ravel(b), strict=True)
    )


def surely_apart(a: Any, b: Any) -> bool:
    return all(not x.overlaps(y) for x, y in zip(np.ravel(a), np.ravel(b), strict=True))


def wide(balls: Any) -> np.ndarray:
    """The balls' midpoints in longdouble."""
    halves = [(float(x.mid()), x.mid()) for x in np.ravel(balls)]
    values = [np.longdouble(high) + (float((mid - high).mid()) if np.isfinite(high) else 0) for high, mid in halves]
    return np.array(values, dtype=np.longdouble).reshape(np.shape(balls))


# --- Adam's correction ----------------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(g=st.lists(GRADIENT, min_size=2, max_size=2), beta1=BETAS, beta2=BETAS)
def test_printed_and_standard_adam_agree_at_the_first_step_to_the_last_bit(g: list[float], beta1: float, beta2: float) -> None:
    w = np.zeros(2)
    printed, standard = (ADAM.run(w, [g], 0.1, reading, beta1=beta1, beta2=beta2) for reading in ("printed", "standard"))
    np.testing.assert_array_equal(printed, standard)


@settings(max_examples=25, deadline=None)
@given(g=GRADIENT, beta1=st.floats(0.1, 0.99), beta2=st.floats(0.9, 0.999))
def test_printed_and_standard_adam_part_at_the_second_step(g: float, beta1: float, beta2: float) -> None:
    # for a constant gradient the printed V/√S is (1-β2)/(1-β1)² at t = 2: 1, as the standard one, on a curve that is left out
    assume(abs((1 - beta2) / (1 - beta1) ** 2 - 1) > 0.01)
    with precise() as xp:
        hyper = {"beta1": beta1, "beta2": beta2, "eps": 0.0}
        printed, standard = (
            lifted_trace(xp, ADAM, r, [0.0], [[g]] * 2, [0.1] * 2, **hyper)[0] for r in ("printed", "standard")
        )
        assert surely_equal(printed[0], standard[0])
        assert surely_apart(printed[1], standard[1])


@settings(max_examples=25, deadline=None)
@given(g=GRADIENT, beta=st.floats(0.1, 0.99))
def test_the_printed_adam_is_more_biased_from_step_two_on(g: float, beta: float) -> None:
    with precise() as xp:
        hyper = {"beta1": beta, "beta2": beta}
        _, printed = lifted_trace(xp, ADAM, "printed", [0.0], [[g]] * 6, [0.1] * 6, **hyper)
        _, field = lifted_trace(xp, ADAM, {"correction": "none"}, [0.0], [[g]] * 6, [0.1] * 6, **hyper)
        errors = [abs(state.V[0] / g - 1) for state in printed]
        uncorrected = [abs(state.V[0] / g - 1) for state in field]
        assert errors[0].contains(0)
        assert all(earlier < later for earlier, later in pairwise(errors[1:]))
        # no correction at all errs by β^t < 1; the printed correction by (1-β)^-(2 + 3 + … + t) - 1
        assert all(error > 0 for error in errors[1:])
        if beta > 0.5:
            assert all(plain < error for plain, error in zip(uncorrected[1:], errors[1:], strict=True))


@settings(max_examples=25, deadline=None)
@given(g=GRADIENT, beta1=BETAS, beta2=BETAS)
def test_the_corrected_moments_of_the_field_equal_a_constant_gradient_at_any_step(g: float, beta1: float, beta2: float) -> None:
    with precise() as xp:
        _, states = lifted_trace(xp, ADAM, "standard", [0.0], [[g]] * 6, [0.1] * 6, beta1=beta1, beta2=beta2)
        lifted = xp.asarray(np.array([g]))
        for state in states:
            assert surely_equal(state.V / (1 - xp.asarray(beta1) ** state.t), lifted)
            assert surely_equal(state.S / (1 - xp.asarray(beta2) ** state.t), lifted * lifted)


@settings(max_examples=15, deadline=None)
@given(g=st.lists(GRADIENT, min_size=4, max_size=4), eps=st.floats(1e-8, 1e-2))
def test_the_placings_of_epsilon_differ_only_by_epsilon(g: list[float], eps: float) -> None:
    gradients, rates = [[x] for x in g], [0.1, 0.2, 0.05, 0.1]
    with precise() as xp:
        for correction in ADAM.axis("correction").names:
            if correction == "count-from-zero":  # NaN, wherever ε is
                continue
            readings = [{"correction": correction, "epsilon": place} for place in ADAM.axis("epsilon").names]
            without = [lifted_trace(xp, ADAM, r, [1.0], gradients, rates, eps=0.0, eps_root=0.0)[0] for r in readings]
            for weights in without[1:]:
                assert all(surely_equal(a, b) for a, b in zip(without[0], weights, strict=True))
        after, before = ({"correction": "complement-of-power", "epsilon_order": e} for e in ADAM.axis("epsilon_order").names)
        ends = [lifted_trace(xp, ADAM, r, [1.0], gradients, rates, eps=eps)[0][-1] for r in (after, before)]
        assert surely_apart(*ends)


def test_the_schedule_of_nadam_at_a_late_step_is_beta1_itself() -> None:
    gradients = np.random.default_rng(0).normal(size=(4, 3))
    with precise() as xp:
        late = lifted_trace(
            xp,
            ADAM,
            {"correction": "complement-of-power", "lookahead": "nadam-schedule"},
            np.zeros(3),
            gradients,
            [0.1] * 4,
            momentum_decay=1e6,
        )[0]
        constant = lifted_trace(
            xp, ADAM, {"correction": "complement-of-power", "lookahead": "nadam"}, np.zeros(3), gradients, [0.1] * 4
        )[0]
        assert all(surely_equal(a, b) for a, b in zip(late, constant, strict=True))


# --- exact maps between readings ------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(
    g=st.lists(GRADIENT, min_size=4, max_size=4),
    rates=st.lists(st.floats(1e-4, 1.0), min_size=4, max_size=4),
    beta=BETAS,
    rate_axis=st.sampled_from(MOMENTUM.axis("rate").names),
)
def test_average_momentum_is_sum_momentum_at_the_rate_times_one_minus_beta(
    g: list[float], rates: list[float], beta: float, rate_axis: str
) -> None:
    gradients = [[x] for x in g]
    with precise() as xp:
        average, _ = lifted_trace(xp, MOMENTUM, {"rate": rate_axis}, [1.0], gradients, rates, beta=beta)
        scaled = [(1 - xp.asarray(beta)) * xp.asarray(rate) for rate in rates]
        total, _ = lifted_trace(xp, MOMENTUM, {"rate": rate_axis, "accumulation": "sum"}, [1.0], gradients, scaled, beta=beta)
        assert all(surely_equal(a, b) for a, b in zip(average, total, strict=True))


def test_the_rate_inside_the_buffer_is_the_rate_outside_until_it_changes() -> None:
    gradients = [[1.0], [0.5], [2.0]]
    with precise() as xp:
        for accumulation in MOMENTUM.axis("accumulation").names:
            inside, outside = ({"accumulation": accumulation, "rate": rate} for rate in ("inside-buffer", "outside"))
            same = [lifted_trace(xp, MOMENTUM, r, [0.0], gradients, [0.5] * 3)[0][-1] for r in (inside, outside)]
            other = [lifted_trace(xp, MOMENTUM, r, [0.0], gradients, [0.5, 0.5, 0.25])[0] for r in (inside, outside)]
            assert surely_equal(*same)
            assert surely_equal(other[0][1], other[1][1])
            assert surely_apart(other[0][2], other[1][2])


SEEN = 60  # weights, under gradients of ten sizes


def weights_of_every_reading(formula: Optimizer) -> dict[Reading, np.ndarray]:
    """The weights along one trace on which readings part: rates and gradients of many sizes, large ones first, and values of
    the hyperparameters that stand out; in longdouble, which tells readings that differ from rounding."""
    rng = np.random.default_rng(5)
    xp = Floating(np.longdouble)
    w, rates = rng.normal(size=SEEN), [0.1, 0.25, 0.05, 0.2, 0.15, 0.3, 0.1]
    sizes = np.array([[3.0], [0.5], [0.2], [1.0], [0.2], [0.7], [0.4]])
    gradients = rng.normal(size=(len(sizes), SEEN)) * sizes * 2.0 ** (4 - np.arange(SEEN) % 10)
    hyper = {"eps": 0.01, "eps_root": 0.02, "dampening": 0.3, "weight_decay": 0.1, "initial_scale": 2.0, "beta": 0.8}
    hyper |= {"beta2": 0.3 if formula.name != "radam" else 0.95, "momentum": 0.7, "momentum_decay": 0.5, "rate_decay": 0.3}
    hyper |= {
        "initial_rate": 0.4,
        "beta1": 0.5 if formula.name == "lion" else 0.9,
        "initial_first": 0.05,
        "initial_second": 1.4,
        "initial_mean": 0.8,
        "threshold": 6.0,
    }
    kept = {name: value for name, value in hyper.items() if name in {h.name for h in formula.hyperparameters}}
    chosen = {reading: None for one in some_readings(formula) for reading in (one, formula.function_of(one))}
    with np.errstate(all="ignore"):
        return {r: np.stack(lifted_trace(xp, formula, r, w, gradients, rates, **kept)[0]) for r in chosen}


def some_readings(formula: Optimizer, most: int = 1500) -> list[Reading]:
    """All readings, or where there are too many as many drawn ones, the same every time, beside those that cover all pairs of
    options."""
    if math.prod(len(axis.names) for axis in formula.axes) <= most:
        return list(formula.readings())
    random = Random(formula.id)
    drawn = (Reading(tuple((axis.name, random.choice(axis.names)) for axis in formula.axes)) for _ in range(most))
    return [*covering(formula), *single_changes(formula), *drawn]


@pytest.mark.parametrize("formula", OPTIMIZERS, ids=lambda formula: formula.id)
def test_the_readings_that_are_said_to_be_one_function_are_and_all_others_part_on_one_trace(formula: Optimizer) -> None:
    weights = weights_of_every_reading(formula)
    for reading, found in weights.items():
        one, size = weights[formula.function_of(reading)], np.max(np.abs(found), where=np.isfinite(found), initial=1.0)
        np.testing.assert_allclose(found, one, rtol=0, atol=1e-15 * size, err_msg=str(reading))
    numbers = (reading for reading, found in weights.items() if np.isfinite(found).all())
    simplest = list({formula.function_of(reading): None for reading in numbers})
    projected = np.array([weights[r].ravel() @ np.sqrt(np.arange(2, 2 + weights[r].size)) for r in simplest])
    order = np.argsort(projected)
    gaps = np.diff(projected[order])
    assert gaps.min() > 1e-10, [str(simplest[i]) for i in order[gaps.argmin() :][:2]]


def test_a_coincidence_that_is_none_is_noticed() -> None:
    false = replace(RMSPROP, coincidences=(Coincidence("start", "zero", {"momentum": ("none",)}),))
    weights = weights_of_every_reading(RMSPROP)
    both = ((r, false.simplest(r)) for r in weights)
    assert any((weights[r] != weights[s]).any() for r, s in both if s in weights)


def test_steps_are_taken_one_by_one_as_they_are_asked_for() -> None:
    asked: list[float] = []

    def gradients() -> Iterator[np.ndarray]:
        for g in (1.0, 2.0, 3.0):
            asked.append(g)
            yield np.array([g])

    steps = SGD.steps_in(np, np.zeros(1), gradients(), [0.5] * 3, {"weight_decay": 0.0}, SGD.printed)
    assert next(steps)[0] == -0.5
    assert asked == [1.0]
    assert [float(w[0]) for w, _ in steps] == [-1.5, -3.0]


# --- budgets --------------------------------------------------------------------------------------------------------


def a_trace(seed: int, steps: int = 4, d: int = 3) -> tuple[np.ndarray, np.ndarray, list[float]]:
    rng = np.random.default_rng(seed)
    sizes = 10.0 ** rng.uniform(-6, 1, size=(steps, d))
    return rng.normal(size=d), rng.normal(size=(steps, d)) * sizes, list(rng.uniform(0.01, 0.3, size=steps))


def enclosures(formula: Optimizer, reading: Any, w: Any, gradients: Any, rates: Any) -> list[Enclosure]:
    return lifted_trace(Rounding(precision("float64")), formula, reading, w, gradients, rates)[0]


def assert_within_budget(formula: Optimizer, reading: Reading, seed: int) -> None:
    w, gradients, rates = a_trace(seed)
    budget = enclosures(formula, reading, w, gradients, rates)
    with np.errstate(all="ignore"):
        floats, _ = lifted_trace(Floating(np.float64), formula, reading, w, gradients, rates)
    with precise() as xp:
        truth = lifted_trace(xp, formula, reading, w, gradients, rates)[0]
    for enclosure, computed, exact in zip(budget, floats, truth, strict=True):
        assert enclosure.contains(computed).all()
        assert enclosure.contains(wide(exact)).all()


@pytest.mark.parametrize(("formula", "reading"), READINGS, ids=lambda x: x.name if isinstance(x, Optimizer) else str(x))
def test_float64_and_the_truth_lie_within_the_budget(formula: Optimizer, reading: Reading) -> None:
    assert_within_budget(formula, reading, seed=11)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), formula=st.sampled_from(OPTIMIZERS), seed=st.integers(0, 2**32 - 1))
def test_float64_and_the_truth_lie_within_the_budget_on_any_trace(data: Any, formula: Optimizer, seed: int) -> None:
    chosen = {axis.name: data.draw(st.sampled_from(axis.names), label=axis.name) for axis in formula.axes}
    assert_within_budget(formula, Reading(tuple(chosen.items())), seed=seed)


@pytest.mark.parametrize("formula", OPTIMIZERS, ids=lambda formula: formula.id)
def test_the_budget_rejects_weights_that_are_off_by_one_part_in_a_hundred_billion(formula: Optimizer) -> None:
    w, gradients, rates = a_trace(3)
    for enclosure, computed in zip(
        enclosures(formula, "standard", w, gradients, rates), formula.run(w, gradients, rates, "standard"), strict=True
    ):
        largest = np.argmax(abs(computed))
        assert enclosure.contains(computed)[largest]
        assert not enclosure.contains(computed * (1 + 1e-11))[largest]


def test_the_budget_of_the_standard_adam_rejects_the_printed_one_at_the_second_step() -> None:
    w, gradients, rates = a_trace(4)
    budget = enclosures(ADAM, "standard", w, gradients, rates)
    printed = ADAM.run(w, gradients, rates, "printed")
    assert budget[0].contains(printed[0]).all()
    assert not budget[1].contains(printed[1]).any()
