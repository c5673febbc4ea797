"""What a function is: the line, the readings of its value and its cotangents, and the places apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Literal

from msgspec import Struct

from ...reference.formula import Formula
from ..findings import Label, Loss, Quantity, Witness
from .answer import Answer, others


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
    1), ``failure`` the smallest input on which the function is not that one, ``near`` whether most numbers come near that, or a
    part of it fits, and ``value_alone`` and ``cotangents_alone`` the readings that the value or the cotangents fit for
    themselves, with the reduction as one more axis where the function reduces what the line leaves apart.
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
        return others(self.reading, [rival.reading for rival in self.rivals if rival.ambiguous])

    def _reservations(self) -> Iterator[str]:
        yield from (f"loses precision: {loss.value}" for loss in self.losses)
        for aside in self.asides:
            at = ", ".join(f"{quantity.name} = {' '.join(quantity.decimal)}" for quantity in aside.inputs)
            yield f"{aside.output} at {at} is {' '.join(aside.returned.decimal)}, not {' '.join(aside.reading.decimal)}"
