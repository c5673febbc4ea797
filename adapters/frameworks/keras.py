"""Keras 3: its optimizers as black boxes, on whichever backend Keras has been imported with.

Keras keeps the learning rate in a variable of ``keras.config.floatx()``, float32 unless changed, whatever the weights' dtype.
Adam's powers of β are computed in the weights' dtype. Source: https://keras.io/api/optimizers/
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..box import Box, Run
from ..contract import Framework
from ..errors import BoxError, Unsupported
from ..signature import Signature, makes, named, signature, takes_a_rate_only

_REFUSALS = (TypeError, ValueError)  # what Keras raises for arguments that do not fit


class KerasRun(Run):
    """An optimizer, built for a variable for each array. Saved and restored are its variables and the weights."""

    def __init__(self, optimizer: Any, weights: Sequence[np.ndarray]):
        self._optimizer = optimizer
        self._variables = [
            _keras().Variable(array, dtype=array.dtype.name, name=f"weights_{i}") for i, array in enumerate(weights)
        ]
        self._handed: list[tuple[Any, bytes]] = []
        optimizer.build(self._variables)

    def step(self, gradients: Sequence[np.ndarray | None], rate: float) -> None:
        if all(gradient is None for gradient in gradients):
            raise Unsupported("Keras takes no step in which no variable has a gradient")
        tensors = [None if g is None else _keras().ops.convert_to_tensor(g.copy(), dtype=g.dtype.name) for g in gradients]
        self._handed = [(tensor, _array(tensor).tobytes()) for tensor in tensors if tensor is not None]
        self._optimizer.learning_rate = float(rate)
        with _quiet():
            self._optimizer.apply(tensors, self._variables)

    def weights(self) -> list[np.ndarray]:
        return [_array(variable.value) for variable in self._variables]

    def changed(self) -> tuple[str, ...]:
        kept = all(_array(tensor).tobytes() == bits for tensor, bits in self._handed)
        return () if kept else ("gradients",)

    def save(self) -> Any:
        return {"optimizer": [_array(variable.value) for variable in self._optimizer.variables], "weights": self.weights()}

    def restore(self, saved: Any) -> None:
        own = {"optimizer": self._optimizer.variables, "weights": self._variables}
        for name, variables in own.items():
            if len(variables) != len(saved[name]):
                raise Unsupported("the state was saved with other weight arrays")
            for variable, array in zip(variables, saved[name], strict=True):
                variable.assign(array.copy())


@dataclass(frozen=True, kw_only=True)
class KerasBox(Box):
    """An optimizer class with what was given for it."""

    signature: Signature

    def start(self, weights: Sequence[np.ndarray], rate: float, arguments: Mapping[str, float]) -> KerasRun:
        return KerasRun(_made(self.name, self.signature, rate, arguments), weights)


class Keras(Framework):
    """Classes, made optimizers and factories; of the latter two, the class and the configuration are what counts."""

    name = "keras"
    package = "keras"
    distributions = ("keras",)
    modules: ClassVar[Mapping[str, str]] = {"keras": "keras"}

    def versions(self) -> dict[str, str]:
        keras = sys.modules.get("keras")
        return {**super().versions(), **({"backend": keras.config.backend()} if keras else {})}

    def box(self, target: Any, name: str, given: Mapping[str, Any]) -> KerasBox | None:
        keras = sys.modules.get("keras")
        if keras is None:
            return None
        if not makes(target, keras.optimizers.Optimizer):
            is_made = isinstance(target, keras.optimizers.Optimizer)
            made = target if is_made else _tried(target, given)
            if not isinstance(made, keras.optimizers.Optimizer):
                return None
            target, given = type(made), {**_configuration(made), **(given if is_made else {})}
        known = signature(target, given, skipped=0, closed=True)
        if not known.required:
            _made(name, known, known.started_at(), {})
        return KerasBox(
            name=name,
            framework="keras",
            versions=self.versions(),
            arguments=known.arguments,
            required=known.required,
            rate=known.rate,
            flags=known.flags,
            dtypes=_dtypes(),
            signature=known,
        )


def _keras() -> Any:
    return importlib.import_module("keras")


def _tried(target: Any, given: Mapping[str, Any]) -> Any:
    """What a factory makes when it gets nothing but a learning rate; None where it needs more."""
    if not callable(target) or not takes_a_rate_only(target):
        return None
    known = signature(target, given, skipped=0)
    return known.call(rate=known.started_at(), arguments={})


def _configuration(optimizer: Any) -> dict[str, Any]:
    """What an optimizer was made with, where it differs from the defaults of its class."""
    defaults = signature(type(optimizer), {}, skipped=0).values
    with _quiet():
        config = optimizer.get_config()
    return {name: value for name, value in config.items() if name != "name" and value != defaults.get(name)}


def _made(name: str, known: Signature, rate: float, arguments: Mapping[str, float]) -> Any:
    """The optimizer; what Keras says against its arguments becomes a BoxError."""
    try:
        made = known.call(rate=rate, arguments=arguments)
    except _REFUSALS as error:
        raise error if isinstance(error, BoxError) else BoxError(f"{name}: {error}") from error
    if not isinstance(made, _keras().optimizers.Optimizer):
        raise BoxError(f"{name} gave {named(type(made))}, not a keras.optimizers.Optimizer")
    return made


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what Keras warns of in its own house: it asks torch's tensors for arrays in a way that NumPy 2 deprecates."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        warnings.filterwarnings("ignore", "Gradients do not exist for variables", UserWarning)
        yield


def _array(tensor: Any) -> np.ndarray:
    with _quiet():
        return np.array(_keras().ops.convert_to_numpy(tensor))


def _dtypes() -> tuple[str, ...]:
    """JAX has no float64 unless it was asked for."""
    every = ("float64", "float32", "bfloat16", "float16")
    wide = _keras().config.backend() != "jax" or sys.modules["jax"].config.jax_enable_x64
    return every if wide else every[1:]


ADAPTER = Keras()
