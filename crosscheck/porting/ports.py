"""Porting: the same function in another framework, or an exact map to it, proved; or the closest there is, and what remains."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ...adapters.contract import Adapter
from ...adapters.discovery import available, framework_names, load
from ...adapters.errors import BoxError, Unsupported
from ...reference.arguments import suggest
from ...reference.vocabulary import Reading
from ..answers import Answer, Closer, Mapped, Port, Proof, Refusal
from ..inputs.traces import Schedule
from .equality import Yardstick, fixed
from .offers import Offer, offers
from .proof import prove, ran
from .remains import SIZES, Path, witness
from .rules import RATE, Translation, evaluated, names_in, translations
from .source import Source, source
from .written import code, expression, runnable

CHANGES = 2  # how many values a map may change


@dataclass(frozen=True)
class Target:
    """Where to: an adapter, and the one of its modules that is asked for, if any (``optax`` of the adapter jax)."""

    adapter: Adapter
    root: str
    name: str


def target(to: str) -> Target:
    """The target that a user names: an adapter, its package, or a module of it. Raises BoxError, also where it is not
    installed."""
    adapters = [load(name) for name in available()]
    named = {name: Target(adapter, "", to) for adapter in adapters for name in (adapter.package, adapter.name)}
    modules = {module: Target(a, module, to) for a in adapters for name, module in a.modules.items() if name == module}
    found = named.get(to) or modules.get(to)
    if found is None and to in framework_names():
        raise BoxError(f"gradspec knows no optimizers of {to} to port to; it does of {', '.join(sorted({*named, *modules}))}")
    if found is None:
        raise BoxError(f"unknown framework {to!r} to port to.{suggest(to, sorted({*named, *modules}))}")
    if not found.adapter.installed() or (found.root and found.root not in found.adapter.names()):
        raise BoxError(f"{to} is not installed: {found.adapter.install_command()}")
    return found


def port(answer: Answer, to: str, *, rate: float | None = None) -> Port:
    """The optimizer that was identified, written for another framework.

    ``to``: an adapter (``pytorch``), its package (``torch``) or one of its modules (``optax``). ``rate``: the learning rate,
    where it is not the optimizer's own; if it has none either, the code says ``learning_rate``. Raises BoxError for a framework
    that is not known or not installed, for a function, and for an optimizer that no reading fits.
    """
    return ported(source(answer, rate), to)


def ported(source: Source, to: str | Target) -> Port:
    """The same for a reading of one's own, or to an adapter of one's own."""
    return _Porting(source, target(to) if isinstance(to, str) else to).port()


@dataclass
class _Porting:
    source: Source
    target: Target
    refused: dict[str, Refusal] = field(default_factory=dict)
    hopeless: set[tuple[Reading, Translation]] = field(default_factory=set)

    def port(self) -> Port:
        self.offers = offers(self.target.adapter, self.source.configured, self.target.root)
        for constant in (False, True):
            for offer, translation in self._equal(constant):
                proof = prove(self.target.adapter, self.source, offer, translation, constant)
                if isinstance(proof, Proof):
                    return self._exact(offer, translation, constant, proof)
                self.refused.setdefault(offer.name, proof)
        return self._closest()

    def _equal(self, constant: bool) -> Iterator[tuple[Offer, Translation]]:
        """Offers with a translation under which they are never separated from the source on a trial: few changes first, and of
        equally many those that are right at other values, too."""
        schedule = Schedule.CONSTANT if constant else Schedule.NEW
        here, elsewhere = Yardstick.of(self.source, schedule), Yardstick.elsewhere(self.source, schedule)
        for changes in range(CHANGES + 1):
            equal = [
                (offer, translation)
                for offer in self.offers
                for translation in translations(self.source.configured, offer.takes, changes, self.source.rate)
                if self._is_equal(here, offer, translation)
            ]
            yield from sorted(equal, key=lambda pair: elsewhere.separates(*pair) is not None)

    def _is_equal(self, yardstick: Yardstick, offer: Offer, translation: Translation) -> bool:
        key = offer.reading, translation
        if key in self.hopeless:
            return False
        step = yardstick.separates(offer, translation)
        if step == 0:  # all schedules begin alike
            self.hopeless.add(key)
        return step is None

    # --- the answer ---------------------------------------------------------------------------------------------------

    def _exact(self, offer: Offer, translation: Translation, constant: bool, proof: Proof) -> Port:
        same = not translation.changed and not constant
        return self._said(
            offer,
            translation,
            verdict="same" if same else "mapped",
            runnable=self._runnable() if constant else "",
            constant_rate=constant,
            stays=fixed(self.source, offer, translation, constant),
            proof=proof,
        )

    def _closest(self) -> Port:
        paths = [Path.of(self.source, size) for size in SIZES] if self.offers else []
        best = self._nearest(paths[0]) if paths else None
        if best is None:
            return self._said(None, None, verdict="closest", runnable=self._runnable(), refused=self.refused)
        return self._said(
            *best,
            verdict="closest",
            runnable=self._runnable(),
            remains=[path.remains(*best) for path in paths],
            witness=witness(self.source, *best),
            closer=[closer for path in paths[1:] if (closer := self._elsewhere(path, best)) is not None],
            refused=self.refused,
        )

    def _nearest(self, path: Path) -> tuple[Offer, Translation] | None:
        """The offer and translation with the smallest mean difference of the updates along a path, to three digits; of those
        that come equally close the one that differs on the fewest axes, since the others' differences have no effect here."""

        def rank(entry: tuple[float, Offer, Translation]) -> tuple[float, int]:
            remaining, offer, _ = entry
            return float(f"{remaining:.3g}"), len(self.source.configured.reading.difference(offer.reading))

        ranked = sorted((self._settled(path, offer) for offer in self.offers), key=rank)
        return next(((offer, translation) for _, offer, translation in ranked if self._runs(offer, translation)), None)

    def _settled(self, path: Path, offer: Offer) -> tuple[float, Offer, Translation]:
        """An offer's best translation. A value is changed only where that at least halves what remains, and to something made
        of itself: a map that is not exact says the less the more it changes."""
        plain, *changed = [
            (path.remains(offer, translation).mean_update, offer, translation)
            for changes in (0, 1)
            for translation in translations(self.source.configured, offer.takes, changes, self.source.rate)
            if all(name in names_in(rule) for name, rule in translation.changed.items())
        ]
        best = min(changed, key=lambda entry: entry[0], default=plain)
        return best if best[0] < plain[0] / 2 else plain

    def _elsewhere(self, path: Path, best: tuple[Offer, Translation]) -> Closer | None:
        """What is closer with gradients of another size."""
        other = self._nearest(path)
        if other is None or 2 * path.remains(*other).mean_update > path.remains(*best).mean_update:
            return None
        row = expression(self.target.adapter, self.source, *other)
        return Closer(path.size, row, path.remains(*other).largest_update[0])

    def _runs(self, offer: Offer, translation: Translation) -> bool:
        try:
            ran(self.target.adapter, self.source, offer, translation, Path.of(self.source, SIZES[0]).feed)
        except Unsupported:
            return False
        return True

    def _runnable(self) -> str:
        adapter, setting = self.target.adapter, self.source.configured
        try:
            return runnable(adapter, self.source, adapter.realise(setting.line, setting.reading))
        except Unsupported:
            return ""

    def _said(self, offer: Offer | None, translation: Translation | None, **more: Any) -> Port:
        source_, adapter = self.source, self.target.adapter
        reading = source_.configured.reading
        return Port(
            source=source_.name,
            framework=source_.framework,
            to=self.target.name,
            versions=adapter.versions(),
            code="" if offer is None or translation is None else code(adapter, source_, offer, translation),
            line=source_.configured.line.id,
            title=source_.configured.line.title,
            source_reading=dict(reading.axes),
            target="" if offer is None else offer.name,
            target_reading={} if offer is None else dict(offer.reading.axes),
            differs={} if offer is None else reading.difference(offer.reading),
            made_of=[] if offer is None else list(offer.made_of),
            hyperparameters={} if translation is None else _mapped(source_, translation),
            doubts=source_.doubts,
            **more,
        )


def _mapped(source_: Source, translation: Translation) -> dict[str, Mapped]:
    values, rate = source_.configured.values, source_.rate
    made = {RATE: Mapped(rate, None if rate is None else _float(translation.rate, source_), translation.rate)}
    return made | {name: Mapped(values[name], _float(rule, source_), rule) for name, rule in translation.hyper}


def _float(rule: str, source_: Source) -> float:
    return float(evaluated(rule, math, source_.configured.values, source_.rate))
