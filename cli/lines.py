"""List the lines of the sheet, and those beyond it."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from .selection import formula_argument
from .status import FINE

if TYPE_CHECKING:
    from ..reference import Formula

SUMMARY = "list the lines of the sheet, and those beyond it"
EXAMPLES = (
    "gradspec lines",
    "gradspec lines --json",
    "gradspec lines --formula ./lion.py",
)
BEYOND = "Beyond the sheet, from their papers"
OWN = "Formulas of one's own"
LEGEND = "≠  the printed reading is not the standard one; in brackets, the options of an axis"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="an array of objects, for programs")
    formula_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    from ..reference import catalogue

    formulas = list(catalogue(beyond=True).values())
    if arguments.json:
        print(json.dumps([_described(formula) for formula in formulas], indent=1, ensure_ascii=False))
    else:
        print("\n".join(_table(formulas)))
    return FINE


def _described(formula: Formula) -> dict[str, Any]:
    return {
        "number": formula.number,
        "id": formula.id,
        "on_the_sheet": formula.on_the_sheet,
        "title": formula.title,
        "latex": formula.latex,
        "standard_latex": formula.standard_latex,
        "printed": dict(formula.printed.axes),
        "standard": dict(formula.standard.axes),
        "axes": {axis.name: list(axis.names) for axis in formula.axes},
    }


def _table(formulas: list[Formula]) -> list[str]:
    rows = [
        (
            str(formula.number or ""),
            "≠" if formula.printed != formula.standard else " ",
            formula.id,
            formula.title,
            ", ".join(f"{axis.name} [{len(axis.options)}]" for axis in formula.axes),
        )
        for formula in formulas
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    shown = [f"{row[0]:>{widths[0]}} {row[1]} {row[2]:{widths[2]}}  {row[3]:{widths[3]}}  {row[4]}".rstrip() for row in rows]
    places = [_place(formula) for formula in formulas]
    sheet, beyond, own = ([row for row, place in zip(shown, places, strict=True) if place == n] for n in range(3))
    return [*sheet, "", BEYOND, "", *beyond, *(["", OWN, "", *own] if own else []), "", LEGEND]


def _place(formula: Formula) -> int:
    """0 on the sheet, 1 beyond it, 2 for a formula of one's own."""
    from ..reference.catalogue import own_formulas

    return 2 if formula.id in own_formulas() else 0 if formula.on_the_sheet else 1
