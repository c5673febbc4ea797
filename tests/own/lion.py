"""Lion: the sign of an interpolated momentum, with weight decay beside the step or in the gradient.

A formula of one's own: ``gradspec explain own.lion --formula ./lion.py``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gradspec.reference.formula import Optimizer
from gradspec.reference.pieces.decay import DECAY, moved
from gradspec.reference.pieces.hyperparameters import WEIGHT_DECAY
from gradspec.reference.pieces.properties import ELEMENTWISE, invariant_to_scale
from gradspec.reference.vocabulary import Hyperparameter, Role


class LionState(NamedTuple):
    """``t``: steps done; ``m``: the momentum, in the weights' shape."""

    t: int
    m: Any


def _start(xp: Any, w: Any, h: Any, o: Any) -> LionState:
    return LionState(0, xp.zeros_like(w))


def _update(xp: Any, w: Any, g: Any, state: LionState, alpha: Any, h: Any, o: Any) -> tuple[Any, LionState]:
    """W - α sign(β₁ m + (1-β₁) g), then m = β₂ m + (1-β₂) g."""
    g = o.decay.of_gradient(g, w, h)
    direction = xp.sign(h.beta1 * state.m + (1 - h.beta1) * g)
    w = moved(o.decay, w, [alpha * direction], alpha, h)
    return w, LionState(state.t + 1, h.beta2 * state.m + (1 - h.beta2) * g)


def _kept(name: str, meaning: str, default: float, *aliases: str) -> Hyperparameter:
    return Hyperparameter(name, meaning, default, 0.0, 1.0, Role.DECAY_RATE, aliases)


lion = Optimizer(
    id="own.lion",
    title="Lion",
    latex=r"W=W-\alpha\left(\operatorname{sign}(\beta_1m+(1-\beta_1)g)+\lambda W\right),\quad m=\beta_2m+(1-\beta_2)g",
    axes=(DECAY.of(printed="decoupled", in_matrix=("none", "l2")),),
    properties=(ELEMENTWISE, invariant_to_scale()),
    source="Chen et al., Symbolic discovery of optimization algorithms, 2023, algorithm 2, https://arxiv.org/abs/2302.06675",
    hyperparameters=(
        _kept("beta1", "how much of the momentum is in the direction of a step", 0.9, "b1", "beta_1", "betas[0]"),
        _kept("beta2", "how much of the momentum is kept", 0.99, "b2", "beta_2", "betas[1]"),
        WEIGHT_DECAY,
    ),
    start=_start,
    update=_update,
)
