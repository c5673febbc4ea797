"""The two-layer network of the benchmarks: 64 features, 64 hidden, 32 examples, 1 output, 4,225 parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
from gradspec.reference.lines import mlp, mlp2
from gradspec.reference.pieces.activations import one_minus_z, sigmoid
from gradspec.reference.pieces.squared_error import number_of_examples

FEATURES, HIDDEN, EXAMPLES = 64, 64, 32
PARAMETERS = ("W1", "b1", "w2", "b2")
Z, GRAD_W, GRAD_B = mlp.Z.standard, mlp.grad_W.standard, mlp.grad_b.standard  # readings


def inputs() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    normal = generator.normal
    return {
        "W1": normal(size=(HIDDEN, FEATURES)) / 8,
        "b1": normal(size=(HIDDEN, 1)),
        "w2": normal(size=(1, HIDDEN)) / 8,
        "b2": normal(size=(1, 1)),
        "X": normal(size=(FEATURES, EXAMPLES)),
        "y": normal(size=(1, EXAMPLES)),
    }


def gradients(xp: Any, W1: Any, b1: Any, w2: Any, b2: Any, X: Any, y: Any) -> tuple[Any, ...]:
    """The gradients of all parameters in any arithmetic: the bodies of lines 15-25, each evaluated once."""
    Z1 = _layer(xp, W1, X, b1)
    A = sigmoid(xp, Z1)
    y_hat = _layer(xp, w2, A, b2)
    delta2 = mlp2.squared_error_vjp(xp, xp.asarray(1), y_hat, y, normaliser=number_of_examples)["y_hat"]
    delta1 = one_minus_z(xp, w2.T @ delta2, Z1, A)  # torch and JAX evaluate the slope so
    return (*_of_layer(xp, delta1, W1, X, b1), *_of_layer(xp, delta2, w2, A, b2))


def _layer(xp: Any, W: Any, X: Any, b: Any) -> Any:
    return mlp.Z.value_in(xp, {"W": W, "A_prev": X, "b": b}, Z)


def _of_layer(xp: Any, delta: Any, W: Any, X: Any, b: Any) -> tuple[Any, Any]:
    layer = {"W": W, "A_prev": X, "b": b}
    return (
        mlp.grad_W.vjp_in(xp, delta, layer, GRAD_W)["W"],
        mlp.grad_b.vjp_in(xp, delta, layer, GRAD_B)["b"],
    )
