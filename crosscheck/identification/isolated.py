"""Identification in a process of its own, so that a box that hangs outside of Python, or dies, takes nothing with it."""

from __future__ import annotations

import concurrent.futures
import os
from collections.abc import Sequence
from multiprocessing import get_context
from typing import Any

from pebble import ProcessExpired, ProcessPool

from ...adapters.errors import BoxError
from ...reference.catalogue import load_formulas, sources
from . import CALLS, identify

LEAST = 60.0  # seconds for the whole, however short the time limit of a call: to import a framework takes some of them


def isolated(target: str, *args: Any, time_limit: float, **named: Any) -> Any:
    """As ``identify``, for a target by name; its errors are raised here. Raises BoxError where the process hangs or dies.

    What the target writes to standard output, at its import or later, goes to standard error.
    """
    limit = max(LEAST, CALLS * time_limit)
    with ProcessPool(max_workers=1, context=get_context("spawn")) as pool:
        named["time_limit"] = time_limit
        future = pool.schedule(_identify, args=(sources(), target, *args), kwargs=named, timeout=limit)
        try:
            return future.result()
        except concurrent.futures.TimeoutError:
            raise BoxError(
                f"{target} did not come to an end within {limit:g} s, which the whole has: {CALLS} times --time-limit, and no "
                f"less than {LEAST:g} s. It hangs at its import or where Python cannot interrupt it; or it is slow: then give "
                f"--time-limit more than {limit / CALLS:g}"
            ) from None
        except ProcessExpired as death:
            raise BoxError(f"{target} ended its process (exit code {death.exitcode}) while it was played") from None


def _identify(formulas: Sequence[str], target: str, *args: Any, **named: Any) -> Any:
    """``identify`` in the new process, which standard output does not belong to: the answer goes back by another way."""
    os.dup2(2, 1)
    load_formulas(*formulas)
    try:
        return identify(target, *args, **named)
    except SystemExit as error:
        raise BoxError(f"{target} called sys.exit({'' if error.code is None else repr(error.code)})") from None
    except KeyboardInterrupt:  # a key that is pressed interrupts the process that waits for this one, not this one
        raise BoxError(f"{target} raised KeyboardInterrupt") from None
