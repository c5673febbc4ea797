"""Traces of enclosures that are computed step by step, and no further than they are looked at."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

import numpy as np

from .arithmetic.rounding import Enclosure


class Steps:
    """The enclosures of a trace, step by step, each computed once, when it is first asked for."""

    def __init__(self, to_come: Iterator[Enclosure]):
        self._to_come, self._known = to_come, list[Enclosure]()

    def __iter__(self) -> Iterator[Enclosure]:
        step = 0
        while step < len(self._known) or self._goes_on():
            yield self._known[step]
            step += 1

    def __getitem__(self, step: int) -> Enclosure:
        return next(itertools.islice(self, step, None))

    def _goes_on(self) -> bool:
        following = list(itertools.islice(self._to_come, 1))
        self._known += following
        return bool(following)


def parting(a: Iterable[Enclosure], b: Iterable[Enclosure]) -> tuple[int, int] | None:
    """The first step (from 0) at which two readings can be told apart, and the first weight there; None if they never can."""
    for step, (mine, theirs) in enumerate(zip(a, b, strict=True)):
        apart = mine.parts_from(theirs)
        if apart.any():
            return step, int(np.argmax(apart))
    return None
