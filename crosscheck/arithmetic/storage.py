"""Storing an array in a narrower format: one more rounding, or another exact number."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .formats import Precision
from .intervals import Intervals, Wide
from .settle import Places, Slip, flag, settle


def held(a: Intervals, narrower: Precision) -> Intervals:
    """``a`` after it was stored in ``narrower`` and read back; its precision stays what it was.

    Rounding is monotone: what lies between two numbers is rounded to what lies between their roundings. So the result is a
    number of the format, exactly, wherever both ends are rounded to it.
    """
    with np.errstate(all="ignore"):
        stored = settle(a.value, a.error, Slip(narrower, eta=narrower.eta), Places(a.huge))
        rounded, doubt = _roundings(a.value.astype(np.float64), narrower)
        known = ~flag(a, a.shape)
        certain = (a.error == 0) & known
        low, high = _ends(a, narrower)
        middle = low + (high - low) / 2
        between = np.maximum(middle - low, high - middle)
        bounded = (between <= stored.error) & known & ~certain & ~flag(stored, a.shape)
        value = np.where(certain, rounded.astype(Wide), np.where(bounded, middle, stored.value))
        error = np.where(certain, doubt.astype(Wide), np.where(bounded, between, stored.error))
    huge = None if stored.huge is None else stored.huge & ~certain & ~bounded
    return Intervals(value, error, a.precision, huge)


def held_at_random(a: Intervals, narrower: Precision) -> Intervals:
    """``a`` after it was stored in ``narrower``, rounded up or down as chance will have it."""
    return _held_between(a, lambda low, high: (_below(low, narrower), _above(high, narrower)))


def held_towards_zero(a: Intervals, narrower: Precision) -> Intervals:
    """``a`` after the digits that ``narrower`` does not have were cut off."""

    def cut(x: np.ndarray) -> np.ndarray:
        return np.where(x < 0, _above(x, narrower), _below(x, narrower))

    return _held_between(a, lambda low, high: (cut(low), cut(high)))


def neighbours(x: np.ndarray, narrower: Precision) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of a format between which each number lies; both are the number itself, where it is one."""
    return _below(x, narrower), _above(x, narrower)


def _held_between(a: Intervals, ends: Callable[..., tuple[np.ndarray, np.ndarray]]) -> Intervals:
    """Between the numbers of a format that the ends of each interval are rounded to; where these are not finite, anything, but
    NaN where it is that."""
    with np.errstate(all="ignore"):
        low, high = (end.astype(Wide) for end in ends(*_outward(a)))
        middle = low + (high - low) / 2
        error = np.maximum(middle - low, high - middle)
    finite = np.isfinite(error) & ~flag(a, a.shape)
    beyond = np.where(np.isnan(a.value), a.error, np.inf)
    return Intervals(np.where(finite, middle, a.value), np.where(finite, error, beyond), a.precision, a.huge)


def _below(x: np.ndarray, narrower: Precision) -> np.ndarray:
    """The greatest number of a format that is not above each."""
    near, least = x.astype(narrower.numpy), np.array(-np.inf, narrower.numpy)
    return np.where(near.astype(np.float64) > x, np.nextafter(near, least), near).astype(np.float64)


def _above(x: np.ndarray, narrower: Precision) -> np.ndarray:
    """The least number of a format that is not below each."""
    return -_below(-x, narrower)


def _ends(a: Intervals, narrower: Precision) -> tuple[np.ndarray, np.ndarray]:
    """The least and the greatest number of a format that a number of each interval may be rounded to."""
    low, high = _outward(a)
    (least, below), (greatest, above) = _roundings(low, narrower), _roundings(high, narrower)
    return (least - below).astype(Wide), (greatest + above).astype(Wide)


def _outward(a: Intervals) -> tuple[np.ndarray, np.ndarray]:
    """The ends of each interval, as numbers of float64 that are not inside of it."""
    low, high = a.value - a.error, a.value + a.error
    near_low, near_high = low.astype(np.float64), high.astype(np.float64)
    near_low = np.where(near_low > low, np.nextafter(near_low, -np.inf), near_low)
    near_high = np.where(near_high < high, np.nextafter(near_high, np.inf), near_high)
    return near_low, near_high


def _roundings(numbers: np.ndarray, narrower: Precision) -> tuple[np.ndarray, np.ndarray]:
    """Numbers rounded to a format, and how far from there another library may round them.

    Libraries round to the formats of 16 bits at once, or by way of float32, which differs where float32 is at a tie of theirs.
    A device that flushes makes zeros of what is subnormal.
    """
    rounded = numbers.astype(narrower.numpy).astype(np.float64)
    doubt = np.zeros_like(rounded)
    if narrower.numpy.itemsize < 4:
        single = numbers.astype(np.float32)
        towards = np.nextafter(single, np.copysign(np.float32(np.inf), numbers - single))
        twice, beside = (by_way.astype(narrower.numpy).astype(np.float64) for by_way in (single, towards))
        apart = np.maximum(np.abs(rounded - twice), np.abs(rounded - beside))
        sure = (single == numbers) | np.isnan(numbers) | ((rounded == twice) & (rounded == beside))
        doubt = np.where(sure, 0.0, apart)
    if narrower.flushes:
        doubt = np.where(np.abs(rounded) < narrower.smallest_normal, np.abs(rounded), doubt)
    return rounded, doubt
