"""Stand-alone scripts: what a finding says, shown again with nothing but the framework.

The adapter writes down the framework's part. What stands here is common to all: the docstring, the inputs as exact literals,
the printed formula as source, and the comparison of what is returned with the two readings of the witness.
"""

from __future__ import annotations

import inspect
import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...adapters.contract import MapProgram, Program, Trace, TraceProgram
from ...reference.formula import Map, Optimizer
from ..arithmetic.formats import precision
from ..findings import Label, Quantity, Witness
from ..inputs.samples import TraceSample
from ..inputs.traces import WIDTH
from ..readings.evaluate import WEIGHTS
from .source import Inlined, SourceMissing
from .subject import FrameworkError, Subject, as_code

# An adapter splits the weights of a trace into two parameters: a script with one parameter of half the width gives each
# element the place in a SIMD block, or in the tail behind the last one, that it had in the campaign.
PARAMETER = WIDTH // 2

# Names that scripts give to what they compute.
TAKEN = frozenset(
    "cotangent function gradient gradients h hyper name o observed optimizer parameter rate rates rows run state step value "
    "value_and_cotangents values vjp w weights".split()
)


def script_for(subject: Subject, witness: Witness) -> str:
    """A script that needs the framework only and prints what it returns on the witness beside the two readings.

    "" where there can be none: the adapter writes no scripts, the witness is abridged, or a formula's source is not at hand.
    """
    observed = witness.observed
    if observed is None or not all(map(_is_whole, witness.inputs)):
        return ""
    place = _place(subject, witness, observed)
    try:
        body = subject.adapter.script(_program(subject, witness, place))
    except SourceMissing:
        return ""
    return "\n".join([_head(subject, witness), body.strip("\n"), "", _comparison(witness, place), ""]) if body else ""


def _is_whole(quantity: Quantity) -> bool:
    return len(quantity.hexadecimal) == math.prod(quantity.shape)


# --- programs -------------------------------------------------------------------------------------------------------


def _program(subject: Subject, witness: Witness, place: Place) -> Program:
    return _map_program(subject, witness) if isinstance(subject.formula, Map) else _trace_program(subject, witness, place)


def _map_program(subject: Subject, witness: Witness) -> MapProgram:
    assert isinstance(subject.formula, Map)
    arrays = {q.name: _literal(q, witness.dtype) for q in witness.inputs}
    cotangent = arrays.pop("cotangent")
    shown = MapProgram(
        dtype=witness.dtype,
        mode=subject.cell.mode,
        arrays=arrays,
        wrt=subject.wrt,
        cotangent=cotangent,
        output=witness.output,
    )
    if subject.native is not None:
        settings = {name: _quoted(option) for name, option in witness.settings.items()}
        return replace(shown, expression=subject.native.expression, settings=settings)
    return _over_the_namespace(shown, subject.formula, witness.settings)


def _over_the_namespace(shown: MapProgram, formula: Map, settings: Mapping[str, str]) -> MapProgram:
    """The printed forward line as code."""
    chosen = {name: formula.settings[name][option] for name, option in settings.items()}
    options = formula.chosen(as_code(formula))
    axes = {name: options[name] for name in formula.accepted("forward")}
    source = Inlined.of([formula.forward], [*chosen.values(), *axes.values()], {*TAKEN, *shown.arrays, *chosen})
    given = [name for name in inspect.signature(formula.forward).parameters if name in {*shown.arrays, *chosen}]
    named = [f"{name}={source.written(does)}" for name, does in axes.items()]
    return replace(
        shown,
        imports=tuple(source.imports),
        definitions=source.text,
        expression=f"{source.written(formula.forward)}({', '.join(given + named)})",
        settings={name: source.written(value) for name, value in chosen.items()},
    )


