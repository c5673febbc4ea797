"""One function laid over one line: what it returned there, which readings fit, and how near the others come."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

import numpy as np

from ....adapters.errors import BoxError
from ....reference.formula import Map
from ....reference.vocabulary import Axis, Input, Reading, Sizes
from ...answers import Arrangement, Aside, NanFlow, Unlaid
from ...arithmetic.formats import precision
from ...arithmetic.rounding import Enclosure, Wide
from ...cells.evidence import Rivals, quantity
from ...cells.verdict import best
from ...findings import Label, NoValue, Witness
from ...inputs.profiles import profile
from ...inputs.samples import Sample, bound_sizes, stable_seed
from ...inputs.shared import samples
from ...inputs.strategies import draw, map_samples
from ...readings.compare import Allowed, Observed, Outputs, Question, unconstrained
from ...readings.evaluate import VALUE, bar
from ...readings.variants import LARGE_TERMS, NO_LOSS, OF_MAPS, Losses
from ...witnesses.replay import replays, sample_of
from ...witnesses.search import search
from ...witnesses.store import Departure
from .arrangements import Mismatch, Unreduced, formed, with_cotangent
from .callables import Call, Refusal
from .standing import Numbers, Place

ROUNDS = 3  # inputs that are sought, one after the other, to tell apart readings that still fit
PAIR = {"n": 2}
NEAR = 0.01  # most numbers have to be as close as that to what is called the nearest
SAID = 0.5  # a reading that says nothing on most numbers fits nothing
BACKWARD = "backward"
Part = Literal["value", "backward"]


class Terms(NamedTuple):
    """On which terms readings are held against what was returned: the losses of precision allowed for, and whether a function
    has to return a number where the standard reading does; if not, the places where it does not are apart."""

    losses: Losses = NO_LOSS
    whole: bool = True


STRICT = Terms()
_LOSSES = (*OF_MAPS, LARGE_TERMS)
TERMS = tuple(Terms(losses, whole) for whole in (True, False) for losses in _LOSSES)
PRECISE = 2.0**-20  # the unit roundoff of formats in which roundings of 1 are no slips


@dataclass(frozen=True)
class Read:
    """The readings of the value and of the cotangents that go together, and the terms that they need.

    They are one reading, or two evaluations of one real function. ``backward`` is None where no cotangents are known. ``apart``
    are the places apart from ordinary numbers at which they are not what was returned; ``open`` for each part the evaluations
    that cannot be told from the one that is chosen.
    """

    value: Reading
    backward: Reading | None
    terms: Terms = STRICT
    apart: tuple[Place, ...] = ()
    open: tuple[tuple[Reading, ...], ...] = ()

    @property
    def reading(self) -> Reading:
        return self.backward or self.value

    @property
    def losses(self) -> Losses:
        return self.terms.losses

    @property
    def arranged(self) -> bool:
        """Whether the function is arranged otherwise than in any evaluation that is known."""
        return self.losses == LARGE_TERMS


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

    _numbers: dict[Any, Numbers] = field(default_factory=dict)
    _standing: dict[Any, dict[Reading, tuple[Place, ...]]] = field(default_factory=dict)
    _reads: dict[Any, Read | None] = field(default_factory=dict)

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

    def over(self, line: Map) -> Overlay:
        """The same over another line with the same inputs, whose value has the same shape."""
        first = self.trials[0]
        formula = formed(line, _of_map(first), first.outputs[VALUE].shape)
        assert formula is not None
        trials = [Observed(Question(formula, o.question.sample, o.question.dtype), o.outputs) for o in self.trials]
        return replace(
            self, line=line, formula=formula, trials=trials, raised=dict(self.raised), _numbers={}, _standing={}, _reads={}
        )

    @property
    def clean(self) -> bool:
        """Whether a reading fits, against which nothing speaks."""
        read = self.read()
        return read is not None and not read.apart

    @property
    def as_written(self) -> bool:
        """Whether a reading fits as it is written, against which nothing speaks."""
        read = self.read()
        return read is not None and not read.apart and not read.arranged

    # --- which readings fit ---

    def numbers(self, part: Part, whole: bool = True) -> Numbers:
        """What was returned as the value, or of the cotangents; if not ``whole``, what is no number is apart."""
        key = (part, whole, len(self.trials))
        if key not in self._numbers:
            kept = [{n: a for n, a in o.outputs.items() if (n == VALUE) == (part == VALUE)} for o in self.trials]
            trials = [Observed(o.question, outputs) for o, outputs in zip(self.trials, kept, strict=True)]
            self._numbers[key] = Numbers(self.formula, trials, whole)
        return self._numbers[key]

    def standing(self, part: Part, terms: Terms = STRICT) -> dict[Reading, tuple[Place, ...]]:
        """The readings of one part that ordinary numbers leave standing, each with what speaks against it apart from these."""
        key = (part, terms, len(self.trials))
        if key not in self._standing:
            self._standing[key] = self.numbers(part, terms.whole).standing(self.readings, terms.losses)
        return self._standing[key]

    def meanings(self, terms: Terms = STRICT) -> dict[Reading, int]:
        """The real functions that stand, as value and as cotangents: each with the number of places apart that speak against
        its best evaluation."""
        parts = [self.standing(part, terms) for part in self.parts]
        fewest = [self._fewest(part, standing) for part, standing in zip(self.parts, parts, strict=True)]
        common = [meaning for meaning in fewest[0] if all(meaning in one for one in fewest[1:])]
        return {meaning: sum(one[meaning] for one in fewest) for meaning in common}

    def _fewest(self, part: Part, standing: Mapping[Reading, tuple[Place, ...]]) -> dict[Reading, int]:
        found: dict[Reading, int] = {}
        for reading, places in standing.items():
            meaning, count = self.formula.meaning(reading), self.numbers(part).distinct(places)
            found[meaning] = min(count, found.get(meaning, count))
        return found

    @property
    def parts(self) -> tuple[Part, ...]:
        return (VALUE, BACKWARD) if self.with_vjp else (VALUE,)

    def read(self) -> Read | None:
        """What stands on ordinary numbers, with the losses of precision under which the least speaks against it; None where
        nothing does."""
        found: Read | None = None
        for terms in TERMS:
            if found is not None and (not found.apart or found.terms.whole > terms.whole):
                break
            if terms.losses == LARGE_TERMS and (found is not None or precision(self.dtype).u > PRECISE):
                continue
            read = self._read(terms)
            if read is not None and (found is None or self._explains(read, found)):
                found = read
        return found

    def _explains(self, read: Read, found: Read) -> bool:
        """Whether a loss of precision explains what speaks against the same function without it."""
        return len(read.apart) < len(found.apart) and self.formula.meaning(read.reading) == self.formula.meaning(found.reading)

    def _read(self, terms: Terms) -> Read | None:
        """Of several the one that the least speaks against, then the printed, then the standard one; its value and its
        cotangents each in the best evaluation of those that the numbers leave open."""
        key = (terms, len(self.trials))
        if key not in self._reads:
            meanings = self.meanings(terms)
            tied = {meaning for meaning, count in meanings.items() if count == min(meanings.values())}
            self._reads[key] = self._chosen(tied, terms) if tied else None
        return self._reads[key]

    def _chosen(self, tied: Collection[Reading], terms: Terms) -> Read | None:
        formula, standing = self.formula, [self.standing(part, terms) for part in self.parts]
        meant = formula.meaning(best(formula, [r for r in standing[-1] if formula.meaning(r) in tied]))
        numbers = [self.numbers(part, terms.whole) for part in self.parts]
        alike = [[r for r in stands if formula.meaning(r) == meant] for stands in standing]
        arranged = terms.losses == LARGE_TERMS  # which is none of the evaluations
        open_ = [a if arranged else one.unbeaten(a, terms.losses) for one, a in zip(numbers, alike, strict=True)]
        chosen = [best(formula, open_[-1])]
        if self.with_vjp:
            chosen.insert(0, chosen[0] if chosen[0] in open_[0] else best(formula, open_[0]))
        if any(one.said(reading, terms.losses) < SAID for one, reading in zip(numbers, chosen, strict=True)):
            return None
        apart = [place for one, reading in zip(standing, chosen, strict=True) for place in one[reading]]
        return Read(chosen[0], chosen[-1] if self.with_vjp else None, terms, tuple(apart), tuple(map(tuple, open_)))

    def alone(self, part: Part) -> list[Reading]:
        """What one part is for itself: the likeliest readings against which nothing speaks, or nothing."""
        for terms in TERMS[: len(OF_MAPS)]:
            stands = [reading for reading, places in self.standing(part, terms).items() if not places]
            by_meaning = {
                self.formula.meaning(r): [s for s in stands if self.formula.meaning(s) == self.formula.meaning(r)]
                for r in stands
            }
            if stands:
                return [r for alike in by_meaning.values() for r in self.numbers(part).unbeaten(alike, terms.losses)]
        return []

    @property
    def ruled_out(self) -> bool:
        """Whether nothing fits what was returned, whatever precision is lost."""
        return self.read() is None

    def others(self, read: Read) -> list[Reading]:
        """The readings that fit as well: those of another meaning against which no more speaks, each in its best evaluation,
        and the other evaluations of this one."""
        formula, standing = self.formula, self.standing(self.parts[-1], read.terms)
        mine, counts = formula.meaning(read.reading), self.meanings(read.terms)
        tied = [meaning for meaning, count in counts.items() if count == counts[mine] and meaning != mine]
        each = [best(formula, [r for r in standing if formula.meaning(r) == meaning]) for meaning in tied]
        return each + [r for r in standing if formula.meaning(r) == mine and r != read.reading]

    def share(self, read: Read) -> float:
        """The largest error as a fraction of the budget."""
        readings = (read.value, read.backward or read.value)
        return max(self.numbers(part).share(r, read.losses) for part, r in zip(self.parts, readings, strict=False))

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
        kept = [
            s for s in replays(line, dtype) if isinstance(s, Sample) and {*s.arrays} == {*line.inputs}
        ]  # a line may be restated
        shown: list[Any] = [*kept, *samples(line, dtype, effort, self.seed)]
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
        """Ask the function on a sample; whether it answered there. Where it cannot be differentiated its value still tells."""
        self.asked += 1
        try:
            outputs = self.call.observe(sample, self.wrt)
        except Refusal as refusal:
            self.raised[sample.label] = str(refusal)
            with suppress(Refusal):
                outputs = self.call.observe(sample, ())
                self.trials.append(Observed(Question(self.formula, sample, self.dtype), outputs))
            return False
        self.trials.append(Observed(Question(self.formula, sample, self.dtype), outputs))
        return True

    @property
    def wrt(self) -> tuple[str, ...]:
        return () if self.undifferentiated else self.formula.wrt

    # --- what shows it ---

    def witness(self, read: Read, rival: Reading) -> Witness | None:
        """The smallest sample on which the function has the one reading and not the rival's."""
        rivals, alike = (
            Rivals(read.reading, rival, read.losses),
            self.formula.meaning(read.reading) == self.formula.meaning(rival),
        )
        trials = self.numbers(self.parts[-1]).trials if alike else self.trials  # an evaluation is that of one part
        found = (rivals.witness(observed.question, observed.outputs) for observed in simplest_first(trials))
        return next(filter(None, found), None)

    def failure(self, reading: Reading) -> Witness | None:
        """The smallest sample on which the function is not this reading; None where it is on all of them."""
        for observed in simplest_first(self.trials):
            if (violated := observed.violation(reading)) is not None:
                return Rivals(reading, reading).failure(observed, violated)
        return None

    def exceptions(self, read: Read) -> list[Aside]:
        """Where, apart from ordinary numbers, what was returned is not what is read; each kind of place once, on the fewest
        numbers."""
        found = dict[Any, Aside]()
        for place in read.apart:
            observed = self.trials[place.trial]
            reading = read.value if place.output == VALUE else read.reading
            allowed = observed.question.allows(reading, read.losses)
            assert not isinstance(allowed, NoValue)
            one = _cut(_of_map(observed), place, allowed[place.output].value, observed.outputs[place.output])
            found.setdefault((tuple(tuple(q.decimal) for q in one.inputs), one.output), one)
        return sorted(found.values(), key=_by_size)

    def nan_flow(self) -> NanFlow | None:
        """What flows back where a NaN among the inputs is the value, of lines that say what becomes of a NaN."""
        found = {_flow(o) for o in self.trials if self.with_vjp and self.formula.reads_nan and np.isnan(o.outputs[VALUE]).all()}
        found.discard(None)
        return None if not found else found.pop() if len(found) == 1 else NanFlow.MIXED

    def nearest(self, values: Collection[Reading] = ()) -> tuple[float, Reading]:
        """The reading that comes nearest, of those that have the value of one of some if there are any; and how near: the mean
        over all numbers of their distance relative to the larger of the two, from 0 to 1."""
        of_value = {self._of_value(reading) for reading in values}
        wanted = [reading for reading in self.readings if not of_value or self._of_value(reading) in of_value]
        return min(((self._distance(reading), reading) for reading in wanted), key=lambda pair: pair[0])

    def _of_value(self, reading: Reading) -> tuple[str, ...]:
        return tuple(reading[axis] for axis in self.formula.accepted("forward"))

    def near(self, reading: Reading) -> bool:
        """Whether most ordinary numbers of the value come near a reading: within a hundredth of them."""
        numbers = self.numbers(VALUE)
        distances = [np.ones(0)]
        for observed, ordinary in zip(numbers.trials, numbers.ordinary, strict=True):
            allowed = observed.question.allows(reading)
            if not isinstance(allowed, NoValue):
                distances.append(_relative(observed.outputs[VALUE], allowed[VALUE])[ordinary[VALUE]])
        found = np.concatenate(distances)
        return bool(found.size) and float(np.median(found)) < NEAR

    def _distance(self, reading: Reading) -> float:
        return float(self._distances(reading).mean())

    def _distances(self, reading: Reading) -> np.ndarray:
        distances = [np.zeros(0)]
        for observed in self.trials:
            allowed = observed.question.allows(reading)
            if isinstance(allowed, NoValue):
                distances.append(np.ones(1))
                continue
            for name, array in observed.outputs.items():
                free = np.broadcast_to(unconstrained(allowed, name), array.shape)
                distances.append(np.where(free, 0.0, _relative(array, allowed[name])).ravel())
        return np.concatenate(distances)


