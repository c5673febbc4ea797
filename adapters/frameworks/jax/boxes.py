"""Optimizers of optax and of jax.example_libraries as black boxes, run eagerly: one primitive at a time, as when one looks on;
those with loops or branches are compiled, which JAX would else do anew at every step.

Compiling each step as a whole would take longer: for twelve settings of the hyperparameters, each with 4 to 20 steps in one
shape, eager took 0.46, 0.72, 0.76 and 0.78 s (sgd, adamw, rmsprop, adam), compiled 0.95, 1.18, 1.35 and 1.15 s, cold.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from ...box import RATE_NAMES, Box, Run
from ...errors import BoxError, Unsupported
from ...signature import Signature, check_rate, is_number, named, signature
from .arrays import on_device, precise, to_numpy
from .steppers import Stepper, branches, stepper

EXAMPLES = "jax.example_libraries.optimizers"
TRANSFORMATIONS = ("GradientTransformation", "GradientTransformationExtraArgs")
# where optax keeps what gives a direction, to be scaled by the rate of a chain; its complete optimizers live in alias
DIRECTIONS = ("optax._src.transform", "optax.transforms")
CHAINED = "optax.scale_by_learning_rate"


class Rate:
    """A schedule that gives the rate of the step which is being taken, whatever the optimizer has counted."""

    now = 0.0

    def __call__(self, count: Any) -> Any:
        """A Python float; where the optimizer compiles its own step, a call back from it, since a number would stay in it."""
        import jax
        from jax.core import Tracer

        if not isinstance(count, Tracer):
            return self.now
        kind = jax.dtypes.canonicalize_dtype(np.float64)
        return jax.pure_callback(lambda _: np.asarray(self.now, kind), jax.ShapeDtypeStruct((), kind), count)


class OptaxRun(Run):
    """An optimizer, its state, and the weights as a dict of arrays. Arrays cannot be changed: nothing ever is, in place."""

    def __init__(self, made: Stepper, weights: Sequence[np.ndarray], rate: Rate):
        self._stepper = made
        self._rate, self._precise, self._count = rate, partial(precise, *weights), 0
        self._names = [f"w{i}" for i in range(len(weights))]
        with self._precise():
            self._state = self._stepper.start(self._tree(weights))

    def _tree(self, arrays: Sequence[np.ndarray]) -> dict[str, Any]:
        # a copy: on a CPU, JAX may take the caller's own memory for its array
        return on_device({name: np.array(array) for name, array in zip(self._names, arrays, strict=True)})

    def step(self, gradients: Sequence[np.ndarray | None], rate: float) -> None:
        given = [gradient for gradient in gradients if gradient is not None]
        if len(given) < len(gradients):
            raise Unsupported("optax has no missing gradient; one that is zero is the caller's own doing")
        self._rate.now = rate
        with self._precise():
            self._state = self._stepper.advance(self._count, self._tree(given), self._state)
        self._count += 1

    def weights(self) -> list[np.ndarray]:
        with self._precise():
            parameters = self._stepper.parameters(self._state)
            return [to_numpy(parameters[name]) for name in self._names]

    def save(self) -> tuple[int, Any]:
        """The steps done and the state: optax's own is without the weights, that of example_libraries has them in it."""
        return self._count, self._stepper.apart(self._state)

    def restore(self, saved: tuple[int, Any]) -> None:
        self._count, state = saved
        self._state = self._stepper.joined(self._state, state)


