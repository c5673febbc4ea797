"""The rounding model: arrays whose every operation widens its result by what floating point may do to it.

An ``Enclosure`` holds, for each element, a value in extended precision and a bound on how far any floating-point evaluation
of the same reading can lie from it, by fl(a∘b) = (a∘b)(1+δ) + η. Sums, products and matrix products are bounded for every
order of evaluation. Bounds propagate rigorously (no first-order truncation), and the model is vectorised, so that every
entry of a 64 x 64 gradient is held to its own budget for the price of a few matrix products.

The value is carried in ``numpy.longdouble``. Its own rounding is far below that of the formats under test where it has 64 bits
or more; it is added to every bound, so that a platform whose longdouble is a double gets wider bounds, never wrong ones.

Overflow: an element marked ``huge`` may have become infinite. Dividing by it gives anything between 0 and the quotient.
An ``error`` of infinity means that the budget is void: the reading's evaluation may return anything, NaN included.

Each operation is written twice: for arrays whose bounds float64 suffices for (``fast``), and for all others. This
module is the namespace of all of them; ``intervals`` holds the array, ``settle`` what is common to the operations, and
``enclosure`` gives arrays operators.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from . import functions, products, sums
from .enclosure import Condition, Enclosure, Wide, lift, operating
from .formats import Precision
from .intervals import Intervals, kept
from .settle import flag

__all__ = ["Condition", "Enclosure", "Rounding", "Wide", "lift"]


def _operation(function: Callable[..., Intervals]) -> Any:
    """A function of the namespace, whose results have operators."""
    return staticmethod(lambda *operands, **named: operating(function(*operands, **named)))


class Rounding:
    """The namespace ``xp`` of the rounding model for one precision."""

    def __init__(self, precision: Precision):
        self.precision = precision

    def asarray(self, value: Any) -> Enclosure:
        return lift(value, self.precision)

    def keeping(self, value: np.ndarray) -> Enclosure:
        """An array that keeps what is made of it, as all that is made of it will: the same is then made once."""
        lifted = lift(value, self.precision)
        lifted.made = {}
        return lifted

    exp = _operation(functions.exp)
    log = _operation(functions.log)
    log1p = _operation(functions.log1p)
    sqrt = _operation(functions.sqrt)
    tanh = _operation(functions.tanh)
    sign = _operation(partial(kept, "sign", functions.sign))
    sum = _operation(sums.total)
    prod = _operation(products.prod)

    abs = staticmethod(abs)

    def maximum(self, a: Any, b: Any) -> Enclosure:
        return operating(kept("maximum", self._larger, self.asarray(a), self.asarray(b)))

    def _larger(self, a: Intervals, b: Intervals) -> Intervals:
        return self.where(_or_nan(a > b, a), a, b)

    def minimum(self, a: Any, b: Any) -> Enclosure:
        return operating(kept("minimum", self._smaller, self.asarray(a), self.asarray(b)))

    def _smaller(self, a: Intervals, b: Intervals) -> Intervals:
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
            with np.errstate(invalid="ignore"):
                hull = np.abs(a.value - b.value) + np.maximum(a.error, b.error)
            error = np.where(undecided, np.where(np.isnan(hull), np.inf, hull), error)
        huge = None
        if a.huge is not None or b.huge is not None:
            huge_a, huge_b = flag(a, value.shape), flag(b, value.shape)
            huge = np.where(undecided, huge_a | huge_b, np.where(true, huge_a, huge_b))
        return Enclosure(value, error, self.precision, huge)

    def ones_like(self, a: Enclosure) -> Enclosure:
        return operating(kept("ones", lambda a: self.asarray(np.ones(a.shape, self.precision.numpy)), a))

    def zeros_like(self, a: Enclosure) -> Enclosure:
        return operating(kept("zeros", lambda a: Enclosure(np.zeros(a.shape, Wide), None, self.precision), a))

    def eye(self, n: int) -> Enclosure:
        return self.asarray(np.eye(n))

    def stack(self, parts: Sequence[Enclosure]) -> Enclosure:
        shape = parts[0].shape
        huge = np.stack([flag(part, shape) for part in parts]) if any(p.huge is not None for p in parts) else None
        value, error = np.stack([p.value for p in parts]), np.stack([p.error for p in parts])
        return Enclosure(value, error, self.precision, huge)


def _or_nan(condition: Condition, a: Intervals) -> Condition:
    return Condition(condition.true | np.isnan(a.value), condition.undecided)


def _reach(value: Any, low: Any, high: Any) -> Any:
    with np.errstate(invalid="ignore"):
        reach = np.maximum(value - low, high - value)
    return np.where(np.isnan(reach), Wide(0), reach)
