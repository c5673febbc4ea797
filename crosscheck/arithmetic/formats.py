"""The floating-point formats under test, and what the rounding model must know of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache, cached_property

import ml_dtypes
import numpy as np

from ...reference.arguments import FLOATING, ArgumentError, suggest
from ...reference.vocabulary import Format

# The format in which libraries compute the narrow ones before they round once more: a double rounding.
_COMPUTED_IN = {"float16": 2.0**-24, "bfloat16": 2.0**-24, "float32": 2.0**-53, "float64": 0.0}


@dataclass(frozen=True)
class Precision(Format):
    """A format with the constants of fl(a∘b) = (a∘b)(1+δ) + η, |δ| <= k·u.

    ``u`` is the unit roundoff, plus that of the wider format in which a library may have computed before rounding.
    ``eta`` is the smallest subnormal; where a library flushes subnormals to zero it is the smallest normal number.
    ``elementary`` is k for exp, log, tanh and powers; arithmetic and the square root have k = 1, a quotient 2. ``scalar_u``
    is the unit roundoff of what is computed on scalars alone, which a library may hold in another format than the arrays;
    ``powers`` is the format in which it forms whole powers of scalars, where that is yet another.
    """

    u: float
    eta: float
    scalar_u: float
    elementary: int = 4
    powers: Precision | None = None

    @cached_property
    def numpy(self) -> np.dtype:
        return np.dtype(getattr(ml_dtypes, self.dtype, self.dtype))

    @cached_property
    def flushes(self) -> bool:
        """Whether subnormal numbers are flushed to zero."""
        return self.eta > self.smallest_subnormal

    def ulp_at(self, value: float) -> float:
        """The spacing of the format's numbers at a value."""
        if value == 0 or not math.isfinite(value):
            return self.smallest_subnormal
        exponent = math.frexp(value)[1] - 1
        return max(math.ldexp(2 * self.unit_roundoff, exponent), self.smallest_subnormal)

    def flushing(self) -> Precision:
        """The same format on a device that flushes subnormal numbers to zero."""
        return replace(self, eta=self.smallest_normal)

    def with_coarse_functions(self) -> Precision:
        """The same format in a library whose exp, log or tanh is worse than is expected of one."""
        return replace(self, elementary=16 * self.elementary)

    def with_terms_of(self, size: float) -> Precision:
        """The same format where each operation may stand for one whose terms are of a size, and errs by a function of these."""
        return replace(self, eta=self.elementary * self.u * size)

    def with_scalars_in_float32(self) -> Precision:
        """The same format in a library that holds scalars, such as the powers of β, in float32, narrower or wider than it."""
        return replace(self, scalar_u=_COMPUTED_IN["float16"])

    def with_narrow_powers(self) -> Precision:
        """The same format in a library that forms whole powers of scalars, such as βᵗ, in float32, with β held there too, and
        does all other arithmetic on scalars as it does otherwise."""
        return replace(self, powers=precision("float32"))


@cache
def precision(dtype: str) -> Precision:
    """The constants of a floating dtype by name; ArgumentError names the known ones."""
    if dtype not in FLOATING:
        raise ArgumentError(f"unknown dtype {dtype!r}.{suggest(dtype, FLOATING)}")
    info = ml_dtypes.finfo(getattr(ml_dtypes, dtype, dtype))
    unit_roundoff = float(info.eps) / 2
    return Precision(
        dtype=dtype,
        unit_roundoff=unit_roundoff,
        max=float(info.max),
        smallest_normal=float(info.smallest_normal),
        smallest_subnormal=float(info.smallest_subnormal),
        u=unit_roundoff + _COMPUTED_IN[dtype],
        eta=float(info.smallest_subnormal),
        scalar_u=unit_roundoff + _COMPUTED_IN[dtype],
    )
