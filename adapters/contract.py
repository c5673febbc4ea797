"""What an adapter is: the seam between the engine and a framework. Nothing here imports one.

An adapter names a framework, lists its natives as data, and knows four things: the framework's array namespace, how to
differentiate a function of named arrays backwards and forwards, and how to run one of its optimizers on a trace.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import inspect
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import CodeType
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

import numpy as np

from .box import RATE_NAMES, Box
from .errors import Unsupported

if TYPE_CHECKING:
    from ..reference.formula import Optimizer
    from ..reference.vocabulary import Reading

DERIVED: Final = "derived"
NATIVE: Final = "native"

# What the namespace of the derived route must offer: the names that printed lines, and formulas of one's own, are written in.
NAMES: Final = (
    *("exp", "log", "log1p", "sqrt", "tanh", "sign", "abs", "maximum", "where"),
    *("sum", "prod", "max", "min", "ones_like", "zeros_like"),
)


@dataclass(frozen=True)
class Limitation:
    """A known fault of the installed framework that no reading describes: expected, confirmed in every run, never hidden.

    ``verdict`` is what its cells come out as: "defect", or "not-run" where running it would endanger the process. A cell with
    a limitation that comes out otherwise is ``stale``. ``source`` is the maintainers' own word on it. ``instead`` says what a
    number is where it is not the claimed reading's: from a trace, or the arrays of a map by name, to arrays like the ones
    observed. Another wrong number is not this limitation, and not excused by it.
    """

    verdict: str
    what: str
    source: str
    dtypes: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    instead: Callable[[Any], Mapping[str, np.ndarray]] | None = None

    def covers(self, dtype: str, mode: str) -> bool:
        return dtype in (self.dtypes or (dtype,)) and mode in (self.modes or (mode,))


@dataclass(frozen=True, eq=False)
class Native:
    """Something the framework itself ships for a line, and the reading that the adapter claims for it.

    ``expression`` is what a user would write, over the line's inputs (or, for an optimizer, over ``w``, ``rate`` and the
    hyperparameters in ``takes``) and the adapter's ``modules``. ``claim`` holds the axes on which the reading differs from
    the printed one. ``symbol`` is the dotted name whose absence from the installed version makes the cell ``absent``;
    without it, it is read off the expression. ``sizes`` restricts the shape buckets, ``dtypes`` and ``modes`` the matrix,
    each with its reason in ``limits``. ``source`` is where the framework documents it.
    """

    line: str
    name: str
    expression: str
    claim: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    takes: tuple[str, ...] = ()
    fixed: Mapping[str, float] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    dtypes: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    wrt: tuple[str, ...] = ()
    limits: str = ""
    notes: str = ""
    known: tuple[Limitation, ...] = ()

    def __repr__(self) -> str:
        return f"<native {self.line}: {self.name}>"

    def limitation(self, dtype: str, mode: str) -> Limitation | None:
        return next((known for known in self.known if known.covers(dtype, mode)), None)

    @property
    def code(self) -> CodeType:
        return compile(self.expression, f"<{self.name}>", "eval")


@dataclass(frozen=True)
class Trace:
    """A sequence of optimizer steps, fed open loop: the gradients do not depend on the weights.

    ``weights``: (d,) before the first step; ``gradients``: (steps, d); ``rates``: one step size a step; ``hyper``: the
    optimizer's scalars by name. Arrays have the dtype under test; scalars are Python floats.
    """

    weights: np.ndarray
    gradients: np.ndarray
    rates: tuple[float, ...]
    hyper: Mapping[str, float]

    @property
    def steps(self) -> int:
        return len(self.rates)


class Pullback(NamedTuple):
    """A function's value, and the cotangent of each differentiated argument."""

    value: np.ndarray
    cotangents: Mapping[str, np.ndarray]


class Pushforward(NamedTuple):
    """A function's value, and its tangent."""

    value: np.ndarray
    tangent: np.ndarray


