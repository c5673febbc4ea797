"""What CONTRIBUTING.md shows is a whole: its files are written as they stand, and its commands answer as shown."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1].resolve()
TEXT = ROOT / "CONTRIBUTING.md"

pytestmark = pytest.mark.skipif(not TEXT.exists(), reason="CONTRIBUTING.md is in the repository, not in an installed package")


def files(text: str) -> dict[str, str]:
    """The files that a document shows: Python whose first line is a comment with the name."""
    return dict(re.findall(r"```python\n# (\w+\.py)\n(.*?)```", text, re.DOTALL))


def commands(text: str) -> dict[str, str]:
    """The commands that a document shows, each with the output shown, in which "..." stands for anything."""
    blocks = "\n".join(re.findall(r"```console\n(.*?)```", text, re.DOTALL))
    return dict(re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n?)*)", blocks, re.MULTILINE))


def answers_as(shown: str, given: str) -> bool:
    """Whether the lines shown are those given; "..." stands for any lines."""
    pattern = "".join("(.*\n)*" if line == "..." else re.escape(line) + "\n" for line in shown.rstrip().splitlines())
    return re.fullmatch(pattern, given) is not None


SHOWN = TEXT.read_text(encoding="utf-8") if TEXT.exists() else ""


def test_two_files_are_shown_to_be_added() -> None:
    assert {"signum.py", "mytorch.py", "mine.py"} == {*files(SHOWN)}


@pytest.mark.parametrize("command", commands(SHOWN))
def test_a_command_answers_as_shown(command: str, tmp_path: Path) -> None:
    if "mytorch" in command:
        pytest.importorskip("torch")
    for name, source in files(SHOWN).items():
        (tmp_path / name).write_text(source, encoding="utf-8")
    program, *words = shlex.split(command)
    assert program == "gradspec"
    done = subprocess.run(
        [sys.executable, "-m", "gradspec.cli", *words],
        cwd=tmp_path,
        env=os.environ | {"PYTHONUTF8": "1", "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    shown = commands(SHOWN)[command]
    assert not shown.strip() or answers_as(shown, done.stdout), done.stdout


@pytest.mark.parametrize("given", ["Adagrad\n", "x\nSignum (own.signum), in a reading of its own\n"])
def test_another_answer_than_the_one_shown_is_noticed(given: str) -> None:
    [shown] = [shown for command, shown in commands(SHOWN).items() if "identify" in command]
    assert not answers_as(shown, given)


@pytest.mark.parametrize("name", files(SHOWN))
def test_a_file_that_is_shown_passes_the_linter(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(files(SHOWN)[name], encoding="utf-8")
    rules = ["--isolated", "--line-length=128", "--select=E,F,I,UP,B", "--ignore=B905"]
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", *rules, name], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
