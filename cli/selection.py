"""What a user asked for by name, checked before any work; every error names the nearest names."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence


def formula_argument(parser: argparse.ArgumentParser) -> None:
    """``--formula``, which ``main`` loads before the command runs."""
    told = "a file or a module of formulas of your own, which are lines then; may be repeated"
    parser.add_argument("--formula", metavar="FILE", action="append", default=[], help=told)


def known(kind: str, names: Iterable[str], among: Iterable[str]) -> tuple[str, ...]:
    """``names``, in their order and once each, all of them ``among`` those that exist.

    Raises ArgumentError.
    """
    from ..reference.arguments import ArgumentError, suggest

    among = list(dict.fromkeys(among))
    asked = tuple(dict.fromkeys(names))
    for name in asked:
        if name not in among:
            raise ArgumentError(f"unknown {kind} {name!r}.{suggest(name, among)}")
    return asked


def lines(names: Sequence[str], formulas: Sequence[str]) -> tuple[str, ...]:
    """The ids of the lines that are named; where none is, those of the files of formulas, and where there is none, the sheet's.

    Raises ArgumentError and FormulaError.
    """
    from ..crosscheck.cells.matrix import chosen_lines
    from ..reference import load_formulas

    return tuple(formula.id for formula in chosen_lines(names or load_formulas(*formulas)))


def adapters(names: Sequence[str]) -> tuple[str, ...]:
    """Names that ``adapters.load`` takes, once each; all that are available where nothing is named.

    "torch" becomes "pytorch"; a module or a file stays as it is given. Raises AdapterError.
    """
    from ..adapters import available, load

    if not names:
        return available()
    own = {name: load(name).name for name in names}
    return tuple(dict.fromkeys(own[name] if own[name] in available() else name for name in names))
