"""Identification: boxes made of known readings are found again, and what is no reading is not taken for one."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from gradspec.adapters import BoxError
from gradspec.cli import main
from gradspec.crosscheck.answers import Action, Keeping, Kind, Lost, Question, Separator, Stored, Way
from gradspec.crosscheck.identification import identify
from gradspec.crosscheck.identification.optimizers.search import Search
from gradspec.crosscheck.identification.optimizers.space import families
from gradspec.reference import line
from gradspec.reference.formula import Optimizer
from gradspec.reference.namespace import Floating
from gradspec.reference.vocabulary import Reading
from gradspec.reports.terminal import text

FEW = {"runs": 3}


def made_of(formula: Optimizer, reading: Reading, dtype: Any = np.float64, **fixed: float) -> Callable[..., Any]:
    """A box in NumPy that does what a reading says; it takes the hyperparameters of its line that are not ``fixed``."""
    xp = Floating(dtype)

    class Box:
        def __init__(self, weights: np.ndarray, **hyper: float):
            values = {h.name: xp.asarray({**hyper, **fixed}.get(h.name, h.default)) for h in formula.hyperparameters}
            self.line, self.weights = formula.configured(values, reading), weights
            with np.errstate(all="ignore"):
                self.state = self.line.start(xp, weights)

        def step(self, gradient: np.ndarray, learning_rate: float) -> np.ndarray:
            with np.errstate(all="ignore"):
                rate = xp.asarray(learning_rate)
                self.weights, self.state = self.line.step(xp, self.weights, gradient, self.state, rate)
            return self.weights

    taken = [h for h in formula.hyperparameters if h.name not in fixed]
    arguments = ", ".join(f"{h.name}={h.default if h.neutral is None else h.neutral!r}" for h in taken)
    passed = ", ".join(f"{h.name}={h.name}" for h in taken)
    scope: dict[str, Any] = {"Box": Box}
    exec(f"def make(weights{', ' * bool(taken)}{arguments}): return Box(weights, {passed})", scope)
    return scope["make"]


def is_sane(reading: Reading) -> bool:
    """Whether a box in that reading can be stepped at all: a counter that starts at zero divides 0 by 0 at its first step."""
    return "count-from-zero" not in reading.axes.values()


def is_sought(formula: Optimizer, reading: Reading) -> bool:
    """Whether a search comes by it: it never adds a rare option to another in one move."""
    return sum(axis.option(reading[axis.name]).rare for axis in formula.axes) < 2


def drawn(formula: Optimizer, count: int) -> list[Reading]:
    """Readings from the product of all axes, most of which nobody ships."""
    draw = random.Random(formula.id)
    found = [Reading(tuple((axis.name, draw.choice(axis.names)) for axis in formula.axes)) for _ in range(200 * count)]
    return [r for r in dict.fromkeys(found) if is_sane(r) and is_sought(formula, r)][:count]


LINES = [lines[0] for lines in families()]
SAMPLE = [(formula, reading) for formula in LINES for reading in drawn(formula, 2)]


@pytest.mark.parametrize(("formula", "reading"), SAMPLE, ids=lambda value: getattr(value, "id", str(value)))
def test_any_reading_is_found_again_whether_or_not_somebody_ships_it(formula: Optimizer, reading: Reading) -> None:
    answer = identify(made_of(formula, reading), **FEW)
    assert answer.verdict in ("identified", "ambiguous"), text(answer)
    assert dict(formula.simplest(reading).axes) in [answer.reading, *(other.reading for other in answer.same)], text(answer)
    assert answer.evidence.before <= 60


STANDARD = [(name, "standard") for name in ("adam", "adamw", "nadam", "amsgrad", "adagrad", "rmsprop", "momentum", "sgd")]
PRINTED = [(name, "printed") for name, _ in STANDARD if line(name).printed != line(name).standard]


@pytest.mark.parametrize(("name", "role"), [*STANDARD, *PRINTED])
def test_a_line_with_a_name_is_called_by_it(name: str, role: str) -> None:
    formula = line(name)
    assert isinstance(formula, Optimizer)
    answer = identify(made_of(formula, formula.reading(role)), _switched_on(formula, role), **FEW)
    assert (answer.line, answer.role) == (formula.id, role), text(answer)


def _switched_on(formula: Optimizer, role: str) -> dict[str, float]:
    """Values other than neutral for the hyperparameters that the reading needs; momentum without its β is plain descent."""
    chosen = [formula.axis(axis).option(option) for axis, option in formula.reading(role).choices]
    needed = {option.needs for option in chosen if option.needs} | {"beta"}
    return {h.name: 0.125 for h in formula.hyperparameters if h.name in needed and h.neutral is not None}


def test_hyperparameters_that_a_box_does_not_take_are_assumed_and_said() -> None:
    adam = line("adam")
    answer = identify(made_of(adam, adam.standard, eps=1e-7, beta2=0.99), **FEW)
    assert answer.verdict == "identified"
    assert (answer.hyperparameters["eps"].own, answer.hyperparameters["eps"].value) == ("", 1e-7)
    assert answer.hyperparameters["beta2"].value == 0.99


class Adam:
    """The standard reading, as somebody writes it down."""

    def __init__(self, weights: np.ndarray, decay1: float = 0.9, decay2: float = 0.999, eps: float = 1e-8):
        self.w, self.decays, self.eps, self.t = weights.copy(), (decay1, decay2), eps, 0
        self.m, self.v = np.zeros_like(weights), np.zeros_like(weights)

    def step(self, gradient: np.ndarray, learning_rate: float) -> np.ndarray:
        (b1, b2), self.t = self.decays, self.t + 1
        self.m = b1 * self.m + (1 - b1) * gradient
        self.v = b2 * self.v + (1 - b2) * gradient**2
        self.w = self.w - self.rate(learning_rate) * self.direction(b1, b2)
        return self.w

    def rate(self, learning_rate: float) -> float:
        return learning_rate

    def direction(self, b1: float, b2: float) -> np.ndarray:
        return self.m / (1 - self.power(b1)) / (np.sqrt(self.v / (1 - self.power(b2))) + self.eps)

    def power(self, beta: float) -> float:
        return beta**self.t


NAMES = {"beta1": "decay1", "beta2": "decay2"}


def test_names_that_nobody_else_has_can_be_given() -> None:
    answer = identify(Adam, names=NAMES, **FEW)
    answer.must_be("adam", "standard", epsilon="outside-root")
    assert answer.hyperparameters["beta1"].own == "decay1"


def test_an_assertion_says_what_was_found_instead() -> None:
    answer = identify(Adam, names=NAMES, **FEW)
    with pytest.raises(AssertionError, match="epsilon is outside-root, not inside-root"):
        answer.must_be("adam", epsilon="inside-root")
    with pytest.raises(AssertionError, match=r"it is optimizer\.adam, not optimizer\.rmsprop"):
        answer.must_be("rmsprop")
    with pytest.raises(ValueError, match="no option 'inside'"):
        answer.must_be("adam", epsilon="inside")


class RateInFloat32(Adam):
    def rate(self, learning_rate: float) -> float:
        return float(np.float32(learning_rate))


class PowersInFloat32(Adam):
    def power(self, beta: float) -> float:
        return float(np.float32(beta) ** np.float32(self.t))


class MomentInFloat32(Adam):
    """Stores its first moment in float32 once it has been used, as optax does when it is given a mu_dtype."""

    def direction(self, b1: float, b2: float) -> np.ndarray:
        found = super().direction(b1, b2)
        self.m = self.m.astype(np.float32).astype(np.float64)
        return found


class DecayInFloat32(Adam):
    """Forms 1-αλ in float32."""

    def __init__(self, weights: np.ndarray, decay1: float = 0.9, decay2: float = 0.999, weight_decay: float = 0.01):
        super().__init__(weights, decay1, decay2)
        self.decay = weight_decay

    def factor(self, learning_rate: float) -> Any:
        return np.float32(1) - np.float32(learning_rate * self.decay)

    def step(self, gradient: np.ndarray, learning_rate: float) -> np.ndarray:
        self.w = self.w * np.float64(self.factor(learning_rate))
        return super().step(gradient, learning_rate)


class DecayRoundedToFloat32(DecayInFloat32):
    def factor(self, learning_rate: float) -> Any:
        return np.float32(1 - learning_rate * self.decay)


class RoundedApart(Adam):
    """Its β1 and its 1-β1 are each rounded to float32, as a kernel is handed them."""

    def step(self, gradient: np.ndarray, learning_rate: float) -> np.ndarray:
        (b1, b2), self.t = self.decays, self.t + 1
        self.m = float(np.float32(b1)) * self.m + float(np.float32(1 - b1)) * gradient
        self.v = b2 * self.v + (1 - b2) * gradient**2
        corrected = self.m / (1 - float(np.float32(b1)) ** self.t)
        self.w = self.w - learning_rate * (corrected / (np.sqrt(self.v / (1 - b2**self.t)) + self.eps))
        return self.w


class RootsInFloat32(Adam):
    def direction(self, b1: float, b2: float) -> np.ndarray:
        corrected = (self.v / (1 - b2**self.t)).astype(np.float32)
        return self.m / (1 - b1**self.t) / (np.sqrt(corrected).astype(np.float64) + self.eps)


class RootsRoundedToFloat32(Adam):
    def direction(self, b1: float, b2: float) -> np.ndarray:
        roots = np.sqrt(self.v / (1 - b2**self.t)).astype(np.float32)
        return self.m / (1 - b1**self.t) / (roots.astype(np.float64) + self.eps)


@pytest.mark.parametrize(
    ("box", "stored", "words"),
    [
        (RootsInFloat32, Stored(Kind.ROOT), "roots"),
        (RootsRoundedToFloat32, Stored(Kind.ROOT, way=Way.FROM_FLOAT64), "roots (rounded from float64)"),
        (DecayInFloat32, Stored(Kind.MULTIPLE, "weight_decay"), "1-αλ"),
        (DecayRoundedToFloat32, Stored(Kind.MULTIPLE, "weight_decay"), "1-αλ"),  # which hardly ever differs from the one above
        (
            RoundedApart,
            Stored(Kind.HYPERPARAMETER, "beta1", Way.FROM_FLOAT64),
            "beta1 and 1-beta1 (rounded from float64)",
        ),
        (RateInFloat32, Stored(Kind.RATE), "the rate"),
        (PowersInFloat32, Stored(Kind.POWER), "β^t"),
        (MomentInFloat32, Stored(Kind.STATE, "V"), "V"),
    ],
)
def test_what_is_stored_in_a_narrower_format_is_named_and_neither_let_through_nor_called_a_defect(
    box: type, stored: Stored, words: str
) -> None:
    answer = identify(box, names=NAMES, **FEW)
    assert answer.verdict == "identified", text(answer)
    assert (answer.stored, answer.wide) == ([stored], False)
    assert answer.shows_from == (2 if box is MomentInFloat32 else 1)
    assert f"it stores {words} in float32; this shows from step {answer.shows_from} on" in text(answer)
    assert not answer.is_("adam", "standard")


class SlightlyWrong(Adam):
    """As far off as float32 would be, though by another slip."""

    def direction(self, b1: float, b2: float) -> np.ndarray:
        return super().direction(b1, b2) * (1 + 1e-9)


class WrongLater(Adam):
    def direction(self, b1: float, b2: float) -> np.ndarray:
        return super().direction(b1, b2) * (2 if self.t == 4 else 1)


class WrongWhereTheGradientIsZero(Adam):
    def direction(self, b1: float, b2: float) -> np.ndarray:
        return np.where(self.m == 0, 1.0, super().direction(b1, b2))


@pytest.mark.parametrize("box", [SlightlyWrong, WrongLater, WrongWhereTheGradientIsZero])
def test_a_wrong_adam_is_no_reading_and_the_nearest_is_said_with_the_step_at_which_it_fails(box: type) -> None:
    answer = identify(box, names=NAMES, **FEW)
    assert answer.verdict == "no-reading", text(answer)
    assert answer.line == "optimizer.adam" and answer.near
    assert answer.failure is not None
    assert answer.failure.step == (4 if box is WrongLater else 1)
    assert answer.failure.box != answer.failure.reading
    assert "NO READING FITS" in text(answer)


class WrongAfterALongTime(Adam):
    def direction(self, b1: float, b2: float) -> np.ndarray:
        return super().direction(b1, b2) * (2 if self.t == 8 else 1)


def test_what_shows_late_only_is_found_on_a_long_trace() -> None:
    answer = identify(WrongAfterALongTime, names=NAMES, **FEW)
    assert answer.verdict == "no-reading", text(answer)
    assert answer.failure is not None and answer.failure.step == 8, text(answer)


class ClipsHugeGradients(Adam):
    def step(self, gradient: np.ndarray, learning_rate: float) -> np.ndarray:
        return super().step(np.clip(gradient, -1e8, 1e8), learning_rate)


class TreatsMatricesOtherwise(Adam):
    def rate(self, learning_rate: float) -> float:
        return learning_rate / self.w.ndim


@pytest.mark.parametrize("box", [ClipsHugeGradients, TreatsMatricesOtherwise])
def test_what_no_trace_shows_is_found_by_the_confirmation_and_shrunk(box: type) -> None:
    answer = identify(box, names=NAMES)
    assert answer.verdict == "no-reading", text(answer)
    assert answer.failing_run is not None
    steps = [event.action for event in answer.failing_run.events].count(Action.STEP)
    assert steps <= 2, text(answer)
    assert text(answer).count("step with gradients ") == steps and "the box has" in text(answer)


class OtherwiseAtItsDefault(Adam):
    """ε = 1e-8, its default, stands for 1e-3."""

    def direction(self, b1: float, b2: float) -> np.ndarray:
        eps, self.eps = self.eps, 1e-3 if self.eps == 1e-8 else self.eps
        found = super().direction(b1, b2)
        self.eps = eps
        return found


def test_a_box_is_played_at_its_own_values_too() -> None:
    assert identify(OtherwiseAtItsDefault, names=NAMES, **FEW).verdict == "no-reading"


class StuckWhereTheBudgetIsVoid:
    """Whatever comes at the first step, the weight is 12345 t: centred RMSprop divides rounding by rounding there."""

    def __init__(self, weights: np.ndarray, beta: float = 0.9, eps: float = 1e-8):
        self.w, self.t, self.beta, self.eps = weights, 0, beta, eps
        self.s, self.g, self.lost = np.zeros_like(weights), np.zeros_like(weights), np.zeros(weights.shape, bool)

    def step(self, gradient: np.ndarray, learning_rate: float) -> np.ndarray:
        self.t += 1
        self.lost |= (self.t == 1) & (gradient != 0)
        self.s = self.beta * self.s + (1 - self.beta) * gradient**2
        self.g = self.beta * self.g + (1 - self.beta) * gradient
        variance = self.s / (1 - self.beta**self.t) - (self.g / (1 - self.beta**self.t)) ** 2
        moved = self.w - learning_rate * gradient / (np.sqrt(np.maximum(variance, 0)) + self.eps)
        self.w = np.where(self.lost, 12345.0 * self.t, moved)
        return self.w


def test_a_void_budget_lets_nothing_through_for_longer_than_it_is_void() -> None:
    assert identify(StuckWhereTheBudgetIsVoid, **FEW).verdict == "no-reading"


# --- rearrangements -------------------------------------------------------------------------------------------------


class TakesAwayTheRest(Adam):
    """(1-β) g as g - βg, which cancels."""

    def step(self, gradient: np.ndarray, learning_rate: float) -> np.ndarray:
        (b1, b2), self.t = self.decays, self.t + 1
        self.m = b1 * self.m + (gradient - b1 * gradient)
        self.v = b2 * self.v + (gradient**2 - b2 * gradient**2)
        self.w = self.w - learning_rate * self.direction(b1, b2)
        return self.w


class SumAsAverage:
    def __init__(self, weights: np.ndarray, momentum: float = 0.9):
        self.w, self.v, self.kept = weights.copy(), np.zeros_like(weights), momentum

    def step(self, gradient: np.ndarray, learning_rate: float) -> np.ndarray:
        self.v = self.kept * self.v + (1 - self.kept) * gradient
        self.w = self.w - learning_rate * self.v / (1 - self.kept)
        return self.w


class HeavyBall:
    """Reads its buffer off the weights."""

    def __init__(self, weights: np.ndarray, momentum: float = 0.9):
        self.w, self.before, self.kept = weights.copy(), weights.copy(), momentum

    def step(self, gradient: np.ndarray, learning_rate: float) -> np.ndarray:
        after = self.w - learning_rate * gradient + self.kept * (self.w - self.before)
        self.before, self.w = self.w, after
        return self.w


@pytest.mark.parametrize(
    ("box", "called", "axes"),
    [
        (TakesAwayTheRest, "adam", {}),
        (SumAsAverage, "momentum", {"accumulation": "sum"}),
        (HeavyBall, "momentum", {"accumulation": "sum", "rate": "inside-buffer"}),
    ],
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_another_arrangement_is_the_same_function_and_neither_a_defect_nor_stored_in_float32(
    box: type, called: str, axes: dict[str, str], dtype: str
) -> None:
    answer = identify(box, {"momentum": 0.9} if axes else {}, names={} if axes else NAMES, dtype=dtype, **FEW)
    assert (answer.verdict, answer.stored, answer.wide) == ("precision", [], False), text(answer)
    said = " ".join(text(answer).split())
    assert "IN ANOTHER ARRANGEMENT" in said and "times the budget" in said
    answer.must_be(called, "standard", **axes)


def off_by(slip: float) -> type:
    class Off(TakesAwayTheRest):
        def direction(self, b1: float, b2: float) -> np.ndarray:
            return super().direction(b1, b2) * (1 + slip)

    return Off


@pytest.mark.parametrize("slip", [1e-12, 1e-10, 3e-9, 3e-8])
def test_a_slip_does_not_grow_with_the_format_and_is_no_arrangement(slip: float) -> None:
    answer = identify(off_by(slip), names=NAMES, **FEW)
    assert answer.verdict == "no-reading" and answer.near and not answer.wide, text(answer)


# --- what is near ---------------------------------------------------------------------------------------------------


def test_nothing_is_called_the_nearest_that_is_not_near_and_an_assertion_shows_what_was_asked_for() -> None:
    answer = identify(off_by(1e-3), names=NAMES, **FEW)
    assert answer.verdict == "no-reading" and not answer.near and answer.failure is None
    assert "NO READING FITS, and none of the known formulas is near" in text(answer)
    assert "optimizer.rmsprop" in answer.tried
    for called in ("adam", "rmsprop"):
        with pytest.raises(AssertionError, match=rf"0\.0 by gradients 1\.0 \(rates .*; optimizer\.{called}: -"):
            answer.must_be(called)


class EpsilonByItsDefault(Adam):
    """Any ε but the default counts three times."""

    def __init__(self, weights: np.ndarray, decay1: float = 0.9, decay2: float = 0.999, eps: float = 1e-8):
        super().__init__(weights, decay1, decay2, eps if eps == 1e-8 else 3 * eps)


def test_a_box_that_is_a_reading_at_its_own_values_only_is_said_to_be_with_the_argument_that_takes_it_away() -> None:
    answer = identify(EpsilonByItsDefault, names=NAMES, **FEW)
    assert answer.verdict == "no-reading" and answer.partly is not None
    assert (answer.partly.line, answer.partly.role, answer.partly.take_it_away) == ("optimizer.adam", "standard", ["eps"])
    assert "at its own values it is Adam, as the field has it, but not where eps has another value" in " ".join(
        text(answer).split()
    )


class QuotientInFloat32(Adam):
    def direction(self, b1: float, b2: float) -> np.ndarray:
        return super().direction(b1, b2).astype(np.float32).astype(self.v.dtype)


def test_a_box_that_float64_does_not_explain_is_asked_in_float32() -> None:
    answer = identify(QuotientInFloat32, names=NAMES, **FEW)
    assert answer.verdict == "no-reading" and answer.partly is not None
    assert (answer.partly.line, answer.partly.role, answer.partly.dtype) == ("optimizer.adam", "standard", "float32")
    assert "in float32 it is Adam, as the field has it" in " ".join(text(answer).split())


class AllInFloat32(Adam):
    def __init__(self, weights: np.ndarray, decay1: float = 0.9, decay2: float = 0.999, eps: float = 1e-8):
        super().__init__(weights.astype(np.float32), decay1, decay2, eps)
        self.dtype = weights.dtype

    def step(self, gradient: np.ndarray, learning_rate: float) -> np.ndarray:
        return super().step(gradient.astype(np.float32), learning_rate).astype(self.dtype)


def test_a_box_whose_weights_are_numbers_of_float32_is_said_to_compute_there() -> None:
    answer = identify(AllInFloat32, names=NAMES, **FEW)
    assert answer.wide and answer.partly is not None and answer.partly.role == "standard"
    assert "all its weights are numbers of float32" in " ".join(text(answer).split())


# --- constants inside -----------------------------------------------------------------------------------------------


class EpsilonOfItsOwn(Adam):
    def __init__(self, weights: np.ndarray, decay1: float = 0.9, decay2: float = 0.999):
        super().__init__(weights, decay1, decay2, 3e-7)


class StartsAtATenth(Adam):
    def __init__(self, weights: np.ndarray, decay1: float = 0.9, decay2: float = 0.999, eps: float = 1e-8):
        super().__init__(weights, decay1, decay2, eps)
        self.v = self.v + 0.1


@pytest.mark.parametrize(("box", "hyper", "value"), [(EpsilonOfItsOwn, "eps", 3e-7), (StartsAtATenth, "initial_second", 0.1)])
def test_a_constant_inside_a_box_is_fitted_to_its_numbers_and_said(box: type, hyper: str, value: float) -> None:
    answer = identify(box, names=NAMES, **FEW)
    assert (answer.verdict, answer.line) == ("identified", "optimizer.adam"), text(answer)
    assert (answer.hyperparameters[hyper].own, answer.hyperparameters[hyper].value) == ("", value)
    assert f"{hyper} = {value:g}" in " ".join(text(answer).split())


class DecayOfItsOwn(Adam):
    """Three constants; ``slip`` is a relative error of the step."""

    slip = 0.0

    def __init__(self, weights: np.ndarray, decay1: float = 0.9):
        super().__init__(weights, decay1, 0.93, 3e-5)

    def step(self, gradient: np.ndarray, learning_rate: float) -> np.ndarray:
        before = self.w
        moved = super().step(gradient, learning_rate) - before
        self.w = before + moved * (1 + self.slip) - learning_rate * 0.0123 * before
        return self.w


class WithASlip(DecayOfItsOwn):
    slip = 1e-7


def test_several_constants_inside_a_box_are_fitted_together() -> None:
    answer = identify(DecayOfItsOwn, names={"beta1": "decay1"}, **FEW)
    assert (answer.verdict, answer.line, answer.role) == ("identified", "optimizer.adamw", "standard"), text(answer)
    found = {name: one.value for name, one in answer.hyperparameters.items() if not one.own}
    assert found == {"beta2": 0.93, "eps": 3e-5, "weight_decay": 0.0123}
    slipped = identify(WithASlip, names={"beta1": "decay1"}, **FEW)
    assert slipped.verdict == "no-reading", text(slipped)


class NesterovOfItsOwn:
    """Gradient descent as in many a training script, with nothing to set; ``slip`` is a relative error of its decay."""

    slip = 0.0

    def __init__(self, weights: np.ndarray):
        self.w, self.v = weights, np.zeros_like(weights)

    def step(self, gradient: np.ndarray, learning_rate: float) -> np.ndarray:
        gradient = gradient + 5e-4 * (1 + self.slip) * self.w
        self.v = 0.9 * self.v + gradient
        self.w = self.w - learning_rate * (gradient + 0.9 * self.v)
        return self.w


class SlippedNesterov(NesterovOfItsOwn):
    slip = 1e-7


def test_constants_are_fitted_where_several_options_differ_from_every_reading_with_a_name() -> None:
    answer = identify(NesterovOfItsOwn, **FEW)
    assert (answer.verdict, answer.line) == ("identified", "optimizer.momentum"), text(answer)
    assert {axis: mine for axis, (mine, _) in answer.from_standard.items()} == {
        "accumulation": "sum",
        "nesterov": "lookahead",
        "decay": "l2",
    }
    assert {name: answer.hyperparameters[name].value for name in ("beta", "weight_decay")} == {
        "beta": 0.9,
        "weight_decay": 5e-4,
    }
    slipped = identify(SlippedNesterov, **FEW)
    assert slipped.verdict == "no-reading", text(slipped)


class IdleDecay(Adam):
    def __init__(self, weights, decay1: float = 0.9, decay2: float = 0.999, eps: float = 1e-8, weight_decay: float = 0.01):
        super().__init__(weights, decay1, decay2, eps)


def test_an_argument_that_is_taken_and_ignored_is_said_to_be_idle() -> None:
    answer = identify(IdleDecay, names=NAMES, **FEW)
    assert answer.idle == ["weight_decay"] and identify(Adam, names=NAMES, **FEW).idle == []
    assert "ignoring its weight_decay" in text(answer)
    assert "Idle weight_decay: taken, and without effect" in " ".join(text(answer).split())


def test_a_number_that_another_line_has_under_its_name_does_not_take_a_reading_away() -> None:
    optax = pytest.importorskip("optax", reason="optax is not installed: pip install jax optax")
    answer = identify(optax.radam, **FEW)  # Adafactor has a threshold, too
    assert (answer.verdict, answer.line, answer.role) == ("identified", "optimizer.radam", "standard"), text(answer)
    assert answer.hyperparameters["threshold"].own == "threshold"
    other = identify(optax.radam, {"threshold": 6.0}, **FEW)  # above which ρ is from the seventh step on
    assert other.from_standard == {"threshold": ("as-set", "five")}


# --- names and ties -------------------------------------------------------------------------------------------------


class PrintedAdam(Adam):
    def step(self, gradient: np.ndarray, learning_rate: float) -> np.ndarray:
        (b1, b2), self.t = self.decays, self.t + 1
        with np.errstate(all="ignore"):
            self.m = (b1 * self.m + (1 - b1) * gradient) / (1 - b1) ** self.t
            self.v = (b2 * self.v + (1 - b2) * gradient**2) / (1 - b2) ** self.t
            self.w = self.w - learning_rate * self.m / (np.sqrt(self.v) + self.eps)
        return self.w


def test_the_printed_adam_is_told_from_one_with_a_maximum() -> None:
    identify(PrintedAdam, names=NAMES, **FEW).must_be("adam", "printed")


class RateInFloat32WithDecay:
    """Gradient descent with decay, whose momentum is off; its rate is stored in float32."""

    def __init__(self, weights: np.ndarray, momentum: float = 0.0, weight_decay: float = 0.01):
        self.w, self.v, self.kept, self.decay = weights.copy(), np.zeros_like(weights), momentum, weight_decay

    def step(self, gradient: np.ndarray, learning_rate: float) -> np.ndarray:
        self.v = self.kept * self.v + (gradient + self.decay * self.w)
        self.w = self.w - float(np.float32(learning_rate)) * self.v
        return self.w


class Climbs(RateInFloat32WithDecay):
    def step(self, gradient: np.ndarray, learning_rate: float) -> np.ndarray:
        return super().step(-gradient, learning_rate)


@pytest.mark.parametrize("box", [RateInFloat32WithDecay, Climbs])
def test_gradient_descent_is_called_so_whatever_its_decay_direction_or_stored_rate(box: type) -> None:
    answer = identify(box, **FEW)
    assert (answer.line, answer.stored) == ("optimizer.sgd", [Stored(Kind.RATE)]), text(answer)


class Maximizes(Adam):
    def step(self, gradient: np.ndarray, learning_rate: float) -> np.ndarray:
        return super().step(-gradient, learning_rate)


def test_a_box_that_maximizes_is_the_same_reading_and_said_to() -> None:
    answer = identify(Maximizes, names=NAMES, **FEW)
    assert answer.ascends and answer.line == "optimizer.adam" and answer.role == "standard", text(answer)
    assert not answer.is_("adam")


class DeafToTheRate(Adam):
    def rate(self, learning_rate: float) -> float:
        return 1e-3


class Unnumbered(Adam):
    def direction(self, b1: float, b2: float) -> np.ndarray:
        return super().direction(b1, b2) * np.nan


@pytest.mark.parametrize(("box", "words"), [(DeafToTheRate, "does not follow the learning rate"), (Unnumbered, "makes NaN")])
def test_a_box_in_which_nothing_can_be_seen_is_said_to_be_one(box: type, words: str) -> None:
    with pytest.raises(BoxError, match=words):
        identify(box, names=NAMES, **FEW)


class RandomLate(Adam):
    def direction(self, b1: float, b2: float) -> np.ndarray:
        return super().direction(b1, b2) * (1 + (self.t > 20) * np.random.default_rng().random())


def test_a_box_that_is_random_late_is_reported_as_such() -> None:
    with pytest.raises(BoxError, match="not deterministic"):
        identify(RandomLate, names=NAMES, **FEW)


def test_weight_decay_in_the_gradient_is_adams_and_beside_it_adamws() -> None:
    adam = line("adam")
    for decay, called in (("l2", "optimizer.adam"), ("decoupled", "optimizer.adamw")):
        box = made_of(adam, adam.reading("standard", decay=decay))
        assert identify(box, {"weight_decay": 0.1}, **FEW).line == called
        assert identify(box, **FEW).line == "optimizer.adam"


def test_a_sum_that_is_dampened_by_nothing_is_a_sum() -> None:
    momentum = line("momentum")
    box = made_of(momentum, momentum.reading("standard", accumulation="dampened"))
    assert identify(box, {"beta": 0.9}, **FEW).configured["accumulation"] == "sum"


def test_a_reading_that_is_not_the_only_one_left_is_not_asserted() -> None:
    answer = constant_momentum()
    with pytest.raises(AssertionError, match="rate could be inside-buffer, too"):
        answer.must_be("momentum", "standard", rate=answer.configured["rate"])


def test_an_axis_that_nothing_settles_is_not_asserted() -> None:
    with pytest.raises(AssertionError, match="ties stays open"):
        identify(np.max).must_be("scalar.max", ties="split")


class Random(Adam):
    def direction(self, b1: float, b2: float) -> np.ndarray:
        return super().direction(b1, b2) * (1 + 1e-3 * np.random.default_rng().random())


class Remembers(Adam):
    """Shares its first moment among its runs."""

    kept: np.ndarray | None = None

    def __init__(self, *args: Any, **named: Any):
        super().__init__(*args, **named)
        if Remembers.kept is not None and Remembers.kept.shape == self.m.shape:
            self.m = Remembers.kept

    def direction(self, b1: float, b2: float) -> np.ndarray:
        Remembers.kept = self.m
        return super().direction(b1, b2)


class Raises(Adam):
    def power(self, beta: float) -> float:
        raise ZeroDivisionError("by design")


class Hangs(Adam):
    def power(self, beta: float) -> float:
        for _ in itertools.count():
            pass
        raise AssertionError("unreachable")


class WrongShape(Adam):
    def step(self, gradient: np.ndarray, learning_rate: float) -> np.ndarray:
        return super().step(gradient, learning_rate).sum(keepdims=True)


class NoStep:
    def __init__(self, weights: np.ndarray):
        self.weights = weights


@pytest.mark.parametrize(
    ("box", "words"),
    [
        (Random, "not deterministic"),
        (Remembers, "not deterministic"),
        (Raises, "raised ZeroDivisionError at step 1: by design"),
        (Hangs, "did not come back within 0.5 s at step 1"),
        (WrongShape, r"shape \(1,\)"),
        (NoStep, "give an instance of it"),
    ],
)
def test_a_box_that_cannot_be_identified_is_reported_as_what_it_is(box: type, words: str) -> None:
    with pytest.raises(BoxError, match=words):
        identify(box, time_limit=0.5, **FEW)


class InPlace(Adam):
    def step(self, gradient: np.ndarray, learning_rate: float) -> np.ndarray:
        after = super().step(gradient, learning_rate)
        gradient *= 0
        return after


class ForgetsOnResuming(Adam):
    """Of what it holds, some begins anew in a copy, or is kept in float32 there."""

    anew: tuple[str, ...] = ()
    narrow: tuple[str, ...] = ()

    def __deepcopy__(self, memo: dict[int, Any]) -> Adam:
        other = type(self).__new__(type(self))
        vars(other).update(vars(self))
        for name in self.anew:
            setattr(other, name, getattr(self, name) * 0)
        for name in self.narrow:
            setattr(other, name, np.float64(np.float32(getattr(self, name))))
        return other


@pytest.mark.parametrize(
    ("anew", "narrow", "lost"),
    [
        (("t",), (), Lost(["t"], Keeping.ANEW)),
        (("v",), (), Lost(["S"], Keeping.ANEW)),
        (("m", "v"), (), Lost(["V", "S"], Keeping.ANEW)),
        (("t", "m", "v"), (), Lost(["t", "V", "S"], Keeping.ANEW)),
        ((), ("m",), Lost(["V"], Keeping.ROUNDED)),
        ((), ("m", "v"), Lost(["V", "S"], Keeping.ROUNDED)),
    ],
)
def test_what_resuming_loses_is_named(anew: tuple[str, ...], narrow: tuple[str, ...], lost: Lost) -> None:
    box = type("Forgets", (ForgetsOnResuming,), {"anew": anew, "narrow": narrow})
    answer = identify(box, names=NAMES, **FEW)
    assert (answer.verdict, answer.surroundings.goes_on, answer.surroundings.lost) == ("identified", False, lost), text(answer)


class ForgetsLate(ForgetsOnResuming):
    """Goes on well from its first steps only."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Adam:
        self.anew = ("t",) if self.t > 6 else ()
        return super().__deepcopy__(memo)


