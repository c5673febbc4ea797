"""The names of the catalogue as type checkers see them; `python -m gradspec.tests.test_names` writes `reference/names.py`."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from gradspec import reference
from gradspec.reference import catalogue

FILE = Path(__file__).parents[1] / "reference" / "names.py"
HEAD = '''"""What the names of the catalogue are, for type checkers; a program finds them by looking, and never imports this.

Written by ``python -m gradspec.tests.test_names``. A line that is not here works the same, and is typed as Any.
"""

from __future__ import annotations

from .formula import Map, Optimizer
'''


def typed() -> dict[str, str]:
    """Each name that a line alone has, and whether it is a Map or an Optimizer."""
    lines = catalogue(beyond=True).values()
    times = Counter(line.name for line in lines)
    return {line.name: type(line).__name__ for line in sorted(lines, key=lambda line: line.name) if times[line.name] == 1}


def groups() -> list[str]:
    """The modules of lines that are found by their own name, since no line has it."""
    files = sorted(path.stem for path in (FILE.parent / "lines").glob("[!_]*.py"))
    return [name for name in files if not isinstance(getattr(reference, name), reference.Formula)]


def text() -> str:
    modules = f"from .lines import {', '.join(groups())}\n"
    exported = "".join(f'    "{name}",\n' for name in sorted({*typed(), *groups()}))
    lines = "".join(f"{name}: {kind}\n" for name, kind in typed().items())
    return f"{HEAD}{modules}\n__all__ = [\n{exported}]\n\n{lines}"


def declared(source: str) -> dict[str, str]:
    return dict(re.findall(r"^(\w+): (\w+)$", source, re.MULTILINE))


def misdeclared(source: str) -> dict[str, str]:
    """Of what a file declares, what the catalogue has otherwise or not at all."""
    return dict(declared(source).items() - typed().items())


def test_what_is_declared_is_what_the_catalogue_has() -> None:
    assert not misdeclared(FILE.read_text(encoding="utf-8"))


def test_every_line_of_the_sheet_is_declared() -> None:
    names = {line.name for line in catalogue().values()} & {*typed()}
    assert names <= {*declared(FILE.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("wrong", ["adam: Map", "adm: Optimizer", "grad_b: Map"])
def test_a_wrong_declaration_is_caught(wrong: str) -> None:
    assert misdeclared(f"{text()}{wrong}\n")


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
