"""Lines 26-37: a network of any depth in δ notation, and the two-layer example of lines 15-25 said again in it.

`reference.network` composes lines 26-31 to the backpropagation of a whole network.
"""

from __future__ import annotations

import math
from typing import Any

from ..formula import Map
from ..pieces import aliases
from ..pieces.activations import ACTIVATIONS, KINK, SLOPE, TANH_SLOPE, Slopes
from ..pieces.layers import BIAS, EXPRESSION, ONES, broadcast, of_the_biases, of_the_weights
from ..pieces.properties import BATCH_ADDITIVITY, PERMUTATION, REPLICATION
from ..pieces.squared_error import NORMALISER
from ..vocabulary import Erratum, Format, Input
from .mlp2 import (
    BATCH,
    IDENTITY,
    SQUARE,
    SQUARE_A,
    deep,
    grad_of_Z,
    head,
    head_grad_b2,
    head_grad_w2,
    layer,
    loss_of_Z,
    network_grad_W1,
    network_loss,
    outputs,
    points,
    products,
    residuals,
    saturating,
    sized,
    squared_error,
    squared_error_vjp,
)

SECTION = "Network of any depth"


# --- bodies ---------------------------------------------------------------------------------------------------------


def _Z(xp: Any, W: Any, A_prev: Any, b: Any, *, bias: Any) -> Any:
    return bias(W @ A_prev, b)


def _Z_vjp(xp: Any, delta: Any, W: Any, A_prev: Any, b: Any, *, bias: Any) -> dict[str, Any]:
    bias(W @ A_prev, b)  # raises where the printed sum has no value
    return {"W": of_the_weights(xp, delta, A_prev), "A_prev": W.T @ delta, "b": of_the_biases(xp, delta, A_prev)}


def _A(xp: Any, Z: Any, g: Any) -> Any:
    return g.value(xp, Z)


def _delta_last(xp: Any, y_hat_bar: Any, Z: Any, g: Any, *, slope: Any, kink: Any, tanh_slope: Any) -> dict[str, Any]:
    return {"Z": g.through(xp, y_hat_bar, Z, Slopes(slope, kink, tanh_slope))}


def _Z_next(xp: Any, Z: Any, W_next: Any, b_next: Any, g: Any) -> Any:
    return W_next @ g.value(xp, Z) + b_next


def _delta(
    xp: Any, delta_next: Any, Z: Any, W_next: Any, b_next: Any, g: Any, *, slope: Any, kink: Any, tanh_slope: Any
) -> dict[str, Any]:
    return {"Z": g.through(xp, W_next.T @ delta_next, Z, Slopes(slope, kink, tanh_slope))}


def _Z_broadcast(xp: Any, W: Any, A_prev: Any, b: Any) -> Any:
    return broadcast(W @ A_prev, b)


def _grad_W(xp: Any, delta: Any, W: Any, A_prev: Any, b: Any) -> dict[str, Any]:
    return {"W": of_the_weights(xp, delta, A_prev)}


def _grad_b(xp: Any, delta: Any, W: Any, A_prev: Any, b: Any) -> dict[str, Any]:
    return {"b": of_the_biases(xp, delta, A_prev)}


# The example's bodies are those of lines 18-25 under the names of δ notation.


def _loss_of_Z2(xp: Any, Z2: Any, y: Any, *, normaliser: Any) -> Any:
    return squared_error(xp, Z2, y, normaliser=normaliser)


def _delta2(xp: Any, l_bar: Any, Z2: Any, y: Any, *, normaliser: Any) -> dict[str, Any]:
    return {"Z2": squared_error_vjp(xp, l_bar, Z2, y, normaliser=normaliser)["y_hat"]}


def _loss_of_Z1(xp: Any, Z1: Any, w2: Any, b2: Any, y: Any, *, normaliser: Any) -> Any:
    return loss_of_Z(xp, Z1, w2, b2, y, normaliser=normaliser)


