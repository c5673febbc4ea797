"""The space that is searched: readings as a product of axes, values that the box does not take as an argument, and what it
may store in a narrower format. A candidate is a point in it; a coordinate is one way to move."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np

from ....adapters.box import Box
from ....adapters.errors import BoxError
from ....reference.arguments import suggest
from ....reference.catalogue import catalogue
from ....reference.formula import Optimizer
from ....reference.namespace import Floating
from ....reference.vocabulary import Hyperparameter, Option, Reading, Role
from ....reference.wrapper import Wrapped, Wrapper
from ...answers import Memory, Stored, Way
from ...arithmetic.formats import Precision, precision


@dataclass(frozen=True)
class Behind:
    """A wrapper around the optimizer: ``binding`` says which argument of the box is which of its parameters, ``assumed`` has
    the values of those that it does not take."""

    wrapper: Wrapper
    binding: tuple[tuple[str, str], ...] = ()
    assumed: tuple[tuple[str, float], ...] = ()

    def values(self, arguments: Mapping[str, float]) -> dict[str, float]:
        """The parameters' values, at these of the box's arguments."""
        return {**dict(self.assumed), **{name: arguments[own] for name, own in self.binding}}

    def with_assumed(self, name: str, value: float) -> Behind:
        return replace(self, assumed=tuple((n, value if n == name else v) for n, v in self.assumed))

    def at(self, arguments: Mapping[str, float], lift: Callable[[float], Any]) -> Wrapped:
        """The wrapper with its parameters as numbers of an arithmetic; whole ones are plain numbers in each."""
        values = self.values(arguments)
        whole = {one.name for one in self.wrapper.parameters if one.role is Role.COUNT}
        return Wrapped(self.wrapper, SimpleNamespace(**{n: int(v) if n in whole else lift(v) for n, v in values.items()}))

    def calls(self, arguments: Mapping[str, float]) -> int:
        """How many calls of the box make one step of the optimizer."""
        return self.wrapper.calls(self.at(arguments, float).h)


@dataclass(frozen=True)
class Candidate:
    """A line in one reading, with values for the hyperparameters that the box does not take (``assumed``), and the quantities
    that are ``stored`` in a narrower format than the weights. One that ``ascends`` steps along the gradient, to maximize.
    One that is ``arranged`` forms the same real function otherwise than the line is written. One may stand ``behind`` a
    wrapper. ``memory`` is what of its state it keeps from step to step. Its steps are ``computed`` in that
    format or a more precise one, in that of the weights where none is said; with ``wide_scalars`` what is done to scalars alone
    is done in float32, though the weights' format is narrower."""

    line: Optimizer
    reading: Reading
    assumed: tuple[tuple[str, float], ...] = ()
    stored: tuple[Stored, ...] = ()
    ascends: bool = False
    arranged: bool = False
    behind: Behind | None = None
    memory: Memory = Memory.KEPT
    computed: str = ""
    wide_scalars: bool = False

    def form(self, dtype: str) -> Precision:
        """The format in which it computes where weights are of that dtype."""
        form = precision(self.computed or dtype)
        return form.with_scalars_in_float32() if self.wide_scalars else form

    @property
    def at_random(self) -> bool:
        """Whether its weights are rounded at random."""
        return any(one.way is Way.AT_RANDOM for one in self.stored)

    def with_option(self, axis: str, option: str) -> Candidate:
        return replace(self, reading=self.reading.but(**{axis: option}))

    def with_assumed(self, name: str, value: float) -> Candidate:
        return replace(self, assumed=tuple((n, value if n == name else v) for n, v in self.assumed))


@dataclass(frozen=True)
class Coordinate:
    """One way to move: an axis, an assumed value, or the direction of the step."""

    axis: str = ""
    assumed: str = ""


