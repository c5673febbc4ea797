"""Forward mode held against reverse mode: ⟨x̄, ẋ⟩ = ⟨z̄, ż⟩ for the same function, within the budget of its cotangents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...adapters.errors import Unsupported
from ...reference.formula import Map
from ...reference.vocabulary import Reading
from ..arithmetic.formats import Precision, precision
from ..arithmetic.rounding import Enclosure, Rounding, Wide
from ..findings import ForwardContradicts, NoValue, number
from ..inputs.samples import Sample, bound_sizes, stable_seed
from ..readings.compare import Observed, Question
from ..readings.evaluate import VALUE, bar
from ..readings.variants import Losses, with_losses
from .subject import Subject

TRIED = 2  # samples, the kept witnesses first; of one shape, since some frameworks compile each shape anew


def contradiction(
    subject: Subject, trials: Sequence[Observed], reading: Reading | None, losses: Losses
) -> ForwardContradicts | None:
    """How the framework's forward mode contradicts the reading that its reverse mode fits; None where it does not.

    Frameworks without a forward mode for the function are left out: that is no contradiction.
    """
    if not isinstance(subject.formula, Map) or reading is None or not _is_asked(subject):
        return None
    try:
        found = (_contradiction(subject, observed, reading, losses) for observed in _tried(subject.formula, trials))
        return next(filter(None, found), None)
    except Unsupported:
        return None


def _is_asked(subject: Subject) -> bool:
    """As in the eager mode, the derived route shows in one dtype that compiling keeps it; natives are not compiled for it."""
    compiled = subject.adapter.compiles and subject.cell.mode != subject.adapter.map_modes[0]
    return not compiled or (subject.native is None and subject.cell.dtype == "float32")


def _contradiction(subject: Subject, observed: Observed, reading: Reading, losses: Losses) -> ForwardContradicts | None:
    sample, outputs = observed.question.sample, observed.question.allows(reading, losses)
    assert isinstance(sample, Sample)
    if isinstance(outputs, NoValue) or not np.isfinite(outputs[VALUE].value).all():
        return None
    tangents = tangents_for(sample, subject.wrt)
    tangent = subject.push(sample, tangents)
    pulled = contraction(with_losses(subject.cell.dtype, losses), {n: outputs[bar(n)] for n in subject.wrt}, tangents)
    with np.errstate(all="ignore"):
        pushed = np.asarray((sample.cotangent.astype(Wide) * np.asarray(tangent).astype(Wide)).sum())
    if pulled.contains(pushed).all():
        return None
    return ForwardContradicts(sample.label, number(pushed), number(pulled.value), number(pulled.error))


def _tried(formula: Map, trials: Sequence[Observed]) -> list[Observed]:
    """The first moderate samples, all of one shape."""
    moderate = [(observed, arrays) for observed in trials if (arrays := _moderate(observed.question))]
    sizes = [bound_sizes(formula, arrays) for _, arrays in moderate]
    return [observed for (observed, _), one in zip(moderate, sizes, strict=True) if one == sizes[0]][:TRIED]


def _moderate(question: Question) -> Mapping[str, np.ndarray]:
    """The inputs where products of two cannot overflow, else none: forward mode forms other products than reverse mode does."""
    assert isinstance(question.sample, Sample)
    arrays, limit = question.sample.arrays, np.sqrt(precision(question.dtype).max)
    return arrays if all((np.abs(array.astype(np.float64)) < limit).all() for array in arrays.values()) else {}


def tangents_for(sample: Sample, wrt: Sequence[str]) -> dict[str, np.ndarray]:
    """A random direction for each differentiated input, the same for the same sample."""
    generator = np.random.default_rng(stable_seed(sample.label, *wrt))
    return {
        name: (generator.uniform(0.5, 1.5, sample.arrays[name].shape) * generator.choice([-1, 1])).astype(
            sample.arrays[name].dtype
        )
        for name in wrt
    }


def contraction(p: Precision, bars: dict[str, Enclosure], tangents: dict[str, np.ndarray]) -> Enclosure:
    """⟨x̄, ẋ⟩ under the rounding model."""
    xp = Rounding(p)
    flat = [(bars[name] * xp.asarray(tangents[name])).reshape(-1) for name in bars]
    terms = xp.stack([term[i] for term in flat for i in range(len(term))])
    return xp.sum(terms)
