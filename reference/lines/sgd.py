"""Line 38: gradient descent on a mini-batch."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..formula import Optimizer
from ..pieces.decay import DECAY, moved
from ..pieces.hyperparameters import INITIAL_RATE, WEIGHT_DECAY
from ..pieces.properties import ELEMENTWISE, PROPORTIONAL, SHIFT, homogeneous
from ..vocabulary import Coincidence


class SgdState(NamedTuple):
    """``t``: steps done."""

    t: int


def _start(xp: Any, w: Any, h: Any, o: Any) -> SgdState:
    return SgdState(t=0)


def _update(xp: Any, w: Any, g: Any, state: SgdState, alpha: Any, h: Any, o: Any) -> tuple[Any, SgdState]:
    """W - α g."""
    step = alpha * o.decay.of_gradient(g, w, h)
    return moved(o.decay, w, [step], alpha, h), SgdState(state.t + 1)


sgd = Optimizer(
    id="optimizer.sgd",
    number=38,
    section="Optimizers",
    title="mini-batch gradient descent",
    latex=r"W^{[L]}=W^{[L]}-\alpha\frac{\partial\mathcal L}{\partial W^{[L]}},\quad "
    r"b^{[L]}=b^{[L]}-\alpha\frac{\partial\mathcal L}{\partial b^{[L]}}",
    axes=(DECAY.of(in_matrix=()),),
    # W - α(g + λW) is W(1 - αλ) - αg: one real function, rounded otherwise
    coincidences=(Coincidence("decay", "l2", {}, ("decoupled",), rounded_alike=False),),
    source="Robbins & Monro, A stochastic approximation method, 1951; Cauchy 1847 for the whole batch",
    notes="Stochastic gradient descent is the same line with batch size 1: the step does not know how g was averaged.",
    properties=(ELEMENTWISE, SHIFT, PROPORTIONAL, homogeneous()),
    family="sgd",
    hyperparameters=(WEIGHT_DECAY, INITIAL_RATE),
    start=_start,
    update=_update,
)
