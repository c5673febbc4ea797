"""What identification and porting answer, as plain data: the seam between the engine and the texts made of answers.

Nothing here computes. ``as_json`` gives the data to programs, in which an enum stands as its value; the texts for people are
made in ``reports.terminal``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Literal

import msgspec
from msgspec import Struct

from ..reference.catalogue import line as line_named
from ..reference.formula import Formula
from ..reference.vocabulary import Reading
from ..reference.wrapper import wrapper
from .findings import Label, Loss, Number, Quantity, Witness

# "precision": the same real function, formed in another arrangement than the line's
Verdict = Literal["identified", "precision", "ambiguous", "no-reading"]


class Answer(Struct, frozen=True, kw_only=True):
    """What every identification answers: the line, how sure that is, and on what ``target``. Where no reading fits, the line is
    the nearest one's."""

    target: str
    framework: str
    versions: dict[str, str]
    dtype: str
    verdict: Verdict
    line: str
    title: str

    def __repr__(self) -> str:
        return f"<{self.target}: {self.line}, {self.verdict}>"

    @property
    def formula(self) -> Formula:
        return line_named(self.line)

    @property
    def settled(self) -> Mapping[str, str]:
        """The axes that were found, with their options."""
        raise NotImplementedError

    def as_json(self) -> bytes:
        return msgspec.json.format(msgspec.json.encode(self), indent=2)

    def is_(self, line: str | Formula, reading: str | Mapping[str, str] = "standard", /, **axes: str) -> bool:
        """Whether it implements that line in that reading and nothing else; ``must_be`` says why not."""
        return not list(self._objections(line, reading, axes))

    def must_be(self, line: str | Formula, reading: str | Mapping[str, str] = "standard", /, **axes: str) -> None:
        """Assert that it implements that line in that reading: for tests.

        ``identify(MyAdam).must_be("adam", "standard", epsilon="outside-root")``: the axes named are changed on top of
        the reading, or repeat it for the reader. An optimizer is taken as it is configured. Raises AssertionError with what
        was found, and ArgumentError for a line, an axis or an option that there is not.
        """
        if objections := list(self._objections(line, reading, axes)):
            raise AssertionError("\n- ".join([f"{self.target} is not what it must be:", *objections]))

    def _objections(self, line: str | Formula, reading: str | Mapping[str, str], axes: Mapping[str, str]) -> Iterator[str]:
        wanted = line_named(line) if isinstance(line, str) else line
        asked = wanted.reading(reading, **axes)
        if self.verdict == "no-reading":
            yield from self._no_reading(wanted, asked)
        elif not self._is_line(wanted):
            yield f"it is {self.line}, not {wanted.id}"
        else:
            may_be = self._may_be()
            for axis, option in asked.choices:
                if axis not in self.settled:
                    if axis in axes or wanted.axis(axis).kind == "meaning":
                        yield f"{axis} stays open: {option} or another"
                elif self.settled[axis] != option:
                    yield f"{axis} is {self.settled[axis]}, not {option}"
                elif axis in may_be:
                    yield f"{axis} could be {' or '.join(sorted(may_be[axis]))}, too"
            yield from self._reservations()

    def _no_reading(self, wanted: Formula, asked: Reading) -> Iterator[str]:
        """That no reading fits, and what is nearest."""
        yield f"no reading; nearest: {self.line}"

    def _may_be(self) -> Mapping[str, set[str]]:
        """For axes on which more than one reading fits, the other options."""
        raise NotImplementedError

    def _is_line(self, wanted: Formula) -> bool:
        return self.line == wanted.id

    def _reservations(self) -> Iterator[str]:
        """What speaks against it though the reading is the one asked for."""
        raise NotImplementedError


def _others(reading: Mapping[str, str], same: list[dict[str, str]]) -> dict[str, set[str]]:
    """On which axes readings that fit as well differ, and their options there."""
    found: dict[str, set[str]] = {}
    for other in same:
        for axis, option in other.items():
            if reading.get(axis) != option:
                found.setdefault(axis, set()).add(option)
    return found


# --- optimizers -----------------------------------------------------------------------------------------------------


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


