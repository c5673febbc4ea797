"""Line 40: RMSprop, the gradient over its running root mean square. Libraries differ in where ε and the momentum stand."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..formula import Optimizer
from ..optimizers import DECAY, EPSILON_NAMES, MOMENTUM_NAMES, WEIGHT_DECAY, moved, penalised, unsought
from ..vocabulary import Axis, Coincidence, Erratum, Hyperparameter, Option

EPSILON = Axis(
    name="epsilon",
    options=(
        Option("inside-root", "ε is added to the mean square", r"\sqrt{S+\epsilon}"),
        Option("outside-root", "ε is added to the root", r"\sqrt S+\epsilon"),
        Option(
            "inside-and-outside",
            "one ε is added to the mean square, another to its root",
            r"\sqrt{S+\bar\epsilon}+\epsilon",
            needs="eps_root",
            in_matrix=False,
        ),
    ),
    printed="inside-root",
    standard="inside-root",
    source="Tieleman & Hinton, lecture 6.5, 2012, has no ε; inside: TensorFlow 1, Keras, optax (eps_in_sqrt); "
    "outside: torch.optim.RMSprop, optax (eps_in_sqrt=False); both: optax.adam with b1=0, eps and eps_root, with debias",
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
            needs="momentum",
        ),
        Option(
            "inside-buffer",
            "a buffer of quotients, each scaled by its own step's rate",
            r"B=\mu B+\alpha g/\sqrt{\cdot},\;W=W-B",
            needs="momentum",
        ),
    ),
    printed="none",
    standard="none",
    source="outside: torch.optim.RMSprop; inside-buffer: Graves 2013, TensorFlow 1, Keras, optax.rmsprop",
)

NESTEROV = Axis(
    name="nesterov",
    options=(
        Option("none", "the step is the buffer, where there is one"),
        Option(
            "lookahead",
            "the step is what the buffer will be if the quotient comes again",
            r"W=W-\alpha(g/\sqrt{\cdot}+\mu B)",
            needs="momentum",
            in_matrix=False,
        ),
    ),
    printed="none",
    standard="none",
    source="lookahead: optax.rmsprop(nesterov=True)",
)

DEBIAS = Axis(
    name="debias",
    options=(
        Option("none", "the averages as they are"),
        Option("complement-of-power", "corrected copies are used", r"\hat S=S/(1-\beta^t)", in_matrix=False),
    ),
    printed="none",
    standard="none",
    source="Kingma & Ba, Adam, ICLR 2015, section 3; optax.rmsprop(bias_correction=True)",
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
    eps_root: Any = 0.0,
    weight_decay: Any = 0.0,
    epsilon: str,
    start: str,
    centered: str,
    momentum_axis: str,
    nesterov: str,
    debias: str,
    decay: str,
) -> tuple[Any, RmspropState]:
    """S = β S + (1-β) g²; W - α g/√(S + ε), as printed."""
    t, buffer = state.t + 1, state.B
    g = penalised(g, w, weight_decay, decay)
    square = beta * state.S + (1 - beta) * (g * g)
    mean, spread = state.G, _debiased(square, beta, t, debias)
    if centered == "yes":
        mean = beta * state.G + (1 - beta) * g
        centre = _debiased(mean, beta, t, debias)
        spread = spread - centre * centre
    quotient = g / _root(xp, spread, eps, eps_root, epsilon)
    if momentum_axis == "none":
        step = alpha * quotient
    else:
        inside = momentum_axis == "inside-buffer"
        part = alpha * quotient if inside else quotient
        step = buffer = momentum * state.B + part
        if nesterov == "lookahead":
            step = part + momentum * buffer
        step = step if inside else alpha * step
    return moved(w, [step], alpha, weight_decay, decay), RmspropState(t, square, mean, buffer)


def _debiased(average: Any, beta: Any, t: Any, debias: str) -> Any:
    return average if debias == "none" else average / (1 - beta**t)


def _root(xp: Any, spread: Any, eps: Any, eps_root: Any, epsilon: str) -> Any:
    if epsilon == "inside-root":
        return xp.sqrt(spread + eps)
    return xp.sqrt(spread + eps_root if epsilon == "inside-and-outside" else spread) + eps


rmsprop = Optimizer(
    id="optimizer.rmsprop",
    number=40,
    title="RMSprop",
    latex=r"S^{[L]}=\beta S^{[L]}+(1-\beta)\left(\frac{\partial\mathcal L}{\partial W^{[L]}}\right)^2,\quad "
    r"W^{[L]}=W^{[L]}-\alpha\frac{\frac{\partial\mathcal L}{\partial W^{[L]}}}{\sqrt{S^{[L]}+\epsilon}}",
    axes=(EPSILON, START, CENTERED, MOMENTUM, NESTEROV, DEBIAS, unsought(DECAY)),
    errata=(
        Erratum("epsilon", "Is ε added under the root or to the root? What is the largest step when the gradient is tiny?"),
        Erratum("start", "What is S before the first step, and so how large is the first step?"),
    ),
    source="Tieleman & Hinton, Coursera: Neural networks for machine learning, lecture 6.5, 2012",
    notes="The square is elementwise. ε has the unit of g² under the root and of g outside it. Centred, S - G² is not negative "
    "in exact arithmetic when S and G start at zero, but rounding may make it so, and then the step is NaN.",
    coincidences=(Coincidence("nesterov", "none", {"momentum": ("none",)}),),
    family="rmsprop",
    hyperparameters=(
        Hyperparameter(
            "beta",
            "how much of the mean square is kept, dimensionless",
            0.9,
            0.0,
            1.0,
            aliases=(
                "alpha",
                "decay",
                "rho",
                "smoothing",
                "smoothing_constant",
                "discount",
                "discounting_factor",
                "decay_rate",
                "gamma",
                "beta2",
                "b2",
                "beta_2",
            ),
        ),
        Hyperparameter("eps", "keeps the quotient finite where S is zero", 1e-8, aliases=EPSILON_NAMES),
        Hyperparameter(
            "momentum",
            "how much of the buffer is kept where there is one, dimensionless",
            0.9,
            0.0,
            1.0,
            aliases=tuple(name for name in MOMENTUM_NAMES if name != "gamma"),
            neutral=0.0,
        ),
        Hyperparameter(
            "initial_scale",
            "S before the first step where it does not start at zero",
            1.0,
            aliases=("initial_accumulator_value", "initial_accumulator", "initial_value"),
            neutral=0.0,
        ),
        Hyperparameter("eps_root", "ε̄, under the root where there is one outside, too", 1e-8, neutral=0.0),
        WEIGHT_DECAY,
    ),
    start=_start,
    update=_update,
)
