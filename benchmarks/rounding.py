"""What a budget for every entry costs: the network's gradients in floating point, under the rounding model, in balls."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # as in a campaign, where the workers are the parallelism

import time

import numpy as np
from _network import gradients, inputs
from _table import medians, ms, show
from gradspec.crosscheck.arithmetic.formats import precision
from gradspec.crosscheck.arithmetic.objects import precise
from gradspec.crosscheck.arithmetic.rounding import Rounding
from gradspec.reference.namespace import Floating

ARRAYS = inputs()


def main() -> None:
    floating, model = Floating(np.float64), Rounding(precision("float64"))

    def plain() -> tuple:
        return gradients(floating, **ARRAYS)

    def budgets() -> tuple:
        return gradients(model, **{name: model.asarray(array) for name, array in ARRAYS.items()})

    def truth() -> tuple:
        with precise() as xp:
            return gradients(xp, **{name: xp.asarray(array) for name, array in ARRAYS.items()})

    seconds = medians({"NumPy, float64": plain, "rounding model": budgets}, repeats=15, clock=time.process_time, burst=20)
    seconds |= medians({"truth, arb balls": truth}, repeats=3, clock=time.process_time)
    entries = sum(bar.size for bar in plain())
    base = seconds["NumPy, float64"]
    rows = [(name, ms(s), f"{s / entries * 1e9:,.0f} ns", f"{s / base:,.1f}") for name, s in seconds.items()]
    show(f"{entries} gradient entries", ("arithmetic", "median", "an entry", "× NumPy's"), rows)


if __name__ == "__main__":
    main()
