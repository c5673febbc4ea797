"""From a judgement to a finding: with the witness that shows it, how good the numbers are, and a script."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...reference.formula import Optimizer
from ...reference.vocabulary import Reading
from ..findings import Finding, Known, NoEvidence, Witness
from ..inputs.profiles import Profile
from ..inputs.traces import widened
from ..readings.compare import Comparison, Observed, Question, is_decisive, worst_share
from ..witnesses.replay import label_of, sample_of
from ..witnesses.store import Departure, known
from .accuracy import largest_ulps
from .evidence import Rivals
from .limits import described
from .script import script_for
from .subject import Subject
from .verdict import Evidence, Judgement


@dataclass(frozen=True)
class Judged:
    """A subject with what was observed of it, what it was judged by, and the judgement."""

    subject: Subject
    comparison: Comparison
    evidence: Evidence
    judgement: Judgement
    known: Known | None

    def explained(self, profile: Profile) -> Finding:
        """The finding."""
        subject, trials, judgement = self.subject, self.comparison.trials, self.judgement
        reading, losses, fit = judgement.reading, self.evidence.losses, self.evidence.fit
        witness = self.witness()
        decisive = sum(is_decisive(o.question.allows(reading, losses)) for o in trials) if reading else 0
        return Finding(
            cell=subject.cell,
            verdict=judgement.verdict,
            reason=judgement.reason if decisive or reading is None else (*judgement.reason, NoEvidence()),
            claim=dict(subject.claim.axes) if subject.claim else {},
            fits=[dict(r.axes) for r in fit.fits],
            ruled_out=[dict(r.axes) for r in self.comparison.readings if r in fit.violations],
            trials=len(trials),
            decisive=decisive,
            worst_share=worst_share(trials, reading, losses) if reading else None,
            ulps=largest_ulps(self.comparison, reading, losses, profile.exact) if reading else None,
            witness=witness,
            script=script_for(subject, witness) if witness else "",
            known=self.known,
            excused=self.known is not None,
            **described(subject),
        )

    def witness(self) -> Witness | None:
        """What shows the judgement: the kept witness of the departure if it shows there, else the first sample that does."""
        reading, rival = self.judgement.reading or self.judgement.nearest, self._rival()
        if self.judgement.verdict == "agrees" or reading is None or rival is None:
            return None
        rivals = Rivals(reading, rival, takes=self.subject.native.takes if self.subject.native else ())
        for observed in self._on_kept_witnesses(rivals):
            if (shown := rivals.witness(observed.question, observed.outputs)) is not None:
                return shown
        violated = self.comparison.fit().violations[rival]
        return rivals.failure(self.comparison.trials[violated.trial], violated)

    def _on_kept_witnesses(self, rivals: Rivals) -> Iterator[Observed]:
        """What was observed on the kept witnesses of the two readings. Those of an optimizer are asked for alone: they were
        shown side by side with others."""
        for reading in (rivals.reading, rivals.rival) if self.judgement.reading is not None else ():
            departure = Departure.of(self.subject.formula, reading)
            if isinstance(self.subject.formula, Optimizer):
                yield from self._alone(self.subject.formula, departure)
            else:
                label = label_of(dict(departure.axes))
                yield from (one for one in self.comparison.trials if one.question.sample.label == label)

    def _alone(self, formula: Optimizer, departure: Departure) -> Iterator[Observed]:
        """A trace, widened to the shape of all traces, so that nothing is compiled anew."""
        kept = known(formula, self.subject.cell.dtype, departure)
        if kept is not None and kept.found:
            question = Question(formula, sample_of(formula, kept), kept.dtype)
            yield Observed(question, self.subject.observe(widened(formula, question.sample)))

    def _rival(self) -> Reading | None:
        """The reading that the subject is shown not to have, of those that are ruled out where no precision is lost: the
        printed one; for a loss of precision the best evaluation, or the very reading that fits only with it."""
        formula, judgement, ruled_out = self.evidence.formula, self.judgement, self.comparison.fit().violations
        if judgement.reading is None:
            return judgement.nearest if judgement.nearest in ruled_out else None
        accurate = {axis.name: axis.standard for axis in formula.axes if axis.kind == "evaluation"}
        candidates = [judgement.reading.but(**accurate), judgement.reading, formula.printed]
        if judgement.verdict != "precision":
            candidates = [formula.printed, *candidates]
        if judgement.nearest is not None:
            candidates.append(judgement.nearest)
        return next((reading for reading in candidates if reading in ruled_out), None)
