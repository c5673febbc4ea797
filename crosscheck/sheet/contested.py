"""The contestable points of the sheet: where a printed option is not the standard one, or frameworks read it otherwise, with
everything that a campaign found out about it. A conclusion is put together from the evidence; none is typed in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from ...reference.formula import Formula, Map
from ...reference.namespace import Floating
from ...reference.vocabulary import Axis, Reading
from ..cells.evidence import pair_witness
from ..findings import Cell, Check, Deviation, Finding, Proof, Witness
from ..inputs.samples import AnySample, Sample
from ..readings.evaluate import evaluate
from ..witnesses.search import Departure, known, sample_of

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
    rival = _rival(axis, cells)
    question = next((erratum.question for erratum in formula.errata if erratum.axis == axis.name), "")
    return Deviation(
        line=formula.id,
        axis=axis.name,
        question=question or f"{axis.name}: {' or '.join(axis.names)}?",
        printed=axis.printed,
        standard=rival,
        printed_latex=axis.option(axis.printed).latex,
        standard_latex=axis.option(rival).latex,
        conclusion=_conclusion(axis, cells, formula, proofs, checks),
        evidence=_properties(formula, checks) if _is_to_blame(formula, axis, proofs) else [],
        witness=_witness(formula, axis, rival),
        source=axis.source,
        kind=_kind(axis),
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


def _properties(formula: Formula, checks: Sequence[Check]) -> list[str]:
    """The properties that tell the readings of a line apart: those that hold for one and not for another."""
    mine = [check for check in checks if check.line == formula.id]
    outcomes: dict[str, set[bool]] = defaultdict(set)
    for check in mine:
        outcomes[check.property].add(check.holds)
    return [
        f"{check.words}: {'holds' if check.holds else 'fails'} for the {_role(formula, check.reading)} reading"
        + (f" ({check.detail})" if check.detail and not check.holds else "")
        for check in mine
        if not check.holds or len(outcomes[check.property]) > 1
    ]


def _role(formula: Formula, reading: dict[str, str]) -> str:
    if reading == dict(formula.printed.axes):
        return "printed"
    return "standard" if reading == dict(formula.standard.axes) else ", ".join(f"{a}={o}" for a, o in reading.items())


def _conclusion(
    axis: Axis, cells: Sequence[Finding], formula: Formula, proofs: Sequence[Proof], checks: Sequence[Check]
) -> str:
    """What was counted, proved and tested, in a sentence."""
    parts = [*_counted(axis, cells)] or ["No subject in this run tells the options apart"]
    if any(p.line == formula.id and p.role == f"standard but {axis.name}" and p.outcome == "refuted" for p in proofs):
        parts.append(f"with {axis.name}={axis.printed} the cotangent does not follow from the forward line")
    if _is_to_blame(formula, axis, proofs):
        printed = dict(formula.printed.axes)
        broken = {c.property for c in checks if c.line == formula.id and not c.holds and c.reading == printed}
        parts += ["the printed reading breaks " + ", ".join(sorted(broken))] if broken else []
    return "; ".join(parts) + "."


def _counted(axis: Axis, cells: Sequence[Finding]) -> Iterator[str]:
    """How many of the frameworks' own functions fit which option, and what differentiating the printed line gives."""
    who = _who(axis, cells)
    natives = {option: _names(cell for cell in found if cell.native) for option, found in who.items()}
    total = sum(map(len, natives.values()))
    if total:
        ranked = sorted(natives.items(), key=lambda pair: -len(pair[1]))
        shares = ", ".join(f"{len(names)} fit {option}" for option, names in ranked if names)
        yield f"Of {total} functions of the frameworks' own that tell the options apart, {shares}"
    for option, found in who.items():
        if names := _names(cell for cell in found if not cell.native):
            yield f"the printed line run as code gives {option} in {' and '.join(names)}"


def _is_to_blame(formula: Formula, axis: Axis, proofs: Sequence[Proof]) -> bool:
    """Whether what the printed reading breaks can be put down to this axis: it is the only odd one, or the one refuted."""
    odd = [a for a in formula.axes if a.kind == "meaning" and a.printed != a.standard]
    refuted = {p.role for p in proofs if p.line == formula.id and p.outcome == "refuted"}
    return axis in odd and (len(odd) == 1 or f"standard but {axis.name}" in refuted)


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
        return pair_witness(formula, formula.printed, reading, sample, dtype, printed)
    return pair_witness(formula, reading, formula.printed, sample, dtype)