def _delta1(
    xp: Any, l_bar: Any, Z1: Any, w2: Any, b2: Any, y: Any, *, normaliser: Any, ones: Any, slope: Any
) -> dict[str, Any]:
    return {"Z1": grad_of_Z(xp, l_bar, Z1, w2, b2, y, normaliser=normaliser, slope=slope, ones=ones)["Z"]}


def _loss_of_A0(xp: Any, A0: Any, W1: Any, b1: Any, w2: Any, b2: Any, y: Any, *, normaliser: Any) -> Any:
    return network_loss(xp, A0, W1, b1, w2, b2, y, normaliser=normaliser)


def _grad_w1(
    xp: Any, l_bar: Any, A0: Any, W1: Any, b1: Any, w2: Any, b2: Any, y: Any, *, normaliser: Any, ones: Any, slope: Any
) -> dict[str, Any]:
    return network_grad_W1(xp, l_bar, A0, W1, b1, w2, b2, y, normaliser=normaliser, ones=ones, slope=slope)


def _grad_b1(
    xp: Any,
    l_bar: Any,
    A0: Any,
    W1: Any,
    b1: Any,
    w2: Any,
    b2: Any,
    y: Any,
    *,
    normaliser: Any,
    ones: Any,
    expression: Any,
    slope: Any,
) -> dict[str, Any]:
    Z1 = layer(xp, W1, A0, b1)
    delta1 = grad_of_Z(xp, l_bar, Z1, w2, b2, y, normaliser=normaliser, slope=slope, ones=ones)["Z"]
    return {"b1": expression(xp, delta1, A0)}


# --- shapes ---------------------------------------------------------------------------------------------------------

_SHEET = {"k": 4, "h": 2, "m": 1, "n": 3}
_BUCKETS = (_SHEET, {"k": 3, "h": 2, "m": 1, "n": 1}, {"k": 3, "h": 2, "m": 1, "n": 2}, {"k": 2, "h": 3, "m": 2, "n": 4})
_ONE_EXAMPLE = _BUCKETS[1]


def _sized(*symbols: str) -> dict[str, Any]:
    """The shape buckets of a layer: the sheet's first layer, one example, a square Z, several outputs."""
    sheet, *others = ({symbol: bucket[symbol] for symbol in symbols} for bucket in _BUCKETS)
    return {"sheet_sizes": sheet, "other_sizes": tuple(others), "batch_axis": "n"}


# --- hard points ----------------------------------------------------------------------------------------------------


def _activations(f: Format) -> dict[str, dict[str, Any]]:
    """Hard preactivations of each g."""
    edge, inf = -math.log(f.unit_roundoff), float("inf")
    kinks = {
        "the kink": [0.0, -0.0],
        "beside the kink": [f.smallest_subnormal, -f.smallest_subnormal, 0.0],
        "infinities": [inf, -inf, 1.0],
        "a NaN": [1.0, float("nan"), -1.0],
    }
    tails = {"where tanh rounds to 1": [edge / 2 - 1, edge / 2 + 1, -edge], "a straight tanh": [f.smallest_normal, -1e-3]}
    return {
        **{f"sigmoid: {name}": {"g": "sigmoid", **given} for name, given in saturating("Z")(f).items()},
        **{f"relu: {name}": {"g": "relu", "Z": z} for name, z in kinks.items()},
        **{f"tanh: {name}": {"g": "tanh", "Z": z} for name, z in {**kinks, **tails}.items()},
        **{f"identity: {name}": {"g": "identity", "Z": z} for name, z in kinks.items()},
    }


# --- lines ----------------------------------------------------------------------------------------------------------

_LAYER = {
    "W": Input(("h", "k"), "the weights of layer l, one row a neuron", "small", aliases=aliases.KERNEL),
    "A_prev": Input(("k", "n"), "the activations of layer l-1, one column an example", "small", aliases=aliases.FEATURES),
    "b": Input(("h", 1), "the biases of layer l", "small", aliases=aliases.BIAS),
}
_OF_Z = {"Z": Input(("h", "n"), "the preactivations of layer l, one column an example")}
_THROUGH = {
    **_OF_Z,
    "W_next": Input(("m", "h"), "the weights of layer l+1, one row a neuron", "small"),
    "b_next": Input(("m", 1), "the biases of layer l+1", "small"),
}
_G = {"g": ACTIVATIONS}


