"""The defaults of one named optimizer in each installed framework, read from its signatures, under one set of names."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from ...adapters.box import RATE_NAMES
from ...adapters.contract import Framework
from ...adapters.discovery import framework, framework_names
from ...reference.arguments import ArgumentError, suggest
from ...reference.catalogue import catalogue
from ...reference.formula import Optimizer
from ...reference.vocabulary import Hyperparameter
from ..answers import Default, Defaults, Row, Table, Value
from .rules import RATE
from .source import Setting

REFERENCE = "reference"


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
        [table for one in wanted if (table := _table(one, shipped)).rows or name],
        {name: version for one in here for name, version in one.versions().items()},
        {one.name: one.install_command() for one in asked if one not in here},
    )


def _lines() -> dict[str, Optimizer]:
    """By last name; where another has it, too, by id."""
    found: dict[str, Optimizer] = {}
    for line in (line for line in catalogue(beyond=True).values() if isinstance(line, Optimizer)):
        found[(line.id if line.name.lower() in found else line.name).lower()] = line
    return found


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
    columns = {path: _signature(made) for path, made in shipped.items() if _last(path).lower() == _last(name)}
    called = {path: _called(hypers, own) for path, own in columns.items()}
    found: dict[str, dict[str, Default]] = {RATE: {}, **{h.name: {} for h in hypers}}
    if line:
        for hyper in Setting(line, line.standard, {}).used:
            found[hyper.name][REFERENCE] = Default(hyper.name, hyper.default)
    for path, own in columns.items():
        for argument, default in own.items():
            found.setdefault(called[path].get(argument, argument), {})[path] = default
    known = {RATE, *(h.name for h in hypers)} if line else set(found)
    rows = [
        Row(row, by_path, _differ(by_path), extra=row not in known)
        for row, by_path in found.items()
        if set(by_path) - {REFERENCE}
    ]
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
