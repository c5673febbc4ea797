"""Properties of a reading, held in exact arithmetic: no tolerance, and no second implementation to compare with.

A ball that excludes zero refutes an equation; one that contains it confirms it to thousands of bits. The sheet's mnemonics are
such properties, and so are linearity, the adjoint identity, and that neither batches nor the order of the elements matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ...adapters.contract import Trace
from ...reference.formula import Formula, Map, Optimizer
from ...reference.vocabulary import NotConformable, Reading
from ..arithmetic.objects import Objects, precise
from ..arithmetic.tangents import Tangent, Tangents
from ..findings import Check, Label
from ..inputs.profiles import Profile
from ..inputs.samples import Sample, TraceSample, bound_sizes, stable_seed
from ..inputs.shared import samples
from ..inputs.traces import SETTINGS, hyperparameters
from ..readings.evaluate import evaluate, value

BITS = 4096
LARGEST = 2048.0  # 1 - σ(x) is e⁻ˣ for large x: up to here BITS tell it from zero
HARD, DRAWN = 9, 6  # samples of each kind
FEW = 6  # numbers that a detail may show
WIDTH, STEPS = 3, 6  # of a trace


def of(formula: Formula, profile: Profile, seed: int) -> list[Check]:
    """Every property of the line's printed reading and, where it is another, of its standard reading."""
    readings = dict.fromkeys((formula.printed, formula.standard))
    with precise(BITS) as xp, np.errstate(all="ignore"):
        if isinstance(formula, Optimizer):
            runs = {reading: [Run(formula, reading, setting, xp) for setting in range(SETTINGS)] for reading in readings}
            return list(_all(formula, OF_OPTIMIZERS, runs))
        assert isinstance(formula, Map)
        found = chosen(samples(formula, "float64", profile, seed))
        cases = {reading: [Case(formula, reading, sample, xp) for sample in found] for reading in readings}
        return list(_all(formula, OF_MAPS, cases))


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

Trials = Iterator[str]  # one for each trial: what is broken, in words and numbers, or "" where the property holds


@dataclass(frozen=True)
class Property:
    """``trials`` are those of one case or run; ``applies`` says which lines have the property at all."""

    name: str
    words: str
    trials: Callable[[Any], Trials]
    applies: Callable[[Any], Any] = lambda formula: True


def _all(formula: Formula, table: Sequence[Property], cases: Mapping[Reading, Sequence[Any]]) -> Iterator[Check]:
    for reading, given in cases.items():
        for prop in table:
            if prop.applies(formula) and (check := _held(formula, reading, prop, given)) is not None:
                yield check


def _held(formula: Formula, reading: Reading, prop: Property, cases: Sequence[Any]) -> Check | None:
    """None where no case puts the property to the test; a reading that has no value on any of them does not hold."""
    outcomes: list[str] = []
    without: list[str] = []
    for case in cases:
        try:
            outcomes += prop.trials(case)
        except NotConformable as error:
            without.append(str(error))
    broken = [outcome for outcome in outcomes if outcome]
    if not outcomes and not without:
        return None
    if not outcomes:
        detail = f"no value on any of {len(without)} samples: {without[0]}"
    else:
        detail = f"broken in {len(broken)} of {len(outcomes)}, first {broken[0]}" if broken else ""
    words = prop.words.format(formula=formula)
    return Check(formula.id, prop.name, words, dict(reading.axes), bool(outcomes) and not broken, len(outcomes), detail)


