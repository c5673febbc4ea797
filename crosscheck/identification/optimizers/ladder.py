"""The order in which a box is searched: from traces on which few axes matter, rung by rung, to those on which all do.

On the first rung every argument that can be without effect is without it, so that few axes are left in play; each further
rung lets one of them have its effect; on the last all have. An axis is then settled among few others, whatever their number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ...answers import Kind, Memory, Stored, Way
from ..stages import Stage, tell
from .constants import with_constants
from .experiments import Bench, Plan, Values
from .jointly import fitted_together
from .narrower import as_written_or_arranged, fewest, sharpened
from .nearest import nearest
from .playing import Experiment, Played
from .prediction import NARROW, Record, Score
from .rounded import Rounded, is_narrower
from .search import Search
from .space import Candidate, Space

ALIKE = 200  # candidates that the rungs below did not separate, from which a further rung is tried at most
FEW_DIGITS = "bfloat16"  # in which a state may be stored beside weights of many
FAMILIES = 6  # in how many of the nearest families two coordinates at a time are tried on the first rung

NARROW_FAMILIES = 2  # and in how many of them in the narrower format


@dataclass(frozen=True)
class Found:
    """Where a search ended: the best candidate, whether it fits, the ``same`` others that fit, too, and how its weights are
    stored (``rounded``), where that was sought; of one that does not fit, whether it is ``near``, and whether it would fit if
    everything were computed in a narrower format (``wide``)."""

    space: Space
    candidate: Candidate
    fits: bool
    same: tuple[Candidate, ...] = ()
    wide: bool = False
    near: bool = True
    rounded: Rounded | None = None


def rungs(bench: Bench) -> list[Experiment]:
    """The traces of the ladder, the quietest first; among the last is one at the box's own values."""
    varied, firm = bench.chosen.varied, bench.chosen.firm
    louder = [name for name, hyper in varied.items() if hyper.neutral is not None and name not in firm]
    steps = [(Values.QUIET, ()), *((Values.QUIET, (name,)) for name in louder)]
    steps += [(values, ()) for values in (Values.EXACT, Values.OWN, Values.USUAL)]
    return [bench.experiment(Plan(values, bench.schedules[-1], but=but)) for values, but in steps]


