"""Exact arithmetics over NumPy object arrays: truth in python-flint's balls, and symbols in SymPy.

Both are the same namespace over another element type. Nothing of a formula is written again: NumPy's operators, ``sum``,
``prod`` and ``@`` dispatch to the elements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

TRUTH_BITS = 256


def _elementwise(function: Callable[[Any], Any]) -> Callable[[Any], np.ndarray]:
    mapped = np.frompyfunc(function, 1, 1)
    return lambda a: np.asarray(mapped(np.asarray(a, dtype=object)), dtype=object)


_BALL_MAXIMUM = np.frompyfunc(lambda a, b: a.max(b), 2, 1)  # encloses where the balls overlap, keeps NaN


def _first(a: np.ndarray) -> Any:
    return a.reshape(-1)[0]


@dataclass(frozen=True)
class Objects:
    """A namespace ``xp`` whose arrays hold Python objects of one number type."""

    exp: Callable
    log: Callable
    log1p: Callable
    sqrt: Callable
    tanh: Callable
    sign: Callable
    lift: Callable[[Any], Any]
    max: Callable
    min: Callable
    maximum: Callable

    def asarray(self, value: Any) -> np.ndarray:
        return _elementwise(self.lift)(value)

    def minimum(self, a: Any, b: Any) -> Any:
        return -self.maximum(-a, -b)

    @staticmethod
    def sum(a: Any, axis: int | None = None) -> Any:
        return np.asarray(np.sum(a, axis=axis), dtype=object)

    @staticmethod
    def prod(a: Any) -> Any:
        return np.asarray(np.prod(a), dtype=object)

    def where(self, condition: Any, a: Any, b: Any) -> np.ndarray:
        return np.where(np.asarray(condition, dtype=bool), self.asarray(a), self.asarray(b))

    @staticmethod
    def abs(a: Any) -> Any:
        return np.abs(a)

    def ones_like(self, a: Any) -> np.ndarray:
        return self.asarray(np.ones(np.shape(a), dtype=int))

    def zeros_like(self, a: Any) -> np.ndarray:
        return self.asarray(np.zeros(np.shape(a), dtype=int))

    def eye(self, n: int) -> np.ndarray:
        return self.asarray(np.eye(n, dtype=int))

    @staticmethod
    def stack(parts: Sequence[Any]) -> np.ndarray:
        return np.stack([np.asarray(part, dtype=object) for part in parts])


def truth() -> Objects:
    """The arithmetic of balls: every result encloses the exact real value. Use it inside ``precise()``."""
    from flint import arb

    def lift(value: Any) -> Any:
        if isinstance(value, arb):
            return value
        # NumPy's stubs say longdouble is floating[...], at run time it is a class
        if isinstance(value, np.longdouble):  # pyright: ignore[reportArgumentType]
            # exact: a longdouble is the sum of two doubles
            high = float(value)
            return arb(high) + arb(float(value - np.longdouble(high)))
        return arb(value) if isinstance(value, int) else arb(float(value))

    def log(v: Any) -> Any:
        return arb.neg_inf() if v == 0 else v.log()  # as IEEE 754 has it, so that a clamp of it is defined

    return Objects(
        exp=_elementwise(lambda v: v.exp()),
        log=_elementwise(log),
        log1p=_elementwise(lambda v: v.log1p()),
        sqrt=_elementwise(lambda v: v.sqrt()),
        tanh=_elementwise(lambda v: v.tanh()),
        sign=_elementwise(lambda v: v if v.is_nan() else v.sgn()),  # of a ball around zero: the ball from -1 to 1
        lift=lift,
        max=np.max,
        min=np.min,
        maximum=lambda a, b: np.asarray(_BALL_MAXIMUM(a, b), dtype=object),
    )


@contextmanager
def precise(bits: int = TRUTH_BITS) -> Iterator[Objects]:
    """The arithmetic of truth at a working precision, restored afterwards."""
    from flint import ctx

    before = ctx.prec
    ctx.prec = bits
    try:
        yield truth()
    finally:
        ctx.prec = before


def symbols() -> Objects:
    """The arithmetic of SymPy expressions.

    ``max``, ``min`` and ``maximum`` take the first element: they speak of the region in which it is the one strictly selected,
    which by symmetry stands for all regions without ties.
    """
    import sympy

    return Objects(
        exp=_elementwise(sympy.exp),
        log=_elementwise(sympy.log),
        log1p=_elementwise(lambda v: sympy.log(1 + v)),
        sqrt=_elementwise(sympy.sqrt),
        tanh=_elementwise(lambda v: (sympy.exp(v) - sympy.exp(-v)) / (sympy.exp(v) + sympy.exp(-v))),
        sign=_elementwise(sympy.sign),
        lift=lambda v: v if isinstance(v, sympy.Basic) else sympy.nsimplify(v, rational=True),
        max=_first,
        min=_first,
        maximum=lambda a, b: a,
    )


def symbol_array(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """An array of distinct real symbols ``name_0_1``."""
    import sympy

    array = np.empty(shape, dtype=object)
    for index in np.ndindex(shape):
        array[index] = sympy.Symbol("_".join([name, *map(str, index)]), real=True)
    return array
