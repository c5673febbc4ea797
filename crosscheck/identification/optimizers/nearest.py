"""Which of the candidates that do not fit is near, if one is.

A number says something of a candidate if its budget is narrower than the step that the weight takes; two candidates are
compared on the numbers that say something of both. After a step that a candidate misses it goes on from what the box has. It is
near if it holds most of the steps that were asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from ...arithmetic.rounding import Enclosure
from .playing import Played
from .prediction import Model, Record
from .space import Candidate, Space


@dataclass(frozen=True)
class Standing:
    """How a candidate stands, number by number: which were ``asked`` (the weight has moved, or should have), of which the model
    ``says`` something, and which are ``held``; which are the ``first`` of a weight that were asked. ``off`` is by how much of
    its step a weight is beside it, as a rule."""

    space: Space
    candidate: Candidate
    asked: np.ndarray
    says: np.ndarray
    held: np.ndarray
    first: np.ndarray
    off: float

    @property
    def is_near(self) -> bool:
        return 2 * int((self.held & self.says).sum()) > int(self.asked.sum())

    @property
    def begins_right(self) -> bool:
        return 2 * int((self.held & self.says & self.first).sum()) > int(self.first.sum())


def nearest(seen: Sequence[tuple[Record, Candidate]]) -> Standing:
    """The one that holds most; where that one does not even begin right, the one whose numbers are beside it by the smallest
    part."""
    standings = [_standing(record, candidate) for record, candidate in seen]
    most = reduce(lambda best, other: other if _holds_more(other, best) else best, standings)
    return most if most.is_near or most.begins_right else min(standings, key=lambda standing: standing.off)


def _holds_more(a: Standing, b: Standing) -> bool:
    both = a.says & b.says
    held, others = int((a.held & both).sum()), int((b.held & both).sum())
    return held > others or (held == others and a.off < b.off)


def _standing(seen: Record, candidate: Candidate) -> Standing:
    parts = [_numbers(seen, candidate, one) for one in seen.played]
    asked, says, held, first, off = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    beside = np.where(says, off, np.inf)[asked]
    return Standing(seen.space, candidate, asked, says, held, first, float(np.median(beside)) if beside.size else 0.0)


def _numbers(seen: Record, candidate: Candidate, one: Played) -> tuple[np.ndarray, ...]:
    """Of one experiment: asked, says, held, first, off; each number in turn."""
    trace, found = one.experiment, []
    before, gradients = trace.handed
    model = Model(seen.space, candidate, before, trace.made, seen.dtype)
    for gradient, rate, after in zip(gradients, trace.rates, one.weights.reshape(gradients.shape), strict=True):
        enclosure = model.step(gradient, rate)
        held = enclosure.contains(after)
        found.append((*_weighed(enclosure, after, before), held))
        model.resume(after, ~held | enclosure.void)
        before = after
    gone, says, off, held = (np.stack(rows) for rows in zip(*found, strict=True))
    asked = gone > 0
    first = asked & (np.cumsum(asked, axis=0) == 1)
    return tuple(numbers.ravel() for numbers in (asked, says, held, first, off))


def _weighed(enclosure: Enclosure, after: np.ndarray, before: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How far each weight has gone, by the box or by the model; whether the budget is narrower than that; and by how much of it
    the two are apart."""
    with np.errstate(all="ignore"):
        gone = np.fmax(np.abs(after - before), np.abs(enclosure.value - before))
        off = np.abs(after - enclosure.value) / gone
    off = np.where(np.isnan(off), np.where(np.isnan(after) == np.isnan(enclosure.value), 0, np.inf), off)
    return gone, enclosure.error < gone, off