def _partial(of: str) -> str:
    return rf"\frac{{\partial \mathcal{{L}}}}{{\partial {of}}}"


Z = Map(
    id="mlp.Z",
    number=26,
    section=SECTION,
    title="any depth: preactivations",
    latex=r"Z^{[l]} = W^{[l]} A^{[l-1]} + b^{[l]}",
    standard_latex=r"Z^{[l]} = W^{[l]} A^{[l-1]} + b^{[l]} u",
    inputs=_LAYER,
    output=("h", "n"),
    forward=_Z,
    vjp_body=_Z_vjp,
    wrt=("W", "A_prev", "b"),
    prints=("forward",),
    axes=(BIAS,),
    errata=(Erratum("bias", "How is a column b added to a matrix of several examples?"),),
    hard_points=points(_LAYER, products("W", "A_prev", "b"), _ONE_EXAMPLE),
    as_code={"bias": "broadcast"},
    domain="one example (n = 1) for the printed sum; else all reals",
    properties=(BATCH_ADDITIVITY, PERMUTATION),
    **_sized("h", "k", "n"),
)

A = Map(
    id="mlp.A",
    number=27,
    section=SECTION,
    title="any depth: activations",
    latex=r"A^{[l]} = g^{[l]}(Z^{[l]}) \quad (\text{where } g \text{ is an elementwise nonlinearity like } \sigma "
    r"\text{ or ReLU})",
    inputs=_OF_Z,
    settings=_G,
    output=("h", "n"),
    forward=_A,
    vjp_body=_delta_last,
    wrt=("Z",),
    prints=("forward",),
    axes=(SLOPE, KINK, TANH_SLOPE),
    hard_points=points(_OF_Z, _activations),
    properties=(BATCH_ADDITIVITY, PERMUTATION),
    **_sized("h", "n"),
)

delta_last = Map(
    id="mlp.delta_last",
    number=28,
    section=SECTION,
    title="any depth: δ of the last layer",
    latex=r"\delta^{[N]} = \frac{\partial \mathcal{L}}{\partial \hat{y}} \odot g'^{[N]}(Z^{[N]})",
    inputs=_OF_Z,
    settings=_G,
    output=("h", "n"),
    forward=_A,
    vjp_body=_delta_last,
    wrt=("Z",),
    prints=("cotangent",),
    axes=(SLOPE, KINK, TANH_SLOPE),
    errata=(Erratum("kink", "What is the slope of ReLU at 0?"),),
    hard_points=points(_OF_Z, _activations),
    notes="The cotangent is ∂L/∂ŷ, where ŷ = A[N].",
    properties=(BATCH_ADDITIVITY, PERMUTATION),
    **_sized("h", "n"),
)

delta = Map(
    id="mlp.delta",
    number=29,
    section=SECTION,
    title="any depth: δ of a layer from the next",
    latex=r"\delta^{[l]} = \left((W^{[l+1]})^T \delta^{[l+1]} \right) \odot g'^{[l]}(Z^{[l]})",
    inputs=_THROUGH,
    settings=_G,
    output=("m", "n"),
    forward=_Z_next,
    vjp_body=_delta,
    wrt=("Z",),
    prints=("cotangent",),
    axes=(SLOPE, KINK, TANH_SLOPE),
    errata=(Erratum("kink", "What is the slope of ReLU at 0?"),),
    hard_points=points(_THROUGH, _activations, _SHEET),
    notes="The value is Z[l+1], its cotangent δ[l+1].",
    recognised=False,
    properties=(BATCH_ADDITIVITY, PERMUTATION),
    **_sized("h", "m", "n"),
)

