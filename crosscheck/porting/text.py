"""A port as a text of at most 100 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...reference.catalogue import line as line_named

if TYPE_CHECKING:
    from .answer import Mapped, Port
    from .remains import Remains

WIDTH = 100
HEADS = {
    "same": "the same function, at the same values",
    "mapped": "the same function",
    "closest": "NOT THE SAME: this is the closest there is",
}


def text(port: Port) -> str:
    parts = [
        _head(port),
        _code(port),
        _values(port),
        _conditions(port),
        _difference(port),
        _remains(port),
        _runnable(port),
        _notes(port),
    ]
    return "\n\n".join("\n".join(lines) for lines in map(list, [*parts, _proof(port)]) if lines)


def _head(port: Port) -> Iterator[str]:
    versions = ", ".join(f"{name} {version}" for name, version in port.versions.items())
    what = HEADS[port.verdict] if port.code else f"gradspec knows no optimizer of {port.to} that it could be written with"
    changed = (
        ", at other values" if port.verdict == "mapped" and any(m.rule != n for n, m in port.hyperparameters.items()) else ""
    )
    on = ", on a condition" if port.verdict == "mapped" and not changed else ""
    yield f"{port.source} → {port.to} ({versions})"
    yield f"{port.title} ({port.line}): {what}{changed}{on}"


def _code(port: Port) -> Iterator[str]:
    yield from _indented(port.code)


def _indented(source: str) -> Iterator[str]:
    yield from (f"    {row}".rstrip() for row in source.rstrip().splitlines())


def _values(port: Port) -> Iterator[str]:
    changed = {name: value for name, value in port.hyperparameters.items() if value.rule != name}
    if not changed:
        return
    yield "Values"
    width = max(map(len, changed))
    for name, value in changed.items():
        yield f"  {name:{width}}  {_moved(value)}{value.rule}"


def _moved(value: Mapped) -> str:
    if value.source is None or value.target is None:
        return ""
    return f"{value.source:g} → {value.target:.15g}, which is "


def _conditions(port: Port) -> Iterator[str]:
    if port.conditions:
        yield _item("As long as", " and ".join(port.conditions))


def _difference(port: Port) -> Iterator[str]:
    if port.verdict != "closest" or not port.parts:
        return
    line = line_named(port.line)
    yield "The two readings differ in"
    for axis, (mine, theirs) in port.parts.items():
        known = line.axis(axis)
        yield _item(
            f"  {axis}", f"{mine} ({known.option(mine).meaning}), where {port.to} has {theirs} ({known.option(theirs).meaning})"
        )
    if port.witness is not None:
        w = port.witness
        gradients, rates = (", ".join(f"{x:g}" for x in xs) for xs in (w.gradients, w.rates))
        yield _item(
            "  shown by",
            f"a weight {w.weight:g}, gradients {gradients}, rates {rates}: it becomes {_number(w.source)} there and "
            f"{_number(w.target)} here",
        )


def _number(value: float | None) -> str:
    return "no number" if value is None else f"{value!r}"


def _remains(port: Port) -> Iterator[str]:
    if not port.remains:
        return
    one = port.remains[0]
    yield _item(
        "What remains",
        f"over {len(one.updates)} steps of {one.weights} weights at a constant rate {one.rate:g}, with gradients that are a "
        "normal mean for each weight and normal noise of that size: the largest relative difference of an update, and of the "
        "way gone since the start",
    )
    yield "  gradients of size  largest update    at step  update at the end  way at the end"
    yield from map(_row, port.remains)


def _row(remains: Remains) -> str:
    largest, step = remains.largest_update
    return f"  {remains.gradients:<17g}  {largest:<14.2g}  {step:>7}  {remains.updates[-1]:<17.2g}  {remains.ways[-1]:.2g}"


def _runnable(port: Port) -> Iterator[str]:
    if port.runnable:
        yield "Exactly the same, whatever the rate does, by gradspec:"
        yield ""
        yield from _indented(port.runnable)


def _notes(port: Port) -> Iterator[str]:
    yield from (_item("Note", words) for words in port.notes)
    if port.made_of and port.exact:
        first, *others = port.made_of
        yield _item("Note", f"no native is claimed to be it: it is {first} with what {' and '.join(others)} adds")


def _proof(port: Port) -> Iterator[str]:
    if port.proof is not None:
        p = port.proof
        traces = f"{p.traces} trace{'s' if p.traces > 1 else ''} of {p.steps} steps of {p.weights} weights in {p.dtype}"
        yield _item("Proved", f"by running it ({p.mode}) over {traces}: its error is at most {p.worst_share:.2f} of the budget")


def _item(name: str, words: str) -> str:
    hang = " " * (len(name) + 2)
    return textwrap.fill(
        words, WIDTH, initial_indent=f"{name}  ", subsequent_indent=hang, break_long_words=False, break_on_hyphens=False
    )
