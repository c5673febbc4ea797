"""Lines 15-25: a network of two layers on a batch of three; features stand in rows, examples in columns.

The hidden layer is σ, the output layer linear, the loss the squared error over the batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..formula import Map
from ..pieces import aliases
from ..pieces.activations import SLOPE
from ..pieces.activations import sigmoid as sigma
from ..pieces.layers import ONES, all_ones, layer, of_the_biases, of_the_weights, row_of_ones
from ..pieces.properties import BATCH_ADDITIVITY, PERMUTATION, REPLICATION
from ..pieces.squared_error import FACTOR, NORMALISER, WHOLE
from ..studies.squared_error import BATCHES
from ..vocabulary import Erratum, Format, Input, Inputs, Sizes

SECTION = "Two-layer network"

# --- bodies ---------------------------------------------------------------------------------------------------------


def _Z(xp: Any, W1: Any, X: Any, b1: Any) -> Any:
    return layer(xp, W1, X, b1)


def _Z_vjp(xp: Any, z_bar: Any, W1: Any, X: Any, b1: Any) -> dict[str, Any]:
    return {"W1": z_bar @ X.T, "X": W1.T @ z_bar, "b1": z_bar @ row_of_ones(xp, X).T}


def _A(xp: Any, Z: Any) -> Any:
    return sigma(xp, Z)


def _A_vjp(xp: Any, a_bar: Any, Z: Any, *, slope: Any) -> dict[str, Any]:
    return {"Z": slope(xp, a_bar, Z, sigma(xp, Z))}


def _y_hat(xp: Any, w2: Any, A: Any, b2: Any) -> Any:
    return layer(xp, w2, A, b2)


def _y_hat_vjp(xp: Any, y_hat_bar: Any, w2: Any, A: Any, b2: Any) -> dict[str, Any]:
    return {"w2": y_hat_bar @ A.T, "A": w2.T @ y_hat_bar, "b2": y_hat_bar @ row_of_ones(xp, A).T}


def squared_error(xp: Any, y_hat: Any, y: Any, *, normaliser: Any, factor: Any = WHOLE) -> Any:
    r = y_hat - y
    return xp.sum(r * r) / (normaliser(*y.shape) * factor.divisor)


def squared_error_vjp(xp: Any, l_bar: Any, y_hat: Any, y: Any, *, normaliser: Any, factor: Any = WHOLE) -> dict[str, Any]:
    return {"y_hat": l_bar * (factor.slope(y_hat - y) / normaliser(*y.shape))}


def head(xp: Any, w2: Any, A: Any, b2: Any, y: Any, *, normaliser: Any) -> Any:
    """The loss from A on."""
    return squared_error(xp, layer(xp, w2, A, b2), y, normaliser=normaliser)


def _delta2(xp: Any, l_bar: Any, w2: Any, A: Any, b2: Any, y: Any, normaliser: Any) -> Any:
    """(2/3)(ŷ - y)."""
    return squared_error_vjp(xp, l_bar, layer(xp, w2, A, b2), y, normaliser=normaliser)["y_hat"]


def head_grad_w2(xp: Any, l_bar: Any, w2: Any, A: Any, b2: Any, y: Any, *, normaliser: Any) -> dict[str, Any]:
    return {"w2": _delta2(xp, l_bar, w2, A, b2, y, normaliser) @ A.T}


def head_grad_b2(xp: Any, l_bar: Any, w2: Any, A: Any, b2: Any, y: Any, *, normaliser: Any) -> dict[str, Any]:
    return {"b2": _delta2(xp, l_bar, w2, A, b2, y, normaliser) @ row_of_ones(xp, A).T}


def head_grad_A(xp: Any, l_bar: Any, w2: Any, A: Any, b2: Any, y: Any, *, normaliser: Any) -> dict[str, Any]:
    return {"A": w2.T @ _delta2(xp, l_bar, w2, A, b2, y, normaliser)}


def loss_of_Z(xp: Any, Z: Any, w2: Any, b2: Any, y: Any, *, normaliser: Any) -> Any:
    return head(xp, w2, sigma(xp, Z), b2, y, normaliser=normaliser)


def grad_of_Z(
    xp: Any, l_bar: Any, Z: Any, w2: Any, b2: Any, y: Any, *, normaliser: Any, slope: Any, ones: Any = all_ones
) -> dict[str, Any]:
    """Ā ⊙ A ⊙ (I - A) as printed, or Ā ⊙ σ'(Z)."""
    flow = head_grad_A(xp, l_bar, w2, sigma(xp, Z), b2, y, normaliser=normaliser)["A"]
    return {"Z": ones(xp, flow, Z, slope)}


