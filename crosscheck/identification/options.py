"""How an identification is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TIME_LIMIT = 10.0  # compiling a step takes one or two


@dataclass(frozen=True, kw_only=True)
class Options:
    """``lines``: those to hold a function against; an optimizer is held against all of its kind. ``names``: what a line calls
    an argument -> the target's own name for it, where that is not seen. ``values``: of hyperparameters that an optimizer has
    but does not take. ``dtype``: float64 where it can. ``framework``: the one that it belongs to, where its type does not tell.
    ``seed``: of the numbers that are drawn. ``time_limit``: seconds for one call. ``runs``:
    how many an optimizer is given to confirm its reading."""

    lines: Sequence[str] = ()
    names: Mapping[str, str] | None = None
    values: Mapping[str, float] | None = None
    dtype: str = ""
    framework: str = ""
    seed: int = 0
    time_limit: float = TIME_LIMIT
    runs: int = 12
