"""What a candidate may do on an experiment, step by step, by the rounding model; and how far it contains what a box did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ....reference.namespace import Floating
from ....reference.vocabulary import Hyperparameter, Role, Scope
from ...answers import Kind, Memory, Stored, Way
from ...arithmetic.enclosure import operating
from ...arithmetic.formats import Precision, precision
from ...arithmetic.intervals import Intervals, kept
from ...arithmetic.rounding import Enclosure, Rounding, Wide, lift
from ...arithmetic.steps import Steps
from ...arithmetic.storage import held, held_at_random, held_towards_zero
from ...readings.evaluate import Run
from .playing import Experiment, Made, Played
from .space import Candidate, Space

NARROW = "float32"
ROUNDINGS = 3  # of a quantity in another arrangement: of a product, a difference and a sum, as in g + β(V - g)

# How a power of a decay rate comes about in the narrower format.
POWER_WAYS = {
    Way.ROUNDED: lambda kept, t: np.float32(kept) ** np.float32(t),
    Way.PRODUCTS: lambda kept, t: np.prod(np.full(t, kept, np.float32), dtype=np.float32),
    Way.FROM_FLOAT64: lambda kept, t: np.float32(float(kept) ** t),
}
WEIGHTS = (Kind.WEIGHTS, Kind.COPY)
WEIGHT_WAYS = {Way.ROUNDED: held, Way.AT_RANDOM: held_at_random, Way.CUT_OFF: held_towards_zero}
STATE_WAYS = (Way.ROUNDED, Way.ARRAY, Way.ITEM, Way.IN_PLACE)


class NarrowRoots(Rounding):
    """The rounding model with roots of arrays that are rounded to the narrower format; so are the arrays, unless the roots are
    rounded from more precise ones."""

    def __init__(self, form: Precision, way: Way):
        super().__init__(form)
        self.way = way

    def sqrt(self, a: Any) -> Enclosure:
        if not np.ndim(a.value):
            return Rounding.sqrt(a)
        narrow = precision(NARROW)
        return Rounding.sqrt(a.held(narrow) if self.way is Way.ROUNDED else a).held(narrow)


class NarrowPowers(Enclosure):
    """A decay rate whose powers are formed in the narrower format; with ``subtracted`` their differences from 1 are, too."""

    __slots__ = ("subtracted", "way")
    way: Way
    subtracted: bool

    def __pow__(self, exponent: int) -> Enclosure:
        kind = NarrowComplement if self.subtracted else Enclosure
        power = POWER_WAYS[self.way](self.value, exponent)
        return kind(np.asarray(np.longdouble(power)), np.asarray(np.longdouble(0)), self.precision)


class NarrowComplement(Enclosure):
    """A number of the narrower format, whose difference from 1 is rounded to it, too."""

    __slots__ = ()

    def __rsub__(self, other: Any) -> Enclosure:
        return super().__rsub__(other).held(precision(NARROW))


class NarrowMultiplier(Enclosure):
    """A multiplier whose multiple by a scalar, as by the rate, is subtracted from 1 in the narrower format, or rounded to it
    once it is."""

    __slots__ = ("way",)
    way: Way

    def __mul__(self, other: Any) -> Enclosure:
        product = super().__mul__(other)
        if np.ndim(getattr(other, "value", other)):
            return product
        multiple = product.held(precision(NARROW)) if self.way is Way.ROUNDED else product
        return NarrowComplement(multiple.value, multiple.error, multiple.precision, multiple.huge)

    __rmul__ = __mul__


class RoundedApart(Enclosure):
    """A decay rate of the narrower format whose difference from 1 is that of the number it was rounded from, rounded, too."""

    __slots__ = ("from_one",)
    from_one: Enclosure

    def __rsub__(self, other: Any) -> Enclosure:
        return self.from_one if isinstance(other, int) and other == 1 else super().__rsub__(other)

    def __pow__(self, exponent: int) -> Enclosure:
        return Enclosure(self.value, self.error, self.precision) ** exponent


class NarrowArray(Enclosure):
    """A part of the state as an array of a narrower ``form``, with the rounding of what is done to it there."""

    __slots__ = ("form", "way")
    way: Way
    form: Precision

    def _rounded(self, a: Enclosure) -> Enclosure:
        rounded = a.held(self.form)
        return rounded if self.way is Way.ITEM else _as(NarrowArray, rounded, way=self.way, form=self.form)

    def __mul__(self, other: Any) -> Enclosure:
        if not np.ndim(getattr(other, "value", other)):  # a scalar becomes a number of the array's format first
            return self._rounded(super().__mul__(lift(other, self.precision).held(self.form)))
        product = super().__mul__(other)
        return self._rounded(product) if self.way is Way.IN_PLACE else product

    __rmul__ = __mul__

    def __add__(self, other: Any) -> Enclosure:
        total = super().__add__(other)
        return self._rounded(total) if self.way is Way.IN_PLACE else total

    __radd__ = __add__


class Model(Run):
    """A candidate as an optimizer in the rounding model, made like a box: what the weights may be after each step."""

    def __init__(self, space: Space, candidate: Candidate, weights: Any, made: Made, dtype: str):
        xp, given = _arithmetic(candidate, dtype), values(space, candidate, made)
        hyper = {h.name: _scalar(xp, h, given[h.name], candidate.stored) for h in space.line.hyperparameters}
        if candidate.arranged:
            hyper = {name: _loosened(value) for name, value in hyper.items()}
        super().__init__(candidate.line, candidate.reading, weights, hyper, xp)
        self.candidate = candidate
        self.kept_weights = next((one for one in candidate.stored if one.kind in WEIGHTS), None)
        self._put_weights_away()
        self.state = self._put_away(self.state)
        self.outer = None if candidate.behind is None else candidate.behind.at(made.arguments, xp.asarray)
        self.around = self._put_away(self.outer.start(xp, self.w)) if self.outer else None

    def step(self, gradient: Any, rate: float) -> Enclosure:
        narrow = Stored(Kind.RATE) in self.candidate.stored
        given = float(np.float32(rate)) if narrow else rate
        downhill = -gradient if self.candidate.ascends else gradient
        if self.outer is None:
            self._stepped(self.w, downhill, given)
        else:
            xp = self.xp
            with np.errstate(all="ignore"):
                lifted = xp.asarray(downhill), self.around, xp.asarray(given)
                self.w, around = self.outer.step(xp, self.w, *lifted, self._stepped)
            self.around = self._put_away(around)
        self._put_weights_away()
        return self.shown

    def _put_weights_away(self) -> None:
        """Round the weights to the format in which they are stored, or the copy of them that is shown."""
        self.shown = self.unrounded = self.w
        if self.kept_weights is not None:
            to_format = WEIGHT_WAYS[self.kept_weights.way]
            self.shown = operating(to_format(self.w, precision(self.kept_weights.format)))
            if self.kept_weights.kind is Kind.WEIGHTS:
                self.w = self.shown

    def _stepped(self, before: Any, gradient: Any, rate: Any) -> Enclosure:
        """The weights after one more step of the optimizer, from those before."""
        self.w = before
        self._forget()
        super().step(gradient, _loosened(self.xp.asarray(rate)) if self.candidate.arranged else rate)
        if self.candidate.arranged:
            # a buffer that is read off the weights, as w - w_before, has taken in a rounding of theirs at each step so far
            self.w = _loosened(self.w, self.state.t * np.maximum(np.abs(self.w.value), np.abs(before.value)))
            parts = {name: _loosened(part) for name, part in self.state._asdict().items() if isinstance(part, Enclosure)}
            self.state = self.state._replace(**parts)
        self.state = self._put_away(self.state)
        return self.w

    def _forget(self) -> None:
        """Begin the step from the state of the first, as a box does that keeps nothing; the counter may go on."""
        if self.candidate.memory is not Memory.KEPT:
            anew = self._put_away(self.line.start(self.xp, self.w))
            self.state = anew if self.candidate.memory is Memory.NOTHING else anew._replace(t=self.state.t)

    def take(self, observed: np.ndarray) -> None:
        """Go on from what the box has where the budget says nothing about it, so that later steps are bound again.

        What it shows may be rounded from weights that it keeps more precisely; weights that are stored in a format of their own
        are what it shows, and nothing else.
        """
        if self.kept_weights is not None:
            everywhere = self.kept_weights.kind is Kind.WEIGHTS
            self.resume(observed, np.isfinite(observed) if everywhere else self.shown.void)
            return
        self.w = operating(kept(("taken", self.state.t), lambda w: _taken(w, observed), self.w))

    def resume(self, observed: np.ndarray, where: np.ndarray) -> None:
        """Go on from what the box has where that is said."""
        self.w = operating(_resumed(self.w, observed, where, self.kept_weights))

    def tick(self) -> None:
        """Count a step that this weight takes no part in."""
        self.state = self.state._replace(t=self.state.t + 1)

    def lose(self, parts: Mapping[str, Any]) -> None:
        """Go on with other values of some parts of the state; None is a part's own, rounded to the narrower format."""
        rounded = {
            n: _stored(self.xp.asarray(getattr(self.state, n)), Way.ROUNDED) for n, part in parts.items() if part is None
        }
        self.state = self.state._replace(**{**parts, **rounded})

    def _put_away(self, state: Any) -> Any:
        """The state after the box has stored those of its parts that it has in the narrower format."""
        there = getattr(state, "_fields", ())
        stored = [one for one in self.candidate.stored if one.kind is Kind.STATE and one.name in there]
        parts = {one.name: _stored(self.xp.asarray(getattr(state, one.name)), one.way, one.format) for one in stored}
        return state._replace(**parts) if parts else state

    def kept(self) -> tuple[Any, Any, Any]:
        """All that it goes on from, to be ``restored``."""
        return self.w, self.state, self.around

    def restored(self, kept: tuple[Any, Any, Any]) -> None:
        self.w, self.state, self.around = kept