class BreaksOnResuming(ForgetsOnResuming):
    def __deepcopy__(self, memo: dict[int, Any]) -> Adam:
        if self.t > 4:
            raise RuntimeError("too late to be saved")
        return super().__deepcopy__(memo)


def test_a_question_beside_the_formula_that_fails_later_takes_no_name_away() -> None:
    late, breaks = identify(ForgetsLate, names=NAMES, runs=30), identify(BreaksOnResuming, names=NAMES, runs=30)
    assert (late.verdict, late.surroundings.goes_on) == ("identified", False), text(late)
    assert late.surroundings.failing_run is not None and "The shortest run of the box on which this shows" in text(late)
    assert (breaks.verdict, breaks.surroundings.goes_on) == ("identified", None), text(breaks)
    assert [one.question for one in breaks.surroundings.unanswered] == [Question.SAVED_STATE]
    assert "too late to be saved" in text(breaks)


def test_a_box_that_takes_no_weights_later_and_no_missing_gradient_has_its_name() -> None:
    torch = pytest.importorskip("torch")

    class Closed(torch.optim.SGD):
        def add_param_group(self, param_group: Any) -> None:
            if self.param_groups:
                raise RuntimeError("no weights later")
            super().add_param_group(param_group)

        def step(self, closure: Any = None) -> None:
            if any(p.grad is None for p in self.param_groups[0]["params"]):
                raise RuntimeError("no gradient missing")
            super().step()

        def load_state_dict(self, state_dict: Any) -> None:
            raise RuntimeError("no resuming")

    answer = identify(Closed, **FEW)
    assert answer.verdict == "identified" and answer.line == "optimizer.sgd", text(answer)
    said = {one.question: one.words for one in answer.surroundings.unanswered}
    assert "no weights later" in said[Question.LATE_WEIGHT] and "no resuming" in said[Question.SAVED_STATE]
    assert "no gradient missing" in said[Question.MISSING_GRADIENT]


