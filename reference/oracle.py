"""The oracle's door: plain arrays in, checked; new arrays of the same dtype out.

Everything wrong with an argument is an ArgumentError that names it. What a reading makes of right arguments is its value:
overflow, 0/0 and the root of a negative number are results (inf, NaN), so NumPy's warnings about them are silenced.
NaN and infinities among real inputs, weights and gradients pass through; only where a value must lie in an interval
(probabilities, targets, rates, hyperparameters) is NaN an error.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .arguments import ArgumentError, bind_sizes, floating_array, same_dtype, scalar_in, suggest
from .namespace import Floating
from .vocabulary import Reading

if TYPE_CHECKING:
    from .formula import Formula, Map, Optimizer

ReadingLike = str | Reading | Mapping[str, str]
Named = Mapping[str, Any]


# --- maps -----------------------------------------------------------------------------------------------------------


def evaluate(formula: Map, args: Sequence[Any], reading: ReadingLike, named: Named) -> np.ndarray:
    """The value of ``formula`` at the inputs in ``args`` (by position) and ``named`` (inputs, settings, axes)."""
    given, settings, axes = _sorted_out(formula, args, named)
    chosen = formula.reading(reading, **axes)
    inputs, dtype = _arrays(given, {name: formula.inputs[name].shape for name in given})
    bind_sizes({name: (formula.inputs[name].shape, array.shape) for name, array in inputs.items()})
    _check_ranges(formula, inputs)
    with np.errstate(all="ignore"):
        return _new(formula.value_in(Floating(dtype), {**inputs, **settings}, chosen), dtype)


def pull_back(formula: Map, cotangent: Any, args: Sequence[Any], reading: ReadingLike, named: Named) -> dict[str, np.ndarray]:
    """The cotangents of ``formula``'s inputs for a cotangent of its value."""
    given, settings, axes = _sorted_out(formula, args, named)
    chosen = formula.reading(reading, **axes)
    shapes = {**{name: formula.inputs[name].shape for name in given}, "cotangent": formula.output}
    arrays, dtype = _arrays({**given, "cotangent": cotangent}, shapes)
    bind_sizes({name: (shapes[name], array.shape) for name, array in arrays.items()})
    z_bar = arrays.pop("cotangent")
    _check_ranges(formula, arrays)
    with np.errstate(all="ignore"):
        bars = formula.vjp_in(Floating(dtype), z_bar, {**arrays, **settings}, chosen)
        return {name: _new(bars[name], dtype) for name in formula.wrt}


def _sorted_out(formula: Map, args: Sequence[Any], named: Named) -> tuple[dict[str, Any], dict[str, str], dict[str, str]]:
    """The arguments as inputs in the line's order, settings, and axes."""
    names = list(formula.inputs)
    if len(args) > len(names):
        raise ArgumentError(f"{formula.id} takes {len(names)} inputs ({', '.join(names)}); got {len(args)} by position")
    given = dict(zip(names, args, strict=False))
    _refuse_unknown(formula, named, [*names, *formula.settings])
    for name in named:
        if name in given:
            raise ArgumentError(f"{formula.id} got {name} twice: by position and by name")
    given |= {name: named[name] for name in names if name in named}
    missing = [name for name in (*names, *formula.settings) if name not in given and name not in named]
    if missing:
        wanted = ", ".join(_described(formula, name) for name in missing)
        raise ArgumentError(f"{formula.id} lacks {wanted}")
    settings = {name: _setting(formula, name, named[name]) for name in formula.settings}
    axes = {name: value for name, value in named.items() if name not in given and name not in settings}
    return {name: given[name] for name in names}, settings, axes


def _described(formula: Map, name: str) -> str:
    if name in formula.settings:
        return f"{name} (one of {', '.join(map(repr, formula.settings[name]))})"
    return f"{name} of shape {_printable(formula.inputs[name].shape)}"


def _setting(formula: Map, name: str, value: Any) -> str:
    options = formula.settings[name]
    if value in options:
        return value
    near = suggest(str(value), options)
    raise ArgumentError(f"{formula.id}: {name} is {value!r}; expected one of {', '.join(options)}.{near}")


