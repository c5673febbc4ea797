"""What an identification says: as data, as a text for the terminal, and as something that a test can assert."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import msgspec

from ...reference.catalogue import line as line_named
from ...reference.formula import Formula
from .optimizers.trace_witnesses import TraceWitness

Verdict = Literal["identified", "ambiguous", "no-reading"]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What every identification answers: the line, how sure that is, and on what ``target``. Where no reading fits, the line is
    the nearest one's."""

    target: str
    framework: str
    versions: dict[str, str]
    dtype: str
    verdict: Verdict
    line: str
    title: str

    @property
    def formula(self) -> Formula:
        return line_named(self.line)

    @property
    def settled(self) -> Mapping[str, str]:
        """The axes that were found, with their options."""
        raise NotImplementedError

    def as_json(self) -> bytes:
        return msgspec.json.format(msgspec.json.encode(self), indent=2)

    def is_(self, line: str | Formula, reading: str | Mapping[str, str] = "standard", /, **axes: str) -> bool:
        """Whether it implements that line in that reading and nothing else; ``must_be`` says why not."""
        return not list(self._objections(line, reading, axes))

    def must_be(self, line: str | Formula, reading: str | Mapping[str, str] = "standard", /, **axes: str) -> None:
        """Assert that it implements that line in that reading: for tests.

        ``identify(MyAdam).must_be("adam", "standard", epsilon="after-correction")``: the axes named are changed on top of
        the reading, or repeat it for the reader. An optimizer is taken as it is configured. Raises AssertionError with what
        was found, and ArgumentError for a line, an axis or an option that there is not.
        """
        if objections := list(self._objections(line, reading, axes)):
            raise AssertionError("\n".join([f"{self.target} is not what it must be:", *objections, "", str(self)]))

    def _objections(self, line: str | Formula, reading: str | Mapping[str, str], axes: Mapping[str, str]) -> Iterator[str]:
        wanted = line_named(line) if isinstance(line, str) else line
        asked = wanted.reading(reading, **axes)
        if self.verdict == "no-reading":
            yield "- no reading fits it"
        elif not self._is_line(wanted):
            yield f"- it is {self.line}, not {wanted.id}"
        else:
            may_be = self._may_be()
            for axis, option in asked.choices:
                if axis not in self.settled:
                    if axis in axes or wanted.axis(axis).kind == "meaning":
                        yield f"- {axis} stays open: nothing that was seen of it settles whether it is {option}"
                elif self.settled[axis] != option:
                    yield f"- {axis} is {self.settled[axis]}, not {option}"
                elif axis in may_be:
                    yield f"- {axis} may as well be {' or '.join(sorted(may_be[axis]))}"
            yield from self._reservations()

    def _may_be(self) -> Mapping[str, set[str]]:
        """For axes on which more than one reading fits, the other options."""
        return {}

    def _is_line(self, wanted: Formula) -> bool:
        return self.line == wanted.id

    def _reservations(self) -> Iterator[str]:
        """What speaks against it though the reading is the one asked for."""
        return iter(())


class Evidence(msgspec.Struct, frozen=True):
    """What an identification rests on: ``calls`` are lives of the box, of which ``before`` came before the confirmation, whose
    ``lives`` took so many ``steps``; ``worst_share`` is the largest error over the budget, None where no reading fits;
    ``unbound`` of the ``numbers`` could be anything by their budget, so that they say nothing; ``candidates`` were looked at,
    of so many ``readings``."""

    traces: int
    before: int
    calls: int
    lives: int
    steps: int
    numbers: int
    unbound: int
    worst_share: float | None
    readings: int
    candidates: int
    seconds: float


class Bound(msgspec.Struct, frozen=True):
    """A hyperparameter of the line: the box's own name for it, and its value there; without a name it is an assumption."""

    own: str
    value: float | None


class Identification(Answer, frozen=True, kw_only=True):
    """Which reading of which line a box implements.

    ``reading`` is what it does with all that it can be asked for, on the axes of the line ``body``; ``configured`` what that
    comes to at its own values of its arguments (weight decay that is off is none), on the axes of ``line``: with its
    momentum off, torch.optim.SGD has the body of optimizer.momentum and is optimizer.sgd. ``rate`` is its own, if it has
    one. ``role`` names the configured reading: "standard", "printed" or "". ``same`` are further readings that the box could
    not be told from, and ``apart_by`` what would tell them. ``held`` are the quantities that it holds in a narrower format
    than its weights, ``shows`` from which step on that is seen. One that ``ascends`` steps along the gradient. Where no
    reading fits, line and readings are those of the nearest, ``failure`` or ``trace`` is where it fails, and ``wide`` says
    that it would fit if everything were computed in float32.
    """

    source: str
    body: str
    reading: dict[str, str]
    configured: dict[str, str]
    rate: float | None
    role: str
    from_printed: dict[str, tuple[str, str]]
    from_standard: dict[str, tuple[str, str]]
    hyperparameters: dict[str, Bound]
    flags: dict[str, str]
    refused: dict[str, str]
    held: list[str]
    wide: bool
    shows: str
    same: list[dict[str, str]]
    apart_by: list[str]
    ascends: bool
    witnesses: list[TraceWitness]
    surroundings: list[str]
    evidence: Evidence
    failure: TraceWitness | None = None
    trace: list[str] = []

    def __str__(self) -> str:
        from .text import text

        return text(self)

    @property
    def settled(self) -> Mapping[str, str]:
        return self.configured

    def _is_line(self, wanted: Formula) -> bool:
        """Lines of one family have one body: Adam with decoupled decay is AdamW, whichever of the two is asked for."""
        return {axis.name for axis in wanted.axes} == set(self.configured)

    def _may_be(self) -> Mapping[str, set[str]]:
        return others(self.reading, self.same)

    def _reservations(self) -> Iterator[str]:
        for quantity in self.held:
            yield f"- it holds {quantity} in a narrower format"
        if self.ascends:
            yield "- it steps along the gradient, to maximize"


def others(reading: Mapping[str, str], same: Iterable[Mapping[str, str]]) -> dict[str, set[str]]:
    """On which axes readings that fit as well differ, and their options there."""
    found: dict[str, set[str]] = {}
    for other in same:
        for axis, option in other.items():
            if reading.get(axis) != option:
                found.setdefault(axis, set()).add(option)
    return found
