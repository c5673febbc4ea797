"""Identifying an optimizer: played, searched, separated, named, looked around, confirmed."""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod

import numpy as np
from msgspec.structs import replace as changed

from ....adapters.box import Box
from ....adapters.errors import BoxError
from ....reference.arguments import suggest
from ....reference.vocabulary import Scope
from ...answers import (
    Alike,
    Around,
    Bound,
    Evidence,
    Fails,
    Identification,
    Matrices,
    Memory,
    Partly,
    Question,
    Separator,
    Surroundings,
    Unanswered,
    Verdict,
)
from ..limits import TimeLimit
from ..options import Options
from ..stages import Stage, tell
from .confirmation import LONG, SMALL, Claim, Confirmation, confirm, taken_back
from .experiments import MATRIX, Arguments, Bench, Plan, Values, accepted, arguments
from .ladder import Found, Ladder, rungs
from .likeness import alike
from .naming import named
from .playing import Experiment, OtherDtype, Played, Player
from .prediction import NARROW, Record
from .rounded import Rounded, grid, is_narrower, is_unbiased, roundings
from .search import Search
from .separation import best_split, one_function, separate
from .space import Behind, Candidate, Space, looks_at, spaces
from .surroundings import surroundings
from .trace_witnesses import against, failure, named_failures
from .wrapped import Suspect, suspects

AGAIN = 3  # how often a long trace may send the search back


def identify_optimizer(box: Box, options: Options) -> Identification:
    """Which reading of which optimizer line a box implements. Raises BoxError for a box that cannot be used, and says why."""
    with _uncollected():
        try:
            return _identified(box, options)
        except OtherDtype as other:
            if options.dtype or other.dtype not in box.dtypes:
                raise
            return _identified(box, replace(options, dtype=other.dtype))  # the one that it works in, since none was asked for


def _identified(box: Box, options: Options) -> Identification:
    """What a box is that is handed vectors; or matrices, where it takes no others, or is only known with them."""
    began = time.perf_counter()
    try:
        search = _begun(box, options, [Scope.WEIGHT, Scope.ARRAY])
        refuted = search.is_refuted_by_a_matrix()
        of_matrices = _of_matrices(search, began) if refuted else None
        answer = of_matrices or search.answer(began)
    except BoxError as error:
        if type(error) is not BoxError or isinstance(error.__cause__, TimeLimit):
            raise
        return _of_matrices_alone(box, options, began, error)
    if answer.verdict == "no-reading":
        otherwise = _wrapped(search, began) or (None if refuted else _of_matrices(search, began))
        answer = otherwise or changed(answer, partly=_partly(search, answer))
    seen = answer.surroundings
    return changed(answer, surroundings=changed(seen, unanswered=[*seen.unanswered, *search.unanswered]))


def _begun(box: Box, options: Options, scopes: Collection[Scope], shape: tuple[int, ...] = ()) -> _Identifying:
    """The search among lines of some scopes, by arrays of a shape."""
    player = Player(box, chosen_dtype(box, options.dtype), options.time_limit)
    wanted = [space for space in spaces(box, options.names or {}, options.values or {}) if space.line.scope in scopes]
    bench, refused = accepted(player, arguments(box, wanted), shape)
    return _Identifying(bench, [space.without(refused, bench.chosen.own) for space in wanted], refused, options)


def _of_matrices_alone(box: Box, options: Options, began: float, error: BoxError) -> Identification:
    """What a box is that cannot be handed vectors, or the error about that."""
    try:
        answer = _begun(box, options, list(Scope), MATRIX).answer(began)
    except BoxError:
        raise error from None
    return changed(answer, matrices=Matrices.ALONE)


