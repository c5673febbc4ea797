"""Running the matrix in worker processes: frameworks may hang or die there, and nothing that was found is lost."""

from __future__ import annotations

import os
import platform
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, as_completed, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing import get_context
from typing import Any, TypeVar, get_args

from msgspec.structs import replace
from pebble import ProcessExpired, ProcessPool

from ...adapters.discovery import load
from ...reference.arguments import FLOATING
from ...reference.catalogue import line, load_formulas, own_formulas, sources
from ..cells.examination import bare, examine, subject_of
from ..cells.matrix import cells, chosen_dtypes, chosen_lines
from ..findings import SCHEMA_VERSION, Cell, Check, Curve, Finding, Findings, Part, Proof, Unfinished
from ..inputs.profiles import profile
from ..sheet import contested as deviations
from ..sheet import proofs as proof
from ..sheet import properties as checks
from ..sheet import studies as curves
from ..sheet.catalogued import line_info

OF_THE_SHEET = 10


@dataclass(frozen=True)
class Plan:
    """What to run: adapters and lines by name (no lines or dtypes: all), the effort, the seed, and the workers.

    ``formulas`` are the files and modules of formulas of one's own, which each worker loads.

    ``timeout`` is in seconds, for one cell; a proof, check or curve has ``OF_THE_SHEET`` times as long.
    """

    adapters: tuple[str, ...]
    lines: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    profile: str = "standard"
    seed: int = 0
    workers: int = 2
    timeout: float = 60.0
    formulas: tuple[str, ...] = field(default_factory=sources)


Tell = Callable[[Finding], None]
Kind = TypeVar("Kind")


@dataclass
class Found:
    """What a campaign has found so far: about each cell, by its id, and about the sheet itself."""

    cells: dict[str, Finding]
    sheet: list[Proof | Check | Curve | Unfinished] = field(default_factory=list)

    def about(self, kind: type[Kind]) -> list[Kind]:
        return [item for item in self.sheet if isinstance(item, kind)]


def run(
    plan: Plan,
    finished: Mapping[str, Finding] | None = None,
    on_finding: Tell = lambda finding: None,
    on_start: Callable[[int], None] = lambda total: None,
) -> Findings:
    """Run the plan and return everything found. ``finished`` are findings by cell id that need not be made again.

    ``on_start`` is told the number of cells to come, ``on_finding`` each finding as it is made. A KeyboardInterrupt ends the
    run early: what was finished is returned, the rest is ``not-run``, and ``interrupted`` is true.
    """
    clock, began = time.perf_counter(), datetime.now(UTC)
    every = cells(plan.adapters, plan.lines, plan.dtypes)
    found = Found({cell.id: finished[cell.id] for cell in every if cell.id in finished} if finished else {})
    waiting = [cell for cell in every if cell.id not in found.cells]
    on_start(len(waiting))
    interrupted = not _work(plan, waiting, found, on_finding)
    made = [found.cells.get(cell.id) or _interrupted(cell) for cell in every]
    findings = _findings(plan, made, found, began)
    return replace(findings, interrupted=interrupted, seconds=round(time.perf_counter() - clock, 1))


def _work(plan: Plan, waiting: Sequence[Cell], found: Found, on_finding: Tell) -> bool:
    """Find out about the sheet and the cells; whether it came to its end, and was not interrupted."""

    def keep(finding: Finding) -> None:
        found.cells[finding.cell.id] = finding
        on_finding(finding)

    workers = Workers(plan)
    about_the_sheet: dict[Future, Task] = {}
    try:
        about_the_sheet |= _about_the_sheet(workers, plan)
        _examine_all(workers, waiting, plan, keep)
        wait(about_the_sheet)
        found.sheet += _results(about_the_sheet)
        workers.close()
    except KeyboardInterrupt:
        found.sheet = list(_results(about_the_sheet))
        workers.stop()
        return False
    return True


def _findings(plan: Plan, made: list[Finding], found: Found, began: datetime) -> Findings:
    formulas = chosen_lines(plan.lines)
    proofs, held = found.about(Proof), found.about(Check)
    return Findings(
        schema_version=SCHEMA_VERSION,
        seed=plan.seed,
        profile=plan.profile,
        versions=_versions(plan),
        platform=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        lines=[line_info(formula) for formula in formulas],
        cells=made,
        deviations=deviations.of(formulas, made, proofs, held),
        proofs=proofs,
        checks=held,
        curves=found.about(Curve),
        unfinished=found.about(Unfinished),
        started=began.isoformat(timespec="seconds"),
    )


# --- workers --------------------------------------------------------------------------------------------------------


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


def _why_lost(error: BaseException, timeout: float) -> str:
    """Why a task that was sent to a worker came to nothing."""
    if isinstance(error, TimeoutError):
        return f"did not finish within {timeout:g} s"
    if isinstance(error, ProcessExpired):
        return f"the process died (exit code {error.exitcode})"
    return f"{type(error).__name__}: {error}"


