"""The words everything else is said in: Formula, Axis, Reading, Erratum.

A formula is a family of readings. A reading is a point on named axes; the sheet prints one of them, the field uses one,
and each framework implements one. Bodies are written once over a namespace ``xp`` and run in every arithmetic.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from .arguments import ArgumentError, suggest

Sizes = Mapping[str, int]
Inputs = Mapping[str, Any]


class NotConformable(ValueError):
    """A reading that has no value here because its shapes do not fit, such as I - A for an A that is not square."""


@dataclass(frozen=True)
class Option:
    """One way of reading the ink along one axis.

    ``needs`` names the hyperparameter without which it is not searched. ``sought`` is false for what a conformance run, which
    holds every subject against every reading, leaves to identification: there it is searched only where it is claimed.
    """

    name: str
    meaning: str
    latex: str = ""
    needs: str = ""
    sought: bool = True


@dataclass(frozen=True)
class Axis:
    """A named dimension along which readings of a line differ.

    ``kind`` is "meaning" where the options are different real functions, and "evaluation" where they are the same real
    function, rounded differently: a framework that fits a worse evaluation than ``standard`` is a *precision* finding.
    """

    name: str
    options: tuple[Option, ...]
    printed: str
    standard: str
    kind: Literal["meaning", "evaluation"] = "meaning"
    source: str = ""

    def __post_init__(self) -> None:
        for role, name in (("printed", self.printed), ("standard", self.standard)):
            if name not in self.names:
                raise ValueError(f"axis {self.name!r}: its {role} option {name!r} is none of {', '.join(self.names)}")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(option.name for option in self.options)

    def option(self, name: str) -> Option:
        return self.options[self.names.index(name)]


@dataclass(frozen=True)
class Coincidence:
    """Where readings are one real function by algebra: with ``when``, each of ``options`` of ``axis`` is ``simplest``.

    ``when`` gives, for other axes, the options with which that is so. No options stand for all of the axis.
    """

    axis: str
    simplest: str
    when: Mapping[str, tuple[str, ...]]
    options: tuple[str, ...] = ()

    def applies(self, reading: Reading) -> bool:
        among = not self.options or reading[self.axis] in self.options
        return among and all(reading[axis] in options for axis, options in self.when.items())


@dataclass(frozen=True)
class Reading:
    """A point on a line's axes: one option for each, in the line's order."""

    choices: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return ", ".join(f"{axis}={option}" for axis, option in self.choices) or "the only reading"

    def __getitem__(self, axis: str) -> str:
        return self.axes[axis]

    @property
    def axes(self) -> Mapping[str, str]:
        return MappingProxyType(dict(self.choices))

    def but(self, **axes: str) -> Reading:
        """This reading with some axes changed."""
        return Reading(tuple((axis, axes.get(axis, option)) for axis, option in self.choices))

    def difference(self, other: Reading) -> dict[str, tuple[str, str]]:
        """The axes on which two readings of one line part, each with both options."""
        return {axis: (mine, other[axis]) for axis, mine in self.choices if other[axis] != mine}


@dataclass(frozen=True)
class Input:
    """One argument of a line: its symbolic shape, what values it may take, and whether it is differentiated.

    ``values`` is "real", "probability" (0 to 1), "unit" (a target, 0 to 1) or "small" (a weight: of a size for which sums
    of a few products stay moderate).
    """

    shape: tuple[str | int, ...]
    meaning: str
    values: Literal["real", "probability", "unit", "small"] = "real"
    differentiable: bool = True

    def concrete(self, sizes: Sizes) -> tuple[int, ...]:
        return tuple(sizes[n] if isinstance(n, str) else n for n in self.shape)


@dataclass(frozen=True)
class Hyperparameter:
    """A scalar of an optimizer: its default and the half-open interval [low, high) it may lie in.

    ``also`` are the names that libraries have for it; ``neutral`` is the value at which it has no effect, if there is one.
    """

    name: str
    meaning: str
    default: float
    low: float = 0.0
    high: float = float("inf")
    also: tuple[str, ...] = ()
    neutral: float | None = None


@dataclass(frozen=True)
class Erratum:
    """Where the print is contestable on one axis. What it amounts to is computed; only the question is stated here."""

    axis: str
    question: str
    source: str = ""


@dataclass(frozen=True)
class Mnemonic:
    """The sheet's words beside a line, as a property: ``holds(xp, value, cotangents, cotangent, inputs)`` yields residuals
    that are zero (``equal``) or not positive (``at_most``) where the words are true."""

    words: str
    relation: Literal["equal", "at_most"]
    residual: Callable[..., Any]


@dataclass(frozen=True)
class Format:
    """What a formula may want to know of a floating-point format when it names its hard points."""

    dtype: str
    unit_roundoff: float
    max: float
    smallest_normal: float
    smallest_subnormal: float


def _no_hard_points(_: Format) -> Mapping[str, Inputs]:
    return {}


LAST_ON_SHEET = 41


@dataclass(frozen=True, kw_only=True, eq=False)
class Formula:
    """What a map and an optimizer have in common: identity, print, axes, errata.

    ``family`` is common to the lines that share one body and one set of axes, and differ in what they print: its own id
    where none is given. ``coincidences`` say which readings are the same real function. ``defining`` holds, for axes, the
    options without which a reading of the family is not called by this line's name.
    """

    id: str
    number: int
    title: str
    latex: str
    standard_latex: str = ""
    axes: tuple[Axis, ...] = ()
    errata: tuple[Erratum, ...] = ()
    coincidences: tuple[Coincidence, ...] = ()
    defining: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    source: str = "the sheet"
    notes: str = ""
    family: str = ""

    def __post_init__(self) -> None:
        if not self.family:
            object.__setattr__(self, "family", self.id)

    @property
    def name(self) -> str:
        return self.id.rpartition(".")[2]

    @property
    def on_the_sheet(self) -> bool:
        return self.number <= LAST_ON_SHEET

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
        """The reading that stands for all those that are the same real function as this one by algebra, whatever the
        hyperparameters and inputs."""
        for coincidence in self.coincidences:
            if coincidence.applies(reading):
                reading = reading.but(**{coincidence.axis: coincidence.simplest})
        return reading

    def meaning(self, reading: Reading) -> Reading:
        """The reading with its evaluation axes removed: what real function it is."""
        kept = {axis.name for axis in self.axes if axis.kind == "meaning"}
        return Reading(tuple(pair for pair in reading.choices if pair[0] in kept))


@dataclass(frozen=True, kw_only=True, eq=False)
class Map(Formula):
    """A line that is a function of arrays: its value, and the cotangents of its inputs.

    ``forward(xp, **inputs, **settings, **axes)`` is the value. ``vjp(xp, cotangent, **inputs, **settings, **axes)``
    gives the cotangent of each input in ``wrt`` as a mapping. ``prints`` says which of the two stands on the sheet; for a
    backward line the forward is the printed forward lines above it, composed. ``as_code`` holds the axes on which the ink,
    typed into a language of arrays, means something else than on paper (a sum of unlike shapes broadcasts there).
    """

    inputs: Mapping[str, Input]
    output: tuple[str | int, ...]
    forward: Callable[..., Any]
    vjp_body: Callable[..., Mapping[str, Any]]
    wrt: tuple[str, ...]
    prints: tuple[Literal["forward", "cotangent"], ...]
    settings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sheet_sizes: Sizes = field(default_factory=dict)
    other_sizes: tuple[Sizes, ...] = ()
    hard_points: Callable[[Format], Mapping[str, Inputs]] = _no_hard_points
    mnemonic: Mnemonic | None = None
    set_valued: Literal["", "max", "min"] = ""
    batch_axis: str = ""
    as_code: Mapping[str, str] = field(default_factory=dict)
    domain: str = "all reals"

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
        return self.forward(xp, **inputs, **{name: reading[name] for name in self.accepted("forward")})

    def vjp_in(self, xp: Any, cotangent: Any, inputs: Inputs, reading: Reading) -> Mapping[str, Any]:
        """The cotangents in any arithmetic, without checks."""
        return self.vjp_body(xp, cotangent, **inputs, **{name: reading[name] for name in self.accepted("vjp_body")})

    def __call__(self, *args: Any, reading: str | Reading | Mapping[str, str] = "printed", **named: Any) -> Any:
        """The line's value on plain arrays.

        Arguments are the line's inputs, by position or by name, then its settings and its axes by name; a Python float is
        accepted for an input of shape (). The value is a new array of the inputs' dtype. Inputs are never changed.
        Raises ArgumentError for a wrong shape, dtype, name or value, and NotConformable where this reading has no value
        for these shapes. Overflow and 0/0 are values of a reading, so NumPy's warnings about them are silenced.
        """
        from .oracle import evaluate

        return evaluate(self, args, reading, named)

    def vjp(self, cotangent: Any, *args: Any, reading: str | Reading | Mapping[str, str] = "printed", **named: Any) -> Any:
        """The cotangent of each differentiated input, as a dict by name, in this reading of the line's backward rule.

        ``cotangent``: in the value's shape and dtype; the rest, and what is raised, as in a call.
        """
        from .oracle import pull_back

        return pull_back(self, cotangent, args, reading, named)


@dataclass(frozen=True, kw_only=True, eq=False)
class Optimizer(Formula):
    """A line that is a state and a pure step, elementwise over the weights.

    ``start(xp, w, **hyper, **axes)`` gives the state before the first step; ``update(xp, w, g, state, rate, **hyper, **axes)``
    gives (new w, new state). A state is a NamedTuple of arrays and scalars; ``state.t`` counts the steps done: 0 at the
    start, t after step t. It may be traced by a framework, so that a body does not branch on it.
    """

    hyperparameters: tuple[Hyperparameter, ...]
    start: Callable[..., Any]
    update: Callable[..., tuple[Any, Any]]

    def hyperparameter(self, name: str) -> Hyperparameter:
        for hyper in self.hyperparameters:
            if hyper.name == name:
                return hyper
        raise ArgumentError(f"{self.id} has no hyperparameter {name!r}.{suggest(name, [h.name for h in self.hyperparameters])}")

    def keywords(self, hyper: Mapping[str, Any], reading: Reading) -> dict[str, Any]:
        """Hyperparameters and axes as ``start`` and ``update`` take them: of two with one name, the axis gets ``_axis``."""
        known = {hyperparameter.name for hyperparameter in self.hyperparameters}
        return {**hyper, **{f"{name}_axis" if name in known else name: option for name, option in reading.choices}}

    def trace_in(
        self, xp: Any, w: Any, gradients: Any, rates: Any, hyper: Mapping[str, Any], reading: Reading
    ) -> tuple[list[Any], list[Any]]:
        """The weights and the states after each step of a trace in any arithmetic, open loop, without checks."""
        taken = list(self.steps_in(xp, w, gradients, rates, hyper, reading))
        return [weights for weights, _ in taken], [state for _, state in taken]

    def steps_in(
        self, xp: Any, w: Any, gradients: Any, rates: Any, hyper: Mapping[str, Any], reading: Reading
    ) -> Iterator[tuple[Any, Any]]:
        """The weights and the state after each step of a trace, as ``trace_in``, each computed when it is asked for."""
        named = self.keywords(hyper, reading)
        state = self.start(xp, w, **named)
        for g, rate in zip(gradients, rates, strict=True):
            w, state = self.update(xp, w, g, state, rate, **named)
            yield w, state

    def init(self, w: Any, reading: str | Reading | Mapping[str, str] = "printed", **named: Any) -> Any:
        """The state before the first step for weights ``w`` of any shape and floating dtype; ``named`` as in ``step``."""
        from .oracle import initial_state

        return initial_state(self, w, reading, named)

    def step(
        self, w: Any, g: Any, state: Any, rate: Any, reading: str | Reading | Mapping[str, str] = "printed", **named: Any
    ) -> tuple[Any, Any]:
        """One step: (new weights, new state), in the dtype of ``w``. Inputs are never changed, results are new arrays.

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

        ``gradients``: (steps, *w.shape); ``rates``: one number for all steps or one for each; the rest as in ``step``.
        """
        from .oracle import run

        return run(self, w, gradients, rates, reading, named)
