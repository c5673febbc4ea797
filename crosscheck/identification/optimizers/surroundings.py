"""What a box does beside its formula: to missing gradients, to weights that come late, to its state when it is saved.

Each is asked once, on a short trace, and answered by which of several models of it contains what the box did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import numpy as np

from ....adapters.errors import BoxError, Unsupported
from ...answers import LateWeight, MissingGradient, Question, Surroundings, Unanswered
from ...arithmetic.rounding import Enclosure
from ...inputs.traces import WIDTH, Schedule
from .experiments import Bench, Plan, Values
from .playing import Call, Experiment, Moment
from .prediction import Model
from .space import Candidate, Space

T = TypeVar("T")
HALF = WIDTH // 2
COUNT = 5
LATE = 2  # steps before a weight is added
SAVED = 3  # steps before the state is saved
GAPS = (0, 2)  # the steps, from 0, at which a gradient is missing: the first, so that a box that cannot take it says so at once

# What becomes of a weight without a gradient at a step of that rate; and of the counter of one that is added after some steps.
MISSING: dict[MissingGradient, Callable[[Model, float], object]] = {
    MissingGradient.LEFT_OUT: lambda model, rate: None,
    MissingGradient.COUNTED: lambda model, rate: model.tick(),
    MissingGradient.ZERO: lambda model, rate: model.step(np.zeros(model.w.shape), rate),
}
ADDED: dict[LateWeight, Callable[[Model, int], object]] = {
    LateWeight.OWN: lambda model, steps: None,
    LateWeight.OTHERS: lambda model, steps: [model.tick() for _ in range(steps)],
}


def surroundings(bench: Bench, space: Space, candidate: Candidate) -> Surroundings:
    """Ask the box what can be asked of it."""
    ask = _Asking(bench, space, candidate, bench.experiment(Plan(Values.EXACT, Schedule.CONSTANT, count=COUNT)))
    several = bench.player.box.several
    return Surroundings(
        missing_gradient=ask.answered(Question.MISSING_GRADIENT, ask.missing) if several else None,
        late_weight=ask.answered(Question.LATE_WEIGHT, ask.late) if several else None,
        goes_on=ask.answered(Question.SAVED_STATE, ask.saved),
        unanswered=ask.unanswered,
    )


@dataclass(frozen=True)
class _Asking:
    bench: Bench
    space: Space
    candidate: Candidate
    trace: Experiment
    unanswered: list[Unanswered] = field(default_factory=list)

    def answered(self, question: Question, ask: Callable[[], T]) -> T | None:
        """None where the box has no way to be asked, or breaks down: that is no failed identification."""
        try:
            return ask()
        except Unsupported as error:
            self.unanswered.append(Unanswered(question, False, str(error)))
        except BoxError as error:
            self.unanswered.append(Unanswered(question, True, str(error)))
        return None

    def missing(self) -> list[MissingGradient]:
        """The second half of the weights, as an array of its own, has no gradient at step 1 and at step 3."""
        run = self._begun(self.trace.weights[:HALF], self.trace.weights[HALF:])
        after = [
            self.bench.player.step(run, [g[:HALF], None if t in GAPS else g[HALF:]], rate, t + 1)[1]
            for t, (g, rate) in enumerate(self._pairs())
        ]
        return self._containing(MISSING, self._with_gaps, after)

    def _with_gaps(self, missed: Callable[[Model, float], object]) -> Iterator[Enclosure]:
        model = self._model()
        for t, (g, rate) in enumerate(self._pairs()):
            if t in GAPS:
                missed(model, rate)
            else:
                model.step(g[HALF:], rate)
            yield model.w

    def late(self) -> list[LateWeight]:
        """The second half of the weights comes after some steps."""
        player, added, pairs = self.bench.player, self.trace.weights[HALF:], list(self._pairs())
        self._begun(self.trace.weights[:HALF]).add(added.copy())  # Unsupported at once, where it is
        run = self._begun(self.trace.weights[:HALF])
        for t, (g, rate) in enumerate(pairs[:LATE]):
            player.step(run, [g[:HALF]], rate, t + 1)
        player.guarded(lambda: run.add(added.copy()), Moment(Call.ADDED, LATE))
        after = [player.step(run, [g[:HALF], g[HALF:]], rate, LATE + t + 1)[1] for t, (g, rate) in enumerate(pairs[LATE:])]
        return self._containing(ADDED, partial(self._since, pairs[LATE:]), after)

    def _since(self, pairs: Sequence[tuple[np.ndarray, float]], added: Callable[[Model, int], object]) -> Iterator[Enclosure]:
        model = self._model()
        added(model, LATE)
        return (model.step(g[HALF:], rate) for g, rate in pairs)

    def saved(self) -> bool:
        """Whether a state that is saved after some steps, and taken up by a new run of the box, goes on to the same bits."""
        player, pairs, weights = self.bench.player, list(self._pairs()), self.trace.weights
        run = self._begun(weights)
        for t, (g, rate) in enumerate(pairs[:SAVED]):
            (weights,) = player.step(run, [g], rate, t + 1)
        saved = player.guarded(run.save, Moment(Call.SAVED, SAVED))
        (g, rate), t = pairs[SAVED], SAVED + 1
        (went_on,) = player.step(run, [g], rate, t)
        other = self._begun(weights)
        player.guarded(partial(other.restore, saved), Moment(Call.RESTORED, SAVED))
        (restored,) = player.step(other, [g], rate, t)
        return restored.tobytes() == went_on.tobytes()

    def _begun(self, *weights: np.ndarray) -> Any:
        return self.bench.player.begin(weights, self.trace.rates[0], self.trace.arguments)

    def _pairs(self) -> Iterator[tuple[np.ndarray, float]]:
        return zip(self.trace.gradients, self.trace.rates, strict=True)

    def _model(self) -> Model:
        """The model of the second half of the weights."""
        weights, arguments = self.trace.weights[HALF:], self.trace.arguments
        return Model(self.space, self.candidate, weights, arguments, self.bench.player.dtype)

    @staticmethod
    def _containing(models: Mapping[T, Any], run: Callable[[Any], Iterator[Enclosure]], after: Sequence[np.ndarray]) -> list[T]:
        """The models that contain what the box did."""

        def contains(model: Any) -> bool:
            return all(bool(inside.contains(weights).all()) for inside, weights in zip(run(model), after, strict=True))

        return [name for name, model in models.items() if contains(model)]
