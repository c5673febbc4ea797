"""A trust ratio: a step as long as the weights, or a share of them, whatever the length of what it is made from."""

from __future__ import annotations

from typing import Any

from ..vocabulary import Axis, Hyperparameter, Option, Trials

TRUST_COEFFICIENT = Hyperparameter(
    "trust_coefficient",
    "η, how long a step may be beside the weights, before the rate",
    0.001,
    aliases=("eta", "trust", "trust_coef", "coefficient", "lars_coefficient"),
    trials=Trials((0.001, 0.5, 0.25), 0.5, 0.02, (0.001, 0.02, 0.01, 0.1, 1.0)),
)


def norm(xp: Any, a: Any) -> Any:
    """√Σ a², over all entries of an array."""
    return xp.sqrt(xp.sum(a * a))


def ratio(xp: Any, weights: Any, step: Any, divisor: Any) -> Any:
    """The norm of the weights over a divisor; one where the norm of the weights or of the step is zero."""
    one = xp.ones_like(weights)
    return xp.where(weights > 0, xp.where(step > 0, weights / divisor, one), one)


def _of_norms(xp: Any, weights: Any, step: Any) -> Any:
    return ratio(xp, weights, step, step)


def _at_most_one(xp: Any, weights: Any, step: Any) -> Any:
    found = ratio(xp, weights, step, step)
    return xp.minimum(found, xp.ones_like(found))


def _of_bounded_norm(xp: Any, weights: Any, step: Any) -> Any:
    bounded = xp.minimum(weights, 10 * xp.ones_like(weights))
    return ratio(xp, bounded, step, step)


# The ratio of the norm of the weights to that of the step.
TRUST = Axis(
    name="trust",
    options=(
        Option("norm-ratio", "‖W‖/‖r‖, and 1 where either is zero", r"\frac{\|W\|}{\|r\|}", _of_norms),
        Option("at-most-one", "the same, but at most 1", r"\min\left(\frac{\|W\|}{\|r\|},1\right)", _at_most_one),
        Option("bounded-norm", "‖W‖ counts as 10 where it is more", r"\frac{\min(\|W\|,10)}{\|r\|}", _of_bounded_norm),
    ),
    printed="norm-ratio",
    standard="norm-ratio",
    source="norm-ratio: You et al. 2020, optax.lamb, keras.optimizers.Lamb; at-most-one: timm.optim.Lamb(trust_clip=True), "
    "https://github.com/huggingface/pytorch-image-models/blob/main/timm/optim/lamb.py; bounded-norm: "
    "https://github.com/cybertronai/pytorch-lamb, torch_optimizer.Lamb(clamp_value=10)",
)


# --- weight decay inside of a ratio ---------------------------------------------------------------------------------


def _with_weights(direction: Any, w: Any, h: Any) -> Any:
    return direction + h.weight_decay * w


def _alone(direction: Any, w: Any, h: Any) -> Any:
    return direction


# What the decay adds to the direction that a ratio scales.
IN_DIRECTION = Option(
    "in-direction",
    "λW is added to the direction, and the ratio scales both",
    r"r+\lambda W",
    _with_weights,
    needs="weight_decay",
)
NO_DECAY = Option("none", "no weight decay", does=_alone)


# --- the ratio of a gradient ----------------------------------------------------------------------------------------


def _of_sum(xp: Any, w: Any, g: Any, h: Any) -> tuple[Any, Any]:
    step = g + h.weight_decay * w
    return norm(xp, step), norm(xp, step) + h.eps


def _sum_of_norms(xp: Any, w: Any, g: Any, h: Any) -> tuple[Any, Any]:
    found = norm(xp, g)
    return found, found + h.weight_decay * norm(xp, w) + h.eps


# What the norm of the weights is divided by: the norm that must not be zero, and the divisor.
GRADIENT_NORM = Axis(
    name="norm",
    options=(
        Option("sum-of-norms", "‖g‖ + λ‖W‖ + ε", r"\|g\|+\lambda\|W\|+\epsilon", _sum_of_norms, uses="weight_decay"),
        Option(
            "of-sum",
            "‖g + λW‖ + ε",
            r"\|g+\lambda W\|+\epsilon",
            _of_sum,
            needs="weight_decay",
        ),
    ),
    printed="sum-of-norms",
    standard="sum-of-norms",
    source="sum-of-norms: You, Gitman & Ginsburg 2017, algorithm 1, NVIDIA Apex; of-sum: optax.lars",
)
