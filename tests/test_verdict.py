"""From a fit to a verdict: each branch on a fit made by hand, and that a verdict changes when the fit does."""

from __future__ import annotations

from collections.abc import Iterable

from gradspec.crosscheck.cells.forward import Contradiction
from gradspec.crosscheck.cells.verdict import Judgement, judge
from gradspec.crosscheck.readings.compare import Fit, Miss
from gradspec.reference import line
from gradspec.reference.formula import Formula
from gradspec.reference.vocabulary import Reading

MAX = line("scalar.max")
SUM = line("scalar.sum")
SIGMOID = line("scalar.sigmoid")


def reading(formula: Formula, **axes: str) -> Reading:
    return formula.printed.but(**axes)


def fit_of(formula: Formula, holds: Iterable[Reading], sample: int = 0) -> Fit:
    """A fit in which ``holds`` hold and every other reading fails at x_bar[1] of ``sample``."""
    holds = list(holds)
    missed = Miss(sample, "x_bar", (1,), "outside of the budget")
    return Fit(holds, {r: missed for r in formula.readings() if r not in holds})


def judged(
    formula: Formula,
    holds: Iterable[Reading],
    claim: Reading | None = None,
    model: str = "plain",
    words: str = "",
    forward: Contradiction | None = None,
    separable: bool = False,
) -> Judgement:
    return judge(formula, fit_of(formula, holds), claim, model, words, forward, separable)


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
    assert "ties=split instead of all" in judgement.reason


def test_another_reading_is_a_convention() -> None:
    first = reading(MAX, ties="first")
    judgement = judged(MAX, [first], claim=first, separable=True)
    assert judgement.verdict == "convention"
    assert "ties=first instead of all" in judgement.reason


def test_of_several_readings_that_hold_the_printed_one_is_spoken_of() -> None:
    assert judged(MAX, [reading(MAX, ties="last"), MAX.standard, MAX.printed]).verdict == "agrees"
    assert judged(MAX, [reading(MAX, ties="last"), MAX.standard]).verdict == "erratum"


def test_a_worse_evaluation_of_the_same_function_is_a_loss_of_precision() -> None:
    axis, printed, best = by_accuracy(SIGMOID)
    judgement = judged(SIGMOID, [reading(SIGMOID, **{axis: printed})])
    assert judgement.verdict == "precision"
    assert f"{axis}={best}" in judgement.reason


def test_an_evaluation_that_holds_beside_the_best_one_loses_nothing() -> None:
    axis, printed, best = by_accuracy(SIGMOID)
    assert judged(SIGMOID, [reading(SIGMOID, **{axis: option}) for option in (printed, best)]).verdict == "agrees"


def test_what_only_holds_with_subnormals_flushed_is_a_loss_of_precision() -> None:
    judgement = judged(MAX, [MAX.printed], model="flushing", words="subnormal numbers are flushed to zero")
    assert judgement.verdict == "precision"
    assert "flushed" in judgement.reason


def test_a_convention_stays_one_when_it_also_flushes() -> None:
    first = reading(MAX, ties="first")
    judgement = judged(MAX, [first], claim=first, model="flushing", words="subnormal numbers are flushed to zero")
    assert judgement.verdict == "convention"
    assert "flushed" in judgement.reason


def test_a_claim_that_does_not_fit_is_stale() -> None:
    judgement = judged(MAX, [reading(MAX, ties="first")], claim=reading(MAX, ties="last"))
    assert judgement.verdict == "stale"
    assert judgement.reason == "claimed ties=last, but what fits is ties=first"
    assert judgement.nearest == reading(MAX, ties="last")


def test_a_claimed_deviation_that_is_gone_is_stale() -> None:
    judgement = judged(MAX, [MAX.printed], claim=MAX.standard, separable=True)
    assert judgement.verdict == "stale"
    assert "what fits is the printed reading" in judgement.reason


def test_a_claimed_deviation_that_its_witness_no_longer_separates_is_stale() -> None:
    first = reading(MAX, ties="first")
    assert judged(MAX, [first, MAX.printed], claim=first, separable=True).verdict == "stale"


def test_a_claim_that_nothing_can_separate_from_the_print_agrees_and_says_so() -> None:
    first = reading(MAX, ties="first")
    judgement = judged(MAX, [first, MAX.printed], claim=first, separable=False)
    assert judgement.verdict == "agrees"
    assert judgement.reason == "the printed reading fits; ties=first gives the same numbers here"


def test_a_claim_of_the_printed_reading_that_fits_is_not_stale() -> None:
    assert judged(MAX, [MAX.printed], claim=MAX.printed).verdict == "agrees"


def test_nothing_that_holds_is_a_defect_at_the_place_of_the_claim() -> None:
    judgement = judged(MAX, [], claim=MAX.standard)
    assert judgement.verdict == "defect"
    assert judgement.reason == "no reading fits; the standard reading fails at x_bar[1]: outside of the budget"
    assert (judgement.reading, judgement.nearest) == (None, MAX.standard)


def test_without_a_claim_the_nearest_reading_is_the_one_that_held_for_longest() -> None:
    fitted = fit_of(MAX, [])
    last = reading(MAX, ties="last")
    fitted.misses[last] = Miss(7, "value", (), "outside of the budget")
    judgement = judge(MAX, fitted, None, "plain", "", "", separable=False)
    assert judgement.nearest == last
    assert "ties=last fails at value:" in judgement.reason


def test_forward_mode_may_take_another_of_several_legitimate_cotangents() -> None:
    judgement = judged(MAX, [reading(MAX, ties="first")], forward=Contradiction("forward mode contradicts", finite=True))
    assert judgement.verdict == "convention"
    assert judgement.reason.endswith("forward mode contradicts")


def test_forward_mode_that_returns_another_number_is_a_defect() -> None:
    judgement = judged(SIGMOID, [SIGMOID.printed, SIGMOID.standard], forward=Contradiction("⟨z̄, ż⟩ is 3", finite=True))
    assert (judgement.verdict, judgement.reason) == ("defect", "⟨z̄, ż⟩ is 3")


def test_forward_mode_that_returns_nan_loses_precision() -> None:
    judgement = judged(SIGMOID, [SIGMOID.printed, SIGMOID.standard], forward=Contradiction("⟨z̄, ż⟩ is nan", finite=False))
    assert judgement.verdict == "precision"