@dataclass(frozen=True)
class MapProgram:
    """What a stand-alone script of a map has to do: evaluate ``expression`` and pull ``cotangent`` back to ``wrt``.

    All values are source text: ``arrays`` and ``cotangent`` nested lists of exact literals, to be made arrays of ``dtype``;
    ``settings`` plain variables. ``definitions`` is the source that the expression needs, over a global namespace ``xp`` and
    ``imports``, a statement each; ``expression`` is over the names of the arrays and settings, and a native's over the
    adapter's modules. ``output`` is what to leave in ``observed``: "value", or "x_bar" for the cotangent of x.
    """

    dtype: str
    mode: str
    arrays: Mapping[str, str]
    wrt: tuple[str, ...]
    cotangent: str
    output: str
    expression: str = ""
    imports: tuple[str, ...] = ()
    definitions: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TraceProgram:
    """What a stand-alone script of an optimizer has to do: take the steps of a trace, and keep the weights after each.

    All values are source text: ``weights`` a list, ``gradients`` a list of lists, to be made arrays of ``dtype``; ``rates`` a
    list and ``hyper`` numbers, which stay Python's. A native is an ``expression`` over ``w``, ``rate`` and ``hyper``; a
    printed update is ``definitions`` over a global namespace ``xp`` and ``imports``, a statement each, with the names of the
    functions that ``start`` it and ``update`` it: ``start(w, h, o)`` and ``update(w, g, state, rate, h, o)``, where ``h`` has
    the numbers of ``hyper`` as attributes, and ``o`` the ``options``, which are expressions over the definitions.
    """

    dtype: str
    mode: str
    weights: str
    gradients: str
    rates: str
    hyper: Mapping[str, str] = field(default_factory=dict)
    expression: str = ""
    imports: tuple[str, ...] = ()
    definitions: str = ""
    start: str = ""
    update: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


Program = MapProgram | TraceProgram
Function = Callable[..., Any]


class Framework(ABC):
    """A framework, as far as it can be asked for: what it is called, whether it is here, and its optimizers as boxes.

    ``name`` is how it is asked for, ``package`` the import name that ids use, ``distributions`` what pip installs
    for it, whose versions are recorded, ``modules`` the names that expressions use; ``compilers`` are modules that are at work
    while it compiles, which is not counted against a box. A module in the folder ``frameworks``, or a user's own, holds one as
    ``ADAPTER``: an ``Adapter``, or a bare ``Framework`` whose optimizers are identified only.
    """

    name: ClassVar[str]
    package: ClassVar[str]
    distributions: ClassVar[tuple[str, ...]]
    modules: ClassVar[Mapping[str, str]]  # names that expressions use -> modules they stand for
    compilers: ClassVar[tuple[str, ...]] = ()

    def __repr__(self) -> str:
        return f"<framework {self.name}>"

    def box(self, target: Any, name: str, given: Mapping[str, Any]) -> Box | None:
        """``target`` as a black box, if it is an optimizer of this framework, else None.

        ``target`` is what was imported (a class, a factory, an instance), ``name`` what it was called, ``given`` the arguments
        that were named for it, under its own names. Raises BoxError where they do not fit.
        """
        return None

    def realise(self, formula: Optimizer, reading: Reading) -> Callable[..., Any]:
        """A reading as a real optimizer of this framework: a factory that takes its arguments as the framework's own do, and
        the formula's hyperparameters by name. Raises Unsupported where there is none."""
        raise Unsupported(f"{self.name} has no runnable readings")

    def optimizers(self) -> dict[str, Any]:
        """The optimizers that the framework ships, by dotted name: the callables with a learning rate in its modules, or in the
        module of optimizers inside of one."""
        found: dict[str, Any] = {}
        for module in self.names().values():
            inner = getattr(module, "optim", None) or getattr(module, "optimizers", None)
            home = inner if inspect.ismodule(inner) else module
            found |= {f"{home.__name__}.{name}": made for name, made in vars(home).items() if _takes_a_rate(name, made)}
        return found

    def installed(self) -> bool:
        return all(importlib.util.find_spec(module.partition(".")[0]) is not None for module in self.modules.values())

    def versions(self) -> dict[str, str]:
        return {distribution: importlib.metadata.version(distribution) for distribution in self.distributions}

    def install_command(self) -> str:
        return f"pip install {' '.join(self.distributions)}"

    def names(self) -> dict[str, Any]:
        """The modules that expressions use, imported now."""
        return {name: importlib.import_module(module) for name, module in self.modules.items()}


def _takes_a_rate(name: str, made: Any) -> bool:
    """Whether something public can be called with a rate."""
    if name.startswith("_") or not callable(made):
        return False
    try:
        return not {*inspect.signature(made).parameters}.isdisjoint(RATE_NAMES)
    except (TypeError, ValueError):  # what is written in C has no signature
        return False


