"""Confirming a reading: a state machine drives the box through whatever a training run may do to it, and a failure shrinks to
the shortest trace on which the reading does not hold."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisWarning
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from ....adapters.box import Run
from ....adapters.errors import BoxError
from ...arithmetic.formats import precision
from ...inputs.traces import WIDTH
from .experiments import EXACT, OWN, USUAL, Arguments
from .playing import Player
from .prediction import Model
from .space import Candidate, Space
from .surroundings import MISSING, Surroundings

SHAPES = ((WIDTH,), (2, 2))  # a compiling framework has met the first already, and meets the second anew
EXAMPLES = 12
STEPS = 12
LONG = 64  # steps of the one long trace
SHRINKING = 150  # lives that may be spent on making a failing one shorter
RATES = (0.125, 1e-3, 8.0, 0.0)


class Parted(AssertionError):
    """Raised in the machine where the box leaves the budget of the reading."""


class Enough(KeyboardInterrupt):
    """Ends the machine at once: an interruption is what Hypothesis lets pass without looking into it."""


@dataclass
class Confirmation:
    """How many lives and steps a reading was confirmed on; or the shortest life found on which it fails, an action a line."""

    lives: int = 0
    steps: int = 0
    failure: list[str] = field(default_factory=list)
    shrinking: int = 0

    def failed(self, told: list[str]) -> None:
        if not self.failure or len(told) < len(self.failure):
            self.failure = told


@dataclass(frozen=True)
class Subject:
    """What is confirmed, of which box."""

    player: Player
    space: Space
    candidate: Candidate
    chosen: Arguments
    seen: Surroundings


def confirm(subject: Subject, seed_: int, examples: int = EXAMPLES) -> Confirmation:
    """Drive the box through lives drawn by Hypothesis. The same seed draws the same lives. Raises BoxError for a box that fails
    in one of them, at once."""
    outcome = Confirmation()
    machine = seed(seed_)(_machine(subject, outcome))
    chosen = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),  # pyright: ignore[reportArgumentType] (its __iter__ is not annotated)
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", HypothesisWarning)
            run_state_machine_as_test(machine, settings=chosen)
    except Enough as enough:
        if isinstance(enough.__cause__, BoxError):
            raise enough.__cause__ from None
    except Parted:
        pass  # the outcome holds the shortest
    return outcome


def _machine(subject: Subject, outcome: Confirmation) -> type[RuleBasedStateMachine]:
    """The state machine of one subject. Whatever else a rule does, it takes steps, so that no life is idle."""
    player, seen = subject.player, subject.seen
    number = precision(player.dtype)
    far = 2.0**40 if number.max > 2.0**100 else 2.0**6  # whose square is still a number of the format
    sizes = st.lists(st.sampled_from([1.0, -0.5, 0.0, 2.0**-12, 64.0, far, 1 / far]), min_size=1, max_size=4)
    patterns = st.integers(0, 7)
    rates = st.sampled_from(RATES if player.box.rate_changes else RATES[:1])
    fixed_rate = None if player.box.rate_changes else player.box.rate

    class Life(RuleBasedStateMachine):
        """One life of the box, and of the model of each of its weights."""

        run: Run

        @initialize(
            setting=st.sampled_from([OWN, EXACT, USUAL]),
            shapes=st.permutations(SHAPES),
            count=st.integers(1, len(SHAPES) if player.box.several else 1),
        )
        def begin(self, setting: str, shapes: list[tuple[int, ...]], count: int) -> None:
            outcome.lives += 1
            outcome.shrinking += bool(outcome.failure)
            if outcome.shrinking > SHRINKING:
                raise Enough
            self.arguments = subject.chosen.of(setting)
            self.shapes = shapes
            self.weights = [_weights(shape, number.numpy) for shape in shapes[:count]]
            self.models = [self.model(w) for w in self.weights]
            listed = " and ".join(str(shape) for shape in shapes[:count])
            self.told = [f"start with weights of shape {listed}; " + _listed(self.arguments)]
            self.t = 0
            self.saved: Any = None
            self.run = self.of_box(lambda: player.begin(self.weights, self.first_rate(), self.arguments))

        def first_rate(self) -> float:
            return RATES[0] if fixed_rate is None else fixed_rate

        def of_box(self, action: Callable[[], Any]) -> Any:
            """What the box answers; what it breaks down with ends the machine, since a shorter life would say no more."""
            try:
                return action()
            except BoxError as error:
                raise Enough from error

        def model(self, weights: np.ndarray) -> Model:
            return Model(subject.space, subject.candidate, weights, self.arguments, player.dtype)

        @rule(sizes=sizes, rate=rates, pattern=patterns)
        def step(self, sizes: list[float], rate: float, pattern: int) -> None:
            for size in sizes:
                gradients = [(size * _pattern(w.shape, pattern, np.dtype(float))).astype(number.numpy) for w in self.weights]
                self.advance(gradients, rate, f"gradients of size {size:g} and pattern {pattern}")

        @precondition(lambda self: bool(seen.missing) and len(self.weights) > 1)
        @rule(sizes=sizes, rate=rates, pattern=patterns)
        def step_without_the_first_gradient(self, sizes: list[float], rate: float, pattern: int) -> None:
            for size in sizes:
                rest = [(size * _pattern(w.shape, pattern, np.dtype(float))).astype(number.numpy) for w in self.weights[1:]]
                words = f"gradients of size {size:g} and pattern {pattern}, none for the first weight"
                self.advance([None, *rest], rate, words)

        @precondition(lambda self: seen.saves)
        @rule(sizes=sizes, rate=rates, pattern=patterns)
        def save_and_step(self, sizes: list[float], rate: float, pattern: int) -> None:
            state = self.of_box(lambda: player.guarded(self.run.save, "when its state was saved"))
            copies = [(model.w, model.state) for model in self.models]
            self.saved = (state, [w.copy() for w in self.weights], copies, self.t)
            self.told.append("save the state")
            self.step(sizes, rate, pattern)

        @precondition(lambda self: self.saved is not None and len(self.saved[1]) == len(self.weights))
        @rule(sizes=sizes, rate=rates, pattern=patterns)
        def restore_and_step(self, sizes: list[float], rate: float, pattern: int) -> None:
            state, weights, copies, self.t = self.saved
            self.weights = [w.copy() for w in weights]
            self.run = self.of_box(lambda: player.begin(self.weights, self.first_rate(), self.arguments))
            self.of_box(lambda: player.guarded(lambda: self.run.restore(state), "when a saved state was restored"))
            for model, (w, before) in zip(self.models, copies, strict=True):
                model.w, model.state = w, before
            self.told.append("restore it")
            self.step(sizes, rate, pattern)

        @precondition(lambda self: bool(seen.late) and len(self.weights) < len(SHAPES))
        @rule(sizes=sizes, rate=rates, pattern=patterns)
        def add_and_step(self, sizes: list[float], rate: float, pattern: int) -> None:
            added = _weights(self.shapes[len(self.weights)], number.numpy)
            self.of_box(lambda: player.guarded(lambda: self.run.add(added.copy()), "when a weight was added"))
            self.weights.append(added)
            self.models.append(self.model(added))
            if "others" in seen.late:
                for _ in range(self.t):
                    self.models[-1].tick()
            self.told.append("add a weight")
            self.step(sizes, rate, pattern)

        def advance(self, gradients: Sequence[np.ndarray | None], rate: float, words: str) -> None:
            rate = rate if fixed_rate is None else fixed_rate
            self.t += 1
            outcome.steps += 1
            self.told.append(f"step with {words}, rate {rate:g}")
            self.weights = self.of_box(lambda: player.step(self.run, gradients, rate, self.t))
            for i, (model, gradient, after) in enumerate(zip(self.models, gradients, self.weights, strict=True)):
                if gradient is None:
                    MISSING[seen.missing](model, rate)
                else:
                    model.step(gradient, rate)
                self.compare(i, model, after)

        def compare(self, i: int, model: Model, after: np.ndarray) -> None:
            inside = model.w.contains(after)
            if not inside.all():
                at = tuple(int(k) for k in np.argwhere(~inside)[0])
                value = float(np.broadcast_to(model.w.value, after.shape)[at])
                said = f"weight {i}{list(at)}: the box has {float(after[at])!r}, the reading {value!r}"
                outcome.failed([*self.told, said])
                raise Parted(said)
            model.take(after)

    return Life


def _weights(shape: tuple[int, ...], kind: np.dtype) -> np.ndarray:
    return (np.arange(np.prod(shape)).reshape(shape) / 2 - 0.5).astype(kind)


def _pattern(shape: tuple[int, ...], number: int, kind: np.dtype) -> np.ndarray:
    """A plain pattern, or one of a few random ones."""
    values = np.resize([1.0, -0.75, 0.25, 2.0], shape) if number == 0 else np.random.default_rng(number).normal(size=shape)
    return values.astype(kind)


def _listed(arguments: dict[str, float]) -> str:
    return ", ".join(f"{name}={value:g}" for name, value in arguments.items())
