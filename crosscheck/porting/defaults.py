"""The defaults of one named optimizer in each installed framework, read from its signatures, under one set of names."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from ...adapters.box import RATE_NAMES
from ...adapters.contract import Framework
from ...adapters.discovery import framework, framework_names
from ...reference.arguments import ArgumentError, suggest
from ...reference.catalogue import catalogue
from ...reference.formula import Optimizer
from ...reference.vocabulary import Hyperparameter
from .rules import RATE
from .source import Setting

REFERENCE = "reference"
Value = float | bool | str | None


class Default(msgspec.Struct, frozen=True):
    """An argument's default, and the name that it has there; where it is ``required`` it has none."""

    own: str
    value: Value
    required: bool = False


class Row(msgspec.Struct, frozen=True):
    """A hyperparameter by gradspec's name, or a flag by its own, and what each optimizer has for it; one that is not there is
    left out. It ``differs`` where two numbers or flags among them are not equal."""

    name: str
    defaults: dict[str, Default]
    differs: bool


class Table(msgspec.Struct, frozen=True):
    """The optimizers of one name. ``columns`` are their dotted names, the reference's own defaults first where it has a line of
    that name; ``line`` is that line, or ""."""

    name: str
    line: str
    columns: list[str]
    rows: list[Row]


class Defaults(msgspec.Struct, frozen=True):
    """``missing`` are the frameworks that are not installed, each with the command that does so."""

    tables: list[Table]
    versions: dict[str, str]
    missing: dict[str, str]


def defaults(name: str = "", among: Sequence[Framework] | None = None) -> Defaults:
    """A table for the optimizer of that name, whatever its case; for each of the reference's lines if none is named.

    ``among``: the frameworks to look in, else all that are known.

    Raises ArgumentError for a name that neither a line nor an installed framework has, with the nearest.
    """
    known = [framework(one) for one in framework_names()] if among is None else among
    asked = [one for one in known if one.modules]  # NumPy has no optimizers
    here = [one for one in asked if one.installed()]
    shipped = {path: made for one in here for path, made in one.optimizers().items()}
    wanted = [_known(name, shipped)] if name else list(_lines())
    return Defaults(
        [table for one in wanted if (table := _table(one, shipped)).columns],
        {name: version for one in here for name, version in one.versions().items()},
        {one.name: one.install_command() for one in asked if one not in here},
    )


def _lines() -> dict[str, Optimizer]:
    return {line.name: line for line in catalogue(beyond=True).values() if isinstance(line, Optimizer)}


def _known(name: str, shipped: Mapping[str, Any]) -> str:
    names = {_last(path).lower() for path in shipped} | set(_lines())
    if name.lower() not in names:
        raise ArgumentError(
            f"no line and no installed framework has an optimizer {name!r}.{suggest(name.lower(), sorted(names))}"
        )
    return name.lower()


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _table(name: str, shipped: Mapping[str, Any]) -> Table:
    line = _lines().get(name)
    hypers = line.hyperparameters if line else ()
    columns = {path: _signature(made) for path, made in shipped.items() if _last(path).lower() == name}
    called = {path: _called(hypers, own) for path, own in columns.items()}
    found: dict[str, dict[str, Default]] = {RATE: {}, **{h.name: {} for h in hypers}}
    if line:
        for hyper in Setting(line, line.standard, {}).used:
            found[hyper.name][REFERENCE] = Default(hyper.name, hyper.default)
    for path, own in columns.items():
        for argument, default in own.items():
            found.setdefault(called[path].get(argument, argument), {})[path] = default
    rows = [Row(row, by_path, _differ(by_path)) for row, by_path in found.items() if set(by_path) - {REFERENCE}]
    return Table(name, line.id if line else "", [*([REFERENCE] if line else []), *columns], rows)


def _signature(made: Any) -> dict[str, Default]:
    """The arguments that are numbers, flags or none, tuples of them apart; and those without a default, but for the weights."""
    found = {}
    for argument in list(inspect.signature(made).parameters.values()):
        if argument.kind in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD):
            continue
        default = argument.default
        if default is argument.empty:
            if argument.name in RATE_NAMES or argument.name not in _WEIGHTS:
                found[argument.name] = Default(argument.name, None, required=True)
        elif isinstance(default, tuple | list):
            found |= {f"{argument.name}[{i}]": Default(f"{argument.name}[{i}]", value) for i, value in enumerate(default)}
        elif default is None or isinstance(default, bool | int | float):
            found[argument.name] = Default(argument.name, default)
    return found


