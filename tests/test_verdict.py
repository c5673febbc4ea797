"""From a fit to a verdict: each branch on a fit made by hand, and that a verdict changes when the fit does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gradspec.crosscheck.cells.verdict import Evidence, Judgement, judge
from gradspec.crosscheck.findings import (
    Change,
    Departs,
    ForwardContradicts,
    Label,
    Loss,
    Lossy,
    Named,
    NotClaimed,
    NothingFits,
    Number,
    Outdone,
    Outside,
    PrintedFits,
    SameNumbers,
    Violation,
)
from gradspec.crosscheck.readings.compare import Fit
from gradspec.reference import line
from gradspec.reference.formula import Formula
from gradspec.reference.vocabulary import Reading

FLUSHED = (Loss.FLUSHED,)
MAX = line("scalar.max")
SUM = line("scalar.sum")
SIGMOID = line("scalar.sigmoid")


def reading(formula: Formula, **axes: str) -> Reading:
    return formula.printed.but(**axes)


def fit_of(formula: Formula, fits: Iterable[Reading], trial: int = 0) -> Fit:
    """A fit in which every reading that does not fit is violated at x_bar[1] of a trial."""
    fits = tuple(fits)
    violated = Violation("x_bar", (1,), Outside(), trial)
    return Fit(fits, {r: violated for r in formula.readings() if r not in fits})


def judged(formula: Formula, fits: Iterable[Reading], claim: Reading | None = None, **more: Any) -> Judgement:
    return judge(Evidence(formula, fit_of(formula, fits), claim, **more))


def contradicting(pushed: Number) -> ForwardContradicts:
    return ForwardContradicts(Label("hard", "a point"), pushed, 2.0, 0.5)


def departs(*changes: tuple[str, str, str], standard: bool = False) -> Departs:
    return Departs(tuple(Change(*change) for change in changes), standard)


def by_accuracy(formula: Formula) -> tuple[str, str, str]:
    """The first axis of evaluation: its name, its worst-conditioned (printed) and its best option."""
    axis = next(axis for axis in formula.axes if axis.kind == "evaluation")
    return axis.name, axis.printed, axis.standard


def test_the_printed_reading_agrees() -> None:
    judgement = judged(MAX, [MAX.printed])
    assert (judgement.verdict, judgement.reading) == ("agrees", MAX.printed)


def test_a_line_without_axes_agrees_or_is_a_defect() -> None:
    assert judged(SUM, [SUM.printed]).verdict == "agrees"
    assert judged(SUM, []).verdict == "defect"


def test_the_standard_reading_shows_an_erratum() -> None:
    judgement = judged(MAX, [MAX.standard], claim=MAX.standard)
    assert judgement.verdict == "erratum"
    assert judgement.reason == (departs(("ties", "split", "all"), standard=True),)


def test_another_reading_is_a_convention() -> None:
    first = reading(MAX, ties="first")
    judgement = judged(MAX, [first], claim=first, separable=True)
    assert judgement.verdict == "convention"
    assert judgement.reason == (departs(("ties", "first", "all")),)


def test_of_several_readings_that_hold_the_printed_one_is_spoken_of() -> None:
    assert judged(MAX, [reading(MAX, ties="last"), MAX.standard, MAX.printed]).verdict == "agrees"
    assert judged(MAX, [reading(MAX, ties="last"), MAX.standard]).verdict == "erratum"


def test_a_worse_evaluation_of_the_same_function_is_a_loss_of_precision() -> None:
    axis, printed, best = by_accuracy(SIGMOID)
    judgement = judged(SIGMOID, [reading(SIGMOID, **{axis: printed})])
    assert judgement.verdict == "precision"
    assert judgement.reason == (PrintedFits(), Outdone((Change(axis, best, printed),)))


def test_an_evaluation_that_holds_beside_the_best_one_loses_nothing() -> None:
    axis, printed, best = by_accuracy(SIGMOID)
    assert judged(SIGMOID, [reading(SIGMOID, **{axis: option}) for option in (printed, best)]).verdict == "agrees"


def test_what_only_holds_with_subnormals_flushed_is_a_loss_of_precision() -> None:
    judgement = judged(MAX, [MAX.printed], losses=FLUSHED)
    assert judgement.verdict == "precision"
    assert judgement.reason == (PrintedFits(), Lossy(FLUSHED))


def test_a_convention_stays_one_when_it_also_flushes() -> None:
    first = reading(MAX, ties="first")
    judgement = judged(MAX, [first], claim=first, losses=FLUSHED)
    assert judgement.verdict == "convention"
    assert judgement.reason == (departs(("ties", "first", "all")), Lossy(FLUSHED))


def test_a_claim_that_does_not_fit_is_stale() -> None:
    judgement = judged(MAX, [reading(MAX, ties="first")], claim=reading(MAX, ties="last"))
    assert judgement.verdict == "stale"
    assert judgement.reason == (NotClaimed(Named("other", {"ties": "last"}), Named("other", {"ties": "first"})),)
    assert judgement.nearest == reading(MAX, ties="last")


def test_a_claimed_deviation_that_is_gone_is_stale() -> None:
    judgement = judged(MAX, [MAX.printed], claim=MAX.standard, separable=True)
    assert judgement.verdict == "stale"
    assert judgement.reason == (NotClaimed(Named("standard", {"ties": "split"}), Named("printed", {})),)


def test_a_claimed_deviation_that_its_witness_no_longer_separates_is_stale() -> None:
    first = reading(MAX, ties="first")
    judgement = judged(MAX, [first, MAX.printed], claim=first, separable=True)
    assert judgement.verdict == "stale"
    assert judgement.reason == (NotClaimed(Named("other", {"ties": "first"}), None),)


def test_a_claim_that_nothing_can_separate_from_the_print_agrees_and_says_so() -> None:
    first = reading(MAX, ties="first")
    judgement = judged(MAX, [first, MAX.printed], claim=first, separable=False)
    assert judgement.verdict == "agrees"
    assert judgement.reason == (PrintedFits(), SameNumbers(Named("other", {"ties": "first"})))


def test_a_claim_of_the_printed_reading_that_fits_is_not_stale() -> None:
    assert judged(MAX, [MAX.printed], claim=MAX.printed).verdict == "agrees"


def test_nothing_that_holds_is_a_defect_at_the_place_of_the_claim() -> None:
    judgement = judged(MAX, [], claim=MAX.standard)
    assert judgement.verdict == "defect"
    at = Violation("x_bar", (1,), Outside())
    assert judgement.reason == (NothingFits(Named("standard", {"ties": "split"}), at),)
    assert (judgement.reading, judgement.nearest) == (None, MAX.standard)


def test_without_a_claim_the_nearest_reading_is_the_one_that_held_for_longest() -> None:
    last = reading(MAX, ties="last")
    late = Violation("value", (), Outside(), 7)
    judgement = judge(Evidence(MAX, Fit((), {**fit_of(MAX, []).violations, last: late})))
    assert judgement.nearest == last
    assert judgement.reason == (NothingFits(Named("other", {"ties": "last"}), late),)


def test_forward_mode_may_take_another_of_several_legitimate_cotangents() -> None:
    judgement = judged(MAX, [reading(MAX, ties="first")], contradiction=contradicting(3.0))
    assert judgement.verdict == "convention"
    assert judgement.reason[-1] == contradicting(3.0)


def test_forward_mode_that_returns_another_number_is_a_defect() -> None:
    judgement = judged(SIGMOID, [SIGMOID.printed, SIGMOID.standard], contradiction=contradicting(3.0))
    assert (judgement.verdict, judgement.reason) == ("defect", (contradicting(3.0),))


def test_forward_mode_that_returns_nan_loses_precision() -> None:
    judgement = judged(SIGMOID, [SIGMOID.printed, SIGMOID.standard], contradiction=contradicting("nan"))
    assert judgement.verdict == "precision"
