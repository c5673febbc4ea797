"""Storing an array in a narrower format: one more rounding, or another exact number."""

from __future__ import annotations

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


def _ends(a: Intervals, narrower: Precision) -> tuple[np.ndarray, np.ndarray]:
    """The least and the greatest number of a format that a number of each interval may be rounded to."""
    low, high = a.value - a.error, a.value + a.error
    near_low, near_high = low.astype(np.float64), high.astype(np.float64)
    near_low = np.where(near_low > low, np.nextafter(near_low, -np.inf), near_low)
    near_high = np.where(near_high < high, np.nextafter(near_high, np.inf), near_high)
    (least, below), (greatest, above) = _roundings(near_low, narrower), _roundings(near_high, narrower)
    return (least - below).astype(Wide), (greatest + above).astype(Wide)


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
