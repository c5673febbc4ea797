"""Rates that are not those of the call: times a factor, or one call late."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..vocabulary import Hyperparameter, Trials
from ..wrapper import Wrapper

FACTOR = Hyperparameter(
    "factor",
    "what multiplies the rate",
    1.0,
    aliases=("lr_mult", "lr_scale", "lr_factor", "rate_factor", "lr_multiplier", "learning_rate_multiplier", "scale"),
    neutral=1.0,
    trials=Trials((1.0, 0.5, 2.0), 0.5, 2.0, (0.1, 0.5, 2.0, 10.0, 0.01)),
)


def _nothing(xp: Any, w: Any, h: Any) -> tuple[()]:
    return ()


def _multiplied(xp: Any, w: Any, g: Any, state: tuple[()], alpha: Any, h: Any, step: Any) -> tuple[Any, tuple[()]]:
    return step(w, g, alpha * h.factor), state


class Late(NamedTuple):
    """``rate``: that of the call before; None before the first call."""

    rate: Any


def _nothing_yet(xp: Any, w: Any, h: Any) -> Late:
    return Late(None)


def _late_from_zero(xp: Any, w: Any, g: Any, state: Late, alpha: Any, h: Any, step: Any) -> tuple[Any, Late]:
    return step(w, g, xp.asarray(0.0) if state.rate is None else state.rate), Late(alpha)


def _late_from_first(xp: Any, w: Any, g: Any, state: Late, alpha: Any, h: Any, step: Any) -> tuple[Any, Late]:
    return step(w, g, alpha if state.rate is None else state.rate), Late(alpha)


rate_times_factor = Wrapper(
    id="rate-times-factor",
    says="the rate times {factor}",
    source="learning_rate of a parameter group of Paddle, a factor of the optimizer's: "
    "https://github.com/PaddlePaddle/Paddle/issues/42979",
    parameters=(FACTOR,),
    start=_nothing,
    around=_multiplied,
)

rate_late_from_zero = Wrapper(
    id="rate-late-from-zero",
    says="a rate that comes one call late, at first 0",
    source="a schedule that is stepped after the optimizer, from a warm-up's 0: "
    "https://github.com/NVIDIA-NeMo/Megatron-Bridge/issues/5399",
    start=_nothing_yet,
    around=_late_from_zero,
)

rate_late_from_first = Wrapper(
    id="rate-late-from-first",
    says="a rate that comes one call late, at first its own",
    source="a schedule that is stepped after the optimizer: https://github.com/verl-project/verl/issues/3674",
    start=_nothing_yet,
    around=_late_from_first,
)