def _taken(w: Intervals, observed: np.ndarray) -> Intervals:
    """The weights with what the box has in the place of those of which the budget says nothing."""
    void = w.void
    return _resumed(w, observed, void) if void.any() else w


def _resumed(w: Intervals, observed: np.ndarray, where: np.ndarray, kept_weights: Stored | None = None) -> Intervals:
    p, shown = w.precision, observed.astype(np.longdouble)
    form = p if kept_weights is None else precision(kept_weights.format)
    exactly = kept_weights is not None and kept_weights.kind is Kind.WEIGHTS
    beside = np.zeros_like(shown) if exactly else np.abs(shown) * form.u + form.eta
    value, error = np.where(where, shown, w.value), np.where(where, beside, w.error)
    return Intervals(value, error, p, None if w.huge is None else w.huge & ~where)


def _arithmetic(candidate: Candidate, dtype: str) -> Rounding:
    form, root = candidate.form(dtype), next((one for one in candidate.stored if one.kind is Kind.ROOT), None)
    return Rounding(form) if root is None else NarrowRoots(form, root.way)


def _scalar(xp: Rounding, hyper: Hyperparameter, value: float, stored: Sequence[Stored]) -> Enclosure:
    """A hyperparameter, with what is stored of it, or of what is formed from it, in the narrower format."""
    own = next((one for one in stored if one.name == hyper.name and one.kind in (Kind.HYPERPARAMETER, Kind.MULTIPLE)), None)
    if own is not None and own.kind is Kind.HYPERPARAMETER:
        value, exact = float(np.float32(value)), value
        if own.way is Way.FROM_FLOAT64:
            return _as(RoundedApart, xp.asarray(value), from_one=xp.asarray(float(np.float32(1 - exact))))
    elif own is not None:
        return _as(NarrowMultiplier, xp.asarray(value), way=own.way)
    power = next((one for one in stored if one.kind in (Kind.POWER, Kind.COMPLEMENT)), None)
    if power is None or hyper.role is not Role.DECAY_RATE:
        return xp.asarray(value)
    return _as(NarrowPowers, xp.asarray(value), way=power.way, subtracted=power.kind is Kind.COMPLEMENT)


