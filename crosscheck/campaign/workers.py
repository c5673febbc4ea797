"""Worker processes: frameworks may hang or die there, and nothing else is lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from multiprocessing import get_context
from typing import Any

from pebble import ProcessExpired, ProcessPool

from ...reference.catalogue import load_formulas
from ..findings import Died, Failed, Lost, TimedOut
from .plan import Plan


class Workers:
    """Processes of one worker each, so that tasks that compile the same kernels can be sent to the same one."""

    def __init__(self, plan: Plan):
        # spawned, not forked: frameworks start threads, which a fork would leave behind in an unknown state
        start = {"initializer": _start_worker, "initargs": (plan.formulas,)}
        self.pools = [ProcessPool(max_workers=1, context=get_context("spawn"), **start) for _ in range(plan.workers)]

    def schedule(self, where: int, task: Callable[..., Any], *args: Any, timeout: float | None = None) -> Future:
        return self.pools[where % len(self.pools)].schedule(task, args=args, timeout=timeout)

    def close(self) -> None:
        for pool in self.pools:
            pool.close()
            pool.join()

    def stop(self) -> None:
        for pool in self.pools:
            pool.stop()
            pool.join()


def _start_worker(formulas: Sequence[str]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the workers are the parallelism
    load_formulas(*formulas)


def lost(error: BaseException, timeout: float) -> Lost:
    """Why a task that was sent to a worker came to nothing."""
    if isinstance(error, TimeoutError):
        return TimedOut(timeout)
    if isinstance(error, ProcessExpired):
        return Died(error.exitcode)
    return Failed(f"{type(error).__name__}: {error}")
