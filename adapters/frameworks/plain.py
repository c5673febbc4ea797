"""The plain protocol, in NumPy only: an optimizer of one's own is identified without any framework.

A callable ``make(weights, **hyperparameters)`` gives an object with ``step(gradient, learning_rate)``. A step returns the new
weights; or it returns None and changes in place either the array that ``make`` was given or its object's ``weights``.

It may be made of several arrays: then ``make`` takes a list of arrays, and a step a list of gradients, None among them for a
weight that has none, and gives a list or changes one. One that says so by the annotation of its first argument, or that steps
two arrays of different shapes when it is tried with a list of them, is always given lists.

A single step that is given its state, ``step(p, g, m, v, t, learning_rate)``, is a box, too: see ``single_step``.
"""

from __future__ import annotations

import copy
import inspect
import io
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from ..box import Box, Run
from ..contract import Framework
from ..errors import BoxError, Unsupported
from ..signature import Signature, first_annotation, first_parameter, named, signature
from ..single_step import single_step

WEIGHT_NAMES = ("weights", "initial_weights", "w", "w0", "params", "parameters", "theta", "x0")
PROTOCOL = "make(weights, **hyperparameters) that gives an object with step(gradient, learning_rate)"
TRIED = 8  # steps for a list to move: some boxes accumulate gradients first
_LISTS = re.compile(r"(?:[\w.]+\.)?(?:list|List|Sequence|Iterable|MutableSequence)\b")


class PlainRun(Run):
    """An object with a ``step``, and the arrays that were handed to it, in a list if it takes ``several``."""

    def __init__(self, subject: Any, initial: Any, several: bool):
        self._subject, self._initial, self._several = subject, initial, several
        self._current: Any = initial
        self._changed: tuple[str, ...] = ()
        self._silent = False

    def step(self, gradients: Sequence[np.ndarray | None], rate: float) -> None:
        if not self._several and any(gradient is None for gradient in gradients):
            raise Unsupported("a step of one array has a gradient")
        handed = [None if gradient is None else gradient.copy() for gradient in gradients]
        before = _bits(self._listed(self._initial))
        returned = self._subject.step(handed if self._several else handed[0], rate)
        self._silent = returned is None
        self._current = getattr(self._subject, "weights", self._initial) if returned is None else returned
        moved = {
            "gradients": _bits(handed) != _bits(gradients),
            "weights": _bits(self._listed(self._initial)) != before,
        }
        self._changed = tuple(name for name, is_moved in moved.items() if is_moved)

    def weights(self) -> list[np.ndarray]:
        return [np.array(array) for array in self._listed(self._current)]

    def changed(self) -> tuple[str, ...]:
        return self._changed

    def advice(self) -> str:
        if not self._silent:
            return ""
        return "Its step returns None: let it return the new weights, or change in place its .weights or what make was given"

    def save(self) -> Any:
        if inspect.isfunction(self._subject.step) and self._subject.step.__closure__:
            raise Unsupported("the state is in the closure of step, which cannot be copied")
        return self._copied((self._subject, self._initial, self._current))

    def restore(self, saved: Any) -> None:
        self._subject, self._initial, self._current = self._copied(saved)

    def _listed(self, arrays: Any) -> list[Any]:
        if not self._several:
            return [arrays]
        if not isinstance(arrays, list | tuple) or len(arrays) != len(self._initial):
            raise BoxError(f"the step gave {_kind(arrays)}; expected a list of {len(self._initial)} arrays, as make was given")
        return list(arrays)

    @staticmethod
    def _copied(state: Any) -> Any:
        try:
            return copy.deepcopy(state)
        except (TypeError, NotImplementedError, copy.Error) as error:
            raise Unsupported(f"the box cannot be copied: {error}") from error


def _bits(arrays: Sequence[Any]) -> list[bytes]:
    return [b"" if array is None else np.asarray(array).tobytes() for array in arrays]


def _kind(arrays: Any) -> str:
    return f"{len(arrays)} of them" if isinstance(arrays, list | tuple) else named(type(arrays))


