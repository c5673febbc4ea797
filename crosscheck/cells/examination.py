"""One cell: what a framework returns on a line's samples, which readings hold it, and the verdict that follows."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from ...adapters.contract import Adapter, Limitation, Native
from ...adapters.discovery import load
from ...adapters.errors import Unsupported
from ...reference.catalogue import line
from ...reference.formula import Formula, Optimizer
from ...reference.vocabulary import Reading
from ..arithmetic.formats import Precision, precision
from ..findings import Cell, Finding, Verdict, Witness
from ..inputs.profiles import Profile
from ..inputs.samples import AnySample, TraceSample
from ..inputs.shared import samples
from ..inputs.traces import widened
from ..readings.compare import Fit, Observation, Predictions, Undefined, fit, is_decisive, searched, worst_share
from ..witnesses.search import Departure, known, replays, sample_of
from .accuracy import largest_ulps
from .evidence import failure_witness, pair_witness
from .forward import forward_mode_misses
from .script import script_for
from .shown import held_back, shown
from .subject import FrameworkError, Subject
from .verdict import Judgement, judge, spoken_of


@dataclass(frozen=True)
class Ground:
    """What all subjects of a line and dtype share: the samples, and each reading's predictions on them."""

    samples: tuple[AnySample, ...]
    predictions: Mapping[str, Predictions]  # by the name of the rounding model's variant

    @property
    def plain(self) -> Predictions:
        return self.predictions["plain"]


@lru_cache(maxsize=2)
def ground(line_id: str, dtype: str, profile: Profile, seed: int) -> Ground:
    """The shared ground of a line and dtype: kept witnesses first, then hard points, then draws."""
    formula = line(line_id)
    shared = (*replays(formula, dtype), *samples(formula, dtype, profile, seed))
    variants = precision_variants(formula, precision(dtype))
    return Ground(shared, {name: Predictions(formula, p, shared) for name, (p, _) in variants.items()})


def precision_variants(formula: Formula, p: Precision) -> dict[str, tuple[Precision, str]]:
    """The rounding model, and what is tried when no reading holds under it: known ways in which precision is lost, alone
    and together."""
    flush = "subnormal numbers are flushed to zero"
    coarse = f"an elementary function errs by more than {p.elementary} units in the last place"
    variants = {
        "plain": (p, ""),
        "flushing": (p.flushing(), flush),
        "coarse": (p.with_coarse_functions(), coarse),
        "flushing, coarse": (p.flushing().with_coarse_functions(), f"{flush}; {coarse}"),
    }
    if isinstance(formula, Optimizer) and p.dtype == "float64":
        narrow = "scalars of the optimizer are held in float32"
        variants["narrow scalars"] = (p.with_narrow_scalars(), narrow)
        variants["flushing, narrow scalars"] = (p.flushing().with_narrow_scalars(), f"{flush}; {narrow}")
    return variants


def subject_of(cell: Cell) -> Subject:
    """The subject of a cell. Imports no framework yet."""
    adapter, formula = load(cell.adapter), line(cell.line)
    native = next((n for n in adapter.natives if n.line == cell.line and n.name == cell.native), None)
    return Subject(cell, adapter, formula, native)


def examine(cell: Cell, profile: Profile, seed: int = 0) -> Finding:
    """The finding for one cell. What the framework raises becomes a ``not-run`` finding with its words."""
    started = time.perf_counter()
    subject = subject_of(cell)
    finding = _absent(subject) or _barred(subject) or _examined(subject, profile, seed)
    return _replace(finding, seconds=round(time.perf_counter() - started, 3))


def _absent(subject: Subject) -> Finding | None:
    """The finding for a framework that is not installed, or that does not ship the native."""
    adapter, native = subject.adapter, subject.native
    if not adapter.installed():
        reason = f"{adapter.package} is not installed: {adapter.install_command()}"
        return bare(subject, "not-run", reason, known="not installed")
    if native is None:
        return None
    if name := adapter.missing(native):
        return bare(subject, "absent", f"{name} is not in {_versions(adapter)}")
    if native.dtypes and subject.cell.dtype not in native.dtypes:
        return bare(subject, "absent", native.limits or f"only {', '.join(native.dtypes)}")
    return None


def _barred(subject: Subject) -> Finding | None:
    """The finding for a cell that must not be run, by a known limitation of the framework."""
    limitation = _limitation(subject)
    if limitation is None or limitation.verdict != "not-run":
        return None
    return bare(subject, "not-run", limitation.what, known=f"{limitation.what} ({limitation.source})")


def _limitation(subject: Subject) -> Limitation | None:
    native = subject.native
    return native.limitation(subject.cell.dtype, subject.cell.mode) if native else None


