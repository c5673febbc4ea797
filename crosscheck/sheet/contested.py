"""The contestable points of the sheet: where a printed option is not the standard one, or frameworks read it otherwise, with
everything that a campaign found out about it. None of it is typed in; reports put a conclusion together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal

from ...reference.formula import Formula, Map
from ...reference.namespace import Floating
from ...reference.vocabulary import Axis, Reading
from ..cells.evidence import Rivals
from ..findings import Cell, Check, Deviation, Finding, Proof, Witness
from ..inputs.samples import AnySample, Sample
from ..readings.compare import Question
from ..readings.evaluate import evaluate
from ..witnesses.replay import sample_of
from ..witnesses.store import Departure, known
from .suspects import alone, odd

_WIDEST_FIRST = ("float64", "float32", "bfloat16", "float16")


def of(
    formulas: Iterable[Formula], cells: Sequence[Finding], proofs: Sequence[Proof], checks: Sequence[Check]
) -> list[Deviation]:
    """One deviation for each line and axis that is contestable or contested, in the sheet's order."""
    by_line: dict[str, list[Finding]] = defaultdict(list)
    for finding in cells:
        by_line[finding.cell.line].append(finding)
    return [
        _deviation(formula, axis, by_line[formula.id], proofs, checks)
        for formula in formulas
        for axis in formula.axes
        if (axis.kind == "meaning" and (axis.printed != axis.standard or _who(axis, by_line[formula.id], other=True)))
        or (axis.kind == "evaluation" and any(erratum.axis == axis.name for erratum in formula.errata))
    ]


def _deviation(
    formula: Formula, axis: Axis, cells: Sequence[Finding], proofs: Sequence[Proof], checks: Sequence[Check]
) -> Deviation:
    rival, who = _rival(axis, cells), _who(axis, cells)
    printed, standard = dict(alone(formula, axis).axes), dict(formula.standard.axes)
    mine = [check for check in checks if check.line == formula.id] if axis in odd(formula) else []
    breaks = {check.property for check in mine if not check.holds and check.reading == printed}
    return Deviation(
        line=formula.id,
        axis=axis.name,
        kind=_kind(axis),
        question=next((erratum.question for erratum in formula.errata if erratum.axis == axis.name), ""),
        printed=axis.printed,
        rival=rival,
        printed_latex=axis.option(axis.printed).latex,
        rival_latex=axis.option(rival).latex,
        natives={option: names for option, found in who.items() if (names := _names(c for c in found if c.native))},
        derived={option: names for option, found in who.items() if (names := _names(c for c in found if not c.native))},
        refuted=any(p.line == formula.id and p.axis == axis.name and p.outcome == "refuted" for p in proofs),
        breaks=sorted(breaks),
        evidence=[c for reading in (printed, standard) for c in mine if c.property in breaks and c.reading == reading],
        witness=_witness(formula, axis, rival),
        source=axis.source,
    )


def _kind(axis: Axis) -> Literal["erratum", "convention", "precision"]:
    if axis.printed == axis.standard:
        return "convention"
    return "precision" if axis.kind == "evaluation" else "erratum"


def _rival(axis: Axis, cells: Sequence[Finding]) -> str:
    """What the printed option is set against: the standard one or, where that is printed, the one most subjects fit."""
    if axis.standard != axis.printed:
        return axis.standard
    counted = {option: len(who) for option, who in _who(axis, cells, other=True).items()}
    return max(counted, key=lambda option: counted[option])


def _option_of(axis: Axis, finding: Finding) -> str | None:
    """The one option of an axis that a subject's readings leave; None where they leave several or none."""
    if finding.verdict in ("defect", "stale"):
        return None
    options = {reading[axis.name] for reading in finding.fits}
    return options.pop() if len(options) == 1 else None


def _who(axis: Axis, cells: Sequence[Finding], other: bool = False) -> dict[str, list[Cell]]:
    """Which subjects fit which option alone; with ``other`` only options that are not the printed one."""
    found: dict[str, list[Cell]] = defaultdict(list)
    for finding in cells:
        option = _option_of(axis, finding)
        if option is not None and not (other and option == axis.printed):
            found[option].append(finding.cell)
    return dict(found)


def _names(cells: Iterable[Cell]) -> list[str]:
    """Subjects by name, whatever their dtype and mode."""
    return list(dict.fromkeys(f"{cell.package} {cell.native}".rstrip() for cell in cells))


def _witness(formula: Formula, axis: Axis, rival: str) -> Witness | None:
    """The kept witness of the option against the printed one, in the widest dtype that has one."""
    reading = formula.printed.but(**{axis.name: rival})
    for dtype in _WIDEST_FIRST:
        kept = known(formula, dtype, Departure.of(formula, reading))
        if kept is not None and kept.found:
            return _shown(formula, axis, reading, sample_of(formula, kept), dtype)
    return None


def _shown(formula: Formula, axis: Axis, reading: Reading, sample: AnySample, dtype: str) -> Witness | None:
    """The two readings on a witness; of two evaluations of one function, with what NumPy makes of the printed one."""
    if axis.kind == "evaluation" and isinstance(formula, Map) and isinstance(sample, Sample):
        printed = evaluate(formula, formula.printed, sample, Floating(sample.cotangent.dtype))
        return Rivals(formula.printed, reading).witness(Question(formula, sample, dtype), printed)
    return Rivals(reading, formula.printed).witness(Question(formula, sample, dtype))
