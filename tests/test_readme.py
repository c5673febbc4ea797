"""What the README says is so."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest
from gradspec.cli import COMMANDS
from gradspec.crosscheck.findings import VERDICTS
from gradspec.reports.signs import SIGNS

README = Path(__file__).parents[1] / "README.md"

pytestmark = pytest.mark.skipif(not README.exists(), reason="the README is in the repository, not in an installed package")


def test_the_oracle_runs_as_written() -> None:
    [code] = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    session = doctest.DocTestParser().get_doctest(code, {}, "README.md", str(README), 0)
    outcome = doctest.DocTestRunner().run(session)
    assert outcome.attempted == 5
    assert outcome.failed == 0


def test_every_verdict_is_explained_with_its_sign() -> None:
    text = README.read_text(encoding="utf-8")
    for verdict in VERDICTS:
        assert f"| {SIGNS[verdict]} | `{verdict}` |" in text


def test_every_command_is_named() -> None:
    text = README.read_text(encoding="utf-8")
    assert all(f"`gradspec {command}" in text for command in COMMANDS)
