"""Stand-alone scripts: what a finding says, shown again with nothing but the framework.

The adapter writes down the framework's part. What stands here is common to all: the docstring, the inputs as exact literals,
the printed formula as source, and the comparison of what is returned with the two readings of the witness.
"""

from __future__ import annotations

import ast
import inspect
import math
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from ...adapters.contract import MapProgram, Program, Trace, TraceProgram
from ...reference.formula import Map, Optimizer
from ...reference.vocabulary import Reading
from ..arithmetic.formats import precision
from ..findings import Label, Quantity, Witness
from ..inputs.samples import TraceSample
from ..inputs.traces import WIDTH
from .subject import FrameworkError, Subject, as_code

# An adapter splits the weights of a trace into two parameters: a script with one parameter of half the width gives each
# element the place in a SIMD block, or in the tail behind the last one, that it had in the campaign.
PARAMETER = WIDTH // 2


def script_for(subject: Subject, witness: Witness) -> str:
    """A script that needs the framework only and prints what it returns on the witness beside the two readings.

    "" where there can be none: the adapter writes no scripts, the witness is abridged, or a formula's source is not at hand.
    """
    observed = next((q for q in witness.values if q.name == "observed"), None)
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
    expression, definitions = _map_source(subject, {*arrays, *witness.settings})
    return MapProgram(
        dtype=witness.dtype,
        mode=subject.cell.mode,
        definitions=definitions,
        expression=expression,
        arrays=arrays,
        settings={name: _quoted(value) for name, value in witness.settings.items()},
        wrt=subject.wrt,
        cotangent=cotangent,
        output=_output(witness),
    )


def _map_source(subject: Subject, given: set[str]) -> tuple[str, str]:
    """The expression over the inputs, and the definitions it needs."""
    if subject.native is not None:
        return subject.native.expression, ""
    formula = subject.formula
    assert isinstance(formula, Map)
    source, reading = Inlined.of(formula.forward), as_code(formula)
    arguments = [name for name in inspect.signature(formula.forward).parameters if name in given]
    axes = [f"{name}={_quoted(reading[name])}" for name in formula.accepted("forward")]
    return f"{source.name(formula.forward)}({', '.join(arguments + axes)})", source.text


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
    source = Inlined.of(formula.start, formula.update)
    named = formula.configured(trace.hyper, formula.printed)._named
    return replace(
        shown,
        definitions=source.text,
        start=source.name(formula.start),
        update=source.name(formula.update),
        hyper={name: _number(value) for name, value in named.items() if not isinstance(value, str)},
        axes={name: _quoted(value) for name, value in named.items() if isinstance(value, str)},
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
            weights = subject.observe(TraceSample(Label("plain"), wide))["w"]
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


# --- the formula as source ------------------------------------------------------------------------------------------


class SourceMissing(Exception):
    """A formula is made of something that cannot be written down: a lambda, or code without a file."""


@dataclass
class Inlined:
    """The source of functions of the reference with what they refer to, in the order of definition.

    The namespace ``xp`` is global in it, not an argument; annotations are left out.
    """

    imports: dict[str, None] = field(default_factory=dict)
    definitions: dict[str, str] = field(default_factory=dict)
    names: dict[Any, str] = field(default_factory=dict)  # function or class -> its name here

    @classmethod
    def of(cls, *functions: Callable[..., Any]) -> Inlined:
        inlined = cls()
        for function in functions:
            inlined._define(function)
        return inlined

    @property
    def text(self) -> str:
        imports = "".join(f"{line}\n" for line in self.imports)
        return imports + "".join(f"\n\n{block}" for block in self.definitions.values()) + "\n"

    def name(self, function: Any) -> str:
        return self.names[function]

    def _define(self, thing: Any) -> str:
        """Write a function or a class down after what it refers to; its name here."""
        if thing in self.names:
            return self.names[thing]
        taken = set(self.names.values())
        name = self.names[thing] = thing.__name__ if thing.__name__ not in taken else _qualified(thing)
        tree = _Plain().visit(_parsed(thing))
        tree.name = name
        outer = vars(inspect.getmodule(thing))
        renamed = {used: self._refer(used, outer[used]) for used in _free_names(tree) if used in outer}
        self.definitions[name] = ast.unparse(_Renamed(renamed).visit(ast.fix_missing_locations(tree))) + "\n"
        return name

    def _refer(self, name: str, value: Any) -> str:
        """Make a global of the reference known here; the name it has here."""
        if isinstance(value, ModuleType):
            self.imports[f"import {value.__name__}" + (f" as {name}" if name != value.__name__ else "")] = None
        elif isinstance(value, FunctionType | type) and value.__module__.partition(".")[0] == __name__.partition(".")[0]:
            return self._define(value)
        elif hasattr(value, "__module__") and hasattr(value, "__name__"):
            self.imports[f"from {value.__module__} import {value.__name__}"] = None
        elif name == "Any":  # no class before Python 3.11
            self.imports["from typing import Any"] = None
        else:
            self.definitions[name] = f"{name} = {value!r}\n"
        return name


def _qualified(thing: Any) -> str:
    return f"{thing.__name__}_of_{thing.__module__.rpartition('.')[2]}"


def _parsed(thing: Any) -> Any:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(thing))).body[0]
    except (OSError, TypeError, SyntaxError) as error:
        raise SourceMissing(str(thing)) from error
    if not isinstance(tree, ast.FunctionDef | ast.ClassDef):
        raise SourceMissing(str(thing))
    return tree


