"""Beyond the sheet: LARS, momentum of gradients that are scaled to the length of the weights of their array."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..formula import Optimizer
from ..pieces.hyperparameters import EPS, MOMENTUM_NAMES, WEIGHT_DECAY
from ..pieces.momentum import NESTEROV
from ..pieces.rate import BUFFER_RATE
from ..pieces.trust import GRADIENT_NORM, TRUST_COEFFICIENT, norm, ratio
from ..vocabulary import Hyperparameter, Role, Scope, Trials
from .momentum import MomentumState as LarsState


def _start(xp: Any, w: Any, h: Any, o: Any) -> LarsState:
    return LarsState(0, xp.zeros_like(w))


def _update(xp: Any, w: Any, g: Any, state: LarsState, alpha: Any, h: Any, o: Any) -> tuple[Any, LarsState]:
    """q = η ‖W‖/(‖g‖ + λ‖W‖ + ε) (g + λW); V = μ V + α q; W - V."""
    found, divisor = o.norm(xp, w, g, h)
    trust = ratio(xp, h.trust_coefficient * norm(xp, w), found, divisor)
    part = o.rate.inward(alpha, trust * (g + h.weight_decay * w))
    V = h.momentum * state.V + part
    return w - o.rate.outward(alpha, o.nesterov(part, part, V, h.momentum)), LarsState(state.t + 1, V)


lars = Optimizer(
    id="optimizer.lars",
    section="Optimizers",
    title="LARS",
    latex=r"q=\eta\frac{\|W\|}{\|g\|+\lambda\|W\|+\epsilon}(g+\lambda W),\quad V=\mu V+\alpha q,\quad W=W-V",
    axes=(
        GRADIENT_NORM,
        BUFFER_RATE.of(printed="inside-buffer", standard="inside-buffer"),
        NESTEROV.of("none", "lookahead"),
    ),
    source="You, Gitman & Ginsburg, Large batch training of convolutional networks, 2017, algorithm 1, "
    "https://arxiv.org/abs/1708.03888; optax.lars",
    notes="A weight's step depends on all weights of its array. Where the norm of the weights or of the gradient is zero, the "
    "gradient is not scaled, as in optax.lars and in NVIDIA Apex; the paper does not say.",
    hyperparameters=(
        Hyperparameter(
            "momentum",
            "μ, how much of the buffer is kept, dimensionless",
            0.9,
            0.0,
            1.0,
            Role.DECAY_RATE,
            ("beta", "decay", *MOMENTUM_NAMES),
            neutral=0.0,
        ),
        TRUST_COEFFICIENT,
        replace(
            EPS,
            meaning="keeps the ratio finite",
            default=0.0,
            neutral=0.0,
            trials=Trials((0.0, 2.0**-10, 2.0**-4), 2.0**-10, 1e-6, (0.0, 1e-8)),
        ),
        WEIGHT_DECAY,
    ),
    scope=Scope.ARRAY,
    start=_start,
    update=_update,
)
