"""Which line a function is, and in which reading: of its value, and of its cotangents where they are known."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, NoReturn

from ....adapters.errors import BoxError
from ....reference.arguments import suggest
from ....reference.catalogue import catalogue
from ....reference.catalogue import line as line_of
from ....reference.formula import Map
from ....reference.vocabulary import Reading
from ...answers import Arrangement, FunctionAnswer, LineTrial, Raised, Reduction, Rival, Tie, Unlaid
from ...cells.evidence import quantity
from ..options import Options
from .arrangements import REDUCTION, Layout, Mismatch, Reduced, Unreduced, gradients, layouts, matched
from .callables import Call, Callee, understood
from .constants import fitted
from .overlay import TERMS, Overlay, Part, Read, lay


def identified(target: Any, name: str, options: Options) -> FunctionAnswer:
    """Which line ``target`` is, and in which reading.

    target: a function over arrays, ``(function, vjp)`` or a function with an attribute ``vjp``, where ``vjp(cotangent,
        *arguments)`` gives the cotangents in the order of the arguments or by name; a subclass of torch.autograd.Function; a
        function of jax, with its custom_vjp if it has one. Functions of a framework are differentiated by it; of NumPy
        functions without a vjp only the value is identified.
    options: ``lines`` to hold it against, else all that are recognised; ``names``: for inputs of lines the function's argument
        that takes them, such as ``{"y_hat": "input"}``, else arguments are matched by their names, and those of other names by
        position; ``framework``: whose arrays it takes, "numpy" included, else that is read off the function.

    Raises BoxError, which says what to do, for a function that cannot be identified: one that returns no array, another dtype,
    other numbers each time, changes its arguments, raises everywhere, or returns shapes that no line has; ArgumentError for an
    unknown line or dtype.
    """
    callee, dtype = understood(target, name, options.framework), options.dtype or "float64"
    if callee.adapter is not None and dtype not in callee.adapter.dtypes:
        raise BoxError(f"{callee.framework} has no {dtype} here; it has {', '.join(callee.adapter.dtypes)}")
    candidates = _candidates(options.lines)
    names = options.names or {}
    _check_names(callee, names, [line for line, _ in candidates])
    inquiry = _Inquiry(callee, names, dtype, options.seed)
    laid = [inquiry.laid(line, twins) for line, twins in candidates]
    if not any(overlay.clean for one in laid for overlay in one.overlays):
        laid += [inquiry.laid(line, []) for line in gradients(_wanted(options.lines))]
    return _answer(callee, laid) if any(one.overlays for one in laid) else _refuse(callee, laid)


# --- which lines, and how -------------------------------------------------------------------------------------------


def _wanted(lines: Sequence[str]) -> list[Map]:
    """The maps of these names, or all."""
    found = list[Map]()
    for formula in [line_of(name) for name in lines] or catalogue(beyond=True).values():
        if isinstance(formula, Map):
            found.append(formula)
        elif lines:
            raise BoxError(f"{formula.id} is an optimizer, which no function of arrays is; name a line that is a map")
    return found


def _candidates(lines: Sequence[str]) -> list[tuple[Map, list[str]]]:
    """The lines to try, each with the ids of those that have the same value and the same cotangents."""
    found: dict[tuple[Any, ...], tuple[Map, list[str]]] = {}
    for formula in _wanted(lines):
        if not (lines or formula.recognised):
            continue
        key = (formula.forward, formula.vjp_body, tuple(formula.inputs), formula.wrt)
        first = found.setdefault(key, (formula, []))
        if first[0] is not formula:
            first[1].append(formula.id)
    return list(found.values())


def _check_names(callee: Callee, names: Mapping[str, str], formulas: Iterable[Map]) -> None:
    known = {name for formula in formulas for name in formula.inputs}
    for given, parameter in names.items():
        if given not in known:
            raise BoxError(f"names: no line that is tried has an input {given!r}.{suggest(given, sorted(known))}")
        parameters = [p.name for p in callee.parameters or ()]
        if callee.parameters is not None and parameter not in parameters:
            raise BoxError(f"names: {callee.name} has no argument {parameter!r}.{suggest(parameter, parameters)}")


@dataclass(frozen=True)
class Laid:
    """A function over one line, and over its ``twins``, the ids of those that have the same value and the same cotangents: what
    came of it, or the ``mismatch`` for which it could not be tried."""

    line: Map
    twins: Sequence[str]
    overlays: Sequence[Overlay]
    mismatch: Mismatch | None = None


@dataclass(frozen=True)
class _Inquiry:
    """A function that is held against lines, and how."""

    callee: Callee
    names: Mapping[str, str]
    dtype: str
    seed: int

    def laid(self, line: Map, twins: Sequence[str]) -> Laid:
        """The function on the line in the first layout in which a reading fits, else in all in which it can be tried. A line
        with settings is tried in each of them."""
        found, mismatches = list[Overlay](), list[Mismatch]()
        for layout in layouts(line, self.callee.parameters):
            if layout.kind is Arrangement.SINGLY and not any(one.reason is Unlaid.RAISES for one in mismatches):
                continue
            for overlay in self._in_settings(line, layout):
                if isinstance(overlay, Mismatch):
                    mismatches.append(overlay)
                elif overlay.clean:
                    return Laid(line, twins, [overlay])
                else:
                    found.append(overlay)
        return Laid(line, twins, found, None if found else mismatches[0])

    def _in_settings(self, line: Map, layout: Layout) -> Iterator[Overlay | Mismatch]:
        """The function on the line in each of the line's settings, or why it cannot be laid over it."""
        try:
            by_place = layout.kind is Arrangement.OPERANDS
            given = dict.fromkeys(line.inputs, "") if by_place else matched(line, self.callee.parameters, self.names)
            call = Call(self.callee, given, layout, self.dtype, line.wrt)
            for choice in product(*line.settings.values()):
                overlay = _asked(lay(call, line, dict(zip(line.settings, choice, strict=True)), self.seed))
                if not overlay.as_written:
                    overlay = next((one for one in map(_asked, fitted(overlay)) if one.as_written), overlay)
                yield _mostly_raises(overlay) or overlay
        except Mismatch as mismatch:
            yield mismatch


