"""What a reading is called: the line of its family that it is nearest to, at the box's own values of its arguments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ....reference.formula import Optimizer
from ....reference.vocabulary import Reading, Scope
from ...answers import Kind
from ...arithmetic.steps import Steps
from ...readings.separate import first_separated
from .experiments import HEAVY, MATRIX, STEPS, TALL, Bench, Plan, Values
from .playing import Experiment
from .prediction import WEIGHTS, steps
from .space import Candidate, Space

EXACTLY = "float64"
LASTING = 64  # steps after which what a line has from some step on has shown, such as RAdam's rectified step
OF_HYPERPARAMETERS = (Kind.HYPERPARAMETER, Kind.MULTIPLE)


@dataclass(frozen=True)
class Name:
    """A line, the reading of it that the box comes to at its own values, and whether that is the line's standard or printed
    one ("" if neither)."""

    line: Optimizer
    configured: Reading
    role: str


def named(bench: Bench, spaces: Sequence[Space], space: Space, candidate: Candidate) -> Name:
    """What a candidate is called, whatever format its weights are stored in.

    The simplest name: a line of the same scope with fewer hyperparameters that does the same at these values, else the line and
    role of the family from which the fewest axes differ, where those that make no difference at these values are not counted;
    of lines as near, the one with more that defines it."""
    # in float64 whatever the box runs in: what one name covers is a matter of real functions
    schedules = bench.schedules[-2:]
    traces = [
        bench.experiment(Plan(Values.OWN, schedule, count=n), EXACTLY) for n in (STEPS, LASTING) for schedule in schedules
    ]
    if space.line.scope is not Scope.WEIGHT:
        traces += [bench.experiment(Plan(Values.OWN, schedule, HEAVY - 1), EXACTLY) for schedule in bench.schedules]
        traces += [replace(one, shape=shape) for shape in (MATRIX, TALL) for one in traces]
    candidate = replace(candidate, computed="", stored=tuple(one for one in candidate.stored if one.kind not in WEIGHTS))
    here = _AtOwnValues(traces)
    for simpler in (one for one in spaces if one.line.scope is space.line.scope):
        if len(simpler.line.hyperparameters) >= len(space.line.hyperparameters):
            break
        for counterpart in _counterparts(simpler, candidate):
            if here.same((simpler, counterpart), (space, candidate)):
                return _nearest(simpler, counterpart, here)
    return _nearest(space, candidate, here)


def _counterparts(simpler: Space, candidate: Candidate) -> list[Candidate]:
    """What a candidate may be in a simpler space: a reading that has a name there, with its direction, its stored formats and
    its options on the axes that the two have in common, or with one other option."""
    hyper = {one.name for one in simpler.line.hyperparameters}
    stored = tuple(one for one in candidate.stored if one.kind not in OF_HYPERPARAMETERS or one.name in hyper)
    stored = tuple(one for one in stored if one.kind is not Kind.STATE)
    common = {axis: o for axis, o in candidate.reading.choices if _has(simpler, axis) and o in simpler.options(axis)}
    alike = {"ascends": candidate.ascends, "stored": stored, "behind": candidate.behind, "memory": candidate.memory}
    starts = [replace(start, **alike) for start in simpler.starts()]
    starts += [replace(start, reading=start.reading.but(**common)) for start in starts]
    return list(dict.fromkeys([*starts, *(one for start in starts for _, others in simpler.moves(start) for one in others)]))


def _has(space: Space, axis: str) -> bool:
    return axis in {one.name for one in space.line.axes}


@dataclass
class _AtOwnValues:
    """What candidates do at the box's own values of its arguments."""

    traces: Sequence[Experiment]
    _known: dict[Candidate, list[Steps]] = field(default_factory=dict)

    def same(self, a: tuple[Space, Candidate], b: tuple[Space, Candidate]) -> bool:
        return all(first_separated(x, y) is None for x, y in zip(self._steps(*a), self._steps(*b), strict=True))

    def _steps(self, space: Space, candidate: Candidate) -> list[Steps]:
        if candidate not in self._known:
            self._known[candidate] = [steps(space, candidate, one, EXACTLY) for one in self.traces]
        return self._known[candidate]


def _nearest(space: Space, candidate: Candidate, here: _AtOwnValues) -> Name:
    plain = _plainest(space, candidate, here)
    ranked = []
    for i, line in enumerate(space.lines):
        for role, called in (("standard", line.standard), ("printed", line.printed)):
            near = _towards(space, plain, called, here).reading
            if all(plain.reading[axis] in options for axis, options in line.defining.items()):
                distance = len(called.difference(near))
                ranked.append((distance, -len(line.defining), i, role != "standard", Name(line, near, role)))
    distance, *_, name = min(ranked, key=lambda entry: entry[:4])
    return name if distance == 0 else Name(name.line, name.configured, "")


def _plainest(space: Space, candidate: Candidate, here: _AtOwnValues) -> Candidate:
    """The candidate with options that need no hyperparameter, on those axes where these do the same: a sum that is dampened by
    0 is a sum."""
    plain = candidate
    for axis, option in candidate.reading.choices:
        if space.line.axis(axis).option(option).needs:
            others = (o.name for o in space.line.axis(axis).options if not o.needs)
            same = (plain.with_option(axis, other) for other in others)
            plain = next((c for c in same if here.same((space, c), (space, candidate))), plain)
    return plain


def _towards(space: Space, candidate: Candidate, called: Reading, here: _AtOwnValues) -> Candidate:
    """The candidate with the options of a reading that has a name, on those axes where that makes no difference."""
    near = candidate
    for axis, option in called.choices:
        other = near.with_option(axis, option)
        if other != near and option in space.options(axis) and here.same((space, other), (space, candidate)):
            near = other
    return near
