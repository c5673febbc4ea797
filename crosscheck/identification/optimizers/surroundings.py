"""What a box does beside its formula: to missing gradients, to weights that come late, to its state when it is saved.

Each is asked once, on a short trace, and named by which of several models of it holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import numpy as np

from ....adapters.errors import Unsupported
from ...arithmetic.rounding import Enclosure
from ...inputs.traces import WIDTH
from .experiments import EXACT, Arguments, experiment, schedules
from .playing import Experiment, Player
from .prediction import Model
from .space import Candidate, Space

T = TypeVar("T")
HALF = WIDTH // 2
COUNT = 5
GAPS = (0, 2)  # the steps, from 0, at which a gradient is missing: the first, so that a box that cannot take it says so at once

Missed = Callable[[Model, float], object]  # what becomes of a weight without a gradient at a step of that rate
MISSING: dict[str, Missed] = {
    "a weight without a gradient is left out of the step, and its step counter waits": lambda model, rate: None,
    "a weight without a gradient is left out of the step, but its step counter goes on": lambda model, rate: model.tick(),
    "a missing gradient is taken as zero": lambda model, rate: model.step(np.zeros(model.w.shape), rate),
}


@dataclass
class Surroundings:
    """What was seen: ``words`` for people, and what a confirmation may do with the box: ``missing`` is the model of a missing
    gradient that holds ("" where none can be given), ``late`` the step counter of a late weight, if it can be added."""

    words: list[str] = field(default_factory=list)
    missing: str = ""
    late: str = ""
    saves: bool = False


def surroundings(player: Player, space: Space, candidate: Candidate, chosen: Arguments) -> Surroundings:
    """Ask the box what can be asked of it, and put it into words."""
    ask = _Asking(
        player, space, candidate, experiment(player.box, chosen, player.dtype, EXACT, schedules(player.box)[0], count=COUNT)
    )
    seen = Surroundings()
    if player.box.several:
        seen.missing = _answered(ask.missing, seen)
        seen.late = _answered(ask.late, seen)
    seen.saves = bool(_answered(ask.saved, seen))
    return seen


def _answered(question: Callable[[], tuple[str, str]], seen: Surroundings) -> str:
    """The name of the model that holds; what there is to say goes to ``seen``."""
    try:
        name, words = question()
    except Unsupported:
        return ""
    seen.words.append(words)
    return name


@dataclass(frozen=True)
class _Asking:
    player: Player
    space: Space
    candidate: Candidate
    trace: Experiment

    def _model(self, weights: np.ndarray) -> Model:
        return Model(self.space, self.candidate, weights, self.trace.arguments, self.player.dtype)

    def missing(self) -> tuple[str, str]:
        """The second half of the weights, as an array of its own, has no gradient at step 1 and at step 3."""
        run = self.player.begin(
            [self.trace.weights[:HALF], self.trace.weights[HALF:]], self.trace.rates[0], self.trace.arguments
        )
        after = [
            self.player.step(run, [g[:HALF], None if t in GAPS else g[HALF:]], rate, t + 1)[1]
            for t, (g, rate) in enumerate(zip(self.trace.gradients, self.trace.rates, strict=True))
        ]
        return self._named(MISSING, self._with_gaps, after, "what happens to a weight without a gradient")

    def _with_gaps(self, missed: Missed) -> list[Enclosure]:
        model = self._model(self.trace.weights[HALF:])
        found = []
        for t, (g, rate) in enumerate(zip(self.trace.gradients, self.trace.rates, strict=True)):
            if t in GAPS:
                missed(model, rate)
            else:
                model.step(g[HALF:], rate)
            found.append(model.w)
        return found

    def late(self) -> tuple[str, str]:
        """The second half of the weights comes after two steps."""
        run = self.player.begin([self.trace.weights[:HALF]], self.trace.rates[0], self.trace.arguments)
        run.add(self.trace.weights[HALF:].copy())  # Unsupported at once, where it is
        run = self.player.begin([self.trace.weights[:HALF]], self.trace.rates[0], self.trace.arguments)
        pairs = list(zip(self.trace.gradients, self.trace.rates, strict=True))
        for t, (g, rate) in enumerate(pairs[:2]):
            self.player.step(run, [g[:HALF]], rate, t + 1)
        self.player.guarded(lambda: run.add(self.trace.weights[HALF:].copy()), "when a weight was added after step 2")
        after = [self.player.step(run, [g[:HALF], g[HALF:]], rate, t + 3)[1] for t, (g, rate) in enumerate(pairs[2:])]
        counters: dict[str, Callable[[Model], object]] = {
            "a weight that is added later counts its steps from its own first": lambda model: None,
            "a weight that is added later goes by the step counter of the others": lambda model: [model.tick(), model.tick()],
        }
        return self._named(
            counters, lambda begin: self._since(begin, pairs[2:]), after, "how a weight that is added later is stepped"
        )

    def _since(self, begin: Callable[[Model], object], pairs: Sequence[tuple[np.ndarray, float]]) -> list[Enclosure]:
        model = self._model(self.trace.weights[HALF:])
        begin(model)
        return [model.step(g[HALF:], rate) for g, rate in pairs]

    def saved(self) -> tuple[str, str]:
        """The state is saved after three steps and taken up by a new life of the box."""
        pairs = list(zip(self.trace.gradients, self.trace.rates, strict=True))
        run = self.player.begin([self.trace.weights], self.trace.rates[0], self.trace.arguments)
        weights = self.trace.weights
        for t, (g, rate) in enumerate(pairs[:3]):
            (weights,) = self.player.step(run, [g], rate, t + 1)
        saved = self.player.guarded(run.save, "when its state was saved after step 3")
        (went_on,) = self.player.step(run, [pairs[3][0]], pairs[3][1], 4)
        other = self.player.begin([weights], self.trace.rates[0], self.trace.arguments)
        self.player.guarded(partial(other.restore, saved), "when a saved state was restored")
        (restored,) = self.player.step(other, [pairs[3][0]], pairs[3][1], 4)
        if restored.tobytes() == went_on.tobytes():
            return "saved", "a state that is saved and restored goes on to the same bits"
        return "", "a state that is saved and restored does NOT go on as the box itself does (step 4 differs)"

    def _named(
        self, models: Mapping[str, T], run: Callable[[T], list[Enclosure]], after: list[np.ndarray], what: str
    ) -> tuple[str, str]:
        holding = [name for name, model in models.items() if self._holds(run(model), after)]
        if not holding:
            return "", f"no model tried says {what}"
        return holding[0], holding[0] if len(holding) == 1 else f"{holding[0]} (or: {'; '.join(holding[1:])}: the same here)"

    @staticmethod
    def _holds(enclosures: list[Enclosure], after: list[np.ndarray]) -> bool:
        return all(bool(enclosure.contains(weights).all()) for enclosure, weights in zip(enclosures, after, strict=True))
