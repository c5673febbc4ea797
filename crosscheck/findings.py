"""What a campaign finds, as plain data. This is the seam between the engine and the reports: nothing here computes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import Enum
from typing import Any, Literal, get_args

from msgspec import Struct

SCHEMA_VERSION = 2

Verdict = Literal["agrees", "convention", "erratum", "precision", "defect", "stale", "absent", "not-run"]

Part = Literal["proofs", "checks", "curves"]  # of what is found out about a line itself

VERDICTS: tuple[str, ...] = get_args(Verdict)

# Verdicts that fail a run, unless the adapter names the limitation behind them.
FAILING = ("defect", "stale", "not-run")


class Cell(Struct, frozen=True, order=True):
    """One line × one route of one adapter × dtype × mode × device."""

    line: str
    adapter: str
    package: str
    route: Literal["derived", "native"]
    native: str
    dtype: str
    mode: str
    device: str = "cpu"

    @property
    def id(self) -> str:
        """``optimizer.adam-torch-native.optim.Adam.fused-float32``; the mode follows where it is not the plain one."""
        route = f"{self.route}.{self.native}" if self.native else self.route
        mode = "" if self.mode == "eager" else f"-{self.mode}"
        return f"{self.line}-{self.package}-{route}-{self.dtype}{mode}"


class Label(Struct, frozen=True):
    """What a sample is: "hard" (a point that its line names, or a trace that each run has), "sized" (numbers in one of the
    line's shapes, which each run has), "drawn" by Hypothesis, the "witness" of a departure, several witnesses "packed" side
    by side, or "plain" numbers to try something on.

    ``name`` is a hard point's name or the key of a trace's schedule; ``chosen`` what a draw or a witness was made with.
    """

    kind: Literal["hard", "sized", "drawn", "witness", "packed", "plain"]
    name: str = ""
    chosen: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, kind: Literal["sized", "drawn", "witness", "plain"], chosen: Mapping[str, Any]) -> Label:
        return cls(kind, chosen=tuple((name, str(value)) for name, value in chosen.items()))

    def __str__(self) -> str:
        """A hard point's name, else the kind with what was chosen: seeds are made of it."""
        return ", ".join([self.name or self.kind, *(f"{name}={value}" for name, value in self.chosen)])


class Loss(Enum):
    """A way in which libraries lose precision: without it no reading fits."""

    FLUSHED = "flushed-subnormals"
    COARSE = "coarse-functions"  # exp, log or tanh err by more than is expected of them
    NARROW = "narrow-scalars"  # scalars of an optimizer are stored in float32
    LARGE_TERMS = "large-terms"  # a function is a sum of terms as large as 1 or its largest input, and errs by their roundings


class NoValue(Struct, frozen=True, tag=True):
    """A reading has no value on a sample: 0/0, or shapes that do not fit; ``why`` is what it says itself."""

    why: str


class OtherShape(Struct, frozen=True, tag=True):
    """What was observed has another shape than the reading's value."""

    expected: tuple[int, ...]
    observed: tuple[int, ...]


class Outside(Struct, frozen=True, tag=True):
    """What was observed is outside of the budget."""


class Violation(Struct, frozen=True):
    """The first number that a reading does not contain: the output and the index in it (none where ``cause`` is of the whole),
    and in which of the trials, counted from 0."""

    output: str
    index: tuple[int, ...]
    cause: Outside | OtherShape | NoValue
    trial: int = 0


# --- why a verdict came out, as data; reports say it in words ----------------------------------------------------------

Number = float | Literal["nan", "inf", "-inf"]  # JSON has no word for the others


def number(value: Any) -> Number:
    """A number as files can hold it."""
    plain = float(value)
    if math.isfinite(plain):
        return plain
    return "nan" if math.isnan(plain) else "inf" if plain > 0 else "-inf"


class Named(Struct, frozen=True):
    """A reading by its role, and by the axes on which it departs from the printed one."""

    role: Literal["printed", "standard", "other"]
    departs: dict[str, str]


class Change(Struct, frozen=True):
    """An axis on which one option is the case instead of another."""

    axis: str
    option: str
    instead_of: str


class PrintedFits(Struct, frozen=True, tag=True):
    """The printed reading fits or, where precision is lost, its function."""


class Departs(Struct, frozen=True, tag=True):
    """Another reading than the printed one fits; ``standard`` where the standard one has all these options."""

    changes: tuple[Change, ...]
    standard: bool


class SameNumbers(Struct, frozen=True, tag=True):
    """A claimed reading gives the same numbers on all inputs tried."""

    claim: Named


class Outdone(Struct, frozen=True, tag=True):
    """Better evaluations of the same real function, which are ruled out."""

    changes: tuple[Change, ...]


class Lossy(Struct, frozen=True, tag=True):
    """Readings fit only where precision is lost in these ways."""

    losses: tuple[Loss, ...]


class NotClaimed(Struct, frozen=True, tag=True):
    """Something else than the claimed reading fits, or (None) the printed one fits as well."""

    claim: Named
    fits: Named | None


class NothingFits(Struct, frozen=True, tag=True):
    """No reading fits, and where the nearest one is violated."""

    nearest: Named
    violation: Violation


class ForwardContradicts(Struct, frozen=True, tag=True):
    """Forward mode contradicts reverse mode on a sample: ⟨z̄, ż⟩ is ``pushed``, ⟨x̄, ẋ⟩ is ``pulled`` ± ``budget``."""

    sample: Label
    pushed: Number
    pulled: Number
    budget: Number


class NoEvidence(Struct, frozen=True, tag=True):
    """Every budget is as wide as the value: rounding may explain any number on all inputs tried."""


class KnownOtherwise(Struct, frozen=True, tag=True):
    """Not what is known of the framework, or (``gone``) what is known no longer shows."""

    what: str
    gone: bool = False


class NotInstalled(Struct, frozen=True, tag=True):
    package: str
    install: str  # the command


class Missing(Struct, frozen=True, tag=True):
    """The framework has no such name in these versions."""

    name: str
    versions: dict[str, str]


class OnlyDtypes(Struct, frozen=True, tag=True):
    dtypes: tuple[str, ...]


class Said(Struct, frozen=True, tag=True):
    """Words of the framework itself, or of its adapter."""

    words: str


class TimedOut(Struct, frozen=True, tag=True):
    seconds: float


class Died(Struct, frozen=True, tag=True):
    """The process died."""

    exit_code: int | None


class Failed(Struct, frozen=True, tag=True):
    """An error of the engine or of an adapter, outside of the framework."""

    error: str


class Interrupted(Struct, frozen=True, tag=True):
    """The run was interrupted before its turn."""


Lost = TimedOut | Died | Failed  # why work that was sent to another process came to nothing
OfFits = PrintedFits | Departs | SameNumbers | Outdone | Lossy | NotClaimed | NothingFits | ForwardContradicts
Reason = OfFits | NoEvidence | KnownOtherwise | NotInstalled | Missing | OnlyDtypes | Said | Lost | Interrupted


class Known(Struct, frozen=True):
    """A known limitation of a framework, with its source."""

    what: str
    source: str


# --- what is found out about a cell ---------------------------------------------------------------------------------


class Quantity(Struct, frozen=True):
    """A named array, twice: for people in decimal, and exactly, as hexadecimal floating point. ``shape`` () is a scalar."""

    name: str
    shape: list[int]
    decimal: list[str]
    hexadecimal: list[str]


class Side(Struct, frozen=True):
    """What a reading gives on a witness: its value or, where it has none, what it says itself."""

    reading: dict[str, str]
    value: Quantity | None
    why: str = ""


class Witness(Struct, frozen=True):
    """The smallest input found on which two readings are separated, with what each gives and what the subject returned.

    ``sides`` are the two readings: the one observed (or the standard one) and the printed one; one alone where the nearest
    reading fails. ``output`` and ``index`` say where they are separated; of an optimizer the index is the step, from 0, and
    the weight. ``ulps`` is the distance of the two values there in units in the last place of the dtype, and ``budget`` the
    sum of their budgets, in the same unit.
    """

    dtype: str
    inputs: list[Quantity]
    settings: dict[str, str]
    sides: list[Side]
    output: str
    index: list[int]
    observed: Quantity | None  # where a framework was asked
    ulps: float | None
    budget: float | None


class Finding(Struct, frozen=True):
    """What came out for one cell."""

    cell: Cell
    verdict: Verdict
    reason: tuple[Reason, ...]
    claim: dict[str, str] = {}  # the reading claimed, all axes; empty on the derived route
    fits: list[dict[str, str]] = []  # readings that fit all trials
    ruled_out: list[dict[str, str]] = []
    trials: int = 0
    decisive: int = 0  # trials in which the budget was smaller than the values themselves
    worst_share: float | None = None  # the largest error, as a fraction of the budget of the reading that fits
    ulps: float | None = None  # the largest distance from the exact value of that reading, in units in the last place
    witness: Witness | None = None
    script: str = ""
    expression: str = ""
    source: str = ""
    notes: str = ""
    limits: str = ""
    known: Known | None = None
    excused: bool = False  # whether a failing verdict is expected: it is known, or the framework is not installed
    seconds: float = 0.0

    def __repr__(self) -> str:
        return f"<finding {self.cell.id}: {self.verdict}>"


class Counterexample(Struct, frozen=True):
    """Values of the symbols at which the derivative of the forward line and what the reading gives differ."""

    at: dict[str, int]
    derivative: str
    given: str


class Proof(Struct, frozen=True):
    """Whether a backward line follows from its forward line, by SymPy on small symbolic shapes.

    ``role`` says of which reading: the "printed" one, the "standard" one or, where the printed one is refuted and has several
    odd axes, the standard one with only ``axis`` as printed ("standard-but"). ``entries`` were compared at sizes ``shapes``,
    all symbols positive. Of a refuted one, ``of`` and ``index`` name the first entry that differs, with a ``counterexample``,
    or a cotangent whose ``given_shape`` is not its input's ``shape``. ``unfit`` are the first sizes for which the reading has
    no value, and ``why`` says it.
    """

    line: str
    reading: dict[str, str]
    role: Literal["printed", "standard", "standard-but"]
    outcome: Literal["proved", "refuted", "no value"]
    shapes: dict[str, int]
    axis: str = ""
    entries: int = 0
    of: str = ""
    index: list[int] = []
    counterexample: Counterexample | None = None
    shape: list[int] = []
    given_shape: list[int] = []
    unfit: dict[str, int] = {}
    why: str = ""


class Breach(Struct, frozen=True):
    """The first trial that breaks a property: where, what was found there, and what was expected.

    ``fault`` says how the two stand: what was found "differs" from what was expected, "exceeds" it, is "outside" of its shares,
    has another "shape", or is "undefined". ``of`` names what is looked at ("x_bar"), ``index`` and ``step`` its place; numbers
    have six digits, and their ``difference``. ``after`` is what was done to the sample: ["swapped", "n"]. A map's trial has a
    ``sample``, with its ``inputs`` where they are few; an optimizer's has hyperparameters.
    """

    fault: Literal["differs", "exceeds", "outside", "shape", "undefined"]
    of: str
    index: list[int] = []
    step: int = 0
    found: str = ""
    expected: str = ""
    difference: str = ""
    after: list[str] = []
    sample: Label | None = None
    sizes: dict[str, int] = {}
    inputs: dict[str, Any] = {}  # nested lists
    hyper: dict[str, float] = {}


class Check(Struct, frozen=True):
    """A property held on generated inputs: a mnemonic of the sheet, linearity, the adjoint identity, batches, permutations.

    ``without`` counts the samples on which the reading has no value, ``why`` says it of the first. Without any trial, and with
    such samples, the property does not hold.
    """

    line: str
    property: str
    words: str
    reading: dict[str, str]
    holds: bool
    trials: int
    broken: int = 0
    first: Breach | None = None
    without: int = 0
    why: str = ""


class Unfinished(Struct, frozen=True):
    """A part of the work on a line itself that raised, hung or killed its process. It fails the run, as no result does."""

    line: str
    part: Part
    reason: Lost


class Deviation(Struct, frozen=True):
    """A contestable point of the sheet: the printed option on one axis against another, and what shows it.

    ``rival`` is the option that the printed one is set against: the standard one where the print is an "erratum" or a worse
    evaluation ("precision"), and where it is standard itself ("convention") the one that most frameworks have instead.
    ``question`` is empty where the catalogue has none, a LaTeX where the option is said in words only. ``natives`` are the
    frameworks' own functions that fit an option alone, ``derived`` the packages in which the printed line, run as code, gives
    it. ``refuted`` if the cotangent does not follow from the forward line with the printed option; ``breaks`` are properties
    that the printed option breaks, in the ``evidence`` beside the standard reading.
    """

    line: str
    axis: str
    kind: Literal["erratum", "convention", "precision"]
    question: str
    printed: str
    rival: str
    printed_latex: str
    rival_latex: str
    natives: dict[str, list[str]] = {}
    derived: dict[str, list[str]] = {}
    refuted: bool = False
    breaks: list[str] = []
    evidence: list[Check] = []
    witness: Witness | None = None
    source: str = ""


class Series(Struct, frozen=True):
    label: str
    x: list[float]
    y: list[float | None]  # None where there is no finite value


class Curve(Struct, frozen=True):
    """How a difference grows: for optimizers over t, for the sigmoid over x, for training over steps."""

    line: str
    title: str
    caption: str  # computed
    x_label: str
    y_label: str
    x_scale: Literal["linear", "log"]
    y_scale: Literal["linear", "log", "symlog"]
    series: list[Series]


class OptionInfo(Struct, frozen=True):
    name: str
    meaning: str
    latex: str = ""


class AxisInfo(Struct, frozen=True):
    name: str
    kind: str
    printed: str
    standard: str
    options: list[OptionInfo]
    source: str = ""


class LineInfo(Struct, frozen=True):
    """What the catalogue says of a line, so that a findings file can be shown without the catalogue."""

    id: str
    number: int
    title: str
    latex: str
    standard_latex: str
    axes: list[AxisInfo]
    section: str = ""
    mnemonic: str = ""
    notes: str = ""
    source: str = ""


class Findings(Struct, frozen=True):
    """A campaign: everything a report shows. The same seed and versions give the same findings, times apart."""

    schema_version: int
    seed: int
    profile: str
    versions: dict[str, str]
    platform: str
    lines: list[LineInfo]
    cells: list[Finding]
    deviations: list[Deviation] = []
    proofs: list[Proof] = []
    checks: list[Check] = []
    curves: list[Curve] = []
    unfinished: list[Unfinished] = []
    interrupted: bool = False
    started: str = ""
    seconds: float = 0.0

    def __repr__(self) -> str:
        return f"<findings on {len(self.cells)} cells of {len(self.lines)} lines>"
