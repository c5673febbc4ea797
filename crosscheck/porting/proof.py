"""The proof of a map: the target itself is run on long traces, and held to the budget of the source's reading."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...adapters.contract import Adapter, Trace
from ...adapters.errors import Unsupported
from ..answers import Proof, Refusal
from ..arithmetic.formats import Precision, precision
from ..arithmetic.rounding import Enclosure
from ..arithmetic.steps import Steps
from ..findings import number
from ..readings.separate import first_separated
from ..readings.variants import variants, with_losses
from .equality import enclosures, mapped
from .feeds import FORMAT, Feed, proofs
from .offers import Offer
from .rules import Translation
from .source import Source
from .written import substituted


def prove(adapter: Adapter, source: Source, offer: Offer, translation: Translation, constant: bool) -> Proof | Refusal:
    """Run ``offer`` at the mapped values, and hold it to the source's reading.

    A number may be off by what floating point may do to the source's own evaluation, or to the target's with the map: both
    are evaluations of one real function. So the centre is the source's value, and the two readings must never be separated,
    whatever the target itself stores in a narrower format.
    """
    runs = []
    for feed in proofs(source.base, source.configured.epsilon, constant):
        try:
            runs.append(_Run(source, offer, translation, feed, ran(adapter, source, offer, translation, feed)))
        except Unsupported as error:
            return Refusal(words=str(error))
    for run in runs:
        if (at := first_separated(*run.plain)) is not None:
            return Refusal(run.schedule, at[0] + 1, at[1])
    refusal: Refusal | None = None
    for losses in variants(offer.line, FORMAT):
        share = _worst_share(runs, with_losses(FORMAT, losses))
        if not isinstance(share, Refusal):
            steps, weights = runs[0].feed.gradients.shape
            return Proof(len(runs), steps, weights, FORMAT, mode_of(adapter), share, list(losses))
        refusal = refusal or share
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


def mode_of(adapter: Adapter) -> str:
    """The mode that a target runs in: the last, which is compiled where there is one."""
    return adapter.optimizer_modes[-1]


def ran(adapter: Adapter, source: Source, offer: Offer, translation: Translation, feed: Feed) -> np.ndarray:
    """The weights after each step of the target itself at the mapped values."""
    values = translation.floats(source.configured.values, feed.rates[0])
    rates = tuple(float(translation.rate_in(math, source.configured.values, rate)) for rate in feed.rates)
    native = offer.native(substituted(offer.expression, literals({**offer.fixed, **values})))
    return adapter.optimize(native, Trace(feed.weights, feed.gradients, rates, {}), mode_of(adapter))


def literals(values: Mapping[str, float]) -> dict[str, str]:
    return {name: repr(float(value)) for name, value in values.items()}


def _worst_share(runs: list[_Run], p: Precision) -> float | Refusal:
    """The worst share of the budget over all runs, or the first number outside of it."""
    worst = 0.0
    for run in runs:
        for step, budget in enumerate(run.budgets(p)):
            inside = budget.contains(run.weights[step])
            if not inside.all():
                i = int(np.argmin(inside))
                return Refusal(run.schedule, step + 1, i, number(run.weights[step, i]), number(budget.value[i]))
            worst = max(worst, float(budget.share(run.weights[step]).max()))
    return worst


def _either(a: np.ndarray | None, b: np.ndarray | None) -> np.ndarray | None:
    return b if a is None else a if b is None else a | b
