"""How far a campaign or an identification is, on stderr: a bar on a terminal; of a campaign a plain line elsewhere."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ..reports.signs import SIGNS, fails
from ..reports.words.cells import reason

if TYPE_CHECKING:
    from ..crosscheck.findings import Finding
    from ..crosscheck.identification.stages import Listener
    from ..crosscheck.identification.stages import Progress as Told

EVERY = 10.0  # seconds between plain lines: a log of three minutes has about twenty


@contextmanager
def stages(console: Console | None = None) -> Iterator[Listener | None]:
    """Who shows how far an identification is: a bar where both outputs go to a terminal, else nobody."""
    console = console or Console(stderr=True)
    if not (console.is_terminal and sys.stdout.isatty()):
        yield None
        return
    columns = (BarColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=console, transient=True) as bar:
        yield partial(_show, bar, bar.add_task("importing", total=None))


def _show(bar: Progress, task: TaskID, told: Told) -> None:
    from ..crosscheck.identification.stages import Stage

    order = list(Stage)
    share = told.done / told.of if told.of else 0.0
    counted = f" ({told.done + 1} of {told.of})" if told.of else ""
    words = {
        Stage.PLAYED: "playing the first traces",
        Stage.SEARCHED: f"trying {told.what}{counted}",
        Stage.SEARCHED_NARROW: f"trying {told.what} with numbers stored in float32{counted}",
        Stage.SEPARATED: "telling readings apart",
        Stage.LOOKED_AROUND: "trying missing gradients, late weights and saved state",
        Stage.CONFIRMED: f"confirming on drawn runs{counted}",
    }
    bar.update(task, total=len(order), completed=order.index(told.stage) + share, description=words[told.stage])


class Shown(Protocol):
    """What a long run tells: how many steps there are, and each as it is done."""

    def start(self, total: int) -> None: ...

    def step(self, name: str) -> None: ...

    def found(self, finding: Finding) -> None: ...


@contextmanager
def progress(unit: str, console: Console | None = None) -> Iterator[Shown]:
    """``unit`` is what is counted: cells, lines."""
    console = console or Console(stderr=True)
    if not console.is_terminal:
        yield Plain(console, unit)
        return
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        yield Bar(bar)


class Bar:
    """A bar, with the step that was finished last; cells that fail the run stay above it."""

    def __init__(self, bar: Progress):
        self.bar = bar
        self.task = bar.add_task("", total=None)

    def start(self, total: int) -> None:
        self.bar.update(self.task, total=total)

    def step(self, name: str) -> None:
        self.bar.update(self.task, advance=1, description=name)

    def found(self, finding: Finding) -> None:
        self.step(finding.cell.id)
        if _is_news(finding):
            self.bar.console.print(_failure(finding), markup=False, highlight=False, soft_wrap=True)


class Plain:
    """A line every ten seconds, one for each cell that fails the run, and one at the end."""

    def __init__(self, console: Console, unit: str):
        self.console, self.unit = console, unit
        self.done = self.total = 0
        self.verdicts: Counter[str] = Counter()
        self.last = time.monotonic()

    def start(self, total: int) -> None:
        self.total = total

    def step(self, name: str) -> None:
        self.done += 1
        if self.done == self.total or time.monotonic() - self.last > EVERY:
            self.last = time.monotonic()
            counts = ", ".join(f"{n} {verdict}" for verdict, n in self.verdicts.most_common())
            self._say(f"{self.done} of {self.total} {self.unit}{counts and ': ' + counts}")

    def found(self, finding: Finding) -> None:
        self.verdicts[finding.verdict] += 1
        if _is_news(finding):
            self._say(_failure(finding))
        self.step(finding.cell.id)

    def _say(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


def _is_news(finding: Finding) -> bool:
    """What fails the run is told at once, except for what did not run: that may be a whole framework."""
    return fails(finding) and finding.verdict != "not-run"


def _failure(finding: Finding) -> str:
    return f"{SIGNS[finding.verdict]} {finding.verdict} {finding.cell.id}: {reason(finding)}"
