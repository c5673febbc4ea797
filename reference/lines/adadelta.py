"""Beyond the sheet: Adadelta, a step in units of the weights: by the size of the last steps over that of the gradients."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from ..formula import Optimizer
from ..pieces.decay import DECAY, moved
from ..pieces.epsilon import EPSILON, rooted
from ..pieces.hyperparameters import EPS, INITIAL_RATE, KEPT, START_NAMES, WEIGHT_DECAY, initial
from ..pieces.properties import ELEMENTWISE, PROPORTIONAL, SHIFT
from ..pieces.start import start_axis
from ..vocabulary import Hyperparameter, Role


class AdadeltaState(NamedTuple):
    """``t``: steps done; ``S``, ``D``: mean squares of the gradients and of the steps, in the weights' shape."""

    t: int
    S: Any
    D: Any

    never_negative = ("S", "D")


def _start(xp: Any, w: Any, h: Any, o: Any) -> AdadeltaState:
    zeros = xp.zeros_like(w)
    return AdadeltaState(0, o.start.begin(zeros, h), zeros)


def _update(xp: Any, w: Any, g: Any, state: AdadeltaState, alpha: Any, h: Any, o: Any) -> tuple[Any, AdadeltaState]:
    """S = ρ S + (1-ρ) g²; Δ = √(D + ε)/√(S + ε) g; D = ρ D + (1-ρ) Δ²; W - α Δ."""
    t, terms = state.t + 1, o.epsilon.terms(h)
    g = o.decay.of_gradient(g, w, h)
    S = o.start.after_first(xp, t, g * g, h.rho * state.S + (1 - h.rho) * (g * g))
    delta = rooted(xp, state.D, terms) / rooted(xp, S, terms) * g
    D = h.rho * state.D + (1 - h.rho) * (delta * delta)
    return moved(o.decay, w, [alpha * delta], alpha, h), AdadeltaState(t, S, D)


adadelta = Optimizer(
    id="optimizer.adadelta",
    section="Optimizers",
    title="Adadelta",
    latex=r"S=\rho S+(1-\rho)g^2,\quad \Delta=\frac{\sqrt{D+\epsilon}}{\sqrt{S+\epsilon}}g,\quad D=\rho D+(1-\rho)\Delta^2,"
    r"\quad W=W-\alpha\Delta",
    axes=(
        EPSILON.of("outside-root", "inside-root", printed="inside-root", standard="inside-root"),
        start_axis("start", "S", "initial_scale", "square"),
        DECAY.of(in_matrix=("l2", "decoupled")),
    ),
    source="Zeiler, ADADELTA: an adaptive learning rate method, 2012, algorithm 1, https://arxiv.org/abs/1212.5701; "
    "torch.optim.Adadelta, optax.adadelta, keras.optimizers.Adadelta",
    notes="The paper has no rate: α is 1. The mean square of the steps is that of Δ, not of αΔ.",
    hyperparameters=(
        Hyperparameter(
            "rho",
            "how much of both mean squares is kept, dimensionless",
            0.9,
            0.0,
            1.0,
            Role.DECAY_RATE,
            ("decay", "beta", "ρ", "decay_rate", "alpha", "gamma"),
            trials=KEPT,
        ),
        replace(EPS, default=1e-6),
        WEIGHT_DECAY,
        INITIAL_RATE,
        initial("initial_scale", "S", 1.0, START_NAMES),
    ),
    properties=(ELEMENTWISE, SHIFT, PROPORTIONAL),
    start=_start,
    update=_update,
)