def network_loss(xp: Any, X: Any, W1: Any, b1: Any, w2: Any, b2: Any, y: Any, *, normaliser: Any) -> Any:
    return loss_of_Z(xp, layer(xp, W1, X, b1), w2, b2, y, normaliser=normaliser)


def network_grad_W1(
    xp: Any, l_bar: Any, X: Any, W1: Any, b1: Any, w2: Any, b2: Any, y: Any, *, normaliser: Any, ones: Any, slope: Any
) -> dict[str, Any]:
    Z = layer(xp, W1, X, b1)
    delta = grad_of_Z(xp, l_bar, Z, w2, b2, y, normaliser=normaliser, slope=slope, ones=ones)["Z"]
    return {"W1": of_the_weights(xp, delta, X)}


def network_grad_b1(
    xp: Any, l_bar: Any, X: Any, W1: Any, b1: Any, w2: Any, b2: Any, y: Any, *, normaliser: Any, ones: Any, slope: Any
) -> dict[str, Any]:
    Z = layer(xp, W1, X, b1)
    delta = grad_of_Z(xp, l_bar, Z, w2, b2, y, normaliser=normaliser, slope=slope, ones=ones)["Z"]
    return {"b1": of_the_biases(xp, delta, X)}


# --- shapes ---------------------------------------------------------------------------------------------------------

SHEET = {"d": 4, "h": 2, "o": 1, "n": 3}
SQUARE = {"d": 3, "h": 2, "o": 1, "n": 2}  # A is square, so that I - A has a value; not 1 x 1, where I is all ones
BUCKETS = (SHEET, {"d": 2, "h": 2, "o": 1, "n": 1}, SQUARE, {"d": 2, "h": 3, "o": 2, "n": 4})


def sized(*symbols: str) -> dict[str, Any]:
    """The shape buckets of a line whose inputs use these sizes: the sheet's, one example, a square A, several outputs."""
    sheet, *others = ({symbol: bucket[symbol] for symbol in symbols} for bucket in BUCKETS)
    return {"sheet_sizes": sheet, "other_sizes": tuple(others), "batch_axis": "n"}


# --- hard points ----------------------------------------------------------------------------------------------------

_PLAIN = (0.625, -0.375, 1.125, -0.875, 0.125)  # exact in every format; no sum of a few products of them vanishes

Table = Callable[[Format], Mapping[str, Mapping[str, Any]]]


def filled(inputs: Mapping[str, Input], sizes: Sizes, given: Mapping[str, Any]) -> Inputs:
    """Inputs of these sizes: the numbers given for a name, repeated to fill its shape, else plain ones."""
    numbers = {name: np.resize(given.get(name, _PLAIN), spec.concrete(sizes)).tolist() for name, spec in inputs.items()}
    return {**numbers, **{name: value for name, value in given.items() if name not in inputs}}


def points(inputs: Mapping[str, Input], table: Table, sizes: Sizes = SHEET) -> Table:
    """A line's hard points from a table of what is special in each."""
    return lambda f: {name: filled(inputs, sizes, given) for name, given in table(f).items()}


def products(W: str, X: str, b: str) -> Table:
    """Hard points of W X + b u."""

    def table(f: Format) -> dict[str, dict[str, Any]]:
        return {
            "zeros of both signs": {X: [0.0, -0.0], b: [-0.0]},
            "a zero matrix": {W: [0.0, -0.0]},
            "a product that overflows": {W: [2.0], X: [f.max, 1.0]},
            "a sum that overflows": {W: [1.0], X: [f.max]},
            "a bias that cancels": {W: [0.0], b: [1.0, -1.0]},
            "products that underflow": {W: [0.25, -0.25], X: [f.smallest_subnormal], b: [0.0]},
            "subnormals": {W: [1.0], X: [f.smallest_subnormal, -f.smallest_normal], b: [0.0]},
            "an infinity": {X: [float("inf"), 1.0, -2.0, 0.5, 1.5]},
            "an infinite bias": {b: [float("-inf"), float("inf")]},
            "a NaN": {X: [float("nan"), 1.0, -2.0, 0.5, 1.5]},
        }

    return table


