"""Bounds in float64, in which arithmetic is several times faster: for arrays in which every number is an ordinary one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .formats import Precision

SAFE = (1e-140, 1e140)  # products of two such magnitudes stay normal in float64
FLOAT64_U = 2.0**-53
ROUND_UP = 1 + 1e-12  # covers the rounding of bounds that are sums of products in float64
NEGLIGIBLE = 1e-13  # what is this small beside a bound, ``ROUND_UP`` covers too


class Fast(NamedTuple):
    """An enclosure in float64. Its numbers are exactly zero or of magnitudes at which float64 neither underflows nor overflows,
    and the format has all of the enclosure, so that none of the operations' special cases can arise.

    ``centre`` is the value rounded to float64, ``size`` its magnitude, and ``error`` is None where all numbers are exact. No
    size but zero is below ``low``, and no size + error above ``high``. ``zeros`` says where a number is zero, if any is.
    """

    centre: np.ndarray
    size: np.ndarray
    error: np.ndarray | None
    low: float
    high: float
    uncertain: bool  # every error but that of a zero is positive
    zeros: np.ndarray | None = None

    def moved(self, move: Callable[[np.ndarray], np.ndarray]) -> Fast | None:
        """The same numbers in another order or shape."""
        centre = np.asarray(move(self.centre))
        if not centre.size:
            return None
        error = None if self.error is None else np.asarray(move(self.error))
        zeros = None if self.zeros is None else np.asarray(move(self.zeros))
        return Fast(centre, np.asarray(move(self.size)), error, self.low, self.high, self.uncertain, zeros)

    @property
    def reach(self) -> np.ndarray:
        """The largest magnitude of each element."""
        return self.size if self.error is None else self.size + self.error

    @property
    def ones(self) -> np.ndarray | None:
        """Where an element is 1 or -1 exactly; None if nowhere."""
        if self.uncertain or self.low > 1 or self.high < 1:
            return None
        ones = self.size == 1
        ones = ones if self.error is None else ones & (self.error == 0)
        return ones if np.count_nonzero(ones) else None


def measured(centre: np.ndarray, error: np.ndarray | None, p: Precision) -> Fast | None:
    """The bounds around a centre; None where some number is not an ordinary one."""
    if not centre.size:
        return None
    size, zeros = np.abs(centre), None
    low = float(size.min())
    if low == 0:
        zeros = size == 0
        low = smallest(size, zeros)
    if not low > SAFE[0]:
        return None
    if error is not None:
        error = error.astype(np.float64, copy=False) if error.any() else None
    high = float((size if error is None else size + error).max())
    if not is_safe(low, high, p):
        return None
    positive = 0 if error is None else np.count_nonzero(error)
    if zeros is None:
        return Fast(centre, size, error, low, high, positive == size.size)
    if error is not None and error[zeros].any():
        return None
    return Fast(centre, size, error, low, high, positive == size.size - np.count_nonzero(zeros), zeros)


def smallest(size: np.ndarray, zeros: np.ndarray | None) -> float:
    """The smallest magnitude but zero; 1 where there is none."""
    if zeros is None:
        return float(size.min())
    low = float(size.min(where=~zeros, initial=math.inf))
    return low if low < math.inf else 1.0


def is_safe(low: float, high: float, p: Precision) -> bool:
    return low > SAFE[0] and high < SAFE[1] and high < p.max  # NaN fails all comparisons


def gamma_fast(roundings: int, p: Precision) -> float:
    """The bound n·u/(1-n·u) on n accumulated relative roundings; infinity where it ceases to hold."""
    total = roundings * p.u
    return total / (1 - total) * ROUND_UP if total < 1 else math.inf