@dataclass
class Case:
    """One reading of a map on one sample, in exact arithmetic."""

    formula: Map
    reading: Reading
    sample: Sample
    xp: Objects

    @cached_property
    def outputs(self) -> Mapping[str, np.ndarray]:
        return evaluate(self.formula, self.reading, self.sample, self.xp)

    @property
    def value(self) -> np.ndarray:
        return self.outputs["value"]

    @property
    def bars(self) -> dict[str, np.ndarray]:
        return {name: self.outputs[f"{name}_bar"] for name in self.formula.wrt}

    @property
    def inputs(self) -> dict[str, Any]:
        return {**{name: self.xp.asarray(a) for name, a in self.sample.arrays.items()}, **self.sample.settings}

    @property
    def cotangent(self) -> np.ndarray:
        return self.xp.asarray(self.sample.cotangent)

    @property
    def in_domain(self) -> bool:
        return _is_finite(self.value)

    @property
    def defined(self) -> bool:
        return self.in_domain and all(_is_finite(bar) for bar in self.bars.values())

    def undefined(self) -> str:
        """Which cotangent is no number, or not of its input's shape."""
        for name, bar in self.bars.items():
            if bar.shape != (shape := self.sample.arrays[name].shape):
                return f"the cotangent of {name} has shape {bar.shape}, {name} itself {shape}"
            if not _is_finite(bar):
                return f"the cotangent of {name} is undefined"
        return ""

    def but(self, **changes: Any) -> Case:
        """The same reading on a changed sample."""
        return Case(self.formula, self.reading, replace(self.sample, **changes), self.xp)

    def where(self) -> str:
        """The sample in words; in numbers where there are few."""
        if _elements(self.sample) <= FEW:
            shown = (f"{n} = {np.array2string(a, precision=6, separator=', ')}" for n, a in self.sample.arrays.items())
        else:
            shown = (f"{symbol} = {n}" for symbol, n in bound_sizes(self.formula, self.sample.arrays).items())
        return f"on {str(self.sample.label)!r} ({', '.join(shown).replace(chr(10), '')})"


def _is_finite(array: Any) -> bool:
    return all(ball.is_finite() for ball in np.ravel(array))


def _number(ball: Any) -> str:
    return ball.str(6, radius=False)


def _by(difference: Any) -> str:
    return f", off by {_number(difference)}"


def _parted(a: Any, b: Any) -> str:
    """Where two arrays are certainly unequal, with both numbers; "" where they may be equal everywhere."""
    a, b = np.asarray(a, object), np.asarray(b, object)
    if a.shape != b.shape:
        return f" has shape {a.shape} instead of {b.shape}"
    for index in np.ndindex(a.shape):
        if not (a[index] - b[index]).contains(0):
            place = f"[{', '.join(map(str, index))}]" if index else ""
            found, expected = _number(a[index]), _number(b[index])
            return f"{place} is {found} instead of {expected}" + (_by(a[index] - b[index]) if found == expected else "")
    return ""


def _compared(case: Case, found: Mapping[str, Any], expected: Mapping[str, Any], deed: str) -> str:
    """The first output that is not what it should be after ``deed``."""
    for name, array in found.items():
        if difference := _parted(array, expected[name]):
            return f"{case.where()}: {deed}, {name}{difference}"
    return ""


# --- properties of maps ---------------------------------------------------------------------------------------------


def _mnemonic(case: Case) -> Trials:
    """The sheet's words. A cotangent that is no number does not do what they say."""
    if not case.in_domain:
        return
    words = case.formula.mnemonic
    assert words is not None
    if wrong := case.undefined():
        yield f"{case.where()}: {wrong}"
        return
    residuals = np.ravel(words.residual(case.xp, case.value, case.bars, case.cotangent, case.inputs))
    false = [r for r in residuals if (r > 0 if words.relation == "at_most" else not r.contains(0))]
    yield f"{case.where()}: off by {_number(false[0])}" if false else ""


def _increasingly(case: Case) -> Trials:
    """Of two elements, the one with the larger |x| keeps no more of its flow."""
    if not case.defined:
        return
    (name,) = case.formula.wrt
    x, bar, flow = (np.abs(np.ravel(a)) for a in (case.inputs[name], case.bars[name], case.cotangent))
    for i, j in ((i, j) for i in range(x.size) for j in range(x.size) if x[i] < x[j]):
        rises = bar[i] * flow[j] < bar[j] * flow[i]
        yield f"{case.where()}: {name}[{j}] keeps more of its flow than {name}[{i}]" if rises else ""


def _other_cotangent(case: Case) -> np.ndarray:
    generator = np.random.default_rng(stable_seed("another cotangent", case.sample.label))
    return case.xp.asarray(generator.uniform(-2, 2, case.sample.cotangent.shape))