def _asked(overlay: Overlay) -> Overlay:
    """The overlay after all that there is to ask, unless what is known rules its line out."""
    if not overlay.ruled_out:
        overlay.complete()
        overlay.separate()
    return overlay


def _mostly_raises(overlay: Overlay) -> Mismatch | None:
    raised = _raised(overlay)
    if raised is None or len(overlay.raised) <= len(overlay.trials):
        return None
    return Mismatch(Unlaid.RAISES, f"it raises ({raised.inputs} of {raised.of} inputs; {raised.sample}: {raised.words})")


def _raised(overlay: Overlay) -> Raised | None:
    for label, words in overlay.raised.items():
        return Raised(len(overlay.raised), overlay.asked, label, words)
    return None


def _refuse(callee: Callee, laid: Iterable[Laid]) -> NoReturn:
    """Raise BoxError for a function that no line could be tried on."""
    laid = list(laid)
    reasons: dict[str, dict[str, None]] = {}
    for one in laid:
        reasons.setdefault(str(one.mismatch), {})[one.line.id] = None
    listing = "\n".join(f"  {why} ({', '.join(lines)})" for why, lines in reasons.items())
    example = laid[0].line
    raise BoxError(
        f"{callee.name}, called with arrays of {callee.framework}, is laid over no line:\n{listing}\n"
        "Name the framework whose arrays it takes (framework='torch'), the arguments that take a line's inputs "
        f"(for {example.id}: names={{{next(iter(example.inputs))!r}: 'its own name'}}), or the line to try "
        f"(lines=[{example.id!r}]); wrap it in a function of arrays alone if it needs more than them"
    )


# --- the answer -----------------------------------------------------------------------------------------------------


def _fitting(laid: Iterable[Laid]) -> list[tuple[Laid, Overlay, Read]]:
    """Where readings fit: those against which nothing speaks first, then those that need the least loss of precision."""
    read = ((one, overlay, overlay.read()) for one in laid for overlay in one.overlays)
    found = [(one, overlay, read) for one, overlay, read in read if read is not None]
    return sorted(found, key=lambda fit: (bool(fit[2].apart), TERMS.index(fit[2].terms), len(fit[2].apart)))


