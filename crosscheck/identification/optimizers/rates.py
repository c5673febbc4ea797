"""The rate of a box that has one of its own and does not say which: read off the quietest trace, as constants are.

The first step of almost every line grows with the rate in proportion: one run at a rate of 1 says what the rate must be if a
box is that line, and another whether it then is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from .constants import beside
from .experiments import Bench
from .playing import Played
from .prediction import in_floats
from .space import Candidate, Space
from .wrapped import FEW_MOVES, around_from_start, slow

DIGITS = 3  # of a rate that somebody has written
CLOSE = 0.05  # how far a weight may be beside the box on the average, as a part of its way
ALIKE, AS_CLOSE = 9, 1e-6  # decimals to which two are alike, and what may be as close
MOST = 0.9  # of the numbers have to be as close
TRIED = 2  # rates at which the box is searched


def own_rates(bench: Bench, spaces: Sequence[Space], played: Played) -> list[float]:
    """The rates at which some line comes closest to what was played, the closest first; of those as close the smallest, since a
    decaying sum is a running average at a larger rate, and few write that."""
    behinds = [None, *slow(bench, spaces[0], played)]
    every = [replace(space, behind=behind) for behind in behinds for space in spaces]
    found = sorted(one for space in every for candidate in _tried(space) for one in _written(space, candidate, played))
    close = [(apart, rate) for apart, rate in found if apart <= CLOSE]
    return list(dict.fromkeys(rate for apart, rate in close if apart <= close[0][0] + AS_CLOSE))[:TRIED]


def _tried(space: Space) -> Iterator[Candidate]:
    """Where a search begins, and up to two moves from there, if these are few."""
    near = list(around_from_start(space))
    yield from near
    if len(near) <= FEW_MOVES:
        further = (other for one in near for _, others in space.moves(one) for other in others)
        yield from dict.fromkeys(other for other in further if other not in near)


def _written(space: Space, candidate: Candidate, played: Played) -> Iterator[tuple[float, float]]:
    """How far off a candidate is at the rate of few digits that comes closest to that of the first step, and that rate."""
    needed = _needed(space, candidate, played)
    if needed is not None:
        rates = {float(f"{needed:.{digits}g}") for digits in range(1, DIGITS + 1)}
        yield min((round(_off(space, candidate, _at(played, rate)), ALIKE), rate) for rate in rates)


def _off(space: Space, candidate: Candidate, played: Played) -> float:
    """By which part of its way a weight is beside the box, but for the tenth of the numbers that is furthest: where gradients
    cancel, one that is accumulated in float32 has another sign."""
    return float(np.quantile(beside(space, candidate, played), MOST))


def _needed(space: Space, candidate: Candidate, played: Played) -> float | None:
    """By which the first way of the weights has to be multiplied, at a rate of 1, to be that of the box."""
    trace, after = played.experiment, in_floats(space, candidate, _at(played, 1.0).experiment)
    with np.errstate(all="ignore"):
        ratios = (played.weights - trace.weights) / (after - trace.weights)
    first = next((row[np.isfinite(row) & (row > 0)] for row in ratios if np.isfinite(row).any()), np.zeros(0))
    return float(np.median(first)) if first.size else None


def _at(played: Played, rate: float) -> Played:
    """What was played, as if at a rate."""
    return Played(replace(played.experiment, rates=(rate,) * len(played.experiment.rates)), played.weights)