def _linear(case: Case) -> Trials:
    """The pullback of 3c - d is three times that of c less that of d."""
    if not case.defined:
        return
    other = _other_cotangent(case)
    combined = case.but(cotangent=3 * case.cotangent - other).bars
    d_bars = case.but(cotangent=other).bars
    expected = {name: 3 * bar - d_bars[name] for name, bar in case.bars.items()}
    yield _compared(case, combined, expected, "pulling back 3c - d")


def _adjoint(case: Case) -> Trials:
    """⟨x̄, ẋ⟩ = ⟨z̄, ż⟩, where ż comes from dual numbers through the forward line."""
    if not case.in_domain or _tied(case):
        return
    if wrong := case.undefined():
        yield f"{case.where()}: {wrong}"
        return
    directions = _directions(case)
    pulled = sum((np.sum(case.bars[name] * directions[name]) for name in case.formula.wrt), start=case.xp.lift(0))
    pushed = np.sum(case.cotangent * _pushed(case, directions))
    wrong = _parted(pulled, pushed)
    yield f"{case.where()}: ⟨x̄, ẋ⟩{wrong}, which is ⟨z̄, ż⟩" if wrong else ""


def _tied(case: Case) -> bool:
    """Whether a maximum or minimum is attained twice, so that there is no derivative."""
    if not case.formula.set_valued:
        return False
    return sum(bool(x == case.value) for x in np.ravel(case.inputs[case.formula.wrt[0]])) > 1


def _directions(case: Case) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(stable_seed("direction", case.sample.label))
    return {name: case.xp.asarray(generator.uniform(-2, 2, case.sample.arrays[name].shape)) for name in case.formula.wrt}


def _pushed(case: Case, directions: Mapping[str, np.ndarray]) -> Any:
    """The forward line's tangent along the directions, by dual numbers."""
    still = {name: case.xp.zeros_like(array) for name, array in case.sample.arrays.items()}
    along = {**still, **directions}
    duals: Any = {name: Tangent(case.xp.asarray(array), along[name]) for name, array in case.sample.arrays.items()}
    return value(case.formula, case.reading, replace(case.sample, arrays=duals), Tangents(case.xp)).tangent


def _axes_of(formula: Map, symbol: str) -> dict[str, int]:
    """Which axis of which array a size stands for; "" is the value, whose cotangent has its shape."""
    shapes = {"": formula.output, **{name: argument.shape for name, argument in formula.inputs.items()}}
    return {name: shape.index(symbol) for name, shape in shapes.items() if symbol in shape}


def _rearranged(case: Case, symbol: str, change: Callable[[np.ndarray, int], np.ndarray]) -> Case:
    """The case with ``change(array, axis)`` done to every array along the axis that a size stands for."""
    axes = _axes_of(case.formula, symbol)
    arrays = {name: change(array, axes[name]) if name in axes else array for name, array in case.sample.arrays.items()}
    c = case.sample.cotangent
    return case.but(arrays=arrays, cotangent=change(c, axes[""]) if "" in axes else c)


def _additive(case: Case) -> Trials:
    """Two parts of a batch: what belongs to an example stacks, what the examples share adds up."""
    symbol = case.formula.batch_axis
    n = bound_sizes(case.formula, case.sample.arrays)[symbol]
    if n < 2 or not case.defined:
        return
    axes, cut = _axes_of(case.formula, symbol), n // 2
    parts = [_rearranged(case, symbol, lambda a, k, s=s: a[(slice(None),) * k + (s,)]) for s in (slice(cut), slice(cut, n))]
    (v, bars), (w, more) = ((part.value, part.bars) for part in parts)
    expected = {
        name: np.concatenate([b, more[name]], axes[name]) if name in axes else b + more[name] for name, b in bars.items()
    }
    whole = {"value": case.value, **case.bars}
    yield _compared(case, whole, {"value": np.concatenate([v, w], axes[""]), **expected}, f"taken apart into {cut} + {n - cut}")


def _replicated(case: Case) -> Trials:
    """Each example given twice: the mean over the batch stays, and copies share their example's cotangent."""
    if not case.defined:
        return
    symbol = case.formula.batch_axis
    axes = _axes_of(case.formula, symbol)
    twice = _rearranged(case, symbol, lambda a, k: np.repeat(a, 2, k))
    expected = {name: np.repeat(bar, 2, axes[name]) / 2 if name in axes else bar for name, bar in case.bars.items()}
    found = {"value": twice.value, **twice.bars}
    yield _compared(case, found, {"value": case.value, **expected}, "with every example twice")


