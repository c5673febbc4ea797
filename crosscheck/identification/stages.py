"""How far an identification is: what is tried, and how much is left. Whoever wants to be told listens."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

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


def tell(stage: Stage, done: int = 0, of: int = 0, what: str = "") -> None:
    for listener in listeners:
        listener(Progress(stage, done, of, what))
