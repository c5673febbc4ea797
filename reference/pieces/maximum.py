"""AMSGrad's maximum: the largest S so far, of what is corrected or corrected when it is used."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..vocabulary import Axis, Option
from .epsilon import Order, Terms, over


class Second(NamedTuple):
    """The second moment as a step uses it: the average, the largest so far, and what its correction divides by; where ε comes
    in, and as what."""

    average: Any
    peak: Any
    divisor: Any
    order: Order
    terms: Terms


# Each gives what the step is divided by, and the largest S so far.


def _present(xp: Any, s: Second) -> tuple[Any, Any]:
    return s.order.of_average(xp, s.average, s.divisor, s.terms), s.peak


def _before(xp: Any, s: Second) -> tuple[Any, Any]:
    peak = xp.maximum(s.peak, s.average)
    return s.order.of_average(xp, peak, s.divisor, s.terms), peak


def _after(xp: Any, s: Second) -> tuple[Any, Any]:
    peak = xp.maximum(s.peak, over(s.average, s.divisor))
    return s.order.of_corrected(xp, peak, s.divisor, s.terms), peak


MAXIMUM = Axis(
    name="maximum",
    options=(
        Option("none", "the step is divided by the root of the present S", does=_present),
        Option(
            "before-correction",
            "the largest S so far is used, and corrected when it is used",
            r"\hat S=\frac{\max_{i\le t}S_i}{1-\beta_2^t}",
            _before,
            in_matrix=False,
        ),
        Option(
            "after-correction",
            "the largest corrected S so far is used",
            r"\hat S=\max_{i\le t}\frac{S_i}{1-\beta_2^i}",
            _after,
            in_matrix=False,
        ),
    ),
    printed="none",
    standard="none",
    source="Reddi, Kale & Kumar, On the convergence of Adam and beyond, ICLR 2018, algorithm 2, which corrects nothing; "
    "before-correction: torch.optim.Adam(amsgrad=True), keras.optimizers.Adam(amsgrad=True); after-correction: optax.amsgrad",
)