def _as(kind: type[Enclosure], a: Enclosure, **attributes: Any) -> Enclosure:
    """A number as one of another kind, with attributes of that kind."""
    found = kind(a.value, a.error, a.precision, a.huge)
    for name, value in attributes.items():
        setattr(found, name, value)
    return found


def _loosened(a: Enclosure, size: np.ndarray | None = None) -> Enclosure:
    """A quantity that has been rounded a few times more, as one of that ``size``.

    Another arrangement of a function is, to first order, the function of quantities that are each off by a few roundings: what
    g - βg loses to cancellation is what (1-β) g makes of a rounding of β. So its errors have the size of the format's own
    rounding, and grow with it from format to format; a slip in the formula does not.
    """
    reach = np.abs(a.value) if size is None else size
    return Enclosure(
        a.value, a.error + np.where(np.isfinite(reach), reach * Wide(ROUNDINGS * a.precision.u), 0), a.precision, a.huge
    )


def _stored(a: Enclosure, way: Way, format_: str = NARROW) -> Enclosure:
    form = precision(format_)
    rounded = a.held(form)
    return rounded if way is Way.ROUNDED else _as(NarrowArray, rounded, way=way, form=form)


def values(space: Space, candidate: Candidate, made: Made) -> dict[str, float]:
    """The hyperparameters of a candidate: as assumed, or from what the box is made with; one that is not set there is
    neutral."""
    found = dict(candidate.assumed)
    for hyper in space.line.hyperparameters:
        if hyper.name in space.binding:
            found.setdefault(hyper.name, made.arguments.get(space.binding[hyper.name], hyper.neutral or 0.0))
        elif hyper.role is Role.FIRST_RATE:
            found[hyper.name] = made.rate
    return found


