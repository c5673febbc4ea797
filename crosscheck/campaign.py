"""Running the matrix in worker processes: frameworks may hang or die there, and nothing that was found is lost."""

from __future__ import annotations

import os
import platform
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from multiprocessing import get_context
from typing import Any

from pebble import ProcessExpired, ProcessPool

from ..adapters.discovery import load
from ..reference.arguments import FLOATING
from ..reference.catalogue import line
from . import checks, curves, deviations, proof
from .catalogued import line_info
from .examine import bare, examine, subject_of
from .findings import SCHEMA_VERSION, Cell, Check, Curve, Finding, Findings, Proof
from .matrix import cells, chosen_dtypes, chosen_lines
from .profiles import profile


@dataclass(frozen=True)
class Plan:
    """What to run: adapters and lines by name (no lines or dtypes: all), the effort, the seed, and the workers.

    ``timeout`` is in seconds, for one cell.
    """

    adapters: tuple[str, ...]
    lines: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    profile: str = "standard"
    seed: int = 0
    workers: int = 2
    timeout: float = 60.0


Tell = Callable[[Finding], None]


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
    started, began = time.perf_counter(), datetime.now(UTC)
    every = cells(plan.adapters, plan.lines, plan.dtypes)
    before = finished or {}
    found = {cell.id: before[cell.id] for cell in every if cell.id in before}
    waiting = [cell for cell in every if cell.id not in found]
    on_start(len(waiting))

    def keep(finding: Finding) -> None:
        found[finding.cell.id] = finding
        on_finding(finding)

    sheet: list[Any] = []
    interrupted = False
    workers = Workers(plan.workers)
    try:
        about_the_sheet = _about_the_sheet(workers, plan)
        _examine_all(workers, waiting, plan, keep)
        sheet = [item for task in about_the_sheet for item in task.result()]
        workers.close()
    except KeyboardInterrupt:
        interrupted = True
        workers.stop()
    made = [found.get(cell.id) or _interrupted(cell) for cell in every]
    formulas = chosen_lines(plan.lines)
    proofs = [item for item in sheet if isinstance(item, Proof)]
    held = [item for item in sheet if isinstance(item, Check)]
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
        curves=[item for item in sheet if isinstance(item, Curve)],
        interrupted=interrupted,
        started=began.isoformat(timespec="seconds"),
        seconds=round(time.perf_counter() - started, 1),
    )


# --- workers --------------------------------------------------------------------------------------------------------


class Workers:
    """Processes of one worker each, so that tasks that compile the same kernels can be sent to the same one."""

    def __init__(self, count: int):
        # spawned, not forked: frameworks start threads, which a fork would leave behind in an unknown state
        make = partial(ProcessPool, max_workers=1, initializer=_start_worker, context=get_context("spawn"))
        self.pools = [make() for _ in range(count)]

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


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the workers are the parallelism


def _examine_all(workers: Workers, waiting: Iterable[Cell], plan: Plan, keep: Tell) -> None:
    """Examine the cells of one adapter, line and dtype together, since they share inputs and enclosures; a group that hangs
    or kills its worker is taken up again cell by cell, so that only the cell at fault is lost."""
    groups = [list(group) for _, group in groupby(sorted(waiting, key=_group), key=_group)]
    futures = {_schedule(workers, group, plan): group for group in groups}
    alone: dict[Future, Cell] = {}
    for future in as_completed(futures):
        try:
            for finding in future.result():
                keep(finding)
        except Exception:  # a hang, a death or an error: each cell is tried alone, and the one at fault says what it was
            alone |= {_schedule(workers, [cell], plan): cell for cell in futures[future]}
    for future in as_completed(alone):
        keep(_result_or_reason(alone[future], future, plan.timeout))


def _schedule(workers: Workers, group: list[Cell], plan: Plan) -> Future:
    where = FLOATING.index(group[0].dtype)  # kernels are compiled anew for each dtype, in each process
    return workers.schedule(where, _examine_group, group, plan, timeout=plan.timeout * len(group))


def _result_or_reason(cell: Cell, future: Future, timeout: float) -> Finding:
    try:
        return future.result()[0]
    except TimeoutError:
        return bare(subject_of(cell), "not-run", f"did not finish within {timeout:g} s")
    except ProcessExpired as error:
        return bare(subject_of(cell), "not-run", f"the process died (exit code {error.exitcode})")
    except Exception as error:  # of the engine or of an adapter, not of the framework: it fails the run and loses no other cell
        return bare(subject_of(cell), "not-run", f"an error outside of the framework: {type(error).__name__}: {error}")


def _group(cell: Cell) -> tuple[int, str, str]:
    """Adapters stand next to each other on a line and dtype, since they share its inputs and enclosures in a worker."""
    return (line(cell.line).number, cell.dtype, cell.adapter)


def _examine_group(group: list[Cell], plan: Plan) -> list[Finding]:
    return [examine(cell, profile(plan.profile), plan.seed) for cell in group]


def _about_the_sheet(workers: Workers, plan: Plan) -> list[Future]:
    """What is found out about the sheet itself: proofs, properties, and how the differences grow."""
    ids = [formula.id for formula in chosen_lines(plan.lines)]
    return [workers.schedule(i, _sheet_of, line_id, plan, timeout=10 * plan.timeout) for i, line_id in enumerate(ids)]


def _sheet_of(line_id: str, plan: Plan) -> list[Any]:
    formula = line(line_id)
    return [
        *proof.of(formula),
        *checks.of(formula, profile(plan.profile), plan.seed),
        *curves.of(formula, plan.adapters),
    ]


def _interrupted(cell: Cell) -> Finding:
    return bare(subject_of(cell), "not-run", "interrupted before this cell's turn")


def _versions(plan: Plan) -> dict[str, str]:
    import importlib.metadata

    own = {name: importlib.metadata.version(name) for name in ("gradspec", "numpy", "hypothesis", "python-flint", "sympy")}
    used = [load(name) for name in plan.adapters]
    return {**own, **{k: v for adapter in used if adapter.installed() for k, v in adapter.versions().items()}}


# --- witnesses ------------------------------------------------------------------------------------------------------


def refresh_witnesses(
    plan: Plan, on_start: Callable[[int], None] = lambda total: None, on_line: Callable[[str], None] = lambda line_id: None
) -> int:
    """Search all witnesses of the plan's lines anew, in worker processes, and keep them; how many were found."""
    from . import witness

    formulas = [formula for formula in chosen_lines(plan.lines) if formula.axes]
    on_start(len(formulas))
    count = 0
    workers, dtypes = Workers(plan.workers), chosen_dtypes(plan.dtypes)
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
    from . import witness

    formula = line(line_id)
    claims = [native.claim for name in plan.adapters for native in load(name).natives if native.line == line_id]
    return [witness.search(formula, dtype, deviation, plan.seed) for deviation in witness.deviations(formula, claims)]
