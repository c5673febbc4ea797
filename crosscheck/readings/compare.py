"""The one comparison: what was observed on samples, against what each reading allows there.

A reading contains a number that lies in the enclosure of what that reading may return in floating point, and violates it else.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from msgspec.structs import replace

from ...reference.formula import Formula, Optimizer
from ...reference.vocabulary import Axis, NotConformable, Option, Reading
from ..arithmetic.formats import Precision
from ..arithmetic.rounding import Enclosure, Rounding
from ..arithmetic.steps import Steps
from ..findings import NoValue, OtherShape, Outside, Violation
from ..inputs.samples import AnySample, Sample, TraceSample
from .evaluate import VALUE, WEIGHTS, evaluate, steps
from .variants import NO_LOSS, Losses, with_losses

Outputs = Mapping[str, np.ndarray]  # "value" and "x_bar" of a map; "w" of an optimizer, a row each step
Allowed = Mapping[str, Enclosure] | NoValue


def allowed(formula: Formula, reading: Reading, sample: AnySample, precision: Precision) -> Allowed:
    """What any floating-point evaluation of a reading may return on a sample, by output."""
    try:
        return evaluate(formula, reading, sample, Rounding(precision))
    except NotConformable as error:
        return NoValue(str(error))


def unconstrained(outputs: Mapping[str, Enclosure], name: str) -> np.ndarray:
    """Where a cotangent may be anything, since the value itself is no number there and has no derivative: element by element
    where the line is elementwise, else everywhere."""
    if VALUE not in outputs or name == VALUE:
        return np.zeros((), bool)
    no_number = np.isnan(outputs[VALUE].value)
    return no_number if no_number.shape == outputs[name].shape else np.asarray(no_number.any())


def violation(outputs: Allowed, observed: Outputs) -> Violation | None:
    """The first number that a reading does not contain; None where it contains all of them."""
    if isinstance(outputs, NoValue):
        return Violation(VALUE, (), outputs)
    for name, enclosure in outputs.items():
        if name not in observed:
            continue
        if (misshapen := _misshapen(name, enclosure.shape, observed[name])) is not None:
            return misshapen
        inside = enclosure.contains(observed[name]) | unconstrained(outputs, name)
        if not inside.all():
            return Violation(name, tuple(int(i) for i in np.argwhere(~inside)[0]), Outside())
    return None


def _misshapen(name: str, shape: tuple[int, ...], observed: np.ndarray) -> Violation | None:
    return None if shape == observed.shape else Violation(name, (), OtherShape(shape, observed.shape))


def share(outputs: Allowed, observed: Outputs) -> float:
    """The largest error as a fraction of the budget."""
    if isinstance(outputs, NoValue):
        return 0.0
    shares = (
        np.where(unconstrained(outputs, name), 0.0, enclosure.share(observed[name])).max()
        for name, enclosure in outputs.items()
        if name in observed and enclosure.value.size
    )
    return max(map(float, shares), default=0.0)


def is_decisive(outputs: Allowed) -> bool:
    """Whether some budget is smaller than the value that it is the budget of."""
    return isinstance(outputs, NoValue) or any(bool((~enclosure.void).any()) for enclosure in outputs.values())


# --- samples, and what was observed on them -------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Question:
    """A sample of a formula, with what its readings allow there: each is evaluated when it is asked for and then kept, and of
    a trace no more steps than are looked at."""

    formula: Formula
    sample: AnySample
    dtype: str
    _known: dict[tuple[Any, ...], Any] = field(default_factory=dict, repr=False)

    def allows(self, reading: Reading, losses: Losses = NO_LOSS) -> Allowed:
        """What a reading allows, by output; NoValue where it has none for these shapes."""
        return self._once(self._allowed, reading, losses)

    def steps(self, reading: Reading, losses: Losses = NO_LOSS) -> Steps:
        """What a reading allows the weights to be, step by step."""
        return self._once(self._steps, reading, losses)

    def _once(self, make: Callable[[Reading, Losses], Any], reading: Reading, losses: Losses) -> Any:
        key = (make.__name__, reading, losses)
        if key not in self._known:
            self._known[key] = make(reading, losses)
        return self._known[key]

    def _allowed(self, reading: Reading, losses: Losses) -> Allowed:
        p = with_losses(self.dtype, losses, self._largest())
        if isinstance(self.formula, Optimizer):
            return {WEIGHTS: Rounding(p).stack(list(self.steps(reading, losses)))}
        return allowed(self.formula, reading, self.sample, p)

    def _largest(self) -> float:
        """The largest finite number that is put into a function, or 1."""
        arrays = (*self.sample.arrays.values(), self.sample.cotangent) if isinstance(self.sample, Sample) else ()
        sizes = (np.abs(array.astype(np.float64), where=np.isfinite(array), out=np.zeros(array.shape)) for array in arrays)
        return max(1.0, *(float(size.max(initial=0.0)) for size in sizes)) if arrays else 1.0

    def _steps(self, reading: Reading, losses: Losses) -> Steps:
        assert isinstance(self.formula, Optimizer) and isinstance(self.sample, TraceSample)
        return Steps(partial(steps, self.formula, reading, self.sample.trace, Rounding(with_losses(self.dtype, losses))))


@dataclass(frozen=True, eq=False)
class Observed:
    """What a subject returned on a sample."""

    question: Question
    outputs: Outputs

    def violation(self, reading: Reading, losses: Losses = NO_LOSS) -> Violation | None:
        """The first number that a reading does not contain; None where it contains all of them."""
        if not isinstance(self.question.formula, Optimizer):
            return violation(self.question.allows(reading, losses), self.outputs)
        sample, observed = self.question.sample, self.outputs[WEIGHTS]
        assert isinstance(sample, TraceSample)
        if (misshapen := _misshapen(WEIGHTS, sample.trace.gradients.shape, observed)) is not None:
            return misshapen
        for t, (enclosure, weights) in enumerate(zip(self.question.steps(reading, losses), observed, strict=True)):
            inside = enclosure.contains(weights)
            if not inside.all():
                return Violation(WEIGHTS, (t, int(np.argmin(inside))), Outside())
        return None

    def share(self, reading: Reading, losses: Losses = NO_LOSS) -> float:
        """The largest error as a fraction of the reading's budget."""
        return share(self.question.allows(reading, losses), self.outputs)