def saturating(Z: str) -> Table:
    """Hard preactivations of σ."""

    def table(f: Format) -> dict[str, dict[str, Any]]:
        edge, overflow, inf = -math.log(f.unit_roundoff), math.log(f.max), float("inf")
        return {
            "zeros of both signs": {Z: [0.0, -0.0]},
            "where the output rounds to 1": {Z: [edge - 1, edge + 1, 2 * edge]},
            "the lower tail": {Z: [-edge / 2, -edge, -2 * edge]},
            "where the exponential overflows": {Z: [1 - overflow, -1 - overflow, -2 * overflow]},
            "infinities": {Z: [inf, -inf, 0.0]},
            "subnormals": {Z: [f.smallest_subnormal, -f.smallest_subnormal, f.smallest_normal]},
            "a NaN": {Z: [1.0, float("nan"), 2.0]},
        }

    return table


def residuals(y_hat: str) -> Table:
    """Hard outputs of the squared error."""

    def table(f: Format) -> dict[str, dict[str, Any]]:
        inf = float("inf")
        return {
            "no residual": {y_hat: [0.0, -0.0], "y": [0.0]},
            "a residual that cancels": {y_hat: [1 + 2 * f.unit_roundoff], "y": [1.0]},
            "a square that overflows": {y_hat: [2 * math.sqrt(f.max), 1.0]},
            "a difference that overflows": {y_hat: [f.max], "y": [-f.max]},
            "a square that underflows": {y_hat: [math.sqrt(f.smallest_subnormal) / 4], "y": [0.0]},
            "an infinity": {y_hat: [inf, 1.0, -2.0]},
            "infinities that cancel": {y_hat: [inf, 1.0, -2.0], "y": [inf]},
            "a NaN": {y_hat: [1.0, float("nan")]},
        }

    return table


def outputs(f: Format) -> dict[str, dict[str, Any]]:
    """Hard points of the output layer and the loss together."""
    return {
        "no residual": {"w2": [0.0, -0.0], "b2": [0.125], "y": [0.125]},
        "saturated activations": {"A": [0.0, 1.0]},
        "a residual that cancels": {"w2": [0.0], "b2": [1 + 2 * f.unit_roundoff], "y": [1.0]},
        "a square that overflows": {"b2": [2 * math.sqrt(f.max)]},
        "residuals that underflow": {"w2": [0.0], "b2": [f.smallest_subnormal], "y": [0.0]},
        "an infinite target": {"y": [float("inf"), 1.0, -1.0]},
        "a NaN": {"y": [float("nan"), 1.0, -1.0]},
    }


def deep(X: str) -> Table:
    """Hard points of the whole network: its hidden layer saturates through the bias, or its input is special."""

    def table(f: Format) -> dict[str, dict[str, Any]]:
        through_bias = {name: {"b1": given["Z"]} for name, given in saturating("Z")(f).items()}
        return {
            **through_bias,
            "no residual": {"w2": [0.0, -0.0], "b2": [0.125], "y": [0.125]},
            "inputs of zero": {X: [0.0, -0.0]},
            "an input that overflows": {X: [f.max, 1.0, -0.5], "W1": [2.0]},
            "subnormal inputs": {X: [f.smallest_subnormal, -f.smallest_normal]},
        }

    return table


# --- lines ----------------------------------------------------------------------------------------------------------

INPUTS = {
    "X": Input(("d", "n"), "the examples in columns, features in rows, dimensionless", "small"),
    "W1": Input(("h", "d"), "the hidden weights, one row a neuron", "small"),
    "b1": Input(("h", 1), "the hidden biases", "small"),
    "Z": Input(("h", "n"), "the hidden preactivations"),
    "A": Input(("h", "n"), "the hidden activations, one column an example", "probability"),
    "w2": Input(("o", "h"), "the output weights, one row an output", "small"),
    "b2": Input(("o", 1), "the output biases", "small"),
    "y_hat": Input(("o", "n"), "the predictions, one column an example", aliases=aliases.PREDICTION),
    "y": Input(("o", "n"), "the targets, one column an example", "small", differentiable=False, aliases=aliases.TARGET),
}


def _inputs(*names: str) -> dict[str, Input]:
    return {name: INPUTS[name] for name in names}


_HEAD = _inputs("w2", "A", "b2", "y")
_FROM_Z = _inputs("Z", "w2", "b2", "y")
_NETWORK = _inputs("X", "W1", "b1", "w2", "b2", "y")

