"""What an optimizer is: the reading, what it stores, what stands around it, and the evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum

from msgspec import Struct, field

from ...reference.catalogue import line as line_named
from ...reference.formula import Formula
from ...reference.vocabulary import Reading
from ...reference.wrapper import wrapper
from ..findings import Number
from .answer import Answer, others
from .surroundings import FailingRun, Several, Surroundings


class Evidence(Struct, frozen=True):
    """What an identification rests on: ``calls`` are runs of the box, of which ``before`` came before the confirmation, whose
    ``runs`` took so many ``steps``; ``worst_share`` is the largest error over the budget, None where no reading fits;
    ``unbound`` of the ``numbers`` could be anything by their budget, so that they say nothing; ``candidates`` were looked at,
    of so many ``readings``."""

    traces: int
    before: int
    calls: int
    runs: int
    steps: int
    numbers: int
    unbound: int
    worst_share: float | None
    readings: int
    candidates: int
    seconds: float


class Bound(Struct, frozen=True):
    """A hyperparameter of the line: the box's own name for it, and its value there; without a name it is an assumption. It is
    ``off`` at a value without effect, and ``idle`` where no value was seen to have any."""

    own: str
    value: float | None
    off: bool = False
    idle: bool = False


class Kind(Enum):
    """What kind of quantity a box stores; a power, and its difference from 1, are those of its decay rates. ``MULTIPLE``: a
    multiplier times the rate, and its difference from 1. ``ROOT``: roots of arrays. ``COPY``: what it shows of its weights,
    which it keeps more precisely."""

    RATE = "rate"
    HYPERPARAMETER = "hyperparameter"
    STATE = "state"
    POWER = "power"
    COMPLEMENT = "power-complement"
    MULTIPLE = "multiple"
    ROOT = "root"
    WEIGHTS = "weights"
    COPY = "copy-of-weights"


class Way(Enum):
    """How it stores it: rounded whenever it is put away, or for a power as that format's own function forms it; an array of
    that format, of which products with a scalar are rounded to it as well; such an array whose number is taken out after its
    product, and used as one of the wider format; updated in place, so that products and sums are; of a power: formed by
    products in that format, or rounded from one in float64, as may be a root, a decay rate and its difference from 1, each by
    itself, and 1 less a multiple of the rate; of weights: rounded up or down at random, or cut off."""

    ROUNDED = "rounded"
    ARRAY = "array"
    ITEM = "item"
    IN_PLACE = "in-place"
    PRODUCTS = "products"
    FROM_FLOAT64 = "from-float64"
    AT_RANDOM = "at-random"
    CUT_OFF = "cut-off"


class Stored(Struct, frozen=True):
    """A quantity that a box stores in a narrower ``format`` than its weights: ``name`` is that of the hyperparameter or of the
    part of the state."""

    kind: Kind
    name: str = ""
    way: Way = Way.ROUNDED
    format: str = "float32"


class Matrices(Enum):
    """Whether an answer is of matrices only: it is not; since the box takes nothing else; or since it does something else to
    other arrays."""

    NOT_ASKED = ""
    ALONE = "alone"
    BESIDE = "beside"


class Memory(Enum):
    """What of its state a box keeps from step to step: all; the step counter alone; or nothing, as if each step were its
    first."""

    KEPT = "kept"
    COUNTER = "counter"
    NOTHING = "nothing"


class Alike(Struct, frozen=True):
    """A further reading that fits, with the ``assumed`` values in which it differs. Where it is the same reading, other
    quantities are stored in a narrower format."""

    reading: dict[str, str]
    assumed: dict[str, float] = {}


class Separator(Enum):
    """What would tell readings apart: a rate that changes from step to step, weights in float64, or other values of the
    arguments that the box refuses to vary."""

    CHANGING_RATE = "changing-rate"
    FLOAT64 = "float64"
    REFUSED_ARGUMENTS = "refused-arguments"


class TraceWitness(Struct, frozen=True):
    """A trace of one weight, and the step (from 1) at which it tells two readings apart: what the box made of the weight, what
    its reading gives, what the other gives. ``against`` is what the other reading changes in it."""

    against: dict[str, str]
    weight: float
    gradients: list[float]
    rates: list[float]
    arguments: dict[str, float]
    step: int
    box: Number
    reading: Number
    other: Number


class Fails(Struct, frozen=True):
    """The smallest trace found on which a box is not a ``line`` in a ``reading`` that has a name."""

    line: str
    reading: dict[str, str]
    witness: TraceWitness


def _shown(fails: Fails) -> str:
    w = fails.witness
    gradients, rates = (", ".join(map(repr, numbers)) for numbers in (w.gradients, w.rates))
    values = "".join(f", {name}={value!r}" for name, value in w.arguments.items())
    return f"{w.weight!r} by gradients {gradients} (rates {rates}{values}): {w.box}; {fails.line}: {w.other}"


class Partly(Struct, frozen=True):
    """What a box is that no reading fits, where less is asked of it: in a narrower ``dtype``, or at its own values of its
    arguments, of which those that ``take_it_away`` are no reading's at other values."""

    line: str
    title: str
    role: str
    configured: dict[str, str]
    dtype: str
    take_it_away: list[str] = []


