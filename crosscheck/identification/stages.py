"""How far an identification is: what is tried, and how much is left. Whoever wants to be told listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from threading import Thread

from msgspec import Struct


class Stage(Enum):
    """What is being done with an optimizer, in this order; a search may come back, with numbers stored in a narrower format."""

    PLAYED = "played"
    SEARCHED = "searched"
    SEARCHED_NARROW = "searched-narrow"
    SEPARATED = "separated"
    LOOKED_AROUND = "looked-around"
    CONFIRMED = "confirmed"


class Progress(Struct, frozen=True):
    """The stage that has begun, and of what it does, so many of so many are done; what it is at is called ``what``."""

    stage: Stage
    done: int = 0
    of: int = 0
    what: str = ""


Listener = Callable[[Progress], object]

listeners: list[Listener] = []  # of this process


@contextmanager
def heard(listener: Listener | None) -> Iterator[Connection | None]:
    """What another process is to be started with, so that the listener here hears what is told there; see ``tell_to``."""
    if listener is None:
        yield None
        return
    here, there = Pipe(duplex=False)
    thread = Thread(target=_listen, args=(here, listener), daemon=True)
    thread.start()
    try:
        yield there
    finally:
        there.close()
        thread.join(timeout=1.0)


def _listen(here: Connection, listener: Listener) -> None:
    try:
        while True:
            listener(here.recv())
    except (EOFError, OSError):  # the other end is gone
        pass


def tell_to(there: Connection | None) -> None:
    """In a process that was started so: what is told here is heard there."""
    if there is not None:
        listeners.append(there.send)


def tell(stage: Stage, done: int = 0, of: int = 0, what: str = "") -> None:
    for listener in listeners:
        listener(Progress(stage, done, of, what))
