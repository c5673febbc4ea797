"""How differences grow: over the steps of an optimizer, along the sigmoid's tails, in training, with the size of a batch.

Every number is computed, those in the captions from the series they stand under.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ...adapters.contract import Trace
from ...adapters.errors import Unsupported
from ...reference.catalogue import line
from ...reference.formula import Formula, Map, Optimizer
from ...reference.vocabulary import Reading
from ..arithmetic.formats import precision
from ..arithmetic.objects import precise
from ..cells.accuracy import distances
from ..cells.examination import subject_of
from ..cells.matrix import cells
from ..cells.subject import FrameworkError, Subject
from ..findings import Curve, Label, Series
from ..inputs.samples import Sample, TraceSample
from ..inputs.traces import hyperparameters
from ..readings.evaluate import evaluate

Adapters = tuple[str, ...]
STEPS = 20
DISTINCT = 6  # series that a drawing can tell apart


def of(formula: Formula, adapters: Adapters) -> list[Curve]:
    """The curves of a line; those that show frameworks show the adapters' that are installed."""
    makers = SPECIAL.get(formula.id, ())
    with np.errstate(all="ignore"):
        found = [curve for maker in makers for curve in maker(formula, adapters)]
        if isinstance(formula, Optimizer):
            found += _departures(formula)
    return found


def _series(label: str, x: Iterable[float], y: Iterable[Any], *, positive: bool = False) -> Series:
    """A series with gaps where there is no finite value or, on a logarithmic axis, none above zero."""
    values = [float(v) for v in y]
    shown = [v if math.isfinite(v) and (v > 0 or not positive) else None for v in values]
    return Series(label, [float(v) for v in x], shown)


def _known(series: Series) -> list[tuple[float, float]]:
    return [(x, y) for x, y in zip(series.x, series.y, strict=True) if y is not None]


def _merged(series: Sequence[Series]) -> list[Series]:
    """Series with the same values as one, under all their names."""
    found: dict[tuple[Any, ...], list[Series]] = {}
    for one in series:
        found.setdefault((*one.x, *one.y), []).append(one)
    return [Series(" = ".join(s.label for s in same), same[0].x, same[0].y) for same in found.values()]


def _g(value: float) -> str:
    return f"{value:.3g}"


# --- optimizers -----------------------------------------------------------------------------------------------------


def _path(
    formula: Optimizer, reading: Reading, gradients: Sequence[float], rates: Sequence[float], start: float, **hyper: float
) -> np.ndarray:
    """One weight after each step, exactly."""
    named = hyperparameters(formula, 0) | hyper
    trace = Trace(np.array([start]), np.asarray(gradients, np.float64)[:, None], tuple(rates), named)
    with precise(1024) as xp:
        return evaluate(formula, reading, TraceSample(Label("plain"), trace), xp)["w"][:, 0]


def _departures(formula: Optimizer) -> Iterator[Curve]:
    """How readings one axis away leave the printed one, by the options that a conformance run seeks."""
    for labels in _few_at_a_time(formula):
        yield _departing(formula, labels)


def _few_at_a_time(formula: Optimizer) -> list[list[tuple[str, str]]]:
    """The options that are not printed, axis by axis, in groups that a drawing can tell apart."""
    groups: list[list[tuple[str, str]]] = []
    for axis in formula.axes:
        labels = [(axis.name, option.name) for option in axis.options if option.in_matrix and option.name != axis.printed]
        if not groups or len(groups[-1]) + len(labels) > DISTINCT:
            groups.append([])
        groups[-1] += labels
    return [labels for labels in groups if labels]


DROP = 8  # the step from which the rate is another, so that it matters when the rate enters


def _departing(formula: Optimizer, labels: Sequence[tuple[str, str]]) -> Curve:
    t = range(1, STEPS + 1)
    gradients = [math.cos(1.7 * step) + 0.25 for step in t]
    rates = [0.125 if step < DROP else 0.0625 for step in t]
    printed = _path(formula, formula.printed, gradients, rates, 1.0)
    series = []
    for axis, option in labels:
        path = _path(formula, formula.printed.but(**{axis: option}), gradients, rates, 1.0)
        away = [float(abs(a - b).mid()) for a, b in zip(path, printed, strict=True)]
        series.append(_series(f"{axis}={option}", t, away, positive=True))
    return Curve(
        formula.id,
        f"Leaving the printed reading on {', '.join(dict.fromkeys(axis for axis, _ in labels))}",
        f"Gradients cos(1.7 t) + 1/4, a rate of 1/8 that is halved at t = {DROP}, {_settings(formula)}. {_leaving(series)}",
        "t",
        "|W - W as printed|",
        "linear",
        "log",
        series,
    )


