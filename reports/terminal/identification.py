"""What an optimizer is, as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ...crosscheck.answers import (
    Action,
    Alike,
    Event,
    FailingRun,
    Identification,
    Keeping,
    LateWeight,
    Lost,
    Matrices,
    Memory,
    MissingGradient,
    Partly,
    Question,
    Several,
    TraceWitness,
    Way,
)
from . import words
from .layout import item, sections, table
from .words import exact, number, numbers

SHOWN = 12  # gradients of a witness that are shown, the last ones
SAME = 3  # optimizers of frameworks that are named as the same


def text(answer: Identification) -> str:
    return sections(
        _sentence(answer),
        _head(answer),
        _verdict(answer),
        _when_asked(answer),
        _inside(answer),
        _ambiguity(answer),
        _failure(answer),
        _arguments(answer),
        _separated(answer),
        _surroundings(answer),
        _evidence(answer),
    )


def _sentence(answer: Identification) -> Iterator[str]:
    """What it is, the same as which framework's, what differs, and what to do."""
    if answer.verdict == "no-reading":
        near = f", though near to {answer.title}" if answer.near else ", and near to none"
        but = near if answer.partly is None else f", but {_partly(answer.partly, answer)}"
        yield item("", f"{answer.target} is none of the formulas that are known here{but}: {_look(answer)}.")
        return
    stored = f", storing {words.stored(answer.stored)}" if answer.stored else ""
    climbs = ", stepping along the gradient, to maximize" if answer.ascends else ""
    arranged = ", in another arrangement" if answer.verdict == "precision" else ""
    behind = f", behind {answer.behind.words}" if answer.behind is not None else _MATRICES[answer.matrices]
    joined = ", all arrays taken together" if answer.joined else ""
    idle = f", ignoring its {words.listed(answer.idle)}" if answer.idle else ""
    how = f"{_MEMORY[answer.memory]}{arranged}{climbs}{stored}{behind}{joined}{idle}"
    what = f"{answer.target} is {answer.title}{_but(answer)}{how}"
    if answer.for_several:
        yield item("", f"{what}{_same(answer)}.")
    else:
        yield item("", f"With ONE weight array {what}; with several it is NOT: look at how it treats them, below.")


_MATRICES = {
    Matrices.NOT_ASKED: "",
    Matrices.ALONE: ", of matrices, and takes no vectors",
    Matrices.BESIDE: ", of matrices; to vectors it does something else",
}

_MEMORY = {
    Memory.KEPT: "",
    Memory.COUNTER: ", without a memory: its averages begin anew at every step, and the step counter alone goes on",
    Memory.NOTHING: ", without a memory: it begins anew at every step",
}


def _partly(part: Partly, answer: Identification) -> str:
    known = f"it is {part.title}, {_PART_ROLES[part.role]}"
    if part.dtype != answer.dtype:
        return f"in {part.dtype} {known}"
    until = f", but not where {' or '.join(part.take_it_away)} has another value" if part.take_it_away else ""
    return f"at its own values {known}{until}"


_PART_ROLES = {"standard": "as the field has it", "printed": "as printed", "": "in a reading of its own"}


def _look(answer: Identification) -> str:
    if answer.failing_run is not None:
        return f"it leaves {answer.title} on the run below, so look at what your code does there"
    if answer.failure is not None:
        return f"look at what your code does at step {answer.failure.step} of the trace below"
    return 'in Python, `identify(…).must_be("adam")` shows where it leaves the line that you name'


def _but(answer: Identification) -> str:
    """How it differs from what everybody has."""
    differs = [f"{axis}={mine} (standard: {theirs})" for axis, (mine, theirs) in answer.from_standard.items()]
    return f", but with {', '.join(differs)}" if differs else ", as the field has it" if answer.from_printed else ""


def _same(answer: Identification) -> str:
    if answer.verdict == "ambiguous":
        count = len(answer.same) + len(answer.also)
        others = "another reading fits" if count == 1 else f"{count} other readings fit"
        ways = " or ".join(words.separators(answer.separated_by, answer.refused))
        return f"; {others} as well{f', and {ways} would tell' if ways else ''}"
    if answer.same_as:
        return f": the same as {words.listed(answer.same_as[:SAME])} at these values"
    if answer.behind is not None:
        return "; for whoever ports it, both are to be written"
    if answer.memory is not Memory.KEPT:
        return "; if it is to have one, write back what it averages"
    return "; `gradspec port` writes it for another framework"


