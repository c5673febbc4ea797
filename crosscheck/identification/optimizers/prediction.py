"""What a candidate may do on an experiment, step by step, by the rounding model; and how far it holds what a box did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ...arithmetic.formats import precision
from ...arithmetic.rounding import Enclosure, Rounding
from ...arithmetic.steps import Steps
from .playing import Experiment, Played
from .space import Candidate, Space

NARROW = "float32"
RATE = "the rate"

# The ways in which a library may form β^t in the narrower format; and whether it goes on to form 1-β^t there.
_POWER_BY = {
    "": lambda beta, t: np.float32(beta) ** np.float32(t),
    " (by products)": lambda beta, t: np.prod(np.full(t, beta, np.float32), dtype=np.float32),
    " (rounded from float64)": lambda beta, t: np.float32(float(beta) ** t),
}
_POWERS = {f"{what}{how}": (what, form) for what in ("β^t", "1-β^t") for how, form in _POWER_BY.items()}
POWERS = tuple(_POWERS)


class HeldPowers(Enclosure):
    """A decay rate of which the box forms powers in the narrower format, in one of the ways above."""

    __slots__ = ("way",)
    way: str

    def __pow__(self, exponent: int) -> Enclosure:
        what, form = _POWERS[self.way]
        kind = Held if what == "1-β^t" else Enclosure
        return kind(np.asarray(np.longdouble(form(self.value, exponent))), np.asarray(np.longdouble(0)), self.precision)


class Held(Enclosure):
    """A number of the narrower format, whose difference from 1 is rounded to it, too."""

    __slots__ = ()

    def __rsub__(self, other: Any) -> Enclosure:
        return super().__rsub__(other).held(precision(NARROW))


# How a library may keep a part of its state in the narrower format: it is rounded whenever it is put away; as an array of that
# format, of which products with a scalar are rounded to it as well; or updated in place, so that products and sums are.
STORED, ARRAY, IN_PLACE = "", " (an array of it)", " (updated in place)"
KEPT = (STORED, ARRAY, IN_PLACE)


class Kept(Enclosure):
    """A part of the state in the narrower format, with the rounding of what is done to it there."""

    __slots__ = ("way",)
    way: str

    @classmethod
    def in_way(cls, a: Enclosure, way: str) -> Kept:
        kept = cls(a.value, a.error, a.precision, a.huge)
        kept.way = way
        return kept

    def _rounded(self, a: Enclosure) -> Kept:
        return Kept.in_way(a.held(precision(NARROW)), self.way)

    def __mul__(self, other: Any) -> Enclosure:
        product = super().__mul__(other)
        by_scalar = not np.ndim(getattr(other, "value", other))
        return self._rounded(product) if by_scalar or self.way == IN_PLACE else product

    __rmul__ = __mul__

    def __add__(self, other: Any) -> Enclosure:
        total = super().__add__(other)
        return self._rounded(total) if self.way == IN_PLACE else total

    __radd__ = __add__


class Model:
    """A candidate as an optimizer in the rounding model: what the weights may be after each step."""

    def __init__(self, space: Space, candidate: Candidate, weights: np.ndarray, arguments: Mapping[str, float], dtype: str):
        self.candidate, self.line = candidate, candidate.line
        self.xp = Rounding(precision(dtype))
        hyper = {n: _scalar(self.xp, n, v, candidate) for n, v in values(space, candidate, arguments).items()}
        self.configured = self.line.configured(hyper, candidate.reading)
        self.w = self.xp.asarray(weights)
        with np.errstate(all="ignore"):
            self.state = _stored(self.configured.start(self.xp, self.w), candidate, self.xp)

    def step(self, gradient: np.ndarray, rate: float) -> Enclosure:
        xp = self.xp
        alpha = xp.asarray(_narrowed(rate) if RATE in self.candidate.held else rate)
        g = xp.asarray(-gradient if self.candidate.ascends else gradient)
        with np.errstate(all="ignore"):
            self.w, state = self.configured.step(xp, self.w, g, self.state, alpha)
        self.state = _stored(state, self.candidate, xp)
        return self.w

    def take(self, observed: np.ndarray) -> None:
        """Go on from what the box has where the budget says nothing about it, so that later steps are bound again.

        What it shows may be rounded from weights that it keeps more precisely.
        """
        w, p = self.w, self.w.precision
        void = w.void
        if void.any():
            shown = observed.astype(np.longdouble)
            value, error = np.where(void, shown, w.value), np.where(void, np.abs(shown) * p.u + p.eta, w.error)
            self.w = Enclosure(value, error, p, None if w.huge is None else w.huge & ~void)

    def tick(self) -> None:
        """Count a step that this weight takes no part in."""
        self.state = self.state._replace(t=self.state.t + 1)


def steps(space: Space, candidate: Candidate, experiment: Experiment, dtype: str) -> Steps:
    """What the weights may be after each step, in floating point of ``dtype``."""
    return Steps(partial(_steps, space, candidate, experiment, dtype))


def _steps(space: Space, candidate: Candidate, experiment: Experiment, dtype: str) -> Iterator[Enclosure]:
    model = Model(space, candidate, experiment.weights, experiment.arguments, dtype)
    for gradient, rate in zip(experiment.gradients, experiment.rates, strict=True):
        yield model.step(gradient, rate)


def steps_beside(space: Space, candidate: Candidate, played: Played, dtype: str) -> Steps:
    """The same along what a box did, of which is taken what the budgets leave open; what was computed once is kept."""
    key = (candidate, tuple(space.binding.items()), dtype)
    if key not in played.predicted:
        played.predicted[key] = Steps(partial(_steps_beside, space, candidate, played, dtype))
    return played.predicted[key]


def _steps_beside(space: Space, candidate: Candidate, played: Played, dtype: str) -> Iterator[Enclosure]:
    trace = played.experiment
    model = Model(space, candidate, trace.weights, trace.arguments, dtype)
    for gradient, rate, observed in zip(trace.gradients, trace.rates, played.weights, strict=True):
        yield model.step(gradient, rate)
        model.take(observed)


def values(space: Space, candidate: Candidate, arguments: Mapping[str, float]) -> dict[str, float]:
    """The hyperparameters of a candidate: as assumed, or from the box's arguments; one that is not set there is neutral."""
    found = dict(candidate.assumed)
    for hyper in space.line.hyperparameters:
        if hyper.name not in found:
            found[hyper.name] = arguments.get(space.binding[hyper.name], hyper.neutral or 0.0)
    return found


