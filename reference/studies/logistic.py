"""Logistic regression: the gradient of the loss where ŷ falls to 0, and training along the printed gradient."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..formula import Map
from ..lines.sgd import sgd
from ..vocabulary import Study
from .text import g


def _guarded(lab: Any) -> Iterator[Any]:
    """|∂L/∂ŷ| for the target 1 as ŷ falls to 0, with and without a clamp."""
    y_hat = 10.0 ** -np.arange(0.5, 20.25, 0.5)
    arrays, flow = {"y_hat": y_hat, "y": np.ones_like(y_hat)}, np.ones_like(y_hat)
    plain, clamped = (lab.formula.vjp(flow, **arrays, reading={"guard": guard})["y_hat"] for guard in ("none", "clamp"))
    half = y_hat[np.abs(plain) > 2 * np.abs(clamped)]
    bars = {"unguarded": plain, "clamped": clamped, **lab.observed(derived=False, **arrays)}
    series = lab.merged([lab.series(label, y_hat, np.abs(bar), positive=True) for label, bar in bars.items()])
    caption = f"Target 1, float64. The clamped gradient is at most {g(np.abs(clamped).max())}; it is less than half of the " + (
        f"unguarded one from ŷ = {g(half.max())} down." if half.size else "unguarded one nowhere here."
    )
    yield lab.curve("The gradient as ŷ falls to 0", caption, ("ŷ", "|∂L/∂ŷ|"), series, ("log", "log"))


# Four examples that no line through the origin separates, so that the best fit is finite.
FEATURES = ((1.0, 0.5), (0.5, -1.0), (-1.0, 0.25), (0.75, 1.0))
TARGETS = (1.0, 0.0, 0.0, 0.0)
RATE = 0.5
STEPS = 40


def _training(lab: Any) -> Iterator[Any]:
    """Line 38 along the printed gradient and along the standard one, judged by the cross-entropy."""
    t = range(STEPS + 1)
    losses = {label: _descended(lab.formula, label, len(t)) for label in ("printed", "standard")}
    series = [lab.series(label, t, found) for label, found in losses.items()]
    said = "; along ".join(f"the {label} gradient {_progress(found)}" for label, found in losses.items())
    caption = f"Four examples, rate {RATE:g}. Along {said}."
    yield lab.curve("Training with line 38", caption, ("step", "mean cross-entropy"), series)


def _progress(losses: Sequence[float]) -> str:
    rises = sum(b > a for a, b in itertools.pairwise(losses))
    return f"it goes from {g(losses[0])} to {g(losses[-1])}, rising at {rises} of {len(losses) - 1} steps"


def _descended(formula: Map, role: str, count: int) -> list[float]:
    """The mean cross-entropy before each step of a descent along ``role``'s gradient."""
    examples = [(np.array(x)[:, None], y) for x, y in zip(FEATURES, TARGETS, strict=True)]
    w, losses = np.zeros((2, 1)), []
    state = sgd.init(w)
    for _ in range(count):
        losses.append(float(np.mean([formula(w, x, 0.0, y, reading="standard") for x, y in examples])))
        gradient = np.mean([formula.vjp(1.0, w, x, 0.0, y, reading=role)["w"] for x, y in examples], axis=0)
        w, state = sgd.step(w, gradient, state, RATE)
    return losses


GUARDED, TRAINING = Study("guarded", _guarded), Study("training", _training)
