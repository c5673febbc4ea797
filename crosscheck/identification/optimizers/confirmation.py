"""Confirming a reading: a state machine drives the box through whatever a training run may do to it, and a failure shrinks to
the shortest run on which the reading does not fit."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky, HypothesisWarning
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from msgspec.structs import replace as changed

from ....adapters.box import Run
from ....adapters.errors import BoxError
from ....reference.vocabulary import Role
from ...answers import Action, Event, FailingRun, Question, Several, Surroundings, Unanswered
from ...arithmetic.formats import precision
from ...inputs.strategies import independent_of_loaded_modules
from ...inputs.traces import WIDTH
from ..stages import Stage, tell
from .experiments import TALL, Bench, Values
from .playing import Call, Made, Moment
from .prediction import Model
from .space import Candidate, Space, looks_at
from .surroundings import ADDED, MISSING
from .trace_witnesses import number

SMALL = (2, 2)  # beside the shape of the traces, which a compiling framework has met already
STEPS = 12
LONG = 64  # steps of the one long trace
SHRINKING = 150  # runs that may be spent on making a failing one shorter
RATES = (0.125, 1e-3, 8.0, 0.0)


class Violated(AssertionError):
    """Raised in the machine where the box leaves the budget of the reading."""


class Enough(KeyboardInterrupt):
    """Ends the machine at once: an interruption is what Hypothesis lets pass without looking into it."""


@dataclass
class Confirmation:
    """How many runs and steps a reading was confirmed on; or the shortest run found on which it fails, or the error of the box
    that ended it. ``weights`` and ``events`` are those of the run that is under way."""

    runs: int = 0
    steps: int = 0
    failure: FailingRun | None = None
    shrinking: int = 0
    broken: BoxError | None = None
    weights: int = 0
    events: list[Event] = field(default_factory=list)

    def failed(self, run: FailingRun) -> None:
        if self.failure is None or len(run.events) < len(self.failure.events):
            self.failure = run

    def blamed(self) -> Question | None:
        """What beside the formula was asked of the box in the run on which it failed; None for nothing, or no such run."""
        weights, events = self.weights, self.events
        if self.failure is not None:
            weights, events = len(self.failure.shapes), self.failure.events
        elif self.broken is None:
            return None
        actions = {event.action for event in events}
        asked = {
            Question.SAVED_STATE: Action.RESTORE in actions or (self.broken is not None and Action.SAVE in actions),
            Question.LATE_WEIGHT: Action.ADD in actions,
            Question.MISSING_GRADIENT: any(event.missing for event in events),
            Question.SEVERAL: weights > 1,
        }
        return next((question for question, was in asked.items() if was), None)


@dataclass(frozen=True)
class Claim:
    """What is confirmed of a box: the reading, and what it does beside it."""

    bench: Bench
    space: Space
    candidate: Candidate
    seen: Surroundings

    def model(self, weights: np.ndarray, made: Made) -> Model:
        return Model(self.space, self.candidate, weights, made, self.bench.player.dtype)

    @property
    def keeps_first_rate(self) -> bool:
        """Whether the reading looks at the first rate, which is then that with which the box is made."""
        line = self.space.line
        return any(line.hyperparameter(n).role is Role.FIRST_RATE for n in looks_at(line, self.candidate.reading))


def confirm(claim: Claim, seed_: int, runs: int) -> tuple[Confirmation, Surroundings]:
    """Drive the box through runs drawn by Hypothesis, and say which of the surroundings it can be asked for: a question at
    which it breaks down stays open. The same seed draws the same runs. Raises BoxError for a box that breaks down when it is
    only stepped."""
    while True:
        outcome = _driven(claim, seed_, runs)
        if outcome.broken is None:
            return outcome, claim.seen
        question = outcome.blamed()
        if question is None:
            raise outcome.broken
        claim = replace(claim, seen=taken_back(claim.seen, question, outcome))


def taken_back(seen: Surroundings, question: Question, outcome: Confirmation) -> Surroundings:
    """Surroundings in which a question stays open, since the box broke down at it, or is answered by none of the models."""
    fitting = None if outcome.broken is not None else []
    answers: dict[Question, dict[str, Any]] = {
        Question.SAVED_STATE: {"goes_on": None if outcome.broken is not None else False, "lost": None},
        Question.LATE_WEIGHT: {"late_weight": fitting},
        Question.MISSING_GRADIENT: {"missing_gradient": fitting},
        Question.SEVERAL: {"several": fitting, "late_weight": None, "missing_gradient": None},
    }
    if outcome.broken is None:
        return changed(seen, failing_run=outcome.failure, **answers[question])
    unanswered = [*seen.unanswered, Unanswered(question, True, str(outcome.broken))]
    return changed(seen, unanswered=unanswered, **answers[question])


def _driven(claim: Claim, seed_: int, runs: int) -> Confirmation:
    outcome = Confirmation()
    machine = seed(seed_)(_machine(claim, outcome, runs))
    chosen = settings(
        max_examples=runs,
        stateful_step_count=STEPS,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),  # pyright: ignore[reportArgumentType] (its __iter__ is not annotated)
    )
    try:
        with warnings.catch_warnings(), independent_of_loaded_modules():
            warnings.simplefilter("ignore", HypothesisWarning)
            run_state_machine_as_test(machine, settings=chosen)
    except Enough as enough:
        if isinstance(enough.__cause__, BoxError) and outcome.failure is None:
            outcome.broken = enough.__cause__
    except (Violated, Flaky):
        pass  # the outcome has the shortest; what rounds at random need not fail again
    return outcome


def _machine(claim: Claim, outcome: Confirmation, runs: int) -> type[RuleBasedStateMachine]:
    """The state machine of one claim. Whatever else a rule does, it takes steps, so that no run is idle."""
    player, seen = claim.bench.player, claim.seen
    box, form = player.box, precision(player.dtype)
    greatest = min([form.max, *(precision(one.format).max for one in claim.candidate.stored)])
    far = 2.0**40 if greatest > 2.0**100 else 2.0**6  # whose square is still a number of the format
    sizes = st.lists(st.sampled_from([1.0, -0.5, 0.0, 2.0**-12, 64.0, far, 1 / far]), min_size=1, max_size=4)
    patterns = st.integers(0, 7)
    rates = st.sampled_from(RATES if box.rate_changes else RATES[:1])
    apart = Several.APART in (seen.several or [])
    known = (TALL if claim.bench.shape else (WIDTH,), SMALL)
    fixed_rate, first_rate = None if box.rate_changes else box.rate, claim.keeps_first_rate

    class Driven(RuleBasedStateMachine):
        """One run of the box, and of the model of each of its weights."""

        run: Run

        @initialize(
            values=st.sampled_from([Values.OWN, Values.EXACT, Values.USUAL]),
            shapes=st.permutations(known),
            count=st.integers(1, len(known) if apart else 1),
        )
        def begin(self, values: Values, shapes: list[tuple[int, ...]], count: int) -> None:
            tell(Stage.CONFIRMED, outcome.runs, runs)
            outcome.runs += 1
            outcome.shrinking += outcome.failure is not None
            if outcome.shrinking > SHRINKING:
                raise Enough
            self.shapes, self.count = shapes, count
            self.weights = [_weights(shape, form.numpy) for shape in shapes[:count]]
            self.made = Made(claim.bench.chosen.of(values), RATES[0] if fixed_rate is None else fixed_rate)
            self.models = [claim.model(w, self.made) for w in self.weights]
            self.events: list[Event] = []
            outcome.weights, outcome.events = count, self.events
            self.t = 0
            self.saved: Any = None
            self.run = self.begun()

        def begun(self) -> Run:
            return self.of_box(lambda: player.begin(self.weights, self.made.rate, self.made.arguments))

        def of_box(self, action: Callable[[], Any]) -> Any:
            """What the box answers; what it breaks down with ends the machine, since a shorter run would say no more."""
            try:
                return action()
            except BoxError as error:
                raise Enough from error

        @rule(sizes=sizes, rate=rates, pattern=patterns)
        def step(self, sizes: list[float], rate: float, pattern: int) -> None:
            for size in sizes:
                self.advance(Event(Action.STEP, size, pattern, rate if fixed_rate is None else fixed_rate))

        @precondition(lambda self: bool(seen.missing_gradient) and len(self.weights) > 1)
        @rule(sizes=sizes, rate=rates, pattern=patterns)
        def step_without_the_first_gradient(self, sizes: list[float], rate: float, pattern: int) -> None:
            for size in sizes:
                self.advance(Event(Action.STEP, size, pattern, rate if fixed_rate is None else fixed_rate, missing=True))

        @precondition(lambda self: bool(seen.goes_on))
        @rule(sizes=sizes, rate=rates, pattern=patterns)
        def save_and_step(self, sizes: list[float], rate: float, pattern: int) -> None:
            self.events.append(Event(Action.SAVE))
            state = self.of_box(lambda: player.guarded(self.run.save, Moment(Call.SAVED, self.t)))
            copies = [model.kept() for model in self.models]
            self.saved = (state, [w.copy() for w in self.weights], copies, self.t)
            self.step(sizes, rate, pattern)

        @precondition(lambda self: self.saved is not None and len(self.saved[1]) == len(self.weights))
        @rule(sizes=sizes, rate=rates, pattern=patterns)
        def restore_and_step(self, sizes: list[float], rate: float, pattern: int) -> None:
            self.events.append(Event(Action.RESTORE))
            state, weights, copies, self.t = self.saved
            self.weights = [w.copy() for w in weights]
            self.run = self.begun()
            self.of_box(lambda: player.guarded(lambda: self.run.restore(state), Moment(Call.RESTORED, self.t)))
            for model, kept in zip(self.models, copies, strict=True):
                model.restored(kept)
            self.step(sizes, rate, pattern)

        @precondition(lambda self: bool(seen.late_weight) and len(self.weights) < len(known))
        @rule(sizes=sizes, rate=rates, pattern=patterns)
        def add_and_step(self, sizes: list[float], rate: float, pattern: int) -> None:
            self.events.append(Event(Action.ADD))
            added = _weights(self.shapes[len(self.weights)], form.numpy)
            self.of_box(lambda: player.guarded(lambda: self.run.add(added.copy()), Moment(Call.ADDED, self.t)))
            self.weights.append(added)
            self.models.append(claim.model(added, self.made))
            for counter in (seen.late_weight or [])[:1]:
                ADDED[counter](self.models[-1], self.t)
            self.step(sizes, rate, pattern)

        def advance(self, event: Event) -> None:
            self.t += 1
            if first_rate and self.t == 1:
                event = changed(event, rate=self.made.rate)
            outcome.steps += 1
            self.events.append(event)
            gradients: list[np.ndarray | None] = [
                (event.size * _pattern(w.shape, event.pattern)).astype(form.numpy) for w in self.weights
            ]
            if event.missing:
                gradients[0] = None
            self.weights = self.of_box(lambda: player.step(self.run, gradients, event.rate, self.t))
            self.follow(gradients, event.rate)

        def follow(self, gradients: Sequence[np.ndarray | None], rate: float) -> None:
            for i, (model, gradient, after) in enumerate(zip(self.models, gradients, self.weights, strict=True)):
                if gradient is not None:
                    model.step(gradient, rate)
                else:
                    for missed in (seen.missing_gradient or [])[:1]:
                        MISSING[missed](model, rate)
                self.compare(i, model, after)

        def compare(self, i: int, model: Model, after: np.ndarray) -> None:
            inside = model.shown.contains(after)
            if not inside.all():
                at = tuple(int(k) for k in np.argwhere(~inside)[0])
                value = np.broadcast_to(model.shown.value, after.shape)[at]
                shapes, events = self.shapes[: self.count], list(self.events)
                outcome.failed(FailingRun(shapes, dict(self.made.arguments), events, i, at, number(after[at]), number(value)))
                raise Violated
            model.take(after)

    return Driven


def _weights(shape: tuple[int, ...], kind: np.dtype) -> np.ndarray:
    return (np.arange(np.prod(shape)).reshape(shape) / 2 - 0.5).astype(kind)


def _pattern(shape: tuple[int, ...], which: int) -> np.ndarray:
    """A plain pattern, or one of a few random ones."""
    return np.resize([1.0, -0.75, 0.25, 2.0], shape) if which == 0 else np.random.default_rng(which).normal(size=shape)
