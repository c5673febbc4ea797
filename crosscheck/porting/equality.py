"""Whether a target at mapped values is the same function as its source: by the rounding model, on traces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from ...adapters.contract import Trace
from ...reference.vocabulary import Hyperparameter
from ..arithmetic.formats import Precision, precision
from ..arithmetic.rounding import Rounding
from ..arithmetic.steps import Steps
from ..inputs.traces import Schedule
from ..readings.evaluate import steps
from ..readings.separate import first_separated
from .feeds import FORMAT, Feed, trial
from .offers import Offer
from .rules import Translation
from .source import Setting, Source


def enclosures(setting: Setting, feed: Feed, p: Precision | None = None) -> Steps:
    """What the weights may be after each step of a trace."""
    trace = Trace(feed.weights, feed.gradients, feed.rates, setting.values)
    return Steps(partial(steps, setting.line, setting.reading, trace, Rounding(p or precision(FORMAT))))


def mapped(
    offer: Offer, translation: Translation, values: Mapping[str, float], feed: Feed, p: Precision | None = None
) -> Steps:
    """The same for a target, at the values that a translation gives it; the map's own roundings are in the bounds."""
    xp = Rounding(p or precision(FORMAT))
    lifted = {name: xp.asarray(value) for name, value in values.items()}
    rates = [xp.asarray(rate) for rate in feed.rates]
    hyper: dict[str, Any] = {**offer.untaken}
    hyper |= translation.values_in(xp, lifted, rates[0])
    own_rates = tuple(translation.rate_in(xp, lifted, rate) for rate in rates)
    return Steps(partial(steps, offer.line, offer.reading, Trace(feed.weights, feed.gradients, own_rates, hyper), xp))


@dataclass(frozen=True, eq=False)
class Yardstick:
    """A source on a trace, computed once, that many targets are held against."""

    setting: Setting
    feed: Feed

    @classmethod
    def of(cls, source: Source, schedule: Schedule) -> Yardstick:
        return cls(source.configured, trial(schedule, source.base, source.configured.epsilon))

    @classmethod
    def elsewhere(cls, source: Source, schedule: Schedule) -> Yardstick:
        """At other values of all that the source uses: what is one function there, too, is not so by coincidence."""
        values, used = source.configured.values, enumerate(source.configured.used)
        other = source.configured.at(**{h.name: another(h, values[h.name]) * (1 - 2.0 ** -(3 + i)) for i, h in used})
        return cls(other, trial(schedule, 3 * source.base, other.epsilon))

    @cached_property
    def expected(self) -> Steps:
        return enclosures(self.setting, self.feed)

    def separates(self, offer: Offer, translation: Translation) -> int | None:
        """The first step (from 0) at which a target is separated from the source; None if it never is."""
        at = first_separated(self.expected, mapped(offer, translation, self.setting.values, self.feed))
        return None if at is None else at[0]


def fixed(source: Source, offer: Offer, translation: Translation, constant: bool) -> dict[str, float]:
    """The source's arguments that must stay as they are for the map to go on being right, with their values: found by changing
    one at a time."""
    found = {}
    schedule = Schedule.CONSTANT if constant else Schedule.NEW
    for name, own in source.own.items():
        other = another(source.whole.line.hyperparameter(name), source.whole.values[name])
        varied = source.whole.at(**{name: other})
        values = {**source.configured.values, **({name: other} if name in source.configured.values else {})}
        feed = trial(schedule, source.base, varied.epsilon)
        if first_separated(enclosures(varied, feed), mapped(offer, translation, values, feed)) is not None:
            found[own] = source.whole.values[name]
    return found


def another(hyper: Hyperparameter, value: float) -> float:
    """Another value than a hyperparameter has, at which it would show."""
    generic = (hyper.default, *((0.25, 0.5) if hyper.high <= 1 else (2.0**-10, 2.0**-6)))
    return next(other for other in generic if other not in (value, hyper.neutral))
