"""Beyond the sheet: LAMB, Adam's direction with weight decay, scaled to the length of the weights of its array."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..formula import Optimizer
from ..pieces.correction import CORRECTION, coincidences
from ..pieces.epsilon import EPSILON, ORDER, over
from ..pieces.hyperparameters import BETA1, BETA2, EPS, EPS_ROOT, WEIGHT_DECAY
from ..pieces.trust import IN_DIRECTION, NO_DECAY, TRUST, norm
from ..vocabulary import Axis, Erratum, Scope
from .radam import RadamState as LambState

DECAY = Axis(
    name="decay",
    options=(NO_DECAY, IN_DIRECTION),
    printed="in-direction",
    standard="in-direction",
    source="You et al. 2020, algorithm 2; optax.lamb",
)


def _start(xp: Any, w: Any, h: Any, o: Any) -> LambState:
    zeros = xp.zeros_like(w)
    return LambState(0, zeros, zeros)


def _update(xp: Any, w: Any, g: Any, state: LambState, alpha: Any, h: Any, o: Any) -> tuple[Any, LambState]:
    """V = β1 V + (1-β1) g; S = β2 S + (1-β2) g²; r = V̂/(√Ŝ + ε) + λW; W - α (‖W‖/‖r‖) r."""
    t = state.t + 1
    V = h.beta1 * state.V + (1 - h.beta1) * g
    S = h.beta2 * state.S + (1 - h.beta2) * (g * g)
    first, second = o.correction.first.divisor(xp, h.beta1, t), o.correction.second.divisor(xp, h.beta2, t)
    direction = over(V, first) / o.epsilon_order.of_average(xp, S, second, o.epsilon.terms(h))
    direction = o.decay(direction, w, h)
    trust = o.trust(xp, norm(xp, w), norm(xp, direction))
    return w - alpha * (trust * direction), LambState(t, V, S)


_AXES = (
    CORRECTION.of("complement-of-power", "none", printed="complement-of-power"),
    EPSILON.of("outside-root", "inside-root", "inside-and-outside"),
    ORDER,
    DECAY,
    TRUST,
)

lamb = Optimizer(
    id="optimizer.lamb",
    section="Optimizers",
    title="LAMB",
    latex=r"V=\beta_1V+(1-\beta_1)g,\quad S=\beta_2S+(1-\beta_2)g^2,\quad "
    r"r=\frac{V/(1-\beta_1^t)}{\sqrt{S/(1-\beta_2^t)}+\epsilon}+\lambda W,\quad W=W-\alpha\frac{\|W\|}{\|r\|}r",
    axes=_AXES,
    coincidences=coincidences(_AXES, ORDER.name),
    errata=(Erratum("correction", "Are the averages corrected? The authors' TensorFlow code does not, the paper does."),),
    source="You et al., Large batch optimization for deep learning: training BERT in 76 minutes, ICLR 2020, algorithm 2, "
    "https://arxiv.org/abs/1904.00962; optax.lamb",
    notes="A weight's step depends on all weights of its array. The paper's φ, which bounds ‖W‖, is the identity here.",
    hyperparameters=(BETA1, BETA2, replace(EPS, default=1e-6), EPS_ROOT, WEIGHT_DECAY),
    scope=Scope.ARRAY,
    start=_start,
    update=_update,
)
