"""The parts of a formula as plain data: Axis, Option, Reading, Input, Hyperparameter, Property, Study."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal

Sizes = Mapping[str, int]
Inputs = Mapping[str, Any]


class NotConformable(ValueError):
    """A reading that has no value here because its shapes do not fit, such as I - A for an A that is not square."""


# --- axes and readings ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Constant:
    """A number inside of an option that is whatever its author writes: ``value`` in the option at hand; ``made(number)`` is
    what the option does with another one, and ``read(value)`` reads it off the value that a function returns on the ``probe``,
    one example of each input."""

    symbol: str
    value: float
    made: Callable[[float], Any]
    probe: Inputs
    read: Callable[[float], float]


@dataclass(frozen=True)
class Option:
    """One way of reading the ink along one axis: its name, its meaning, and what it ``does``.

    ``does`` is what a body is handed where this option is chosen: a function, or a frozen dataclass or NamedTuple of
    functions and numbers. ``needs`` names the hyperparameter that the option alone uses: without it, it is not searched.
    ``uses`` names another that it looks at.
    ``in_matrix`` is false for what a conformance run, which holds every subject against every reading, leaves to
    identification: there it is searched only where it is claimed. ``rare`` is true of what hardly anyone has: a search tries
    it on its own and beside what is common, not together with another that is rare. ``constant`` is a number in it that may be
    another one.
    """

    name: str
    meaning: str
    latex: str = ""
    does: Any = None
    needs: str = ""
    uses: str = ""
    in_matrix: bool = True
    rare: bool = False
    constant: Constant | None = None

    def __repr__(self) -> str:
        return f"<option {self.name}: {self.meaning}>"


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

    def __repr__(self) -> str:
        return f"<axis {self.name}: {', '.join(self.names)}>"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(option.name for option in self.options)

    def option(self, name: str) -> Option:
        return self.options[self.names.index(name)]

    def of(self, *options: str, printed: str = "", standard: str = "", in_matrix: tuple[str, ...] | None = None) -> Axis:
        """The axis as one line has it: some of its ``options`` (all where none are named), what the line prints and what the
        field uses (the same where only the print is said), and which options a campaign tries beside those two."""
        printed = printed or self.printed
        standard = standard or (printed if printed != self.printed else self.standard)
        kept = tuple(option for option in self.options if not options or option.name in options)
        if in_matrix is not None:
            kept = tuple(replace(o, in_matrix=o.name in (printed, standard, *in_matrix)) for o in kept)
        return replace(self, options=kept, printed=printed, standard=standard)

    def with_options(self, kept: Callable[[Option], bool]) -> Axis:
        """The axis with some of its options."""
        return replace(self, options=tuple(option for option in self.options if kept(option)))


@dataclass(frozen=True)
class Reading:
    """A point on a line's axes: one option for each, in the line's order."""

    choices: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return ", ".join(f"{axis}={option}" for axis, option in self.choices) or "the only reading"

    def __repr__(self) -> str:
        return f"<reading {self}>"

    def __getitem__(self, axis: str) -> str:
        return self._by_axis[axis]

    @property
    def axes(self) -> Mapping[str, str]:
        return MappingProxyType(self._by_axis)

    @cached_property
    def _by_axis(self) -> dict[str, str]:
        return dict(self.choices)

    def but(self, **axes: str) -> Reading:
        """This reading with some axes changed."""
        return Reading(tuple((axis, axes.get(axis, option)) for axis, option in self.choices))

    def difference(self, other: Reading) -> dict[str, tuple[str, str]]:
        """The axes on which two readings of one line differ, each with both options."""
        return {axis: (mine, other[axis]) for axis, mine in self.choices if other[axis] != mine}


@dataclass(frozen=True)
class Coincidence:
    """Where readings are one real function by algebra: with ``when``, each of ``options`` of ``axis`` is ``simplest``.

    ``when`` gives, for other axes, the options with which that is so. No options stand for all of the axis. Where they are
    not ``rounded_alike``, they are the same function in another arrangement, of which a search has to try each.
    """

    axis: str
    simplest: str
    when: Mapping[str, tuple[str, ...]]
    options: tuple[str, ...] = ()
    rounded_alike: bool = True

    def applies(self, reading: Reading) -> bool:
        among = not self.options or reading[self.axis] in self.options
        return among and all(reading[axis] in options for axis, options in self.when.items())


@dataclass(frozen=True)
class Erratum:
    """Where the print is contestable on one axis. What it amounts to is computed; only the question is stated here."""

    axis: str
    question: str
    source: str = ""


# --- arguments ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Input:
    """One argument of a line: its symbolic shape, what values it may take, and whether it is differentiated.

    ``values`` is "real", "probability" (0 to 1), "unit" (a target, 0 to 1) or "small" (a weight: of a size for which sums
    of a few products stay moderate). ``aliases`` are the names that libraries and people have for it.
    """

    shape: tuple[str | int, ...]
    meaning: str
    values: Literal["real", "probability", "unit", "small"] = "real"
    differentiable: bool = True
    aliases: tuple[str, ...] = ()

    def concrete(self, sizes: Sizes) -> tuple[int, ...]:
        return tuple(sizes[n] if isinstance(n, str) else n for n in self.shape)


class Role(Enum):
    """What a hyperparameter is to an optimizer, whatever its name."""

    DECAY_RATE = "a decay rate: how much of an average is kept, in [0, 1); powers of it may be formed"
    EPSILON = "an ε: keeps a quotient finite, and shows where gradients are of its size or of its root's"
    STEP_SIZE = "a step size"
    MULTIPLIER = "a multiplier, such as λ of weight decay"
    COUNT = "a whole number, of steps or calls"
    FIRST_RATE = "the rate that an optimizer is made with, and that its first step has"


class Scope(Enum):
    """What the step of a weight depends on."""

    WEIGHT = "its own past and gradients alone"
    ARRAY = "all weights of its array"
    MATRIX = "all weights of its array, which is a matrix"


@dataclass(frozen=True)
class Trials:
    """Values at which a hyperparameter is tried.

    ``settings``: one for each of the three settings of a campaign: the field's, an exactly representable one, and one whose
    complement is large. ``exact``: of which every format holds value and complement, for narrow budgets; ``usual``: the
    field's, which rounds; None leaves either to the engine. ``fixed``: what libraries set where they give no choice.
    """

    settings: tuple[float, float, float]
    exact: float | None = None
    usual: float | None = None
    fixed: tuple[float, ...] = ()

    @classmethod
    def at(cls, value: float, exact: float | None = None, usual: float | None = None) -> Trials:
        """The same value in each setting of a campaign."""
        return cls((value, value, value), exact, usual)


_BY_ROLE = {
    Role.DECAY_RATE: lambda default: Trials((default, 0.875, 0.5), 0.75, 0.9),
    Role.EPSILON: lambda default: Trials((default or 1e-8, 2.0**-10, 2.0**-4), 2.0**-10, 1e-6),
    Role.STEP_SIZE: lambda default: Trials((default, 0.125, 0.5)),
    Role.MULTIPLIER: lambda default: Trials((default, default, default)),
    Role.COUNT: lambda default: Trials((default, default, default)),
    Role.FIRST_RATE: lambda default: Trials((default, 0.125, 0.5)),
}


@dataclass(frozen=True)
class Hyperparameter:
    """A scalar of an optimizer: its default, the half-open interval [low, high) it may lie in, and its role.

    ``aliases`` are the names that libraries have for it; ``neutral`` is the value at which it has no effect, if there is one;
    ``trials`` the values it is tried at, those of its role where none are given.
    """

    name: str
    meaning: str
    default: float
    low: float = 0.0
    high: float = float("inf")
    role: Role = Role.MULTIPLIER
    aliases: tuple[str, ...] = ()
    neutral: float | None = None
    trials: Trials | None = None

    def __repr__(self) -> str:
        return f"<hyperparameter {self.name}: {self.meaning}>"

    @property
    def tried(self) -> Trials:
        return self.trials or _BY_ROLE[self.role](self.default)


# --- what is held of a formula, and what is drawn of it -------------------------------------------------------------


@dataclass(frozen=True)
class Mnemonic:
    """The sheet's words beside a line, as a property: ``residual(xp, value, cotangents, cotangent, inputs)`` is zero
    (``equal``) or not positive (``at_most``) where the words are true."""

    words: str
    relation: Literal["equal", "at_most"]
    residual: Callable[..., Any]


class Fault(Enum):
    """How a trial of a property fails."""

    DIFFERS = "found is another number than expected"
    EXCEEDS = "found is above expected, which it may at most be"
    OUTSIDE = "found is no share of expected"
    SHAPE = "found and expected are shapes, and differ"
    UNDEFINED = "a number is expected, and there is none"


@dataclass(frozen=True)
class Outcome:
    """One trial of a property: that it holds, or the first number that breaks it.

    ``of`` names what is looked at ("x_bar"), ``index`` its element, ``step`` an optimizer's step, from 1. ``after`` is what was
    done to the case, as data: ("swapped", "n"); ``at`` are the hyperparameters that were changed for the trial.
    """

    fault: Fault | None = None
    of: str = ""
    index: tuple[int, ...] = ()
    step: int = 0
    found: Any = None
    expected: Any = None
    after: tuple[str, ...] = ()
    at: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Property:
    """A mathematical property that a formula is said to have; whether a reading has it is computed, in exact arithmetic.

    ``name`` is its key; ``words`` say it. ``outcomes(case)`` yields the Outcome of one trial after another. Of a map, a case is
    one reading on one sample; of an optimizer, one reading at one setting of its hyperparameters (`reference.pieces.properties`
    has those that many formulas share).
    """

    name: str
    words: str
    outcomes: Callable[[Any], Any]

    def __repr__(self) -> str:
        return f"<property {self.name}>"


@dataclass(frozen=True)
class Study:
    """Something worth drawing of a formula: ``curves(lab)`` yields the curves, with the numbers that ``lab`` computes."""

    name: str
    curves: Callable[[Any], Any]

    def __repr__(self) -> str:
        return f"<study {self.name}>"


@dataclass(frozen=True)
class Format:
    """What a formula may want to know of a floating-point format when it names its hard points."""

    dtype: str
    unit_roundoff: float
    max: float
    smallest_normal: float
    smallest_subnormal: float
