"""Optimizers whose weights are stored in fewer digits than their steps are computed in, written here anew: the right ones are
named with the format and the rounding, those with a slip are no reading, and those that round with a bias are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from gradspec.adapters import BoxError
from gradspec.crosscheck.answers import Identification, Kind, Separator, Way
from gradspec.crosscheck.identification import identify
from gradspec.reports.terminal import text

Rounding = Callable[[Any, np.ndarray], np.ndarray]
BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
LOW, HIGH = np.uint32(0xFFFF), np.uint32(0xFFFF0000)  # the bits of a float32 that a bfloat16 lacks, and has


def nearest(format_: Any) -> Rounding:
    return lambda self, x: x.astype(format_).astype(x.dtype)


def from_bits(bits: np.ndarray, dtype: Any) -> np.ndarray:
    return (bits & HIGH).view(np.float32).astype(dtype)


def cut_off(self: Any, x: np.ndarray) -> np.ndarray:
    return from_bits(x.astype(np.float32).view(np.uint32), x.dtype)


def at_random(reach: int) -> Rounding:
    """Up with the chance of the share of the way, if ``reach`` is all of it; seldomer than that, if it is less."""

    def rounding(self: Any, x: np.ndarray) -> np.ndarray:
        bits = x.astype(np.float32).view(np.uint32)
        return from_bits(bits + self.draw.integers(0, reach, size=bits.shape, dtype=np.uint32), x.dtype)

    return rounding


def by_a_coin(self: Any, x: np.ndarray) -> np.ndarray:
    bits = x.astype(np.float32).view(np.uint32)
    up = (self.draw.random(bits.shape) < 0.5) & ((bits & LOW) != 0)
    return from_bits(bits + np.where(up, LOW + np.uint32(1), np.uint32(0)).astype(np.uint32), x.dtype)


class Adam:
    """Computed in ``computed``; what is ``kept`` is rounded after each step: weights, a copy of them that is shown, or all."""

    rounding: Rounding
    computed: Any = np.float32
    kept, slip = "weights", 0.0

    def __init__(self, weights: np.ndarray, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8):
        self.dtype, self.t, self.draw = weights.dtype, 0, np.random.default_rng()
        self.h = [self.computed(x) for x in (beta1, beta2, eps)]
        self.w = np.asarray(weights, self.computed)
        self.m = self.v = np.zeros_like(self.w)
        self.put_away()

    def put_away(self) -> None:
        self.shown = self.rounding(self.w)
        self.w = self.w if self.kept == "copy" else self.shown
        if self.kept == "all":
            self.m, self.v = self.rounding(self.m), self.rounding(self.v)

    def step(self, gradient: np.ndarray, learning_rate: float) -> np.ndarray:
        (b1, b2, eps), one, g = self.h, self.computed(1), np.asarray(gradient, self.computed)
        self.t += 1
        self.m, self.v = b1 * self.m + (one - b1) * g, b2 * self.v + (one - b2) * g * g
        m, v = self.m / (one - b1**self.t), self.v / (one - b2**self.t)
        self.w = self.w - self.computed(learning_rate * (1 + self.slip)) * m / (np.sqrt(v) + eps)
        self.put_away()
        return self.shown.astype(self.dtype)


def made(rounding: Rounding, kept: str = "weights", computed: Any = np.float32, slip: float = 0.0) -> type[Adam]:
    return type("Box", (Adam,), {"rounding": rounding, "kept": kept, "computed": computed, "slip": slip})


WEIGHTS, COPY = (Kind.WEIGHTS, ""), (Kind.COPY, "")
ALL = {WEIGHTS, (Kind.STATE, "V"), (Kind.STATE, "S")}
RIGHT: dict[str, tuple[type[Adam], set[tuple[Kind, str]], Way, str]] = {
    "weights in bfloat16": (made(nearest(BFLOAT16)), {WEIGHTS}, Way.ROUNDED, "bfloat16"),
    "weights in float16": (made(nearest(np.float16)), {WEIGHTS}, Way.ROUNDED, "float16"),
    "weights in float32": (made(nearest(np.float32), computed=np.float64), {WEIGHTS}, Way.ROUNDED, "float32"),
    "a copy in bfloat16": (made(nearest(BFLOAT16), "copy"), {COPY}, Way.ROUNDED, "bfloat16"),
    "a copy in float16": (made(nearest(np.float16), "copy"), {COPY}, Way.ROUNDED, "float16"),
    "a copy in float32": (made(nearest(np.float32), "copy", np.float64), {COPY}, Way.ROUNDED, "float32"),
    "all in bfloat16": (made(nearest(BFLOAT16), "all"), ALL, Way.ROUNDED, "bfloat16"),
    "weights cut off": (made(cut_off), {WEIGHTS}, Way.CUT_OFF, "bfloat16"),
    "weights at random": (made(at_random(1 << 16)), {WEIGHTS}, Way.AT_RANDOM, "bfloat16"),
}
WRONG = {
    "weights in bfloat16": made(nearest(BFLOAT16), slip=0.02),
    "weights in float32": made(nearest(np.float32), computed=np.float64, slip=1e-5),
    "a copy in float16": made(nearest(np.float16), "copy", slip=0.01),
}
BIASED = {
    "seldom up": made(at_random(1 << 15)),
    "up as often as down": made(by_a_coin),
    "slipped": made(at_random(1 << 16), slip=0.1),
}


def answered(box: type[Any], **options: Any) -> Identification:
    answer = identify(box, **options)
    assert isinstance(answer, Identification)
    return answer


NARROWER = [(name, dtype) for name, (*_, format_) in RIGHT.items() for dtype in ("float64", "float32") if dtype != format_]


@pytest.mark.parametrize(("name", "dtype"), NARROWER)
def test_weights_in_fewer_digits_are_named_with_their_format(name: str, dtype: str) -> None:
    box, stored, way, format_ = RIGHT[name]
    answer = answered(box, dtype=dtype)
    assert (answer.verdict, answer.line, answer.from_standard) == ("identified", "optimizer.adam", {})
    assert {(one.kind, one.name) for one in answer.stored} == stored
    assert {(one.way, one.format) for one in answer.stored} == {(way, format_)}
    assert not answer.same_as
    assert format_ in text(answer)
    if box.computed is np.float32:
        assert answer.computed == ("float32" if dtype == "float64" else "")


@pytest.mark.parametrize("name", WRONG)
def test_a_slip_of_more_than_the_format_hides_is_no_reading(name: str) -> None:
    assert answered(WRONG[name]).verdict == "no-reading"


@pytest.mark.parametrize("name", BIASED)
def test_what_is_random_otherwise_is_refused(name: str) -> None:
    with pytest.raises(BoxError, match=r"with a bias|not deterministic"):
        identify(BIASED[name])


def test_an_answer_on_a_random_rounding_says_that_two_runs_differ() -> None:
    assert "Two equal runs differ" in " ".join(text(answered(RIGHT["weights at random"][0])).split())


# --- boxes that compute in a format of few digits throughout --------------------------------------------------------


class Written:
    """An optimizer typed into NumPy, which computes in the dtype of what it is handed."""

    def __init__(self, weights: np.ndarray, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8):
        self.w, self.t, self.h = weights, 0, (beta1, beta2, eps)
        self.m = self.v = np.zeros_like(weights)

    def step(self, g: np.ndarray, learning_rate: float) -> np.ndarray:
        b1, b2, eps = self.h
        self.t += 1
        self.m, self.v = b1 * self.m + (1 - b1) * g, b2 * self.v + (1 - b2) * g * g
        self.w = self.w - self.moved(learning_rate, b1, b2, eps)
        return self.w

    def moved(self, rate: float, b1: float, b2: float, eps: float) -> np.ndarray:
        return rate * (self.m / (1 - b1**self.t)) / (np.sqrt(self.v / (1 - b2**self.t)) + eps)


class Uncorrected(Written):
    def moved(self, rate: float, b1: float, b2: float, eps: float) -> np.ndarray:
        return rate * self.m / (np.sqrt(self.v) + eps)


class Momentum:
    slip = 0.0

    def __init__(self, weights: np.ndarray, momentum: float = 0.9):
        self.w, self.b, self.momentum = weights, np.zeros_like(weights), momentum

    def step(self, g: np.ndarray, learning_rate: float) -> np.ndarray:
        self.b = self.momentum * self.b + g
        self.w = self.w - learning_rate * (1 + self.slip) * self.b
        return self.w


class Slipped(Momentum):
    slip = 0.1


class Lion:
    def __init__(self, weights: np.ndarray, beta1: float = 0.9, beta2: float = 0.99):
        self.w, self.m, self.h = weights, np.zeros_like(weights), (beta1, beta2)

    def step(self, g: np.ndarray, learning_rate: float) -> np.ndarray:
        b1, b2 = self.h
        self.w = self.w - learning_rate * np.sign(b1 * self.m + (1 - b1) * g)
        self.m = b2 * self.m + (1 - b2) * g
        return self.w


FLOAT16 = {
    Written: ("optimizer.adam", {}),
    Uncorrected: ("optimizer.adam", {"correction": ("none", "complement-of-power")}),
    Momentum: ("optimizer.momentum", {"accumulation": ("sum", "average")}),
    Lion: ("optimizer.lion", {"decay": ("none", "decoupled")}),
}


@pytest.mark.parametrize("box", FLOAT16, ids=lambda box: box.__name__)
def test_a_box_is_named_in_float16(box: type[Any]) -> None:
    answer = answered(box, dtype="float16")
    assert (answer.verdict, answer.line, answer.from_standard) == ("identified", *FLOAT16[box])
    assert not answer.stored


def test_a_slip_is_no_reading_in_float16_and_nothing_is_said_to_be_near() -> None:
    answer = answered(Slipped, dtype="float16")
    assert answer.verdict == "no-reading"
    assert answer.line == "optimizer.momentum" or not answer.near


class Only32(Momentum):
    """It makes float32 of whatever it is handed."""

    def __init__(self, weights: np.ndarray, momentum: float = 0.9):
        super().__init__(np.asarray(weights, np.float32), momentum)

    def step(self, g: np.ndarray, learning_rate: float) -> np.ndarray:
        return super().step(np.asarray(g, np.float32), np.float32(learning_rate))


def test_a_box_is_asked_in_the_dtype_it_works_in_unless_another_is_asked_for() -> None:
    answer = answered(Only32)
    assert (answer.verdict, answer.dtype, answer.line) == ("identified", "float32", "optimizer.momentum")
    with pytest.raises(BoxError, match="float32"):
        identify(Only32, dtype="float64")


class WithFewDigitsInside:
    """Adam whose first average is put away in bfloat16, beside weights of many digits; ``slip`` is one in its rate."""

    slip = 0.0

    def __init__(self, weights: np.ndarray, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8):
        self.w, self.h, self.t = weights, (beta1, beta2, eps), 0
        self.m, self.v = np.zeros(weights.shape, BFLOAT16), np.zeros_like(weights)

    def step(self, gradient: np.ndarray, learning_rate: float) -> np.ndarray:
        beta1, beta2, eps = self.h
        self.t += 1
        m = beta1 * self.m.astype(self.w.dtype) + (1 - beta1) * gradient
        self.m, self.v = m.astype(BFLOAT16), beta2 * self.v + (1 - beta2) * gradient**2
        step = (m / (1 - beta1**self.t)) / (np.sqrt(self.v / (1 - beta2**self.t)) + eps)
        self.w = (self.w - learning_rate * (1 + self.slip) * step).astype(self.w.dtype)
        return self.w


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_state_in_fewer_digits_beside_weights_of_many_is_named(dtype: str):
    found = identify(WithFewDigitsInside, dtype=dtype)
    assert isinstance(found, Identification)
    assert (found.verdict, found.line) == ("identified", "optimizer.adam")
    assert [(one.kind, one.name, one.format) for one in found.stored] == [(Kind.STATE, "V", "bfloat16")]
    assert "bfloat16" in text(found).splitlines()[0] + text(found).splitlines()[1]


def test_a_slip_is_not_hidden_by_a_state_in_fewer_digits():
    found = identify(type("Slipped", (WithFewDigitsInside,), {"slip": 1e-3}))
    assert isinstance(found, Identification) and found.verdict == "no-reading"


def test_what_optax_puts_away_in_bfloat16_is_multiplied_there():
    optax = pytest.importorskip("optax")
    found = identify(optax.sgd, {"momentum": 0.9, "accumulator_dtype": "bfloat16"}, dtype="float32")
    assert isinstance(found, Identification)
    assert (found.verdict, found.line) == ("identified", "optimizer.momentum")
    assert [(one.name, one.way, one.format) for one in found.stored] == [("V", Way.ARRAY, "bfloat16")]


class InItsOwnFormat:
    """Adam with constants of its own that computes in whatever format its weights have."""

    def __init__(self, weights: np.ndarray):
        self.w, self.t = weights, 0
        self.m, self.v = np.zeros_like(weights), np.zeros_like(weights)

    def step(self, gradient: np.ndarray, learning_rate: float) -> np.ndarray:
        self.t += 1
        self.m = 0.9 * self.m + (1 - 0.9) * gradient
        self.v = 0.999 * self.v + (1 - 0.999) * gradient * gradient
        step = self.m / (1 - 0.9**self.t) / (np.sqrt(self.v / (1 - 0.999**self.t)) + 1e-8)
        self.w = self.w - learning_rate * step
        return self.w


def test_of_lines_that_few_digits_do_not_tell_apart_the_sheets_is_named_first_and_more_digits_are_asked_for():
    found = identify(InItsOwnFormat, dtype="float16")
    assert isinstance(found, Identification)
    assert (found.verdict, found.line, found.also) == ("ambiguous", "optimizer.adam", ["optimizer.yogi"])
    assert found.separated_by == [Separator.FLOAT64] and found.evidence.before <= 60
    assert found.surroundings.goes_on is not None  # what the first of them does beside its formula is asked
