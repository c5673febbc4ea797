"""The rounding model: arrays whose every operation widens its result by what floating point may do to it.

An ``Enclosure`` holds, for each element, a value in extended precision and a bound on how far any floating-point evaluation
of the same reading can lie from it, by fl(a∘b) = (a∘b)(1+δ) + η. Sums, products and matrix products are bounded for every
order of evaluation. Bounds propagate rigorously (no first-order truncation), and the model is vectorised, so that every
entry of a 64 x 64 gradient is held to its own budget for the price of a few matrix products.

The value is carried in ``numpy.longdouble``. Its own rounding is far below that of the formats under test where it has 64 bits
or more; it is added to every bound, so that a platform whose longdouble is a double gets wider bounds, never wrong ones.

Overflow: an element marked ``huge`` may have become infinite. Dividing by it gives anything between 0 and the quotient.
An ``error`` of infinity means that the budget is void: the reading's evaluation may return anything, NaN included.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np

from .formats import Precision

Wide = np.longdouble
WIDE_U = float(np.finfo(Wide).eps)  # eps, not eps/2: exp and log of the C library are good to one unit in the last place
_ROUND_UP = Wide(1) + Wide(2) ** -40  # covers the rounding of the bounds' own arithmetic
_FLOAT64_SAFE = (1e-140, 1e140)  # products of two such magnitudes stay normal in float64
_FLOAT64_U = 2.0**-53
_QUOTIENT_ULPS = 2  # libraries write, and compilers make, a product with a rounded reciprocal of a quotient
_FEW_TERMS = 2**14  # up to here a matrix product in extended precision is quicker than its two slices in float64
_ROUND_UP_PLAIN = 1 + 1e-12  # the same as _ROUND_UP for bounds that are computed in float64


class Plain(NamedTuple):
    """Magnitudes and errors in float64, in which arithmetic is several times faster.

    No magnitude is zero or leaves the range in which float64 neither underflows nor overflows, and the format holds all of
    the enclosure. Bounds are sums of products of these, so that float64 rounds them by a few parts in 1e16, for which
    ``_ROUND_UP_PLAIN`` makes up. All the special cases of the operations below are then out of the question.
    """

    size: np.ndarray
    error: np.ndarray


class Condition(NamedTuple):
    """The outcome of a comparison, and where it could have come out either way."""

    true: np.ndarray
    undecided: np.ndarray


class Enclosure:
    """An array of real intervals under the rounding model of one precision."""

    __slots__ = ("_error", "_plain", "fan", "huge", "precision", "value")
    __array_ufunc__ = None  # NumPy then leaves mixed operations to us

    def __init__(self, value: np.ndarray, error: np.ndarray | None, precision: Precision, huge: np.ndarray | None = None):
        self.value, self._error, self.precision, self.huge = value, error, precision, huge
        self.fan = 0  # how many terms a matrix product has summed: what is added next may be summed among them
        self._plain: Plain | Literal["unknown"] | None = "unknown"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    @property
    def ndim(self) -> int:
        return self.value.ndim

    @property
    def error(self) -> np.ndarray:
        if self._error is None:  # known in float64 only
            assert isinstance(self._plain, Plain)
            self._error = self._plain.error.astype(Wide)
        return self._error

    @property
    def plain(self) -> Plain | None:
        """The bounds in float64, where every number is an ordinary one; else None."""
        if self._plain == "unknown":
            with np.errstate(all="ignore"):
                bounds = Plain(np.abs(self.value.astype(np.float64)), self.error.astype(np.float64))
            self._plain = bounds if self.huge is None and _is_plain(bounds, self.precision) else None
        return self._plain

    @property
    def T(self) -> Enclosure:
        return self._reshaped(lambda a: a.T)

    def _reshaped(self, move: Callable[[np.ndarray], np.ndarray]) -> Enclosure:
        huge = None if self.huge is None else np.asarray(move(self.huge))
        error = None if self._error is None else np.asarray(move(self._error))
        moved = Enclosure(np.asarray(move(self.value)), error, self.precision, huge)
        moved.fan = self.fan
        if isinstance(self._plain, Plain):
            moved._plain = Plain(np.asarray(move(self._plain.size)), np.asarray(move(self._plain.error)))
        return moved

    def __getitem__(self, key: Any) -> Enclosure:
        return self._reshaped(lambda a: a[key])

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def reshape(self, *shape: int) -> Enclosure:
        return self._reshaped(lambda a: a.reshape(*shape))

    def _lift(self, other: Any) -> Enclosure:
        return other if isinstance(other, Enclosure) else lift(other, self.precision)

    def __neg__(self) -> Enclosure:
        return self._with(-self.value)

    def __abs__(self) -> Enclosure:
        return self._with(np.abs(self.value))

    def _with(self, value: np.ndarray) -> Enclosure:
        """The same bounds around a value of the same magnitude."""
        other = Enclosure(value, self._error, self.precision, self.huge)
        other._plain = self._plain
        return other

    def __add__(self, other: Any) -> Enclosure:
        return _add(self, self._lift(other))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Enclosure:
        return _add(self, -self._lift(other))

    def __rsub__(self, other: Any) -> Enclosure:
        return _add(self._lift(other), -self)

    def __mul__(self, other: Any) -> Enclosure:
        return _multiply(self, self._lift(other))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Enclosure:
        return _divide(self, self._lift(other))

    def __rtruediv__(self, other: Any) -> Enclosure:
        return _divide(self._lift(other), self)

    def __matmul__(self, other: Any) -> Enclosure:
        return _matmul(self, self._lift(other))

    def __rmatmul__(self, other: Any) -> Enclosure:
        return _matmul(self._lift(other), self)

    def __pow__(self, exponent: int) -> Enclosure:
        return _power(self, exponent)

    def _compare(self, other: Any, relation: Callable[[Any, Any], np.ndarray]) -> Condition:
        other = self._lift(other)
        with np.errstate(invalid="ignore"):
            reach = self.error + other.error
            apart = np.abs(self.value - other.value)
        return Condition(relation(self.value, other.value), (reach > 0) & ~(apart > reach))

    def __eq__(self, other: Any) -> Condition:  # type: ignore[override]  # elementwise, as NumPy's
        return self._compare(other, np.equal)

    def __lt__(self, other: Any) -> Condition:
        return self._compare(other, np.less)

    def __gt__(self, other: Any) -> Condition:
        return self._compare(other, np.greater)

    def __le__(self, other: Any) -> Condition:
        return self._compare(other, np.less_equal)

    def __ge__(self, other: Any) -> Condition:
        return self._compare(other, np.greater_equal)

    __hash__ = None  # type: ignore[assignment]  # elementwise equality

    def contains(self, observed: np.ndarray) -> np.ndarray:
        """Where an evaluation in floating point may have returned ``observed``."""
        near = self._holds_plainly(np.asarray(observed))
        if near is not None:
            return near
        observed = np.asarray(observed).astype(Wide)
        with np.errstate(all="ignore"):
            near = np.abs(observed - self.value) <= self.error
        same = (observed == self.value) | (np.isnan(observed) & np.isnan(self.value))
        return near | self._overflowed_to(observed) | same | np.isinf(self.error)

    def _overflowed_to(self, observed: np.ndarray) -> np.ndarray:
        """Where ``observed`` is the infinity that an overflow may have left, on the right side of zero."""
        if self.huge is None:
            return np.zeros(np.broadcast(observed, self.value).shape, bool)
        right_sign = (np.sign(observed) == np.sign(self.value)) | (np.abs(self.value) <= self.error)
        return np.isinf(observed) & self.huge & right_sign

    def _holds_plainly(self, observed: np.ndarray) -> np.ndarray | None:
        """All true where float64 suffices to see that everything is inside; else None."""
        if not isinstance(self._plain, Plain) or observed.shape != self.shape:
            return None
        size, error = self._plain
        with np.errstate(all="ignore"):
            near = np.abs(observed.astype(np.float64) - self.value.astype(np.float64)) + 4 * _FLOAT64_U * size <= error
        return near if near.all() else None

    def share(self, observed: np.ndarray) -> np.ndarray:
        """How much of its budget ``observed`` uses: 0 exact, 1 at the edge, infinity outside of an exact or undefined value."""
        observed = np.asarray(observed).astype(Wide)
        with np.errstate(all="ignore"):
            share = np.abs(observed - self.value) / self.error
        share = np.where(np.isnan(share), np.inf, share)
        same = (observed == self.value) | (np.isnan(observed) & np.isnan(self.value))
        exact = same | self._overflowed_to(observed) | np.isinf(self.error)
        return np.where(exact, 0.0, share).astype(np.float64)

    def parts_from(self, other: Enclosure) -> np.ndarray:
        """Where no floating-point number can belong to both: the readings are told apart."""
        with np.errstate(all="ignore"):
            apart = np.abs(self.value - other.value) > self.error + other.error
        one_undefined = np.isnan(self.value) != np.isnan(other.value)
        void = np.isinf(self.error) | np.isinf(other.error)
        both_huge = (False if self.huge is None else self.huge) & (False if other.huge is None else other.huge)
        return (apart | one_undefined) & ~void & ~both_huge

    @property
    def may_overflow(self) -> np.ndarray:
        """Where an evaluation may return an infinity that is not the value."""
        return np.isinf(self.error) | (False if self.huge is None else self.huge)

    @property
    def void(self) -> np.ndarray:
        """Where the budget is as large as the value or larger: agreement there says little."""
        return ~(self.error <= np.abs(self.value)) & ~np.isnan(self.value)


def lift(value: Any, precision: Precision) -> Enclosure:
    """A constant or an input: exact where the precision represents it, else as uncertain as its rounding."""
    if isinstance(value, Enclosure):
        return value
    if type(value) is int:
        return _whole(value, precision)
    return _lift(value, precision)


@lru_cache(maxsize=256)
def _whole(value: int, precision: Precision) -> Enclosure:
    return _lift(value, precision)


def _lift(value: Any, precision: Precision) -> Enclosure:
    given = np.asarray(value)
    wide = given.astype(Wide)
    if wide.ndim and given.dtype == precision.numpy and precision.eta == precision.smallest_subnormal:
        return Enclosure(wide, np.zeros_like(wide), precision)
    with np.errstate(all="ignore"):
        error = np.abs(wide - wide.astype(precision.numpy).astype(Wide))
    error = np.where(np.isfinite(wide), error, Wide(0))
    if not wide.ndim and precision.scalar_u > precision.u:  # a scalar that the library keeps in its narrower format
        error = np.maximum(error, np.abs(wide - wide.astype(np.float32).astype(Wide)))
    if precision.eta > precision.smallest_subnormal:  # a device that flushes reads subnormal inputs as zero
        error = np.where(np.abs(wide) < precision.smallest_normal, np.abs(wide), error)
    return Enclosure(wide, error, precision)


def _is_plain(bounds: Plain, p: Precision) -> bool:
    low, high = _FLOAT64_SAFE  # NaN fails both comparisons
    size, error = bounds
    return size.size > 0 and bool(size.min() > low and size.max() + error.max() < min(high, p.max))


def _enclose_plain(value: np.ndarray, size: np.ndarray, error: np.ndarray, p: Precision, fan: int = 0) -> Enclosure | None:
    """The enclosure of plain bounds; None if they are not plain, and the general way must be gone."""
    bounds = Plain(size, error)
    if not _is_plain(bounds, p):
        return None
    result = Enclosure(value, None, p)
    result._plain, result.fan = bounds, fan
    return result


def _settle_plain(value: np.ndarray, spread: np.ndarray, p: Precision, ulps: float = 1, eta: float = 0) -> Enclosure | None:
    """As ``_settle``, in float64, for an operation on plain arrays that is nowhere exact."""
    size = np.abs(value.astype(np.float64))
    error = (spread + (size + spread) * (ulps * p.u + WIDE_U) + eta) * _ROUND_UP_PLAIN
    return _enclose_plain(value, size, error, p)


def _settle(
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
    error = np.where(exact, spread, (spread + rounding) * _ROUND_UP)
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


def _is_unit(a: Enclosure) -> np.ndarray:
    return (np.abs(a.value) == 1) & (a.error == 0)


def _is_zero(a: Enclosure) -> np.ndarray:
    return (a.value == 0) & (a.error == 0)


def _sum_is_exact(a: Enclosure, b: Enclosure, value: np.ndarray) -> np.ndarray:
    """Where the sum of two exact numbers is a number of the format itself."""
    rest = value - a.value
    residual = (a.value - (value - rest)) + (b.value - rest)
    held = value.astype(_stored(value, a.precision)).astype(Wide) == value
    return ((a.error == 0) & (b.error == 0) & held & (residual == 0)) | _is_zero(a) | _is_zero(b)


def _stored(value: np.ndarray, precision: Precision) -> np.dtype:
    """The format in which a result is held: the precision's, or that of narrow scalars."""
    narrow = not value.ndim and precision.scalar_u > precision.u
    return np.dtype(np.float32) if narrow else precision.numpy


