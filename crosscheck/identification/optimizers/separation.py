"""Separating the candidates that still fit: the trace is sought that splits them best, and the box is asked once more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np

from ....reference.vocabulary import Role, Scope
from ...answers import Memory
from ...arithmetic.steps import Steps
from ...inputs.strategies import draw
from ...readings.separate import first_separated
from .experiments import HEAVY, MATRIX, TALL, VARIED, Bench, Plan, Values
from .playing import Experiment, Played
from .prediction import Record, in_floats, steps
from .space import Candidate, Space

FAINT = 2.0**-44  # by which gradients are scaled so that an ε shows that is assumed
ROUNDS = 12  # traces that the box is asked for at most
PROPOSALS = 6  # random traces among which the one that splits best is chosen, beside the fixed ones
COMPARED = 12  # candidates whose predictions are compared when a trace is chosen; more are left to the next round


@dataclass(frozen=True)
class Outcome:
    """The candidates that fit everything played in the end."""

    left: list[Candidate]
    played: list[Played]


def separate(bench: Bench, space: Space, candidates: Sequence[Candidate], seed: int) -> Outcome:
    """Ask the box for the traces that split the candidates best, until none is found that splits them or one is left."""
    left, played = list(candidates), []
    for round_ in range(ROUNDS):
        if len({space.function_of(candidate) for candidate in left}) < 2:
            break
        trace = best_split(bench, space, left, seed + round_)
        if trace is None:
            break
        played.append(bench.player.play(trace))
        here = Record(space, played[-1:], bench.player.dtype)
        left = [candidate for candidate in left if here.fits(candidate)]
    return Outcome(left, played)


def best_split(bench: Bench, space: Space, candidates: Sequence[Candidate], seed: int) -> Experiment | None:
    """Of fixed and drawn traces the one on which the candidates fall into most classes; None if none separates them."""
    found, most = None, 1
    for proposal in proposals(bench, space, seed):
        count = len(classes([steps(space, c, proposal, bench.player.dtype) for c in candidates[:COMPARED]]))
        if count > most:
            found, most = proposal, count
        if most == min(len(candidates), COMPARED):
            break
    return found


def other_functions(bench: Bench, space: Space, one: Candidate, candidates: Iterable[Candidate], seed: int) -> list[Candidate]:
    """The candidates that are another function than one, for a box whose ε is 0, or that begins anew at every step: places of
    ε, or what only later steps do, make no difference then, not by a bit."""
    candidates = list(candidates)
    maybe = [other for other in candidates if _may_be_one_function(space, one, other)]
    traces = proposals(bench, space, seed) if maybe else []

    def values(candidate: Candidate, k: int, plainly: bool) -> Sequence[np.ndarray]:
        if plainly:
            return [in_floats(space, candidate, traces[k])]
        return [after.value for after in steps(space, candidate, traces[k], bench.player.dtype)]

    mine = lru_cache(maxsize=None)(partial(values, one))

    def same(other: Candidate) -> bool:
        plainly = _only_read_otherwise(one, other)
        return all(
            np.array_equal(x, y, equal_nan=True)
            for k in range(len(traces))
            for x, y in zip(mine(k, plainly), values(other, k, plainly), strict=True)
        )

    return [other for other in candidates if other not in maybe or not same(other)]


def _only_read_otherwise(one: Candidate, other: Candidate) -> bool:
    """Whether two candidates differ in their reading alone, which then shows in floating point without budgets, too."""
    return one.memory is Memory.KEPT and replace(other, reading=one.reading, assumed=one.assumed) == one


def _may_be_one_function(space: Space, a: Candidate, b: Candidate) -> bool:
    zero = {name for name, value in a.assumed if not value and space.line.hyperparameter(name).role is Role.EPSILON}
    anew = a.memory is b.memory is Memory.NOTHING
    return anew or (bool(zero) and not any(dict(b.assumed)[name] for name in zero))


def proposals(bench: Bench, space: Space, seed: int) -> list[Experiment]:
    plans = [Plan(values, bench.schedules[-1]) for values in (*VARIED, Values.FORGETFUL)]
    plans += [Plan(Values.EXACT, schedule, HEAVY - 1) for schedule in bench.schedules]
    fixed = [bench.experiment(plan) for plan in plans]
    fixed.append(replace(fixed[0], gradients=(fixed[0].gradients * FAINT).astype(fixed[0].gradients.dtype)))
    name = f"separate {_repeatable(bench.player.box.name)} {bench.player.dtype}"
    if space.line.scope is not Scope.WEIGHT:
        fixed += [replace(one, shape=shape) for shape in (MATRIX, TALL) for one in fixed]
    return [*fixed, *draw(bench.drawn(), PROPOSALS, name, seed)]


def _repeatable(name: str) -> str:
    """A name without what a file's path or an address in memory would add, so that draws repeat."""
    return name.rpartition("/")[2].partition(" at 0x")[0]


def classes(predictions: Sequence[Steps]) -> list[list[int]]:
    """The predictions grouped so that each can be told from the first of every other group."""
    groups: list[list[int]] = []
    for i, prediction in enumerate(predictions):
        home = next((g for g in groups if first_separated(prediction, predictions[g[0]]) is None), None)
        if home is None:
            groups.append([i])
        else:
            home.append(i)
    return groups
