"""Enclosures: intervals with the arithmetic of arrays."""

from __future__ import annotations

from typing import Any

from . import intervals, matmul, products, storage, sums
from .formats import Precision
from .intervals import Condition, Intervals, Wide

__all__ = ["Condition", "Enclosure", "Wide", "lift"]


class Enclosure(Intervals):
    """Intervals with operators, each of which widens its result by what floating point may do to it."""

    __slots__ = ()

    @property
    def kind(self) -> type[Enclosure]:
        return Enclosure

    def __add__(self, other: Any) -> Enclosure:
        return operating(sums.add(self, self._lift(other)))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Enclosure:
        return operating(sums.subtract(self, self._lift(other)))

    def __rsub__(self, other: Any) -> Enclosure:
        return operating(sums.subtract(self._lift(other), self))

    def __mul__(self, other: Any) -> Enclosure:
        return operating(products.multiply(self, self._lift(other)))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Enclosure:
        return operating(products.divide(self, self._lift(other)))

    def __rtruediv__(self, other: Any) -> Enclosure:
        return operating(products.divide(self._lift(other), self))

    def __matmul__(self, other: Any) -> Enclosure:
        return operating(matmul.matmul(self, self._lift(other)))

    def __rmatmul__(self, other: Any) -> Enclosure:
        return operating(matmul.matmul(self._lift(other), self))

    def __pow__(self, exponent: int) -> Enclosure:
        return operating(products.power(self, exponent))

    def held(self, narrower: Precision) -> Enclosure:
        """The array after it was stored in a narrower format and read back, as an array of this precision.

        Exact numbers become the numbers that they are there; uncertain ones are uncertain by one rounding more, and may have
        become infinite where that format ends.
        """
        return operating(storage.held(self, narrower))


def lift(value: Any, precision: Precision) -> Enclosure:
    """A constant or an input: exact where the precision represents it, else as uncertain as its rounding."""
    return operating(intervals.lift(value, precision))


def operating(made: Intervals) -> Enclosure:
    """What an operation has made, with operators; an operand that it has handed back has them."""
    if type(made) is Intervals:
        made.__class__ = Enclosure
    return made  # type: ignore[return-value]
