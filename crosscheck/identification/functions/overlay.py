"""One function laid over one line: what it returned there, which readings fit, and how near the others come."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ....adapters.errors import BoxError
from ....reference.formula import Map
from ....reference.vocabulary import Axis, Input, Reading, Sizes
from ...answers import Arrangement, Unlaid
from ...arithmetic.formats import precision
from ...arithmetic.rounding import Enclosure, Wide
from ...cells.evidence import Rivals
from ...cells.verdict import best
from ...findings import Label, NoValue, Witness
from ...inputs.profiles import profile
from ...inputs.samples import Sample, bound_sizes, stable_seed
from ...inputs.shared import samples
from ...inputs.strategies import draw, map_samples
from ...readings.compare import Allowed, Fit, Observed, Outputs, Question, unconstrained, worst_share
from ...readings.evaluate import VALUE
from ...readings.variants import NO_LOSS, OF_MAPS, Losses
from ...witnesses.replay import replays, sample_of
from ...witnesses.search import search
from ...witnesses.store import Departure
from .arrangements import Mismatch, Unreduced, formed, with_cotangent
from .callables import Call, Refusal

ROUNDS = 3  # inputs that are sought, one after the other, to tell apart readings that still fit
PAIR = {"n": 2}


@dataclass(frozen=True)
class Read:
    """The readings of the value and of the cotangents that go together, and the losses of precision that they need.

    They are one reading, or two evaluations of one real function. ``backward`` is None where no cotangents are known.
    """

    value: Reading
    backward: Reading | None
    losses: Losses = NO_LOSS

    @property
    def reading(self) -> Reading:
        return self.backward or self.value


@dataclass
class Overlay:
    """What a function returned on a line's samples. ``formula`` is the line, as it is or reduced; ``trials`` is what it
    answered, at first on the one sample that it was tried on, and ``raised`` what it said on others, of ``asked`` in all."""

    line: Map
    formula: Map
    call: Call
    settings: Mapping[str, str]
    seed: int
    trials: list[Observed]
    undifferentiated: str = ""
    asked: int = 1
    raised: dict[Label, str] = field(default_factory=dict)

    _fits: dict[tuple[str, Losses, int], Fit] = field(default_factory=dict)

    @property
    def dtype(self) -> str:
        return self.call.dtype

    @property
    def with_vjp(self) -> bool:
        return any(name != VALUE for observed in self.trials for name in observed.outputs)

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
            not _same(observed.question.allows(printed), observed.question.allows(printed.but(**{axis.name: option})))
            for option in axis.names
            for observed in self.trials
        )

    @property
    def readings(self) -> list[Reading]:
        """Every reading, those that differ on axes which stay open once."""
        settled = self.settled
        return list(self.formula.readings({axis.name: axis.printed for axis in self.formula.axes if axis.name not in settled}))

    # --- which readings fit ---

    def only(self, part: str) -> list[Observed]:
        """What was returned as the "value", or of the cotangents ("backward")."""
        return [
            Observed(o.question, {n: a for n, a in o.outputs.items() if (n == VALUE) == (part == VALUE)}) for o in self.trials
        ]

    def fitted(self, part: str, losses: Losses = NO_LOSS) -> Fit:
        key = (part, losses, len(self.trials))
        if key not in self._fits:
            self._fits[key] = Fit(tuple(self.readings), {}).against(self.only(part), losses)
        return self._fits[key]

    def pairs(self, losses: Losses = NO_LOSS) -> list[tuple[Reading, Reading]]:
        """The pairs of readings of the value and of the cotangents that fit everything and are one real function; of pairs
        with one meaning those that are one reading, if there are any."""
        values = self.fitted(VALUE, losses).fits
        bars = self.fitted("backward", losses).fits if self.with_vjp else values
        meaning = self.formula.meaning
        meant = [(v, b) for v, b in itertools.product(values, bars) if meaning(v) == meaning(b)]
        same = {meaning(v) for v, b in meant if v == b}
        return [(v, b) for v, b in meant if v == b or meaning(v) not in same]

    def read(self, losses: Losses = NO_LOSS) -> Read | None:
        """What fits everything with these losses of precision; None where nothing does. Of several the printed, then the
        standard one, in its standard evaluation or else in the one of those that fit whose budgets are the narrowest."""
        pairs = self.pairs(losses)
        if not pairs:
            return None
        backward = self._best([b for _, b in pairs], losses)
        value = self._best([v for v, b in pairs if b == backward], losses)
        return Read(value, backward if self.with_vjp else None, losses)

    @property
    def ruled_out(self) -> bool:
        """Whether nothing fits what was returned, whatever precision is lost."""
        return all(self.read(losses) is None for losses in OF_MAPS)

    def _best(self, fits: Sequence[Reading], losses: Losses) -> Reading:
        formula = self.formula
        meant = formula.meaning(best(formula, fits))
        accurate = {axis.name: axis.standard for axis in formula.axes if axis.kind == "evaluation"}

        def rank(reading: Reading) -> tuple[int, float]:
            worse = sum(reading[axis] != option for axis, option in accurate.items())
            return worse, self._breadth(reading, losses) if worse else 0.0

        candidates = [reading for reading in fits if formula.meaning(reading) == meant]
        return candidates[0] if len(candidates) == 1 else min(candidates, key=rank)

    def _breadth(self, reading: Reading, losses: Losses) -> float:
        """How wide the budgets of a reading are: their mean relative to the values, each counted as 1 at most."""
        shares = [np.zeros(0)]
        for observed in self.trials:
            allowed = observed.question.allows(reading, losses)
            if isinstance(allowed, NoValue):
                return 1.0
            for name in observed.outputs:
                enclosure = allowed[name]
                relative = _ratio(enclosure.error, np.abs(enclosure.value))
                shares.append(np.where(np.isnan(enclosure.value), 0.0, relative).ravel())
        return float(np.concatenate(shares).mean())

    def others(self, read: Read) -> list[Reading]:
        """The readings that fit everything as well: those of another meaning, each in its best evaluation, and the other
        evaluations of this one."""
        mine, meanings = self.formula.meaning(read.reading), {}
        for _, b in self.pairs(read.losses):
            meanings.setdefault(self.formula.meaning(b), []).append(b)
        evaluations = [b for b in dict.fromkeys(meanings.pop(mine)) if b != read.reading]
        return [self._best(fits, read.losses) for fits in meanings.values()] + evaluations

    def share(self, read: Read) -> float:
        """The largest error as a fraction of the budget."""
        parts = [(VALUE, read.value)] + ([("backward", read.backward)] if read.backward else [])
        return max(worst_share(self.only(part), reading, read.losses) for part, reading in parts)

    # --- asking more ---

    def complete(self) -> None:
        """Ask the function on all samples of the line, and once more on the first one, if that was not done yet."""
        if self.asked > 1:
            return
        for sample in self._shown():
            self._ask(with_cotangent(self.formula, sample))
        first = self.trials[0]
        _unchanged(self.call, first.outputs, self.call.observe(_of_map(first), self.wrt))

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
            if not self._ask(found):
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

    def _ask(self, sample: Sample) -> bool:
        """Ask the function on a sample; whether it answered there."""
        self.asked += 1
        try:
            outputs = self.call.observe(sample, self.wrt)
        except Refusal as refusal:
            self.raised[sample.label] = str(refusal)
            return False
        self.trials.append(Observed(Question(self.formula, sample, self.dtype), outputs))
        return True

    @property
    def wrt(self) -> tuple[str, ...]:
        return () if self.undifferentiated else self.formula.wrt

    # --- what shows it ---

    def simplest_first(self) -> list[Observed]:
        """What was answered, that on few and short numbers first."""

        def size(observed: Observed) -> tuple[bool, int, int]:
            sample = _of_map(observed)
            numbers = np.concatenate([np.ravel(array).astype(float) for array in sample.arrays.values()])
            return not sample.finite, numbers.size, sum(len(f"{number:.17g}") for number in numbers)

        return sorted(self.trials, key=size)

    def witness(self, read: Read, rival: Reading) -> Witness | None:
        """The smallest sample on which the function has the one reading and not the rival's."""
        rivals = Rivals(read.reading, rival)
        found = (rivals.witness(observed.question, observed.outputs) for observed in self.simplest_first())
        return next(filter(None, found), None)

    def failure(self, reading: Reading) -> Witness | None:
        """The smallest sample on which the function is not this reading; None where it is on all of them."""
        for observed in self.simplest_first():
            if (violated := observed.violation(reading)) is not None:
                return Rivals(reading, reading).failure(observed, violated)
        return None

    def nearest(self) -> tuple[float, Reading]:
        """The reading that comes nearest, and how near: the mean over all numbers of their distance relative to the larger of
        the two, from 0 to 1."""
        return min(((self._distance(reading), reading) for reading in self.readings), key=lambda pair: pair[0])

    def _distance(self, reading: Reading) -> float:
        distances = [np.zeros(0)]
        for observed in self.trials:
            allowed = observed.question.allows(reading)
            if isinstance(allowed, NoValue):
                distances.append(np.ones(1))
                continue
            for name, array in observed.outputs.items():
                free = np.broadcast_to(unconstrained(allowed, name), array.shape)
                distances.append(np.where(free, 0.0, _relative(array, allowed[name])).ravel())
        return float(np.concatenate(distances).mean())


