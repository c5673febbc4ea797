"""A function at hand: whose it is, what it takes, and what it returns on arrays of NumPy's.

Functions over NumPy's arrays are called as they are. Those of a framework go through its adapter, which differentiates them.
"""

from __future__ import annotations

import functools
import inspect
import io
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ....adapters.contract import Adapter
from ....adapters.discovery import available, load
from ....adapters.errors import BoxError, Unsupported
from ...answers import Arrangement
from ...cells.subject import FrameworkError, its_own_words
from ...inputs.samples import Sample
from ...readings.compare import Outputs
from .arrangements import Layout, in_order

Named = Mapping[str, Any]


class Refusal(Exception):
    """The function raised on an input; the message is its own words."""


@dataclass(frozen=True)
class Callee:
    """A function as it can be called. ``parameters`` are those that take arrays by position or by name, None where the function
    does not say; ``required`` the number of them that have no default. ``vjp(cotangent, *arguments)`` is its own, if it brings
    one; else the adapter of its framework differentiates it, and plain NumPy leaves it open."""

    name: str
    function: Callable[..., Any]
    vjp: Callable[..., Any] | None
    adapter: Adapter | None
    parameters: tuple[inspect.Parameter, ...] | None
    printed: io.StringIO = field(default_factory=io.StringIO, compare=False)

    @property
    def framework(self) -> str:
        return self.adapter.package if self.adapter else "numpy"

    @property
    def versions(self) -> dict[str, str]:
        return self.adapter.versions() if self.adapter else {"numpy": np.__version__}

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(p.name for p in self.parameters or () if p.default is p.empty)


# --- whose it is, and what it takes ---------------------------------------------------------------------------------


def understood(target: Any, name: str = "", framework: str = "") -> Callee:
    """The function in ``target``: a callable, a pair of one and its vjp, a callable with a ``vjp``, a subclass of
    torch.autograd.Function, or a class that is called without arguments, such as a loss module. Raises BoxError."""
    if isinstance(target, tuple) and len(target) == 2:
        function, vjp = target
    else:  # the ``vjp`` of a class is no pullback: an autograd Function's is its backward
        function, vjp = target, None if isinstance(target, type) else getattr(target, "vjp", None)
    name = name or _name_of(function)
    if not callable(function) or not (vjp is None or callable(vjp)):
        raise BoxError(
            f"{name} is no function: give a callable over arrays, or (function, vjp) with vjp(cotangent, *arguments)"
        )
    adapter = _adapter_of(function, framework)
    parameters = _parameters(function)
    if isinstance(function, type):
        function, parameters = _from_class(function, name)
    return Callee(name, function, vjp, adapter, parameters)


def _name_of(function: Any) -> str:
    """The dotted name under which a function is found, or its own name."""
    if isinstance(function, functools.partial):
        return f"partial({_name_of(function.func)})"
    own = getattr(function, "__qualname__", "") or getattr(function, "__name__", "") or type(function).__qualname__
    own = own.rpartition("<locals>.")[2].rpartition("_VariableFunctionsClass.")[2]
    module = getattr(function, "__module__", None) or ""
    hidden = own.startswith("<") or any(part.startswith("_") for part in module.split("."))
    return own if hidden or module in ("", "builtins") else f"{module}.{own}"


def _from_class(target: type, name: str) -> tuple[Callable[..., Any], tuple[inspect.Parameter, ...] | None]:
    """What is called in place of a class: ``apply`` of an autograd Function, else an instance made without arguments."""
    if any(base.__module__ == "torch.autograd.function" for base in target.__mro__):
        forward = _parameters(target.forward)  # pyright: ignore[reportAttributeAccessIssue] (an autograd Function has both)
        with_context = forward and forward[0].name == "ctx"
        return target.apply, forward[1:] if forward and with_context else forward  # pyright: ignore[reportAttributeAccessIssue]
    try:
        instance = target()
    except TypeError as error:
        raise BoxError(f"{name} is a class that is not made without arguments ({error}); give an instance of it") from error
    if not callable(instance):
        raise BoxError(f"{name} is a class whose instances are not called; give a function over arrays")
    return instance, _parameters(instance)


