"""What a search for an optimizer comes to, as an answer: its name, its readings, and the evidence."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from msgspec.structs import replace as changed

from ...answers import (
    Alike,
    Around,
    Bound,
    Evidence,
    Fails,
    Identification,
    Memory,
    Separator,
    Surroundings,
    Verdict,
)
from ...readings.separate import first_separated
from .attempts import Attempt, Identifying
from .confirmation import Confirmation
from .experiments import Arguments, Bench, Plan, Values, arguments
from .ladder import Found
from .likeness import alike
from .naming import EXACTLY, LASTING, named
from .playing import Player
from .prediction import NARROW, steps
from .separation import best_split
from .space import Behind, Candidate, Space, looks_at
from .trace_witnesses import against, failure, named_failures


def answered(search: Identifying, began: float) -> Identification:
    """What a search comes to; ``began`` is when the box was first asked anything."""
    first, *others = search.attempts()
    player, unanswered = search.player, [*first.seen.unanswered, *search.unanswered]
    seen = changed(first.seen, changed=player.changed, printed=player.printed, unanswered=unanswered)
    evidence = _evidence(search, first.found, first.fits, first.confirmed, began)
    return _said(search, first, seen, evidence, [one.found for one in others])


def _said(
    search: Identifying, attempt: Attempt, seen: Surroundings, evidence: Evidence, also: Sequence[Found]
) -> Identification:
    box, found, fits = search.box, attempt.found, attempt.fits
    space, candidate = found.space, found.candidate
    name, hyperparameters = named(search.bench, search.spaces, space, candidate), _hyperparameters(search, space, candidate)
    altered = candidate.stored or candidate.ascends or candidate.behind or candidate.memory is not Memory.KEPT
    single = fits and not (found.same or also or altered)
    smallest_first = search.record(space, [search.small, *search.played, *filter(None, [search.long])])
    return Identification(
        target=box.name,
        framework=box.framework,
        versions=dict(box.versions),
        dtype=search.player.dtype,
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
        refused=search.refused,
        stored=list(candidate.stored),
        computed=candidate.computed,
        wide=found.wide and _on_grid(search),
        shows_from=_shows_from(search, space, candidate),
        same=[_beside(candidate, other) for other in found.same],
        separated_by=_separators(search, found, also),
        ascends=candidate.ascends,
        behind=_around(candidate.behind, search.bench.chosen.own),
        memory=candidate.memory,
        witnesses=against(smallest_first, candidate, _one_axis_away(space, candidate)),
        surroundings=seen,
        evidence=evidence,
        failure=failure(smallest_first, candidate) if found.near and not found.fits else None,
        failing_run=attempt.confirmed.failure,
        near=found.near,
        also=[one.space.line.id for one in also],
        tried=[line.id for one in search.spaces for line in one.lines],
        fails=[] if fits else _named_failures(search),
        same_as=_without(box.name, alike(name, hyperparameters)) if single else [],
    )


def _on_grid(search: Identifying) -> bool:
    """Whether all that the box made of its weights are numbers of the narrower format."""
    with np.errstate(over="ignore"):
        return all(np.array_equal(one.weights.astype(NARROW), one.weights, equal_nan=True) for one in search.played)


def _named_failures(search: Identifying) -> list[Fails]:
    played = [search.small, *search.played]
    return [fails for space in search.spaces for fails in named_failures(search.record(space, played))]


def _evidence(search: Identifying, found: Found, fits: bool, confirmed: Confirmation, began: float) -> Evidence:
    everything = list(dict.fromkeys([*search.played, *filter(None, [search.long]), search.small]))
    seen = search.record(found.space, everything)
    return Evidence(
        traces=len(everything),
        before=search.player.calls if search.before is None else search.before,
        calls=search.player.calls,
        runs=confirmed.runs,
        steps=confirmed.steps,
        unbound=seen.unbound(found.candidate) if fits else 0,
        numbers=seen.numbers,
        worst_share=seen.worst_share(replace(found.candidate, arranged=False)) if fits else None,
        readings=sum(one.size() for one in search.spaces),
        candidates=search.ladder.evaluated,
        seconds=round(time.perf_counter() - began, 2),
    )


def _hyperparameters(search: Identifying, space: Space, candidate: Candidate) -> dict[str, Bound]:
    assumed, found, looks = dict(candidate.assumed), {}, looks_at(space.line, candidate.reading)
    for hyper in space.line.hyperparameters:
        if (hyper.name in assumed and hyper.name in looks) or hyper.name in space.binding:
            own = "" if hyper.name in assumed else space.binding[hyper.name]
            value = search.box.arguments[own] if own else assumed[hyper.name]
            off = hyper.neutral is not None and value in (hyper.neutral, None)
            found[hyper.name] = Bound(own, value, off, own in search.bench.chosen.varied and hyper.name not in looks)
    return found


def _shows_from(search: Identifying, space: Space, candidate: Candidate) -> int | None:
    """The first step at which it is seen that something is stored in a narrower format."""
    if not candidate.stored:
        return None
    plain = replace(candidate, stored=())
    missed = (search.record(space, [one]).first_miss(plain) for one in search.played)
    return min((miss.step for miss in missed if miss is not None), default=None)


def _separators(search: Identifying, found: Found, also: Sequence[Found]) -> list[Separator]:
    """What would tell the readings apart that this box, so asked, does not: by what the model predicts for it."""

    def splits(bench: Bench) -> bool:
        return best_split(bench, found.space, [found.candidate, *found.same], search.options.seed) is not None

    if not found.same and not also:
        return []
    chosen, dtype = search.bench.chosen, search.player.dtype
    exact = replace(search.bench, player=Player(search.box, EXACTLY))
    if also:
        tells = EXACTLY in search.box.dtypes and _differ(exact, [found, *also]) and (not found.same or splits(exact))
        return [Separator.FLOAT64] if tells else []
    changing = replace(search.bench, player=Player(replace(search.box, rate_changes=True), dtype))
    wanted = Arguments(arguments(search.box, search.spaces).varied, chosen.own)
    ways = {
        Separator.CHANGING_RATE: not search.box.rate_changes and splits(changing),
        Separator.FLOAT64: dtype != EXACTLY and splits(exact),
        Separator.REFUSED_ARGUMENTS: bool(search.refused) and splits(replace(search.bench, chosen=wanted)),
    }
    return [way for way, would in ways.items() if would]


def _differ(bench: Bench, lines: Sequence[Found]) -> bool:
    """Whether readings of several lines are told apart, each from each, where all of it is computed in float64."""
    trace = bench.experiment(Plan(Values.OWN, bench.schedules[-1], count=LASTING), EXACTLY)
    plain = [(one.space, replace(one.candidate, computed="", stored=())) for one in lines]
    shown = [list(steps(space, candidate, trace, EXACTLY)) for space, candidate in plain]
    return all(first_separated(one, other) is not None for one, other in combinations(shown, 2))


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


def _without(own: str, calls: Sequence[str]) -> list[str]:
    return [call for call in calls if call.partition("(")[0] != own]
