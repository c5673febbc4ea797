"""Precision inside the box: which of its quantities it stores in a narrower format than its weights.

First a reading is sought that would fit if everything were computed in float32; where there is none, nothing that is stored in
float32 can explain the box. Then each quantity is modelled sharply, as the number that rounding it gives, with the budget of
the weights' own format: another slip of the same size fits none of these, and is not let through.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from ....reference.vocabulary import Role
from ...answers import Kind, Stored, Way
from .playing import Made
from .prediction import NARROW, POWER_WAYS, STATE_WAYS, Model, Record
from .search import Search
from .space import Candidate, Space

READINGS = 6  # of those that fit in float32, how many are tried with quantities stored there


def sharpened(seen: Record, coarse: Candidate, format_: str = NARROW) -> tuple[Candidate | None, int]:
    """From a candidate that would fit in the narrower format: one that fits in another arrangement, or with as few quantities
    stored there as will do; None if there is none. And how many were looked at."""
    alike = Search(seen.in_(format_), seen.space.moves)
    readings = [replace(one, wide_scalars=False) for one in alike.equals(coarse)]
    looked = alike.evaluated
    if (fitting := as_written_or_arranged(seen, readings)) is not None:
        return fitting, looked
    for separating in (seen.only(seen.played[-1]), seen):  # one trace refuses most; what it does not separate all of them may
        found, more = _with_quantities(separating, readings, format_)
        looked += more
        if not separating.fits(found):
            break
        if seen.fits(found):
            return fewest(seen, found), looked
    return None, looked


def as_written_or_arranged(seen: Record, readings: Sequence[Candidate]) -> Candidate | None:
    """The first of some readings that fits as it is written; else the first that fits in another arrangement."""
    forms = [replace(one, arranged=arranged) for arranged in (False, True) for one in readings]
    return next(filter(seen.fits, forms), None)


def _with_quantities(seen: Record, readings: Sequence[Candidate], format_: str) -> tuple[Candidate, int]:
    """The best candidate with one quantity stored narrower, else with more of those that make a difference."""
    kept = quantities if format_ == NARROW else partial(parts, format_=format_)
    singly = Search(seen, lambda here: _toggles(kept(seen.space, here), here))
    nearest = sorted(readings, key=singly.score, reverse=True)[:READINGS]
    found = singly.best(nearest, pairs=False)
    if singly.is_full(found):
        return found, singly.evaluated
    base = nearest[0]
    matter = [q for q in kept(seen.space, base) if singly.score(_toggled(base, q)) != singly.score(base)]
    doubly = Search(seen, partial(_toggles, matter))
    return doubly.best([found, base]), singly.evaluated + doubly.evaluated


def _toggles(among: Sequence[Stored], here: Candidate) -> Iterator[tuple[Stored, list[Candidate]]]:
    for quantity in among:
        yield quantity, [_toggled(here, quantity)]


def _toggled(here: Candidate, quantity: Stored) -> Candidate:
    without = tuple(q for q in here.stored if q != quantity)
    return replace(here, stored=without if quantity in here.stored else (*here.stored, quantity))


def quantities(space: Space, here: Candidate) -> list[Stored]:
    """What a box may store in a format of its own: the rate, powers of decay rates, parts of the state, hyperparameters."""
    hypers = space.line.hyperparameters
    decays = [hyper.name for hyper in hypers if hyper.role is Role.DECAY_RATE]
    multipliers = [hyper.name for hyper in hypers if hyper.role is Role.MULTIPLIER and hyper.name in space.binding]
    return [
        Stored(Kind.RATE),
        *(Stored(kind, way=way) for kind in (Kind.POWER, Kind.COMPLEMENT) for way in POWER_WAYS if decays),
        *(Stored(Kind.ROOT, way=way) for way in (Way.ROUNDED, Way.FROM_FLOAT64)),
        *parts(space, here),
        *(Stored(Kind.HYPERPARAMETER, hyper.name) for hyper in hypers),
        *(Stored(Kind.HYPERPARAMETER, name, Way.FROM_FLOAT64) for name in decays),
        *(Stored(Kind.MULTIPLE, name, way) for name in multipliers for way in (Way.ROUNDED, Way.FROM_FLOAT64)),
    ]


def parts(space: Space, here: Candidate, format_: str = NARROW) -> list[Stored]:
    """The parts of the state that a box may store in a format."""
    return [Stored(Kind.STATE, name, way, format_) for name in arrays(space, here) for way in STATE_WAYS]


def arrays(space: Space, here: Candidate) -> list[str]:
    """The parts of the state that are no counters, the wrapper's among them."""
    behind = here.behind.binding if here.behind is not None else ()
    given = {**dict.fromkeys(space.binding.values(), 0.5), **{own: 1.0 for _, own in behind}}
    model = Model(space, here, np.zeros((1, 1)), Made(given, 0.5), "float64")
    kept = [(name, getattr(state, name)) for state in (model.state, model.around) for name in getattr(state, "_fields", ())]
    return [name for name, part in kept if not isinstance(part, int)]


def fewest(seen: Record, found: Candidate) -> Candidate:
    """Without those quantities that need not be stored narrower."""
    for quantity in found.stored:
        less = replace(found, stored=tuple(q for q in found.stored if q != quantity))
        if seen.fits(less):
            found = less
    return found