def _settings(formula: Optimizer, *names: str) -> str:
    """The hyperparameters of those names, or all of them."""
    return ", ".join(f"{name} = {value:g}" for name, value in hyperparameters(formula, 0).items() if name in names or not names)


def _leaving(series: Sequence[Series]) -> str:
    """When each series starts, and which is farthest away at the end."""
    known = {one.label: _known(one) for one in series}
    starts: dict[float, list[str]] = {}
    for label, points in known.items():
        starts.setdefault(points[0][0] if points else math.inf, []).append(label)
    said = [
        f"{', '.join(labels)} {'depart' if len(labels) > 1 else 'departs'} "
        + (f"at t = {t:g}" if math.isfinite(t) else "nowhere")
        for t, labels in sorted(starts.items())
    ]
    last = {label: points[-1][1] for label, points in known.items() if points and points[-1][0] == STEPS}
    far = max(last, key=last.__getitem__, default="")
    return "; ".join(said) + "." + (f" At t = {STEPS} {far} is farthest away, by {_g(last[far])}." if far else "")


def _adam_average(formula: Formula, _: Adapters) -> Iterator[Curve]:
    """The corrected average of a constant gradient 1. With β2 = 0 and ε = 0 a step of rate 1 is that average."""
    assert isinstance(formula, Optimizer)
    t = range(1, STEPS + 1)
    readings = {
        "printed": formula.printed,
        "standard": formula.standard,
        "no correction": formula.printed.but(correction="none"),
    }
    averages = {
        label: -np.diff(_path(formula, reading, [1.0] * STEPS, [1.0] * STEPS, 0.0, beta1=0.9, beta2=0.0, eps=0.0), prepend=0)
        for label, reading in readings.items()
    }
    series = [_series(label, t, values, positive=True) for label, values in averages.items()]
    bias = {label: [abs(float(v.mid()) - 1) for v in values] for label, values in averages.items()}
    worse = [i for i in range(STEPS) if bias["printed"][i] > bias["no correction"][i]]
    first = f"Without correction the bias at t = 1 is {_g(bias['no correction'][0])}, as printed {_g(bias['printed'][0])}. "
    if worse:
        i = worse[0]
        first += (
            f"The printed average is farther from the gradient than no correction at {len(worse)} of {STEPS} steps, first at "
            f"t = {i + 1}: by {_g(bias['printed'][i])} against {_g(bias['no correction'][i])}. "
        )
    caption = first + f"The standard correction's bias is at most {_g(max(bias['standard']))}."
    yield Curve(
        formula.id,
        "Bias of the averaged gradient",
        f"Constant gradient 1, β1 = 0.9. {caption}",
        "t",
        "V̂",
        "linear",
        "log",
        series,
    )


def _adam_path(formula: Formula, _: Adapters) -> Iterator[Curve]:
    """Where a constant gradient takes W; the printed one also in float64, where what it stores overflows."""
    assert isinstance(formula, Optimizer)
    steps, rate = 30, 2.0**-10
    t, gradients, rates = range(1, steps + 1), [1.0] * steps, [rate] * steps
    paths = {label: _path(formula, formula.reading(label), gradients, rates, 0.0) for label in ("printed", "standard")}
    floats = formula.run(np.zeros(1), np.ones((steps, 1)), rate, "printed", **hyperparameters(formula, 0))[:, 0]
    series = [*(_series(label, t, path) for label, path in paths.items()), _series("printed, in float64", t, floats)]
    moved = {label: abs(float(path[-1].mid())) for label, path in paths.items()}
    lost = [i for i, w in zip(t, floats, strict=True) if not math.isfinite(w)]
    caption = (
        f"Constant gradient 1, rate 2⁻¹⁰, {_settings(formula, 'beta1', 'beta2', 'eps')}. After {steps} steps the standard W "
        f"has moved by {_g(moved['standard'])}, the printed one by {_g(moved['printed'])}. "
        + (f"In float64 the printed W is not a number from t = {lost[0]} on." if lost else "In float64 it stays finite.")
    )
    yield Curve(formula.id, "The path of a weight", caption, "t", "W", "linear", "linear", series)


# --- frameworks -----------------------------------------------------------------------------------------------------


def _subjects(formula: Formula, adapters: Adapters, derived: bool = True) -> Iterator[tuple[str, Subject]]:
    """What the installed adapters have for a line in float64, run eagerly."""
    for cell in cells(adapters, [formula.id], ["float64"]):
        if cell.mode != "eager" or (cell.route == "derived" and not derived):
            continue
        subject = subject_of(cell)
        if subject.adapter.installed() and not (subject.native and subject.adapter.missing(subject.native)):
            yield f"{cell.package} {cell.native or 'derived'}", subject


