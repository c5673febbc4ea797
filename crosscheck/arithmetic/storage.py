"""Storing an array in a narrower format: one more rounding, or another exact number."""

from __future__ import annotations

import numpy as np

from .formats import Precision
from .intervals import Intervals, Wide
from .settle import Places, Slip, flag, settle


def held(a: Intervals, narrower: Precision) -> Intervals:
    """``a`` after it was stored in ``narrower`` and read back; its precision stays what it was."""
    with np.errstate(all="ignore"):
        stored = settle(a.value, a.error, Slip(narrower, eta=narrower.eta), Places(a.huge))
        rounded, doubt = _roundings(a.value.astype(np.float64), narrower)
        certain = (a.error == 0) & ~flag(a, a.shape)
        value = np.where(certain, rounded.astype(Wide), stored.value)
        error = np.where(certain, doubt.astype(Wide), stored.error)
    huge = None if stored.huge is None else stored.huge & ~certain
    return Intervals(value, error, a.precision, huge)


def _roundings(numbers: np.ndarray, narrower: Precision) -> tuple[np.ndarray, np.ndarray]:
    """Exact numbers rounded to a format, and how far from there another library may round them.

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
