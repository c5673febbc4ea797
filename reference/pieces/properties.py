"""Properties that many formulas share. A formula names those that it has; each is held in exact arithmetic.

What a property asks of a case:

- of a map: ``formula``, ``value``, ``bars`` (the cotangents by name), ``inputs``, ``arrays``, ``cotangent``, ``sizes``; whether
  it is ``in_domain`` (its value is a number) and ``defined`` (so are its cotangents); ``but(arrays=…, cotangent=…)``;
  ``pushed(directions)``, the tangent of its forward line; ``generator(purpose)`` of random numbers, and ``xp``;
- of an optimizer: ``gradients``, ``start``, ``rate``, ``hyper``; ``path(…)`` and ``moved(…)``, the weights after each step of a
  run that may have other ones of these; and ``xp``.

Numbers are balls of ``xp``: one that excludes zero refutes an equation, one that contains it confirms it to thousands of bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from ..formula import Formula, Map
from ..vocabulary import Fault, Mnemonic, Outcome, Property

HOLDS = Outcome()
Outcomes = Iterator[Outcome]


def properties_of(formula: Formula) -> tuple[Property, ...]:
    """All that a formula is held to: what it names and, of a map, what any vjp is and what the sheet's words beside it say."""
    if not isinstance(formula, Map):
        return formula.properties
    return (*(said(formula.mnemonic) if formula.mnemonic else ()), LINEARITY, ADJOINT, *formula.properties)


def equal(of: str, found: Any, expected: Any, **where: Any) -> Outcome:
    """Whether two arrays may be equal everywhere; else the first place at which they certainly are not, or have no number."""
    found, expected = np.asarray(found, object), np.asarray(expected, object)
    if found.shape != expected.shape:
        return Outcome(Fault.SHAPE, of, found=found.shape, expected=expected.shape, **where)
    for index in np.ndindex(found.shape):
        if not found[index].is_finite():
            return Outcome(Fault.UNDEFINED, of, index, **where)
        if not (found[index] - expected[index]).contains(0):
            return Outcome(Fault.DIFFERS, of, index, found=found[index], expected=expected[index], **where)
    return HOLDS


def _first(outcomes: Iterator[Outcome]) -> Outcome:
    """The first that fails."""
    return next((outcome for outcome in outcomes if outcome.fault), HOLDS)


# --- of maps --------------------------------------------------------------------------------------------------------


def _all_equal(found: Any, value: Any, bars: Mapping[str, Any], *after: str) -> Outcome:
    """Whether the value and the cotangents of a case are those expected after something was done to it."""
    outputs = [("value", found.value, value), *((f"{name}_bar", found.bars[name], bar) for name, bar in bars.items())]
    return _first(equal(*output, after=after) for output in outputs)


def _undefined(case: Any) -> Outcome:
    """Which cotangent is no number, or not of its input's shape."""
    for name, bar in case.bars.items():
        if bar.shape != (shape := case.arrays[name].shape):
            return Outcome(Fault.SHAPE, f"{name}_bar", found=bar.shape, expected=shape)
        if not all(ball.is_finite() for ball in np.ravel(bar)):
            return Outcome(Fault.UNDEFINED, f"{name}_bar")
    return HOLDS


def said(mnemonic: Mnemonic) -> tuple[Property, ...]:
    """The sheet's words beside a line. A cotangent that is no number does not do what they say."""

    def outcomes(case: Any) -> Outcomes:
        if not case.in_domain:
            return
        if (wrong := _undefined(case)).fault:
            yield wrong
            return
        residuals = np.ravel(mnemonic.residual(case.xp, case.value, case.bars, case.cotangent, case.inputs))
        fault = Fault.DIFFERS if mnemonic.relation == "equal" else Fault.EXCEEDS
        off = (r for r in residuals if (not r.contains(0) if fault is Fault.DIFFERS else r > 0))
        yield _first(Outcome(fault, "residual", found=r, expected=case.xp.lift(0)) for r in off)

    return (Property("mnemonic", f"“{mnemonic.words}”", outcomes),)


def increasingly(mnemonic: Mnemonic) -> Property:
    """The other half of such words: of two elements of the only input, that with the larger |x| keeps no more of its flow."""

    def outcomes(case: Any) -> Outcomes:
        if not case.defined:
            return
        (name,) = case.bars
        x, bar, flow = (np.abs(np.ravel(a)) for a in (case.inputs[name], case.bars[name], case.cotangent))
        for i, j in ((i, j) for i in range(x.size) for j in range(x.size) if x[i] < x[j]):
            rises = bar[i] * flow[j] < bar[j] * flow[i]
            shares = {"found": bar[j] / flow[j], "expected": bar[i] / flow[i], "after": ("beside", str(i))}
            yield Outcome(Fault.EXCEEDS, f"{name}_bar/z_bar", (j,), **shares) if rises else HOLDS

    return Property("mnemonic-increasing", f"“{mnemonic.words}”: the larger |x|, the less of its flow is kept", outcomes)


