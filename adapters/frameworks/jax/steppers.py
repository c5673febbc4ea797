"""Natives' optimizers over a trace: optax and jax.example_libraries behind one face, eager or compiled step by step."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from .arrays import on_device
from .compiled import KEPT, Settings


class Stepper(NamedTuple):
    """What an optax transformation and an example_libraries optimizer have in common.

    ``start(parameters)`` and ``advance(index, gradients, state)`` give a state, ``parameters(state)`` reads it.
    ``apart(state)`` is what a user keeps of it, and ``joined(state, kept)`` goes on from that.
    """

    start: Callable[..., Any]
    advance: Callable[..., Any]
    parameters: Callable[..., Any]
    apart: Callable[..., Any]
    joined: Callable[..., Any]


def stepper(optimizer: Any) -> Stepper:
    if hasattr(optimizer, "update_fn"):
        whole = optimizer.init_fn, optimizer.update_fn, optimizer.params_fn
        return Stepper(*whole, apart=lambda state: state, joined=lambda _, state: state)
    import optax

    def advance(_: Any, gradients: Any, state: Any) -> Any:
        parameters, inner = state
        updates, inner = optimizer.update(gradients, inner, parameters)
        return optax.apply_updates(parameters, updates), inner

    return Stepper(
        start=lambda parameters: (parameters, optimizer.init(parameters)),
        advance=advance,
        parameters=lambda state: state[0],
        apart=lambda state: state[1],
        joined=lambda state, inner: (state[0], inner),
    )


def branches(one: Stepper, parameters: Any) -> bool:
    """Whether a step has loops or branches, which JAX compiles anew at every call where it runs eagerly; False for one that
    cannot be traced."""
    import jax

    try:
        jaxpr = jax.make_jaxpr(lambda w: one.advance(0, w, one.start(w)))(parameters)
    except Exception:  # what cannot be traced runs eagerly; what it raises there is reported with its step
        return False
    return _branches(jaxpr.jaxpr)


def _branches(jaxpr: Any) -> bool:
    inner = (getattr(part, "jaxpr", part) for equation in jaxpr.eqns for part in equation.params.values())
    return any(equation.primitive.name in ("scan", "while", "cond") for equation in jaxpr.eqns) or any(
        _branches(part) for part in inner if hasattr(part, "eqns")
    )


@lru_cache(maxsize=KEPT)
def maker(expression: str, names: Settings, hyper: Settings) -> Callable[[Any], Stepper]:
    """rates -> the optimizer, with hyperparameters as the Python floats a user writes."""
    code = compile(expression, f"<{expression}>", "eval")
    known = {name: importlib.import_module(module) for name, module in names} | dict(hyper)

    def make(rates: Any) -> Stepper:
        return stepper(eval(code, {**known, "rate": lambda count: rates[count]}))

    return make


@lru_cache(maxsize=KEPT)
def compiled_step(make: Callable[[Any], Stepper]) -> Callable[..., Any]:
    """One step, compiled as a user would: once for the optimizer, its hyperparameters, and the parameters' shapes.

    Hyperparameters are constants to the compiler, which folds them; traced, they would save compilations, but be rounded in
    another order than a user's. Rates are an argument: they change from trace to trace.
    """
    import jax

    return jax.jit(lambda index, gradients, state, rates: make(rates).advance(index, gradients, state))


_ROOM = 32


def rate_table(rates: tuple[float, ...], dtype: np.dtype) -> np.ndarray:
    """The rates for a schedule to look up, padded to few different lengths; a look-up behind the last one gives NaN."""
    length = (len(rates) // _ROOM + 1) * _ROOM
    return np.array([*rates, *[np.nan] * (length - len(rates))]).astype(dtype)


def as_layer(vector: np.ndarray) -> dict[str, Any]:
    """A flat vector as the parameters of a layer; one element is a weight without a bias."""
    half = (vector.size + 1) // 2
    parts = {"W": vector[:half], "b": vector[half:]}
    return on_device({name: part for name, part in parts.items() if part.size})


def flat(layer: Mapping[str, Any]) -> np.ndarray:
    return np.concatenate([np.asarray(layer[name]) for name in ("W", "b") if name in layer])
