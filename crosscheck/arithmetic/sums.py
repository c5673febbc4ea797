"""Sums and differences of two arrays, and the sum of an array's elements in every order."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from .fast import gamma_fast
from .formats import Precision
from .intervals import Intervals, Wide
from .settle import (
    ROUND_UP,
    WIDE_U,
    Exactly,
    Places,
    Slip,
    both_fast,
    either,
    flag,
    gamma,
    quicker,
    settle,
    settle_fast,
    together,
)


def _combine_fast(combine: np.ufunc, a: Intervals, b: Intervals) -> Intervals | None:
    both = both_fast(a, b)
    if both is None or not (both[0].uncertain or both[1].uncertain):  # a sum of exact numbers may be exact
        return None
    p, (bounds_a, bounds_b) = a.precision, both
    unchanged = either(bounds_a.zeros, bounds_b.zeros)
    if unchanged is not None and (p.flushes or a.fan > 1 or b.fan > 1):  # zeros do not leave the other as it is
        return None
    spread, high = together(bounds_a.error, bounds_b.error), bounds_a.high + bounds_b.high
    for fan, other in ((a.fan, bounds_b), (b.fan, bounds_a)):
        if fan > 1:
            against = gamma_fast(fan - 1, p)
            spread, high = together(spread, against * other.reach), high + against * other.high
    zeros = None if bounds_a.zeros is None or bounds_b.zeros is None else bounds_a.zeros & bounds_b.zeros
    value = combine(a.value, b.value)
    return settle_fast(value, spread, Slip(p, eta=_flushed(p)), (None, high), Exactly(zeros, unchanged))


def _add_any(a: Intervals, b: Intervals) -> Intervals:
    with np.errstate(all="ignore"):
        value = a.value + b.value
        spread = None if a.certain and b.certain else a.error + b.error
        exact = _exact(a, b, np.asarray(value))
        if a.fan > 1 or b.fan > 1:  # fused multiply-adds may start from the bias, and round against it at every term
            against = gamma(max(a.fan - 1, 0), a.precision) * (np.abs(b.value) + b.error)
            against = against + gamma(max(b.fan - 1, 0), a.precision) * (np.abs(a.value) + a.error)
            spread = against if spread is None else spread + against
            exact = None if exact is None else exact & (against == 0)
        huge = void = None
        if a.huge is not None or b.huge is not None:
            huge_a, huge_b = flag(a, value.shape), flag(b, value.shape)
            huge = huge_a | huge_b
            void = huge_a & huge_b & (np.sign(a.value) != np.sign(b.value))
        flushed = _flushed(a.precision)
        if flushed and exact is not None:
            exact = exact & ((np.abs(value) >= flushed) | (value == 0))
        return settle(value, spread, Slip(a.precision, eta=flushed), Places(huge, void, exact))


def _flushed(p: Precision) -> float:
    """What a sum may lose to underflow: nothing, but on a device that flushes subnormal results to zero."""
    return p.eta if p.flushes else 0.0


def _exact(a: Intervals, b: Intervals, value: np.ndarray) -> np.ndarray | None:
    """Where nothing is added, or the sum of two exact numbers is a number of the format itself; None if nowhere."""
    unchanged = either(a.zeros, b.zeros)
    if a.certain is False or b.certain is False:
        return unchanged
    rest = value - a.value
    residual = (a.value - (value - rest)) + (b.value - rest)
    held = value.astype(_stored(value, a.precision)).astype(Wide) == value
    return either((a.error == 0) & (b.error == 0) & held & (residual == 0), unchanged)


def _stored(value: np.ndarray, precision: Precision) -> np.dtype:
    """The format in which a result is held: the precision's, or that of narrow scalars."""
    narrow = not value.ndim and precision.scalar_u > precision.u
    return np.dtype(np.float32) if narrow else precision.numpy


add = quicker(partial(_combine_fast, np.add), _add_any)
subtract = quicker(partial(_combine_fast, np.subtract), lambda a, b: _add_any(a, -b))


def total(a: Intervals, axis: int | None = None) -> Intervals:
    """The sum over an axis or all elements."""
    p = a.precision
    with np.errstate(all="ignore"):
        value = a.value.sum(axis=axis)
        size, spread = np.abs(a.value).sum(axis=axis), a.error.sum(axis=axis)
        terms = np.count_nonzero((a.value != 0) | (a.error != 0), axis=axis)
        rounding = np.where(terms > 1, gamma(np.maximum(terms - 1, 0), p) * (size + spread), Wide(0))
        rounding = rounding + np.where(terms > 1, (size * WIDE_U + _flushed(p)) * terms, Wide(0))
        void, huge = _overflows(a, axis, size + spread, value)
        error = np.where(np.isnan(rounding + spread) | void, Wide(np.inf), (spread + rounding) * ROUND_UP)
        error = np.where(np.isfinite(value) | (error > 0), error, Wide(0))
        exact_special = ~np.isfinite(value) & (spread == 0) & ~void
        error = np.where(exact_special, Wide(0), error)
    return Intervals(np.asarray(value), np.asarray(error), p, np.asarray(huge) if np.any(huge) else None)


def _overflows(a: Intervals, axis: int | None, size: np.ndarray, value: np.ndarray) -> tuple[Any, Any]:
    """Where some order of summation may meet inf - inf (void), and where it may only overflow (huge)."""
    flags = np.zeros(a.shape, bool) if a.huge is None else a.huge
    over = np.isfinite(value) & ((size > a.precision.max) | flags.any(axis=axis))
    mixed = (a.value > 0).any(axis=axis) & (a.value < 0).any(axis=axis)
    return over & mixed, over & ~mixed
