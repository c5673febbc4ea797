"""Which readings a subject's numbers fit: each must lie in the enclosure of what that reading may return in floating point."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from ...reference.formula import Formula, Optimizer
from ...reference.vocabulary import Axis, NotConformable, Option, Reading
from ..arithmetic.formats import Precision
from ..arithmetic.rounding import Enclosure, Rounding
from ..arithmetic.steps import Steps
from ..inputs.samples import AnySample, TraceSample
from .evaluate import evaluate, steps

Observation = Mapping[str, np.ndarray]  # "value" and "x_bar" of a map; "w" of an optimizer, a row each step


@dataclass(frozen=True)
class Undefined:
    """A reading that has no value on a sample, and why."""

    why: str


Prediction = Mapping[str, Enclosure] | Undefined


def predict(formula: Formula, reading: Reading, sample: AnySample, precision: Precision) -> Prediction:
    """What any floating-point evaluation of a reading may return on a sample."""
    try:
        return evaluate(formula, reading, sample, Rounding(precision))
    except NotConformable as error:
        return Undefined(str(error))


OUTSIDE = "outside of the budget"


@dataclass(frozen=True)
class Miss:
    """Where a reading does not hold a subject's numbers."""

    sample: int
    output: str
    index: tuple[int, ...]
    why: str


def miss(prediction: Prediction, observed: Observation, sample: int) -> Miss | None:
    """The first number of an observation that a prediction does not hold; None where it holds all of them.

    A cotangent at an input where the value itself is not a number is not constrained: there is no derivative to be had.
    """
    if isinstance(prediction, Undefined):
        return Miss(sample, "value", (), prediction.why)
    for name, enclosure in prediction.items():
        if name not in observed:
            continue
        if (misshapen := _misshapen(sample, name, enclosure.shape, observed[name])) is not None:
            return misshapen
        inside = enclosure.contains(observed[name]) | unconstrained(prediction, name)
        if not inside.all():
            index = tuple(int(i) for i in np.argwhere(~inside)[0])
            return Miss(sample, name, index, OUTSIDE)
    return None


@dataclass
class Predictions:
    """The predictions of all readings of a line on its samples, each computed at most once, and of a trace no more steps than
    are asked for."""

    formula: Formula
    precision: Precision
    samples: Sequence[AnySample]
    _known: dict[tuple[int, Reading], Prediction] = field(default_factory=dict)
    _steps: dict[tuple[int, Reading], Steps] = field(default_factory=dict)

    def __call__(self, index: int, reading: Reading) -> Prediction:
        key = (index, reading)
        if key not in self._known:
            self._known[key] = self._predicted(index, reading)
        return self._known[key]

    def _predicted(self, index: int, reading: Reading) -> Prediction:
        if isinstance(self.formula, Optimizer):
            return {"w": Rounding(self.precision).stack(list(self._steps_of(index, reading)))}
        return predict(self.formula, reading, self.samples[index], self.precision)

    def _steps_of(self, index: int, reading: Reading) -> Steps:
        sample = self.samples[index]
        assert isinstance(self.formula, Optimizer) and isinstance(sample, TraceSample)
        key = (index, reading)
        if key not in self._steps:
            self._steps[key] = Steps(partial(steps, self.formula, reading, sample.trace, Rounding(self.precision)))
        return self._steps[key]

    def first_miss(self, index: int, reading: Reading, observed: Observation) -> Miss | None:
        """The first number of an observation that a reading does not hold; None where it holds all of them."""
        if not isinstance(self.formula, Optimizer):
            return miss(self(index, reading), observed, index)
        sample = self.samples[index]
        assert isinstance(sample, TraceSample)
        if (misshapen := _misshapen(index, "w", sample.trace.gradients.shape, observed["w"])) is not None:
            return misshapen
        for t, (enclosure, weights) in enumerate(zip(self._steps_of(index, reading), observed["w"], strict=True)):
            inside = enclosure.contains(weights)
            if not inside.all():
                return Miss(index, "w", (t, int(np.argmin(inside))), OUTSIDE)
        return None


def _misshapen(sample: int, name: str, shape: tuple[int, ...], observed: np.ndarray) -> Miss | None:
    same = shape == observed.shape
    return None if same else Miss(sample, name, (), f"the reading's shape is {shape}, the subject's {observed.shape}")


def unconstrained(prediction: Mapping[str, Enclosure], name: str) -> np.ndarray:
    """Where a cotangent may be anything, since there the value is no number: element by element where the line is
    elementwise, else everywhere."""
    if "value" not in prediction or name == "value":
        return np.zeros((), bool)
    no_number = np.isnan(prediction["value"].value)
    return no_number if no_number.shape == prediction[name].shape else np.asarray(no_number.any())


def parted(a: Prediction, b: Prediction) -> tuple[str, tuple[int, ...]] | None:
    """Where two readings part on a sample, so that no floating-point evaluation can be both; None if nowhere."""
    if isinstance(a, Undefined) or isinstance(b, Undefined):
        return None if isinstance(a, Undefined) and isinstance(b, Undefined) else ("value", ())
    for name in a:
        if a[name].shape != b[name].shape:
            return name, ()
        apart = a[name].parts_from(b[name]) & ~unconstrained(a, name) & ~unconstrained(b, name)
        if apart.any():
            return name, tuple(int(i) for i in np.argwhere(apart)[0])
    return None


@dataclass
class Fit:
    """Which readings of a line hold all observations, and for each of the others the first number that it does not hold."""

    holds: list[Reading]
    misses: dict[Reading, Miss]


def fit(
    predictions: Predictions, accepted: Sequence[int], observations: Sequence[Observation], readings: Iterable[Reading]
) -> Fit:
    """Hold every reading against every observation; ``accepted`` says which sample each belongs to. A reading that has
    missed once is not evaluated again."""
    holds, misses = [], {}
    for reading in readings:
        for index, observed in zip(accepted, observations, strict=True):
            if (missed := predictions.first_miss(index, reading, observed)) is not None:
                misses[reading] = missed
                break
        else:
            holds.append(reading)
    return Fit(holds, misses)


def searched(formula: Formula, given: Iterable[str], claim: Mapping[str, str] | None = None) -> list[Reading]:
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
    return [reading for reading in every if reading in named or alike[formula.simplest(reading)] is reading]


def worst_share(
    predictions: Predictions, accepted: Sequence[int], observations: Sequence[Observation], reading: Reading
) -> float:
    """The largest error as a fraction of the reading's budget."""
    worst = 0.0
    for index, observed in zip(accepted, observations, strict=True):
        prediction = predictions(index, reading)
        if isinstance(prediction, Undefined):
            continue
        for name, enclosure in prediction.items():
            if name in observed and enclosure.value.size:
                share = np.where(unconstrained(prediction, name), 0.0, enclosure.share(observed[name]))
                worst = max(worst, float(share.max()))
    return worst


def is_decisive(prediction: Prediction) -> bool:
    """Whether some budget of a prediction is smaller than the value that it is the budget of."""
    if isinstance(prediction, Undefined):
        return True
    return any(bool((~enclosure.void).any()) for enclosure in prediction.values())
