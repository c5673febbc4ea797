"""Inputs: the hard points of a line, and Hypothesis strategies for the rest.

All subjects of a line and dtype are held against the same inputs, so that each reading's enclosure is computed once, and
compiled frameworks see few shapes. Draws are labelled and repeat with the seed.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from ...adapters.contract import Trace
from ...reference.formula import Formula, Map, Optimizer
from ...reference.vocabulary import Input, Sizes
from ..arithmetic.formats import Precision, precision
from .profiles import Profile

STEPS = 20
WIDTH = 40  # columns of a trace: two parameters of 20, which fills SIMD blocks of 16 and leaves a tail


@dataclass(frozen=True)
class Sample:
    """One input of a map: arrays in the dtype under test, settings, and the cotangent that is pulled back."""

    label: str
    arrays: Mapping[str, np.ndarray]
    settings: Mapping[str, str]
    cotangent: np.ndarray

    @property
    def inputs(self) -> dict[str, Any]:
        return {**self.arrays, **self.settings}

    @property
    def finite(self) -> bool:
        return all(np.isfinite(array.astype(np.float64)).all() for array in (*self.arrays.values(), self.cotangent))


@dataclass(frozen=True)
class TraceSample:
    """One trace of an optimizer."""

    label: str
    trace: Trace

    @property
    def finite(self) -> bool:
        return bool(np.isfinite(self.trace.gradients.astype(np.float64)).all())


AnySample = Sample | TraceSample


def samples(formula: Formula, dtype: str, profile: Profile, seed_: int) -> tuple[Any, ...]:
    """The inputs on which every subject of a line is examined: hard points first, then draws."""
    return _samples(formula.id, dtype, profile, seed_)


@lru_cache(maxsize=8)
def _samples(line_id: str, dtype: str, profile: Profile, seed_: int) -> tuple[Any, ...]:
    from ...reference.catalogue import line

    formula, p = line(line_id), precision(dtype)
    if isinstance(formula, Optimizer):
        drawn = draw(trace_samples(formula, p), profile.traces, f"{line_id} {dtype}", seed_)
        return tuple(hard_traces(formula, p)) + drawn
    assert isinstance(formula, Map)
    drawn = draw(map_samples(formula, p), profile.examples, f"{line_id} {dtype}", seed_)
    return tuple(hard_samples(formula, p)) + drawn


def stable_seed(*parts: Any) -> int:
    """A seed that is the same in every process, from what it is for."""
    return zlib.crc32(" ".join(map(str, parts)).encode())


def draw(strategy: st.SearchStrategy, count: int, purpose: str, seed_: int) -> tuple[Any, ...]:
    """``count`` examples of a Hypothesis strategy, the same for the same purpose and seed."""
    found: list[Any] = []

    @seed(stable_seed(purpose, seed_))
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),  # pyright: ignore[reportArgumentType] (its __iter__ is not annotated)
    )
    @given(strategy)
    def collect(example: Any) -> None:
        found.append(example)

    collect()
    return tuple(found)


# --- maps -----------------------------------------------------------------------------------------------------------


def elements(kind: str, p: Precision) -> st.SearchStrategy[float]:
    """Numbers for an input of that kind: small integers, so that ties and zeros come up, and floats of several sizes."""
    if kind == "probability":
        near_one = 1 - 4 * p.unit_roundoff
        return st.one_of(st.sampled_from([0.5, 0.25, 0.75]), st.floats(0.01, 0.99), st.sampled_from([1e-3, near_one]))
    if kind == "unit":
        return st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0.0, 1.0))
    whole = st.integers(-3, 3).map(float)
    if kind == "small":
        return st.one_of(whole, st.floats(-2, 2))
    sizes = st.sampled_from([1e-3, 1.0, 8.0])
    return st.one_of(whole, st.builds(lambda m, scale: m * scale, st.floats(-1, 1), sizes))


def _array(shape: tuple[int, ...], kind: str, p: Precision) -> st.SearchStrategy[np.ndarray]:
    drawn = hnp.arrays(np.float64, shape, elements=elements(kind, p))
    return drawn.map(lambda a: _settled(a, p))


def _settled(values: Any, p: Precision) -> np.ndarray:
    """Values in the dtype under test, without the subnormals that rounding made: those are hard points of their own."""
    array = np.asarray(values, dtype=np.float64).astype(p.numpy)
    return np.where(np.abs(array) < p.smallest_normal, np.zeros_like(array), array).astype(p.numpy)


@st.composite
def map_samples(draw: Callable, formula: Map, p: Precision, sizes: Sizes | None = None) -> Sample:
    """Inputs of a map in one of its shape buckets, with a random cotangent, never ones."""
    bucket = sizes or draw(st.sampled_from(formula.sizes), label="sizes")
    chosen = {name: draw(st.sampled_from(list(options)), label=name) for name, options in formula.settings.items()}
    arrays = {
        name: draw(_array(argument.concrete(bucket), argument.values, p), label=name)
        for name, argument in formula.inputs.items()
    }
    cotangent = draw(_array(_output_shape(formula, bucket), "real", p), label="cotangent")
    label = "drawn, " + ", ".join(f"{k}={v}" for k, v in {**bucket, **chosen}.items())
    return Sample(label, arrays, chosen, cotangent)


def _output_shape(formula: Map, bucket: Sizes) -> tuple[int, ...]:
    return Input(formula.output, "").concrete(bucket)


def hard_samples(formula: Map, p: Precision) -> list[Sample]:
    """The line's own hard points, with cotangents that are neither ones nor round."""
    found = []
    with np.errstate(over="ignore"):
        for label, point in formula.hard_points(p).items():
            arrays = {name: np.asarray(point[name], dtype=np.float64).astype(p.numpy) for name in formula.inputs}
            bucket = bound_sizes(formula, arrays)
            chosen = {name: point.get(name, next(iter(options))) for name, options in formula.settings.items()}
            cotangent = _cotangent(_output_shape(formula, bucket), label, p)
            found.append(Sample(label, arrays, chosen, cotangent))
    return found


