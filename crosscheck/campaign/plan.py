"""What a campaign is to run."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...reference.catalogue import sources
from ...reference.formula import Formula
from ..cells.matrix import cells, chosen_dtypes, chosen_lines
from ..findings import Cell


@dataclass(frozen=True)
class Plan:
    """What to run: adapters and lines by name (no lines or dtypes: all), the effort, the seed, and the workers.

    ``formulas`` are the files and modules of formulas of one's own, which each worker loads. ``timeout`` is in seconds, for one
    cell; what is found out about a line itself has a multiple of it.
    """

    adapters: tuple[str, ...]
    lines: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    profile: str = "standard"
    seed: int = 0
    workers: int = 2
    timeout: float = 60.0
    formulas: tuple[str, ...] = field(default_factory=sources)

    def cells(self) -> list[Cell]:
        return cells(self.adapters, self.lines, self.dtypes)

    def chosen_lines(self) -> list[Formula]:
        return chosen_lines(self.lines)

    def chosen_dtypes(self) -> tuple[str, ...]:
        return chosen_dtypes(self.dtypes)
