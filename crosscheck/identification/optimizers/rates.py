"""The rate of a box that has one of its own and does not say which: read off the quietest trace, as constants are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from .constants import narrowed, off
from .experiments import Bench
from .playing import Played
from .space import Candidate, Space
from .wrapped import around_from_start, slow

SIZES = [quarter / 4 for quarter in range(-32, 9)]  # decimal exponents that are looked at first
NEAREST = 12  # of the candidates that come closest, how many are narrowed down
DIGITS = 3  # of a rate that somebody has written
CLOSE = 0.05  # how far a weight may be beside the box on the average, as a part of its way
TRIED = 2  # rates at which the box is searched


def own_rates(bench: Bench, spaces: Sequence[Space], played: Played) -> list[float]:
    """The rates at which some line comes closest to what was played, the closest first."""
    behinds = [None, *slow(bench, spaces[0], played)]
    found = []
    for space, candidate in _tried([replace(space, behind=behind) for behind in behinds for space in spaces]):
        beside = _beside(space, candidate, played)
        found.append((*min((beside(exponent), exponent) for exponent in SIZES), beside))
    closest = sorted(found, key=lambda entry: entry[:2])[:NEAREST]
    written = sorted(_written(beside, narrowed(beside, exponent)) for _, exponent, beside in closest)
    return list(dict.fromkeys(rate for apart, rate in written if apart <= CLOSE))[:TRIED]


def _tried(spaces: Sequence[Space]) -> Iterator[tuple[Space, Candidate]]:
    yield from ((space, candidate) for space in spaces for candidate in around_from_start(space))


def _beside(space: Space, candidate: Candidate, played: Played) -> Callable[[float], float]:
    """By which part of its way a weight is beside the box, at a rate of that decimal exponent."""
    trace = played.experiment

    def at(exponent: float) -> float:
        rates = (10.0**exponent,) * len(trace.rates)
        return off(space, candidate, Played(replace(trace, rates=rates), played.weights))

    return at


def _written(beside: Callable[[float], float], exponent: float) -> tuple[float, float]:
    """The closest number of few digits near an exponent: how far off it is, and the number."""
    rates = (float(f"{10.0**exponent:.{digits}g}") for digits in range(1, DIGITS + 1))
    return min((beside(float(np.log10(rate))), rate) for rate in rates)
