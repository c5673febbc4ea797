"""Precision inside the box: which of its quantities it holds in a narrower format than its weights.

First a reading is sought that would fit if everything were computed in float32; where there is none, nothing that is held in
float32 can explain the box. Then each quantity is modelled sharply, as the number that rounding it gives, with the budget of
the weights' own format: another slip of the same size fits none of these, and is not let through.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from .playing import Played
from .prediction import KEPT, NARROW, POWERS, RATE, Model, fits
from .search import Search
from .space import Candidate, Space

READINGS = 6  # of those that fit in float32, how many are tried with quantities held there


def sharpened(space: Space, played: Sequence[Played], dtype: str, coarse: Candidate) -> tuple[Candidate | None, int]:
    """From a candidate that would fit in the narrower format: one that fits with as few quantities held there as will do; None
    if there is none. And how many were looked at."""
    alike = Search(space, played, NARROW, space.moves)
    readings = alike.equals(coarse)
    looked = alike.evaluated
    for telling in (played[-1:], played):  # one trace refuses most; what it does not tell apart all of them may
        found, more = _with_quantities(space, telling, dtype, readings)
        looked += more
        if not fits(space, found, telling, dtype):
            break
        if fits(space, found, played, dtype):
            return _fewest(space, played, dtype, found), looked
    return None, looked


def _with_quantities(
    space: Space, telling: Sequence[Played], dtype: str, readings: Sequence[Candidate]
) -> tuple[Candidate, int]:
    """The best candidate with one quantity held narrower, else with more of those that make a difference."""
    singly = Search(space, telling, dtype, lambda here: _toggles(quantities(space, here), here))
    nearest = sorted(readings, key=singly.score, reverse=True)[:READINGS]
    found = singly.best(nearest, pairs=False)
    if singly.is_full(found):
        return found, singly.evaluated
    base = nearest[0]
    matter = [q for q in quantities(space, base) if singly.score(_toggled(base, q)) != singly.score(base)]
    doubly = Search(space, telling, dtype, lambda here: _toggles(matter, here))
    return doubly.best([found, base]), singly.evaluated + doubly.evaluated


def _toggles(among: Sequence[str], here: Candidate) -> Iterator[tuple[str, list[Candidate]]]:
    for quantity in among:
        yield quantity, [_toggled(here, quantity)]


def _toggled(here: Candidate, quantity: str) -> Candidate:
    without = tuple(q for q in here.held if q != quantity)
    return replace(here, held=without if quantity in here.held else (*here.held, quantity))


def quantities(space: Space, here: Candidate) -> list[str]:
    """What a box may hold in a format of its own: the rate, its hyperparameters, powers of a decay rate, parts of the state."""
    model = Model(space, here, np.zeros(1), dict.fromkeys(space.binding.values(), 0.5), "float64")
    parts = [f"{name}{way}" for name in model.state._fields if name != "t" for way in KEPT]
    powers = POWERS if any(hyper.name.startswith("beta") for hyper in space.line.hyperparameters) else ()
    return [RATE, *powers, *parts, *(hyper.name for hyper in space.line.hyperparameters)]


def _fewest(space: Space, played: Sequence[Played], dtype: str, found: Candidate) -> Candidate:
    """Without those quantities that need not be held narrower."""
    for quantity in found.held:
        less = replace(found, held=tuple(q for q in found.held if q != quantity))
        if fits(space, less, played, dtype):
            found = less
    return found
