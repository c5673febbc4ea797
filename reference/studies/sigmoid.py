"""The slope of the sigmoid: its error, and what is left of it in the lower tail, by each evaluation and in each framework."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..vocabulary import Study
from .text import g, known


def _slopes(lab: Any, x: np.ndarray) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """The slope by each evaluation in NumPy, and by each framework."""
    formula, ones = lab.formula, np.ones_like(x)
    readings = {option: formula.reading(slope=option) for option in formula.axis("slope").names}
    yield "in NumPy", {option: formula.vjp(ones, x, reading=reading)["x"] for option, reading in readings.items()}
    if observed := lab.observed(x=x):
        yield "in the frameworks", observed


def _error(lab: Any) -> Iterator[Any]:
    x = np.linspace(-45, 45, 181)
    truth = lab.slope(lab.formula.standard, x=x)
    for place, slopes in _slopes(lab, x):
        series = lab.merged([lab.series(label, x, lab.ulps(truth, bar), positive=True) for label, bar in slopes.items()])
        caption = f"float64, at {len(x)} points. Largest error: {'; '.join(map(_worst, series))}."
        yield lab.curve(f"Error of the slope {place}", caption, ("x", "error of x̄ in ulps"), series, ("linear", "log"))


def _worst(series: Any) -> str:
    if not (points := known(series)):
        return f"{series.label} nowhere a number"
    x, y = max(points, key=lambda point: point[1])
    return f"{series.label} {g(y)} ulps at x = {x:g}"


def _tail(lab: Any) -> Iterator[Any]:
    x, smallest = np.linspace(-800, 0, 161), lab.format.smallest_subnormal
    for place, slopes in _slopes(lab, x):
        series = lab.merged([lab.series(label, x, bar, positive=True) for label, bar in slopes.items()])
        ends = {label: _end(x, bar) for label, bar in slopes.items()}
        said = (f"{', '.join(label for label in ends if ends[label] == end)}: {end}" for end in dict.fromkeys(ends.values()))
        falls = f"the slope falls below {g(smallest)} at x = {g(math.log(smallest))}"
        caption = f"float64; {falls}. Going down, {'; '.join(said)}."
        yield lab.curve(f"The slope in the lower tail {place}", caption, ("x", "x̄"), series, ("linear", "log"))


def _end(x: np.ndarray, bar: np.ndarray) -> str:
    """What becomes of a slope on the way down, and where."""
    firsts = {"0": np.max(x[bar == 0], initial=-np.inf), "not a number": np.max(x[~np.isfinite(bar)], initial=-np.inf)}
    met = sorted((place, what) for what, place in firsts.items() if place > -np.inf)
    return ", ".join(f"{what} from x = {place:g} on" for place, what in reversed(met)) or "above 0 throughout"


ERROR, TAIL = Study("error", _error), Study("tail", _tail)