def _flag(a: Enclosure, shape: tuple[int, ...]) -> np.ndarray:
    return np.zeros(shape, bool) if a.huge is None else np.broadcast_to(a.huge, shape)


def _both_plain(a: Enclosure, b: Enclosure) -> tuple[Plain, Plain] | None:
    """The bounds of two operands, if their result is an array and both are plain."""
    if (a.ndim or b.ndim) and a.plain and b.plain:
        return a.plain, b.plain
    return None


def _add_plain(a: Enclosure, b: Enclosure) -> Enclosure | None:
    both = _both_plain(a, b)
    if both is None or not (both[0].error.all() or both[1].error.all()):  # a sum of exact numbers may be exact
        return None
    (size_a, error_a), (size_b, error_b) = both
    spread = error_a + error_b
    for fan, size in ((a.fan, size_b + error_b), (b.fan, size_a + error_a)):
        if fan > 1:
            spread = spread + _gamma_plain(fan - 1, a.precision) * size
    return _settle_plain(a.value + b.value, spread, a.precision, eta=_flushed(a.precision))


def _add_any(a: Enclosure, b: Enclosure) -> Enclosure:
    with np.errstate(all="ignore"):
        value, spread = a.value + b.value, a.error + b.error
        if a.fan > 1 or b.fan > 1:  # fused multiply-adds may start from the bias, and round against it at every term
            spread = spread + _gamma(max(a.fan - 1, 0), a.precision) * (np.abs(b.value) + b.error)
            spread = spread + _gamma(max(b.fan - 1, 0), a.precision) * (np.abs(a.value) + a.error)
        huge = void = None
        if a.huge is not None or b.huge is not None:
            huge_a, huge_b = _flag(a, value.shape), _flag(b, value.shape)
            huge = huge_a | huge_b
            void = huge_a & huge_b & (np.sign(a.value) != np.sign(b.value))
        exact = _sum_is_exact(a, b, np.asarray(value)) & (spread == a.error + b.error)
        flushed = _flushed(a.precision)
        if flushed:
            exact = exact & ((np.abs(value) >= flushed) | (value == 0))
        return _settle(value, spread, a.precision, underflows=flushed > 0, huge=huge, void=void, exact=exact)


