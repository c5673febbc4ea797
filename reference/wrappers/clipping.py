"""Clipping of gradients: by value, and by the norm of the array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..vocabulary import Hyperparameter, Trials
from ..wrapper import Wrapper

_FIXED = (1.0, 0.5, 0.1, 5.0, 10.0, 0.25, 2.0)
VALUE = Hyperparameter(
    "largest",
    "c, the largest entry of a gradient",
    1.0,
    aliases=("clip", "clip_value", "clipvalue", "max_value", "grad_clip", "gradient_clip", "clip_grad", "max_delta", "bound"),
    trials=Trials((1.0, 0.5, 2.0), 0.5, 1.0, _FIXED),
)
NORM = Hyperparameter(
    "norm",
    "c, the largest norm of an array of gradients",
    1.0,
    aliases=("max_norm", "max_grad_norm", "clip_norm", "clipnorm", "clip", "grad_clip", "gradient_clip", "threshold"),
    trials=Trials((1.0, 0.5, 2.0), 0.5, 1.0, _FIXED),
)


def _nothing(xp: Any, w: Any, h: Any) -> tuple[()]:
    return ()


def _by_value(xp: Any, w: Any, g: Any, state: tuple[()], alpha: Any, h: Any, step: Any) -> tuple[Any, tuple[()]]:
    largest = h.largest + xp.zeros_like(g)
    return step(w, xp.maximum(xp.minimum(g, largest), -largest), alpha), state


def _by_norm(added: float) -> Callable[..., Any]:
    """With what is ``added`` to the norm before it divides."""

    def around(xp: Any, w: Any, g: Any, state: tuple[()], alpha: Any, h: Any, step: Any) -> tuple[Any, tuple[()]]:
        norm = xp.sqrt(xp.sum(g * g))
        return step(w, g * xp.minimum(h.norm / (norm + added), xp.ones_like(norm)), alpha), state

    return around


clip_by_value = Wrapper(
    id="clip-by-value",
    says="gradients clipped to ±{largest}",
    source="optax.clip, torch.nn.utils.clip_grad_value_, clipvalue of Keras",
    parameters=(VALUE,),
    start=_nothing,
    around=_by_value,
)

clip_by_norm = Wrapper(
    id="clip-by-norm",
    says="gradients clipped to a norm of {norm} over the array",
    source="Pascanu et al., On the difficulty of training recurrent neural networks, ICML 2013, algorithm 1, "
    "https://arxiv.org/abs/1211.5063; optax.clip_by_global_norm",
    parameters=(NORM,),
    start=_nothing,
    around=_by_norm(0.0),
)

clip_by_norm_and_more = Wrapper(
    id="clip-by-norm-and-more",
    says="gradients clipped to a norm of {norm} over the array, 1e-6 being added to what divides",
    source="torch.nn.utils.clip_grad_norm_: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html",
    parameters=(NORM,),
    start=_nothing,
    around=_by_norm(1e-6),
)