class MissingGradient(Enum):
    """What becomes of a weight that has no gradient at a step: it is left out and its step counter waits, it is left out but
    its counter goes on, or the gradient is taken as zero."""

    LEFT_OUT = "left-out"
    COUNTED = "left-out-but-counted"
    ZERO = "taken-as-zero"


class LateWeight(Enum):
    """By which step counter a weight goes that is added later: its own, from its first step, or that of the others."""

    OWN = "own-counter"
    OTHERS = "counter-of-the-others"


class Several(Enum):
    """How several weight arrays are stepped: each as it is alone; all as if they were one, as where a norm is of all of them;
    or by one step counter that goes on from array to array."""

    APART = "apart"
    JOINED = "joined"
    COUNTED_ON = "counted-from-array-to-array"


class Keeping(Enum):
    """What becomes of a part of the state that is not saved whole: it starts anew, or it is rounded to float32."""

    ANEW = "starts-anew"
    ROUNDED = "rounded-to-float32"


class Lost(Struct, frozen=True):
    """What a state that is saved and restored has lost of its parts ``names``, which are those of the line's state; of none
    where what goes on differs by rounding only."""

    names: list[str]
    keeping: Keeping


class Question(Enum):
    SEVERAL = "several-arrays"
    MISSING_GRADIENT = "missing-gradient"
    LATE_WEIGHT = "late-weight"
    SAVED_STATE = "saved-state"
    MATRICES = "matrices"
    WRAPPER = "wrapper"
    IN_FLOAT32 = "in-float32"
    OWN_VALUES = "own-values"


class Unanswered(Struct, frozen=True):
    """A question that the box has no way to be asked (``can_be_asked`` is false), or at which it broke down; in whose words."""

    question: Question
    can_be_asked: bool
    words: str


class Printed(Struct, frozen=True):
    """The first line that a box printed, and at which step: 0 before the first."""

    step: int
    text: str


class Action(Enum):
    """What is done to a box; every action but the first and a step is followed by a step."""

    STEP = "step"
    SAVE = "save"
    RESTORE = "restore"
    ADD = "add"


class Event(Struct, frozen=True, omit_defaults=True):
    """An action in a run. A step has gradients of a ``size`` and a ``pattern`` (the number of one) at a ``rate``, each left out
    where it is 0; with ``missing`` the first weight has none."""

    action: Action
    size: float = 0.0
    pattern: int = 0
    rate: float = 0.0
    missing: bool = False


class FailingRun(Struct, frozen=True):
    """The shortest run found on which a reading fails: from weights of these ``shapes``, with these ``arguments``, through the
    ``events``, after which the number at ``index`` of array ``weight`` is not what the reading gives."""

    shapes: list[tuple[int, ...]]
    arguments: dict[str, float]
    events: list[Event]
    weight: int
    index: tuple[int, ...]
    box: Number
    reading: Number


class Surroundings(Struct, frozen=True):
    """What a box does beside its formula.

    ``several``, ``missing_gradient`` and ``late_weight`` are the models that fit, of which the first is as good as any further
    one; none where none does, None where there is no answer. ``goes_on``: whether a state that is saved and restored goes on
    to the same bits; where it does not, ``lost`` is what it has lost, None where no loss that was tried explains it.
    ``failing_run`` is the shortest run found on which one of these answers, though no more than that, fails. ``changed``: which
    of the arrays handed to it ("gradients", "weights") it changes in place -> the first step at which it does.
    """

    missing_gradient: list[MissingGradient] | None = None
    late_weight: list[LateWeight] | None = None
    goes_on: bool | None = None
    lost: Lost | None = None
    several: list[Several] | None = None
    failing_run: FailingRun | None = None
    unanswered: list[Unanswered] = []
    changed: dict[str, int] = {}
    printed: Printed | None = None


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
    same_as: list[str] = []
    behind: Around | None = None
    rate_fitted: bool = False
    near: bool = True
    tried: list[str] = []
    fails: list[Fails] = []
    partly: Partly | None = None
    computed: str = ""
    also: list[str] = []

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
        return _others(self.reading, [alike.reading for alike in self.same])

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


# --- functions ------------------------------------------------------------------------------------------------------


