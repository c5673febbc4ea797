"""What came out for a cell, said in English: every reason has words, and they tell what the data say."""

from __future__ import annotations

from typing import get_args

import pytest
from gradspec.crosscheck import findings as data
from gradspec.crosscheck.findings import Cell, Change, Finding, Known, Label, Loss, Named, Reason, Verdict, Violation
from gradspec.reports.words.cells import losses, reason

CELL = Cell("scalar.max", "pytorch", "torch", "native", "amax", "float32", "eager")
FIRST = Named("other", {"ties": "first"})
AT = Violation("x_bar", (1,), data.Outside())
SAID: dict[str, Reason] = {
    "the printed reading fits": data.PrintedFits(),
    "the standard reading, not the printed one: ties=split instead of all": data.Departs(
        (Change("ties", "split", "all"),), standard=True
    ),
    "another reading than the printed one: ties=first instead of all": data.Departs(
        (Change("ties", "first", "all"),), standard=False
    ),
    "ties=first gives the same numbers here": data.SameNumbers(FIRST),
    "evaluated as slope=chain, which slope=best outdoes": data.Outdone((Change("slope", "best", "chain"),)),
    "subnormal numbers are flushed to zero": data.Lossy((Loss.FLUSHED,)),
    "claimed the standard reading, but what fits is ties=first": data.NotClaimed(Named("standard", {"ties": "split"}), FIRST),
    "claimed ties=first, but the printed reading fits as well": data.NotClaimed(FIRST, None),
    "no reading fits; ties=first fails at x_bar[1]: outside of the budget": data.NothingFits(FIRST, AT),
    "no reading fits; the printed reading fails at value: 0/0": data.NothingFits(
        Named("printed", {}), Violation("value", (), data.NoValue("0/0"))
    ),
    "no reading fits; the printed reading fails at value: the reading's shape is (3,), the subject's (4,)": data.NothingFits(
        Named("printed", {}), Violation("value", (), data.OtherShape((3,), (4,)))
    ),
    "forward mode contradicts reverse mode on “a tie”: ⟨z̄, ż⟩ is nan, ⟨x̄, ẋ⟩ is 1.5 ± 0.25": data.ForwardContradicts(
        Label("hard", "a tie"), "nan", 1.5, 0.25
    ),
    "rounding may explain any number on all inputs tried, so this says little": data.NoEvidence(),
    "not what is known of it (it is zero)": data.KnownOtherwise("it is zero"),
    "the known limitation no longer shows (it is zero)": data.KnownOtherwise("it is zero", gone=True),
    "torch is not installed: pip install torch": data.NotInstalled("torch", "pip install torch"),
    "torch.amax is not in torch 2.9.1": data.Missing("torch.amax", {"torch": "2.9.1"}),
    "only float32, float64": data.OnlyDtypes(("float32", "float64")),
    "RuntimeError: no kernel for this": data.Said("RuntimeError: no kernel for this"),
    "did not finish within 5 s": data.TimedOut(5.0),
    "the process died (exit code 7)": data.Died(7),
    "an error outside of the framework: KeyError: x": data.Failed("KeyError: x"),
    "interrupted before this cell's turn": data.Interrupted(),
}


def finding(*reasons: Reason, verdict: Verdict = "agrees", known: Known | None = None) -> Finding:
    return Finding(CELL, verdict, reasons, known=known)


@pytest.mark.parametrize("words", SAID)
def test_a_reason_in_words(words: str) -> None:
    assert reason(finding(SAID[words])) == words


def test_every_reason_and_every_loss_has_words() -> None:
    assert {type(part) for part in SAID.values()} == set(get_args(Reason))
    assert all(losses([loss]) for loss in Loss)


def test_several_reasons_are_one_sentence_with_what_is_known() -> None:
    lossy = finding(data.PrintedFits(), data.Lossy(tuple(Loss)[:2]), verdict="precision", known=Known("it flushes", "an issue"))
    assert reason(lossy) == (
        "the printed reading's function; subnormal numbers are flushed to zero; "
        "an elementary function errs by more than 4 units in the last place (known: it flushes (an issue))"
    )
