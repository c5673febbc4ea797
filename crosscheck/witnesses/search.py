"""The search for witnesses: the smallest inputs that separate two readings."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, find, settings, target
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from ...adapters.contract import Trace
from ...reference.formula import Formula, Map, Optimizer
from ...reference.namespace import Floating
from ...reference.vocabulary import Input, Reading, Sizes
from ..arithmetic.formats import Precision, precision
from ..findings import Label, NoValue
from ..inputs.samples import AnySample, Sample, TraceSample, stable_seed
from ..inputs.strategies import independent_of_loaded_modules
from ..inputs.traces import SETTINGS, Schedule, hyperparameters
from ..readings.compare import Allowed, allowed, violation
from ..readings.evaluate import evaluate
from ..readings.separate import separated, separation
from .store import Departure, Kept, to_hex

SEARCH_EXAMPLES = 400


@independent_of_loaded_modules()
def search(formula: Formula, dtype: str, departure: Departure, seed: int = 0) -> Kept:
    """The smallest input found on which no floating-point number can belong to both the deviating and the printed reading.

    Readings that are one real function evaluated in two ways always have numbers in common: for them it is the smallest input
    on which one of them, evaluated by NumPy, leaves the budget of the other. Hypothesis draws small shapes and simple numbers
    first, is pushed towards separation by ``target``, and shrinks what it finds. The same seed finds the same witness.
    """
    p, reading = precision(dtype), departure.reading(formula)

    def separates(sample: AnySample) -> bool:
        a, b = allowed(formula, reading, sample, p), allowed(formula, formula.printed, sample, p)
        score = separation(a, b)
        if math.isfinite(score):
            target(score, label="separation")
        return separated(a, b) is not None or (same_function and _outdone(formula, reading, sample, a, b))

    same_function = formula.meaning(reading) == formula.meaning(formula.printed)
    try:
        found = find(
            _small(formula, p),
            separates,
            settings=settings(
                max_examples=SEARCH_EXAMPLES,
                database=None,
                deadline=None,
                phases=(Phase.generate, Phase.target, Phase.shrink),
                suppress_health_check=list(HealthCheck),  # pyright: ignore[reportArgumentType] (its __iter__ is not annotated)
            ),
            random=Random(stable_seed(formula.id, dtype, departure, seed)),
        )
    except NoSuchExample:
        return Kept(dtype, dict(departure.axes), found=False)
    return _kept(dtype, departure, found)


def _outdone(formula: Formula, reading: Reading, sample: AnySample, a: Allowed, b: Allowed) -> bool:
    """Whether one of two evaluations of the same function, made by NumPy, violates the other."""
    if not isinstance(sample, Sample) or isinstance(a, NoValue) or isinstance(b, NoValue):
        return False
    printed, deviating = (evaluate(formula, r, sample, Floating(sample.cotangent.dtype)) for r in (formula.printed, reading))
    return violation(a, printed) is not None or violation(b, deviating) is not None


def _kept(dtype: str, departure: Departure, sample: AnySample) -> Kept:
    axes = dict(departure.axes)
    if isinstance(sample, Sample):
        arrays = {name: to_hex(a) for name, a in {**sample.arrays, "cotangent": sample.cotangent}.items()}
        return Kept(dtype, axes, True, arrays, dict(sample.settings))
    trace = sample.trace
    arrays = {"w": to_hex(trace.weights), "gradients": to_hex(trace.gradients)}
    setting = int(dict(sample.label.chosen)["setting"])
    return Kept(dtype, axes, True, arrays, schedule=Schedule(sample.label.name), setting=setting)


def _numbers(kind: str, p: Precision, with_nan: bool) -> st.SearchStrategy[float]:
    """Numbers that shrink to simple ones: small integers first, then larger ones, then any; NaN where a line reads it."""
    if kind in ("probability", "unit"):
        inner = st.sampled_from([0.5, 0.25, 0.75, 1 - 2 * p.unit_roundoff, 2.0**-20])
        return st.one_of(st.sampled_from([0.0, 1.0]), inner, st.floats(0, 1, width=16))
    whole = [st.integers(-n, n).map(float) for n in (3, 100, 1000)]
    nan = [st.just(float("nan"))] if with_nan else []
    return st.one_of(st.integers(0, 3).map(float), whole[0], st.floats(-4, 4, width=16), *whole[1:], *nan)


@st.composite
def _small_map(draw: Callable, formula: Map, p: Precision) -> Sample:
    smallest_first = sorted(formula.sizes, key=lambda sizes: (sum(sizes.values()), sorted(sizes.items())))
    bucket: Sizes = draw(st.sampled_from(smallest_first), label="sizes")
    chosen = {name: draw(st.sampled_from(list(options)), label=name) for name, options in formula.settings.items()}

    def array(shape: tuple[int, ...], kind: str) -> np.ndarray:
        n, numbers = math.prod(shape), _numbers(kind, p, formula.reads_nan)
        with np.errstate(over="ignore"):
            return np.reshape(draw(st.lists(numbers, min_size=n, max_size=n)), shape).astype(p.numpy)

    arrays = {name: array(a.concrete(bucket), a.values) for name, a in formula.inputs.items()}
    cotangent = np.ones(Input(formula.output, "").concrete(bucket)).astype(p.numpy)
    return Sample(Label("plain"), arrays, chosen, cotangent)


@st.composite
def _small_trace(draw: Callable, formula: Optimizer, p: Precision) -> TraceSample:
    steps = draw(st.integers(1, 4), label="steps")
    number = st.one_of(st.integers(0, 2).map(float), st.integers(-3, 3).map(float), st.integers(1, 20).map(lambda k: 2.0**-k))
    gradients = np.reshape(draw(st.lists(number, min_size=steps, max_size=steps), label="gradients"), (steps, 1))
    weight = np.asarray([draw(st.sampled_from([0.0, 1.0, 2.0]), label="w")])
    setting = draw(st.sampled_from(range(SETTINGS - 1, -1, -1)), label="hyperparameters")
    rates, hyper = Schedule.NEW.rates(steps), hyperparameters(formula, setting)
    trace = Trace(weight.astype(p.numpy), gradients.astype(p.numpy), rates, hyper)
    return TraceSample(Label("plain", Schedule.NEW.value, (("setting", str(setting)),)), trace)


def _small(formula: Formula, p: Precision) -> st.SearchStrategy[Any]:
    if isinstance(formula, Map):
        return _small_map(formula, p)
    assert isinstance(formula, Optimizer)
    return _small_trace(formula, p)


def departures(formula: Formula, claims: Iterable[Mapping[str, str]] = ()) -> list[Departure]:
    """What witnesses are kept for: every single option that is not printed, the standard reading, and every claim."""
    singles = [formula.printed.but(**{axis.name: name}) for axis in formula.axes for name in axis.names]
    claimed = [formula.printed.but(**claim) for claim in claims]
    found = {Departure.of(formula, reading): None for reading in (*singles, formula.standard, *claimed)}
    return [departure for departure in found if departure.axes]
