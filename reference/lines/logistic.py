"""Lines 8-14: logistic regression with one example, its log-likelihood, and the gradients printed for it.

The derivatives are those of the printed L, which grows as the fit gets better.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..formula import Map
from ..pieces import aliases
from ..pieces.activations import FORM, SLOPE
from ..pieces.likelihood import GUARD, PATH, QUOTIENT, SIGN, log_likelihood
from ..pieces.properties import BATCH_ADDITIVITY, PERMUTATION
from ..studies.logistic import GUARDED, TRAINING
from ..vocabulary import Erratum, Format, Input

SECTION = "Logistic regression"

# --- bodies ---------------------------------------------------------------------------------------------------------


def _z(xp: Any, w: Any, x: Any, b: Any) -> Any:
    return (w.T @ x)[0, 0] + b


def _z_vjp(xp: Any, z_bar: Any, w: Any, x: Any, b: Any) -> dict[str, Any]:
    return {"w": z_bar * x, "x": z_bar * w, "b": z_bar}


def _y_hat(xp: Any, z: Any, *, sigma_form: Any) -> Any:
    return sigma_form(xp, z)


def _y_hat_vjp(xp: Any, y_hat_bar: Any, z: Any, *, slope: Any, sigma_form: Any) -> dict[str, Any]:
    return {"z": slope(xp, y_hat_bar, z, sigma_form(xp, z))}


def _loss(xp: Any, y_hat: Any, y: Any, *, sign: Any, guard: Any) -> Any:
    return sign(log_likelihood(xp, guard.prepared(xp, y_hat), y, guard.log))


def _loss_vjp(xp: Any, l_bar: Any, y_hat: Any, y: Any, *, sign: Any, guard: Any, quotient: Any) -> dict[str, Any]:
    return {"y_hat": sign(guard.gradient(xp, l_bar, y_hat, y, quotient))}


def _loss_of_z(xp: Any, z: Any, y: Any, *, sign: Any, path: Any) -> Any:
    return sign(path.value(xp, z, y))


def _grad_z(xp: Any, l_bar: Any, z: Any, y: Any, *, sign: Any, path: Any) -> dict[str, Any]:
    return {"z": path.gradient(xp, l_bar, z, y, sign)}


def _residual(xp: Any, y_hat: Any, y: Any, *, sign: Any) -> Any:
    return sign(y - y_hat)


def _no_cotangents(xp: Any, cotangent: Any, y_hat: Any, y: Any) -> dict[str, Any]:
    return {}


def _loss_of_weights(xp: Any, w: Any, x: Any, b: Any, y: Any, *, sign: Any, path: Any) -> Any:
    return sign(path.value(xp, _z(xp, w, x, b), y))


def _grad_w(xp: Any, l_bar: Any, w: Any, x: Any, b: Any, y: Any, *, sign: Any, path: Any) -> dict[str, Any]:
    return {"w": path.gradient(xp, l_bar, _z(xp, w, x, b), y, sign) * x}


def _grad_b(xp: Any, l_bar: Any, w: Any, x: Any, b: Any, y: Any, *, sign: Any, path: Any) -> dict[str, Any]:
    return {"b": path.gradient(xp, l_bar, _z(xp, w, x, b), y, sign)}


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
        "between the middle and the upper tail": [0.7 * edge] * 3,
        "between the middle and the lower tail": [-0.7 * edge] * 3,
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

_W = Input(("n", 1), "the weights, dimensionless", "small", aliases=aliases.WEIGHTS)
_X = Input(("n", 1), "the features of the one example, dimensionless", aliases=aliases.ARRAY)
_B = Input((), "the bias, dimensionless", "small", aliases=aliases.BIAS)
_Y = Input(("n",), "the target of each example, 0 to 1", "unit", differentiable=False, aliases=aliases.TARGET)
_WEIGHTS = {"w": _W, "x": _X, "b": _B, "y": replace(_Y, shape=(), meaning="the target, 0 to 1")}
_OUTPUTS = {
    "y_hat": Input(("n",), "the predicted probability of each example", "probability", aliases=aliases.PREDICTION),
    "y": _Y,
}
_LOGITS = {"z": Input(("n",), "the preactivation of each example, dimensionless", aliases=aliases.LOGITS), "y": _Y}
_OPEN = "0 < ŷ < 1; at 0 and 1 the printed expressions are log 0, or 0/0"
_FINITE = "all reals; in floating point only where ŷ rounds neither to 0 nor to 1"
_Q = r"\left(\frac{y}{\hat{y}} - \frac{1-y}{1-\hat{y}}\right)"
_DIRECTION = Erratum("sign", "Does the descent of line 38 along this gradient make the fit better or worse?")
_SATURATION = Erratum("path", "What is left of the gradient where ŷ rounds to 0 or 1?")

z = Map(
    id="logistic.z",
    number=8,
    section=SECTION,
    title="logistic regression: preactivation",
    latex=r"Z = \vec{w}^T \vec{x} + b",
    inputs={"w": _W, "x": _X, "b": _B},
    output=(),
    forward=_z,
    vjp_body=_z_vjp,
    wrt=("w", "x", "b"),
    prints=("forward",),
    hard_points=_weights_points(with_target=False),
    properties=(PERMUTATION,),
    **FEATURES,
)

y_hat = Map(
    id="logistic.y_hat",
    number=9,
    section=SECTION,
    title="logistic regression: predicted probability",
    latex=r"\hat{y} = \sigma(z)",
    inputs={"z": _LOGITS["z"]},
    output=("n",),
    forward=_y_hat,
    vjp_body=_y_hat_vjp,
    wrt=("z",),
    prints=("forward",),
    axes=(SLOPE, FORM),
    hard_points=_y_hat_points,
    properties=(BATCH_ADDITIVITY, PERMUTATION),
    **EXAMPLES,
)

loss = Map(
    id="logistic.loss",
    number=10,
    section=SECTION,
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
    studies=(GUARDED,),
    properties=(BATCH_ADDITIVITY, PERMUTATION),
    **EXAMPLES,
)

grad_y_hat = Map(
    id="logistic.grad_y_hat",
    number=11,
    section=SECTION,
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
    properties=(BATCH_ADDITIVITY, PERMUTATION),
    **EXAMPLES,
)


def _grad_z_from_output() -> Map:
    """Line 12 as a function of ŷ in place of z."""
    return Map(
        id="logistic.grad_z",
        number=12,
        section=SECTION,
        title="logistic regression: gradient at the preactivation, from the prediction",
        latex=r"\frac{\partial \mathcal{L}}{\partial z} = y - \hat{y}",
        standard_latex=r"\frac{\partial \mathcal{L}}{\partial z} = \hat{y} - y",
        inputs=_OUTPUTS,
        output=("n",),
        forward=_residual,
        vjp_body=_no_cotangents,
        wrt=(),
        prints=("cotangent",),
        axes=(SIGN,),
        hard_points=_loss_points,
        **EXAMPLES,
    )


grad_z = Map(
    id="logistic.grad_z",
    number=12,
    section=SECTION,
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
    restated=(_grad_z_from_output(),),
    properties=(BATCH_ADDITIVITY, PERMUTATION),
    **EXAMPLES,
)

grad_w = Map(
    id="logistic.grad_w",
    number=13,
    section=SECTION,
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
    studies=(TRAINING,),
    properties=(PERMUTATION,),
    **FEATURES,
)

grad_b = Map(
    id="logistic.grad_b",
    number=14,
    section=SECTION,
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
    properties=(PERMUTATION,),
    **FEATURES,
)
