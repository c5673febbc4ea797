"""Beyond the sheet: Adamax, Adam with the largest gradient that decays in the place of the second moment's root."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..formula import Optimizer
from ..pieces.correction import DEBIAS
from ..pieces.decay import DECAY, moved
from ..pieces.hyperparameters import BETA1, BETA2, EPS, INITIAL_RATE, WEIGHT_DECAY, initial
from ..pieces.moments import MIRRORED, UNBIASED_FIRST
from ..pieces.properties import ELEMENTWISE, PROPORTIONAL, SHIFT
from ..pieces.start import start_axis
from ..vocabulary import Axis, Erratum, Option


def _nothing_added(value: Any, h: Any) -> Any:
    return value


def _eps_added(value: Any, h: Any) -> Any:
    return value + h.eps


class Guard(NamedTuple):
    """What is added to |g| before the maximum, and to the maximum where it divides."""

    of_gradient: Callable[..., Any] = _nothing_added
    of_maximum: Callable[..., Any] = _nothing_added


EPSILON = Axis(
    name="epsilon",
    options=(
        Option("none", "no ε: 0/0 as long as all gradients were zero", r"V/u", Guard()),
        Option("beside-gradient", "ε is added to |g|", r"u=\max(\beta_2u,|g|+\epsilon)", Guard(of_gradient=_eps_added)),
        Option("beside-maximum", "ε is added to the maximum where it divides", r"V/(u+\epsilon)", Guard(of_maximum=_eps_added)),
    ),
    printed="none",
    standard="beside-gradient",
    source="none: Kingma & Ba 2015, algorithm 2; beside-gradient: torch.optim.Adamax, optax.adamax; beside-maximum: "
    "keras.optimizers.Adamax",
)


class AdamaxState(NamedTuple):
    """``t``: steps done; ``V``: first moment; ``u``: the largest gradient, which decays; both in the weights' shape."""

    t: int
    V: Any
    u: Any

    never_negative = ("u",)


def _start(xp: Any, w: Any, h: Any, o: Any) -> AdamaxState:
    zeros = xp.zeros_like(w)
    return AdamaxState(0, o.start.begin(zeros, h), zeros)


def _update(xp: Any, w: Any, g: Any, state: AdamaxState, alpha: Any, h: Any, o: Any) -> tuple[Any, AdamaxState]:
    """V = β1 V + (1-β1) g; u = max(β2 u, |g|); W - α V̂/u."""
    t = state.t + 1
    g = o.decay.of_gradient(g, w, h)
    V = o.start.after_first(xp, t, g, h.beta1 * state.V + (1 - h.beta1) * g)
    u = xp.maximum(h.beta2 * state.u, o.epsilon.of_gradient(xp.abs(g), h))
    step = alpha * (o.debias(V, h.beta1, t) / o.epsilon.of_maximum(u, h))
    return moved(o.decay, w, [step], alpha, h), AdamaxState(t, V, u)


adamax = Optimizer(
    id="optimizer.adamax",
    section="Optimizers",
    title="Adamax",
    latex=r"V=\beta_1V+(1-\beta_1)g,\quad u=\max(\beta_2u,|g|),\quad W=W-\frac{\alpha}{1-\beta_1^t}\frac Vu",
    standard_latex=r"V=\beta_1V+(1-\beta_1)g,\quad u=\max(\beta_2u,|g|+\epsilon),\quad "
    r"W=W-\frac{\alpha}{1-\beta_1^t}\frac Vu",
    axes=(
        EPSILON,
        DEBIAS.of(printed="complement-of-power"),
        DECAY.of(in_matrix=("l2", "decoupled")),
        start_axis("start", "V", "initial_first"),
    ),
    errata=(Erratum("epsilon", "What is the step while all gradients were zero?"),),
    source="Kingma & Ba, Adam: a method for stochastic optimization, ICLR 2015, section 7.1, algorithm 2, "
    "https://arxiv.org/abs/1412.6980",
    hyperparameters=(BETA1, BETA2, EPS, WEIGHT_DECAY, INITIAL_RATE, initial("initial_first", "V", 1.0)),
    properties=(ELEMENTWISE, SHIFT, PROPORTIONAL, MIRRORED, UNBIASED_FIRST),
    start=_start,
    update=_update,
)