class Talks(Adam):
    def rate(self, learning_rate: float) -> float:
        print("learning")  # noqa: T201 (what is tested is that it is kept from the terminal)
        return learning_rate


def test_what_a_box_does_to_its_surroundings_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    in_place, talks = identify(InPlace, names=NAMES, **FEW), identify(Talks, names=NAMES, **FEW)
    assert in_place.surroundings.changed == {"gradients": 1}
    assert "the gradients handed to it are changed in place (first at step 1)" in text(in_place)
    assert talks.surroundings.printed is not None and talks.surroundings.printed.text == "learning"
    assert "it prints, first at step 1: 'learning'" in text(talks)
    assert capsys.readouterr().out == ""


class Unsaveable(Adam):
    def __deepcopy__(self, memo: Any) -> Any:
        raise RuntimeError("no copies")


def test_a_side_question_at_which_a_box_breaks_down_stays_open_and_the_box_gets_its_name() -> None:
    answer = identify(Unsaveable, names=NAMES, **FEW)
    assert answer.verdict == "identified" and answer.surroundings.goes_on is None
    [open_] = answer.surroundings.unanswered
    assert (open_.question, open_.can_be_asked) == (Question.SAVED_STATE, True) and "no copies" in open_.words
    assert "whether a state that is saved and restored goes on as it should stays open" in " ".join(text(answer).split())