def _trace_program(subject: Subject, witness: Witness, place: Place) -> TraceProgram:
    formula, native = subject.formula, subject.native
    assert isinstance(formula, Optimizer)
    trace = _trace(witness)
    steps = [place.repeated(_number(float(row[0]), witness.dtype)) for row in trace.gradients]
    shown = TraceProgram(
        dtype=witness.dtype,
        mode=subject.cell.mode,
        weights=place.repeated(_number(float(trace.weights[0]), witness.dtype)),
        gradients=_listed(steps),
        rates=_listed([_number(rate) for rate in trace.rates]),
    )
    if native is not None:
        hyper = {**native.fixed, **{name: trace.hyper[name] for name in native.takes}}
        return replace(shown, expression=native.expression, hyper={name: _number(value) for name, value in hyper.items()})
    line = formula.configured(trace.hyper, formula.printed)
    options = vars(line.o)
    source = Inlined.of([formula.start, formula.update], options.values(), TAKEN)
    return replace(
        shown,
        imports=tuple(source.imports),
        definitions=source.text,
        start=source.written(formula.start),
        update=source.written(formula.update),
        hyper={name: _number(value) for name, value in vars(line.h).items() if name in source.attributes},
        options={name: source.written(does) for name, does in options.items()},
    )


def _trace(witness: Witness) -> Trace:
    """The trace of a witness, which is of one weight."""
    dtype = precision(witness.dtype).numpy
    values = {q.name: np.reshape([float.fromhex(v) for v in q.hexadecimal], q.shape) for q in witness.inputs}
    weights, gradients = (values.pop(name).astype(dtype) for name in ("w", "gradients"))
    rates = tuple(map(float, values.pop("rates")))
    return Trace(weights, gradients, rates, {name: float(value) for name, value in values.items()})


@dataclass(frozen=True)
class Place:
    """Where in a parameter the witness's one weight stands; its other elements are copies of it."""

    copies: int = 1
    column: int = 0

    def repeated(self, number: str) -> str:
        return f"[{number}]" + (f" * {self.copies}" if self.copies > 1 else "")

    @property
    def shown(self) -> str:
        return f"[{self.column}::{self.copies}]" if self.copies > 1 else ""


def _place(subject: Subject, witness: Witness, observed: Quantity) -> Place:
    """The smallest parameter in which the weight moves as it did in the campaign, to the last bit.

    Frameworks may treat the elements that fill a SIMD block otherwise than those behind the last one. Where trying it out
    would cost a compilation it is not tried.
    """
    if isinstance(subject.formula, Map) or subject.adapter.compiles:
        return Place()
    trace = _trace(witness)
    for copies, width in ((1, 1), (PARAMETER, WIDTH)):
        wide = replace(trace, weights=np.tile(trace.weights, width), gradients=np.tile(trace.gradients, (1, width)))
        try:
            weights = subject.observe(TraceSample(Label("plain"), wide))[WEIGHTS]
        except FrameworkError:
            continue
        for column in range(copies):
            if [float(v).hex() for v in weights[:, column]] == observed.hexadecimal:
                return Place(copies, column)
    return Place()


# --- literals -------------------------------------------------------------------------------------------------------

SHORT = 16  # characters up to which a number is written in decimal
LINE = 100


def _number(value: float, dtype: str = "float64") -> str:
    """A literal that is exactly this value once it has the dtype: short ones in decimal, others in hexadecimal."""
    number = precision(dtype).numpy.type(value)
    for decimal in (repr(float(str(number))), repr(value)):
        if len(decimal) <= SHORT and precision(dtype).numpy.type(float(decimal)).tobytes() == number.tobytes():
            return decimal
    return f'float.fromhex("{re.sub(r"[.]?0+p", "p", value.hex())}")'


def _literal(quantity: Quantity, dtype: str) -> str:
    """An array as nested lists of exact literals."""
    numbers = np.array([_number(float.fromhex(v), dtype) for v in quantity.hexadecimal], dtype=object)
    return _nested(np.reshape(numbers, quantity.shape).tolist())


