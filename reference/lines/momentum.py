"""Line 39: momentum, a buffer of past gradients. Libraries differ in what the buffer holds and when the rate enters."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..formula import Optimizer
from ..pieces.betas import BETAS
from ..pieces.correction import DEBIAS
from ..pieces.decay import DECAY_OF_BUFFER, moved
from ..pieces.hyperparameters import INITIAL_RATE, KEPT, MOMENTUM_NAMES, WEIGHT_DECAY, initial
from ..pieces.momentum import ACCUMULATION, NESTEROV
from ..pieces.properties import ELEMENTWISE, PROPORTIONAL, SHIFT, homogeneous
from ..pieces.rate import BUFFER_RATE
from ..pieces.start import start_axis
from ..vocabulary import Coincidence, Erratum, Hyperparameter, Role, Trials


class MomentumState(NamedTuple):
    """``t``: steps done; ``V``: the buffer, in the weights' shape."""

    t: int
    V: Any


def _start(xp: Any, w: Any, h: Any, o: Any) -> MomentumState:
    return MomentumState(0, o.start.begin(xp.zeros_like(w), h))


def _update(xp: Any, w: Any, g: Any, state: MomentumState, alpha: Any, h: Any, o: Any) -> tuple[Any, MomentumState]:
    """V = β V + (1-β) g; W - α V, as printed."""
    t, h = state.t + 1, o.betas.averaging(h, ("beta",))
    whole = o.rate.inward(alpha, o.decay.of_gradient(g, w, h))
    part = o.accumulation(whole, h)
    V = o.start.after_first(xp, t, whole, h.beta * state.V + part)
    step = o.nesterov(part, whole, o.debias(V, h.beta, t), h.beta)
    return moved(o.decay, w, [o.rate.outward(alpha, step)], alpha, h), MomentumState(t, V)


momentum = Optimizer(
    id="optimizer.momentum",
    number=39,
    title="momentum",
    latex=r"V^{[L]}=\beta V^{[L]}+(1-\beta)\frac{\partial\mathcal L}{\partial W^{[L]}},\quad W^{[L]}=W^{[L]}-\alpha V^{[L]}",
    section="Optimizers",
    axes=(
        ACCUMULATION,
        start_axis("start", "V", "initial_scale", in_matrix=("first-gradient",)),
        BUFFER_RATE,
        NESTEROV,
        DEBIAS,
        BETAS.of("of-kept", "of-new"),
        DECAY_OF_BUFFER.of(in_matrix=()),
    ),
    errata=(
        Erratum("accumulation", "Does the gradient come in whole, or scaled by 1-β, which scales every step?"),
        Erratum("start", "What is V before the first step: is the first gradient held back or taken whole?"),
        Erratum("rate", "Which rate do old gradients get when the rate changes: their own step's or the present one?"),
    ),
    source="Polyak 1964; Sutskever et al. 2013; with the factor 1-β: Kingma & Ba 2015 for the first moment",
    coincidences=(
        Coincidence("start", "zero", {"accumulation": ("sum",)}, ("first-gradient",)),
        Coincidence("nesterov", "lookahead", {"accumulation": ("sum",)}, ("lookahead-whole",)),
    ),
    notes="The sheet's reason: the average dampens oscillations. Nesterov's momentum as Sutskever et al. publish it, eq. 3-4, "
    "evaluates the gradient at W - βV and then steps as plain momentum with the rate inside the buffer does: fed with "
    "gradients from outside, it is plain momentum.",
    properties=(ELEMENTWISE, SHIFT, PROPORTIONAL, homogeneous()),
    family="momentum",
    hyperparameters=(
        Hyperparameter(
            "beta",
            "how much of the buffer is kept, dimensionless",
            0.9,
            0.0,
            1.0,
            Role.DECAY_RATE,
            ("momentum", "decay", "rho", "beta1", "b1", "beta_1", "mass", *MOMENTUM_NAMES),
            neutral=0.0,
            trials=KEPT,
        ),
        Hyperparameter(
            "dampening",
            "how much of each gradient is held back where accumulation is dampened",
            0.0,
            0.0,
            1.0,
            aliases=("damp",),
            neutral=0.0,
            trials=Trials.at(0.25, 0.25, 0.1),
        ),
        WEIGHT_DECAY,
        INITIAL_RATE,
        initial("initial_scale", "V", 1.0),
    ),
    start=_start,
    update=_update,
)
