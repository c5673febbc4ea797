"""Confirming a reading: a state machine drives the box through whatever a training run may do to it, and a failure shrinks to
the shortest trace on which the reading does not hold."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisWarning
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from ...adapters.box import Run
from ..arithmetic.formats import precision
from ..domains import WIDTH
from .experiments import EXACT, USUAL, Arguments
from .playing import Player
from .prediction import Model
from .space import Candidate, Space
from .surroundings import MISSING, Surroundings

SHAPES = ((WIDTH,), (2, 2))  # a compiling framework has met the first already, and meets the second anew
EXAMPLES = 12
STEPS = 12
RATES = (0.125, 1e-3, 0.1, 0.0)


class Parted(AssertionError):
    """Raised in the machine where the box leaves the budget of the reading."""


@dataclass
class Confirmation:
    """How many lives and steps a reading was confirmed on; or the shortest life on which it fails, an action a line."""

    lives: int = 0
    steps: int = 0
    failure: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Subject:
    """What is confirmed, of which box."""

    player: Player
    space: Space
    candidate: Candidate
    chosen: Arguments
    seen: Surroundings


def confirm(subject: Subject, seed_: int, examples: int = EXAMPLES) -> Confirmation:
    """Drive the box through lives drawn by Hypothesis. The same seed draws the same lives."""
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
    except Parted as parted:
        outcome.failure = str(parted).splitlines()
    return outcome


def _machine(subject: Subject, outcome: Confirmation) -> type[RuleBasedStateMachine]:
    """The state machine of one subject: rules that the box cannot follow are left out of it."""
    player, seen = subject.player, subject.seen
    number = precision(player.dtype)
    values = st.sampled_from([1.0, -0.5, 0.0, 2.0**-12, 64.0])
    rates = st.sampled_from(RATES if player.box.rate_changes and player.box.rate != 0 else RATES[:1])
    fixed_rate = None if player.box.rate_changes else player.box.rate

    class Life(RuleBasedStateMachine):
        """One life of the box, and of the model of each of its weights."""

        run: Run

        @initialize(setting=st.sampled_from([EXACT, USUAL]), count=st.integers(1, 2 if player.box.several else 1))
        def begin(self, setting: str, count: int) -> None:
            outcome.lives += 1
            self.arguments = subject.chosen.of(setting)
            self.weights = [_weights(SHAPES[i], number.numpy) for i in range(count)]
            self.models = [self.model(w) for w in self.weights]
            self.told = [f"start with {count} weight{'s' * (count > 1)}, " + _listed(self.arguments)]
            self.t = 0
            self.saved: Any = None
            self.run = player.begin(self.weights, RATES[0] if fixed_rate is None else fixed_rate, self.arguments)

        def model(self, weights: np.ndarray) -> Model:
            return Model(subject.space, subject.candidate, weights, self.arguments, player.dtype)

        @rule(sizes=st.lists(values, min_size=1, max_size=5), rate=rates)
        def step(self, sizes: list[float], rate: float) -> None:
            for value in sizes:
                self.advance(self.gradients(value), rate, f"gradients of size {value:g}")

        def gradients(self, value: float) -> list[np.ndarray | None]:
            return [value * _pattern(w.shape, number.numpy) for w in self.weights]

        @precondition(lambda self: bool(seen.missing) and len(self.weights) > 1)
        @rule(value=values, rate=rates)
        def step_without_the_first_gradient(self, value: float, rate: float) -> None:
            words = f"gradients of size {value:g}, none for the first weight"
            self.advance([None, *self.gradients(value)[1:]], rate, words)

        @precondition(lambda self: seen.saves)
        @rule()
        def save(self) -> None:
            copies = [(model.w, model.state) for model in self.models]
            self.saved = (
                player.guarded(self.run.save, "when its state was saved"),
                [w.copy() for w in self.weights],
                copies,
                self.t,
            )
            self.told.append("save the state")

        @precondition(lambda self: self.saved is not None and len(self.saved[1]) == len(self.weights))
        @rule()
        def restore(self) -> None:
            state, weights, copies, self.t = self.saved
            self.weights = [w.copy() for w in weights]
            self.run = player.begin(self.weights, RATES[0] if fixed_rate is None else fixed_rate, self.arguments)
            player.guarded(lambda: self.run.restore(state), "when a saved state was restored")
            for model, (w, before) in zip(self.models, copies, strict=True):
                model.w, model.state = w, before
            self.told.append("restore it")

        @precondition(lambda self: bool(seen.late) and len(self.weights) < len(SHAPES))
        @rule()
        def add(self) -> None:
            added = _weights(SHAPES[len(self.weights)], number.numpy)
            player.guarded(lambda: self.run.add(added.copy()), "when a weight was added")
            self.weights.append(added)
            self.models.append(self.model(added))
            if "others" in seen.late:
                for _ in range(self.t):
                    self.models[-1].tick()
            self.told.append("add a weight")

        def advance(self, gradients: list[np.ndarray | None], rate: float, words: str) -> None:
            rate = rate if fixed_rate is None else fixed_rate
            self.t += 1
            outcome.steps += 1
            self.told.append(f"step with {words}, rate {rate:g}")
            self.weights = player.step(self.run, gradients, rate, self.t)
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
                raise Parted("\n".join([*self.told, said]))

    return Life


def _weights(shape: tuple[int, ...], kind: np.dtype) -> np.ndarray:
    return (np.arange(np.prod(shape)).reshape(shape) / 2 - 0.5).astype(kind)


def _pattern(shape: tuple[int, ...], kind: np.dtype) -> np.ndarray:
    return np.resize([1.0, -0.75, 0.25, 2.0], shape).astype(kind)


def _listed(arguments: dict[str, float]) -> str:
    return ", ".join(f"{name}={value:g}" for name, value in arguments.items())
