"""Experiments: traces of many independent weights at once, each column a question of its own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import product

import numpy as np
from hypothesis import strategies as st

from ....adapters.box import Box
from ....adapters.errors import BoxError
from ....reference.vocabulary import Hyperparameter, Role
from ...arithmetic.formats import precision
from ...inputs.samples import stable_seed
from ...inputs.traces import WIDTH, Schedule
from .playing import Experiment, Played, Player
from .space import Space

STEPS = 6  # a first-step rule shows at 1, a stored correction at 2, a maximum once a gradient has been large and is small again
SMALL = 4  # steps of the small traces
MATRIX = (5, WIDTH // 5)  # a shape in which a trace is played where the shape of an array may matter
TALL = MATRIX[::-1]
HEAVY = 4  # one in how many drawn arrays has large weights, for what looks at their norm


class Values(Enum):
    """Values of a box's arguments: of which every format stores the complement exactly, so that budgets are narrow; the
    field's, which round; those without an effect, where there are such; the box's own; and exact ones of averages that forget
    fast, so that what is large once becomes small again even where corrections compound."""

    EXACT = "exact"
    USUAL = "usual"
    QUIET = "quiet"
    OWN = "own"
    FORGETFUL = "forgetful"


VARIED = (Values.EXACT, Values.USUAL, Values.QUIET)


@dataclass(frozen=True)
class Arguments:
    """The arguments of a box that are varied, each with what it is (a hyperparameter of some line); and its own values. Those
    in ``firm`` cannot be neutral in this box, as momentum cannot be 0 in torch.optim.SGD(nesterov=True)."""

    varied: Mapping[str, Hyperparameter]
    own: Mapping[str, float]
    firm: frozenset[str] = frozenset()

    def of(self, values: Values, but: Collection[str] = ()) -> dict[str, float]:
        """The values by the box's own names; those in ``but`` are not quiet among quiet ones."""
        if values is Values.OWN:
            return dict(self.own)
        loud = {*self.firm, *but}
        kept = {name: Values.EXACT if values is Values.QUIET and name in loud else values for name in self.varied}
        return {**self.own, **{name: _value(self.varied[name], kept[name], i) for i, name in enumerate(self.varied)}}

    def without(self, names: Iterable[str]) -> Arguments:
        """With some arguments left at the box's own values."""
        left = set(names)
        return replace(self, varied={n: h for n, h in self.varied.items() if n not in left})

    def firmly(self, names: Iterable[str]) -> Arguments:
        """With some arguments that are never neutral."""
        return replace(self, firm=frozenset(names))


def _value(hyper: Hyperparameter, values: Values, place: int) -> float:
    if values is Values.QUIET and hyper.neutral is not None:
        return hyper.neutral
    if values is Values.FORGETFUL and hyper.role is Role.DECAY_RATE:
        return 2.0**-4
    named = hyper.tried.usual if values is Values.USUAL else hyper.tried.exact
    if named is not None:
        return named
    if values is Values.USUAL and hyper.default != hyper.neutral:
        return hyper.default
    bounded = 0.5 ** (1 + place % 3)  # within [0, 1), as are all hyperparameters with a bound
    return max(hyper.low, bounded if hyper.high <= 1 else bounded / 4)


def arguments(box: Box, spaces: Sequence[Space]) -> Arguments:
    """All numeric arguments of a box that are a hyperparameter of some line; neutral where they are so in every line."""
    varied: dict[str, Hyperparameter] = {}
    for space in spaces:
        for name, own in space.binding.items():
            hyper = space.line.hyperparameter(name)
            if own not in varied or hyper.neutral is None:
                varied[own] = hyper
    own = {name: value for name, value in box.arguments.items() if value is not None}
    return Arguments({name: varied[name] for name in box.arguments if name in varied}, own)


