"""What a formula can be asked for: its readings, its value and cotangents, or its steps, in any arithmetic.

A formula is a family of readings. A reading is a point on named axes; the sheet prints one of them, the field uses one,
and each framework implements one. Bodies are written once over a namespace ``xp`` and run in every arithmetic.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Literal

from .arguments import ArgumentError, suggest
from .vocabulary import (
    Axis,
    Coincidence,
    Erratum,
    Format,
    Hyperparameter,
    Input,
    Inputs,
    Mnemonic,
    Property,
    Reading,
    Scope,
    Sizes,
    Study,
)


def _no_hard_points(_: Format) -> Mapping[str, Inputs]:
    return {}


LAST_ON_SHEET = 41


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Formula:
    """What a map and an optimizer have in common: identity, print, axes, errata.

    ``number`` is its place on the sheet, 0 beyond it; ``section`` what it stands under in reports. ``family`` is common to the
    lines that share one body and one set of axes, and differ in what they print: its own id where none is given.
    ``coincidences`` say which readings are the same real function. ``defining`` holds, for axes, the options without which a
    reading of the family is not called by this line's name. ``properties`` are held in exact arithmetic, ``studies`` drawn.
    """

    id: str
    title: str
    latex: str
    number: int = 0
    section: str = "Formulas of one's own"
    standard_latex: str = ""
    axes: tuple[Axis, ...] = ()
    errata: tuple[Erratum, ...] = ()
    coincidences: tuple[Coincidence, ...] = ()
    defining: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    properties: tuple[Property, ...] = ()
    studies: tuple[Study, ...] = ()
    source: str = "the sheet"
    notes: str = ""
    family: str = ""

    def __post_init__(self) -> None:
        if not self.family:
            object.__setattr__(self, "family", self.id)

    @property
    def name(self) -> str:
        return self.id.rpartition(".")[2]

    def __repr__(self) -> str:
        return f"<{type(self).__name__.lower()} {self.id}: {self.title}>"

    @property
    def on_the_sheet(self) -> bool:
        return 0 < self.number <= LAST_ON_SHEET

    @property
    def order(self) -> tuple[int, str]:
        """By which lines are sorted: the sheet's first, in its order, then the others by id."""
        return (self.number or LAST_ON_SHEET + 1, self.id)

    @property
    def printed(self) -> Reading:
        return Reading(tuple((axis.name, axis.printed) for axis in self.axes))

    @property
    def standard(self) -> Reading:
        return Reading(tuple((axis.name, axis.standard) for axis in self.axes))

    def axis(self, name: str) -> Axis:
        for axis in self.axes:
            if axis.name == name:
                return axis
        raise ArgumentError(f"{self.id} has no axis {name!r}.{suggest(name, [axis.name for axis in self.axes])}")

    def reading(self, reading: str | Reading | Mapping[str, str] = "printed", /, **axes: str) -> Reading:
        """The reading that ``reading`` names ("printed", "standard", or axes changed from the printed one), with ``axes``
        changed on top.

        >>> from gradspec.reference import rmsprop
        >>> rmsprop.reading("standard", epsilon="inside-root")["epsilon"]
        'inside-root'

        Raises ArgumentError for an axis or an option that the line does not have, naming the nearest ones.
        """
        if isinstance(reading, Reading):
            start = reading
        elif isinstance(reading, Mapping):
            start, axes = self.printed, {**reading, **axes}
        elif reading in ("printed", "standard"):
            start = self.printed if reading == "printed" else self.standard
        else:
            raise ArgumentError(f"{self.id}: reading {reading!r} is neither 'printed' nor 'standard'; name axes instead")
        for name, option in axes.items():
            names = self.axis(name).names
            if option not in names:
                raise ArgumentError(f"{self.id}: axis {name!r} has no option {option!r}.{suggest(option, names)}")
        return start.but(**axes)

    def readings(self, fixed: Mapping[str, str] | None = None) -> Iterator[Reading]:
        """Every reading as the product of the axes, the printed one first; ``fixed`` holds axes in place."""
        fixed = fixed or {}
        columns = [
            [(axis.name, fixed[axis.name])]
            if axis.name in fixed
            else sorted(((axis.name, option) for option in axis.names), key=lambda pair, first=axis.printed: pair[1] != first)
            for axis in self.axes
        ]
        return (Reading(choices) for choices in itertools.product(*columns))

    def simplest(self, reading: Reading) -> Reading:
        """The reading that stands for all those that are the same real function as this one by algebra, rounded alike, whatever
        the hyperparameters and inputs."""
        return self._simplified(reading, (one for one in self.coincidences if one.rounded_alike))

    def function_of(self, reading: Reading) -> Reading:
        """The reading that stands for all those that are the same real function by algebra, however they round."""
        return self._simplified(reading, self.coincidences)

    def _simplified(self, reading: Reading, coincidences: Iterable[Coincidence]) -> Reading:
        for coincidence in coincidences:
            if coincidence.applies(reading):
                reading = reading.but(**{coincidence.axis: coincidence.simplest})
        return reading

    def chosen(self, reading: Reading) -> dict[str, Any]:
        """What the option of each axis does, by the axis's name: what a body is handed."""
        return {axis.name: axis.option(reading[axis.name]).does for axis in self.axes}

    def meaning(self, reading: Reading) -> Reading:
        """The reading with its evaluation axes removed: what real function it is."""
        kept = {axis.name for axis in self.axes if axis.kind == "meaning"}
        return Reading(tuple(pair for pair in reading.choices if pair[0] in kept))


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Map(Formula):
    """A line that is a function of arrays: its value, and the cotangents of its inputs.

    ``forward(xp, **inputs, **settings, **axes)`` is the value. ``vjp_body(xp, cotangent, **inputs, **settings, **axes)``
    gives the cotangent of each input in ``wrt`` as a mapping. A body takes the axes that it depends on by name, and is handed
    what the chosen option does. ``settings`` are choices that belong to the input, not to the reading: name -> its options,
    each with what a body is handed for it. ``prints`` says which of the two stands on the sheet; for a backward line the
    forward is the printed forward lines above it, composed. ``as_code`` holds the axes on which the ink, typed into a language
    of arrays, means something else than on paper (a sum of unlike shapes broadcasts there). ``recognised`` is false where a
    function at hand is not held against the line, since it is made of other lines. ``reads_nan`` is true where readings differ
    on what becomes of a NaN. ``restated`` are what people write for the gradient that a backward line prints, as functions of
    other inputs.
    """

    inputs: Mapping[str, Input]
    output: tuple[str | int, ...]
    forward: Callable[..., Any]
    vjp_body: Callable[..., Mapping[str, Any]]
    wrt: tuple[str, ...]
    prints: tuple[Literal["forward", "cotangent"], ...]
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sheet_sizes: Sizes = field(default_factory=dict)
    other_sizes: tuple[Sizes, ...] = ()
    hard_points: Callable[[Format], Mapping[str, Inputs]] = _no_hard_points
    mnemonic: Mnemonic | None = None
    set_valued: Literal["", "max", "min"] = ""
    batch_axis: str = ""
    reads_nan: bool = False
    as_code: Mapping[str, str] = field(default_factory=dict)
    domain: str = "all reals"
    recognised: bool = True
    restated: tuple[Map, ...] = ()

    @property
    def sizes(self) -> tuple[Sizes, ...]:
        """The shape buckets: the sheet's own sizes first."""
        return (self.sheet_sizes, *self.other_sizes)

    def accepted(self, function: Literal["forward", "vjp_body"]) -> tuple[str, ...]:
        """The names of the axes that change the value ("forward") or the cotangents ("vjp_body")."""
        body = getattr(self, function)
        names = body.__code__.co_varnames[: body.__code__.co_argcount + body.__code__.co_kwonlyargcount]
        return tuple(axis.name for axis in self.axes if axis.name in names)

    def value_in(self, xp: Any, inputs: Inputs, reading: Reading) -> Any:
        """The value in any arithmetic, without checks."""
        return self.forward(xp, **self._named(inputs), **self._chosen("forward", reading))

    def vjp_in(self, xp: Any, cotangent: Any, inputs: Inputs, reading: Reading) -> Mapping[str, Any]:
        """The cotangents in any arithmetic, without checks."""
        return self.vjp_body(xp, cotangent, **self._named(inputs), **self._chosen("vjp_body", reading))

    def _chosen(self, function: Literal["forward", "vjp_body"], reading: Reading) -> dict[str, Any]:
        return {name: self.axis(name).option(reading[name]).does for name in self.accepted(function)}

    def _named(self, inputs: Inputs) -> Inputs:
        """The inputs, with what a body is handed for each setting."""
        chosen = {name: options[inputs[name]] for name, options in self.settings.items()}
        return {**inputs, **chosen}

    def __call__(self, *args: Any, reading: str | Reading | Mapping[str, str] = "printed", **named: Any) -> Any:
        """The line's value on plain arrays.

        >>> import numpy as np
        >>> from gradspec.reference import prod
        >>> prod(np.array([2.0, 3.0])).item()
        6.0

        Arguments are the line's inputs, by position or by name, then its settings and its axes by name; a Python float is
        accepted for an input of shape (). The value is a new array of the inputs' dtype. Inputs are never changed.
        Raises ArgumentError for a wrong shape, dtype, name or value, and NotConformable where this reading has no value
        for these shapes. Overflow and 0/0 are values of a reading, so NumPy's warnings about them are silenced.
        """
        from .oracle import evaluate

        return evaluate(self, args, reading, named)

    def vjp(self, cotangent: Any, *args: Any, reading: str | Reading | Mapping[str, str] = "printed", **named: Any) -> Any:
        """The cotangent of each differentiated input, as a dict by name, in this reading of the line's backward rule.

        >>> import numpy as np
        >>> from gradspec import reference
        >>> reference.max.vjp(np.array(1.0), np.array([5.0, 5.0]))["x"].tolist()
        [1.0, 1.0]
        >>> reference.max.vjp(np.array(1.0), np.array([5.0, 5.0]), ties="split")["x"].tolist()
        [0.5, 0.5]

        ``cotangent``: in the value's shape and dtype; the rest, and what is raised, as in a call.
        """
        from .oracle import pull_back

        return pull_back(self, cotangent, args, reading, named)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Optimizer(Formula):
    """A line that is a state and a pure step: elementwise over the weights, unless its ``scope`` is wider.

    ``start(xp, w, h, o)`` gives the state before the first step; ``update(xp, w, g, state, alpha, h, o)`` gives (new w, new
    state). ``h`` has the hyperparameters as attributes, ``o`` what the chosen option of each axis does. A state is a NamedTuple
    of arrays and scalars; ``state.t`` counts the steps done: 0 at the start, t after step t. It may be traced by a framework,
    so that a body does not branch on it. Options that use a hyperparameter that the line does not have are none of its options.
    """

    hyperparameters: tuple[Hyperparameter, ...] = ()
    scope: Scope = Scope.WEIGHT
    start: Callable[..., Any]
    update: Callable[..., tuple[Any, Any]]

    def __post_init__(self) -> None:
        super().__post_init__()
        known = {"", *(hyper.name for hyper in self.hyperparameters)}
        object.__setattr__(self, "axes", tuple(axis.with_options(lambda o: o.uses in known) for axis in self.axes))

    def hyperparameter(self, name: str) -> Hyperparameter:
        for hyper in self.hyperparameters:
            if hyper.name == name:
                return hyper
        raise ArgumentError(f"{self.id} has no hyperparameter {name!r}.{suggest(name, [h.name for h in self.hyperparameters])}")

    def used_by(self, reading: Reading) -> tuple[Hyperparameter, ...]:
        """The hyperparameters that a reading uses: all but those that only other options need."""
        needed = {name for axis in self.axes for option in axis.options for name in (option.needs, option.uses)}
        options = [axis.option(reading[axis.name]) for axis in self.axes]
        chosen = {name for option in options for name in (option.needs, option.uses)}
        return tuple(h for h in self.hyperparameters if h.name not in needed or h.name in chosen)

    def configured(self, hyper: Mapping[str, Any], reading: Reading) -> Configured:
        """The line in one reading at given values, as numbers of any arithmetic; a value that is not given is the default."""
        values = {h.name: h.default for h in self.hyperparameters} | dict(hyper)
        return Configured(self, SimpleNamespace(**values), SimpleNamespace(**self.chosen(reading)))

    def trace_in(
        self, xp: Any, w: Any, gradients: Any, rates: Any, hyper: Mapping[str, Any], reading: Reading
    ) -> tuple[list[Any], list[Any]]:
        """The weights and the states after each step of a trace in any arithmetic, open loop, without checks."""
        taken = list(self.steps_in(xp, w, gradients, rates, hyper, reading))
        return [weights for weights, _ in taken], [state for _, state in taken]

    def steps_in(
        self, xp: Any, w: Any, gradients: Any, rates: Any, hyper: Mapping[str, Any], reading: Reading
    ) -> Iterator[tuple[Any, Any]]:
        """The weights and the state after each step of a trace in any arithmetic, open loop, without checks; each is computed
        when it is asked for."""
        line = self.configured(hyper, reading)
        state = line.start(xp, w)
        for g, rate in zip(gradients, rates, strict=True):
            w, state = line.step(xp, w, g, state, rate)
            yield w, state

    def init(self, w: Any, reading: str | Reading | Mapping[str, str] = "printed", **named: Any) -> Any:
        """The state before the first step for weights ``w`` of any shape and floating dtype; ``named`` as in ``step``.

        >>> import numpy as np
        >>> from gradspec.reference import adam
        >>> adam.init(np.zeros(3)).t
        0
        """
        from .oracle import initial_state

        return initial_state(self, w, reading, named)

    def step(
        self, w: Any, g: Any, state: Any, rate: Any, reading: str | Reading | Mapping[str, str] = "printed", **named: Any
    ) -> tuple[Any, Any]:
        """One step: (new weights, new state), in the dtype of ``w``. Inputs are never changed, results are new arrays.

        >>> import numpy as np
        >>> from gradspec.reference import momentum
        >>> w, g = np.array([1.0]), np.array([0.5])
        >>> w, state = momentum.step(w, g, momentum.init(w), 0.5, beta=0.5)
        >>> w.tolist(), state.t
        ([0.875], 1)

        ``w``, ``g``: one shape, one floating dtype, in which NaN and infinities pass through elementwise; ``state``: from
        ``init`` or the step before; ``rate``: scalar, finite, not negative, the step size α of this step; ``named``:
        hyperparameters, each else at its default, and axes. Where both have one name (``momentum`` of rmsprop), a string is
        the axis and a number the hyperparameter; an axis with the name of an argument (``rate`` of momentum) is changed
        through ``reading={"rate": "inside-buffer"}``. Raises ArgumentError, which names the argument.
        """
        from .oracle import take_step

        return take_step(self, w, g, state, rate, reading, named)

    def run(
        self, w: Any, gradients: Any, rates: Any, reading: str | Reading | Mapping[str, str] = "printed", **named: Any
    ) -> Any:
        """The weights after each step, stacked: (steps, *w.shape). The gradients are given, whatever the weights do.

        >>> import numpy as np
        >>> from gradspec.reference import sgd
        >>> sgd.run(np.array([1.0]), np.array([[0.5], [0.5]]), 0.5).tolist()
        [[0.75], [0.5]]

        ``gradients``: (steps, *w.shape); ``rates``: one number for all steps or one for each; the rest as in ``step``.
        """
        from .oracle import run

        return run(self, w, gradients, rates, reading, named)


@dataclass(frozen=True)
class Configured:
    """An optimizer line in one reading at given values of its hyperparameters."""

    line: Optimizer
    h: SimpleNamespace
    o: SimpleNamespace

    def __repr__(self) -> str:
        return f"<{self.line.id} with {', '.join(f'{name}={value}' for name, value in vars(self.h).items())}>"

    def start(self, xp: Any, w: Any) -> Any:
        """The state before the first step."""
        return self.line.start(xp, w, self.h, self.o)

    def step(self, xp: Any, w: Any, g: Any, state: Any, alpha: Any) -> tuple[Any, Any]:
        """New weights and new state."""
        return self.line.update(xp, w, g, state, alpha, self.h, self.o)
