"""An optimizer written for another framework: what becomes of each value, the proof, and what remains."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from ...reference.catalogue import line as line_named
from ...reference.formula import Formula
from ..findings import Loss, Number
from .optimizers import Separator, Stored


class Mapped(Struct, frozen=True):
    """What becomes of a value: the source's, the target's, and the rule by which it is made. None is the user's own."""

    source: float | None
    target: float | None
    rule: str


class Proof(Struct, frozen=True):
    """On what a map was proved: the target ran over ``traces`` of ``steps`` for so many ``weights``, and ``worst_share`` is its
    largest error over the budget. ``losses`` of precision in the target had to be allowed for."""

    traces: int
    steps: int
    weights: int
    dtype: str
    mode: str
    worst_share: float
    losses: list[Loss] = []


class Refusal(Struct, frozen=True):
    """Why a map is not right. The target ran otherwise than the source's reading: it has the ``target`` number where the source
    has the ``source``'s, at a ``step`` (from 1) and a weight of a trace with this ``schedule`` of rates. Without the two
    numbers the two readings can already be told apart there; without a schedule the target did not run, in its ``words``."""

    schedule: str = ""
    step: int = 0
    weight: int = 0
    target: Number | None = None
    source: Number | None = None
    words: str = ""


class Remains(Struct, frozen=True):
    """How far a target is from its source after each step of a trace of ``gradients`` of this size, normal noise about a normal
    mean for each weight, at a constant ``rate``: the largest difference over the largest of the two, of the updates, and of the
    ways gone from the first weights (0: the same, 2: opposite, or no number)."""

    gradients: float
    rate: float
    weights: int
    updates: list[float]
    ways: list[float]

    @property
    def mean_update(self) -> float:
        return sum(self.updates) / len(self.updates)

    @property
    def largest_update(self) -> tuple[float, int]:
        """The largest difference of an update, and its step (from 1)."""
        largest = max(self.updates)
        return largest, self.updates.index(largest) + 1


class Closer(Struct, frozen=True):
    """What is closer to the source with ``gradients`` of another size: its ``code`` on one line, and the largest relative
    difference of an update there."""

    gradients: float
    code: str
    largest_update: float


class PortWitness(Struct, frozen=True):
    """The smallest trace of one weight that tells a target from its source, and the weight after it; None for no number."""

    weight: float
    gradients: list[float]
    rates: list[float]
    source: float | None
    target: float | None


class Doubts(Struct, frozen=True):
    """What an identification leaves open about the source of a port: what it stores in a narrower format and since when that
    shows, how many further readings fit, and what would tell them apart, ``refused`` arguments among it."""

    stored: list[Stored] = []
    shows_from: int | None = None
    same: int = 0
    separated_by: list[Separator] = []
    refused: list[str] = []


class Port(Struct, frozen=True, kw_only=True):
    """An optimizer, written for another framework.

    ``verdict``: "same" where the target is the same function at the same values; "mapped" where it is at other values, or only
    while the rate is constant (``constant_rate``); "closest" where nothing found in it is. It is right as long as the source's
    arguments in ``stays`` keep their values. ``code`` is to be pasted: it makes ``optimizer`` out of ``params`` (where the
    framework asks for them) and, if no rate was named, ``learning_rate``. ``runnable`` does so exactly, by gradspec; it is
    there where ``code`` is not exact, or is only while the rate is constant. ``differs`` are the axes on which the two
    readings differ, each with the source's option and the target's. ``made_of`` are the natives that showed how the target is
    put together, where no native is it. ``refused`` are those that should be the same and were not.
    """

    source: str
    framework: str
    to: str
    versions: dict[str, str]
    verdict: Literal["same", "mapped", "closest"]
    code: str
    runnable: str
    line: str
    title: str
    source_reading: dict[str, str]
    target: str
    target_reading: dict[str, str]
    differs: dict[str, tuple[str, str]]
    made_of: list[str]
    hyperparameters: dict[str, Mapped]
    constant_rate: bool = False
    stays: dict[str, float] = {}
    proof: Proof | None = None
    remains: list[Remains] = []
    witness: PortWitness | None = None
    closer: list[Closer] = []
    refused: dict[str, Refusal] = {}
    doubts: Doubts = Doubts()

    def __repr__(self) -> str:
        return f"<port of {self.source} to {self.to}: {self.target or '-'}, {self.verdict}>"

    @property
    def formula(self) -> Formula:
        return line_named(self.line)

    @property
    def exact(self) -> bool:
        return self.verdict != "closest"

    @property
    def changed(self) -> dict[str, Mapped]:
        """The values that are not passed on as they are."""
        return {name: value for name, value in self.hyperparameters.items() if value.rule != name}

    def as_json(self) -> bytes:
        return msgspec.json.format(msgspec.json.encode(self), indent=2)
