"""What the optimizer lines share: weight decay, what becomes of the rate, and a choice that a traced counter allows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .vocabulary import Axis, Hyperparameter, Option

DECAY = Axis(
    name="decay",
    options=(
        Option("none", "no weight decay"),
        Option("l2", "λW is added to the gradient, and goes where the gradient goes", r"g+\lambda W", needs="weight_decay"),
        Option(
            "decoupled",
            "λW is added to the step, and the rate multiplies it",
            r"W=W-\alpha(\cdots+\lambda W)",
            needs="weight_decay",
        ),
        Option(
            "decoupled-unscaled",
            "λW is taken off beside the step, and the rate does not multiply it",
            r"W=W-\alpha(\cdots)-\lambda W",
            needs="weight_decay",
            in_matrix=False,
        ),
        Option(
            "decoupled-after",
            "the weights shrink after the step, by the rate times λ",
            r"W=(W-\alpha(\cdots))(1-\alpha\lambda)",
            needs="weight_decay",
            in_matrix=False,
        ),
    ),
    printed="none",
    standard="none",
    source="l2: torch.optim.Adam, SGD, RMSprop, Adagrad; decoupled: torch.optim.AdamW, optax.adamw, weight_decay of Keras; "
    "decoupled-unscaled: Loshchilov & Hutter, Decoupled weight decay regularization, ICLR 2019, algorithms 1 and 2, "
    "https://arxiv.org/abs/1711.05101, where a schedule η, not α, multiplies λ (here η = 1), and on what libraries made of it "
    "https://github.com/NVIDIA/apex/issues/1849; decoupled-after: AdamW of Hugging Face transformers",
)

RATE = Axis(
    name="rate",
    options=(
        Option("as-given", "each step has the rate that it is given", r"\alpha"),
        Option(
            "over-root-count",
            "the rate that is given is divided by the root of the count of steps",
            r"\alpha/\sqrt t",
            in_matrix=False,
        ),
        Option(
            "inverse-time",
            "the rate that is given decays as the inverse of the steps done",
            r"\frac{\alpha}{1+\gamma(t-1)}",
            needs="rate_decay",
            in_matrix=False,
        ),
    ),
    printed="as-given",
    standard="as-given",
    source="over-root-count: Kingma & Ba, ICLR 2015, section 4 and section 6.1; Reddi, Kale & Kumar, ICLR 2018, corollary 1; "
    "inverse-time: torch.optim.Adagrad(lr_decay), decay of Keras before version 3",
)

EPSILON_NAMES = ("epsilon", "delta")
MOMENTUM_NAMES = ("mu", "m", "momentum_rate", "gamma")

WEIGHT_DECAY = Hyperparameter(
    "weight_decay",
    "λ, where there is weight decay",
    0.01,
    aliases=(
        "wd",
        "weight_decay_rate",
        "weightdecay",
        "l2",
        "l2_penalty",
        "l2_regularization",
        "lambda",
        "lambda_",
        "lambd",
        "lam",
    ),
    neutral=0.0,
)
RATE_DECAY = Hyperparameter(
    "rate_decay",
    "γ, where the rate decays with the steps done",
    0.01,
    aliases=("lr_decay", "learning_rate_decay", "decay"),
    neutral=0.0,
)


def unsought(axis: Axis) -> Axis:
    """The axis with all options but the printed and the standard one left to identification."""
    kept = (axis.printed, axis.standard)
    return replace(axis, options=tuple(o if o.name in kept else replace(o, in_matrix=False) for o in axis.options))


def chosen(xp: Any, condition: Any, yes: Any, no: Any) -> Any:
    """``yes`` or ``no``, by a condition on the count of steps: a bool, unless a framework traces the count."""
    if isinstance(condition, bool):
        return yes if condition else no
    return xp.where(condition, yes, no)


def effective(xp: Any, alpha: Any, t: Any, like: Any, rate_decay: Any, rate: str) -> Any:
    """The rate of step ``t`` (from 1), α, α/√t or α/(1+γ(t-1)); the root is taken of an array ``like`` the weights, since
    frameworks take no root of a Python number."""
    if rate == "over-root-count":
        return alpha / xp.sqrt(t * xp.ones_like(like))
    return alpha / (1 + rate_decay * (t - 1)) if rate == "inverse-time" else alpha


def penalised(g: Any, w: Any, weight_decay: Any, decay: str) -> Any:
    """The gradient, with λW added where weight decay is the derivative of a penalty."""
    return g + weight_decay * w if decay == "l2" else g


def moved(w: Any, steps: list[Any], alpha: Any, weight_decay: Any, decay: str) -> Any:
    """The weights less each of the steps, one by one, and less what decoupled weight decay takes off.

    It is a factor of W, as AdamW evaluates it: one more rounding of W than in α(… + λW), which the budget of this form also
    holds.
    """
    if decay == "decoupled":
        w = w * (1 - alpha * weight_decay)
    elif decay == "decoupled-unscaled":
        w = w * (1 - weight_decay)
    for step in steps:
        w = w - step
    return w * (1 - alpha * weight_decay) if decay == "decoupled-after" else w
