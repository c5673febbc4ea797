"""One search for what an optimizer is: played, searched, separated, confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod

import numpy as np

from ....adapters.box import Box
from ....adapters.errors import BoxError
from ...answers import (
    Question,
    Surroundings,
    Unanswered,
)
from ..options import Options
from ..stages import Stage, tell
from .confirmation import LONG, SMALL, Claim, Confirmation, confirm, taken_back
from .experiments import Bench, Plan, Values
from .ladder import Found, Ladder, rungs
from .playing import Experiment, Played, Player
from .prediction import NARROW, Record
from .rounded import Rounded, grid, is_narrower, is_unbiased, roundings
from .search import Search
from .separation import other_functions, separate
from .space import Candidate, Space
from .surroundings import surroundings
from .wrapped import Suspect

AGAIN = 3  # how often a long trace may send the search back


@dataclass(frozen=True)
class Attempt:
    """What was found; what it does beside its formula; how it was confirmed."""

    found: Found
    seen: Surroundings
    confirmed: Confirmation

    @property
    def fits(self) -> bool:
        return self.found.fits and self.confirmed.failure is None


@dataclass
class Identifying:
    """A search; ``before`` is how often the box was called when something was first to be confirmed, None until then."""

    bench: Bench
    spaces: Sequence[Space]
    refused: dict[str, str]
    options: Options
    long: Played | None = None
    fitting: bool = True
    rounded: Sequence[Rounded] = ()
    at_random: bool = False
    unanswered: list[Unanswered] = field(default_factory=list)
    before: int | None = None

    def left_alone(self, names: Sequence[str]) -> Identifying:
        """The same of which some arguments stay at the box's own values."""
        chosen, left = self.bench.chosen, {*self.refused, *names}
        spaces = [space.without(left, chosen.own) for space in self.spaces]
        bench = replace(self.bench, chosen=chosen.without(names))
        return Identifying(bench, spaces, self.refused, self.options, fitting=False)

    def takes_away(self, name: str, found: Found) -> bool:
        """Whether a reading that fits at the box's own values does not once one argument is varied, nor any one move away."""
        alone = self.left_alone([other for other in self.bench.chosen.varied if other != name])
        played = [alone.bench.play(Plan(values, alone.bench.schedules[-1])) for values in (Values.EXACT, Values.USUAL)]
        space = next(one for one in alone.spaces if one.line is found.space.line)
        seen = self.record(replace(space, behind=found.space.behind), played)
        moved = (other for _, others in space.moves(found.candidate) for other in others)
        return not any(seen.fits(one) for one in (found.candidate, *moved))

    def behind(self, suspect: Suspect) -> Identifying:
        """The same behind a wrapper."""
        return Identifying(suspect.bench(self.bench), suspect.spaces, self.refused, self.options, fitting=False)

    def seen_first(self) -> Played:
        """The quietest trace on which weights have moved."""
        first = self.played[0]
        moved = (first.weights != first.experiment.weights).any()
        return first if moved or self.long is None else self.long

    @property
    def player(self) -> Player:
        return self.bench.player

    @property
    def box(self) -> Box:
        return self.bench.player.box

    @cached_property
    def begun(self) -> tuple[Found, Found]:
        """What the search comes to, and what becomes of that on further traces."""
        tell(Stage.PLAYED)
        self.played = self._first_traces()
        self.small = self.player.play(self.bench.small())
        self.searched = self.spaces
        self.ladder = self._ladder()
        found = self.ladder.found()
        return found, self._lasting(found)

    def is_refuted_by_a_matrix(self) -> bool:
        """Whether what fits the box's traces of a vector does not fit that of a small matrix."""
        _, found = self.begun
        if not found.fits or self.at_random or is_narrower(self.player.dtype, NARROW):
            return False
        played = self.player.play(_as_a_matrix(self.seen_first()))
        return not any(self.record(found.space, [played]).fits(replace(found.candidate, arranged=a)) for a in (False, True))

    def attempts(self) -> list[Attempt]:
        """The families of which a reading is confirmed, or the first that failed. In a format of few digits the budgets are so
        wide that one may fit in the place of another: there all are tried, and the sheet's are named first."""
        found: Found | None
        found, lasting = self.begun
        tried = [self._attempt(lasting)]
        while found is not None and found.fits and is_narrower(self.player.dtype, NARROW):
            self.searched = [space for space in self.searched if space is not found.space]
            self.ladder = self._ladder(self.ladder.evaluated)
            found = self.ladder.likewise(found)
            tried += [self._as_well(found)] if found is not None else []
        fitting = [one for one in tried if one.fits and self.record(one.found.space, self.played).fits(one.found.candidate)]
        kept = self._sheet_first(fitting) or tried[:1]
        self.found = kept[0].found
        return kept

    def _sheet_first(self, fitting: Sequence[Attempt]) -> list[Attempt]:
        """The same with one of the sheet's lines at the head, where one is confirmed with what it does beside its formula."""
        ranked = sorted(fitting, key=lambda one: not one.found.space.line.on_the_sheet)
        if ranked and ranked[0] is not fitting[0]:
            whole = self._attempt_at(ranked[0].found)
            return [whole, *ranked[1:]] if whole.fits else list(fitting)
        return ranked

    def _attempt(self, found: Found) -> Attempt:
        """Whether what was found is confirmed."""
        if self.at_random:
            self._rounds_fairly(found)
        if found.fits:
            self._within_bounds(found.space)
        return self._attempt_at(found)

    def _attempt_at(self, found: Found) -> Attempt:
        """Whether what lasted is confirmed, or one of those that fit as well."""
        if found.fits:
            self.played = list(dict.fromkeys([*self.played, self.small]))
            found = self._arranged(replace(found, fits=False))
        if found.fits:
            tell(Stage.LOOKED_AROUND)
        seen = surroundings(self.bench, found.space, found.candidate) if found.fits else Surroundings()
        found, confirmed, seen = self._confirmed(found, seen)
        if confirmed.failure is not None and found.same:
            following, *others = found.same
            return self._attempt_at(replace(found, candidate=following, same=tuple(others)))
        if found.candidate.arranged and not self._grows(found):
            found = replace(found, fits=False)
        return Attempt(found, seen, confirmed)

    def _as_well(self, found: Found) -> Attempt:
        """Whether a reading of another family is confirmed, too."""
        found, confirmed, _ = self._confirmed(replace(found, fits=self._long_miss(found) is None), Surroundings())
        return Attempt(found, Surroundings(), confirmed)

    def _ladder(self, evaluated: int = 0) -> Ladder:
        ways, beside = (self.rounded, self.at_random), [self.small]
        return Ladder(self.searched, self.played, self.player.dtype, evaluated, self.fitting, *ways, beside)

    def record(self, space: Space, played: Sequence[Played]) -> Record:
        return Record(space, played, self.player.dtype)

    # --- playing and searching --------------------------------------------------------------------------------------

    def _first_traces(self) -> list[Played]:
        """The rungs of the ladder, the first played twice: a box that does not repeat itself cannot be identified, unless it
        rounds its weights at random."""
        first, *others = rungs(self.bench)
        played, again = self.player.play(first), self.player.play(first)
        self.at_random = self._changes(played, again) and bool(grid([played, again], self.player.dtype))
        self.again = again
        if not self.at_random:
            self._repeats(played, again)
            self._follows_the_rate(played)
        self._moves(played)
        self.spaces = [replace(space, ascends=_ascends(played)) for space in self.spaces]
        found = [played, *map(self.player.play, others)]
        format_ = grid(found, self.player.dtype)
        self.rounded = roundings(format_, self.player.dtype, self.at_random) if format_ else ()
        return found

    def _moves(self, played: Played) -> None:
        """Raise BoxError for a box that leaves all weights as they are, in a long run, too."""
        if (played.weights != played.experiment.weights).any():
            return
        longer = self.bench.play(Plan(Values.OWN, self.bench.schedules[0], count=LONG))
        if not (longer.weights != longer.experiment.weights).any():
            raise BoxError(
                f"{self.box.name} moves no weight in {LONG} steps, whatever gradients and rates it is handed: there is nothing "
                f"to identify. {self.player.advice or 'Let its step change the weights'}"
            )

    def _follows_the_rate(self, played: Played) -> None:
        """Raise BoxError for a box that moves, and in the same way whatever rate it is handed."""
        trace = played.experiment
        if not self.box.rate_changes or not (played.weights != trace.weights).any():
            return
        slower = self.player.play(replace(trace, rates=tuple(rate / 2 for rate in trace.rates)))
        if slower.weights.tobytes() == played.weights.tobytes():
            raise BoxError(
                f"{self.box.name} does not follow the learning rate that it is handed: half the rate gives "
                "the same weights. Let its step use the rate"
            )

    def _lasting(self, found: Found) -> Found:
        """What fits after further traces that separate candidates, and on a long one; where that fails, what else was in the
        space is sought again with that trace among the rungs."""
        for _ in range(AGAIN):
            if not found.fits:
                return found
            tell(Stage.SEPARATED)
            found = self._separated(found)
            missed = self._long_miss(found)
            if missed is None or not found.fits:
                return found
            self.played = [*self.played, missed]
            self.ladder = self._ladder(self.ladder.evaluated)
            found = self.ladder.found()
        return replace(found, fits=found.fits and self._long_miss(found) is None)

    def _arranged(self, found: Found) -> Found:
        """In another arrangement, where it fits what was played so; a box that follows the line is not said to be in one."""
        for arranged in (False, True):
            candidate = replace(found.candidate, arranged=arranged)
            if self.record(found.space, [*self.played, *filter(None, [self.long])]).fits(candidate):
                return replace(found, candidate=candidate, fits=True)
        return found

    def _grows(self, found: Found) -> bool:
        """Whether the errors of another arrangement grow with the format's rounding: whether it is one in float32, too, where
        the box can be asked there."""
        if NARROW not in self.box.dtypes or self.player.dtype == NARROW:
            return True
        narrow = replace(self.bench, player=Player(self.box, NARROW, self.options.time_limit))
        try:
            played = [narrow.player.play(rung) for rung in rungs(narrow)]
        except BoxError as error:
            self.unanswered.append(Unanswered(Question.IN_FLOAT32, True, str(error)))
            return True
        return Record(found.space, played, NARROW).fits(found.candidate)

    def _long_miss(self, found: Found) -> Played | None:
        """The long trace, played twice, where the candidate does not fit it."""
        if self.long is None:
            plan = Plan(Values.OWN, self.bench.schedules[-1], count=LONG)
            self.long = self.bench.play(plan)
            if not self.at_random:
                self._repeats(self.long, self.bench.play(plan))
        missed = found.fits and self.record(found.space, [self.long]).first_miss(found.candidate) is not None
        return self.long if missed else None

    def _within_bounds(self, space: Space) -> None:
        """Raise BoxError for a value of the box's own that its hyperparameter cannot have."""
        for hyper in space.line.hyperparameters:
            own = space.binding.get(hyper.name, "")
            value = self.bench.chosen.own.get(own)
            if value is not None and not hyper.low <= value < hyper.high:
                raise BoxError(
                    f"{self.box.name} has {own} = {value:g}; as {hyper.name} of {space.line.id} it must lie in "
                    f"[{hyper.low:g}, {hyper.high:g})"
                )

    @staticmethod
    def _changes(first: Played, again: Played) -> bool:
        return first.weights.tobytes() != again.weights.tobytes()

    def _rounds_fairly(self, found: Found) -> None:
        """Raise BoxError for a box that is random, and not by rounding the weights of a reading without a bias."""
        if not found.fits:
            self._repeats(self.played[0], self.again)
        if not is_unbiased(self.record(found.space, [*self.played, *filter(None, [self.long])]), found.candidate):
            raise BoxError(
                f"{self.box.name} rounds its weights at random to {found.candidate.stored[0].format}, and with a bias. Let the "
                "chance that a weight goes up be its share of the way from the number below to the one above"
            )

    def _repeats(self, first: Played, again: Played) -> None:
        if not self._changes(first, again):
            return
        differs = np.argwhere(~((first.weights == again.weights) | (np.isnan(first.weights) & np.isnan(again.weights))))
        step, weight = (int(i) for i in differs[0]) if differs.size else (0, 0)
        values = " and as ".join(repr(float(played.weights[step, weight])) for played in (first, again))
        raise BoxError(
            f"{self.box.name} is not deterministic: the same trace, played twice from new, gives weight {weight} after "
            f"step {step + 1} as {values}. Seed or remove what is random in it, and let each run start from a state of its own"
        )

    def _separated(self, found: Found) -> Found:
        """With further traces for as long as they separate candidates that still fit."""
        space, seed = found.space, self.options.seed
        search = Search(self.record(space, self.played), space.moves)
        equals = search.equals(found.candidate)
        outcome = separate(self.bench, space, equals, seed)
        self.played = [*self.played, *outcome.played]
        if len({space.function_of(candidate) for candidate in outcome.left}) == 1:  # two moves at once may lead to others
            search = Search(self.record(space, self.played), space.moves)
            outcome = separate(self.bench, space, [*outcome.left, *search.pairs(outcome.left[0])], seed + 100)
            self.played = [*self.played, *outcome.played]
        self.ladder.evaluated += search.evaluated
        if not outcome.left:
            return self._arranged(Found(space, max(equals, key=self.record(space, self.played).score), False))
        best = min(outcome.left, key=lambda c: (space.function_of(c) != c, _distance(space, c)))
        others = {space.function_of(c): c for c in reversed(outcome.left) if space.function_of(c) != space.function_of(best)}
        same = other_functions(self.bench, space, best, reversed(others.values()), seed)
        return Found(space, best, True, same=tuple(same))

    def _confirmed(self, found: Found, seen: Surroundings) -> tuple[Found, Confirmation, Surroundings]:
        """What was found, confirmed; in another arrangement, where it only holds so; and what of its surroundings holds: an
        answer beside the formula that fails in either arrangement is taken back, if the reading is confirmed without it."""
        if not found.fits:
            return found, Confirmation(), seen
        strict, left = self._driven(found, seen)
        loose, tried = strict, found
        if strict.failure is not None and not found.candidate.arranged:
            tried = replace(found, candidate=replace(found.candidate, arranged=True))
            loose, left = self._driven(tried, left)
        if loose.failure is None:
            return tried, loose, left
        question = loose.blamed()
        if question is not None:
            without = self._confirmed(found, taken_back(left, question, loose))
            if without[1].failure is None:
                return without
        return found, strict, left

    def _driven(self, found: Found, seen: Surroundings) -> tuple[Confirmation, Surroundings]:
        self.before = self.player.calls if self.before is None else self.before
        return confirm(Claim(self.bench, found.space, found.candidate, seen), self.options.seed, self.options.runs)


def _as_a_matrix(played: Played) -> Experiment:
    """The first weights that move in a trace, as a matrix of the shape in which a reading is confirmed."""
    trace, size = played.experiment, prod(SMALL)
    moved = np.flatnonzero((played.weights != trace.weights).any(axis=0))
    chosen = np.resize(moved, size)
    return replace(trace, weights=trace.weights[chosen], gradients=trace.gradients[:, chosen], shape=SMALL)


def _ascends(played: Played) -> bool:
    """Whether most weights move along their gradient at the first step."""
    moves = np.sign(played.weights[0] - played.experiment.weights) * np.sign(played.experiment.gradients[0])
    return bool(np.nansum(moves) > 0)


def _distance(space: Space, candidate: Candidate) -> tuple[int, int]:
    """How far a candidate is from the nearest reading with a name; of two that cannot be told apart the nearer one is spoken
    of."""
    return min(
        (len(reading.difference(candidate.reading)), i)
        for i, line in enumerate(space.lines)
        for reading in (line.standard, line.printed)
    )
