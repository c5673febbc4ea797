"""What the README says is so."""

from __future__ import annotations

import doctest
import re
from pathlib import Path
from typing import Any

import pytest
from gradspec import identify
from gradspec.cli import COMMANDS
from gradspec.crosscheck.findings import VERDICTS
from gradspec.reference import line
from gradspec.reports.signs import SIGNS
from gradspec.reports.terminal import text as text_of

README = Path(__file__).parents[1] / "README.md"

pytestmark = pytest.mark.skipif(not README.exists(), reason="the README is in the repository, not in an installed package")


def block(language: str, containing: str) -> str:
    """The one block of the README in a language that contains some words."""
    found = re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    [code] = [code for code in found if containing in code]
    return code


def test_the_oracle_runs_as_written() -> None:
    session = doctest.DocTestParser().get_doctest(block("python", ">>>"), {}, "README.md", str(README), 0)
    outcome = doctest.DocTestRunner().run(session)
    assert outcome.attempted == 5
    assert outcome.failed == 0


def test_the_box_in_numpy_is_identified() -> None:
    scope: dict[str, Any] = {}
    exec(block("python", "class Momentum"), scope)
    identify(scope["Momentum"], runs=2).must_be("momentum", accumulation="sum")


def test_the_assertion_reads_as_written() -> None:
    from gradspec.adapters import framework

    pytest.importorskip("torch")
    adam = line("adam")
    scope = {"MyAdam": framework("pytorch").realise(adam, adam.standard)}
    exec(block("python", "must_be"), scope)
    scope["test_my_optimizer_is_adam"]()


def test_a_reading_is_made_an_optimizer_as_written() -> None:
    torch = pytest.importorskip("torch")
    model = torch.nn.Linear(3, 1)
    scope: dict[str, Any] = {"model": model}
    exec(block("python", "realise"), scope)
    before = model.weight.detach().clone()
    model(torch.ones(2, 3)).sum().backward()
    scope["optimizer"].step()
    assert not torch.equal(model.weight, before)


def test_the_answer_shown_is_the_answer_given() -> None:
    pytest.importorskip("torch")
    shown = block("console", "identify").splitlines()
    given = text_of(identify("torch.optim.RMSprop", runs=1)).splitlines()
    assert shown[2:] == given[1 : len(shown) - 1]


def test_every_verdict_is_explained_with_its_sign() -> None:
    text = README.read_text(encoding="utf-8")
    for verdict in VERDICTS:
        assert f"| {SIGNS[verdict]} | `{verdict}` |" in text


def test_every_command_is_named() -> None:
    text = README.read_text(encoding="utf-8")
    assert all(f"`gradspec {command}" in text for command in COMMANDS)
