"""Readings that exist outside, as black boxes in NumPy: each is named, and none in its place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gradspec.crosscheck.answers import Identification
from gradspec.crosscheck.identification import identify


class Adam:
    """The field's; others change one of its parts."""

    def __init__(self, weights: Any, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8):
        self.w, self.m, self.v = np.array(weights), np.zeros_like(weights), np.zeros_like(weights)
        self.b1, self.b2, self.eps, self.t, self.factor = beta1, beta2, eps, 0, 1.0

    def average(self, g: Any) -> None:
        self.m, self.v = self.b1 * self.m + (1 - self.b1) * g, self.b2 * self.v + (1 - self.b2) * g * g

    def hats(self, g: Any) -> tuple[Any, Any]:
        return self.m / (1 - self.b1**self.t), self.v / (1 - self.b2**self.t)

    def step(self, gradient: Any, learning_rate: float) -> Any:
        self.t += 1
        self.average(gradient)
        m, v = self.hats(gradient)
        self.w = self.w - learning_rate * m / (np.sqrt(v) + self.eps)
        return self.w


class Averaged(Adam):
    def hats(self, g: Any) -> tuple[Any, Any]:
        return (self.b1 * self.m + (1 - self.b1) * g) / (1 - self.b1**self.t), self.v / (1 - self.b2**self.t)


class StoredQuotients(Adam):
    def hats(self, g: Any) -> tuple[Any, Any]:
        self.m, self.v = super().hats(g)
        return self.m, self.v


class StoredQuotientOfV(Adam):
    def hats(self, g: Any) -> tuple[Any, Any]:
        self.m, v = super().hats(g)
        return self.m, v


class Forgetful(Adam):
    def average(self, g: Any) -> None:
        self.m, self.v = (1 - self.b1) * g, (1 - self.b2) * g * g


class BegunAnew(Forgetful):
    def hats(self, g: Any) -> tuple[Any, Any]:
        return self.m / (1 - self.b1), self.v / (1 - self.b2)


class FromFirst(Adam):
    def average(self, g: Any) -> None:
        if self.t == 1:
            self.m, self.v = 1.0 * g, g * g
        else:
            super().average(g)

    def hats(self, g: Any) -> tuple[Any, Any]:
        return self.m, self.v


class ByRate(Adam):
    """Which corrects its rate; ``corrected(beta, t)`` is what of a moment is there after t steps."""

    def corrected(self, beta: float) -> float:
        return 1 - beta**self.t

    def rate(self, given: float) -> float:
        return given * np.sqrt(self.corrected(self.b2)) / self.corrected(self.b1)

    def root(self) -> Any:
        return np.sqrt(self.v) + self.eps

    def step(self, gradient: Any, learning_rate: float) -> Any:
        self.t += 1
        self.average(gradient)
        self.w = self.w - self.rate(learning_rate) * self.m / self.root()
        return self.w


class InsideBefore(ByRate):
    def root(self) -> Any:
        return np.sqrt(self.v + self.eps)


class Compounding(ByRate):
    def rate(self, given: float) -> float:
        self.factor = super().rate(self.factor)
        return given * self.factor


class NewWeightsCorrectedAsKept(ByRate):
    def __init__(self, weights: Any, b1: float = 0.1, b2: float = 0.001, e: float = 1e-8):
        super().__init__(weights, b1, b2, e)

    def average(self, g: Any) -> None:
        self.m, self.v = self.b1 * g + (1 - self.b1) * self.m, self.b2 * g * g + (1 - self.b2) * self.v


class NewWeights(NewWeightsCorrectedAsKept):
    def corrected(self, beta: float) -> float:
        return 1 - (1 - beta) ** self.t


class Decayed(Adam):
    def __init__(self, weights: Any, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8, weight_decay: float = 0.01):
        super().__init__(weights, beta1, beta2, eps)
        self.decay = weight_decay


class DecayedLast(Decayed):
    def step(self, gradient: Any, learning_rate: float) -> Any:
        super().step(gradient, learning_rate)
        self.w = self.w - self.decay * self.w
        return self.w


class LessTheRateTimesDecay(Decayed):
    def step(self, gradient: Any, learning_rate: float) -> Any:
        self.w = self.w - learning_rate * self.decay
        return super().step(gradient, learning_rate)