def _of_matrices(search: _Identifying, began: float) -> Identification | None:
    """What a box is with matrices, with vectors it being nothing that is known; None if nothing either, or if it does the same
    to both."""
    if is_narrower(search.player.dtype, NARROW):
        return None
    first = search.seen_first()
    try:
        again = search.player.play(replace(first.experiment, shape=MATRIX))
        if again.weights.tobytes() == first.weights.tobytes():
            return None
        answer = _begun(search.box, search.options, [Scope.ARRAY, Scope.MATRIX], MATRIX).answer(began)
    except BoxError as error:
        search.unanswered.append(Unanswered(Question.MATRICES, True, str(error)))
        return None
    return None if answer.verdict == "no-reading" else changed(answer, matrices=Matrices.BESIDE)


def _wrapped(search: _Identifying, began: float) -> Identification | None:
    """What a box that no reading fits is behind a wrapper; None if it is behind none that is known."""
    if search.found.wide:
        return None
    try:
        for suspect in suspects(search.bench, search.spaces, search.seen_first()):
            answer = search.behind(suspect).answer(began)
            if answer.verdict != "no-reading":
                return answer
    except BoxError as error:
        search.unanswered.append(Unanswered(Question.WRAPPER, True, str(error)))
    return None


def _partly(search: _Identifying, answer: Identification) -> Partly | None:
    """What a box that no reading fits is in float32, where that is all that keeps it from one; else at its own values."""
    try:
        if search.found.wide:
            return _part(identify_optimizer(search.box, replace(search.options, dtype=NARROW)))
        return _at_its_own_values(search) if answer.failing_run is None else None
    except BoxError as error:
        question = Question.IN_FLOAT32 if search.found.wide else Question.OWN_VALUES
        search.unanswered.append(Unanswered(question, True, str(error)))
        return None


def _at_its_own_values(search: _Identifying) -> Partly | None:
    varied = list(search.bench.chosen.varied)
    if not varied:
        return None
    alone = search.left_alone(varied)
    part = _part(alone.answer(time.perf_counter()))
    return (
        None if part is None else changed(part, take_it_away=[name for name in varied if search.takes_away(name, alone.found)])
    )


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Without a search for garbage in the block: what is found there is kept to its end, and is much to look through."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def chosen_dtype(box: Box, dtype: str) -> str:
    """The dtype asked for, or the first that the box has. Raises BoxError."""
    if not dtype:
        return box.dtypes[0]
    if dtype not in box.dtypes:
        raise BoxError(f"{box.name} cannot run in {dtype!r}.{suggest(dtype, box.dtypes)}")
    return dtype


def _part(found: Identification) -> Partly | None:
    if found.verdict == "no-reading":
        return None
    return Partly(found.line, found.title, found.role, found.configured, found.dtype)


@dataclass(frozen=True)
class _Attempt:
    """What was found; what it does beside its formula; how it was confirmed, and after how many calls of the box."""

    found: Found
    seen: Surroundings
    confirmed: Confirmation
    before: int

    @property
    def fits(self) -> bool:
        return self.found.fits and self.confirmed.failure is None


