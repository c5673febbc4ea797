"""The one comparison: what a reading contains and what it violates, each evaluated once, and more trials beside the first."""

from __future__ import annotations

import numpy as np
import pytest
from gradspec.crosscheck.cells.ground import ground
from gradspec.crosscheck.findings import Loss, NoValue, OtherShape, Outside
from gradspec.crosscheck.inputs.profiles import profile
from gradspec.crosscheck.inputs.samples import Sample
from gradspec.crosscheck.readings import compare
from gradspec.crosscheck.readings.compare import Comparison, Observed, Question, is_decisive, searched, worst_share
from gradspec.crosscheck.readings.evaluate import evaluate
from gradspec.crosscheck.readings.separate import separated
from gradspec.crosscheck.readings.variants import NO_LOSS, OF_MAPS, variants, with_losses
from gradspec.reference import Optimizer, line
from gradspec.reference.namespace import Floating
from gradspec.reference.vocabulary import Reading

MAX = line("scalar.max")
FIRST, LAST, SPLIT = (MAX.printed.but(ties=option) for option in ("first", "last", "split"))


def questions(line_id: str = "scalar.max") -> tuple[Question, ...]:
    ground.cache_clear()
    return ground(line(line_id), "float64", profile("quick"), 0)


def answered(question: Question, reading: Reading) -> Observed:
    """What NumPy returns for a reading."""
    return Observed(question, evaluate(question.formula, reading, question.sample, Floating(question.dtype)))


def tie() -> Question:
    return next(q for q in questions() if isinstance(q.sample, Sample) and q.sample.arrays["x"].tolist() == [0.0, 0.0])


def test_a_reading_contains_its_own_numbers_and_violates_anothers_at_the_first_that_differs() -> None:
    observed = answered(tie(), FIRST)
    assert observed.violation(FIRST) is None and observed.share(FIRST) == 0
    violated = observed.violation(LAST)
    assert violated is not None and (violated.output, violated.index, violated.cause) == ("x_bar", (0,), Outside())
    assert worst_share([observed], LAST) == np.inf


def test_another_shape_and_a_reading_without_a_value_are_violated_as_a_whole() -> None:
    question = tie()
    longer = Observed(question, {"value": np.zeros(()), "x_bar": np.zeros(3)})
    violated = longer.violation(FIRST)
    assert violated is not None and violated.cause == OtherShape((2,), (3,))
    wide = next(q for q in questions("mlp.Z") if isinstance(q.allows(line("mlp.Z").printed), NoValue))
    violated = answered(wide, line("mlp.Z").standard).violation(line("mlp.Z").printed)
    assert violated is not None and isinstance(violated.cause, NoValue) and violated.cause.why


def test_where_the_value_is_no_number_a_cotangent_may_be_anything() -> None:
    undefined = next(q for q in questions() if isinstance(q.sample, Sample) and np.isnan(q.sample.arrays["x"]).any())
    returned = dict(answered(undefined, MAX.printed).outputs)
    anything = Observed(undefined, {**returned, "x_bar": np.full_like(returned["x_bar"], 123.0)})
    assert anything.violation(MAX.printed) is None
    assert Observed(undefined, {**returned, "value": np.ones(())}).violation(MAX.printed) is not None


def test_an_optimizer_is_violated_at_the_first_step_and_is_evaluated_no_further() -> None:
    question = questions("optimizer.sgd")[-1]
    assert isinstance(question.formula, Optimizer)
    observed = answered(question, question.formula.printed)
    assert observed.violation(question.formula.printed) is None
    off = observed.outputs["w"].copy()
    off[3, 5] += 1.0
    violated = Observed(Question(question.formula, question.sample, "float64"), {"w": off}).violation(question.formula.printed)
    assert violated is not None and violated.index == (3, 5)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, Reading]]:
    """The evaluations that are made from now on, each as its sample and its reading."""
    made: list[tuple[int, Reading]] = []
    original = compare.allowed

    def counting(formula, reading, sample, precision):
        made.append((id(sample), reading))
        return original(formula, reading, sample, precision)

    monkeypatch.setattr(compare, "allowed", counting)
    return made


def test_each_reading_is_evaluated_once_on_a_sample_however_often_it_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, made = questions(), counted(monkeypatch)
    readings = searched(MAX, ())
    for subject in (FIRST, LAST):  # two subjects that share the ground
        comparison = Comparison(readings, tuple(answered(q, subject) for q in asked))
        assert comparison.fit() is comparison.fit()
        assert comparison.fit().fits == (subject,)
        worst_share(comparison.trials, subject)
    assert len(made) == len(set(made)) > 0


def test_more_trials_leave_the_same_fit_as_all_at_once_and_what_was_violated_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = questions()
    trials = tuple(answered(q, FIRST) for q in asked)
    whole = Comparison(searched(MAX, ()), trials).fit()
    few = Comparison(searched(MAX, ()), trials[:2])
    before, made = few.fit(), counted(monkeypatch)
    assert few.with_more(trials[2:]).fit() == whole
    assert not {reading for _, reading in made} & before.violations.keys()
    assert max(violated.trial for violated in whole.violations.values()) < len(trials)


def test_losses_widen_what_is_allowed_and_are_tried_after_none() -> None:
    assert OF_MAPS[0] == NO_LOSS == variants(MAX, "float64")[0]
    adam = line("optimizer.adam")
    assert (Loss.NARROW,) in variants(adam, "float64") and (Loss.NARROW,) not in variants(adam, "float32")
    plain, lossy = with_losses("float64", NO_LOSS), with_losses("float64", (Loss.FLUSHED, Loss.COARSE))
    assert lossy.flushes and not plain.flushes and lossy.elementary > plain.elementary
    tiny = Question(MAX, Sample(tie().sample.label, {"x": np.array([1e-310, 0.0])}, {}, np.ones(())), "float64")
    flushed = Observed(tiny, {"value": np.zeros(())})
    assert flushed.violation(MAX.printed) is not None and flushed.violation(MAX.printed, (Loss.FLUSHED,)) is None


def test_readings_are_separated_where_no_number_can_be_both() -> None:
    question = tie()
    assert separated(question.allows(FIRST), question.allows(LAST)) == ("x_bar", (0,))
    assert separated(question.allows(FIRST), question.allows(FIRST)) is None
    assert separated(NoValue("0/0"), question.allows(FIRST)) == ("value", ())
    assert separated(NoValue("0/0"), NoValue("shapes")) is None
    assert is_decisive(question.allows(FIRST)) and SPLIT != FIRST
