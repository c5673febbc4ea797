"""Few readings of a line that say much of all of them: those in which every two options of different axes occur together."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from random import Random

from gradspec.reference.formula import Formula
from gradspec.reference.vocabulary import Reading

ATTEMPTS = 30  # candidates of which the one with most new pairs is taken

Pair = tuple[tuple[str, str], ...]


def covering(formula: Formula) -> list[Reading]:
    """The printed and the standard reading, then others until every pair of options has occurred. The same every time."""
    random = Random(formula.id)
    found = list(dict.fromkeys([formula.printed, formula.standard]))
    seen = {pair for reading in found for pair in _pairs(reading)}
    for pair in _all_pairs(formula):
        if pair in seen:
            continue
        candidates = [_any(formula, random).but(**dict(pair)) for _ in range(ATTEMPTS)]
        found.append(max(candidates, key=lambda reading: len(_pairs(reading) - seen)))
        seen.update(_pairs(found[-1]))
    return found


def single_changes(formula: Formula) -> list[Reading]:
    """The printed reading, the standard one, and this one with each option of each axis."""
    changed = [formula.standard.but(**{axis.name: option}) for axis in formula.axes for option in axis.names]
    return list(dict.fromkeys([formula.printed, formula.standard, *changed]))


def _pairs(reading: Reading) -> set[Pair]:
    """Pairs of options of different axes; the options themselves where there is one axis only."""
    return set(itertools.combinations(reading.choices, min(2, len(reading.choices))))


def _all_pairs(formula: Formula) -> Iterator[Pair]:
    for axes in itertools.combinations(formula.axes, min(2, len(formula.axes))):
        yield from itertools.product(*([(axis.name, option) for option in axis.names] for axis in axes))


def _any(formula: Formula, random: Random) -> Reading:
    return Reading(tuple((axis.name, random.choice(axis.names)) for axis in formula.axes))
