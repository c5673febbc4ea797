"""How readings of any optimizer, one axis away, leave the printed one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from ..formula import Optimizer
from ..vocabulary import Study
from .text import g, known, values

STEPS = 20
DISTINCT = 6  # series that a drawing can tell apart
DROP = 8  # the step from which the rate is another, so that it matters when the rate enters


def _departures(lab: Any) -> Iterator[Any]:
    """By the options that a conformance run tries."""
    for labels in _few_at_a_time(lab.formula):
        yield _departing(lab, labels)


def _few_at_a_time(formula: Optimizer) -> list[list[tuple[str, str]]]:
    """The options that are not printed, axis by axis, in groups that a drawing can tell apart."""
    groups: list[list[tuple[str, str]]] = []
    for axis in formula.axes:
        labels = [(axis.name, option.name) for option in axis.options if option.in_matrix and option.name != axis.printed]
        if not groups or len(groups[-1]) + len(labels) > DISTINCT:
            groups.append([])
        groups[-1] += labels
    return [labels for labels in groups if labels]


def _departing(lab: Any, labels: Sequence[tuple[str, str]]) -> Any:
    t, printed = range(1, STEPS + 1), lab.formula.printed
    gradients = [math.cos(1.7 * step) + 0.25 for step in t]
    rates = [0.125 if step < DROP else 0.0625 for step in t]
    readings = [printed, *(printed.but(**{axis: option}) for axis, option in labels)]
    paths = {reading: lab.path(reading, gradients, rates, 1.0) for reading in readings}
    used = values(lab.hyper, *{hyper.name for reading in readings for hyper in lab.formula.used_by(reading)})
    series = []
    for axis, option in labels:
        pairs = zip(paths[printed.but(**{axis: option})], paths[printed], strict=True)
        series.append(lab.series(f"{axis}={option}", t, [float(abs(a - b).mid()) for a, b in pairs], positive=True))
    return lab.curve(
        f"Leaving the printed reading on {', '.join(dict.fromkeys(axis for axis, _ in labels))}",
        f"Gradients cos(1.7 t) + 1/4, a rate of 1/8 that is halved at t = {DROP}, {used}. {_leaving(series)}",
        ("t", "|W - W as printed|"),
        series,
        ("linear", "log"),
    )


def _leaving(series: Sequence[Any]) -> str:
    """When each series starts, and which is farthest away at the end."""
    points = {one.label: known(one) for one in series}
    starts: dict[float, list[str]] = {}
    for label, found in points.items():
        starts.setdefault(found[0][0] if found else math.inf, []).append(label)
    said = [
        f"{', '.join(labels)} {'depart' if len(labels) > 1 else 'departs'} "
        + (f"at t = {t:g}" if math.isfinite(t) else "nowhere")
        for t, labels in sorted(starts.items())
    ]
    last = {label: found[-1][1] for label, found in points.items() if found and found[-1][0] == STEPS}
    far = max(last, key=last.__getitem__, default="")
    return "; ".join(said) + "." + (f" At t = {STEPS} {far} is farthest away, by {g(last[far])}." if far else "")


DEPARTURES = Study("departures", _departures)
