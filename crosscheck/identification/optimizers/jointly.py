"""Several constants inside a box at once: all hyperparameters that it does not take, fitted together to its numbers.

Least squares in floating point, by the method of Levenberg and Marquardt, over the decimal exponents of the constants: for
where the search of each family begins, then for the neighbours of those that come closest. What comes out is taken as a decimal
number of few digits, as people write it. Whether it fits is then a matter of the budget, as ever.

Source: D. W. Marquardt, An algorithm for least-squares estimation of nonlinear parameters, SIAM J. Appl. Math. 11 (1963).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import numpy as np

from ....reference.vocabulary import Hyperparameter, Role
from .constants import allowed, of_size
from .playing import Played
from .prediction import in_floats
from .space import Candidate, Space, looks_at

AT_FIRST = 3  # times as many are fitted for some rounds
BASES = 4  # readings of each family of which the neighbours are looked at
FITTED = 8  # of these, how many are fitted to the end
FAMILIES = 6  # whose bases are looked around
BEGINNINGS = {Role.DECAY_RATE: (-1.0, -2.0, -3.0), Role.EPSILON: (-8.0, -5.0)}  # exponents from which a fit begins
USUAL = -2.0  # that of what has no usual value
MOST = 6.0  # the largest that is looked at
CLIMBED = 3  # families in which one goes on from there
ROUNDS = 36
APART = 1e-6  # by which an exponent is changed for the slope along it
SOLVED = 1e-8  # how far a weight may be beside the box, as a part of its way, for constants to be the box's
DIGITS = 4  # of a number that somebody has written
WRITTEN = 1e-5  # by which part it may be off the one that was fitted

Exponents = tuple[float, ...]


@dataclass(frozen=True)
class Joint:
    """A candidate whose unbound hyperparameters are all sought, from the exponents with which it ``begins``."""

    space: Space
    candidate: Candidate
    played: Played
    begins: Exponents = ()

    @cached_property
    def sought(self) -> list[Hyperparameter]:
        looks = looks_at(self.space.line, self.candidate.reading)
        unbound = (h for h in self.space.unbound() if h.name in looks and h.name not in self.space.settled)
        return [h for h in unbound if h.role is not Role.COUNT]

    def at(self, values: Sequence[float]) -> Candidate:
        """The candidate with these values."""
        found = dict(zip((h.name for h in self.sought), values, strict=True))
        return replace(self.candidate, assumed=tuple((name, found.get(name, v)) for name, v in self.candidate.assumed))

    def beside(self, exponents: Exponents) -> np.ndarray:
        """By which part of its way, there and back, each weight is beside the box: from -1 to 1."""
        values = [of_size(h, _size_at(h, e)) for h, e in zip(self.sought, exponents, strict=True)]
        after, start = in_floats(self.space, self.at(values), self.played.experiment), self.played.experiment.weights
        with np.errstate(all="ignore"):
            way = np.abs(after - start) + np.abs(self.played.weights - start)
            found = np.where(way == 0, 0.0, (after - self.played.weights) / way)
        return np.where(np.isnan(self.played.weights), 0.0, np.where(np.isnan(found), 1.0, found)).ravel()

    @cached_property
    def off(self) -> float:
        """How far off it is where it begins, on the average."""
        return _rms(self.beside(self.begins))

    def begun(self) -> Joint:
        """The same from where it begins or from the usual values, whichever are the best."""
        each = [BEGINNINGS.get(h.role) or (_usual(h),) for h in self.sought]
        starts = [*product(*each), *([self.begins] if self.begins else [])]
        start = min(starts, key=lambda exponents: _rms(self.beside(exponents)))
        return replace(self, begins=start)

    def moved(self, candidate: Candidate) -> Joint:
        """Another candidate, which begins where this one does, as far as it has the same hyperparameters."""
        known = dict(zip((h.name for h in self.sought), self.begins, strict=True))
        other = replace(self, candidate=candidate)
        return replace(other, begins=tuple(known.get(h.name, _usual(h)) for h in other.sought))

    def fitted(self, rounds: int) -> Joint:
        """The same at the values that so many rounds of the fit lead to."""
        return replace(self, begins=_least(self.beside, self.begins, rounds))

    @cached_property
    def written(self) -> Candidate | None:
        """The candidate at the values where it begins, as people write them; None where they do not make it what was played."""
        if not self.off <= SOLVED:
            return None
        values = [_written(h, e) for h, e in zip(self.sought, self.begins, strict=True)]
        found = [value for value in values if value is not None]
        return self.at(found) if len(found) == len(values) else None


def fitted_together(spaces: Sequence[Space], played: Played) -> Iterator[tuple[Space, Candidate]]:
    """Candidates with constants that were fitted together to what was played, the usual readings first."""
    families = [_nearer((one.begun() for one in _bases(space, played)), BASES) for space in spaces]
    around = sorted(filter(None, families), key=lambda bases: bases[0].off)[:FAMILIES]
    moved = [_around(bases) for bases in around]
    moved += map(_climbed, sorted(filter(None, moved), key=lambda joints: joints[0].off)[:CLIMBED])
    solved = _solved(joint for joints in moved for joint in joints)
    yield from map(_as_written, solved)
    # readings of which one makes what was played may both do so, at other constants
    yield from map(_as_written, _solved(other.begun() for joint in solved for other in _neighbours(joint)))


def _as_written(joint: Joint) -> tuple[Space, Candidate]:
    assert joint.written is not None
    return joint.space, joint.written


def _solved(joints: Iterable[Joint]) -> list[Joint]:
    """Those whose constants make them what was played, the usual readings first."""
    fitted = (joint.fitted(ROUNDS) for joint in joints)
    return sorted((one for one in fitted if one.written is not None), key=lambda one: one.space.rarity(one.candidate))


def _around(bases: Sequence[Joint]) -> list[Joint]:
    """Those of some readings and of their neighbours that are the least off."""
    return _nearer((other.begun() for base in bases for other in _neighbours(base)), FITTED)


def _climbed(joints: Sequence[Joint]) -> list[Joint]:
    """The same of the neighbours of those that are the least off, again and again, for as long as one comes twice as close."""
    here, further = list(joints), _around(joints[: BASES // 2])
    while further[0].off < here[0].off / 2:
        here, further = further, _around(further[: BASES // 2])
    return here


def _bases(space: Space, played: Played) -> Iterator[Joint]:
    """Where the search of a family begins, and the same with an option that needs what the box does not take."""
    for start in space.starts():
        for candidate in dict.fromkeys([start, *_needing(space, start)]):
            joint = Joint(space, candidate, played)
            if joint.sought:
                yield joint


def _needing(space: Space, candidate: Candidate) -> Iterator[Candidate]:
    """The candidate with one of the options that need what the box does not take."""
    unbound = {hyper.name for hyper in space.unbound()}
    for axis in space.line.axes:
        for option in axis.options:
            if option.needs in unbound and option.name != candidate.reading[axis.name]:
                yield candidate.with_option(axis.name, option.name)


def _neighbours(base: Joint) -> Iterator[Joint]:
    """The base, and what is one move from it."""
    yield base
    others = [other for _, others in base.space.moves(base.candidate) for other in others]
    moved = (base.moved(other) for other in (*others, *_needing(base.space, base.candidate)))
    yield from (other for other in moved if other.sought)


def _nearer(joints: Iterable[Joint], count: int) -> list[Joint]:
    """Those that are the least off after some rounds of the fit, of those that are before."""
    return _closest((joint.fitted(ROUNDS // 6) for joint in _closest(joints, AT_FIRST * count)), count)


def _closest(joints: Iterable[Joint], count: int) -> list[Joint]:
    """Those that are the least off, each function once."""
    found: dict[tuple[str, Candidate], Joint] = {}
    for joint in sorted(joints, key=lambda joint: joint.off):
        sought_alike = joint.at([0.0] * len(joint.sought))
        found.setdefault((joint.space.line.id, joint.space.function_of(sought_alike)), joint)
    return list(found.values())[:count]


def _usual(hyper: Hyperparameter) -> float:
    """The exponent from which a value is sought."""
    if hyper.role in BEGINNINGS:
        return BEGINNINGS[hyper.role][0]
    return float(np.log10(hyper.default)) if hyper.default > 0 else USUAL


def _size_at(hyper: Hyperparameter, exponent: float) -> float:
    """The size of an exponent; what an average does not keep is at most 1, and its exponent that of its odds."""
    size = 10.0 ** min(exponent, MOST)
    return size / (1 + size) if hyper.role is Role.DECAY_RATE else size


def _written(hyper: Hyperparameter, exponent: float) -> float | None:
    """The number of the fewest digits near to one of an exponent."""
    fitted = _size_at(hyper, exponent)
    for digits in range(1, DIGITS + 1):
        size = float(f"{fitted:.{digits}g}")
        if abs(size / fitted - 1) <= WRITTEN and allowed(hyper, of_size(hyper, size)):
            return of_size(hyper, size)
    return None


# --- least squares --------------------------------------------------------------------------------------------------


def _rms(beside: np.ndarray) -> float:
    return float(np.sqrt(np.mean(beside**2))) if beside.size else 0.0


def _least(beside: Callable[[Exponents], np.ndarray], start: Exponents, rounds: int) -> Exponents:
    """Where the mean square is least, downhill from a start."""
    at, seen, damping = start, beside(start), 1e-3
    slopes = _slopes(beside, at, seen)
    for _ in range(rounds):
        square = slopes.T @ slopes
        damped = square + np.diag(damping * np.diag(square) + np.finfo(float).tiny)
        step = np.clip(np.linalg.lstsq(damped, -slopes.T @ seen, rcond=None)[0], -1.0, 1.0)
        there = tuple(float(a + s) for a, s in zip(at, step, strict=True))
        then = beside(there)
        if _rms(then) < _rms(seen):
            at, seen, damping = there, then, damping / 10
            if np.abs(step).max() < APART**2:
                break
            slopes = _slopes(beside, at, seen)
        elif np.abs(step).max() < APART**2:
            break
        else:
            damping *= 10
    return at


def _slopes(beside: Callable[[Exponents], np.ndarray], at: Exponents, seen: np.ndarray) -> np.ndarray:
    each = (tuple(a + APART * (i == j) for j, a in enumerate(at)) for i in range(len(at)))
    return np.stack([(beside(there) - seen) / APART for there in each], axis=1)
