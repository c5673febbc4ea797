"""Time limits that do not depend on how busy the machine is: a box's own time is counted, not what else runs beside it.

Its own time is the lesser of processor and wall time, without imports and compilation, which are a framework's. One that uses
no processor time at all waits, and that is limited by the clock.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from types import FrameType
from typing import NoReturn

from ...adapters.discovery import framework, framework_names
from ...adapters.errors import BoxError

IMPORTING = frozenset({"importlib._bootstrap"})
IDLE = 0.01  # the share of the processor below which a call waits
CALLS = 12  # how many time limits of one call the whole may take, and a call's imports and compilation


class Spent(Enum):
    """On what a call spends time: its own work, imports and compilation, or waiting."""

    WORK = "work"
    PREPARATION = "preparation"
    WAITING = "waiting"


class TimeLimit(BaseException):
    """Raised in the main thread when a call has taken too long; no ``Exception``, so that a box cannot swallow it."""

    def __init__(self, spent: Spent, seconds: float):
        super().__init__(spent, seconds)
        self.spent, self.seconds = spent, seconds

    def blame(self, name: str, when: object = "", trial: bool = False) -> NoReturn:
        """Raise the BoxError about it: which limit was hit, and how to raise it. It was hit ``when`` a box was played, in a
        ``trial`` of whether it is an optimizer, or by a function in all its calls."""
        waited, prepared = self.spent is Spent.WAITING, self.spent is Spent.PREPARATION
        raise BoxError(
            f"{name} did not come back {'' if waited or prepared else f'within {self.seconds:g} s '}"
            f"{when or ('when it was tried as an optimizer' if trial else f'from its calls, which have {CALLS} time limits')}"
            f"{f': for {self.seconds:g} s it has only waited' if waited else ''}"
            f"{f': after {self.seconds:g} s it still imports or compiles' if prepared else ''}. "
            "If it is slow and does not hang, raise the limit: --time-limit 60, or time_limit=60 in Python; imports and "
            "compilation are not counted"
        ) from self


@dataclass
class Clock:
    """What has passed since it was last read: own time, the lesser of processor and wall time; and how long, by the wall, none
    has been used (``idle``)."""

    idle: float = 0.0
    _wall: float = field(default_factory=time.perf_counter)
    _processor: float = field(default_factory=time.process_time)

    def read(self) -> float:
        wall, processor = time.perf_counter(), time.process_time()
        passed = wall - self._wall
        own = min(passed, processor - self._processor)
        self._wall, self._processor = wall, processor
        self.idle = self.idle + passed if own < IDLE * passed else 0.0
        return own


@dataclass
class _Watch:
    """The time that a call has spent, looked at now and then. A stretch counts as what the call does at its end."""

    seconds: float
    clock: Clock = field(default_factory=Clock)
    spent: dict[Spent, float] = field(default_factory=lambda: {Spent.WORK: 0.0, Spent.PREPARATION: 0.0})

    def look(self, frame: FrameType | None) -> None:
        """Raise TimeLimit where a limit has been passed."""
        kind = Spent.PREPARATION if _prepares(frame) else Spent.WORK
        self.spent[kind] += self.clock.read()
        for over, limit in ((Spent.WORK, self.seconds), (Spent.PREPARATION, CALLS * self.seconds)):
            if self.spent[over] >= limit:
                raise TimeLimit(over, limit)
        if self.clock.idle >= self.seconds:
            raise TimeLimit(Spent.WAITING, self.seconds)


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise TimeLimit in the block after so many seconds of its own. It ends Python code only, and only in the main thread."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return
    _preparing()  # known before it is asked for in the middle of something
    watch, every = _Watch(seconds), min(seconds / 20, 0.25)
    before = signal.signal(signal.SIGALRM, lambda _, frame: watch.look(frame))
    around = signal.setitimer(signal.ITIMER_REAL, every, every)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *around)
        signal.signal(signal.SIGALRM, before)


def _prepares(frame: FrameType | None) -> bool:
    """Whether an import or a compilation is under way."""
    while frame is not None:
        if frame.f_globals.get("__name__") in _preparing():
            return True
        frame = frame.f_back
    return False


@cache
def _preparing() -> frozenset[str]:
    """The modules that are at work while something is imported or compiled."""
    return IMPORTING.union(*(framework(name).compilers for name in framework_names()))
