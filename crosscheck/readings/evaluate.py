"""The one evaluator: a reading on a sample, in any arithmetic.

An arithmetic is a namespace ``xp`` whose ``asarray`` lifts whatever is put into a formula, and leaves alone what is lifted:
``Floating`` (NumPy in one dtype), ``Rounding`` (enclosures), ``Objects`` (balls, symbols), ``Tangents`` (dual numbers). What
has no value for the shapes of a sample raises NotConformable. NumPy's warnings are silenced: NaN and overflow are values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ...adapters.contract import Trace
from ...reference.formula import Formula, Map, Optimizer
from ...reference.vocabulary import Inputs, Reading
from ..inputs.samples import AnySample, Sample, TraceSample

WEIGHTS = "w"
VALUE = "value"
bar = "{}_bar".format  # what the cotangent of an input is called among the outputs


def evaluate(formula: Formula, reading: Reading, sample: AnySample, xp: Any) -> dict[str, Any]:
    """The outputs of a reading by name: of a map its value and the cotangent of each differentiated input ("value", "x_bar"),
    of an optimizer its weights after each step, stacked ("w")."""
    if isinstance(formula, Optimizer):
        assert isinstance(sample, TraceSample)
        return {WEIGHTS: xp.stack(list(steps(formula, reading, sample.trace, xp)))}
    assert isinstance(formula, Map) and isinstance(sample, Sample)
    inputs = _lifted(sample, xp)  # once for both
    return {VALUE: _value(formula, reading, inputs, xp), **_cotangents(formula, reading, sample, inputs, xp)}


# --- maps -----------------------------------------------------------------------------------------------------------


def value(formula: Map, reading: Reading, sample: Sample, xp: Any) -> Any:
    """The value alone."""
    return _value(formula, reading, _lifted(sample, xp), xp)


def cotangents(formula: Map, reading: Reading, sample: Sample, xp: Any) -> dict[str, Any]:
    """The cotangents alone."""
    return _cotangents(formula, reading, sample, _lifted(sample, xp), xp)


def _value(formula: Map, reading: Reading, inputs: Inputs, xp: Any) -> Any:
    with np.errstate(all="ignore"):
        return xp.asarray(formula.value_in(xp, inputs, reading))


def _cotangents(formula: Map, reading: Reading, sample: Sample, inputs: Inputs, xp: Any) -> dict[str, Any]:
    with np.errstate(all="ignore"):
        bars = formula.vjp_in(xp, xp.asarray(sample.cotangent), inputs, reading)
        return {bar(name): xp.asarray(bars[name]) for name in formula.wrt}


def _lifted(sample: Sample, xp: Any) -> Inputs:
    return {**{name: xp.asarray(array) for name, array in sample.arrays.items()}, **sample.settings}


# --- optimizers -----------------------------------------------------------------------------------------------------


class Run:
    """One optimizer from its start, fed step by step: ``w`` are its weights and ``state`` its state after the steps done."""

    def __init__(self, formula: Optimizer, reading: Reading, weights: Any, hyper: Mapping[str, Any], xp: Any):
        self.xp, self.line = xp, formula.configured({name: xp.asarray(number) for name, number in hyper.items()}, reading)
        self.w = xp.asarray(weights)
        with np.errstate(all="ignore"):
            self.state = self.line.start(xp, self.w)

    def step(self, gradient: Any, rate: Any) -> Any:
        """The weights after one step more."""
        xp = self.xp
        with np.errstate(all="ignore"):
            self.w, self.state = self.line.step(xp, self.w, xp.asarray(gradient), self.state, xp.asarray(rate))
        return self.w


def steps(formula: Optimizer, reading: Reading, trace: Trace, xp: Any) -> Iterator[Any]:
    """The weights after each step of a trace, each computed when it is asked for."""
    run = Run(formula, reading, trace.weights, trace.hyper, xp)
    for gradient, rate in zip(trace.gradients, trace.rates, strict=True):
        yield run.step(gradient, rate)