def _check_ranges(formula: Map, inputs: Mapping[str, np.ndarray]) -> None:
    """Probabilities and targets lie between 0 and 1; the negated comparison also catches NaN."""
    for name, array in inputs.items():
        kind = formula.inputs[name].values
        if kind not in ("probability", "unit"):
            continue
        with np.errstate(invalid="ignore"):
            wrong = ~((array >= 0) & (array <= 1))
        if wrong.any():
            place = tuple(int(i) for i in np.argwhere(wrong)[0])
            what = "probability" if kind == "probability" else "target"
            raise ArgumentError(
                f"{name} of shape {array.shape} has {float(array[place])!r} at {place}; expected a {what}, 0 <= {name} <= 1"
            )


# --- optimizers -----------------------------------------------------------------------------------------------------


def initial_state(formula: Optimizer, w: Any, reading: ReadingLike, named: Named) -> Any:
    """The state before the first step, in the dtype of ``w``."""
    hyper, chosen = _configured(formula, reading, named)
    arrays, dtype = _arrays({"w": w})
    return _fresh(formula, arrays["w"], dtype, hyper, chosen)


def take_step(
    formula: Optimizer, w: Any, g: Any, state: Any, rate: Any, reading: ReadingLike, named: Named
) -> tuple[np.ndarray, Any]:
    """One step of ``formula``: new weights, new state."""
    hyper, chosen = _configured(formula, reading, named)
    arrays, dtype = _arrays({"w": w, "g": g})
    w, g = arrays["w"], arrays["g"]
    if g.shape != w.shape:
        raise ArgumentError(f"g has shape {g.shape}; expected {w.shape}, the shape of w")
    step_size = _rate(formula, "rate", rate)
    state = _checked_state(formula, state, _fresh(formula, w, dtype, hyper, chosen), w)
    xp = Floating(dtype)
    with np.errstate(all="ignore"):
        lifted = {name: xp.asarray(value) for name, value in hyper.items()}
        new_w, new_state = formula.configured(lifted, chosen).step(xp, w, g, state, xp.asarray(step_size))
        return _new(new_w, dtype), _new_state(new_state, dtype)


def run(formula: Optimizer, w: Any, gradients: Any, rates: Any, reading: ReadingLike, named: Named) -> np.ndarray:
    """The weights after each step of a trace whose gradients are given."""
    arrays, _ = _arrays({"w": w, "gradients": gradients})
    w, gradients = arrays["w"], arrays["gradients"]
    if gradients.ndim != w.ndim + 1 or gradients.shape[1:] != w.shape:
        raise ArgumentError(f"gradients has shape {gradients.shape}; expected (steps, *w.shape) with w of shape {w.shape}")
    state = initial_state(formula, w, reading, named)
    weights = np.empty_like(gradients)
    for t, (g, rate) in enumerate(zip(gradients, _rates(formula, rates, len(gradients)), strict=True)):
        w, state = take_step(formula, w, g, state, rate, reading, named)
        weights[t] = w
    return weights


def _configured(formula: Optimizer, reading: ReadingLike, named: Named) -> tuple[dict[str, float], Reading]:
    """Hyperparameters with defaults filled in, and the reading. Of one name for both, a string means the axis."""
    hyper = {h.name: h for h in formula.hyperparameters}
    axis_names = {axis.name for axis in formula.axes}
    _refuse_unknown(formula, named, list(hyper))
    means_axis = {name for name, value in named.items() if name in axis_names and (name not in hyper or isinstance(value, str))}
    axes = {name: named[name] for name in means_axis}
    values = {
        name: scalar_in(name, h.default if name in axes else named.get(name, h.default), h.low, h.high)
        for name, h in hyper.items()
    }
    return values, formula.reading(reading, **axes)


def _fresh(formula: Optimizer, w: np.ndarray, dtype: np.dtype, hyper: Mapping[str, float], reading: Reading) -> Any:
    xp = Floating(dtype)
    with np.errstate(all="ignore"):
        lifted = {name: xp.asarray(value) for name, value in hyper.items()}
        return _new_state(formula.configured(lifted, reading).start(xp, w), dtype)


def _new_state(state: Any, dtype: np.dtype) -> Any:
    return state._replace(**{name: _new(getattr(state, name), dtype) for name in state._fields if name != "t"})