class LessTheDecay(Decayed):
    def step(self, gradient: Any, learning_rate: float) -> Any:
        self.w = self.w - self.decay
        return super().step(gradient, learning_rate)


class MomentumOfNewWeights:
    def __init__(self, weights: Any, beta: float = 0.1):
        self.w, self.v, self.beta = np.array(weights), np.zeros_like(weights), beta

    def step(self, gradient: Any, learning_rate: float) -> Any:
        self.v = (1 - self.beta) * self.v + self.beta * gradient
        self.w = self.w - learning_rate * self.v
        return self.w


class StablyDecayed:
    """By as much more as the buffer adds up; ``slip`` is a relative error in that."""

    slip = 0.0

    def __init__(self, weights: Any, momentum: float = 0.9, weight_decay: float = 0.01):
        self.w, self.v, self.momentum, self.decay = np.array(weights), np.zeros_like(weights), momentum, weight_decay

    def step(self, gradient: Any, learning_rate: float) -> Any:
        self.v = self.momentum * self.v + gradient
        decay = learning_rate * self.decay / (1 - self.momentum) * (1 + self.slip)
        self.w = self.w - learning_rate * self.v - decay * self.w
        return self.w


class DecayedRelatively(Decayed):
    first = 0.0

    def step(self, gradient: Any, learning_rate: float) -> Any:
        self.first = self.first or learning_rate
        self.w = self.w * (1 - learning_rate / self.first * self.decay)
        return Adam.step(self, gradient, learning_rate)


_BEFORE = {"epsilon_order": "before-correction"}
OUTSIDE: dict[Any, tuple[str, dict[str, str]]] = {
    Averaged: ("nadam", {"lookahead": "nadam-averaged"}),
    StoredQuotients: ("adam", {"stored": "quotient"}),
    StoredQuotientOfV: ("adam", {"stored": "first-quotient"}),
    Forgetful: ("adam", {"stored": "nothing-kept"}),
    BegunAnew: ("adam", {"stored": "nothing-kept", "correction": "complement"}),
    FromFirst: ("adam", {"correction": "none", "first_start": "first-gradient", "second_start": "first-gradient"}),
    InsideBefore: ("adam", {"epsilon": "inside-root", **_BEFORE}),
    Compounding: ("adam", {"correction": "compounding", **_BEFORE}),
    NewWeights: ("adam", {"betas": "of-new", **_BEFORE}),
    NewWeightsCorrectedAsKept: ("adam", {"betas": "of-new-corrected-as-of-kept", **_BEFORE}),
    DecayedLast: ("adamw", {"decay": "decoupled-after-unscaled"}),
    LessTheRateTimesDecay: ("adam", {"decay": "constant-scaled"}),
    LessTheDecay: ("adam", {"decay": "constant-unscaled"}),
    DecayedRelatively: ("adamw", {"decay": "decoupled-relative"}),
    StablyDecayed: ("momentum", {"accumulation": "sum", "decay": "decoupled-stable"}),
    MomentumOfNewWeights: ("momentum", {"betas": "of-new"}),
}


@pytest.mark.parametrize("box", OUTSIDE, ids=lambda box: box.__name__)
def test_a_reading_that_exists_outside_is_identified(box: Any) -> None:
    line, axes = OUTSIDE[box]
    answer = identify(box)
    assert isinstance(answer, Identification)
    assert (answer.verdict, answer.line) == ("identified", f"optimizer.{line}")
    assert {axis: there for axis, (there, _) in answer.from_standard.items()} == axes


class StablyDecayedWithASlip(StablyDecayed):
    slip = 1e-8


class DecayedRelativelyToTheSecond(DecayedRelatively):
    def step(self, gradient: Any, learning_rate: float) -> Any:
        self.first = learning_rate if self.t < 2 else self.first
        return super().step(gradient, learning_rate)


@pytest.mark.parametrize("box", [StablyDecayedWithASlip, DecayedRelativelyToTheSecond], ids=lambda box: box.__name__)
def test_what_is_near_to_one_is_no_reading(box: Any) -> None:
    assert identify(box).verdict == "no-reading"
