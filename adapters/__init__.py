"""Frameworks, one file each. ``load(name)`` finds an adapter by name, by entry point, by import path or by file."""

from .box import Box, BoxError, Run
from .contract import Adapter, Framework, Limitation, Native, Pullback, Pushforward, Trace, Unsupported
from .discovery import AdapterError, available, framework, frameworks, load

__all__ = [
    "Adapter",
    "AdapterError",
    "Box",
    "BoxError",
    "Framework",
    "Limitation",
    "Native",
    "Pullback",
    "Pushforward",
    "Run",
    "Trace",
    "Unsupported",
    "available",
    "framework",
    "frameworks",
    "load",
]