# --- what a box can be asked ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """What an experiment is made of: values of the arguments (``but`` those that are not quiet among quiet ones), a schedule of
    rates, and a number by which others of the same kind are drawn."""

    values: Values
    schedule: Schedule
    number: int = 0
    count: int = STEPS
    but: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bench:
    """A box that is played, and which of its arguments are varied: it makes the experiments, and plays them."""

    player: Player
    chosen: Arguments
    calls: int = 1  # of the box that make one step, each with a share of the step's gradient
    shape: tuple[int, ...] = ()  # in which the box is handed its weights, where it takes no vectors

    @property
    def schedules(self) -> list[Schedule]:
        return list(Schedule) if self.player.box.rate_changes else [Schedule.CONSTANT]

    def experiment(self, plan: Plan, dtype: str = "") -> Experiment:
        """A trace of many independent weights: constants, zeros, first or late gradients only, ε-sized, tiny, huge, shrinking,
        alternating and random ones; half of the weights are 0, so that small steps stand out."""
        seed = stable_seed("experiment", plan.values.value, plan.schedule.value, plan.number, *plan.but)
        generator = np.random.default_rng(seed)
        values, kind = self.chosen.of(plan.values, plan.but), precision(dtype or self.player.dtype).numpy
        gradients = self._shared(_columns(self._epsilon(values), plan.count, WIDTH, generator)).astype(kind)
        size = 2.0 if plan.number % HEAVY == HEAVY - 1 else 1 / 4
        weights = np.where(generator.random(WIDTH) < 0.5, generator.integers(-8, 8, WIDTH) * size, 0.0).astype(kind)
        return Experiment(weights, gradients, self.rates(plan.schedule, len(gradients)), values, self.shape)

    def _shared(self, gradients: np.ndarray) -> np.ndarray:
        """The gradients of steps, each shared out among the calls that make it: unequally, and so that it is their mean."""
        shares = np.array([1.0] * (self.calls % 2) + [1.5, 0.5] * (self.calls // 2))
        return np.repeat(gradients, self.calls, axis=0) * np.tile(shares, len(gradients))[:, None]

    def rates(self, schedule: Schedule, count: int) -> tuple[float, ...]:
        """The rates of a schedule, where the box lets one choose them."""
        box = self.player.box
        if box.rate_changes:
            return schedule.rates(count)
        return Schedule.CONSTANT.rates(count) if box.rate is None else (float(box.rate),) * count

    def _epsilon(self, values: Mapping[str, float]) -> float:
        """The size of gradient at which an ε shows."""
        known = (values[name] for name, hyper in self.chosen.varied.items() if hyper.role is Role.EPSILON)
        return float(next((value for value in known if value > 0), 1e-8))

    def play(self, plan: Plan) -> Played:
        return self.player.play(self.experiment(plan))

    def small(self) -> Experiment:
        """Many small traces at once, the simplest first: a column is a trace, and so is each of its beginnings."""
        columns = list(_small())[:WIDTH]
        kind = precision(self.player.dtype).numpy
        weights = np.array([w for w, _ in columns], dtype=kind)
        gradients = self._shared(np.array([g for _, g in columns]).T).astype(kind)
        shape = (1, len(weights)) if self.shape else ()
        return Experiment(weights, gradients, self.rates(Schedule.NEW, len(gradients)), self.chosen.of(Values.EXACT), shape)

    def drawn(self) -> st.SearchStrategy[Experiment]:
        """Experiments for Hypothesis to draw."""
        plans = st.builds(Plan, st.sampled_from(VARIED), st.sampled_from(self.schedules), st.sampled_from(range(1, 2**16)))
        return plans.map(self.experiment)


def _columns(eps: float, count: int, width: int, generator: np.random.Generator) -> np.ndarray:
    t, root = np.arange(count)[:, None], np.sqrt(eps)
    patterns = [
        np.ones((count, 5)) * [1.0, -0.5, eps, root, 1024.0],
        np.zeros((count, 2)),
        (t == 0) * np.array([[1.0, root]]),
        (t > 1) * np.array([[1.0, root]]),
        (-1.0) ** t * np.array([[1.0, root]]),
        2.0**-t * np.array([[1.0, 256.0]]),
        generator.normal(size=(count, 8)) * [1e-3, 1.0, 1.0, 10.0, eps, root, 4 * root, 0.1],
    ]
    base = np.hstack(patterns)
    rest = width - base.shape[1]
    extra = generator.normal(size=(count, rest)) * 2.0 ** generator.integers(-12, 4, rest)
    return np.hstack([base, extra])[:, generator.permutation(width)]


def _small() -> Iterator[tuple[float, tuple[float, ...]]]:
    """Pairs of a weight and its gradients."""
    for size in (1.0, 2.0**-5, 2.0**-10, 1024.0):
        yield 0.0, (size,) * SMALL
    yield from ((0.0, (1.0, *rest)) for rest in product((0.0, 1.0, 2.0), repeat=SMALL - 1) if rest != (1.0,) * (SMALL - 1))
    yield 1.0, (0.0,) * SMALL
    yield 1.0, (1.0,) * SMALL
    yield from ((0.0, (0.0, *rest)) for rest in product((1.0, -1.0), repeat=SMALL - 1))


# --- which arguments it lets one vary -------------------------------------------------------------------------------


def accepted(player: Player, wanted: Arguments, shape: tuple[int, ...] = ()) -> tuple[Bench, dict[str, str]]:
    """The box with the arguments that it lets one vary together, and why others are left at its own values.

    Libraries refuse combinations: torch.optim.SGD takes no dampening with nesterov=True, and no nesterov=True without momentum.
    """
    whole = Bench(player, wanted, shape=shape)
    left = _cured(whole, Values.EXACT, list(wanted.varied), wanted.without)
    chosen = wanted.without(left)
    off = [name for name, hyper in chosen.varied.items() if hyper.neutral is not None]
    firm = _cured(whole, Values.QUIET, off, chosen.firmly)
    return replace(whole, chosen=chosen.firmly(firm)), left


def _cured(bench: Bench, values: Values, names: list[str], without: Callable[[Iterable[str]], Arguments]) -> dict[str, str]:
    """Which of the names the box must be spared at some values, each with the words in which it refused the whole: first that
    which cures it, else one without which it refuses something else."""
    spared: dict[str, str] = {}
    while refused := _refusal(replace(bench, chosen=without(spared)), values):
        rest = [name for name in names if name not in spared]
        if not rest:
            raise BoxError(refused)
        still = {name: _refusal(replace(bench, chosen=without([*spared, name])), values) for name in rest}
        cures = [name for name in rest if not still[name]] or [name for name in rest if still[name] != refused]
        spared[(cures or rest[-1:])[0]] = refused
    return spared


def _refusal(bench: Bench, values: Values) -> str:
    """The box's words where it cannot be made with some values; "" where it can."""
    player = bench.player
    weights = np.ones(bench.shape or WIDTH, precision(player.dtype).numpy)
    try:
        player.begin([weights], bench.rates(Schedule.CONSTANT, 1)[0], bench.chosen.of(values))
    except BoxError as error:
        return str(error)
    finally:
        player.calls -= 1  # making a box is no trace
    return ""
