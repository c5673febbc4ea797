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
from .limits import CALLS, TimeLimit, within
from .optimizers.identifying import identify_optimizer
from .options import Options
from .targets import box_of, called, named

__all__ = ["FunctionAnswer", "Identification", "Options", "identify", "identify_function"]


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
    try:
        with within(CALLS * asked.time_limit):
            return identified(function, name, asked)
    except TimeLimit as limit:
        limit.blame(name)


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
    except TimeLimit as limit:
        limit.blame(name, trial=True)
    except (Exception, SystemExit) as error:  # whatever a user's make raises is reported in its own words
        raise BoxError(f"{name} raised {type(error).__name__} when it was tried as an optimizer: {error}") from error