@dataclass(frozen=True)
class Space:
    """The candidates of one family of lines for one box.

    ``lines`` share their axes and differ in what they print; ``binding`` says which argument of the box is which
    hyperparameter; ``settled`` are hyperparameters whose value the user has named; ``idle`` are arguments of the box that stay
    at a value without effect; a box that ``ascends`` is seen to step along its gradient, and one may be seen to stand
    ``behind`` a wrapper.
    """

    lines: tuple[Optimizer, ...]
    binding: Mapping[str, str]  # hyperparameter -> the box's own name
    settled: Mapping[str, float]
    idle: frozenset[str] = frozenset()
    ascends: bool = False
    behind: Behind | None = None

    @property
    def line(self) -> Optimizer:
        return self.lines[0]

    def options(self, axis: str) -> list[str]:
        """The options of an axis that a box with these arguments can show."""
        return self._shown_options[axis]

    @cached_property
    def _shown_options(self) -> dict[str, list[str]]:
        return {axis.name: [option.name for option in axis.options if self.can_show(option)] for axis in self.line.axes}

    def can_show(self, option: Option) -> bool:
        if not option.needs:
            return True
        if option.needs in self.binding:
            return self.binding[option.needs] not in self.idle
        hyper = self.line.hyperparameter(option.needs)
        return option.needs in self.settled and self.settled[option.needs] != hyper.neutral

    def without(self, refused: Collection[str], own: Mapping[str, float]) -> Space:
        """The space of a box that refuses to vary some of its arguments."""
        neutral = {self.binding[h.name]: h.neutral for h in self.line.hyperparameters if h.name in self.binding}
        return replace(self, idle=frozenset(n for n in refused if n in neutral and own.get(n, neutral[n]) == neutral[n]))

    def starts(self) -> list[Candidate]:
        """Where a search begins: the printed and the standard reading of each line, as far as the box can show them."""
        readings = {reading: None for line in self.lines for reading in (line.standard, line.printed)}
        return list(dict.fromkeys(self.start(reading) for reading in readings))

    def start(self, reading: Reading) -> Candidate:
        """The candidate with a reading, as far as the box can show it."""
        assumed = tuple((hyper.name, self._assumed(hyper)) for hyper in self.unbound())
        return self.simplest(Candidate(self.line, self._shown(reading), assumed, ascends=self.ascends, behind=self.behind))

    def unbound(self) -> list[Hyperparameter]:
        """Those of which a value is assumed; the rate that the box is made with is known."""
        return [h for h in self.line.hyperparameters if h.name not in self.binding and h.role is not Role.FIRST_RATE]

    def _assumed(self, hyper: Hyperparameter) -> float:
        if hyper.name in self.settled:
            return self.settled[hyper.name]
        return hyper.default if hyper.neutral is None else hyper.neutral

    def _shown(self, reading: Reading) -> Reading:
        """The reading with options that the box cannot show replaced by the first that it can."""
        changed = {}
        for axis, option in reading.choices:
            shown = self.options(axis)
            if option not in shown:
                changed[axis] = shown[0]
        return reading.but(**changed)

    def simplest(self, candidate: Candidate) -> Candidate:
        """The candidate that stands for all that are the same function by algebra, as far as the box can show it."""
        reading = self.line.simplest(candidate.reading)
        shown = all(option in self.options(axis) for axis, option in reading.choices)
        return replace(candidate, reading=reading) if shown else candidate

    def function_of(self, candidate: Candidate) -> Candidate:
        """The candidate that stands for all that are the same function by algebra, however they round, and whatever is assumed
        of hyperparameters that its reading does not look at."""
        looks = looks_at(self.line, candidate.reading)
        assumed = ((n, v if n in looks else self._assumed(self.line.hyperparameter(n))) for n, v in candidate.assumed)
        return replace(candidate, reading=self.line.function_of(candidate.reading), assumed=tuple(assumed))

    def moves(self, candidate: Candidate) -> Iterator[tuple[Coordinate, list[Candidate]]]:
        """Each coordinate with the candidates that differ from this one in it alone."""
        for axis, option in candidate.reading.choices:
            others = [candidate.with_option(axis, name) for name in self.options(axis) if name != option]
            distinct = dict.fromkeys(other for other in map(self.simplest, others) if other != candidate)
            if distinct:
                yield Coordinate(axis=axis), list(distinct)
        yield Coordinate(), [replace(candidate, ascends=not candidate.ascends)]
        for name, value in candidate.assumed:
            if name in self.settled or not self.matters(name):
                continue
            hyper = self.line.hyperparameter(name)
            fixed = [v for v in hyper.tried.fixed if v != value and hyper.low <= v < hyper.high]
            if fixed:
                yield Coordinate(assumed=name), [candidate.with_assumed(name, v) for v in fixed]

    def matters(self, name: str) -> bool:
        """Whether the value of a hyperparameter that the box does not take can show: one that an option needs does not, since
        such options are then left out."""
        return name in self.settled or all(option.needs != name for axis in self.line.axes for option in axis.options)

    def rarity(self, candidate: Candidate) -> int:
        """Two for each rare option of a candidate, and one for each value that is assumed and not the usual one."""
        options = sum(option in self._rare[axis] for axis, option in candidate.reading.choices)
        return 2 * options + sum(value != self._usual[name] for name, value in candidate.assumed)

    @cached_property
    def _rare(self) -> dict[str, frozenset[str]]:
        return {axis.name: frozenset(option.name for option in axis.options if option.rare) for axis in self.line.axes}

    @cached_property
    def _usual(self) -> dict[str, float]:
        return {hyper.name: self._assumed(hyper) for hyper in self.unbound()}

    def size(self) -> int:
        """How many readings the product of the axes has."""
        product = 1
        for axis in self.line.axes:
            product *= len(self.options(axis.name))
        return product


