"""What subjects are asked: the samples of a line and dtype that all of them share, and which of these one is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

from ...reference.formula import Formula, Map, Optimizer
from ...reference.vocabulary import Reading
from ..inputs.profiles import Profile
from ..inputs.samples import AnySample, Sample, TraceSample, bound_sizes
from ..inputs.shared import samples
from ..inputs.traces import hyperparameters
from ..readings.compare import Question
from ..readings.separate import first_separated, separated
from ..readings.variants import Losses
from ..witnesses.replay import replays
from .subject import Subject

Bucket = tuple[tuple[str, float], ...]


@lru_cache(maxsize=2)
def ground(formula: Formula, dtype: str, profile: Profile, seed: int) -> tuple[Question, ...]:
    """Kept witnesses first, then hard points, then draws; what readings allow on them is evaluated once for all subjects."""
    shared = (*replays(formula, dtype), *samples(formula, dtype, profile, seed))
    return tuple(Question(formula, sample, dtype) for sample in shared)


def shown(subject: Subject, questions: Sequence[Question], profile: Profile) -> list[Question]:
    """What a subject is examined on: the samples of shapes that it takes and, where each new shape (or set of hyperparameters,
    which are constants of the compiled code) costs a compilation, of the profile's number of buckets: those of the hard points
    or, for an optimizer, the field's default hyperparameters. Which these are does not depend on what is drawn."""
    taken = [question for question in questions if subject.accepts(question.sample)]
    if not subject.adapter.compiles:
        return taken
    formula = subject.formula
    bucket = {question: _bucket(formula, question.sample) for question in taken}
    hard = Counter(bucket[question] for question in taken if question.sample.label.kind == "hard")
    first = tuple(sorted(hyperparameters(formula, 0).items())) if isinstance(formula, Optimizer) else ()
    ranked = sorted(set(bucket.values()), key=lambda b: (b != first, -hard[b], b))
    kept = set(ranked[: profile.shapes])
    return [question for question in taken if bucket[question] in kept]


def held_back(subject: Subject, questions: Sequence[Question], asked: Iterable[Question]) -> list[Question]:
    """What each run has, whatever is drawn, that a subject takes and was not shown."""
    there = set(asked)
    return [q for q in questions if q not in there and q.sample.label.kind != "drawn" and subject.accepts(q.sample)]


def decides(question: Question, fits: Sequence[Reading], losses: Losses) -> bool:
    """Whether some of the readings that fit are separated from the first of them on a question."""
    return any(_separated(question, fits[0], other, losses) for other in fits[1:])


def _separated(question: Question, a: Reading, b: Reading, losses: Losses) -> bool:
    if isinstance(question.formula, Optimizer):
        return first_separated(question.steps(a, losses), question.steps(b, losses)) is not None
    return separated(question.allows(a, losses), question.allows(b, losses)) is not None


def _bucket(formula: Formula, sample: AnySample) -> Bucket:
    if isinstance(sample, Sample) and isinstance(formula, Map):
        return tuple(sorted(bound_sizes(formula, sample.arrays).items()))
    assert isinstance(sample, TraceSample)
    return tuple(sorted(sample.trace.hyper.items()))
