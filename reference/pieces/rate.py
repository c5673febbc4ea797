"""The rate of a step: what an optimizer makes of the rate that it is given, and where a buffer of gradients meets it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..vocabulary import Axis, Option


def _as_given(xp: Any, alpha: Any, t: Any, w: Any, h: Any) -> Any:
    return alpha


def _over_root_count(xp: Any, alpha: Any, t: Any, w: Any, h: Any) -> Any:
    return alpha / xp.sqrt(t * xp.ones_like(w))  # of an array: frameworks take no root of a Python number


def _inverse_time(xp: Any, alpha: Any, t: Any, w: Any, h: Any) -> Any:
    return alpha / (1 + h.rate_decay * (t - 1))


# The rate of step t, counted from 1.
RATE = Axis(
    name="rate",
    options=(
        Option("as-given", "each step has the rate that it is given", r"\alpha", _as_given),
        Option(
            "over-root-count",
            "the rate that is given is divided by the root of the count of steps",
            r"\alpha/\sqrt t",
            _over_root_count,
            in_matrix=False,
            rare=True,
        ),
        Option(
            "inverse-time",
            "the rate that is given decays as the inverse of the steps done",
            r"\frac{\alpha}{1+\gamma(t-1)}",
            _inverse_time,
            needs="rate_decay",
            in_matrix=False,
        ),
    ),
    printed="as-given",
    standard="as-given",
    source="over-root-count: Kingma & Ba, ICLR 2015, section 4 and section 6.1; Reddi, Kale & Kumar, ICLR 2018, corollary 1; "
    "inverse-time: torch.optim.Adagrad(lr_decay), decay of Keras before version 3",
)


def _unscaled(alpha: Any, part: Any) -> Any:
    return part


def _scaled(alpha: Any, part: Any) -> Any:
    return alpha * part


class Scaling(NamedTuple):
    """Where the rate is multiplied in: ``inward(alpha, g)`` is what enters the buffer, ``outward(alpha, step)`` what leaves."""

    inward: Callable[..., Any]
    outward: Callable[..., Any]


BUFFER_RATE = Axis(
    name="rate",
    options=(
        Option("outside", "the buffer is scaled by the rate of this step", r"W=W-\alpha V", Scaling(_unscaled, _scaled)),
        Option(
            "inside-buffer",
            "each gradient is scaled by the rate of its own step",
            r"V=\beta V+\alpha c g,\;W=W-V",
            Scaling(_scaled, _unscaled),
        ),
    ),
    printed="outside",
    standard="outside",
    source="inside-buffer: Sutskever et al., On the importance of initialization and momentum in deep learning, ICML 2013, "
    "eq. 1; the two agree while the rate stays the same",
)