def _observed(formula: Map, adapters: Adapters, arrays: dict[str, np.ndarray], **which: bool) -> dict[str, np.ndarray]:
    """The cotangent that each subject returns for a cotangent of ones: the slope itself."""
    sample = Sample(Label("plain"), arrays, {}, np.ones(next(iter(arrays.values())).shape))
    found = {}
    for label, subject in _subjects(formula, adapters, **which):
        try:
            found[label] = subject.observe(sample)[f"{formula.wrt[0]}_bar"]
        except (FrameworkError, Unsupported):
            continue  # the cell's own finding says so
    return found


def _sigmoid_slopes(formula: Map, adapters: Adapters, x: np.ndarray) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """The slope by each evaluation in NumPy, and by each framework."""
    ones = np.ones_like(x)
    readings = {option: formula.reading(slope=option) for option in formula.axis("slope").names}
    yield "in NumPy", {option: formula.vjp(ones, x, reading=reading)["x"] for option, reading in readings.items()}
    if observed := _observed(formula, adapters, {"x": x}):
        yield "in the frameworks", observed


def _sigmoid_error(formula: Formula, adapters: Adapters) -> Iterator[Curve]:
    assert isinstance(formula, Map)
    x, p = np.linspace(-45, 45, 181), precision("float64")
    with precise(4096) as xp:
        truth = formula.vjp_in(xp, xp.asarray(np.ones_like(x)), {"x": xp.asarray(x)}, formula.standard)["x"]
    for place, slopes in _sigmoid_slopes(formula, adapters, x):
        series = _merged([_series(label, x, distances(truth, bar, p), positive=True) for label, bar in slopes.items()])
        caption = f"float64, at {len(x)} points. Largest error: {'; '.join(map(_worst, series))}."
        yield Curve(formula.id, f"Error of the slope {place}", caption, "x", "error of x̄ in ulps", "linear", "log", series)


def _worst(series: Series) -> str:
    if not (known := _known(series)):
        return f"{series.label} nowhere a number"
    x, y = max(known, key=lambda point: point[1])
    return f"{series.label} {_g(y)} ulps at x = {x:g}"


def _sigmoid_tail(formula: Formula, adapters: Adapters) -> Iterator[Curve]:
    assert isinstance(formula, Map)
    x, smallest = np.linspace(-800, 0, 161), precision("float64").smallest_subnormal
    for place, slopes in _sigmoid_slopes(formula, adapters, x):
        series = _merged([_series(label, x, bar, positive=True) for label, bar in slopes.items()])
        ends = {label: _end(x, bar) for label, bar in slopes.items()}
        said = (f"{', '.join(label for label in ends if ends[label] == end)}: {end}" for end in dict.fromkeys(ends.values()))
        caption = (
            f"float64; the slope falls below {_g(smallest)} at x = {_g(math.log(smallest))}. Going down, {'; '.join(said)}."
        )
        yield Curve(formula.id, f"The slope in the lower tail {place}", caption, "x", "x̄", "linear", "log", series)


def _end(x: np.ndarray, bar: np.ndarray) -> str:
    """What becomes of a slope on the way down, and where."""
    firsts = {"0": np.max(x[bar == 0], initial=-np.inf), "not a number": np.max(x[~np.isfinite(bar)], initial=-np.inf)}
    met = sorted((place, what) for what, place in firsts.items() if place > -np.inf)
    return ", ".join(f"{what} from x = {place:g} on" for place, what in reversed(met)) or "above 0 throughout"


def _guarded_gradient(formula: Formula, adapters: Adapters) -> Iterator[Curve]:
    """|∂L/∂ŷ| for the target 1 as ŷ falls to 0, with and without a clamp."""
    assert isinstance(formula, Map)
    y_hat = 10.0 ** -np.arange(0.5, 20.25, 0.5)
    arrays, flow = {"y_hat": y_hat, "y": np.ones_like(y_hat)}, np.ones_like(y_hat)
    plain, clamped = (formula.vjp(flow, **arrays, reading={"guard": guard})["y_hat"] for guard in ("none", "clamp"))
    half = y_hat[np.abs(plain) > 2 * np.abs(clamped)]
    bars = {"unguarded": plain, "clamped": clamped, **_observed(formula, adapters, arrays, derived=False)}
    series = _merged([_series(label, y_hat, np.abs(bar), positive=True) for label, bar in bars.items()])
    caption = (
        f"Target 1, float64. The clamped gradient is at most {_g(np.abs(clamped).max())}; it is less than half of the "
        + (f"unguarded one from ŷ = {_g(half.max())} down." if half.size else "unguarded one nowhere here.")
    )
    yield Curve(formula.id, "The gradient as ŷ falls to 0", caption, "ŷ", "|∂L/∂ŷ|", "log", "log", series)


