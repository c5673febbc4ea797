"""Inputs of a line as data: the hard points that a map names itself, and plain numbers in each of its shapes.

All subjects of a line and dtype are held against the same inputs, so that each reading's enclosure is computed once, and
compiled frameworks see few shapes.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from ...adapters.contract import Trace
from ...reference.formula import Map
from ...reference.vocabulary import Input, Sizes
from ..arithmetic.formats import Precision
from ..findings import Label

NEAR_SUBNORMAL = 8  # smallest normal numbers: a half or a quarter of it is normal, a product with a small input is not


@dataclass(frozen=True)
class Sample:
    """One input of a map: arrays in the dtype under test, settings, and the cotangent that is pulled back."""

    label: Label
    arrays: Mapping[str, np.ndarray]
    settings: Mapping[str, str]
    cotangent: np.ndarray

    @property
    def inputs(self) -> dict[str, Any]:
        return {**self.arrays, **self.settings}

    @property
    def finite(self) -> bool:
        return all(np.isfinite(array.astype(np.float64)).all() for array in (*self.arrays.values(), self.cotangent))


@dataclass(frozen=True)
class TraceSample:
    """One trace of an optimizer."""

    label: Label
    trace: Trace

    @property
    def finite(self) -> bool:
        return bool(np.isfinite(self.trace.gradients.astype(np.float64)).all())


AnySample = Sample | TraceSample


def stable_seed(*parts: Any) -> int:
    """A seed that is the same in every process, from what it is for."""
    return zlib.crc32(" ".join(map(str, parts)).encode())


def settled(values: Any, p: Precision) -> np.ndarray:
    """Values in the dtype under test, without the subnormals that rounding made: those are hard points of their own."""
    array = np.asarray(values, dtype=np.float64).astype(p.numpy)
    return np.where(np.abs(array) < p.smallest_normal, np.zeros_like(array), array).astype(p.numpy)


def output_shape(formula: Map, bucket: Sizes) -> tuple[int, ...]:
    return Input(formula.output, "").concrete(bucket)


def hard_samples(formula: Map, p: Precision) -> list[Sample]:
    """The line's own hard points, with cotangents that are neither ones nor round."""
    found = []
    with np.errstate(over="ignore"):
        for name, point in formula.hard_points(p).items():
            arrays = {name: np.asarray(point[name], dtype=np.float64).astype(p.numpy) for name in formula.inputs}
            bucket = bound_sizes(formula, arrays)
            chosen = {name: point.get(name, next(iter(options))) for name, options in formula.settings.items()}
            found.append(Sample(Label("hard", name), arrays, chosen, _cotangent(output_shape(formula, bucket), name, p)))
    return found


def sized_samples(formula: Map, p: Precision) -> list[Sample]:
    """Numbers of several sizes in each of the line's shapes, in each of its settings, and in the first shape with cotangents
    that are hardly normal numbers: what differs by the shape or by underflow shows in every run, whatever is drawn."""
    settings = [dict(zip(formula.settings, options, strict=True)) for options in product(*formula.settings.values())]
    plain = [_sized(formula, sizes, chosen, p) for sizes in formula.sizes for chosen in settings]
    return [*plain, *(_with_tiny_cotangent(_sized(formula, formula.sizes[0], chosen, p), p) for chosen in settings)]


def _sized(formula: Map, sizes: Sizes, chosen: Mapping[str, str], p: Precision) -> Sample:
    label = Label.of("sized", {**sizes, **chosen})
    generator = np.random.default_rng(stable_seed(formula.id, label))
    arrays = {name: np.asarray(_numbers(generator, one, sizes), p.numpy) for name, one in formula.inputs.items()}
    return Sample(label, arrays, chosen, _cotangent(output_shape(formula, sizes), str(label), p))


def _with_tiny_cotangent(sample: Sample, p: Precision) -> Sample:
    tiny = sample.cotangent.astype(np.longdouble) * (NEAR_SUBNORMAL * p.smallest_normal)
    label = Label.of("sized", {**dict(sample.label.chosen), "cotangent": "tiny"})
    return replace(sample, label=label, cotangent=np.asarray(tiny, p.numpy))


def _numbers(generator: np.random.Generator, argument: Input, sizes: Sizes) -> np.ndarray:
    """Eighths, so that ties come up, and what is nearer to 0 and 1; with a sign where the input may have one."""
    shape = argument.concrete(sizes)
    signs = 1 if argument.values in ("probability", "unit") else generator.choice([-1, 1], shape)
    return signs * generator.choice([1 / 64, *np.arange(1, 8) / 8, 63 / 64], shape)


def bound_sizes(formula: Map, arrays: Mapping[str, np.ndarray]) -> dict[str, int]:
    """What the symbolic sizes stand for in these arrays."""
    pairs = (
        (symbol, n)
        for name, argument in formula.inputs.items()
        for symbol, n in zip(argument.shape, arrays[name].shape, strict=True)
        if isinstance(symbol, str)
    )
    return dict(pairs)


def _cotangent(shape: tuple[int, ...], purpose: str, p: Precision) -> np.ndarray:
    generator = np.random.default_rng(stable_seed(purpose))
    return generator.uniform(0.5, 2.0, shape).astype(p.numpy) * generator.choice([-1, 1], shape).astype(p.numpy)
