"""Optimizers behind a wrapper, written here anew: the right ones are named with it, those with a slip in it are no reading."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gradspec import port
from gradspec.adapters import BoxError
from gradspec.crosscheck.answers import Identification
from gradspec.crosscheck.identification import identify
from gradspec.reports.terminal import text

Step = Callable[[Any, np.ndarray, float], None]


class Adam:
    def __init__(self, weights: np.ndarray, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8):
        self.w, self.t, self.h = np.array(weights), 0, (beta1, beta2, eps)
        self.m = self.v = self.total = np.zeros_like(self.w)
        self.calls, self.late = 0, 0.0
        self.slow = self.fast = self.w

    def inner(self, g: np.ndarray, rate: float) -> None:
        b1, b2, eps = self.h
        self.t += 1
        self.m, self.v = b1 * self.m + (1 - b1) * g, b2 * self.v + (1 - b2) * g * g
        self.w = self.w - rate * (self.m / (1 - b1**self.t)) / (np.sqrt(self.v / (1 - b2**self.t)) + eps)


class Sgd(Adam):
    def __init__(self, weights: np.ndarray):
        super().__init__(weights)

    def inner(self, g: np.ndarray, rate: float) -> None:
        self.w = self.w - rate * g


class Heavy(Adam):
    def __init__(self, weights: np.ndarray, momentum: float = 0.9):
        super().__init__(weights, momentum)

    def inner(self, g: np.ndarray, rate: float) -> None:
        self.m = self.h[0] * self.m + g
        self.w = self.w - rate * self.m


def made(base: type[Any], step: Step) -> type[Any]:
    class Box(base):
        def step(self, g: np.ndarray, rate: float) -> np.ndarray:
            step(self, g, rate)
            return np.array(self.w)

    return Box


def accumulated(k: int, finish: Callable[[np.ndarray], np.ndarray], counts_calls: bool = False) -> Step:
    def step(self: Any, g: np.ndarray, rate: float) -> None:
        self.total, self.calls = self.total + g, self.calls + 1
        if self.calls % k == 0:
            self.t += (k - 1) * counts_calls
            self.inner(finish(self.total), rate)
            self.total = np.zeros_like(self.w)

    return step


def last_one_lost(self: Any, g: np.ndarray, rate: float) -> None:
    self.calls += 1
    if self.calls % 2 == 0:
        self.inner(self.total, rate)
        self.total = np.zeros_like(self.w)
    else:
        self.total = self.total + g


def clipped(below: float, above: float) -> Step:
    return lambda self, g, rate: self.inner(np.clip(g, below, above), rate)


def times(factor: float) -> Step:
    return lambda self, g, rate: self.inner(g, rate * factor)


def late(self: Any, g: np.ndarray, rate: float) -> None:
    self.inner(g, self.late)
    self.late = rate


def looking_ahead(back: float) -> Step:
    def step(self: Any, g: np.ndarray, rate: float) -> None:
        self.inner(g, rate)
        self.calls += 1
        if self.calls % 5 == 0:
            self.slow = self.slow + 0.5 * (self.w - self.slow)
            self.w = self.slow + back * (self.w - self.slow)

    return step


def averaged(kept: float, part: float) -> Step:
    def step(self: Any, g: np.ndarray, rate: float) -> None:
        shown, self.w = self.w, self.fast
        self.inner(g, rate)
        self.fast, self.w = self.w, kept * shown + part * self.w

    return step


def clipped_to_a_norm(largest: float) -> Step:
    return lambda self, g, rate: self.inner(g * min(1.0, largest / np.sqrt((g * g).sum())), rate)


def clipped_before(largest: float, add_up: Step) -> Step:
    return lambda self, g, rate: add_up(self, np.clip(g, -largest, largest), rate)


def clip_to_one(total: np.ndarray) -> np.ndarray:
    return np.clip(total / 2, -1.0, 1.0)


def clip_to_a_norm_of_one(total: np.ndarray) -> np.ndarray:
    mean = total / 3
    return mean * min(1.0, 1.0 / (np.sqrt((mean * mean).sum()) + 1e-6))


ADAM, SGD, MOMENTUM = "optimizer.adam", "optimizer.sgd", "optimizer.momentum"
MEAN = "accumulation-of-mean"
RIGHT: dict[str, tuple[type[Any], str, str, dict[str, float]]] = {
    "mean of 4": (made(Adam, accumulated(4, lambda s: s / 4)), ADAM, "accumulation-of-mean", {"k": 4}),
    "mean of 3": (made(Sgd, accumulated(3, lambda s: s / 3)), SGD, "accumulation-of-mean", {"k": 3}),
    "sum of 2": (made(Adam, accumulated(2, lambda s: s)), ADAM, "accumulation-of-sum", {"k": 2}),
    "sum of 4": (made(Sgd, accumulated(4, lambda s: s)), SGD, "accumulation-of-sum", {"k": 4}),
    "clipped to 0.5": (made(Sgd, clipped(-0.5, 0.5)), SGD, "clip-by-value", {"largest": 0.5}),
    "Adam, clipped to 1": (made(Adam, clipped(-1.0, 1.0)), ADAM, "clip-by-value", {"largest": 1.0}),
    "half the rate": (made(Adam, times(0.5)), ADAM, "rate-times-factor", {"factor": 0.5}),
    "0.3 of the rate": (made(Sgd, times(0.3)), SGD, "rate-times-factor", {"factor": 0.3}),
    "a late rate": (made(Sgd, late), SGD, "rate-late-from-zero", {}),
    "Adam, a late rate": (made(Adam, late), ADAM, "rate-late-from-zero", {}),
    "look-ahead": (made(Adam, looking_ahead(0.0)), ADAM, "look-ahead", {"k": 5, "share": 0.5}),
    "mean of 2, clipped to 1": (
        made(Adam, accumulated(2, clip_to_one)),
        ADAM,
        f"{MEAN}+clip-by-value",
        {"k": 2, "largest": 1.0},
    ),
    "clipped to 0.5, sum of 4": (
        made(Sgd, clipped_before(0.5, accumulated(4, lambda s: s))),
        SGD,
        "clip-by-value+accumulation-of-sum",
        {"k": 4, "largest": 0.5},
    ),
    "mean of 3, clipped to a norm of 1": (
        made(Sgd, accumulated(3, clip_to_a_norm_of_one)),
        SGD,
        f"{MEAN}+clip-by-norm-and-more",
        {"k": 3, "norm": 1.0},
    ),
    "momentum, clipped to a norm of 10": (made(Heavy, clipped_to_a_norm(10.0)), MOMENTUM, "clip-by-norm", {"norm": 10.0}),
    "an average": (made(Adam, averaged(0.9, 1 - 0.9)), ADAM, "averaged-weights", {"kept": 0.9}),
}
WRONG: dict[str, type[Any]] = {
    "a mean that is off by 1e-9": made(Adam, accumulated(4, lambda s: s / 4 * (1 + 1e-9))),
    "a sum that is off by 3e-8": made(Sgd, accumulated(2, lambda s: s * (1 + 3e-8))),
    "a step counter of calls": made(Adam, accumulated(2, lambda s: s / 2, counts_calls=True)),
    "the last gradient is lost": made(Adam, last_one_lost),
    "clipped on one side": made(Sgd, clipped(-np.inf, 1.0)),
    "clipped otherwise below": made(Sgd, clipped(-0.5, 1.0)),
    "clipped to 1, and a mean of 2 that is off by 1e-8": made(Sgd, accumulated(2, lambda s: clip_to_one(s * (1 + 1e-8)))),
    "a factor that is off by 1e-9": made(Sgd, times(0.5 * (1 + 1e-9))),
    "fast weights that do not come all the way back": made(Sgd, looking_ahead(1e-8)),
    "an average that is off by 1e-9": made(Sgd, averaged(0.9, 0.1 * (1 + 1e-9))),
}


def answered(box: type[Any]) -> Identification:
    answer = identify(box)
    assert isinstance(answer, Identification)
    return answer


@pytest.mark.parametrize("name", RIGHT)
def test_what_stands_behind_a_wrapper_is_named_with_it(name: str) -> None:
    box, line, wrapper, values = RIGHT[name]
    answer = answered(box)
    assert (answer.verdict, answer.line) == ("identified", line) and answer.behind is not None
    assert answer.behind.wrapper == wrapper
    assert {parameter: bound.value for parameter, bound in answer.behind.parameters.items()} == values
    assert not answer.same_as
    with pytest.raises(AssertionError, match="behind"):
        answer.must_be(line, answer.configured)
    assert answer.behind.words in " ".join(text(answer).split())


@pytest.mark.parametrize("name", WRONG)
def test_a_slip_in_a_wrapper_is_no_reading(name: str) -> None:
    answer = answered(WRONG[name])
    assert answer.verdict == "no-reading" and answer.behind is None


def test_what_stands_behind_a_wrapper_is_not_ported_with_it() -> None:
    with pytest.raises(BoxError, match=r"behind the rate times 0\.5"):
        port(made(Adam, times(0.5)), to="torch")
