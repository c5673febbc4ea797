"""The conformance matrix: one test a cell. It passes where the verdict follows from what was claimed, and nothing fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import zip_longest

import msgspec
import pytest
from gradspec.adapters import load
from gradspec.crosscheck.cells.examination import examine
from gradspec.crosscheck.findings import Cell, Finding, Quantity, Witness
from gradspec.reports.signs import SIGNS, fails
from gradspec.reports.words import cells as words
from gradspec.tests.conformance.plugin import Selection

SHOWN = 8  # numbers of one array in a failure; the report shows the rest

# A framework's warning is not a verdict on it; it is listed at the end of the run, and fails nothing.
pytestmark = pytest.mark.filterwarnings("default")


def test_conformance(cell: Cell, selection: Selection, record: Callable[[Finding], None]) -> None:
    finding = examine(cell, selection.effort, selection.seed)
    missing = not load(cell.adapter).installed()
    if missing and cell.adapter in selection.adapters:
        finding = msgspec.structs.replace(finding, excused=False)  # what is asked for by name has to be there
    record(finding)
    if fails(finding):
        pytest.fail(explained(finding), pytrace=False)
    if missing:
        pytest.skip(words.reason(finding))


def explained(finding: Finding) -> str:
    """A finding in words: why, the witness, the nearest reading, and the script that shows it again."""
    return "\n".join(_explanation(finding))


def _explanation(finding: Finding) -> Iterator[str]:
    yield f"{SIGNS[finding.verdict]} {finding.verdict}  {finding.cell.id}"
    yield f"  {words.reason(finding)}"
    if finding.expression:
        yield f"  {finding.expression}"
    if finding.claim:
        yield f"  claimed: {words.axes(finding.claim)}"
    yield from (f"  fits: {words.axes(reading)}" for reading in finding.fits[:SHOWN])
    if finding.witness:
        yield from ("", *_witness_table(finding.witness))
    if finding.script:
        yield from ("", finding.script)


def _witness_table(witness: Witness) -> Iterator[str]:
    yield f"  separated at {words.where(witness)}" + "".join(f", {name}={value}" for name, value in witness.settings.items())
    rows = [row for quantity in (*witness.inputs, *words.values(witness)) for row in _rows(quantity)]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        yield ("    " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))).rstrip()
    yield from (f"    {remark}" for remark in words.remarks(witness))


def _rows(quantity: Quantity) -> Iterator[tuple[str, str, str]]:
    """A row a number: the array's name and shape beside the first, decimal, hexadecimal."""
    shape = f" ({', '.join(map(str, quantity.shape))})" if quantity.shape else ""
    shown = zip_longest([quantity.name + shape], quantity.decimal[:SHOWN], quantity.hexadecimal[:SHOWN], fillvalue="")
    yield from shown
    if len(quantity.decimal) > SHOWN:
        yield "", "…", ""
