"""Line 40: RMSprop, the gradient over its running root mean square. Libraries differ in where ε and the momentum stand."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..vocabulary import Axis, Erratum, Hyperparameter, Optimizer, Option

EPSILON = Axis(
    name="epsilon",
    options=(
        Option("inside-root", "ε is added to the mean square", r"\sqrt{S+\epsilon}"),
        Option("outside-root", "ε is added to the root", r"\sqrt S+\epsilon"),
    ),
    printed="inside-root",
    standard="inside-root",
    source="Tieleman & Hinton, lecture 6.5, 2012, has no ε; inside: TensorFlow 1, optax (eps_in_sqrt); "
    "outside: torch.optim.RMSprop",
)

START = Axis(
    name="start",
    options=(
        Option("zero", "S starts at zero", r"S_0=0"),
        Option("initial-scale", "S starts at a constant: 1 in TensorFlow 1", r"S_0=s", needs="initial_scale"),
    ),
    printed="zero",
    standard="zero",
    source="initial-scale: optax.rmsprop(initial_scale), after TensorFlow 1",
)

CENTERED = Axis(
    name="centered",
    options=(
        Option("no", "the mean square of the gradient", "S"),
        Option("yes", "its variance: the square of its mean is taken off", r"S-G^2,\;G=\beta G+(1-\beta)g"),
    ),
    printed="no",
    standard="no",
    source="Graves, Generating sequences with recurrent neural networks, 2013, eq. 38-45",
)

MOMENTUM = Axis(
    name="momentum",
    options=(
        Option("none", "the quotient itself is the step"),
        Option(
            "outside",
            "a buffer of quotients, scaled by this step's rate",
            r"B=\mu B+g/\sqrt{\cdot},\;W=W-\alpha B",
            "momentum",
        ),
        Option(
            "inside-buffer",
            "a buffer of quotients, each scaled by its own step's rate",
            r"B=\mu B+\alpha g/\sqrt{\cdot},\;W=W-B",
            "momentum",
        ),
    ),
    printed="none",
    standard="none",
    source="outside: torch.optim.RMSprop; inside-buffer: Graves 2013, TensorFlow 1, optax.rmsprop",
)


class RmspropState(NamedTuple):
    """``t``: steps done; ``S``: mean square; ``G``: mean, if centred; ``B``: buffer, if any; all in the weights' shape."""

    t: int
    S: Any
    G: Any
    B: Any

    never_negative = ("S",)


def _start(xp: Any, w: Any, /, *, initial_scale: Any = 0.0, start: str, **_: Any) -> RmspropState:
    zeros = xp.zeros_like(w)
    return RmspropState(t=0, S=zeros if start == "zero" else zeros + initial_scale, G=zeros, B=zeros)


def _update(
    xp: Any,
    w: Any,
    g: Any,
    state: RmspropState,
    alpha: Any,
    /,
    *,
    beta: Any,
    eps: Any,
    momentum: Any = 0.0,
    initial_scale: Any = 0.0,
    epsilon: str,
    start: str,
    centered: str,
    momentum_axis: str,
) -> tuple[Any, RmspropState]:
    """S = β S + (1-β) g²; W - α g/√(S + ε), as printed."""
    mean, buffer = state.G, state.B
    square = beta * state.S + (1 - beta) * (g * g)
    spread = square
    if centered == "yes":
        mean = beta * state.G + (1 - beta) * g
        spread = square - mean * mean
    root = xp.sqrt(spread + eps) if epsilon == "inside-root" else xp.sqrt(spread) + eps
    if momentum_axis == "none":
        step = alpha * (g / root)
    elif momentum_axis == "outside":
        buffer = momentum * state.B + g / root
        step = alpha * buffer
    else:
        step = buffer = momentum * state.B + alpha * (g / root)
    return w - step, RmspropState(state.t + 1, square, mean, buffer)


rmsprop = Optimizer(
    id="optimizer.rmsprop",
    number=40,
    title="RMSprop",
    latex=r"S^{[L]}=\beta S^{[L]}+(1-\beta)\left(\frac{\partial\mathcal L}{\partial W^{[L]}}\right)^2,\quad "
    r"W^{[L]}=W^{[L]}-\alpha\frac{\frac{\partial\mathcal L}{\partial W^{[L]}}}{\sqrt{S^{[L]}+\epsilon}}",
    axes=(EPSILON, START, CENTERED, MOMENTUM),
    errata=(
        Erratum("epsilon", "Is ε added under the root or to the root? What is the largest step when the gradient is tiny?"),
        Erratum("start", "What is S before the first step, and so how large is the first step?"),
    ),
    source="Tieleman & Hinton, Coursera: Neural networks for machine learning, lecture 6.5, 2012",
    notes="The square is elementwise. ε has the unit of g² under the root and of g outside it. Centred, S - G² is not negative "
    "in exact arithmetic when S and G start at zero, but rounding may make it so, and then the step is NaN.",
    hyperparameters=(
        Hyperparameter("beta", "how much of the mean square is kept, dimensionless", 0.9, 0.0, 1.0),
        Hyperparameter("eps", "keeps the quotient finite where S is zero", 1e-8),
        Hyperparameter("momentum", "how much of the buffer is kept where there is one, dimensionless", 0.9, 0.0, 1.0),
        Hyperparameter("initial_scale", "S before the first step where it does not start at zero", 1.0),
    ),
    start=_start,
    update=_update,
)