@cache
def looks_at(line: Optimizer, reading: Reading) -> frozenset[str]:
    """The hyperparameters that a reading looks at in its first steps."""
    asked, defaults, xp = set[str](), {hyper.name: hyper.default for hyper in line.hyperparameters}, Floating(np.float64)

    class Watched(SimpleNamespace):
        def __getattribute__(self, name: str) -> float:
            asked.add(name)
            return defaults[name]

    watched, w = replace(line.configured({}, reading), h=Watched()), np.ones((1, 1))
    with np.errstate(all="ignore"):
        state = watched.start(xp, w)
        for _ in range(2):
            w, state = watched.step(xp, w, w, state, 0.5)
    return frozenset(asked)


def spaces(box: Box, names: Mapping[str, str], settled: Mapping[str, float]) -> list[Space]:
    """A space for each family of lines, those with fewer hyperparameters first.

    ``names`` maps hyperparameters to the box's own names where the signature does not say; ``settled`` gives values of
    hyperparameters that the box has but does not take. Raises BoxError for a name that neither knows.
    """
    _known_names(box, names, settled)
    found = []
    for lines in families():
        of_line = {hyper.name for hyper in lines[0].hyperparameters}
        binding = bound(lines[0], box, {k: v for k, v in names.items() if k in of_line})
        space = Space(lines, binding, {k: v for k, v in settled.items() if k in of_line and k not in binding})
        found.append(space)
    return sorted(found, key=lambda space: len(space.line.hyperparameters))


def families() -> list[tuple[Optimizer, ...]]:
    """The optimizer lines, those of one family together: they have one body and one set of axes."""
    grouped: dict[str, list[Optimizer]] = {}
    for line in catalogue(beyond=True).values():
        if isinstance(line, Optimizer):
            grouped.setdefault(line.family or line.id, []).append(line)
    return [tuple(lines) for lines in grouped.values()]


def _known_names(box: Box, names: Mapping[str, str], settled: Mapping[str, float]) -> None:
    known = sorted({hyper.name for lines in families() for hyper in lines[0].hyperparameters})
    for name in (*names, *settled):
        if name not in known:
            raise BoxError(f"no line has a hyperparameter {name!r}.{suggest(name, known)}")
    for own in names.values():
        if own not in box.arguments:
            raise BoxError(f"{box.name} takes no number {own!r}.{suggest(own, box.arguments)}")


def bound(line: Optimizer, box: Box, names: Mapping[str, str]) -> dict[str, str]:
    """Which of the box's own arguments is which hyperparameter of a line: by what the user said, by its name in the reference,
    and by the names that libraries have for it; no argument is two hyperparameters."""
    return bound_names(line.hyperparameters, box.arguments, names)


def bound_names(
    hyperparameters: Iterable[Hyperparameter], arguments: Iterable[str], names: Mapping[str, str] = MappingProxyType({})
) -> dict[str, str]:
    """Which of some arguments is which hyperparameter."""
    binding, wanted = dict(names), tuple(hyperparameters)
    lower = {own.lower(): own for own in arguments}
    for spelling in (lambda hyper: (hyper.name,), lambda hyper: hyper.aliases):
        for hyper in wanted:
            if hyper.name in binding:
                continue
            match = next((lower[n.lower()] for n in spelling(hyper) if n.lower() in lower), None)
            if match is not None and match not in binding.values():
                binding[hyper.name] = match
    return binding
