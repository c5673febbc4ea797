"""How good a framework's numbers are: their distance from the exact value of the reading they fit, in ulps."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...reference.vocabulary import Reading
from ..arithmetic.formats import Precision, precision
from ..arithmetic.objects import Objects, precise
from ..findings import NoValue
from ..inputs.samples import TraceSample
from ..readings.compare import Comparison, Observed
from ..readings.evaluate import evaluate
from ..readings.variants import Losses


def distances(truth: np.ndarray, observed: np.ndarray, p: Precision, along: bool = False) -> np.ndarray:
    """Distance of each number from its exact value in ulps; NaN where the exact value is none, or overflows the format.

    ``along`` measures the rows of a trace in ulps of the largest value so far: a weight that has returned to nearly zero
    carries the roundings of where it was.
    """

    def one(ball: Any, number: Any, scale: float) -> float:
        if not ball.is_finite():
            return math.nan
        middle = float(ball.mid())
        if abs(middle) > p.max:
            return math.nan
        if not math.isfinite(float(number)):
            return math.inf
        return float(abs(ball - float(number)).mid()) / p.ulp_at(max(abs(middle), scale))

    middles = np.vectorize(lambda ball: float(abs(ball.mid())) if ball.is_finite() else 0.0, otypes=[float])(truth)
    scales = np.maximum.accumulate(middles, axis=0) if along else np.zeros(np.shape(truth))
    flat = [
        one(ball, number, scale)
        for ball, number, scale in zip(np.ravel(truth), np.ravel(observed).astype(np.float64), np.ravel(scales), strict=True)
    ]
    return np.reshape(np.asarray(flat, dtype=np.float64), np.shape(truth))


def largest_ulps(comparison: Comparison, reading: Reading, losses: Losses, count: int) -> float | None:
    """The largest distance over the first ``count`` finite samples; None where no exact value could be had.

    Numbers that may overflow however the reading is evaluated (by its best-conditioned evaluation) are left out.
    """
    trials = [observed for observed in comparison.trials if observed.question.sample.finite][:count]
    with precise() as xp:
        found = [d for observed in trials for d in _distances(observed, reading, losses, xp)]
    known = [float(np.nanmax(d)) for d in found if not np.isnan(d).all()]
    return max(known, default=None)


def _distances(observed: Observed, reading: Reading, losses: Losses, xp: Objects) -> Iterator[np.ndarray]:
    question = observed.question
    best = reading.but(**{axis.name: axis.standard for axis in question.formula.axes if axis.kind == "evaluation"})
    allowed = question.allows(best, losses)
    if isinstance(allowed, NoValue):
        return
    truth = evaluate(question.formula, reading, question.sample, xp)
    for name, values in observed.outputs.items():
        along = isinstance(question.sample, TraceSample)
        found = distances(truth[name], values, precision(question.dtype), along)
        yield found[~np.broadcast_to(allowed[name].may_overflow, found.shape)]
