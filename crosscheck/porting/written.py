"""Code to paste: a target's expression with its values, its imports, and the runnable equivalent of a reading."""

from __future__ import annotations

import ast
import inspect
import json
import math
from collections.abc import Mapping
from typing import Any

from ...adapters.box import RATE_NAMES
from ...adapters.contract import Adapter, Framework
from ...reference.catalogue import source_of
from ...reference.formula import Optimizer
from ...reference.vocabulary import Reading
from .offers import Offer, called
from .rules import RATE, Translation, evaluated, names_in
from .source import Source

WIDTH = 88
SHORT = 12  # characters of a number that is written as one; a longer one is written as it came about
PARAMETERS = "params"
LEARNING_RATE = "learning_rate"  # stands for a rate that nobody has named


def substituted(expression: str, values: Mapping[str, str]) -> str:
    """An expression with source text in the place of names."""
    return ast.unparse(_put(ast.parse(expression, mode="eval").body, values))


def code(adapter: Adapter, source: Source, offer: Offer, translation: Translation) -> str:
    """The target as a user writes it: imports, then ``optimizer = …``."""
    written = _written(adapter, source, offer, translation)
    return f"{_imports(adapter, written)}\n\noptimizer = {_laid_out(written)}\n"


def expression(adapter: Adapter, source: Source, offer: Offer, translation: Translation) -> str:
    """The same on one line, without the imports."""
    return _double_quoted(ast.unparse(_written(adapter, source, offer, translation)))


def _written(adapter: Adapter, source: Source, offer: Offer, translation: Translation) -> ast.expr:
    values = {name: literal(rule, source) for name, rule in translation.rules.items()}
    fixed = {name: repr(value) for name, value in offer.fixed.items()}
    return _put(_RateNamed(adapter).visit(offer.tree), {**fixed, **values, "w": PARAMETERS})


def literal(rule: str, source: Source) -> str:
    """What a rule comes to: as a number where that is short, else as the expression that gives it."""
    values, rate = source.configured.values, source.rate
    names = {name: repr(value) for name, value in values.items()} | {RATE: LEARNING_RATE if rate is None else repr(rate)}
    if rate is None and RATE in names_in(rule):
        return substituted(rule, names)
    number = repr(float(evaluated(rule, math, values, rate)))
    return number if len(number) <= SHORT or "sqrt" in rule else substituted(rule, names)


def runnable(framework: Framework, source: Source, factory: Any) -> str:
    """Code for a reading itself, as a real optimizer of the target, by gradspec."""
    setting, rate = source.configured, source.rate
    values = {h.name: repr(setting.values[h.name]) for h in setting.used}
    rate_name = next((n for n in inspect.signature(factory).parameters if n in RATE_NAMES), LEARNING_RATE)
    first = [PARAMETERS] if PARAMETERS in inspect.signature(factory).parameters else []
    named = {rate_name: LEARNING_RATE if rate is None else repr(rate), **values}
    arguments = ", ".join([*first, *(f"{name}={value}" for name, value in named.items())])
    return (
        f"from gradspec.adapters import framework\n{_found(setting.line)}"
        f"reading = formula.{_laid_out(ast.parse(_reading(setting.line, setting.reading), mode='eval').body)}\n"
        f'make = framework("{framework.name}").realise(formula, reading)\n'
        f"optimizer = make({arguments})\n"
    )


def _found(formula: Optimizer) -> str:
    """How a program comes by a formula: by its id, or from the file or module that holds it."""
    name, made = "line", f'line("{formula.id}")'
    if given := source_of(formula):
        name, made = "load_formulas", f'load_formulas({json.dumps(given)})["{formula.id}"]'
    return f"from gradspec.reference import {name}\n\nformula = {made}\n"


def _reading(line: Optimizer, reading: Reading) -> str:
    """The shortest way to name a reading."""
    role = min(("standard", "printed"), key=lambda role: len(getattr(line, role).difference(reading)))
    changed = getattr(line, role).difference(reading)
    return f"reading({', '.join([repr(role), *(f'{axis}={option!r}' for axis, (_, option) in changed.items())])})"


class _RateNamed(ast.NodeTransformer):
    """The rate as a keyword, where a call takes it by position."""

    def __init__(self, adapter: Adapter):
        self._adapter = adapter

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        if not node.args or ast.unparse(node.args[-1]) != RATE:
            return node
        taken = list(inspect.signature(called(self._adapter, node)).parameters)
        *others, rate = node.args
        return ast.Call(node.func, others, [ast.keyword(taken[len(others)], rate), *node.keywords])


class _Names(ast.NodeTransformer):
    def __init__(self, values: Mapping[str, str]):
        self._values = values

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.parse(self._values[node.id], mode="eval").body if node.id in self._values else node


def _put(tree: ast.expr, values: Mapping[str, str]) -> ast.expr:
    return _Names(values).visit(tree)


def _imports(adapter: Adapter, tree: ast.expr) -> str:
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    rows = [(name, module) for name, module in adapter.modules.items() if name in used]
    return "\n".join(f"import {module}" + (f" as {name}" if name != module else "") for name, module in rows)


def _laid_out(tree: ast.expr, indent: str = "") -> str:
    """An expression on one line, or a call with an argument a line where that is too long."""
    text = ast.unparse(tree)
    if len(indent + text) <= WIDTH or not isinstance(tree, ast.Call):
        return _double_quoted(text)
    inner = indent + "    "
    parts = [_laid_out(argument, inner) for argument in tree.args]
    parts += [f"{keyword.arg}={_laid_out(keyword.value, inner)}" for keyword in tree.keywords]
    return _double_quoted(f"{ast.unparse(tree.func)}(\n" + "".join(f"{inner}{part},\n" for part in parts) + f"{indent})")


def _double_quoted(text: str) -> str:
    return text if '"' in text else text.replace("'", '"')
