"""Witnesses: the smallest inputs that tell two readings apart, searched once, kept as data, and replayed first ever after.

A witness belongs to a line, a dtype and a departure: the axes on which a reading differs from the printed one. Whether it
separates is decided by the rounding model alone, so that one witness serves every framework.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import numpy as np
from hypothesis import HealthCheck, Phase, find, settings, target
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from ...adapters.contract import Trace
from ...reference.formula import Formula, Map, Optimizer
from ...reference.namespace import Floating
from ...reference.vocabulary import Input, Reading, Sizes
from ..arithmetic.formats import Precision, precision
from ..findings import Label
from ..inputs.samples import AnySample, Sample, TraceSample, stable_seed
from ..inputs.traces import SETTINGS, STEPS, WIDTH, Schedule, hyperparameters
from ..readings.compare import Prediction, Undefined, miss, parted, predict
from ..readings.evaluate import evaluate

FOLDER = Path(__file__).parent / "data"
SEARCH_EXAMPLES = 400


class Kept(msgspec.Struct, frozen=True, order=True):
    """A witness as data: numbers as hexadecimal floating point. ``found`` is false where no input was found to separate."""

    dtype: str
    departure: dict[str, str]
    found: bool
    arrays: dict[str, Any] = {}  # nested lists of hex strings
    settings: dict[str, str] = {}
    rates: str = ""  # optimizers: the schedule of the rates, and which setting of the hyperparameters
    setting: int = 0


@dataclass(frozen=True)
class Departure:
    """A reading, as what it changes in the printed one."""

    axes: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, formula: Formula, reading: Reading) -> Departure:
        return cls(tuple((axis, other) for axis, (_, other) in formula.printed.difference(reading).items()))

    def reading(self, formula: Formula) -> Reading:
        return formula.printed.but(**dict(self.axes))


# --- kept as data ---------------------------------------------------------------------------------------------------


def path_of(line_id: str) -> Path:
    return FOLDER / f"{line_id}.json"


@cache
def kept(line_id: str) -> tuple[Kept, ...]:
    """The witnesses of a line, as they lie in the repository."""
    path = path_of(line_id)
    return tuple(msgspec.json.decode(path.read_bytes(), type=list[Kept])) if path.exists() else ()


def keep(line_id: str, witnesses: Iterable[Kept]) -> None:
    """Write the witnesses of a line, replacing those of the file."""
    FOLDER.mkdir(exist_ok=True)
    ordered = sorted(witnesses, key=lambda w: (sorted(w.departure.items()), w.dtype))
    path_of(line_id).write_bytes(msgspec.json.format(msgspec.json.encode(ordered), indent=1) + b"\n")
    kept.cache_clear()


def known(formula: Formula, dtype: str, departure: Departure) -> Kept | None:
    """The kept witness for a departure; None if it was never searched."""
    wanted = dict(departure.axes)
    return next((w for w in kept(formula.id) if w.dtype == dtype and w.departure == wanted), None)


def to_hex(array: np.ndarray) -> Any:
    """Nested lists of hexadecimal floating point, exact in every dtype."""
    return np.vectorize(lambda v: float(v).hex(), otypes=[object])(np.asarray(array)).tolist()


def from_hex(nested: Any, dtype: np.dtype) -> np.ndarray:
    values = np.asarray(nested, dtype=object)
    return np.vectorize(float.fromhex, otypes=[np.float64])(values).astype(dtype)


def sample_of(formula: Formula, witness: Kept) -> AnySample:
    """A kept witness as a sample, at its own small size."""
    p = precision(witness.dtype)
    label = label_of(witness.departure)
    arrays = {name: from_hex(values, p.numpy) for name, values in witness.arrays.items()}
    if isinstance(formula, Map):
        cotangent = arrays.pop("cotangent")
        return Sample(label, arrays, witness.settings, cotangent)
    assert isinstance(formula, Optimizer)
    return TraceSample(label, _trace(formula, arrays["gradients"], witness.rates, witness.setting, arrays["w"]))


def label_of(departure: Mapping[str, str]) -> Label:
    """What the sample of a departure's witness is called."""
    return Label.of("witness", dict(sorted(departure.items())))


def _trace(formula: Optimizer, gradients: np.ndarray, rates: str, setting: int, weights: np.ndarray) -> Trace:
    return Trace(weights, gradients, Schedule(rates).rates(len(gradients)), hyperparameters(formula, setting))