def _versions(adapter: Adapter) -> str:
    return ", ".join(f"{name} {version}" for name, version in adapter.versions().items())


def bare(subject: Subject, verdict: Verdict, reason: str, **more: Any) -> Finding:
    return Finding(cell=subject.cell, verdict=verdict, reason=reason, **_described(subject.native), **more)


def _described(native: Native | None) -> dict[str, Any]:
    if native is None:
        return {}
    return {"expression": native.expression, "source": native.source, "notes": native.notes, "limits": native.limits}


def _replace(finding: Finding, **changes: object) -> Finding:
    import msgspec

    return msgspec.structs.replace(finding, **changes)


def _examined(subject: Subject, profile: Profile, seed: int) -> Finding:
    shared = ground(subject.cell.line, subject.cell.dtype, profile, seed)
    accepted = shown(subject, shared.samples, profile)
    try:
        observed = [subject.observe(shared.samples[i]) for i in accepted]
        if more := held_back(subject, shared.samples, accepted, _undecided(subject, shared, accepted, observed)):
            accepted += more
            observed += [subject.observe(shared.samples[i]) for i in more]
        return _held(subject, shared, accepted, observed, profile)
    except Unsupported as error:
        return bare(subject, "absent", str(error))
    except FrameworkError as error:
        return bare(subject, "not-run", str(error))


def _undecided(subject: Subject, shared: Ground, accepted: Sequence[int], observed: Sequence[Observation]) -> list[Departure]:
    """What a subject that is shown few shapes was not asked about: the departure that is claimed of it, where the print fits as
    well; of a line that it differentiates itself, all departures that fit beside the print."""
    formula = subject.formula
    if not subject.adapter.compiles or (subject.native is None and isinstance(formula, Optimizer)):
        return []
    readings = _searched(subject)
    holds = fit(shared.plain, accepted, observed, readings).holds
    if formula.meaning(formula.printed) not in {formula.meaning(reading) for reading in holds}:
        return []
    if subject.native is not None:
        return [Departure.of(formula, formula.reading("printed", **subject.native.claim))] if subject.native.claim else []
    return [Departure.of(formula, r) for r in holds if formula.meaning(r) != formula.meaning(formula.printed)]


def _searched(subject: Subject) -> list[Reading]:
    return searched(subject.formula, _hyperparameters_of(subject), subject.native.claim if subject.native else None)


def _held(
    subject: Subject, shared: Ground, accepted: Sequence[int], observed: Sequence[Observation], profile: Profile
) -> Finding:
    """Hold every reading against what was observed, and say what follows."""
    formula = subject.formula
    readings = _searched(subject)
    claim = formula.reading("printed", **subject.native.claim) if subject.native else None
    plain = fit(shared.plain, accepted, observed, readings)
    model, words, fitted, predictions = _first_fit(formula, shared, accepted, observed, plain, subject.cell.dtype, claim)
    forward = forward_mode_misses(subject, formula, predictions, accepted, spoken_of(formula, fitted, claim))
    judgement = judge(formula, fitted, claim, model, words, forward, _separable(formula, claim, subject.cell.dtype))
    judgement = _expected(subject, judgement, predictions, accepted, observed)
    witness = _witness(subject, judgement, plain, shared, accepted, observed)
    reading = judgement.reading
    decisive = sum(is_decisive(predictions(i, reading)) for i in accepted) if reading else 0
    void = "" if decisive or reading is None else "; rounding may explain any number on all inputs tried, so this says little"
    return Finding(
        cell=subject.cell,
        verdict=judgement.verdict,
        reason=judgement.reason + void,
        claim=dict(claim.axes) if claim else {},
        fits=[dict(r.axes) for r in fitted.holds],
        ruled_out=[dict(r.axes) for r in fitted.misses],
        trials=len(observed),
        decisive=decisive,
        worst_share=worst_share(predictions, accepted, observed, reading) if reading else None,
        ulps=largest_ulps(predictions, reading, accepted, observed, profile.exact) if reading else None,
        witness=witness,
        script=script_for(subject, witness) if witness and judgement.verdict != "agrees" else "",
        known=judgement.known,
        **_described(subject.native),
    )


def _hyperparameters_of(subject: Subject) -> tuple[str, ...]:
    if subject.native is None:
        return ()
    return (*subject.native.takes, *subject.native.fixed)


def _first_fit(
    formula: Formula,
    shared: Ground,
    accepted: Sequence[int],
    observed: Sequence[Observation],
    plain: Fit,
    dtype: str,
    claim: Reading | None,
) -> tuple[str, str, Fit, Predictions]:
    """The fit under the rounding model or, where nothing holds, under the first variant of it in which something does."""
    if not plain.holds:
        for name, (_, words) in precision_variants(formula, precision(dtype)).items():
            fitted = fit(shared.predictions[name], accepted, observed, plain.misses)
            if fitted.holds and _credible(formula, fitted, claim):
                return name, words, fitted, shared.predictions[name]
    return "plain", "", plain, shared.plain