_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def _parameters(function: Any) -> tuple[inspect.Parameter, ...] | None:
    """The parameters that arrays may be handed to, in order; None where the signature is not known or takes any number."""
    if isinstance(function, np.ufunc):
        names = ("x",) if function.nin == 1 else tuple(f"x{i + 1}" for i in range(function.nin))
        return tuple(inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in names)
    try:
        found = list(inspect.signature(function).parameters.values())
    except (ValueError, TypeError):  # a builtin that does not say
        return None
    if any(p.kind is p.VAR_POSITIONAL for p in found):
        forward = getattr(function, "forward", None)  # a module of torch's hides its signature there
        return _parameters(forward) if inspect.ismethod(forward) else None
    needed = [p for p in found if p.kind is p.KEYWORD_ONLY and p.default is p.empty]
    return tuple([p for p in found if p.kind in _POSITIONAL] + needed)


def _adapter_of(function: Any, framework: str) -> Adapter | None:
    """The adapter to call a function through; None for plain NumPy."""
    if framework in ("numpy", "plain"):
        return None
    if framework:
        return _installed(load(framework))
    roots = _packages(function)
    for known in available():
        adapter = load(known)
        if roots & {module.partition(".")[0] for module in adapter.modules.values()}:
            return _installed(adapter)
    return None


def _installed(adapter: Adapter) -> Adapter:
    if not adapter.installed():
        raise BoxError(f"{adapter.package} is not installed: {adapter.install_command()}")
    return adapter


def _packages(function: Any) -> set[str]:
    """The top-level packages that a function comes from, wraps, or speaks of by a global name."""
    if isinstance(function, functools.partial):
        return _packages(function.func)
    bases = function.__mro__ if isinstance(function, type) else type(function).__mro__
    modules = {getattr(function, "__module__", None) or "", *(base.__module__ for base in bases)}
    for wrapped in (getattr(function, "__wrapped__", None), getattr(function, "__func__", None)):
        modules |= _packages(wrapped) if wrapped is not None else set()
    code = getattr(function, "__code__", None)
    if code is not None:
        closed = [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]
        spoken_of = [function.__globals__.get(name) for name in code.co_names]
        modules |= {_module_of(value) for value in (*closed, *spoken_of)} | set(code.co_names)
    return {module.partition(".")[0] for module in modules}


def _is_filled(cell: Any) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:
        return False
    return True


def _module_of(value: Any) -> str:
    name = value.__name__ if inspect.ismodule(value) else getattr(value, "__module__", "")
    return name if isinstance(name, str) else ""


