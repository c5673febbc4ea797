"""Forward-mode derivatives over any of the other arithmetics: dual numbers whose parts are arrays of that arithmetic.

Evaluating a printed forward line on them gives its jvp: a derivative that knows nothing of the printed backward lines. Each
term of a tangent is evaluated with at least as many roundings as any common forward-mode rule uses, so that over the
rounding model the result bounds all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


class Tangent:
    """A primal and its tangent."""

    __slots__ = ("primal", "tangent")
    __array_ufunc__ = None

    def __init__(self, primal: Any, tangent: Any):
        self.primal, self.tangent = primal, tangent

    @property
    def shape(self) -> tuple[int, ...]:
        return self.primal.shape

    @property
    def T(self) -> Tangent:
        return Tangent(self.primal.T, self.tangent.T)

    def __getitem__(self, key: Any) -> Tangent:
        return Tangent(self.primal[key], self.tangent[key])

    def __neg__(self) -> Tangent:
        return Tangent(-self.primal, -self.tangent)

    def __add__(self, other: Any) -> Tangent:
        if isinstance(other, Tangent):
            return Tangent(self.primal + other.primal, self.tangent + other.tangent)
        return Tangent(self.primal + other, self.tangent)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Tangent:
        return self + (-other)

    def __rsub__(self, other: Any) -> Tangent:
        return (-self) + other

    def _bilinear(self, other: Any, times: Callable[[Any, Any], Any]) -> Tangent:
        if isinstance(other, Tangent):
            tangent = times(self.tangent, other.primal) + times(self.primal, other.tangent)
            return Tangent(times(self.primal, other.primal), tangent)
        return Tangent(times(self.primal, other), times(self.tangent, other))

    def __mul__(self, other: Any) -> Tangent:
        return self._bilinear(other, lambda a, b: a * b)

    __rmul__ = __mul__

    def __matmul__(self, other: Any) -> Tangent:
        return self._bilinear(other, lambda a, b: a @ b)

    def __rmatmul__(self, other: Any) -> Tangent:
        return Tangent(other @ self.primal, other @ self.tangent)

    def reciprocal(self) -> Tangent:
        inverse = 1 / self.primal
        return Tangent(inverse, -(inverse * inverse * self.tangent))

    def __truediv__(self, other: Any) -> Tangent:
        if isinstance(other, Tangent):
            product = self * other.reciprocal()
            return Tangent(self.primal / other.primal, product.tangent)
        return Tangent(self.primal / other, self.tangent / other)

    def __rtruediv__(self, other: Any) -> Tangent:
        return other * self.reciprocal()

    def __pow__(self, exponent: int) -> Tangent:
        slope = exponent * self.primal ** (exponent - 1)
        return Tangent(self.primal**exponent, slope * self.tangent)

    def _compared(self, other: Any) -> Any:
        return other.primal if isinstance(other, Tangent) else other

    def __eq__(self, other: Any) -> Any:
        return self.primal == self._compared(other)

    def __lt__(self, other: Any) -> Any:
        return self.primal < self._compared(other)

    def __gt__(self, other: Any) -> Any:
        return self.primal > self._compared(other)

    __hash__ = None  # type: ignore[assignment]  # elementwise equality


class Tangents:
    """The namespace ``xp`` of dual numbers over the namespace ``base``."""

    def __init__(self, base: Any):
        self.base = base

    def asarray(self, value: Any) -> Any:
        return value if isinstance(value, Tangent) else self.base.asarray(value)

    def exp(self, a: Tangent) -> Tangent:
        value = self.base.exp(a.primal)
        return Tangent(value, value * a.tangent)

    def log(self, a: Tangent) -> Tangent:
        return Tangent(self.base.log(a.primal), a.tangent / a.primal)

    def log1p(self, a: Tangent) -> Tangent:
        return Tangent(self.base.log1p(a.primal), a.tangent / (1 + a.primal))

    def abs(self, a: Tangent) -> Tangent:
        return self.maximum(a, -a)

    def sign(self, a: Tangent) -> Tangent:
        return Tangent(self.base.sign(a.primal), self.base.zeros_like(a.primal))

    def sqrt(self, a: Tangent) -> Tangent:
        value = self.base.sqrt(a.primal)
        return Tangent(value, a.tangent / (2 * value))

    def tanh(self, a: Tangent) -> Tangent:
        value = self.base.tanh(a.primal)
        return Tangent(value, (1 - value * value) * a.tangent)

    def sum(self, a: Tangent) -> Tangent:
        return Tangent(self.base.sum(a.primal), self.base.sum(a.tangent))

    def prod(self, a: Tangent) -> Tangent:
        n = a.shape[0]
        terms = [self.base.prod(self.base.stack([a.tangent[j] if j == i else a.primal[j] for j in range(n)])) for i in range(n)]
        return Tangent(self.base.prod(a.primal), self.base.sum(self.base.stack(terms)))

    def _selected(self, a: Tangent, value: Any) -> Tangent:
        """The tangent of the selected element; at a tie the mean over the tied ones, as for a split cotangent."""
        ones, zeros = self.base.ones_like(a.primal), self.base.zeros_like(a.primal)
        hit = self.base.where(a.primal == value, ones, zeros)
        return Tangent(value, self.base.sum(hit * a.tangent) / self.base.sum(hit))

    def max(self, a: Tangent) -> Tangent:
        return self._selected(a, self.base.max(a.primal))

    def min(self, a: Tangent) -> Tangent:
        return self._selected(a, self.base.min(a.primal))

    def maximum(self, a: Tangent, b: Any) -> Tangent:
        return self.where(a > b, a, b)

    def where(self, condition: Any, a: Any, b: Any) -> Tangent:
        a, b = self._dual(a), self._dual(b)
        return Tangent(self.base.where(condition, a.primal, b.primal), self.base.where(condition, a.tangent, b.tangent))

    def stack(self, parts: Sequence[Any]) -> Tangent:
        duals = [self._dual(part) for part in parts]
        return Tangent(self.base.stack([a.primal for a in duals]), self.base.stack([a.tangent for a in duals]))

    def _dual(self, a: Any) -> Tangent:
        return a if isinstance(a, Tangent) else Tangent(a, self.base.zeros_like(a))

    def ones_like(self, a: Tangent) -> Any:
        return self.base.ones_like(a.primal)

    def zeros_like(self, a: Tangent) -> Any:
        return self.base.zeros_like(a.primal)
