"""Witnesses for people: an input, what two readings give there, and what the subject returned."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...reference.formula import Optimizer
from ...reference.vocabulary import Reading, Scope
from ..arithmetic.formats import precision
from ..arithmetic.rounding import Wide
from ..findings import NoValue, Quantity, Side, Violation, Witness
from ..inputs.samples import AnySample, Sample
from ..readings.compare import Allowed, Observed, Outputs, Question, violation
from ..readings.evaluate import WEIGHTS
from ..readings.separate import separated
from ..readings.variants import NO_LOSS, Losses

SHOWN = 64  # numbers of one array; a witness is small, a failing sample may not be

Place = tuple[str, tuple[int, ...]]


def quantity(name: str, array: Any) -> Quantity:
    """An array in decimal and in hexadecimal floating point."""
    values = [float(v) for v in np.ravel(array)[:SHOWN]]
    return Quantity(name, list(np.shape(array)), [_decimal(v) for v in values], [v.hex() for v in values])


def _decimal(value: float) -> str:
    return repr(value) if value == 0 or 1e-4 <= abs(value) < 1e6 or not np.isfinite(value) else f"{value:.17g}"


def inputs_of(sample: AnySample, used: Collection[str]) -> list[Quantity]:
    """What a sample consists of, by name; of hyperparameters those in use."""
    if isinstance(sample, Sample):
        return [*(quantity(name, a) for name, a in sample.arrays.items()), quantity("cotangent", sample.cotangent)]
    trace = sample.trace
    shown = [quantity(WEIGHTS, trace.weights), quantity("gradients", trace.gradients), quantity("rates", trace.rates)]
    return shown + [quantity(name, value) for name, value in trace.hyper.items() if name in used]


@dataclass(frozen=True)
class Rivals:
    """Two readings that a witness is to separate, under one variant of the rounding model; twice the same one where the nearest
    reading itself fails. ``takes`` are the hyperparameters that the subject takes, whatever the readings use."""

    reading: Reading
    rival: Reading
    losses: Losses = NO_LOSS
    takes: tuple[str, ...] = ()

    def witness(self, question: Question, observed: Outputs | None = None) -> Witness | None:
        """A sample as a witness; None where it does not separate the two, or where the rival contains what was observed.
        Without an observation it shows the two readings only."""
        shown = self._on(question)
        if observed is None:
            where = separated(*shown.allowed)
            return where and shown.at(where, question.sample, None)
        observed = {name: _cropped(values, shown.allowed, name) for name, values in observed.items()}
        violated = violation(shown.allowed[-1], observed)
        return violated and shown.at((violated.output, violated.index), question.sample, observed)

    def failure(self, observed: Observed, violated: Violation) -> Witness:
        """What was observed on the sample that rules the rival out, beside what the two readings give there."""
        shown, place = self._on(observed.question), (violated.output, violated.index)
        formula = observed.question.formula
        apart = isinstance(formula, Optimizer) and formula.scope is Scope.WEIGHT
        if not apart or len(violated.index) != 2:
            return shown.at(place, observed.question.sample, observed.outputs)
        return shown.of_one_weight(place, observed.question.sample, observed.outputs)

    def _on(self, question: Question) -> _Shown:
        readings = dict.fromkeys((self.reading, self.rival))
        formula, allowed = question.formula, tuple(question.allows(r, self.losses) for r in readings)
        used = {h.name for r in readings for h in formula.used_by(r)} if isinstance(formula, Optimizer) else set()
        return _Shown(tuple(readings), allowed, question.dtype, frozenset(used.union(self.takes)))


def _cropped(values: np.ndarray, pair: Sequence[Allowed], name: str) -> np.ndarray:
    """An observation on a padded trace, cut back to the size of what readings allow."""
    outputs = next((outputs for outputs in pair if not isinstance(outputs, NoValue)), None)
    if name != WEIGHTS or outputs is None:
        return values
    rows, columns = outputs[name].shape
    return values[:rows, :columns]


@dataclass(frozen=True)
class _Shown:
    """One or two readings, and what each allows on a sample."""

    readings: Sequence[Reading]
    allowed: Sequence[Allowed]
    dtype: str
    used: frozenset[str]

    def at(self, place: Place, sample: AnySample, observed: Outputs | None) -> Witness:
        output, index = place
        apart, budget = self._gap(place, observed)
        return Witness(
            dtype=self.dtype,
            inputs=inputs_of(sample, self.used),
            settings=dict(sample.settings) if isinstance(sample, Sample) else {},
            sides=[_side(reading, outputs, output) for reading, outputs in zip(self.readings, self.allowed, strict=True)],
            output=output,
            index=list(index),
            observed=None if observed is None else quantity(output, observed[output]),
            ulps=apart,
            budget=budget,
        )

    def of_one_weight(self, place: Place, sample: AnySample, observed: Outputs) -> Witness:
        """A trace cut down to the one weight, and the steps up to the one, at which it fails: weights do not see each other."""
        assert not isinstance(sample, Sample)
        output, (step, column) = place
        rows, columns = slice(step + 1), slice(column, column + 1)
        trace = sample.trace
        cut = replace(
            trace, weights=trace.weights[columns], gradients=trace.gradients[rows, columns], rates=trace.rates[: step + 1]
        )
        fewer = [a if isinstance(a, NoValue) else {output: a[output][rows, columns]} for a in self.allowed]
        shown = _Shown(self.readings, fewer, self.dtype, self.used)
        return shown.at((output, (step, 0)), replace(sample, trace=cut), {output: observed[output][rows, columns]})

    def _gap(self, place: Place, observed: Outputs | None) -> tuple[float | None, float | None]:
        """How far the two readings are apart where they are separated, and the sum of their budgets, both in ulps. Of two
        evaluations of one function: how far what was observed is from the second, and the budget of that."""
        output, index = place
        known = [a[output] for a in self.allowed if not isinstance(a, NoValue)]
        shapes = {a.shape for a in known} | ({observed[output].shape} if observed is not None else set())
        if len(known) < len(self.allowed) or len(shapes) > 1 or len(index) != known[0].ndim:
            return None, None
        a, b = known[0], known[-1]
        ulp = precision(self.dtype).ulp_at(float(a.value[index]))
        with np.errstate(all="ignore"):
            if observed is None or a.separate_from(b)[index]:
                distance, budget = np.abs(a.value[index] - b.value[index]), a.error[index] + b.error[index]
            else:
                distance, budget = np.abs(observed[output][index].astype(Wide) - b.value[index]), b.error[index]
            return _finite(distance / ulp), _finite(budget / ulp)


def _side(reading: Reading, outputs: Allowed, output: str) -> Side:
    if isinstance(outputs, NoValue):
        return Side(dict(reading.axes), None, outputs.why)
    return Side(dict(reading.axes), quantity(output, outputs[output].value))


def _finite(wide: Any) -> float | None:
    value = float(wide)  # in which it may overflow
    return value if np.isfinite(value) else None