# --- what it returns ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Call:
    """A function laid over a line: ``given`` says for each input of the line the parameter that takes it ("" for one by its
    place), ``order`` in which order inputs are handed over by position; ``layout`` what is done with arrays on the way; ``wrt``
    which inputs the line differentiates.

    Calling it with the line's inputs by name gives the function's value, in the arrays that it was given.
    """

    callee: Callee
    given: Mapping[str, str]
    layout: Layout
    dtype: str
    wrt: tuple[str, ...]
    _bar_functions: dict[str, Callable[..., Any]] = field(default_factory=dict)

    @property
    def order(self) -> list[str] | None:
        return in_order(self.given, self.callee.parameters)

    def __call__(self, **arrays: Any) -> Any:
        xp = self.callee.adapter.namespace if self.callee.adapter else np
        return self.layout.value(xp, self._value, arrays)

    def _handed(self, arrays: Named) -> tuple[list[Any], dict[str, Any]]:
        by_place = [name for name in arrays if not self.given[name]] if self.order is None else self.order
        by_name = {self.given[name]: arrays[name] for name in arrays if name not in by_place}
        return self.layout.operands({name: arrays[name] for name in by_place}), by_name

    def _value(self, arrays: Named) -> Any:
        positional, named = self._handed(arrays)
        before = [getattr(array, "_version", 0) for array in (*positional, *named.values())]
        with redirect_stdout(self.callee.printed):
            value = self.callee.function(*positional, **named)
        if before != [getattr(array, "_version", 0) for array in (*positional, *named.values())]:
            raise BoxError(f"{self.callee.name} changes its arguments in place; give a function that works on copies")
        return self._one_array(value, "returns")

    def _bars(self, cotangent: Any, arrays: Named) -> dict[str, Any]:
        """The cotangents by the function's own vjp, by the line's names."""
        vjp = self.callee.vjp
        assert vjp is not None
        names: list[str] = self.order or list(arrays)
        operands = self.layout.operands({name: arrays[name] for name in names})
        with redirect_stdout(self.callee.printed):
            bars = vjp(cotangent, *operands)
        names = names if len(operands) == len(names) else [str(i) for i in range(len(operands))]
        if isinstance(bars, Mapping):
            parameters: dict[str, str] = {self.given.get(name, name): name for name in names}
            named = {parameters.get(str(key), str(key)): bar for key, bar in bars.items()}
        else:
            each = bars if isinstance(bars, tuple | list) else (bars,)
            if self.layout.kind is Arrangement.OPERANDS and len(each) != len(names):
                return {}  # of a function whose arguments are no two operands of one kind
            named = dict(zip(self._in_order(names, len(each)), each, strict=True))
        return {name: bar for name, bar in named.items() if bar is not None}

    def _in_order(self, names: list[str], count: int) -> list[str]:
        """The inputs that so many cotangents belong to: all, or those that are differentiated."""
        differentiated = [name for name in names if name in self.wrt]
        if count not in (len(names), len(differentiated)):
            raise BoxError(
                f"{self._vjp} returns {count} cotangents for {len(names)} inputs; return one for each, in their order"
            )
        return names if count == len(names) else differentiated

    @property
    def _vjp(self) -> str:
        return f"{self.callee.name}'s vjp"

    def _one_array(self, value: Any, verb: str, who: str = "") -> Any:
        who = who or self.callee.name
        if isinstance(value, tuple | list | dict):
            raise BoxError(
                f"{who} {verb} a {type(value).__name__} of {len(value)}; give a function that returns one array, such as "
                "lambda x: f(x)[0]"
            )
        if value is None:
            raise BoxError(f"{who} {verb} None; give a function that returns an array")
        if self.callee.adapter is None:
            return self._in_dtype(value, f"{who} {verb}")
        if not hasattr(value, "shape") or not hasattr(value, "dtype"):
            raise BoxError(
                f"{who} {verb} {type(value).__name__}; give a function that returns an array of {self.callee.framework}"
            )
        return value

    def _in_dtype(self, value: Any, what: str) -> np.ndarray:
        """A wider dtype would pass every budget, and a narrower one would be blamed on the function's arithmetic."""
        if isinstance(value, int | float) and not isinstance(value, np.generic):
            value = np.asarray(float(value))
        if not isinstance(value, np.ndarray | np.generic):
            raise BoxError(
                f"{what} {type(value).__module__}.{type(value).__name__} for arrays of NumPy's; return an array, or name the "
                "framework whose arrays it takes (framework='torch')"
            )
        if value.dtype.name != self.dtype:
            raise BoxError(f"{what} {value.dtype} where its inputs are {self.dtype}; compute in the dtype of the inputs")
        return np.asarray(value)

    def shape_on(self, sample: Sample) -> tuple[int, ...]:
        """The shape of the value on a sample, whatever the line's. Raises Refusal, BoxError."""
        shapes: list[tuple[int, ...]] = []
        first = next(iter(sample.arrays))

        def shaped(**arrays: Any) -> Any:
            shapes.append(tuple(self(**arrays).shape))
            return arrays[first]  # of a shape that is known, as a framework's pullback needs it

        given = {name: array.copy() for name, array in sample.arrays.items()}
        with self._own_words():
            self._forward(shaped, given, given[first])
        return shapes[-1]

    @contextmanager
    def _own_words(self) -> Iterator[None]:
        """Turn whatever the function raises into a Refusal; what is wrong with it stays a BoxError."""
        try:
            with its_own_words(), np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        except (FrameworkError, Unsupported) as error:
            if isinstance(error.__cause__, BoxError):
                raise error.__cause__ from None
            raise Refusal(str(error)) from error

    def observe(self, sample: Sample, wrt: tuple[str, ...]) -> Outputs:
        """The value on a sample, and the cotangents of ``wrt``, all in the dtype under test. Raises Refusal, BoxError."""
        given = {name: array.copy() for name, array in sample.arrays.items()}
        cotangent = sample.cotangent.copy()
        with self._own_words():
            observed = self._observed(given, cotangent, wrt)
        changed = [name for name, array in given.items() if array.tobytes() != sample.arrays[name].tobytes()]
        changed += ["the cotangent"] if cotangent.tobytes() != sample.cotangent.tobytes() else []
        if changed:
            names = ", ".join(self.given.get(name, name) for name in changed)
            raise BoxError(f"{self.callee.name} changes its arguments in place ({names}); give a function that works on copies")
        return {name: self._checked(name, array, sample) for name, array in observed.items()}

    def _observed(self, given: dict[str, np.ndarray], cotangent: np.ndarray, wrt: tuple[str, ...]) -> Outputs:
        adapter = self.callee.adapter
        if adapter is not None and self.callee.vjp is None:
            mode = adapter.map_modes[0]
            pulled = adapter.pull_back(self, given, wrt, cotangent, mode)
            return {"value": pulled.value, **{f"{name}_bar": pulled.cotangents[name] for name in wrt}}
        value = self._forward(self, given, cotangent)
        if self.callee.vjp is None or not wrt:
            return {"value": value}
        if adapter is None:
            bars = self.layout.bars(np, self._bars, cotangent, given)
        else:
            bars = {name: self._forward(self._bar(name), {**given, "cotangent": cotangent}, given[name]) for name in wrt}
        return {"value": value, **{f"{name}_bar": bars[name] for name in wrt if name in bars}}

    def _bar(self, name: str) -> Callable[..., Any]:
        """The function's own cotangent of one input as a function of all inputs and the cotangent; the same object each time,
        since an adapter keeps a compiled form for it."""
        if name in self._bar_functions:
            return self._bar_functions[name]

        def bar(cotangent: Any, **arrays: Any) -> Any:
            assert self.callee.adapter is not None
            return self.layout.bars(self.callee.adapter.namespace, self._bars, cotangent, arrays)[name]

        self._bar_functions[name] = bar
        return bar

    def _forward(self, function: Callable[..., Any], given: dict[str, np.ndarray], like: np.ndarray) -> Any:
        """The value alone, of NumPy or, as a pullback to no input, of a framework."""
        adapter = self.callee.adapter
        if adapter is None:
            return function(**given)
        return adapter.pull_back(function, given, (), np.zeros_like(like), adapter.map_modes[0]).value

    def _checked(self, name: str, array: Any, sample: Sample) -> np.ndarray:
        who = self.callee.name if name == "value" else self._vjp
        array = self._in_dtype(array, f"{who} returns")
        if name != "value" and array.shape != sample.arrays[name.removesuffix("_bar")].shape:
            of = self.given.get(name.removesuffix("_bar"), "it")
            raise BoxError(
                f"{who} returns shape {array.shape} for {of} of shape {sample.arrays[name.removesuffix('_bar')].shape}; the "
                "cotangent of an input has its shape"
            )
        return array
