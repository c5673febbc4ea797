"""Products, quotients and whole powers, and the product of an array's elements in every order."""

from __future__ import annotations

import numpy as np

from .fast import NEGLIGIBLE
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
    remembered,
    settle,
    settle_fast,
    together,
)
from .storage import held

_QUOTIENT_ULPS = 2  # libraries write, and compilers make, a product with a rounded reciprocal of a quotient


def _multiply_fast(a: Intervals, b: Intervals) -> Intervals | None:
    both = both_fast(a, b)
    if both is None:
        return None
    p, (bounds_a, bounds_b) = a.precision, both
    spread = together(
        None if bounds_b.error is None else bounds_a.size * bounds_b.error,
        None if bounds_a.error is None else bounds_b.reach * bounds_a.error,
    )
    low, high = bounds_a.low * bounds_b.low * (1 - NEGLIGIBLE), bounds_a.high * bounds_b.high
    zeros, unchanged = either(bounds_a.zeros, bounds_b.zeros), either(bounds_a.ones, bounds_b.ones)
    return settle_fast(a.value * b.value, spread, Slip(p, eta=p.eta), (low, high), Exactly(zeros, unchanged))


def _multiply_any(a: Intervals, b: Intervals) -> Intervals:
    with np.errstate(all="ignore"):
        value = a.value * b.value
        spread = _spread_of_product(a, b)
        huge = void = None
        if a.huge is not None or b.huge is not None:
            huge_a, huge_b = flag(a, value.shape), flag(b, value.shape)
            may_vanish = (huge_a & (np.abs(b.value) <= b.error)) | (huge_b & (np.abs(a.value) <= a.error))
            huge, void = huge_a | huge_b, may_vanish
        exact = either(either(a.ones, b.ones), _vanished(value, spread))
        return settle(value, spread, Slip(a.precision, eta=a.precision.eta), Places(huge, void, exact))


def _spread_of_product(a: Intervals, b: Intervals) -> np.ndarray | None:
    """|a|F + |b|E + EF, E and F the errors of a and b; None where both are exact."""
    if a.certain and b.certain:
        return None
    if a.certain or b.certain:
        exact, other = (a, b) if a.certain else (b, a)
        spread = np.abs(exact.value) * other.error
    else:
        spread = (np.abs(a.value) + a.error) * b.error + np.abs(b.value) * a.error
    if a.certain is False or b.certain is False:
        return spread
    return np.where((a.error == 0) & (b.error == 0), Wide(0), spread)  # not inf * 0


def _vanished(value: np.ndarray, spread: np.ndarray | None) -> np.ndarray | None:
    """Where a result is zero exactly; None if nowhere."""
    zero = value == 0
    if not np.count_nonzero(zero):
        return None
    return zero if spread is None else zero & (spread == 0)


_product = quicker(_multiply_fast, _multiply_any)


def multiply(a: Intervals, b: Intervals) -> Intervals:
    """a b; by the number 1 or -1 it is the other, with all that is known of that."""
    for one, other in ((a, b), (b, a)):
        if not one.shape and one.ones is not None and other.shape:
            return other if one.value > 0 else -other
    return _product(a, b)


def _divide_fast(a: Intervals, b: Intervals) -> Intervals | None:
    both = both_fast(a, b)
    if both is None or both[1].zeros is not None:
        return None
    p, (bounds_a, bounds_b) = a.precision, both
    if bounds_b.high > 1 / p.smallest_normal or bounds_b.low < 1 / p.max:  # as in _has_odd_reciprocal
        return None
    low, high = bounds_a.low / bounds_b.high * (1 - NEGLIGIBLE), bounds_a.high / bounds_b.low
    if bounds_b.error is None:
        spread = None if bounds_a.error is None else bounds_a.error / bounds_b.size
    else:
        room = bounds_b.size - bounds_b.error
        if (room < bounds_b.error).any():  # the subtraction cancels, and rounds by more than is made up for
            return None
        moved = bounds_a.size / bounds_b.size * bounds_b.error  # (E + |a/b| F) / (|b| - F), E and F the errors of a and b
        spread, high = (moved if bounds_a.error is None else moved + bounds_a.error) / room, 2 * high
    exact = Exactly(bounds_a.zeros, bounds_b.ones)
    return settle_fast(a.value / b.value, spread, Slip(p, _QUOTIENT_ULPS, p.eta), (low, high), exact)