def _nearest(laid: Iterable[Laid]) -> tuple[Overlay, Read]:
    """The line whose value alone is returned, since then its vjp is what to look at; else the one at the smallest distance."""
    overlays = [overlay for one in laid for overlay in one.overlays]
    overlay = min(overlays, key=lambda one: (not (one.with_vjp and _alone(one, "value")), one.nearest()[0]))
    overlay.complete()
    _, reading = overlay.nearest(overlay.alone("value") if overlay.with_vjp else ())
    return overlay, Read(reading, reading if overlay.with_vjp else None)


def _answer(callee: Callee, laid: Sequence[Laid]) -> FunctionAnswer:
    fitting = _fitting(laid)
    overlay, read = fitting[0][1:] if fitting else _nearest(laid)
    formula, untold = overlay.formula, _untold(overlay, read)
    reading = _chosen(read.reading, [axis for axis in overlay.settled if axis not in untold[-1]])
    fits = [one for one in laid if one.line.id in _as_good(fitting)]
    also = [line for one in fits for line in (one.line.id, *one.twins)]
    rivals = list(_rivals(overlay, read, [*reading])) if fitting else []
    alone: dict[Part, list[dict[str, str]]] = {
        part: _alone(overlay, part) for part in (overlay.parts if overlay.with_vjp and not fitting else ())
    }
    verdict = "no-reading" if not fitting else "ambiguous" if any(rival.ambiguous for rival in rivals) else "identified"
    value = _chosen(read.value, [axis for axis in formula.accepted("forward") if axis not in untold[0]])
    cotangents = [axis for axis in formula.accepted("vjp_body") if axis not in untold[-1]]
    backward = _chosen(read.backward, cotangents) if read.backward else None
    return FunctionAnswer(
        target=callee.name,
        framework=callee.framework,
        versions=callee.versions,
        dtype=overlay.dtype,
        verdict=verdict,
        line=formula.id,
        title=formula.title,
        also=[line for line in dict.fromkeys(also) if line != formula.id],
        gradient=not formula.wrt,
        arguments=dict(overlay.call.given),
        arrangement=overlay.call.layout.kind,
        reduction=_reduction(overlay, read),
        settings=dict(overlay.settings),
        reading=reading,
        constants=_constants(formula, reading),
        open={
            axis: _open(read, axis)
            for axis in formula.accepted("vjp_body" if backward else "forward")
            if axis in untold[-1] - (_evaluations(formula) if read.arranged else set())
        },
        value_reading=value,
        backward_reading=backward,
        evaluations_differ=any((backward or {}).get(axis, option) != option for axis, option in value.items()),
        differs_from_printed=_difference(reading, formula.printed),
        differs_from_standard=_difference(reading, formula.standard),
        rivals=rivals,
        trials=len(overlay.trials),
        worst_share=overlay.share(read) if fitting else None,
        losses=list(read.losses),
        asides=overlay.exceptions(read),
        nan_flow=overlay.nan_flow() if fitting else None,
        distance=None if fitting else overlay.nearest()[0],
        near=bool(fitting) or any(alone.values()) or overlay.near(read.reading),
        failure=None if fitting else overlay.failure(read.reading),
        undifferentiated=overlay.undifferentiated,
        missing_cotangents=_missing(overlay),
        raises=_raised(overlay),
        prints=bool(callee.printed.getvalue()),
        value_alone=alone.get("value", []),
        cotangents_alone=alone.get("backward", []),
        lines=[_trial(one, _as_good(fitting)) for one in laid],
    )


def _as_good(fitting: Sequence[tuple[Laid, Overlay, Read]]) -> set[str]:
    """The lines that fit as well as the first: those with more against them do not."""
    return {one.line.id for one, _, read in fitting if bool(read.apart) == bool(fitting[0][2].apart)}


def _untold(overlay: Overlay, read: Read) -> list[set[str]]:
    """For the value and for the cotangents, the axes that stay open: those of evaluations that are not told apart, and those
    of meanings that only places apart would settle, at which no reading is what was returned."""
    formula, chosen = overlay.formula, (read.value, read.backward or read.value)
    untold = [
        {axis for other in open_ for axis in one.difference(other)} for one, open_ in zip(chosen, read.open, strict=False)
    ]
    if read.apart:
        mine, meanings = formula.meaning(read.reading), overlay.meanings(read.terms)
        apart = {axis for meaning in meanings if len(changed := mine.difference(meaning)) == 1 for axis in changed}
        untold = [one | apart for one in untold]
    if read.arranged:
        untold = [one | _evaluations(formula) for one in untold]
    return untold or [set()]


