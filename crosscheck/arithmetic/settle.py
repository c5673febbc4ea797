"""What an operation makes of its result: what came in with the operands, widened by the rounding of the operation itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import plain as in_float64
from .enclosure import Enclosure, Wide
from .formats import Precision
from .plain import NEGLIGIBLE, Plain, bounded

WIDE_U = float(np.finfo(Wide).eps)  # eps, not eps/2: exp and log of the C library are good to one unit in the last place
ROUND_UP = Wide(1) + Wide(2) ** -40  # covers the rounding of the bounds' own arithmetic


def settle(
    value: np.ndarray,
    spread: np.ndarray,
    precision: Precision,
    ulps: float = 1,
    underflows: bool = True,
    huge: np.ndarray | None = None,
    void: np.ndarray | None = None,
    exact: np.ndarray | bool = False,
) -> Enclosure:
    """The result of an operation: propagated ``spread`` plus the rounding of this operation, but where it is ``exact``.

    An operation counts as exact only where it is so in every order of evaluation: adding nothing, multiplying by 0 or ±1.
    """
    value, spread = np.asarray(value), np.asarray(spread)
    magnitude = np.abs(value)
    finite = np.isfinite(value)
    spread = np.where(np.isnan(spread), np.inf, spread)
    u = precision.u if value.ndim else precision.scalar_u
    rounding = (magnitude + spread) * Wide(ulps * u + WIDE_U)
    if underflows:
        rounding = rounding + Wide(precision.eta)
    error = np.where(exact, spread, (spread + rounding) * ROUND_UP)
    error = np.where(finite | (np.isinf(value) & (spread > 0)), error, Wide(0))
    if void is not None:
        error = np.where(void, Wide(np.inf), error)
    overflows = finite & (magnitude + error > precision.max)
    if overflows.any():
        huge = overflows if huge is None else huge | overflows
    # An infinity that comes of uncertain operands could have been anything; NaN stays NaN.
    lost = np.isinf(value) & (spread > 0)
    if lost.any():
        value, error = np.where(lost, Wide(0), value), np.where(lost, Wide(np.inf), error)
    return Enclosure(value, error, precision, huge)


def settle_plain(
    value: np.ndarray,
    spread: np.ndarray | None,
    p: Precision,
    ulps: float = 1,
    eta: float = 0,
    low: float | None = None,
    high: float | None = None,
) -> Enclosure | None:
    """As ``settle``, in float64, for an operation on plain arrays that is nowhere exact; None if its result is not plain: then
    the general way must be gone.

    ``spread`` is None where the operands are exact. Where they are known, ``low`` is below each magnitude, and ``high`` above
    each magnitude plus its spread.
    """
    centre = value.astype(np.float64)
    size, k = np.abs(centre), ulps * p.u + WIDE_U
    if spread is None:
        error = size * (k * in_float64.ROUND_UP)
    else:  # spread + k (size + spread)
        error = size * (k / (1 + k))
        error += spread
        error *= (1 + k) * in_float64.ROUND_UP
    low = float(size.min()) if low is None else low
    if eta > NEGLIGIBLE * k * low:
        error += eta * in_float64.ROUND_UP
    if high is not None:
        high = (high * (1 + k) + eta) * in_float64.ROUND_UP
    bounds = bounded(centre, size, error, p, low, high)
    return None if bounds is None else Enclosure.of(bounds, p, value)


def quicker(plain: Callable[..., Enclosure | None], general: Callable[..., Enclosure]) -> Callable[..., Enclosure]:
    """An operation that takes the quick way where that is open, else the one that knows all special cases."""

    def operation(*operands: Enclosure) -> Enclosure:
        result = plain(*operands)
        return general(*operands) if result is None else result

    return operation


def both_plain(a: Enclosure, b: Enclosure) -> tuple[Plain, Plain] | None:
    """The bounds of two operands, if their result is an array and both are plain."""
    if not (a.shape or b.shape):
        return None
    bounds_a, bounds_b = a.plain, b.plain
    return None if bounds_a is None or bounds_b is None else (bounds_a, bounds_b)


def gamma(roundings: Any, p: Precision) -> Any:
    """The bound n·u/(1-n·u) on n accumulated relative roundings; infinity where it ceases to hold."""
    total = np.asarray(roundings, dtype=Wide) * p.u
    return np.where(total < 1, total / np.where(total < 1, 1 - total, 1), np.inf)


def together(a: np.ndarray | None, b: np.ndarray | None) -> np.ndarray | None:
    """The sum of two errors, of which None is zero."""
    if a is None or b is None:
        return a if b is None else b
    return a + b


def is_one(a: Enclosure) -> np.ndarray:
    """Where multiplying by a number changes its sign at most."""
    return (np.abs(a.value) == 1) & (a.error == 0)


def is_zero(a: Enclosure) -> np.ndarray:
    return (a.value == 0) & (a.error == 0)


def flag(a: Enclosure, shape: tuple[int, ...]) -> np.ndarray:
    """Where an element may have overflowed."""
    return np.zeros(shape, bool) if a.huge is None else np.broadcast_to(a.huge, shape)


def either(a: np.ndarray | None, b: np.ndarray | None) -> np.ndarray | None:
    if a is None or b is None:
        return a if b is None else b
    return a | b