# --- which readings fit ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fit:
    """The readings that contain all that was observed, and of each of the others its first violation."""

    fits: tuple[Reading, ...]
    violations: Mapping[Reading, Violation]

    def against(self, trials: Sequence[Observed], losses: Losses = NO_LOSS, first: int = 0) -> Fit:
        """The fit of the readings that fit so far, held against more trials, which are counted from ``first``."""
        found = {reading: _first_violation(trials, reading, losses, first) for reading in self.fits}
        violations = {reading: violated for reading, violated in found.items() if violated is not None}
        return Fit(tuple(r for r in self.fits if r not in violations), {**self.violations, **violations})


def _first_violation(trials: Sequence[Observed], reading: Reading, losses: Losses, first: int) -> Violation | None:
    """The first violation of a reading, after which it is not evaluated again."""
    for trial, observed in enumerate(trials, first):
        if (violated := observed.violation(reading, losses)) is not None:
            return replace(violated, trial=trial)
    return None


@dataclass(frozen=True, eq=False)
class Comparison:
    """All that was observed, against each of some readings, under each variant of the rounding model that is asked for; each
    reading is held against each trial at most once."""

    readings: tuple[Reading, ...]
    trials: tuple[Observed, ...]
    _fits: dict[Losses, Fit] = field(default_factory=dict, repr=False)

    def fit(self, losses: Losses = NO_LOSS) -> Fit:
        if losses not in self._fits:
            self._fits[losses] = Fit(self.readings, {}).against(self.trials, losses)
        return self._fits[losses]

    def with_more(self, trials: Iterable[Observed]) -> Comparison:
        """The same with more trials, on which only what fits so far is evaluated."""
        more, count = tuple(trials), len(self.trials)
        fits = {losses: fit.against(more, losses, count) for losses, fit in self._fits.items()}
        return Comparison(self.readings, (*self.trials, *more), fits)


def worst_share(trials: Iterable[Observed], reading: Reading, losses: Losses = NO_LOSS) -> float:
    """The largest error as a fraction of the reading's budget, over all trials."""
    return max((observed.share(reading, losses) for observed in trials), default=0.0)


def searched(formula: Formula, given: Iterable[str], claim: Mapping[str, str] | None = None) -> tuple[Reading, ...]:
    """The readings that a subject with these hyperparameters is held against, the printed one first.

    Left out are options whose hyperparameter it lacks, and those that are not ``in_matrix`` unless they are standard or in its
    ``claim``: the product of all options is for identification, which does not enumerate it. Of readings that are one function,
    rounded alike, one is kept, beside those that have a name.
    """
    known, claimed = set(given), claim or {}

    def wanted(axis: Axis, option: Option) -> bool:
        asked = option.in_matrix or option.name in (axis.standard, claimed.get(axis.name))
        return option.name == axis.printed or (asked and (not option.needs or option.needs in known))

    names = [axis.name for axis in formula.axes]
    columns = [[option.name for option in axis.options if wanted(axis, option)] for axis in formula.axes]
    printed_first = [sorted(column, key=axis.printed.__ne__) for axis, column in zip(formula.axes, columns, strict=True)]
    every = [Reading(tuple(zip(names, options, strict=True))) for options in itertools.product(*printed_first)]
    named = {formula.printed, formula.standard, formula.reading("printed", **claimed)}
    alike: dict[Reading, Reading] = {}
    for reading in sorted(every, key=lambda reading: reading not in named):
        alike.setdefault(formula.simplest(reading), reading)
    return tuple(reading for reading in every if reading in named or alike[formula.simplest(reading)] is reading)