def _evaluations(formula: Map) -> set[str]:
    """The axes on which one real function is evaluated in several ways."""
    return {axis.name for axis in formula.axes if axis.kind == "evaluation"}


def _trial(laid: Laid, fitting: Collection[str]) -> LineTrial:
    gradient = not laid.line.wrt
    if laid.overlays and laid.line.id in fitting:
        return LineTrial(laid.line.id, "fits", gradient=gradient)
    if laid.mismatch is None:
        return LineTrial(laid.line.id, "no-reading", gradient=gradient)
    return LineTrial(laid.line.id, "not-tried", laid.mismatch.reason, str(laid.mismatch), gradient)


def _reduction(overlay: Overlay, read: Read) -> Reduction:
    if isinstance(overlay.formula, Unreduced):
        return Reduction.EACH
    return Reduction(read.reading[REDUCTION.name]) if isinstance(overlay.formula, Reduced) else Reduction.AS_THE_LINE


def _chosen(reading: Reading, axes: Iterable[str]) -> dict[str, str]:
    """A reading on these of the line's own axes."""
    wanted = set(axes) - {REDUCTION.name}
    return {axis: option for axis, option in reading.choices if axis in wanted}


def _open(read: Read, axis: str) -> list[str]:
    """The options of an axis that are not told apart; none where places apart fit none of them."""
    return list(dict.fromkeys(reading[axis] for reading in read.open[-1])) if len(read.open[-1]) > 1 else []


def _constants(formula: Map, reading: Mapping[str, str]) -> dict[str, float]:
    """The numbers inside of the chosen options, by axis."""
    chosen = {axis: formula.axis(axis).option(option).constant for axis, option in reading.items()}
    return {axis: constant.value for axis, constant in chosen.items() if constant is not None}


def _difference(reading: Mapping[str, str], other: Reading) -> dict[str, str]:
    """For each axis on which a reading is not the other, the other's option."""
    return {axis: other[axis] for axis, option in reading.items() if other[axis] != option}


def _rivals(overlay: Overlay, read: Read, told: Collection[str]) -> Iterator[Rival]:
    """The readings that fit as well, and those one axis away, of the axes that are told, that do not."""
    formula, others = overlay.formula, overlay.others(read)
    meaning, mine = formula.meaning, formula.meaning(read.reading)
    for other in others:
        chosen = _chosen(other, overlay.settled)
        if meaning(other) != mine:
            yield _tied(overlay, read, other, chosen)
        elif other not in read.open[-1]:
            yield Rival(chosen, tie=Tie.EVALUATION)
    for rival in (read.reading.but(**{axis: o}) for axis in told for o in formula.axis(axis).names if o != read.reading[axis]):
        if rival not in others and not any(meaning(rival) == meaning(other) != mine for other in others):
            witness = overlay.witness(read, rival)
            if witness is not None:
                yield Rival(_chosen(rival, told), witness)


def _tied(overlay: Overlay, read: Read, other: Reading, chosen: dict[str, str]) -> Rival:
    """Another function that fits as well, and why the two are not told apart."""
    if isinstance(overlay.formula, Unreduced):
        return Rival(chosen, tie=Tie.ELEMENTS)
    if (sample := overlay.separating(read, other)) is None:
        return Rival(chosen, tie=Tie.NO_INPUT)
    shown = [quantity(name, array) for name, array in sample.arrays.items()]
    return Rival(chosen, tie=Tie.NOT_ANSWERED, input=shown, raised=overlay.raised.get(sample.label, ""))


def _missing(overlay: Overlay) -> list[str]:
    """The inputs of which the function's own vjp returns no cotangent, though it does of others."""
    known = {name for observed in overlay.trials for name in observed.outputs}
    return [name for name in overlay.formula.wrt if f"{name}_bar" not in known] if overlay.with_vjp else []


def _alone(overlay: Overlay, part: Part) -> list[dict[str, str]]:
    """What the value or the cotangents are for themselves, where together they are nothing; the reduction is one more axis."""
    accepted = overlay.formula.accepted("forward" if part == "value" else "vjp_body")
    axes = [axis for axis in accepted if axis in overlay.settled]
    found = [{axis: option for axis, option in reading.choices if axis in axes} for reading in overlay.alone(part)]
    return [reading for i, reading in enumerate(found) if reading not in found[:i]]