@dataclass(frozen=True)
class Compiled:
    """The steps of one box that have loops or branches, compiled as a whole: one for each setting of its arguments."""

    asked: dict[Any, bool] = field(default_factory=dict)
    kept: dict[Any, tuple[Stepper, Rate]] = field(default_factory=dict)

    def run(self, weights: Sequence[np.ndarray], setting: Any, make: Callable[[], tuple[Any, Rate]]) -> OptaxRun:
        """A run of what is made, eager or compiled."""
        import jax

        shapes = tuple((w.shape, w.dtype.name) for w in weights)
        if self.asked.get(shapes) and setting in self.kept:
            return OptaxRun(self.kept[setting][0], weights, self.kept[setting][1])
        if shapes not in self.asked:
            probe = stepper(make()[0])  # one of its own: what it counts in Python goes on from being traced
            with precise(*weights):
                self.asked[shapes] = branches(probe, {f"w{i}": np.array(w) for i, w in enumerate(weights)})
        optimizer, now = make()
        made = stepper(optimizer)
        if self.asked[shapes]:
            made = made._replace(advance=jax.jit(made.advance))
            self.kept[setting] = made, now
        return OptaxRun(made, weights, now)


@dataclass(frozen=True, kw_only=True)
class FactoryBox(Box):
    """A factory with what was given for it; ``chained`` if it gives a direction, which is then scaled by a chained rate."""

    signature: Signature
    chained: bool
    compiled: Compiled = field(default_factory=Compiled, compare=False, repr=False)

    def start(self, weights: Sequence[np.ndarray], rate: float, arguments: Mapping[str, float]) -> OptaxRun:
        setting = (*arguments.items(), None if self.rate_changes else rate, *{w.dtype.name for w in weights})
        return self.compiled.run(weights, setting, lambda: self._make(weights, rate, arguments))

    def _make(self, weights: Sequence[np.ndarray], rate: float, arguments: Mapping[str, float]) -> tuple[Any, Rate]:
        now = Rate()
        given = now if self.rate_changes and not self.chained else float(rate)
        with precise(*weights):  # a factory may make arrays
            made = _checked(self.name, _made(self.signature, given, arguments))
        if self.chained:
            import optax

            made = optax.chain(made, optax.scale_by_learning_rate(now))
        return made, now


@dataclass(frozen=True, kw_only=True)
class MadeBox(Box):
    """An optimizer that has been made: everything in it is settled."""

    optimizer: Any
    compiled: Compiled = field(default_factory=Compiled, compare=False, repr=False)

    def start(self, weights: Sequence[np.ndarray], rate: float, arguments: Mapping[str, float]) -> OptaxRun:
        if arguments:
            raise BoxError(f"{self.name} has been made: {', '.join(arguments)} cannot be changed; give the factory instead")
        return self.compiled.run(weights, None, lambda: (self.optimizer, Rate()))


def boxed(target: Any, name: str, given: Mapping[str, Any], versions: Mapping[str, str], dtypes: tuple[str, ...]) -> Box | None:
    """An optax factory or GradientTransformation, or the like from jax.example_libraries, as a box; None for all else.

    A function of the user's own is known by the type that it says it returns; if it says none but mentions optax, by what it
    returns when it is called, which needs a value for everything that it requires besides the rate.

    A factory's rate may change from step to step if it takes a schedule. One of optax's that takes no rate, such as
    ``optax.scale_by_adam``, gives a direction: it is followed by ``optax.scale_by_learning_rate``, which ``flags`` says.
    A transformation that has been made is run as it is: new weights are weights plus updates, at a rate that is unknown.
    """
    whose = {"name": name, "framework": "jax", "versions": versions, "dtypes": dtypes}
    if _is_optimizer(target):
        return MadeBox(**whose, optimizer=_plain(target), rate=_rate_of(name, given), rate_changes=False)
    if not _is_function(target) or not (_promises(target) or _mentions_optax(target)):
        return None
    told = signature(target, given, skipped=0)
    if not _promises(target) and (told.required or not _is_optimizer(_made(told, 0.1, {}))):
        return None
    chained = not told.rate_name and _home(target).startswith(DIRECTIONS)
    return FactoryBox(
        **whose,
        arguments=told.arguments,
        required=told.required,
        rate=told.rate,
        flags={**told.flags, **({"chained": CHAINED} if chained else {})},
        rate_changes=chained or (bool(told.rate_name) and _asks_for_rates(told)),
        signature=told,
        chained=chained,
    )


