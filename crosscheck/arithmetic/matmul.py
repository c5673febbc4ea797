"""Matrix products in every order of summation, with and without fused multiply-adds."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from .fast import FLOAT64_U, NEGLIGIBLE, ROUND_UP, SAFE, Fast, gamma_fast, is_safe, measured
from .intervals import Intervals, Wide
from .products import multiply
from .settle import WIDE_U, gamma, quicker
from .sums import total

_FEW_TERMS = 2**14  # up to here a matrix product in extended precision is quicker than its slices in float64
_CARELESS = 256  # this part of a budget may be lost to the evaluation of the value in float64


def _matmul_fast(a: Intervals, b: Intervals) -> Intervals | None:
    left, right, p = a.fast, b.fast, a.precision
    if left is None or right is None or left.zeros is not None or right.zeros is not None or not a.ndim == b.ndim == 2:
        return None
    n = a.shape[1]
    gamma_n = gamma_fast(n, p)
    if gamma_n == math.inf:
        return None
    error = _spread(left, right, gamma_n)
    largest = float(error.max()) / (n * p.u)  # no sum of magnitudes is larger, since gamma_n >= n u
    if not largest < p.max:  # a partial sum might overflow
        return None
    round_up = ROUND_UP + 4 * n * FLOAT64_U
    error *= (1 + WIDE_U / p.u) * round_up  # n eps |A||B|, of extended precision, is at most eps/u of the spread
    if p.eta > NEGLIGIBLE * p.u * left.low * right.low:
        error += 2 * n * p.eta * round_up
    sliced = _sliced_product(a, b, error) if n > 1 and a.shape[0] * n * b.shape[1] > _FEW_TERMS else None
    if sliced is None:
        value = a.value @ b.value if n > 1 else a.value * b.value
        centre = value.astype(np.float64)
    else:
        value, centre = None, sliced[0] + sliced[1]
    size = np.abs(centre)
    low, high = float(size.min()), 3 * (largest + n * p.eta)
    bounds = Fast(centre, size, error, low, high, True) if is_safe(low, high, p) else measured(centre, error, p)
    if bounds is None:
        return None
    product = Intervals.of(bounds, p, value, sliced)
    product.fan = n
    return product


def _spread(a: Fast, b: Fast, gamma_n: float) -> np.ndarray:
    """|A|F + E|B| + EF, and gamma of all that is summed; E and F are the errors of A and B."""
    if b.error is None:
        return (gamma_n * a.size if a.error is None else gamma_n * a.size + (1 + gamma_n) * a.error) @ b.size
    widened = (1 + gamma_n) * b.error + gamma_n * b.size
    return a.size @ widened if a.error is None else a.reach @ widened + a.error @ b.size


Tops = float | np.ndarray  # a power of two above all magnitudes of a matrix, or of each of its rows or columns


def _sliced_product(a: Intervals, b: Intervals, error: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """A B as the sum of two matrices in float64. What is missing is added to ``error``; None if that would be noticed, as in a
    row of very different magnitudes.

    Ozaki, Ogita, Oishi, Rump, Error-free transformations of matrix multiplication, Numerical Algorithms 59 (2012): the leading
    bits of A and B are so few that float64 sums their products without rounding. What is left of A and B is so small that
    float64 may round.
    """
    n = a.shape[1]
    bits = (53 - n.bit_length()) // 2
    # |high| <= top, |low| <= 0.51 * 2**-bits * top: two casts, and the 2n products of the rest
    unit = (3 * n + 4) * n * FLOAT64_U * 2.0**-bits * ROUND_UP
    for top_a, top_b in _tops(a, b):
        slack = unit * top_a * top_b
        if (_CARELESS * slack <= error).all():
            error += slack
            (high_a, low_a, _), (high_b, low_b, double_b) = _slices(a, bits, top_a), _slices(b, bits, top_b)
            rest = high_a @ low_b
            rest += low_a @ double_b
            return high_a @ high_b, rest
    return None


def _tops(a: Intervals, b: Intervals) -> Iterator[tuple[Tops, Tops]]:
    """For all of a product's matrices at once, which is quicker, then for each row of A and column of B."""
    assert a.fast is not None
    assert b.fast is not None
    yield 2.0 ** math.frexp(a.fast.high)[1], 2.0 ** math.frexp(b.fast.high)[1]
    yield _power_of_two_above(a.fast.size, axis=1), _power_of_two_above(b.fast.size, axis=0)


def _power_of_two_above(size: np.ndarray, axis: int) -> np.ndarray:
    return np.ldexp(1.0, np.frexp(size.max(axis=axis, keepdims=True))[1])


def _slices(matrix: Intervals, bits: int, top: Tops) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The leading bits of a matrix, the rest, and all of it, in float64."""
    bounds = matrix.fast
    assert bounds is not None
    centre = np.ascontiguousarray(bounds.centre)  # BLAS is slower on a transpose than a copy is
    shift = top * (1.5 * 2.0 ** (52 - bits))  # adding it rounds to multiples of 2**-bits * top
    high = centre + shift
    high -= shift
    # exact numbers are numbers of float64
    low = centre - high if bounds.error is None else (matrix.value - high.astype(Wide)).astype(np.float64)
    return high, low, centre


def _matmul_any(a: Intervals, b: Intervals) -> Intervals:
    p, n = a.precision, a.shape[-1]
    gamma_n = gamma(n, p)
    with np.errstate(all="ignore"):
        value = a.value @ b.value
        size_a, size_b, error_a, error_b = _in_float64(np.abs(a.value), np.abs(b.value), a.error, b.error)
        size = size_a @ size_b
        # |A|F + E|B| + EF, and gamma of all that is summed; E and F are the errors of A and B
        spread = (size_a + error_a) @ ((1 + gamma_n) * error_b + gamma_n * size_b) + error_a @ size_b
        terms = np.count_nonzero(size_a, axis=-1).reshape(size_a.shape[:-1] + (1,) * (size.ndim - size_a.ndim + 1))
        eta = 2 * p.eta * np.minimum(n, terms) if size.ndim else 2 * p.eta * n
        round_up = ROUND_UP + 4 * n * FLOAT64_U
        error = np.where((size > 0) | (spread > 0), (spread + size * (n * WIDE_U) + eta) * round_up, 0.0).astype(Wide)
        error = np.where(np.isnan(error), Wide(np.inf), error)
        overflow = size + spread > p.max
        if a.huge is not None or b.huge is not None or overflow.any() or not np.isfinite(value).all():
            return _matmul_termwise(a, b)
    product = Intervals(np.asarray(value), np.asarray(error), p)
    product.fan = n
    return product


def _matmul_termwise(a: Intervals, b: Intervals) -> Intervals:
    """The matrix product as explicit sums of products: slow, and exact about what overflow and infinities do."""
    left = a.reshape(1, -1) if a.ndim == 1 else a
    right = b.reshape(-1, 1) if b.ndim == 1 else b
    terms = multiply(left.moved(lambda x: x[:, :, None]), right.moved(lambda x: x[None, :, :]))
    shape = (a.shape[:-1] if a.ndim > 1 else ()) + (b.shape[1:] if b.ndim > 1 else ())
    return total(terms, axis=1).reshape(*shape)


def _in_float64(*arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    """The arrays in float64, where matrix products are fast, if no magnitude could leave its range; else as they are."""
    low, high = SAFE
    for array in arrays:
        largest = array.max(initial=0)
        smallest = array.min(where=array > 0, initial=high)
        if not (largest < high and smallest > low):
            return arrays
    return tuple(array.astype(np.float64) for array in arrays)


matmul = quicker(_matmul_fast, _matmul_any)
