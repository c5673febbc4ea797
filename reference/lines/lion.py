"""Beyond the sheet: Lion, the sign of an average, of which another average is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from ..formula import Optimizer
from ..pieces.decay import DECAY, moved
from ..pieces.hyperparameters import BETA1, BETA2, INITIAL_RATE, WEIGHT_DECAY, initial
from ..pieces.properties import ELEMENTWISE, invariant_to_scale
from ..pieces.start import start_axis


class LionState(NamedTuple):
    """``t``: steps done; ``M``: the average that is kept, in the weights' shape."""

    t: int
    M: Any


def _start(xp: Any, w: Any, h: Any, o: Any) -> LionState:
    return LionState(0, o.start.begin(xp.zeros_like(w), h))


def _update(xp: Any, w: Any, g: Any, state: LionState, alpha: Any, h: Any, o: Any) -> tuple[Any, LionState]:
    """W - α (sign(β1 M + (1-β1) g) + λW); M = β2 M + (1-β2) g."""
    t = state.t + 1
    g = o.decay.of_gradient(g, w, h)
    direction = xp.sign(h.beta1 * state.M + (1 - h.beta1) * g)
    M = o.start.after_first(xp, t, g, h.beta2 * state.M + (1 - h.beta2) * g)
    return moved(o.decay, w, [alpha * direction], alpha, h), LionState(t, M)


lion = Optimizer(
    id="optimizer.lion",
    section="Optimizers",
    title="Lion",
    latex=r"W=W-\alpha\left(\mathrm{sign}(\beta_1M+(1-\beta_1)g)+\lambda W\right),\quad M=\beta_2M+(1-\beta_2)g",
    axes=(DECAY.of(printed="decoupled"), start_axis("start", "M", "initial_first")),
    source="Chen et al., Symbolic discovery of optimization algorithms, NeurIPS 2023, algorithm 2, "
    "https://arxiv.org/abs/2302.06675; optax.lion, keras.optimizers.Lion",
    notes="The step has one size whatever the gradient's; where the average is exactly zero there is no step.",
    hyperparameters=(
        replace(BETA1, meaning="how much of M goes into the step's direction, dimensionless"),
        replace(BETA2, meaning="how much of M is kept, dimensionless", default=0.99),
        WEIGHT_DECAY,
        INITIAL_RATE,
        initial("initial_first", "M", 1.0),
    ),
    properties=(ELEMENTWISE, invariant_to_scale()),
    start=_start,
    update=_update,
)
