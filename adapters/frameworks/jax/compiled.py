"""Functions with their vjp or jvp, eager or compiled; compiled forms are kept for as long as they may be asked for again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from ...contract import Function
from .arrays import NAMESPACE

# A campaign goes through its cells one by one and a cell has a few functions (one for each setting), each in a few shapes,
# which jax.jit tells apart itself. What is no longer asked for is dropped with its executables.
KEPT = 16

Settings = tuple[tuple[str, Any], ...]


def sorted_out(inputs: Mapping[str, Any]) -> tuple[dict[str, Any], Settings]:
    """The arrays among the inputs, and the settings, such as g="relu", that a compiled form is specific to."""
    arrays = {name: value for name, value in inputs.items() if isinstance(value, np.ndarray)}
    return arrays, tuple(sorted((name, value) for name, value in inputs.items() if name not in arrays))


@lru_cache(maxsize=KEPT)
def reverse(function: Function, settings: Settings, wrt: tuple[str, ...], mode: str) -> Callable[..., tuple[Any, Any]]:
    """(arrays, cotangent) -> value and cotangents; compiled as a whole if ``mode`` is "jit"."""
    import jax

    def value_and_cotangents(arrays: Mapping[str, Any], cotangent: Any) -> tuple[Any, Any]:
        def primal(chosen: Mapping[str, Any]) -> Any:
            return function(**{**arrays, **chosen}, **dict(settings))

        value, pull = jax.vjp(primal, {name: arrays[name] for name in wrt})
        return value, pull(cotangent)[0]

    return jax.jit(value_and_cotangents) if mode == "jit" else value_and_cotangents


@lru_cache(maxsize=KEPT)
def forward(function: Function, settings: Settings, mode: str) -> Callable[..., tuple[Any, Any]]:
    """(arrays, tangents) -> value and tangent; compiled as a whole if ``mode`` is "jit"."""
    import jax

    def value_and_tangent(arrays: Mapping[str, Any], tangents: Mapping[str, Any]) -> tuple[Any, Any]:
        def primal(chosen: Mapping[str, Any]) -> Any:
            return function(**{**arrays, **chosen}, **dict(settings))

        return jax.jvp(primal, ({name: arrays[name] for name in tangents},), (tangents,))

    return jax.jit(value_and_tangent) if mode == "jit" else value_and_tangent


@lru_cache(maxsize=KEPT)
def compiled_update(update: Function) -> Callable[..., Any]:
    """A printed update over a whole trace as one program.

    Rates and hyperparameters are traced as the weakly typed scalars that Python floats become: one compilation serves every
    trace of the same length. The steps are unrolled, so that compiling costs about 50 ms a step.
    """
    import jax

    return jax.jit(lambda w, gradients, rates, hyper: update(NAMESPACE, w, gradients, rates, hyper))
