"""Hypothesis strategies for the inputs of a line; draws are labelled and repeat with the seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture.providers import HypothesisProvider

from ...reference.formula import Map, Optimizer
from ...reference.vocabulary import Sizes
from ..arithmetic.formats import Precision
from ..findings import Label
from .samples import Sample, TraceSample, output_shape, settled, stable_seed
from .traces import SETTINGS, Schedule, make_trace


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

    with independent_of_loaded_modules():
        collect()
    return tuple(found)


@contextmanager
def independent_of_loaded_modules() -> Iterator[None]:
    """Without the numbers that Hypothesis gathers from the source of whatever modules are loaded and mixes into what it draws:
    with them, processes that have loaded different adapters draw different inputs. There is no public switch."""
    gathered = HypothesisProvider._maybe_draw_constant
    HypothesisProvider._maybe_draw_constant = lambda *_, **__: None
    try:
        yield
    finally:
        HypothesisProvider._maybe_draw_constant = gathered


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
    return drawn.map(lambda a: settled(a, p))


@st.composite
def map_samples(draw: Callable, formula: Map, p: Precision, sizes: Sizes | None = None) -> Sample:
    """Inputs of a map in one of its shape buckets, with a random cotangent, never ones."""
    bucket = sizes or draw(st.sampled_from(formula.sizes), label="sizes")
    chosen = {name: draw(st.sampled_from(list(options)), label=name) for name, options in formula.settings.items()}
    arrays = {
        name: draw(_array(argument.concrete(bucket), argument.values, p), label=name)
        for name, argument in formula.inputs.items()
    }
    cotangent = draw(_array(output_shape(formula, bucket), "real", p), label="cotangent")
    return Sample(Label.of("drawn", {**bucket, **chosen}), arrays, chosen, cotangent)


def trace_samples(formula: Optimizer, p: Precision) -> st.SearchStrategy[TraceSample]:
    return st.builds(
        lambda setting, schedule, number: make_trace(formula, p, setting, schedule, number),
        st.integers(0, SETTINGS - 1),
        st.sampled_from(sorted(Schedule, key=lambda schedule: schedule.value)),
        st.integers(1, 2**16),
    )
