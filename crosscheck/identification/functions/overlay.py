"""One function laid over one line: what it returned there, which readings hold it, and how near the others come."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ....adapters.errors import BoxError
from ....reference.formula import Map
from ....reference.vocabulary import Axis, Input, Reading, Sizes
from ...answers import Arrangement, Loss, Unlaid
from ...arithmetic.formats import precision
from ...arithmetic.rounding import Enclosure, Wide
from ...cells.evidence import failure_witness, pair_witness
from ...cells.examination import precision_variants
from ...cells.verdict import best
from ...findings import Label, Witness
from ...inputs.profiles import profile
from ...inputs.samples import Sample, bound_sizes, stable_seed
from ...inputs.shared import samples
from ...inputs.strategies import draw, map_samples
from ...readings.compare import Fit, Observation, Prediction, Predictions, Undefined, fit, miss, unconstrained, worst_share
from ...witnesses.search import Departure, replays, sample_of, search
from .arrangements import Mismatch, Unreduced, formed, with_cotangent
from .callables import Call, Refusal

ROUNDS = 3  # inputs that are sought, one after the other, to tell apart readings that still fit
PAIR = {"n": 2}
# variants of the rounding model, in the order they are tried in
MODELS = {"plain": (), "flushing": (Loss.FLUSHED,), "coarse": (Loss.COARSE,), "flushing, coarse": (Loss.FLUSHED, Loss.COARSE)}


@dataclass(frozen=True)
class Read:
    """The readings of the value and of the cotangents that go together, and the variant of the rounding model they need.

    They are one reading, or two evaluations of one real function. ``backward`` is None where no cotangents are known.
    """

    value: Reading
    backward: Reading | None
    model: str = "plain"

    @property
    def reading(self) -> Reading:
        return self.backward or self.value


@dataclass
class Overlay:
    """What a function returned on a line's samples. ``formula`` is the line, as it is or reduced; ``accepted`` are the samples
    that it answered on, at first the one that it was tried on, and ``raised`` what it said on others by label."""

    line: Map
    formula: Map
    call: Call
    settings: Mapping[str, str]
    seed: int
    samples: list[Sample]
    accepted: list[int]
    observed: list[Observation]
    raised: dict[Label, str]
    undifferentiated: str = ""

    _fits: dict[tuple[str, str, int], Fit] = field(default_factory=dict)

    def __post_init__(self) -> None:
        variants = precision_variants(self.formula, precision(self.call.dtype))
        self.predictions = {name: Predictions(self.formula, p, self.samples) for name, (p, _) in variants.items()}

    @property
    def dtype(self) -> str:
        return self.call.dtype

    @property
    def with_vjp(self) -> bool:
        return any(name != "value" for observed in self.observed for name in observed)

    @property
    def settled(self) -> tuple[str, ...]:
        """The axes that what was returned may depend on."""
        known = set(self.formula.accepted("forward")) | (set(self.formula.accepted("vjp_body")) if self.with_vjp else set())
        return tuple(
            axis.name for axis in self.formula.axes if axis.name in known and (not self.settings or self._matters(axis))
        )

    def _matters(self, axis: Axis) -> bool:
        """Whether the options of an axis differ under these settings: the slope of σ means nothing to a ReLU."""
        printed = self.formula.printed
        return any(
            not _same(self.predictions["plain"](i, printed), self.predictions["plain"](i, printed.but(**{axis.name: option})))
            for option in axis.names
            for i in self.accepted
        )

    @property
    def readings(self) -> list[Reading]:
        """Every reading, those that differ on axes which stay open once."""
        settled = self.settled
        return list(self.formula.readings({axis.name: axis.printed for axis in self.formula.axes if axis.name not in settled}))

    # --- which readings hold ---

    def only(self, quantity: str) -> list[Observation]:
        """What was returned as the "value", or of the cotangents ("backward")."""
        return [{name: a for name, a in o.items() if (name == "value") == (quantity == "value")} for o in self.observed]

    def fitted(self, quantity: str, model: str = "plain") -> Fit:
        key = (quantity, model, len(self.observed))
        if key not in self._fits:
            self._fits[key] = fit(self.predictions[model], self.accepted, self.only(quantity), self.readings)
        return self._fits[key]

    def pairs(self, model: str = "plain") -> list[tuple[Reading, Reading]]:
        """The pairs of readings of the value and of the cotangents that hold everything and are one real function; of pairs
        with one meaning those that are one reading, if there are any."""
        values = self.fitted("value", model).holds
        bars = self.fitted("backward", model).holds if self.with_vjp else values
        meaning = self.formula.meaning
        meant = [(v, b) for v, b in itertools.product(values, bars) if meaning(v) == meaning(b)]
        same = {meaning(v) for v, b in meant if v == b}
        return [(v, b) for v, b in meant if v == b or meaning(v) not in same]

    def read(self, model: str = "plain") -> Read | None:
        """What holds everything under a variant of the rounding model; None where nothing does. Of several the printed, then
        the standard one, in its standard evaluation or else in the one of those that hold that predicts most narrowly."""
        pairs = self.pairs(model)
        if not pairs:
            return None
        backward = self._best([b for _, b in pairs], model)
        value = self._best([v for v, b in pairs if b == backward], model)
        return Read(value, backward if self.with_vjp else None, model)

    @property
    def ruled_out(self) -> bool:
        """Whether nothing holds what was returned, under any variant of the rounding model."""
        return all(self.read(model) is None for model in MODELS)

    def _best(self, holds: Sequence[Reading], model: str) -> Reading:
        formula = self.formula
        meant = formula.meaning(best(formula, list(holds)))
        accurate = {axis.name: axis.standard for axis in formula.axes if axis.kind == "evaluation"}

        def rank(reading: Reading) -> tuple[int, float]:
            worse = sum(reading[axis] != option for axis, option in accurate.items())
            return worse, self._breadth(reading, model) if worse else 0.0

        candidates = [reading for reading in holds if formula.meaning(reading) == meant]
        return candidates[0] if len(candidates) == 1 else min(candidates, key=rank)

    def _breadth(self, reading: Reading, model: str) -> float:
        """How wide the budgets of a reading are: their mean relative to the values, each counted as 1 at most."""
        shares = [np.zeros(0)]
        for index, observed in zip(self.accepted, self.observed, strict=True):
            prediction = self.predictions[model](index, reading)
            if isinstance(prediction, Undefined):
                return 1.0
            for name in observed:
                enclosure = prediction[name]
                relative = _ratio(enclosure.error, np.abs(enclosure.value))
                shares.append(np.where(np.isnan(enclosure.value), 0.0, relative).ravel())
        return float(np.concatenate(shares).mean())

    def others(self, read: Read) -> list[Reading]:
        """The readings that hold everything as well: those of another meaning, each in its best evaluation, and the other
        evaluations of this one."""
        mine, meanings = self.formula.meaning(read.reading), {}
        for _, b in self.pairs(read.model):
            meanings.setdefault(self.formula.meaning(b), []).append(b)
        evaluations = [b for b in dict.fromkeys(meanings.pop(mine)) if b != read.reading]
        return [self._best(held, read.model) for held in meanings.values()] + evaluations

    def share(self, read: Read) -> float:
        """The largest error as a fraction of the budget."""
        parts = [("value", read.value)] + ([("backward", read.backward)] if read.backward else [])
        predictions = self.predictions[read.model]
        return max(worst_share(predictions, self.accepted, self.only(part), reading) for part, reading in parts)

    # --- asking more ---

    def complete(self) -> None:
        """Ask the function on all samples of the line, and once more on the first one, if that was not done yet."""
        if len(self.samples) > 1:
            return
        self.samples += [with_cotangent(self.formula, sample) for sample in self._shown()]  # the predictions share the list
        for index in range(1, len(self.samples)):
            self._ask(index)
        _unchanged(self.call, self.observed[0], self.call.observe(self.samples[0], self.wrt))

    def _shown(self) -> list[Sample]:
        """The kept witnesses, the hard points and the draws that the layout and the settings allow."""
        line, dtype, effort = self.line, self.dtype, profile("quick")
        shown: list[Any] = [*replays(line, dtype), *samples(line, dtype, effort, self.seed)]
        if self.call.layout.kind is Arrangement.OPERANDS:
            shown = [sample for sample in shown if bound_sizes(line, sample.arrays) == PAIR]
            pairs = map_samples(line, precision(dtype), PAIR)
            shown += draw(pairs, effort.examples, f"{line.id} {dtype} pairs", self.seed)
        shown = [sample for sample in shown if sample.settings == self.settings]
        adapter = self.call.callee.adapter
        return self._of_few_shapes(shown) if adapter is not None and adapter.compiles else shown

    def _of_few_shapes(self, shown: Sequence[Sample]) -> list[Sample]:
        """The samples of the shapes of the plain input and of those that the most samples have: each other costs a
        compilation."""
        buckets = [tuple(sorted(bound_sizes(self.line, sample.arrays).items())) for sample in shown]
        kept = {tuple(sorted(_largest(self.line, self.call).items())), Counter(buckets).most_common(1)[0][0]}
        return [sample for sample, bucket in zip(shown, buckets, strict=True) if bucket in kept]

    def separate(self) -> None:
        """Seek inputs that separate the readings that still fit, and ask the function there, until none is found."""
        for round_ in range(ROUNDS):
            read = self.read()
            if read is None:
                return
            mine = self.formula.meaning(read.reading)
            rivals = [rival for rival in self.others(read) if self.formula.meaning(rival) != mine]
            found = next((s for rival in rivals if (s := self.separating(read, rival, round_)) is not None), None)
            if found is None:
                return
            self.samples.append(found)  # the predictions share the list
            if not self._ask(len(self.samples) - 1):
                return

    def separating(self, read: Read, rival: Reading, round_: int = 0) -> Sample | None:
        """The smallest input found that separates the reading from a rival; None if there is none."""
        if isinstance(self.formula, Unreduced):
            return None  # a batch of one element has one normaliser
        rebased = replace(
            self.formula, axes=tuple(replace(axis, printed=read.reading[axis.name]) for axis in self.formula.axes)
        )
        kept = search(rebased, self.dtype, Departure.of(rebased, rival), self.seed + round_)
        sample = sample_of(rebased, kept) if kept.found else None
        return sample if isinstance(sample, Sample) else None

    def _ask(self, index: int) -> bool:
        """Ask the function on a sample; whether it answered there."""
        sample = self.samples[index]
        try:
            observed = self.call.observe(sample, self.wrt)
        except Refusal as refusal:
            self.raised[sample.label] = str(refusal)
            return False
        self.accepted.append(index)
        self.observed.append(observed)
        return True

    @property
    def wrt(self) -> tuple[str, ...]:
        return () if self.undifferentiated else self.formula.wrt

    # --- what shows it ---

    def simplest_first(self) -> Iterator[tuple[Sample, Observation]]:
        """The samples answered on, those of few and short numbers first."""

        def size(pair: tuple[int, Observation]) -> tuple[bool, int, int]:
            sample = self.samples[pair[0]]
            numbers = np.concatenate([np.ravel(array).astype(float) for array in sample.arrays.values()])
            return not sample.finite, numbers.size, sum(len(f"{number:.17g}") for number in numbers)

        ordered = sorted(zip(self.accepted, self.observed, strict=True), key=size)
        return ((self.samples[i], observed) for i, observed in ordered)

    def witness(self, read: Read, rival: Reading) -> Witness | None:
        """The smallest sample on which the function has the one reading and not the rival's."""
        for sample, observed in self.simplest_first():
            if shown := pair_witness(self.formula, read.reading, rival, sample, self.dtype, observed):
                return shown
        return None

    def failure(self, reading: Reading) -> Witness | None:
        """The smallest sample on which the function is not this reading; None where it is on all of them."""
        number = {id(sample): i for i, sample in enumerate(self.samples)}
        for sample, observed in self.simplest_first():
            missed = miss(self.predictions["plain"](number[id(sample)], reading), observed, number[id(sample)])
            if missed is not None:
                return failure_witness(self.formula, reading, reading, sample, missed, observed, self.dtype)
        return None

    def nearest(self) -> tuple[float, Reading]:
        """The reading that comes nearest, and how near: the mean over all numbers of their distance relative to the larger of
        the two, from 0 to 1."""
        return min(((self._distance(reading), reading) for reading in self.readings), key=lambda pair: pair[0])

    def _distance(self, reading: Reading) -> float:
        distances = [np.zeros(0)]
        for index, observed in zip(self.accepted, self.observed, strict=True):
            prediction = self.predictions["plain"](index, reading)
            if isinstance(prediction, Undefined):
                distances.append(np.ones(1))
                continue
            for name, array in observed.items():
                free = np.broadcast_to(unconstrained(prediction, name), array.shape)
                distances.append(np.where(free, 0.0, _relative(array, prediction[name])).ravel())
        return float(np.concatenate(distances).mean())


