"""An optimizer written for another framework, as text."""

from __future__ import annotations

from collections.abc import Iterator

from ...crosscheck.answers import Mapped, Port, Refusal
from ..words.cells import losses
from ..words.samples import SCHEDULES
from . import words
from .layout import indented, item, sections, table
from .words import numbers

_HEADS = {
    "same": "the same function, at the same values",
    "mapped": "the same function",
    "closest": "NOT THE SAME: this is the closest there is",
}


def text(port: Port) -> str:
    return sections(
        _head(port),
        indented(port.code),
        _values(port),
        _conditions(port),
        _difference(port),
        _remains(port),
        _runnable(port),
        (item("Note", note) for note in _notes(port)),
        _proof(port),
    )


def _head(port: Port) -> Iterator[str]:
    what = _HEADS[port.verdict] if port.code else f"gradspec knows no optimizer of {port.to} that it could be written with"
    mapped = port.verdict == "mapped"
    how = ", at other values" if mapped and port.changed else ", on a condition" if mapped else ""
    yield item("", f"{port.source} → {port.to} ({words.versions(port.versions)})")
    yield item("", f"{port.title} ({port.line}): {what}{how}")


def _values(port: Port) -> Iterator[str]:
    if port.changed:
        yield "Values"
        yield from table([(name, f"{_moved(value)}{value.rule}") for name, value in port.changed.items()])


def _moved(value: Mapped) -> str:
    if value.source is None or value.target is None:
        return ""
    return f"{value.source:g} → {value.target:.15g}, which is "


def _conditions(port: Port) -> Iterator[str]:
    said = ["the rate stays constant"] if port.constant_rate else []
    said += [f"{own} stays {value:g}" for own, value in port.stays.items()]
    if said:
        yield item("As long as", " and ".join(said))


def _difference(port: Port) -> Iterator[str]:
    if port.verdict != "closest" or not port.differs:
        return
    yield "The two readings differ in"
    for axis, (mine, theirs) in port.differs.items():
        known = port.formula.axis(axis)
        source, target = (f"{option} ({known.option(option).meaning})" for option in (mine, theirs))
        yield item(axis, f"{source}, where {port.to} has {target}", 2)
    if (w := port.witness) is not None:
        trace = f"a weight {w.weight:g}, gradients {numbers(w.gradients)}, rates {numbers(w.rates)}"
        yield item("shown by", f"{trace}: it becomes {_number(w.source)} there and {_number(w.target)} here", 2)


def _number(value: float | None) -> str:
    return "no number" if value is None else f"{value!r}"


def _remains(port: Port) -> Iterator[str]:
    if not port.remains:
        return
    one = port.remains[0]
    yield item(
        "What remains",
        f"over {len(one.updates)} steps of {one.weights} weights at a constant rate {one.rate:g}, with gradients that are a "
        "normal mean for each weight and normal noise of that size: the largest relative difference of an update, and of the "
        "way gone since the start",
    )
    rows = []
    for remains in port.remains:
        largest, step = remains.largest_update
        at_the_end = (f"{remains.updates[-1]:.2g}", f"{remains.ways[-1]:.2g}")
        rows.append((f"{remains.gradients:g}", f"{largest:.2g}", str(step), *at_the_end))
    yield from table(rows, ("gradients of size", "largest update", "at step", "update at the end", "way at the end"))


def _runnable(port: Port) -> Iterator[str]:
    if port.runnable:
        yield "Exactly the same, whatever the rate does, by gradspec:"
        yield ""
        yield from indented(port.runnable)


def _notes(port: Port) -> Iterator[str]:
    yield from _doubts(port)
    yield from (f"{name} should be it, but is not: {_why(refusal)}" for name, refusal in port.refused.items())
    for one in port.closer:
        row = f"with gradients of size {one.gradients:g} a closer one is {one.code}"
        yield f"{row}: the largest relative difference of an update is {one.largest_update:.2g}"
    if port.proof is not None and port.proof.losses:
        yield f"in the target, {losses(port.proof.losses)}"
    if port.made_of and port.exact:
        first, *others = port.made_of
        yield f"no native is claimed to be it: it is {first} with what {' and '.join(others)} adds"


def _doubts(port: Port) -> Iterator[str]:
    doubts = port.doubts
    if doubts.stored:
        shows = f", which shows from step {doubts.shows_from} on" if doubts.shows_from is not None else ""
        yield f"{port.source} stores {words.stored(doubts.stored)}{shows}"
    if doubts.same:
        ways = " or ".join(words.separators(doubts.separated_by, doubts.refused))
        tell = f"; {ways} would tell" if ways else ""
        yield f"{port.source} fits further readings as well: what is ported is the likeliest of them{tell}"


def _why(refusal: Refusal) -> str:
    if not refusal.schedule:
        return refusal.words
    where = f"at step {refusal.step} with {SCHEDULES[refusal.schedule]}"
    if refusal.target is None:
        return f"the two readings can be told apart {where}, at weight {refusal.weight}"
    return f"{where} weight {refusal.weight} is {refusal.target!r}, where the source's reading gives {refusal.source!r}"


def _proof(port: Port) -> Iterator[str]:
    if (p := port.proof) is not None:
        traces = f"{p.traces} trace{'s' if p.traces > 1 else ''} of {p.steps} steps of {p.weights} weights in {p.dtype}"
        yield item("Proved", f"by running it ({p.mode}) over {traces}: its error is at most {p.worst_share:.2f} of the budget")
