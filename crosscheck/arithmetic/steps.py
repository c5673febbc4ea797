"""Traces of enclosures that are computed step by step, and no further than they are looked at."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np

from .rounding import Enclosure


class Steps:
    """The enclosures of a trace, step by step, each computed once, when it is first asked for.

    ``begin`` starts the trace; it is started anew after an error, which is then raised again and never taken for the end.
    """

    def __init__(self, begin: Callable[[], Iterator[Enclosure]]):
        self._begin, self._known = begin, list[Enclosure]()
        self._to_come: Iterator[Enclosure] | None = None

    def __iter__(self) -> Iterator[Enclosure]:
        step = 0
        while step < len(self._known) or self._goes_on():
            yield self._known[step]
            step += 1

    def __getitem__(self, step: int) -> Enclosure:
        if not all(len(self._known) > step or self._goes_on() for _ in range(step + 1)):
            raise IndexError(f"no step {step}")
        return self._known[step]

    def _goes_on(self) -> bool:
        to_come, self._to_come = self._to_come, None
        if to_come is None:
            to_come = itertools.islice(self._begin(), len(self._known), None)
        with np.errstate(all="ignore"):  # for this step: a generator that is left waiting must not hold it
            following = list(itertools.islice(to_come, 1))
        self._to_come = to_come
        self._known += following
        return bool(following)