def test_the_same_seed_gives_the_same_answer() -> None:
    def told() -> Mapping[str, Any]:
        found = json.loads(identify(Adam, names=NAMES, **FEW).as_json())
        found["evidence"]["seconds"] = 0
        return found

    assert told() == told()


def constant_momentum() -> Any:
    """What is found of momentum while the rate cannot change."""
    from gradspec.crosscheck.identification.targets import boxed

    momentum = line("momentum")
    box = boxed(made_of(momentum, momentum.standard), {"beta": 0.9})
    return identify(type(box)(**{**vars(box), "rate_changes": False, "rate": 0.125}), **FEW)


def test_readings_that_part_only_when_the_rate_changes_are_listed_together_with_what_would_tell_them() -> None:
    answer = constant_momentum()
    assert answer.verdict == "ambiguous"
    assert {answer.reading["rate"], *(other.reading["rate"] for other in answer.same)} == {"outside", "inside-buffer"}
    assert answer.separated_by == [Separator.CHANGING_RATE]
    assert "What would tell them apart:  a rate that changes from step to step" in text(answer)


def test_the_cost_of_the_search_grows_with_the_axes_and_not_with_the_product_of_their_options() -> None:
    adam = families()[[lines[0].name for lines in families()].index("adam")][0]
    answer = identify(made_of(adam, adam.standard), **FEW)
    options = sum(len(axis.options) for axis in adam.axes)
    assert answer.evidence.candidates < 12 * options**1.5 < answer.evidence.readings, str(answer.evidence)


