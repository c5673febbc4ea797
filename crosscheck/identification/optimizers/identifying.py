"""Identifying an optimizer: played, searched, separated, named, looked around, confirmed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ....adapters.box import Box
from ....adapters.errors import BoxError
from ....reference.arguments import suggest
from ..answer import Bound, Evidence, Identification
from .confirmation import EXAMPLES, LONG, Confirmation, Subject, confirm
from .experiments import OWN, Arguments, accepted, arguments, experiment, schedules
from .ladder import Found, Ladder, rungs
from .naming import named
from .playing import TIME_LIMIT, Played, Player
from .prediction import first_miss, possible, score, unbound
from .prediction import worst_share as worst
from .search import Search
from .separation import best_split, separate
from .space import Candidate, Space, spaces
from .surroundings import Surroundings, surroundings
from .trace_witnesses import TraceWitness, against, failure, small

AGAIN = 3  # how often a long trace may send the search back


def identify_optimizer(
    box: Box,
    *,
    names: Mapping[str, str] | None = None,
    values: Mapping[str, float] | None = None,
    dtype: str = "",
    seed: int = 0,
    time_limit: float = TIME_LIMIT,
    lives: int = EXAMPLES,
) -> Identification:
    """Which reading of which optimizer line a box implements; the rest as in ``identify``, which makes a box of a target.

    Raises BoxError for a box that cannot be used, and says why.
    """
    began = time.perf_counter()
    player = Player(box, chosen_dtype(box, dtype), time_limit)
    return _Identifying(player, spaces(box, names or {}, values or {}), seed, lives, began).answer()


def chosen_dtype(box: Box, dtype: str) -> str:
    """The dtype asked for, or the first that the box has. Raises BoxError."""
    if not dtype:
        return box.dtypes[0]
    if dtype not in box.dtypes:
        raise BoxError(f"{box.name} cannot run in {dtype!r}.{suggest(dtype, box.dtypes)}")
    return dtype


@dataclass
class _Identifying:
    player: Player
    spaces: Sequence[Space]
    seed: int
    lives: int
    began: float
    long: Played | None = None

    def answer(self) -> Identification:
        self.chosen, self.refused = accepted(self.player, arguments(self.player.box, self.spaces), self.player.dtype)
        self.spaces = [space.without(self.refused, self.chosen.own) for space in self.spaces]
        self.played = self._first_traces()
        self.ladder = Ladder(self.spaces, self.played, self.player.dtype)
        found = self._lasting(self.ladder.found())
        self._within_bounds(found.space)
        self.witness_trace = self.player.play(small(self.player.box, self.chosen, self.player.dtype))
        if found.fits and first_miss(found.space, found.candidate, [self.witness_trace], self.player.dtype) is not None:
            found = replace(found, fits=False)
        seen = surroundings(self.player, found.space, found.candidate, self.chosen) if found.fits else Surroundings()
        before = self.player.calls
        confirmed = self._confirmed(found, seen)
        return self._said(found, seen, confirmed, before)

    # --- playing and searching --------------------------------------------------------------------------------------

    def _first_traces(self) -> list[Played]:
        """The rungs of the ladder, the first played twice: a box that does not repeat itself cannot be identified."""
        first, *others = rungs(self.player, self.chosen)
        played, again = self.player.play(first), self.player.play(first)
        self._repeats(played, again)
        self._follows_the_rate(played)
        return [played, *map(self.player.play, others)]

    def _follows_the_rate(self, played: Played) -> None:
        """Raise BoxError for a box that moves, and in the same way whatever rate it is handed."""
        trace = played.experiment
        if not self.player.box.rate_changes or not (played.weights != trace.weights).any():
            return
        slower = self.player.play(replace(trace, rates=tuple(rate / 2 for rate in trace.rates)))
        if slower.weights.tobytes() == played.weights.tobytes():
            raise BoxError(
                f"{self.player.box.name} does not follow the learning rate that it is handed: half the rate gives "
                "the same weights. Let its step use the rate"
            )

    def _lasting(self, found: Found) -> Found:
        """What fits after further traces that tell candidates apart, and on a long one; where that fails, what else was in the
        space is sought again with that trace among the rungs."""
        for _ in range(AGAIN):
            if not found.fits:
                return found
            found = self._separated(found)
            missed = self._long_miss(found)
            if missed is None or not found.fits:
                return found
            self.played = [*self.played, missed]
            self.ladder = Ladder(self.spaces, self.played, self.player.dtype, self.ladder.evaluated)
            found = self.ladder.found()
        return replace(found, fits=found.fits and self._long_miss(found) is None)

    def _long_miss(self, found: Found) -> Played | None:
        """The long trace, played twice, where the candidate does not hold it."""
        if self.long is None:
            box = self.player.box
            trace = experiment(box, self.chosen, self.player.dtype, OWN, schedules(box)[-1], count=LONG)
            self.long = self.player.play(trace)
            self._repeats(self.long, self.player.play(trace))
        missed = found.fits and first_miss(found.space, found.candidate, [self.long], self.player.dtype) is not None
        return self.long if missed else None

    def _within_bounds(self, space: Space) -> None:
        """Raise BoxError for a value of the box's own that its hyperparameter cannot have."""
        for hyper in space.line.hyperparameters:
            own = space.binding.get(hyper.name, "")
            value = self.chosen.own.get(own)
            if value is not None and not hyper.low <= value < hyper.high:
                raise BoxError(
                    f"{self.player.box.name} has {own} = {value:g}; as {hyper.name} of {space.line.id} it must lie in "
                    f"[{hyper.low:g}, {hyper.high:g})"
                )

    def _repeats(self, first: Played, again: Played) -> None:
        if first.weights.tobytes() == again.weights.tobytes():
            return
        differs = np.argwhere(~((first.weights == again.weights) | (np.isnan(first.weights) & np.isnan(again.weights))))
        step, weight = (int(i) for i in differs[0]) if differs.size else (0, 0)
        values = " and as ".join(repr(float(played.weights[step, weight])) for played in (first, again))
        raise BoxError(
            f"{self.player.box.name} is not deterministic: the same trace, played twice from new, gives weight {weight} after "
            f"step {step + 1} as {values}. Seed or remove what is random in it, and let each life start from a state of its own"
        )

    def _separated(self, found: Found) -> Found:
        """With further traces for as long as they tell candidates that still fit from one another."""
        search = Search(found.space, self.played, self.player.dtype, found.space.moves)
        equals = search.equals(found.candidate)
        outcome = separate(self.player, self.chosen, found.space, equals, self.seed)
        self.played = [*self.played, *outcome.played]
        if len(outcome.left) == 1:  # two moves at once may lead to others
            search = Search(found.space, self.played, self.player.dtype, found.space.moves)
            pairs = search.pairs(outcome.left[0])
            outcome = separate(self.player, self.chosen, found.space, [outcome.left[0], *pairs], self.seed + 100)
            self.played = [*self.played, *outcome.played]
        self.ladder.evaluated += search.evaluated
        if not outcome.left:
            nearest = max(equals, key=lambda c: score(found.space, c, self.played, self.player.dtype))
            return Found(found.space, nearest, False)
        best = min(outcome.left, key=lambda c: _distance(found.space, c))
        return Found(found.space, best, True, same=tuple(c for c in outcome.left if c != best))

    def _confirmed(self, found: Found, seen: Surroundings) -> Confirmation:
        if not found.fits:
            return Confirmation()
        subject = Subject(self.player, found.space, found.candidate, self.chosen, seen)
        return confirm(subject, self.seed, self.lives)

    # --- saying -----------------------------------------------------------------------------------------------------

    def _said(self, found: Found, seen: Surroundings, confirmed: Confirmation, before: int) -> Identification:
        box, space, candidate = self.player.box, found.space, found.candidate
        fits = found.fits and not confirmed.failure
        name = named(self.player, self.chosen, self.spaces, space, candidate)
        everything = list(dict.fromkeys([*self.played, *filter(None, [self.long]), self.witness_trace]))
        return Identification(
            target=box.name,
            framework=box.framework,
            versions=dict(box.versions),
            dtype=self.player.dtype,
            verdict="no-reading" if not fits else "ambiguous" if found.same else "identified",
            line=name.line.id,
            title=name.line.title,
            source=name.line.source,
            body=space.line.id,
            reading=dict(candidate.reading.axes),
            configured=dict(name.configured.axes),
            rate=box.rate,
            role=name.role,
            from_printed={axis: (o, p) for axis, (p, o) in name.line.printed.difference(name.configured).items()},
            from_standard={axis: (o, s) for axis, (s, o) in name.line.standard.difference(name.configured).items()},
            hyperparameters=self._hyperparameters(space, candidate),
            flags={flag: repr(value) for flag, value in box.flags.items()},
            refused=self.refused,
            held=list(candidate.held),
            wide=found.wide,
            shows=self._shows(space, candidate),
            same=[_said_beside(candidate, other) for other in found.same],
            ascends=candidate.ascends,
            apart_by=self._apart_by(found),
            witnesses=against(space, candidate, self._others(space, candidate), self._smallest_first(), self.player.dtype),
            surroundings=[*self.player.noticed.values(), *seen.words],
            evidence=Evidence(
                traces=len(everything),
                before=before,
                calls=self.player.calls,
                lives=confirmed.lives,
                steps=confirmed.steps,
                unbound=unbound(space, candidate, everything, self.player.dtype) if fits else 0,
                numbers=possible(everything),
                worst_share=worst(space, candidate, everything, self.player.dtype) if fits else None,
                readings=sum(one.size() for one in self.spaces),
                candidates=self.ladder.evaluated,
                seconds=round(time.perf_counter() - self.began, 2),
            ),
            failure=None if found.fits else self._failure(space, candidate),
            trace=confirmed.failure,
        )

    def _smallest_first(self) -> list[Played]:
        return [self.witness_trace, *self.played, *filter(None, [self.long])]

    def _failure(self, space: Space, candidate: Candidate) -> TraceWitness | None:
        """The smallest trace on which the nearest candidate fails: a small one, or one weight of another."""
        found = (failure(space, candidate, one, self.player.dtype) for one in self._smallest_first())
        return min(filter(None, found), key=lambda witness: witness.step, default=None)

    def _hyperparameters(self, space: Space, candidate: Candidate) -> dict[str, Bound]:
        box, assumed = self.player.box, dict(candidate.assumed)
        return {
            hyper.name: Bound("", assumed[hyper.name])
            if hyper.name in assumed
            else Bound(space.binding[hyper.name], box.arguments[space.binding[hyper.name]])
            for hyper in space.line.hyperparameters
            if hyper.name in space.binding or space.matters(hyper.name)
        }

    def _shows(self, space: Space, candidate: Candidate) -> str:
        """From which step on it is seen that something is held in a narrower format."""
        if not candidate.held:
            return ""
        plain = replace(candidate, held=())
        missed = [first_miss(space, plain, [one], self.player.dtype) for one in self.played]
        return f"from step {min(m.step for m in missed if m is not None)} on" if any(missed) else ""

    @staticmethod
    def _others(space: Space, candidate: Candidate) -> list[Candidate]:
        """The readings that are close: those that differ in one axis."""
        return [
            candidate.with_option(axis, option)
            for axis, mine in candidate.reading.choices
            for option in space.options(axis)
            if option != mine
        ]

    def _apart_by(self, found: Found) -> list[str]:
        """What would tell the readings apart that this box, so asked, does not: by what the model predicts for it."""
        if not found.same:
            return []
        candidates = [found.candidate, *found.same]
        box, ways = self.player.box, []
        free = Player(replace(box, rate_changes=True), self.player.dtype)
        if not box.rate_changes and best_split(free, self.chosen, found.space, candidates, self.seed):
            ways.append("a rate that changes from step to step")
        exact = Player(box, "float64")
        if self.player.dtype != "float64" and best_split(exact, self.chosen, found.space, candidates, self.seed):
            ways.append("weights in float64")
        wanted = Arguments(arguments(box, self.spaces).varied, self.chosen.own)
        if self.refused and best_split(self.player, wanted, found.space, candidates, self.seed):
            ways.append(f"other values of {', '.join(self.refused)}, which it refuses to take")
        return ways


def _said_beside(candidate: Candidate, other: Candidate) -> dict[str, str]:
    """A reading that fits as well, with the assumed values in which it differs."""
    assumed = dict(candidate.assumed)
    return {**other.reading.axes, **{name: f"{value:g}" for name, value in other.assumed if assumed[name] != value}}


def _distance(space: Space, candidate: Candidate) -> tuple[int, int]:
    """How far a candidate is from the nearest reading with a name; of two that cannot be told apart the nearer one is spoken
    of."""
    return min(
        (len(reading.difference(candidate.reading)), i)
        for i, line in enumerate(space.lines)
        for reading in (line.standard, line.printed)
    )