def _credible(formula: Formula, fitted: Fit, claim: Reading | None) -> bool:
    """A wider model only explains a subject of which something is claimed if it then fits what is claimed."""
    return claim is None or any(formula.meaning(reading) == formula.meaning(claim) for reading in fitted.holds)


def _separable(formula: Formula, claim: Reading | None, dtype: str) -> bool:
    """Whether a kept witness tells the claimed reading from the printed one at this dtype."""
    if claim is None or claim == formula.printed:
        return False
    witness = known(formula, dtype, Departure.of(formula, claim))
    return witness is not None and witness.found


def _expected(
    subject: Subject,
    judgement: Judgement,
    predictions: Predictions,
    accepted: Sequence[int],
    observed: Sequence[Observation],
) -> Judgement:
    """The judgement in the light of a known limitation of the framework, which excuses what it describes and nothing else."""
    limitation = _limitation(subject)
    if limitation is None:
        return judgement
    if judgement.verdict == limitation.verdict:
        if not all(_is_instead(subject, limitation, predictions, i, one) for i, one in zip(accepted, observed, strict=True)):
            return replace(judgement, reason=f"{judgement.reason}; not what is known of it ({limitation.what})")
        return judgement.known_as(f"{limitation.what} ({limitation.source})")
    return Judgement(
        "stale", f"the known limitation no longer shows ({limitation.what}); {judgement.reason}", judgement.reading
    )


def _is_instead(subject: Subject, limitation: Limitation, predictions: Predictions, index: int, observed: Observation) -> bool:
    """Whether each number that the claimed reading does not hold is the one that the limitation has in its place."""
    if limitation.instead is None or subject.native is None:
        return True
    sample = predictions.samples[index]
    instead = limitation.instead(sample.trace if isinstance(sample, TraceSample) else sample.arrays)
    prediction = predictions(index, subject.formula.reading("printed", **subject.native.claim))
    return not isinstance(prediction, Undefined) and all(
        bool((prediction[name].contains(values) | (values == instead[name])).all()) for name, values in observed.items()
    )


def _witness(
    subject: Subject,
    judgement: Judgement,
    plain: Fit,
    shared: Ground,
    accepted: Sequence[int],
    observed: Sequence[Observation],
) -> Witness | None:
    """What shows the judgement: the kept witness of the departure if it shows there, else the first sample that does."""
    if judgement.verdict == "agrees":
        return None
    formula, dtype = subject.formula, subject.cell.dtype
    reading = judgement.reading or judgement.nearest
    rival = _rival(formula, plain, judgement)
    if reading is None or rival is None:
        return None
    if judgement.reading is not None:
        for departure in (Departure.of(formula, reading), Departure.of(formula, rival)):
            stored = known(formula, dtype, departure)
            sample = sample_of(formula, stored) if stored is not None and stored.found else None
            if sample is None or not subject.accepts(sample):
                continue
            if subject.adapter.compiles and not _is_among(sample, shared, accepted):
                continue
            shown = pair_witness(formula, reading, rival, sample, dtype, subject.observe(widened(formula, sample)))
            if shown is not None:
                return shown
    missed = plain.misses[rival]
    returned = observed[list(accepted).index(missed.sample)]
    return failure_witness(formula, reading, rival, shared.samples[missed.sample], missed, returned, dtype)


def _is_among(sample: AnySample, shared: Ground, accepted: Sequence[int]) -> bool:
    """Whether a witness is one of the samples that were shown, or a trace, which is widened to the shape of all traces."""
    return isinstance(sample, TraceSample) or any(shared.samples[i].label == sample.label for i in accepted)


def _rival(formula: Formula, plain: Fit, judgement: Judgement) -> Reading | None:
    """The reading that the subject is shown not to have, of those that the plain model rules out: the printed one; for a loss
    of precision the best evaluation, or the very reading that only a wider model holds."""
    if judgement.reading is None:
        return judgement.nearest if judgement.nearest in plain.misses else None
    accurate = {axis.name: axis.standard for axis in formula.axes if axis.kind == "evaluation"}
    candidates = [judgement.reading.but(**accurate), judgement.reading, formula.printed]
    if judgement.verdict != "precision":
        candidates = [formula.printed, *candidates]
    if judgement.nearest is not None:
        candidates.append(judgement.nearest)
    return next((reading for reading in candidates if reading in plain.misses), None)