def _flushed(p: Precision) -> float:
    """What a sum may lose to underflow: nothing, but on a device that flushes subnormal results to zero."""
    return p.eta if p.eta > p.smallest_subnormal else 0.0


def _multiply_plain(a: Enclosure, b: Enclosure) -> Enclosure | None:
    both = _both_plain(a, b)
    if both is None:
        return None
    for unit, other, bounds in ((a, b, both[0]), (b, a, both[1])):
        if _has_unit(bounds):
            return None if unit.ndim else other._with(unit.value * other.value)
    (size_a, error_a), (size_b, error_b) = both
    spread = size_a * error_b + (size_b + error_b) * error_a
    return _settle_plain(a.value * b.value, spread, a.precision, eta=a.precision.eta)


def _has_unit(a: Plain) -> bool:
    """Whether multiplying by some element may be exact."""
    return not a.error.all() and bool(((a.size == 1) & (a.error == 0)).any())


def _multiply_any(a: Enclosure, b: Enclosure) -> Enclosure:
    with np.errstate(all="ignore"):
        value = a.value * b.value
        spread = np.abs(a.value) * b.error + np.abs(b.value) * a.error + a.error * b.error
        spread = np.where((a.error == 0) & (b.error == 0), Wide(0), spread)
        huge = void = None
        if a.huge is not None or b.huge is not None:
            huge_a, huge_b = _flag(a, value.shape), _flag(b, value.shape)
            may_vanish = (huge_a & (np.abs(b.value) <= b.error)) | (huge_b & (np.abs(a.value) <= a.error))
            huge, void = huge_a | huge_b, may_vanish
        exact = _is_unit(a) | _is_unit(b) | ((spread == 0) & (value == 0))
        return _settle(value, spread, a.precision, huge=huge, void=void, exact=exact)


