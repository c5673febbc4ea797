"""The smallest traces that separate a box's reading from others: short, one weight, small whole numbers first. A line of which
a weight's step depends on others, too, has no trace of one weight."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ....reference.vocabulary import Scope
from ...answers import Fails, TraceWitness
from ...arithmetic.steps import Steps
from ...findings import number
from ...readings.separate import first_separated
from .playing import Played
from .prediction import Record, steps
from .space import Candidate


def against(seen: Record, candidate: Candidate, others: Sequence[Candidate]) -> list[TraceWitness]:
    """For each of the others a trace that separates it from the candidate, the smallest of the first experiment that does: the
    small traces come first. None for one that no experiment separates."""
    if seen.space.line.scope is not Scope.WEIGHT:
        return []
    mine = [steps(seen.space, candidate, one.experiment, seen.dtype) for one in seen.played]
    found = (_first(seen, candidate, other, mine) for other in others)
    return [witness for witness in found if witness is not None]


def _first(seen: Record, candidate: Candidate, other: Candidate, mine: Sequence[Steps]) -> TraceWitness | None:
    """The first experiment that separates another reading, at its earliest step, and the simplest trace there."""
    for own, one in zip(mine, seen.played, strict=True):
        theirs = steps(seen.space, other, one.experiment, seen.dtype)
        if (at := first_separated(own, theirs)) is not None:
            against = {axis: option for axis, (_, option) in candidate.reading.difference(other.reading).items()}
            return _witness(one, against, (own, theirs), *at)
    return None


def failure(seen: Record, candidate: Candidate) -> TraceWitness | None:
    """The smallest trace on which a candidate fails: of each that was played the first step and weight at which it does not
    contain what the box did, and of these the earliest; one with finite numbers, where there is one."""
    found = (_failure(seen, candidate, one) for one in seen.played)
    return min(filter(None, found), key=lambda witness: (not _is_finite(witness), witness.step), default=None)


def _is_finite(witness: TraceWitness) -> bool:
    return math.isfinite(float(witness.box)) and math.isfinite(float(witness.reading))


def _failure(seen: Record, candidate: Candidate, played: Played) -> TraceWitness | None:
    missed = seen.only(played).first_miss(candidate)
    if missed is None or seen.space.line.scope is not Scope.WEIGHT:
        return None
    mine = steps(seen.space, candidate, played.experiment, seen.dtype)
    return _witness(played, {}, (mine, mine), missed.step - 1, missed.weight)


def _witness(played: Played, against: dict[str, str], readings: tuple[Steps, Steps], step: int, column: int) -> TraceWitness:
    trace, (mine, other) = played.experiment, readings
    return TraceWitness(
        against=against,
        weight=float(trace.weights[column]),
        gradients=[float(g) for g in trace.gradients[: step + 1, column]],
        rates=list(trace.rates[: step + 1]),
        arguments=dict(trace.arguments),
        step=step + 1,
        box=number(played.weights[step, column]),
        reading=number(mine[step].value[column]),
        other=number(other[step].value[column]),
    )


def named_failures(seen: Record) -> list[Fails]:
    """Where a box is none of the readings of a family that have a name: the first of what was played on which each fails, the
    small traces first."""
    found = []
    for line in seen.space.lines:
        for reading in dict.fromkeys((line.standard, line.printed)):
            start = seen.space.start(reading)
            if (witness := next(filter(None, (_failure(seen, start, one) for one in seen.played)), None)) is not None:
                found.append(Fails(line.id, dict(reading.axes), witness))
    return found
