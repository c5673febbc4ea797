"""Constants inside a box: the value of a hyperparameter that it does not take, fitted to its numbers.

On the quietest trace each family is tried, as the field has it, with one hyperparameter at values of all sizes; where the
numbers come closest the value is narrowed down, and what people write is taken: a decimal number of few digits. Whether it
fits is then a matter of the budget, as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ....reference.vocabulary import Hyperparameter, Role
from .playing import Played
from .prediction import in_floats
from .space import Candidate, Space, looks_at

SIZES = range(-16, 2)  # decimal exponents that are looked at first
VISIBLE = -6  # the least of them for what is no ε: a smaller one would pass off a slip as a constant
NARROWED = 8  # of the places where the numbers come closest, how many are narrowed down
ROUNDS = 28  # of the narrowing; each takes a third of what is left
DIGITS = 2  # of a number that somebody has written


def off(space: Space, candidate: Candidate, played: Played) -> float:
    """By which part of its way a weight is beside the box, on the average; at most by all of it."""
    return float(beside(space, candidate, played).mean())


def beside(space: Space, candidate: Candidate, played: Played) -> np.ndarray:
    """By which part of its way each weight is beside the box, where that is a number; at most by all of it."""
    after, trace = in_floats(space, candidate, played.experiment), played.experiment
    with np.errstate(all="ignore"):
        share = np.abs(after - played.weights) / np.abs(played.weights - trace.weights)
    known = np.minimum(share[~np.isnan(share)], 1.0)
    return known if known.size else np.ones(1)


def of_size(hyper: Hyperparameter, size: float) -> float:
    """The value of a size; of a decay rate it is that of what is not kept."""
    return float(f"{1 - size:.15g}") if hyper.role is Role.DECAY_RATE else size


def allowed(hyper: Hyperparameter, value: float) -> bool:
    """Whether a value that was fitted may be one that somebody has written."""
    least = 0.0 if hyper.role is Role.EPSILON else 10.0**VISIBLE
    return hyper.low <= value < hyper.high and value >= least


@dataclass(frozen=True)
class Fit:
    """One parameter whose value is sought; ``place`` gives the candidate that has it at a value."""

    space: Space
    hyper: Hyperparameter
    place: Callable[[float], Candidate]
    played: Played

    def at(self, size: float) -> float:
        return of_size(self.hyper, size)

    def off(self, exponent: float) -> float:
        """By which part of its way a weight is beside the box, on the average; at most by all of it."""
        return off(self.space, self.place(self.at(10.0**exponent)), self.played)

    def allows(self, value: float) -> bool:
        return allowed(self.hyper, value)

    def written(self, exponent: float) -> Iterator[float]:
        """The numbers of few digits that are near to the best one near this exponent."""
        best = 10.0 ** _narrowed(self.off, exponent)
        values = (self.at(float(f"{best:.{digits}g}")) for digits in range(1, DIGITS + 1))
        return filter(self.allows, values)


def fitted(fits: Iterable[Fit]) -> Iterator[tuple[Fit, float]]:
    """The values that were fitted to what was played, those that come closest first."""
    coarse = [(min((fit.off(e), e) for e in SIZES if fit.allows(fit.at(10.0**e))), fit) for fit in fits]
    for (_, exponent), fit in sorted(coarse, key=lambda entry: entry[0])[:NARROWED]:
        yield from ((fit, value) for value in fit.written(exponent))


def with_constants(spaces: Sequence[Space], played: Played) -> Iterator[tuple[Space, Candidate]]:
    """Candidates with a constant that was fitted to what was played, those that come closest first."""
    for fit, value in fitted(_fits(spaces, played)):
        yield fit.space, fit.place(value)


def _fits(spaces: Sequence[Space], played: Played) -> Iterator[Fit]:
    for space in spaces:
        for start in space.starts():
            for hyper in space.unbound():
                if hyper.name in space.settled:
                    continue
                for candidate in _that_look_at(space, start, hyper):
                    yield Fit(space, hyper, partial(candidate.with_assumed, hyper.name), played)


def _that_look_at(space: Space, start: Candidate, hyper: Hyperparameter) -> Iterator[Candidate]:
    """The candidate, if it looks at the hyperparameter; else with an option that does."""
    if hyper.name in looks_at(space.line, start.reading):
        yield start
        return
    for axis in space.line.axes:
        for option in axis.options:
            if option.needs == hyper.name:
                yield replace(start, reading=start.reading.but(**{axis.name: option.name}))


def _narrowed(off: Callable[[float], float], exponent: float) -> float:
    """The exponent near a first one at which the numbers come closest."""
    low, high = exponent - 1, exponent + 1
    for _ in range(ROUNDS):
        left, right = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, right) if off(left) < off(right) else (left, high)
    return (low + high) / 2
