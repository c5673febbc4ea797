"""Lines 8-14: logistic regression with one example, its log-likelihood, and the gradients printed for it.

The derivatives are those of the printed L, which grows as the fit gets better.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..activations import SLOPE, through_sigmoid
from ..activations import sigmoid as sigma
from ..formula import Map
from ..vocabulary import Axis, Erratum, Format, Input, Option

SIGN = Axis(
    name="sign",
    options=(
        Option("plus", "the log-likelihood as printed: larger is better", r"y\ln\hat{y}+(1-y)\ln(1-\hat{y})"),
        Option("minus", "the cross-entropy: smaller is better", r"-\left[y\ln\hat{y}+(1-y)\ln(1-\hat{y})\right]"),
    ),
    printed="plus",
    standard="minus",
    source="C. M. Bishop, Pattern Recognition and Machine Learning, Springer 2006, eq. 4.90",
)

GUARD = Axis(
    name="guard",
    options=(
        Option("none", "as printed: log 0 and 0/0 where ŷ is exactly 0 or 1"),
        Option(
            "clamp",
            "each logarithm is at least -100; the gradient is (y-ŷ)/max(ŷ(1-ŷ), 10⁻¹²), which is not that of the clamped value",
            r"\frac{y-\hat{y}}{\max(\hat{y}(1-\hat{y}),\,10^{-12})}",
        ),
    ),
    printed="none",
    standard="none",
    source="PyTorch documents the clamp of torch.nn.BCELoss; its gradient is read off binary_cross_entropy_backward",
)

QUOTIENT = Axis(
    name="quotient",
    options=(
        Option("divide", "y/ŷ - (1-y)/(1-ŷ), one rounding each", r"\frac{y}{\hat{y}}-\frac{1-y}{1-\hat{y}}"),
        Option(
            "reciprocal",
            "y·(1/ŷ) - (1-y)·(1/(1-ŷ)), as the chain rule through ln evaluates it; 0·∞ where 1/ŷ overflows",
            r"y\cdot\frac{1}{\hat{y}}-(1-y)\cdot\frac{1}{1-\hat{y}}",
        ),
    ),
    printed="divide",
    standard="divide",
    kind="evaluation",
)

PATH = Axis(
    name="path",
    options=(
        Option(
            "quotients",
            "through ŷ as printed; 0/0 or cancellation where ŷ rounds to 0 or 1",
            r"\left(\frac{y}{\hat{y}}-\frac{1-y}{1-\hat{y}}\right)\hat{y}(1-\hat{y})",
        ),
        Option(
            "logit",
            "the value and the cotangent from z alone: yσ(-z) - (1-y)σ(z), which is y - ŷ without cancellation",
            r"y\,\sigma(-z)-(1-y)\,\sigma(z)",
        ),
        Option(
            "difference",
            "the value (1-y)z - ln σ(z), 0·∞ at infinity; the cotangent y - ŷ, which cancels where ŷ rounds to y",
            r"y-\hat{y}",
        ),
        Option(
            "complement",
            "the value with ln(1+e⁻ᶻ), whose sum rounds to 1, and the cotangent σ(-z) - (1-y), which cancels for z < 0",
            r"\sigma(-z)-(1-y)",
        ),
        Option(
            "chain",
            "through ŷ, and through the printed 1/(1+e⁻ᶻ): its slope is ŷ²e⁻ᶻ",
            r"\left(\frac{y}{\hat{y}}-\frac{1-y}{1-\hat{y}}\right)\hat{y}^2e^{-z}",
        ),
    ),
    printed="quotients",
    standard="logit",
    kind="evaluation",
    source="ŷ(1-ŷ) cancels against the quotients: Bishop 2006, eq. 4.91",
)


# --- bodies ---------------------------------------------------------------------------------------------------------


def _z(xp: Any, w: Any, x: Any, b: Any) -> Any:
    return (w.T @ x)[0, 0] + b


def _z_vjp(xp: Any, z_bar: Any, w: Any, x: Any, b: Any) -> dict[str, Any]:
    return {"w": z_bar * x, "x": z_bar * w, "b": z_bar}


def _y_hat(xp: Any, z: Any) -> Any:
    return sigma(xp, z)


def _y_hat_vjp(xp: Any, y_hat_bar: Any, z: Any, *, slope: str) -> dict[str, Any]:
    return {"z": through_sigmoid(xp, y_hat_bar, z, sigma(xp, z), slope)}


def _signed(value: Any, sign: str) -> Any:
    return value if sign == "plus" else -value


_FLOOR = float(np.float32(1e-12))  # torch writes 1e-12 and holds it as a C float, in float64 runs too


def _log(xp: Any, p: Any, guard: str) -> Any:
    return xp.log(p) if guard == "none" else xp.maximum(xp.log(p), -100 * xp.ones_like(p))


def _loss(xp: Any, y_hat: Any, y: Any, *, sign: str, guard: str = "none") -> Any:
    return _signed(y * _log(xp, y_hat, guard) + (1 - y) * _log(xp, 1 - y_hat, guard), sign)


def _quotients(l_bar: Any, y_hat: Any, y: Any, quotient: str) -> Any:
    if quotient == "divide":
        return l_bar * (y / y_hat - (1 - y) / (1 - y_hat))
    return l_bar * y * (1 / y_hat) - l_bar * (1 - y) * (1 / (1 - y_hat))


def _loss_vjp(xp: Any, l_bar: Any, y_hat: Any, y: Any, *, sign: str, guard: str, quotient: str) -> dict[str, Any]:
    if guard == "none":
        return {"y_hat": _signed(_quotients(l_bar, y_hat, y, quotient), sign)}
    variance = xp.maximum(y_hat * (1 - y_hat), xp.asarray(_FLOOR) * xp.ones_like(y_hat))
    return {"y_hat": _signed(l_bar * (y - y_hat) / variance, sign)}


# In the logit path the argument that `maximum` names first is the one selected for z > 0, which is the region that the
# symbolic arithmetic speaks of. Neither exponential can overflow.


def _loss_of_z(xp: Any, z: Any, y: Any, *, sign: str, path: str) -> Any:
    if path in ("quotients", "chain"):
        return _loss(xp, sigma(xp, z), y, sign=sign)
    if path in ("difference", "complement"):
        shift = xp.maximum(xp.zeros_like(z), -z)
        if path == "difference":
            softplus = shift + xp.log1p(xp.exp(-xp.maximum(z, -z)))
        else:
            softplus = shift + xp.log(xp.exp(-shift) + xp.exp(-z - shift))
        return _signed(-((1 - y) * z + softplus), sign)
    return _signed(y * z - xp.maximum(z, xp.zeros_like(z)) - xp.log1p(xp.exp(-xp.maximum(z, -z))), sign)


def _residual(xp: Any, z: Any, y: Any) -> Any:
    """y - σ(z) without cancellation, as yσ(-z) - (1-y)σ(z)."""
    zero, partition = xp.zeros_like(z), 1 + xp.exp(-xp.maximum(z, -z))
    sigma_of_z, sigma_of_minus_z = xp.exp(-xp.maximum(zero, -z)) / partition, xp.exp(-xp.maximum(z, zero)) / partition
    return y * sigma_of_minus_z - (1 - y) * sigma_of_z


def _grad_z(xp: Any, l_bar: Any, z: Any, y: Any, *, sign: str, path: str) -> dict[str, Any]:
    if path == "logit":
        return {"z": l_bar * _signed(_residual(xp, z, y), sign)}
    y_hat = sigma(xp, z)
    if path == "difference":
        return {"z": l_bar * _signed(y - y_hat, sign)}
    if path == "complement":
        return {"z": _signed(l_bar * sigma(xp, -z) - l_bar * (1 - y), sign)}
    quotient, slope = ("divide", "one-minus-z") if path == "quotients" else ("reciprocal", "chain")
    y_hat_bar = _signed(_quotients(l_bar, y_hat, y, quotient), sign)
    return {"z": through_sigmoid(xp, y_hat_bar, z, y_hat, slope)}


def _loss_of_weights(xp: Any, w: Any, x: Any, b: Any, y: Any, *, sign: str, path: str) -> Any:
    return _loss_of_z(xp, _z(xp, w, x, b), y, sign=sign, path=path)


def _grad_w(xp: Any, l_bar: Any, w: Any, x: Any, b: Any, y: Any, *, sign: str, path: str) -> dict[str, Any]:
    return {"w": _grad_z(xp, l_bar, _z(xp, w, x, b), y, sign=sign, path=path)["z"] * x}


def _grad_b(xp: Any, l_bar: Any, w: Any, x: Any, b: Any, y: Any, *, sign: str, path: str) -> dict[str, Any]:
    return {"b": _grad_z(xp, l_bar, _z(xp, w, x, b), y, sign=sign, path=path)["z"]}


# --- hard points ----------------------------------------------------------------------------------------------------

_TARGETS = [0.0, 1.0, 0.25]


def _preactivations(f: Format) -> dict[str, list[float]]:
    """Hard values of z, three at a time."""
    edge, overflow, inf = -math.log(f.unit_roundoff), math.log(f.max), float("inf")
    return {
        "zeros of both signs": [0.0, -0.0, 0.0],
        "just before the output rounds to 1": [edge - 1] * 3,
        "where the output rounds to 1": [edge + 1] * 3,
        "the lower tail": [-edge - 1] * 3,
        "before the exponential overflows": [1 - overflow] * 3,
        "where the exponential overflows": [-overflow - 1] * 3,
        "where the output is 1 and the slope underflows": [2 * overflow] * 3,
        "subnormals": [f.smallest_subnormal, -f.smallest_subnormal, f.smallest_normal],
        "plus infinity": [inf] * 3,
        "minus infinity": [-inf] * 3,
        "a NaN": [1.0, float("nan"), 2.0],
    }


def _y_hat_points(f: Format) -> dict[str, dict[str, Any]]:
    return {name: {"z": z} for name, z in _preactivations(f).items()}


def _grad_z_points(f: Format) -> dict[str, dict[str, Any]]:
    return {name: {"z": z, "y": _TARGETS} for name, z in _preactivations(f).items()}


def _loss_points(f: Format) -> dict[str, dict[str, Any]]:
    u = f.unit_roundoff
    return {
        "an output of exactly 0": {"y_hat": [0.0] * 3, "y": _TARGETS},
        "an output of exactly 1": {"y_hat": [1.0] * 3, "y": _TARGETS},
        "the largest output below 1": {"y_hat": [1 - u] * 3, "y": _TARGETS},
        "the smallest output above 0": {"y_hat": [f.smallest_subnormal] * 3, "y": _TARGETS},
        "an output whose complement rounds to 1": {"y_hat": [u / 4] * 3, "y": _TARGETS},
        "an output equal to its target": {"y_hat": _TARGETS, "y": _TARGETS},
    }


def _weights_points(with_target: bool) -> Callable[[Format], Mapping[str, Mapping[str, Any]]]:
    """Hard values of z brought about by the bias; with a target also each target beside each."""
    w, x = [[0.5], [-0.25], [0.125]], [[0.25], [0.5], [1.0]]

    def points(f: Format) -> dict[str, dict[str, Any]]:
        zs = {name: z[1] for name, z in _preactivations(f).items()}
        overflow = {"w": [[2.0], [1.0], [1.0]], "x": [[f.max], [1.0], [1.0]], "b": 0.0}
        plain = {name: {"w": w, "x": x, "b": z} for name, z in zs.items()} | {"a product that overflows": overflow}
        if not with_target:
            return plain
        return {f"{name}, y = {y:g}": {**inputs, "y": y} for name, inputs in plain.items() for y in _TARGETS}

    return points


# --- lines ----------------------------------------------------------------------------------------------------------

FEATURES = {"sheet_sizes": {"n": 3}, "other_sizes": ({"n": 1}, {"n": 2}, {"n": 8})}
EXAMPLES = {"sheet_sizes": {"n": 1}, "other_sizes": ({"n": 2}, {"n": 3}, {"n": 8}), "batch_axis": "n"}

_W = Input(("n", 1), "the weights, dimensionless", "small")
_X = Input(("n", 1), "the features of the one example, dimensionless")
_B = Input((), "the bias, dimensionless", "small")
_WEIGHTS = {"w": _W, "x": _X, "b": _B, "y": Input((), "the target, 0 to 1", "unit", differentiable=False)}
_OUTPUTS = {
    "y_hat": Input(("n",), "the predicted probability of each example", "probability"),
    "y": Input(("n",), "the target of each example, 0 to 1", "unit", differentiable=False),
}
_LOGITS = {
    "z": Input(("n",), "the preactivation of each example, dimensionless"),
    "y": Input(("n",), "the target of each example, 0 to 1", "unit", differentiable=False),
}
_OPEN = "0 < ŷ < 1; at 0 and 1 the printed expressions are log 0, or 0/0"
_FINITE = "all reals; in floating point only where ŷ rounds neither to 0 nor to 1"
_Q = r"\left(\frac{y}{\hat{y}} - \frac{1-y}{1-\hat{y}}\right)"
_DIRECTION = Erratum("sign", "Does the descent of line 38 along this gradient make the fit better or worse?")
_SATURATION = Erratum("path", "What is left of the gradient where ŷ rounds to 0 or 1?")

z = Map(
    id="logistic.z",
    number=8,
    title="logistic regression: preactivation",
    latex=r"Z = \vec{w}^T \vec{x} + b",
    inputs={"w": _W, "x": _X, "b": _B},
    output=(),
    forward=_z,
    vjp_body=_z_vjp,
    wrt=("w", "x", "b"),
    prints=("forward",),
    hard_points=_weights_points(with_target=False),
    **FEATURES,
)

y_hat = Map(
    id="logistic.y_hat",
    number=9,
    title="logistic regression: predicted probability",
    latex=r"\hat{y} = \sigma(z)",
    inputs={"z": _LOGITS["z"]},
    output=("n",),
    forward=_y_hat,
    vjp_body=_y_hat_vjp,
    wrt=("z",),
    prints=("forward",),
    axes=(SLOPE,),
    hard_points=_y_hat_points,
    **EXAMPLES,
)

loss = Map(
    id="logistic.loss",
    number=10,
    title="logistic regression: loss",
    latex=r"\mathcal{L} = y \ln(\hat{y}) + (1-y) \ln(1-\hat{y})",
    standard_latex=r"\mathcal{L} = -\left[y \ln(\hat{y}) + (1-y) \ln(1-\hat{y})\right]",
    inputs=_OUTPUTS,
    output=("n",),
    forward=_loss,
    vjp_body=_loss_vjp,
    wrt=("y_hat",),
    prints=("forward",),
    axes=(SIGN, GUARD, QUOTIENT),
    errata=(
        Erratum("sign", "Is the printed L a loss, which training makes smaller, or a likelihood?"),
        Erratum("guard", "What is the loss where ŷ is exactly 0 or 1?"),
    ),
    hard_points=_loss_points,
    domain=_OPEN,
    **EXAMPLES,
)

grad_y_hat = Map(
    id="logistic.grad_y_hat",
    number=11,
    title="logistic regression: gradient at the prediction",
    latex=r"\frac{\partial \mathcal{L}}{\partial \hat{y}} = \frac{y}{\hat{y}} - \frac{1-y}{1-\hat{y}}",
    standard_latex=r"\frac{\partial \mathcal{L}}{\partial \hat{y}} = -\frac{y}{\hat{y}} + \frac{1-y}{1-\hat{y}}",
    inputs=_OUTPUTS,
    output=("n",),
    forward=_loss,
    vjp_body=_loss_vjp,
    wrt=("y_hat",),
    prints=("cotangent",),
    axes=(SIGN, GUARD, QUOTIENT),
    errata=(_DIRECTION, Erratum("guard", "What is the gradient where ŷ is exactly 0 or 1?")),
    hard_points=_loss_points,
    domain=_OPEN,
    **EXAMPLES,
)

grad_z = Map(
    id="logistic.grad_z",
    number=12,
    title="logistic regression: gradient at the preactivation",
    latex=r"\frac{\partial \mathcal{L}}{\partial z} = \frac{\partial \mathcal{L}}{\partial \hat{y}} "
    rf"\frac{{\partial \hat{{y}}}}{{\partial z}} = {_Q} (\hat{{y}}(1-\hat{{y}}))",
    standard_latex=r"\frac{\partial \mathcal{L}}{\partial z} = \hat{y} - y",
    inputs=_LOGITS,
    output=("n",),
    forward=_loss_of_z,
    vjp_body=_grad_z,
    wrt=("z",),
    prints=("cotangent",),
    axes=(SIGN, PATH),
    errata=(_DIRECTION, _SATURATION),
    hard_points=_grad_z_points,
    domain=_FINITE,
    **EXAMPLES,
)

grad_w = Map(
    id="logistic.grad_w",
    number=13,
    title="logistic regression: gradient of the weights",
    latex=r"\frac{\partial \mathcal{L}}{\partial \vec{w}} = \frac{\partial \mathcal{L}}{\partial z} "
    rf"\frac{{\partial z}}{{\partial \vec{{w}}}} = {_Q} \hat{{y}}(1-\hat{{y}}) \vec{{x}}",
    standard_latex=r"\frac{\partial \mathcal{L}}{\partial \vec{w}} = (\hat{y} - y)\,\vec{x}",
    inputs=_WEIGHTS,
    output=(),
    forward=_loss_of_weights,
    vjp_body=_grad_w,
    wrt=("w",),
    prints=("cotangent",),
    axes=(SIGN, PATH),
    errata=(_DIRECTION, _SATURATION),
    hard_points=_weights_points(with_target=True),
    domain=_FINITE,
    **FEATURES,
)

grad_b = Map(
    id="logistic.grad_b",
    number=14,
    title="logistic regression: gradient of the bias",
    latex=r"\frac{\partial \mathcal{L}}{\partial b} = \frac{\partial \mathcal{L}}{\partial z} "
    rf"\frac{{\partial z}}{{\partial b}} = {_Q} \hat{{y}}(1-\hat{{y}})",
    standard_latex=r"\frac{\partial \mathcal{L}}{\partial b} = \hat{y} - y",
    inputs=_WEIGHTS,
    output=(),
    forward=_loss_of_weights,
    vjp_body=_grad_b,
    wrt=("b",),
    prints=("cotangent",),
    axes=(SIGN, PATH),
    errata=(_DIRECTION, _SATURATION),
    hard_points=_weights_points(with_target=True),
    domain=_FINITE,
    **FEATURES,
)
