"""Experiments: traces of many independent weights at once, each column a question of its own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from hypothesis import strategies as st

from ....adapters.box import Box
from ....adapters.errors import BoxError
from ....reference.vocabulary import Hyperparameter
from ...arithmetic.formats import precision
from ...inputs.samples import stable_seed
from ...inputs.traces import WIDTH, Schedule
from .playing import Experiment, Player
from .space import Space

STEPS = 6  # a first-step rule shows at 1, a stored correction at 2, a maximum once a gradient has been large and is small again
EXACT, USUAL, QUIET, OWN = "exact", "usual", "quiet", "own"
SETTINGS = (EXACT, USUAL, QUIET)

# Values of which every format holds the complement exactly, so that budgets are narrow; and the field's, which round.
_EXACT = {
    "beta": 0.75,
    "beta1": 0.75,
    "beta2": 0.9375,
    "momentum": 0.5,
    "dampening": 0.25,
    "eps": 2.0**-10,
    "weight_decay": 0.125,
}
_USUAL = {"beta": 0.9, "beta1": 0.9, "beta2": 0.999, "momentum": 0.9, "dampening": 0.1, "eps": 1e-6, "weight_decay": 0.01}


@dataclass(frozen=True)
class Arguments:
    """The arguments of a box that are varied, each with what it is (a hyperparameter of some line); and its own values. Those
    in ``firm`` cannot be neutral in this box, as momentum cannot be 0 in torch.optim.SGD(nesterov=True)."""

    varied: Mapping[str, Hyperparameter]
    own: Mapping[str, float]
    firm: frozenset[str] = frozenset()

    def of(self, setting: str, but: Collection[str] = ()) -> dict[str, float]:
        """The values of one setting, by the box's own names; those in ``but`` are not quiet in it."""
        if setting == OWN:
            return dict(self.own)
        kept = {name: EXACT if setting == QUIET and name in {*self.firm, *but} else setting for name in self.varied}
        return {**self.own, **{name: _value(self.varied[name], kept[name], i) for i, name in enumerate(self.varied)}}

    def without(self, names: Iterable[str]) -> Arguments:
        """With some arguments left at the box's own values."""
        left = set(names)
        return replace(self, varied={n: h for n, h in self.varied.items() if n not in left})

    def firmly(self, names: Iterable[str]) -> Arguments:
        """With some arguments that are never neutral."""
        return replace(self, firm=frozenset(names))


def _value(hyper: Hyperparameter, setting: str, place: int) -> float:
    if setting == QUIET and hyper.neutral is not None:
        return hyper.neutral
    table = _USUAL if setting == USUAL else _EXACT
    if hyper.name in table:
        return table[hyper.name]
    if setting == USUAL and hyper.default != hyper.neutral:
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


def accepted(player: Player, wanted: Arguments, dtype: str) -> tuple[Arguments, dict[str, str]]:
    """The arguments that the box lets one vary together, and why others are left at its own values.

    Libraries refuse combinations: torch.optim.SGD takes no dampening with nesterov=True, and no nesterov=True without momentum.
    """
    left = _cured(player, dtype, EXACT, list(wanted.varied), wanted.without)
    chosen = wanted.without(left)
    off = [name for name, hyper in chosen.varied.items() if hyper.neutral is not None]
    firm = _cured(player, dtype, QUIET, off, chosen.firmly)
    return chosen.firmly(firm), left


def _cured(
    player: Player, dtype: str, setting: str, names: list[str], without: Callable[[Iterable[str]], Arguments]
) -> dict[str, str]:
    """Which of the names the box must be spared in a setting, each with the words in which it refused the whole."""
    spared: dict[str, str] = {}
    while refused := _refusal(player, without(spared), setting, dtype):
        rest = [name for name in names if name not in spared]
        if not rest:
            raise BoxError(refused)
        cure = next((name for name in rest if not _refusal(player, without([*spared, name]), setting, dtype)), rest[-1])
        spared[cure] = refused
    return spared


def _refusal(player: Player, chosen: Arguments, setting: str, dtype: str) -> str:
    """The box's words where it cannot be made with the values of a setting; "" where it can."""
    weights = np.ones(WIDTH, precision(dtype).numpy)
    try:
        player.begin([weights], _rates(player.box, Schedule.CONSTANT, 1)[0], chosen.of(setting))
    except BoxError as error:
        return str(error)
    finally:
        player.calls -= 1  # making a box is no trace
    return ""


def _rates(box: Box, schedule: Schedule, count: int) -> tuple[float, ...]:
    if not box.rate_changes:
        schedule = Schedule.CONSTANT
        if box.rate is not None:
            return (float(box.rate),) * count
    return schedule.rates(count)


def schedules(box: Box) -> list[Schedule]:
    return list(Schedule) if box.rate_changes else [Schedule.CONSTANT]


def experiment(
    box: Box,
    chosen: Arguments,
    dtype: str,
    setting: str,
    schedule: Schedule,
    number: int = 0,
    count: int = STEPS,
    but: Collection[str] = (),
) -> Experiment:
    """A trace of many independent weights: constants, zeros, first or late gradients only, ε-sized, tiny, huge, shrinking,
    alternating and random ones; half of the weights are 0, so that small steps stand out."""
    generator = np.random.default_rng(stable_seed("experiment", setting, schedule.value, number, *but))
    arguments_ = chosen.of(setting, but)
    eps = next((arguments_[n] for n, h in chosen.varied.items() if h.name == "eps" and arguments_[n] > 0), 1e-8)
    kind = precision(dtype).numpy
    gradients = _columns(float(eps), count, WIDTH, generator).astype(kind)
    weights = np.where(generator.random(WIDTH) < 0.5, generator.integers(-8, 8, WIDTH) / 4, 0.0).astype(kind)
    return Experiment(weights, gradients, _rates(box, schedule, count), arguments_, f"{setting} values, {schedule.value}")


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


def drawn(box: Box, chosen: Arguments, dtype: str) -> st.SearchStrategy[Experiment]:
    """Experiments for Hypothesis to draw."""
    made = partial(experiment, box, chosen, dtype)
    return st.builds(made, st.sampled_from(SETTINGS), st.sampled_from(schedules(box)), st.integers(1, 2**16))
