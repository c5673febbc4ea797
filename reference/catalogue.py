"""The catalogue: every formula in ``reference/lines``, by id, in the sheet's order and beyond. Found by looking, not by a
list."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from types import MappingProxyType, ModuleType

from . import lines as _folder
from .arguments import ArgumentError, nearest, suggest
from .formula import Formula


@cache
def _modules() -> dict[str, ModuleType]:
    names = sorted(module.name for module in pkgutil.iter_modules(_folder.__path__))
    return {name: importlib.import_module(f"{_folder.__name__}.{name}") for name in names}


@cache
def catalogue(beyond: bool = False) -> MappingProxyType[str, Formula]:
    """The sheet's lines by id, in its order; with ``beyond`` also those that are not on the sheet, behind them."""
    lines = _all()
    return lines if beyond else MappingProxyType({name: line for name, line in lines.items() if line.on_the_sheet})


@cache
def _all() -> MappingProxyType[str, Formula]:
    found = [value for module in _modules().values() for value in vars(module).values() if isinstance(value, Formula)]
    ordered = sorted(found, key=lambda formula: formula.order)
    by_id = {formula.id: formula for formula in ordered}
    if len(by_id) != len(ordered):
        twice = sorted({formula.id for formula in ordered if sum(f.id == formula.id for f in ordered) > 1})
        raise ValueError(f"two formulas have the same id: {', '.join(twice)}")
    return MappingProxyType(by_id)


def line(name: str) -> Formula:
    """The line, on the sheet or beyond it, with that id (``optimizer.adam``) or, where only one has it, that last name
    (``adam``).

    Raises ArgumentError with the nearest ids.
    """
    known = catalogue(beyond=True)
    if name in known:
        return known[name]
    matches = [formula for formula in known.values() if formula.name == name]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise ArgumentError(f"{name!r} is the name of several lines: {', '.join(formula.id for formula in matches)}")
    last_names = {formula.name: formula.id for formula in known.values()}
    near = [last_names[found] for found in nearest(name, last_names)] or nearest(name, known)
    hint = f" Did you mean {' or '.join(near)}?" if near else " `gradspec lines` lists them."
    raise ArgumentError(f"unknown line {name!r}.{hint}")


def group(name: str) -> ModuleType:
    """The module of a formula group, such as ``mlp2``; its lines are attributes."""
    try:
        return _modules()[name]
    except KeyError:
        raise ArgumentError(f"unknown formula group {name!r}.{suggest(name, _modules())}") from None
