"""torch optimizers as black boxes: a subclass of ``torch.optim.Optimizer``, or a callable of parameters that gives one."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
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
    known = _known(target, given)
    if wanted := [argument for argument in known.required if argument in PARAMETER_NAMES]:
        first = first_parameter(target)
        raise BoxError(f"{name} is made of {first}, not of {wanted[0]}: give what makes it, such as lambda params: {name}(…)")
    if not makes(target, optim.Optimizer) and not _gives(known, optim.Optimizer):
        return None
    trial = None if known.required else _trial(name, known, {})
    held = {} if trial is None else settled(known, lambda arguments: _held(_trial(name, known, arguments).defaults))
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
        wants_closure=trial is not None and _wants_closure(trial),
    )


def _known(target: Callable[..., Any], given: Mapping[str, Any]) -> Signature:
    """The arguments; a rate that is a tensor is handed over as one."""
    import torch

    numeric = {path: value.item() if _is_scalar(value) else value for path, value in given.items()}
    known = signature(target, numeric, passed=("defaults",))
    rate = given.get(known.rate_name, known.values.get(known.rate_name))
    if not _is_scalar(rate):
        return known
    as_rate = partial(torch.full_like, rate)
    return replace(known, values={**known.values, known.rate_name: rate.item()}, as_rate=as_rate)


def _is_scalar(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor) and value.numel() == 1


def _gives(known: Signature, kind: type) -> bool:
    """Whether a function gives an optimizer, by what comes back; one that raises though it lacks nothing is taken at its first
    argument's name."""
    try:
        return isinstance(known.call([_leaf(np.zeros((2, 2)))], rate=0.125, arguments=dict.fromkeys(known.required, 0.5)), kind)
    except Exception:  # any function at all may have come here, and may raise anything
        return not known.required


def _held(defaults: Mapping[str, Any]) -> dict[str, float]:
    rates = {name: defaults[name].item() for name in RATE_NAMES if _is_scalar(defaults.get(name))}
    return numbers({**defaults, **rates})


def _wants_closure(optimizer: Optimizer) -> bool:
    """Whether a step is not taken without a closure, and is with one."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for parameter in parameters:
        parameter.grad = parameter.detach() + 1
    try:
        optimizer.step()
    except Exception:  # an optimizer may refuse in any way
        try:
            _step(optimizer, _Closure([(p, p.detach() + 1) for p in parameters]))
        except Exception:  # it is not for want of a closure
            return False
        return True
    return False


def _step(optimizer: Any, closure: _Closure | None) -> None:
    if closure is None:
        optimizer.step()
    else:
        optimizer.step(closure)


@dataclass
class _Closure:
    """What evaluates the loss anew: open loop, so that the gradients are what they were."""

    handed: Sequence[tuple[torch.Tensor, torch.Tensor | None]]

    def __call__(self, *_: Any, **__: Any) -> torch.Tensor:
        import torch

        for parameter, gradient in self.handed:
            parameter.grad = gradient
        return torch.zeros((), dtype=self.handed[0][0].dtype)


@dataclass(frozen=True, kw_only=True)
class TorchBox(Box):
    """``settled`` are numbers that the optimizer's groups hold although its maker does not take them, such as the momentum of
    ``lambda params, lr: SGD(params, lr, momentum=0.9)``: they are changed in the groups, where a scheduler would."""

    signature: Signature
    settled: Mapping[str, float] = field(default_factory=dict)
    wants_closure: bool = False

    def start(self, weights: Sequence[np.ndarray], rate: float, arguments: Mapping[str, float]) -> TorchRun:
        parameters = [_leaf(array) for array in weights]
        own = {path: number for path, number in arguments.items() if path not in self.settled}
        optimizer = _made(self.name, self.signature, parameters, rate, own)
        moved = {
            path: arguments[path] for path in self.settled if arguments.get(path, self.settled[path]) != self.settled[path]
        }
        if moved and optimizer.state:
            raise BoxError(f"{self.name} uses {', '.join(moved)} when it is made: let what makes it take them as arguments")
        run = TorchRun(optimizer, parameters, self.wants_closure)
        run.set_in_groups(moved)
        return run


class TorchRun(Run):
    """An optimizer over leaf tensors, one for each array, stepped with a closure if it ``wants`` one. Saved and restored are
    its state_dict and the weights."""

    def __init__(self, optimizer: Optimizer, parameters: list[torch.Tensor], wants: bool = False):
        self._optimizer, self._parameters, self._wants_closure = optimizer, parameters, wants
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
                    _set_rate(group, name, rate)
        _step(self._optimizer, _Closure([(p, p.grad) for p in self._parameters]) if self._wants_closure else None)

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
        _group_as_saved(self._optimizer.param_groups, [len(group["params"]) for group in state["param_groups"]])
        self._optimizer.load_state_dict(state)
        with torch.no_grad():
            for parameter, array in zip(self._parameters, saved["weights"], strict=True):
                parameter.copy_(to_torch(array))

    def add(self, weights: np.ndarray) -> None:
        self._parameters.append(_leaf(weights))
        self._optimizer.add_param_group({"params": [self._parameters[-1]]})


def _set_rate(group: dict[str, Any], name: str, rate: float) -> None:
    """A rate that is a tensor stays one; a new one, since the optimizer may hold its maker's own."""
    import torch

    group[name] = torch.full_like(group[name], rate) if _is_scalar(group[name]) else float(rate)


def _leaf(array: np.ndarray) -> torch.Tensor:
    return to_torch(array).requires_grad_()


def _made(name: str, known: Signature, parameters: list[Any], rate: float, arguments: Mapping[str, float]) -> Optimizer:
    """The optimizer; what torch says against its arguments becomes a BoxError."""
    from torch.optim import Optimizer

    try:
        made = known.call(parameters, rate=rate, arguments=arguments)
    except BoxError:
        raise
    except _REFUSALS as error:
        raise BoxError(f"{name}: {error}") from error
    except Exception as error:  # an optimizer may refuse its arguments in any way
        raise BoxError(f"{name} raised {type(error).__name__}: {error}") from error
    if not isinstance(made, Optimizer):
        raise BoxError(f"{name} gave {named(type(made))}, not a torch.optim.Optimizer")
    return made


def _trial(name: str, known: Signature, arguments: Mapping[str, float]) -> Optimizer:
    """An optimizer of a small matrix, to see what its groups hold."""
    return _made(name, known, [_leaf(np.zeros((2, 2)))], known.started_at(), arguments)


def _group_as_saved(groups: list[dict[str, Any]], sizes: Sequence[int]) -> None:
    """Cut an optimizer's groups as those were that are loaded into it, which may have got weights at another time: a group may
    count its own steps."""
    if [len(group["params"]) for group in groups] != sizes:
        parameters = iter([parameter for group in groups for parameter in group["params"]])
        groups[:] = [{**groups[0], "params": list(islice(parameters, size))} for size in sizes]