@dataclass
class Ladder:
    """The search of all families of lines over what was played on each rung. ``evaluated`` counts the candidates looked at;
    constants are fitted if it is ``fitting``, and must fit the traces ``beside`` the rungs, too, which have another first rate.
    ``rounded`` are the ways in which the box may store its weights, of which it has one for sure if it is ``only_rounded``."""

    spaces: Sequence[Space]
    played: Sequence[Played]
    dtype: str
    evaluated: int = 0
    fitting: bool = True
    rounded: Sequence[Rounded] = ()
    only_rounded: bool = False
    beside: Sequence[Played] = ()
    _ends: list[tuple[Space, Candidate]] = field(default_factory=list)
    _wide: dict[tuple[Candidate, str], Found] = field(default_factory=dict)

    def found(self) -> Found:
        """A candidate that fits, sought where it costs least first: in every family one coordinate at a time; the
        same in a narrower format; then two at a time in the nearest families. Else the nearest candidate of all."""
        if self.only_rounded:
            return self._rounded(False) or self._rounded(True) or self._nearest()
        narrow, rounded_first = is_narrower(NARROW, self.dtype), not is_narrower(NARROW, self.dtype)
        if rounded_first and (found := self._rounded(False) or self._rounded(True)) is not None:
            return found  # what is computed more precisely than it is stored would fit the wider budgets of its format, too
        wide: Found | None = None
        for pairs in (False, True):
            ranked = self._ranked()[: FAMILIES if pairs else None]
            for k, space in enumerate(ranked):
                tell(Stage.SEARCHED, k, len(ranked), space.line.title)
                candidate, full = self._climbed(space, self._starts(space), self.dtype, pairs)
                if full:
                    return Found(space, candidate, True)
                self._ends.append((space, candidate))
            if not rounded_first and (found := self._rounded(pairs)) is not None:
                return found
            for k, space in enumerate(ranked[:NARROW_FAMILIES] if pairs and narrow else ranked):
                tell(Stage.SEARCHED_NARROW, k, len(ranked), space.line.title)
                inside = self._inside(space, pairs) if narrow else self._arranged(space, pairs)
                if inside is not None and inside.fits:
                    return inside
                wide = wide or inside
        return self._forgetful() or wide or self._with_constants() or self._in_few_digits() or self._nearest()

    def _ranked(self) -> list[Space]:
        """The families, that which has come nearest to the first rung first."""
        return sorted(self.spaces, key=lambda space: max(self._score(space, c) for c in self._starts(space)), reverse=True)

    def _rounded(self, pairs: bool) -> Found | None:
        """A candidate that fits with its weights stored in a format of their own."""
        if not self.rounded:
            return None
        spaces = [space for space in self._ranked() if self._coarsely(space, pairs)]
        for rounded in self.rounded:
            for k, space in enumerate(spaces):
                tell(Stage.SEARCHED, k, len(spaces), space.line.title)
                starts = [rounded.of(space, start) for start in space.starts()]
                candidate, full = self._climbed(space, starts, self.dtype, pairs)
                if full:
                    return Found(space, fewest(Record(space, self.played, self.dtype), candidate), True, rounded=rounded)
        return None

    def _coarsely(self, space: Space, pairs: bool) -> bool:
        """Whether anything of a family fits the first rung with everything computed in the format in which the weights may be
        stored, and they rounded to either side: that contains whatever is rounded less."""
        format_ = next(one.weights.format for one in self.rounded if one.weights is not None)
        to_either_side = Rounded(Stored(Kind.WEIGHTS, way=Way.AT_RANDOM, format=format_))
        starts = [start for plain in space.starts() for start in (plain, to_either_side.of(space, plain))]
        best, search = self._first_rung(space, starts, format_, pairs)
        return search.seen.first_miss(best) is None

    def likewise(self, found: Found) -> Found | None:
        """A candidate of another family that fits as one does, its weights stored in the same way."""
        for space in (one for one in self.spaces if one is not found.space):
            starts = [replace(start, arranged=found.candidate.arranged) for start in space.starts()]
            here = starts if found.rounded is None else [found.rounded.of(space, start) for start in starts]
            candidate, full = self._climbed(space, here, self.dtype, pairs=False)
            if full:
                return Found(space, candidate, True, rounded=found.rounded)
        return None

    def _starts(self, space: Space) -> list[Candidate]:
        """Where the search of a family got to, and where it began."""
        return list(dict.fromkeys([*(candidate for known, candidate in self._ends if known is space), *space.starts()]))

    def _score(self, space: Space, candidate: Candidate) -> Score:
        self.evaluated += 1
        return Record(space, self.played[:1], self.dtype).score(candidate)

    def _climbed(self, space: Space, starts: Sequence[Candidate], dtype: str, pairs: bool) -> tuple[Candidate, bool]:
        """The best candidate on each rung in turn, and whether it fits them all."""
        best, below = self._first_rung(space, starts, dtype, pairs)
        for k in range(1, len(self.played)):
            if not below.is_full(best):
                return best, False
            search = Search(Record(space, [self.played[k], *self.played[:k]], dtype), space.moves)
            best = self._next_rung(search, below, best)
            self.evaluated += search.evaluated
            below = search
        return best, below.is_full(best)

    def _first_rung(self, space: Space, starts: Sequence[Candidate], dtype: str, pairs: bool) -> tuple[Candidate, Search]:
        search = Search(Record(space, self.played[:1], dtype), space.moves)
        best = search.best(starts, pairs)
        self.evaluated += search.evaluated
        return best, search

    def _next_rung(self, search: Search, below: Search, best: Candidate) -> Candidate:
        """From what fits all rungs below: one move; else from all that did as well there; else two moves."""
        here = search.best([best], pairs=False)
        if search.is_full(here) or self._is_narrow(search, here):
            return here
        here = search.best([here, *below.equals(best, ALIKE)], pairs=False)
        return here if search.is_full(here) else search.best([here], pairs=True)

    @staticmethod
    def _is_narrow(search: Search, candidate: Candidate) -> bool:
        """Whether what a candidate misses on a rung is no more than the rounding of a narrower format."""
        seen = search.seen
        return seen.dtype != NARROW and seen.only(seen.played[0]).in_(NARROW).fits(candidate)

    def _inside(self, space: Space, pairs: bool, format_: str = NARROW) -> Found | None:
        """A candidate that fits with some quantities stored in a narrower format; one that only fits if all is computed there
        does not, and is said to be ``wide``; None where not even that fits."""
        few = is_narrower(format_, NARROW)  # digits: of 1 - 0.999 nothing would be left
        coarse, full = self._climbed(space, [replace(one, wide_scalars=few) for one in self._starts(space)], format_, pairs)
        if not full:
            return None
        if (coarse, format_) in self._wide:
            return self._wide[coarse, format_]
        candidate, looked = sharpened(Record(space, self.played, self.dtype), coarse, format_)
        self.evaluated += looked
        found = Found(space, coarse, False, wide=True) if candidate is None else Found(space, candidate, True)
        self._wide[coarse, format_] = found
        return found

    def _arranged(self, space: Space, pairs: bool) -> Found | None:
        """A candidate that fits in another arrangement, where no format is at hand in which that would show first."""
        starts = [replace(start, arranged=True) for start in self._starts(space)]
        loose, full = self._climbed(space, starts, self.dtype, pairs)
        if not full:
            return None
        seen = Record(space, self.played, self.dtype)
        candidate = as_written_or_arranged(seen, Search(seen, space.moves).equals(loose, ALIKE))
        return None if candidate is None else Found(space, candidate, True)

    def _forgetful(self) -> Found | None:
        """A candidate that keeps nothing of its state, or the step counter alone, where one fits so: of several lines with one
        first step, that which needs the fewest options of its own."""
        for memory in (Memory.NOTHING, Memory.COUNTER):
            fitting: list[tuple[int, Found]] = []
            for space in self.spaces:
                starts = [replace(start, memory=memory) for start in space.starts()]
                candidate, full = self._climbed(space, starts, self.dtype, pairs=False)
                if full:
                    far = min(len(start.reading.difference(candidate.reading)) for start in starts)
                    fitting.append((far, Found(space, candidate, True)))
            if fitting:
                return min(fitting, key=lambda entry: entry[0])[1]
        return None

    def _in_few_digits(self) -> Found | None:
        """A candidate with parts of its state stored in a format of few digits, where the box's weights have many."""
        if is_narrower(self.dtype, NARROW):
            return None
        ranked = self._ranked()[:FAMILIES]
        for k, space in enumerate(ranked):
            tell(Stage.SEARCHED_NARROW, k, len(ranked), space.line.title)
            found = self._inside(space, False, FEW_DIGITS)
            if found is not None and found.fits:
                return found
        return None

    def _with_constants(self) -> Found | None:
        """A candidate with constants of the box's own, one or several, where one fits so."""
        ways = (with_constants, fitted_together) if self.fitting else ()
        for space, start in (one for way in ways for one in way(self.spaces, self.played[0])):
            if not Record(space, self.played[:1], self.dtype).fits(start):
                continue
            candidate, full = self._climbed(space, [start], self.dtype, pairs=False)
            if full and Record(space, self.beside, self.dtype).fits(candidate):
                return Found(space, candidate, True)
        return None

    def _nearest(self) -> Found:
        begun = [(space, start) for space in self.spaces for start in space.starts()]
        ends = {candidate: space for space, candidate in [*self._ends, *begun]}
        found = nearest([(Record(space, self.played, self.dtype), candidate) for candidate, space in ends.items()])
        return Found(found.space, found.candidate, False, near=found.is_near)
