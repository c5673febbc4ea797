"""How long identification takes from a cold start, how often it asks the box, and how its search grows with the axes.

A search over the product of all options would double its cost with every axis of two options; here one axis after another is
taken into a space, and the candidates that are looked at are counted beside the readings that there are.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
from _table import show
from gradspec.adapters import framework
from gradspec.crosscheck.identification import Identification
from gradspec.crosscheck.identification.optimizers.experiments import accepted, arguments
from gradspec.crosscheck.identification.optimizers.ladder import Ladder, rungs
from gradspec.crosscheck.identification.optimizers.playing import Player
from gradspec.crosscheck.identification.optimizers.space import Space, spaces
from gradspec.crosscheck.identification.targets import boxed
from gradspec.reference import line
from gradspec.reference.formula import Optimizer
from gradspec.reference.vocabulary import Axis

GRADSPEC = str(Path(sys.executable).parent / "gradspec")
CALLS = 60
LIMITS = {"torch.optim.Adam": 10.0, "optax.adam": 10.0}
NUMPY = """
import numpy as np


class Adam:
    def __init__(self, weights, beta1=0.9, beta2=0.999, eps=1e-8):
        self.w, self.m, self.v, self.t = weights, 0.0, 0.0, 0
        self.beta1, self.beta2, self.eps = beta1, beta2, eps

    def step(self, gradient, learning_rate):
        self.t += 1
        self.m = self.beta1 * self.m + (1 - self.beta1) * gradient
        self.v = self.beta2 * self.v + (1 - self.beta2) * gradient**2
        m, v = self.m / (1 - self.beta1**self.t), self.v / (1 - self.beta2**self.t)
        self.w = self.w - learning_rate * m / (np.sqrt(v) + self.eps)
        return self.w
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        mine = Path(folder) / "mine.py"
        mine.write_text(NUMPY)
        show("Identification from a cold start", COLD, list(_cold({**LIMITS, f"{mine}:Adam": 5.0})))
    show("The search for torch.optim.Adam(amsgrad=True), an axis more each time", GROWTH, list(_growth()))


COLD = ("box", "seconds", "of its limit", "reading", f"calls before confirmation, of {CALLS}", "calls in all")
GROWTH = ("axes", "readings", "candidates looked at", "ratio", "seconds")


def _cold(limits: dict[str, float]) -> Iterator[tuple[str, ...]]:
    for target, limit in limits.items():
        started = time.perf_counter()
        done = subprocess.run([GRADSPEC, "identify", target, "--json"], check=True, capture_output=True, env=os.environ)
        seconds = time.perf_counter() - started
        found = msgspec.json.decode(done.stdout, type=Identification)
        name = Path(target).name if "/" in target else target
        calls = found.evidence
        yield (
            name,
            f"{seconds:.1f}",
            f"{seconds / limit:.2f}",
            f"{found.line}, {found.role}",
            f"{calls.before}",
            f"{calls.calls}",
        )


def _growth() -> Iterator[tuple[str, ...]]:
    player = Player(boxed(framework("pytorch").names()["torch"].optim.Adam, {"amsgrad": True}), "float64")
    everything = spaces(player.box, {}, {})
    bench, _ = accepted(player, arguments(player.box, everything))
    played = [player.play(rung) for rung in rungs(bench)]
    whole = next(space for space in everything if line("adam") in space.lines)
    axes = whole.line.axes
    for count in range(1, len(axes) + 1):
        space = _with_axes(whole, axes[:count])
        ladder = Ladder([space], played, player.dtype)
        started = time.perf_counter()
        ladder.found()
        seconds, size = time.perf_counter() - started, space.size()
        yield axes[count - 1].name, f"{size}", f"{ladder.evaluated}", f"{ladder.evaluated / size:.2f}", f"{seconds:.2f}"


def _with_axes(space: Space, open_: tuple[Axis, ...]) -> Space:
    """The space in which only some axes have a choice; the others are as torch.optim.Adam(amsgrad=True) has them."""
    settled = {"correction": "complement-of-power", "maximum": "before-correction", "decay": "l2"}

    def closed(axis: Axis) -> Axis:
        only = settled.get(axis.name, axis.standard)
        return axis if axis in open_ else replace(axis, options=(axis.option(only),), printed=only, standard=only)

    def narrowed(one: Optimizer) -> Optimizer:
        return replace(one, axes=tuple(map(closed, one.axes)), errata=(), coincidences=())

    return replace(space, lines=tuple(map(narrowed, space.lines)))


if __name__ == "__main__":
    main()
