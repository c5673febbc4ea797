"""torch optimizers as black boxes: a subclass of ``torch.optim.Optimizer``, or a callable of parameters that gives one."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from ...box import RATE_NAMES, Box, Run
from ...errors import BoxError, Unsupported
from ...signature import Signature, first_parameter, makes, named, numbers, put, settled, signature
from .arrays import to_numpy, to_torch

if TYPE_CHECKING:
    import torch
    from torch.optim import Optimizer

PARAMETER_NAMES = ("params", "parameters", "named_parameters", "param_groups", "model_parameters")
_REFUSALS = (TypeError, ValueError, RuntimeError)  # what torch raises for arguments that do not fit


def box(target: Any, name: str, given: Mapping[str, Any], versions: Callable[[], dict[str, str]]) -> TorchBox | None:
    """``target`` as a box, if it makes torch optimizers. Does not import torch: what is from torch has done so."""
    optim = sys.modules.get("torch.optim")
    if optim is None:
        return None
    if isinstance(target, optim.Optimizer):
        kind = type(target).__qualname__
        raise BoxError(f"{name} has been made already: give {kind} with its arguments, or lambda params: {kind}(params, …)")
    if not callable(target):
        return None
    if not makes(target, optim.Optimizer) and (isinstance(target, type) or first_parameter(target) not in PARAMETER_NAMES):
        return None
    known = signature(target, given)
    trial = None if known.required else _trial(name, known, {})
    held = {} if trial is None else settled(known, lambda arguments: numbers(_trial(name, known, arguments).defaults))
    rates = [held.pop(rate) for rate in RATE_NAMES if rate in held]
    return TorchBox(
        name=name,
        framework="pytorch",
        versions=versions(),
        arguments={**known.arguments, **held},
        required=known.required,
        rate=known.rate if known.rate_name else next(iter(rates), None),
        flags=known.flags,
        dtypes=("float64", "float32", "bfloat16", "float16"),
        rate_changes=trial is None or any(rate in trial.param_groups[0] for rate in RATE_NAMES),
        signature=known,
        settled=held,
    )


@dataclass(frozen=True, kw_only=True)
class TorchBox(Box):
    """``settled`` are numbers that the optimizer's groups hold although its maker does not take them, such as the momentum of
    ``lambda params, lr: SGD(params, lr, momentum=0.9)``: they are changed in the groups, where a scheduler would."""

    signature: Signature
    settled: Mapping[str, float] = field(default_factory=dict)

    def start(self, weights: Sequence[np.ndarray], rate: float, arguments: Mapping[str, float]) -> TorchRun:
        parameters = [_leaf(array) for array in weights]
        own = {path: number for path, number in arguments.items() if path not in self.settled}
        optimizer = _made(self.name, self.signature, parameters, rate, own)
        moved = {
            path: arguments[path] for path in self.settled if arguments.get(path, self.settled[path]) != self.settled[path]
        }
        if moved and optimizer.state:
            raise BoxError(f"{self.name} uses {', '.join(moved)} when it is made: let what makes it take them as arguments")
        run = TorchRun(optimizer, parameters)
        run.set_in_groups(moved)
        return run


class TorchRun(Run):
    """An optimizer over leaf tensors, one for each array. Saved and restored are its state_dict and the weights."""

    def __init__(self, optimizer: Optimizer, parameters: list[torch.Tensor]):
        self._optimizer, self._parameters = optimizer, parameters
        self._handed: list[tuple[torch.Tensor, torch.Tensor, bytes]] = []

    def set_in_groups(self, moved: Mapping[str, float]) -> None:
        for group in (self._optimizer.defaults, *self._optimizer.param_groups):
            for path, number in moved.items():
                put(group, path, number)

    def step(self, gradients: Sequence[np.ndarray | None], rate: float) -> None:
        self._handed = []
        for parameter, gradient in zip(self._parameters, gradients, strict=True):
            parameter.grad = None
            if gradient is not None:
                parameter.grad = handed = to_torch(gradient)
                self._handed.append((parameter, handed, gradient.tobytes()))
        for group in self._optimizer.param_groups:
            for name in RATE_NAMES:
                if name in group:
                    group[name] = float(rate)
        self._optimizer.step()

    def weights(self) -> list[np.ndarray]:
        return [to_numpy(parameter).copy() for parameter in self._parameters]

    def changed(self) -> tuple[str, ...]:
        kept = all(p.grad is handed and to_numpy(handed).tobytes() == bits for p, handed, bits in self._handed)
        return () if kept else ("gradients",)

    def save(self) -> Any:
        return {"optimizer": copy.deepcopy(self._optimizer.state_dict()), "weights": self.weights()}

    def restore(self, saved: Any) -> None:
        import torch

        # a copy: torch keeps a state of the right dtype without copying it
        state = copy.deepcopy(saved["optimizer"])
        if len(saved["weights"]) != len(self._parameters):
            raise Unsupported("the state was saved with other weight arrays")
        state["param_groups"] = _regrouped(state["param_groups"], self._optimizer.param_groups)
        self._optimizer.load_state_dict(state)
        with torch.no_grad():
            for parameter, array in zip(self._parameters, saved["weights"], strict=True):
                parameter.copy_(to_torch(array))

    def add(self, weights: np.ndarray) -> None:
        self._parameters.append(_leaf(weights))
        self._optimizer.add_param_group({"params": [self._parameters[-1]]})


def _leaf(array: np.ndarray) -> torch.Tensor:
    return to_torch(array).requires_grad_()


def _made(name: str, known: Signature, parameters: list[Any], rate: float, arguments: Mapping[str, float]) -> Optimizer:
    """The optimizer; what torch says against its arguments becomes a BoxError."""
    from torch.optim import Optimizer

    try:
        made = known.call(parameters, rate=rate, arguments=arguments)
    except _REFUSALS as error:
        raise error if isinstance(error, BoxError) else BoxError(f"{name}: {error}") from error
    if not isinstance(made, Optimizer):
        raise BoxError(f"{name} gave {named(type(made))}, not a torch.optim.Optimizer")
    return made


def _trial(name: str, known: Signature, arguments: Mapping[str, float]) -> Optimizer:
    """An optimizer of a small matrix, to see what its groups hold."""
    return _made(name, known, [_leaf(np.zeros((2, 2)))], known.started_at(), arguments)


def _regrouped(saved: list[dict[str, Any]], own: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Saved groups cut as an optimizer's own are, which may have got its weights at another time."""
    options = {name: value for name, value in saved[0].items() if name != "params"}
    indices = iter([index for group in saved for index in group["params"]])
    return [{**options, "params": list(islice(indices, len(group["params"])))} for group in own]
