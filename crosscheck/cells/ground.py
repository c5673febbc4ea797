"""What subjects are asked: the samples of a line and dtype that all of them share, and which of these one is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

from ...reference.formula import Formula, Map, Optimizer
from ..inputs.profiles import Profile
from ..inputs.samples import AnySample, Sample, TraceSample, bound_sizes
from ..inputs.shared import samples
from ..inputs.traces import hyperparameters
from ..readings.compare import Question
from ..witnesses.replay import label_of, replays
from ..witnesses.store import Departure, known
from .subject import Subject

Bucket = tuple[tuple[str, float], ...]


@lru_cache(maxsize=2)
def ground(formula: Formula, dtype: str, profile: Profile, seed: int) -> tuple[Question, ...]:
    """Kept witnesses first, then hard points, then draws; what readings allow on them is evaluated once for all subjects."""
    shared = (*replays(formula, dtype), *samples(formula, dtype, profile, seed))
    return tuple(Question(formula, sample, dtype) for sample in shared)


def shown(subject: Subject, questions: Sequence[Question], profile: Profile) -> list[Question]:
    """What a subject is examined on: the samples of shapes that it takes and, where each new shape (or set of hyperparameters,
    which are constants of the compiled code) costs a compilation, of the profile's number of buckets: those with the most
    samples, which are those of the hard points, or for an optimizer the field's default hyperparameters."""
    taken = [question for question in questions if subject.accepts(question.sample)]
    if not subject.adapter.compiles:
        return taken
    formula = subject.formula
    bucket = {question: _bucket(formula, question.sample) for question in taken}
    counted = Counter(bucket.values())
    first = tuple(sorted(hyperparameters(formula, 0).items())) if isinstance(formula, Optimizer) else ()
    ranked = sorted(counted, key=lambda b: (b != first, -counted[b], b))
    kept = set(ranked[: profile.shapes])
    return [question for question in taken if bucket[question] in kept]


def held_back(
    subject: Subject, questions: Sequence[Question], asked: Iterable[Question], departures: Sequence[Departure]
) -> list[Question]:
    """The kept witnesses of these departures that a subject was not shown."""
    there = set(asked)
    return [
        question
        for question in questions
        if question not in there
        and subject.accepts(question.sample)
        and any(_is_witness(subject, question.sample, one) for one in departures)
    ]


def _is_witness(subject: Subject, sample: AnySample, departure: Departure) -> bool:
    """Whether a sample is the kept witness of a departure, or has it among others."""
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
