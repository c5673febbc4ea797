"""Which line of the sheet a function is, and in which reading: of its value, and of its cotangents where they are known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Literal

from msgspec import Struct

from ....adapters.errors import BoxError
from ....reference.arguments import suggest
from ....reference.catalogue import catalogue
from ....reference.catalogue import line as line_of
from ....reference.formula import Formula, Map
from ....reference.vocabulary import Reading
from ...findings import Quantity, Witness
from ..answer import Answer, others
from ..targets import named
from .arrangements import REDUCTION, Layout, Reduced, Unreduced, layouts, matched
from .callables import Callee, Refusal, understood
from .overlay import MODELS, Overlay, Read, lay

RAISES = "it raises"
NEAR = 1e12  # ulps; what is further apart is seen in the decimals


class LineTrial(Struct, frozen=True):
    """What came of laying the function over one line: "fits", "no reading fits", or "not tried" with the reason."""

    line: str
    outcome: Literal["fits", "no reading fits", "not tried"]
    detail: str = ""


class Rival(Struct, frozen=True):
    """Another reading than the one identified, and the smallest input on which the function is not that one.

    A rival that ``fits`` as well has no witness: ``words`` say what would tell the two apart. It makes the answer ``ambiguous``
    unless it is another evaluation of the same real function, whose wider budget holds the same numbers.
    """

    reading: dict[str, str]
    fits: bool
    words: str
    witness: Witness | None = None
    ambiguous: bool = False


class FunctionAnswer(Answer, frozen=True, kw_only=True):
    """Which line a function is, in which reading, and what shows it; or, where it is none, what it comes nearest to.

    ``line`` and the readings are those identified, else the nearest. ``also`` are other lines that the function is as well.
    ``arguments`` say for each input of the line which of the function's takes it; ``form`` how the function is laid over the
    line. ``reading`` holds the axes that what was returned settles; ``value_reading`` those of the value alone, and
    ``backward_reading`` those of the cotangents, None where they stay open. Two evaluations of one real function may differ
    between the two: ``reading`` then has that of the cotangents. ``differs_from_printed`` and ``differs_from_standard`` give
    for each axis the option that stands there instead. ``rivals`` are the readings one axis away, and those that fit as well.
    ``distance`` is, where nothing fits, the mean relative distance from the nearest reading (0 to 1), and ``failure`` the
    smallest input on which the function is not that one.
    """

    also: list[str]
    arguments: dict[str, str]
    form: str
    settings: dict[str, str]
    reading: dict[str, str]
    value_reading: dict[str, str]
    backward_reading: dict[str, str] | None
    differs_from_printed: dict[str, str]
    differs_from_standard: dict[str, str]
    rivals: list[Rival]
    trials: int
    worst_share: float | None
    precision: str
    distance: float | None
    failure: Witness | None
    remarks: list[str]
    lines: list[LineTrial]

    @property
    def settled(self) -> Mapping[str, str]:
        return self.reading

    @property
    def identified(self) -> bool:
        return self.verdict != "no-reading"

    @property
    def ambiguous(self) -> bool:
        return self.verdict == "ambiguous"

    def _is_line(self, wanted: Formula) -> bool:
        return wanted.id in (self.line, *self.also)

    def _may_be(self) -> Mapping[str, set[str]]:
        return others(self.reading, [rival.reading for rival in self.rivals if rival.ambiguous])

    def _reservations(self) -> Iterator[str]:
        if self.precision:
            yield f"- {self.precision}"

    def __str__(self) -> str:
        return "\n".join(_told(self))


def identify_function(
    target: Any,
    *,
    name: str = "",
    lines: Sequence[str] = (),
    names: Mapping[str, str] | None = None,
    dtype: str = "float64",
    framework: str = "",
    seed: int = 0,
) -> FunctionAnswer:
    """Which line of the sheet ``target`` is, and in which reading.

    target: a function over arrays (or its import path), ``(function, vjp)`` or a function with an attribute ``vjp``, where
        ``vjp(cotangent, *arguments)`` gives the cotangents in the order of the arguments or by name; a subclass of
        torch.autograd.Function; a function of jax, with its custom_vjp if it has one. Functions of a framework are
        differentiated by it; of NumPy functions without a vjp only the value is identified.
    name: what the answer calls it.
    lines: ids of the lines to hold it against; else those that are recognised, such as losses and activations.
    names: for inputs of lines the function's argument that takes them, such as ``{"y_hat": "input"}``; else arguments are
        matched by their names, and those of other names by position.
    dtype: of the arrays that it is given.
    framework: whose arrays it takes, "numpy" included; else that is read off the function.

    Raises BoxError, which says what to do, for a function that cannot be identified: one that returns no array, another dtype,
    other numbers each time, changes its arguments, raises everywhere, or returns shapes that no line has; ArgumentError for an
    unknown line or dtype.
    """
    if isinstance(target, str):
        target, name = named(target), name or target
    callee = understood(target, name, framework)
    if callee.adapter is not None and dtype not in callee.adapter.dtypes:
        raise BoxError(f"{callee.framework} has no {dtype} here; it has {', '.join(callee.adapter.dtypes)}")
    candidates = _candidates(lines)
    _check_names(callee, names or {}, [formula for formula, _ in candidates])
    tried = {formula.id: _overlays(callee, formula, names or {}, dtype, seed) for formula, _ in candidates}
    if not any(overlays for overlays, _ in tried.values()):
        raise BoxError(_no_line(callee, {line: why for line, (_, why) in tried.items()}))
    twins = {formula.id: others for formula, others in candidates}
    laid = {line: overlays for line, (overlays, _) in tried.items()}
    return _answer(callee, laid, {line: why for line, (_, why) in tried.items()}, twins)


# --- which lines, and how -------------------------------------------------------------------------------------------


def _candidates(lines: Sequence[str]) -> list[tuple[Map, list[str]]]:
    """The lines to try, each with the ids of those that have the same value and the same cotangents."""
    formulas = [line_of(name) for name in lines] or _recognised()
    found: dict[tuple[Any, ...], tuple[Map, list[str]]] = {}
    for formula in formulas:
        if not isinstance(formula, Map):
            raise BoxError(f"{formula.id} is an optimizer, which no function of arrays is; name a line that is a map")
        key = (formula.forward, formula.vjp_body, tuple(formula.inputs), formula.wrt)
        first = found.setdefault(key, (formula, []))
        if first[0] is not formula:
            first[1].append(formula.id)
    return list(found.values())


def _recognised() -> list[Map]:
    return [f for f in catalogue(beyond=True).values() if isinstance(f, Map) and f.recognised]


def _check_names(callee: Callee, names: Mapping[str, str], formulas: Iterable[Map]) -> None:
    known = {name for formula in formulas for name in formula.inputs}
    for given, parameter in names.items():
        if given not in known:
            raise BoxError(f"names: no line that is tried has an input {given!r}.{suggest(given, sorted(known))}")
        parameters = [p.name for p in callee.parameters or ()]
        if callee.parameters is not None and parameter not in parameters:
            raise BoxError(f"names: {callee.name} has no argument {parameter!r}.{suggest(parameter, parameters)}")


def _overlays(callee: Callee, formula: Map, names: Mapping[str, str], dtype: str, seed: int) -> tuple[list[Overlay], str]:
    """The function on the line in the first layout in which a reading fits, else in all in which it can be tried; or why it
    cannot be. A line with settings is tried in each of them."""
    found, reasons = [], []
    for layout in layouts(formula, callee.parameters):
        given = _given(callee, formula, layout, names)
        if isinstance(given, str):
            reasons.append(given)
        elif layout.kind != "singly" or any(reason.startswith(RAISES) for reason in reasons):
            for overlay in _in_settings(callee, formula, given, layout, dtype, seed):
                if isinstance(overlay, Overlay) and overlay.read() is not None:
                    return [overlay], ""
                (reasons if isinstance(overlay, str) else found).append(overlay)
    return found, "" if found else reasons[0]


def _given(callee: Callee, formula: Map, layout: Layout, names: Mapping[str, str]) -> dict[str, str] | str:
    """For each input of the line the argument that takes it, or why there is none."""
    if layout.kind == "operands":
        return dict.fromkeys(formula.inputs, "")
    return matched(formula, callee.parameters, names)


def _in_settings(
    callee: Callee, formula: Map, given: Mapping[str, str], layout: Layout, dtype: str, seed: int
) -> Iterator[Overlay | str]:
    """The function on the line in each of the line's settings, or why it cannot be laid over it."""
    for choice in product(*formula.settings.values()):
        settings = dict(zip(formula.settings, choice, strict=True))
        try:
            overlay = lay(callee, formula, given, layout, settings, dtype, seed)
        except Refusal as refusal:
            overlay = f"{RAISES} {refusal}"
        if isinstance(overlay, str):
            yield overlay
            return
        if not overlay.ruled_out:
            overlay.complete()
            overlay.separate()
        yield _raises(overlay) if len(overlay.raised) > len(overlay.observed) else overlay


