"""What Adam's correction does to the average of a constant gradient, and where that takes a weight."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..vocabulary import Study
from .text import g, values

STEPS = 20


def _average(lab: Any) -> Iterator[Any]:
    """The corrected average of a constant gradient 1. With β2 = 0 and ε = 0 a step of rate 1 is that average."""
    t, printed = range(1, STEPS + 1), lab.formula.printed
    readings = {"printed": printed, "standard": lab.formula.standard, "no correction": printed.but(correction="none")}
    averages = {}
    for label, reading in readings.items():
        path = lab.path(reading, [1.0] * STEPS, [1.0] * STEPS, 0.0, beta1=0.9, beta2=0.0, eps=0.0)
        averages[label] = -np.diff(path, prepend=0)
    series = [lab.series(label, t, found, positive=True) for label, found in averages.items()]
    bias = {label: [abs(float(v.mid()) - 1) for v in found] for label, found in averages.items()}
    standard = f"The standard correction's bias is at most {g(max(bias['standard']))}."
    caption = f"Constant gradient 1, β1 = 0.9. {_biased(bias)}{standard}"
    yield lab.curve("Bias of the averaged gradient", caption, ("t", "V̂"), series, ("linear", "log"))


def _biased(bias: dict[str, list[float]]) -> str:
    """How the printed correction compares with none."""
    printed, none = bias["printed"], bias["no correction"]
    worse = [i for i in range(STEPS) if printed[i] > none[i]]
    first = f"Without correction the bias at t = 1 is {g(none[0])}, as printed {g(printed[0])}. "
    if not worse:
        return first
    i = worse[0]
    return first + (
        f"The printed average is farther from the gradient than no correction at {len(worse)} of {STEPS} steps, first at "
        f"t = {i + 1}: by {g(printed[i])} against {g(none[i])}. "
    )


def _path(lab: Any) -> Iterator[Any]:
    """Where a constant gradient takes W; the printed one also in float64, where what it stores overflows."""
    formula, steps, rate = lab.formula, 30, 2.0**-10
    t = range(1, steps + 1)
    paths = {label: lab.path(formula.reading(label), [1.0] * steps, [rate] * steps, 0.0) for label in ("printed", "standard")}
    floats = formula.run(np.zeros(1), np.ones((steps, 1)), rate, "printed", **lab.hyper)[:, 0]
    series = [*(lab.series(label, t, path) for label, path in paths.items()), lab.series("printed, in float64", t, floats)]
    moved = {label: abs(float(path[-1].mid())) for label, path in paths.items()}
    lost = [i for i, w in zip(t, floats, strict=True) if not math.isfinite(w)]
    caption = (
        f"Constant gradient 1, rate 2⁻¹⁰, {values(lab.hyper, 'beta1', 'beta2', 'eps')}. After {steps} steps the standard W "
        f"has moved by {g(moved['standard'])}, the printed one by {g(moved['printed'])}. "
        + (f"In float64 the printed W is not a number from t = {lost[0]} on." if lost else "In float64 it stays finite.")
    )
    yield lab.curve("The path of a weight", caption, ("t", "W"), series)


AVERAGE, PATH = Study("average", _average), Study("path", _path)
