"""Intervals: arrays of what floating point may return, and the questions that are asked of them; without arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple, Self

import numpy as np

from .fast import FLOAT64_U, Fast, measured
from .formats import Precision

Wide = np.longdouble
UNKNOWN: Any = object()  # what has not been looked at yet


class Condition(NamedTuple):
    """The outcome of a comparison, and where it could have come out either way."""

    true: np.ndarray
    undecided: np.ndarray


class Intervals:
    """An array of real intervals under the rounding model of one precision.

    ``value`` and ``error`` are formed when they are asked for, where float64 has sufficed until then. Without an ``error`` the
    value is exact.
    """

    __slots__ = (
        "_certain",
        "_error",
        "_fast",
        "_ones",
        "_parts",
        "_value",
        "_weighed",
        "_zeros",
        "fan",
        "huge",
        "made",
        "precision",
        "shape",
    )
    __array_ufunc__ = None  # NumPy then leaves mixed operations to us

    def __init__(self, value: np.ndarray, error: np.ndarray | None, precision: Precision, huge: np.ndarray | None = None):
        self._value: np.ndarray | None = value
        self._error, self.precision, self.huge, self.shape = error, precision, huge, value.shape
        self.made: dict[Any, Any] | None = None  # what was made of it, by what made it; None where that is not kept
        self.fan = 0  # how many terms a matrix product has summed: what is added next may be summed among them
        self._fast: Fast | None = None
        self._weighed = False  # whether it is known if there are fast bounds
        self._parts: tuple[np.ndarray, np.ndarray] | None = None
        self._certain = self._ones = self._zeros = UNKNOWN

    @property
    def kind(self) -> type[Self]:
        """What the same numbers in another order are; a subclass that computes in a way of its own has that of its parent."""
        return Intervals  # type: ignore[return-value]  # of the base class this is what Self stands for

    @classmethod
    def of(
        cls,
        fast: Fast,
        precision: Precision,
        value: np.ndarray | None = None,
        parts: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> Self:
        """The intervals of fast bounds; its value, where it is not given, is the sum of ``parts`` or else the centre."""
        made = cls.__new__(cls)
        made._value, made._parts, made._error, made._fast, made._weighed, made.made = value, parts, None, fast, True, None
        made.precision, made.shape, made.huge, made.fan = precision, fast.centre.shape, None, 0
        made._certain = made._ones = made._zeros = UNKNOWN
        return made

    @property
    def value(self) -> np.ndarray:
        if self._value is None:
            assert self._fast is not None
            first, second = self._parts or (self._fast.centre, None)
            self._value = first.astype(Wide)
            if second is not None:
                self._value += second.astype(Wide)  # an addition that converts as it goes is slower
        return self._value

    @property
    def error(self) -> np.ndarray:
        if self._error is None:
            known = self._fast.error if self._fast is not None else None
            self._error = np.zeros(self.shape, Wide) if known is None else known.astype(Wide)
        return self._error

    @property
    def fast(self) -> Fast | None:
        """The bounds in float64, where every number is an ordinary one; else None."""
        if not self._weighed:
            self._weighed = True
            if self.huge is None:
                with np.errstate(all="ignore"):
                    self._fast = measured(self.value.astype(np.float64), self._error, self.precision)
        return self._fast

    @property
    def certain(self) -> bool | None:
        """True where every number is exact, False where none is, None where some are."""
        if self._certain is UNKNOWN:
            error = self._error if self._error is not None or self._fast is None else self._fast.error
            uncertain = 0 if error is None else np.count_nonzero(error)
            self._certain = True if not uncertain else False if uncertain == self.value.size else None
        return self._certain

    @property
    def ones(self) -> np.ndarray | None:
        """Where a number is 1 or -1 exactly, so that a product with it is exact; None if nowhere."""
        if self._ones is UNKNOWN:
            self._ones = self._exactly(np.abs(self.value) == 1)
        return self._ones

    @property
    def zeros(self) -> np.ndarray | None:
        """Where a number is 0 exactly; None if nowhere."""
        if self._zeros is UNKNOWN:
            self._zeros = self._exactly(self.value == 0)
        return self._zeros

    def _exactly(self, where: np.ndarray) -> np.ndarray | None:
        if self.certain is False or not np.count_nonzero(where):
            return None
        return where if self.certain else where & (self.error == 0)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    # --- the same numbers in another order, shape or sign -----------------------------------------------------------

    @property
    def T(self) -> Self:
        return self.moved(lambda a: a.T)

    def moved(self, move: Callable[[np.ndarray], np.ndarray]) -> Self:
        """The same numbers in another order or shape."""
        fast = None if self._fast is None else self._fast.moved(move)
        if fast is not None:
            moved = self.kind.of(fast, self.precision)
            moved._value, moved._parts = _moved(self._value, move), _moved_pair(self._parts, move)
        else:
            huge = _moved(self.huge, move)
            moved = self.kind(np.asarray(move(self.value)), _moved(self.error, move), self.precision, huge)
            moved._weighed = self._weighed
        moved.fan = self.fan
        return moved

    def __getitem__(self, key: Any) -> Self:
        return self.moved(lambda a: a[key])

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of an enclosure of a single number")
        return self.shape[0]

    def __iter__(self) -> Iterator[Self]:
        return (self[i] for i in range(len(self)))

    def reshape(self, *shape: int) -> Self:
        return self.moved(lambda a: a.reshape(*shape))

    def __neg__(self) -> Self:
        return kept("neg", lambda a: a._with(-a.value, lambda fast: -fast.centre), self)  # type: ignore[return-value]

    def __abs__(self) -> Self:
        return kept("abs", lambda a: a._with(np.abs(a.value), lambda fast: fast.size), self)  # type: ignore[return-value]

    def _with(self, value: np.ndarray, centre: Callable[[Fast], np.ndarray]) -> Self:
        """The same bounds around values of the same magnitude."""
        other = self.kind(value, self._error, self.precision, self.huge)
        other._weighed, other.fan = self._weighed, self.fan
        if self._fast is not None:
            other._fast = Fast(centre(self._fast), *self._fast[1:])
        return other

    def _lift(self, other: Any) -> Intervals:
        return other if isinstance(other, Intervals) else lift(other, self.precision)

    # --- questions --------------------------------------------------------------------------------------------------

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
        near = self._contains_fast(np.asarray(observed))
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

    def _contains_fast(self, observed: np.ndarray) -> np.ndarray | None:
        """All true where float64 suffices to see that everything is inside; else None."""
        fast = self._fast
        if fast is None or fast.error is None or observed.shape != self.shape:
            return None
        off = np.asarray(observed.astype(np.float64, copy=False) - fast.centre)
        np.abs(off, out=off)
        off += (4 * FLOAT64_U) * fast.size  # the value and the difference may have been rounded
        near = off <= fast.error
        return near if near.all() else None

    def share(self, observed: np.ndarray) -> np.ndarray:
        """How much of its budget ``observed`` uses: 0 exact, 1 at the edge, infinity outside of an exact or undefined value."""
        observed = np.asarray(observed).astype(Wide)
        with np.errstate(all="ignore"):
            share = np.abs(observed - self.value) / self.error
        share = np.where(np.isnan(share), np.inf, share)
        same = (observed == self.value) | (np.isnan(observed) & np.isnan(self.value))
        exact = same | self._overflowed_to(observed) | np.isinf(self.error)
        with np.errstate(over="ignore"):  # a share may be larger than float64 has numbers for
            return np.where(exact, 0.0, share).astype(np.float64)

    def separate_from(self, other: Intervals) -> np.ndarray:
        """Where no floating-point number can belong to both: the readings are separated."""
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
        """Where the budget is as large as the value or larger: agreement there says little. A NaN that is sure says much."""
        return ~(self.error <= np.abs(self.value)) & ~(np.isnan(self.value) & np.isfinite(self.error))


def kept(key: Any, operation: Callable[..., Intervals], *operands: Intervals) -> Intervals:
    """What an operation makes of its operands, once: many readings do the same to the same numbers of one trace.

    An array keeps it, or else a number; and only where all operands keep what is made of them, as will the result.
    """
    home = None
    for a in operands:
        if a.made is None:
            return operation(*operands)
        if home is None or (a.shape and not home.shape):
            home = a
    known: dict[Any, Any] = home.made  # type: ignore[union-attr, assignment]  # of one of the operands
    by = (key, *map(id, operands))
    if by not in known:
        result = operation(*operands)
        if result.made is None:
            result.made = {}
        known[by] = result, operands  # which have to live as long as they are known by where they are
    return known[by][0]


def _moved(array: np.ndarray | None, move: Callable[[np.ndarray], np.ndarray]) -> np.ndarray | None:
    return None if array is None else np.asarray(move(array))


def _moved_pair(pair: tuple[np.ndarray, np.ndarray] | None, move: Callable[[np.ndarray], np.ndarray]) -> Any:
    return None if pair is None else tuple(np.asarray(move(part)) for part in pair)


def lift(value: Any, precision: Precision) -> Intervals:
    """A constant or an input: exact where the precision represents it, else as uncertain as its rounding."""
    if isinstance(value, Intervals):
        return value
    if type(value) is int or isinstance(value, float):
        return _number(value, math.copysign(1.0, value), precision)  # zeros are equal, whatever their sign
    given = np.asarray(value)
    if given.ndim and given.dtype == precision.numpy and not precision.flushes:
        return _exact(given, precision)
    return _rounded(given, precision)


@lru_cache(maxsize=1024)
def _number(value: float, sign: float, precision: Precision) -> Intervals:
    number = _rounded(np.asarray(value), precision)
    number.made = {}
    return number


def _exact(given: np.ndarray, precision: Precision) -> Intervals:
    """An array of numbers of the format; float64 holds those of all formats."""
    fast = measured(given.astype(np.float64), None, precision)
    return Intervals(given.astype(Wide), None, precision) if fast is None else Intervals.of(fast, precision)


def _rounded(given: np.ndarray, precision: Precision) -> Intervals:
    wide = given.astype(Wide)
    with np.errstate(all="ignore"):
        error = np.abs(wide - wide.astype(precision.numpy).astype(Wide))
    error = np.where(np.isfinite(wide), error, Wide(0))
    if not wide.ndim and precision.scalar_u != precision.u:  # a scalar that the library keeps in float32
        in_float32 = np.abs(wide - wide.astype(np.float32).astype(Wide))
        error = np.maximum(error, in_float32) if precision.scalar_u > precision.u else in_float32
    if precision.flushes:  # subnormal inputs are read as zero
        error = np.where(np.abs(wide) < precision.smallest_normal, np.abs(wide), error)
    return Intervals(wide, error, precision)
