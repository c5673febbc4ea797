"""How a function is laid over a line: which argument takes which input, what becomes of the arrays on the way, and whether the
function reduces what the line leaves apart, or leaves apart what the line reduces."""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np

from ....reference.formula import Map
from ....reference.vocabulary import Axis, Inputs, Option, Reading
from ...answers import Arrangement, Unlaid
from ...inputs.samples import Sample, bound_sizes, stable_seed

Named = Mapping[str, Any]


class Mismatch(Exception):
    """A function cannot be laid over a line: the message says why in full, ``reason`` of which kind that is."""

    def __init__(self, reason: Unlaid, words: str):
        super().__init__(words)
        self.reason = reason


def matched(formula: Map, parameters: Sequence[inspect.Parameter] | None, names: Named) -> dict[str, str]:
    """For each input of the line the parameter that takes it: by name, else by position. Raises Mismatch.

    An empty name stands for a place in the line's order, where the function's signature is not known.
    """
    chosen = {name: names[name] for name in formula.inputs if name in names}
    if parameters is None:
        return {name: chosen.get(name, "") for name in formula.inputs}
    free = [p.name for p in parameters if p.name not in chosen.values()]
    for name, argument in formula.inputs.items():
        known = [p for wanted in (name, *argument.aliases) for p in free if p.lower() == wanted.lower()]
        if name not in chosen and known:
            chosen[name] = known[0]
            free.remove(known[0])
    required = [p.name for p in parameters if p.default is p.empty and p.name in free]
    for name in formula.inputs:
        if name not in chosen:
            if not required:
                raise Mismatch(Unlaid.NO_ARGUMENT, f"it has no argument for {name}")
            chosen[name] = required.pop(0)
    if required:
        raise Mismatch(Unlaid.NEEDS_MORE, f"it also needs {', '.join(required)}")
    return {name: chosen[name] for name in formula.inputs}


def in_order(given: Mapping[str, str], parameters: Sequence[inspect.Parameter] | None) -> list[str] | None:
    """The line's inputs in the order of the function's first parameters; None where they have to be handed over by name."""
    if parameters is None:
        return None if any(given.values()) else list(given)
    by_parameter = {parameter: name for name, parameter in given.items()}
    first = [p.name for p in parameters[: len(given)] if p.kind is not p.KEYWORD_ONLY]
    return [by_parameter[p] for p in first] if set(first) == set(by_parameter) else None


# --- layouts --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layout:
    """What is done with arrays between a line and a function. ``f`` is the function over arrays by the line's names,
    ``g(cotangent, arrays)`` its cotangents by them; both come out in the line's shapes."""

    kind: Arrangement = Arrangement.AS_IT_IS
    turned: frozenset[str] = frozenset()  # the inputs that are transposed
    flat: frozenset[str] = frozenset()  # the columns that are handed over as vectors

    @property
    def by_rows(self) -> bool:
        """Whether the value has one example a row."""
        return self.kind in (Arrangement.ROWS, Arrangement.EXAMPLES)

    def _laid(self, name: str, array: Any) -> Any:
        return array.reshape(-1) if name in self.flat else array.T if name in self.turned else array

    def operands(self, arrays: Named) -> list[Any]:
        """The arrays that the function is handed by position."""
        if self.kind is Arrangement.OPERANDS:
            (x,) = arrays.values()  # the line has one input
            return [x[0], x[1]]
        return list(arrays.values())

    def value(self, xp: Any, f: Callable[[Named], Any], arrays: Named) -> Any:
        if self.turned or self.flat:
            value = f({name: self._laid(name, array) for name, array in arrays.items()})
            return _turned(value) if self.by_rows else value
        if self.kind is Arrangement.SINGLY:
            return xp.stack([f(one) for one in _elements(arrays)]).reshape(_shape(arrays))
        return f(arrays)

    def bars(self, xp: Any, g: Callable[[Any, Named], dict[str, Any]], cotangent: Any, arrays: Named) -> dict[str, Any]:
        if self.turned or self.flat:
            flow = _turned(cotangent) if self.by_rows else cotangent
            bars = g(flow, {name: self._laid(name, array) for name, array in arrays.items()})
            return {
                name: bar.reshape(arrays[name].shape) if name in self.flat else bar.T if name in self.turned else bar
                for name, bar in bars.items()
            }
        if self.kind is Arrangement.SINGLY:
            each = [g(bar, one) for bar, one in zip(cotangent.reshape(-1), _elements(arrays), strict=True)]
            return {name: xp.stack([bars[name] for bars in each]).reshape(_shape(arrays)) for name in each[0]}
        if self.kind is Arrangement.OPERANDS:
            bars = list(g(cotangent, arrays).values())
            return {next(iter(arrays)): xp.stack(bars)} if len(bars) == 2 else {}
        return g(cotangent, arrays)


