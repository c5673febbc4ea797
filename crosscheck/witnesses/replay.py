"""Kept witnesses as samples: on which readings are compared first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...adapters.contract import Trace
from ...reference.formula import Formula, Map, Optimizer
from ..arithmetic.formats import precision
from ..findings import Label
from ..inputs.samples import AnySample, Sample, TraceSample
from ..inputs.traces import STEPS, WIDTH, Schedule, hyperparameters
from .store import Kept, from_hex, kept


def sample_of(formula: Formula, witness: Kept) -> AnySample:
    """A kept witness as a sample, at its own small size."""
    p = precision(witness.dtype)
    label = label_of(witness.departure)
    arrays = {name: from_hex(values, p.numpy) for name, values in witness.arrays.items()}
    if isinstance(formula, Map):
        cotangent = arrays.pop("cotangent")
        return Sample(label, arrays, witness.settings, cotangent)
    assert isinstance(formula, Optimizer) and witness.schedule is not None
    hyper = hyperparameters(formula, witness.setting)
    rates = witness.schedule.rates(len(arrays["gradients"]))
    return TraceSample(label, Trace(arrays["w"], arrays["gradients"], rates, hyper))


def label_of(departure: Mapping[str, str]) -> Label:
    """What the sample of a departure's witness is called."""
    return Label.of("witness", dict(sorted(departure.items())))


def replays(formula: Formula, dtype: str) -> list[AnySample]:
    """All witnesses of a line and dtype as samples. Those of an optimizer are packed side by side into traces of full size,
    so that a compiled framework meets one shape only."""
    found = [w for w in kept(formula.id) if w.dtype == dtype and w.found]
    if isinstance(formula, Map):
        return [sample_of(formula, w) for w in found]
    assert isinstance(formula, Optimizer)
    packed: list[AnySample] = []
    for name, setting in sorted({(w.schedule.value, w.setting) for w in found if w.schedule is not None}):
        schedule = Schedule(name)
        samples = [sample_of(formula, w) for w in found if (w.schedule, w.setting) == (schedule, setting)]
        traces = [sample.trace for sample in samples if isinstance(sample, TraceSample)]  # all are: the line is an optimizer
        trace = _side_by_side(traces, schedule, hyperparameters(formula, setting))
        packed.append(TraceSample(Label("packed", name), trace))
    return packed


def _side_by_side(traces: Sequence[Trace], schedule: Schedule, hyper: Mapping[str, float]) -> Trace:
    dtype = traces[0].gradients.dtype
    gradients, weights = np.zeros((STEPS, WIDTH), dtype), np.zeros(WIDTH, dtype)
    for column in range(WIDTH):
        trace = traces[column % len(traces)]
        gradients[: trace.steps, column] = trace.gradients[:, 0]
        weights[column] = trace.weights[0]
    return Trace(weights, gradients, schedule.rates(STEPS), hyper)