# --- cells ----------------------------------------------------------------------------------------------------------


def _examine_all(workers: Workers, waiting: Iterable[Cell], plan: Plan, keep: Tell) -> None:
    """Examine each cell by itself, so that one which hangs or kills its worker is lost alone; those of one line and dtype
    follow each other in the same worker, since they share inputs and enclosures."""
    futures = {_schedule(workers, cell, plan): cell for cell in sorted(waiting, key=_neighbours)}
    for future in as_completed(futures):
        keep(_result_or_reason(futures[future], future, plan.timeout))


def _neighbours(cell: Cell) -> tuple[int, str, str]:
    return (line(cell.line).number, cell.dtype, cell.adapter)


def _schedule(workers: Workers, cell: Cell, plan: Plan) -> Future:
    where = FLOATING.index(cell.dtype)  # kernels are compiled anew for each dtype, in each process
    return workers.schedule(where, examine, cell, profile(plan.profile), plan.seed, timeout=plan.timeout)


def _result_or_reason(cell: Cell, future: Future, timeout: float) -> Finding:
    error = future.exception()
    if error is None:
        return future.result()
    # an error of the engine or of an adapter, not of the framework, fails the run and loses no other cell
    where = "" if isinstance(error, TimeoutError | ProcessExpired) else "an error outside of the framework: "
    return bare(subject_of(cell), "not-run", where + _why_lost(error, timeout))


def _interrupted(cell: Cell) -> Finding:
    return bare(subject_of(cell), "not-run", "interrupted before this cell's turn")


def _versions(plan: Plan) -> dict[str, str]:
    import importlib.metadata

    own = {name: importlib.metadata.version(name) for name in ("gradspec", "numpy", "hypothesis", "python-flint", "sympy")}
    used = [load(name) for name in plan.adapters]
    return {**own, **{k: v for adapter in used if adapter.installed() for k, v in adapter.versions().items()}}


# --- the sheet itself -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Task:
    """A part of what is found out about a line itself, and how long it may take in seconds."""

    line: str
    part: Part
    timeout: float


def _about_the_sheet(workers: Workers, plan: Plan) -> dict[Future, Task]:
    """Start what finds out about the sheet: proofs, properties, and how the differences grow; each by itself, so that one which
    hangs or kills its worker loses nothing else."""
    formulas = chosen_lines(plan.lines)
    timeout = OF_THE_SHEET * plan.timeout
    tasks = [(i, Task(formula.id, part, timeout)) for i, formula in enumerate(formulas) for part in get_args(Part)]
    return {workers.schedule(i, _part_of, task, plan, timeout=task.timeout): task for i, task in tasks}


def _part_of(task: Task, plan: Plan) -> list[Any]:
    formula = line(task.line)
    if task.part == "proofs":
        return proof.of(formula)
    if task.part == "checks":
        return checks.of(formula, profile(plan.profile), plan.seed)
    return curves.of(formula, plan.adapters)


def _results(tasks: Mapping[Future, Task]) -> Iterator[Any]:
    """What the tasks found that came to an end, and why others came to none; those that were given up are left out."""
    for future, task in tasks.items():
        if future.cancelled() or not future.done():
            continue
        error = future.exception()
        if error is None:
            yield from future.result()
        else:
            yield Unfinished(task.line, task.part, _why_lost(error, task.timeout))


# --- witnesses ------------------------------------------------------------------------------------------------------


def refresh_witnesses(
    plan: Plan, on_start: Callable[[int], None] = lambda total: None, on_line: Callable[[str], None] = lambda line_id: None
) -> int:
    """Search all witnesses of the plan's lines anew, in worker processes, and keep them; how many were found."""
    from ..witnesses import search as witness

    formulas = [f for f in chosen_lines(plan.lines) if f.axes and f.id not in own_formulas()]  # of which none are kept
    on_start(len(formulas))
    count = 0
    workers, dtypes = Workers(plan), chosen_dtypes(plan.dtypes)
    try:
        tasks = [(f, [workers.schedule(i, _search, f.id, dtype, plan) for i, dtype in enumerate(dtypes)]) for f in formulas]
        for formula, parts in tasks:
            searched = [kept for part in parts for kept in part.result()]
            untouched = [kept for kept in witness.kept(formula.id) if kept.dtype not in dtypes]
            witness.keep(formula.id, searched + untouched)
            count += sum(kept.found for kept in searched)
            on_line(formula.id)
    finally:
        workers.stop()
    return count


def _search(line_id: str, dtype: str, plan: Plan) -> list[Any]:
    from ..witnesses import search as witness

    formula = line(line_id)
    claims = [native.claim for name in plan.adapters for native in load(name).natives if native.line == line_id]
    return [witness.search(formula, dtype, departure, plan.seed) for departure in witness.departures(formula, claims)]
