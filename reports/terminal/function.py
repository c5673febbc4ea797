"""What a function is, as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...crosscheck.answers import Arrangement, FunctionAnswer, NanFlow, Reduction, Rival, Tie
from ...crosscheck.findings import Loss, Quantity, Witness
from ..words.cells import losses, remarks, where
from . import words
from .layout import item, sections, table
from .words import reading

NEAR = 1e12  # ulps; what is further apart is seen in the decimals
SHOWN = 8  # numbers of one array
ASIDES = 6  # places apart

_ARRANGEMENTS = {
    Arrangement.AS_IT_IS: "",
    Arrangement.ROWS: "with one example a row, where the sheet has one a column",
    Arrangement.EXAMPLES: "with one example a row, where the sheet has one a column, and the other arrays as they are",
    Arrangement.OPERANDS: "as a function of two operands, the elements of x",
    Arrangement.SINGLY: "one element at a time",
}
_NAN_FLOWS = {
    NanFlow.TO_THE_NAN: "the whole flow goes to the NaN",
    NanFlow.ALL_NAN: "the cotangents of all inputs are NaN",
    NanFlow.NOTHING: "nothing flows back",
    NanFlow.TO_EACH: "each input gets a flow",
    NanFlow.MIXED: "what flows back is one thing here and another there",
}
_REDUCTIONS = {
    Reduction.AS_THE_LINE: "",
    Reduction.MEAN: "the mean over the examples, where the line is that of one example",
    Reduction.SUM: "the sum over the examples, where the line is that of one example",
    Reduction.EACH: "the loss of each element, where the line sums them",
}


def text(answer: FunctionAnswer) -> str:
    ruled_out = (_ruled_out(answer, rival, rival.witness) for rival in answer.rivals if rival.witness is not None)
    return sections(_sentence(answer), _verdict(answer), *ruled_out, _failure(answer))


def _sentence(answer: FunctionAnswer) -> Iterator[str]:
    """What it is, what differs, and what to do."""
    if answer.value_alone or answer.cotangents_alone:
        yield item("", f"{answer.target} {_in_part(answer)}.")
        return
    if not answer.identified:
        look = "look at what it returns for the input below" if answer.failure else "name the line that it should be"
        yield item("", f"{answer.target} is none of the functions that are known here: {look}.")
        return
    theirs = answer.differs_from_standard
    differs = [
        f"{axis}={answer.reading[axis]} (standard: {option})" for axis, option in theirs.items() if axis in answer.reading
    ]
    open_ = "; its derivative is not known" if answer.backward_reading is None and not answer.gradient else ""
    apart = "; apart from ordinary numbers it is another thing at the places below" if answer.asides else ""
    arranged = ", in another arrangement, which loses small numbers" if Loss.LARGE_TERMS in answer.losses else ""
    but = f", but with {', '.join(differs)}" if differs else ""
    yield item("", f"{answer.target} is {_what(answer)}{but}{arranged}{open_}{apart}.")


def _in_part(answer: FunctionAnswer) -> str:
    """What its value or its cotangents alone are, and what to correct."""
    value, cotangents = (_one_of(readings) for readings in (answer.value_alone, answer.cotangents_alone))
    if answer.value_alone and answer.cotangents_alone:
        return f"has the value of {_line(answer)}{value}, but the cotangents of another reading{cotangents}: correct one"
    if answer.value_alone:
        return f"has the value of {_line(answer)}{value}, but not its cotangents: look at what its vjp gives below"
    return f"has the cotangents of {_line(answer)}{cotangents}, but not its value: look at what it returns below"


def _one_of(readings: list[dict[str, str]]) -> str:
    """The readings in brackets, where there are axes to speak of."""
    said = " or ".join(sorted(map(reading, filter(None, readings))))
    return f" ({said})" if said else ""


def _what(answer: FunctionAnswer) -> str:
    """A backward line stands for two functions: the gradient, and what it is the gradient of."""
    if answer.gradient or "forward" in getattr(answer.formula, "prints", ("forward",)):
        return _line(answer)
    return f"the function that {answer.line} ({answer.title}) differentiates"


def _line(answer: FunctionAnswer) -> str:
    settings = " and ".join(f"{name}={value}" for name, value in answer.settings.items())
    return f"{answer.line}{' with ' * bool(settings)}{settings} ({answer.title})"


def _verdict(answer: FunctionAnswer) -> Iterator[str]:
    yield item("", f"{answer.target} ({words.versions(answer.versions)}, {answer.dtype})")
    settings = "".join(f", {name}={value}" for name, value in answer.settings.items())
    line = f"{answer.line}{settings}: {answer.title}"
    if answer.identified:
        what = "the gradient in " if answer.gradient else ""
        yield item("", f"is {what}{line}{', apart from the places below' if answer.asides else ''}")
    else:
        yield item("", "is no reading of any line" + (f"; the nearest is {line}" if answer.near else ", and near to none"))
    yield from table(list(_rows(answer)))


def _rows(answer: FunctionAnswer) -> Iterator[tuple[str, str]]:
    if not (answer.identified or answer.near):
        yield from _tried(answer)
        return
    yield "arguments", ", ".join(f"{name}: {argument or 'by position'}" for name, argument in answer.arguments.items())
    if form := "; ".join(filter(None, (_ARRANGEMENTS[answer.arrangement], _REDUCTIONS[answer.reduction]))):
        yield "taken", form
    yield ("reading" if answer.identified else "nearest reading"), reading(answer.reading)
    for axis, number in answer.constants.items():
        constant = answer.formula.axis(axis).option(answer.reading[axis]).constant
        yield "with", f"{constant.symbol if constant else axis} = {number!r}"
    if answer.reading:
        yield "the print has", reading(answer.differs_from_printed) if answer.differs_from_printed else "the same"
        yield "standard is", reading(answer.differs_from_standard) if answer.differs_from_standard else "the same"
    for axis, options in answer.open.items():
        why = (
            " or ".join(options) + ", which nothing that was seen tells apart" if options else "no option has the places below"
        )
        yield "open", f"{axis}: {why}"
    for rival in answer.rivals:
        if rival.fits:
            yield "fits as well", f"{reading(_changed(rival.reading, answer.reading))}: {_tie(answer, rival)}"
    if answer.also:
        yield "the same as", ", ".join(answer.also)
    if answer.worst_share is not None:
        yield "evidence", f"{answer.trials} inputs, worst error {answer.worst_share:.2f} of the rounding budget"
    if answer.distance is not None:
        yield "evidence", f"{answer.trials} inputs, mean relative distance {answer.distance:.2g}"
    if answer.losses:
        yield "precision", losses(answer.losses)
    yield from (("note", note) for note in _notes(answer))
    if not answer.identified:
        yield from _tried(answer)


def _tried(answer: FunctionAnswer) -> Iterator[tuple[str, str]]:
    kinds = (("no reading fits", False), ("as a gradient", True))
    for label, gradient in kinds:
        lines = [one.line for one in answer.lines if one.outcome == "no-reading" and one.gradient == gradient]
        yield from [(label, ", ".join(dict.fromkeys(lines)))] * bool(lines)
    untried = (one for one in answer.lines if one.outcome == "not-tried" and not one.gradient)
    yield from (("not tried", f"{one.line}: {one.words}") for one in untried)


def _changed(mine: Mapping[str, str], other: Mapping[str, str]) -> dict[str, str]:
    """A reading on the axes on which it is not the other."""
    return {axis: option for axis, option in mine.items() if other.get(axis) != option}


def _tie(answer: FunctionAnswer, rival: Rival) -> str:
    if rival.tie is Tie.EVALUATION:
        return "the same real function; its wider budget contains these numbers too"
    if rival.tie is Tie.ELEMENTS:
        return "settled by what is done with the elements afterwards: their sum, or one of the means"
    if rival.tie is Tie.NO_INPUT:
        return f"no input was found that tells the two apart in {answer.dtype}"
    arrays = ", ".join(f"{quantity.name} = {_numbers(quantity)}" for quantity in rival.input)
    return f"{arrays} would tell them apart" + (f", where the function raises {rival.raised}" if rival.raised else "")


def _notes(answer: FunctionAnswer) -> Iterator[str]:
    if answer.undifferentiated:
        yield f"it cannot be differentiated, so that the backward reading stays open: {answer.undifferentiated}"
    elif answer.backward_reading is None and not answer.gradient:
        yield "nothing is known of its derivative, so that the backward reading stays open; give (function, vjp) to settle it"
    if answer.missing_cotangents:
        yield f"its vjp returns no cotangent of {', '.join(answer.missing_cotangents)}"
    if (raised := answer.raises) is not None:
        yield f"it raises on {raised.inputs} of {raised.of} inputs, such as {raised.sample}: {raised.words}"
    if answer.prints:
        yield "it prints when it is called"
    if answer.evaluations_differ and answer.backward_reading is not None:
        value, backward = reading(answer.value_reading), reading(answer.backward_reading)
        yield f"the value is evaluated as {value}, the cotangents as {backward}"
    for aside in answer.asides[:ASIDES]:
        at = ", ".join(f"{quantity.name} = {_numbers(quantity)}" for quantity in aside.inputs)
        yield f"at {at} {_of(aside.output)} is {_numbers(aside.returned)}, where the reading has {_numbers(aside.reading)}"
    if more := len(answer.asides) - ASIDES:
        yield from [f"and so at {more} more such places"] * (more > 0)
    if answer.nan_flow is not None:
        yield f"where a NaN is the value, {_NAN_FLOWS[answer.nan_flow]}"
    for what, alone in (("value alone fits", answer.value_alone), ("cotangents alone fit", answer.cotangents_alone)):
        if alone:
            yield f"its {what}: {' or '.join(sorted(map(reading, alone)))}"


# --- witnesses ------------------------------------------------------------------------------------------------------


def _of(output: str) -> str:
    return "the value" if output == "value" else output


def _ruled_out(answer: FunctionAnswer, rival: Rival, witness: Witness) -> Iterator[str]:
    yield item("", f"not {reading(_changed(rival.reading, answer.reading))}:", 2)
    yield from _witness(witness, answer.target)


def _failure(answer: FunctionAnswer) -> Iterator[str]:
    if answer.failure is not None:
        yield "  the smallest input on which it fails:"
        yield from _witness(answer.failure, answer.target)


def _witness(witness: Witness, name: str) -> Iterator[str]:
    """What went in, and what each reading and the function give where they can be told apart."""
    output = witness.output
    rows = [(one.name, _numbers(one)) for one in witness.inputs if one.name != "cotangent" or output != "value"]
    rows += list(witness.settings.items())
    readings = [side.reading for side in witness.sides]
    labels = [f"{output} if {reading(_changed(one, other))}" for one, other in zip(readings, reversed(readings), strict=True)]
    labels = labels if len(readings) > 1 else [f"{output} by the reading"]
    given = zip(labels, (side.value for side in witness.sides), strict=True)
    sides = [(label, _numbers(value)) for label, value in given if value is not None]
    same = len(sides) > 1 and len({numbers for _, numbers in sides}) == 1  # two evaluations of one function: its exact value
    rows += [(f"{output}, exactly", sides[0][1])] if same else sides
    rows += [] if witness.observed is None else [(f"{output} of {name}", _numbers(witness.observed))]
    if witness.ulps is not None and witness.budget is not None and witness.ulps < NEAR:
        rows.append(("apart", f"{witness.ulps:.3g} ulps at {where(witness)}, where rounding explains {witness.budget:.3g}"))
    yield from table(rows, indent=4)
    yield from (item("", remark, 4) for remark in remarks(witness))


def _numbers(quantity: Quantity) -> str:
    shown = ", ".join(quantity.decimal[:SHOWN]) + (", …" if len(quantity.decimal) > SHOWN else "")
    return f"[{shown}]" if quantity.shape else shown