BATCH = Erratum("normaliser", "Is the 3 a constant, or this example's batch size, for a batch of another size?")
IDENTITY = Erratum("ones", "Is the I of I - A the identity matrix, or a matrix of ones?")
_SLOPE = Erratum("slope", "How much of the slope is left where the activation rounds to 1?")
SQUARE_A = "A square (as many hidden neurons as examples) for the printed I - A; else all reals"


_Y_HAT = r"\hat{y}"


def _partial(of: str) -> str:
    return rf"\frac{{\partial \mathcal{{L}}}}{{\partial {of}}}"


def _chain(of: str, through: str, inner: str) -> str:
    return rf"{_partial(of)} = {_partial(through)} \frac{{\partial {inner}}}{{\partial {of}}}"


Z = Map(
    id="mlp2.Z",
    number=15,
    section=SECTION,
    title="two layers: hidden preactivations",
    latex=r"Z = W_1 X + b_1 u",
    inputs=_inputs("W1", "X", "b1"),
    output=("h", "n"),
    forward=_Z,
    vjp_body=_Z_vjp,
    wrt=("W1", "X", "b1"),
    prints=("forward",),
    hard_points=points(_inputs("W1", "X", "b1"), products("W1", "X", "b1")),
    recognised=False,
    properties=(BATCH_ADDITIVITY, PERMUTATION),
    **sized("d", "h", "n"),
)

A = Map(
    id="mlp2.A",
    number=16,
    section=SECTION,
    title="two layers: hidden activations",
    latex=r"A = \sigma(Z)",
    inputs=_inputs("Z"),
    output=("h", "n"),
    forward=_A,
    vjp_body=_A_vjp,
    wrt=("Z",),
    prints=("forward",),
    axes=(SLOPE,),
    hard_points=points(_inputs("Z"), saturating("Z")),
    recognised=False,
    properties=(BATCH_ADDITIVITY, PERMUTATION),
    **sized("h", "n"),
)

y_hat = Map(
    id="mlp2.y_hat",
    number=17,
    section=SECTION,
    title="two layers: predictions",
    latex=r"\hat{y} = w_2 A + b_2 u",
    inputs=_inputs("w2", "A", "b2"),
    output=("o", "n"),
    forward=_y_hat,
    vjp_body=_y_hat_vjp,
    wrt=("w2", "A", "b2"),
    prints=("forward",),
    hard_points=points(_inputs("w2", "A", "b2"), products("w2", "A", "b2")),
    recognised=False,
    properties=(BATCH_ADDITIVITY, PERMUTATION),
    **sized("h", "o", "n"),
)

loss = Map(
    id="mlp2.loss",
    number=18,
    section=SECTION,
    title="two layers: loss",
    latex=r"\mathcal{L} = \frac{1}{3} \|\hat{y} - y\|^2",
    standard_latex=r"\mathcal{L} = \frac{1}{n} \|\hat{y} - y\|^2",
    inputs=_inputs("y_hat", "y"),
    output=(),
    forward=squared_error,
    vjp_body=squared_error_vjp,
    wrt=("y_hat",),
    prints=("forward",),
    axes=(NORMALISER, FACTOR),
    errata=(BATCH,),
    hard_points=points(_inputs("y_hat", "y"), residuals("y_hat")),
    studies=(BATCHES,),
    properties=(REPLICATION, PERMUTATION),
    **sized("o", "n"),
)

grad_y_hat = Map(
    id="mlp2.grad_y_hat",
    number=19,
    section=SECTION,
    title="two layers: gradient at the predictions",
    latex=rf"{_partial(_Y_HAT)} = \frac{{2}}{{3}} (\hat{{y}} - y)",
    standard_latex=rf"{_partial(_Y_HAT)} = \frac{{2}}{{n}} (\hat{{y}} - y)",
    inputs=_inputs("y_hat", "y"),
    output=(),
    forward=squared_error,
    vjp_body=squared_error_vjp,
    wrt=("y_hat",),
    prints=("cotangent",),
    axes=(NORMALISER, FACTOR),
    errata=(BATCH,),
    hard_points=points(_inputs("y_hat", "y"), residuals("y_hat")),
    properties=(REPLICATION, PERMUTATION),
    **sized("o", "n"),
)