def _divide_plain(a: Enclosure, b: Enclosure) -> Enclosure | None:
    both = _both_plain(a, b)
    if both is None or _has_unit(both[1]):
        return None
    (size_a, error_a), (size_b, error_b) = both
    if (2 * error_b > size_b).any():  # the subtraction below would cancel, and round by more than is made up for
        return None
    if _has_odd_reciprocal(size_b, error_b, a.precision).any():
        return None
    spread = (error_a + size_a / size_b * error_b) / (size_b - error_b)
    return _settle_plain(a.value / b.value, spread, a.precision, _QUOTIENT_ULPS, eta=a.precision.eta)


def _has_odd_reciprocal(size: np.ndarray, error: np.ndarray, p: Precision) -> np.ndarray:
    """Where the reciprocal of a divisor is subnormal or overflows, and a product with it loses more than a rounding."""
    return np.isfinite(size) & ((size + error > 1 / p.smallest_normal) | ((size > 0) & (size < 1 / p.max)))


def _divide_any(a: Enclosure, b: Enclosure) -> Enclosure:
    with np.errstate(all="ignore"):
        value = a.value / b.value
        room = np.abs(b.value) - b.error
        spread = np.where((a.error == 0) & (b.error == 0), Wide(0), (a.error + np.abs(value) * b.error) / room)
        vanishes = (room <= 0) & (b.error > 0) & ~np.isnan(a.value)
        spread, value = np.where(vanishes, Wide(np.inf), spread), np.where(vanishes, Wide(0), value)
        odd = _has_odd_reciprocal(np.abs(b.value), b.error, a.precision) & (value != 0)
        spread = spread + np.where(odd, (np.abs(a.value) + a.error) * a.precision.eta, Wide(0))
        huge = void = None
        if odd.any():
            huge = odd & (np.abs(b.value) < 1 / a.precision.max)
        if a.huge is not None or b.huge is not None:
            huge_a, huge_b = _flag(a, value.shape), _flag(b, value.shape)
            spread = np.where(huge_b, np.maximum(spread, np.abs(value)), spread)
            huge, void = _either(huge, huge_a & ~huge_b), huge_a & huge_b
        exact = _is_unit(b) | ((spread == 0) & (value == 0) & (a.value == 0))
        return _settle(value, spread, a.precision, _QUOTIENT_ULPS, huge=huge, void=void, exact=exact)