def _raises(overlay: Overlay) -> str:
    label, words = next(iter(overlay.raised.items()))
    return f"{RAISES} on {len(overlay.raised)} of {len(overlay.samples)} inputs, such as {label}: {words}"


def _form(overlay: Overlay, read: Read) -> str:
    """How the function is laid over the line, in words; "" where it is the line as it stands."""
    words = [overlay.call.layout.words]
    if isinstance(overlay.formula, Unreduced):
        words.append("the loss of each element, where the line sums them")
    if isinstance(overlay.formula, Reduced):
        words.append(f"{REDUCTION.option(read.reading[REDUCTION.name]).meaning}, where the line is that of one example")
    return "; ".join(filter(None, words))


def _no_line(callee: Callee, why_not: Mapping[str, str]) -> str:
    """What to say of a function that no line could be tried on."""
    reasons: dict[str, list[str]] = {}
    for line, why in why_not.items():
        reasons.setdefault(why, []).append(line)
    listing = "\n".join(f"  {why} ({', '.join(lines)})" for why, lines in reasons.items())
    return (
        f"{callee.name}, called with arrays of {callee.framework}, is laid over no line:\n{listing}\n"
        "Name the framework whose arrays it takes (framework='torch'), the arguments that take a line's inputs "
        "(names={'y_hat': 'input'}), or the line to try (lines=['logistic.loss']); wrap it in a function of arrays alone if it "
        "needs more than them"
    )


