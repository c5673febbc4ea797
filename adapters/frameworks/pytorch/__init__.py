"""PyTorch: its two routes into automatic differentiation, its namespace, its natives and its optimizers.

Importing this package does not import torch. No thread count, default dtype, flush mode or random state is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ...box import Box
from ...contract import Adapter, Function, MapProgram, Native, Program, Pullback, Pushforward, Trace
from ...errors import Unsupported
from .arrays import Namespace, to_numpy, to_torch
from .boxes import box
from .differentiation import forward_by_duals, forward_by_func, load_forward_mode, reverse_by_func, reverse_by_graph
from .natives import NATIVES
from .scripts import map_script, native_script, printed_script

if TYPE_CHECKING:
    import torch

    from ....reference.formula import Optimizer
    from ....reference.vocabulary import Reading


class PyTorch(Adapter):
    """PyTorch on the CPU: "eager" is torch.autograd and forward_ad, "func" is torch.func."""

    name = "pytorch"
    package = "torch"
    distributions = ("torch",)
    modules = {"torch": "torch"}  # noqa: RUF012 (a ClassVar by the contract)
    compilers = ("torch._dynamo.convert_frame", "torch._inductor.compile_fx")
    map_modes = ("eager", "func")
    natives = NATIVES

    @property
    def namespace(self) -> Namespace:
        return Namespace()

    def pull_back(
        self, function: Function, inputs: Mapping[str, np.ndarray], wrt: tuple[str, ...], cotangent: np.ndarray, mode: str
    ) -> Pullback:
        tensors = {name: to_torch(value) for name, value in inputs.items()}
        reverse = reverse_by_func if mode == "func" else reverse_by_graph
        value, cotangents = reverse(function, tensors, wrt, to_torch(cotangent))
        return Pullback(to_numpy(value), {name: to_numpy(bar) for name, bar in zip(wrt, cotangents, strict=True)})

    def push_forward(
        self, function: Function, inputs: Mapping[str, np.ndarray], tangents: Mapping[str, np.ndarray], mode: str
    ) -> Pushforward:
        tensors = {name: to_torch(value) for name, value in inputs.items()}
        directions = {name: to_torch(value) for name, value in tangents.items()}
        load_forward_mode()
        forward = forward_by_func if mode == "func" else forward_by_duals
        try:
            value, tangent = forward(function, tensors, directions)
        except NotImplementedError as error:
            raise Unsupported(str(error)) from error
        return Pushforward(to_numpy(value), to_numpy(tangent))

    def optimize(self, native: Native, trace: Trace, mode: str) -> np.ndarray:
        parameters = _parts(to_torch(trace.weights))
        optimizer = _construct(native, self.names(), parameters, trace)
        weights = np.empty((trace.steps, trace.weights.size), trace.weights.dtype)
        for t, (rate, gradient) in enumerate(zip(trace.rates, to_torch(trace.gradients), strict=True)):
            for group in optimizer.param_groups:
                group["lr"] = rate
            for parameter, part in zip(parameters, _parts(gradient), strict=True):
                parameter.grad = part
            optimizer.step()
            weights[t] = np.concatenate([to_numpy(parameter) for parameter in parameters])
        return weights

    def run_update(self, update: Function, trace: Trace, mode: str) -> np.ndarray:
        w = to_torch(trace.weights)
        steps = update(self.namespace, w, list(to_torch(trace.gradients)), list(trace.rates), dict(trace.hyper))
        weights = np.empty((trace.steps, trace.weights.size), trace.weights.dtype)
        for t, after in enumerate(steps):
            weights[t] = to_numpy(after)
        return weights

    def box(self, target: Any, name: str, given: Mapping[str, Any]) -> Box | None:
        return box(target, name, given, self.versions)

    def realise(self, formula: Optimizer, reading: Reading) -> Callable[..., Any]:
        """The reading as a subclass of ``torch.optim.Optimizer``: ``(params, lr, *, <its hyperparameters, with defaults>)``.

        Its step is the formula's own, elementwise for each parameter, with the state's fields in ``state[p]``. Hyperparameters
        that no option of the reading uses are not taken. Raises ArgumentError, as its constructor does, for a value that is out
        of its range.
        """
        from .realised import realised

        return realised(formula, reading)

    def script(self, program: Program) -> str:
        if isinstance(program, MapProgram):
            return map_script(program)
        return native_script(program) if program.expression else printed_script(program)


def _parts(vector: torch.Tensor) -> list[torch.Tensor]:
    """A flat vector as two tensors, such as W and b, each in memory of its own; one element is one tensor."""
    return [part.clone() for part in vector.tensor_split(2) if part.numel()]


def _construct(native: Native, modules: Mapping[str, Any], parameters: list[torch.Tensor], trace: Trace) -> Any:
    """The optimizer, which may not exist in this form; Unsupported then carries torch's own words."""
    taken = {name: trace.hyper[name] for name in native.takes}
    names = {**modules, **native.fixed, **taken, "w": parameters, "rate": trace.rates[0]}
    try:
        return eval(native.code, names)
    except (TypeError, RuntimeError) as error:
        raise Unsupported(f"{native.expression}: {error}") from error


ADAPTER = PyTorch()