# --- training, batches ----------------------------------------------------------------------------------------------

# Four examples that no line through the origin separates, so that the best fit is finite.
FEATURES = ((1.0, 0.5), (0.5, -1.0), (-1.0, 0.25), (0.75, 1.0))
TARGETS = (1.0, 0.0, 0.0, 0.0)
RATE = 0.5


def _training(formula: Formula, _: Adapters) -> Iterator[Curve]:
    """Line 38 along the printed gradient and along the standard one, judged by the cross-entropy."""
    assert isinstance(formula, Map)
    t = range(2 * STEPS + 1)
    losses = {label: _descended(formula, label, len(t)) for label in ("printed", "standard")}
    series = [_series(label, t, values) for label, values in losses.items()]
    caption = f"Four examples, rate {RATE:g}. Along " + "; along ".join(
        f"the {k} gradient {_course(v)}" for k, v in losses.items()
    )
    yield Curve(formula.id, "Training with line 38", f"{caption}.", "step", "mean cross-entropy", "linear", "linear", series)


def _course(losses: Sequence[float]) -> str:
    rises = sum(b > a for a, b in itertools.pairwise(losses))
    return f"it goes from {_g(losses[0])} to {_g(losses[-1])}, rising at {rises} of {len(losses) - 1} steps"


def _descended(formula: Map, role: str, count: int) -> list[float]:
    """The mean cross-entropy before each step of a descent along ``role``'s gradient."""
    sgd = line("optimizer.sgd")
    assert isinstance(sgd, Optimizer)
    examples = [(np.array(x)[:, None], y) for x, y in zip(FEATURES, TARGETS, strict=True)]
    w, losses = np.zeros((2, 1)), []
    state = sgd.init(w)
    for _ in range(count):
        losses.append(float(np.mean([formula(w, x, 0.0, y, reading="standard") for x, y in examples])))
        gradient = np.mean([formula.vjp(1.0, w, x, 0.0, y, reading=role)["w"] for x, y in examples], axis=0)
        w, state = sgd.step(w, gradient, state, RATE)
    return losses


def _loss_of(formula: Map, outputs: int, examples: int, normaliser: str) -> float:
    """The loss where every residual is 1."""
    shape = (outputs, examples)
    return float(formula(np.ones(shape), np.zeros(shape), normaliser=normaliser))


def _batches(formula: Formula, _: Adapters) -> Iterator[Curve]:
    """One example repeated: its mean loss should not depend on how often."""
    assert isinstance(formula, Map)
    yield _normalised(formula, "One example repeated", "n, examples", lambda n: (1, n), "n")
    yield _normalised(formula, "Several outputs", "o, outputs, of 3 examples", lambda o: (o, 3), "o")


def _normalised(formula: Map, title: str, x_label: str, shape: Callable[[int], tuple[int, int]], symbol: str) -> Curve:
    axis, sizes = formula.axis("normaliser"), range(1, 13)
    values = {name: [_loss_of(formula, *shape(k), name) for k in sizes] for name in axis.names}
    standard = values[axis.standard]
    said = [f"{name} {_agreement(symbol, sizes, found, standard)}" for name, found in values.items() if name != axis.standard]
    series = _merged([_series(name, sizes, found) for name, found in values.items()])
    caption = f"Every residual is 1. Compared with {axis.standard} (standard): {'; '.join(said)}."
    return Curve(formula.id, title, caption, x_label, "loss", "linear", "linear", series)


def _agreement(symbol: str, sizes: range, found: Sequence[float], standard: Sequence[float]) -> str:
    equal = [k for k, a, b in zip(sizes, found, standard, strict=True) if a == b]
    if len(equal) == len(sizes):
        return "is the same throughout"
    where = f"is the same only at {symbol} = {', '.join(map(str, equal))}, and" if equal else "is nowhere the same, and"
    return f"{where} {_g(found[-1] / standard[-1])} times as large at {symbol} = {sizes[-1]}"


SPECIAL: dict[str, tuple[Callable[[Formula, Adapters], Iterator[Curve]], ...]] = {
    "scalar.sigmoid": (_sigmoid_error, _sigmoid_tail),
    "logistic.loss": (_guarded_gradient,),
    "logistic.grad_w": (_training,),
    "mlp2.loss": (_batches,),
    "optimizer.adam": (_adam_average, _adam_path),
}
