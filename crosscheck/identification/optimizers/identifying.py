"""Identifying an optimizer: as one that is handed vectors, as one of matrices, behind a wrapper, at its own values."""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Collection, Iterator
from dataclasses import replace

from msgspec.structs import replace as changed

from ....adapters.box import Box
from ....adapters.errors import BoxError
from ....reference.arguments import suggest
from ....reference.vocabulary import Scope
from ...answers import (
    Identification,
    Matrices,
    Partly,
    Question,
    Unanswered,
)
from ...inputs.traces import Schedule
from ..limits import TimeLimit
from ..options import Options
from .attempts import Identifying
from .experiments import MATRIX, accepted, arguments
from .ladder import rungs
from .playing import OtherDtype, Player
from .prediction import NARROW
from .rates import own_rates
from .rounded import is_narrower
from .saying import answered
from .space import spaces
from .wrapped import suspects


def identify_optimizer(box: Box, options: Options) -> Identification:
    """Which reading of which optimizer line a box implements. Raises BoxError for a box that cannot be used, and says why."""
    with _uncollected():
        try:
            return _at_its_rate(box, options)
        except OtherDtype as other:
            if options.dtype or other.dtype not in box.dtypes:
                raise
            return _at_its_rate(box, replace(options, dtype=other.dtype))  # the one that it works in, since none was asked for


def _at_its_rate(box: Box, options: Options) -> Identification:
    """What a box is; one that has a rate of its own and does not say which, at that which is read off what it does, or at the
    usual one of a trace, if none is: another factor then stands around it."""
    if box.rate_changes or box.rate is not None:
        return _identified(box, options)
    search = _begun(box, options, [Scope.WEIGHT, Scope.ARRAY])
    rates = own_rates(search.bench, search.spaces, search.player.play(rungs(search.bench)[0]))
    answer: Identification | None = None
    for rate in rates or search.bench.rates(Schedule.CONSTANT, 1):
        answer = _identified(replace(box, rate=rate), options)
        if answer.verdict != "no-reading":
            return changed(answer, rate_fitted=True)
    assert answer is not None
    return changed(answer, rate=None)


def _identified(box: Box, options: Options) -> Identification:
    """What a box is that is handed vectors; or matrices, where it takes no others, or is only known with them."""
    began = time.perf_counter()
    try:
        search = _begun(box, options, [Scope.WEIGHT, Scope.ARRAY])
        refuted = search.is_refuted_by_a_matrix()
        of_matrices = _of_matrices(search, began) if refuted else None
        answer = of_matrices or answered(search, began)
    except BoxError as error:
        if type(error) is not BoxError or isinstance(error.__cause__, TimeLimit):
            raise
        return _of_matrices_alone(box, options, began, error)
    if answer.verdict == "no-reading":
        otherwise = _wrapped(search, began) or (None if refuted else _of_matrices(search, began))
        answer = otherwise or changed(answer, partly=_partly(search, answer))
    seen = answer.surroundings
    later = [one for one in search.unanswered if one not in seen.unanswered]
    return changed(answer, surroundings=changed(seen, unanswered=[*seen.unanswered, *later]))


def _begun(box: Box, options: Options, scopes: Collection[Scope], shape: tuple[int, ...] = ()) -> Identifying:
    """The search among lines of some scopes, by arrays of a shape."""
    player = Player(box, chosen_dtype(box, options.dtype), options.time_limit)
    wanted = [space for space in spaces(box, options.names or {}, options.values or {}) if space.line.scope in scopes]
    bench, refused = accepted(player, arguments(box, wanted), shape)
    return Identifying(bench, [space.without(refused, bench.chosen.own) for space in wanted], refused, options)


def _of_matrices_alone(box: Box, options: Options, began: float, error: BoxError) -> Identification:
    """What a box is that cannot be handed vectors, or the error about that."""
    try:
        answer = answered(_begun(box, options, list(Scope), MATRIX), began)
    except BoxError:
        raise error from None
    return changed(answer, matrices=Matrices.ALONE)


def _of_matrices(search: Identifying, began: float) -> Identification | None:
    """What a box is with matrices, with vectors it being nothing that is known; None if nothing either, or if it does the same
    to both."""
    if is_narrower(search.player.dtype, NARROW):
        return None
    first = search.seen_first()
    try:
        again = search.player.play(replace(first.experiment, shape=MATRIX))
        if again.weights.tobytes() == first.weights.tobytes():
            return None
        answer = answered(_begun(search.box, search.options, [Scope.ARRAY, Scope.MATRIX], MATRIX), began)
    except BoxError as error:
        search.unanswered.append(Unanswered(Question.MATRICES, True, str(error)))
        return None
    return None if answer.verdict == "no-reading" else changed(answer, matrices=Matrices.BESIDE)


def _wrapped(search: Identifying, began: float) -> Identification | None:
    """What a box that no reading fits is behind a wrapper; None if it is behind none that is known."""
    if search.found.wide:
        return None
    try:
        for suspect in suspects(search.bench, search.spaces, search.seen_first()):
            answer = answered(search.behind(suspect), began)
            if answer.verdict != "no-reading":
                return answer
    except BoxError as error:
        search.unanswered.append(Unanswered(Question.WRAPPER, True, str(error)))
    return None


def _partly(search: Identifying, answer: Identification) -> Partly | None:
    """What a box that no reading fits is in float32, where that is all that keeps it from one; else at its own values."""
    try:
        if search.found.wide:
            return _part(identify_optimizer(search.box, replace(search.options, dtype=NARROW)))
        return _at_its_own_values(search) if answer.failing_run is None else None
    except BoxError as error:
        question = Question.IN_FLOAT32 if search.found.wide else Question.OWN_VALUES
        search.unanswered.append(Unanswered(question, True, str(error)))
        return None


def _at_its_own_values(search: Identifying) -> Partly | None:
    varied = list(search.bench.chosen.varied)
    if not varied:
        return None
    alone = search.left_alone(varied)
    part = _part(answered(alone, time.perf_counter()))
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
