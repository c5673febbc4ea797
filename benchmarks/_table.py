"""Interleaved timings, and the table that every benchmark prints."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Mapping

from rich.console import Console
from rich.table import Table


def medians(
    subjects: Mapping[str, Callable[[], object]],
    repeats: int,
    clock: Callable[[], float] = time.perf_counter,
    burst: int = 1,
) -> dict[str, float]:
    """Median seconds of each subject, run in turn so that what else the machine does falls on all of them.

    ``time.process_time`` as the ``clock`` leaves out what other processes take. A ``burst`` of calls is timed as one, so
    that what is quick does not start with the caches that the one before it left.
    """
    seconds: dict[str, list[float]] = {name: [] for name in subjects}
    for subject in subjects.values():  # caches and compilations
        subject()
    for _ in range(repeats):
        for name, subject in subjects.items():
            started = clock()
            for _ in range(burst):
                subject()
            seconds[name].append((clock() - started) / burst)
    return {name: statistics.median(found) for name, found in seconds.items()}


def show(title: str, head: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    table = Table(*head, title=title, title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for row in rows:
        table.add_row(*map(str, row))
    Console(width=110).print(table)


def ms(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms"
