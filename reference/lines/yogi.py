"""Beyond the sheet: Yogi, Adam whose second moment moves towards the gradient's square by a part of that square."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from ..formula import Optimizer
from ..pieces.correction import CORRECTION, coincidences
from ..pieces.decay import DECAY, moved
from ..pieces.epsilon import EPSILON, ORDER, over
from ..pieces.hyperparameters import BETA1, BETA2, EPS, EPS_ROOT, INITIAL_RATE, WEIGHT_DECAY, initial
from ..pieces.moments import MIRRORED, UNBIASED_FIRST
from ..pieces.properties import ELEMENTWISE, PROPORTIONAL, SHIFT
from ..pieces.start import AtNumber, start_axis
from ..vocabulary import Erratum, Option

_MILLIONTH = Option("millionth", "it starts at 10⁻⁶, as in the authors' experiments", "10^{-6}", AtNumber(1e-6))


AXES = (
    CORRECTION.of(printed="none", standard="complement-of-power"),
    EPSILON.of("outside-root", "inside-root", "inside-and-outside"),
    ORDER,
    DECAY.of(in_matrix=("l2", "decoupled")),
    start_axis("first_start", "V", "initial_first", more=(_MILLIONTH,)),
    start_axis("second_start", "S", "initial_second", "square", more=(_MILLIONTH,)),
)


class YogiState(NamedTuple):
    """``t``: steps done; ``V``, ``S``: first and second moment, in the weights' shape."""

    t: int
    V: Any
    S: Any


def _start(xp: Any, w: Any, h: Any, o: Any) -> YogiState:
    zeros = xp.zeros_like(w)
    return YogiState(0, o.first_start.begin(zeros, h), o.second_start.begin(zeros, h))


def _update(xp: Any, w: Any, g: Any, state: YogiState, alpha: Any, h: Any, o: Any) -> tuple[Any, YogiState]:
    """V = β1 V + (1-β1) g; S = S - (1-β2) sign(S - g²) g²; W - α V/(√S + ε)."""
    t = state.t + 1
    g = o.decay.of_gradient(g, w, h)
    V = o.first_start.after_first(xp, t, g, h.beta1 * state.V + (1 - h.beta1) * g)
    S = o.second_start.after_first(xp, t, g * g, state.S - (1 - h.beta2) * xp.sign(state.S - g * g) * (g * g))
    direction = over(V, o.correction.first.divisor(xp, h.beta1, t))
    divisor = o.correction.second.divisor(xp, h.beta2, t)
    denominator = o.epsilon_order.of_average(xp, S, divisor, o.epsilon.terms(h))
    return moved(o.decay, w, [alpha * (direction / denominator)], alpha, h), YogiState(t, V, S)


yogi = Optimizer(
    id="optimizer.yogi",
    section="Optimizers",
    title="Yogi",
    latex=r"V=\beta_1V+(1-\beta_1)g,\quad S=S-(1-\beta_2)\,\mathrm{sign}(S-g^2)\,g^2,\quad "
    r"W=W-\alpha\frac{V}{\sqrt S+\epsilon}",
    standard_latex=r"V=\beta_1V+(1-\beta_1)g,\quad S=S-(1-\beta_2)\,\mathrm{sign}(S-g^2)\,g^2,\quad "
    r"W=W-\alpha\frac{V/(1-\beta_1^t)}{\sqrt{S/(1-\beta_2^t)}+\epsilon}",
    axes=AXES,
    coincidences=coincidences(AXES, ORDER.name),
    errata=(Erratum("correction", "Are the averages corrected for their start, as in Adam?"),),
    source="Zaheer et al., Adaptive methods for nonconvex optimization, NeurIPS 2018, algorithm 2, "
    "https://papers.nips.cc/paper/2018/hash/90365351ccc7437a1309dc64e4db32a3-Abstract.html; optax.yogi",
    notes="S may become negative by rounding where it starts at zero and g is small; then the step is NaN.",
    hyperparameters=(
        BETA1,
        BETA2,
        replace(EPS, default=1e-3),
        WEIGHT_DECAY,
        INITIAL_RATE,
        EPS_ROOT,
        initial("initial_first", "V", 1e-6),
        initial("initial_second", "S", 1e-6, ("initial_accumulator_value", "initial_accumulator")),
    ),
    properties=(ELEMENTWISE, SHIFT, PROPORTIONAL, MIRRORED, UNBIASED_FIRST),
    start=_start,
    update=_update,
)