@dataclass
class _Identifying:
    bench: Bench
    spaces: Sequence[Space]
    refused: dict[str, str]
    options: Options
    long: Played | None = None
    fitting: bool = True
    rounded: Sequence[Rounded] = ()
    at_random: bool = False
    unanswered: list[Unanswered] = field(default_factory=list)

    def left_alone(self, names: Sequence[str]) -> _Identifying:
        """The same of which some arguments stay at the box's own values."""
        chosen, left = self.bench.chosen, {*self.refused, *names}
        spaces = [space.without(left, chosen.own) for space in self.spaces]
        bench = replace(self.bench, chosen=chosen.without(names))
        return _Identifying(bench, spaces, self.refused, self.options, fitting=False)

    def takes_away(self, name: str, found: Found) -> bool:
        """Whether a reading that fits at the box's own values does not once one argument is varied."""
        bench = self.left_alone([other for other in self.bench.chosen.varied if other != name]).bench
        played = [bench.play(Plan(values, bench.schedules[-1])) for values in (Values.EXACT, Values.USUAL)]
        return not self._seen(found.space, played).fits(found.candidate)

    def behind(self, suspect: Suspect) -> _Identifying:
        """The same behind a wrapper."""
        return _Identifying(suspect.bench(self.bench), suspect.spaces, self.refused, self.options, fitting=False)

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
        return not any(self._seen(found.space, [played]).fits(replace(found.candidate, arranged=a)) for a in (False, True))

    def answer(self, began: float) -> Identification:
        first, *others = self._attempts()
        before, self.found = first.before, first.found
        seen = changed(first.seen, changed=self.player.changed, printed=self.player.printed)
        evidence = self._evidence(first.found, first.fits, first.confirmed, before, began)
        return self._said(first, seen, evidence, [one.found.space.line.id for one in others])

    def _attempts(self) -> list[_Attempt]:
        """The families of which a reading is confirmed, or the first that failed. In a format of few digits the budgets are so
        wide that one may fit in the place of another: there all are tried."""
        found: Found | None
        found, lasting = self.begun
        tried = [self._attempt(lasting)]
        while found is not None and found.fits and is_narrower(self.player.dtype, NARROW):
            self.searched = [space for space in self.searched if space is not found.space]
            self.ladder = self._ladder(self.ladder.evaluated)
            found = self.ladder.likewise(found)
            tried += [self._as_well(found)] if found is not None else []
        fitting = [one for one in tried if one.fits and self._seen(one.found.space, self.played).fits(one.found.candidate)]
        return fitting or tried[:1]

    def _attempt(self, found: Found) -> _Attempt:
        """Whether what was found is confirmed."""
        if self.at_random:
            self._rounds_fairly(found)
        self._within_bounds(found.space)
        return self._attempt_at(found)

    def _attempt_at(self, found: Found) -> _Attempt:
        """Whether what lasted is confirmed, or one of those that fit as well."""
        if found.fits:
            self.played = list(dict.fromkeys([*self.played, self.small]))
            found = self._arranged(replace(found, fits=False))
        if found.fits:
            tell(Stage.LOOKED_AROUND)
        seen = surroundings(self.bench, found.space, found.candidate) if found.fits else Surroundings()
        before = self.player.calls
        found, confirmed, seen = self._confirmed(found, seen)
        if confirmed.failure is not None and found.same:
            following, *others = found.same
            return self._attempt_at(replace(found, candidate=following, same=tuple(others)))
        if found.candidate.arranged and not self._grows(found):
            found = replace(found, fits=False)
        return _Attempt(found, seen, confirmed, before)

    def _as_well(self, found: Found) -> _Attempt:
        """Whether a reading of another family is confirmed, too."""
        before = self.player.calls
        found, confirmed, _ = self._confirmed(replace(found, fits=self._long_miss(found) is None), Surroundings())
        return _Attempt(found, Surroundings(), confirmed, before)

    def _ladder(self, evaluated: int = 0) -> Ladder:
        return Ladder(self.searched, self.played, self.player.dtype, evaluated, self.fitting, self.rounded, self.at_random)

    def _seen(self, space: Space, played: Sequence[Played]) -> Record:
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
            if self._seen(found.space, [*self.played, *filter(None, [self.long])]).fits(candidate):
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
        missed = found.fits and self._seen(found.space, [self.long]).first_miss(found.candidate) is not None
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
        if not is_unbiased(self._seen(found.space, [*self.played, *filter(None, [self.long])]), found.candidate):
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
        search = Search(self._seen(space, self.played), space.moves)
        equals = search.equals(found.candidate)
        outcome = separate(self.bench, space, equals, seed)
        self.played = [*self.played, *outcome.played]
        if len({space.function_of(candidate) for candidate in outcome.left}) == 1:  # two moves at once may lead to others
            search = Search(self._seen(space, self.played), space.moves)
            outcome = separate(self.bench, space, [*outcome.left, *search.pairs(outcome.left[0])], seed + 100)
            self.played = [*self.played, *outcome.played]
        self.ladder.evaluated += search.evaluated
        if not outcome.left:
            return self._arranged(Found(space, max(equals, key=self._seen(space, self.played).score), False))
        best = min(outcome.left, key=lambda c: (space.function_of(c) != c, _distance(space, c)))
        others = {space.function_of(c): c for c in reversed(outcome.left) if space.function_of(c) != space.function_of(best)}
        same = (c for c in reversed(others.values()) if not one_function(self.bench, space, best, c, seed))
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
        return confirm(Claim(self.bench, found.space, found.candidate, seen), self.options.seed, self.options.runs)

    # --- the answer -------------------------------------------------------------------------------------------------

    def _said(self, attempt: _Attempt, seen: Surroundings, evidence: Evidence, also: Sequence[str]) -> Identification:
        box, found, fits = self.box, attempt.found, attempt.fits
        space, candidate = found.space, found.candidate
        name, hyperparameters = named(self.bench, self.spaces, space, candidate), self._hyperparameters(space, candidate)
        altered = candidate.stored or candidate.ascends or candidate.behind or candidate.memory is not Memory.KEPT
        single = fits and not (found.same or also or altered)
        smallest_first = self._seen(space, [self.small, *self.played, *filter(None, [self.long])])
        return Identification(
            target=box.name,
            framework=box.framework,
            versions=dict(box.versions),
            dtype=self.player.dtype,
            verdict=_verdict(found, fits, bool(also)),
            line=name.line.id,
            title=name.line.title,
            source=name.line.source,
            body=space.line.id,
            reading=dict(candidate.reading.axes),
            configured=dict(name.configured.axes),
            rate=box.rate,
            role=name.role,
            from_printed=name.configured.difference(name.line.printed),
            from_standard=name.configured.difference(name.line.standard),
            hyperparameters=hyperparameters,
            flags={flag: repr(value) for flag, value in box.flags.items()},
            refused=self.refused,
            stored=list(candidate.stored),
            computed=candidate.computed,
            wide=found.wide and self._on_grid(),
            shows_from=self._shows_from(space, candidate),
            same=[_beside(candidate, other) for other in found.same],
            separated_by=list(self._separators(found)),
            ascends=candidate.ascends,
            behind=_around(candidate.behind, self.bench.chosen.own),
            memory=candidate.memory,
            witnesses=against(smallest_first, candidate, _one_axis_away(space, candidate)),
            surroundings=seen,
            evidence=evidence,
            failure=failure(smallest_first, candidate) if found.near and not found.fits else None,
            failing_run=attempt.confirmed.failure,
            near=found.near,
            also=list(also),
            tried=[line.id for one in self.spaces for line in one.lines],
            fails=[] if fits else self._named_failures(),
            same_as=_without(box.name, alike(name, hyperparameters)) if single else [],
        )

    def _on_grid(self) -> bool:
        """Whether all that the box made of its weights are numbers of the narrower format."""
        with np.errstate(over="ignore"):
            return all(np.array_equal(one.weights.astype(NARROW), one.weights, equal_nan=True) for one in self.played)

    def _named_failures(self) -> list[Fails]:
        played = [self.small, *self.played]
        return [fails for space in self.spaces for fails in named_failures(self._seen(space, played))]

    def _evidence(self, found: Found, fits: bool, confirmed: Confirmation, before: int, began: float) -> Evidence:
        everything = list(dict.fromkeys([*self.played, *filter(None, [self.long]), self.small]))
        seen = self._seen(found.space, everything)
        return Evidence(
            traces=len(everything),
            before=before,
            calls=self.player.calls,
            runs=confirmed.runs,
            steps=confirmed.steps,
            unbound=seen.unbound(found.candidate) if fits else 0,
            numbers=seen.numbers,
            worst_share=seen.worst_share(replace(found.candidate, arranged=False)) if fits else None,
            readings=sum(one.size() for one in self.spaces),
            candidates=self.ladder.evaluated,
            seconds=round(time.perf_counter() - began, 2),
        )

    def _hyperparameters(self, space: Space, candidate: Candidate) -> dict[str, Bound]:
        assumed, found = dict(candidate.assumed), {}
        for hyper in space.line.hyperparameters:
            looked_at = hyper.name in assumed and hyper.name in looks_at(space.line, candidate.reading)
            if looked_at or hyper.name in space.binding:
                own = "" if hyper.name in assumed else space.binding[hyper.name]
                value = self.box.arguments[own] if own else assumed[hyper.name]
                found[hyper.name] = Bound(own, value, hyper.neutral is not None and value in (hyper.neutral, None))
        return found

    def _shows_from(self, space: Space, candidate: Candidate) -> int | None:
        """The first step at which it is seen that something is stored in a narrower format."""
        if not candidate.stored:
            return None
        plain = replace(candidate, stored=())
        missed = (self._seen(space, [one]).first_miss(plain) for one in self.played)
        return min((miss.step for miss in missed if miss is not None), default=None)

    def _separators(self, found: Found) -> list[Separator]:
        """What would tell the readings apart that this box, so asked, does not: by what the model predicts for it."""

        def splits(bench: Bench) -> bool:
            return best_split(bench, found.space, [found.candidate, *found.same], self.options.seed) is not None

        if not found.same:
            return []
        chosen, dtype = self.bench.chosen, self.player.dtype
        changing = replace(self.bench, player=Player(replace(self.box, rate_changes=True), dtype))
        wanted = Arguments(arguments(self.box, self.spaces).varied, chosen.own)
        ways = {
            Separator.CHANGING_RATE: not self.box.rate_changes and splits(changing),
            Separator.FLOAT64: dtype != "float64" and splits(replace(self.bench, player=Player(self.box, "float64"))),
            Separator.REFUSED_ARGUMENTS: bool(self.refused) and splits(replace(self.bench, chosen=wanted)),
        }
        return [way for way, would in ways.items() if would]


