"""Line 38: gradient descent on a mini-batch."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..vocabulary import Optimizer


class SgdState(NamedTuple):
    """``t``: steps done."""

    t: int


def _start(xp: Any, w: Any, /) -> SgdState:
    return SgdState(t=0)


def _update(xp: Any, w: Any, g: Any, state: SgdState, alpha: Any, /) -> tuple[Any, SgdState]:
    """W - α g."""
    return w - alpha * g, SgdState(state.t + 1)


sgd = Optimizer(
    id="optimizer.sgd",
    number=38,
    title="mini-batch gradient descent",
    latex=r"W^{[L]}=W^{[L]}-\alpha\frac{\partial\mathcal L}{\partial W^{[L]}},\quad "
    r"b^{[L]}=b^{[L]}-\alpha\frac{\partial\mathcal L}{\partial b^{[L]}}",
    source="Robbins & Monro, A stochastic approximation method, 1951; Cauchy 1847 for the whole batch",
    notes="Stochastic gradient descent is the same line with batch size 1: the step does not know how g was averaged.",
    hyperparameters=(),
    start=_start,
    update=_update,
)
