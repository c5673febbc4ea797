"""Beyond the sheet: quasi-hyperbolic momentum, a mean of the gradient and of its average."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..formula import Optimizer
from ..pieces.decay import DECAY, moved
from ..pieces.hyperparameters import INITIAL_RATE, MOMENTUM_NAMES, WEIGHT_DECAY, initial
from ..pieces.properties import ELEMENTWISE, PROPORTIONAL, SHIFT, homogeneous
from ..pieces.start import start_axis
from ..vocabulary import Hyperparameter, Role, Trials


class QhmState(NamedTuple):
    """``t``: steps done; ``V``: the average, in the weights' shape."""

    t: int
    V: Any


def _start(xp: Any, w: Any, h: Any, o: Any) -> QhmState:
    return QhmState(0, o.start.begin(xp.zeros_like(w), h))


def _update(xp: Any, w: Any, g: Any, state: QhmState, alpha: Any, h: Any, o: Any) -> tuple[Any, QhmState]:
    """V = β V + (1-β) g; W - α ((1-ν) g + ν V)."""
    t = state.t + 1
    g = o.decay.of_gradient(g, w, h)
    V = o.start.after_first(xp, t, g, h.beta * state.V + (1 - h.beta) * g)
    step = alpha * ((1 - h.nu) * g + h.nu * V)
    return moved(o.decay, w, [step], alpha, h), QhmState(t, V)


qhm = Optimizer(
    id="optimizer.qhm",
    section="Optimizers",
    title="quasi-hyperbolic momentum",
    latex=r"V=\beta V+(1-\beta)g,\quad W=W-\alpha\left((1-\nu)g+\nu V\right)",
    axes=(DECAY.of(in_matrix=()), start_axis("start", "V", "initial_scale")),
    source="Ma & Yarats, Quasi-hyperbolic momentum and Adam for deep learning, ICLR 2019, eq. 3-4, "
    "https://arxiv.org/abs/1810.06801",
    notes="With ν = 1 it is momentum as an average, with ν = β Nesterov's, with ν = 0 plain descent.",
    hyperparameters=(
        Hyperparameter(
            "beta",
            "how much of the average is kept, dimensionless",
            0.999,
            0.0,
            1.0,
            Role.DECAY_RATE,
            ("momentum", "decay", "rho", "beta1", "b1", "beta_1", *MOMENTUM_NAMES),
            trials=Trials((0.999, 0.875, 0.5), 0.75, 0.9, (0.999, 0.9, 0.99, 0.95)),
        ),
        Hyperparameter(
            "nu",
            "how much of the step is the average, dimensionless",
            0.7,
            0.0,
            1.0 + 2.0**-52,
            aliases=("ν", "nu1", "nus[0]"),
            trials=Trials((0.7, 0.625, 0.25), 0.625, 0.7),
        ),
        WEIGHT_DECAY,
        INITIAL_RATE,
        initial("initial_scale", "V", 1.0),
    ),
    properties=(ELEMENTWISE, SHIFT, PROPORTIONAL, homogeneous()),
    start=_start,
    update=_update,
)
