"""What may stand around an optimizer: each wrapper is tried around each line, in floating point, on the quietest trace.

That only says which are worth a search. Whether one of them fits is then a matter of the budgets, as ever.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import product

import numpy as np

from ....reference.vocabulary import Hyperparameter, Role
from ....reference.wrapper import Wrapper, around, wrappers
from .constants import Fit, fitted
from .experiments import Bench
from .playing import Played
from .prediction import in_floats
from .space import Behind, Candidate, Space, bound_names

CLOSE = 1e-4  # how far a number may be beside the box, as a part of the weight's way, for it to be counted
MOST = 0.5  # of the numbers that are to be close
SUSPECTS = 6  # wrappers that are searched behind
FEW_MOVES = 32  # from where a search begins, that are tried behind every wrapper


@dataclass(frozen=True)
class Suspect:
    """A wrapper, the families in which some line is close behind it, and the share of the numbers that then are."""

    behind: Behind
    spaces: tuple[Space, ...]
    close: float

    def bench(self, bench: Bench) -> Bench:
        """The bench for what stands behind it: with the arguments that are its own varied, and the calls that make a step."""
        own = {name: self.behind.wrapper.parameter(parameter) for parameter, name in self.behind.binding}
        varied = {name: one for name, one in own.items() if one.role is not Role.COUNT}
        chosen = replace(bench.chosen, varied={**bench.chosen.varied, **varied})
        return replace(bench, chosen=chosen, calls=self.behind.calls(chosen.own))


def suspects(bench: Bench, spaces: Sequence[Space], played: Played) -> list[Suspect]:
    """The wrappers behind which some line comes closer to what was played than any does alone, the closest first."""
    alone = max(_close(space, start, played) for space in spaces for start in space.starts())
    found = [_suspect(behind, spaces, played) for behind in _tried(bench) if _moves_alike(behind, spaces[0], played)]
    if not any(one.close == 1.0 for one in found):
        found += [_suspect(behind, spaces, played) for behind in _fitted(bench, spaces, played)]
        found += [_suspect(behind, spaces, played) for behind in _doubled(bench, spaces[0], played)]
    closer = [one for one in found if one.close >= MOST and one.close > alone]
    return sorted(closer, key=lambda one: -one.close)[:SUSPECTS]


def _suspect(behind: Behind, spaces: Sequence[Space], played: Played) -> Suspect:
    behind_it = [replace(space, behind=behind) for space in spaces]
    tried = [list(_tried_of(space)) for space in behind_it]
    close = [max(_close(space, one, played) for one in here) for space, here in zip(behind_it, tried, strict=True)]
    return Suspect(behind, tuple(space for space, here in zip(behind_it, close, strict=True) if here >= MOST), max(close))


def _tried_of(space: Space) -> Iterator[Candidate]:
    """Where a search begins, and one move from there, unless there are many of these and many wrappers to be tried."""
    assert space.behind is not None
    behind = space.behind
    few = behind.wrapper.id in wrappers() and all(behind.wrapper.parameter(n).role is Role.COUNT for n, _ in behind.assumed)
    yield from around_from_start(space, None if few else FEW_MOVES)


def around_from_start(space: Space, most: int | None = FEW_MOVES) -> Iterator[Candidate]:
    """Where a search begins, and one move from there, if these are no more than so many."""
    yield from space.starts()
    moved = [other for start in space.starts() for _, others in space.moves(start) for other in others]
    yield from moved if most is None or len(moved) <= most else ()


def _moves_alike(behind: Behind, space: Space, played: Played) -> bool:
    """Whether weights move at just those calls at which an optimizer moves them behind the wrapper."""
    start, trace = space.starts()[0], played.experiment
    after = in_floats(space, replace(start, behind=behind), trace)
    return bool((_moving(after, trace.weights) == _moving(played.weights, trace.weights)).all())


def _moving(after: np.ndarray, before: np.ndarray) -> np.ndarray:
    """At which calls any weight moves."""
    return (after != np.concatenate([before[None], after[:-1]])).any(axis=1)


def _close(space: Space, candidate: Candidate, played: Played) -> float:
    """The share of the numbers that are close, of those of weights that have moved; 0 if it is too small at the first step."""
    if candidate.behind is not None:
        first = _share(space, candidate, _cut(played, candidate.behind.calls(played.experiment.arguments)))
        if first is not None and first < MOST:
            return 0.0
    return _share(space, candidate, played) or 0.0


def _share(space: Space, candidate: Candidate, played: Played) -> float | None:
    """None where no weight has moved."""
    trace = played.experiment
    with np.errstate(all="ignore"):
        after, way = in_floats(space, candidate, trace), played.weights - trace.weights
        moved = (way != 0) | (after != trace.weights)
        close = np.abs(after - played.weights) <= CLOSE * np.abs(way)
    return float(close[moved].mean()) if moved.any() else None


@lru_cache(maxsize=8)
def _cut(played: Played, calls: int) -> Played:
    """The first calls of what was played."""
    trace = played.experiment
    first = replace(trace, gradients=trace.gradients[:calls], rates=trace.rates[:calls])
    return Played(first, played.weights[:calls])


def _tried(bench: Bench) -> Iterator[Behind]:
    """Each wrapper, with the box's own arguments for its parameters, and what libraries set for those that it does not take."""
    for wrapper in wrappers().values():
        yield from _valued(bench, wrapper)


