"""How far an identification is: told in another process, heard in this one, shown on a terminal only."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from gradspec.cli import main
from gradspec.cli.progress import stages
from gradspec.crosscheck.identification.isolated import isolated
from gradspec.crosscheck.identification.stages import Progress, Stage
from rich.console import Console

DESCENT = """
class make:
    def __init__(self, weights):
        self.weights = weights

    def step(self, gradient, learning_rate):
        self.weights = self.weights - learning_rate * gradient
        return self.weights
"""


@pytest.fixture
def mine(tmp_path: Path) -> str:
    (tmp_path / "mine.py").write_text(DESCENT)
    return f"{tmp_path / 'mine.py'}:make"


def test_each_stage_is_heard_of_in_its_order(mine: str) -> None:
    heard: list[Progress] = []
    isolated(mine, time_limit=60.0, listener=heard.append, runs=2)
    stages_ = list(dict.fromkeys(one.stage for one in heard))
    assert stages_ == [Stage.PLAYED, Stage.SEARCHED, Stage.SEPARATED, Stage.LOOKED_AROUND, Stage.CONFIRMED]
    tried = [one for one in heard if one.stage is Stage.SEARCHED]
    assert tried[0].what == "mini-batch gradient descent" and tried[0].of > 5


def test_every_stage_has_words_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    drawn = Console(file=io.StringIO(), force_terminal=True, width=120)
    with stages(drawn) as listener:
        assert listener is not None
        for stage in Stage:
            listener(Progress(stage, 1, 12, "Adam"))


def test_nothing_is_shown_where_the_output_is_piped(mine: str, capfd: pytest.CaptureFixture[str]) -> None:
    with stages(Console(file=io.StringIO())) as listener:
        assert listener is None
    assert main(["identify", mine, "--time-limit", "60"]) == 0
    assert capfd.readouterr().err == ""