def _matmul_plain(a: Enclosure, b: Enclosure) -> Enclosure | None:
    if not (a.ndim == b.ndim == 2 and a.plain and b.plain):
        return None
    p, n = a.precision, a.shape[-1]
    (size_a, error_a), (size_b, error_b) = a.plain, b.plain
    gamma, exact_a, exact_b = _gamma_plain(n, p), not error_a.any(), not error_b.any()
    if gamma == math.inf:
        return None
    if n == 1:
        value, slack = a.value * b.value, 0.0
    else:
        costly = a.shape[0] * n * b.shape[1] > _FEW_TERMS
        value, slack = _sliced_product(a.value, b.value, exact_a, exact_b) if costly else (a.value @ b.value, 0.0)
    # |A|F + E|B| + EF, and gamma of all that is summed; E and F are the errors of A and B
    if exact_b:
        spread = (gamma * size_a + (1 + gamma) * error_a) @ size_b
    elif exact_a:
        spread = size_a @ ((1 + gamma) * error_b + gamma * size_b)
    else:
        spread = np.hstack([size_a + error_a, error_a]) @ np.vstack([(1 + gamma) * error_b + gamma * size_b, size_b])
    if not (slack <= spread / 256).all():  # a row of very different magnitudes
        value, slack = a.value @ b.value, 0.0
    if not spread.max() / (n * p.u) < p.max:  # a partial sum might overflow
        return None
    # gamma is at least n u, so that the first term covers the n eps |A||B| of extended precision
    error = (spread * (1 + WIDE_U / p.u) + slack + 2 * n * p.eta) * (_ROUND_UP_PLAIN + 4 * n * _FLOAT64_U)
    return _enclose_plain(value, np.abs(value.astype(np.float64)), error, p, fan=n)


def _sliced_product(A: np.ndarray, B: np.ndarray, exact_a: bool, exact_b: bool) -> tuple[np.ndarray, np.ndarray]:
    """A B in extended precision by two matrix products in float64, and a bound on its error beside that of the last sum.

    Ozaki, Ogita, Oishi, Rump, Error-free transformations of matrix multiplication, Numerical Algorithms 59 (2012): the leading
    bits of A and B are so few that float64 sums their products without rounding. What is left of A and B is so small that
    float64 may round.
    """
    n = A.shape[1]
    bits = (53 - n.bit_length()) // 2
    _, high_a, low_a, top_a = _sliced(A, bits, exact_a, axis=1)
    double_b, high_b, low_b, top_b = _sliced(B, bits, exact_b, axis=0)
    rest = np.hstack([high_a, low_a]) @ np.vstack([low_b, double_b])
    # |high| <= top, |low| <= 0.51 * 2**-bits * top: two casts, and the 2n products of the rest
    slack = (3 * n + 4) * n * _FLOAT64_U * 2.0**-bits * top_a * top_b
    return (high_a @ high_b).astype(Wide) + rest, slack


