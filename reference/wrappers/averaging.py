"""Weights that are averages of those that an optimizer makes: looked ahead to, or kept beside them."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..vocabulary import Hyperparameter, Role, Trials
from ..wrapper import Wrapper

K = Hyperparameter(
    "k",
    "how many steps the fast weights are ahead",
    5.0,
    low=1.0,
    role=Role.COUNT,
    aliases=("la_steps", "sync_period", "lookahead_steps", "lookahead_k"),
    trials=Trials((5.0, 2.0, 3.0), fixed=(5.0, 6.0, 10.0, 2.0, 3.0, 4.0)),
)
SHARE = Hyperparameter(
    "share",
    "α, by which part of the way the slow weights follow",
    0.5,
    high=1.0,
    aliases=("la_alpha", "slow_step_size", "alpha", "lookahead_alpha"),
    trials=Trials((0.5, 0.25, 0.75), 0.25, 0.5, (0.5, 0.8)),
)
KEPT = Hyperparameter(
    "kept",
    "d, how much of the average is kept, dimensionless",
    0.999,
    0.0,
    1.0,
    Role.DECAY_RATE,
    ("ema_decay", "decay", "ema", "ema_rate"),
    trials=Trials((0.999, 0.875, 0.5), 0.75, 0.9, (0.999, 0.99, 0.9, 0.5, 0.95, 0.9999)),
)


class Ahead(NamedTuple):
    """``steps``: steps since the slow weights followed; ``slow``: these, in the weights' shape."""

    steps: int
    slow: Any


def _ahead(xp: Any, w: Any, h: Any) -> Ahead:
    return Ahead(0, w)


def _looking_ahead(xp: Any, w: Any, g: Any, state: Ahead, alpha: Any, h: Any, step: Any) -> tuple[Any, Ahead]:
    fast, count = step(w, g, alpha), state.steps + 1
    if count < int(h.k):
        return fast, Ahead(count, state.slow)
    slow = state.slow + h.share * (fast - state.slow)
    return slow, Ahead(0, slow)


class Average(NamedTuple):
    """``fast``: the weights that the optimizer has, of which an average is shown; in the weights' shape."""

    fast: Any


def _average(xp: Any, w: Any, h: Any) -> Average:
    return Average(w)


def _averaged(xp: Any, w: Any, g: Any, state: Average, alpha: Any, h: Any, step: Any) -> tuple[Any, Average]:
    fast = step(state.fast, g, alpha)
    return h.kept * w + (1 - h.kept) * fast, Average(fast)


looking_ahead = Wrapper(
    id="look-ahead",
    says="look-ahead weights, which follow by {share} of the way every {k} steps",
    source="Zhang et al., Lookahead optimizer: k steps forward, 1 step back, NeurIPS 2019, algorithm 1, "
    "https://arxiv.org/abs/1907.08610",
    parameters=(K, SHARE),
    start=_ahead,
    around=_looking_ahead,
)

averaged_weights = Wrapper(
    id="averaged-weights",
    says="an average of its weights, of which {kept} is kept at each step",
    source="Polyak & Juditsky 1992; torch.optim.swa_utils.AveragedModel with get_ema_multi_avg_fn, optax.ema of the weights",
    parameters=(KEPT,),
    start=_average,
    around=_averaged,
)
