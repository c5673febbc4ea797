"""From a fit to a verdict. Nothing is typed in: a verdict follows from which readings hold, and from what was claimed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...reference.formula import Formula, Map
from ...reference.vocabulary import Reading
from ..findings import Verdict
from ..readings.compare import Fit
from .forward import Contradiction


@dataclass(frozen=True)
class Judgement:
    """A verdict, why, and the reading that it speaks of (None where none holds; then ``nearest`` was the candidate)."""

    verdict: Verdict
    reason: str
    reading: Reading | None
    nearest: Reading | None = None
    known: str = ""

    def known_as(self, what: str) -> Judgement:
        return replace(self, known=what)


def judge(
    formula: Formula,
    fitted: Fit,
    claim: Reading | None,
    model: str,
    words: str,
    forward: Contradiction | None,
    separable: bool,
) -> Judgement:
    """The verdict on a subject.

    ``claim`` is the reading an adapter claims (None on the derived route); ``model`` the variant of the rounding model under
    which readings hold and ``words`` what it says; ``forward`` how forward mode contradicts reverse mode (None if it does not);
    ``separable`` whether a kept witness tells the claim from the printed reading.
    """
    if not fitted.holds:
        return _nothing_holds(formula, fitted, claim)
    reading = spoken_of(formula, fitted, claim)
    assert reading is not None
    if claim is not None and formula.meaning(reading) != formula.meaning(claim):
        said = f"claimed {_named(formula, claim)}, but what fits is {_named(formula, reading)}"
        return Judgement("stale", said, reading, claim)
    if claim is not None and _is_also_printed(formula, fitted, claim):
        if separable:
            return Judgement("stale", f"claimed {_named(formula, claim)}, but the printed reading fits as well", reading, claim)
        judgement = Judgement(
            "agrees", f"the printed reading fits; {_named(formula, claim)} gives the same numbers here", reading
        )
    else:
        judgement = _by_meaning(formula, fitted, reading)
    if model != "plain":
        judgement = _with_loss(judgement, words)
    return judgement if forward is None else _contradicted(formula, judgement, forward)


def _contradicted(formula: Formula, judgement: Judgement, forward: Contradiction) -> Judgement:
    """The judgement in the light of forward mode. Of a set of legitimate cotangents forward mode may take another one; NaN is a
    loss of precision; another number is a defect."""
    if isinstance(formula, Map) and formula.set_valued:
        return replace(judgement, reason=f"{judgement.reason}; {forward.words}")
    if not forward.finite:
        return _with_loss(judgement, forward.words)
    return Judgement("defect", forward.words, None, judgement.reading)


def _is_also_printed(formula: Formula, fitted: Fit, claim: Reading) -> bool:
    """Whether a reading of the printed meaning fits, although another one is claimed."""
    printed = formula.meaning(formula.printed)
    return formula.meaning(claim) != printed and any(formula.meaning(reading) == printed for reading in fitted.holds)


def best(formula: Formula, holds: list[Reading]) -> Reading:
    """Of several readings that hold, the printed one, else the standard one, else the one nearest to the printed one; with
    the best-conditioned evaluation that holds."""
    accurate = {axis.name: axis.standard for axis in formula.axes if axis.kind == "evaluation"}

    def rank(reading: Reading) -> tuple[int, int, int, int]:
        changed = formula.meaning(formula.printed).difference(formula.meaning(reading))
        worse = sum(reading[axis] != option for axis, option in accurate.items())
        unprinted = sum(reading[axis] != formula.printed[axis] for axis in accurate)
        return (len(changed), sum(formula.standard[axis] != other for axis, (_, other) in changed.items()), worse, unprinted)

    return min(holds, key=rank)


def spoken_of(formula: Formula, fitted: Fit, claim: Reading | None) -> Reading | None:
    """The reading a verdict speaks of: the claimed one, in the best evaluation of it that holds; None if nothing holds."""
    claimed = [r for r in fitted.holds if claim is not None and formula.meaning(r) == formula.meaning(claim)]
    candidates = claimed or fitted.holds
    return best(formula, candidates) if candidates else None


def _nothing_holds(formula: Formula, fitted: Fit, claim: Reading | None) -> Judgement:
    """No reading holds: the nearest is the claimed one, else the one that held for longest."""
    nearest = claim or max(fitted.misses, key=lambda reading: fitted.misses[reading].sample)
    missed = fitted.misses[nearest]
    where = missed.output + (f"[{', '.join(map(str, missed.index))}]" if missed.index else "")
    return Judgement("defect", f"no reading fits; {_named(formula, nearest)} fails at {where}: {missed.why}", None, nearest)


def _by_meaning(formula: Formula, fitted: Fit, reading: Reading) -> Judgement:
    changed = formula.meaning(formula.printed).difference(formula.meaning(reading))
    if changed:
        standard = all(formula.standard[axis] == other for axis, (_, other) in changed.items())
        words = "the standard reading, not the printed one" if standard else "another reading than the printed one"
        listing = ", ".join(f"{axis}={other} instead of {printed}" for axis, (printed, other) in changed.items())
        loss = _lost(formula, fitted, reading)
        return Judgement("erratum" if standard else "convention", f"{words}: {listing}{loss and '; ' + loss}", reading)
    if loss := _lost(formula, fitted, reading):
        return Judgement("precision", f"the printed reading's function; {loss}", reading)
    return Judgement("agrees", "the printed reading fits", reading)


def _lost(formula: Formula, fitted: Fit, reading: Reading) -> str:
    """Which better evaluations of the same real function are ruled out; "" where none is."""
    worse = {
        axis.name: (reading[axis.name], axis.standard)
        for axis in formula.axes
        if axis.kind == "evaluation" and reading.but(**{axis.name: axis.standard}) in fitted.misses
    }
    return ", ".join(f"evaluated as {axis}={mine}, which {axis}={better} outdoes" for axis, (mine, better) in worse.items())


def _with_loss(judgement: Judgement, words: str) -> Judgement:
    if judgement.verdict == "agrees":
        return replace(judgement, verdict="precision", reason=f"the printed reading's function; {words}")
    return replace(judgement, reason=f"{judgement.reason}; {words}")


def _named(formula: Formula, reading: Reading) -> str:
    if reading == formula.printed:
        return "the printed reading"
    if formula.meaning(reading) == formula.meaning(formula.standard):
        return "the standard reading"
    changed = formula.printed.difference(reading)
    return ", ".join(f"{axis}={other}" for axis, (_, other) in changed.items())