class Arrangement(Enum):
    """How arrays go between a line and a function: as they are; turned, one example a row where the sheet has one a column, all
    of them or only those that have the examples; as
    two operands, the elements of the line's one vector; or one element at a time."""

    AS_IT_IS = "as-it-is"
    ROWS = "rows"
    EXAMPLES = "examples"
    OPERANDS = "operands"
    SINGLY = "singly"


class Reduction(Enum):
    """What a function does with the losses of single examples or elements: what the line does, their mean or sum where the line
    is that of one example, or nothing where the line sums the elements."""

    AS_THE_LINE = "as-the-line"
    MEAN = "mean"
    SUM = "sum"
    EACH = "each"


class Unlaid(Enum):
    """Why a function cannot be laid over a line: it has no argument for an input, needs further ones, returns another shape, or
    raises."""

    NO_ARGUMENT = "no-argument"
    NEEDS_MORE = "needs-more"
    SHAPE = "other-shape"
    RAISES = "raises"


class LineTrial(Struct, frozen=True):
    """What came of laying the function over one line, or over the ``gradient`` that it prints: "fits", "no-reading", or
    "not-tried" with the reason, ``words`` in full."""

    line: str
    outcome: Literal["fits", "no-reading", "not-tried"]
    reason: Unlaid | None = None
    words: str = ""
    gradient: bool = False


class Tie(Enum):
    """Why a reading that fits as well is not ruled out: it is another evaluation of the same real function, whose wider budget
    contains the same numbers; what is done with the elements
    afterwards would tell; no input was found that tells the two apart; or one was, on which the function does not answer."""

    EVALUATION = "same-function"
    ELEMENTS = "elements"
    NO_INPUT = "no-input-found"
    NOT_ANSWERED = "not-answered"


class Aside(Struct, frozen=True):
    """One place apart from ordinary numbers (an infinity, a NaN, a subnormal number, or where the standard reading has one) at
    which a function is not the reading that it has on all others: what the ``reading`` gives there, what it ``returned``."""

    inputs: list[Quantity]
    settings: dict[str, str]
    output: str
    reading: Quantity
    returned: Quantity


class NanFlow(Enum):
    """What flows back to the inputs where one of them is NaN and therefore the value is: the NaN gets it, all cotangents are
    NaN, nothing flows, each input gets some, or another thing from input to input."""

    TO_THE_NAN = "to-the-nan"
    ALL_NAN = "all-nan"
    NOTHING = "nothing"
    TO_EACH = "to-each"
    MIXED = "mixed"


class Rival(Struct, frozen=True):
    """Another reading than the one identified: ruled out by a ``witness``, the smallest input on which the function is not that
    one; or fitting as well, with the ``tie`` that stands, the ``input`` that would tell and what the function ``raised``
    there."""

    reading: dict[str, str]
    witness: Witness | None = None
    tie: Tie | None = None
    input: list[Quantity] = []
    raised: str = ""

    @property
    def fits(self) -> bool:
        return self.tie is not None

    @property
    def ambiguous(self) -> bool:
        return self.tie not in (None, Tie.EVALUATION)


class Raised(Struct, frozen=True):
    """A function raised on so many of its inputs, such as ``sample``, and in which words there."""

    inputs: int
    of: int
    sample: Label
    words: str