def _sliced(array: np.ndarray, bits: int, exact: bool, axis: int) -> tuple[np.ndarray, ...]:
    """In float64: an array, the leading bits of each row (axis 1) or column (axis 0), the rest, and powers of two above all
    magnitudes. An ``exact`` array, without an error, holds numbers of the format, which are numbers of float64."""
    double = array.astype(np.float64)
    top = np.ldexp(1.0, np.frexp(np.abs(double).max(axis=axis, keepdims=True))[1])
    shift = top * (1.5 * 2.0 ** (52 - bits))  # adding it rounds to multiples of 2**-bits * top
    high = (double + shift) - shift
    return double, high, double - high if exact else (array - high).astype(np.float64), top


def _matmul_any(a: Enclosure, b: Enclosure) -> Enclosure:
    p, n = a.precision, a.shape[-1]
    gamma = _gamma(n, p)
    with np.errstate(all="ignore"):
        value = a.value @ b.value
        size_a, size_b, error_a, error_b = _in_float64(np.abs(a.value), np.abs(b.value), a.error, b.error)
        size = size_a @ size_b
        # |A|F + E|B| + EF, and gamma of all that is summed; E and F are the errors of A and B
        spread = (size_a + error_a) @ ((1 + gamma) * error_b + gamma * size_b) + error_a @ size_b
        terms = np.count_nonzero(size_a, axis=-1).reshape(size_a.shape[:-1] + (1,) * (size.ndim - size_a.ndim + 1))
        eta = 2 * p.eta * np.minimum(n, terms) if size.ndim else 2 * p.eta * n
        round_up = _ROUND_UP_PLAIN + 4 * n * _FLOAT64_U
        error = np.where((size > 0) | (spread > 0), (spread + size * (n * WIDE_U) + eta) * round_up, 0.0).astype(Wide)
        error = np.where(np.isnan(error), Wide(np.inf), error)
        overflow = size + spread > p.max
        if a.huge is not None or b.huge is not None or overflow.any() or not np.isfinite(value).all():
            return _matmul_termwise(a, b)
    product = Enclosure(np.asarray(value), np.asarray(error), p)
    product.fan = n
    return product


def _matmul_termwise(a: Enclosure, b: Enclosure) -> Enclosure:
    """The matrix product as explicit sums of products: slow, and exact about what overflow and infinities do."""
    left = a.reshape(1, -1) if a.ndim == 1 else a
    right = b.reshape(-1, 1) if b.ndim == 1 else b
    terms = left._reshaped(lambda x: x[:, :, None]) * right._reshaped(lambda x: x[None, :, :])
    total = _sum(terms, axis=1)
    shape = (a.shape[:-1] if a.ndim > 1 else ()) + (b.shape[1:] if b.ndim > 1 else ())
    return total._reshaped(lambda x: x.reshape(shape))