def _head(answer: Identification) -> Iterator[str]:
    flags = "".join(f", {name}={value}" for name, value in answer.flags.items())
    yield item("", f"{answer.target}{flags} · {words.versions(answer.versions) or answer.framework} · {answer.dtype}")


# --- the reading ----------------------------------------------------------------------------------------------------


def _verdict(answer: Identification) -> Iterator[str]:
    name = f"{answer.title} ({answer.line})"
    if answer.verdict == "no-reading" and not answer.near:
        said = "NO READING FITS, and none of the known formulas is near."
        yield item("", said if answer.partly is None else "NO READING FITS at all values of its arguments.")
        yield item("Tried", ", ".join(answer.tried), 2)
        return
    if answer.verdict == "no-reading":
        yield item("", f"NO READING FITS. The nearest is {name}, {_role(answer)}.")
    elif answer.verdict == "precision":
        yield item("", f"{name}, {_role(answer)}, IN ANOTHER ARRANGEMENT")
        times = f"{answer.evidence.worst_share:.1f} times the budget" if answer.evidence.worst_share else "beyond the budget"
        yield item("", f"The same function, formed otherwise than the line is written: its errors are up to {times}.", 2)
    elif answer.verdict == "ambiguous":
        yield item("", f"{name}, {_role(answer)}, OR ANOTHER: readings are left that could not be told apart.")
    else:
        yield item("", f"{name}, {_role(answer)}")
    if answer.ascends:
        yield "  It steps along the gradient, to maximize."
    if answer.behind is not None:
        yield item("", f"It stands behind {answer.behind.words}: all that is said here is of the optimizer behind that.", 2)
    yield from _differences("the printed reading", answer.from_printed, answer)
    yield from _differences("the standard reading", answer.from_standard, answer)


def _role(answer: Identification) -> str:
    if not answer.from_printed and not answer.from_standard:
        return "as printed, which is the standard reading" if answer.role else "the only reading"
    return {"standard": "the standard reading", "printed": "the printed reading", "": "in a reading of its own"}[answer.role]


def _differences(name: str, axes: Mapping[str, tuple[str, str]], answer: Identification) -> Iterator[str]:
    if axes:
        yield f"  It differs from {name} in"
        width = max(len(axis) for axis in axes)
        for axis, (mine, theirs) in axes.items():
            meaning = answer.formula.axis(axis).option(mine).meaning
            yield item(f"{axis:{width}}", f"{mine}, not {theirs}{f': {meaning}' if meaning else ''}", 4)


def _when_asked(answer: Identification) -> Iterator[str]:
    """The axes that come into play with arguments that are off as the box is configured."""
    body = answer.body_formula
    if not answer.near:
        return
    rows = [
        item(axis, f"{option}{_asked(answer, axis, option)}", 4)
        for axis, option in answer.reading.items()
        if answer.configured.get(axis, body.standard[axis]) != option
    ]
    if {axis.name for axis in body.axes} != set(answer.configured):
        off = [f"{b.own} other than {number(b.value)}" for b in answer.hyperparameters.values() if b.own and b.off]
        how = "with" if rows else "the standard reading"
        yield item("", f"With {' or '.join(off)} it is {body.title} ({body.id}), {how}", 2)
    elif rows:
        yield "  When asked for more than it does as configured:"
    yield from rows


def _asked(answer: Identification, axis: str, name: str) -> str:
    option = answer.body_formula.axis(axis).option(name)
    bound = answer.hyperparameters.get(option.needs)
    asked = f" with {bound.own} other than {number(bound.value)}" if bound is not None and bound.own else ""
    return f"{asked}: {option.meaning}" if option.meaning else asked


def _inside(answer: Identification) -> Iterator[str]:
    if answer.stored and answer.verdict != "no-reading":
        shows = f"; this shows from step {answer.shows_from} on" if answer.shows_from is not None else ""
        random = " Two equal runs differ." if any(one.way is Way.AT_RANDOM for one in answer.stored) else ""
        yield item("Inside", f"it stores {words.stored(answer.stored)}{shows}.{random}")
        elsewhere = f"within the budget of {answer.computed or answer.dtype} elsewhere"
        precisely = ": its steps are computed in that format, or a more precise one" if answer.computed else ""
        yield item("", f"The numbers are those of that rounding there, and {elsewhere}{precisely}.", 2)
    if answer.wide:
        yield item("Inside", "all its weights are numbers of float32, and it would fit if everything were computed there")


