"""Running the matrix: each cell by itself in a worker process, and nothing that was found is lost."""

from __future__ import annotations

import importlib.metadata
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, as_completed, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from msgspec.structs import replace

from ...adapters.discovery import load
from ...reference.arguments import FLOATING
from ...reference.catalogue import line
from ..cells.examination import examine
from ..cells.limits import bare
from ..cells.subject import subject_of
from ..findings import SCHEMA_VERSION, Cell, Check, Curve, Finding, Findings, Interrupted, Proof, Unfinished
from ..inputs.profiles import profile
from ..sheet import contested
from ..sheet.catalogued import line_info
from .lines import Task, results, started
from .plan import Plan
from .workers import Workers, lost

Tell = Callable[[Finding], None]
Kind = TypeVar("Kind")


@dataclass
class Found:
    """What a campaign has found so far: about each cell, by its id, and about the lines themselves."""

    cells: dict[str, Finding]
    lines: list[Proof | Check | Curve | Unfinished] = field(default_factory=list)

    def about(self, kind: type[Kind]) -> list[Kind]:
        return [item for item in self.lines if isinstance(item, kind)]


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
    every = plan.cells()
    found = Found({cell.id: finished[cell.id] for cell in every if cell.id in finished} if finished else {})
    waiting = [cell for cell in every if cell.id not in found.cells]
    on_start(len(waiting))
    interrupted = not _work(plan, waiting, found, on_finding)
    made = [found.cells.get(cell.id) or bare(subject_of(cell), "not-run", Interrupted()) for cell in every]
    findings = _findings(plan, made, found, began)
    return replace(findings, interrupted=interrupted, seconds=round(time.perf_counter() - clock, 1))


def _work(plan: Plan, waiting: Sequence[Cell], found: Found, on_finding: Tell) -> bool:
    """Find out about the lines and the cells; whether it came to its end, and was not interrupted."""

    def keep(finding: Finding) -> None:
        found.cells[finding.cell.id] = finding
        on_finding(finding)

    workers = Workers(plan)
    about_lines: dict[Future, Task] = {}
    try:
        about_lines |= started(workers, plan)
        _examine_all(workers, waiting, plan, keep)
        wait(about_lines)
        found.lines += results(about_lines)
        workers.close()
    except KeyboardInterrupt:
        found.lines = list(results(about_lines))
        workers.stop()
        return False
    return True


def _examine_all(workers: Workers, waiting: Sequence[Cell], plan: Plan, keep: Tell) -> None:
    """Examine each cell by itself, so that one which hangs or kills its worker is lost alone; those of one line and dtype
    follow each other in the same worker, since they share inputs and enclosures."""
    effort = profile(plan.profile)
    ordered = sorted(waiting, key=lambda cell: (line(cell.line).order, cell.dtype, cell.adapter))
    futures = {
        # kernels are compiled anew for each dtype, in each process
        workers.schedule(FLOATING.index(cell.dtype), examine, cell, effort, plan.seed, timeout=plan.timeout): cell
        for cell in ordered
    }
    for future in as_completed(futures):
        keep(_result(futures[future], future, plan.timeout))


def _result(cell: Cell, future: Future, timeout: float) -> Finding:
    """The finding; an error of the engine or of an adapter, not of the framework, fails the run and loses no other cell."""
    error = future.exception()
    return future.result() if error is None else bare(subject_of(cell), "not-run", lost(error, timeout))


def _findings(plan: Plan, made: list[Finding], found: Found, began: datetime) -> Findings:
    formulas = plan.chosen_lines()
    proofs, checks = found.about(Proof), found.about(Check)
    return Findings(
        schema_version=SCHEMA_VERSION,
        seed=plan.seed,
        profile=plan.profile,
        versions=_versions(plan),
        platform=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        lines=[line_info(formula) for formula in formulas],
        cells=made,
        deviations=contested.of(formulas, made, proofs, checks),
        proofs=proofs,
        checks=checks,
        curves=found.about(Curve),
        unfinished=found.about(Unfinished),
        started=began.isoformat(timespec="seconds"),
    )


def _versions(plan: Plan) -> dict[str, str]:
    own = {name: importlib.metadata.version(name) for name in ("gradspec", "numpy", "hypothesis", "python-flint", "sympy")}
    used = [load(name) for name in plan.adapters]
    return {**own, **{k: v for adapter in used if adapter.installed() for k, v in adapter.versions().items()}}