def _scalar(xp: Rounding, name: str, value: float, candidate: Candidate) -> Enclosure:
    lifted = xp.asarray(_narrowed(value) if name in candidate.held else value)
    way = next((way for way in POWERS if way in candidate.held), "")
    if not way or not name.startswith("beta"):
        return lifted
    held = HeldPowers(lifted.value, lifted.error, lifted.precision)
    held.way = way
    return held


def _narrowed(value: float) -> float:
    return float(np.float32(value))


def _stored(state: Any, candidate: Candidate, xp: Rounding) -> Any:
    """The state after the box has put away those of its parts that it holds in the narrower format."""
    parts = {name: _put_away(xp.asarray(getattr(state, name)), way) for name, way in _kept(state, candidate)}
    return state._replace(**parts) if parts else state


def _kept(state: Any, candidate: Candidate) -> Iterator[tuple[str, str]]:
    for quantity in candidate.held:
        name = quantity.partition(" (")[0]
        if name in state._fields:
            yield name, quantity.removeprefix(name)


def _put_away(a: Enclosure, way: str) -> Enclosure:
    rounded = a.held(precision(NARROW))
    return rounded if way == STORED else Kept.in_way(rounded, way)


@dataclass(frozen=True, order=True)
class Score:
    """How far a candidate holds what was played. ``held``: numbers until the first that it does not hold, weight by weight,
    those not counted that its budget would let be anything; where two hold as many, the nearer one (``near``: minus the
    logarithm of the error over the budget) is better. ``full``: whether it holds everything."""

    held: int
    near: float
    full: bool = False


def score(space: Space, candidate: Candidate, played: Sequence[Played], dtype: str, floor: int = 0) -> Score:
    """The score of a candidate, given up once it cannot reach ``floor`` any more."""
    held, errors, rest = 0, [], possible(played)
    for one in played:
        alive, rest = np.ones(one.weights.shape[1], bool), rest - one.weights.size
        # a weight that has had no gradient yet hardly tells readings apart
        asked = np.logical_or.accumulate(one.experiment.gradients != 0)
        for t, enclosure in enumerate(steps_beside(space, candidate, one, dtype)):
            inside = enclosure.contains(one.weights[t])
            lost = alive & ~inside
            if lost.any():
                errors.append(_log_share(enclosure, one.weights[t])[lost])
            alive &= inside
            held += int((alive & ~enclosure.void).sum())
            left = int(alive.sum()) * (one.experiment.steps - t - 1) if (alive & asked[t]).any() else 0
            if held + left + rest < floor:
                return Score(held, -_typical(errors))
            if not left:
                break
    return Score(held, -_typical(errors), not errors)


def _typical(errors: Sequence[np.ndarray]) -> float:
    return float(np.median(np.concatenate(errors))) if errors else 0.0


def _log_share(enclosure: Enclosure, observed: np.ndarray) -> np.ndarray:
    share = enclosure.share(observed)
    return np.log(np.clip(np.where(np.isfinite(share), share, 1e300), 1.0, 1e300))


def possible(played: Sequence[Played]) -> int:
    """How many numbers there are to hold."""
    return sum(one.weights.size for one in played)


def fits(space: Space, candidate: Candidate, played: Sequence[Played], dtype: str) -> bool:
    """Whether a candidate holds all that was played; it is given up at the first number that it does not hold."""
    return first_miss(space, candidate, played, dtype) is None


@dataclass(frozen=True)
class Parting:
    """Where a candidate and a box part: which experiment, at which step (from 1) and weight."""

    experiment: int
    step: int
    weight: int


def first_miss(space: Space, candidate: Candidate, played: Sequence[Played], dtype: str) -> Parting | None:
    for i, one in enumerate(played):
        for t, enclosure in enumerate(steps_beside(space, candidate, one, dtype)):
            inside = enclosure.contains(one.weights[t])
            if not inside.all():
                return Parting(i, t + 1, int(np.argmin(inside)))
    return None


def worst_share(space: Space, candidate: Candidate, played: Sequence[Played], dtype: str) -> float:
    """The largest error over the budget."""
    worst = 0.0
    for one in played:
        for t, enclosure in enumerate(steps_beside(space, candidate, one, dtype)):
            worst = max(worst, float(enclosure.share(one.weights[t]).max()))
    return worst


def unbound(space: Space, candidate: Candidate, played: Sequence[Played], dtype: str) -> int:
    """How many numbers the budget would let be anything."""
    return sum(int(e.void.sum()) for one in played for e in steps_beside(space, candidate, one, dtype))
