"""The inputs that all subjects of a line and dtype share: those that each run has, then draws."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from ...reference.formula import Formula, Map, Optimizer
from ..arithmetic.formats import precision
from .profiles import Profile
from .samples import hard_samples, sized_samples
from .strategies import draw, map_samples, trace_samples
from .traces import hard_traces


@lru_cache(maxsize=8)
def samples(formula: Formula, dtype: str, profile: Profile, seed: int) -> tuple[Any, ...]:
    """The inputs on which every subject of a line is examined; the same for the same seed."""
    p, purpose = precision(dtype), f"{formula.id} {dtype}"
    if isinstance(formula, Optimizer):
        return (*hard_traces(formula, p), *draw(trace_samples(formula, p), profile.traces, purpose, seed))
    assert isinstance(formula, Map)
    return (
        *hard_samples(formula, p),
        *sized_samples(formula, p),
        *draw(map_samples(formula, p), profile.examples, purpose, seed),
    )
