"""Variants of the rounding model: known ways in which libraries lose precision, alone and together."""

from __future__ import annotations

from functools import cache

from ...reference.formula import Formula, Optimizer
from ..arithmetic.formats import Precision, precision
from ..findings import Loss

Losses = tuple[Loss, ...]
NO_LOSS: Losses = ()

_MADE = {
    Loss.FLUSHED: Precision.flushing,
    Loss.COARSE: Precision.with_coarse_functions,
    Loss.NARROW: Precision.with_scalars_in_float32,
}
LARGE_TERMS: Losses = (Loss.LARGE_TERMS,)  # of functions in another arrangement than any that is written down


# what is tried in turn until a reading fits; the model without any loss first
OF_MAPS: tuple[Losses, ...] = (NO_LOSS, (Loss.FLUSHED,), (Loss.COARSE,), (Loss.FLUSHED, Loss.COARSE))
OF_OPTIMIZERS: tuple[Losses, ...] = ((Loss.NARROW,), (Loss.FLUSHED, Loss.NARROW))  # in float64, where float32 is narrow


def variants(formula: Formula, dtype: str) -> tuple[Losses, ...]:
    """The losses that are tried for a formula in a format."""
    narrowed = isinstance(formula, Optimizer) and dtype == "float64"
    return OF_MAPS + OF_OPTIMIZERS if narrowed else OF_MAPS


def with_losses(dtype: str, losses: Losses, largest: float = 1.0) -> Precision:
    """The constants of a format in a library that loses precision in these ways, on inputs of which the ``largest`` is so
    large."""
    made = _with_losses(dtype, tuple(loss for loss in losses if loss in _MADE))
    return made.with_terms_of(largest) if Loss.LARGE_TERMS in losses else made


@cache
def _with_losses(dtype: str, losses: Losses) -> Precision:
    made = precision(dtype)
    for loss in losses:
        made = _MADE[loss](made)
    return made
