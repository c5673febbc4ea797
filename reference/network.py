"""Backpropagation through a whole network of any depth: lines 26-31, composed. It is written over any ``xp``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .arguments import ArgumentError, suggest
from .lines import mlp, mlp2
from .namespace import Floating
from .pieces.activations import ACTIVATIONS

Layers = Sequence[tuple[Any, Any]]


class Pass(NamedTuple):
    """What one forward and one backward pass give: a list entry a layer, the first layer first."""

    Z: list[Any]
    A: list[Any]
    delta: list[Any]
    W_bar: list[Any]
    b_bar: list[Any]

    @property
    def y_hat(self) -> Any:
        return self.A[-1]


def backpropagate(
    parameters: Layers,
    activations: Sequence[str],
    X: Any,
    *,
    y: Any = None,
    cotangent: Any = None,
    normaliser: str = "examples",
    slope: str = "sigma-of-minus-x",
    kink: str = "zero",
    xp: Any = None,
) -> Pass:
    """The preactivations, activations, δ and gradients of every layer, in the standard readings unless told otherwise.

    Z[l] = W[l] A[l-1] + b[l] u, A[l] = g[l](Z[l]), δ[N] = ∂L/∂ŷ ⊙ g'[N](Z[N]), δ[l] = (W[l+1]ᵀ δ[l+1]) ⊙ g'[l](Z[l]),
    ∂L/∂W[l] = δ[l] A[l-1]ᵀ, ∂L/∂b[l] = δ[l] uᵀ.

    parameters: a pair W (h, k) and b (h, 1) for each layer, floating, dimensionless. activations: the name of g for each
    layer. X: (d, n), examples in columns. Exactly one of ``y`` (o, n), the targets of the squared error of line 18 under
    ``normaliser``, and ``cotangent`` (o, n), ∂L/∂ŷ of any other loss. ``slope``, ``kink``: the axes of lines 28 and 29.
    ``xp``: the arithmetic that all arrays belong to; NumPy in X's dtype by default.

    Raises ArgumentError. Source: the sheet, lines 26-31.
    """
    _check(parameters, activations, y, cotangent)
    xp = Floating(X.dtype) if xp is None else xp
    Z, A = _forward(xp, parameters, activations, X)
    if cotangent is None:
        cotangent = _vjp(mlp2.loss, xp, 1, {"y_hat": A[-1], "y": y}, normaliser=normaliser)["y_hat"]
    delta = _deltas(xp, parameters, activations, Z, cotangent, {"slope": slope, "kink": kink})
    layers = [({"W": W, "A_prev": below, "b": b}, d) for (W, b), below, d in zip(parameters, [X, *A], delta, strict=False)]
    W_bar = [_vjp(mlp.grad_W, xp, d, inputs)["W"] for inputs, d in layers]
    b_bar = [_vjp(mlp.grad_b, xp, d, inputs)["b"] for inputs, d in layers]
    return Pass(Z, A, delta, W_bar, b_bar)


def _forward(xp: Any, parameters: Layers, activations: Sequence[str], X: Any) -> tuple[list[Any], list[Any]]:
    Z, A = [], [X]
    for (W, b), g in zip(parameters, activations, strict=True):
        Z.append(_value(mlp.Z, xp, {"W": W, "A_prev": A[-1], "b": b}))
        A.append(_value(mlp.A, xp, {"Z": Z[-1], "g": g}))
    return Z, A[1:]


def _deltas(
    xp: Any, parameters: Layers, activations: Sequence[str], Z: list[Any], cotangent: Any, axes: Mapping[str, str]
) -> list[Any]:
    delta = [_vjp(mlp.delta_last, xp, cotangent, {"Z": Z[-1], "g": activations[-1]}, **axes)["Z"]]
    for l in range(len(Z) - 2, -1, -1):  # noqa: E741 (the sheet's name for a layer)
        W, b = parameters[l + 1]
        inputs = {"Z": Z[l], "W_next": W, "b_next": b, "g": activations[l]}
        delta.insert(0, _vjp(mlp.delta, xp, delta[0], inputs, **axes)["Z"])
    return delta


def _value(line: Any, xp: Any, inputs: Mapping[str, Any]) -> Any:
    return xp.asarray(line.value_in(xp, inputs, line.standard))


def _vjp(line: Any, xp: Any, cotangent: Any, inputs: Mapping[str, Any], **axes: str) -> dict[str, Any]:
    bars = line.vjp_in(xp, cotangent, inputs, line.reading("standard", **axes))
    return {name: xp.asarray(bar) for name, bar in bars.items()}


def _check(parameters: Layers, activations: Sequence[str], y: Any, cotangent: Any) -> None:
    if (y is None) == (cotangent is None):
        raise ArgumentError("backpropagate takes exactly one of y, the targets, and cotangent, which is ∂L/∂ŷ")
    if not parameters or len(parameters) != len(activations):
        raise ArgumentError(f"{len(parameters)} layers and {len(activations)} activations; expected one g for each layer")
    for g in activations:
        if g not in ACTIVATIONS:
            raise ArgumentError(f"unknown activation {g!r}.{suggest(g, ACTIVATIONS)}")
