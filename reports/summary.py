"""What a terminal shows after a campaign."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..crosscheck.findings import Finding, Findings
from .html import arrange
from .signs import SIGNS, TERMINAL_COLOURS, fails, totals
from .words.cells import lost, reason

NAMED = 4  # subjects in a row of the terminal's table


def summary(findings: Findings) -> RenderableType:
    """Counts, the sheet's deviations with those who depart from them, and what failed or was excused."""
    parts: list[RenderableType] = [_counts(findings)]
    if findings.interrupted:
        parts.append(Text("Interrupted: what follows is what was found until then.", style="bold dark_orange"))
    if findings.deviations:
        parts += [Text(), _deviations(findings)]
    if failing := [f for f in findings.cells if fails(f)]:
        parts += [Text(), _failing(failing)]
    if findings.unfinished:
        parts += [Text(), *(_marked("not-run", f"{one.part} of {one.line}: {lost(one.reason)}") for one in findings.unfinished)]
    if reasons := not_run_reasons(findings.cells):
        parts += [Text(), *reasons_as_text(reasons)]
    return Group(*parts)


def closing_lines(findings: Iterable[Finding]) -> list[str]:
    """The same in plain text for pytest's closing section: one line of counts, then each failing cell with its reason."""
    cells = list(findings)
    lines = [f"{len(cells)} cells: " + ", ".join(f"{SIGNS[v]} {words}" for v, words in totals(cells).items())]
    lines += [f"{SIGNS[f.verdict]} {f.cell.id}: {f.verdict}. {reason(f)}" for f in cells if fails(f)]
    lines += [text.plain for text in reasons_as_text(not_run_reasons(cells))]
    return lines if cells else ["no cells"]


def not_run_reasons(cells: Iterable[Finding]) -> list[tuple[str, int]]:
    """Why cells did not run where that is excused, the most frequent first; the others are among those that fail."""
    excused = Counter(reason(f) for f in cells if f.verdict == "not-run" and not fails(f))
    return sorted(excused.items(), key=lambda item: (-item[1], item[0]))


def reasons_as_text(reasons: Sequence[tuple[str, int]]) -> list[Text]:
    return [Text(f"{SIGNS['not-run']} {n} not run: {why}", style=TERMINAL_COLOURS["not-run"]) for why, n in reasons]


def _marked(verdict: str, words: str) -> Text:
    return Text(f"{SIGNS[verdict]} {words}", style=TERMINAL_COLOURS[verdict])


def _counts(findings: Findings) -> Columns:
    shown = [_marked(verdict, words) for verdict, words in totals(findings.cells).items()]
    return Columns([Text(f"{len(findings.cells)} cells", style="bold"), *shown], padding=(0, 3, 0, 0))


def _deviations(findings: Findings) -> Table:
    table = Table(title="The sheet against the field", title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for heading in ("line", "axis", "printed → elsewhere", "who computes what"):
        table.add_column(heading, overflow="fold", header_style="dim")
    lines = {line.id: line for line in findings.lines}
    on_line = arrange.by_line(arrange.subjects(findings.cells))
    for family in arrange.families(findings.deviations):
        deviation, *more = family
        axes = lines[deviation.line].axes if deviation.line in lines else []
        axis = next((axis for axis in axes if axis.name == deviation.axis), None)
        who = _who(arrange.reading_map(axis, on_line.get(deviation.line, []))) if axis else Text("–")
        turn = Text.assemble((deviation.printed, "magenta"), " → ", (deviation.rival, "green"))
        table.add_row(Text(deviation.line + (f" and {len(more)} more" if more else "")), Text(deviation.axis), turn, who)
    return table


def _who(placed: arrange.ReadingMap) -> Text:
    parts = [
        Text.assemble((f"{place.option}: ", "bold"), _few([subject.name for subject in place.subjects]))
        for place in placed.placements
        if place.subjects
    ]
    return Text("\n").join(parts) if parts else Text("nobody was told apart", style="dim")


def _few(names: Sequence[str]) -> str:
    """The first few names; the page has them all."""
    rest = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _failing(failing: Sequence[Finding]) -> Table:
    """One row for all formats and modes of a subject that fail for the same reason."""
    table = Table(title="What fails this run", title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for heading in ("verdict", "line", "subject", "formats", "reason"):
        table.add_column(heading, overflow="fold", header_style="dim")
    for subject in arrange.subjects(failing):
        alike: dict[tuple[str, str], list[str]] = {}
        for finding in subject.findings:
            alike.setdefault((finding.verdict, reason(finding)), []).append(_format(finding))
        for (verdict, why), formats in alike.items():
            table.add_row(_marked(verdict, verdict), *map(Text, (subject.line, subject.name, " ".join(formats), why)))
    return table


def _format(finding: Finding) -> str:
    """`f32`, or `f32/jit` where the mode is not the plain one."""
    dtype = arrange.short(finding.cell.dtype)
    return dtype if finding.cell.mode == "eager" else f"{dtype}/{finding.cell.mode}"