class Around(Struct, frozen=True):
    """A wrapper around an optimizer, by its id, with the values of its parameters."""

    wrapper: str
    parameters: dict[str, Bound]

    @property
    def words(self) -> str:
        values = {name: one.value for name, one in self.parameters.items() if one.value is not None}
        return wrapper(self.wrapper).in_words(values)


class Identification(Answer, frozen=True, kw_only=True):
    """Which reading of which line a box implements.

    ``reading`` is what it does with all that it can be asked for, on the axes of the line ``body``; ``configured`` what that
    comes to at its own values of its arguments (weight decay that is off is none), on the axes of ``line``: with its momentum
    off, torch.optim.SGD has the body of optimizer.momentum and is optimizer.sgd. ``rate`` is its own, if it has one,
    ``rate_fitted`` if that was read off what it does. ``role`` names the configured reading: "standard", "printed" or "".
    ``from_printed`` and ``from_standard``: axis -> its option and the other's. ``flags`` are arguments that are no numbers,
    ``refused`` those that it does not let one vary, each with its own words. ``same`` are further readings that the box could
    not be told from, and ``separated_by`` what would tell them. ``stored`` are the quantities that it stores in a narrower
    format than its weights, ``shows_from`` the step at which that is first seen. One that ``ascends`` steps along the gradient;
    one may stand ``behind`` a wrapper, to which line and readings do not belong; ``memory`` says what of its state it keeps.
    ``same_as`` are calls of optimizers of frameworks, of which adapters claim that they do the same as it does as configured,
    at equal values of their arguments. Where no reading fits, line and readings are those of the nearest; one that is not
    ``near`` is merely less far than the others. ``failure`` or ``failing_run`` is where it fails; ``wide`` says that the
    weights are numbers of float32, and that it would fit if everything were computed there. ``tried`` are the lines that it was
    held against, and ``fails`` where it is none of those of their readings that have a name; ``partly`` is what it is in
    float32, or at its own values. Its steps are ``computed`` in that format, or a more precise one, where that is not the one
    of its weights.
    ``matrices`` says whether the answer is of matrices only.
    ``also`` are lines of other families of which a reading fits as well, where the format has few digits.
    """

    source: str
    body: str
    reading: dict[str, str]
    configured: dict[str, str]
    rate: float | None
    role: str
    from_printed: dict[str, tuple[str, str]]
    from_standard: dict[str, tuple[str, str]]
    hyperparameters: dict[str, Bound]
    flags: dict[str, str]
    refused: dict[str, str]
    stored: list[Stored]
    wide: bool
    shows_from: int | None
    same: list[Alike]
    separated_by: list[Separator]
    ascends: bool
    witnesses: list[TraceWitness]
    surroundings: Surroundings
    evidence: Evidence
    failure: TraceWitness | None = None
    failing_run: FailingRun | None = None
    memory: Memory = Memory.KEPT
    matrices: Matrices = Matrices.NOT_ASKED
    same_as: list[str] = field(default_factory=list)
    behind: Around | None = None
    rate_fitted: bool = False
    near: bool = True
    tried: list[str] = field(default_factory=list)
    fails: list[Fails] = field(default_factory=list)
    partly: Partly | None = None
    computed: str = ""
    also: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        return super().__repr__() if self.near else f"<{self.target}: {self.verdict}>"

    @property
    def idle(self) -> list[str]:
        """The box's names for the arguments that it takes and ignores."""
        return [one.own for one in self.hyperparameters.values() if one.idle] if self.verdict != "no-reading" else []

    @property
    def body_formula(self) -> Formula:
        return line_named(self.body)

    @property
    def settled(self) -> Mapping[str, str]:
        return self.configured

    def _is_line(self, wanted: Formula) -> bool:
        """Lines of one family have one body: Adam with decoupled decay is AdamW, whichever of the two is asked for."""
        return {axis.name for axis in wanted.axes} == set(self.configured)

    def _no_reading(self, wanted: Formula, asked: Reading) -> Iterator[str]:
        yield f"no reading; nearest: {self.line}" if self.near else "no reading; nothing near"
        for fails in self.fails:
            if (fails.line, fails.reading) == (wanted.id, dict(asked.axes)):
                yield _shown(fails)

    def _may_be(self) -> Mapping[str, set[str]]:
        return others(self.reading, [alike.reading for alike in self.same])

    def _reservations(self) -> Iterator[str]:
        for quantity in self.stored:
            yield f"{quantity.name or quantity.kind.value}: stored in {quantity.format}"
        for other in self.also:
            yield f"ambiguous: {other}"
        if self.ascends:
            yield "it maximizes"
        if self.behind is not None:
            yield f"it is behind {self.behind.words}"
        if self.memory is not Memory.KEPT:
            yield f"memory: {self.memory.value}"
        if self.matrices is Matrices.BESIDE:
            yield f"matrices: {self.matrices.value}"
        if not self.for_several:
            yield "several arrays: stepped otherwise"
        elif self.joined:
            yield f"several arrays: {Several.JOINED.value}"

    @property
    def for_several(self) -> bool:
        """Whether what is said of it holds for several weight arrays, as far as it can be asked."""
        return self.surroundings.several is None or Several.APART in self.surroundings.several or self.joined

    @property
    def joined(self) -> bool:
        """Whether several weight arrays are stepped as if they were one."""
        return Several.JOINED in (self.surroundings.several or [])