_WEIGHTS = ("params", "parameters")


def _called(hypers: Sequence[Hyperparameter], own: Mapping[str, Default]) -> dict[str, str]:
    """Own names -> gradspec's: the rate's, those that are the same, then those that libraries are known to use."""
    found = {name: RATE for name in RATE_NAMES if name in own}
    for spellings in (lambda h: (h.name,), lambda h: h.aliases):
        for hyper in hypers:
            match = next((name for name in spellings(hyper) if name in own and name not in found), None)
            if match is not None and hyper.name not in found.values():
                found[match] = hyper.name
    return found


def _differ(by_path: Mapping[str, Default]) -> bool:
    """Whether two of the values are not equal; none is off."""
    return len({_comparable(default.value) for default in by_path.values() if not default.required}) > 1


def _comparable(value: Value) -> Value:
    return 0.0 if value is None or value is False else 1.0 if value is True else value


def lines(found: Defaults) -> Iterator[str]:
    """The tables as text of at most 100 columns, with those flags only that two optimizers share."""
    for table in found.tables:
        yield from _text(table)
        yield ""
    yield "≠ their defaults differ; * is required, – is not taken; own names in brackets"
    for name, command in found.missing.items():
        yield f"{name} is not installed: {command}"


WIDTH = 100


def _text(table: Table) -> Iterator[str]:
    rows = [row for row in table.rows if row.name in _names(table) or len(row.defaults) > 1]
    cells = [[_cell(row, column) for column in table.columns] for row in rows]
    heads = [_head(column) for column in table.columns]
    widths = [max(map(len, [*head, *(row[i] for row in cells)])) for i, head in enumerate(heads)]
    first = max(len(row.name) for row in rows) + 2
    yield f"{table.name}{f' ({table.line})' if table.line else ''}"
    for block in _blocks(widths, WIDTH - first):
        height = max(len(heads[i]) for i in block)
        for level in range(height):
            yield _row(" " * first, [_level(heads[i], level, height) for i in block], [widths[i] for i in block])
        for row, texts in zip(rows, cells, strict=True):
            mark = "≠ " if row.differs else "  "
            yield _row(f"{mark}{row.name}".ljust(first), [texts[i] for i in block], [widths[i] for i in block])


def _names(table: Table) -> set[str]:
    line = _lines().get(table.name)
    return {RATE, *(h.name for h in line.hyperparameters)} if line else {row.name for row in table.rows}


def _head(column: str) -> list[str]:
    """A dotted name over as many rows as keep it narrow."""
    rows, room = [""], 16
    for part in column.split("."):
        dotted = f"{rows[-1]}.{part}" if rows != [""] else part
        if len(dotted) <= room:
            rows[-1] = dotted
        else:
            rows.append(f".{part}")
    return rows


def _level(head: list[str], level: int, height: int) -> str:
    index = level - (height - len(head))
    return head[index] if index >= 0 else ""


def _blocks(widths: Sequence[int], room: int) -> Iterator[list[int]]:
    """The columns in blocks that are no wider than there is room."""
    block: list[int] = []
    for i in range(len(widths)):
        if block and sum(widths[j] + 2 for j in [*block, i]) > room:
            yield block
            block = []
        block.append(i)
    yield block


def _row(head: str, cells: Sequence[str], widths: Sequence[int]) -> str:
    return (head + "".join(f"  {cell:{width}}" for cell, width in zip(cells, widths, strict=True))).rstrip()


def _cell(row: Row, column: str) -> str:
    default = row.defaults.get(column)
    if default is None:
        return "–"
    value = "*" if default.required else "none" if default.value is None else _number(default.value)
    return value if default.own == row.name else f"{value} ({default.own})"


def _number(value: Value) -> str:
    return str(value) if isinstance(value, bool | str) else f"{value:g}"
