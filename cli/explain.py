"""Explain one line: what it prints, what it takes, how else it is read, and who ships it."""

from __future__ import annotations

import argparse
import math
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .selection import formula_argument
from .status import FINE

if TYPE_CHECKING:
    from ..adapters import Adapter, Native
    from ..reference import Axis, Formula, Map, Optimizer
    from ..reference.vocabulary import Hyperparameter

SUMMARY = "explain one line and its readings"
EXAMPLES = (
    "gradspec explain adam",
    "gradspec explain logistic.loss",
    "gradspec explain lion --formula ./lion.py",
)
WIDTH = 100


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("line", metavar="LINE", help="its id, such as optimizer.adam, or its last name, such as adam")
    formula_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    from ..adapters import available, load
    from ..reference import line

    formula = line(arguments.line)
    parts = [
        list(_head(formula)),
        list(_arguments(formula)),
        list(_axes(formula)),
        list(_words(formula)),
        *(list(_natives(load(name), formula)) for name in available()),
    ]
    print("\n\n".join("\n".join(part) for part in parts if part))
    return FINE


def _head(formula: Formula) -> Iterator[str]:
    from .mathtext import readable

    place = f"line {formula.number}" if formula.on_the_sheet else "beyond the sheet"
    yield f"{formula.id} · {place} · {formula.title}"
    yield ""
    yield _item("printed", readable(formula.latex), 10)
    if formula.standard_latex:
        yield _item("standard", readable(formula.standard_latex), 10)
    yield _item("LaTeX", formula.latex, 10)


def _arguments(formula: Formula) -> Iterator[str]:
    from ..reference import Map, Optimizer

    if isinstance(formula, Map):
        yield from _inputs(formula)
    elif isinstance(formula, Optimizer):
        yield from _hyperparameters(formula)


def _inputs(formula: Map) -> Iterator[str]:
    rows = [(f"{name} {_shape(one.shape)}", one.meaning) for name, one in formula.inputs.items()]
    rows.append((f"value {_shape(formula.output)}", f"domain: {formula.domain}"))
    rows += [(name, f"a setting, one of {', '.join(options)}") for name, options in formula.settings.items()]
    yield "Takes"
    yield from _rows(rows)


def _hyperparameters(formula: Optimizer) -> Iterator[str]:
    yield "Takes w and g of one shape, a rate at each step, and"
    yield from _rows(
        (hyper.name, f"{hyper.meaning}; {_interval(hyper)}; {hyper.default:g} by default{_also(hyper)}")
        for hyper in formula.hyperparameters
    )


def _also(hyper: Hyperparameter) -> str:
    return f"; elsewhere {', '.join(hyper.aliases)}" if hyper.aliases else ""


def _interval(hyper: Hyperparameter) -> str:
    below = f" < {hyper.high:g}" if math.isfinite(hyper.high) else ""
    return f"{hyper.low:g} ≤ {hyper.name}{below}"


def _axes(formula: Formula) -> Iterator[str]:
    questions = {erratum.axis: erratum.question for erratum in formula.errata}
    for i, axis in enumerate(formula.axes):
        if i:
            yield ""
        kind = "the same function, rounded differently" if axis.kind == "evaluation" else "different functions"
        yield _item(f"Axis {axis.name}:", questions.get(axis.name, kind), 0, indent="")
        yield from _options(axis)
        if axis.source:
            yield _item("source:", axis.source, 0)
    if formula.axes:
        yield "  (P: printed, S: standard)"


def _options(axis: Axis) -> Iterator[str]:
    from .mathtext import readable

    width = max(len(name) for name in axis.names)
    for option in axis.options:
        roles = [role for role, name in (("printed", axis.printed), ("standard", axis.standard)) if name == option.name]
        mark = {"printed": "P ", "standard": " S", "printed standard": "PS"}.get(" ".join(roles), "  ")
        formula = f"   [{readable(option.latex)}]" if option.latex else ""
        yield _item(f"{mark} {option.name:{width}}", option.meaning + formula, width + 3)


def _words(formula: Formula) -> Iterator[str]:
    mnemonic = getattr(formula, "mnemonic", None)
    words = {"mnemonic": mnemonic.words if mnemonic else "", "notes": formula.notes, "source": formula.source}
    for name, text in words.items():
        if text:
            yield _item(name, text, 10)


def _natives(adapter: Adapter, formula: Formula) -> Iterator[str]:
    natives = [native for native in adapter.natives if native.line == formula.id]
    if not natives:
        return
    yield f"In {adapter.name} (claimed, where it departs from the print)"
    width = max(len(native.name) for native in natives)
    for native in natives:
        yield _item(f"{native.name:{width}}", _claim(native), width)


def _claim(native: Native) -> str:
    return ", ".join(f"{axis}={option}" for axis, option in native.claim.items()) or "as printed"


def _rows(rows: Iterator[tuple[str, str]] | list[tuple[str, str]]) -> Iterator[str]:
    rows = list(rows)
    width = max((len(name) for name, _ in rows), default=0)
    return (_item(name, text, width) for name, text in rows)


def _item(name: str, text: str, width: int, indent: str = "  ") -> str:
    """A name and its text, wrapped so that the text stands in a column of its own."""
    head = f"{indent}{name:{width}}  " if width else f"{indent}{name} "
    hang = " " * len(head) if width else indent + "  "
    return textwrap.fill(
        text, WIDTH, initial_indent=head, subsequent_indent=hang, break_long_words=False, break_on_hyphens=False
    )


def _shape(shape: tuple[str | int, ...]) -> str:
    return f"({', '.join(str(n) for n in shape)}{',' if len(shape) == 1 else ''})"
