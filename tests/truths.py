"""Whether an answer is true of a box whose truth is known: by what the box does, not by what it is called.

The reading that an answer states is run beside the box, on numbers of this module's own and at other values of the arguments,
too. What moves the weights otherwise than the box does by more than a slip may, is a false statement.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from types import SimpleNamespace
from typing import Any

import ml_dtypes
import numpy as np
from gradspec.adapters import BoxError
from gradspec.crosscheck.answers import Around, Identification, Kind
from gradspec.crosscheck.identification import identify
from gradspec.reference import line
from gradspec.reference.formula import Optimizer
from gradspec.reference.namespace import Floating
from gradspec.reference.vocabulary import Reading, Role
from gradspec.reference.wrapper import wrapper

from .boxes_at_random import Box, Truth

SLIP = 1e-9  # of the way that the weights go: what may not be accepted
FLOAT32 = 1e-5  # the same, where the answer says that something is stored in float32
FEW_APART = 0.05  # of the numbers of few digits: those at which float32 rounds to another side
STEPS, WEIGHTS = 9, 32
SHAKE, ROUNDING = 1e-12, 1e-15  # of the gradients
TOO_HARD = 1e-6  # how far numbers may go apart for a shake


class Judgement(Enum):
    TRUE = "true"
    OPEN = "open"
    FALSE = "false"


@dataclass(frozen=True)
class Judged:
    """What an answer is worth, and for what reasons; ``named``: it states a reading."""

    judgement: Judgement
    named: bool
    reasons: tuple[str, ...] = ()
    answer: Identification | None = None


def judged(box: Box, **options: Any) -> Judged:
    """What the answer on a box is worth."""
    try:
        answer = identify(box.make, **options)
    except BoxError as error:
        return Judged(Judgement.OPEN, False, (f"refused: {error}",))
    assert isinstance(answer, Identification)
    named = answer.verdict != "no-reading"
    if reasons := tuple((_false_name if named else _false_nearest)(box, answer)):
        return Judged(Judgement.FALSE, named, reasons, answer)
    return Judged(Judgement.TRUE if named else Judgement.OPEN, named, (), answer)


def judged_in_few_digits(box: Box, **options: Any) -> Judged:
    """What the answer on a box is worth whose weights are stored in few digits: each of its steps is held against that of the
    reading, from the weights that the box had before."""
    try:
        answer = identify(box.make, dtype=box.truth.weights, **options)
    except BoxError as error:
        return Judged(Judgement.OPEN, False, (f"refused: {error}",))
    assert isinstance(answer, Identification)
    if answer.verdict == "no-reading":
        return Judged(Judgement.OPEN, False, (), answer)
    formula = line(answer.body)
    assert isinstance(formula, Optimizer)
    own = {name: bound.own for name, bound in answer.hyperparameters.items() if bound.own}
    values = {name: bound.value for name, bound in answer.hyperparameters.items() if bound.value is not None}
    reading = formula.reading("standard", **answer.reading)
    run = _Run(formula, reading, own, values, answer.ascends, answer.behind)
    reasons = [
        f"stored: {quantity.kind.value} {quantity.name} is said to be in {quantity.format}"
        for quantity in answer.stored
        if quantity.kind is not Kind.WEIGHTS or quantity.format != box.truth.weights
    ]
    if (apart := max(run.apart(box, varied) for varied in (False, True))) > FEW_APART:
        reasons.append(f"name: {answer.line} is apart at {apart:.0%} of the numbers")
    return Judged(Judgement.FALSE if reasons else Judgement.TRUE, True, tuple(reasons), answer)


def _false_name(box: Box, answer: Identification) -> Iterator[str]:
    truth = box.truth
    for quantity in answer.stored:
        if quantity.kind is not Kind.STATE or quantity.name != truth.stored:
            yield f"stored: {quantity.kind.value} {quantity.name} is said to be in {quantity.format}"
    limit = FLOAT32 if answer.stored else SLIP
    if (off := min(_off(box, answer, one) for one in _stated(answer))) > limit:
        yield f"name: {answer.line} is off by {off:.1e} of the way"
    if truth.is_a_reading and not _called_so(truth, answer):
        yield f"line: it is called {answer.line}"


def _called_so(truth: Truth, answer: Identification) -> bool:
    """Lines of one body are one line in several readings: only the bodies are compared, and that the simplest is named."""
    known = line(truth.line)
    return {axis.name for axis in known.axes} == {axis.name for axis in answer.formula.axes}


def _false_nearest(box: Box, answer: Identification) -> Iterator[str]:
    yield from _false_in_part(box, answer)
    if answer.wide and not box.truth.stored:
        yield "stored: it is said to fit if all were in float32"
    if not getattr(answer, "near", True):
        return
    nearest, known = _off(box, answer, (answer.reading, {})), off_of_truth(box)
    if known < 0.1 and nearest > 10 * known:
        yield f"nearest: {answer.line} is off by {nearest:.1e} of the way, {box.truth.line} by {known:.1e}"


def _false_in_part(box: Box, answer: Identification) -> Iterator[str]:
    """Of what is said of a box in float32 or at its own values only."""
    partly = getattr(answer, "partly", None)
    if partly is None:
        return
    formula = line(partly.line)
    assert isinstance(formula, Optimizer)
    given = dict(box.truth.arguments.values())
    own = {h.name: name for h in formula.hyperparameters for name in given if name in (h.name, *h.aliases)}
    reading = formula.reading("standard", **partly.configured)
    if not {h.name for h in formula.used_by(reading)} <= {*own}:  # the others are constants, which the answer does not name
        return
    values = {name: given[called] for name, called in own.items()}
    off = min(_Run(formula, reading, own, values, ascends).off(box, varied=False) for ascends in (False, True))
    if off > (SLIP if partly.dtype == "float64" else FLOAT32):
        yield f"partly: {partly.line} is off by {off:.1e} of the way at its own values"


def _stated(answer: Identification) -> Iterator[tuple[Mapping[str, str], Mapping[str, float]]]:
    yield answer.reading, {}
    for other in answer.same:
        yield other.reading, other.assumed


# --- how far a reading is from a box --------------------------------------------------------------------------------


def _off(box: Box, answer: Identification, stated: tuple[Mapping[str, str], Mapping[str, float]]) -> float:
    formula = line(answer.body)
    assert isinstance(formula, Optimizer)
    reading, assumed = stated
    own = {name: bound.own for name, bound in answer.hyperparameters.items() if bound.own}
    values = {name: bound.value for name, bound in answer.hyperparameters.items() if bound.value is not None}
    run = _Run(formula, formula.reading("standard", **reading), own, {**values, **assumed}, answer.ascends, answer.behind)
    return max(run.off(box, varied) for varied in (False, True))


def off_of_truth(box: Box) -> float:
    """How far the box is from the reading that it was made of."""
    truth, formula = box.truth, line(box.truth.line)
    assert isinstance(formula, Optimizer)
    own = {name: called for name, (called, _) in truth.arguments.items()}
    values = {name: value for name, (_, value) in truth.arguments.items()}
    run = _Run(formula, formula.reading("standard", **truth.reading), own, values)
    return max(run.off(box, varied) for varied in (False, True))


@dataclass(frozen=True)
class _Run:
    """A reading beside a box: the box's own names for the hyperparameters that it takes, and the values of all."""

    formula: Optimizer
    reading: Reading
    own: Mapping[str, str]
    values: Mapping[str, float]
    ascends: bool = False
    behind: Around | None = None

    def off(self, box: Box, varied: bool) -> float:
        """The largest difference from the box, as a share of the way that the weights have gone."""
        draw = np.random.default_rng(7)
        start = draw.normal(size=WEIGHTS)
        gradients = draw.normal(size=(STEPS, WEIGHTS)) * 2.0 ** draw.integers(-12, 3, size=WEIGHTS)
        rates = [float(rate) for rate in 2.0 ** draw.integers(-4, 0, size=STEPS)]
        values = {**self.values, **(self._varied() if varied else {})}
        observed = self._of_box(box, start, gradients, rates, values)
        nearly = [gradients * (1 + ROUNDING * draw.normal(size=gradients.shape)) for _ in range(4)]
        expected = self._runs(start, gradients, rates, values)
        shaken = self._runs(start, gradients * (1 + SHAKE * draw.normal(size=gradients.shape)), rates, values)
        gone = expected - start
        way = np.maximum(np.sqrt(np.mean(gone**2, axis=1, keepdims=True)), np.abs(gone))
        with np.errstate(all="ignore"):
            rounding = [np.abs(self._of_box(box, start, g, rates, values) - observed) / way for g in nearly]
            hard = ~(np.abs(shaken - expected) <= TOO_HARD * way) | (np.max(rounding, axis=(0, 1)) > SLIP / 100)
            apart = np.where(hard, 0.0, np.abs(observed - expected) / way)
        return float(np.nanmax(np.where(np.isnan(observed) & ~hard, np.inf, apart), initial=0.0))

    def _of_box(self, box: Box, w: Any, gradients: Any, rates: list[float], values: Mapping[str, float]) -> Any:
        made = box.make(w, **{called: values[name] for name, called in self.own.items() if name in values})
        return np.array([made.step(g.copy(), rate) for g, rate in zip(gradients, rates, strict=True)])

    def apart(self, box: Box, varied: bool) -> float:
        """The share of the weights of few digits that are more than the last of them beside a step of the reading."""
        draw, format_ = np.random.default_rng(7), np.dtype(getattr(ml_dtypes, box.truth.weights, box.truth.weights))
        w = draw.normal(size=WEIGHTS).astype(format_)
        gradients = (draw.normal(size=(STEPS, WEIGHTS)) * 2.0 ** draw.integers(-4, 3, size=WEIGHTS)).astype(format_)
        values = {**self.values, **(self._varied() if varied else {})}
        made = box.make(w, **{called: values[name] for name, called in self.own.items() if name in values})
        named = {name: value for name, value in values.items() if any(name == h.name for h in self.formula.hyperparameters)}
        state, beside = self.formula.init(w.astype(np.float64), self.reading, **named), []
        for g in gradients:
            handed = (-1.0 if self.ascends else 1.0) * g.astype(np.float64)
            with np.errstate(all="ignore"):
                expected, state = self.formula.step(w.astype(np.float64), handed, state, 0.25, self.reading, **named)
            w = made.step(g, 0.25)
            last = np.abs(np.spacing(w).astype(np.float64))
            beside.append(np.abs(w.astype(np.float64) - expected) > last)
        return float(np.mean(beside))

    def _runs(self, w: Any, gradients: Any, rates: list[float], values: Mapping[str, float]) -> Any:
        """The weights that are seen; with a wrapper around the reading those that it shows."""
        xp, sign = Floating(np.float64), -1.0 if self.ascends else 1.0
        named = {h.name: xp.asarray(values.get(h.name, h.default)) for h in self.formula.hyperparameters}
        inside = self.formula.configured(named, self.reading)
        with np.errstate(all="ignore"):
            state, after = inside.start(xp, w), []

            def step(w: Any, g: Any, alpha: Any) -> Any:
                nonlocal state
                w, state = inside.step(xp, w, g, state, xp.asarray(alpha))
                return w

            around = None if self.behind is None else wrapper(self.behind.wrapper)
            h = SimpleNamespace(**{name: bound.value for name, bound in self.behind.parameters.items()} if self.behind else {})
            outer = around.start(xp, w, h) if around else None
            for g, rate in zip(sign * gradients, rates, strict=True):
                if around:
                    w, outer = around.around(xp, w, g, outer, rate, h, step)
                else:
                    w = step(w, g, rate)
                after.append(w)
        return np.array(after)

    def _varied(self) -> dict[str, float]:
        usual = {Role.DECAY_RATE: 0.75, Role.EPSILON: 2.0**-9, Role.MULTIPLIER: 0.375, Role.STEP_SIZE: 0.375}
        return {name: usual[self.formula.hyperparameter(name).role] for name in self.own}
