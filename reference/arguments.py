"""What a caller handed over: checked once, with errors that name the argument, its shape and what was expected."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

import numpy as np

FLOATING = ("float64", "float32", "float16", "bfloat16")


class ArgumentError(ValueError):
    """An argument that a line cannot take; the message says which, what it was, and what was expected."""


def nearest(wrong: str, known: Iterable[str]) -> list[str]:
    """Up to three known names that are near a wrong one."""
    return difflib.get_close_matches(wrong, list(known), n=3, cutoff=0.5)


def suggest(wrong: str, known: Iterable[str]) -> str:
    """A sentence that names the nearest known names, or all of them when none is near."""
    known = list(known)
    near = nearest(wrong, known) or known
    return f" Did you mean {' or '.join(near)}?" if near else ""


def floating_array(name: str, value: Any) -> np.ndarray:
    """``value`` as an array of a floating dtype; integers, booleans, objects and complex numbers are refused."""
    array = np.asarray(value)
    if array.dtype.name not in FLOATING:
        raise ArgumentError(
            f"{name} has dtype {array.dtype}; expected one of {', '.join(FLOATING)} "
            f"(write np.asarray({name}, dtype=np.float64))"
        )
    return array


def same_dtype(arrays: dict[str, np.ndarray]) -> np.dtype:
    """The one dtype of all arrays."""
    dtypes = {array.dtype for array in arrays.values()}
    if len(dtypes) > 1:
        listing = ", ".join(f"{name} is {array.dtype}" for name, array in arrays.items())
        raise ArgumentError(f"mixed dtypes: {listing}; convert them to one dtype first")
    return dtypes.pop()


def bind_sizes(shapes: dict[str, tuple[tuple[str | int, ...], tuple[int, ...]]]) -> dict[str, int]:
    """What each symbolic size stands for, given (expected, actual) shapes by argument name."""
    sizes: dict[str, int] = {}
    for name, (expected, actual) in shapes.items():
        printable = f"({', '.join(str(n) for n in expected)}{',' if len(expected) == 1 else ''})"
        if len(actual) != len(expected):
            raise ArgumentError(f"{name} has shape {actual}; expected {printable}")
        for symbol, n in zip(expected, actual, strict=True):
            known = symbol if isinstance(symbol, int) else sizes.setdefault(symbol, n)
            if n != known or n == 0:
                wanted = f"with {symbol} = {known} from the arguments before it" if n else "with no size 0"
                raise ArgumentError(f"{name} has shape {actual}; expected {printable} {wanted}")
    return sizes


def scalar_in(name: str, value: Any, low: float, high: float) -> float:
    """``value`` as a float in [low, high)."""
    array = np.asarray(value)
    if array.ndim or array.dtype.kind not in "fiuV":
        raise ArgumentError(f"{name} is {value!r}; expected one number")
    number = float(array)
    if not low <= number < high:
        raise ArgumentError(f"{name} is {number!r}; expected {low:g} <= {name} < {high:g}")
    return number
