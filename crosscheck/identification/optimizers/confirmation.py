"""Confirming a reading: a state machine drives the box through whatever a training run may do to it, and a failure shrinks to
the shortest run on which the reading does not fit."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisWarning
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from ....adapters.box import Run
from ....adapters.errors import BoxError
from ...answers import Action, Event, FailingRun, Surroundings
from ...arithmetic.formats import precision
from ...inputs.strategies import independent_of_loaded_modules
from ...inputs.traces import WIDTH
from ..stages import Stage, tell
from .experiments import Bench, Values
from .playing import Call, Moment
from .prediction import Model
from .space import Candidate, Space
from .surroundings import ADDED, MISSING
from .trace_witnesses import number

SHAPES = ((WIDTH,), (2, 2))  # a compiling framework has met the first already, and meets the second anew
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
    """How many runs and steps a reading was confirmed on; or the shortest run found on which it fails."""

    runs: int = 0
    steps: int = 0
    failure: FailingRun | None = None
    shrinking: int = 0

    def failed(self, run: FailingRun) -> None:
        if self.failure is None or len(run.events) < len(self.failure.events):
            self.failure = run


@dataclass(frozen=True)
class Claim:
    """What is confirmed of a box: the reading, and what it does beside it."""

    bench: Bench
    space: Space
    candidate: Candidate
    seen: Surroundings

    def model(self, weights: np.ndarray, arguments: dict[str, float]) -> Model:
        return Model(self.space, self.candidate, weights, arguments, self.bench.player.dtype)


def confirm(claim: Claim, seed_: int, runs: int) -> Confirmation:
    """Drive the box through runs drawn by Hypothesis. The same seed draws the same ones. Raises BoxError for a box that fails
    in one of them, at once."""
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
        if isinstance(enough.__cause__, BoxError):
            raise enough.__cause__ from None
    except Violated:
        pass  # the outcome has the shortest
    return outcome


def _machine(claim: Claim, outcome: Confirmation, runs: int) -> type[RuleBasedStateMachine]:
    """The state machine of one claim. Whatever else a rule does, it takes steps, so that no run is idle."""
    player, seen = claim.bench.player, claim.seen
    box, form = player.box, precision(player.dtype)
    far = 2.0**40 if form.max > 2.0**100 else 2.0**6  # whose square is still a number of the format
    sizes = st.lists(st.sampled_from([1.0, -0.5, 0.0, 2.0**-12, 64.0, far, 1 / far]), min_size=1, max_size=4)
    patterns = st.integers(0, 7)
    rates = st.sampled_from(RATES if box.rate_changes else RATES[:1])
    fixed_rate = None if box.rate_changes else box.rate

    class Driven(RuleBasedStateMachine):
        """One run of the box, and of the model of each of its weights."""

        run: Run

        @initialize(
            values=st.sampled_from([Values.OWN, Values.EXACT, Values.USUAL]),
            shapes=st.permutations(SHAPES),
            count=st.integers(1, len(SHAPES) if box.several else 1),
        )
        def begin(self, values: Values, shapes: list[tuple[int, ...]], count: int) -> None:
            tell(Stage.CONFIRMED, outcome.runs, runs)
            outcome.runs += 1
            outcome.shrinking += outcome.failure is not None
            if outcome.shrinking > SHRINKING:
                raise Enough
            self.arguments = claim.bench.chosen.of(values)
            self.shapes, self.count = shapes, count
            self.weights = [_weights(shape, form.numpy) for shape in shapes[:count]]
            self.models = [claim.model(w, self.arguments) for w in self.weights]
            self.events: list[Event] = []
            self.t = 0
            self.saved: Any = None
            self.run = self.begun()

        def begun(self) -> Run:
            rate = RATES[0] if fixed_rate is None else fixed_rate
            return self.of_box(lambda: player.begin(self.weights, rate, self.arguments))

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
            state = self.of_box(lambda: player.guarded(self.run.save, Moment(Call.SAVED, self.t)))
            copies = [(model.w, model.state) for model in self.models]
            self.saved = (state, [w.copy() for w in self.weights], copies, self.t)
            self.events.append(Event(Action.SAVE))
            self.step(sizes, rate, pattern)

        @precondition(lambda self: self.saved is not None and len(self.saved[1]) == len(self.weights))
        @rule(sizes=sizes, rate=rates, pattern=patterns)
        def restore_and_step(self, sizes: list[float], rate: float, pattern: int) -> None:
            state, weights, copies, self.t = self.saved
            self.weights = [w.copy() for w in weights]
            self.run = self.begun()
            self.of_box(lambda: player.guarded(lambda: self.run.restore(state), Moment(Call.RESTORED, self.t)))
            for model, (w, before) in zip(self.models, copies, strict=True):
                model.w, model.state = w, before
            self.events.append(Event(Action.RESTORE))
            self.step(sizes, rate, pattern)

        @precondition(lambda self: bool(seen.late_weight) and len(self.weights) < len(SHAPES))
        @rule(sizes=sizes, rate=rates, pattern=patterns)
        def add_and_step(self, sizes: list[float], rate: float, pattern: int) -> None:
            added = _weights(self.shapes[len(self.weights)], form.numpy)
            self.of_box(lambda: player.guarded(lambda: self.run.add(added.copy()), Moment(Call.ADDED, self.t)))
            self.weights.append(added)
            self.models.append(claim.model(added, self.arguments))
            for counter in (seen.late_weight or [])[:1]:
                ADDED[counter](self.models[-1], self.t)
            self.events.append(Event(Action.ADD))
            self.step(sizes, rate, pattern)

        def advance(self, event: Event) -> None:
            self.t += 1
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
            inside = model.w.contains(after)
            if not inside.all():
                at = tuple(int(k) for k in np.argwhere(~inside)[0])
                value = np.broadcast_to(model.w.value, after.shape)[at]
                shapes, events = self.shapes[: self.count], list(self.events)
                outcome.failed(FailingRun(shapes, self.arguments, events, i, at, number(after[at]), number(value)))
                raise Violated
            model.take(after)

    return Driven


def _weights(shape: tuple[int, ...], kind: np.dtype) -> np.ndarray:
    return (np.arange(np.prod(shape)).reshape(shape) / 2 - 0.5).astype(kind)


def _pattern(shape: tuple[int, ...], which: int) -> np.ndarray:
    """A plain pattern, or one of a few random ones."""
    return np.resize([1.0, -0.75, 0.25, 2.0], shape) if which == 0 else np.random.default_rng(which).normal(size=shape)
