"""A curve as an inline SVG that takes its colours from the page, so that it follows light and dark."""

from __future__ import annotations

import hashlib
import io
import math
import re
from collections.abc import Iterable
from html import escape
from typing import Any

from ...crosscheck.findings import Curve, Series

STYLES = ("-", "--", "-.", ":", (0, (8, 2, 1, 2, 1, 2)), (0, (1, 3)))  # readable without colour
MARKERS = ("o", "s", "^", "D", "v", "x")
LARGEST = 1e300  # beyond it matplotlib's margins overflow

# Colours that nothing else draws with, to be replaced by the page's variables.
INK, FAINT = "#0a0b0c", "#0d0e0f"
SERIES = tuple(f"#0{i}aa0{i}" for i in range(1, 7))
VARIABLES = {INK: "var(--ink)", FAINT: "var(--rule)", **{colour: f"var(--series-{i})" for i, colour in enumerate(SERIES, 1)}}
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def draw(curve: Curve) -> str:
    """The SVG element; the same curve gives the same characters."""
    import matplotlib

    salt = hashlib.sha256(repr(curve).encode()).hexdigest()[:12]
    with matplotlib.rc_context(
        {
            "svg.hashsalt": salt,
            "svg.fonttype": "none",
            "text.parse_math": False,
            "font.family": "sans-serif",
            "font.sans-serif": ["DejaVu Sans"],  # ships with matplotlib, so that the layout is the same everywhere
            "font.size": 11,
        }
    ):
        return _for_a_page(_svg(curve), curve)


def _svg(curve: Curve) -> str:
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.4, 3.3), layout="constrained")
    canvas = FigureCanvasSVG(figure)
    axes = figure.add_subplot()
    drawn = [_clean(series) for series in curve.series]
    _scale(axes, curve, drawn)
    lines = [_line(axes, series, i) for i, series in enumerate(drawn)]
    _dress(axes, curve)
    if lines:
        _legend(figure, lines, [series.label for series in drawn])
    buffer = io.StringIO()
    canvas.print_svg(buffer, metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def _clean(series: Series) -> Series:
    y: list[float | None] = [math.nan if value is None or not abs(value) <= LARGEST else value for value in series.y]
    x = [math.nan if not abs(value) <= LARGEST else value for value in series.x]
    return Series(series.label, x, y)


def _scale(axes: Any, curve: Curve, drawn: list[Series]) -> None:
    """A logarithmic axis needs something positive on it; without, the axis is linear."""
    xs, ys = _finite(x for s in drawn for x in s.x), _finite(y for s in drawn for y in s.y)
    if curve.x_scale == "log" and any(x > 0 for x in xs):
        axes.set_xscale("log")
    if curve.y_scale == "log" and any(y > 0 for y in ys):
        axes.set_yscale("log")
    if curve.y_scale == "symlog" and any(ys):
        sizes = [abs(y) for y in ys if y]
        axes.set_yscale("symlog", linthresh=_next_power(max(min(sizes), max(sizes) * 1e-8)))
    for axis in (axes.xaxis, axes.yaxis):
        if axis.get_scale() != "linear":
            _label_powers(axis)


def _next_power(value: float) -> float:
    """The linear part ends at a labelled tick, so that no label falls into it."""
    return 10.0 ** math.ceil(math.log10(value))


def _finite(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None and math.isfinite(value)]


def _label_powers(axis: Any) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: _power(value)))
    axis.set_minor_formatter(NullFormatter())


def _power(value: float) -> str:
    if value == 0:
        return "0"
    exponent = math.log10(abs(value))
    if abs(exponent - round(exponent)) > 1e-9:
        return ""
    sign = "−" if value < 0 else ""
    plain = {0: "1", 1: "10", 2: "100"}.get(round(exponent))
    return sign + (plain or "10" + str(round(exponent)).translate(SUPERSCRIPTS))


def _line(axes: Any, series: Series, i: int) -> Any:
    few = len(series.x) <= 12
    (line,) = axes.plot(
        series.x,
        series.y,
        color=SERIES[i % len(SERIES)],
        linestyle=STYLES[i % len(STYLES)],
        linewidth=1.8,
        marker=MARKERS[i % len(MARKERS)],
        markersize=4 if few else 3.5,
        markevery=1 if few else max(1, len(series.x) // 10),
    )
    return line


def _dress(axes: Any, curve: Curve) -> None:
    axes.set_xlabel(curve.x_label, color=INK)
    axes.set_ylabel(curve.y_label, color=INK)
    axes.tick_params(which="both", color=FAINT, labelcolor=INK)
    axes.tick_params(which="minor", length=0)
    axes.grid(True, which="major", color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(FAINT)
    axes.patch.set_visible(False)
    axes.figure.patch.set_visible(False)


def _legend(figure: Any, lines: list[Any], labels: list[str]) -> None:
    columns = 1 if max(map(len, labels)) > 26 else min(2, len(labels))
    shown = [f" {label}" if label.startswith("_") else label for label in labels]  # matplotlib hides a leading underscore
    figure.legend(lines, shown, loc="outside upper left", ncols=columns, frameon=False, labelcolor=INK, handlelength=3)


def _for_a_page(svg: str, curve: Curve) -> str:
    """Drop the XML prologue and the ids that would repeat on a page with several curves; let it scale and name itself."""
    svg = svg[svg.index("<svg") :].strip()
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<(?:g|svg)\b[^>]*?) id="[^"]*"', r"\1", svg)
    svg = re.sub(r'^(<svg\b[^>]*?) height="[^"]*"', r"\1", svg)
    svg = re.sub(r'^(<svg\b[^>]*?) width="[^"]*"', r"\1", svg)
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, variable)
    label = escape(f"{curve.title}. {curve.caption}", quote=True)
    return svg.replace("<svg ", f'<svg class="curve" role="img" aria-label="{label}" ', 1)
