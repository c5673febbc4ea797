"""How good a framework's numbers are: their distance from the exact value of the reading they fit, in ulps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...reference.vocabulary import Reading
from ..arithmetic.formats import Precision
from ..arithmetic.objects import precise
from ..inputs.samples import TraceSample
from ..readings.compare import Observation, Predictions, Undefined
from ..readings.evaluate import evaluate


def ulp_at(value: float, p: Precision) -> float:
    """The spacing of the format's numbers at a value."""
    if value == 0 or not math.isfinite(value):
        return p.smallest_subnormal
    exponent = math.frexp(value)[1] - 1
    return max(math.ldexp(2 * p.unit_roundoff, exponent), p.smallest_subnormal)


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
        return float(abs(ball - float(number)).mid()) / ulp_at(max(abs(middle), scale), p)

    middles = np.vectorize(lambda ball: float(abs(ball.mid())) if ball.is_finite() else 0.0, otypes=[float])(truth)
    scales = np.maximum.accumulate(middles, axis=0) if along else np.zeros(np.shape(truth))
    flat = [
        one(ball, number, scale)
        for ball, number, scale in zip(np.ravel(truth), np.ravel(observed).astype(np.float64), np.ravel(scales), strict=True)
    ]
    return np.reshape(np.asarray(flat, dtype=np.float64), np.shape(truth))


def largest_ulps(
    predictions: Predictions, reading: Reading, accepted: Sequence[int], observed: Sequence[Observation], count: int
) -> float | None:
    """The largest distance over the first ``count`` finite samples; None where no exact value could be had.

    Numbers that may overflow however the reading is evaluated (by its best-conditioned evaluation) are left out.
    """
    formula, samples = predictions.formula, predictions.samples
    best = reading.but(**{axis.name: axis.standard for axis in formula.axes if axis.kind == "evaluation"})
    pairs = [(i, o) for i, o in zip(accepted, observed, strict=True) if samples[i].finite][:count]
    worst = None
    with precise() as xp, np.errstate(all="ignore"):
        for index, returned in pairs:
            prediction = predictions(index, best)
            if isinstance(prediction, Undefined):
                continue
            truth = evaluate(formula, reading, samples[index], xp)
            for name, values in returned.items():
                along = isinstance(samples[index], TraceSample)
                found = distances(truth[name], values, predictions.precision, along)
                found = found[~np.broadcast_to(prediction[name].may_overflow, found.shape)]
                if not np.isnan(found).all():
                    worst = max(worst or 0.0, float(np.nanmax(found)))
    return worst
