"""Numbers of a caption."""

from __future__ import annotations

from typing import Any


def g(value: float) -> str:
    """Three digits."""
    return f"{value:.3g}"


def known(series: Any) -> list[tuple[float, float]]:
    """The points of a series at which there is a value."""
    return [(x, y) for x, y in zip(series.x, series.y, strict=True) if y is not None]


def values(hyper: Any, *names: str) -> str:
    """The hyperparameters of those names, or all of them."""
    return ", ".join(f"{name} = {value:g}" for name, value in hyper.items() if name in names or not names)
