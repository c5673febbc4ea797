"""The HTML page of a campaign: one file that needs no network, no JavaScript to be read, and nothing but the findings."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

import jinja2
from markupsafe import Markup

from ...crosscheck.findings import AxisInfo, Check, Curve, Deviation, Finding, Findings, LineInfo, Proof, Quantity
from ..signs import SIGNS, fails, tally, worst
from ..store import check_writable, in_order, write_atomically
from ..words import cells, sheet
from ..words.cells import reason
from . import arrange
from .mathml import typeset

FILE_NAME = "index.html"
TEMPLATES = Path(__file__).with_name("templates")
SHOWN_IN_FULL = 24  # elements of an array; a witness is small, this is for the odd one that is not

T = TypeVar("T", Check, Curve, Proof)


@dataclass(frozen=True)
class DeviationView:
    deviation: Deviation
    line: LineInfo | None
    axis: AxisInfo | None
    anchor: str
    map: arrange.ReadingMap | None
    proofs: tuple[Proof, ...]
    curves: tuple[Curve, ...]
    scripts: tuple[arrange.Subject, ...]


def write_page(findings: Findings, folder: str | os.PathLike[str]) -> Path:
    """Write ``index.html`` into ``folder`` and return its path."""
    path = check_writable(folder) / FILE_NAME
    write_atomically(path, render(findings).encode())
    return path


def render(findings: Findings) -> str:
    findings = in_order(findings)
    subjects = arrange.subjects(findings.cells)
    on_line = arrange.by_line(subjects)
    deviations = _deviations(findings, on_line)
    return (
        _environment()
        .get_template("index.html.j2")
        .render(
            findings=findings,
            counts=tally(finding.verdict for finding in findings.cells),
            known=tally(finding.verdict for finding in findings.cells if finding.known),
            failing=[s for s in subjects if any(map(fails, s.findings))],
            families=[family for family in deviations if family[0].deviation.kind != "convention"],
            conventions=[family for family in deviations if family[0].deviation.kind == "convention"],
            troubles=_troubles(subjects),
            not_run=_not_run(findings.cells),
            groups=arrange.matrix(findings, on_line),
            maps=_maps(findings, on_line),
            proofs=_by_line(findings.proofs),
            checks=_by_line(findings.checks),
            other_curves=_curves_elsewhere(findings),
            lines={line.id: line for line in findings.lines},
        )
    )


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "typeset": typeset,
        "figure": _figure,
        "number": number,
        "elements": elements,
        "reading": reading,
        "slug": arrange.slug,
        "short": arrange.short,
        "strip": arrange.strip,
        "by_dtype": arrange.by_dtype,
        "worst": worst,
        "differing_axes": arrange.differing_axes,
        "duration": duration,
        "reason": reason,
        "lost": cells.lost,
        "place": cells.where,
        "remarks": cells.remarks,
        "sides": cells.readings,
        "proof_role": sheet.proof_role,
        "proof_detail": sheet.proof_detail,
        "counterexample": sheet.counterexample,
        "check_detail": sheet.check_detail,
        "question": sheet.question,
        "conclusion": sheet.conclusion,
        "evidence": sheet.evidence,
    }
    environment.globals |= {
        "signs": SIGNS,
        "meanings": cells.VERDICTS,
        "style": Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),
        "behaviour": Markup((TEMPLATES / "behaviour.js").read_text(encoding="utf-8")),
    }
    return environment


# --- what each section shows ------------------------------------------------------------------------------------------


def _deviations(findings: Findings, on_line: dict[str, list[arrange.Subject]]) -> list[tuple[DeviationView, ...]]:
    lines = {line.id: line for line in findings.lines}
    shown_curves: set[str] = set()
    views = []
    for family in arrange.families(findings.deviations):
        group = []
        for deviation in family:
            curves = () if deviation.line in shown_curves else tuple(c for c in findings.curves if c.line == deviation.line)
            shown_curves.add(deviation.line)
            group.append(_deviation(deviation, lines.get(deviation.line), findings, on_line.get(deviation.line, []), curves))
        views.append(tuple(group))
    return views


def _deviation(
    deviation: Deviation, line: LineInfo | None, findings: Findings, on_line: list[arrange.Subject], curves: tuple[Curve, ...]
) -> DeviationView:
    axis = next((axis for axis in line.axes if axis.name == deviation.axis), None) if line else None
    return DeviationView(
        deviation,
        line,
        axis,
        arrange.slug("deviation", deviation.line, deviation.axis),
        arrange.reading_map(axis, on_line) if axis else None,
        tuple(proof for proof in findings.proofs if proof.line == deviation.line),
        curves,
        _with_scripts(arrange.departing(axis, on_line) if axis else on_line),
    )


def _with_scripts(subjects: Iterable[arrange.Subject]) -> tuple[arrange.Subject, ...]:
    """Those with something to run; what is in trouble has a card of its own, with its script."""
    return tuple(s for s in subjects if s.telling.script and s.verdict in ("convention", "erratum"))


def _maps(findings: Findings, on_line: dict[str, list[arrange.Subject]]) -> dict[str, list[arrange.ReadingMap]]:
    return {line.id: [arrange.reading_map(axis, on_line.get(line.id, [])) for axis in line.axes] for line in findings.lines}


def _troubles(subjects: list[arrange.Subject]) -> dict[str, list[arrange.Subject]]:
    return {verdict: [s for s in subjects if s.verdict == verdict] for verdict in ("defect", "stale", "precision")}


def _not_run(every: Iterable[Finding]) -> list[tuple[str, list[Finding]]]:
    """Cells that did not run, by reason, the most frequent first."""
    found: dict[str, list[Finding]] = defaultdict(list)
    for finding in every:
        if finding.verdict == "not-run":
            found[reason(finding)].append(finding)
    return sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))


def _by_line(items: Iterable[T]) -> dict[str, list[T]]:
    found: dict[str, list[T]] = defaultdict(list)
    for item in items:
        found[item.line].append(item)
    return found


def _curves_elsewhere(findings: Findings) -> dict[str, list[Curve]]:
    """Curves of lines that no deviation shows, for the catalogue."""
    told = {deviation.line for deviation in findings.deviations}
    return _by_line(curve for curve in findings.curves if curve.line not in told)


# --- filters ----------------------------------------------------------------------------------------------------------


def _figure(curve: Curve) -> Markup:
    from . import plots  # matplotlib is slow to import, and only a page with curves needs it

    return Markup(plots.draw(curve))


SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float | None) -> str:
    """Three digits, for people: `1.2×10⁸`, `0.31`, `17`; a dash where there is none."""
    if value is None:
        return "–"
    text = f"{value:.3g}"
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa}×10{str(int(exponent)).translate(SUPERSCRIPTS)}" if exponent else text.replace("-", "−")


def duration(seconds: float) -> str:
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def reading(options: dict[str, str], axes: Iterable[str] | None = None) -> str:
    """`correction: none, epsilon: inside-root`, on the axes named or on all."""
    chosen = options if axes is None else {axis: options[axis] for axis in axes if axis in options}
    return ", ".join(f"{axis}: {option}" for axis, option in chosen.items()) or "the only reading"


def elements(quantity: Quantity, values: list[str]) -> list[str]:
    """The array's rows, each as one text; a long array is cut and says so."""
    shown = values[:SHOWN_IN_FULL]
    width = (quantity.shape[-1] if len(quantity.shape) > 1 else 0) or max(1, len(shown))
    rows = [", ".join(shown[i : i + width]) for i in range(0, len(shown), width)]
    return rows if len(values) <= SHOWN_IN_FULL else [*rows, f"… {len(values) - SHOWN_IN_FULL} more"]
