"""What CONTRIBUTING.md shows is a whole: its files are written as they stand, and its commands answer as shown."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from .documents import ROOT, answers_as, commands, document, files, ran

TEXT = document("CONTRIBUTING.md")

pytestmark = pytest.mark.skipif(not TEXT, reason="CONTRIBUTING.md is in the repository, not in an installed package")


def test_an_optimizer_a_box_and_a_framework_are_shown() -> None:
    assert {*files(TEXT)} == {"signum.py", "mine.py", "mytorch.py"}
    assert all(any(name in command for command, _ in commands(TEXT)) for name in files(TEXT))


@pytest.mark.parametrize(("command", "shown"), commands(TEXT), ids=[command for command, _ in commands(TEXT)])
def test_a_command_answers_as_shown(command: str, shown: str, tmp_path: Path) -> None:
    if "mytorch" in command:
        pytest.importorskip("torch")
    for name, source in files(TEXT).items():
        (tmp_path / name).write_text(source, encoding="utf-8")
    done = ran(command, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not shown or answers_as(shown, done.stdout), done.stdout


@pytest.mark.parametrize("given", ["Adagrad\n", "x\nSignum (own.signum), in a reading of its own\n"])
def test_another_answer_than_the_one_shown_is_noticed(given: str) -> None:
    [shown] = [shown for command, shown in commands(TEXT) if "identify" in command]
    assert not answers_as(shown, given)


@pytest.mark.parametrize("name", files(TEXT))
def test_a_file_that_is_shown_passes_the_linter(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(files(TEXT)[name], encoding="utf-8")
    rules = ["--isolated", "--line-length=128", "--select=E,F,I,UP,B", "--ignore=B905"]
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", *rules, name], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def paths(text: str) -> set[str]:
    """The files and folders of the repository that a document names in code, or as the stations of a cell's way."""
    stations = re.findall(r"\b((?:cells|inputs|readings)/\w+\.py)", text)
    return {*re.findall(r"`([\w.]+/[\w./]*)`", text), *(f"crosscheck/{path}" for path in stations)}


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_what_a_document_names_is_there(name: str) -> None:
    named = paths(document(name)) - {"optimizers/", "functions/", "lines/", "frameworks/"}
    assert len(named) > 5
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_room_of_the_engine_is_in_the_picture() -> None:
    rooms = [path.name for path in (ROOT / "crosscheck").iterdir() if (path / "__init__.py").exists()]
    assert all(f"`crosscheck/{room}/`" in document("docs/architecture.md") for room in rooms)
