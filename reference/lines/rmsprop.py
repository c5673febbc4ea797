"""Line 40: RMSprop, the gradient over its running root mean square. Libraries differ in where ε and the momentum stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from ..formula import Optimizer
from ..pieces.betas import BETAS
from ..pieces.correction import DEBIAS
from ..pieces.decay import DECAY, moved
from ..pieces.epsilon import EPSILON
from ..pieces.hyperparameters import EPS, EPS_ROOT, INITIAL_RATE, KEPT, MOMENTUM_NAMES, START_NAMES, WEIGHT_DECAY, initial
from ..pieces.hyperparameters import MOMENTUM as MOMENTUM_KEPT
from ..pieces.momentum import MOMENTUM, NESTEROV
from ..pieces.properties import ELEMENTWISE, PROPORTIONAL, SHIFT, invariant_to_scale
from ..pieces.start import start_axis
from ..vocabulary import Axis, Coincidence, Erratum, Hyperparameter, Option, Role


def _no_mean(G: Any, g: Any, h: Any) -> Any:
    return G


def _mean(G: Any, g: Any, h: Any) -> Any:
    return h.beta * G + (1 - h.beta) * g


def _mean_square(square: Any, mean: Any) -> Any:
    return square


def _variance(square: Any, mean: Any) -> Any:
    return square - mean * mean


class Centre(NamedTuple):
    """``mean(G, g, h)`` is the mean after a step, ``spread(square, mean)`` what stands under the root."""

    mean: Callable[..., Any]
    spread: Callable[..., Any]


CENTERED = Axis(
    name="centered",
    options=(
        Option("no", "the mean square of the gradient", "S", Centre(_no_mean, _mean_square)),
        Option(
            "yes",
            "its variance: the square of its mean is taken off",
            r"S-G^2,\;G=\beta G+(1-\beta)g",
            Centre(_mean, _variance),
        ),
    ),
    printed="no",
    standard="no",
    source="Graves, Generating sequences with recurrent neural networks, 2013, eq. 38-45",
)


class RmspropState(NamedTuple):
    """``t``: steps done; ``S``: mean square; ``G``: mean, if centred; ``B``: buffer, if any; all in the weights' shape."""

    t: int
    S: Any
    G: Any
    B: Any

    never_negative = ("S",)


def _start(xp: Any, w: Any, h: Any, o: Any) -> RmspropState:
    zeros = xp.zeros_like(w)
    return RmspropState(0, o.start.begin(zeros, h), o.mean_start.begin(zeros, h), zeros)


def _update(xp: Any, w: Any, g: Any, state: RmspropState, alpha: Any, h: Any, o: Any) -> tuple[Any, RmspropState]:
    """S = β S + (1-β) g²; W - α g/√(S + ε), as printed."""
    t, h = state.t + 1, o.betas.averaging(h, ("beta",))
    g = o.decay.of_gradient(g, w, h)
    S = o.start.after_first(xp, t, g * g, h.beta * state.S + (1 - h.beta) * (g * g))
    G = o.mean_start.after_first(xp, t, g, o.centered.mean(state.G, g, h))
    spread = o.centered.spread(o.debias(S, h.beta, t), o.debias(G, h.beta, t))
    quotient = o.epsilon.quotient(xp, g, spread, o.epsilon.terms(h))
    step, B = o.momentum(o.nesterov, quotient, state.B, alpha, h)
    return moved(o.decay, w, [step], alpha, h), RmspropState(t, S, G, B)


rmsprop = Optimizer(
    id="optimizer.rmsprop",
    number=40,
    title="RMSprop",
    latex=r"S^{[L]}=\beta S^{[L]}+(1-\beta)\left(\frac{\partial\mathcal L}{\partial W^{[L]}}\right)^2,\quad "
    r"W^{[L]}=W^{[L]}-\alpha\frac{\frac{\partial\mathcal L}{\partial W^{[L]}}}{\sqrt{S^{[L]}+\epsilon}}",
    section="Optimizers",
    axes=(
        EPSILON.of("outside-root", "inside-root", "inside-and-outside", printed="inside-root", standard="inside-root"),
        start_axis("start", "S", "initial_scale", "square", in_matrix=("initial-scale",)),
        CENTERED,
        start_axis("mean_start", "G", "initial_mean"),
        MOMENTUM.of("none", "outside", "inside-buffer"),
        NESTEROV.of("none", "lookahead", in_matrix=()),
        DEBIAS.of(in_matrix=()),
        BETAS.of("of-kept", "of-new"),
        DECAY.of(in_matrix=()),
    ),
    errata=(
        Erratum("epsilon", "Is ε added under the root or to the root? What is the largest step when the gradient is tiny?"),
        Erratum("start", "What is S before the first step, and so how large is the first step?"),
    ),
    source="Tieleman & Hinton, Coursera: Neural networks for machine learning, lecture 6.5, 2012",
    notes="The square is elementwise. ε has the unit of g² under the root and of g outside it. Centred, S - G² is not negative "
    "in exact arithmetic when S and G start at zero, but rounding may make it so, and then the step is NaN.",
    coincidences=(
        Coincidence("nesterov", "none", {"momentum": ("none",)}),
        Coincidence("mean_start", "zero", {"centered": ("no",)}),
    ),
    properties=(ELEMENTWISE, SHIFT, PROPORTIONAL, invariant_to_scale(eps=0.0)),
    family="rmsprop",
    hyperparameters=(
        Hyperparameter(
            "beta",
            "how much of the mean square is kept, dimensionless",
            0.9,
            0.0,
            1.0,
            Role.DECAY_RATE,
            (
                *("alpha", "decay", "rho", "smoothing", "smoothing_constant", "discount", "discounting_factor"),
                *("decay_rate", "gamma", "beta2", "b2", "beta_2"),
            ),
            trials=KEPT,
        ),
        EPS,
        replace(MOMENTUM_KEPT, aliases=tuple(name for name in MOMENTUM_NAMES if name != "gamma")),
        initial("initial_scale", "S", 1.0, START_NAMES),
        replace(EPS_ROOT, aliases=()),
        WEIGHT_DECAY,
        INITIAL_RATE,
        initial("initial_mean", "G", 1.0),
    ),
    start=_start,
    update=_update,
)
