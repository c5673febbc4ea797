"""Identification in a process of its own, so that a box that hangs outside of Python, or dies, takes nothing with it."""

from __future__ import annotations

import concurrent.futures
import os
import sys
import threading
import time
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from pebble import ProcessExpired, ProcessPool

from ...adapters.errors import BoxError
from ...reference.catalogue import load_formulas, sources
from . import identify
from .limits import CALLS, Clock
from .stages import Listener, heard, tell_to

LEAST = 60.0  # seconds for the whole, however short the time limit of a call: to import a framework takes some of them
BEAT = 0.1


def isolated(target: str, *args: Any, time_limit: float, listener: Listener | None = None, **named: Any) -> Any:
    """As ``identify``, for a target by name; its errors are raised here. Raises BoxError where the process hangs or dies. The
    ``listener`` is told how far it is.

    What the target writes to standard output, at its import or later, goes to standard error.
    """
    limit, context = max(LEAST, CALLS * time_limit), get_context("spawn")
    own, alone = context.RawValue("d", 0.0), {"max_workers": 1, "context": context}
    with heard(listener) as told, ProcessPool(**alone, initializer=_started, initargs=(own, told)) as pool:
        named["time_limit"] = time_limit
        future = pool.schedule(_identify, args=(sources(), target, *args), kwargs=named)
        try:
            return _awaited(future, own, limit)
        except concurrent.futures.TimeoutError as hit:
            future.cancel()
            raise BoxError(
                f"{target} {hit}. It hangs at its import or where Python cannot interrupt it; or it is slow: then give "
                f"--time-limit more than {limit / CALLS:g} (the whole has {CALLS} times that, and no less than {LEAST:g} s)"
            ) from None
        except ProcessExpired as death:
            raise BoxError(f"{target} ended its process (exit code {death.exitcode}) while it was played") from None


def _awaited(future: Any, own: Any, limit: float) -> Any:
    """What the process answers. Raises TimeoutError once it has used up its own time, or used none for long."""
    used, since = 0.0, time.perf_counter()
    while True:
        try:
            return future.result(timeout=BEAT)
        except concurrent.futures.TimeoutError:
            now = time.perf_counter()
            if own.value > limit:
                raise concurrent.futures.TimeoutError(f"did not come to an end within {limit:g} s of its own time") from None
            if own.value - used > BEAT:
                used, since = own.value, now
            elif now - since > LEAST:
                raise concurrent.futures.TimeoutError(f"has given no sign of life for {LEAST:g} s") from None


def _started(own: Any, told: Connection | None) -> None:
    _beating(own)
    tell_to(told)


def _beating(own: Any) -> None:
    """Keep the process's own time in ``own``, for the process that waits for this one."""

    def beat() -> None:
        clock = Clock()
        while True:
            time.sleep(BEAT)
            own.value += clock.read()

    threading.Thread(target=beat, daemon=True).start()


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
    finally:
        sys.stdout.flush()  # the process may be ended before it would do so itself
