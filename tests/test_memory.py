"""Boxes that keep nothing of their state from step to step, or the step counter alone; and such as only seem to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gradspec import port
from gradspec.adapters import BoxError
from gradspec.crosscheck.answers import Identification, Memory
from gradspec.crosscheck.identification import identify
from gradspec.reports.terminal import text

Step = Callable[[np.ndarray, int, dict[str, np.ndarray]], np.ndarray]


def box(step: Step) -> type[Any]:
    """A box whose direction is ``step(g, t, kept)``, with ``kept`` a place for what it keeps."""

    class Box:
        def __init__(self, weights: np.ndarray, beta2: float = 0.9, eps: float = 1e-8):
            self.w, self.t = np.array(weights), 0
            self.kept = {"S": np.zeros_like(weights), "beta": np.asarray(beta2), "eps": np.asarray(eps)}

        def step(self, gradient: np.ndarray, learning_rate: float) -> np.ndarray:
            self.t += 1
            self.w = self.w - learning_rate * step(gradient, self.t, self.kept)
            return self.w

    return Box


def rmsprop(slip: float = 0.0) -> Step:
    return lambda g, t, kept: g / (np.sqrt((1 - kept["beta"]) * g * g * (1 + slip)) + kept["eps"])


def debiased(g: np.ndarray, t: int, kept: dict[str, np.ndarray]) -> np.ndarray:
    """The average begins anew, and its correction goes on."""
    return g / (np.sqrt((1 - kept["beta"]) * g * g / (1 - kept["beta"] ** t)) + kept["eps"])


def kept_after_four(g: np.ndarray, t: int, kept: dict[str, np.ndarray]) -> np.ndarray:
    """Averages that are written back from the fourth step on only."""
    S = kept["beta"] * kept["S"] + (1 - kept["beta"]) * g * g
    kept["S"] = S if t > 4 else kept["S"]
    return g / (np.sqrt(S) + kept["eps"])


def leaking(g: np.ndarray, t: int, kept: dict[str, np.ndarray]) -> np.ndarray:
    """A trace of the last square is left."""
    S = (1 - kept["beta"]) * g * g + 1e-9 * kept["S"]
    kept["S"] = S
    return g / (np.sqrt(S) + kept["eps"])


RIGHT = {
    "an average of squares": (rmsprop(), "optimizer.rmsprop", Memory.NOTHING),
    "its correction goes on": (debiased, "optimizer.rmsprop", Memory.COUNTER),
}
WRONG = {
    "kept later": kept_after_four,
    "leaking": leaking,
    "a slip": rmsprop(2e-9),
    "another power": lambda g, t, kept: g / (((1 - kept["beta"]) * g * g) ** 0.375 + kept["eps"]),
}


def identified(target: Any) -> Identification:
    answer = identify(target)
    assert isinstance(answer, Identification)
    return answer


@pytest.mark.parametrize("name", RIGHT)
def test_a_box_without_a_memory_is_said_to_have_none(name: str) -> None:
    step, line, memory = RIGHT[name]
    answer = identified(box(step))
    assert (answer.verdict, answer.line, answer.memory) == ("identified", line, memory), text(answer)
    assert "without a memory" in " ".join(text(answer).split()) and not answer.same_as
    assert not answer.is_(line.rpartition(".")[2])
    with pytest.raises(BoxError, match="keeps no averages"):
        port(box(step), "torch", rate=0.001)


@pytest.mark.parametrize("name", WRONG)
def test_a_box_that_only_seems_to_have_no_memory_is_not_named(name: str) -> None:
    answer = identified(box(WRONG[name]))
    assert answer.verdict == "no-reading", text(answer)