class FunctionAnswer(Answer, frozen=True, kw_only=True):
    """Which line a function is, in which reading, and what shows it; or, where it is none, what it comes nearest to.

    ``line`` and the readings are those identified, else the nearest. ``also`` are other lines that the function is as well; if
    it is a ``gradient``, its value is what a backward line prints, for a flow of 1. ``arguments`` say for each input of the
    line which of the function's takes it, "" for one by its place; ``arrangement`` and ``reduction`` how the function is laid
    over the line, in these ``settings`` of it. ``reading`` holds the axes that what was returned settles; ``value_reading``
    those of the value alone, and ``backward_reading`` those of the cotangents, None where they stay open. Two evaluations of
    one real function may differ between the two (``evaluations_differ``): ``reading`` then has that of the cotangents; an axis
    on which evaluations cannot be told apart is in none of them. ``differs_from_printed`` and ``differs_from_standard`` give
    for each axis the option that stands there instead. ``constants`` are numbers inside of its options, by axis; ``open`` the
    axes that stay open, with the options that nothing that was seen tells apart, none where no option fits. ``rivals`` are the
    readings one axis away, and those that fit as well. ``losses`` are the ways in which it loses precision that had to be
    allowed for. ``asides`` are the places apart from ordinary numbers at which it is not the reading; axes that only these
    would settle are not in it. ``nan_flow`` is what it does with a cotangent where the value is NaN, None where that was not
    asked. ``undifferentiated`` are the framework's words where it cannot be differentiated. It ``raises`` on some inputs; it
    ``prints`` when it is called. Where nothing fits, ``distance`` is the mean relative distance from the nearest reading (0 to
    1), ``failure`` the smallest input on which the function is not that one, ``near`` whether most numbers come near that, and
    ``value_alone`` and ``cotangents_alone`` the readings that the value or the cotangents fit for themselves, with the
    reduction as one more axis where the function reduces what the line leaves apart.
    """

    also: list[str]
    gradient: bool
    arguments: dict[str, str]
    arrangement: Arrangement
    reduction: Reduction
    settings: dict[str, str]
    reading: dict[str, str]
    constants: dict[str, float]
    open: dict[str, list[str]]
    value_reading: dict[str, str]
    backward_reading: dict[str, str] | None
    evaluations_differ: bool
    differs_from_printed: dict[str, str]
    differs_from_standard: dict[str, str]
    rivals: list[Rival]
    trials: int
    worst_share: float | None
    losses: list[Loss]
    asides: list[Aside]
    nan_flow: NanFlow | None
    distance: float | None
    near: bool
    failure: Witness | None
    undifferentiated: str
    missing_cotangents: list[str]
    raises: Raised | None
    prints: bool
    value_alone: list[dict[str, str]]
    cotangents_alone: list[dict[str, str]]
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
        return _others(self.reading, [rival.reading for rival in self.rivals if rival.ambiguous])

    def _reservations(self) -> Iterator[str]:
        yield from (f"loses precision: {loss.value}" for loss in self.losses)
        for aside in self.asides:
            at = ", ".join(f"{quantity.name} = {' '.join(quantity.decimal)}" for quantity in aside.inputs)
            yield f"{aside.output} at {at} is {' '.join(aside.returned.decimal)}, not {' '.join(aside.reading.decimal)}"


# --- ports ----------------------------------------------------------------------------------------------------------


class Mapped(Struct, frozen=True):
    """What becomes of a value: the source's, the target's, and the rule by which it is made. None is the user's own."""

    source: float | None
    target: float | None
    rule: str


class Proof(Struct, frozen=True):
    """On what a map was proved: the target ran over ``traces`` of ``steps`` for so many ``weights``, and ``worst_share`` is its
    largest error over the budget. ``losses`` of precision in the target had to be allowed for."""

    traces: int
    steps: int
    weights: int
    dtype: str
    mode: str
    worst_share: float
    losses: list[Loss] = []


class Refusal(Struct, frozen=True):
    """Why a map is not right. The target ran otherwise than the source's reading: it has the ``target`` number where the source
    has the ``source``'s, at a ``step`` (from 1) and a weight of a trace with this ``schedule`` of rates. Without the two
    numbers the two readings can already be told apart there; without a schedule the target did not run, in its ``words``."""

    schedule: str = ""
    step: int = 0
    weight: int = 0
    target: Number | None = None
    source: Number | None = None
    words: str = ""


class Remains(Struct, frozen=True):
    """How far a target is from its source after each step of a trace of ``gradients`` of this size, normal noise about a normal
    mean for each weight, at a constant ``rate``: the largest difference over the largest of the two, of the updates, and of the
    ways gone from the first weights (0: the same, 2: opposite, or no number)."""

    gradients: float
    rate: float
    weights: int
    updates: list[float]
    ways: list[float]

    @property
    def mean_update(self) -> float:
        return sum(self.updates) / len(self.updates)

    @property
    def largest_update(self) -> tuple[float, int]:
        """The largest difference of an update, and its step (from 1)."""
        largest = max(self.updates)
        return largest, self.updates.index(largest) + 1


