"""What a document shows, to be run as it stands: files, and commands with their answers."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1].resolve()


def document(name: str) -> str:
    """The text of a document of the repository; "" where it is not there, as in an installed package."""
    path = ROOT / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


def blocks(language: str, text: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def files(text: str) -> dict[str, str]:
    """The files that a document shows: Python whose first line is a comment with the name."""
    named = (re.match(r"# (\w+\.py)\n", code) for code in blocks("python", text))
    return {match[1]: match.string[match.end() :] for match in named if match}


def commands(text: str) -> list[tuple[str, str]]:
    """The commands that a document shows, each with the answer that is shown."""
    shown = (block.split("$ ")[1:] for block in blocks("console", text))
    return [(part.partition("\n")[0], part.partition("\n")[2]) for parts in shown for part in parts]


def answers_as(shown: str, given: str) -> bool:
    """Whether an answer is the one shown, in which "..." stands for anything: on a line of its own for any lines."""
    lines = shown.rstrip().splitlines()
    pattern = "".join(r"(?:.*\n)*" if line == "..." else re.escape(line).replace(r"\.\.\.", ".*") + r"\n" for line in lines)
    return re.fullmatch(pattern, given) is not None


def ran(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """``gradspec …`` in a folder."""
    program, *words = shlex.split(command)
    assert program == "gradspec"
    return subprocess.run(
        [sys.executable, "-m", "gradspec.cli", *words],
        cwd=folder,
        env=os.environ | {"PYTHONUTF8": "1", "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
    )