def _in_float64(*arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    """The arrays in float64, where matrix products are fast, if no magnitude could leave its range; else as they are."""
    low, high = _FLOAT64_SAFE
    for array in arrays:
        largest = array.max(initial=0)
        smallest = array.min(where=array > 0, initial=high)
        if not (largest < high and smallest > low):
            return arrays
    return tuple(array.astype(np.float64) for array in arrays)


def _gamma(roundings: Any, p: Precision) -> Any:
    """The bound n·u/(1-n·u) on n accumulated relative roundings; infinity where it ceases to hold."""
    total = np.asarray(roundings, dtype=Wide) * p.u
    return np.where(total < 1, total / np.where(total < 1, 1 - total, 1), np.inf)


def _quicker(plain: Callable[..., Enclosure | None], general: Callable[..., Enclosure]) -> Callable[..., Enclosure]:
    """An operation that takes the quick way where that is open, else the one that knows all special cases."""

    def operation(*operands: Enclosure) -> Enclosure:
        result = plain(*operands)
        return general(*operands) if result is None else result

    return operation


_add = _quicker(_add_plain, _add_any)
_multiply = _quicker(_multiply_plain, _multiply_any)
_divide = _quicker(_divide_plain, _divide_any)
_matmul = _quicker(_matmul_plain, _matmul_any)


def _gamma_plain(roundings: int, p: Precision) -> float:
    total = roundings * p.u
    return total / (1 - total) * _ROUND_UP_PLAIN if total < 1 else math.inf


def _sum(a: Enclosure, axis: int | None = None) -> Enclosure:
    p = a.precision
    with np.errstate(all="ignore"):
        value = a.value.sum(axis=axis)
        size, spread = np.abs(a.value).sum(axis=axis), a.error.sum(axis=axis)
        terms = np.count_nonzero((a.value != 0) | (a.error != 0), axis=axis)
        rounding = np.where(terms > 1, _gamma(np.maximum(terms - 1, 0), p) * (size + spread), Wide(0))
        rounding = rounding + np.where(terms > 1, (size * WIDE_U + _flushed(p)) * terms, Wide(0))
        void, huge = _sum_overflows(a, axis, size + spread, value)
        error = np.where(np.isnan(rounding + spread) | void, Wide(np.inf), (spread + rounding) * _ROUND_UP)
        error = np.where(np.isfinite(value) | (error > 0), error, Wide(0))
        exact_special = ~np.isfinite(value) & (spread == 0) & ~void
        error = np.where(exact_special, Wide(0), error)
    return Enclosure(np.asarray(value), np.asarray(error), p, np.asarray(huge) if np.any(huge) else None)


def _sum_overflows(a: Enclosure, axis: int | None, size: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where some order of summation may meet inf - inf (void), and where it may only overflow (huge)."""
    flags = np.zeros(a.shape, bool) if a.huge is None else a.huge
    over = np.isfinite(value) & ((size > a.precision.max) | flags.any(axis=axis))
    mixed = (a.value > 0).any(axis=axis) & (a.value < 0).any(axis=axis)
    return over & mixed, over & ~mixed


def _prod(a: Enclosure) -> Enclosure:
    p, n = a.precision, a.value.size
    with np.errstate(all="ignore"):
        value = a.value.prod()
        size = np.abs(a.value)
        spread = (size + a.error).prod() - size.prod() if a.error.any() else Wide(0)
        has_zero = bool(((a.value == 0) & (a.error == 0)).any())
        largest = np.maximum(size + a.error, 1).prod()  # the largest product of any subset of the factors
        rounding = _gamma(max(n - 1, 0), p) * (size.prod() + spread) + n * p.eta * largest * (n > 1)
        if has_zero:
            error = Wide(0) if largest <= p.max else Wide(np.inf)
        else:
            error = (spread + rounding + size.prod() * n * WIDE_U) * _ROUND_UP
        void = bool(np.isfinite(value)) and largest > p.max and np.minimum(size, 1).prod() < p.smallest_normal
        void = void or (n > 1 and a.huge is not None and bool(a.huge.any()))
        huge = bool(np.isfinite(value)) and largest > p.max
        if n == 1:
            error, huge = a.error.sum(), huge and a.huge is not None
        error = Wide(np.inf) if void or np.isnan(error) else error
        error = error if np.isfinite(value) else Wide(0)
    return Enclosure(np.asarray(value), np.asarray(error), p, np.asarray(True) if huge else None)


def _power(a: Enclosure, exponent: int) -> Enclosure:
    """a**exponent for a whole exponent >= 0: by repeated products or by a power function, whichever rounds worse."""
    if exponent == 0:
        return Enclosure(np.ones_like(a.value), np.zeros_like(a.error), a.precision)
    if exponent == 1:
        return a
    with np.errstate(all="ignore"):
        value = a.value**exponent
        size = np.abs(a.value)
        spread = np.where(a.error > 0, (size + a.error) ** exponent - size**exponent, Wide(0))
    roundings = 1 if exponent == 2 else exponent - 1 + a.precision.elementary
    ulps = float(_gamma(roundings, a.precision)) / a.precision.u
    return _settle(value, spread, a.precision, ulps, huge=a.huge, exact=_is_zero(a) | _is_unit(a))


def _exp_plain(a: Enclosure) -> Enclosure | None:
    if not a.ndim or a.plain is None:
        return None
    p = a.precision
    with np.errstate(all="ignore"):
        value = np.exp(a.value)
        spread = value.astype(np.float64) * np.expm1(a.plain.error)
        return _settle_plain(value, spread, p, p.elementary, p.eta)


def _monotone(function: Callable, slope_bound: Callable[[np.ndarray, np.ndarray], np.ndarray], ulps: str):
    """An increasing function with a bound on how far it moves for a given move of its argument."""

    def apply(a: Enclosure) -> Enclosure:
        p = a.precision
        with np.errstate(all="ignore"):
            value = function(a.value)
            spread = np.where(a.error > 0, slope_bound(a.value, a.error), Wide(0))
            k = p.elementary if ulps == "elementary" else 1
            # an argument at the edge of the domain may have rounded to either side of it
            crosses = np.isnan(value) & (a.error > 0) & ~np.isnan(function(a.value + a.error))
            value = np.where(crosses, Wide(0), value)
            result = _settle(value, spread, p, k, void=crosses, exact=_is_zero(a))
        if a.huge is None:
            return result
        with np.errstate(all="ignore"):
            limit = function(np.where(a.value > 0, Wide(np.inf), Wide(-np.inf)))
            reach = np.where(a.huge & np.isfinite(limit), np.abs(limit - value), 0)
        huge = a.huge & ~np.isfinite(limit)
        return Enclosure(result.value, np.maximum(result.error, reach), p, _either(result.huge, huge))

    return apply


def _either(a: np.ndarray | None, b: np.ndarray | None) -> np.ndarray | None:
    if a is None or b is None:
        return a if b is None else b
    return a | b


def _log_spread(v: np.ndarray, e: np.ndarray) -> np.ndarray:
    return np.where(e < v, -np.log1p(-e / v), np.inf)


def _sqrt_spread(v: np.ndarray, e: np.ndarray) -> np.ndarray:
    # an argument that may have rounded below zero may have given NaN
    return np.where(e <= v, e / (np.sqrt(v) + np.sqrt(np.maximum(v - e, 0))), np.inf)


_exp = _quicker(_exp_plain, _monotone(np.exp, lambda v, e: np.exp(v) * np.expm1(e), "elementary"))


class Rounding:
    """The namespace ``xp`` of the rounding model for one precision."""

    def __init__(self, precision: Precision):
        self.precision = precision

    def asarray(self, value: Any) -> Enclosure:
        return lift(value, self.precision)

    exp = staticmethod(_exp)
    log = staticmethod(_monotone(np.log, _log_spread, "elementary"))
    log1p = staticmethod(_monotone(np.log1p, lambda v, e: _log_spread(1 + v, e), "elementary"))
    sqrt = staticmethod(_monotone(np.sqrt, _sqrt_spread, "one"))
    tanh = staticmethod(_monotone(np.tanh, lambda v, e: np.minimum(e, 2), "elementary"))
    sum = staticmethod(_sum)
    prod = staticmethod(_prod)

    abs = staticmethod(abs)

    def maximum(self, a: Any, b: Any) -> Enclosure:
        a, b = self.asarray(a), self.asarray(b)
        return self.where(_or_nan(a > b, a), a, b)

    def minimum(self, a: Any, b: Any) -> Enclosure:
        a, b = self.asarray(a), self.asarray(b)
        return self.where(_or_nan(a < b, a), a, b)

    @staticmethod
    def max(a: Enclosure) -> Enclosure:
        value, low, high = a.value.max(), (a.value - a.error).max(), (a.value + a.error).max()
        huge = None if a.huge is None else np.asarray(a.huge.any())
        return Enclosure(np.asarray(value), np.asarray(_reach(value, low, high)), a.precision, huge)

    @staticmethod
    def min(a: Enclosure) -> Enclosure:
        return -Rounding.max(-a)

    def where(self, condition: Condition | np.ndarray, a: Any, b: Any) -> Enclosure:
        true, undecided = condition if isinstance(condition, Condition) else (np.asarray(condition), np.zeros((), bool))
        a, b = self.asarray(a), self.asarray(b)
        value, error = np.where(true, a.value, b.value), np.where(true, a.error, b.error)
        if undecided.any():
            hull = np.abs(a.value - b.value) + np.maximum(a.error, b.error)
            error = np.where(undecided, hull, error)
        huge = None
        if a.huge is not None or b.huge is not None:
            huge_a, huge_b = _flag(a, value.shape), _flag(b, value.shape)
            huge = np.where(undecided, huge_a | huge_b, np.where(true, huge_a, huge_b))
        return Enclosure(value, error, self.precision, huge)

    def ones_like(self, a: Enclosure) -> Enclosure:
        return Enclosure(np.ones_like(a.value), np.zeros_like(a.error), self.precision)

    def zeros_like(self, a: Enclosure) -> Enclosure:
        return Enclosure(np.zeros_like(a.value), np.zeros_like(a.error), self.precision)

    def eye(self, n: int) -> Enclosure:
        return self.asarray(np.eye(n))

    def stack(self, parts: Sequence[Enclosure]) -> Enclosure:
        shape = parts[0].shape
        huge = np.stack([_flag(part, shape) for part in parts]) if any(p.huge is not None for p in parts) else None
        value, error = np.stack([p.value for p in parts]), np.stack([p.error for p in parts])
        return Enclosure(value, error, self.precision, huge)


def _or_nan(condition: Condition, a: Enclosure) -> Condition:
    return Condition(condition.true | np.isnan(a.value), condition.undecided)


def _reach(value: Any, low: Any, high: Any) -> Any:
    with np.errstate(invalid="ignore"):
        reach = np.maximum(value - low, high - value)
    return np.where(np.isnan(reach), Wide(0), reach)
