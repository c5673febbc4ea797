"""Proofs: whether a printed cotangent follows from its printed forward line, by SymPy on small symbolic shapes.

SymPy differentiates the forward body; the printed body is evaluated on the same symbols; their difference is reduced to a
rational normal form, which is zero exactly when the two agree. All symbols are positive and the first element is the one
that ``max`` selects: of an analytic line an identity there is an identity everywhere, of max and min by symmetry one off the
ties. Of ReLU it is one for positive inputs only; the rest of it is held by the adjoint identity (``checks``) on inputs of
both signs.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import sympy

from ...reference.formula import Formula, Map
from ...reference.vocabulary import Input, NotConformable, Reading, Sizes
from ..arithmetic.objects import Objects, symbol_array, symbols
from ..findings import Label, Proof
from ..inputs.samples import Sample
from ..readings.evaluate import bar, cotangents, value


def of(formula: Formula) -> list[Proof]:
    """The proofs of a line's printed reading and, where it is another, of its standard reading; of a refuted reading also which
    of its axes is to blame."""
    if not isinstance(formula, Map):
        return []
    found = [_proof(formula, formula.printed, "printed")]
    if _cotangent_axes(formula, formula.printed) != _cotangent_axes(formula, formula.standard):
        found.append(_proof(formula, formula.standard, "standard"))
    if found[0].outcome in ("refuted", "no value"):
        suspects = [axis for axis in formula.axes if axis.kind == "meaning" and axis.printed != axis.standard]
        found += [
            _proof(formula, formula.standard.but(**{axis.name: axis.printed}), f"standard but {axis.name}")
            for axis in suspects
            if axis.name in formula.accepted("vjp_body")
        ]
    return found


def _cotangent_axes(formula: Map, reading: Reading) -> dict[str, str]:
    return {axis: reading[axis] for axis in formula.accepted("vjp_body")}


def _proof(formula: Map, reading: Reading, role: Any) -> Proof:
    """The proof at the sheet's sizes; a reading that has no value there is refuted at the first sizes where it has one."""
    without_value = ""
    for sizes in formula.sizes:
        try:
            outcome, detail, counterexample = _attempt(formula, reading, sizes)
        except NotConformable as error:
            without_value = without_value or f"no value for {_sizes(sizes)}: {error}"
            continue
        detail = "; ".join(filter(None, (without_value, f"{detail} for {_sizes(sizes)}")))
        return Proof(formula.id, dict(reading.axes), role, outcome, dict(sizes), detail, counterexample)
    return Proof(formula.id, dict(reading.axes), role, "no value", dict(formula.sheet_sizes), without_value)


def _sizes(sizes: Sizes) -> str:
    return ", ".join(f"{name} = {n}" for name, n in sizes.items())


def _attempt(formula: Map, reading: Reading, sizes: Sizes) -> tuple[Any, str, str]:
    entries = 0
    for settings in _settings(formula):
        for name, index, derived, printed in _entries(formula, reading, sizes, settings):
            if derived is None:
                return "refuted", f"∂/∂{name} has shape {index}, the reading gives {printed}", ""
            entries += 1
            if not vanishes(derived - printed):
                place = f"{name}[{', '.join(map(str, index))}]" if index else name
                return "refuted", f"the cotangent of {place} differs", _counterexample(derived, printed)
    return "proved", f"all {entries} entries, all symbols positive", ""


def _settings(formula: Map) -> Iterator[dict[str, str]]:
    for options in itertools.product(*formula.settings.values()):
        yield dict(zip(formula.settings, options, strict=True))


def _entries(formula: Map, reading: Reading, sizes: Sizes, settings: Mapping[str, str]) -> Iterator[tuple[Any, ...]]:
    """For each entry of each cotangent: its name, its index, SymPy's derivative of the forward line, and what is printed."""
    xp: Objects = symbols()
    arrays = {name: positive(symbol_array(name, a.concrete(sizes))) for name, a in formula.inputs.items()}
    cotangent = positive(symbol_array("c", Input(formula.output, "").concrete(sizes)))
    sample = Sample(Label("plain"), arrays, settings, cotangent)
    objective = np.sum(cotangent * value(formula, _forward_of(formula, reading), sample, xp))
    printed = cotangents(formula, reading, sample, xp)
    for name in formula.wrt:
        body = printed[bar(name)]
        if body.shape != arrays[name].shape:
            yield name, arrays[name].shape, None, body.shape
            continue
        for index in np.ndindex(arrays[name].shape):
            yield name, index, sympy.diff(objective, arrays[name][index]), body[index]


def _forward_of(formula: Map, reading: Reading) -> Reading:
    """The forward line that a reading's cotangent must follow from: the same reading, as code reads it."""
    return reading.but(**{axis: option for axis, option in formula.as_code.items() if reading[axis] == formula.printed[axis]})


def positive(array: np.ndarray) -> np.ndarray:
    """The same symbols, assumed positive."""
    named = np.frompyfunc(lambda symbol: sympy.Symbol(symbol.name, positive=True), 1, 1)
    return np.asarray(named(array), dtype=object)


def vanishes(expression: Any) -> bool:
    """Whether an expression is zero for all values of its symbols, by its rational normal form."""
    expression = sympy.sympify(expression)
    return expression == 0 or sympy.cancel(sympy.together(expression)) == 0


def _counterexample(derived: Any, printed: Any) -> str:
    """Small whole numbers at which the two expressions differ."""
    names = sorted(sympy.sympify(derived - printed).free_symbols, key=str)
    values = {symbol: sympy.Integer(1 + i % 3) for i, symbol in enumerate(names)}
    a, b = (sympy.N(sympy.sympify(e).subs(values), 8) for e in (derived, printed))
    where = ", ".join(f"{symbol}={value}" for symbol, value in values.items())
    return f"at {where}: the derivative is {a}, the reading gives {b}"