def _turned(array: Any) -> Any:
    return array.T if getattr(array, "ndim", 0) == 2 else array


def _elements(arrays: Named) -> Iterator[dict[str, Any]]:
    flat = {name: array.reshape(-1) for name, array in arrays.items()}
    return ({name: array[i] for name, array in flat.items()} for i in range(math.prod(_shape(arrays))))


def _shape(arrays: Named) -> tuple[int, ...]:
    return tuple(next(iter(arrays.values())).shape)


def layouts(formula: Map, parameters: Sequence[inspect.Parameter] | None) -> list[Layout]:
    """The layouts that a line and a function with these parameters allow, the plainest first."""
    shapes = {argument.shape for argument in formula.inputs.values()}
    required = None if parameters is None else sum(p.default is p.empty for p in parameters)
    found = [Layout()]
    if shapes == {("n",)} and len(formula.inputs) == 1 and formula.output == () and required in (None, 2):
        found = [Layout(Arrangement.OPERANDS)] if required else [Layout(), Layout(Arrangement.OPERANDS)]
    if shapes == {formula.output} and formula.output != ():
        found.append(Layout(Arrangement.SINGLY))
    if formula.batch_axis and all(len(shape) == 2 for shape in shapes):
        found += _by_rows(formula)
    return found


def _by_rows(formula: Map) -> Iterator[Layout]:
    """With one example a row: all arrays turned, or those alone that have the examples; columns as they are or as vectors."""
    with_examples = frozenset(name for name, argument in formula.inputs.items() if formula.batch_axis in argument.shape)
    columns = frozenset(name for name, argument in formula.inputs.items() if argument.shape[1] == 1)
    turned = {Arrangement.ROWS: frozenset(formula.inputs), Arrangement.EXAMPLES: with_examples}
    for kind, names in turned.items():
        if kind is Arrangement.ROWS or names != turned[Arrangement.ROWS]:
            yield from (Layout(kind, names, flat) for flat in dict.fromkeys((frozenset(), columns)))
    if columns:
        yield Layout(flat=columns)


# --- lines that leave apart or reduce -------------------------------------------------------------------------------

REDUCTION = Axis(
    name="reduction",
    options=(
        Option("mean", "", does=lambda total, count: total / count),
        Option("sum", "", does=lambda total, count: total),
    ),
    printed="mean",
    standard="mean",
)


def _of(formula: Map, **changes: Any) -> dict[str, Any]:
    return {f.name: getattr(formula, f.name) for f in fields(Map)} | changes


@dataclass(frozen=True, kw_only=True, eq=False)
class Reduced(Map):
    """A line whose value is one number an example, and then their mean or their sum, as one more axis."""

    line: Map

    @classmethod
    def of(cls, line: Map) -> Reduced:
        return cls(**_of(line, axes=(*line.axes, REDUCTION), output=()), line=line)

    def accepted(self, function: Literal["forward", "vjp_body"]) -> tuple[str, ...]:
        return (*self.line.accepted(function), REDUCTION.name)

    def value_in(self, xp: Any, inputs: Inputs, reading: Reading) -> Any:
        return self._reduced(xp.sum(self.line.value_in(xp, inputs, reading)), inputs, reading)

    def vjp_in(self, xp: Any, cotangent: Any, inputs: Inputs, reading: Reading) -> Mapping[str, Any]:
        each = self._reduced(cotangent, inputs, reading)
        return self.line.vjp_in(xp, each * xp.ones_like(self._first(inputs)), inputs, reading)

    def _reduced(self, total: Any, inputs: Inputs, reading: Reading) -> Any:
        return REDUCTION.option(reading[REDUCTION.name]).does(total, self._first(inputs).shape[0])

    def _first(self, inputs: Inputs) -> Any:
        return inputs[next(iter(self.inputs))]


