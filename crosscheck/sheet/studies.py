"""What formulas have drawn of them: the lab that their studies ask, and the curves that come of it.

Which studies a formula has it says itself (`reference.studies`); an optimizer's readings are shown leaving the printed one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from ...adapters.contract import Trace
from ...adapters.errors import Unsupported
from ...reference.formula import Formula, Map, Optimizer
from ...reference.studies.departures import DEPARTURES
from ...reference.vocabulary import Reading
from ..arithmetic.formats import Precision, precision
from ..arithmetic.objects import precise
from ..cells.accuracy import distances
from ..cells.matrix import cells
from ..cells.subject import FrameworkError, Subject, subject_of
from ..findings import Curve, Label, Series
from ..inputs.samples import Sample, TraceSample
from ..inputs.traces import hyperparameters
from ..readings.evaluate import WEIGHTS, bar, cotangents, evaluate

Scale = Literal["linear", "log", "symlog"]
FORMAT = "float64"
BITS_OF_A_PATH, BITS_OF_A_SLOPE = 1024, 4096


def of(formula: Formula, adapters: tuple[str, ...]) -> list[Curve]:
    """The curves of a line; those that show frameworks show the adapters' that are installed."""
    lab = Lab(formula, adapters)
    generic = (DEPARTURES,) if isinstance(formula, Optimizer) else ()
    with np.errstate(all="ignore"):
        return [curve for study in (*formula.studies, *generic) for curve in study.curves(lab)]


@dataclass
class Lab:
    """What a study may ask of a formula."""

    formula: Any  # a Map or an Optimizer: a study knows which
    adapters: tuple[str, ...]

    @property
    def format(self) -> Precision:
        return precision(FORMAT)

    # --- numbers ----------------------------------------------------------------------------------------------------

    @cached_property
    def hyper(self) -> dict[str, float]:
        """The field's values of an optimizer's hyperparameters."""
        return hyperparameters(self.formula, 0)

    def path(
        self, reading: Reading, gradients: Sequence[float], rates: Sequence[float], start: float, **hyper: float
    ) -> np.ndarray:
        """One weight after each step, exactly."""
        trace = Trace(np.array([start]), np.asarray(gradients, np.float64)[:, None], tuple(rates), {**self.hyper, **hyper})
        with precise(BITS_OF_A_PATH) as xp:
            return evaluate(self.formula, reading, TraceSample(Label("plain"), trace), xp)[WEIGHTS][:, 0]

    def slope(self, reading: Reading, **arrays: np.ndarray) -> np.ndarray:
        """The cotangent of the first input for a cotangent of ones, exactly."""
        with precise(BITS_OF_A_SLOPE) as xp:
            return cotangents(self.formula, reading, _with_ones(arrays), xp)[self._bar]

    def ulps(self, truth: np.ndarray, values: np.ndarray) -> np.ndarray:
        """The distance of each number from its exact value."""
        return distances(truth, values, self.format)

    def observed(self, derived: bool = True, **arrays: np.ndarray) -> dict[str, np.ndarray]:
        """What each subject returns as the cotangent of the first input for a cotangent of ones."""
        found = {}
        for label, subject in self._subjects(derived):
            try:
                found[label] = subject.observe(_with_ones(arrays))[self._bar]
            except (FrameworkError, Unsupported):
                continue  # the cell's own finding says so
        return found

    @property
    def _bar(self) -> str:
        assert isinstance(self.formula, Map)
        return bar(self.formula.wrt[0])

    def _subjects(self, derived: bool) -> Iterator[tuple[str, Subject]]:
        """What the installed adapters have for the line, run eagerly."""
        for cell in cells(self.adapters, [self.formula.id], [FORMAT]):
            if cell.mode != "eager" or (cell.route == "derived" and not derived):
                continue
            subject = subject_of(cell)
            if subject.adapter.installed() and not (subject.native and subject.adapter.missing(subject.native)):
                yield f"{cell.package} {cell.native or cell.route}", subject

    # --- what is drawn ----------------------------------------------------------------------------------------------

    def series(self, label: str, x: Iterable[float], y: Iterable[Any], *, positive: bool = False) -> Series:
        """A series with gaps where there is no finite value or, on a logarithmic axis, none above zero."""
        values = [float(v) for v in y]
        shown = [v if math.isfinite(v) and (v > 0 or not positive) else None for v in values]
        return Series(label, [float(v) for v in x], shown)

    def merged(self, series: Sequence[Series]) -> list[Series]:
        """Series with the same values as one, under all their names."""
        found: dict[tuple[Any, ...], list[Series]] = {}
        for one in series:
            found.setdefault((*one.x, *one.y), []).append(one)
        return [Series(" = ".join(s.label for s in same), same[0].x, same[0].y) for same in found.values()]

    def curve(
        self,
        title: str,
        caption: str,
        labels: tuple[str, str],
        series: Sequence[Series],
        scales: tuple[Literal["linear", "log"], Scale] = ("linear", "linear"),
    ) -> Curve:
        """A drawing of series: the labels and scales of its two axes."""
        return Curve(self.formula.id, title, caption, *labels, *scales, list(series))


def _with_ones(arrays: Mapping[str, np.ndarray]) -> Sample:
    return Sample(Label("plain"), arrays, {}, np.ones(next(iter(arrays.values())).shape))
