"""Identification: which reading of which line a black box implements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ...adapters.box import BoxError
from .answer import Identification
from .confirmation import EXAMPLES
from .functions import FunctionAnswer, identify_function
from .optimizers import identify_optimizer
from .playing import TIME_LIMIT, TimeLimit, within
from .targets import box_of, called, named

__all__ = ["FunctionAnswer", "Identification", "identify", "identify_function", "identify_optimizer"]

FUNCTION_CALLS = 12  # how many time limits of one call a function may take in all


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
    hyperparameters that an optimizer has but does not take. ``lines``: those to hold a function against. ``dtype``: float64
    where it can. ``time_limit``: seconds for one call. ``lives``: how many an optimizer is given to confirm its reading.
    Raises BoxError for a target that cannot be used, and says why.
    """
    name = called(target)
    target = named(target) if isinstance(target, str) else target
    box = box_of(target, given, framework, name)
    if box is not None:
        return identify_optimizer(box, names=names, values=values, dtype=dtype, seed=seed, time_limit=time_limit, lives=lives)
    if not callable(target) and not isinstance(target, tuple):
        raise BoxError(f"{name} is of type {type(target).__name__}, neither an optimizer nor a function: nothing to identify")
    function = partial(target, **given) if given and callable(target) else target
    try:
        with within(FUNCTION_CALLS * time_limit):
            return identify_function(
                function, name=name, lines=lines, names=names, dtype=dtype or "float64", framework=framework, seed=seed
            )
    except TimeLimit:
        raise BoxError(f"{name} did not come to an end within {FUNCTION_CALLS * time_limit:g} s") from None
