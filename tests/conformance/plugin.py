"""The conformance suite's pytest options, its cells, and its closing section."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from gradspec.crosscheck.findings import Cell, Finding
from gradspec.crosscheck.inputs.profiles import PROFILES, Profile, profile
from hypothesis import settings

DEFAULT_EFFORT = "quick"
SUITE = "test_conformance.py"

for _name, _effort in PROFILES.items():
    # no deadline: a framework's first call takes seconds, its next one microseconds
    settings.register_profile(_name, max_examples=5 * _effort.examples, deadline=None)
settings.load_profile(DEFAULT_EFFORT)


@dataclass(frozen=True)
class Selection:
    """What the command line asks for: adapters, lines and dtypes by name (none: all), the effort and the seed."""

    adapters: tuple[str, ...]
    lines: tuple[str, ...]
    dtypes: tuple[str, ...]
    effort: Profile
    seed: int

    def cells(self) -> list[Cell]:
        """The cells in the order in which they are cheapest: those of a line and dtype share their inputs' enclosures."""
        from gradspec.adapters import available
        from gradspec.crosscheck.cells.matrix import cells
        from gradspec.reference import line

        chosen = cells(self.adapters or available(), self.lines, self.dtypes)
        return sorted(chosen, key=lambda cell: (line(cell.line).order, cell.dtype))


_SELECTION = pytest.StashKey[Selection]()
_FINDING = pytest.StashKey[Finding]()


# --- what is asked for ----------------------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("gradspec", "the conformance suite of gradspec; --hypothesis-profile sets its effort")
    several: dict[str, Any] = {"action": "append", "default": []}
    group.addoption("--adapter", metavar="A", **several, help="a name, a module or a file; all by default")
    group.addoption("--line", metavar="L", **several, help="a line or a group; the sheet's or --formula's by default")
    group.addoption("--formula", metavar="F", **several, help="a file or a module of formulas of your own, as lines")
    group.addoption("--dtype", metavar="D", **several, help="float64, float32, bfloat16, float16; all by default")
    group.addoption("--gradspec-seed", metavar="N", type=int, default=0, help="the same seed draws the same; 0 by default")


@pytest.hookimpl(tryfirst=True)  # before Hypothesis meets a profile that does not exist, which it tells with a traceback
def pytest_configure(config: pytest.Config) -> None:
    from gradspec.adapters.errors import AdapterError
    from gradspec.reference import ArgumentError, FormulaError

    try:
        config.stash[_SELECTION] = _selection(config)
    except (AdapterError, ArgumentError, FormulaError) as error:
        raise pytest.UsageError(str(error)) from None


def _selection(config: pytest.Config) -> Selection:
    """The selection, with all its names checked. Imports no framework."""
    from gradspec.adapters import load
    from gradspec.cli.selection import adapters
    from gradspec.cli.selection import lines as chosen_lines
    from gradspec.crosscheck.cells.matrix import chosen_dtypes
    from gradspec.reference import ArgumentError

    option = config.option
    lines = chosen_lines(option.line, option.formula) if option.line or option.formula else ()
    asked = adapters(option.adapter) if option.adapter else ()
    by_package: dict[str, str] = {}
    for name in asked:
        first = by_package.setdefault(load(name).package, name)
        if first != name:
            raise ArgumentError(f"{first} and {name} adapt the same package, so their tests would have the same ids: name one")
    dtypes = chosen_dtypes(option.dtype) if option.dtype else ()
    effort = profile(config.getoption("--hypothesis-profile", default=None) or DEFAULT_EFFORT)
    return Selection(asked, lines, tuple(dict.fromkeys(dtypes)), effort, option.gradspec_seed)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "cell" in metafunc.fixturenames:
        chosen = metafunc.config.stash[_SELECTION].cells()
        metafunc.parametrize("cell", chosen, ids=[cell.id for cell in chosen])


@pytest.fixture(scope="session")
def selection(request: pytest.FixtureRequest) -> Selection:
    return request.config.stash[_SELECTION]


# --- what came out --------------------------------------------------------------------------------------------------


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Callable[[Finding], None]:
    """Keeps a test's finding for the closing section."""

    def keep(finding: Finding) -> None:
        request.node.stash[_FINDING] = finding

    return keep


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report: Any = yield
    if call.when == "call" and (finding := item.stash.get(_FINDING, None)) is not None:
        report.gradspec_finding = msgspec.json.encode(finding).decode()  # xdist carries text from a worker, not structs
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    from gradspec.reports.summary import closing_lines

    reports = [report for group in terminalreporter.stats.values() for report in group]
    found = _findings(reports)
    lost = [report.nodeid for report in reports if _is_lost(report)]
    if not found and not lost:
        return
    terminalreporter.section("gradspec")
    for line in closing_lines(found):
        terminalreporter.write_line(line)
    for nodeid in lost:
        terminalreporter.write_line(f"no finding: {nodeid}")


def _findings(reports: Sequence[Any]) -> list[Finding]:
    encoded = [report.gradspec_finding for report in reports if hasattr(report, "gradspec_finding")]
    found = [msgspec.json.decode(text, type=Finding) for text in encoded]
    return sorted(found, key=lambda finding: finding.cell)  # workers report in any order


def _is_lost(report: Any) -> bool:
    """Whether a cell's test ended without a finding: its worker died, or the engine itself failed."""
    failed = getattr(report, "outcome", "") == "failed" and f"{SUITE}::" in getattr(report, "nodeid", "")
    return failed and not hasattr(report, "gradspec_finding")