def _ambiguity(answer: Identification) -> Iterator[str]:
    if not answer.same and not answer.also:
        return
    yield "Not told apart from"
    yield from (item("", f"a reading of {one}", 4) for one in answer.also)
    yield from (item("", _changed(answer, other), 4) for other in answer.same)
    ways = " or ".join(words.separators(answer.separated_by, answer.refused))
    yield item("What would tell them apart:", ways or "nothing that was tried: for such a box they may be one function", 2)


def _changed(answer: Identification, other: Alike) -> str:
    axes = [f"{axis}={option}" for axis, option in other.reading.items() if answer.reading.get(axis) != option]
    values = [f"{name}={number(value)}" for name, value in other.assumed.items()]
    return ", ".join([*axes, *values]) or "the same reading, other quantities stored"


# --- where it fails -------------------------------------------------------------------------------------------------


def _failure(answer: Identification) -> Iterator[str]:
    if answer.failure is not None:
        yield f"The smallest trace on which the nearest fails, at step {answer.failure.step}:"
        yield from _witnesses([answer.failure], ["the nearest"])
    if answer.failing_run is not None:
        yield "The shortest run of the box on which the reading fails:"
        yield from _run(answer.failing_run)


def _run(run: FailingRun) -> Iterator[str]:
    shapes = " and ".join(str(tuple(shape)) for shape in run.shapes)
    arguments = ", ".join(f"{name}={exact(value)}" for name, value in run.arguments.items())
    actions = [f"start with weights of shape {shapes}{f'; {arguments}' if arguments else ''}", *map(_action, run.events)]
    yield item("", "(weights are np.arange(size).reshape(shape) / 2 - 0.5)", 4)
    yield from (item(f"{i}.", action, 4) for i, action in enumerate(actions, start=1))
    yield f"    weight {run.weight}{list(run.index)}: the box has {run.box}, the reading {run.reading}"


def _action(event: Event) -> str:
    if event.action is Action.STEP:
        missing = ", none for the first weight" if event.missing else ""
        pattern = f"np.random.default_rng({event.pattern}).normal(size=shape)"
        gradients = pattern if event.pattern else "np.resize([1.0, -0.75, 0.25, 2.0], shape)"
        return f"step with gradients {exact(event.size)} * {gradients}{missing}, rate {exact(event.rate)}"
    return {Action.SAVE: "save the state", Action.RESTORE: "restore it", Action.ADD: "add a weight"}[event.action]


# --- arguments, witnesses -------------------------------------------------------------------------------------------


def _arguments(answer: Identification) -> Iterator[str]:
    taken = [
        f"{name} = {b.own if b.own != name else ''}{' = ' if b.own != name else ''}{number(b.value)}"
        for name, b in answer.hyperparameters.items()
        if b.own
    ]
    assumed = [f"{name} = {number(b.value)}" for name, b in answer.hyperparameters.items() if not b.own]
    if taken:
        yield item("Arguments", "; ".join(taken))
    if assumed:
        yield item("Assumed", f"{'; '.join(assumed)} (it takes no such argument)")
    if answer.rate_fitted and answer.rate is not None:
        yield item("Rate", f"{number(answer.rate)}: its own, read off what it does, since nothing says it")
    if answer.idle:
        yield item("Idle", f"{', '.join(answer.idle)}: taken, and without effect at any value that was tried")
    yield from (item("Left alone", f"{name}, since {why}") for name, why in answer.refused.items())


def _separated(answer: Identification) -> Iterator[str]:
    if not answer.witnesses or answer.verdict == "no-reading":
        return
    yield "Told from the readings next to it by the smallest traces of one weight"
    yield from _witnesses(answer.witnesses, [words.reading(w.against) for w in answer.witnesses])


def _witnesses(witnesses: Sequence[TraceWitness], names: Sequence[str]) -> Iterator[str]:
    """A table for each setting, with all that it takes to play the traces again."""
    settings: dict[tuple[tuple[str, float], ...], list[tuple[str, TraceWitness]]] = {}
    for name, witness in zip(names, witnesses, strict=True):
        settings.setdefault((*witness.arguments.items(),), []).append((name, witness))
    for arguments, found in settings.items():
        rows = [(name, exact(w.weight), _shortened(w.gradients), *words.told_apart(w.box, w.other)) for name, w in found]
        yield from table(rows, ("another reading", "w before", "gradients", "w after: box", "other"), 4)
        rates = _shortened(max((w.rates for _, w in found), key=len))
        yield item("", f"with {''.join(f'{name}={exact(value)}, ' for name, value in arguments)}rates {rates}", 4)


