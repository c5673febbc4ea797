"""Answers that ``print`` shows in full; as data they are what they are without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from ...crosscheck.answers import Answer, FunctionAnswer, Identification, Port
from . import text

Shown = TypeVar("Shown", bound=Identification | FunctionAnswer | Port)


class _Answer(Answer, frozen=True, kw_only=True):
    def __str__(self) -> str:
        return text(self)

    def must_be(self, line: Any, reading: str | Mapping[str, str] = "standard", /, **axes: str) -> None:
        """As that of the answer; the error shows what was found instead."""
        try:
            super().must_be(line, reading, **axes)
        except AssertionError as error:
            raise AssertionError(f"{error}\n\n{self}") from None


class _Identification(_Answer, Identification, frozen=True, kw_only=True):
    pass


class _FunctionAnswer(_Answer, FunctionAnswer, frozen=True, kw_only=True):
    pass


class _Port(Port, frozen=True, kw_only=True):
    def __str__(self) -> str:
        return text(self)


_KINDS = {Identification: _Identification, FunctionAnswer: _FunctionAnswer, Port: _Port}


def shown(answer: Shown) -> Shown:
    """The same answer, which ``print`` shows in full."""
    fields = {name: getattr(answer, name) for name in answer.__struct_fields__}
    return _KINDS[type(answer)](**fields)  # type: ignore[return-value]  # a subclass of what it was