grad_W = Map(
    id="mlp.grad_W",
    number=30,
    section=SECTION,
    title="any depth: gradient of the weights",
    latex=rf"{_partial('w^{[l]}')} = \delta^{{[l]}} (A^{{[l-1]}})^T",
    inputs=_LAYER,
    output=("h", "n"),
    forward=_Z_broadcast,
    vjp_body=_grad_W,
    wrt=("W",),
    prints=("cotangent",),
    hard_points=points(_LAYER, products("W", "A_prev", "b"), _SHEET),
    notes="The value is Z[l], its cotangent δ[l]; w and W are the same.",
    recognised=False,
    properties=(BATCH_ADDITIVITY, PERMUTATION),
    **_sized("h", "k", "n"),
)

grad_b = Map(
    id="mlp.grad_b",
    number=31,
    section=SECTION,
    title="any depth: gradient of the biases",
    latex=rf"{_partial('b^{[l]}')} = \delta^{{[l]}} u^T",
    inputs=_LAYER,
    output=("h", "n"),
    forward=_Z_broadcast,
    vjp_body=_grad_b,
    wrt=("b",),
    prints=("cotangent",),
    hard_points=points(_LAYER, products("W", "A_prev", "b"), _SHEET),
    notes="The value is Z[l], its cotangent δ[l].",
    recognised=False,
    properties=(BATCH_ADDITIVITY, PERMUTATION),
    **_sized("h", "k", "n"),
)

_EXAMPLE = {
    "A0": Input(("d", "n"), "the examples in columns, dimensionless; the sheet also calls it x", "small"),
    "W1": Input(("h", "d"), "the weights of layer 1, one row a neuron", "small"),
    "b1": Input(("h", 1), "the biases of layer 1", "small"),
    "Z1": Input(("h", "n"), "the preactivations of layer 1"),
    "A": Input(("h", "n"), "the activations of layer 1, one column an example", "probability"),
    "w2": Input(("o", "h"), "the weights of layer 2, one row an output", "small"),
    "b2": Input(("o", 1), "the biases of layer 2", "small"),
    "Z2": Input(("o", "n"), "the preactivations of layer 2, which are ŷ since g[2] is the identity"),
    "y": Input(("o", "n"), "the targets, one column an example", "small", differentiable=False, aliases=aliases.TARGET),
}


def _inputs(*names: str) -> dict[str, Input]:
    return {name: _EXAMPLE[name] for name in names}


_LAST = _inputs("Z2", "y")
_HEAD = _inputs("w2", "A", "b2", "y")
_FROM_Z1 = _inputs("Z1", "w2", "b2", "y")
_NETWORK = _inputs("A0", "W1", "b1", "w2", "b2", "y")
_DELTA1 = r"((w^{[2]})^T \cdot \frac{2}{3}(\hat{y} - y)) \odot A \odot (I - A)"
_DELTA1_STANDARD = r"((W^{[2]})^T \cdot \frac{2}{n}(\hat{y} - y)) \odot A \odot (\mathbf{1} - A)"

example_delta2 = Map(
    id="mlp.example.delta2",
    number=32,
    section=SECTION,
    title="the example: δ of layer 2",
    latex=r"\delta^{[2]} = \frac{\partial \mathcal{L}}{\partial \hat{y}} = \frac{2}{3}(\hat{y} - y)",
    standard_latex=r"\delta^{[2]} = \frac{2}{n}(\hat{y} - y)",
    inputs=_LAST,
    output=(),
    forward=_loss_of_Z2,
    vjp_body=_delta2,
    wrt=("Z2",),
    prints=("cotangent",),
    axes=(NORMALISER,),
    errata=(BATCH,),
    hard_points=points(_LAST, residuals("Z2")),
    recognised=False,
    properties=(REPLICATION, PERMUTATION),
    **sized("o", "n"),
)

example_grad_w2 = Map(
    id="mlp.example.grad_w2",
    number=33,
    section=SECTION,
    title="the example: gradient of the weights of layer 2",
    latex=rf"{_partial('w^{[2]}')} = \frac{{2}}{{3}}(\hat{{y}} - y)A^T",
    standard_latex=rf"{_partial('W^{[2]}')} = \frac{{2}}{{n}}(\hat{{y}} - y)A^T",
    inputs=_HEAD,
    output=(),
    forward=head,
    vjp_body=head_grad_w2,
    wrt=("w2",),
    prints=("cotangent",),
    axes=(NORMALISER,),
    errata=(BATCH,),
    hard_points=points(_HEAD, outputs),
    recognised=False,
    properties=(REPLICATION, PERMUTATION),
    **sized("h", "o", "n"),
)

