"""Beyond the sheet: RAdam, Adam whose step is rectified while the second moment rests on few gradients."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..formula import Optimizer
from ..pieces.correction import CORRECTION
from ..pieces.counting import chosen
from ..pieces.decay import DECAY, moved
from ..pieces.epsilon import EPSILON, ORDER, scalar_root
from ..pieces.hyperparameters import BETA1, BETA2, EPS, EPS_ROOT, INITIAL_RATE, WEIGHT_DECAY
from ..pieces.lookahead import LOOKAHEAD, Step
from ..pieces.properties import ELEMENTWISE, PROPORTIONAL, SHIFT
from ..vocabulary import Axis, Erratum, Hyperparameter, Option, Trials

_RULES = CORRECTION.option("complement-of-power").does

LEAST_LENGTH = Hyperparameter(
    "threshold",
    "ρ above which the step is divided by the root of S, where that is given",
    5.0,
    4.0,
    aliases=("rho_threshold", "rectify_threshold", "n_sma_threshold"),
    trials=Trials.at(6.0, 6.0, 5.0),
)


def _four(h: Any) -> float:
    return 4


def _five(h: Any) -> float:
    return 5


def _as_set(h: Any) -> Any:
    return h.threshold


THRESHOLD = Axis(
    name="threshold",
    options=(
        Option("four", "the step is divided by the root of S where ρ is above 4", r"\rho_t>4", _four),
        Option("five", "the step is divided by the root of S where ρ is above 5", r"\rho_t>5", _five),
        Option(
            "as-set",
            "the step is divided by the root of S where ρ is above a number that is given",
            r"\rho_t>\rho_0",
            _as_set,
            needs="threshold",
            in_matrix=False,
        ),
    ),
    printed="four",
    standard="five",
    source="four: Liu et al. 2020, algorithm 2; five: the authors' own code, torch.optim.RAdam, optax.radam",
)


class RadamState(NamedTuple):
    """``t``: steps done; ``V``, ``S``: first and second moment, in the weights' shape."""

    t: int
    V: Any
    S: Any

    never_negative = ("S",)


def _start(xp: Any, w: Any, h: Any, o: Any) -> RadamState:
    zeros = xp.zeros_like(w)
    return RadamState(0, zeros, zeros)


def _length(beta2: Any, t: Any, divisor: Any) -> tuple[Any, Any]:
    """ρ∞, and ρ of step t: over how many gradients the second moment averages."""
    most = 2 / (1 - beta2) - 1
    return most, most - 2 * t * beta2**t / divisor


def _update(xp: Any, w: Any, g: Any, state: RadamState, alpha: Any, h: Any, o: Any) -> tuple[Any, RadamState]:
    """V = β1 V + (1-β1) g; S = β2 S + (1-β2) g²; W - α r V̂/(√Ŝ + ε) where ρ is large enough for r, else W - α V̂."""
    t = state.t + 1
    g = o.decay.of_gradient(g, w, h)
    V = h.beta1 * state.V + (1 - h.beta1) * g
    S = h.beta2 * state.S + (1 - h.beta2) * (g * g)
    divisor = _RULES.second.divisor(xp, h.beta2, t)
    most, length = _length(h.beta2, t, divisor)
    enough = length > o.threshold(h)
    ratio = (length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length)
    rectified = scalar_root(xp, chosen(xp, enough, ratio, 1.0))
    (direction,), _ = o.lookahead.directions(xp, Step(g, V, t, 1.0, _RULES.first), h)
    adaptive = rectified * (direction / o.epsilon_order.of_average(xp, S, divisor, o.epsilon.terms(h)))
    step = alpha * chosen(xp, enough, adaptive, direction)
    return moved(o.decay, w, [step], alpha, h), RadamState(t, V, S)


radam = Optimizer(
    id="optimizer.radam",
    section="Optimizers",
    title="RAdam",
    latex=r"V=\beta_1V+(1-\beta_1)g,\quad S=\beta_2S+(1-\beta_2)g^2,\quad \rho_\infty=\frac2{1-\beta_2}-1,\quad "
    r"\rho_t=\rho_\infty-\frac{2t\beta_2^t}{1-\beta_2^t},\quad W=W-\alpha\frac{V}{1-\beta_1^t}\cdot\begin{cases}"
    r"\sqrt{\frac{(\rho_t-4)(\rho_t-2)\rho_\infty}{(\rho_\infty-4)(\rho_\infty-2)\rho_t}}"
    r"\sqrt{\frac{1-\beta_2^t}{S}}&\rho_t>4\\1&\text{else}\end{cases}",
    axes=(
        THRESHOLD,
        EPSILON.of("outside-root", "inside-root", "inside-and-outside"),
        ORDER,
        LOOKAHEAD.of("none", "nadam", in_matrix=()),
        DECAY.of(in_matrix=("l2", "decoupled")),
    ),
    errata=(Erratum("threshold", "From which ρ on is the step divided by the root of S?"),),
    source="Liu et al., On the variance of the adaptive learning rate and beyond, ICLR 2020, algorithm 2, "
    "https://arxiv.org/abs/1908.03265",
    notes="The paper has no ε (ε = 0).",
    hyperparameters=(BETA1, BETA2, EPS, WEIGHT_DECAY, INITIAL_RATE, EPS_ROOT, LEAST_LENGTH),
    properties=(ELEMENTWISE, SHIFT, PROPORTIONAL),
    start=_start,
    update=_update,
)
