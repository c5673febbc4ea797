"""Line 38: gradient descent on a mini-batch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from .. import optimizers
from ..formula import Optimizer
from ..optimizers import WEIGHT_DECAY, moved, penalised, unsought

# decoupled decay is no option: W - α(g + λW) is the same whether λW is added to the gradient or to the step
DECAY = unsought(
    replace(optimizers.DECAY, options=tuple(option for option in optimizers.DECAY.options if option.name != "decoupled"))
)


class SgdState(NamedTuple):
    """``t``: steps done."""

    t: int


def _start(xp: Any, w: Any, /, **_: Any) -> SgdState:
    return SgdState(t=0)


def _update(
    xp: Any, w: Any, g: Any, state: SgdState, alpha: Any, /, *, weight_decay: Any = 0.0, decay: str
) -> tuple[Any, SgdState]:
    """W - α g."""
    step = alpha * penalised(g, w, weight_decay, decay)
    return moved(w, [step], alpha, weight_decay, decay), SgdState(state.t + 1)


sgd = Optimizer(
    id="optimizer.sgd",
    number=38,
    title="mini-batch gradient descent",
    latex=r"W^{[L]}=W^{[L]}-\alpha\frac{\partial\mathcal L}{\partial W^{[L]}},\quad "
    r"b^{[L]}=b^{[L]}-\alpha\frac{\partial\mathcal L}{\partial b^{[L]}}",
    axes=(DECAY,),
    source="Robbins & Monro, A stochastic approximation method, 1951; Cauchy 1847 for the whole batch",
    notes="Stochastic gradient descent is the same line with batch size 1: the step does not know how g was averaged.",
    family="sgd",
    hyperparameters=(WEIGHT_DECAY,),
    start=_start,
    update=_update,
)
