"""What every identification answers: the line, the reading, and whether it must be so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec
from msgspec import Struct

from ...reference.catalogue import line as line_named
from ...reference.formula import Formula
from ...reference.vocabulary import Reading

# "precision": the same real function, formed in another arrangement than the line's
Verdict = Literal["identified", "precision", "ambiguous", "no-reading"]


class Answer(Struct, frozen=True, kw_only=True):
    """What every identification answers: the line, how sure that is, and on what ``target``. Where no reading fits, the line is
    the nearest one's."""

    target: str
    framework: str
    versions: dict[str, str]
    dtype: str
    verdict: Verdict
    line: str
    title: str

    def __repr__(self) -> str:
        return f"<{self.target}: {self.line}, {self.verdict}>"

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

        ``identify(MyAdam).must_be("adam", "standard", epsilon="outside-root")``: the axes named are changed on top of
        the reading, or repeat it for the reader. An optimizer is taken as it is configured. Raises AssertionError with what
        was found, and ArgumentError for a line, an axis or an option that there is not.
        """
        if objections := list(self._objections(line, reading, axes)):
            raise AssertionError("\n- ".join([f"{self.target} is not what it must be:", *objections]))

    def _objections(self, line: str | Formula, reading: str | Mapping[str, str], axes: Mapping[str, str]) -> Iterator[str]:
        wanted = line_named(line) if isinstance(line, str) else line
        asked = wanted.reading(reading, **axes)
        if self.verdict == "no-reading":
            yield from self._no_reading(wanted, asked)
        elif not self._is_line(wanted):
            yield f"it is {self.line}, not {wanted.id}"
        else:
            may_be = self._may_be()
            for axis, option in asked.choices:
                if axis not in self.settled:
                    if axis in axes or wanted.axis(axis).kind == "meaning":
                        yield f"{axis} stays open: {option} or another"
                elif self.settled[axis] != option:
                    yield f"{axis} is {self.settled[axis]}, not {option}"
                elif axis in may_be:
                    yield f"{axis} could be {' or '.join(sorted(may_be[axis]))}, too"
            yield from self._reservations()

    def _no_reading(self, wanted: Formula, asked: Reading) -> Iterator[str]:
        """That no reading fits, and what is nearest."""
        yield f"no reading; nearest: {self.line}"

    def _may_be(self) -> Mapping[str, set[str]]:
        """For axes on which more than one reading fits, the other options."""
        raise NotImplementedError

    def _is_line(self, wanted: Formula) -> bool:
        return self.line == wanted.id

    def _reservations(self) -> Iterator[str]:
        """What speaks against it though the reading is the one asked for."""
        raise NotImplementedError


def others(reading: Mapping[str, str], same: list[dict[str, str]]) -> dict[str, set[str]]:
    """On which axes readings that fit as well differ, and their options there."""
    found: dict[str, set[str]] = {}
    for other in same:
        for axis, option in other.items():
            if reading.get(axis) != option:
                found.setdefault(axis, set()).add(option)
    return found