grad_w2 = Map(
    id="mlp2.grad_w2",
    number=20,
    section=SECTION,
    title="two layers: gradient of the output weights",
    latex=rf"{_chain('w_2', _Y_HAT, _Y_HAT)} = \frac{{2}}{{3}} (\hat{{y}} - y) A^T",
    standard_latex=rf"{_partial('w_2')} = \frac{{2}}{{n}} (\hat{{y}} - y) A^T",
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

grad_b2 = Map(
    id="mlp2.grad_b2",
    number=21,
    section=SECTION,
    title="two layers: gradient of the output bias",
    latex=rf"{_chain('b_2', _Y_HAT, _Y_HAT)} = \frac{{2}}{{3}} (\hat{{y}} - y) u^T",
    standard_latex=rf"{_partial('b_2')} = \frac{{2}}{{n}} (\hat{{y}} - y) u^T",
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

grad_A = Map(
    id="mlp2.grad_A",
    number=22,
    section=SECTION,
    title="two layers: gradient at the hidden activations",
    latex=rf"{_partial('A')} = \frac{{2}}{{3}} w_2^T (\hat{{y}} - y)",
    standard_latex=rf"{_partial('A')} = \frac{{2}}{{n}} w_2^T (\hat{{y}} - y)",
    inputs=_HEAD,
    output=(),
    forward=head,
    vjp_body=head_grad_A,
    wrt=("A",),
    prints=("cotangent",),
    axes=(NORMALISER,),
    errata=(BATCH,),
    hard_points=points(_HEAD, outputs),
    recognised=False,
    properties=(REPLICATION, PERMUTATION),
    **sized("h", "o", "n"),
)

grad_Z = Map(
    id="mlp2.grad_Z",
    number=23,
    section=SECTION,
    title="two layers: gradient at the hidden preactivations",
    latex=rf"{_partial('Z')} = {_partial('A')} \odot \sigma'(Z) = "
    r"\left(\frac{2}{3} w_2^T (\hat{y} - y) \right) \odot A \odot (1 - A)",
    standard_latex=rf"{_partial('Z')} = "
    r"\left(\frac{2}{n} w_2^T (\hat{y} - y) \right) \odot \sigma(Z) \odot \sigma(-Z)",
    inputs=_FROM_Z,
    output=(),
    forward=loss_of_Z,
    vjp_body=grad_of_Z,
    wrt=("Z",),
    prints=("cotangent",),
    axes=(NORMALISER, SLOPE),
    errata=(BATCH, _SLOPE),
    hard_points=points(_FROM_Z, saturating("Z")),
    recognised=False,
    properties=(REPLICATION, PERMUTATION),
    **sized("h", "o", "n"),
)

grad_W1 = Map(
    id="mlp2.grad_W1",
    number=24,
    section=SECTION,
    title="two layers: gradient of the hidden weights",
    latex=rf"{_chain('w_1', 'Z', 'Z')} = "
    r"\frac{2}{3} \left((w_2^T (\hat{y} - y)) \odot A \odot (I - A) \right) X^T",
    standard_latex=rf"{_partial('W_1')} = "
    r"\frac{2}{n} \left((w_2^T (\hat{y} - y)) \odot A \odot (\mathbf{1} - A) \right) X^T",
    inputs=_NETWORK,
    output=(),
    forward=network_loss,
    vjp_body=network_grad_W1,
    wrt=("W1",),
    prints=("cotangent",),
    axes=(NORMALISER, ONES, SLOPE),
    errata=(BATCH, IDENTITY, _SLOPE),
    hard_points=points(_NETWORK, deep("X"), SQUARE),
    domain=SQUARE_A,
    recognised=False,
    properties=(REPLICATION, PERMUTATION),
    **sized("d", "h", "o", "n"),
)

grad_b1 = Map(
    id="mlp2.grad_b1",
    number=25,
    section=SECTION,
    title="two layers: gradient of the hidden biases",
    latex=rf"{_chain('b_1', 'Z', 'Z')} = "
    r"\frac{2}{3} \left((w_2^T (\hat{y} - y)) \odot A \odot (I - A) \right) u^T",
    standard_latex=rf"{_partial('b_1')} = "
    r"\frac{2}{n} \left((w_2^T (\hat{y} - y)) \odot A \odot (\mathbf{1} - A) \right) u^T",
    inputs=_NETWORK,
    output=(),
    forward=network_loss,
    vjp_body=network_grad_b1,
    wrt=("b1",),
    prints=("cotangent",),
    axes=(NORMALISER, ONES, SLOPE),
    errata=(BATCH, IDENTITY, _SLOPE),
    hard_points=points(_NETWORK, deep("X"), SQUARE),
    domain=SQUARE_A,
    recognised=False,
    properties=(REPLICATION, PERMUTATION),
    **sized("d", "h", "o", "n"),
)