# --- what it is -----------------------------------------------------------------------------------------------------


def _is_optimizer(candidate: Any) -> bool:
    """Whether it is one that has been made. A library that nobody has imported has made none."""
    optax, examples = sys.modules.get("optax"), sys.modules.get(EXAMPLES)
    return (optax is not None and isinstance(candidate, optax.GradientTransformation | optax.MultiSteps)) or (
        examples is not None and isinstance(candidate, examples.Optimizer)
    )


def _plain(optimizer: Any) -> Any:
    """What has been made, as a transformation: a wrapper such as optax.MultiSteps gives one."""
    given = getattr(optimizer, "gradient_transformation", None)
    return given() if callable(given) else optimizer


def _is_function(target: Any) -> bool:
    return inspect.isfunction(_innermost(target))


def _innermost(target: Any) -> Any:
    return _innermost(target.func) if isinstance(target, partial) else target


def _home(target: Any) -> str:
    """The module that something comes from, or is."""
    target = _innermost(target)
    return target.__name__ if isinstance(target, ModuleType) else str(getattr(target, "__module__", ""))


def _promises(target: Any) -> bool:
    """Whether it says that it returns an optimizer, by its annotation or, in example_libraries, by its decorator."""
    function = _innermost(target)
    if _home(function) == EXAMPLES:
        return hasattr(function, "__wrapped__")
    said = inspect.signature(function).return_annotation
    return getattr(said, "__name__", str(said)).rpartition(".")[2] in TRANSFORMATIONS


def _mentions_optax(target: Any) -> bool:
    function = _innermost(target)
    mentioned = function.__code__.co_names
    named_so = [function.__globals__[name] for name in mentioned if name in function.__globals__]
    return "optax" in mentioned or any(_home(value).startswith(("optax", EXAMPLES)) for value in named_so)


# --- what it takes --------------------------------------------------------------------------------------------------


def _rate_of(name: str, given: Mapping[str, Any]) -> float | None:
    """The rate that a made optimizer is said to have: all that can be said of it."""
    unknown = [argument for argument in given if argument not in RATE_NAMES]
    if unknown or len(given) > 1 or not all(is_number(value) for value in given.values()):
        raise BoxError(f"{name} has been made: {', '.join(given)} cannot be given; say learning_rate=0.1 if that is its rate")
    for path, value in given.items():
        check_rate(path, value)
    return next((float(value) for value in given.values()), None)


def _made(told: Signature, rate: float | Callable[[Any], Any], arguments: Mapping[str, float]) -> Any:
    """What the factory gives; hyperparameters reach it as the Python floats that a user writes."""
    if told.rate_name:
        told = replace(told, values={**told.values, told.rate_name: rate}, told=told.told | {told.rate_name}, rate_name="")
    return told.call(rate=0.0, arguments=arguments)


def _checked(name: str, made: Any) -> Any:
    if not _is_optimizer(made):
        raise BoxError(f"{name} gave {named(type(made))}: expected an optax GradientTransformation, or what optax.chain gives")
    return _plain(made)


def _asks_for_rates(told: Signature) -> bool:
    """Whether a factory takes a schedule and asks it for a rate, by one abstract step of it, which computes nothing."""
    import jax

    asked: list[Any] = []

    def schedule(count: Any) -> float:
        asked.append(count)
        return 0.1

    def step(w: Any) -> Any:
        taken = stepper(made)
        return taken.parameters(taken.advance(0, w, taken.start(w)))

    try:  # what a factory says to a function in the place of a number
        made = _made(told, schedule, dict.fromkeys(told.required, 0.5))
        if _is_optimizer(made):
            made = _plain(made)
            jax.eval_shape(step, {"w": jax.ShapeDtypeStruct((1,), np.float32)})
    except (TypeError, ValueError):
        return False
    return bool(asked)
