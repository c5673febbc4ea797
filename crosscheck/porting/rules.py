"""The grammar of hyperparameter maps: what a target's rate and hyperparameters may be made of the source's.

A rule is an expression over the source's values. It is evaluated in floating point for the code that is printed, and in the
rounding model, which adds the map's own roundings to the target's budget.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import combinations, product
from types import CodeType
from typing import Any

from ...reference.vocabulary import Hyperparameter
from .source import Setting

RATE = "rate"


@cache
def _code(expression: str) -> CodeType:
    return compile(expression, f"<{expression}>", "eval")


@cache
def names_in(rule: str) -> frozenset[str]:
    """What a rule is made of."""
    return frozenset(_code(rule).co_names) - {"sqrt"}


def evaluated(rule: str, xp: Any, values: Mapping[str, Any], rate: Any) -> Any:
    """A rule in any arithmetic; ``xp`` has sqrt."""
    return eval(_code(rule), {"__builtins__": {}, "sqrt": xp.sqrt, RATE: rate, **values})


@dataclass(frozen=True)
class Translation:
    """A rule for the target's rate, and one for each hyperparameter that the target takes."""

    rate: str
    hyper: tuple[tuple[str, str], ...]

    @property
    def rules(self) -> dict[str, str]:
        return {RATE: self.rate, **dict(self.hyper)}

    @property
    def changed(self) -> dict[str, str]:
        return {name: rule for name, rule in self.rules.items() if rule != name}

    def rate_in(self, xp: Any, values: Mapping[str, Any], rate: Any) -> Any:
        return evaluated(self.rate, xp, values, rate)

    def values_in(self, xp: Any, values: Mapping[str, Any], rate: Any) -> dict[str, Any]:
        """The target's hyperparameters; ``rate`` is the source's first."""
        return {name: evaluated(rule, xp, values, rate) for name, rule in self.hyper}

    def floats(self, values: Mapping[str, float], rate: float) -> dict[str, float]:
        return self.values_in(math, values, rate)


def identity(takes: tuple[str, ...]) -> Translation:
    return Translation(RATE, tuple((name, name) for name in takes))


def translations(source: Setting, takes: tuple[str, ...], changes: int, rate: float | None) -> Iterator[Translation]:
    """The translations of the grammar that change so many of the values, and give the target values within its bounds.

    ``rate``: the source's; where it is not known, no hyperparameter can be made of it. Of two changes one is the rate's: a
    factor that leaves the quotient of the step must leave ε or λ, too.
    """
    options = _options(source, takes, rate is not None)
    for coordinates in combinations(options, changes):
        if changes > 1 and RATE not in coordinates:
            continue
        for rules in product(*(options[name] for name in coordinates)):
            translation = _with(identity(takes), dict(zip(coordinates, rules, strict=True)))
            if _within_bounds(translation, source, rate or 1.0):
                yield translation


def _with(translation: Translation, changed: Mapping[str, str]) -> Translation:
    hyper = tuple((name, changed.get(name, rule)) for name, rule in translation.hyper)
    return Translation(changed.get(RATE, translation.rate), hyper)


def _options(source: Setting, takes: tuple[str, ...], with_rate: bool) -> dict[str, list[str]]:
    """For the rate and each hyperparameter the rules that change it."""
    fractions = [h.name for h in source.used if _is_fraction(h)]
    options = {RATE: [f"{RATE}{factor}" for factor in _factors(fractions)]}
    for name in takes:
        hyper = source.line.hyperparameter(name)
        others = [h.name for h in source.used if h.name != name and (h.low, h.high) == (hyper.low, hyper.high)]
        options[name] = others if _is_fraction(hyper) else [*_of_size(name, fractions, with_rate), *others]
    return options


def _is_fraction(hyper: Hyperparameter) -> bool:
    return (hyper.low, hyper.high) == (0.0, 1.0)


def _factors(fractions: list[str]) -> Iterator[str]:
    """· (1-β), / (1-β), and the one over the other."""
    for a in fractions:
        yield f" * (1 - {a})"
        yield f" / (1 - {a})"
        yield from (f" * (1 - {a}) / (1 - {b})" for b in fractions if b != a)


def _of_size(name: str, fractions: list[str], with_rate: bool) -> Iterator[str]:
    """What may become of a hyperparameter that has a size, such as ε or λ."""
    yield f"{name} ** 2"
    yield f"sqrt({name})"
    if with_rate:
        yield f"{name} * {RATE}"
        yield f"{name} / {RATE}"
    yield from (f"{name}{factor}" for factor in _factors(fractions))


def _within_bounds(translation: Translation, source: Setting, rate: float) -> bool:
    try:
        made = {name: evaluated(rule, math, source.values, rate) for name, rule in translation.changed.items()}
    except (ZeroDivisionError, OverflowError):
        return False
    return all(h.low <= made.get(h.name, h.low) < h.high for h in source.line.hyperparameters)