class Adapter(Framework):
    """A framework that the whole sheet is held against.

    Modes are ways of running, of which the first is the plain one; the engine asks for no mode that is not among them, so that
    a method need not check it.
    """

    dtypes: ClassVar[tuple[str, ...]] = ("float64", "float32", "bfloat16", "float16")
    map_modes: ClassVar[tuple[str, ...]] = ("eager",)
    optimizer_modes: ClassVar[tuple[str, ...]] = ("eager",)
    compiles: ClassVar[bool] = False  # whether each new shape costs a compilation, so that a run shows it few of them
    natives: ClassVar[tuple[Native, ...]] = ()

    @property
    @abstractmethod
    def namespace(self) -> Any:
        """The framework's functions under the names in ``NAMES``; ``sum`` to ``min`` reduce a vector to a scalar."""

    @abstractmethod
    def pull_back(
        self, function: Function, inputs: Mapping[str, np.ndarray], wrt: tuple[str, ...], cotangent: np.ndarray, mode: str
    ) -> Pullback:
        """``function(**inputs)`` and its vjp, by the framework's reverse mode; arrays in and out are NumPy's.

        The same ``function`` object is passed for every input of a cell, so that a compiled form can be kept for it.
        """

    @abstractmethod
    def push_forward(
        self, function: Function, inputs: Mapping[str, np.ndarray], tangents: Mapping[str, np.ndarray], mode: str
    ) -> Pushforward:
        """``function(**inputs)`` and its jvp along ``tangents``, by the framework's forward mode.

        Raises Unsupported where the framework has none.
        """

    @abstractmethod
    def optimize(self, native: Native, trace: Trace, mode: str) -> np.ndarray:
        """The weights after each step of ``trace`` under the framework's own optimizer: (steps, d)."""

    @abstractmethod
    def run_update(self, update: Function, trace: Trace, mode: str) -> np.ndarray:
        """The weights after each step of a printed update: (steps, d).

        ``update(xp, w, gradients, rates, hyper)`` gives the list of weights after each step. It is written over the
        namespace; arrays are the framework's, scalars Python floats.
        """

    def script(self, program: Program) -> str:
        """Source that does what ``program`` says with nothing but the framework, as its users write it.

        It begins with its imports and leaves what was computed in ``observed``: a flat list of numbers, row by row. An adapter
        that writes no scripts need not have this: "" stands for none.
        """
        return ""

    def missing(self, native: Native) -> str:
        """The dotted name in ``native``'s expression that the installed version does not have; "" if it has all."""
        modules = self.names()
        for path in dotted_names(native.expression):
            found: Any = modules.get(path[0])
            for depth, attribute in enumerate(path[1:], start=2):
                if found is None:
                    break
                if not hasattr(found, attribute):
                    return ".".join(path[:depth])
                found = getattr(found, attribute)
        return ""


def dotted_names(expression: str) -> list[tuple[str, ...]]:
    """The dotted names in an expression: ("torch", "optim", "Adam") and the like."""
    import ast

    def path(node: ast.AST) -> tuple[str, ...]:
        if isinstance(node, ast.Name):
            return (node.id,)
        if isinstance(node, ast.Attribute) and (prefix := path(node.value)):
            return (*prefix, node.attr)
        return ()

    found = [path(node) for node in ast.walk(ast.parse(expression, mode="eval")) if isinstance(node, ast.Attribute)]
    return [p for p in found if p]


def spelled(definitions: str, namespace: str) -> str:
    """The definitions of a program with a framework's module for the namespace ``xp``."""
    return re.sub(r"\bxp\b", namespace, definitions)


def imported(statements: Iterable[str]) -> str:
    """Source of imports in order, set off from what follows, for scripts."""
    return "".join(f"{statement}\n" for statement in sorted(statements)) + ("\n" if statements else "")


def called(function: str, values: Mapping[str, str], room: int = 100) -> str:
    """Source of a call with named values, for scripts: ``dict(beta=0.9, eps=1e-08)``, or a line each where there is no room."""
    named = [f"{name}={value}" for name, value in values.items()]
    line = f"{function}({', '.join(named)})"
    return line if len(line) <= room else f"{function}(\n" + "".join(f"    {one},\n" for one in named) + ")"


def assigned(values: Mapping[str, str]) -> str:
    """Source of assignments, a line each, for scripts."""
    return "".join(f"{name} = {value}\n" for name, value in values.items())
