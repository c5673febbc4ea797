"""The smallest traces that tell a box's reading from others: short, one weight, small whole numbers first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import msgspec
import numpy as np

from ....adapters.box import Box
from ...arithmetic.formats import precision
from ...arithmetic.steps import Steps, parting
from ...inputs.traces import WIDTH, Schedule
from .experiments import EXACT, Arguments
from .playing import Experiment, Played
from .prediction import first_miss, steps
from .space import Candidate, Space

STEPS = 4


class TraceWitness(msgspec.Struct, frozen=True):
    """A trace of one weight, and the step (from 1) at which it tells two readings apart: what the box made of the weight, what
    its reading gives, what the other gives; "nan" or "inf" where that is no number, which JSON has no word for. ``against`` is
    what the other reading changes in it."""

    against: dict[str, str]
    weight: float
    gradients: list[float]
    rates: list[float]
    arguments: dict[str, float]
    step: int
    box: float | str
    reading: float | str
    other: float | str


def _number(value: Any) -> float | str:
    return float(value) if np.isfinite(value) else str(float(value))


def small(box: Box, chosen: Arguments, dtype: str) -> Experiment:
    """Many small traces at once, the simplest first: a column is a trace, and so is each of its beginnings."""
    columns = list(_columns())[:WIDTH]
    kind = precision(dtype).numpy
    rates = Schedule.NEW.rates(STEPS) if box.rate_changes else (0.125 if box.rate is None else box.rate,) * STEPS
    weights = np.array([w for w, _ in columns], dtype=kind)
    return Experiment(weights, np.array([g for _, g in columns]).T.astype(kind), rates, chosen.of(EXACT), "small traces")


def _columns() -> Iterator[tuple[float, tuple[float, ...]]]:
    """Pairs of a weight and its gradients."""
    for size in (1.0, 2.0**-5, 2.0**-10, 1024.0):
        yield 0.0, (size,) * STEPS
    yield from ((0.0, (1.0, *rest)) for rest in product((0.0, 1.0, 2.0), repeat=STEPS - 1) if rest != (1.0,) * (STEPS - 1))
    yield 1.0, (0.0,) * STEPS
    yield 1.0, (1.0,) * STEPS
    yield from ((0.0, (0.0, *rest)) for rest in product((1.0, -1.0), repeat=STEPS - 1))


def against(
    space: Space, candidate: Candidate, others: Sequence[Candidate], played: Sequence[Played], dtype: str
) -> list[TraceWitness]:
    """For each of the others a trace on which it parts from the candidate, the smallest of the first experiment in which one is
    found: the small traces come first. None for one that parts from it nowhere."""
    mine = [steps(space, candidate, one.experiment, dtype) for one in played]
    found = (_first_parting(space, candidate, other, mine, played, dtype) for other in others)
    return [witness for witness in found if witness is not None]


def _first_parting(
    space: Space, candidate: Candidate, other: Candidate, mine: Sequence[Steps], played: Sequence[Played], dtype: str
) -> TraceWitness | None:
    """The first experiment in which another reading parts, at its earliest step, and the simplest trace there."""
    for own, one in zip(mine, played, strict=True):
        theirs = steps(space, other, one.experiment, dtype)
        if (at := parting(own, theirs)) is not None:
            return _witness(candidate, other, own, theirs, one, *at)
    return None


def failure(space: Space, candidate: Candidate, played: Played, dtype: str) -> TraceWitness | None:
    """The first step and weight of what was played at which a candidate does not hold what the box did; None where it does."""
    missed = first_miss(space, candidate, [played], dtype)
    if missed is None:
        return None
    mine = steps(space, candidate, played.experiment, dtype)
    return _witness(candidate, candidate, mine, mine, played, missed.step - 1, missed.weight)


def _witness(
    mine: Candidate, other: Candidate, my_steps: Steps, other_steps: Steps, played: Played, step: int, column: int
) -> TraceWitness:
    trace = played.experiment
    changed: dict[str, Any] = {axis: option for axis, (_, option) in mine.reading.difference(other.reading).items()}
    return TraceWitness(
        against=changed,
        weight=float(trace.weights[column]),
        gradients=[float(g) for g in trace.gradients[: step + 1, column]],
        rates=list(trace.rates[: step + 1]),
        arguments=dict(trace.arguments),
        step=step + 1,
        box=_number(played.weights[step, column]),
        reading=_number(my_steps[step].value[column]),
        other=_number(other_steps[step].value[column]),
    )