def _shortened(values: Sequence[float]) -> str:
    left_out = f"{len(values) - SHOWN} more, which --json has, " if len(values) > SHOWN else ""
    return left_out + numbers(values[-SHOWN:])


# --- beside the formula ---------------------------------------------------------------------------------------------

_MISSING = {
    MissingGradient.LEFT_OUT: "a weight without a gradient is left out of the step, and its step counter waits",
    MissingGradient.COUNTED: "a weight without a gradient is left out of the step, but its step counter goes on",
    MissingGradient.ZERO: "a missing gradient is taken as zero",
}
_LATE = {
    LateWeight.OWN: "a weight that is added later counts its steps from its own first",
    LateWeight.OTHERS: "a weight that is added later goes by the step counter of the others",
}
_SEVERAL = {
    Several.APART: "",
    Several.JOINED: "several weight arrays are stepped as if they were one: a norm is that of all of them",
    Several.COUNTED_ON: "its step counter goes on from array to array, so that array j of K is at (n-1)·K + j in round n",
}
_OPEN = {
    Question.SEVERAL: "how several weight arrays are stepped",
    Question.MISSING_GRADIENT: "what happens to a weight without a gradient",
    Question.LATE_WEIGHT: "how a weight that is added later is stepped",
    Question.SAVED_STATE: "whether a state that is saved and restored goes on as it should",
    Question.MATRICES: "what it does to matrices",
    Question.WRAPPER: "what it is behind a wrapper",
    Question.IN_FLOAT32: "what it is in float32",
    Question.OWN_VALUES: "what it is at its own values of its arguments",
}


def _surroundings(answer: Identification) -> Iterator[str]:
    if found := list(_beside(answer)):
        yield "Beside its formula"
        yield from (item("·", one, 2) for one in found)
    if answer.surroundings.failing_run is not None:
        yield "The shortest run of the box on which this shows:"
        yield from _run(answer.surroundings.failing_run)


def _beside(answer: Identification) -> Iterator[str]:
    seen = answer.surroundings
    for what, step in seen.changed.items():
        yield f"the {what} handed to it are changed in place (first at step {step})"
    if seen.printed is not None:
        when = f"at step {seen.printed.step}" if seen.printed.step else "when it was made"
        yield f"it prints, first {when}: {seen.printed.text!r}"
    if not answer.for_several:
        ways = [_SEVERAL[one] for one in seen.several or []]
        yield f"with several weight arrays it is NOT this: {_models(ways, _OPEN[Question.SEVERAL])}"
    elif answer.joined:
        yield _SEVERAL[Several.JOINED]
    if seen.missing_gradient is not None:
        yield _models([_MISSING[one] for one in seen.missing_gradient], _OPEN[Question.MISSING_GRADIENT])
    if seen.late_weight is not None:
        yield _models([_LATE[one] for one in seen.late_weight], _OPEN[Question.LATE_WEIGHT])
    if seen.goes_on is not None:
        yield (
            "a state that is saved and restored goes on to the same bits"
            if seen.goes_on
            else f"a state that is saved and restored does NOT go on as the box itself does: {_lost(seen.lost)}"
        )
    for one in seen.unanswered:
        if one.can_be_asked:
            yield f"{_OPEN[one.question]} stays open: {one.words}"


def _lost(lost: Lost | None) -> str:
    if lost is None:
        return "no loss that was tried explains how"
    if not lost.names:
        return "it differs by rounding only"
    names = words.listed(["the step counter" if name == "t" else name for name in lost.names])
    one = len(lost.names) == 1
    if lost.keeping is Keeping.ANEW:
        return f"{names} {'is' if one else 'are'} lost, and {'starts' if one else 'start'} anew"
    return f"{names} {'is' if one else 'are'} rounded to float32"


def _models(fitting: Sequence[str], what: str) -> str:
    if not fitting:
        return f"no model tried says {what}"
    first, *others = fitting
    return f"{first} (or: {'; '.join(others)}: the same here)" if others else first


def _evidence(answer: Identification) -> Iterator[str]:
    e = answer.evidence
    within = e.worst_share is not None and e.worst_share <= 1
    fits = f", where its error is at most {e.worst_share:.2f} of the budget" if within else ""
    unbound = f" ({e.unbound} of {e.numbers} numbers are bound by no budget)" if e.unbound else ""
    yield item(
        "Evidence",
        f"{e.traces} traces of many weights{fits}{unbound}; {e.before} calls of the box, then {e.runs} runs of {e.steps} "
        f"steps in all to confirm it; {e.candidates} candidates looked at, of {e.readings} readings; {e.seconds:.1f} s",
    )
