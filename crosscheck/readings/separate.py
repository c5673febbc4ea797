"""Where two readings are separated: no floating-point number can belong to both."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..arithmetic.enclosure import Enclosure
from ..findings import NoValue
from .compare import Allowed, unconstrained
from .evaluate import VALUE


def separated(a: Allowed, b: Allowed) -> tuple[str, tuple[int, ...]] | None:
    """The first output and index at which two readings are separated on a sample; None if nowhere."""
    if isinstance(a, NoValue) or isinstance(b, NoValue):
        return None if isinstance(a, NoValue) and isinstance(b, NoValue) else (VALUE, ())
    for name in a:
        if a[name].shape != b[name].shape:
            return name, ()
        apart = a[name].separate_from(b[name]) & ~unconstrained(a, name) & ~unconstrained(b, name)
        if apart.any():
            return name, tuple(int(i) for i in np.argwhere(apart)[0])
    return None


def separation(a: Allowed, b: Allowed) -> float:
    """How far two readings are from being separated, as the logarithm of distance over budget; larger is nearer."""
    if isinstance(a, NoValue) or isinstance(b, NoValue):
        return 0.0
    best = -60.0
    for name in a:
        if a[name].shape != b[name].shape:
            return 60.0
        with np.errstate(all="ignore"):
            ratio = np.abs(a[name].value - b[name].value) / (a[name].error + b[name].error)
        ratio = ratio[np.isfinite(ratio) & (ratio > 0)]
        if ratio.size:
            best = max(best, float(np.log(ratio.max())))
    return best


def first_separated(a: Iterable[Enclosure], b: Iterable[Enclosure]) -> tuple[int, int] | None:
    """The first step (from 0) at which two traces are separated, and the first weight there; None if they never are."""
    for step, (mine, theirs) in enumerate(zip(a, b, strict=True)):
        apart = mine.separate_from(theirs)
        if apart.any():
            return step, int(np.argmax(apart))
    return None
