"""What came out for a cell, in words: why, what excuses it, and where a witness shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from ...crosscheck import findings as data
from ...crosscheck.findings import Change, Finding, Loss, Lost, Named, Quantity, Reason, Verdict, Violation, Witness
from .samples import label, place

VERDICTS: dict[Verdict, str] = {
    "agrees": "the printed reading fits everything that was returned",
    "convention": "another legitimate reading than the printed one fits",
    "erratum": "the standard reading fits where the sheet prints another",
    "precision": "the right real function, evaluated worse than its best-conditioned reading allows",
    "defect": "no reading fits",
    "stale": "the adapter claims a reading that does not fit, or a deviation that no longer shows",
    "absent": "the framework does not offer it",
    "not-run": "crashed, timed out, was interrupted, or is not installed",
}

LOSSES = {
    Loss.FLUSHED: "subnormal numbers are flushed to zero",
    Loss.COARSE: "an elementary function errs by more than 4 units in the last place",
    Loss.NARROW: "scalars of the optimizer are stored in float32",
    Loss.LARGE_TERMS: "it is arranged otherwise than it is written, and errs by roundings of 1 or of its largest input, "
    "however small its result",
}


def reason(finding: Finding) -> str:
    """Why a verdict came out, and what excuses it."""
    known = f" (known: {finding.known.what} ({finding.known.source}))" if finding.known else ""
    return "; ".join(_said(part, finding) for part in finding.reason) + known


def _said(part: Reason, finding: Finding) -> str:
    if isinstance(part, data.PrintedFits):
        return "the printed reading fits" if finding.verdict == "agrees" else "the printed reading's function"
    return _WORDS[type(part)](part)


def lost(why: Lost) -> str:
    """Why work on a line itself, in another process, came to nothing."""
    return why.error if isinstance(why, data.Failed) else _WORDS[type(why)](why)


def losses(ways: Iterable[Loss]) -> str:
    """How precision is lost."""
    return "; ".join(LOSSES[way] for way in ways)


def named(reading: Named) -> str:
    """A reading as people call it."""
    if reading.role == "other":
        return axes(reading.departs)
    return f"the {reading.role} reading"


def axes(options: Mapping[str, str]) -> str:
    return ", ".join(f"{axis}={option}" for axis, option in options.items()) or "the only reading"


def where(witness: Witness) -> str:
    """Where a witness separates its readings."""
    return at(witness.output, witness.index)


def at(output: str, index: Sequence[int]) -> str:
    """`x_bar[0]`, or of an optimizer `w[3] after step 2`."""
    if output == "w" and len(index) == 2:
        step, weight = index
        return f"w[{weight}] after step {step + 1}"
    return place(output, index)


def remarks(witness: Witness) -> list[str]:
    """What the readings without a value say of themselves."""
    return [f"{axes(side.reading)}: {side.why}" for side in witness.sides if side.value is None]


def readings(witness: Witness) -> list[dict[str, str]]:
    return [side.reading for side in witness.sides]


def values(witness: Witness) -> list[Quantity]:
    """What the readings give, each under the reading's name, and what was observed."""
    given = [replace(side.value, name=axes(side.reading)) for side in witness.sides if side.value is not None]
    return given + ([replace(witness.observed, name="observed")] if witness.observed is not None else [])


# --- each reason ----------------------------------------------------------------------------------------------------


def _departs(part: data.Departs) -> str:
    what = "the standard reading, not the printed one" if part.standard else "another reading than the printed one"
    return f"{what}: {_changes(part.changes, '{0.axis}={0.option} instead of {0.instead_of}')}"


def _outdone(part: data.Outdone) -> str:
    words = "evaluated as {0.axis}={0.instead_of}, which {0.axis}={0.option} outdoes"
    return _changes(part.changes, words)


def _changes(changes: Iterable[Change], words: str) -> str:
    return ", ".join(words.format(change) for change in changes)


def _not_claimed(part: data.NotClaimed) -> str:
    fits = f"what fits is {named(part.fits)}" if part.fits else "the printed reading fits as well"
    return f"claimed {named(part.claim)}, but {fits}"


def _nothing_fits(part: data.NothingFits) -> str:
    violation = part.violation
    return f"no reading fits; {named(part.nearest)} fails at {at(violation.output, violation.index)}: {_cause(violation)}"


def _cause(violation: Violation) -> str:
    cause = violation.cause
    if isinstance(cause, data.NoValue):
        return cause.why
    if isinstance(cause, data.OtherShape):
        return f"the reading's shape is {cause.expected}, the subject's {cause.observed}"
    return "outside of the budget"


def _forward(part: data.ForwardContradicts) -> str:
    pushed, pulled, budget = (f"{float(n):.{digits}g}" for n, digits in ((part.pushed, 6), (part.pulled, 6), (part.budget, 2)))
    return f"forward mode contradicts reverse mode on “{label(part.sample)}”: ⟨z̄, ż⟩ is {pushed}, ⟨x̄, ẋ⟩ is {pulled} ± {budget}"


def _known_otherwise(part: data.KnownOtherwise) -> str:
    return f"the known limitation no longer shows ({part.what})" if part.gone else f"not what is known of it ({part.what})"


def _missing(part: data.Missing) -> str:
    return f"{part.name} is not in {', '.join(f'{name} {version}' for name, version in part.versions.items())}"


_WORDS: dict[type, Callable[[Any], str]] = {
    data.Departs: _departs,
    data.SameNumbers: lambda part: f"{named(part.claim)} gives the same numbers here",
    data.Outdone: _outdone,
    data.Lossy: lambda part: losses(part.losses),
    data.NotClaimed: _not_claimed,
    data.NothingFits: _nothing_fits,
    data.ForwardContradicts: _forward,
    data.NoEvidence: lambda _: "rounding may explain any number on all inputs tried, so this says little",
    data.KnownOtherwise: _known_otherwise,
    data.NotInstalled: lambda part: f"{part.package} is not installed: {part.install}",
    data.Missing: _missing,
    data.OnlyDtypes: lambda part: f"only {', '.join(part.dtypes)}",
    data.Said: lambda part: part.words,
    data.TimedOut: lambda part: f"did not finish within {part.seconds:g} s",
    data.Died: lambda part: f"the process died (exit code {part.exit_code})",
    data.Failed: lambda part: f"an error outside of the framework: {part.error}",
    data.Interrupted: lambda _: "interrupted before this cell's turn",
}