def _same(a: Prediction, b: Prediction) -> bool:
    if isinstance(a, Undefined) or isinstance(b, Undefined):
        return a == b
    return all(
        np.array_equal(a[name].value, b[name].value, equal_nan=True) and np.array_equal(a[name].error, b[name].error)
        for name in a
    )


def _relative(observed: np.ndarray, enclosure: Enclosure) -> np.ndarray:
    """How far from a prediction, relative to the larger of the two; 0 where it holds."""
    if observed.shape != enclosure.shape:
        return np.ones(observed.shape)
    a, expected = observed.astype(Wide), enclosure.value
    with np.errstate(all="ignore"):
        distance = _ratio(np.abs(a - expected), np.maximum(np.abs(a), np.abs(expected)))
    return np.where(enclosure.contains(observed), 0.0, distance)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """``part`` over ``whole``, 1 at most; 0 of nothing is 0, and what is no number 1."""
    with np.errstate(all="ignore"):
        ratio = np.where(part == 0, 0.0, part / whole)
    return np.where(np.isnan(ratio), 1.0, np.minimum(ratio, 1.0)).astype(np.float64)


# --- laying a function over a line ----------------------------------------------------------------------------------


def lay(call: Call, line: Map, settings: Mapping[str, str], seed: int) -> Overlay:
    """The function tried on one plain input of the line. Raises Mismatch where it does not lie over it, and BoxError for what
    is wrong with it whatever the line."""
    try:
        probe, shape = _probed(call, [plain(call, line, settings, seed, whole) for whole in (False, True)])
        formula = formed(line, probe, shape)
        if formula is None:
            shapes = ", ".join(f"{name} of {array.shape}" for name, array in probe.arrays.items())
            value = probe.cotangent.shape
            raise Mismatch(Unlaid.SHAPE, f"it returns shape {shape} for {shapes}, the line's value has shape {value}")
        probe, undifferentiated = with_cotangent(formula, probe), ""
        try:
            observed = _repeated(call, probe, line.wrt)
        except Refusal as refusal:
            undifferentiated = str(refusal)
            observed = _repeated(call, probe, ())
    except Refusal as refusal:
        raise Mismatch(Unlaid.RAISES, f"it raises {refusal}") from None
    return Overlay(line, formula, call, settings, seed, [probe], [0], [observed], {}, undifferentiated)


