"""The catalogue: every formula in ``reference/lines``, by id, in the sheet's order and beyond. Found by looking, not by a
list.

Formulas from elsewhere stand beside them: those that installed packages offer under the entry point group
``gradspec.formulas``, and those of the files and modules that ``load_formulas`` was given. What the catalogue holds depends on
which these are, not on the order in which they came.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType, ModuleType

from . import lines as _folder
from .arguments import ArgumentError, nearest, suggest
from .formula import Formula
from .loading import LoadingError, is_file_name, module_of, module_offered

ENTRY_POINTS = "gradspec.formulas"

_named: dict[str, ModuleType] = {}  # by what sources() gives: what this process was told to load


class FormulaError(ValueError):
    """A source of formulas that cannot be used; the message says what to write instead."""


@cache
def _modules() -> dict[str, ModuleType]:
    names = sorted(module.name for module in pkgutil.iter_modules(_folder.__path__))
    return {name: importlib.import_module(f"{_folder.__name__}.{name}") for name in names}


def catalogue(beyond: bool = False) -> MappingProxyType[str, Formula]:
    """The sheet's lines by id, in its order; with ``beyond`` also those that are not on the sheet, behind them.

    >>> from gradspec import catalogue
    >>> [*catalogue()][:3]
    ['scalar.sum', 'scalar.prod', 'scalar.max']
    """
    return _everything(frozenset(_named.values())) if beyond else _sheet()


@cache
def _sheet() -> MappingProxyType[str, Formula]:
    return _sorted(formula for formula in _packaged().values() if formula.on_the_sheet)


@cache
def _packaged() -> dict[str, Formula]:
    """The formulas of this package, on the sheet or beyond it."""
    found: dict[str, Formula] = {}
    for formula in (formula for module in _modules().values() for formula in _formulas(module)):
        if found.setdefault(formula.id, formula) is not formula:
            raise ValueError(f"two formulas have the same id: {formula.id}")
    return found


@cache
def _everything(named: frozenset[ModuleType]) -> MappingProxyType[str, Formula]:
    return _sorted([*_packaged().values(), *_own(named).values()])


def _sorted(formulas: Iterable[Formula]) -> MappingProxyType[str, Formula]:
    return MappingProxyType({formula.id: formula for formula in sorted(formulas, key=lambda formula: formula.order)})


def line(name: str) -> Formula:
    """The line, on the sheet or beyond it, with that id (``optimizer.adam``) or, where only one has it, that last name
    (``adam``).

    >>> from gradspec import line
    >>> line("adam")
    <optimizer optimizer.adam: Adam>

    Raises ArgumentError with the nearest ids.
    """
    packaged = _packaged()  # of which a module of formulas may ask for one while it is being loaded
    return packaged[name] if name in packaged else _known_as(name, catalogue(beyond=True))


def packaged_line(name: str) -> Formula:
    """As ``line``, among the lines of this package alone: what else is loaded takes no name from them."""
    return _known_as(name, _packaged())


def _known_as(name: str, known: Mapping[str, Formula]) -> Formula:
    if name in known:
        return known[name]
    matches = [formula for formula in known.values() if formula.name == name]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise ArgumentError(f"{name!r} is the name of several lines: {', '.join(formula.id for formula in matches)}")
    last_names = {formula.name: formula.id for formula in known.values()}
    near = [] if "." in name else [last_names[found] for found in nearest(name, last_names)]
    near = near or nearest(name, known)
    hint = f" Did you mean {' or '.join(near)}?" if near else " `gradspec lines` lists them."
    raise ArgumentError(f"unknown line {name!r}.{hint}")


def group(name: str) -> ModuleType:
    """The module of a formula group, such as ``mlp2``; its lines are attributes.

    >>> from gradspec.reference import group
    >>> group("mlp2").grad_W1
    <map mlp2.grad_W1: two layers: gradient of the hidden weights>
    """
    try:
        return _modules()[name]
    except KeyError:
        raise ArgumentError(f"unknown formula group {name!r}.{suggest(name, _modules())}") from None


# --- formulas of one's own ------------------------------------------------------------------------------------------


def load_formulas(*names: str | Path) -> dict[str, Formula]:
    """The formulas that files (``./lion.py``) and modules (``mine.lion``) hold at their top level, by id. They are lines like
    any other from now on: in this process, and in those that it starts for a campaign or an identification.

    A file that has changed is read anew. Raises FormulaError where one of them cannot be imported, holds no formula, or has an
    id that is taken; then none is loaded.
    """
    added = {_source(str(name)): _with_formulas(str(name), partial(module_of, str(name))) for name in names}
    _own(frozenset({**_named, **added}.values()))
    _named.update(added)
    return {formula.id: formula for module in added.values() for formula in _own_in(module)}


def sources() -> tuple[str, ...]:
    """What ``load_formulas`` was given in this process: files by their full path, modules by their import path."""
    return tuple(sorted(_named))


def source_of(formula: Formula) -> str:
    """That one of ``sources()`` which holds a formula; "" for a line that is there without being loaded."""
    return next((source for source in sources() if formula in _formulas(_named[source])), "")


def own_formulas() -> MappingProxyType[str, Formula]:
    """The lines that are not of this package, by id."""
    return _sorted(_own(frozenset(_named.values())).values())


def _source(name: str) -> str:
    return str(Path(name).resolve()) if is_file_name(name) else name


def _with_formulas(name: str, load: Callable[[], ModuleType]) -> ModuleType:
    try:
        module = load()
    except LoadingError as error:
        raise FormulaError(str(error)) from error
    if not _own_in(module):
        raise FormulaError(f"{name} holds no formula of its own; write one at its top level: mine = Map(id='own.mine', …)")
    return module


@cache
def _own(named: frozenset[ModuleType]) -> dict[str, Formula]:
    """The formulas of what was named and of what is installed, by id. A file that is both is taken once."""
    modules = {_home(module): module for module in (*_offered(), *named)}
    found: dict[str, Formula] = {}
    homes = dict.fromkeys(_packaged(), "gradspec itself")
    for home, formula in ((where, formula) for where in sorted(modules) for formula in _own_in(modules[where])):
        if found.get(formula.id) is formula:  # imported from another of these modules
            continue
        if formula.id in homes:
            raise FormulaError(f"two formulas are called {formula.id}, in {homes[formula.id]} and in {home}; rename one")
        if formula.on_the_sheet:
            raise FormulaError(f"{home}: {formula.id} has the number {formula.number}, of a line on the sheet; leave it out")
        found[formula.id], homes[formula.id] = formula, home
    return found


def _own_in(module: ModuleType) -> list[Formula]:
    """The formulas of a module; those of this package that it has imported are not its own."""
    packaged = set(_packaged().values())
    return [formula for formula in _formulas(module) if formula not in packaged]


def _formulas(module: ModuleType) -> list[Formula]:
    return [value for value in vars(module).values() if isinstance(value, Formula)]


def _home(module: ModuleType) -> str:
    return str(Path(module.__file__).resolve()) if module.__file__ else module.__name__


@cache
def _offered() -> tuple[ModuleType, ...]:
    """The modules that installed packages offer."""
    points = importlib.metadata.entry_points(group=ENTRY_POINTS)
    return tuple(_with_formulas(point.value, partial(module_offered, point)) for point in points)