def _linear(case: Any) -> Outcomes:
    """The pullback of 3c - d is three times that of c less that of d."""
    if not case.defined:
        return
    other = case.xp.asarray(case.generator("another cotangent").uniform(-2, 2, case.cotangent.shape))
    combined, others = case.but(cotangent=3 * case.cotangent - other).bars, case.but(cotangent=other).bars
    yield _first(
        equal(f"{name}_bar", combined[name], 3 * bar - others[name], after=("combined",)) for name, bar in case.bars.items()
    )


def _adjoint(case: Any) -> Outcomes:
    """⟨x̄, ẋ⟩ = ⟨z̄, ż⟩, where ż comes from dual numbers through the forward line."""
    if not case.in_domain or _tied(case):
        return
    if (wrong := _undefined(case)).fault:
        yield wrong
        return
    generator = case.generator("direction")
    directions = {name: case.xp.asarray(generator.uniform(-2, 2, case.arrays[name].shape)) for name in case.bars}
    pulled = sum((np.sum(bar * directions[name]) for name, bar in case.bars.items()), start=case.xp.lift(0))
    yield equal("⟨x̄, ẋ⟩", pulled, np.sum(case.cotangent * case.pushed(directions)))


def _tied(case: Any) -> bool:
    """Whether a maximum or minimum is attained twice, so that there is no derivative."""
    if not case.formula.set_valued:
        return False
    (name,) = case.bars
    return sum(bool(x == case.value) for x in np.ravel(case.inputs[name])) > 1


def _axes_of(formula: Map, symbol: str) -> dict[str, int]:
    """Which axis of which array a size stands for; "" is the value, whose cotangent has its shape."""
    shapes = {"": formula.output, **{name: argument.shape for name, argument in formula.inputs.items()}}
    return {name: shape.index(symbol) for name, shape in shapes.items() if symbol in shape}


def _rearranged(case: Any, axes: Mapping[str, int], change: Callable[[np.ndarray, int], np.ndarray]) -> Any:
    """The case with ``change(array, axis)`` done to every array along its axis."""
    arrays = {name: change(array, axes[name]) if name in axes else array for name, array in case.arrays.items()}
    c = case.cotangent
    return case.but(arrays=arrays, cotangent=change(c, axes[""]) if "" in axes else c)


def _additive(case: Any) -> Outcomes:
    """Two parts of a batch: what belongs to an example stacks, what the examples share adds up."""
    n = case.sizes[case.formula.batch_axis]
    if n < 2 or not case.defined:
        return
    axes, cut = _axes_of(case.formula, case.formula.batch_axis), n // 2
    parts = [_rearranged(case, axes, lambda a, k, s=s: a[(slice(None),) * k + (s,)]) for s in (slice(cut), slice(cut, n))]
    (v, bars), (w, more) = ((part.value, part.bars) for part in parts)
    expected = {
        name: np.concatenate([b, more[name]], axes[name]) if name in axes else b + more[name] for name, b in bars.items()
    }
    yield _all_equal(case, np.concatenate([v, w], axes[""]), expected, "split", str(cut), str(n - cut))


def _replicated(case: Any) -> Outcomes:
    """Each example given twice: the mean over the batch stays, and copies share their example's cotangent."""
    if not case.defined:
        return
    axes = _axes_of(case.formula, case.formula.batch_axis)
    twice = _rearranged(case, axes, lambda a, k: np.repeat(a, 2, k))
    expected = {name: np.repeat(bar, 2, axes[name]) / 2 if name in axes else bar for name, bar in case.bars.items()}
    yield _all_equal(twice, case.value, expected, "doubled")


def _swapped(array: np.ndarray, axis: int) -> np.ndarray:
    """The first two exchanged."""
    order = np.arange(array.shape[axis])
    order[:2] = order[1::-1]
    return array.take(order, axis)


def _rolled(array: np.ndarray, axis: int) -> np.ndarray:
    return np.roll(array, 1, axis)


def _permuted(case: Any) -> Outcomes:
    """Elements renumbered, by a swap and by a rotation, which together generate every permutation."""
    if not case.defined:
        return
    for symbol in (symbol for symbol, n in case.sizes.items() if n > 1):
        axes = _axes_of(case.formula, symbol)
        for change, deed in ((_swapped, "swapped"), (_rolled, "rolled")):
            expected = {name: change(bar, axes[name]) if name in axes else bar for name, bar in case.bars.items()}
            value = change(case.value, axes[""]) if "" in axes else case.value
            yield _all_equal(_rearranged(case, axes, change), value, expected, deed, symbol)


