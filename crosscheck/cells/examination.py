"""One cell in one pass: plan, inputs, observe, compare, judge, explain."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

import msgspec

from ...adapters.errors import Unsupported
from ..findings import Cell, Finding, Said
from ..inputs.profiles import Profile
from ..readings.compare import Comparison, Fit, Observed, Question
from ..readings.variants import NO_LOSS, Losses, variants
from ..witnesses.store import Departure, known
from .explanation import Judged
from .forward import contradiction
from .ground import decides, ground, held_back, shown
from .limits import bare, confirmed, unasked
from .subject import FrameworkError, Subject, subject_of
from .verdict import Evidence, judge


def examine(cell: Cell, profile: Profile, seed: int = 0) -> Finding:
    """The finding for one cell. What the framework raises becomes a ``not-run`` finding with its words."""
    started = time.perf_counter()
    subject = subject_of(cell)
    finding = unasked(subject) or _examined(subject, profile, seed)
    return msgspec.structs.replace(finding, seconds=round(time.perf_counter() - started, 3))


def _examined(subject: Subject, profile: Profile, seed: int) -> Finding:
    questions = ground(subject.formula, subject.cell.dtype, profile, seed)
    try:
        comparison = compared(subject, questions, profile)
        evidence = gathered(subject, comparison)
        judgement, known_ = confirmed(subject, judge(evidence), comparison.trials, evidence.losses)
        return Judged(subject, comparison, evidence, judgement, known_).explained(profile)
    except Unsupported as error:
        return bare(subject, "absent", Said(str(error)))
    except FrameworkError as error:
        return bare(subject, "not-run", Said(str(error)))


def observe(subject: Subject, questions: Iterable[Question]) -> tuple[Observed, ...]:
    """What the subject returns on each of the samples."""
    return tuple(Observed(question, subject.observe(question.sample)) for question in questions)


def compared(subject: Subject, questions: Sequence[Question], profile: Profile) -> Comparison:
    """What a subject returned, against its readings. One that is shown few shapes is also asked what decides between readings
    that those leave open."""
    asked = shown(subject, questions, profile)
    comparison = Comparison(subject.readings, observe(subject, asked))
    for question in held_back(subject, questions, asked):
        losses = _losses(subject, comparison)
        if decides(question, comparison.fit(losses).fits, losses):
            comparison = comparison.with_more(observe(subject, [question]))
    return comparison


def gathered(subject: Subject, comparison: Comparison) -> Evidence:
    """What a subject is judged by. Forward mode is asked for once it is known which reading reverse mode fits."""
    losses = _losses(subject, comparison)
    fit, separable = comparison.fit(losses), _separable(subject)
    evidence = Evidence(subject.formula, fit, subject.claim, losses, separable=separable)
    forward = contradiction(subject, comparison.trials, evidence.spoken_of, losses)
    return replace(evidence, contradiction=forward)


def _losses(subject: Subject, comparison: Comparison) -> Losses:
    """The first variant of the rounding model under which a reading fits; that without loss where none does."""
    tried = variants(subject.formula, subject.cell.dtype)
    return next((losses for losses in tried if _explains(subject, comparison.fit(losses), losses)), NO_LOSS)


def _explains(subject: Subject, fit: Fit, losses: Losses) -> bool:
    """A wider model only explains a subject of which something is claimed if it then fits what is claimed."""
    claim, meaning = subject.claim, subject.formula.meaning
    if losses == NO_LOSS or claim is None:
        return bool(fit.fits)
    return meaning(claim) in map(meaning, fit.fits)


def _separable(subject: Subject) -> bool:
    """Whether a kept witness separates the claimed reading from the printed one at this dtype."""
    formula, claim = subject.formula, subject.claim
    if claim is None or claim == formula.printed:
        return False
    witness = known(formula, subject.cell.dtype, Departure.of(formula, claim))
    return witness is not None and witness.found