def _as_a_matrix(played: Played) -> Experiment:
    """The first weights that move in a trace, as a matrix of the shape in which a reading is confirmed."""
    trace, size = played.experiment, prod(SMALL)
    moved = np.flatnonzero((played.weights != trace.weights).any(axis=0))
    chosen = np.resize(moved, size)
    return replace(trace, weights=trace.weights[chosen], gradients=trace.gradients[:, chosen], shape=SMALL)


def _around(behind: Behind | None, own: Mapping[str, float]) -> Around | None:
    """The wrapper as data."""
    if behind is None:
        return None
    values, names = behind.values(own), dict(behind.binding)
    return Around(behind.wrapper.id, {name: Bound(names.get(name, ""), value, False) for name, value in values.items()})


def _verdict(found: Found, fits: bool, others: bool) -> Verdict:
    if not fits:
        return "no-reading"
    return "ambiguous" if found.same or others else "precision" if found.candidate.arranged else "identified"


def _one_axis_away(space: Space, candidate: Candidate) -> list[Candidate]:
    """The readings that are close: those that differ in one axis."""
    return [
        candidate.with_option(axis, option)
        for axis, mine in candidate.reading.choices
        for option in space.options(axis)
        if option != mine
    ]


def _beside(candidate: Candidate, other: Candidate) -> Alike:
    """A reading that fits as well, with the assumed values in which it differs."""
    assumed = dict(candidate.assumed)
    return Alike(dict(other.reading.axes), {name: value for name, value in other.assumed if assumed[name] != value})


def _ascends(played: Played) -> bool:
    """Whether most weights move along their gradient at the first step."""
    moves = np.sign(played.weights[0] - played.experiment.weights) * np.sign(played.experiment.gradients[0])
    return bool(np.nansum(moves) > 0)


def _without(own: str, calls: Sequence[str]) -> list[str]:
    return [call for call in calls if call.partition("(")[0] != own]


def _distance(space: Space, candidate: Candidate) -> tuple[int, int]:
    """How far a candidate is from the nearest reading with a name; of two that cannot be told apart the nearer one is spoken
    of."""
    return min(
        (len(reading.difference(candidate.reading)), i)
        for i, line in enumerate(space.lines)
        for reading in (line.standard, line.printed)
    )
