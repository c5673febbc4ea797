"""Weights that are stored in a narrower format than their steps are computed in: rounded to nearest, at random or cut off, or a
copy of more precise ones; and whether what is rounded at random is rounded without a bias."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...answers import Kind, Stored, Way
from ...arithmetic.formats import precision
from ...arithmetic.storage import neighbours
from .narrower import arrays
from .playing import Played
from .prediction import NARROW, Model, Record
from .space import Candidate, Space

FORMATS = ("bfloat16", "float16", "float32")
CHANCE = 1e-9  # how rarely an unbiased rounding may be taken for a biased one


@dataclass(frozen=True)
class Rounded:
    """How a box may store its weights, whether its state as well, and the format in which its steps are computed, at least;
    with ``wide_scalars`` only what is done to scalars alone."""

    weights: Stored | None
    state: bool = False
    computed: str = ""
    wide_scalars: bool = False

    def of(self, space: Space, candidate: Candidate) -> Candidate:
        if self.weights is None:
            return replace(candidate, wide_scalars=self.wide_scalars)
        stored = [self.weights]
        if self.state:
            stored += [Stored(Kind.STATE, name, format=self.weights.format) for name in arrays(space, candidate)]
        return replace(candidate, stored=tuple(stored), computed=self.computed)


def grid(played: Sequence[Played], dtype: str) -> str:
    """The narrowest format of which all weights are numbers, where steps may have been computed in a wider one; else ""."""
    if is_narrower(dtype, NARROW):
        return dtype
    return next((one for one in FORMATS if is_narrower(one, dtype) and all(_on(one, p.weights) for p in played)), "")


def roundings(format_: str, dtype: str, at_random: bool = False) -> list[Rounded]:
    """The ways in which weights may be stored in a format."""
    computed = NARROW if is_narrower(format_, NARROW) and dtype != NARROW else ""
    if at_random:
        return [Rounded(Stored(Kind.WEIGHTS, way=Way.AT_RANDOM, format=format_), computed=computed)]
    kept = [Stored(Kind.WEIGHTS, format=format_), Stored(Kind.COPY, format=format_)]
    kept.append(Stored(Kind.WEIGHTS, way=Way.CUT_OFF, format=format_))
    found = [*(Rounded(one, False, computed) for one in kept), Rounded(kept[0], True, computed)]
    return [*found, Rounded(None, wide_scalars=True)] if format_ == dtype else found


def is_unbiased(seen: Record, candidate: Candidate) -> bool:
    """Whether weights that are rounded at random go up as often as an unbiased rounding lets them.

    An exact weight that lies a share p of the way between two numbers goes up with the chance p: then any sum of
    f (went up - p) with |f| <= 1 is as near to 0 as Hoeffding, Probability inequalities for sums of bounded random variables,
    1963, theorem 2, has it. Such sums show a rounding up or down (f = 1), away from zero or towards it (f the sign of the
    weight), and one at even chances (f = 2p - 1).
    """
    up, share, doubt, sign = np.hstack([_gone_up(seen, candidate, one) for one in seen.played])
    return all(_by_chance(factor, up - share, doubt) for factor in (np.ones_like(share), sign, 2 * share - 1))


def _by_chance(factor: np.ndarray, off: np.ndarray, doubt: np.ndarray) -> bool:
    reach = math.sqrt(math.log(2 / CHANCE) * float((factor**2).sum()) / 2)
    return abs(float((factor * off).sum())) <= reach + float((np.abs(factor) * doubt).sum())


def _gone_up(seen: Record, candidate: Candidate, one: Played) -> np.ndarray:
    """Of the weights after each step that lie between two numbers of the format, in four rows: whether they went up, their
    share of the way, the doubt in that, their sign."""
    trace, found = one.experiment, []
    weights, gradients = trace.handed
    model = Model(seen.space, candidate, weights, trace.made, seen.dtype)
    form = precision(candidate.stored[0].format)
    for gradient, rate, after in zip(gradients, trace.rates, one.weights.reshape(gradients.shape), strict=True):
        model.step(gradient, rate)
        exact = model.unrounded
        low, high = neighbours(exact.value.astype(np.float64), form)
        with np.errstate(all="ignore"):
            share, doubt = (exact.value - low) / (high - low), exact.error / (high - low)
        between = np.isfinite(share) & (doubt < 1 / 2)
        found.append(np.stack([after == high, share, doubt, np.sign(exact.value)])[:, between].astype(np.float64))
        model.take(after)
    return np.hstack(found)


def is_narrower(format_: str, dtype: str) -> bool:
    """Whether a format has fewer digits than another."""
    return precision(format_).unit_roundoff > precision(dtype).unit_roundoff


def _on(format_: str, weights: np.ndarray) -> bool:
    with np.errstate(over="ignore"):
        return np.array_equal(weights.astype(precision(format_).numpy).astype(weights.dtype), weights, equal_nan=True)
