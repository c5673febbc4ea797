"""What an optimizer does beside its formula, and the run on which one fails."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from ..findings import Number


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