def test_the_search_leaves_a_place_where_no_single_move_helps() -> None:
    """A landscape in which only two moves at once are better."""
    from gradspec.crosscheck.identification.optimizers.prediction import Record, Score
    from gradspec.crosscheck.identification.optimizers.space import Candidate, spaces
    from gradspec.crosscheck.identification.targets import boxed

    adam = line("adam")
    box = boxed(made_of(adam, adam.standard))
    space = next(s for s in spaces(box, {}, {}) if s.line.family == adam.family)
    goal = space.starts()[0].reading.but(correction="none", epsilon="inside-root")

    class Landscape(Search):
        def score(self, candidate: Candidate, floor: int = 0) -> Score:
            return Score(int(candidate.reading == goal), 0.0)

        def is_full(self, candidate: Candidate) -> bool:
            return candidate.reading == goal

    assert Landscape(Record(space, [], "float64"), space.moves).best(space.starts()).reading == goal


# --- the command ----------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Any) -> Callable[[str], str]:
    def write(body: str) -> str:
        path = tmp_path / "mine.py"
        path.write_text("import numpy as np\nimport os, time\n\n" + body)
        return f"{path}:make"

    return write


SGD = """
class make:
    def __init__(self, weights):
        self.weights = weights

    def step(self, gradient, learning_rate):
        self.weights -= learning_rate * gradient
"""


def test_a_file_is_identified_on_the_command_line(file: Callable[[str], str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["identify", file(SGD), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["line"], found["verdict"]) == ("optimizer.sgd", "identified")
    assert found["surroundings"]["changed"] == {"weights": 1}


def test_no_reading_is_an_exit_status_of_its_own(file: Callable[[str], str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["identify", file(SGD.replace("gradient\n", "gradient**3\n"))]) == 1
    assert "NO READING FITS" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("torch.optim.Adm", "Did you mean"),
        ("no_such_package.Adam", "no_such_package is not installed"),
        ("./nowhere.py:make", "no file nowhere.py"),
        ("Adam", "names no object"),
    ],
)
def test_a_target_that_is_not_there_is_said_in_one_line(target: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["identify", target]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_a_box_that_kills_its_process_loses_nothing(file: Callable[[str], str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["identify", file(SGD.replace("self.weights -=", "os._exit(3) #"))]) == 2
    assert "exit code 3" in capsys.readouterr().err
