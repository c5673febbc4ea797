"""What the squared error is divided by: one example repeated, and several outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..formula import Map
from ..vocabulary import Study
from .text import g

SIZES = range(1, 13)


def _batches(lab: Any) -> Iterator[Any]:
    """One example repeated: its mean loss should not depend on how often."""
    yield _normalised(lab, "One example repeated", "n, examples", lambda n: (1, n))
    yield _normalised(lab, "Several outputs", "o, outputs, of 3 examples", lambda o: (o, 3))


def _normalised(lab: Any, title: str, label: str, shape: Callable[[int], tuple[int, int]]) -> Any:
    axis = lab.formula.axis("normaliser")
    losses = {name: [_loss(lab.formula, shape(k), name) for k in SIZES] for name in axis.names}
    standard = losses[axis.standard]
    said = [f"{name} {_agreement(label[0], found, standard)}" for name, found in losses.items() if name != axis.standard]
    series = lab.merged([lab.series(name, SIZES, found) for name, found in losses.items()])
    caption = f"Every residual is 1. Compared with {axis.standard} (standard): {'; '.join(said)}."
    return lab.curve(title, caption, (label, "loss"), series)


def _loss(formula: Map, shape: tuple[int, int], normaliser: str) -> float:
    """The loss where every residual is 1."""
    return float(formula(np.ones(shape), np.zeros(shape), normaliser=normaliser))


def _agreement(symbol: str, found: Sequence[float], standard: Sequence[float]) -> str:
    equal = [k for k, a, b in zip(SIZES, found, standard, strict=True) if a == b]
    if len(equal) == len(SIZES):
        return "is the same throughout"
    where = f"is the same only at {symbol} = {', '.join(map(str, equal))}, and" if equal else "is nowhere the same, and"
    return f"{where} {g(found[-1] / standard[-1])} times as large at {symbol} = {SIZES[-1]}"


BATCHES = Study("batches", _batches)
