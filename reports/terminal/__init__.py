"""Answers as text for a terminal, at most 100 columns wide."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from ...crosscheck.answers import Defaults, FunctionAnswer, Identification, Port
from . import defaults, function, identification, port

__all__ = ["text"]


@singledispatch
def text(answer: Any) -> str:
    """The text of an answer of ``identify``, ``port`` or ``defaults``."""
    raise TypeError(f"{type(answer).__name__} is no answer; expected what identify, port or defaults gives")


text.register(Identification, identification.text)
text.register(FunctionAnswer, function.text)
text.register(Port, port.text)
text.register(Defaults, defaults.text)