@dataclass(frozen=True, kw_only=True, eq=False)
class Gradient(Map):
    """The cotangent of a line's one differentiated input, for a flow of 1, as the value of a function of the same inputs."""

    line: Map

    @classmethod
    def of(cls, line: Map) -> Gradient:
        return cls(**_of(line, output=line.inputs[line.wrt[0]].shape, wrt=()), line=line)

    def accepted(self, function: Literal["forward", "vjp_body"]) -> tuple[str, ...]:
        return self.line.accepted("vjp_body") if function == "forward" else ()

    def value_in(self, xp: Any, inputs: Inputs, reading: Reading) -> Any:
        flow = xp.ones_like(self.line.value_in(xp, inputs, reading))
        return self.line.vjp_in(xp, flow, inputs, reading)[self.line.wrt[0]]

    def vjp_in(self, xp: Any, cotangent: Any, inputs: Inputs, reading: Reading) -> Mapping[str, Any]:
        return {}


def gradients(lines: Iterable[Map]) -> list[Map]:
    """The backward lines as functions that give the gradient itself: of what has a target, and of what is elementwise."""

    def stated(line: Map) -> bool:
        has_target = any(not argument.differentiable for argument in line.inputs.values())
        return has_target or line.output == line.inputs[line.wrt[0]].shape

    found = [line for line in lines if "cotangent" in line.prints and len(line.wrt) == 1 and stated(line)]
    return [one for line in found for one in (Gradient.of(line), *line.restated)]


@dataclass(frozen=True, kw_only=True, eq=False)
class Unreduced(Map):
    """A line whose value is summed over a batch, before the sum: each element is a batch of its own."""

    line: Map

    @classmethod
    def of(cls, line: Map) -> Unreduced:
        return cls(**_of(line, output=next(iter(line.inputs.values())).shape), line=line)

    def accepted(self, function: Literal["forward", "vjp_body"]) -> tuple[str, ...]:
        return self.line.accepted(function)

    def value_in(self, xp: Any, inputs: Inputs, reading: Reading) -> Any:
        values = [self.line.value_in(xp, one, reading) for one in self._batches(inputs)]
        return xp.stack(values).reshape(*self._first(inputs).shape)

    def vjp_in(self, xp: Any, cotangent: Any, inputs: Inputs, reading: Reading) -> Mapping[str, Any]:
        flows = cotangent.reshape(-1)
        each = [self.line.vjp_in(xp, flows[i], one, reading) for i, one in enumerate(self._batches(inputs))]
        shape = self._first(inputs).shape
        return {name: xp.stack([bars[name][0, 0] for bars in each]).reshape(*shape) for name in self.wrt}

    def _first(self, inputs: Inputs) -> Any:
        return inputs[next(iter(self.inputs))]

    def _batches(self, inputs: Inputs) -> Iterator[dict[str, Any]]:
        rows, columns = self._first(inputs).shape
        for i, j in itertools.product(range(rows), range(columns)):
            yield {name: array[i : i + 1, j : j + 1] for name, array in inputs.items()}


def formed(formula: Map, sample: Sample, shape: tuple[int, ...]) -> Map | None:
    """The line as a function that returns this shape on a sample forms it: as it is, reduced, unreduced; else None."""
    sizes = bound_sizes(formula, sample.arrays)
    expected = tuple(sizes[n] if isinstance(n, str) else n for n in formula.output)
    if shape == expected:
        return formula
    inputs = {array.shape for array in sample.arrays.values()}
    is_loss = bool(formula.batch_axis) and len(formula.inputs) > 1 and len(inputs) == 1 and not formula.settings
    if is_loss and shape == () and inputs == {expected}:
        return Reduced.of(formula)
    if is_loss and expected == () and inputs == {shape} and len(shape) == 2:
        return Unreduced.of(formula)
    return None


def with_cotangent(formula: Map, sample: Sample) -> Sample:
    """The sample with a cotangent in the shape of a line that was formed anew."""
    if not isinstance(formula, Reduced | Unreduced):
        return sample
    dtype = sample.cotangent.dtype
    shape = () if isinstance(formula, Reduced) else next(iter(sample.arrays.values())).shape
    generator = np.random.default_rng(stable_seed(formula.id, sample.label))
    flows = generator.uniform(0.5, 2.0, shape) * generator.choice([-1, 1], shape)
    return Sample(sample.label, sample.arrays, sample.settings, np.asarray(flows).astype(dtype))
