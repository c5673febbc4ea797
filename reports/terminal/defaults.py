"""The defaults of optimizers side by side, as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...crosscheck.answers import Defaults, Row, Table, Value
from .layout import WIDTH, sections, table

NARROW = 16  # columns that a part of a dotted name may take in a heading
GAP = 2


def text(found: Defaults) -> str:
    """The tables, with those arguments only that are the line's or that two optimizers share."""
    return sections(*map(_table, found.tables), _legend(found))


def _legend(found: Defaults) -> Iterator[str]:
    yield "≠ their defaults differ; * is required, – is not taken; own names in brackets"
    yield from (f"{name} is not installed: {command}" for name, command in found.missing.items())


def _table(of: Table) -> Iterator[str]:
    yield f"{of.name}{f' ({of.line})' if of.line else ''}"
    rows = [row for row in of.rows if not row.extra or len(row.defaults) > 1]
    if not rows:
        yield "  no installed framework has it"
        return
    names = [f"{'≠' if row.differs else ' '} {row.name}" for row in rows]
    columns = [(_heading(column), [_cell(row, column) for row in rows]) for column in of.columns]
    widths = [max(map(len, [*heading.splitlines(), *cells])) for heading, cells in columns]
    for block in _blocks(widths, WIDTH - max(map(len, names))):
        cells = zip(names, *(columns[i][1] for i in block), strict=True)
        yield from table(list(cells), ["", *(columns[i][0] for i in block)], 0)


def _heading(column: str) -> str:
    """A dotted name over as many rows as keep it narrow."""
    rows = [""]
    for part in column.split("."):
        dotted = f"{rows[-1]}.{part}" if rows != [""] else part
        if len(dotted) <= NARROW:
            rows[-1] = dotted
        else:
            rows.append(f".{part}")
    return "\n".join(filter(None, rows))


def _blocks(widths: Sequence[int], room: int) -> Iterator[list[int]]:
    """The columns in blocks that are no wider than there is room."""
    block: list[int] = []
    for i in range(len(widths)):
        if block and sum(widths[j] + GAP for j in [*block, i]) > room:
            yield block
            block = []
        block.append(i)
    yield block


def _cell(row: Row, column: str) -> str:
    default = row.defaults.get(column)
    if default is None:
        return "–"
    value = "*" if default.required else "none" if default.value is None else _number(default.value)
    return value if default.own == row.name else f"{value} ({default.own})"


def _number(value: Value) -> str:
    return str(value) if isinstance(value, bool | str) else f"{value:g}"