# --- the answer -----------------------------------------------------------------------------------------------------


def _fitting(overlays: Iterable[Overlay]) -> list[tuple[Overlay, Read]]:
    """Where readings fit, under the first variant of the rounding model under which any does."""
    for model in MODELS:
        found = [(overlay, read) for overlay in overlays if (read := overlay.read(model)) is not None]
        if found:
            return found
    return []


def _answer(
    callee: Callee,
    laid: Mapping[str, Sequence[Overlay]],
    why_not: Mapping[str, str],
    twins: Mapping[str, list[str]],
) -> FunctionAnswer:
    overlays = [overlay for found in laid.values() for overlay in found]
    fitting = _fitting(overlays)
    overlay, read = fitting[0] if fitting else _nearest(overlays)
    formula, reading = overlay.formula, _chosen(read.reading, overlay.settled)
    also = [line for one, _ in fitting for line in (one.line.id, *twins[one.line.id])]
    rivals = list(_rivals(overlay, read)) if fitting else []
    verdict = "no-reading" if not fitting else "ambiguous" if any(rival.ambiguous for rival in rivals) else "identified"
    return FunctionAnswer(
        target=callee.name,
        framework=callee.framework,
        versions=callee.versions,
        dtype=overlay.dtype,
        verdict=verdict,
        line=formula.id,
        title=formula.title,
        also=[line for line in dict.fromkeys(also) if line != formula.id],
        arguments={name: argument or "by position" for name, argument in overlay.call.given.items()},
        form=_form(overlay, read),
        settings=dict(overlay.settings),
        reading=reading,
        value_reading=_chosen(read.value, formula.accepted("forward")),
        backward_reading=_chosen(read.backward, formula.accepted("vjp_body")) if read.backward else None,
        differs_from_printed=_difference(reading, formula.printed),
        differs_from_standard=_difference(reading, formula.standard),
        rivals=rivals,
        trials=len(overlay.observed),
        worst_share=overlay.share(read) if fitting else None,
        precision=overlay.words[read.model],
        distance=None if fitting else overlay.nearest()[0],
        failure=None if fitting else overlay.failure(read.reading),
        remarks=list(_remarks(callee, overlay, read, bool(fitting))),
        lines=_trials(laid, why_not, {one.line.id for one, _ in fitting}),
    )


def _nearest(overlays: Sequence[Overlay]) -> tuple[Overlay, Read]:
    overlay = min(overlays, key=lambda one: one.nearest()[0])
    overlay.complete()
    _, reading = overlay.nearest()
    return overlay, Read(reading, reading if overlay.with_vjp else None)