def _has_odd_reciprocal(size: np.ndarray, error: np.ndarray, p: Precision) -> np.ndarray:
    """Where the reciprocal of a divisor is subnormal or overflows, and a product with it loses more than a rounding."""
    return np.isfinite(size) & ((size + error > 1 / p.smallest_normal) | ((size > 0) & (size < 1 / p.max)))


def _divide_any(a: Intervals, b: Intervals) -> Intervals:
    with np.errstate(all="ignore"):
        value = a.value / b.value
        size = np.abs(b.value)
        if a.certain and b.certain:
            spread = None
        else:
            room = size - b.error
            spread = (a.error + np.abs(value) * b.error) / room
            if a.certain is not False and b.certain is not False:
                spread = np.where((a.error == 0) & (b.error == 0), Wide(0), spread)
            vanishes = (room <= 0) & (b.error > 0) & ~np.isnan(a.value)
            if np.count_nonzero(vanishes):
                spread, value = np.where(vanishes, Wide(np.inf), spread), np.where(vanishes, Wide(0), value)
        huge = void = None
        odd = _has_odd_reciprocal(size, b.error, a.precision) & (value != 0)
        if np.count_nonzero(odd):
            lost = np.where(odd, (np.abs(a.value) + a.error) * a.precision.eta, Wide(0))
            spread = lost if spread is None else spread + lost
            huge = odd & (size < 1 / a.precision.max)
        if a.huge is not None or b.huge is not None:
            huge_a, huge_b = flag(a, value.shape), flag(b, value.shape)
            spread = np.zeros(value.shape, Wide) if spread is None else spread
            spread = np.where(huge_b, np.maximum(spread, np.abs(value)), spread)
            huge, void = either(huge, huge_a & ~huge_b), huge_a & huge_b
        vanished = _vanished(value, spread)
        if vanished is not None:
            vanished = vanished & (a.value == 0)
        slip = Slip(a.precision, _QUOTIENT_ULPS, a.precision.eta)
        return settle(value, spread, slip, Places(huge, void, either(b.ones, vanished)))


divide = quicker(_divide_fast, _divide_any)


@remembered
def power(a: Intervals, exponent: int) -> Intervals:
    """a**exponent for a whole exponent >= 0: by repeated products or by a power function, whichever rounds worse."""
    narrower = a.precision.powers
    if a.ndim or narrower is None:
        return _power(a, exponent, a.precision)
    formed = _power(held(a, narrower), exponent, narrower)
    return Intervals(formed.value, formed.error, a.precision, formed.huge)


def _power(a: Intervals, exponent: int, p: Precision) -> Intervals:
    if exponent == 0:
        return Intervals(np.ones(a.shape, Wide), None, p)
    if exponent == 1:
        return a
    with np.errstate(all="ignore"):
        value = a.value**exponent
        size = np.abs(a.value)
        spread = np.where(a.error > 0, (size + a.error) ** exponent - size**exponent, Wide(0))
    roundings = 1 if exponent == 2 else exponent - 1 + p.elementary
    ulps = float(gamma(roundings, p)) / p.u
    return settle(value, spread, Slip(p, ulps, p.eta), Places(a.huge, exact=either(a.zeros, a.ones)))


def prod(a: Intervals) -> Intervals:
    """The product of all elements."""
    p, n = a.precision, a.value.size
    with np.errstate(all="ignore"):
        value = a.value.prod()
        size = np.abs(a.value)
        spread = (size + a.error).prod() - size.prod() if a.error.any() else Wide(0)
        has_zero = bool(((a.value == 0) & (a.error == 0)).any())
        largest = np.maximum(size + a.error, 1).prod()  # the largest product of any subset of the factors
        rounding = gamma(max(n - 1, 0), p) * (size.prod() + spread) + n * p.eta * largest * (n > 1)
        if has_zero:
            error = Wide(0) if largest <= p.max else Wide(np.inf)
        else:
            error = (spread + rounding + size.prod() * n * WIDE_U) * ROUND_UP
        void = bool(np.isfinite(value)) and largest > p.max and np.minimum(size, 1).prod() < p.smallest_normal
        void = void or (n > 1 and a.huge is not None and bool(a.huge.any()))
        huge = bool(np.isfinite(value)) and largest > p.max
        if n == 1:
            error, huge = a.error.sum(), huge and a.huge is not None
        error = Wide(np.inf) if void or np.isnan(error) else error
        error = error if np.isfinite(value) else Wide(0)
    return Intervals(np.asarray(value), np.asarray(error), p, np.asarray(True) if huge else None)