def plain(call: Call, line: Map, settings: Mapping[str, str], seed: int, whole: bool = False) -> Sample:
    """An input of ordinary numbers, or of ``whole`` ones, in the largest shapes that the layout allows."""
    p, generator = precision(call.dtype), np.random.default_rng(stable_seed(line.id, seed))
    sizes = _largest(line, call)

    def array(argument: Input) -> np.ndarray:
        shape = argument.concrete(sizes)
        inside = argument.values in ("probability", "unit")
        numbers = generator.uniform(0.05, 0.95, shape) if inside else generator.normal(size=shape)
        return np.asarray(np.rint(numbers) if whole else numbers).astype(p.numpy)

    arrays = {name: array(argument) for name, argument in line.inputs.items()}
    return Sample(Label("plain"), arrays, dict(settings), array(Input(line.output, "the cotangent")))


def _probed(call: Call, probes: Sequence[Sample]) -> tuple[Sample, tuple[int, ...]]:
    """The first input on which the function answers, and the shape of its value; Refusal where it answers on none."""
    *others, last = probes
    for sample in others:
        with suppress(Refusal):
            return sample, call.shape_on(sample)
    return last, call.shape_on(last)


def _largest(line: Map, call: Call) -> Sizes:
    by_size = max(line.sizes, key=lambda bucket: math.prod(bucket.values()))
    return PAIR if call.layout.kind is Arrangement.OPERANDS else by_size


def _repeated(call: Call, sample: Sample, wrt: tuple[str, ...]) -> Observation:
    """What is returned on a sample, once and again. Raises BoxError where these are other numbers."""
    first = call.observe(sample, wrt)
    _unchanged(call, first, call.observe(sample, wrt))
    return first


def _unchanged(call: Call, first: Observation, again: Observation) -> None:
    other = [name for name, array in first.items() if array.tobytes() != again[name].tobytes()]
    if other:
        raise BoxError(
            f"{call.callee.name} returns other numbers when it is called again with the same inputs ({', '.join(other)}); "
            "fix its random state, or whatever it remembers, before it can be identified"
        )
