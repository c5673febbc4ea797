"""What a port says: as data, and as a text for the terminal."""

from __future__ import annotations

from typing import Literal

import msgspec

from .proof import Proof
from .remains import PortWitness, Remains

Verdict = Literal["same", "mapped", "closest"]


class Mapped(msgspec.Struct, frozen=True):
    """What becomes of a value: the source's, the target's, and the rule by which it is made. None is the user's own."""

    source: float | None
    target: float | None
    rule: str


class Port(msgspec.Struct, frozen=True, kw_only=True):
    """An optimizer, written for another framework.

    ``verdict``: "same" where the target is the same function at the same values; "mapped" where it is at other values, or under
    ``conditions``; "closest" where nothing found in it is. ``code`` is to be pasted: it makes ``optimizer`` out of ``params``
    (where the framework asks for them) and, if no rate was named, ``learning_rate``. ``runnable`` does so exactly, by gradspec;
    it is there where ``code`` is not exact, or is only while the rate is constant. ``parts`` are the axes on which the two
    readings differ, each with the source's option and the target's. ``made_of`` are the natives that showed how the target is
    put together, where no native is it.
    """

    source: str
    framework: str
    to: str
    versions: dict[str, str]
    verdict: Verdict
    code: str
    runnable: str
    line: str
    title: str
    source_reading: dict[str, str]
    target: str
    target_reading: dict[str, str]
    parts: dict[str, tuple[str, str]]
    made_of: list[str]
    hyperparameters: dict[str, Mapped]
    conditions: list[str]
    proof: Proof | None
    remains: list[Remains]
    witness: PortWitness | None
    notes: list[str]

    def __str__(self) -> str:
        from .text import text

        return text(self)

    @property
    def exact(self) -> bool:
        return self.verdict != "closest"

    def as_json(self) -> bytes:
        return msgspec.json.format(msgspec.json.encode(self), indent=2)
