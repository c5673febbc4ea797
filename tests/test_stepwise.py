"""Traces that are computed step by step: once, no further than asked, and never cut short by an error."""

from collections.abc import Iterator

import numpy as np
import pytest
from gradspec.crosscheck.arithmetic.formats import precision
from gradspec.crosscheck.arithmetic.rounding import Enclosure, Rounding
from gradspec.crosscheck.arithmetic.steps import Steps
from gradspec.crosscheck.readings.separate import first_separated

XP = Rounding(precision("float64"))


def numbers(*values: float) -> list[Enclosure]:
    return [XP.asarray(np.array([value, 1.0])) for value in values]


def test_a_step_is_computed_once_and_when_it_is_asked_for() -> None:
    made: list[int] = []

    def trace() -> Iterator[Enclosure]:
        for t, step in enumerate(numbers(1.0, 2.0, 3.0)):
            made.append(t)
            yield step

    steps = Steps(trace)
    assert float(steps[1].value[0]) == 2.0 and made == [0, 1]
    assert [float(step.value[0]) for step in steps] == [1.0, 2.0, 3.0] and made == [0, 1, 2]
    with pytest.raises(IndexError, match="no step 3"):
        steps[3]


def test_an_error_is_raised_again_and_never_taken_for_the_end() -> None:
    def trace() -> Iterator[Enclosure]:
        yield from numbers(1.0)
        raise RuntimeError("a slip in the body")

    steps = Steps(trace)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="a slip in the body"):
            list(steps)


def test_traces_that_part_early_are_left_there_and_leave_numpys_error_state_alone() -> None:
    def trace(*values: float) -> Iterator[Enclosure]:
        for value in values:
            np.log(np.zeros(1))  # a warning elsewhere
            yield from numbers(value)

    before = np.geterr()
    assert first_separated(Steps(lambda: trace(1.0, 2.0, 5.0)), Steps(lambda: trace(1.0, 3.0, 5.0))) == (1, 0)
    assert first_separated(Steps(lambda: trace(1.0, 2.0)), Steps(lambda: trace(1.0, 2.0))) is None
    assert np.geterr() == before
