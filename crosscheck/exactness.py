"""How good a framework's numbers are: their distance from the exact value of the reading they fit, in ulps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..reference.vocabulary import Formula, Map, NotConformable, Optimizer, Reading
from .arithmetic.formats import Precision, precision
from .arithmetic.objects import Objects, precise
from .domains import AnySample, Sample, TraceSample
from .fit import Observation


def exact(formula: Formula, reading: Reading, sample: AnySample, xp: Objects) -> Mapping[str, np.ndarray]:
    """The outputs of a reading as balls that enclose the exact real values; use inside ``precise()``."""
    if isinstance(formula, Optimizer):
        assert isinstance(sample, TraceSample)
        trace = sample.trace
        hyper = {name: xp.lift(value) for name, value in trace.hyper.items()}
        rates = [xp.lift(rate) for rate in trace.rates]
        gradients = [xp.asarray(row) for row in trace.gradients]
        weights, _ = formula.trace_in(xp, xp.asarray(trace.weights), gradients, rates, hyper, reading)
        return {"w": np.stack(weights)}
    assert isinstance(formula, Map) and isinstance(sample, Sample)
    inputs = {**{name: xp.asarray(array) for name, array in sample.arrays.items()}, **sample.settings}
    value = formula.value_in(xp, inputs, reading)
    bars = formula.vjp_in(xp, xp.asarray(sample.cotangent), inputs, reading)
    return {"value": np.asarray(value, object), **{f"{name}_bar": np.asarray(bars[name], object) for name in formula.wrt}}


def ulp_at(value: float, p: Precision) -> float:
    """The spacing of the format's numbers at a value."""
    if value == 0 or not math.isfinite(value):
        return p.smallest_subnormal
    exponent = math.frexp(value)[1] - 1
    return max(math.ldexp(2 * p.unit_roundoff, exponent), p.smallest_subnormal)


def distances(truth: np.ndarray, observed: np.ndarray, p: Precision) -> np.ndarray:
    """Distance of each number from its exact value in ulps; NaN where the exact value is none, or overflows the format."""

    def one(ball: Any, number: Any) -> float:
        if not ball.is_finite():
            return math.nan
        middle = float(ball.mid())
        if abs(middle) > p.max:
            return math.nan
        if not math.isfinite(float(number)):
            return math.inf
        return float(abs(ball - float(number)).mid()) / ulp_at(middle, p)

    flat = [one(b, n) for b, n in zip(np.ravel(truth), np.ravel(observed).astype(np.float64), strict=True)]
    return np.reshape(np.asarray(flat, dtype=np.float64), np.shape(truth))


def largest_ulps(
    formula: Formula,
    reading: Reading,
    samples: Sequence[AnySample],
    accepted: Sequence[int],
    observed: Sequence[Observation],
    dtype: str,
    count: int,
) -> float | None:
    """The largest distance over the first ``count`` finite samples; None where no exact value could be had."""
    p, worst = precision(dtype), None
    pairs = [(samples[i], o) for i, o in zip(accepted, observed, strict=True) if samples[i].finite][:count]
    with precise() as xp, np.errstate(all="ignore"):
        for sample, returned in pairs:
            try:
                truth = exact(formula, reading, sample, xp)
            except (NotConformable, ZeroDivisionError):
                continue
            for name, values in returned.items():
                found = distances(truth[name], values, p)
                if not np.isnan(found).all():
                    worst = max(worst or 0.0, float(np.nanmax(found)))
    return worst
