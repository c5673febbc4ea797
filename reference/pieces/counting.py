"""A choice by the count of steps, which a framework may trace."""

from __future__ import annotations

from typing import Any


def chosen(xp: Any, condition: Any, yes: Any, no: Any) -> Any:
    """``yes`` or ``no``, by a condition on the count of steps: a bool, unless a framework traces the count."""
    if isinstance(condition, bool):
        return yes if condition else no
    return xp.where(condition, yes, no)