def _valued(bench: Bench, wrapper: Wrapper) -> Iterator[Behind]:
    binding = _binding(bench, wrapper)
    open_ = [one for one in wrapper.parameters if one.name not in binding]
    for values in product(*(one.tried.fixed for one in open_)):
        yield Behind(wrapper, tuple(binding.items()), tuple(zip((one.name for one in open_), values, strict=True)))


def slow(bench: Bench, space: Space, played: Played) -> list[Behind]:
    """The wrappers that make several calls a step, as far as the calls show at which weights move."""
    return [one for one in _tried(bench) if one.calls(bench.chosen.own) > 1 and _moves_alike(one, space, played)]


def _doubled(bench: Bench, space: Space, played: Played) -> Iterator[Behind]:
    """Two wrappers, one around the other, of which one makes several calls a step: its calls show when weights move."""
    found = {one.wrapper.id: one for one in slow(bench, space, played)}
    pairs = [(one, other) for one in found.values() for other in wrappers().values() if other.id not in found]
    for one, other in pairs:
        if not _names(one.wrapper) & _names(other):
            for both in (around(one.wrapper, other), around(other, one.wrapper)):
                yield from (behind for behind in _valued(bench, both) if _agree(one, behind, bench.chosen.own))


def _names(wrapper: Wrapper) -> set[str]:
    return {parameter.name for parameter in wrapper.parameters}


def _agree(one: Behind, both: Behind, own: Mapping[str, float]) -> bool:
    """Whether a wrapper has the same values alone and with another."""
    return one.values(own).items() <= both.values(own).items()


def _binding(bench: Bench, wrapper: Wrapper) -> Mapping[str, str]:
    free = {name: value for name, value in bench.chosen.own.items() if name not in bench.chosen.varied}
    return bound_names(wrapper.parameters, free)


def _fitted(bench: Bench, spaces: Sequence[Space], played: Played) -> Iterator[Behind]:
    """Each wrapper with one parameter that is no count, and no argument, at the value that was fitted to what was played."""
    for behind in _tried(bench):
        for name, value in behind.assumed:
            parameter = behind.wrapper.parameter(name)
            if parameter.role is not Role.COUNT and value == parameter.tried.fixed[0]:
                yield from _narrowed(behind, parameter, spaces, played)


def _narrowed(behind: Behind, parameter: Hyperparameter, spaces: Sequence[Space], played: Played) -> Iterator[Behind]:
    def place(candidate: Candidate, value: float) -> Candidate:
        return replace(candidate, behind=behind.with_assumed(parameter.name, value))

    fits = (Fit(space, parameter, partial(place, start), played) for space in spaces for start in space.starts())
    for value in dict.fromkeys(value for _, value in fitted(fits)):
        yield behind.with_assumed(parameter.name, value)
