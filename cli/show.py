"""List what a findings file says, one finding a line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .status import FINE

if TYPE_CHECKING:
    from ..crosscheck.findings import Finding, Findings

SUMMARY = "list findings of an earlier report"
EXAMPLES = (
    "gradspec show",
    "gradspec show --verdict defect --verdict stale",
    "gradspec show reports/out --line optimizer.adam --adapter torch",
    "gradspec show --json",
)
DEFAULT = Path("reports/out")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", nargs="?", default=DEFAULT, type=Path, help=f"by default in {DEFAULT}")
    parser.add_argument("--verdict", metavar="V", action="append", default=[], help="only these verdicts")
    parser.add_argument("--line", metavar="L", action="append", default=[], help="only these lines, or groups of lines")
    parser.add_argument("--adapter", metavar="A", action="append", default=[], help="only these adapters")
    parser.add_argument("--json", action="store_true", help="an array of findings, for programs")


def run(arguments: argparse.Namespace) -> int:
    from ..reports import store

    found = chosen(store.read(arguments.file), arguments.verdict, arguments.line, arguments.adapter)
    if arguments.json:
        _print_json(found)
    else:
        _print_lines(found)
    return FINE


def chosen(findings: Findings, verdicts: list[str], lines: list[str], adapters: list[str]) -> list[Finding]:
    """The findings that were asked for; everything where nothing was.

    Raises ArgumentError for a name that the file does not know.
    """
    from ..crosscheck.findings import VERDICTS
    from .selection import known

    ids = [line.id for line in findings.lines]
    known("verdict", verdicts, VERDICTS)
    known("line", lines, [*ids, *(i.partition(".")[0] for i in ids), *(i.rpartition(".")[2] for i in ids)])
    known("adapter", adapters, [name for f in findings.cells for name in (f.cell.adapter, f.cell.package)])
    return [
        finding
        for finding in findings.cells
        if (not verdicts or finding.verdict in verdicts)
        and (not lines or any(_is_called(finding.cell.line, name) for name in lines))
        and (not adapters or finding.cell.adapter in adapters or finding.cell.package in adapters)
    ]


def _is_called(line_id: str, name: str) -> bool:
    return name in (line_id, line_id.partition(".")[0], line_id.rpartition(".")[2])


def _print_json(found: list[Finding]) -> None:
    import msgspec

    sys.stdout.write(msgspec.json.format(msgspec.json.encode(found), indent=1).decode() + "\n")


def _print_lines(found: list[Finding]) -> None:
    from rich.console import Console
    from rich.text import Text

    from ..reports.signs import SIGNS, TERMINAL_COLOURS, totals
    from ..reports.words.cells import reason

    console = Console()
    for finding in found:
        head = (f"{SIGNS[finding.verdict]} {finding.verdict:10} ", TERMINAL_COLOURS[finding.verdict])
        # a line of output is a finding, however long: it is for grep as well
        console.print(Text.assemble(head, finding.cell.id, "  ", (reason(finding), "dim")), soft_wrap=True)
    counts = ", ".join(totals(found).values())
    Console(stderr=True).print(f"{len(found)} findings{counts and ': ' + counts}", highlight=False)