def _swapped(array: np.ndarray, axis: int) -> np.ndarray:
    """The first two exchanged."""
    order = np.arange(array.shape[axis])
    order[:2] = order[1::-1]
    return array.take(order, axis)


def _rolled(array: np.ndarray, axis: int) -> np.ndarray:
    return np.roll(array, 1, axis)


def _permuted(case: Case) -> Trials:
    """Elements renumbered, by a swap and by a rotation, which together generate every permutation."""
    if not case.defined:
        return
    sizes = bound_sizes(case.formula, case.sample.arrays)
    for symbol in (symbol for symbol, n in sizes.items() if n > 1):
        axes = _axes_of(case.formula, symbol)
        for change, deed in ((_swapped, "with the first two"), (_rolled, "rotated by one")):
            other = _rearranged(case, symbol, change)
            expected = {name: change(bar, axes[name]) if name in axes else bar for name, bar in case.bars.items()}
            value = change(case.value, axes[""]) if "" in axes else case.value
            found = {"value": other.value, **other.bars}
            told = f"{deed} of {symbol} exchanged" if change is _swapped else f"{symbol} {deed}"
            yield _compared(case, found, {"value": value, **expected}, told)


def _in_subdifferential(case: Case) -> Trials:
    """x̄ ∈ z̄·conv{eᵢ : xᵢ = z}: shares of the flow, none negative, none elsewhere, that add up to all of it."""
    if not case.defined:
        return
    (name,) = case.formula.wrt
    x, bar, flow = np.ravel(case.inputs[name]), np.ravel(case.bars[name]), case.cotangent[()]
    astray = [i for i, share in enumerate(bar) if share * flow < 0 or (x[i] != case.value and not share.contains(0))]
    if astray:
        yield f"{case.where()}: {name}[{astray[0]}] gets {_number(bar[astray[0]])} of {_number(flow)}"
        return
    wrong = _parted(np.sum(bar), flow)
    yield f"{case.where()}: the flow Σ x̄{wrong}" if wrong else ""


OF_MAPS = (
    Property("mnemonic", "“{formula.mnemonic.words}”", _mnemonic, lambda f: f.mnemonic),
    Property(
        "mnemonic-increasing",
        "“{formula.mnemonic.words}”: the larger |x|, the less of its flow is kept",
        _increasingly,
        lambda f: f.mnemonic and f.mnemonic.relation == "at_most",
    ),
    Property("linearity", "the pullback is linear in the cotangent", _linear),
    Property("adjoint", "⟨x̄, ẋ⟩ = ⟨z̄, ż⟩: the cotangents agree with dual numbers through the forward line", _adjoint),
    Property(
        "batch-additivity",
        "a batch taken apart: cotangents of examples stack, those of what examples share add up",
        _additive,
        lambda f: f.batch_axis and f.batch_axis in f.output,
    ),
    Property(
        "replication",
        "every example given twice leaves the loss and its gradients as they are",
        _replicated,
        lambda f: f.batch_axis and f.batch_axis not in f.output,
    ),
    Property("permutation", "the order of examples and of elements does not matter", _permuted),
    Property(
        "subdifferential",
        "the cotangent lies in z̄·conv{{eᵢ : xᵢ = z}}, also at ties",
        _in_subdifferential,
        lambda f: f.set_valued,
    ),
)


# --- properties of optimizers ---------------------------------------------------------------------------------------

RATE, START, FACTOR = 0.125, (0.5, -1.0, 0.25), -3


