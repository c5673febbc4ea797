"""What remains of the difference between two readings that are not one function: over a stated trace, and at one small one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...adapters.contract import Trace
from ...reference.namespace import Floating
from ..answers import PortWitness, Remains
from ..inputs.traces import Schedule
from ..readings.evaluate import steps
from ..readings.separate import first_separated
from .equality import enclosures, mapped
from .feeds import FORMAT, Feed, normal, small
from .offers import Offer
from .rules import Translation
from .source import Setting, Source

SIZES = (1.0, 1e-2, 1e-4)  # of the gradients; the first is the one by which the closest setting is chosen


@dataclass(frozen=True, eq=False)
class Path:
    """A source's weights along the trace by which targets are chosen, computed once."""

    source: Source
    size: float
    feed: Feed
    weights: np.ndarray

    @classmethod
    def of(cls, source: Source, size: float) -> Path:
        feed = normal(size, source.base)
        return cls(source, size, feed, simulated(source.configured, feed))

    def remains(self, offer: Offer, translation: Translation) -> Remains:
        values, rate = self.source.configured.values, self.feed.rates[0]
        target = Setting(offer.line, offer.reading, {**offer.untaken, **translation.floats(values, rate)})
        own_rate = float(translation.rate_in(math, values, rate))
        theirs = simulated(target, self.feed, own_rate)
        start = self.feed.weights
        mine_by_step = np.diff(np.vstack([start[None], self.weights]), axis=0)
        theirs_by_step = np.diff(np.vstack([start[None], theirs]), axis=0)
        return Remains(
            self.size,
            rate,
            start.size,
            _relative(mine_by_step, theirs_by_step),
            _relative(self.weights - start, theirs - start),
        )


def simulated(setting: Setting, feed: Feed, rate: float | None = None) -> np.ndarray:
    """The weights after each step in plain NumPy; at another rate, if one is named."""
    rates = feed.rates if rate is None else (rate,) * feed.steps
    trace = Trace(feed.weights, feed.gradients, rates, setting.values)
    return np.stack(list(steps(setting.line, setting.reading, trace, Floating(FORMAT))))


def _relative(a: np.ndarray, b: np.ndarray) -> list[float]:
    """Row by row the largest difference, over the largest number in the two rows."""
    with np.errstate(all="ignore"):
        difference = np.where(a == b, 0.0, np.abs(a - b)).max(axis=1)
        size = np.maximum(np.abs(a), np.abs(b)).max(axis=1)
        share = np.where(difference == 0, 0.0, difference / size)
    return [float(x) if math.isfinite(x) else 2.0 for x in share]


def witness(source: Source, offer: Offer, translation: Translation) -> PortWitness | None:
    """The smallest of the small traces that separate the two, at a constant rate if that will do."""
    for schedule in (Schedule.CONSTANT, Schedule.NEW):
        feed = small(schedule, source.base, source.configured.epsilon)
        mine, theirs = enclosures(source.configured, feed), mapped(offer, translation, source.configured.values, feed)
        if (at := first_separated(mine, theirs)) is not None:
            step, column = at
            return PortWitness(
                float(feed.weights[column]),
                [float(g) for g in feed.gradients[: step + 1, column]],
                list(feed.rates[: step + 1]),
                _number(mine[step].value[column]),
                _number(theirs[step].value[column]),
            )
    return None


def _number(value: np.ndarray) -> float | None:
    return float(value) if math.isfinite(value) else None