def _checked_state(formula: Optimizer, state: Any, fresh: Any, w: np.ndarray) -> Any:
    """``state`` as arrays, if it could have come from this line at weights of this shape and dtype."""
    expected = type(fresh)
    if type(state) is not expected:
        raise ArgumentError(
            f"state is of type {type(state).__name__}; expected {expected.__name__}, from {formula.name}.init or the last step"
        )
    if isinstance(state.t, bool) or not isinstance(state.t, int | np.integer) or state.t < 0:
        raise ArgumentError(
            f"state.t is {state.t!r}; expected the whole number of steps done, 0 <= state.t, since steps count from t = 1"
        )
    fields = {name: getattr(state, name) for name in expected._fields if name != "t"}
    checked = {name: _field(expected, f"state.{name}", value, getattr(fresh, name)) for name, value in fields.items()}
    if checked:
        same_dtype({"w": w, **{f"state.{name}": array for name, array in checked.items()}})
    return state._replace(t=int(state.t), **checked)


def _field(kind: type, name: str, value: Any, fresh: np.ndarray) -> np.ndarray:
    array = _array(name, value)
    if array.shape != fresh.shape:
        raise ArgumentError(f"{name} has shape {array.shape}; expected {fresh.shape}; make a state for w by init(w)")
    with np.errstate(invalid="ignore"):  # NaN is allowed: it came from a NaN among the gradients
        negative = bool((array < 0).any())
    if negative and name.removeprefix("state.") in getattr(kind, "never_negative", ()):
        raise ArgumentError(f"{name} of shape {array.shape} has a negative element; expected {name} >= 0")
    return array


def _rate(formula: Optimizer, name: str, value: Any) -> float:
    if isinstance(value, str) and any(axis.name == name for axis in formula.axes):
        advice = f"the axis {name} goes into reading={{{name!r}: {value!r}}}"
        raise ArgumentError(f"{name} is {value!r}; expected one number; {advice}")
    return scalar_in(name, value, 0.0, math.inf)


def _rates(formula: Optimizer, rates: Any, steps: int) -> list[float]:
    try:
        array = np.asarray(rates)
    except ValueError:
        raise ArgumentError(f"rates is {rates!r}; expected one number or {steps}, one for each step") from None
    if array.ndim == 0:
        return [_rate(formula, "rates", rates)] * steps
    if array.shape != (steps,):
        raise ArgumentError(f"rates has shape {array.shape}; expected () or ({steps},), one for each step")
    return [_rate(formula, f"rates[{t}]", rate) for t, rate in enumerate(array)]


# --- both -----------------------------------------------------------------------------------------------------------


def _refuse_unknown(formula: Formula, named: Named, known: list[str]) -> None:
    known = [*known, *(axis.name for axis in formula.axes)]
    for name in named:
        if name not in known:
            raise ArgumentError(f"{formula.id} has no argument {name!r}.{suggest(name, known)}")


def _arrays(
    given: Mapping[str, Any], shapes: Mapping[str, tuple[str | int, ...]] | None = None
) -> tuple[dict[str, np.ndarray], np.dtype]:
    """The arguments as read-only arrays of one floating dtype, and that dtype.

    A Python float has no dtype of its own: where a scalar is due it takes that of the others, and float64 if there are none.
    """
    weak = {
        name
        for name, value in given.items()
        if isinstance(value, float) and not isinstance(value, np.generic) and (shapes is None or shapes[name] == ())
    }
    strong = {name: _array(name, value) for name, value in given.items() if name not in weak}
    dtype = same_dtype(strong) if strong else np.dtype(np.float64)
    with np.errstate(all="ignore"):
        arrays = {name: strong[name] if name in strong else Floating(dtype).asarray(given[name]) for name in given}
    for name in arrays:  # a body that wrote into its input would fail here rather than change the caller's array
        arrays[name] = arrays[name].view()
        arrays[name].flags.writeable = False
    return arrays, dtype


def _array(name: str, value: Any) -> np.ndarray:
    try:
        return floating_array(name, value)
    except ArgumentError:
        raise
    except (ValueError, TypeError) as error:
        raise ArgumentError(f"{name} is no array: {error}") from None


def _new(value: Any, dtype: np.dtype) -> np.ndarray:
    """A result as an array of its own, in the inputs' dtype: a bfloat16 matrix product comes from NumPy in float32."""
    return np.array(value, dtype=dtype)


def _printable(shape: tuple[str | int, ...]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
