"""MLX: its optimizers as black boxes, on its default device.

MLX keeps the learning rate as a float32 scalar, and computes Adam's 1-βᵗ in float32, whatever the weights' dtype; its other
hyperparameters are Python floats. Source: https://ml-explore.github.io/mlx/build/html/python/optimizers/optimizer.html
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from ..box import Box, Run
from ..contract import Framework
from ..errors import BoxError, Unsupported
from ..signature import Signature, makes, named, numbers, put, settled, signature, takes_a_rate_only

_REFUSALS = (TypeError, ValueError)  # what MLX raises for arguments that do not fit


class MLXRun(Run):
    """An optimizer over a dict of parameters. Saved and restored are its state and the weights."""

    def __init__(self, optimizer: Any, weights: Sequence[np.ndarray]):
        self._optimizer = optimizer
        self._parameters: dict[str, Any] = {}
        self._handed: list[tuple[Any, bytes]] = []
        for array in weights:
            self.add(array)

    def add(self, weights: np.ndarray) -> None:
        self._parameters[f"weights_{len(self._parameters)}"] = _to_mlx(weights)
        self._optimizer.init(self._parameters)  # leaves the state of those it knows as it is

    def step(self, gradients: Sequence[np.ndarray | None], rate: float) -> None:
        mx = _mx()
        tree = {key: _to_mlx(g) for key, g in zip(self._parameters, gradients, strict=True) if g is not None}
        self._handed = [(array, _to_numpy(array).tobytes()) for array in tree.values()]
        self._optimizer.learning_rate = float(rate)
        self._parameters.update(self._optimizer.apply_gradients(tree, self._parameters))
        mx.eval(self._parameters, self._optimizer.state)

    def weights(self) -> list[np.ndarray]:
        return [_to_numpy(array) for array in self._parameters.values()]

    def changed(self) -> tuple[str, ...]:
        kept = all(_to_numpy(array).tobytes() == bits for array, bits in self._handed)
        return () if kept else ("gradients",)

    def save(self) -> Any:
        return {"state": _copied(self._optimizer.state), "weights": _copied(self._parameters)}

    def restore(self, saved: Any) -> None:
        if saved["weights"].keys() != self._parameters.keys():
            raise Unsupported("the state was saved with other weight arrays")
        self._optimizer.state = _copied(saved["state"])
        self._parameters = _copied(saved["weights"])


@dataclass(frozen=True, kw_only=True)
class MLXBox(Box):
    """``settled`` are numbers that a factory gives its optimizer without taking them: they are changed in its attributes."""

    signature: Signature
    settled: Mapping[str, float] = field(default_factory=dict)

    def start(self, weights: Sequence[np.ndarray], rate: float, arguments: Mapping[str, float]) -> MLXRun:
        own = {path: number for path, number in arguments.items() if path not in self.settled}
        optimizer = _made(self.name, self.signature, rate, own)
        for path in self.settled.keys() & arguments.keys():
            put(vars(optimizer), path, arguments[path])
        return MLXRun(optimizer, weights)


class MLX(Framework):
    """Classes and factories."""

    name = "mlx"
    package = "mlx"
    distributions = ("mlx",)
    modules: ClassVar[Mapping[str, str]] = {"mx": "mlx.core", "optim": "mlx.optimizers"}

    def install_command(self) -> str:
        return "pip install mlx" if sys.platform == "darwin" else "pip install 'mlx[cpu]'"

    def box(self, target: Any, name: str, given: Mapping[str, Any]) -> MLXBox | None:
        optimizers = sys.modules.get("mlx.optimizers")
        if optimizers is None:
            return None
        if isinstance(target, optimizers.Optimizer):
            kind = named(type(target))
            raise BoxError(f"{name} has been made already: give {kind} with its arguments, or lambda learning_rate: {kind}(…)")
        if not callable(target) or not _makes_optimizers(target, optimizers.Optimizer):
            return None
        known = signature(target, given, skipped=0)
        held = (
            {} if known.required else settled(known, lambda arguments: _held(_made(name, known, known.started_at(), arguments)))
        )
        return MLXBox(
            name=name,
            framework="mlx",
            versions=self.versions(),
            arguments={**known.arguments, **held},
            required=known.required,
            rate=known.rate,
            flags=known.flags,
            dtypes=_dtypes(),
            signature=known,
            settled=held,
        )


def _mx() -> Any:
    return importlib.import_module("mlx.core")


def _makes_optimizers(target: Callable[..., Any], kind: type) -> bool:
    if makes(target, kind):
        return True
    return takes_a_rate_only(target) and isinstance(signature(target, {}, skipped=0).call(rate=0.125, arguments={}), kind)


def _made(name: str, known: Signature, rate: float, arguments: Mapping[str, float]) -> Any:
    """The optimizer; what MLX says against its arguments becomes a BoxError."""
    try:
        made = known.call(rate=rate, arguments=arguments)
    except _REFUSALS as error:
        raise error if isinstance(error, BoxError) else BoxError(f"{name}: {error}") from error
    if not isinstance(made, importlib.import_module("mlx.optimizers").Optimizer):
        raise BoxError(f"{name} gave {named(type(made))}, not an mlx.optimizers.Optimizer")
    return made


def _held(optimizer: Any) -> dict[str, float]:
    return numbers({name: value for name, value in vars(optimizer).items() if not name.startswith("_")})


def _to_mlx(array: np.ndarray) -> Any:
    mx = _mx()
    readable = array.astype(np.float32) if array.dtype.name == "bfloat16" else array
    return mx.array(readable, dtype=getattr(mx, array.dtype.name))  # unasked, float64 would become float32


def _to_numpy(array: Any) -> np.ndarray:
    mx = _mx()
    if array.dtype == mx.bfloat16:
        import ml_dtypes

        return np.array(array.astype(mx.float32)).astype(ml_dtypes.bfloat16)
    return np.array(array)


def _copied(tree: Any) -> Any:
    """Arrays of MLX can be changed in place by ``+=``."""
    mx, tree_map = _mx(), importlib.import_module("mlx.utils").tree_map
    return tree_map(lambda leaf: mx.array(leaf) if isinstance(leaf, mx.array) else leaf, tree)


def _dtypes() -> tuple[str, ...]:
    """There is float64 on the CPU only."""
    mx = _mx()
    every = ("float64", "float32", "bfloat16", "float16")
    return every if mx.default_device() == mx.Device(mx.cpu) else every[1:]


ADAPTER = MLX()
