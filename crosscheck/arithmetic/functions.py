"""Exponentials, logarithms, roots: increasing functions with a bound on how far they move with their argument; and the sign."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .fast import NEGLIGIBLE
from .intervals import Intervals, Wide
from .settle import Exactly, Places, Slip, either, quicker, settle, settle_fast

_MODERATE = 300.0  # exponentials of such arguments are ordinary numbers of float64


def _exp_fast(a: Intervals) -> Intervals | None:
    bounds, p = a.fast, a.precision
    if bounds is None or bounds.high > _MODERATE or bounds.zeros is not None:
        return None
    value = np.exp(a.value)
    spread = None if bounds.error is None else value.astype(np.float64) * np.expm1(bounds.error)
    low, high = math.exp(-bounds.high) * (1 - NEGLIGIBLE), math.exp(bounds.high) * (1 + NEGLIGIBLE)
    return settle_fast(value, spread, Slip(p, p.elementary, p.eta), (low, high))


def _sqrt_fast(a: Intervals) -> Intervals | None:
    bounds, p = a.fast, a.precision
    if bounds is None or (bounds.centre < 0).any():
        return None
    root, spread = np.sqrt(bounds.centre), None
    if bounds.error is not None:
        room = bounds.centre - bounds.error
        if (room < bounds.error).any():  # the subtraction cancels, and rounds by more than is made up for
            return None
        spread = bounds.error / np.where(bounds.centre == 0, 1.0, root + np.sqrt(room))
    low, high = math.sqrt(bounds.low) * (1 - NEGLIGIBLE), math.sqrt(bounds.high) * (1 + NEGLIGIBLE)
    return settle_fast(np.sqrt(a.value), spread, Slip(p, eta=p.eta), (low, high), Exactly(bounds.zeros))


def _monotone(function: Callable, slope_bound: Callable[[np.ndarray, np.ndarray], np.ndarray], ulps: str):
    """An increasing function with a bound on how far it moves for a given move of its argument."""

    def apply(a: Intervals) -> Intervals:
        p = a.precision
        with np.errstate(all="ignore"):
            value = function(a.value)
            spread = np.where(a.error > 0, slope_bound(a.value, a.error), Wide(0))
            k = p.elementary if ulps == "elementary" else 1
            # an argument at the edge of the domain may have rounded to either side of it
            crosses = np.isnan(value) & (a.error > 0) & ~np.isnan(function(a.value + a.error))
            value = np.where(crosses, Wide(0), value)
            result = settle(value, spread, Slip(p, k, p.eta), Places(void=crosses, exact=a.zeros))
        if a.huge is None:
            return result
        with np.errstate(all="ignore"):
            limit = function(np.where(a.value > 0, Wide(np.inf), Wide(-np.inf)))
            reach = np.where(a.huge & np.isfinite(limit), np.abs(limit - value), 0)
        huge = a.huge & ~np.isfinite(limit)
        return Intervals(result.value, np.maximum(result.error, reach), p, either(result.huge, huge))

    return apply


def _log_spread(v: np.ndarray, e: np.ndarray) -> np.ndarray:
    return np.where(e < v, -np.log1p(-e / v), np.inf)


def _sqrt_spread(v: np.ndarray, e: np.ndarray) -> np.ndarray:
    # an argument that may have rounded below zero may have given NaN
    return np.where(e <= v, e / (np.sqrt(v) + np.sqrt(np.maximum(v - e, 0))), np.inf)


exp = quicker(_exp_fast, _monotone(np.exp, lambda v, e: np.exp(v) * np.expm1(e), "elementary"))
log = _monotone(np.log, _log_spread, "elementary")
log1p = _monotone(np.log1p, lambda v, e: _log_spread(1 + v, e), "elementary")
sqrt = quicker(_sqrt_fast, _monotone(np.sqrt, _sqrt_spread, "one"))
tanh = _monotone(np.tanh, lambda v, e: np.minimum(e, 2), "elementary")


def sign(a: Intervals) -> Intervals:
    """Exact where the sign is decided; anything from -1 to 1 where it is not."""
    decided = (a.error == 0) | (np.abs(a.value) > a.error)
    error = np.where(np.isinf(a.error), a.error, np.where(decided, Wide(0), Wide(1)))
    return Intervals(np.where(decided, np.sign(a.value), Wide(0)), error, a.precision)
