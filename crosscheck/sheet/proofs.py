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
from ..findings import Counterexample, Label, Proof
from ..inputs.samples import Sample
from ..readings.evaluate import bar, cotangents, value
from .suspects import odd


def of(formula: Formula) -> list[Proof]:
    """The proofs of a line's printed reading and, where it is another, of its standard reading; of a refuted reading also which
    of its axes is to blame."""
    if not isinstance(formula, Map):
        return []
    found = [_proof(formula, formula.printed, role="printed")]
    if _cotangent_axes(formula, formula.printed) != _cotangent_axes(formula, formula.standard):
        found.append(_proof(formula, formula.standard, role="standard"))
    if found[0].outcome != "proved":
        found += [
            _proof(formula, formula.standard.but(**{axis.name: axis.printed}), role="standard-but", axis=axis.name)
            for axis in odd(formula)
            if axis.name in formula.accepted("vjp_body")
        ]
    return found


def _cotangent_axes(formula: Map, reading: Reading) -> dict[str, str]:
    return {axis: reading[axis] for axis in formula.accepted("vjp_body")}


def _proof(formula: Map, reading: Reading, **said: Any) -> Proof:
    """The proof at the sheet's sizes; a reading that has no value there is refuted at the first sizes where it has one."""
    unfit: dict[str, Any] = {}
    for sizes in formula.sizes:
        try:
            attempt = _attempt(formula, reading, sizes)
        except NotConformable as error:
            unfit = unfit or {"unfit": dict(sizes), "why": str(error)}
            continue
        return Proof(formula.id, dict(reading.axes), shapes=dict(sizes), **attempt, **unfit, **said)
    return Proof(formula.id, dict(reading.axes), outcome="no value", shapes=dict(formula.sheet_sizes), **unfit, **said)


def _attempt(formula: Map, reading: Reading, sizes: Sizes) -> dict[str, Any]:
    """What a proof at these sizes comes to, as fields of Proof."""
    entries = 0
    for settings in _settings(formula):
        for name, index, derived, given in _entries(formula, reading, sizes, settings):
            if derived is None:
                return {"outcome": "refuted", "of": name, "shape": list(index), "given_shape": list(given)}
            entries += 1
            if not vanishes(derived - given):
                at = {"of": name, "index": list(index), "counterexample": _counterexample(derived, given)}
                return {"outcome": "refuted", "entries": entries, **at}
    return {"outcome": "proved", "entries": entries}


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


def _counterexample(derived: Any, given: Any) -> Counterexample:
    """Small whole numbers at which the two expressions differ."""
    names = sorted(sympy.sympify(derived - given).free_symbols, key=str)
    values = {symbol: 1 + i % 3 for i, symbol in enumerate(names)}
    a, b = (f"{sympy.N(sympy.sympify(e).subs(values), 8)}" for e in (derived, given))
    return Counterexample({str(symbol): value for symbol, value in values.items()}, a, b)
