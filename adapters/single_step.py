"""A single step as a function: ``step(p, g, m, v, t, lr, …)`` gives what follows, and the one who calls keeps the state.

Which argument is what is seen from the names of the gradient, the rate and the counter, and from what comes back.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from .box import Box, Run
from .errors import BoxError, Unsupported
from .signature import Signature, signature

GRADIENT_NAMES = ("g", "grad", "grads", "gradient", "gradients", "dw", "dp", "dtheta")
COUNTER_NAMES = ("t", "step", "steps", "step_count", "count", "iteration", "i", "k", "n")


@dataclass(frozen=True)
class Roles:
    """What a step's arguments are: the weights, the gradient, the parts of the state, and the counter if it takes one, which it
    ``counts`` itself or is told. What it does not return it changes ``in_place``."""

    weights: str
    gradient: str
    state: tuple[str, ...]
    counter: str = ""
    counts: bool = False
    in_place: bool = False

    def following(self, returned: Any, handed: Mapping[str, Any]) -> dict[str, Any]:
        """The weights, the state and the counter after a step."""
        outputs = [] if returned is None else list(returned) if isinstance(returned, tuple | list) else [returned]
        names = [self.weights, *([] if self.in_place else self.state)] if outputs else []
        if self.counts:
            at = next((i for i, output in enumerate(outputs) if np.ndim(output) == 0), len(outputs))
            names.insert(at, self.counter)
        if len(names) != len(outputs):
            raise BoxError(f"the step gave {len(outputs)} values; expected {', '.join(names)}")
        after = {**handed, **dict(zip(names, outputs, strict=True))}
        if self.counter and not self.counts:
            after[self.counter] = handed[self.counter] + 1
        return after


class SingleStepRun(Run):
    """The state that a step is given, and what came back. All of it but the counter starts at zero."""

    def __init__(self, step: Callable[..., Any], roles: Roles, weights: np.ndarray):
        self._step, self._roles = step, roles
        self._held: dict[str, Any] = {roles.weights: np.array(weights), **{n: np.zeros_like(weights) for n in roles.state}}
        if roles.counter:
            self._held[roles.counter] = 0 if roles.counts else 1
        self._changed: tuple[str, ...] = ()

    def step(self, gradients: Sequence[np.ndarray | None], rate: float) -> None:
        (gradient,) = gradients
        if gradient is None:
            raise Unsupported("a step that is a function has a gradient")
        handed, weights = gradient.copy(), self._held[self._roles.weights]
        before = np.array(weights).tobytes()
        returned = self._step({**self._held, self._roles.gradient: handed}, rate)
        moved = {"gradients": handed.tobytes() != gradient.tobytes(), "weights": np.array(weights).tobytes() != before}
        self._changed = tuple(name for name, is_moved in moved.items() if is_moved)
        self._held = self._roles.following(returned, self._held)

    def weights(self) -> list[np.ndarray]:
        return [np.array(self._held[self._roles.weights])]

    def changed(self) -> tuple[str, ...]:
        return self._changed

    def save(self) -> Any:
        return copy.deepcopy(self._held)

    def restore(self, saved: Any) -> None:
        self._held = copy.deepcopy(saved)


@dataclass(frozen=True, kw_only=True)
class SingleStepBox(Box):
    """A step, with what was given for it."""

    signature: Signature
    roles: Roles

    def start(self, weights: Sequence[np.ndarray], rate: float, arguments: Mapping[str, float]) -> SingleStepRun:
        if len(weights) != 1:
            raise Unsupported("a step that is a function takes one weight array")

        def step(held: Mapping[str, Any], rate: float) -> Any:
            return replace(self.signature, target=partial(self.signature.target, **held)).call(rate=rate, arguments=arguments)

        return SingleStepRun(step, self.roles, weights[0])


def single_step(target: Callable[..., Any], name: str, given: Mapping[str, Any], versions: Mapping[str, str]) -> Box | None:
    """``target`` as a box, if it is a step that takes its state and gives the state that follows."""
    known = signature(target, given, skipped=0)
    arrays = [argument for argument in known.required if argument not in COUNTER_NAMES]
    gradient = next((argument for argument in arrays if argument.lower() in GRADIENT_NAMES), "")
    if not (known.rate_name and gradient and len(arrays) > 1) or known.positional_only:
        return None
    others = [argument for argument in arrays if argument != gradient]
    counter = next((argument for argument in known.required if argument in COUNTER_NAMES), "")
    roles = _roles(known, others, gradient, counter)
    if roles is None:
        return None
    taken = {roles.weights, roles.gradient, roles.counter, *roles.state}
    return SingleStepBox(
        name=name,
        versions=versions,
        arguments=known.arguments,
        required=tuple(argument for argument in known.required if argument not in taken),
        rate=known.rate,
        flags=known.flags,
        several=False,
        signature=replace(known, required=tuple(argument for argument in known.required if argument not in taken)),
        roles=roles,
    )


def _roles(known: Signature, others: Sequence[str], gradient: str, counter: str) -> Roles | None:
    """By one step from small numbers: what comes back, or is changed in place, is the state; the rest are hyperparameters."""
    weights, *rest = others
    handed: dict[str, Any] = {name: np.full(3, 0.9 - 0.07 * i) for i, name in enumerate((*others, gradient))}
    first = {**handed, **({counter: 1} if counter else {})}
    before = {name: array.copy() for name, array in handed.items()}
    stepped = replace(known, target=partial(known.target, **first), required=())
    try:
        returned = stepped.call(rate=known.started_at(), arguments={})
    except Exception:  # any function at all may have come here, and may raise anything
        return None
    in_place = tuple(name for name in rest if handed[name].tobytes() != before[name].tobytes())
    outputs = [] if returned is None else list(returned) if isinstance(returned, tuple | list) else [returned]
    counted = [output for output in outputs if counter and np.ndim(output) == 0]
    arrays = [output for output in outputs if np.shape(output) == (3,)]
    moved = bool(arrays) or handed[weights].tobytes() != before[weights].tobytes()
    if not moved or len(arrays) + len(counted) != len(outputs) or len(counted) > 1 or len(arrays) > 1 + len(rest):
        return None
    state = in_place if len(arrays) < 2 else tuple(rest[: len(arrays) - 1])
    counts = bool(counted) and int(np.asarray(counted[0])) == 2
    return Roles(weights, gradient, state, counter, counts, in_place=len(arrays) < 2)
