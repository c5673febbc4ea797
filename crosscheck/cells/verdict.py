"""From a fit to a verdict. Nothing is typed in: a verdict follows from which readings fit, and from what was claimed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...reference.formula import Formula, Map
from ...reference.vocabulary import Reading
from ..findings import (
    Change,
    Departs,
    ForwardContradicts,
    Lossy,
    Named,
    NotClaimed,
    NothingFits,
    Outdone,
    PrintedFits,
    Reason,
    SameNumbers,
    Verdict,
)
from ..readings.compare import Fit
from ..readings.variants import NO_LOSS, Losses


@dataclass(frozen=True)
class Evidence:
    """What a subject is judged by: the ``fit``, under the variant of the rounding model with these ``losses``; the reading that
    an adapter claims (None on the derived route), and whether a kept witness separates it from the printed one; how forward
    mode contradicts reverse mode (None if it does not)."""

    formula: Formula
    fit: Fit
    claim: Reading | None = None
    losses: Losses = NO_LOSS
    contradiction: ForwardContradicts | None = None
    separable: bool = False

    @property
    def spoken_of(self) -> Reading | None:
        """The reading a verdict speaks of: the claimed one, in the best evaluation of it that fits; None if nothing fits."""
        fits, meaning = self.fit.fits, self.formula.meaning
        claimed = [r for r in fits if self.claim is not None and meaning(r) == meaning(self.claim)]
        return best(self.formula, claimed or fits) if fits else None

    @property
    def prints_fit(self) -> bool:
        """Whether a reading of the printed meaning fits."""
        printed = self.formula.meaning(self.formula.printed)
        return any(self.formula.meaning(reading) == printed for reading in self.fit.fits)

    def lost(self, reading: Reading) -> tuple[Change, ...]:
        """The better evaluations of the same real function that are ruled out."""
        return tuple(
            Change(axis.name, axis.standard, reading[axis.name])
            for axis in self.formula.axes
            if axis.kind == "evaluation" and reading.but(**{axis.name: axis.standard}) in self.fit.violations
        )


@dataclass(frozen=True)
class Judgement:
    """A verdict, why, and the reading that it speaks of (None where none fits; then ``nearest`` was the candidate)."""

    verdict: Verdict
    reason: tuple[Reason, ...]
    reading: Reading | None
    nearest: Reading | None = None

    def adding(self, more: Reason) -> Judgement:
        return replace(self, reason=(*self.reason, more))

    def with_loss(self, loss: Reason) -> Judgement:
        """The judgement where precision is lost besides."""
        return replace(self.adding(loss), verdict="precision" if self.verdict == "agrees" else self.verdict)


def judge(evidence: Evidence) -> Judgement:
    """The verdict on a subject."""
    reading = evidence.spoken_of
    if reading is None:
        return _nothing_fits(evidence)
    judgement = _claimed(evidence, reading) or _by_meaning(evidence, reading)
    if judgement.verdict == "stale":
        return judgement
    if evidence.losses:
        judgement = judgement.with_loss(Lossy(evidence.losses))
    return _contradicted(evidence, judgement)


def _nothing_fits(evidence: Evidence) -> Judgement:
    """The nearest reading is the claimed one, else the one that fitted for longest."""
    violations = evidence.fit.violations
    nearest = evidence.claim or max(violations, key=lambda reading: violations[reading].trial)
    reason = NothingFits(named(evidence.formula, nearest), violations[nearest])
    return Judgement("defect", (reason,), None, nearest)


def _claimed(evidence: Evidence, reading: Reading) -> Judgement | None:
    """The judgement where a claim does not fit, or is not the only one that does; else None."""
    formula, claim = evidence.formula, evidence.claim
    if claim is None:
        return None
    if formula.meaning(reading) != formula.meaning(claim):
        return Judgement("stale", (NotClaimed(named(formula, claim), named(formula, reading)),), reading, claim)
    if formula.meaning(claim) == formula.meaning(formula.printed) or not evidence.prints_fit:
        return None
    if evidence.separable:
        return Judgement("stale", (NotClaimed(named(formula, claim), None),), reading, claim)
    return Judgement("agrees", (PrintedFits(), SameNumbers(named(formula, claim))), reading)


def _by_meaning(evidence: Evidence, reading: Reading) -> Judgement:
    formula, lost = evidence.formula, evidence.lost(reading)
    outdone = (Outdone(lost),) if lost else ()
    changed = formula.meaning(formula.printed).difference(formula.meaning(reading))
    if not changed:
        return Judgement("precision" if lost else "agrees", (PrintedFits(), *outdone), reading)
    standard = all(formula.standard[axis] == other for axis, (_, other) in changed.items())
    departs = Departs(tuple(Change(axis, other, printed) for axis, (printed, other) in changed.items()), standard)
    return Judgement("erratum" if standard else "convention", (departs, *outdone), reading)


def _contradicted(evidence: Evidence, judgement: Judgement) -> Judgement:
    """The judgement in the light of forward mode. Of a set of legitimate cotangents forward mode may take another one; NaN is a
    loss of precision; another number is a defect."""
    forward = evidence.contradiction
    if forward is None:
        return judgement
    if isinstance(evidence.formula, Map) and evidence.formula.set_valued:
        return judgement.adding(forward)
    if isinstance(forward.pushed, str):
        return judgement.with_loss(forward)
    return Judgement("defect", (forward,), None, judgement.reading)


def best(formula: Formula, fits: Sequence[Reading]) -> Reading:
    """Of several readings that fit, the printed one, else the standard one, else the one nearest to the printed one; with the
    best-conditioned evaluation that fits."""
    accurate = {axis.name: axis.standard for axis in formula.axes if axis.kind == "evaluation"}

    def rank(reading: Reading) -> tuple[int, int, int, int]:
        changed = formula.meaning(formula.printed).difference(formula.meaning(reading))
        worse = sum(reading[axis] != option for axis, option in accurate.items())
        unprinted = sum(reading[axis] != formula.printed[axis] for axis in accurate)
        return (len(changed), sum(formula.standard[axis] != other for axis, (_, other) in changed.items()), worse, unprinted)

    return min(fits, key=rank)


def named(formula: Formula, reading: Reading) -> Named:
    departs = {axis: other for axis, (_, other) in formula.printed.difference(reading).items()}
    if not departs:
        return Named("printed", departs)
    return Named("standard" if formula.meaning(reading) == formula.meaning(formula.standard) else "other", departs)
