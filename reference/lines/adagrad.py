"""Beyond the sheet: Adagrad, the gradient over the root of the sum of all its squares."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from ..formula import Optimizer
from ..pieces.decay import DECAY, moved
from ..pieces.epsilon import EPSILON
from ..pieces.hyperparameters import EPS, INITIAL_RATE, RATE_DECAY, START_NAMES, WEIGHT_DECAY, initial
from ..pieces.hyperparameters import MOMENTUM as MOMENTUM_KEPT
from ..pieces.momentum import MOMENTUM, NESTEROV
from ..pieces.properties import ELEMENTWISE, PROPORTIONAL, SHIFT, invariant_to_scale
from ..pieces.rate import RATE
from ..pieces.start import start_axis
from ..vocabulary import Coincidence, Erratum

_NO_LOOKAHEAD = NESTEROV.option("none").does


class AdagradState(NamedTuple):
    """``t``: steps done; ``S``: sum of squares; ``B``: buffer, if any; both in the weights' shape."""

    t: int
    S: Any
    B: Any

    never_negative = ("S",)


def _start(xp: Any, w: Any, h: Any, o: Any) -> AdagradState:
    zeros = xp.zeros_like(w)
    return AdagradState(0, o.start.begin(zeros, h), zeros)


def _update(xp: Any, w: Any, g: Any, state: AdagradState, alpha: Any, h: Any, o: Any) -> tuple[Any, AdagradState]:
    """S = S + g²; W - α g/(√S + ε), as published."""
    t = state.t + 1
    alpha = o.rate(xp, alpha, t, w, h)
    g = o.decay.of_gradient(g, w, h)
    S = o.start.after_first(xp, t, g * g, state.S + g * g)
    quotient = o.epsilon.quotient(xp, g, S, o.epsilon.terms(h))
    step, B = o.momentum(_NO_LOOKAHEAD, quotient, state.B, alpha, h)
    return moved(o.decay, w, [step], alpha, h), AdagradState(t, S, B)


adagrad = Optimizer(
    id="optimizer.adagrad",
    section="Optimizers",
    title="Adagrad",
    latex=r"S=S+g^2,\quad W=W-\alpha\frac{g}{\sqrt S+\epsilon}",
    axes=(
        EPSILON.of("outside-root", "inside-root", "none"),
        start_axis("start", "S", "initial_scale", "square", in_matrix=("initial-scale",)),
        MOMENTUM.of("none", "average", in_matrix=("average",)),
        DECAY,
        RATE,
    ),
    errata=(
        Erratum("epsilon", "Is ε added under the root or to the root? What is the largest step when all gradients are tiny?"),
        Erratum("start", "What is S before the first step, and so how large is the first step?"),
    ),
    source="Duchi, Hazan & Singer, Adaptive subgradient methods for online learning and stochastic optimization, JMLR 12, "
    "2011, figure 1 with a diagonal matrix, https://jmlr.org/papers/v12/duchi11a.html; rho for what S starts at: AdaGrad of "
    "Swift for TensorFlow until https://github.com/tensorflow/swift-apis/pull/733",
    notes="The paper's ε is called δ. Where all gradients were zero, optax takes no step even with ε = 0; with ε > 0 that is "
    "the same function.",
    properties=(ELEMENTWISE, SHIFT, PROPORTIONAL, invariant_to_scale(eps=0.0)),
    # of a sum, the first term is all there is after the first step
    coincidences=(Coincidence("start", "zero", {}, ("first-gradient",)),),
    family="adagrad",
    hyperparameters=(
        replace(EPS, default=1e-10),
        initial("initial_scale", "S", 0.1, (*START_NAMES, "rho")),
        MOMENTUM_KEPT,
        WEIGHT_DECAY,
        INITIAL_RATE,
        RATE_DECAY,
    ),
    start=_start,
    update=_update,
)
