"""What is ported: a reading at the values of its hyperparameters, as an identification has found it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ...adapters.errors import BoxError
from ...reference.catalogue import line as line_named
from ...reference.formula import Optimizer
from ...reference.vocabulary import Hyperparameter, Reading, Role
from ..answers import Answer, Doubts, Identification, Memory


@dataclass(frozen=True)
class Setting:
    """A line in one reading at given values: one function of weights, gradients and rates."""

    line: Optimizer
    reading: Reading
    values: Mapping[str, float]

    def at(self, **values: float) -> Setting:
        return replace(self, values={**self.values, **values})

    @property
    def used(self) -> tuple[Hyperparameter, ...]:
        """The hyperparameters that the reading uses: all but those that only other options need."""
        return self.line.used_by(self.reading)

    @property
    def epsilon(self) -> float:
        """The size of gradient at which an ε shows."""
        sizes = (self.values[h.name] for h in self.line.hyperparameters if h.role is Role.EPSILON)
        return next((size for size in sizes if size), 1e-8)


@dataclass(frozen=True)
class Source:
    """An optimizer that is to be ported.

    ``configured`` is what it does at its own values; ``whole`` what it does with all that it can be asked for, ``own`` its
    names for those hyperparameters that it takes. ``rate`` is None where it is the user's to say. ``doubts`` are what its
    identification leaves open.
    """

    name: str
    configured: Setting
    whole: Setting
    own: Mapping[str, str] = field(default_factory=dict)
    rate: float | None = None
    framework: str = ""
    doubts: Doubts = field(default_factory=Doubts)

    @property
    def base(self) -> float:
        """A rate to try it at: its own, where that moves anything."""
        return self.rate or 0.125


def source(answer: Answer, rate: float | None) -> Source:
    """The source that an identification describes. Raises BoxError for a function, where no reading fits, and for what stands
    behind a wrapper."""
    if not isinstance(answer, Identification):
        raise BoxError(f"{answer.target} is no optimizer, so that there is nothing to port")
    if answer.verdict == "no-reading":
        raise BoxError(
            f"no reading fits {answer.target}, so that nothing can be ported; `gradspec identify` shows where the nearest fails"
        )
    if answer.behind is not None:
        raise BoxError(
            f"{answer.target} is {answer.title} behind {answer.behind.words}: only the optimizer inside can be ported; "
            "give it without what stands around it"
        )
    if answer.memory is not Memory.KEPT:
        raise BoxError(
            f"{answer.target} keeps no averages from step to step, which no framework's optimizer does: write it by hand"
        )
    rate = answer.rate if rate is None else rate
    known = {name: bound.value for name, bound in answer.hyperparameters.items()}
    own = {name: bound.own for name, bound in answer.hyperparameters.items() if bound.own}
    by_own_name = {own[name]: known[name] for name in own}
    configured, whole = (
        Setting(line, line.reading("printed", **reading), _values(line, known, by_own_name, rate))
        for line, reading in ((_line(answer.line), answer.configured), (_line(answer.body), answer.reading))
    )
    varied = {name: path for name, path in own.items() if path not in answer.refused}
    doubts = Doubts(answer.stored, answer.shows_from, len(answer.same), answer.separated_by, list(answer.refused))
    return Source(answer.target, configured, whole, varied, rate, answer.framework, doubts)


def _line(name: str) -> Optimizer:
    line = line_named(name)
    assert isinstance(line, Optimizer)
    return line


def _values(
    line: Optimizer, known: Mapping[str, float | None], by_own_name: Mapping[str, float | None], rate: float | None
) -> dict[str, float]:
    """A value for each hyperparameter: as found, also where the line that it is named by calls it otherwise; else the first
    rate, where it is that; else that of no effect, else its default."""
    values = {}
    for hyper in line.hyperparameters:
        named = (by_own_name[name] for name in hyper.aliases if name in by_own_name)
        value = known[hyper.name] if hyper.name in known else next(named, None)
        if value is None and hyper.role is Role.FIRST_RATE:
            value = rate
        neutral = hyper.default if hyper.neutral is None else hyper.neutral
        values[hyper.name] = neutral if value is None else value
    return values
