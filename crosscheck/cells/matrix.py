"""The conformance matrix: which cells there are for a choice of adapters, lines and dtypes."""

from __future__ import annotations

from collections.abc import Iterable

from ...adapters.contract import DERIVED, NATIVE, Adapter, Native
from ...adapters.discovery import load
from ...reference.arguments import FLOATING, ArgumentError, suggest
from ...reference.catalogue import catalogue, line
from ...reference.formula import Formula, Map
from ..findings import Cell


def modes_of(adapter: Adapter, formula: Formula, native: Native | None) -> tuple[str, ...]:
    """The ways in which an adapter runs a subject of a line."""
    modes = adapter.map_modes if isinstance(formula, Map) else adapter.optimizer_modes
    return tuple(mode for mode in modes if native is None or not native.modes or mode in native.modes)


def chosen_lines(lines: Iterable[str]) -> list[Formula]:
    """The lines asked for by id, last name or group (``mlp2``); the sheet's where none is named. Those beyond the sheet are
    asked for one by one."""
    wanted = list(lines)
    if not wanted:
        return list(catalogue().values())
    found: dict[str, Formula] = {}
    for name in wanted:
        members = [f for f in catalogue().values() if f.id.startswith(f"{name}.")]
        found |= {f.id: f for f in (members or [line(name)])}
    return sorted(found.values(), key=lambda formula: formula.order)


def chosen_dtypes(dtypes: Iterable[str]) -> tuple[str, ...]:
    """The dtypes asked for; all where none is named."""
    wanted = tuple(dict.fromkeys(dtypes)) or FLOATING
    for dtype in wanted:
        if dtype not in FLOATING:
            raise ArgumentError(f"unknown dtype {dtype!r}.{suggest(dtype, FLOATING)}")
    return wanted


def cells(adapters: Iterable[str], lines: Iterable[str] = (), dtypes: Iterable[str] = ()) -> list[Cell]:
    """Every cell of the matrix, in the sheet's order: each line's derived route, then its natives. Imports no framework."""
    chosen = [(name, load(name)) for name in adapters]
    return [
        Cell(formula.id, name, adapter.package, route, native.name if native else "", dtype, mode)
        for formula in chosen_lines(lines)
        for name, adapter in chosen
        for route, native in [(DERIVED, None), *((NATIVE, native) for native in adapter.natives if native.line == formula.id)]
        for dtype in chosen_dtypes(dtypes)
        if dtype in adapter.dtypes
        for mode in modes_of(adapter, formula, native)
    ]
