"""Traces of optimizers: schedules of rates, settings of hyperparameters, and gradients that make readings differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum

import numpy as np

from ...adapters.contract import Trace
from ...reference.formula import Formula, Optimizer
from ...reference.vocabulary import Role
from ..arithmetic.formats import Precision
from ..findings import Label
from .samples import AnySample, Sample, TraceSample, settled, stable_seed

STEPS = 20
WIDTH = 40  # columns of a trace: two parameters of 20, which fills SIMD blocks of 16 and leaves a tail


class Schedule(Enum):
    """Learning rates over the steps of a trace; the value is the key under which files name it."""

    CONSTANT = "constant"
    HALVING = "halving"  # every fifth step
    NEW = "new-every-step"
    DROP = "drop"  # to a hundredth, after three steps

    def rates(self, count: int) -> tuple[float, ...]:
        """The rates of ``count`` steps."""
        return tuple(_RATES[self](t) for t in range(count))

    def rates_from(self, first: float, count: int) -> tuple[float, ...]:
        """The rates of ``count`` steps that begin at ``first`` and never exceed it: all schedules begin alike."""
        return tuple(first * _SHARES[self](t) for t in range(count))


_RATES: dict[Schedule, Callable[[int], float]] = {
    Schedule.CONSTANT: lambda t: 0.125,
    Schedule.HALVING: lambda t: 0.5 ** (1 + t // 5),
    Schedule.NEW: lambda t: 1e-3 * (1 + (7 * t) % 5),
    Schedule.DROP: lambda t: 0.1 if t < 3 else 1e-3,
}
_SHARES: dict[Schedule, Callable[[int], float]] = {
    Schedule.CONSTANT: lambda t: 1.0,
    Schedule.HALVING: lambda t: 0.5 ** (t // 5 % 8),
    Schedule.NEW: lambda t: 1 / (1 + (7 * t) % 5),
    Schedule.DROP: lambda t: 1.0 if t < 3 else 0.01,
}

SETTINGS = 3
NEAR_ZERO = 1e-8  # small gradients of a trace where no hyperparameter says what is small


def hyperparameters(formula: Optimizer, setting: int) -> dict[str, float]:
    """One of three settings of the line's hyperparameters; few, since compiled frameworks take them as constants."""
    return {hyper.name: hyper.tried.settings[setting] for hyper in formula.hyperparameters}


def small(formula: Optimizer, hyper: Mapping[str, float]) -> float:
    """The size of gradients at which an ε shows: that of the line's first one."""
    epsilons = (hyper[h.name] for h in formula.hyperparameters if h.role is Role.EPSILON)
    return next(epsilons, NEAR_ZERO)


def _columns(eps: float, p: Precision, generator: np.random.Generator) -> np.ndarray:
    """The gradients of a trace, a column each: constants, zeros, first and last only, ε-sized, tiny, large, alternating."""
    t = np.arange(STEPS)[:, None]
    root = np.sqrt(eps)
    patterns = [
        np.ones((STEPS, 4)) * [1.0, -0.5, eps, root],
        np.zeros((STEPS, 1)),
        (t == 0) * np.array([[1.0, root]]),
        (t > 2) * np.array([[1.0, eps]]),
        (-1.0) ** t * np.array([[1.0, root]]),
        2.0**-t * np.array([[1.0]]),
        generator.normal(size=(STEPS, 8)) * [1e-3, 1.0, 1.0, 10.0, eps, root, 4 * root, 0.1],
    ]
    base = np.hstack(patterns)
    extra = generator.normal(size=(STEPS, WIDTH - base.shape[1])) * 2.0 ** generator.integers(-12, 4, WIDTH - base.shape[1])
    return settled(np.hstack([base, extra])[:, generator.permutation(WIDTH)], p)


def make_trace(formula: Optimizer, p: Precision, setting: int, schedule: Schedule, number: int) -> TraceSample:
    """A trace of ``STEPS`` steps over ``WIDTH`` independent weights, most of which start at 0 so that updates stand out.

    ``number`` 0 is a hard trace, any other one that was drawn."""
    generator = np.random.default_rng(stable_seed(formula.id, setting, schedule.value, number))
    hyper = hyperparameters(formula, setting)
    gradients = _columns(small(formula, hyper), p, generator)
    weights = settled(generator.normal(size=WIDTH) * (generator.random(WIDTH) < 0.25), p)
    label = Label("drawn" if number else "hard", schedule.value)
    return TraceSample(label, Trace(weights, gradients, schedule.rates(STEPS), hyper))


def hard_traces(formula: Optimizer, p: Precision) -> list[TraceSample]:
    """One trace for each setting of the hyperparameters, each with another schedule whose rates change."""
    return [make_trace(formula, p, i, schedule, 0) for i, schedule in zip(range(SETTINGS), list(Schedule)[1:], strict=True)]


def widened(formula: Formula, sample: AnySample) -> AnySample:
    """A trace of any size, padded with zeros to the size that compiled frameworks have met; a map's sample as it is."""
    if isinstance(sample, Sample):
        return sample
    trace = sample.trace
    gradients = np.zeros((STEPS, WIDTH), trace.gradients.dtype)
    weights = np.zeros(WIDTH, trace.weights.dtype)
    gradients[: trace.steps, : trace.weights.size] = trace.gradients
    weights[: trace.weights.size] = trace.weights
    rates = trace.rates + (trace.rates[-1],) * (STEPS - trace.steps)
    return TraceSample(sample.label, Trace(weights, gradients, rates, trace.hyper))
