"""Shape buckets: which of a line's samples a subject is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ...reference.formula import Formula, Map, Optimizer
from ..inputs.profiles import Profile
from ..inputs.samples import AnySample, Sample, TraceSample, bound_sizes
from ..inputs.traces import hyperparameters
from ..witnesses.search import Departure, known, label_of
from .subject import Subject

Bucket = tuple[tuple[str, float], ...]


def shown(subject: Subject, samples: Sequence[AnySample], profile: Profile) -> list[int]:
    """The indices of the samples that a subject is examined on: those of shapes that it takes and, where each new shape (or
    set of hyperparameters, which are constants of the compiled code) costs a compilation, of the profile's number of
    buckets: those with the most samples, which are those of the hard points, or for an optimizer the field's default
    hyperparameters."""
    taken = [i for i, sample in enumerate(samples) if subject.accepts(sample)]
    if not subject.adapter.compiles:
        return taken
    formula = subject.formula
    bucket = {i: _bucket(formula, samples[i]) for i in taken}
    counted = Counter(bucket.values())
    first = tuple(sorted(hyperparameters(formula, 0).items())) if isinstance(formula, Optimizer) else ()
    ranked = sorted(counted, key=lambda b: (b != first, -counted[b], b))
    kept = set(ranked[: profile.shapes])
    return [i for i in taken if bucket[i] in kept]


def held_back(
    subject: Subject, samples: Sequence[AnySample], accepted: Sequence[int], departures: Sequence[Departure]
) -> list[int]:
    """The kept witnesses of these departures that a subject was not shown."""
    there = set(accepted)
    return [
        i
        for i, sample in enumerate(samples)
        if i not in there and subject.accepts(sample) and any(_is_witness(subject, sample, one) for one in departures)
    ]


def _is_witness(subject: Subject, sample: AnySample, departure: Departure) -> bool:
    """Whether a sample is the kept witness of a departure, or holds it among others."""
    formula = subject.formula
    if isinstance(sample, Sample):
        return sample.label == label_of(dict(departure.axes))
    kept = known(formula, subject.cell.dtype, departure)
    if kept is None or not kept.found or not isinstance(formula, Optimizer):
        return False
    return sample.label.kind == "packed" and sample.trace.hyper == hyperparameters(formula, kept.setting)


def _bucket(formula: Formula, sample: AnySample) -> Bucket:
    if isinstance(sample, Sample) and isinstance(formula, Map):
        return tuple(sorted(bound_sizes(formula, sample.arrays).items()))
    assert isinstance(sample, TraceSample)
    return tuple(sorted(sample.trace.hyper.items()))
