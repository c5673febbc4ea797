"""Properties of a reading, held in exact arithmetic: no tolerance, and no second implementation to compare with.

Which properties a formula has, and what they ask of a case, the formula says (`reference.pieces.properties`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ...adapters.contract import Trace
from ...reference.formula import Formula, Map, Optimizer
from ...reference.pieces.properties import properties_of
from ...reference.vocabulary import NotConformable, Outcome, Property, Reading
from ..arithmetic.objects import Objects, precise
from ..arithmetic.tangents import Tangent, Tangents
from ..findings import Breach, Check, Label
from ..inputs.profiles import Profile
from ..inputs.samples import Sample, TraceSample, bound_sizes, stable_seed
from ..inputs.shared import samples
from ..inputs.traces import SETTINGS, hyperparameters
from ..readings.evaluate import VALUE, WEIGHTS, bar, evaluate, value
from .suspects import alone, odd

BITS = 4096
LARGEST = 2048.0  # 1 - σ(x) is e⁻ˣ for large x: up to here BITS tell it from zero
HARD, DRAWN = 9, 6  # samples of each kind
FEW = 6  # numbers that a finding may show
DIGITS = 6


def of(formula: Formula, profile: Profile, seed: int) -> list[Check]:
    """Every property of the line's printed reading and, where it is another, of its standard reading; of what the printed one
    breaks also which of its odd axes is to blame."""

    def checked(reading: Reading, names: set[str]) -> list[Check]:
        cases = _cases(formula, reading, profile, seed, xp)
        found = (_check(formula, reading, one, cases) for one in properties_of(formula) if one.name in names)
        return [check for check in found if check is not None]

    with precise(BITS) as xp, np.errstate(all="ignore"):
        everything = {prop.name for prop in properties_of(formula)}
        found = {reading: checked(reading, everything) for reading in (formula.printed, formula.standard)}
        broken = {check.property for check in found[formula.printed] if not check.holds}
        suspects = [alone(formula, axis) for axis in odd(formula)] if broken else []
        found |= {reading: checked(reading, broken) for reading in suspects if reading not in found}
        return [check for checks in found.values() for check in checks]


def _cases(formula: Formula, reading: Reading, profile: Profile, seed: int, xp: Objects) -> Sequence[Case | Run]:
    if isinstance(formula, Optimizer):
        return [Run(formula, reading, hyperparameters(formula, setting), setting, xp) for setting in range(SETTINGS)]
    assert isinstance(formula, Map)
    return [Case(formula, reading, sample, xp) for sample in chosen(samples(formula, "float64", profile, seed))]


def chosen(found: Sequence[Sample]) -> list[Sample]:
    """A few samples of moderate numbers, the smallest arrays first, so that what is broken shows on a small one."""
    moderate = [s for s in found if s.finite and all((np.abs(a) <= LARGEST).all() for a in s.arrays.values())]
    drawn = [sample for sample in moderate if sample.label.kind == "drawn"]
    hard = [sample for sample in moderate if sample.label.kind != "drawn"]
    return sorted(_spread(hard, HARD) + _spread(drawn, DRAWN), key=_elements)


def _spread(items: Sequence[Any], count: int) -> list[Any]:
    """``count`` items at even distances."""
    return [items[i] for i in sorted({int(i) for i in np.linspace(0, len(items) - 1, min(count, len(items)))})]


def _elements(sample: Sample) -> int:
    return sum(array.size for array in sample.arrays.values())


# --- holding one property -------------------------------------------------------------------------------------------


def _check(formula: Formula, reading: Reading, prop: Property, cases: Sequence[Case | Run]) -> Check | None:
    """None where no case puts the property to the test; a reading that has no value on any of them does not hold."""
    tried: list[tuple[Case | Run, Outcome]] = []
    without: list[str] = []
    for case in cases:
        try:
            tried += [(case, outcome) for outcome in prop.outcomes(case)]
        except NotConformable as error:
            without.append(str(error))
    if not tried and not without:
        return None
    broken = [one for one in tried if one[1].fault]
    return Check(
        line=formula.id,
        property=prop.name,
        words=prop.words,
        reading=dict(reading.axes),
        holds=bool(tried) and not broken,
        trials=len(tried),
        broken=len(broken),
        first=_breach(*broken[0]) if broken else None,
        without=len(without),
        why=without[0] if without else "",
    )


def _breach(case: Case | Run, outcome: Outcome) -> Breach:
    assert outcome.fault is not None
    return Breach(
        fault=outcome.fault.name.lower(),  # pyright: ignore[reportArgumentType] (a test holds the two lists together)
        of=outcome.of,
        index=list(outcome.index),
        step=outcome.step,
        found=_text(outcome.found),
        expected=_text(outcome.expected),
        difference=_difference(outcome),
        after=list(outcome.after),
        **case.place(outcome.at),
    )


def _text(found: Any) -> str:
    """A ball in a few digits; a shape as it is."""
    return found.str(DIGITS, radius=False) if hasattr(found, "str") else "" if found is None else str(found)


def _difference(outcome: Outcome) -> str:
    return _text(outcome.found - outcome.expected) if hasattr(outcome.found, "str") else ""


@dataclass
class Case:
    """One reading of a map on one sample, in exact arithmetic: what a map's property may ask for."""

    formula: Map
    reading: Reading
    sample: Sample
    xp: Objects

    @cached_property
    def outputs(self) -> Mapping[str, np.ndarray]:
        return evaluate(self.formula, self.reading, self.sample, self.xp)

    @property
    def value(self) -> np.ndarray:
        return self.outputs[VALUE]

    @property
    def bars(self) -> dict[str, np.ndarray]:
        return {name: self.outputs[bar(name)] for name in self.formula.wrt}

    @property
    def arrays(self) -> Mapping[str, np.ndarray]:
        return self.sample.arrays

    @property
    def sizes(self) -> dict[str, int]:
        return bound_sizes(self.formula, self.arrays)

    @property
    def inputs(self) -> dict[str, Any]:
        return {**{name: self.xp.asarray(a) for name, a in self.arrays.items()}, **self.sample.settings}

    @property
    def cotangent(self) -> np.ndarray:
        return self.xp.asarray(self.sample.cotangent)

    @property
    def in_domain(self) -> bool:
        return _is_finite(self.value)

    @property
    def defined(self) -> bool:
        return self.in_domain and all(_is_finite(found) for found in self.bars.values())

    def but(self, **changes: Any) -> Case:
        """The same reading on a changed sample."""
        return Case(self.formula, self.reading, replace(self.sample, **changes), self.xp)

    def generator(self, purpose: str) -> np.random.Generator:
        """Random numbers that are the same for the same sample."""
        return np.random.default_rng(stable_seed(purpose, self.sample.label))

    def pushed(self, directions: Mapping[str, np.ndarray]) -> Any:
        """The forward line's tangent along the directions, by dual numbers."""
        along = {**{name: self.xp.zeros_like(array) for name, array in self.arrays.items()}, **directions}
        duals: Any = {name: Tangent(self.xp.asarray(array), along[name]) for name, array in self.arrays.items()}
        return value(self.formula, self.reading, replace(self.sample, arrays=duals), Tangents(self.xp)).tangent

    def place(self, _: Mapping[str, float]) -> dict[str, Any]:
        """The sample as data; with its numbers where these are few."""
        few = _elements(self.sample) <= FEW
        inputs = {name: array.tolist() for name, array in self.arrays.items()} if few else {}
        return {"sample": self.sample.label, "sizes": self.sizes, "inputs": inputs}


