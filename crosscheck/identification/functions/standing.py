"""How readings stand against what a function returned: on ordinary numbers, which decide, and apart from them.

Ordinary is a number that is finite and not subnormal, of inputs that are, in the standard reading. Where a reading is not what
was returned on any of these, it is refuted; where it is not on others, it stands, and the places are named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ....reference.formula import Map
from ....reference.namespace import Floating
from ....reference.vocabulary import Reading
from ...arithmetic.formats import precision
from ...arithmetic.rounding import Enclosure
from ...findings import NoValue
from ...inputs.samples import Sample
from ...readings.compare import Observed, unconstrained
from ...readings.evaluate import VALUE, evaluate
from ...readings.variants import LARGE_TERMS, NO_LOSS, Losses

SURE = 20.0  # bits: evidence that comes about by chance once in a million
FEW = 1024  # roundings of the largest input or of 1 that a number may be off where a budget says nothing
WORST_CASE = 5.0  # bits by which a budget for the worst case may exceed the errors that are seen under it


@dataclass(frozen=True)
class Place:
    """One number that was returned: which trial, which output, where in it."""

    trial: int
    output: str
    index: tuple[int, ...]


class At(NamedTuple):
    """A reading on one trial, and what it allows there."""

    observed: Observed
    reading: Reading
    allowed: Mapping[str, Enclosure]


@dataclass(frozen=True, eq=False)
class Numbers:
    """What was returned of one part, the value or the cotangents, on all trials. If they are not ``whole``, what is no number
    is apart even where the standard reading has one."""

    formula: Map
    trials: Sequence[Observed]
    whole: bool = True

    @cached_property
    def ordinary(self) -> list[Mapping[str, np.ndarray]]:
        """The numbers that decide, by trial and output."""
        if self.whole:
            return self.standard
        returned = [{name: np.isfinite(a.astype(np.float64)) for name, a in o.outputs.items()} for o in self.trials]
        return [{n: one[n] & mask[n] for n in one} for one, mask in zip(self.standard, returned, strict=True)]

    @cached_property
    def standard(self) -> list[Mapping[str, np.ndarray]]:
        """The numbers that are ordinary in the standard reading."""
        return [_ordinary(self.formula, observed) for observed in self.trials]

    def standing(self, readings: Iterable[Reading], losses: Losses = NO_LOSS) -> dict[Reading, tuple[Place, ...]]:
        """The readings that are not refuted, each with the places apart at which it is not what was returned."""
        found = {reading: self._apart(reading, losses) for reading in readings}
        return {reading: places for reading, places in found.items() if places is not None}

    def _apart(self, reading: Reading, losses: Losses) -> tuple[Place, ...] | None:
        places = list[Place]()
        for trial, (observed, ordinary) in enumerate(zip(self.trials, self.ordinary, strict=True)):
            allowed = observed.question.allows(reading, losses)
            if isinstance(allowed, NoValue):
                return None
            for name, array in observed.outputs.items():
                if allowed[name].shape != array.shape:
                    return None
                outside = ~(allowed[name].contains(array) | unconstrained(allowed, name))
                if losses == LARGE_TERMS:  # whose wide budgets contain anything, but which explain no loss of a number
                    outside |= self.standard[trial][name] & ~np.isfinite(array.astype(np.float64))
                if (outside & ordinary[name]).any() or self._unsaid(At(observed, reading, allowed), name, ordinary[name]).any():
                    return None
                places += [Place(trial, name, tuple(map(int, index))) for index in np.argwhere(outside)]
        return tuple(places)

    def distinct(self, places: Iterable[Place]) -> int:
        """How many different places these are: those of an elementwise line by the numbers that are put in there."""
        return len({self._inputs(place) for place in places})

    def _inputs(self, place: Place) -> tuple[str, tuple[bytes, ...]]:
        observed = self.trials[place.trial]
        sample, shape = observed.question.sample, observed.outputs[place.output].shape
        assert isinstance(sample, Sample)
        elementwise = all(array.shape == shape for array in sample.arrays.values())
        numbers = (array[place.index] if elementwise else array for array in sample.arrays.values())
        return place.output, tuple(number.tobytes() for number in numbers)

    def _unsaid(self, place: At, name: str, ordinary: np.ndarray) -> np.ndarray:
        """Which ordinary numbers are far from the real value though the budget contains them, since it contains anything: they
        are further off than the same evaluation in NumPy."""
        budget, exact = place.allowed[name], place.observed.question.allows(self.formula.standard)
        if isinstance(exact, NoValue) or exact[name].shape != budget.shape:
            return np.zeros(budget.shape, bool)
        sample = place.observed.question.sample
        assert isinstance(sample, Sample)
        flow = 1.0 if name == VALUE else np.abs(sample.cotangent.astype(np.longdouble)).max(initial=0.0)
        flow *= max(1.0, *(np.abs(array.astype(np.longdouble)).max(initial=0.0) for array in sample.arrays.values()))
        with np.errstate(all="ignore"):
            true, returned = exact[name].value, place.observed.outputs[name].astype(np.longdouble)
            small = np.maximum(np.abs(true) / 2, FEW * budget.precision.u * flow)
            wide = ordinary & budget.void & ~(budget.error <= small)
            off = np.abs(returned - true)
            far = wide & ~(off <= small) & np.isfinite(returned)
            if far.any():
                xp = Floating(budget.precision.numpy)
                own = np.asarray(evaluate(self.formula, place.reading, sample, xp)[name]).astype(np.longdouble)
                far &= ~(off <= 4 * np.abs(own - true)) | ~np.isfinite(own)
        return far

    def share(self, reading: Reading, losses: Losses) -> float:
        """The largest error as a fraction of the budget, of a reading that stands, where it is what was returned."""
        largest = 0.0
        for observed in self.trials:
            allowed = observed.question.allows(reading, losses)
            assert not isinstance(allowed, NoValue)
            for name, array in observed.outputs.items():
                counted = allowed[name].contains(array) & ~unconstrained(allowed, name)
                largest = max(largest, float(np.where(counted, allowed[name].share(array), 0.0).max(initial=0.0)))
        return largest

    def said(self, reading: Reading, losses: Losses) -> float:
        """On what part of what is ordinary in the standard reading a reading is decided, and says something: its budget is
        narrower than its value."""
        said = sum(int((ordinary & ~budget.void).sum()) for budget, ordinary in self._budgets(reading, losses))
        numbers = sum(int(mask.sum()) for standard in self.standard for mask in standard.values())
        return said / numbers if numbers else 1.0

    def unbeaten(self, readings: Sequence[Reading], losses: Losses) -> list[Reading]:
        """The evaluations of one function, all of which stand, without those of which another is surely the likelier: numbers
        lie within its budget where theirs is far wider than any error that is seen."""
        if len(readings) == 1:
            return list(readings)
        widths = {reading: self._widths(reading, losses) for reading in readings}
        return [mine for mine in readings if not any(_beats(widths[other], widths[mine]) for other in readings)]

    def _widths(self, reading: Reading, losses: Losses) -> np.ndarray:
        """The budgets relative to the values, in bits: from those of one rounding to 0."""
        found = [np.zeros(0)]
        for enclosure, ordinary in self._budgets(reading, losses):
            with np.errstate(all="ignore"):
                relative = np.where(enclosure.error == 0, 0.0, enclosure.error / np.abs(enclosure.value))
                relative = np.where(np.isnan(relative), 1.0, relative)
                found.append(np.log2(np.minimum(np.maximum(relative, enclosure.precision.u), 1.0)[ordinary].astype(np.float64)))
        return np.concatenate(found)

    def _budgets(self, reading: Reading, losses: Losses) -> Iterable[tuple[Enclosure, np.ndarray]]:
        for observed, ordinary in zip(self.trials, self.ordinary, strict=True):
            allowed = observed.question.allows(reading, losses)
            assert not isinstance(allowed, NoValue)
            yield from ((allowed[name], ordinary[name]) for name in observed.outputs)


def _beats(narrow: np.ndarray, wide: np.ndarray) -> bool:
    def evidence(for_: np.ndarray, against: np.ndarray) -> float:
        return float(np.maximum(against - for_ - WORST_CASE, 0.0).sum())

    return evidence(narrow, wide) >= SURE + evidence(wide, narrow)


def _ordinary(formula: Map, observed: Observed) -> dict[str, np.ndarray]:
    sample, allowed = observed.question.sample, observed.question.allows(formula.standard)
    assert isinstance(sample, Sample)
    smallest = precision(observed.question.dtype).smallest_normal
    plain = all(_normal(array, smallest).all() for array in sample.arrays.values())
    flowing = plain and bool(_normal(sample.cotangent, smallest).all())
    found = dict[str, np.ndarray]()
    for name, array in observed.outputs.items():
        found[name] = np.full(array.shape, plain if name == VALUE else flowing)
        if not isinstance(allowed, NoValue) and allowed[name].shape == array.shape:
            found[name] &= _normal(allowed[name].value, smallest) & ~allowed[name].may_overflow
            found[name] &= ~unconstrained(allowed, name)
    return found


def _normal(array: np.ndarray, smallest: float) -> np.ndarray:
    wide = np.asarray(array).astype(np.longdouble)
    return np.isfinite(wide) & ((wide == 0) | (np.abs(wide) >= smallest))
