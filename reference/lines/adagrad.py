"""Beyond the sheet: Adagrad, the gradient over the root of the sum of all its squares."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..formula import Optimizer
from ..optimizers import DECAY, EPSILON_NAMES, MOMENTUM_NAMES, RATE, RATE_DECAY, WEIGHT_DECAY, effective, moved, penalised
from ..vocabulary import Axis, Erratum, Hyperparameter, Option

EPSILON = Axis(
    name="epsilon",
    options=(
        Option("outside-root", "ε is added to the root", r"\sqrt S+\epsilon"),
        Option("inside-root", "ε is added to the sum of squares", r"\sqrt{S+\epsilon}"),
        Option("none", "no ε: there is no step where the sum of squares is zero", r"\sqrt S", in_matrix=False),
    ),
    printed="outside-root",
    standard="outside-root",
    source="outside-root: Duchi, Hazan & Singer 2011, figure 1 (δ), torch.optim.Adagrad; inside-root: optax.adagrad, "
    "keras.optimizers.Adagrad; none: jax.example_libraries.optimizers.adagrad",
)

START = Axis(
    name="start",
    options=(
        Option("zero", "S starts at zero", r"S_0=0"),
        Option("initial-scale", "S starts at a constant", r"S_0=s", needs="initial_scale"),
    ),
    printed="zero",
    standard="zero",
    source="initial-scale: initial_accumulator_value of torch.optim.Adagrad and, 0.1 by default, of Keras and optax",
)

MOMENTUM = Axis(
    name="momentum",
    options=(
        Option("none", "the quotient itself is the step"),
        Option(
            "average", "an exponential average of quotients", r"B=\mu B+(1-\mu)g/\sqrt{\cdot},\;W=W-\alpha B", needs="momentum"
        ),
    ),
    printed="none",
    standard="none",
    source="average: jax.example_libraries.optimizers.adagrad",
)


class AdagradState(NamedTuple):
    """``t``: steps done; ``S``: sum of squares; ``B``: buffer, if any; both in the weights' shape."""

    t: int
    S: Any
    B: Any

    never_negative = ("S",)


def _start(xp: Any, w: Any, /, *, initial_scale: Any = 0.0, start: str, **_: Any) -> AdagradState:
    zeros = xp.zeros_like(w)
    return AdagradState(t=0, S=zeros if start == "zero" else zeros + initial_scale, B=zeros)


def _update(
    xp: Any,
    w: Any,
    g: Any,
    state: AdagradState,
    alpha: Any,
    /,
    *,
    eps: Any,
    initial_scale: Any = 0.0,
    momentum: Any = 0.0,
    weight_decay: Any = 0.0,
    rate_decay: Any = 0.0,
    epsilon: str,
    start: str,
    momentum_axis: str,
    decay: str,
    rate: str,
) -> tuple[Any, AdagradState]:
    """S = S + g²; W - α g/(√S + ε), as published."""
    t, buffer = state.t + 1, state.B
    alpha = effective(xp, alpha, t, w, rate_decay, rate)
    g = penalised(g, w, weight_decay, decay)
    total = state.S + g * g
    step = _quotient(xp, g, total, eps, epsilon)
    if momentum_axis == "average":
        step = buffer = momentum * state.B + (1 - momentum) * step
    return moved(w, [alpha * step], alpha, weight_decay, decay), AdagradState(t, total, buffer)


def _quotient(xp: Any, g: Any, total: Any, eps: Any, epsilon: str) -> Any:
    if epsilon == "outside-root":
        return g / (xp.sqrt(total) + eps)
    if epsilon == "inside-root":
        return g / xp.sqrt(total + eps)
    return xp.where(total > 0, g / xp.sqrt(total), xp.zeros_like(g))


adagrad = Optimizer(
    id="optimizer.adagrad",
    number=45,
    title="Adagrad",
    latex=r"S=S+g^2,\quad W=W-\alpha\frac{g}{\sqrt S+\epsilon}",
    axes=(EPSILON, START, MOMENTUM, DECAY, RATE),
    errata=(
        Erratum("epsilon", "Is ε added under the root or to the root? What is the largest step when all gradients are tiny?"),
        Erratum("start", "What is S before the first step, and so how large is the first step?"),
    ),
    source="Duchi, Hazan & Singer, Adaptive subgradient methods for online learning and stochastic optimization, JMLR 12, "
    "2011, figure 1 with a diagonal matrix, https://jmlr.org/papers/v12/duchi11a.html",
    notes="The paper's ε is called δ. Where all gradients were zero, optax takes no step even with ε = 0; with ε > 0 that is "
    "the same function.",
    family="adagrad",
    hyperparameters=(
        Hyperparameter("eps", "keeps the quotient finite where S is zero", 1e-10, aliases=EPSILON_NAMES),
        Hyperparameter(
            "initial_scale",
            "S before the first step where it does not start at zero",
            0.1,
            aliases=("initial_accumulator_value", "initial_accumulator", "initial_value"),
            neutral=0.0,
        ),
        Hyperparameter(
            "momentum",
            "how much of the buffer is kept where there is one, dimensionless",
            0.9,
            0.0,
            1.0,
            aliases=MOMENTUM_NAMES,
            neutral=0.0,
        ),
        WEIGHT_DECAY,
        RATE_DECAY,
    ),
    start=_start,
    update=_update,
)
