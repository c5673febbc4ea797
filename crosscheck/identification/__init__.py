"""Identification: which reading of which line a black box implements."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ...adapters.box import Box
from ...adapters.errors import AdapterError, BoxError
from ...reference.arguments import ArgumentError
from ..answers import FunctionAnswer, Identification
from .functions.identifying import identified
from .optimizers.identifying import identify_optimizer
from .optimizers.playing import TimeLimit, within
from .options import Options
from .targets import box_of, called, named

__all__ = ["FunctionAnswer", "Identification", "Options", "identify", "identify_function"]

CALLS = 12  # how many time limits of one call the whole may take; what is slower than that is said to hang


def identify(target: Any, given: Mapping[str, Any] | None = None, **options: Any) -> Identification | FunctionAnswer:
    """Which reading of which line ``target`` implements.

    ``target``: an optimizer (a torch.optim.Optimizer class, an optax factory or transformation, a Keras or MLX optimizer, or
    a callable ``make(weights, **hyperparameters)`` whose result has ``step(gradient, learning_rate)``); else a function, or a
    pair of a function and its vjp. Or the name of one: an import path, or a file's ``./mine.py:make``. ``given``: arguments
    for it. ``options``: those of ``Options``. Raises BoxError for a target that cannot be used, and says why.
    """
    asked, name = Options(**options), called(target)
    target = named(target) if isinstance(target, str) else target
    box = _box(target, given, name, asked)
    if box is not None:
        if asked.lines:
            raise BoxError(f"{name} is an optimizer, and held against every optimizer line: lines are named for functions only")
        return identify_optimizer(box, asked)
    if not callable(target) and not isinstance(target, tuple):
        raise BoxError(f"{name} is of type {type(target).__name__}, neither an optimizer nor a function: nothing to identify")
    function = partial(target, **given) if given and callable(target) else target
    limit = CALLS * asked.time_limit
    try:
        with within(limit):
            return identified(function, name, asked)
    except TimeLimit:
        raise BoxError(f"{name} did not come to an end within {limit:g} s, {CALLS} times the time limit") from None


def identify_function(target: Any, name: str = "", **options: Any) -> FunctionAnswer:
    """The same for what is a function, or the import path of one; ``name`` is what the answer calls it."""
    if isinstance(target, str):
        target, name = named(target), name or target
    return identified(target, name, Options(**options))


def _box(target: Any, given: Mapping[str, Any] | None, name: str, options: Options) -> Box | None:
    """As ``box_of``, which may have to call the target to see what it makes: under the time limit of any other call."""
    try:
        with within(options.time_limit):
            return box_of(target, given, options.framework, name)
    except (AdapterError, ArgumentError, BoxError):  # said already
        raise
    except TimeLimit:
        raise BoxError(f"{name} did not come back within {options.time_limit:g} s when it was tried as an optimizer") from None
    except (Exception, SystemExit) as error:  # whatever a user's make raises is reported in its own words
        raise BoxError(f"{name} raised {type(error).__name__} when it was tried as an optimizer: {error}") from error
