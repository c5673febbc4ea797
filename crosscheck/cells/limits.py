"""What is known of a subject beforehand: that it is not there, must not be run, or has a known fault."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...adapters.contract import Limitation
from ...reference.vocabulary import Reading
from ..findings import Finding, Known, KnownOtherwise, Missing, NotInstalled, NoValue, OnlyDtypes, Reason, Said, Verdict
from ..inputs.samples import TraceSample
from ..readings.compare import Observed
from ..readings.variants import Losses
from .subject import Subject
from .verdict import Judgement


def bare(subject: Subject, verdict: Verdict, reason: Reason, **more: Any) -> Finding:
    """A finding for a subject that was not examined."""
    return Finding(cell=subject.cell, verdict=verdict, reason=(reason,), **described(subject), **more)


def described(subject: Subject) -> dict[str, Any]:
    """What an adapter says of a native, as fields of a finding."""
    native = subject.native
    if native is None:
        return {}
    return {"expression": native.expression, "source": native.source, "notes": native.notes, "limits": native.limits}


def unasked(subject: Subject) -> Finding | None:
    """The finding for a framework that is not installed or does not ship the native, and for a cell that must not be run; None
    where there is something to ask."""
    adapter, native = subject.adapter, subject.native
    if not adapter.installed():
        return bare(subject, "not-run", NotInstalled(adapter.package, adapter.install_command()), excused=True)
    if native is None:
        return None
    if name := adapter.missing(native):
        return bare(subject, "absent", Missing(name, dict(adapter.versions())))
    if native.dtypes and subject.cell.dtype not in native.dtypes:
        return bare(subject, "absent", Said(native.limits) if native.limits else OnlyDtypes(native.dtypes))
    known = subject.limitation
    if known is not None and known.verdict == "not-run":
        return bare(subject, "not-run", Said(known.what), known=Known(known.what, known.source), excused=True)
    return None


def confirmed(
    subject: Subject, judgement: Judgement, trials: Sequence[Observed], losses: Losses
) -> tuple[Judgement, Known | None]:
    """The judgement in the light of a known limitation of the framework, and what of it is known: a limitation excuses what it
    describes and nothing else."""
    limitation, claim = subject.limitation, subject.claim
    if limitation is None or claim is None:
        return judgement, None
    if judgement.verdict != limitation.verdict:
        gone = (KnownOtherwise(limitation.what, gone=True), *judgement.reason)
        return Judgement("stale", gone, judgement.reading), None
    if not all(_is_instead(limitation, claim, observed, losses) for observed in trials):
        return judgement.adding(KnownOtherwise(limitation.what)), None
    return judgement, Known(limitation.what, limitation.source)


def _is_instead(limitation: Limitation, claim: Reading, observed: Observed, losses: Losses) -> bool:
    """Whether each number that violates the claimed reading is the one that the limitation has in its place."""
    if limitation.instead is None:
        return True
    sample, outputs = observed.question.sample, observed.question.allows(claim, losses)
    instead = limitation.instead(sample.trace if isinstance(sample, TraceSample) else sample.arrays)
    return not isinstance(outputs, NoValue) and all(
        bool((outputs[name].contains(values) | (values == instead[name])).all()) for name, values in observed.outputs.items()
    )
