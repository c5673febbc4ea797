"""What the README says is so."""

from __future__ import annotations

import doctest
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gradspec import identify
from gradspec.cli import COMMANDS
from gradspec.crosscheck.findings import VERDICTS
from gradspec.reference import Map, catalogue, line, rmsprop
from gradspec.reports.signs import SIGNS

from .documents import answers_as, blocks, commands, document, ran

TEXT = document("README.md")

pytestmark = pytest.mark.skipif(not TEXT, reason="the README is in the repository, not in an installed package")


def block(language: str, containing: str) -> str:
    """The one block of the README in a language that contains some words."""
    [code] = [code for code in blocks(language, TEXT) if containing in code]
    return code


def test_the_oracle_runs_as_written() -> None:
    session = doctest.DocTestParser().get_doctest(block("python", ">>>"), {}, "README.md", "README.md", 0)
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


@pytest.mark.parametrize("command", {command: None for command, _ in commands(TEXT)})
def test_a_command_answers_as_shown(command: str, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("optax")
    done = ran(command, tmp_path)
    assert done.returncode == 0, done.stderr
    for shown in (shown for other, shown in commands(TEXT) if other == command):
        assert answers_as(shown, done.stdout), done.stdout


def test_an_answer_of_each_kind_is_shown_at_the_beginning() -> None:
    beginning = "\n".join(TEXT.splitlines()[:14])
    assert [command.split()[1] for command, _ in commands(f"{beginning}\n```")] == ["identify", "port"]


def test_the_sheet_is_counted_right() -> None:
    everything, sheet = catalogue(beyond=True), catalogue()
    assert f"one page of {len(sheet)} formulas" in TEXT
    assert f"{len(everything) - len(sheet)} optimizers beyond the sheet" in TEXT


def test_the_three_findings_are_so() -> None:
    """Adam's correction is that of the session below; descent along the printed loss makes the fit worse; and RMSProp's ε."""
    loss, printed, standard = line("logistic.loss"), "printed", "standard"
    assert isinstance(loss, Map)
    worse, y = np.array([0.25]), np.array([1.0])
    assert loss(worse, y, reading=printed) < loss(np.array([0.5]), y, reading=printed)
    assert loss(worse, y, reading=standard) > loss(np.array([0.5]), y, reading=standard)
    first = [rmsprop.run(np.zeros(1), np.array([[1e-6]]), 1e-3, epsilon=option) for option in ("outside-root", "inside-root")]
    assert (first[0] / first[1]).item() == pytest.approx(300, rel=0.05)
    assert rmsprop.printed["epsilon"] == "inside-root"


def test_every_verdict_is_explained_with_its_sign() -> None:
    for verdict in VERDICTS:
        assert f"| {SIGNS[verdict]} | `{verdict}` |" in TEXT


def test_every_command_is_named() -> None:
    assert all(f"`gradspec {command}" in TEXT for command in COMMANDS)
