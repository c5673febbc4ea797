"""ε: under the root, beside it, in both places or in none; and whether it comes before a bias correction or after it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from ..vocabulary import Axis, Option

Terms = tuple[Any, Any]  # what is added under the root and to the root; None for nothing


def rooted(xp: Any, square: Any, terms: Terms) -> Any:
    """√(square + inside) + outside."""
    inside, outside = terms
    root = xp.sqrt(square if inside is None else square + inside)
    return root if outside is None else root + outside


def _outside(h: Any) -> Terms:
    return None, h.eps


def _inside(h: Any) -> Terms:
    return h.eps, None


def _both(h: Any) -> Terms:
    return h.eps_root, h.eps


def _neither(h: Any) -> Terms:
    return None, None


def _quotient(xp: Any, g: Any, square: Any, terms: Terms) -> Any:
    return g / rooted(xp, square, terms)


def _quotient_unless_zero(xp: Any, g: Any, square: Any, terms: Terms) -> Any:
    return xp.where(square > 0, g / xp.sqrt(square), xp.zeros_like(g))


class Epsilon(NamedTuple):
    """``terms(h)`` is what is added under the root and to it, ``quotient(xp, g, square, terms)`` the gradient over the root."""

    terms: Callable[..., Terms]
    quotient: Callable[..., Any] = _quotient


EPSILON = Axis(
    name="epsilon",
    options=(
        Option("outside-root", "ε is added to the root", r"\sqrt S+\epsilon", Epsilon(_outside)),
        Option("inside-root", "ε is added under the root", r"\sqrt{S+\epsilon}", Epsilon(_inside)),
        Option(
            "inside-and-outside",
            "one ε is added under the root, another to it",
            r"\sqrt{S+\bar\epsilon}+\epsilon",
            Epsilon(_both),
            needs="eps_root",
            in_matrix=False,
        ),
        Option(
            "none",
            "no ε: there is no step where S is zero",
            r"\sqrt S",
            Epsilon(_neither, _quotient_unless_zero),
            in_matrix=False,
        ),
    ),
    printed="outside-root",
    standard="outside-root",
    source="outside-root: Duchi, Hazan & Singer 2011, figure 1 (δ), Kingma & Ba 2015, torch.optim; inside-root: TensorFlow 1, "
    "optax.rmsprop(eps_in_sqrt), optax.adagrad, optax.adam(eps_root) with eps=0, keras.optimizers.RMSprop and Adagrad; "
    "inside-and-outside: optax.adam(eps, eps_root); none: jax.example_libraries.optimizers.adagrad; Tieleman & Hinton, lecture "
    "6.5, 2012, has no ε",
)


# --- before or after a correction -----------------------------------------------------------------------------------


def scalar_root(xp: Any, x: Any) -> Any:
    """√x for a hyperparameter's x, which is a Python number in a framework's namespace that takes arrays only."""
    return math.sqrt(x) if isinstance(x, float | int) else xp.sqrt(x)


def over(value: Any, divisor: Any) -> Any:
    """A quotient; without a divisor the value."""
    return value if divisor is None else value / divisor


def _corrected_first(xp: Any, average: Any, divisor: Any, terms: Terms) -> Any:
    return rooted(xp, over(average, divisor), terms)


def _rooted_first(xp: Any, average: Any, divisor: Any, terms: Terms) -> Any:
    root = rooted(xp, average, terms)
    return root if divisor is None else root / scalar_root(xp, divisor)


def _as_it_is(xp: Any, square: Any, divisor: Any, terms: Terms) -> Any:
    return rooted(xp, square, terms)


def _with_terms_divided(xp: Any, square: Any, divisor: Any, terms: Terms) -> Any:
    if divisor is None:
        return rooted(xp, square, terms)
    inside, outside = terms
    return rooted(
        xp,
        square,
        (
            None if inside is None else inside / divisor,
            None if outside is None else outside / scalar_root(xp, divisor),
        ),
    )


class Order(NamedTuple):
    """What a step is divided by: of the average with its divisor, or of the square that was corrected with it already."""

    of_average: Callable[..., Any]
    of_corrected: Callable[..., Any]


ORDER = Axis(
    name="epsilon_order",
    options=(
        Option(
            "after-correction",
            "ε is added to what is corrected",
            r"\hat V/(\sqrt{\hat S}+\epsilon)",
            Order(_corrected_first, _as_it_is),
        ),
        Option(
            "before-correction",
            "ε̂ is added to what is not corrected, and the rate is corrected",
            r"\alpha_tV/(\sqrt S+\hat\epsilon),\;\alpha_t=\alpha\sqrt{1-\beta_2^t}/(1-\beta_1^t)",
            Order(_rooted_first, _with_terms_divided),
        ),
    ),
    printed="after-correction",
    standard="after-correction",
    source="before-correction: Kingma & Ba 2015, end of section 2 (ε̂), TensorFlow, Keras",
)
