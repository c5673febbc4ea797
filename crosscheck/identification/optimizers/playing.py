"""Playing a box: feeding it an experiment under a time limit, and noticing what a well-behaved optimizer does not do."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple, TypeVar

import numpy as np

from ....adapters.box import Box, Run
from ....adapters.errors import BoxError, Unsupported
from ...answers import Printed
from ...arithmetic.steps import Steps
from ..limits import TimeLimit, within
from ..options import TIME_LIMIT

T = TypeVar("T")


class Made(NamedTuple):
    """What a box is made with: its ``arguments`` by its own names, and a rate."""

    arguments: Mapping[str, float]
    rate: float


@dataclass(frozen=True, eq=False)
class Experiment:
    """One trace for a box: ``weights`` (d,) before the first step, ``gradients`` (steps, d), a rate for each step, and the
    box's ``arguments`` by its own names; the box is handed arrays of a ``shape`` of as many entries, (d,) where none is given.
    ``lifted`` keeps its numbers as they were lifted into an arithmetic."""

    weights: np.ndarray
    gradients: np.ndarray
    rates: tuple[float, ...]
    arguments: Mapping[str, float]
    shape: tuple[int, ...] = ()
    lifted: dict[Any, Any] = field(default_factory=dict, init=False, repr=False)

    @property
    def steps(self) -> int:
        return len(self.rates)

    @property
    def handed(self) -> tuple[np.ndarray, np.ndarray]:
        """Weights and gradients in the shape in which the box is handed them."""
        shape = self.shape or self.weights.shape
        return self.weights.reshape(shape), self.gradients.reshape(self.steps, *shape)

    @property
    def made(self) -> Made:
        return Made(self.arguments, self.rates[0])


@dataclass(frozen=True, eq=False)
class Played:
    """An experiment and what the box made of it: the weights after each step, (steps, d). ``predicted`` keeps what candidates
    may do beside it, as far as that was looked at."""

    experiment: Experiment
    weights: np.ndarray
    predicted: dict[Any, Steps] = field(default_factory=dict, repr=False)


class OtherDtype(BoxError):
    """Raised for a box whose weights have become of another ``dtype`` than those that it was made with."""

    def __init__(self, message: str, dtype: str):
        super().__init__(message)
        self.dtype = dtype

    def __reduce__(self) -> tuple[type[OtherDtype], tuple[str, str]]:
        return OtherDtype, (str(self), self.dtype)


class Call(Enum):
    """What a box is called for, as errors about it say it."""

    MADE = "making it"
    READ = "reading weights"
    STEPPED = "stepping it"
    ADDED = "adding weights"
    SAVED = "saving it"
    RESTORED = "restoring it"


@dataclass(frozen=True)
class Moment:
    """A call of a box, at or after a step."""

    call: Call
    step: int = 0

    def __str__(self) -> str:
        if self.call is Call.STEPPED:
            return f"at step {self.step}"
        after = f"after step {self.step}" if self.step else "before step 1"
        return (
            after if self.call is Call.READ else f"when {self.call.value} {after}" if self.step else f"when {self.call.value}"
        )


@dataclass
class Player:
    """A box, and what has been seen of it: ``calls`` counts the runs it was given, ``changed`` the first step at which it
    changed an array handed to it, ``printed`` what it printed first, ``advice`` what to write where it moves nothing."""

    box: Box
    dtype: str
    time_limit: float = TIME_LIMIT
    calls: int = 0
    changed: dict[str, int] = field(default_factory=dict)
    printed: Printed | None = None
    advice: str = ""

    def play(self, experiment: Experiment) -> Played:
        """One run of the box. Raises BoxError for whatever it does that an optimizer does not do."""
        weights, gradients = experiment.handed
        run = self.begin([weights], experiment.rates[0], experiment.arguments)
        after = np.empty_like(experiment.gradients)
        for t, (gradient, rate) in enumerate(zip(gradients, experiment.rates, strict=True)):
            after[t] = self.step(run, [gradient], rate, t + 1)[0].ravel()
        self.advice = run.advice()
        asked = experiment.gradients[0] != 0
        if asked.any() and np.isnan(after[0, asked]).all():
            arguments = ", ".join(f"{name}={value:g}" for name, value in experiment.arguments.items())
            raise BoxError(
                f"{self.box.name} makes NaN of every weight at its first step, though the gradients are finite "
                f"({arguments or 'no arguments'}; rate {experiment.rates[0]:g}); there is nothing to identify"
            )
        return Played(experiment, after)

    def begin(self, weights: Sequence[np.ndarray], rate: float, arguments: Mapping[str, float]) -> Run:
        """A new run of the box."""
        self.calls += 1
        return self.guarded(lambda: self.box.start([w.copy() for w in weights], rate, dict(arguments)), Moment(Call.MADE))

    def step(self, run: Run, gradients: Sequence[np.ndarray | None], rate: float, t: int) -> list[np.ndarray]:
        """The weights after one more step; ``t`` is its number."""
        handed = [None if g is None else g.copy() for g in gradients]
        before = [w.shape for w in self.guarded(run.weights, Moment(Call.READ, t - 1))]
        self.guarded(lambda: run.step(handed, rate), Moment(Call.STEPPED, t))
        after = self.guarded(run.weights, Moment(Call.READ, t))
        for what in self.guarded(run.changed, Moment(Call.READ, t)):
            self.changed.setdefault(what, t)
        for i, (shape, weights) in enumerate(zip(before, after, strict=True)):
            self._check(weights, shape, t, f" {i}" if len(after) > 1 else "")
        return after

    def _check(self, weights: np.ndarray, shape: tuple[int, ...], t: int, which: str) -> None:
        if not isinstance(weights, np.ndarray):
            raise BoxError(f"{self.box.name} gave weights{which} of type {type(weights).__name__} after step {t}, not an array")
        if weights.shape != shape:
            raise BoxError(
                f"{self.box.name} gave weights{which} of shape {weights.shape} after step {t}; they had shape {shape} before. "
                "An optimizer keeps the shape of its weights"
            )
        if weights.dtype.name != self.dtype:
            raise OtherDtype(
                f"{self.box.name} gave weights{which} of dtype {weights.dtype} after step {t}; they were {self.dtype}. Make "
                f"its state and its constants {self.dtype}, or name the dtype it works in: --dtype {weights.dtype}",
                weights.dtype.name,
            )

    def guarded(self, action: Callable[[], T], when: Moment) -> T:
        """What ``action`` returns; its exception, its hanging and its printing are the box's, and said so."""
        printed = io.StringIO()
        try:
            with within(self.time_limit), contextlib.redirect_stdout(printed), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return action()
        except (BoxError, Unsupported):
            raise
        except TimeLimit as error:
            error.blame(self.box.name, when)
        except (Exception, SystemExit) as error:  # whatever a user's optimizer raises is reported in its own words
            raise BoxError(f"{self.box.name} raised {type(error).__name__} {when}: {error}") from error
        finally:
            if (text := printed.getvalue()) and self.printed is None:
                self.printed = Printed(when.step, text.splitlines()[0][:60])