def replays(formula: Formula, dtype: str) -> list[AnySample]:
    """All witnesses of a line and dtype as samples. Those of an optimizer are packed side by side into traces of full size,
    so that a compiled framework meets one shape only."""
    found = [w for w in kept(formula.id) if w.dtype == dtype and w.found]
    if isinstance(formula, Map):
        return [sample_of(formula, w) for w in found]
    assert isinstance(formula, Optimizer)
    packed: list[AnySample] = []
    for rates, setting in sorted({(w.rates, w.setting) for w in found}):
        samples = [sample_of(formula, w) for w in found if (w.rates, w.setting) == (rates, setting)]
        traces = [sample.trace for sample in samples if isinstance(sample, TraceSample)]  # all are: the line is an optimizer
        packed.append(TraceSample(Label("packed", rates), _side_by_side(formula, traces, rates, setting)))
    return packed


def _side_by_side(formula: Optimizer, traces: list[Trace], rates: str, setting: int) -> Trace:
    dtype = traces[0].gradients.dtype
    gradients, weights = np.zeros((STEPS, WIDTH), dtype), np.zeros(WIDTH, dtype)
    for column in range(WIDTH):
        trace = traces[column % len(traces)]
        gradients[: trace.steps, column] = trace.gradients[:, 0]
        weights[column] = trace.weights[0]
    return _trace(formula, gradients, rates, setting, weights)


# --- searched -------------------------------------------------------------------------------------------------------


def search(formula: Formula, dtype: str, departure: Departure, seed: int = 0) -> Kept:
    """The smallest input found on which no floating-point number can belong to both the deviating and the printed reading.

    Readings that are one real function evaluated in two ways always have numbers in common: for them it is the smallest input
    on which one of them, evaluated by NumPy, leaves the budget of the other. Hypothesis draws small shapes and simple numbers
    first, is pushed towards separation by ``target``, and shrinks what it finds. The same seed finds the same witness.
    """
    p, reading = precision(dtype), departure.reading(formula)

    def separates(sample: AnySample) -> bool:
        a, b = predict(formula, reading, sample, p), predict(formula, formula.printed, sample, p)
        score = separation(a, b)
        if math.isfinite(score):
            target(score, label="separation")
        return parted(a, b) is not None or (same_function and _outdone(formula, reading, sample, a, b))

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


def _outdone(formula: Formula, reading: Reading, sample: AnySample, a: Prediction, b: Prediction) -> bool:
    """Whether one of two evaluations of the same function, made by NumPy, leaves the budget of the other."""
    if not isinstance(formula, Map) or not isinstance(sample, Sample) or isinstance(a, Undefined) or isinstance(b, Undefined):
        return False
    printed, deviating = (evaluate(formula, r, sample, Floating(sample.cotangent.dtype)) for r in (formula.printed, reading))
    return miss(a, printed, 0) is not None or miss(b, deviating, 0) is not None


def separation(a: Prediction, b: Prediction) -> float:
    """How far two predictions are from parting, as the logarithm of distance over budget; larger is nearer."""
    if isinstance(a, Undefined) or isinstance(b, Undefined):
        return 0.0
    best = -60.0
    for name in a:
        if a[name].shape != b[name].shape:
            return 60.0
        with np.errstate(all="ignore"):
            ratio = np.abs(a[name].value - b[name].value) / (a[name].error + b[name].error)
        ratio = ratio[np.isfinite(ratio) & (ratio > 0)]
        if ratio.size:
            best = max(best, float(np.log(ratio.max())))
    return best


def _kept(dtype: str, departure: Departure, sample: AnySample) -> Kept:
    axes = dict(departure.axes)
    if isinstance(sample, Sample):
        arrays = {name: to_hex(a) for name, a in {**sample.arrays, "cotangent": sample.cotangent}.items()}
        return Kept(dtype, axes, True, arrays, dict(sample.settings))
    trace = sample.trace
    arrays = {"w": to_hex(trace.weights), "gradients": to_hex(trace.gradients)}
    return Kept(dtype, axes, True, arrays, {}, sample.label.name, int(dict(sample.label.chosen)["setting"]))


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
    with_nan = any(axis.name == "nan" for axis in formula.axes)
    chosen = {name: draw(st.sampled_from(list(options)), label=name) for name, options in formula.settings.items()}

    def array(shape: tuple[int, ...], kind: str) -> np.ndarray:
        n = math.prod(shape)
        with np.errstate(over="ignore"):
            return np.reshape(draw(st.lists(_numbers(kind, p, with_nan), min_size=n, max_size=n)), shape).astype(p.numpy)

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
    trace = _trace(formula, gradients.astype(p.numpy), Schedule.NEW.value, setting, weight.astype(p.numpy))
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