def _is_finite(array: Any) -> bool:
    return all(ball.is_finite() for ball in np.ravel(array))


@dataclass
class Run:
    """One reading of an optimizer under one setting of its hyperparameters, in exact arithmetic: what its property may ask."""

    formula: Optimizer
    reading: Reading
    hyper: dict[str, float]
    setting: int
    xp: Objects

    rate = 0.125
    start = (0.5, -1.0, 0.25)
    steps = 6

    @property
    def gradients(self) -> np.ndarray:
        generator, shape = np.random.default_rng(stable_seed("gradients", self.setting)), (self.steps, len(self.start))
        return generator.uniform(0.25, 4.0, shape) * generator.choice([-1, 1], shape)

    def path(self, gradients: Any = None, start: Any = start, rate: float = rate, **hyper: float) -> np.ndarray:
        """The weights after each step."""
        gradients = self.gradients if gradients is None else gradients
        trace = Trace(np.asarray(start), gradients, (rate,) * len(gradients), {**self.hyper, **hyper})
        return evaluate(self.formula, self.reading, TraceSample(Label("plain"), trace), self.xp)[WEIGHTS]

    def moved(self, *args: Any, **named: Any) -> np.ndarray:
        """The weights after each step, from a start at zero."""
        return self.path(*args, start=np.zeros(len(self.start)), **named)

    def place(self, at: Mapping[str, float]) -> dict[str, Any]:
        """The hyperparameters that the reading uses, as data."""
        values = {**self.hyper, **at}
        return {"hyper": {h.name: values[h.name] for h in self.formula.used_by(self.reading)}}
