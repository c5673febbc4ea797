"""Witnesses for people: an input, what two readings give there, and what the subject returned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...reference.formula import Formula
from ...reference.vocabulary import Reading
from ..arithmetic.formats import precision
from ..arithmetic.rounding import Wide
from ..findings import Quantity, Witness
from ..inputs.samples import AnySample, Sample
from ..readings.compare import Miss, Observation, Prediction, Undefined, miss, parted, predict
from .accuracy import ulp_at

SHOWN = 64  # numbers of one array; a witness is small, a failing sample may not be


def quantity(name: str, array: Any) -> Quantity:
    """An array in decimal and in hexadecimal floating point."""
    values = [float(v) for v in np.ravel(array)[:SHOWN]]
    return Quantity(name, list(np.shape(array)), [_decimal(v) for v in values], [v.hex() for v in values])


def _decimal(value: float) -> str:
    return repr(value) if value == 0 or 1e-4 <= abs(value) < 1e6 or not np.isfinite(value) else f"{value:.17g}"


def inputs_of(sample: AnySample) -> list[Quantity]:
    """What a sample consists of, by name."""
    if isinstance(sample, Sample):
        return [*(quantity(name, a) for name, a in sample.arrays.items()), quantity("cotangent", sample.cotangent)]
    trace = sample.trace
    shown = [quantity("w", trace.weights), quantity("gradients", trace.gradients), quantity("rates", trace.rates)]
    return shown + [quantity(name, value) for name, value in trace.hyper.items()]


def pair_witness(
    formula: Formula, reading: Reading, rival: Reading, sample: AnySample, dtype: str, observed: Observation | None = None
) -> Witness | None:
    """The witness on which ``reading`` and ``rival`` part; None where they do not, or where what was observed is not
    told from the rival. Without an observation it shows the two readings only."""
    p = precision(dtype)
    a, b = predict(formula, reading, sample, p), predict(formula, rival, sample, p)
    where = parted(a, b)
    if observed is not None:
        observed = {name: cropped(values, a, b, name) for name, values in observed.items()}
        missed = miss(b, observed, 0)
        if missed is None:
            return None
        where = (missed.output, missed.index)
    return where and _witness(sample, dtype, (reading, rival), (a, b), where, observed)


def cropped(values: np.ndarray, a: Prediction, b: Prediction, name: str) -> np.ndarray:
    """An observation on a padded trace, cut back to the size of the predictions."""
    prediction = next((p for p in (a, b) if not isinstance(p, Undefined)), None)
    if name != "w" or prediction is None:
        return values
    rows, columns = prediction[name].shape
    return values[:rows, :columns]


def failure_witness(
    formula: Formula, reading: Reading, rival: Reading, sample: AnySample, missed: Miss, observed: Observation, dtype: str
) -> Witness:
    """What was observed on the sample that rules ``rival`` out, beside what the two readings give there."""
    p = precision(dtype)
    readings = (reading,) if reading == rival else (reading, rival)
    predictions: Sequence[Prediction] = [predict(formula, r, sample, p) for r in readings]
    sample, predictions, observed, index = _one_column(sample, predictions, observed, missed)
    return _witness(sample, dtype, readings, predictions, (missed.output, index), observed)


def _one_column(
    sample: AnySample, pair: Sequence[Prediction], observed: Observation, missed: Miss
) -> tuple[AnySample, Sequence[Prediction], Observation, tuple[int, ...]]:
    """A trace cut down to the one weight, and the steps up to the one, at which it fails: weights do not see each other."""
    if isinstance(sample, Sample) or len(missed.index) != 2:
        return sample, pair, observed, missed.index
    from dataclasses import replace

    step, column = missed.index
    rows, columns = slice(step + 1), slice(column, column + 1)
    trace = sample.trace
    cut = replace(
        trace, weights=trace.weights[columns], gradients=trace.gradients[rows, columns], rates=trace.rates[: step + 1]
    )
    cut_pair = [p if isinstance(p, Undefined) else {"w": p["w"][rows, columns]} for p in pair]
    return replace(sample, trace=cut), cut_pair, {"w": observed["w"][rows, columns]}, (step, 0)


def _witness(
    sample: AnySample,
    dtype: str,
    readings: Sequence[Reading],
    predictions: Sequence[Prediction],
    where: tuple[str, tuple[int, ...]],
    observed: Observation | None,
) -> Witness:
    output, index = where
    remarks = [f"{reading}: {p.why}" for reading, p in zip(readings, predictions, strict=True) if isinstance(p, Undefined)]
    values = [
        quantity(str(reading), p[output].value)
        for reading, p in zip(readings, predictions, strict=True)
        if not isinstance(p, Undefined)
    ]
    if observed is not None:
        values.append(quantity("observed", observed[output]))
    apart, budget = _gap(predictions, output, index, dtype, observed)
    settings = dict(sample.settings) if isinstance(sample, Sample) else {}
    separates = [dict(reading.axes) for reading in readings]
    return Witness(dtype, inputs_of(sample), settings, separates, _place(output, index), values, apart, budget, remarks)


def _place(output: str, index: tuple[int, ...]) -> str:
    if output == "w" and len(index) == 2:
        return f"w[{index[1]}] after step {index[0] + 1}"
    return output + (f"[{', '.join(map(str, index))}]" if index else "")


def _gap(
    predictions: Sequence[Prediction], output: str, index: tuple[int, ...], dtype: str, observed: Observation | None
) -> tuple[float | None, float | None]:
    """How far the two readings are apart where they part, and the sum of their budgets, both in ulps. Of two evaluations of
    one function: how far what was observed is from the second, and the budget of that."""
    if any(isinstance(p, Undefined) for p in predictions):
        return None, None
    held = [p[output] for p in predictions if not isinstance(p, Undefined)]
    a, b = held[0], held[-1]
    shapes = {a.shape, b.shape} | ({observed[output].shape} if observed is not None else set())
    if len(shapes) > 1 or len(index) != a.ndim:
        return None, None
    ulp = ulp_at(float(a.value[index]), precision(dtype))
    with np.errstate(all="ignore"):
        if observed is None or a.parts_from(b)[index]:
            distance, allowed = np.abs(a.value[index] - b.value[index]), a.error[index] + b.error[index]
        else:
            distance, allowed = np.abs(observed[output][index].astype(Wide) - b.value[index]), b.error[index]
        apart, budget = float(distance / ulp), float(allowed / ulp)
    return (apart if np.isfinite(apart) else None), (budget if np.isfinite(budget) else None)