@dataclass(frozen=True, kw_only=True)
class PlainBox(Box):
    """``make`` with what was given for it."""

    signature: Signature

    def start(self, weights: Sequence[np.ndarray], rate: float, arguments: Mapping[str, float]) -> PlainRun:
        if len(weights) != 1 and not self.several:
            raise Unsupported(
                "it takes one weight array; to take more, let make take a list of them, and step one of gradients"
            )
        arrays = [np.array(array) for array in weights]
        initial = arrays if self.several else arrays[0]
        return PlainRun(
            _stepper(self.name, self.signature.call(initial, rate=rate, arguments=arguments)), initial, self.several
        )


class Plain(Framework):
    """Whatever steps: asked last, since it knows an optimizer by nothing but its manners."""

    name = "plain"
    package = "numpy"
    distributions = ("numpy",)
    modules: ClassVar[Mapping[str, str]] = {}

    def box(self, target: Any, name: str, given: Mapping[str, Any]) -> Box | None:
        if not callable(target):
            if callable(getattr(target, "step", None)):
                raise BoxError(f"{name} has been made already: give what makes it, a {PROTOCOL}")
            return None
        if not first_parameter(target):
            return None
        if not isinstance(target, type) and (box := single_step(target, name, given, self.versions())) is not None:
            return box
        sorted_ = signature(target, given)
        if not _makes_steppers(target, sorted_):
            return None
        return PlainBox(
            name=name,
            versions=self.versions(),
            arguments=sorted_.arguments,
            required=sorted_.required,
            rate=sorted_.rate,
            flags=sorted_.flags,
            several=_LISTS.match(first_annotation(target)) is not None or _steps_lists(sorted_),
            signature=sorted_,
        )


def _makes_steppers(target: Callable[..., Any], sorted_: Signature) -> bool:
    """By what a class has, else by what a function makes of small arrays.

    What raises on them is no optimizer, unless it says by its first argument's name that it takes weights: what that raises
    comes through, if it lacks no argument.
    """
    if isinstance(target, type):
        return callable(getattr(target, "step", None))
    raised: Exception | None = None
    for filled in (0.5, np.full(3, 0.5)):
        for weights in (np.zeros(3), [np.zeros(3), np.zeros((2, 2))], np.zeros((2, 2))):
            try:
                return callable(getattr(_tried(sorted_, weights, filled), "step", None))
            except Exception as error:  # any function at all may have come here, and may raise anything
                raised = raised or error
    takes_weights = first_parameter(target) in WEIGHT_NAMES
    if takes_weights and not sorted_.required and raised is not None:
        raise raised
    return takes_weights


def _tried(sorted_: Signature, weights: Any, filled: Any) -> Any:
    """What a maker gives when what it requires is ``filled`` in."""
    complete = replace(sorted_, values={**sorted_.values, **dict.fromkeys(sorted_.required, filled)}, required=())
    complete = replace(complete, told=sorted_.told | set(sorted_.required))
    with _quiet():
        return complete.call(weights, rate=sorted_.started_at(), arguments={})


def _steps_lists(sorted_: Signature) -> bool:
    """Whether a list of two arrays of different shapes, or of two matrices, is stepped to another such list, of which both have
    moved."""
    return any(_steps(sorted_, [np.full(shape, 0.5) for shape in shapes]) for shapes in (((3,), (2, 2)), ((2, 2), (2, 3))))


def _steps(sorted_: Signature, weights: Sequence[np.ndarray]) -> bool:
    try:
        with _quiet():
            handed = list(map(np.copy, weights))
            run = PlainRun(_tried(sorted_, handed, 0.5), handed, several=True)
            for _ in range(TRIED):
                run.step([np.full_like(w, 0.25) for w in weights], sorted_.started_at())
            after = run.weights()
        return all(one.shape == w.shape and (one != w).any() for one, w in zip(after, weights, strict=True))
    except Exception:  # what takes one array may raise anything on a list
        return False


@contextmanager
def _quiet() -> Iterator[None]:
    with redirect_stdout(io.StringIO()), np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


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