def in_floats(space: Space, candidate: Candidate, trace: Experiment) -> np.ndarray:
    """What the weights are after each step, in float64 and without budgets."""
    xp, sign = Floating(np.float64), -1.0 if candidate.ascends else 1.0
    line = candidate.line.configured(values(space, candidate, trace.made), candidate.reading)
    outer = None if candidate.behind is None else candidate.behind.at(trace.arguments, xp.asarray)
    with np.errstate(all="ignore"):
        weights, gradients = trace.handed
        w, after = xp.asarray(weights), np.empty(trace.gradients.shape)
        state, around = line.start(xp, w), outer.start(xp, w) if outer else None

        def step(w: Any, g: Any, alpha: Any) -> Any:
            nonlocal state
            w, state = line.step(xp, w, g, state, alpha)
            return w

        for t, (gradient, rate) in enumerate(zip(gradients, trace.rates, strict=True)):
            g = sign * xp.asarray(gradient)
            if outer is None:
                w = step(w, g, rate)
            else:
                w, around = outer.step(xp, w, g, around, rate, step)
            after[t] = w.ravel()
    return after


def steps(space: Space, candidate: Candidate, experiment: Experiment, dtype: str) -> Steps:
    """What the weights may be after each step, in floating point of ``dtype``."""
    return Steps(partial(_steps, space, candidate, experiment, dtype))


def _steps(
    space: Space, candidate: Candidate, experiment: Experiment, dtype: str, observed: np.ndarray | None = None
) -> Iterator[Enclosure]:
    """Along what a box did, of which is taken what the budgets leave open."""
    weights, gradients = _lifted(experiment, candidate.form(dtype))
    model = Model(space, candidate, weights, experiment.made, dtype)
    for t, (gradient, rate) in enumerate(zip(gradients, experiment.rates, strict=True)):
        shown = model.step(gradient, rate)
        yield shown.moved(np.ravel) if experiment.shape else shown
        if observed is not None:
            model.take(observed[t].reshape(model.w.shape))


def _lifted(experiment: Experiment, form: Precision) -> tuple[Enclosure, list[Enclosure]]:
    """Weights and gradients in the rounding model, the same for all candidates, which begin by making the same of them."""
    if form not in experiment.lifted:
        xp = Rounding(form)
        weights, gradients = experiment.handed
        experiment.lifted[form] = xp.keeping(weights), [xp.keeping(gradient) for gradient in gradients]
    return experiment.lifted[form]


# --- candidates against what was played -----------------------------------------------------------------------------


@dataclass(frozen=True, order=True)
class Score:
    """How far a candidate contains what was played. ``contained``: numbers until the first that it does not contain, weight by
    weight, those not counted that its budget would let be anything; where two contain as many, the nearer one (``near``: minus
    the logarithm of the error over the budget) is better. ``full``: whether it contains everything."""

    contained: int
    near: float
    full: bool = False


@dataclass(frozen=True)
class Miss:
    """Where a candidate does not contain what a box did: which experiment, at which step (from 1) and weight."""

    experiment: int
    step: int
    weight: int