@dataclass
class Run:
    """One reading of an optimizer under one setting of its hyperparameters, on traces in exact arithmetic."""

    formula: Optimizer
    reading: Reading
    setting: int
    xp: Objects

    @property
    def hyper(self) -> dict[str, float]:
        return hyperparameters(self.formula, self.setting)

    @property
    def gradients(self) -> np.ndarray:
        generator = np.random.default_rng(stable_seed("gradients", self.setting))
        return generator.uniform(0.25, 4.0, (STEPS, WIDTH)) * generator.choice([-1, 1], (STEPS, WIDTH))

    def path(self, gradients: Any = None, start: Any = START, rate: float = RATE, **hyper: float) -> np.ndarray:
        """The weights after each step."""
        gradients = self.gradients if gradients is None else gradients
        trace = Trace(np.asarray(start), gradients, (rate,) * len(gradients), {**self.hyper, **hyper})
        return evaluate(self.formula, self.reading, TraceSample(Label("plain"), trace), self.xp)["w"]

    def moved(self, *args: Any, **named: Any) -> np.ndarray:
        """The weights after each step, from a start at zero."""
        return self.path(*args, start=np.zeros(WIDTH), **named)

    def where(self) -> str:
        return "for " + (", ".join(f"{name} = {value:g}" for name, value in self.hyper.items()) or "any hyperparameters")


def _same_path(run: Run, found: np.ndarray, expected: np.ndarray) -> str:
    """The first step at which two paths part."""
    for t, (a, b) in enumerate(zip(found, expected, strict=True), start=1):
        if difference := _parted(a, b):
            return f"{run.where()}: at t = {t} the weight{difference}"
    return ""


def _alone(run: Run) -> Trials:
    path, gradients = run.path(), run.gradients
    for i in range(WIDTH):
        yield _same_path(run, run.path(gradients[:, i : i + 1], START[i : i + 1]), path[:, i : i + 1])


def _shifted(run: Run) -> Trials:
    yield _same_path(run, run.path(), run.moved() + run.xp.asarray(START))


def _proportional(run: Run) -> Trials:
    yield _same_path(run, run.moved(rate=4 * RATE), 4 * run.moved())


def _homogeneous(run: Run) -> Trials:
    """With ε = 0 what divides by a root of squares keeps only the gradient's sign."""
    normalised = "eps" in run.hyper
    hyper, factor = ({"eps": 0.0}, -1) if normalised else ({}, FACTOR)
    scaled = run.moved(FACTOR * run.xp.asarray(run.gradients), **hyper)
    yield _same_path(run, scaled, factor * run.moved(**hyper))


GRADIENT = 0.5


def _first_average(run: Run) -> Trials:
    """With β2 = 0 and ε = 0 a step is α V̂/|g|, which shows V̂."""
    averages = -np.diff(_constant(run, beta2=0.0), prepend=run.xp.lift(0)) * abs(GRADIENT) / RATE
    yield _departs(run, averages, GRADIENT, "V̂", f"beta1 = {run.hyper['beta1']:g}")


def _second_average(run: Run) -> Trials:
    """With β1 = 0 and ε = 0 a step is α g/√Ŝ, which shows Ŝ."""
    steps = -np.diff(_constant(run, beta1=0.0), prepend=run.xp.lift(0))
    yield _departs(run, (RATE * GRADIENT / steps) ** 2, GRADIENT**2, "Ŝ", f"beta2 = {run.hyper['beta2']:g}")


def _constant(run: Run, **hyper: float) -> np.ndarray:
    """One weight's path from zero under a constant gradient."""
    return run.path(np.full((STEPS, 1), GRADIENT), np.zeros(1), eps=0.0, **hyper)[:, 0]


def _departs(run: Run, averages: np.ndarray, expected: float, name: str, setting: str) -> str:
    for t, average in enumerate(averages, start=1):
        if difference := _parted(average, run.xp.lift(expected)):
            return f"for {setting} and a constant gradient {GRADIENT:g}: first at t = {t}, where {name}{difference}"
    return ""


def _averages_twice(formula: Optimizer) -> bool:
    return {"beta1", "beta2"} <= {hyper.name for hyper in formula.hyperparameters}


OF_OPTIMIZERS = (
    Property("elementwise", "each weight moves as it would alone", _alone),
    Property("shift", "a shifted start shifts the path and nothing else", _shifted),
    Property("rate", "with a constant rate, how far the weights move is proportional to it", _proportional),
    Property(
        "homogeneity",
        "gradients times -3: the path is that times as long or, where the step is normalised, only mirrored (ε = 0)",
        _homogeneous,
    ),
    Property("unbiased-first", "the corrected average of a constant gradient is the gradient", _first_average, _averages_twice),
    Property(
        "unbiased-second",
        "the corrected average of a constant gradient's square is that square",
        _second_average,
        _averages_twice,
    ),
)