def simplest_first(trials: Sequence[Observed]) -> list[Observed]:
    """What was answered, that on few and short numbers first."""

    def size(observed: Observed) -> tuple[bool, int, int]:
        sample = _of_map(observed)
        numbers = np.concatenate([np.ravel(array).astype(float) for array in sample.arrays.values()])
        return not sample.finite, numbers.size, sum(len(f"{number:.17g}") for number in numbers)

    return sorted(trials, key=size)


def _of_map(observed: Observed) -> Sample:
    assert isinstance(observed.question.sample, Sample)
    return observed.question.sample


def _cut(sample: Sample, place: Place, by_reading: np.ndarray, returned: np.ndarray) -> Aside:
    """An exception on the one element that it is of, where all arrays have one shape; else on all of them."""
    bars = {"cotangent": sample.cotangent} if place.output != VALUE else {}
    arrays = {**sample.arrays, **bars}
    index = place.index if all(a.shape == returned.shape for a in arrays.values()) else ()
    inputs = [quantity(name, array[index]) for name, array in arrays.items()]
    of = (quantity(place.output, by_reading[index]), quantity(place.output, returned[index]))
    return Aside(inputs, dict(sample.settings), place.output, *of)


def _by_size(aside: Aside) -> tuple[bool, int]:
    numbers = [number for quantity in aside.inputs for number in quantity.decimal]
    return not np.isfinite([float(number) for number in numbers]).all(), sum(map(len, numbers))


