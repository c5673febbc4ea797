"""Where a campaign's time goes, and how often JAX compiles: a slice of the matrix, examined in this process."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import jax
import optax  # noqa: F401  (imported before the clock starts, as are the frameworks)
import torch  # noqa: F401  (as optax)
from _table import show
from gradspec.adapters.discovery import load
from gradspec.adapters.frameworks.jax import ADAPTER as JAX
from gradspec.crosscheck.arithmetic import steps as stepwise
from gradspec.crosscheck.cells import examination as examine
from gradspec.crosscheck.cells import explanation
from gradspec.crosscheck.cells.matrix import cells, modes_of
from gradspec.crosscheck.inputs import shared
from gradspec.crosscheck.inputs.profiles import profile
from gradspec.crosscheck.inputs.traces import SETTINGS
from gradspec.crosscheck.readings import compare
from gradspec.crosscheck.sheet import proofs as proof
from gradspec.reference.catalogue import line
from gradspec.reference.formula import Map

LINES = (
    "scalar.prod", "scalar.max", "scalar.sigmoid", "logistic.loss",
    "mlp2.Z", "mlp2.A", "mlp2.grad_W1", "optimizer.adam",
)  # fmt: skip
DTYPE = "float32"
OUTSIDE = ("PyTorch", "JAX", "Hypothesis")


class Clock:
    """Seconds by part; a part that calls another is not charged for it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._running = ["the rest of the engine"]
        self._since = time.perf_counter()

    def _switch(self) -> None:
        now = time.perf_counter()
        self.seconds[self._running[-1]] += now - self._since
        self._since = now

    @contextmanager
    def charged_to(self, part: str) -> Iterator[None]:
        self._switch()
        self._running.append(part)
        try:
            yield
        finally:
            self._switch()
            self._running.pop()

    def watch(self, owner: Any, name: str, part: str) -> None:
        original: Callable = getattr(owner, name)

        def timed(*args: Any, **named: Any) -> Any:
            with self.charged_to(part):
                return original(*args, **named)

        setattr(owner, name, timed)


def watched() -> Clock:
    clock = Clock()
    for name, part in (("pytorch", "PyTorch"), ("jax", "JAX")):
        for method in ("pull_back", "push_forward", "optimize", "run_update", "missing"):
            clock.watch(load(name), method, part)
    clock.watch(shared, "draw", "Hypothesis")
    clock.watch(compare, "allowed", "what readings allow (rounding model)")
    clock.watch(stepwise.Steps, "_goes_on", "what readings allow (rounding model)")
    clock.watch(compare.Observed, "violation", "comparing numbers with budgets")
    clock.watch(explanation, "largest_ulps", "truth (balls)")
    clock.watch(proof, "of", "proofs (SymPy)")
    return clock


def shares() -> None:
    clock, chosen = watched(), cells(("pytorch", "jax"), LINES, (DTYPE,))
    with clock.charged_to("the rest of the engine"):
        for cell in chosen:
            examine.examine(cell, profile("standard"))
        for line_id in LINES:
            proof.of(line(line_id))
    total = sum(clock.seconds.values())
    engine = sum(seconds for part, seconds in clock.seconds.items() if part not in OUTSIDE)
    rows = [
        (part, f"{seconds:.2f} s", f"{seconds / total:.0%}", "" if part in OUTSIDE else f"{seconds / engine:.0%}")
        for part, seconds in sorted(clock.seconds.items(), key=lambda item: (item[0] not in OUTSIDE, -item[1]))
    ]
    rows.append(("outside frameworks and Hypothesis", f"{engine:.2f} s", f"{engine / total:.0%}", "100%"))
    title = f"{len(chosen)} cells: {len(LINES)} lines × {DTYPE} × 2 adapters, and the lines' proofs"
    show(title, ("part", "time", "of all", "of the engine"), rows)


# --- compilations ---------------------------------------------------------------------------------------------------


def compilations(line_id: str, mode: str, examples: int) -> int:
    """How often XLA compiles while a line's cells of one mode are examined from a fresh start."""
    JAX.forget()
    jax.clear_caches()
    effort = replace(profile("standard"), name=f"{examples} examples", examples=examples, traces=max(1, examples // 4))
    with JAX.compilations() as found:
        for cell in cells(("jax",), (line_id,), (DTYPE,)):
            if cell.mode == mode:
                examine.examine(cell, effort)
    return len(found)


def bound(line_id: str) -> int:
    """Subjects × shape buckets (hyperparameter settings for an optimizer), once backwards and once forwards."""
    formula, adapter = line(line_id), load("jax")
    natives = [native for native in adapter.natives if native.line == line_id]
    subjects = sum("jit" in modes_of(adapter, formula, native) for native in (None, *natives))
    if not isinstance(formula, Map):
        return subjects * (SETTINGS + 1)  # and one for the start of the state
    effort = replace(profile("standard"), examples=100)
    shapes = {tuple(array.shape for array in sample.arrays.values()) for sample in shared.samples(formula, DTYPE, effort, 0)}
    return subjects * len(shapes) * 2


def compiled() -> None:
    rows: list[list[Any]] = []
    for line_id in LINES:
        once, twice = (compilations(line_id, "jit", examples) for examples in (24, 48))
        rows.append([line_id, once, twice, bound(line_id)])
    above = [str(line_id) for line_id, *found, most in rows if max(found) > most]
    rows.append(["together", *(sum(row[i] for row in rows) for i in (1, 2, 3))])
    show(
        f"JAX compilations under jit, {DTYPE}",
        ("line", "24 examples", "48 examples", "bound: subjects × buckets × (vjp, jvp)"),
        rows,
    )
    print(f"target: no line compiles more often than its bound: {'missed by ' + ', '.join(above) if above else 'met'}")


def main() -> None:
    shares()
    compiled()


if __name__ == "__main__":
    main()