@dataclass(frozen=True, eq=False)
class Record:
    """What was played of a box, to be compared with the candidates of one space in the rounding model of a dtype."""

    space: Space
    played: Sequence[Played]
    dtype: str

    def only(self, *played: Played) -> Record:
        return replace(self, played=played)

    def in_(self, dtype: str) -> Record:
        return replace(self, dtype=dtype)

    def steps(self, candidate: Candidate, played: Played) -> Steps:
        """What a candidate may do beside the box; what was computed once is kept."""
        key = (candidate, tuple(self.space.binding.items()), self.dtype)
        if key not in played.predicted:
            begin = partial(_steps, self.space, candidate, played.experiment, self.dtype, played.weights)
            played.predicted[key] = Steps(begin)
        return played.predicted[key]

    def score(self, candidate: Candidate, floor: int = 0) -> Score:
        """The score of a candidate, given up once it cannot reach ``floor`` any more."""
        contained, errors, rest = 0, [], self.numbers
        for one in self.played:
            alive, rest = np.ones(one.weights.shape[1], bool), rest - one.weights.size
            # a weight that has had no gradient yet hardly separates readings
            asked = np.logical_or.accumulate(one.experiment.gradients != 0)
            for t, enclosure in enumerate(self.steps(candidate, one)):
                inside = enclosure.contains(one.weights[t])
                lost = alive & ~inside
                if lost.any():
                    errors.append(_log_share(enclosure, one.weights[t])[lost])
                alive &= inside
                contained += int((alive & ~enclosure.void).sum())
                left = int(alive.sum()) * (one.experiment.steps - t - 1) if (alive & asked[t]).any() else 0
                if contained + left + rest < floor:
                    return Score(contained, -_typical(errors))
                if not left:
                    break
        return Score(contained, -_typical(errors), not errors and self.binds(candidate))

    @property
    def numbers(self) -> int:
        """How many numbers there are to contain."""
        return sum(one.weights.size for one in self.played)

    def fits(self, candidate: Candidate) -> bool:
        """Whether a candidate contains all that was played; it is given up at the first number that it does not contain."""
        return self.first_miss(candidate) is None and self.binds(candidate)

    def binds(self, candidate: Candidate) -> bool:
        """Whether a candidate says enough: budgets that are void throughout fit everything.

        Only numbers at which a weight moves count: that it stands still, as without a gradient and between the steps of an
        accumulation, says nothing. What keeps a state of each weight binds sooner or later, where there are many digits: it has
        to say something. A first step repeated may be 0/0 throughout, as with the variance of one number, and so may what
        cancels in a format of few digits: there most weights have to be bound at some step, and not become NaN where the
        reading is a number. Where weights see each other, in the line or in a wrapper, one that is void makes all so, from some
        step on: there most numbers have to be.
        """
        seen = [self._moved(candidate, one) for one in self.played]
        if candidate.line.scope is not Scope.WEIGHT or candidate.behind is not None:
            asked, bound = (sum(int(one[i].sum()) for one in seen) for i in (0, 1))
            return 2 * bound > asked or not asked
        asked = sum(int(moved.any(axis=0).sum()) for moved, _, _ in seen)
        bound = sum(int((said.any(axis=0) & ~lost.any(axis=0)).sum()) for _, said, lost in seen)
        if candidate.memory is Memory.KEPT and candidate.form(self.dtype).u <= precision(NARROW).u:
            return bound > 0 or not asked
        return 2 * bound > asked or not asked

    def _moved(self, candidate: Candidate, one: Played) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Which numbers of a trace are those of a weight that has just moved, which of these the budget binds, and which became
        NaN though they are none in the reading."""
        moved = one.weights != np.vstack([one.experiment.weights[None], one.weights[:-1]])
        steps = list(self.steps(candidate, one))
        void, absent = np.stack([step.void for step in steps]), np.stack([np.isnan(step.value) for step in steps])
        return moved, moved & ~void, np.isnan(one.weights) & ~absent

    def first_miss(self, candidate: Candidate) -> Miss | None:
        for i, one in enumerate(self.played):
            for t, enclosure in enumerate(self.steps(candidate, one)):
                inside = enclosure.contains(one.weights[t])
                if not inside.all():
                    return Miss(i, t + 1, int(np.argmin(inside)))
        return None

    def worst_share(self, candidate: Candidate) -> float:
        """The largest error over the budget, where there is one."""
        shares = [
            enclosure.share(weights)
            for one in self.played
            for enclosure, weights in zip(self.steps(candidate, one), one.weights, strict=True)
        ]
        return float(max([0.0, *(share[np.isfinite(share)].max(initial=0.0) for share in shares)]))

    def unbound(self, candidate: Candidate) -> int:
        """How many numbers the budget would let be anything."""
        return sum(int(enclosure.void.sum()) for one in self.played for enclosure in self.steps(candidate, one))


def _typical(errors: Sequence[np.ndarray]) -> float:
    return float(np.median(np.concatenate(errors))) if errors else 0.0


def _log_share(enclosure: Enclosure, observed: np.ndarray) -> np.ndarray:
    share = enclosure.share(observed)
    return np.log(np.clip(np.where(np.isfinite(share), share, 1e300), 1.0, 1e300))
