"""Identification: which reading of which line a black box implements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ...adapters.box import Box
from ...adapters.errors import AdapterError, BoxError
from ...reference.arguments import ArgumentError
from .answer import Identification
from .functions.identifying import FunctionAnswer, identify_function
from .optimizers.confirmation import EXAMPLES
from .optimizers.identifying import identify_optimizer
from .optimizers.playing import TIME_LIMIT, TimeLimit, within
from .targets import box_of, called, named

__all__ = ["FunctionAnswer", "Identification", "identify", "identify_function", "identify_optimizer"]

CALLS = 12  # how many time limits of one call the whole may take; what is slower than that is said to hang


def identify(
    target: Any,
    given: Mapping[str, Any] | None = None,
    *,
    lines: Sequence[str] = (),
    names: Mapping[str, str] | None = None,
    values: Mapping[str, float] | None = None,
    dtype: str = "",
    framework: str = "",
    seed: int = 0,
    time_limit: float = TIME_LIMIT,
    lives: int = EXAMPLES,
) -> Identification | FunctionAnswer:
    """Which reading of which line ``target`` implements.

    ``target``: an optimizer (a torch.optim.Optimizer class, an optax factory or transformation, a Keras or MLX optimizer, or
    a callable ``make(weights, **hyperparameters)`` whose result has ``step(gradient, learning_rate)``); else a function, or a
    pair of a function and its vjp. Or the name of one: an import path, or a file's ``./mine.py:make``. ``given``: arguments
    for it. ``names``: what a line calls an argument -> its own name for it, where that is not seen. ``values``: of
    hyperparameters that an optimizer has but does not take. ``lines``: those to hold a function against; an optimizer is held
    against all of its kind. ``dtype``: float64 where it can. ``time_limit``: seconds for one call. ``lives``: how many an
    optimizer is given to confirm its reading.
    Raises BoxError for a target that cannot be used, and says why.
    """
    name = called(target)
    target = named(target) if isinstance(target, str) else target
    box = _box(target, given, framework, name, time_limit)
    if box is not None:
        if lines:
            raise BoxError(f"{name} is an optimizer, and held against every optimizer line: lines are named for functions only")
        return identify_optimizer(box, names=names, values=values, dtype=dtype, seed=seed, time_limit=time_limit, lives=lives)
    if not callable(target) and not isinstance(target, tuple):
        raise BoxError(f"{name} is of type {type(target).__name__}, neither an optimizer nor a function: nothing to identify")
    function = partial(target, **given) if given and callable(target) else target
    try:
        with within(CALLS * time_limit):
            return identify_function(
                function, name=name, lines=lines, names=names, dtype=dtype or "float64", framework=framework, seed=seed
            )
    except TimeLimit:
        raise BoxError(f"{name} did not come to an end within {CALLS * time_limit:g} s, {CALLS} times the time limit") from None


def _box(target: Any, given: Mapping[str, Any] | None, framework: str, name: str, time_limit: float) -> Box | None:
    """As ``box_of``, which may have to call the target to see what it makes: under the time limit of any other call."""
    try:
        with within(time_limit):
            return box_of(target, given, framework, name)
    except (AdapterError, ArgumentError, BoxError):  # said already
        raise
    except TimeLimit:
        raise BoxError(f"{name} did not come back within {time_limit:g} s when it was tried as an optimizer") from None
    except (Exception, SystemExit) as error:  # whatever a user's make raises is reported in its own words
        raise BoxError(f"{name} raised {type(error).__name__} when it was tried as an optimizer: {error}") from error
