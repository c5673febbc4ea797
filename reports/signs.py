"""How a verdict looks: its sign, its colour on a terminal, and which of several verdicts is the worst."""

from __future__ import annotations

from collections.abc import Iterable

from ..crosscheck.findings import FAILING, VERDICTS, Finding

# A verdict is never told by colour alone.
SIGNS: dict[str, str] = {
    "agrees": "✓",
    "convention": "≠",
    "erratum": "!",
    "precision": "≈",
    "defect": "✗",
    "stale": "?",
    "absent": "–",
    "not-run": "○",
}

TERMINAL_COLOURS: dict[str, str] = {
    "agrees": "green",
    "convention": "blue",
    "erratum": "magenta",
    "precision": "yellow",
    "defect": "bold red",
    "stale": "bold dark_orange",
    "absent": "bright_black",
    "not-run": "bright_black",
}

# Worst first, as seen by somebody who relies on the framework: an erratum is the sheet's fault, a convention is a trap.
SEVERITY = ("defect", "stale", "not-run", "precision", "convention", "erratum", "agrees", "absent")


def worst(verdicts: Iterable[str]) -> str:
    return min(verdicts, key=SEVERITY.index)


def fails(finding: Finding) -> bool:
    """Whether it fails the run: a failing verdict is excused by a limitation that the adapter names."""
    return finding.verdict in FAILING and not finding.excused


def tally(verdicts: Iterable[str]) -> dict[str, int]:
    """How many there are of each verdict, in the schema's order, zeros included."""
    counts = dict.fromkeys(VERDICTS, 0)
    for verdict in verdicts:
        counts[verdict] += 1
    return counts


def totals(cells: Iterable[Finding]) -> dict[str, str]:
    """How many findings have each verdict, in words; of those that would fail a run how many are known."""
    cells = list(cells)
    counts = tally(finding.verdict for finding in cells)
    known = tally(finding.verdict for finding in cells if finding.known and finding.verdict in FAILING)
    return {v: f"{n} {v}" + (f" ({known[v]} known)" if known[v] else "") for v, n in counts.items() if n}
