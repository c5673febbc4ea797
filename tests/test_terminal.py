"""The texts of answers: whatever can be answered has words, and fits a terminal."""

from __future__ import annotations

from itertools import product

import msgspec
import numpy as np
import pytest
from gradspec.crosscheck.answers import (
    Action,
    Alike,
    Arrangement,
    Event,
    FailingRun,
    FunctionAnswer,
    Identification,
    Keeping,
    Kind,
    LateWeight,
    Lost,
    MissingGradient,
    Printed,
    Question,
    Reduction,
    Rival,
    Separator,
    Several,
    Stored,
    Surroundings,
    Tie,
    Unanswered,
    Way,
)
from gradspec.crosscheck.findings import Loss
from gradspec.crosscheck.identification import identify
from gradspec.reports.terminal import text

replace = msgspec.structs.replace


class Descent:
    def __init__(self, weights: np.ndarray):
        self.weights = weights

    def step(self, gradient: np.ndarray, learning_rate: float) -> np.ndarray:
        self.weights = self.weights - learning_rate * gradient
        return self.weights


@pytest.fixture(scope="module")
def optimizer() -> Identification:
    answer = identify(Descent, runs=1)
    assert isinstance(answer, Identification)
    return answer


@pytest.fixture(scope="module")
def function() -> FunctionAnswer:
    answer = identify(np.max)
    assert isinstance(answer, FunctionAnswer)
    return answer


def said(answer: Identification | FunctionAnswer) -> str:
    """The text on one line, once it is seen to fit."""
    shown = text(answer)
    assert max(map(len, shown.splitlines())) <= 100
    return " ".join(shown.split())


def test_every_way_to_store_a_quantity_has_words(optimizer: Identification) -> None:
    stored = [Stored(kind, "S", way) for kind, way in product(Kind, Way)]
    shown = said(replace(optimizer, stored=stored, shows_from=3))
    assert all(words in shown for words in ("the rate", "S (updated in place)", "1-β^t (by products)", "from step 3 on"))


def test_every_separator_has_words(optimizer: Identification) -> None:
    alike = [Alike(optimizer.reading), Alike({"decay": "l2"}, {"eps": 1e-7})]
    open_ = replace(
        optimizer, verdict="ambiguous", same=alike, separated_by=list(Separator), refused={"nesterov": "it needs momentum"}
    )
    shown = said(open_)
    assert "the same reading, other quantities stored" in shown and "decay=l2, eps=1e-07" in shown
    assert "or weights in float64 or other values of nesterov, which it refuses to take" in shown


def test_everything_that_a_box_may_do_beside_its_formula_has_words(optimizer: Identification) -> None:
    for missing, late in product(MissingGradient, LateWeight):
        said(replace(optimizer, surroundings=Surroundings([missing], [late], goes_on=False)))
    for keeping, names in product(Keeping, (["t"], ["V", "S"], [])):
        lost = said(replace(optimizer, surroundings=Surroundings(goes_on=False, lost=Lost(names, keeping))))
        assert "does NOT go on as the box itself does: " in lost and ("the step counter" in lost) == (names == ["t"])
    counted = said(replace(optimizer, surroundings=Surroundings(several=[Several.COUNTED_ON])))
    assert counted.startswith("With ONE weight array") and "goes on from array to array" in " ".join(counted.split())
    every = Surroundings(list(MissingGradient), [], unanswered=[Unanswered(q, True, "it raised") for q in Question])
    shown = said(replace(optimizer, surroundings=replace(every, changed={"weights": 2}, printed=Printed(0, "hello"))))
    assert "the weights handed to it are changed in place (first at step 2)" in shown and "when it was made: 'hello'" in shown
    assert "no model tried says how a weight that is added later is stepped" in shown and ": the same here)" in shown
    assert shown.count("stays open: it raised") == len(Question)


def test_a_question_that_a_box_has_no_way_to_be_asked_is_data_only(optimizer: Identification) -> None:
    silent = Surroundings(unanswered=[Unanswered(question, False, "there is no such thing") for question in Question])
    assert "there is no such thing" not in said(replace(optimizer, surroundings=silent))


def test_every_action_of_a_failing_run_has_words(optimizer: Identification) -> None:
    events = [Event(action, 0.5, 3, 0.125, missing=action is Action.STEP) for action in Action]
    run = FailingRun([(40,), (2, 2)], {"eps": 1e-8}, events, 1, (0, 1), "nan", 0.5)
    shown = said(replace(optimizer, verdict="no-reading", failing_run=run))
    assert "1. start with weights of shape (40,) and (2, 2); eps=1e-08" in shown
    step = "2. step with gradients 0.5 * np.random.default_rng(3).normal(size=shape), none for the first weight, rate 0.125"
    assert step in shown
    assert "weight 1[0, 1]: the box has nan, the reading 0.5" in shown


@pytest.mark.parametrize(("arrangement", "reduction"), list(product(Arrangement, Reduction)))
def test_every_way_to_lay_a_function_over_a_line_has_words(
    function: FunctionAnswer, arrangement: Arrangement, reduction: Reduction
) -> None:
    shown = said(replace(function, arrangement=arrangement, reduction=reduction))
    plain = arrangement is Arrangement.AS_IT_IS and reduction is Reduction.AS_THE_LINE
    assert ("taken" in shown) is not plain


def test_every_tie_and_every_loss_of_precision_has_words(function: FunctionAnswer) -> None:
    tied = [Rival({"ties": "split"}, tie=tie, raised="ValueError") for tie in Tie]
    shown = said(replace(function, rivals=tied, losses=list(Loss)))
    assert shown.count("fits as well") == len(Tie) and "subnormal numbers are flushed to zero" in shown


def test_nothing_else_has_a_text() -> None:
    with pytest.raises(TypeError, match="int is no answer"):
        text(1)


def test_an_answer_itself_is_shown_on_one_line(optimizer: Identification) -> None:
    assert repr(optimizer) == "<Descent: optimizer.sgd, identified>"