def bound_sizes(formula: Map, arrays: Mapping[str, np.ndarray]) -> dict[str, int]:
    """What the symbolic sizes stand for in these arrays."""
    pairs = (
        (symbol, n)
        for name, argument in formula.inputs.items()
        for symbol, n in zip(argument.shape, arrays[name].shape, strict=True)
        if isinstance(symbol, str)
    )
    return dict(pairs)


def _cotangent(shape: tuple[int, ...], purpose: str, p: Precision) -> np.ndarray:
    generator = np.random.default_rng(stable_seed(purpose))
    return generator.uniform(0.5, 2.0, shape).astype(p.numpy) * generator.choice([-1, 1], shape).astype(p.numpy)


# --- traces ---------------------------------------------------------------------------------------------------------

# Field defaults, exactly representable ones, and ones whose complement is large: (beta, beta1, beta2).
_DECAYS = ((0.9, 0.9, 0.999), (0.875, 0.875, 0.9375), (0.5, 0.5, 0.75))
_EPSILONS = (1e-8, 2.0**-10, 2.0**-4)
_FIXED = {
    "momentum": 0.5,
    "dampening": 0.25,
    "initial_scale": 1.0,
    "weight_decay": 0.125,
    "momentum_decay": 0.004,
    "eps_root": 2.0**-6,
    "rate_decay": 0.25,
}
RATES = {
    "a constant rate": lambda t: 0.125,
    "a rate that halves every fifth step": lambda t: 0.5 ** (1 + t // 5),
    "a rate that is new at every step": lambda t: 1e-3 * (1 + (7 * t) % 5),
    "a rate that drops to a hundredth": lambda t: 0.1 if t < 3 else 1e-3,
}


def hyperparameters(formula: Optimizer, setting: int) -> dict[str, float]:
    """One of three settings of the line's hyperparameters; few, since compiled frameworks take them as constants."""
    beta, beta1, beta2 = _DECAYS[setting]
    values = {"beta": beta, "beta1": beta1, "beta2": beta2, "eps": _EPSILONS[setting], **_FIXED}
    missing = {h.name: h.default for h in formula.hyperparameters if h.name not in values}
    return {h.name: values.get(h.name, missing.get(h.name, 0.0)) for h in formula.hyperparameters}


SETTINGS = len(_DECAYS)


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
    return _settled(np.hstack([base, extra])[:, generator.permutation(WIDTH)], p)


def make_trace(formula: Optimizer, p: Precision, setting: int, rates: str, number: int) -> TraceSample:
    """A trace of ``STEPS`` steps over ``WIDTH`` independent weights, most of which start at 0 so that updates stand out."""
    generator = np.random.default_rng(stable_seed(formula.id, setting, rates, number))
    hyper = hyperparameters(formula, setting)
    gradients = _columns(hyper.get("eps", 1e-8), p, generator)
    weights = _settled(generator.normal(size=WIDTH) * (generator.random(WIDTH) < 0.25), p)
    trace = Trace(weights, gradients, tuple(RATES[rates](t) for t in range(STEPS)), hyper)
    return TraceSample(f"{rates}, " + ", ".join(f"{k}={v:g}" for k, v in hyper.items()), trace)


def hard_traces(formula: Optimizer, p: Precision) -> list[TraceSample]:
    """One trace for each setting of the hyperparameters, each with another course of the rate."""
    return [make_trace(formula, p, i, rates, 0) for i, rates in zip(range(SETTINGS), list(RATES)[1:], strict=True)]


def trace_samples(formula: Optimizer, p: Precision) -> st.SearchStrategy[TraceSample]:
    return st.builds(
        lambda setting, rates, number: make_trace(formula, p, setting, rates, number),
        st.integers(0, SETTINGS - 1),
        st.sampled_from(sorted(RATES)),
        st.integers(1, 2**16),
    )


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
