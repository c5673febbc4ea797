"""The proof of a map: the target itself is run on long traces, and held to the budget of the source's reading."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import msgspec
import numpy as np

from ...adapters.contract import Adapter, Trace
from ...adapters.errors import Unsupported
from ..arithmetic.formats import Precision, precision
from ..arithmetic.rounding import Enclosure
from ..arithmetic.steps import Steps, parting
from ..cells.examination import precision_variants
from .equality import enclosures, epsilon, mapped
from .feeds import FORMAT, Feed, proofs
from .offers import Offer
from .rules import Translation
from .source import Source
from .written import substituted


class Proof(msgspec.Struct, frozen=True):
    """On what a map was proved: the target ran over ``traces`` of ``steps`` for so many ``weights``, and ``worst_share`` is its
    largest error over the budget. ``inside`` says what had to be allowed for: what the target holds in a narrower format."""

    traces: int
    steps: int
    weights: int
    dtype: str
    mode: str
    worst_share: float
    inside: str = ""


class Refusal(msgspec.Struct, frozen=True):
    """Why a map is not right: the first number that is outside of the budget, or the target's own words."""

    why: str


def prove(adapter: Adapter, source: Source, offer: Offer, translation: Translation, constant: bool) -> Proof | Refusal:
    """Run ``offer`` at the mapped values, and hold it to the source's reading.

    A number may be off by what floating point may do to the source's own evaluation, or to the target's with the map: both
    are evaluations of one real function. So the centre is the source's value, and the two readings must never part, whatever
    the target itself holds in a narrower format.
    """
    mode = adapter.optimizer_modes[-1]
    runs = []
    for feed in proofs(source.base, epsilon(source.configured.values), constant):
        try:
            runs.append(_Run(source, offer, translation, feed, ran(adapter, source, offer, translation, feed, mode)))
        except Unsupported as error:
            return Refusal(str(error))
    for run in runs:
        if (at := parting(*run.plain)) is not None:
            return Refusal(f"the two readings part at step {at[0] + 1} with schedule {run.schedule}, at weight {at[1]}")
    refusal: Refusal | None = None
    for p, words in precision_variants(offer.line, precision(FORMAT)).values():
        held = _held(runs, p)
        if not isinstance(held, Refusal):
            return Proof(len(runs), runs[0].feed.steps, runs[0].feed.weights.size, FORMAT, mode, held, words)
        refusal = refusal or held
    assert refusal is not None
    return refusal


@dataclass(frozen=True, eq=False)
class _Run:
    """A trace, and the target's weights after each of its steps."""

    source: Source
    offer: Offer
    translation: Translation
    feed: Feed
    weights: np.ndarray

    @property
    def schedule(self) -> str:
        return self.feed.schedule.value

    @cached_property
    def plain(self) -> tuple[Steps, Steps]:
        """The source's reading, and the target's at the mapped values, in the plain model of rounding."""
        return self._readings(precision(FORMAT))

    def _readings(self, p: Precision) -> tuple[Steps, Steps]:
        values = self.source.configured.values
        return enclosures(self.source.configured, self.feed, p), mapped(self.offer, self.translation, values, self.feed, p)

    def budgets(self, p: Precision) -> Iterator[Enclosure]:
        """Step by step the source's value with the wider of the two bounds."""
        mine, theirs = self.plain if p == precision(FORMAT) else self._readings(p)
        for a, b in zip(mine, theirs, strict=True):
            yield Enclosure(a.value, np.maximum(a.error, b.error), p, _either(a.huge, b.huge))


def ran(adapter: Adapter, source: Source, offer: Offer, translation: Translation, feed: Feed, mode: str) -> np.ndarray:
    """The weights after each step of the target itself at the mapped values."""
    values = translation.floats(source.configured.values, feed.rates[0])
    rates = tuple(float(translation.rate_in(math, source.configured.values, rate)) for rate in feed.rates)
    native = offer.native(substituted(offer.expression, literals({**offer.fixed, **values})))
    return adapter.optimize(native, Trace(feed.weights, feed.gradients, rates, {}), mode)


def literals(values: Mapping[str, float]) -> dict[str, str]:
    return {name: repr(float(value)) for name, value in values.items()}


def _held(runs: list[_Run], p: Precision) -> float | Refusal:
    """The worst share of the budget over all runs, or the first number outside of it."""
    worst = 0.0
    for run in runs:
        for step, budget in enumerate(run.budgets(p)):
            inside = budget.contains(run.weights[step])
            if not inside.all():
                i = int(np.argmin(inside))
                got, wanted = float(run.weights[step, i]), float(budget.value[i])
                where = f"at step {step + 1} with schedule {run.schedule}"
                return Refusal(f"{where} weight {i} is {got!r}, where the source's reading gives {wanted!r}")
            worst = max(worst, float(budget.share(run.weights[step]).max()))
    return worst


def _either(a: np.ndarray | None, b: np.ndarray | None) -> np.ndarray | None:
    return b if a is None else a if b is None else a | b
