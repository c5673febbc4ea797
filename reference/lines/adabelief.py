"""Beyond the sheet: AdaBelief, Adam with the square of how far the gradient is from its average in the place of its square."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from ..formula import Optimizer
from ..pieces.correction import CORRECTION, coincidences
from ..pieces.decay import DECAY, moved
from ..pieces.epsilon import over
from ..pieces.hyperparameters import BETA1, BETA2, EPS, EPS_ROOT, INITIAL_RATE, WEIGHT_DECAY
from ..pieces.lookahead import LOOKAHEAD, Step
from ..pieces.moments import MIRRORED
from ..pieces.properties import ELEMENTWISE, PROPORTIONAL, SHIFT
from ..vocabulary import Axis, Erratum, Option


def _nothing(S: Any, h: Any) -> Any:
    return S


def _same(S: Any, h: Any) -> Any:
    return S + h.eps


def _another(S: Any, h: Any) -> Any:
    return S + h.eps_root


EPSILON = Axis(
    name="epsilon",
    options=(
        Option("stored-and-outside", "one ε is added to S, which is stored so, and to its root", r"S=\cdots+\epsilon", _same),
        Option(
            "two",
            "one ε is added to S, which is stored so, another to its root",
            r"S=\cdots+\bar\epsilon",
            _another,
            needs="eps_root",
            in_matrix=False,
        ),
        Option("outside-root", "ε is added to the root only", r"\sqrt{\hat S}+\epsilon", _nothing),
    ),
    printed="stored-and-outside",
    standard="stored-and-outside",
    source="stored-and-outside: Zhuang et al. 2020, algorithm 2, and the authors' own code; two: optax.adabelief",
)


def _present(V: Any, before: Any) -> Any:
    return V


def _former(V: Any, before: Any) -> Any:
    return before


BELIEF = Axis(
    name="belief",
    options=(
        Option("present", "the gradient is compared with the average that it is part of", r"(g-V_t)^2", _present),
        Option("former", "the gradient is compared with the average before it", r"(g-V_{t-1})^2", _former, in_matrix=False),
    ),
    printed="present",
    standard="present",
)


AXES = (
    CORRECTION,
    EPSILON,
    BELIEF,
    LOOKAHEAD.of("none", "nadam", in_matrix=()),
    DECAY.of(in_matrix=("l2", "decoupled")),
)


class AdabeliefState(NamedTuple):
    """``t``: steps done; ``V``: first moment; ``S``: the mean square of g - V; both in the weights' shape."""

    t: int
    V: Any
    S: Any

    never_negative = ("S",)


def _start(xp: Any, w: Any, h: Any, o: Any) -> AdabeliefState:
    zeros = xp.zeros_like(w)
    return AdabeliefState(0, zeros, zeros)


def _update(xp: Any, w: Any, g: Any, state: AdabeliefState, alpha: Any, h: Any, o: Any) -> tuple[Any, AdabeliefState]:
    """V = β1 V + (1-β1) g; S = β2 S + (1-β2) (g-V)² + ε; W - α V̂/(√Ŝ + ε)."""
    t = state.t + 1
    g = o.decay.of_gradient(g, w, h)
    V = h.beta1 * state.V + (1 - h.beta1) * g
    error = g - o.belief(V, state.V)
    S = o.epsilon(h.beta2 * state.S + (1 - h.beta2) * (error * error), h)
    (direction,), _ = o.lookahead.directions(xp, Step(g, V, t, 1.0, o.correction.first), h)
    denominator = xp.sqrt(over(S, o.correction.second.divisor(xp, h.beta2, t))) + h.eps
    return moved(o.decay, w, [alpha * (direction / denominator)], alpha, h), AdabeliefState(t, V, S)


adabelief = Optimizer(
    id="optimizer.adabelief",
    section="Optimizers",
    title="AdaBelief",
    latex=r"V=\beta_1V+(1-\beta_1)g,\quad S=\beta_2S+(1-\beta_2)(g-V)^2+\epsilon,\quad "
    r"W=W-\alpha\frac{V/(1-\beta_1^t)}{\sqrt{S/(1-\beta_2^t)}+\epsilon}",
    axes=AXES,
    coincidences=coincidences(AXES, ""),
    errata=(Erratum("epsilon", "Is the ε that S is stored with the one that is added to its root?"),),
    source="Zhuang et al., AdaBelief optimizer: adapting stepsizes by the belief in observed gradients, NeurIPS 2020, "
    "algorithm 2, https://arxiv.org/abs/2010.07468",
    hyperparameters=(BETA1, BETA2, replace(EPS, default=1e-16), WEIGHT_DECAY, INITIAL_RATE, replace(EPS_ROOT, default=1e-16)),
    properties=(ELEMENTWISE, SHIFT, PROPORTIONAL, MIRRORED),
    start=_start,
    update=_update,
)
