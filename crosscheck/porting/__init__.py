"""Porting: an optimizer that has been identified, written for another framework, and proved to be the same there."""

from ..answers import Mapped, Port
from .ports import Target, port, ported, target
from .source import Setting, Source

__all__ = ["Mapped", "Port", "Setting", "Source", "Target", "port", "ported", "target"]
