"""What a box does beside its formula: to missing gradients, to weights that come late, to its state when it is saved.

Each is asked once, on a short trace, and answered by which of several models of it contains what the box did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations
from typing import Any, TypeVar

import numpy as np

from ....adapters.box import Run
from ....adapters.errors import BoxError, Unsupported
from ...answers import Keeping, LateWeight, Lost, MissingGradient, Question, Several, Surroundings, Unanswered
from ...arithmetic.rounding import Enclosure
from ...inputs.traces import Schedule
from .experiments import Bench, Plan, Values
from .playing import Call, Experiment, Moment
from .prediction import Model
from .space import Candidate, Space

T = TypeVar("T")
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


# Of two arrays, what a step counter that goes on from array to array counts before and after the step of each.
COUNTED_ON = ((0, 1), (1, 0))
STEPPED: dict[Several, Sequence[tuple[int, int]]] = {Several.APART: ((0, 0), (0, 0)), Several.COUNTED_ON: COUNTED_ON}


def surroundings(bench: Bench, space: Space, candidate: Candidate) -> Surroundings:
    """Ask the box what can be asked of it."""
    ask = _Asking(bench, space, candidate, bench.experiment(Plan(Values.EXACT, Schedule.CONSTANT, count=COUNT)))
    several = ask.answered(Question.SEVERAL, ask.several) if bench.player.box.several else None
    apart = several is not None and Several.APART in several
    goes_on, lost = (None, None) if candidate.at_random else ask.answered(Question.SAVED_STATE, ask.saved) or (None, None)
    return Surroundings(
        several=several,
        missing_gradient=ask.answered(Question.MISSING_GRADIENT, ask.missing) if apart else None,
        late_weight=ask.answered(Question.LATE_WEIGHT, ask.late) if apart else None,
        goes_on=goes_on,
        lost=lost,
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

    def several(self) -> list[Several]:
        """Both halves of the weights, each as an array of its own."""
        run = self._begun(self.first(self.weights), self.second(self.weights))
        step = self.bench.player.step
        after = [step(run, [self.first(g), self.second(g)], rate, t + 1) for t, (g, rate) in enumerate(self._pairs())]
        fitting = [self._containing(STEPPED, partial(self._stepped, i), [both[i] for both in after]) for i in range(2)]
        found = [way for way in STEPPED if all(way in ways for ways in fitting)]
        model, together = self._model(self.whole), [np.concatenate(both, axis=-1) for both in after]
        joined = self._contains((model.step(g, rate) for g, rate in self._pairs()), together)
        return found or [Several.JOINED] * joined

    def _stepped(self, i: int, ticks: Sequence[tuple[int, int]]) -> Iterator[Enclosure]:
        part = self.second if i else self.first
        model, (before, later) = self._model(part), ticks[i]
        for g, rate in self._pairs():
            for _ in range(before):
                model.tick()
            yield model.step(part(g), rate)
            for _ in range(later):
                model.tick()

    def missing(self) -> list[MissingGradient]:
        """The second half of the weights, as an array of its own, has no gradient at step 1 and at step 3."""
        run = self._begun(self.first(self.weights), self.second(self.weights))
        after = [
            self.bench.player.step(run, [self.first(g), None if t in GAPS else self.second(g)], rate, t + 1)[1]
            for t, (g, rate) in enumerate(self._pairs())
        ]
        return self._containing(MISSING, self._with_gaps, after)

    def _with_gaps(self, missed: Callable[[Model, float], object]) -> Iterator[Enclosure]:
        model = self._model()
        for t, (g, rate) in enumerate(self._pairs()):
            if t in GAPS:
                missed(model, rate)
            else:
                model.step(self.second(g), rate)
            yield model.shown

    def late(self) -> list[LateWeight]:
        """The second half of the weights comes after some steps."""
        player, added, pairs = self.bench.player, self.second(self.weights), list(self._pairs())
        run = self._begun(self.first(self.weights))
        player.guarded(lambda: run.add(added.copy()), Moment(Call.ADDED))  # Unsupported at once, where it is
        run = self._begun(self.first(self.weights))
        for t, (g, rate) in enumerate(pairs[:LATE]):
            player.step(run, [self.first(g)], rate, t + 1)
        player.guarded(lambda: run.add(added.copy()), Moment(Call.ADDED, LATE))
        both = [([self.first(g), self.second(g)], rate) for g, rate in pairs[LATE:]]
        after = [player.step(run, gradients, rate, LATE + t + 1)[1] for t, (gradients, rate) in enumerate(both)]
        return self._containing(ADDED, partial(self._since, pairs[LATE:]), after)

    def _since(self, pairs: Sequence[tuple[np.ndarray, float]], added: Callable[[Model, int], object]) -> Iterator[Enclosure]:
        model = self._model()
        added(model, LATE)
        return (model.step(self.second(g), rate) for g, rate in pairs)

    def saved(self) -> tuple[bool, Lost | None]:
        """Whether a state that is saved after some steps, and taken up by a new run of the box, goes on to the same bits; and
        what it has lost, where it does not."""
        player, pairs, weights = self.bench.player, list(self._pairs()), self.weights
        run = self._begun(weights)
        for t, (g, rate) in enumerate(pairs[:SAVED]):
            (weights,) = player.step(run, [g], rate, t + 1)
        saved = player.guarded(run.save, Moment(Call.SAVED, SAVED))
        other = self._begun(weights)
        went_on = self._following(run)
        player.guarded(partial(other.restore, saved), Moment(Call.RESTORED, SAVED))
        restored = self._following(other)
        same = all(one.tobytes() == another.tobytes() for one, another in zip(went_on, restored, strict=True))
        return same, None if same else self._lost(weights, restored)

    def _following(self, run: Run) -> list[np.ndarray]:
        """The weights after each of the steps that come after a state was saved."""
        pairs = list(self._pairs())[SAVED:]
        return [self.bench.player.step(run, [g], rate, SAVED + t + 1)[0] for t, (g, rate) in enumerate(pairs)]

    def _lost(self, weights: np.ndarray, restored: Sequence[np.ndarray]) -> Lost | None:
        """The least that explains how a restored box went on from its weights."""
        state = self._model(self.whole).state
        arrays = [name for name in state._fields if isinstance(getattr(state, name), Enclosure)]
        losses = [Lost([], Keeping.ROUNDED)]
        for keeping, fields in ((Keeping.ANEW, state._fields), (Keeping.ROUNDED, arrays)):
            losses += [Lost(list(names), keeping) for n in range(1, len(fields) + 1) for names in combinations(fields, n)]
        return next((lost for lost in losses if self._contains(self._resumed(weights, lost), restored)), None)

    def _resumed(self, weights: np.ndarray, lost: Lost) -> Iterator[Enclosure]:
        """What a box does that resumes with such a loss, from weights that it has kept."""
        model, pairs = self._model(self.whole), list(self._pairs())
        anew = model.state
        for g, rate in pairs[:SAVED]:
            model.step(g, rate)
        model.lose({name: getattr(anew, name) if lost.keeping is Keeping.ANEW else None for name in lost.names})
        model.w = model.xp.asarray(weights)
        return (model.step(g, rate) for g, rate in pairs[SAVED:])

    def _begun(self, *weights: np.ndarray) -> Any:
        return self.bench.player.begin(weights, self.trace.rates[0], self.trace.arguments)

    def _pairs(self) -> Iterator[tuple[np.ndarray, float]]:
        return zip(self.trace.handed[1], self.trace.rates, strict=True)

    @property
    def weights(self) -> np.ndarray:
        return self.trace.handed[0]

    @staticmethod
    def first(a: np.ndarray) -> np.ndarray:
        return a[..., : a.shape[-1] // 2]

    @staticmethod
    def second(a: np.ndarray) -> np.ndarray:
        return a[..., a.shape[-1] // 2 :]

    @staticmethod
    def whole(a: np.ndarray) -> np.ndarray:
        return a

    def _model(self, part: Callable[[np.ndarray], np.ndarray] | None = None) -> Model:
        """The model of a part of the weights, the second half if nothing is said."""
        weights = (part or self.second)(self.weights)
        return Model(self.space, self.candidate, weights, self.trace.made, self.bench.player.dtype)

    @classmethod
    def _containing(
        cls, models: Mapping[T, Any], run: Callable[[Any], Iterator[Enclosure]], after: Sequence[np.ndarray]
    ) -> list[T]:
        """The models that contain what the box did."""
        return [name for name, model in models.items() if cls._contains(run(model), after)]

    @staticmethod
    def _contains(run: Iterator[Enclosure], after: Sequence[np.ndarray]) -> bool:
        return all(bool(inside.contains(weights).all()) for inside, weights in zip(run, after, strict=True))
