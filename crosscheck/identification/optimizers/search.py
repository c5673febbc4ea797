"""Finding the candidates that contain what was played: coordinate by coordinate, never over the product of all options."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field

from .prediction import Record, Score
from .space import Candidate

MOST_RARE = 2  # what two moves at once may add to a candidate's rarity: one rare option, or two unusual values
STARTS = 3  # of the places to start from, how many of the best are climbed from

Moves = Callable[[Candidate], Iterator[tuple[Hashable, list[Candidate]]]]  # each coordinate, and where it leads


@dataclass
class Search:
    """The search of one space over what was played. ``evaluated`` counts the candidates that were looked at; two moves at
    once may lead to what is rare with nothing else that is."""

    seen: Record
    moves: Moves
    evaluated: int = 0
    _known: dict[Candidate, Score] = field(default_factory=dict)

    def score(self, candidate: Candidate, floor: int = 0) -> Score:
        """How far a candidate fits; only that it stays below ``floor``, where it does."""
        if candidate not in self._known:
            self.evaluated += 1
            self._known[candidate] = self.seen.score(candidate, floor)
        return self._known[candidate]

    def is_full(self, candidate: Candidate) -> bool:
        return self.score(candidate).full

    def best(self, starts: Sequence[Candidate], pairs: bool = True) -> Candidate:
        """The best candidate to be reached from any start by changing one coordinate at a time and, where that leads nowhere
        and ``pairs`` is set, two. Its cost grows with the number of coordinates or its square, never with the product."""
        peak = self.best_of(starts)
        for start in sorted(starts, key=self.score, reverse=True)[:STARTS]:
            peak = max(peak, self._climbed(start), key=self.score)
            if self.is_full(peak):
                return peak
        while pairs and not self.is_full(peak):
            better = next((pair for pair in self._two_at_a_time(peak) if self._is_better(pair, peak)), None)
            if better is None:
                break
            peak = self._climbed(better)
        return peak

    def best_of(self, candidates: Sequence[Candidate]) -> Candidate:
        best = candidates[0]
        for other in candidates[1:]:
            best = other if self._is_better(other, best) else best
        return best

    def _is_better(self, other: Candidate, than: Candidate) -> bool:
        here = self.score(than)
        return self.score(other, here.contained) > here

    def _climbed(self, here: Candidate) -> Candidate:
        """Make the best of all single moves, and again, until none is better."""
        while not self.is_full(here):
            before = here
            for neighbour in self._one_at_a_time(before):
                if self._is_better(neighbour, here):
                    here = neighbour
                    if self.is_full(here):
                        return here
            if here == before:
                break
        return here

    def _one_at_a_time(self, here: Candidate) -> Iterator[Candidate]:
        for _, others in self.moves(here):
            yield from others

    def _two_at_a_time(self, here: Candidate) -> Iterator[Candidate]:
        """Two moves, each pair once; the first may open a coordinate that makes no difference without it."""
        seen, rarity = {here, *self._one_at_a_time(here)}, self.seen.space.rarity
        most = rarity(here) + MOST_RARE
        for first, others in self.moves(here):
            for other in others:
                for second, further in self.moves(other):
                    if second == first:
                        continue
                    fresh = [candidate for candidate in further if candidate not in seen and rarity(candidate) <= most]
                    seen.update(fresh)
                    yield from fresh

    def pairs(self, here: Candidate) -> list[Candidate]:
        """Candidates two moves away that fit, though neither move alone need do so."""
        return [other for other in self._two_at_a_time(here) if self.fits(other)]

    def equals(self, found: Candidate, limit: int = 1000) -> list[Candidate]:
        """The candidates that fit and are reached from ``found`` through others that do, one coordinate a move;
        the nearest ``limit`` of them."""
        reached, frontier = {found: None}, deque([found])
        while frontier and len(reached) < limit:
            here = frontier.popleft()
            for other in self._one_at_a_time(here):
                if other not in reached and self.fits(other):
                    reached[other] = None
                    frontier.append(other)
        return list(reached)

    def fits(self, candidate: Candidate) -> bool:
        if candidate in self._known:
            return self.is_full(candidate)
        self.evaluated += 1
        return self.seen.fits(candidate)
