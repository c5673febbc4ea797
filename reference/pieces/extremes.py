"""Maxima and minima: what a NaN among the inputs is, and who gets the flow where several inputs attain the extreme."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..vocabulary import Axis, Option

# --- the candidates: ``never`` is what no number exceeds, -∞ for a maximum and ∞ for a minimum -----------------------


def every_input(xp: Any, x: Any, never: float) -> Any:
    return x


def numbers_only(xp: Any, x: Any, never: float) -> Any:
    """The inputs with ``never`` for NaN, unless all are NaN."""
    ones = xp.ones_like(x)
    number = x == x
    count = xp.sum(xp.where(number, ones, xp.zeros_like(x)))
    return xp.where(count > 0, xp.where(number, x, ones * never), x)


def after_the_last_nan(xp: Any, x: Any, never: float) -> Any:
    """The inputs behind the last NaN; where the last input is NaN, that one."""
    n = x.shape[0]
    return _without(xp, x, never, [*(range(i, n) for i in range(n - 1)), ()])


def numbers_or_the_first(xp: Any, x: Any, never: float) -> Any:
    """The inputs with ``never`` for each NaN but one that is the first input."""
    return _without(xp, x, never, [(), *([i] for i in range(1, x.shape[0]))])


def _without(xp: Any, x: Any, never: float, among: Sequence[Iterable[int]]) -> Any:
    """The inputs with ``never`` for those that have a NaN ``among`` the inputs named for each."""
    ones, zeros = xp.ones_like(x), xp.zeros_like(x)
    is_nan = xp.where(x == x, zeros, ones)
    counts = xp.stack([xp.sum(xp.stack([zeros[0], *(is_nan[j] for j in js)])) for js in among])
    return xp.where(counts > 0, ones * never, x)


NAN = Axis(
    name="nan",
    options=(
        Option("propagate", "a NaN among the inputs is the result", does=every_input),
        Option("ignore", "NaN is no candidate unless all inputs are NaN", does=numbers_only),
        Option(
            "last",
            "compared in turn as a > b ? a : b, which is b where one is NaN: what follows the last NaN, or a NaN that is last",
            does=after_the_last_nan,
            in_matrix=False,
        ),
        Option(
            "first",
            "compared in turn as b > a ? b : a, which is a where one is NaN: a NaN is the result only as the first input",
            does=numbers_or_the_first,
            in_matrix=False,
        ),
    ),
    printed="propagate",
    standard="propagate",
    source="IEEE 754-2019 §9.6: maximum propagates NaN, maximumNumber ignores it; the sheet is silent. Comparisons "
    "with NaN are false: Intel's MAXSD returns its second operand, Python's max its first",
)


# --- the flow z̄ directed to the inputs that attain z ----------------------------------------------------------------


def to_all(xp: Any, z_bar: Any, x: Any, z: Any) -> Any:
    return xp.where(x == z, z_bar * xp.ones_like(x), xp.zeros_like(x))


def to_each_its_share(xp: Any, z_bar: Any, x: Any, z: Any) -> Any:
    zeros, ones = xp.zeros_like(x), xp.ones_like(x)
    hit = x == z
    return xp.where(hit, z_bar / xp.sum(xp.where(hit, ones, zeros)) * ones, zeros)


def to_first(xp: Any, z_bar: Any, x: Any, z: Any) -> Any:
    n = x.shape[0]
    return _to_one(xp, z_bar, x, z, [range(i) for i in range(n)])


def to_last(xp: Any, z_bar: Any, x: Any, z: Any) -> Any:
    n = x.shape[0]
    return _to_one(xp, z_bar, x, z, [range(i + 1, n) for i in range(n)])


def _to_one(xp: Any, z_bar: Any, x: Any, z: Any, rivals: Sequence[Iterable[int]]) -> Any:
    """The flow to the one that attains z and has no ``rivals`` (for each input, those that go before it) which do."""
    zeros, ones = xp.zeros_like(x), xp.ones_like(x)
    marks = xp.where(x == z, ones, zeros)
    zero = xp.zeros_like(marks[0])
    earlier = xp.stack([xp.sum(xp.stack([zero, *(marks[j] for j in js)])) for js in rivals])
    return xp.where(marks - 2 * earlier == xp.ones_like(marks), z_bar * ones, zeros)


TIES = Axis(
    name="ties",
    options=(
        Option("all", "every input that attains z gets the whole flow", r"\bar z\,\mathbb 1[x_i=z]", does=to_all),
        Option(
            "split",
            "the inputs that attain z share the flow evenly",
            r"\bar z\,\mathbb 1[x_i=z]/\#\{j:x_j=z\}",
            does=to_each_its_share,
        ),
        Option(
            "first",
            "the first input that attains z gets the flow",
            r"\bar z\,\mathbb 1[i=\min\{j:x_j=z\}]",
            does=to_first,
        ),
        Option(
            "last",
            "the last input that attains z gets the flow",
            r"\bar z\,\mathbb 1[i=\max\{j:x_j=z\}]",
            does=to_last,
        ),
    ),
    printed="all",
    standard="split",
    source="subdifferential of the maximum: Clarke, Optimization and Nonsmooth Analysis, 1983, prop. 2.3.12; "
    "the printed rule lies outside of it at a tie, every other option inside",
)
