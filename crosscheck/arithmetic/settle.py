"""What an operation makes of its result: what came in with the operands, widened by the rounding of the operation itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from . import fast as in_float64
from .fast import NEGLIGIBLE, Fast, is_safe, measured, smallest
from .formats import Precision
from .intervals import Intervals, Wide, kept

WIDE_U = float(np.finfo(Wide).eps)  # eps, not eps/2: exp and log of the C library are good to one unit in the last place
ROUND_UP = Wide(1) + Wide(2) ** -40  # covers the rounding of the bounds' own arithmetic
_FEW = 16  # numbers: for fewer, the general path is the quicker one
_REMEMBERED = 4096  # results of one operation on scalars


class Slip(NamedTuple):
    """What an operation itself may add: ``ulps`` units of the precision, and ``eta`` where it underflows."""

    precision: Precision
    ulps: float = 1
    eta: float = 0


class Places(NamedTuple):
    """Where a result may have overflowed (``huge``), may be anything (``void``), or is not rounded (``exact``); None: nowhere.

    An operation counts as exact only where it is so in every order of evaluation: adding nothing, multiplying by 0 or ±1.
    """

    huge: np.ndarray | None = None
    void: np.ndarray | None = None
    exact: np.ndarray | None = None


NOWHERE = Places()


class Exactly(NamedTuple):
    """Where a result is zero exactly, or an operand unchanged; None: nowhere."""

    zeros: np.ndarray | None = None
    unchanged: np.ndarray | None = None


NEVER = Exactly()


def settle(value: np.ndarray, spread: np.ndarray | None, slip: Slip, places: Places = NOWHERE) -> Intervals:
    """The result of an operation: propagated ``spread`` (None: nothing) plus the rounding of this operation."""
    value, precision, (huge, void, exact) = np.asarray(value), slip.precision, places
    magnitude = np.abs(value)
    reach = magnitude if spread is None else magnitude + spread
    ordinary = np.count_nonzero(np.isfinite(reach)) == reach.size
    if not ordinary and spread is not None:
        spread = np.where(np.isnan(spread), Wide(np.inf), spread)
        reach = magnitude + spread
    u = precision.u if value.ndim else precision.scalar_u
    error = reach * Wide(slip.ulps * u + WIDE_U)
    if slip.eta:
        error = error + Wide(slip.eta)
    if spread is not None:
        error = error + spread
    error = error * ROUND_UP
    if exact is not None:
        error = np.where(exact, Wide(0) if spread is None else spread, error)
    of_uncertain = None
    if not ordinary:
        of_uncertain = np.isinf(value) & (False if spread is None else spread > 0)
        error = np.where(np.isfinite(value) | of_uncertain, error, Wide(0))
    if void is not None:
        error = np.where(void, Wide(np.inf), error)
    overflows = magnitude + error > precision.max
    if not ordinary:
        overflows &= np.isfinite(value)
    if np.count_nonzero(overflows):
        huge = overflows if huge is None else huge | overflows
    if of_uncertain is not None and np.count_nonzero(of_uncertain):
        # An infinity that comes of uncertain operands could have been anything; NaN stays NaN.
        value, error = np.where(of_uncertain, Wide(0), value), np.where(of_uncertain, Wide(np.inf), error)
    return Intervals(value, error, precision, huge)


def settle_fast(
    value: np.ndarray,
    spread: np.ndarray | None,
    slip: Slip,
    within: tuple[float | None, float | None] = (None, None),
    exact: Exactly = NEVER,
) -> Intervals | None:
    """As ``settle``, in float64, for an operation that is exact at most where it is said to be; None if float64 does not
    suffice for its result: use the general path then.

    ``spread`` is None where the operands are exact. ``within`` are, where they are known, a number below each magnitude and one
    above each magnitude plus its spread.
    """
    (p, ulps, eta), (low, high), (zeros, unchanged) = slip, within, exact
    centre = value.astype(np.float64)
    size, k = np.abs(centre), ulps * p.u + WIDE_U
    if spread is None:
        error = size * (k * in_float64.ROUND_UP)
    else:  # spread + k (size + spread)
        error = size * (k / (1 + k))
        error += spread
        error *= (1 + k) * in_float64.ROUND_UP
    low = smallest(size, zeros) if low is None else low
    if eta > NEGLIGIBLE * k * low:
        error += eta * in_float64.ROUND_UP
    if high is not None:
        high = (high * (1 + k) + eta) * in_float64.ROUND_UP
    if zeros is not None or unchanged is not None:
        error = _where_exact(error, spread, zeros, unchanged)
    if high is None or unchanged is not None or not is_safe(low, high, p):
        bounds = measured(centre, error, p)
    else:
        bounds = Fast(centre, size, error, low, high, True, zeros)
    return None if bounds is None else Intervals.of(bounds, p, value)


def _where_exact(
    error: np.ndarray, spread: np.ndarray | None, zeros: np.ndarray | None, unchanged: np.ndarray | None
) -> np.ndarray:
    """The errors of a result that is zero exactly, or one of its operands unchanged, in some places."""
    if unchanged is not None:
        error = np.where(unchanged, 0.0 if spread is None else spread, error)
    return error if zeros is None else np.where(zeros, 0.0, error)


def quicker(fast: Callable[..., Intervals | None], general: Callable[..., Intervals]) -> Callable[..., Intervals]:
    """An operation that takes the fast path where that is open, else the general one, which knows all special cases; what that
    one makes of scalars is remembered."""
    of_scalars = remembered(general)

    def of_arrays(*operands: Intervals) -> Intervals:
        result = fast(*operands)
        return general(*operands) if result is None else result

    def operation(*operands: Intervals) -> Intervals:
        made = of_arrays if any(a.shape for a in operands) else of_scalars
        return kept(made, made, *operands)

    return operation


def remembered(general: Callable[..., Intervals]) -> Callable[..., Intervals]:
    """The operation with a memory for scalars: 1-β and β^t are asked for at every step of every trace by every reading."""
    known: dict[Any, Intervals] = {}

    def operation(a: Intervals, *others: Any) -> Intervals:
        key = _identity(a, others)
        if key is None:
            return general(a, *others)
        if key not in known:
            if len(known) >= _REMEMBERED:
                known.clear()
            known[key] = general(a, *others)
        return known[key]

    return operation


def _identity(a: Intervals, others: tuple[Any, ...]) -> Any:
    """What an operation on scalars depends on: their numbers, and the precision, which the result keeps alive. None for arrays,
    for zeros, which equal each other whatever their sign, and for what has more to it."""
    key: list[Any] = [id(a.precision)]
    for operand in (a, *others):
        if isinstance(operand, Intervals):
            own_way = type(operand) is not operand.kind
            if own_way or operand.shape or operand.huge is not None or operand.fan or not operand.value:
                return None
            key += (operand.value[()], operand.error[()])
        else:
            key.append(operand)
    return tuple(key)


def both_fast(a: Intervals, b: Intervals) -> tuple[Fast, Fast] | None:
    """The bounds of two operands, if both are fast, and so large that it pays to find out."""
    if math.prod(a.shape) < _FEW and math.prod(b.shape) < _FEW:
        return None
    bounds_a, bounds_b = a.fast, b.fast
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


def flag(a: Intervals, shape: tuple[int, ...]) -> np.ndarray:
    """Where an element may have overflowed."""
    return np.zeros(shape, bool) if a.huge is None else np.broadcast_to(a.huge, shape)


def either(a: np.ndarray | None, b: np.ndarray | None) -> np.ndarray | None:
    if a is None or b is None:
        return a if b is None else b
    return a | b
