"""The traces that a port is tried, proved and measured on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from ..inputs.samples import stable_seed
from ..inputs.traces import WIDTH, Schedule

TRIAL, PROOF = 8, 100  # steps
FORMAT = "float64"


@dataclass(frozen=True, eq=False)
class Feed:
    """A trace without hyperparameters: weights (d,), gradients (steps, d), a rate for each step."""

    weights: np.ndarray
    gradients: np.ndarray
    rates: tuple[float, ...]
    schedule: Schedule

    @property
    def steps(self) -> int:
        return len(self.rates)


def trial(schedule: Schedule, base: float, eps: float) -> Feed:
    """A short trace of many weights, on which most readings are separated."""
    return _hard(schedule, base, eps, TRIAL)


def proofs(base: float, eps: float, constant: bool) -> list[Feed]:
    """The long traces, on which a map is proved; with ``constant``, those of a constant rate only."""
    return [_hard(schedule, base, eps, PROOF) for schedule in Schedule if schedule is Schedule.CONSTANT or not constant]


def _hard(schedule: Schedule, base: float, eps: float, count: int) -> Feed:
    generator = np.random.default_rng(stable_seed("port", count))
    weights = np.where(generator.random(WIDTH) < 0.5, generator.normal(size=WIDTH), 0.0)
    return Feed(weights, _gradients(eps, count, generator), schedule.rates_from(base, count), schedule)


def _gradients(eps: float, count: int, generator: np.random.Generator) -> np.ndarray:
    """Constants, zeros, first or late gradients only, alternating, shrinking, random ones; of size 1, √ε and ε."""
    t, sizes = np.arange(count)[:, None], np.array([[1.0, eps**0.5, eps]])
    patterns = [np.ones((count, 1)), t == 0, t > 1, (-1.0) ** t, 2.0 ** -(t % 40), generator.normal(size=(count, 6))]
    base = np.hstack([pattern * size for pattern in patterns for size in sizes.T])
    rest = WIDTH - 1 - base.shape[1]
    drawn = generator.normal(size=(count, rest)) * 2.0 ** generator.integers(-10, 4, rest)
    return np.hstack([np.zeros((count, 1)), base, drawn])


def normal(size: float, base: float, count: int = PROOF, width: int = 16) -> Feed:
    """Normal gradients of one size, about a mean of that size for each weight, at a constant rate: as in training, on which
    what remains is measured."""
    generator = np.random.default_rng(stable_seed("port", "normal"))
    weights, mean = generator.normal(size=(2, width))
    return Feed(weights, size * (mean + generator.normal(size=(count, width))), (base,) * count, Schedule.CONSTANT)


def small(schedule: Schedule, base: float, eps: float) -> Feed:
    """Small traces, a column each, the simplest first: each of their beginnings is a trace, too."""
    count = 4
    columns = list(_small(count, eps))
    gradients = np.array([column for _, column in columns]).T
    return Feed(np.array([weight for weight, _ in columns]), gradients, schedule.rates_from(base, count), schedule)


def _small(count: int, eps: float) -> Iterator[tuple[float, Sequence[float]]]:
    for size in (1.0, 2.0**-5, 2.0**-10, eps**0.5, eps, 1024.0):
        yield 0.0, (size,) * count
    yield from ((0.0, (1.0, *rest)) for rest in product((0.0, 1.0, 2.0), repeat=count - 1))
    yield 1.0, (0.0,) * count
    yield 1.0, (1.0,) * count