class Closer(Struct, frozen=True):
    """What is closer to the source with ``gradients`` of another size: its ``code`` on one line, and the largest relative
    difference of an update there."""

    gradients: float
    code: str
    largest_update: float


class PortWitness(Struct, frozen=True):
    """The smallest trace of one weight that tells a target from its source, and the weight after it; None for no number."""

    weight: float
    gradients: list[float]
    rates: list[float]
    source: float | None
    target: float | None


class Doubts(Struct, frozen=True):
    """What an identification leaves open about the source of a port: what it stores in a narrower format and since when that
    shows, how many further readings fit, and what would tell them apart, ``refused`` arguments among it."""

    stored: list[Stored] = []
    shows_from: int | None = None
    same: int = 0
    separated_by: list[Separator] = []
    refused: list[str] = []


class Port(Struct, frozen=True, kw_only=True):
    """An optimizer, written for another framework.

    ``verdict``: "same" where the target is the same function at the same values; "mapped" where it is at other values, or only
    while the rate is constant (``constant_rate``); "closest" where nothing found in it is. It is right as long as the source's
    arguments in ``stays`` keep their values. ``code`` is to be pasted: it makes ``optimizer`` out of ``params`` (where the
    framework asks for them) and, if no rate was named, ``learning_rate``. ``runnable`` does so exactly, by gradspec; it is
    there where ``code`` is not exact, or is only while the rate is constant. ``differs`` are the axes on which the two
    readings differ, each with the source's option and the target's. ``made_of`` are the natives that showed how the target is
    put together, where no native is it. ``refused`` are those that should be the same and were not.
    """

    source: str
    framework: str
    to: str
    versions: dict[str, str]
    verdict: Literal["same", "mapped", "closest"]
    code: str
    runnable: str
    line: str
    title: str
    source_reading: dict[str, str]
    target: str
    target_reading: dict[str, str]
    differs: dict[str, tuple[str, str]]
    made_of: list[str]
    hyperparameters: dict[str, Mapped]
    constant_rate: bool = False
    stays: dict[str, float] = {}
    proof: Proof | None = None
    remains: list[Remains] = []
    witness: PortWitness | None = None
    closer: list[Closer] = []
    refused: dict[str, Refusal] = {}
    doubts: Doubts = Doubts()

    def __repr__(self) -> str:
        return f"<port of {self.source} to {self.to}: {self.target or '-'}, {self.verdict}>"

    @property
    def formula(self) -> Formula:
        return line_named(self.line)

    @property
    def exact(self) -> bool:
        return self.verdict != "closest"

    @property
    def changed(self) -> dict[str, Mapped]:
        """The values that are not passed on as they are."""
        return {name: value for name, value in self.hyperparameters.items() if value.rule != name}

    def as_json(self) -> bytes:
        return msgspec.json.format(msgspec.json.encode(self), indent=2)


# --- defaults -------------------------------------------------------------------------------------------------------

Value = float | bool | str | None


class Default(Struct, frozen=True):
    """An argument's default, and the name that it has there; where it is ``required`` it has none."""

    own: str
    value: Value
    required: bool = False


class Row(Struct, frozen=True):
    """A hyperparameter by gradspec's name, or an argument that is none of the line's (``extra``) by its own, and what each
    optimizer has for it; one that is not there is left out. It ``differs`` where two numbers or flags among them are not
    equal."""

    name: str
    defaults: dict[str, Default]
    differs: bool
    extra: bool = False


class Table(Struct, frozen=True):
    """The optimizers of one name. ``columns`` are their dotted names, the reference's own defaults first where it has a line of
    that name; ``line`` is that line, or ""."""

    name: str
    line: str
    columns: list[str]
    rows: list[Row]


class Defaults(Struct, frozen=True):
    """The ``tables``, one for each name; ``missing`` are the frameworks that are not installed, each with the command that
    does so."""

    tables: list[Table]
    versions: dict[str, str]
    missing: dict[str, str]

    def __repr__(self) -> str:
        return f"<defaults of {', '.join(table.name for table in self.tables)}>"