def _of_map(observed: Observed) -> Sample:
    assert isinstance(observed.question.sample, Sample)
    return observed.question.sample


def _same(a: Allowed, b: Allowed) -> bool:
    if isinstance(a, NoValue) or isinstance(b, NoValue):
        return a == b
    return all(
        np.array_equal(a[name].value, b[name].value, equal_nan=True) and np.array_equal(a[name].error, b[name].error)
        for name in a
    )


def _relative(observed: np.ndarray, enclosure: Enclosure) -> np.ndarray:
    """How far from a reading's value, relative to the larger of the two; 0 within its budget."""
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
    trials = [Observed(Question(formula, probe, call.dtype), observed)]
    return Overlay(line, formula, call, settings, seed, trials, undifferentiated)


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


def _repeated(call: Call, sample: Sample, wrt: tuple[str, ...]) -> Outputs:
    """What is returned on a sample, once and again. Raises BoxError where these are other numbers."""
    first = call.observe(sample, wrt)
    _unchanged(call, first, call.observe(sample, wrt))
    return first


def _unchanged(call: Call, first: Outputs, again: Outputs) -> None:
    other = [name for name, array in first.items() if array.tobytes() != again[name].tobytes()]
    if other:
        raise BoxError(
            f"{call.callee.name} returns other numbers when it is called again with the same inputs ({', '.join(other)}); "
            "fix its random state, or whatever it remembers, before it can be identified"
        )
