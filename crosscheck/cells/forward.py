"""Forward mode held against reverse mode: ⟨x̄, ẋ⟩ = ⟨z̄, ż⟩ for the same function, within the budget of its cotangents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...adapters.errors import Unsupported
from ...reference.formula import Formula, Map
from ...reference.vocabulary import Reading
from ..arithmetic.rounding import Enclosure, Rounding, Wide
from ..inputs.samples import AnySample, Sample, bound_sizes, stable_seed
from ..readings.compare import Predictions, Undefined
from .subject import Subject

TRIED = 2  # samples, the kept witnesses first; of one shape, since some frameworks compile each shape anew


@dataclass(frozen=True)
class Contradiction:
    """How forward mode contradicts the reading that reverse mode fits, and whether by a number or by NaN or infinity."""

    words: str
    finite: bool


def forward_mode_misses(
    subject: Subject, formula: Formula, predictions: Predictions, accepted: Sequence[int], reading: Reading | None
) -> Contradiction | None:
    """How the framework's forward mode contradicts the reading that its reverse mode fits; None where it does not.

    Frameworks without a forward mode for the function are left out: that is no contradiction.
    """
    if not isinstance(formula, Map) or reading is None:
        return None
    if _is_compiled(subject) and (subject.native is not None or subject.cell.dtype != "float32"):
        return None  # the same rule as in the plain mode: the derived route shows in one dtype that compiling keeps it
    for index in _tried(formula, predictions, accepted):
        sample = predictions.samples[index]
        assert isinstance(sample, Sample)
        prediction = predictions(index, reading)
        if isinstance(prediction, Undefined) or not np.isfinite(prediction["value"].value).all():
            continue
        tangents = tangents_for(sample, subject.wrt)
        try:
            tangent = subject.push(sample, tangents)
        except Unsupported:
            return None
        pulled = contraction(predictions, {n: prediction[f"{n}_bar"] for n in subject.wrt}, tangents)
        with np.errstate(all="ignore"):
            pushed = np.asarray((sample.cotangent.astype(Wide) * np.asarray(tangent).astype(Wide)).sum())
        if not pulled.contains(pushed).all():
            words = (
                f"forward mode contradicts reverse mode on {str(sample.label)!r}: "
                f"⟨z̄, ż⟩ is {float(pushed):.6g}, ⟨x̄, ẋ⟩ is {float(pulled.value):.6g} ± {float(pulled.error):.2g}"
            )
            return Contradiction(words, bool(np.isfinite(pushed)))
    return None


def _is_compiled(subject: Subject) -> bool:
    return subject.adapter.compiles and subject.cell.mode != subject.adapter.map_modes[0]


def _tried(formula: Map, predictions: Predictions, accepted: Sequence[int]) -> list[int]:
    """The first moderate samples, all of one shape."""
    moderate = [i for i in accepted if _is_moderate(predictions.samples[i], predictions)]
    arrays = {i: sample.arrays for i in moderate if isinstance(sample := predictions.samples[i], Sample)}
    sizes = {i: bound_sizes(formula, found) for i, found in arrays.items()}
    return [i for i in moderate if sizes[i] == sizes[moderate[0]]][:TRIED]


def _is_moderate(sample: AnySample, predictions: Predictions) -> bool:
    """Whether products of two inputs cannot overflow: forward mode forms other products than reverse mode does."""
    limit = np.sqrt(predictions.precision.max)
    return isinstance(sample, Sample) and all(
        (np.abs(array.astype(np.float64)) < limit).all() for array in sample.arrays.values()
    )


def tangents_for(sample: Sample, wrt: Sequence[str]) -> dict[str, np.ndarray]:
    """A random direction for each differentiated input, the same for the same sample."""
    generator = np.random.default_rng(stable_seed(sample.label, *wrt))
    return {
        name: (generator.uniform(0.5, 1.5, sample.arrays[name].shape) * generator.choice([-1, 1])).astype(
            sample.arrays[name].dtype
        )
        for name in wrt
    }


def contraction(predictions: Predictions, bars: dict[str, Enclosure], tangents: dict[str, np.ndarray]) -> Enclosure:
    """⟨x̄, ẋ⟩ under the rounding model."""
    xp = Rounding(predictions.precision)
    flat = [(bars[name] * xp.asarray(tangents[name])).reshape(-1) for name in bars]
    terms = xp.stack([term[i] for term in flat for i in range(len(term))])
    return xp.sum(terms)
