"""Subjects: what one cell asks of a framework, as a function from a sample to what was returned."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

import numpy as np

from ...adapters.contract import Adapter, Limitation, Native
from ...adapters.discovery import load
from ...adapters.errors import Unsupported
from ...reference.catalogue import line
from ...reference.formula import Formula, Map, Optimizer
from ...reference.vocabulary import Reading
from ..findings import Cell
from ..inputs.samples import AnySample, Sample, TraceSample, bound_sizes
from ..readings.compare import Outputs, searched
from ..readings.evaluate import VALUE, WEIGHTS, bar


class FrameworkError(Exception):
    """A framework raised; the message is its own words."""


class MalformedReturn(FrameworkError):
    """What an adapter handed back, or did to its inputs, breaks the contract; the message says how."""


@contextmanager
def its_own_words() -> Iterator[None]:
    """Turn whatever a framework raises into a FrameworkError, so that it cannot be taken for an error of the engine."""
    try:
        yield
    except Unsupported:
        raise
    except Exception as error:  # a framework may raise anything; what it said is the finding
        raise FrameworkError(f"{type(error).__name__}: {error}".splitlines()[0][:500]) from error


@dataclass(frozen=True)
class Subject:
    """A framework's way to one line: the printed line in its arithmetic (derived), or what it ships itself (native)."""

    cell: Cell
    adapter: Adapter
    formula: Formula
    native: Native | None

    @cached_property
    def claim(self) -> Reading | None:
        """The reading that the adapter claims for a native."""
        return self.formula.reading("printed", **self.native.claim) if self.native else None

    @cached_property
    def readings(self) -> tuple[Reading, ...]:
        """The readings that the subject is held against."""
        native = self.native
        return searched(self.formula, (*native.takes, *native.fixed), native.claim) if native else searched(self.formula, ())

    @property
    def limitation(self) -> Limitation | None:
        """What is known of the native in this dtype and mode."""
        return self.native.limitation(self.cell.dtype, self.cell.mode) if self.native else None

    def accepts(self, sample: AnySample) -> bool:
        """Whether the subject takes inputs of this shape."""
        if self.native is None or not self.native.sizes or isinstance(sample, TraceSample):
            return True
        assert isinstance(self.formula, Map)
        bucket = bound_sizes(self.formula, sample.arrays)
        return all(bucket.get(name) == n for name, n in self.native.sizes.items())

    @property
    def wrt(self) -> tuple[str, ...]:
        assert isinstance(self.formula, Map)
        return (self.native.wrt if self.native else ()) or self.formula.wrt

    def observe(self, sample: AnySample) -> Outputs:
        """What the framework returns on a sample."""
        if isinstance(sample, TraceSample):
            return {WEIGHTS: self._weights(sample)}
        function = self.function(sample)
        given = {name: array.copy() for name, array in sample.arrays.items()}
        cotangent = sample.cotangent.copy()
        with its_own_words():
            pulled = self.adapter.pull_back(function, dict(given), self.wrt, cotangent, self.cell.mode)
        _unchanged({**given, "cotangent": cotangent}, {**sample.arrays, "cotangent": sample.cotangent})
        missing = [name for name in self.wrt if name not in pulled.cotangents]
        if missing:
            raise MalformedReturn(f"the adapter returned no cotangent of {', '.join(missing)}")
        returned = {VALUE: pulled.value, **{bar(name): pulled.cotangents[name] for name in self.wrt}}
        return {name: self._in_dtype(name, array) for name, array in returned.items()}

    def _in_dtype(self, name: str, array: Any) -> np.ndarray:
        """A wider dtype would pass every budget, and a narrower one would be blamed on the framework's arithmetic."""
        if not isinstance(array, np.ndarray | np.generic):
            raise MalformedReturn(f"the adapter returned {name} as {type(array).__name__}, not as a NumPy array")
        if array.dtype.name != self.cell.dtype:
            raise MalformedReturn(f"the adapter returned {name} as {array.dtype}; its inputs are {self.cell.dtype}")
        return np.asarray(array)

    def push(self, sample: Sample, tangents: dict[str, np.ndarray]) -> np.ndarray:
        """The framework's forward-mode derivative of the same function."""
        function = self.function(sample)
        given = {name: array.copy() for name, array in sample.arrays.items()}
        with its_own_words():
            return self.adapter.push_forward(function, given, tangents, self.cell.mode).tangent

    def _weights(self, sample: TraceSample) -> np.ndarray:
        assert isinstance(self.formula, Optimizer)
        trace = sample.trace
        given = replace(trace, weights=trace.weights.copy(), gradients=trace.gradients.copy(), hyper=dict(trace.hyper))
        with its_own_words():
            if self.native is not None:
                weights = self.adapter.optimize(self.native, given, self.cell.mode)
            else:
                weights = self.adapter.run_update(_printed_update(self.formula), given, self.cell.mode)
        _unchanged(
            {"weights": given.weights, "gradients": given.gradients}, {"weights": trace.weights, "gradients": trace.gradients}
        )
        return self._in_dtype(WEIGHTS, weights)

    def function(self, sample: Sample) -> Callable[..., Any]:
        """The function of arrays that is evaluated and differentiated; the same object for the same settings."""
        settings = tuple(sorted(sample.settings.items()))
        if self.native is not None:
            return _native_function(self.adapter, self.native, settings)
        assert isinstance(self.formula, Map)
        return _derived_function(self.adapter, self.formula, settings)


def subject_of(cell: Cell) -> Subject:
    """The subject of a cell. Imports no framework yet."""
    adapter, formula = load(cell.adapter), line(cell.line)
    native = next((n for n in adapter.natives if n.line == cell.line and n.name == cell.native), None)
    return Subject(cell, adapter, formula, native)


def _unchanged(after: Mapping[str, np.ndarray], before: Mapping[str, np.ndarray]) -> None:
    changed = [name for name in before if after[name].tobytes() != before[name].tobytes()]
    if changed:
        raise MalformedReturn(f"the adapter changed its inputs: {', '.join(changed)}; it has to work on copies")


def as_code(formula: Map) -> Reading:
    """The reading that a framework runs when it is given the printed forward line as code."""
    return formula.printed.but(**formula.as_code)


@cache
def _derived_function(adapter: Adapter, formula: Map, settings: tuple[tuple[str, str], ...]) -> Callable[..., Any]:
    xp, reading, chosen = adapter.namespace, as_code(formula), dict(settings)

    def printed_line(**arrays: Any) -> Any:
        return formula.value_in(xp, {**arrays, **chosen}, reading)

    return printed_line


@cache
def _native_function(adapter: Adapter, native: Native, settings: tuple[tuple[str, str], ...]) -> Callable[..., Any]:
    code, names, chosen = native.code, adapter.names(), dict(settings)

    def shipped(**arrays: Any) -> Any:
        return eval(code, {**names, **arrays, **chosen})

    return shipped


@cache
def _printed_update(formula: Optimizer) -> Callable[..., list[Any]]:
    def printed_update(xp: Any, w: Any, gradients: Any, rates: Any, hyper: Any) -> list[Any]:
        return formula.trace_in(xp, w, gradients, rates, hyper, formula.printed)[0]

    return printed_update
