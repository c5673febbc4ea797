"""Searching the kept witnesses anew, in worker processes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

from ...adapters.discovery import load
from ...reference.catalogue import line, own_formulas
from ..witnesses.search import departures, search
from ..witnesses.store import Kept, keep, kept
from .plan import Plan
from .workers import Workers


def refresh_witnesses(
    plan: Plan, on_start: Callable[[int], None] = lambda total: None, on_line: Callable[[str], None] = lambda line_id: None
) -> int:
    """Search all witnesses of the plan's lines and keep them; how many were found."""
    own = own_formulas()  # of which no witnesses are kept
    line_ids = [formula.id for formula in plan.chosen_lines() if formula.axes and formula.id not in own]
    on_start(len(line_ids))
    workers, count = Workers(plan), 0
    try:
        tasks = {line_id: _scheduled(workers, line_id, plan) for line_id in line_ids}
        for line_id, parts in tasks.items():
            count += _replaced(line_id, [witness for part in parts for witness in part.result()], plan)
            on_line(line_id)
    finally:
        workers.stop()
    return count


def _scheduled(workers: Workers, line_id: str, plan: Plan) -> list[Future]:
    return [workers.schedule(i, _search, line_id, dtype, plan) for i, dtype in enumerate(plan.chosen_dtypes())]


def _search(line_id: str, dtype: str, plan: Plan) -> list[Kept]:
    formula = line(line_id)
    claims = [native.claim for name in plan.adapters for native in load(name).natives if native.line == line_id]
    return [search(formula, dtype, departure, plan.seed) for departure in departures(formula, claims)]


def _replaced(line_id: str, searched: list[Kept], plan: Plan) -> int:
    """Keep what was searched in place of what was kept for these dtypes; how many were found."""
    untouched = [witness for witness in kept(line_id) if witness.dtype not in plan.chosen_dtypes()]
    keep(line_id, [*searched, *untouched])
    return sum(witness.found for witness in searched)