example_grad_b2 = Map(
    id="mlp.example.grad_b2",
    number=34,
    section=SECTION,
    title="the example: gradient of the bias of layer 2",
    latex=rf"{_partial('b^{[2]}')} = \frac{{2}}{{3}}(\hat{{y}} - y)u^T",
    standard_latex=rf"{_partial('b^{[2]}')} = \frac{{2}}{{n}}(\hat{{y}} - y)u^T",
    inputs=_HEAD,
    output=(),
    forward=head,
    vjp_body=head_grad_b2,
    wrt=("b2",),
    prints=("cotangent",),
    axes=(NORMALISER,),
    errata=(BATCH,),
    hard_points=points(_HEAD, outputs),
    recognised=False,
    properties=(REPLICATION, PERMUTATION),
    **sized("h", "o", "n"),
)

example_delta1 = Map(
    id="mlp.example.delta1",
    number=35,
    section=SECTION,
    title="the example: δ of layer 1",
    latex=rf"\delta^{{[1]}} = {_DELTA1}",
    standard_latex=rf"\delta^{{[1]}} = {_DELTA1_STANDARD}",
    inputs=_FROM_Z1,
    output=(),
    forward=_loss_of_Z1,
    vjp_body=_delta1,
    wrt=("Z1",),
    prints=("cotangent",),
    axes=(NORMALISER, ONES, SLOPE),
    errata=(BATCH, IDENTITY),
    hard_points=points(_FROM_Z1, saturating("Z1"), SQUARE),
    domain=SQUARE_A,
    recognised=False,
    properties=(REPLICATION, PERMUTATION),
    **sized("h", "o", "n"),
)

example_grad_w1 = Map(
    id="mlp.example.grad_w1",
    number=36,
    section=SECTION,
    title="the example: gradient of the weights of layer 1",
    latex=rf"{_partial('w^{[1]}')} = \delta^{{[1]}} (A^{{[0]}})^T = ({_DELTA1}) x^T",
    standard_latex=rf"{_partial('W^{[1]}')} = ({_DELTA1_STANDARD}) (A^{{[0]}})^T",
    inputs=_NETWORK,
    output=(),
    forward=_loss_of_A0,
    vjp_body=_grad_w1,
    wrt=("W1",),
    prints=("cotangent",),
    axes=(NORMALISER, ONES, SLOPE),
    errata=(BATCH, IDENTITY),
    hard_points=points(_NETWORK, deep("A0"), SQUARE),
    domain=SQUARE_A,
    recognised=False,
    properties=(REPLICATION, PERMUTATION),
    **sized("d", "h", "o", "n"),
)

example_grad_b1 = Map(
    id="mlp.example.grad_b1",
    number=37,
    section=SECTION,
    title="the example: gradient of the biases of layer 1",
    latex=rf"{_partial('b^{[1]}')} = \delta^{{[1]}} (A^{{[0]}})^T = ({_DELTA1}) u^T",
    standard_latex=rf"{_partial('b^{[1]}')} = \delta^{{[1]}} u^T = ({_DELTA1_STANDARD}) u^T",
    inputs=_NETWORK,
    output=(),
    forward=_loss_of_A0,
    vjp_body=_grad_b1,
    wrt=("b1",),
    prints=("cotangent",),
    axes=(NORMALISER, ONES, EXPRESSION, SLOPE),
    errata=(
        BATCH,
        IDENTITY,
        Erratum("expression", "Which of the two expressions printed as equal is the gradient of the biases?"),
    ),
    hard_points=points(_NETWORK, deep("A0"), SQUARE),
    domain=SQUARE_A,
    notes="The first expression has the shape of W1, the second that of b1.",
    recognised=False,
    properties=(REPLICATION, PERMUTATION),
    **sized("d", "h", "o", "n"),
)