def _flow(observed: Observed) -> NanFlow | None:
    """Where the flow of one trial goes whose value is NaN."""
    arrays = _of_map(observed).arrays
    flows = [(np.isnan(arrays[n]), observed.outputs[bar(n)]) for n in arrays if bar(n) in observed.outputs]
    if not any(is_nan.any() for is_nan, _ in flows):
        return None
    for kind, follows in _FLOWS.items():
        if all(follows(is_nan, flow) for is_nan, flow in flows):
            return kind
    return NanFlow.MIXED


_FLOWS: Mapping[NanFlow, Callable[[np.ndarray, np.ndarray], bool]] = {
    NanFlow.ALL_NAN: lambda is_nan, flow: bool(np.isnan(flow).all()),
    NanFlow.NOTHING: lambda is_nan, flow: bool((flow == 0).all()),
    NanFlow.TO_THE_NAN: lambda is_nan, flow: bool((flow[is_nan] != 0).any() and (flow[~is_nan] == 0).all()),
    NanFlow.TO_EACH: lambda is_nan, flow: bool((np.isfinite(flow) & (flow != 0)).all()),
}


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
    probes = [plain(call, line, settings, seed, form) for form in _forms(line, call)]
    try:
        probe, shape = _probed(call, probes)
        formula = formed(line, probe, shape)
        if formula is None:
            shapes = ", ".join(f"{name} of {array.shape}" for name, array in probe.arrays.items())
            value = probe.cotangent.shape
            raise Mismatch(Unlaid.SHAPE, f"it returns shape {shape} for {shapes}, the line's value has shape {value}")
        probe, observed, undifferentiated = _differentiated(call, formula, [probe, *probes])
    except Refusal as refusal:
        raise Mismatch(Unlaid.RAISES, f"it raises {refusal}") from None
    trials = [Observed(Question(formula, probe, call.dtype), observed)]
    return Overlay(line, formula, call, settings, seed, trials, undifferentiated)