def _trials(laid: Mapping[str, Sequence[Overlay]], why_not: Mapping[str, str], fitting: set[str]) -> list[LineTrial]:
    def outcome(line: str) -> Literal["fits", "no reading fits", "not tried"]:
        return "fits" if line in fitting else "no reading fits" if laid[line] else "not tried"

    return [LineTrial(line, outcome(line), why_not[line]) for line in laid]


def _chosen(reading: Reading, axes: Iterable[str]) -> dict[str, str]:
    """A reading on these of the line's own axes."""
    wanted = set(axes) - {REDUCTION.name}
    return {axis: option for axis, option in reading.choices if axis in wanted}


def _difference(reading: Mapping[str, str], other: Reading) -> dict[str, str]:
    """For each axis on which a reading is not the other, the other's option."""
    return {axis: other[axis] for axis, option in reading.items() if other[axis] != option}


def _rivals(overlay: Overlay, read: Read) -> Iterator[Rival]:
    """The readings that fit as well, and those one axis away that do not."""
    formula, others = overlay.formula, overlay.others(read)
    meaning, mine = formula.meaning, formula.meaning(read.reading)
    for other in others:
        chosen = _chosen(other, overlay.settled)
        if meaning(other) == mine:
            yield Rival(chosen, True, "the same real function; its wider budget holds these numbers too")
        else:
            yield Rival(chosen, True, _inseparable(overlay, read, other), ambiguous=True)
    for rival in _one_axis_away(overlay, read.reading):
        if rival not in others and not any(meaning(rival) == meaning(other) != mine for other in others):
            witness = overlay.witness(read, rival)
            if witness is not None:
                yield Rival(_chosen(rival, overlay.settled), False, f"parts at {witness.where}", witness)


def _one_axis_away(overlay: Overlay, reading: Reading) -> Iterator[Reading]:
    for axis in overlay.formula.axes:
        if axis.name in overlay.settled and axis is not REDUCTION:
            yield from (reading.but(**{axis.name: option}) for option in axis.names if option != reading[axis.name])


def _inseparable(overlay: Overlay, read: Read, other: Reading) -> str:
    """Why two readings that both fit are not told apart."""
    if isinstance(overlay.formula, Unreduced):
        return "settled by what is done with the elements afterwards: their sum, or one of the means"
    if (sample := overlay.parting(read, other)) is None:
        return f"no input was found on which the two part in {overlay.dtype}"
    arrays = ", ".join(f"{name} = {array.tolist()}" for name, array in sample.arrays.items())
    raised = overlay.raised.get(sample.label)
    return f"{arrays} would tell them apart" + (f", where the function raises {raised}" if raised else "")


def _remarks(callee: Callee, overlay: Overlay, read: Read, identified: bool) -> Iterator[str]:
    if overlay.undifferentiated:
        yield f"it cannot be differentiated, so that the backward reading stays open: {overlay.undifferentiated}"
    elif not overlay.with_vjp:
        yield "nothing is known of its derivative, so that the backward reading stays open; give (function, vjp) to settle it"
    else:
        known = {name for observed in overlay.observed for name in observed}
        if missing := [name for name in overlay.formula.wrt if f"{name}_bar" not in known]:
            yield f"its vjp returns no cotangent of {', '.join(missing)}"
    if overlay.raised:
        yield _raises(overlay)
    if callee.printed.getvalue():
        yield "it prints when it is called"
    if identified and read.backward and read.value != read.backward:
        yield f"the value is evaluated as {read.value}, the cotangents as {read.backward}"
    if not identified:
        yield from _halves(overlay)


def _halves(overlay: Overlay) -> Iterator[str]:
    """What the value and the cotangents are each for themselves, where together they are nothing."""
    formula = overlay.formula
    values = overlay.fitted("value").holds
    if values and overlay.with_vjp:
        forward = formula.accepted("forward")
        said = {_said(_chosen(v, forward)) for v in values}
        yield f"its value alone fits: {' or '.join(sorted(said))}"
    bars = overlay.fitted("backward").holds if overlay.with_vjp else []
    if bars:
        backward = formula.accepted("vjp_body")
        said = {_said(_chosen(b, backward)) for b in bars}
        yield f"its cotangents alone fit: {' or '.join(sorted(said))}"


