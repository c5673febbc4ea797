"""A formula as source that stands alone: its functions, what its options do, and all that they refer to."""

from __future__ import annotations

import ast
import builtins
import dataclasses
import inspect
import math
import sys
import textwrap
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import FunctionType, ModuleType
from typing import Any


class SourceMissing(Exception):
    """A formula is made of something that cannot be written down: a lambda, a closure, or code without a file."""


@dataclass
class Inlined:
    """The source of functions and values with what they refer to, in the order of definition.

    The namespace ``xp`` is global in it, not an argument; annotations are left out. ``home`` is the package of the formula's
    own code, from which nothing is imported; ``taken`` are names that the script around it uses; ``asked`` are the attributes
    that are asked for anywhere in the source: what a record (a NamedTuple or dataclass of functions and numbers) has beside
    them is left out.
    """

    home: str
    taken: Collection[str] = ()
    asked: frozenset[str] = frozenset()
    imports: set[str] = field(default_factory=set)
    definitions: dict[str, str] = field(default_factory=dict)
    names: dict[Any, str] = field(default_factory=dict)  # function, class, or module and name of a constant -> its name here
    attributes: set[str] = field(default_factory=set)

    @classmethod
    def of(
        cls, functions: Collection[Callable[..., Any]], values: Collection[Any] = (), taken: Collection[str] = ()
    ) -> Inlined:
        """All functions and values, without those parts of records that none of them asks for."""
        home, asked = next(iter(functions)).__module__.partition(".")[0], frozenset()
        while True:
            inlined = cls(home, taken, asked)
            for thing in (*functions, *values):
                inlined.written(thing)
            if inlined.attributes == asked:
                return inlined
            asked = frozenset(inlined.attributes)  # what is left out asks for nothing: it only grows

    @property
    def text(self) -> str:
        """The definitions, over the imports."""
        return "".join(f"\n\n{block}" for block in self.definitions.values()) + "\n"

    def written(self, value: Any) -> str:
        """An expression for a value, all that it needs being defined."""
        if isinstance(value, FunctionType | type) and self._is_own(value):
            return self._defined(value)
        if hasattr(value, "__module__") and hasattr(value, "__name__"):
            return self._imported(value)
        if isinstance(value, partial):
            return f"{self._imported(partial)}({self._arguments((value.func, *value.args), value.keywords)})"
        if hasattr(value, "_fields") or dataclasses.is_dataclass(value):
            return f"{self.written(type(value))}({self._arguments((), dict(self._parts(value)))})"
        if isinstance(value, tuple | list):
            inside = ", ".join(map(self.written, value)) + ("," if isinstance(value, tuple) and len(value) == 1 else "")
            return f"({inside})" if isinstance(value, tuple) else f"[{inside}]"
        if isinstance(value, dict):
            return f"{{{', '.join(f'{self.written(key)}: {self.written(one)}' for key, one in value.items())}}}"
        if isinstance(value, float) and not math.isfinite(value):
            return f'float("{value}")'
        if value is None or isinstance(value, bool | int | float | str):
            return repr(value)
        raise SourceMissing(repr(value))

    def _arguments(self, args: Collection[Any], named: Mapping[str, Any]) -> str:
        return ", ".join([*map(self.written, args), *(f"{name}={self.written(value)}" for name, value in named.items())])

    def _parts(self, record: Any) -> Iterator[tuple[str, Any]]:
        """The parts of a record that are asked for and not the default; None for others that it cannot be made without."""
        if dataclasses.is_dataclass(record):
            defaults = {f.name: f.default for f in dataclasses.fields(record)}
        else:
            defaults = {name: record._field_defaults.get(name, dataclasses.MISSING) for name in record._fields}
        for name, default in defaults.items():
            if name not in self.asked:
                yield from [(name, None)] if default is dataclasses.MISSING else []
            elif (part := getattr(record, name)) is not default:
                yield name, part

    def _is_own(self, thing: Any) -> bool:
        return thing.__module__.partition(".")[0] in (self.home, __name__.partition(".")[0])

    def _imported(self, thing: Any) -> str:
        self.imports.add(f"from {thing.__module__} import {thing.__name__}")
        return thing.__name__

    def _defined(self, thing: Any) -> str:
        """Write a function or a class down after what it refers to; its name here."""
        if thing in self.names:
            return self.names[thing]
        name = self.names[thing] = self._name(thing.__name__, thing.__module__)
        tree = _Plain().visit(_parsed(thing))
        tree.name = name
        self.attributes |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        outer = getattr(thing, "__globals__", None) or vars(sys.modules[thing.__module__])
        renamed = {used: self._refer(used, outer[used], thing.__module__) for used in _free_names(tree) if used in outer}
        self.definitions[name] = ast.unparse(_Renamed(renamed).visit(ast.fix_missing_locations(tree))) + "\n"
        return name

    def _name(self, name: str, module: str) -> str:
        used = {*self.names.values(), *self.taken}
        return name if name not in used else f"{name}_of_{module.rpartition('.')[2]}"

    def _refer(self, name: str, value: Any, module: str) -> str:
        """Make a global of a module known here; the name it has here."""
        if isinstance(value, ModuleType):
            self.imports.add(f"import {value.__name__}" + (f" as {name}" if name != value.__name__ else ""))
            return name
        if hasattr(value, "__module__") and hasattr(value, "__name__"):
            return self.written(value)
        if (module, name) not in self.names:
            constant = self.written(value)
            here = self.names[module, name] = self._name(name, module)
            self.definitions[here] = f"{here} = {constant}\n"
        return self.names[module, name]


def _parsed(thing: Any) -> Any:
    if getattr(thing, "__closure__", None):
        raise SourceMissing(f"{thing.__qualname__} is a closure")
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
    bound |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    yield from dict.fromkeys(node.id for node in names if node.id not in bound)


class _Plain(ast.NodeTransformer):
    """Without the argument ``xp``, and without annotations; the fields of a class must have one, so that it is a plain one."""

    def visit_arguments(self, node: ast.arguments) -> ast.AST:
        node.posonlyargs = [a for a in node.posonlyargs if a.arg != "xp"]
        node.args = [a for a in node.args if a.arg != "xp"]
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        plain = isinstance(node.annotation, ast.Name) and hasattr(builtins, node.annotation.id)
        node.annotation = node.annotation if plain else ast.Name("object", ast.Load())
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, str):
            node.value = node.value.replace("(xp, ", "(")
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        node.args = [a for a in node.args if not (isinstance(a, ast.Name) and a.id == "xp")]
        return self.generic_visit(node)


class _Renamed(ast.NodeTransformer):
    def __init__(self, names: Mapping[str, str]):
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self.names.get(node.id, node.id)
        return node
