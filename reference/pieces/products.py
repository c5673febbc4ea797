"""Products: what flows back to a factor, and to one that is zero."""

from __future__ import annotations

from typing import Any

from ..vocabulary import Axis, Option


def quotient(xp: Any, z_bar: Any, x: Any) -> Any:
    return z_bar * (xp.prod(x) / x)


def product_of_others(xp: Any, z_bar: Any, x: Any) -> Any:
    n = x.shape[0]
    one = xp.ones_like(x[0])
    return z_bar * xp.stack([xp.prod(xp.stack([one, *(x[j] for j in range(n) if j != i)])) for i in range(n)])


def quotient_unless_zero(xp: Any, z_bar: Any, x: Any) -> Any:
    ones, zeros = xp.ones_like(x), xp.zeros_like(x)
    any_zero = xp.sum(xp.where(x == zeros, ones, zeros)) > 0
    return xp.where(any_zero, product_of_others(xp, z_bar, x), quotient(xp, z_bar, x))


ZERO = Axis(
    name="zero",
    options=(
        Option("quotient", "z/xᵢ as printed: 0/0 where xᵢ = 0", r"\bar z\,z/x_i", does=quotient),
        Option("product-of-others", "the product of the other factors", r"\bar z\prod_{j\ne i}x_j", does=product_of_others),
        Option(
            "quotient-unless-zero",
            "z/xᵢ unless some factor is zero, then the product of the others",
            does=quotient_unless_zero,
        ),
    ),
    printed="quotient",
    standard="product-of-others",
    source="∂(Πxⱼ)/∂xᵢ = Π of the others; for xᵢ ≠ 0 this is z/xᵢ",
)
