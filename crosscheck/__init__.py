"""The engine: arithmetics, input domains, fit, witnesses, verdicts, running a campaign, and identification.

``identify`` is for a user's own tests: ``identify(MyAdam).must_be("adam", "standard")``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .identification import FunctionAnswer, Identification

__all__ = ["identify"]


def identify(target: Any, given: Mapping[str, Any] | None = None, **options: Any) -> Identification | FunctionAnswer:
    """Which reading of which line ``target`` implements: see ``gradspec.crosscheck.identification.identify``."""
    from .identification import identify as identified  # the engine's parts need not all be loaded for one of them

    return identified(target, given, **options)