def _nested(values: Any) -> str:
    return _listed(list(map(_nested, values))) if isinstance(values, list) else values


def _listed(items: Sequence[str], room: int = LINE - 20) -> str:
    """A list on one line, or on several where there is no room: a line an item where an item is a list."""
    line = ", ".join(items)
    if len(line) <= room:
        return f"[{line}]"
    nested = any(item.startswith("[") for item in items)
    inside = ",\n".join(items) if nested else textwrap.fill(line, LINE, break_long_words=False, break_on_hyphens=False)
    return "[\n" + textwrap.indent(f"{inside},\n", "    ") + "]"


def _quoted(word: str) -> str:
    return f'"{word}"'


# --- what is said around it -----------------------------------------------------------------------------------------


def _head(subject: Subject, witness: Witness) -> str:
    """The docstring, and what the literals need."""
    formula, versions = subject.formula, ", ".join(f"{name} {v}" for name, v in subject.adapter.versions().items())
    of = f"`{subject.native.expression}`" if subject.native else "the printed line as code"
    names = _apart(witness)
    beside = f"two readings of the line, which are separated there: {' and '.join(names)}" if len(names) > 1 else names[0]
    said = f'Prints {_place_in(witness)} of {of} beside {beside}. The line is "{formula.title}", {formula.latex}'
    text = f"{subject.cell.id}\n\n{_wrapped(said)}\n"
    text += "".join(f"{_wrapped(f'{name}: {side.why}')}\n" for name, side in zip(names, witness.sides, strict=True) if side.why)
    raw = "r" if "\\" in text else ""
    head = f'{raw}"""{text}\nSeen with {versions}.\n"""\n'
    shown = (*witness.inputs, *(side.value for side in witness.sides if side.value is not None))
    if any(not math.isfinite(float.fromhex(v)) for quantity in shown for v in quantity.hexadecimal):
        head += "\nfrom math import inf, nan\n"
    return head


def _place_in(witness: Witness) -> str:
    if witness.output == WEIGHTS and len(witness.index) == 2:
        return f"w[{witness.index[1]}] after step {witness.index[0] + 1}"
    return witness.output + (f"[{', '.join(map(str, witness.index))}]" if witness.index else "")


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)


def _apart(witness: Witness) -> list[str]:
    """The readings by the options on which they differ; one that stands alone is the nearest one."""
    readings = [side.reading for side in witness.sides]
    first, last = readings[0], readings[-1]
    differ = [axis for axis in first if last[axis] != first[axis]]
    names = [", ".join(f"{axis}={reading[axis]}" for axis in differ) for reading in readings]
    return [name or "the nearest reading" for name in names]


def _comparison(witness: Witness, place: Place) -> str:
    """What is printed: the numbers returned and those of the readings, in decimal and in hexadecimal."""
    values = _readings(witness)
    width = max(map(len, ("observed", *values)))
    what = "w after each step" if witness.output == WEIGHTS else f"{witness.output}, row by row"
    rows = "".join(textwrap.indent(f"{_quoted(name)}: {_listed(numbers)},\n", "    ") for name, numbers in values.items())
    return _COMPARISON.format(place=place.shown, rows=rows, what=f"{what}; look at {_place_in(witness)}", width=width)


def _readings(witness: Witness) -> dict[str, Sequence[str]]:
    """The readings' values, exactly, under the names of their difference; a reading without a value is left out."""
    named = zip(_apart(witness), (side.value for side in witness.sides), strict=True)
    return {name: [repr(float.fromhex(v)) for v in value.hexadecimal] for name, value in named if value is not None}


_COMPARISON = """\
rows = {{"observed": [float(v) for v in observed{place}]}}
rows |= {{
{rows}}}
print("{what}")
for name, values in rows.items():
    print(f"{{name:<{width}}}", *values)
    print(" " * {width}, *(v.hex() for v in values))
"""
