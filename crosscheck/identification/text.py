"""An identification as a text of at most 100 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ...reference.catalogue import line
from ...reference.formula import Formula
from ...reference.vocabulary import Option
from .optimizers.trace_witnesses import STEPS

if TYPE_CHECKING:
    from .answer import Bound, Identification
    from .optimizers.trace_witnesses import TraceWitness

WIDTH = 100
SHOWN = 4  # gradients of a witness that are shown, the last ones


def text(answer: Identification) -> str:
    parts = [
        _head(answer),
        _verdict(answer),
        _when_asked(answer),
        _inside(answer),
        _ambiguity(answer),
        _failure(answer),
        _arguments(answer),
        _told_apart(answer),
        _surroundings(answer),
        _evidence(answer),
    ]
    return "\n\n".join("\n".join(lines) for lines in map(list, parts) if lines)


def _head(answer: Identification) -> Iterator[str]:
    versions = ", ".join(f"{name} {version}" for name, version in answer.versions.items())
    flags = "".join(f", {name}={value}" for name, value in answer.flags.items())
    yield f"{answer.target}{flags} · {versions or answer.framework} · {answer.dtype}"


def _verdict(answer: Identification) -> Iterator[str]:
    name = f"{answer.title} ({answer.line})"
    if answer.verdict == "no-reading":
        yield f"NO READING FITS. The nearest is {name}, {_role(answer)}."
    elif answer.verdict == "ambiguous":
        yield f"{name}, {_role(answer)}, OR ANOTHER: readings are left that could not be told apart."
    else:
        yield f"{name}, {_role(answer)}"
    if answer.ascends:
        yield "  It steps along the gradient, to maximize."
    yield from _differences("the printed reading", answer.from_printed, answer)
    yield from _differences("the standard reading", answer.from_standard, answer)


def _role(answer: Identification) -> str:
    both = not answer.from_printed and not answer.from_standard
    if both:
        return "as printed, which is the standard reading" if answer.role else "the only reading"
    return {"standard": "the standard reading", "printed": "the printed reading", "": "in a reading of its own"}[answer.role]


def _differences(name: str, axes: dict[str, tuple[str, str]], answer: Identification) -> Iterator[str]:
    if axes:
        yield f"  It differs from {name} in"
        width = max(len(axis) for axis in axes)
        for axis, (mine, theirs) in axes.items():
            yield _item(f"{axis:{width}}", f"{mine}, not {theirs}{_meaning(_option(answer, axis, mine))}", 4)


def _option(answer: Identification, axis: str, option: str) -> Option:
    return answer.formula.axis(axis).option(option)


def _meaning(option: Option) -> str:
    return f": {option.meaning}" if option.meaning else ""


def _when_asked(answer: Identification) -> Iterator[str]:
    """The axes that come into play with arguments that are off as the box is configured."""
    body = line(answer.body)
    rows = [
        _item(axis, f"{option}{_asked(answer, body.axis(axis).option(option))}", 4)
        for axis, option in answer.reading.items()
        if answer.configured.get(axis, body.standard[axis]) != option
    ]
    if {axis.name for axis in body.axes} != set(answer.configured):
        bound = {name: b for name, b in answer.hyperparameters.items() if b.own}
        off = [f"{b.own} other than {_number(b.value)}" for name, b in bound.items() if _is_off(body, name, b)]
        how = "with" if rows else "the standard reading"
        yield _item("", f"With {' or '.join(off)} it is {body.title} ({body.id}), {how}", 2)
    elif rows:
        yield "  When asked for more than it does as configured:"
    yield from rows


def _is_off(body: Formula, name: str, bound: Bound) -> bool:
    hyper = next(h for h in getattr(body, "hyperparameters", ()) if h.name == name)
    return hyper.neutral is not None and bound.value in (hyper.neutral, None)


def _asked(answer: Identification, option: Option) -> str:
    bound = answer.hyperparameters.get(option.needs)
    asked = f" with {bound.own} other than {_number(bound.value)}" if bound is not None and bound.own else ""
    return f"{asked}{_meaning(option)}"


def _inside(answer: Identification) -> Iterator[str]:
    if answer.held and answer.verdict != "no-reading":
        yield _item("Inside", f"held in float32: {', '.join(answer.held)}; this shows {answer.shows}.", 0)
        words = f"The numbers are those of rounding to float32 there, and within the budget of {answer.dtype} elsewhere."
        yield _item("", words, 2)
    if answer.wide:
        words = "it would fit if all were computed in float32, but no quantity held in float32 explains these numbers"
        yield _item("Inside", words, 0)


def _ambiguity(answer: Identification) -> Iterator[str]:
    if not answer.same:
        return
    yield "Not told apart from"
    for other in answer.same:
        changed = [f"{axis}={option}" for axis, option in other.items() if answer.reading.get(axis) != option]
        yield f"    {', '.join(changed) or 'the same reading, other quantities in float32'}"
    ways = " or ".join(answer.apart_by) or "nothing that was tried: for such a box they may be one function"
    yield _item("What would tell them apart:", ways, 2)


def _failure(answer: Identification) -> Iterator[str]:
    if answer.failure is not None:
        yield f"The smallest trace on which the nearest fails, at step {answer.failure.step}:"
        yield from _table([answer.failure], ["the nearest"])
    if answer.trace:
        yield "The shortest life of the box on which the reading fails:"
        yield from (f"    {i}. {line}" for i, line in enumerate(answer.trace[:-1], start=1))
        yield f"    {answer.trace[-1]}"


def _arguments(answer: Identification) -> Iterator[str]:
    taken = [
        f"{name} = {b.own if b.own != name else ''}{' = ' if b.own != name else ''}{_number(b.value)}"
        for name, b in answer.hyperparameters.items()
        if b.own
    ]
    assumed = [f"{name} = {_number(b.value)}" for name, b in answer.hyperparameters.items() if not b.own]
    if taken:
        yield _item("Arguments", "; ".join(taken), 0)
    if assumed:
        yield _item("Assumed", f"{'; '.join(assumed)} (it takes no such argument)", 0)
    for name, why in answer.refused.items():
        yield _item("Left alone", f"{name}, since {why}", 0)


def _told_apart(answer: Identification) -> Iterator[str]:
    if answer.witnesses and answer.verdict != "no-reading":
        yield "Told from the readings next to it by the smallest traces of one weight"
        names = [", ".join(f"{axis}={option}" for axis, option in w.against.items()) for w in answer.witnesses]
        yield from _table(answer.witnesses, names)
        arguments = ", ".join(f"{name}={_number(value)}" for name, value in answer.witnesses[0].arguments.items())
        alike = [w for w in answer.witnesses if w.arguments == answer.witnesses[0].arguments]
        rates = ", ".join(_number(rate) for rate in max((w.rates[:STEPS] for w in alike), key=len))
        rest = len(answer.witnesses) - len(alike)
        more = f"; {rest} with other values, which --json has whole" if rest else ""
        yield _item("", f"with {arguments + '; ' if arguments else ''}rates {rates}{more}", 2)


def _table(witnesses: Sequence[TraceWitness], names: Sequence[str]) -> Iterator[str]:
    head = ("another reading", "w before", "gradients", "w after: box", "other")
    rows = [
        (
            name,
            _number(w.weight),
            ("…, " if len(w.gradients) > SHOWN else "") + ", ".join(_number(g) for g in w.gradients[-SHOWN:]),
            *_parting(w.box, w.other),
        )
        for name, w in zip(names, witnesses, strict=True)
    ]
    widths = [min(40, max(len(row[i]) for row in [head, *rows])) for i in range(len(head))]
    for row in [head, *rows]:
        yield ("    " + "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))).rstrip()


def _parting(a: float | str, b: float | str) -> tuple[str, str]:
    """Two numbers with as many digits as tell them apart."""
    a, b = float(a), float(b)
    for digits in range(4, 18):
        shown = f"{a:.{digits}g}", f"{b:.{digits}g}"
        if shown[0] != shown[1]:
            return shown
    return repr(a), repr(b)


def _surroundings(answer: Identification) -> Iterator[str]:
    if answer.surroundings:
        yield "Beside its formula"
        yield from (_item("·", words, 2) for words in answer.surroundings)


def _evidence(answer: Identification) -> Iterator[str]:
    e = answer.evidence
    fits = "" if e.worst_share is None else f", where its error is at most {e.worst_share:.2f} of the budget"
    unbound = f" ({e.unbound} of {e.numbers} numbers are bound by no budget)" if e.unbound else ""
    yield _item(
        "Evidence",
        f"{e.traces} traces of many weights{fits}{unbound}; {e.before} calls of the box, then {e.lives} lives of {e.steps} "
        f"steps in all to confirm it; {e.candidates} candidates looked at, of {e.readings} readings; {e.seconds:.1f} s",
        0,
    )


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"


def _item(name: str, words: str, indent: int) -> str:
    head = " " * indent + (f"{name}  " if name else "")
    hang = " " * max(len(head), indent + 2)
    return textwrap.fill(
        words, WIDTH, initial_indent=head, subsequent_indent=hang, break_long_words=False, break_on_hyphens=False
    )