def _free_names(tree: ast.AST) -> Iterator[str]:
    """The names that a definition reads and does not bind itself."""
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    bound = {node.id for node in names if not isinstance(node.ctx, ast.Load)}
    bound |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    yield from dict.fromkeys(node.id for node in names if node.id not in bound)


class _Plain(ast.NodeTransformer):
    """Without the argument ``xp``, and functions without annotations."""

    def visit_arguments(self, node: ast.arguments) -> ast.AST:
        node.posonlyargs = [a for a in node.posonlyargs if a.arg != "xp"]
        node.args = [a for a in node.args if a.arg != "xp"]
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        node.args = [a for a in node.args if not (isinstance(a, ast.Name) and a.id == "xp")]
        return self.generic_visit(node)


class _Renamed(ast.NodeTransformer):
    def __init__(self, names: Mapping[str, str]):
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self.names.get(node.id, node.id)
        return node


# --- what is said around it -----------------------------------------------------------------------------------------


def _head(subject: Subject, witness: Witness) -> str:
    """The docstring, and what the literals need."""
    formula, versions = subject.formula, ", ".join(f"{name} {v}" for name, v in subject.adapter.versions().items())
    of = f"`{subject.native.expression}`" if subject.native else "the printed line as code"
    names = _apart(witness)
    beside = f"two readings of the line, which part there: {' and '.join(names)}" if len(names) > 1 else names[0]
    said = f'Prints {witness.where} of {of} beside {beside}. The line is "{formula.title}", {formula.latex}'
    text = f"{subject.cell.id}\n\n{_wrapped(said)}\n"
    text += "".join(f"{_wrapped(remark)}\n" for remark in witness.remarks)
    raw = "r" if "\\" in text else ""
    head = f'{raw}"""{text}\nSeen with {versions}.\n"""\n'
    numbers = [v for q in (*witness.inputs, *witness.values) if q.name != "observed" for v in q.hexadecimal]
    if any(not math.isfinite(float.fromhex(v)) for v in numbers):
        head += "\nfrom math import inf, nan\n"
    return head


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)


def _output(witness: Witness) -> str:
    name = re.match(r"\w+", witness.where)
    assert name is not None
    return name[0]


def _apart(witness: Witness) -> list[str]:
    """The readings by the options on which they differ; one that stands alone is the nearest one."""
    first, last = witness.separates[0], witness.separates[-1]
    differ = [axis for axis in first if last[axis] != first[axis]]
    names = [", ".join(f"{axis}={reading[axis]}" for axis in differ) for reading in witness.separates]
    return [name or "the nearest reading" for name in names]


def _comparison(witness: Witness, place: Place) -> str:
    """What is printed: the numbers returned and those of the readings, in decimal and in hexadecimal."""
    values = _readings(witness)
    width = max(map(len, ("observed", *values)))
    what = "w after each step" if "after step" in witness.where else f"{_output(witness)}, row by row"
    rows = "".join(textwrap.indent(f"{_quoted(name)}: {_listed(numbers)},\n", "    ") for name, numbers in values.items())
    return _COMPARISON.format(place=place.shown, rows=rows, what=f"{what}; look at {witness.where}", width=width)


def _readings(witness: Witness) -> dict[str, Sequence[str]]:
    """The readings' values, exactly, under the names of their difference; a reading without a value is left out."""
    full = [str(Reading(tuple(reading.items()))) for reading in witness.separates]
    short = dict(zip(full, _apart(witness), strict=True))
    quantities = [q for q in witness.values if q.name != "observed"]
    return {short[q.name]: [repr(float.fromhex(v)) for v in q.hexadecimal] for q in quantities}


_COMPARISON = """\
rows = {{"observed": [float(v) for v in observed{place}]}}
rows |= {{
{rows}}}
print("{what}")
for name, values in rows.items():
    print(f"{{name:<{width}}}", *values)
    print(" " * {width}, *(v.hex() for v in values))
"""