def _differentiated(call: Call, formula: Map, probes: Sequence[Sample]) -> tuple[Sample, Outputs, str]:
    """The first input on which the function can be differentiated, with what it returns; else the first of all with its value,
    and why there is no more."""
    words = ""
    for one in probes:
        probe = with_cotangent(formula, one)
        try:
            return probe, _repeated(call, probe, formula.wrt), ""
        except Refusal as refusal:
            words = words or str(refusal)
    probe = with_cotangent(formula, probes[0])
    return probe, _repeated(call, probe, ()), words


class Form(NamedTuple):
    """The sizes of a plain input, and whether its numbers are ``whole``."""

    sizes: Sizes
    whole: bool


def _forms(line: Map, call: Call) -> list[Form]:
    """The forms of the inputs to try: the largest first, then whole numbers in it, then the other sizes of the line."""
    largest = _largest(line, call)
    others = [] if call.layout.kind is Arrangement.OPERANDS else [sizes for sizes in line.sizes if sizes != largest]
    return [Form(largest, False), Form(largest, True), *(Form(sizes, False) for sizes in others)]


def plain(call: Call, line: Map, settings: Mapping[str, str], seed: int, form: Form) -> Sample:
    """An input of ordinary numbers."""
    p, generator = precision(call.dtype), np.random.default_rng(stable_seed(line.id, seed))

    def array(argument: Input) -> np.ndarray:
        shape = argument.concrete(form.sizes)
        inside = argument.values in ("probability", "unit")
        numbers = generator.uniform(0.05, 0.95, shape) if inside else generator.normal(size=shape)
        return np.asarray(np.rint(numbers) if form.whole else numbers).astype(p.numpy)

    arrays = {name: array(argument) for name, argument in line.inputs.items()}
    return Sample(Label("plain"), arrays, dict(settings), array(Input(line.output, "the cotangent")))


def _probed(call: Call, probes: Sequence[Sample]) -> tuple[Sample, tuple[int, ...]]:
    """The first input on which the function answers, and the shape of its value; Refusal, that on the first, where it answers
    on none."""
    refused: Refusal | None = None
    for sample in probes:
        try:
            return sample, call.shape_on(sample)
        except Refusal as refusal:
            refused = refused or refusal
    assert refused is not None
    raise refused


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