# --- in words -------------------------------------------------------------------------------------------------------


def _said(reading: Mapping[str, str]) -> str:
    return ", ".join(f"{axis}={option}" for axis, option in reading.items()) or "the only reading"


def _apart(reading: Mapping[str, str], other: Mapping[str, str]) -> dict[str, str]:
    """A reading on the axes on which it is not the other."""
    return {axis: option for axis, option in reading.items() if other.get(axis) != option}


def _told(answer: FunctionAnswer) -> Iterator[str]:
    """An answer in lines for a terminal."""
    versions = ", ".join(f"{name} {version}" for name, version in answer.versions.items())
    yield f"{answer.target} ({versions}, {answer.dtype})"
    settings = "".join(f", {name}={value}" for name, value in answer.settings.items())
    if answer.identified:
        yield f"is {answer.line}{settings}: {answer.title}"
    else:
        yield f"is no reading of any line; the nearest is {answer.line}{settings}: {answer.title}"
    rows = list(_rows(answer))
    width = max(len(label) for label, _ in rows)
    yield from (f"  {label:<{width}}  {words}" for label, words in rows)
    for rival in answer.rivals:
        if rival.witness is not None:
            yield ""
            yield f"  not {_said(_apart(rival.reading, answer.reading))}:"
            yield from _table(rival.witness, answer.target)
    if answer.failure is not None:
        yield ""
        yield "  the smallest input on which it fails:"
        yield from _table(answer.failure, answer.target)


def _rows(answer: FunctionAnswer) -> Iterator[tuple[str, str]]:
    yield "arguments", ", ".join(f"{name}: {argument}" for name, argument in answer.arguments.items())
    if answer.form:
        yield "taken", answer.form
    yield ("reading" if answer.identified else "nearest reading"), _said(answer.reading)
    for other, difference in (
        ()
        if not answer.reading
        else (("the print has", answer.differs_from_printed), ("standard is", answer.differs_from_standard))
    ):
        yield other, _said(difference) if difference else "the same"
    for rival in answer.rivals:
        if rival.fits:
            yield "fits as well", f"{_said(_apart(rival.reading, answer.reading))}: {rival.words}"
    if answer.also:
        yield "the same as", ", ".join(answer.also)
    if answer.worst_share is not None:
        yield "evidence", f"{answer.trials} inputs, worst error {answer.worst_share:.2f} of the rounding budget"
    if answer.distance is not None:
        yield "evidence", f"{answer.trials} inputs, mean relative distance {answer.distance:.2g}"
    if answer.precision:
        yield "precision", answer.precision
    for remark in answer.remarks:
        yield "note", remark
    if not answer.identified:
        yield "no reading fits", ", ".join(trial.line for trial in answer.lines if trial.outcome == "no reading fits")
        yield from (("not tried", f"{trial.line}: {trial.detail}") for trial in answer.lines if trial.outcome == "not tried")


def _table(witness: Witness, name: str) -> Iterator[str]:
    """A witness as rows: what went in, and what each reading and the function give where they part."""
    output = witness.where.partition("[")[0]
    rows = [
        (quantity.name, _numbers(quantity)) for quantity in witness.inputs if quantity.name != "cotangent" or output != "value"
    ]
    rows += list(witness.settings.items())
    readings = witness.separates
    labels = [f"{output} if {_said(_apart(one, other))}" for one, other in zip(readings, reversed(readings), strict=True)]
    labels = labels if len(readings) > 1 else [f"{output} by the reading"]
    values = dict(zip([*(_said(reading) for reading in readings), "observed"], [*labels, f"{output} of {name}"], strict=True))
    rows += [(values[quantity.name], _numbers(quantity)) for quantity in witness.values]
    if witness.ulps is not None and witness.budget is not None and witness.ulps < NEAR:
        rows.append(("apart", f"{witness.ulps:.3g} ulps at {witness.where}, where rounding explains {witness.budget:.3g}"))
    width = max(len(label) for label, _ in rows)
    yield from (f"    {label:<{width}}  {words}" for label, words in rows)
    yield from (f"    {remark}" for remark in witness.remarks)


def _numbers(quantity: Quantity) -> str:
    shown = ", ".join(quantity.decimal[:8]) + (", …" if len(quantity.decimal) > 8 else "")
    return f"[{shown}]" if quantity.shape else shown
