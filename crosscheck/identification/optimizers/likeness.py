"""Which of the frameworks' own optimizers are the same: those for which an adapter claims the reading that was found."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from functools import cache

from ....adapters.contract import Adapter, Native
from ....adapters.discovery import available, framework
from ....reference.catalogue import line as line_named
from ....reference.formula import Optimizer
from ...answers import Bound
from .naming import Name


def alike(name: Name, hyperparameters: Mapping[str, Bound]) -> list[str]:
    """The calls of those that do the same at equal values, each with the arguments that choose its reading:
    ``torch.optim.SGD(nesterov=True)``. ``hyperparameters`` are those that were found."""
    wanted = name.line.function_of(name.configured)
    needed = {h.name for h in name.line.used_by(wanted)}
    found: dict[str, list[ast.Call]] = {}
    for adapter, native in _natives(name.line.family):
        line = line_named(native.line)
        same = line.function_of(line.reading("printed", **native.claim)) == wanted
        fixed = all(h in hyperparameters and hyperparameters[h].value == native.fixed[h] for h in needed & {*native.fixed})
        call = _simple(native, needed)
        if call is not None and same and fixed and needed <= {*native.takes, *native.fixed}:
            found.setdefault(_function(adapter, call), []).append(call)
    return [_written(function, calls) for function, calls in found.items()]


@cache
def _natives(family: str) -> list[tuple[Adapter, Native]]:
    adapters = (one for one in map(framework, available()) if isinstance(one, Adapter))
    return [(one, native) for one in adapters for native in one.natives if _is_of(native, family)]


def _is_of(native: Native, family: str) -> bool:
    line = line_named(native.line)
    return isinstance(line, Optimizer) and line.family == family


def _simple(native: Native, needed: Collection[str]) -> ast.Call | None:
    """The call, where it is a single one, and none of the hyperparameters goes by the name of another in it."""
    tree = ast.parse(native.expression, mode="eval").body
    single = sum(isinstance(node, ast.Call) for node in ast.walk(tree)) == 1
    plain = isinstance(tree, ast.Call) and not any(keyword.partition("=")[0] in needed for keyword in _constants(tree))
    return tree if isinstance(tree, ast.Call) and single and plain else None


def _function(adapter: Adapter, call: ast.Call) -> str:
    root, _, rest = ast.unparse(call.func).partition(".")
    return f"{adapter.modules.get(root, root)}.{rest}"


def _written(function: str, calls: list[ast.Call]) -> str:
    """The call with the constants that all of them have; the others are forms of one function."""
    common = set.intersection(*({*_constants(call)} for call in calls))
    return f"{function}({', '.join(sorted(common))})" if common else function


def _constants(call: ast.Call) -> Iterator[str]:
    yield from (ast.unparse(keyword) for keyword in call.keywords if isinstance(keyword.value, ast.Constant))
