"""What a campaign finds out about lines themselves: proofs, properties, and how differences grow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, get_args

from ...reference.catalogue import line
from ..findings import Part, Unfinished
from ..inputs.profiles import profile
from ..sheet import proofs, properties, studies
from .plan import Plan
from .workers import Workers, lost

OF_A_LINE = 10  # times as long as a cell


@dataclass(frozen=True)
class Task:
    """A part of what is found out about a line itself, and how long it may take in seconds."""

    line: str
    part: Part
    timeout: float


def started(workers: Workers, plan: Plan) -> dict[Future, Task]:
    """The tasks of all lines, each by itself, so that one which hangs or kills its worker loses nothing else."""
    timeout = OF_A_LINE * plan.timeout
    tasks = [(i, Task(f.id, part, timeout)) for i, f in enumerate(plan.chosen_lines()) for part in get_args(Part)]
    return {workers.schedule(i, _done, task, plan, timeout=task.timeout): task for i, task in tasks}


def _done(task: Task, plan: Plan) -> list[Any]:
    formula = line(task.line)
    if task.part == "proofs":
        return proofs.of(formula)
    if task.part == "checks":
        return properties.of(formula, profile(plan.profile), plan.seed)
    return studies.of(formula, plan.adapters)


def results(tasks: Mapping[Future, Task]) -> Iterator[Any]:
    """What the tasks found that came to an end, and why others came to none; those that were given up are left out."""
    for future, task in tasks.items():
        if future.cancelled() or not future.done():
            continue
        error = future.exception()
        if error is None:
            yield from future.result()
        else:
            yield Unfinished(task.line, task.part, lost(error, task.timeout))
