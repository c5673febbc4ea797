"""Adapters: the contract, and one file or folder a framework. ``load(name)`` finds one by name, entry point, import path or
file."""

from .box import Box, Run
from .contract import Adapter, Framework, Limitation, Native, Pullback, Pushforward, Trace
from .discovery import available, framework, framework_names, load
from .errors import AdapterError, BoxError, Unsupported

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
    "framework_names",
    "load",
]
