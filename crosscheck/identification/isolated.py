"""Identification in a process of its own, so that a box that hangs outside of Python, or dies, takes nothing with it."""

from __future__ import annotations

import concurrent.futures
from multiprocessing import get_context
from typing import Any

from pebble import ProcessExpired, ProcessPool

from ...adapters.box import BoxError

CALLS = 12  # how many time limits of one call the whole may take; a box slower than that is said to hang


def isolated(target: str, *args: Any, time_limit: float, **named: Any) -> Any:
    """As ``identify``, for a target by name; its errors are raised here. Raises BoxError where the process hangs or dies."""
    limit = max(60.0, CALLS * time_limit)
    with ProcessPool(max_workers=1, context=get_context("spawn")) as pool:
        future = pool.schedule(_identify, args=(target, *args), kwargs={"time_limit": time_limit, **named}, timeout=limit)
        try:
            return future.result()
        except concurrent.futures.TimeoutError:
            raise BoxError(f"{target} did not come to an end within {limit:g} s; if it is slow, give it --time-limit") from None
        except ProcessExpired as death:
            raise BoxError(f"{target} ended its process (exit code {death.exitcode}) while it was played") from None


def _identify(target: str, *args: Any, **named: Any) -> Any:
    from . import identify

    return identify(target, *args, **named)
