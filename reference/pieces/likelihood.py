"""The log-likelihood of a probability, and how it and its gradient may be evaluated."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..vocabulary import Axis, Constant, Option
from .activations import chain, one_minus_z, sigmoid

# --- sign -----------------------------------------------------------------------------------------------------------


def plus(value: Any) -> Any:
    return value


def minus(value: Any) -> Any:
    return -value


SIGN = Axis(
    name="sign",
    options=(
        Option("plus", "the log-likelihood as printed: larger is better", r"y\ln\hat{y}+(1-y)\ln(1-\hat{y})", does=plus),
        Option(
            "minus",
            "the cross-entropy: smaller is better",
            r"-\left[y\ln\hat{y}+(1-y)\ln(1-\hat{y})\right]",
            does=minus,
        ),
    ),
    printed="plus",
    standard="minus",
    source="C. M. Bishop, Pattern Recognition and Machine Learning, Springer 2006, eq. 4.90",
)


# --- quotient: L̄ times the derivative by ŷ --------------------------------------------------------------------------


def divide(l_bar: Any, y_hat: Any, y: Any) -> Any:
    return l_bar * (y / y_hat - (1 - y) / (1 - y_hat))


def reciprocal(l_bar: Any, y_hat: Any, y: Any) -> Any:
    return l_bar * y * (1 / y_hat) - l_bar * (1 - y) * (1 / (1 - y_hat))


QUOTIENT = Axis(
    name="quotient",
    options=(
        Option(
            "divide",
            "y/ŷ - (1-y)/(1-ŷ), one rounding each",
            r"\frac{y}{\hat{y}}-\frac{1-y}{1-\hat{y}}",
            does=divide,
        ),
        Option(
            "reciprocal",
            "y·(1/ŷ) - (1-y)·(1/(1-ŷ)), as the chain rule through ln evaluates it; 0·∞ where 1/ŷ overflows",
            r"y\cdot\frac{1}{\hat{y}}-(1-y)\cdot\frac{1}{1-\hat{y}}",
            does=reciprocal,
        ),
    ),
    printed="divide",
    standard="divide",
    kind="evaluation",
)


# --- guard ----------------------------------------------------------------------------------------------------------


def unchanged(xp: Any, y_hat: Any) -> Any:
    return y_hat


class Guard(NamedTuple):
    """The logarithm, what flows back to ŷ, and what is done with ŷ before either."""

    log: Callable[..., Any]  # log(xp, p)
    gradient: Callable[..., Any]  # gradient(xp, l_bar, y_hat, y, quotient), with what QUOTIENT chooses
    prepared: Callable[..., Any] = unchanged  # prepared(xp, y_hat)


def unguarded_log(xp: Any, p: Any) -> Any:
    return xp.log(p)


def by_quotient(xp: Any, l_bar: Any, y_hat: Any, y: Any, quotient: Any) -> Any:
    return quotient(l_bar, y_hat, y)


def clamped_log(xp: Any, p: Any) -> Any:
    return xp.maximum(xp.log(p), -100 * xp.ones_like(p))


_FLOOR = float(np.float32(1e-12))  # torch writes 1e-12 and keeps it as a C float, in float64 runs too


def over_variance(xp: Any, l_bar: Any, y_hat: Any, y: Any, quotient: Any) -> Any:
    variance = xp.maximum(y_hat * (1 - y_hat), xp.asarray(_FLOOR) * xp.ones_like(y_hat))
    return l_bar * (y - y_hat) / variance


# The ε of a guard is whatever a library or a person writes. At ŷ = 0 and y = 1 the value is ±ln ε with each of them.


@dataclass(frozen=True)
class Clipping:
    """ŷ is kept between ε and 1-ε, and beyond these nothing flows."""

    epsilon: float

    def prepared(self, xp: Any, y_hat: Any) -> Any:
        ones = xp.ones_like(y_hat)
        return -xp.maximum(-xp.maximum(y_hat, xp.asarray(self.epsilon) * ones), -xp.asarray(1 - self.epsilon) * ones)

    def log(self, xp: Any, p: Any) -> Any:
        return xp.log(p)

    def gradient(self, xp: Any, l_bar: Any, y_hat: Any, y: Any, quotient: Any) -> Any:
        flow, zeros = quotient(l_bar, self.prepared(xp, y_hat), y), xp.zeros_like(y_hat)
        inside = xp.where(y_hat < xp.asarray(self.epsilon), zeros, flow)
        return xp.where(y_hat > xp.asarray(1 - self.epsilon), zeros, inside)


@dataclass(frozen=True)
class Shifting:
    """ε is added to what each logarithm is taken of."""

    epsilon: float

    def prepared(self, xp: Any, y_hat: Any) -> Any:
        return y_hat

    def log(self, xp: Any, p: Any) -> Any:
        return xp.log(p + xp.asarray(self.epsilon))

    def gradient(self, xp: Any, l_bar: Any, y_hat: Any, y: Any, quotient: Any) -> Any:
        e = xp.asarray(self.epsilon)
        return l_bar * (y / (y_hat + e) - (1 - y) / (1 - y_hat + e))


@dataclass(frozen=True)
class Flooring:
    """What each logarithm is taken of is at least ε, and below that nothing flows through it."""

    epsilon: float

    def prepared(self, xp: Any, y_hat: Any) -> Any:
        return y_hat

    def floored(self, xp: Any, p: Any) -> Any:
        return xp.maximum(p, xp.asarray(self.epsilon) * xp.ones_like(p))

    def log(self, xp: Any, p: Any) -> Any:
        return xp.log(self.floored(xp, p))

    def gradient(self, xp: Any, l_bar: Any, y_hat: Any, y: Any, quotient: Any) -> Any:
        e, zeros, q = xp.asarray(self.epsilon), xp.zeros_like(y_hat), 1 - y_hat
        one = xp.where(y_hat < e, zeros, y / self.floored(xp, y_hat))
        return l_bar * (one - xp.where(q < e, zeros, (1 - y) / self.floored(xp, q)))


_KERAS = 1e-7  # its backend's epsilon


def _guarding(made: Callable[[float], Any]) -> Constant:
    return Constant("ε", _KERAS, made, {"y_hat": [0.0], "y": [1.0]}, lambda value: math.exp(-abs(value)))


GUARD = Axis(
    name="guard",
    options=(
        Option("none", "as printed: log 0 and 0/0 where ŷ is exactly 0 or 1", does=Guard(unguarded_log, by_quotient)),
        Option(
            "clamp",
            "each logarithm is at least -100; the gradient is (y-ŷ)/max(ŷ(1-ŷ), 10⁻¹²), which is not that of the clamped value",
            r"\frac{y-\hat{y}}{\max(\hat{y}(1-\hat{y}),\,10^{-12})}",
            does=Guard(clamped_log, over_variance),
        ),
        Option(
            "clipped",
            "ŷ is kept between ε and 1-ε; outside of these nothing flows back",
            r"\min(\max(\hat{y},\epsilon),\,1-\epsilon)",
            does=Clipping(_KERAS),
            in_matrix=False,
            constant=_guarding(Clipping),
        ),
        Option(
            "shifted",
            "ε is added inside of each logarithm",
            r"\ln(\hat{y}+\epsilon)",
            does=Shifting(_KERAS),
            in_matrix=False,
            constant=_guarding(Shifting),
        ),
        Option(
            "floored",
            "what each logarithm is taken of is at least ε; below that nothing flows back",
            r"\ln\max(\hat{y},\epsilon)",
            does=Flooring(_KERAS),
            in_matrix=False,
            constant=_guarding(Flooring),
        ),
    ),
    printed="none",
    standard="none",
    source="PyTorch documents the clamp of torch.nn.BCELoss; its gradient is read off binary_cross_entropy_backward; "
    "keras.losses.BinaryCrossentropy clips to [ε, 1-ε] with ε = keras.config.epsilon(), 10⁻⁷",
)


def log_likelihood(xp: Any, y_hat: Any, y: Any, log: Callable[..., Any]) -> Any:
    return y * log(xp, y_hat) + (1 - y) * log(xp, 1 - y_hat)


# --- path: from z to the value, and from L̄ to z ---------------------------------------------------------------------


class Path(NamedTuple):
    """How the log-likelihood is evaluated from z, and what flows back to z."""

    value: Callable[..., Any]  # value(xp, z, y)
    gradient: Callable[..., Any]  # gradient(xp, l_bar, z, y, sign), with what SIGN chooses


def value_of_output(xp: Any, z: Any, y: Any) -> Any:
    return log_likelihood(xp, sigmoid(xp, z), y, unguarded_log)


def gradient_by_quotients(xp: Any, l_bar: Any, z: Any, y: Any, sign: Any) -> Any:
    y_hat = sigmoid(xp, z)
    return one_minus_z(xp, sign(divide(l_bar, y_hat, y)), z, y_hat)


def gradient_by_chain(xp: Any, l_bar: Any, z: Any, y: Any, sign: Any) -> Any:
    y_hat = sigmoid(xp, z)
    return chain(xp, sign(reciprocal(l_bar, y_hat, y)), z, y_hat)


# In the logit path the argument that `maximum` names first is the one selected for z > 0, which is the region that the
# symbolic arithmetic speaks of. Neither exponential can overflow.


def value_of_logit(xp: Any, z: Any, y: Any) -> Any:
    return y * z - xp.maximum(z, xp.zeros_like(z)) - xp.log1p(xp.exp(-xp.maximum(z, -z)))


def gradient_of_logit(xp: Any, l_bar: Any, z: Any, y: Any, sign: Any) -> Any:
    return l_bar * sign(residual(xp, z, y))


def residual(xp: Any, z: Any, y: Any) -> Any:
    """y - σ(z) without cancellation, as yσ(-z) - (1-y)σ(z)."""
    zero, partition = xp.zeros_like(z), 1 + xp.exp(-xp.maximum(z, -z))
    sigma_of_z, sigma_of_minus_z = xp.exp(-xp.maximum(zero, -z)) / partition, xp.exp(-xp.maximum(z, zero)) / partition
    return y * sigma_of_minus_z - (1 - y) * sigma_of_z


def value_by_log1p(xp: Any, z: Any, y: Any) -> Any:
    shift = xp.maximum(xp.zeros_like(z), -z)
    softplus = shift + xp.log1p(xp.exp(-xp.maximum(z, -z)))
    return -((1 - y) * z + softplus)


def gradient_by_difference(xp: Any, l_bar: Any, z: Any, y: Any, sign: Any) -> Any:
    return l_bar * sign(y - sigmoid(xp, z))


def value_by_log_of_sum(xp: Any, z: Any, y: Any) -> Any:
    shift = xp.maximum(xp.zeros_like(z), -z)
    softplus = shift + xp.log(xp.exp(-shift) + xp.exp(-z - shift))
    return -((1 - y) * z + softplus)


def gradient_by_complement(xp: Any, l_bar: Any, z: Any, y: Any, sign: Any) -> Any:
    return sign(l_bar * sigmoid(xp, -z) - l_bar * (1 - y))


PATH = Axis(
    name="path",
    options=(
        Option(
            "quotients",
            "through ŷ as printed; 0/0 or cancellation where ŷ rounds to 0 or 1",
            r"\left(\frac{y}{\hat{y}}-\frac{1-y}{1-\hat{y}}\right)\hat{y}(1-\hat{y})",
            does=Path(value_of_output, gradient_by_quotients),
        ),
        Option(
            "logit",
            "the value and the cotangent from z alone: yσ(-z) - (1-y)σ(z), which is y - ŷ without cancellation",
            r"y\,\sigma(-z)-(1-y)\,\sigma(z)",
            does=Path(value_of_logit, gradient_of_logit),
        ),
        Option(
            "difference",
            "the value (1-y)z - ln σ(z), 0·∞ at infinity; the cotangent y - ŷ, which cancels where ŷ rounds to y",
            r"y-\hat{y}",
            does=Path(value_by_log1p, gradient_by_difference),
        ),
        Option(
            "complement",
            "the value with ln(1+e⁻ᶻ), whose sum rounds to 1, and the cotangent σ(-z) - (1-y), which cancels for z < 0",
            r"\sigma(-z)-(1-y)",
            does=Path(value_by_log_of_sum, gradient_by_complement),
        ),
        Option(
            "chain",
            "through ŷ, and through the printed 1/(1+e⁻ᶻ): its slope is ŷ²e⁻ᶻ",
            r"\left(\frac{y}{\hat{y}}-\frac{1-y}{1-\hat{y}}\right)\hat{y}^2e^{-z}",
            does=Path(value_of_output, gradient_by_chain),
        ),
    ),
    printed="quotients",
    standard="logit",
    kind="evaluation",
    source="ŷ(1-ŷ) cancels against the quotients: Bishop 2006, eq. 4.91",
)