def _in_subdifferential(case: Any) -> Outcomes:
    """x̄ ∈ z̄·conv{eᵢ : xᵢ = z}: shares of the flow, none negative, none elsewhere, that add up to all of it."""
    if not case.defined:
        return
    (name,) = case.bars
    x, bar, flow = np.ravel(case.inputs[name]), np.ravel(case.bars[name]), case.cotangent[()]
    astray = [i for i, share in enumerate(bar) if share * flow < 0 or (x[i] != case.value and not share.contains(0))]
    if astray:
        yield Outcome(Fault.OUTSIDE, f"{name}_bar", (astray[0],), found=bar[astray[0]], expected=flow)
        return
    yield equal(f"Σ {name}_bar", np.sum(bar), flow)


LINEARITY = Property("linearity", "the pullback is linear in the cotangent", _linear)
ADJOINT = Property("adjoint", "⟨x̄, ẋ⟩ = ⟨z̄, ż⟩: the cotangents agree with dual numbers through the forward line", _adjoint)
BATCH_ADDITIVITY = Property(
    "batch-additivity", "a batch taken apart: cotangents of examples stack, those of what examples share add up", _additive
)
REPLICATION = Property("replication", "every example given twice leaves the loss and its gradients as they are", _replicated)
PERMUTATION = Property("permutation", "the order of examples and of elements does not matter", _permuted)
SUBDIFFERENTIAL = Property("subdifferential", "the cotangent lies in z̄·conv{eᵢ : xᵢ = z}, also at ties", _in_subdifferential)


# --- of optimizers --------------------------------------------------------------------------------------------------

FACTOR = -3
GRADIENT = 0.5
STEPS = 6


def _same_path(found: Any, expected: Any, **at: float) -> Outcome:
    """Whether two paths are the same; else the first step at which they differ."""
    steps = enumerate(zip(found, expected, strict=True), start=1)
    return _first(equal("w", a, b, step=t, at=at) for t, (a, b) in steps)


def _alone(run: Any) -> Outcomes:
    path = run.path()
    for i in range(len(run.start)):
        alone = run.path(run.gradients[:, i : i + 1], run.start[i : i + 1])
        yield _same_path(alone, path[:, i : i + 1])


def _shifted(run: Any) -> Outcomes:
    yield _same_path(run.path(), run.moved() + run.xp.asarray(run.start))


def _proportional(run: Any) -> Outcomes:
    yield _same_path(run.moved(rate=4 * run.rate), 4 * run.moved())


ELEMENTWISE = Property("elementwise", "each weight moves as it would alone", _alone)
SHIFT = Property("shift", "a shifted start shifts the path and nothing else", _shifted)
PROPORTIONAL = Property("rate", "with a constant rate, how far the weights move is proportional to it", _proportional)


def homogeneous(degree: int = 1) -> Property:
    """A step that grows with the gradients: times -3, the path is (-3)^degree times as long."""

    def outcomes(run: Any) -> Outcomes:
        yield _same_path(run.moved(FACTOR * run.xp.asarray(run.gradients)), FACTOR**degree * run.moved())

    power = f" to the power of {degree}" if degree != 1 else ""
    return Property("homogeneity", f"gradients times {FACTOR}: the path is that{power} times as long", outcomes)


def invariant_to_scale(**at: float) -> Property:
    """A normalised step: gradients times -3 only mirror the path. ``at`` are values of hyperparameters with which that is so,
    such as eps=0.0."""

    def outcomes(run: Any) -> Outcomes:
        mirrored = run.moved(FACTOR * run.xp.asarray(run.gradients), **at)
        yield _same_path(mirrored, -run.moved(**at), **at)

    given = f" ({', '.join(f'{name} = {value:g}' for name, value in at.items())})" if at else ""
    return Property("homogeneity", f"gradients times {FACTOR}: the path is only mirrored{given}", outcomes)


def unbiased(moment: Literal["first", "second"], isolated_by: Mapping[str, float]) -> Property:
    """The corrected average of what stays the same is that. Hyperparameters isolate a moment: where the second forgets at once
    and ε is 0, a step is α V̂/|g|; where the first does, α g/√Ŝ."""
    average, expected = ("V̂", GRADIENT) if moment == "first" else ("Ŝ", GRADIENT**2)

    def outcomes(run: Any) -> Outcomes:
        path = run.path(np.full((STEPS, 1), GRADIENT), np.zeros(1), **isolated_by)[:, 0]
        steps = -np.diff(path, prepend=run.xp.lift(0))
        averages = steps * GRADIENT / run.rate if moment == "first" else (run.rate * GRADIENT / steps) ** 2
        found = (equal(average, a, run.xp.lift(expected), step=t) for t, a in enumerate(averages, start=1))
        yield _first(replace(one, at=isolated_by) for one in found)

    squared = "'s square is that square" if moment == "second" else " is the gradient"
    return Property(f"unbiased-{moment}", f"the corrected average of a constant gradient{squared}", outcomes)
