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


class Plain(NamedTuple):
    """An enclosure in float64. No magnitude is zero or leaves the range in which float64 neither underflows nor overflows, and
    the format holds all of the enclosure, so that all the special cases of the operations are out of the question.

    ``centre`` is the value rounded to float64, ``size`` its magnitude, and ``error`` is None where all numbers are exact. No
    size is below ``low``, and no size + error above ``high``.
    """

    centre: np.ndarray
    size: np.ndarray
    error: np.ndarray | None
    low: float
    high: float
    uncertain: bool  # every error is positive

    def moved(self, move: Callable[[np.ndarray], np.ndarray]) -> Plain | None:
        """The same numbers in another order or shape."""
        centre = np.asarray(move(self.centre))
        if not centre.size:
            return None
        error = None if self.error is None else np.asarray(move(self.error))
        return Plain(centre, np.asarray(move(self.size)), error, self.low, self.high, self.uncertain)

    @property
    def reach(self) -> np.ndarray:
        """The largest magnitude of each element."""
        return self.size if self.error is None else self.size + self.error

    @property
    def may_hold_one(self) -> bool:
        """Whether some element is 1 or -1 exactly."""
        if self.uncertain or self.low > 1 or self.high < 1:
            return False
        ones = self.size == 1
        return bool(ones.any() if self.error is None else (ones & (self.error == 0)).any())


def bounded(
    centre: np.ndarray, size: np.ndarray, error: np.ndarray, p: Precision, low: float, high: float | None
) -> Plain | None:
    """The plain bounds around a centre, where every error is positive; None where some number is not an ordinary one."""
    if high is not None and _is_safe(low, high, p):
        return Plain(centre, size, error, low, high, True)
    return measured(centre, error, p)


def measured(centre: np.ndarray, error: np.ndarray | None, p: Precision) -> Plain | None:
    """The plain bounds around a centre; None where some number is not an ordinary one."""
    if not centre.size:
        return None
    size = np.abs(centre)
    low = float(size.min())
    if not low > SAFE[0]:  # zeros are frequent: nothing more is done for their sake
        return None
    if error is not None:
        error = error.astype(np.float64, copy=False) if error.any() else None
    high = float((size if error is None else size + error).max())
    if not _is_safe(low, high, p):
        return None
    return Plain(centre, size, error, low, high, error is not None and bool(error.all()))


def _is_safe(low: float, high: float, p: Precision) -> bool:
    return low > SAFE[0] and high < SAFE[1] and high < p.max  # NaN fails all comparisons


def gamma_plain(roundings: int, p: Precision) -> float:
    """The bound n·u/(1-n·u) on n accumulated relative roundings; infinity where it ceases to hold."""
    total = roundings * p.u
    return total / (1 - total) * ROUND_UP if total < 1 else math.inf
