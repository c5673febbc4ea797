"""The plain protocol, in NumPy only: an optimizer of one's own is identified without any framework.

A callable ``make(weights, **hyperparameters)`` gives an object with ``step(gradient, learning_rate)``. A step returns the new
weights; or it returns None and changes in place either the array that ``make`` was given or its object's ``weights``.
"""

from __future__ import annotations

import copy
import inspect
import io
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..box import Box, Run
from ..contract import Framework
from ..errors import BoxError, Unsupported
from ..signature import Signature, first_parameter, named, signature

WEIGHT_NAMES = ("weights", "initial_weights", "w", "w0", "params", "parameters", "theta", "x0")
PROTOCOL = "make(weights, **hyperparameters) that gives an object with step(gradient, learning_rate)"


class PlainRun(Run):
    """An object with a ``step``, and the arrays that were handed to it."""

    def __init__(self, subject: Any, initial: np.ndarray):
        self._subject, self._initial = subject, initial
        self._current: Any = initial
        self._changed: tuple[str, ...] = ()

    def step(self, gradients: Sequence[np.ndarray | None], rate: float) -> None:
        (gradient,) = gradients
        if gradient is None:
            raise Unsupported("a step of the plain protocol has a gradient")
        handed, before = gradient.copy(), self._initial.tobytes()
        returned = self._subject.step(handed, rate)
        self._current = getattr(self._subject, "weights", self._initial) if returned is None else returned
        moved = {"gradients": handed.tobytes() != gradient.tobytes(), "weights": self._initial.tobytes() != before}
        self._changed = tuple(name for name, is_moved in moved.items() if is_moved)

    def weights(self) -> list[np.ndarray]:
        return [np.array(self._current)]

    def changed(self) -> tuple[str, ...]:
        return self._changed

    def save(self) -> Any:
        if inspect.isfunction(self._subject.step) and self._subject.step.__closure__:
            raise Unsupported("the state is in the closure of step, which cannot be copied")
        return self._copied((self._subject, self._initial, self._current))

    def restore(self, saved: Any) -> None:
        self._subject, self._initial, self._current = self._copied(saved)

    @staticmethod
    def _copied(state: Any) -> Any:
        try:
            return copy.deepcopy(state)
        except (TypeError, NotImplementedError, copy.Error) as error:
            raise Unsupported(f"the box cannot be copied: {error}") from error


@dataclass(frozen=True, kw_only=True)
class PlainBox(Box):
    """``make`` with what was given for it."""

    signature: Signature

    def start(self, weights: Sequence[np.ndarray], rate: float, arguments: Mapping[str, float]) -> PlainRun:
        if len(weights) != 1:
            raise Unsupported("the plain protocol takes one weight array; start a run for each")
        initial = np.array(weights[0])
        return PlainRun(_stepper(self.name, self.signature.call(initial, rate=rate, arguments=arguments)), initial)


class Plain(Framework):
    """Whatever steps: asked last, since it knows an optimizer by nothing but its manners."""

    name = "plain"
    package = "numpy"
    distributions = ("numpy",)
    modules: ClassVar[Mapping[str, str]] = {}

    def box(self, target: Any, name: str, given: Mapping[str, Any]) -> PlainBox | None:
        if not callable(target):
            if callable(getattr(target, "step", None)):
                raise BoxError(f"{name} has been made already: give what makes it, a {PROTOCOL}")
            return None
        sorted_ = signature(target, given) if first_parameter(target) else None
        if sorted_ is None or not _makes_steppers(target, sorted_):
            return None
        return PlainBox(
            name=name,
            versions=self.versions(),
            arguments=sorted_.arguments,
            required=sorted_.required,
            rate=sorted_.rate,
            flags=sorted_.flags,
            several=False,
            signature=sorted_,
        )


def _makes_steppers(target: Callable[..., Any], sorted_: Signature) -> bool:
    """By what a class has; by its first argument's name, where it lacks another; only then by what it makes of three zeros.

    What raises on them is no optimizer, unless it says by its first argument's name that it takes weights: what that raises
    comes through.
    """
    if isinstance(target, type):
        return callable(getattr(target, "step", None))
    takes_weights = first_parameter(target) in WEIGHT_NAMES
    if sorted_.required:
        return takes_weights
    try:
        with redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
            made = sorted_.call(np.zeros(3), rate=sorted_.started_at(), arguments={})
    except Exception:  # any function at all may have come here, and may raise anything: torch's raise on an array of NumPy's
        if takes_weights:
            raise
        return False
    return callable(getattr(made, "step", None))


def _stepper(name: str, made: Any) -> Any:
    """What a box's ``make`` has made, if it can be stepped with a gradient and a rate."""
    step = getattr(made, "step", None)
    if not callable(step):
        raise BoxError(f"{name} gave {named(type(made))}, which has no step: expected {PROTOCOL}")
    try:
        inspect.signature(step).bind(None, None)
    except TypeError as error:
        raise BoxError(f"the step of {name} does not take (gradient, learning_rate): {error}") from error
    return made


ADAPTER = Plain()
