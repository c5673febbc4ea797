"""Frameworks, one file each. ``load(name)`` finds an adapter by name, by entry point, by import path or by file."""

from .contract import Adapter, Limitation, Native, Pullback, Pushforward, Trace, Unsupported
from .discovery import AdapterError, available, load

__all__ = [
    "Adapter",
    "AdapterError",
    "Limitation",
    "Native",
    "Pullback",
    "Pushforward",
    "Trace",
    "Unsupported",
    "available",
    "load",
]
