"""The command line: what it prints, what it refuses and how, and that nothing finished is lost."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gradspec
import msgspec
import pytest
from gradspec.adapters import available, load
from gradspec.cli import COMMANDS, main, parser
from gradspec.cli.mathtext import readable
from gradspec.cli.report import status
from gradspec.crosscheck.campaign.plan import Plan
from gradspec.crosscheck.findings import (
    SCHEMA_VERSION,
    Cell,
    Finding,
    Findings,
    Known,
    LineInfo,
    NotInstalled,
    PrintedFits,
    Said,
    TimedOut,
    Unfinished,
)
from gradspec.reference import catalogue
from gradspec.reports import journal, store

AGREES = Finding(Cell("scalar.sum", "pytorch", "torch", "native", "sum", "float32", "eager"), "agrees", (PrintedFits(),))
DEFECT = Finding(Cell("scalar.max", "pytorch", "torch", "native", "amax", "float32", "eager"), "defect", (Said("none fits"),))
NOT_RUN = Finding(Cell("scalar.sum", "jax", "jax", "derived", "", "float64", "eager"), "not-run", (NotInstalled("jax", "pip"),))
EXCUSED = msgspec.structs.replace(NOT_RUN, excused=True)  # as the engine says it


def findings(*cells: Finding, **changed: Any) -> Findings:
    lines = [LineInfo("scalar.sum", 1, "sum", "z", "", []), LineInfo("scalar.max", 3, "maximum", "z", "", [])]
    return msgspec.structs.replace(
        Findings(SCHEMA_VERSION, 0, "quick", {"gradspec": "0.1.0"}, "here", lines, list(cells)), **changed
    )


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of a command."""
    try:
        code = main(argv)
    except SystemExit as stop:
        code = int(stop.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


# --- without a campaign ---------------------------------------------------------------------------------------------


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--help")
    assert code == 0
    assert all(command in out for command in COMMANDS)


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--version") == (0, f"gradspec {gradspec.__version__}\n", "")


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_shows_examples_that_it_takes(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, command, "--help")
    assert code == 0
    examples = [line.strip() for line in out.partition("examples:\n")[2].splitlines()]
    assert len(examples) >= 2
    for example in examples:
        words = shlex.split(example)
        assert words[:2] == ["gradspec", command]
        assert parser().parse_args(words[1:]).command == command


def test_lines_lists_every_line_of_the_catalogue(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "lines")
    assert code == 0
    assert all(line_id in out for line_id in catalogue())


def test_lines_marks_those_whose_print_is_not_standard(capsys: pytest.CaptureFixture[str]) -> None:
    rows = run(capsys, "lines")[1].splitlines()
    for formula, row in zip(catalogue().values(), rows, strict=False):
        assert row.split()[1:][:1] == (["≠"] if formula.printed != formula.standard else [formula.id])


def test_lines_as_json_gives_both_readings(capsys: pytest.CaptureFixture[str]) -> None:
    adam = next(line for line in json.loads(run(capsys, "lines", "--json")[1]) if line["id"] == "optimizer.adam")
    assert [adam["printed"][axis] for axis in ("correction", "stored")] == ["power-of-complement", "quotient"]
    assert [adam["standard"][axis] for axis in ("correction", "stored")] == ["complement-of-power", "average"]


@pytest.mark.parametrize("line_id", catalogue())
def test_explain_shows_every_option_and_every_native(line_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    formula = catalogue()[line_id]
    code, out, _ = run(capsys, "explain", line_id)
    assert code == 0
    assert all(name in out for axis in formula.axes for name in (axis.name, *axis.names))
    assert all(native.name in out for name in available() for native in load(name).natives if native.line == line_id)


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"\frac{2}{3}(\hat y-y)A^T", "(2/3)(ŷ − y)Aᵀ"),
        (r"\frac{\beta V+g}{(1-\beta_1)^t}", "(βV + g)/(1 − β₁)ᵗ"),
        (r"\frac{1}{no}", "1/(no)"),
        (r"\frac{a}{\frac{b}{c}}", "a/(b/c)"),
        (r"\sqrt{S+\epsilon}\ne\sqrt S+\epsilon", "√(S + ϵ) ≠ √S + ϵ"),
        (r"W^{[l+1]}", "W[l+1]"),
        (r"-y\ln\hat y", "−y ln ŷ"),
        (r"e^{-x}", "e⁻ˣ"),
        (r"\prod_{j\ne i}x_j", "∏_(j ≠ i) xⱼ"),
        (r"\frac{1}{", r"\frac{1}{"),
    ],
)
def test_formulas_keep_their_brackets_as_text(latex: str, text: str) -> None:
    import unicodedata

    assert unicodedata.normalize("NFC", readable(latex)) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize("line_id", catalogue())
def test_every_formula_of_the_catalogue_becomes_text(line_id: str) -> None:
    formula = catalogue()[line_id]
    for latex in (formula.latex, formula.standard_latex, *(o.latex for axis in formula.axes for o in axis.options)):
        assert "\\" not in readable(latex)
        assert "&" not in readable(latex)


# --- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "suggestion"),
    [
        (["explain", "optimizer.adm"], "optimizer.adam"),
        (["explain", "sigmoyd"], "scalar.sigmoid"),
        (["report", "--line", "scalar.summ"], "scalar.sum"),
        (["report", "--adapter", "pytorhc"], "pytorch"),
        (["report", "--dtype", "float23"], "float32"),
        (["report", "--profile", "quik"], "quick"),
        (["show", "--verdict", "agree"], "agrees"),
        (["show", "--line", "scalar.mux"], "scalar.max"),
        (["show", "--adapter", "troch"], "torch"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(
    argv: list[str], suggestion: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store.write(findings(AGREES, DEFECT), tmp_path)
    where = ["--out", str(tmp_path)] if argv[0] == "report" else [str(tmp_path)] if argv[0] == "show" else []
    code, out, err = run(capsys, *argv, *where)
    assert (code, out) == (2, "")
    assert err.startswith("gradspec: error: ")
    assert suggestion in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("idntify torch.optim.Adam", "unknown command 'idntify'. Did you mean identify"),
        ("reprot --line adam", "unknown command 'reprot'. Did you mean report"),
        ("quit", f"unknown command 'quit'. Did you mean {' or '.join(COMMANDS)}"),
        ("report --adaptor torch", "unknown option --adaptor. Did you mean --adapter"),
        ("identify torch.optim.Adam --ded=1", "unknown option --ded. Did you mean --seed"),
        ("show reports/out --json elsewhere", "unexpected argument 'elsewhere'"),
    ],
)
def test_a_command_or_an_option_that_there_is_not_is_answered_with_the_nearest(
    argv: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, *argv.split())
    assert (code, out) == (2, "")
    assert message in err


@pytest.mark.parametrize("option", [["--workers", "0"], ["--workers", "two"], ["--timeout", "nan"], ["--timeout", "-1"]])
def test_a_number_that_makes_no_sense_is_bad_input(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "report", *option)
    assert code == 2
    assert option[0] in err


def test_a_findings_file_of_another_schema_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = store.write(findings(AGREES), tmp_path)
    path.write_text(path.read_text().replace(f'"schema_version": {SCHEMA_VERSION}', '"schema_version": 999'))
    code, _, err = run(capsys, "show", str(path))
    assert code == 2
    assert "999" in err


def test_a_findings_file_cut_short_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = store.write(findings(AGREES), tmp_path)
    path.write_bytes(path.read_bytes()[:-20])
    code, _, err = run(capsys, "diff", str(path), str(path))
    assert code == 2
    assert str(path) in err


def test_a_missing_library_is_said_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith("gradspec.reports")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "msgspec", None)
    code, _, err = run(capsys, "show")
    assert code == 2
    assert "msgspec" in err
    assert "pip install msgspec" in err


# --- findings shown -----------------------------------------------------------------------------------------------------


def test_show_filters_and_prints_one_finding_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store.write(findings(AGREES, DEFECT, NOT_RUN), tmp_path)
    code, out, _ = run(capsys, "show", str(tmp_path), "--verdict", "defect", "--verdict", "not-run", "--adapter", "torch")
    assert code == 0
    assert out.splitlines() == ["✗ defect     scalar.max-torch-native.amax-float32  none fits"]


def test_show_as_json_gives_whole_findings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store.write(findings(AGREES, DEFECT), tmp_path)
    out = run(capsys, "show", str(tmp_path), "--line", "scalar", "--json")[1]
    assert sorted(msgspec.json.decode(out, type=list[Finding]), key=lambda f: f.cell) == [DEFECT, AGREES]


def test_diff_exits_one_where_a_verdict_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = store.write(findings(AGREES), tmp_path / "old")
    new = store.write(findings(msgspec.structs.replace(AGREES, verdict="defect")), tmp_path / "new")
    assert run(capsys, "diff", str(old), str(old)) == (0, "", "")
    code, out, _ = run(capsys, "diff", str(old), str(new))
    assert code == 1
    assert AGREES.cell.id in out


# --- a campaign ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def campaign(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[tuple[Plan, Mapping[str, Finding]]]]:
    """Puts a campaign that finds what it is told in the engine's place; gives the calls made to it."""

    def replace(*found: Finding, interrupted: bool = False) -> list[tuple[Plan, Mapping[str, Finding]]]:
        calls = []

        def engine(
            plan: Plan, finished: Mapping[str, Finding], on_finding: Callable[[Finding], None], on_start: Callable[[int], None]
        ) -> Findings:
            calls.append((plan, dict(finished)))
            on_start(len(found))
            for finding in found:
                on_finding(finding)
            return findings(*finished.values(), *found, interrupted=interrupted)

        monkeypatch.setattr("gradspec.crosscheck.campaign.run.run", engine)
        return calls

    return replace


def test_a_report_writes_the_page_and_the_findings(
    campaign: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = campaign(AGREES)
    code, out, err = run(
        capsys, "report", "--out", str(tmp_path), "--line", "scalar", "--dtype", "float32", "--adapter", "torch"
    )
    assert code == 0
    assert store.read(tmp_path).cells == [AGREES]
    assert str(tmp_path / "index.html") in out
    assert "1 of 1 cells" in err
    plan, finished = calls[0]
    assert (plan.adapters, plan.dtypes, finished) == (("pytorch",), ("float32",), {})
    assert plan.lines == ("scalar.sum", "scalar.prod", "scalar.max", "scalar.min", "scalar.sigmoid")


def test_a_defect_fails_the_run_and_is_still_written(
    campaign: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    campaign(AGREES, DEFECT)
    code, _, err = run(capsys, "report", "--out", str(tmp_path))
    assert code == 1
    assert DEFECT.cell.id in err
    assert store.read(tmp_path).cells == [AGREES, DEFECT]


def test_an_interrupted_run_keeps_what_was_finished_and_goes_on_from_there(
    campaign: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    campaign(AGREES, interrupted=True)
    code, out, _ = run(capsys, "report", "--out", str(tmp_path))
    assert code == 130
    assert "--resume" in out
    assert store.read(tmp_path).cells == [AGREES]
    calls = campaign(NOT_RUN)
    run(capsys, "report", "--out", str(tmp_path), "--resume")
    assert calls[0][1] == {AGREES.cell.id: AGREES}
    assert not (tmp_path / journal.FILE_NAME).exists()


def test_resuming_another_campaign_is_refused(
    campaign: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = campaign(AGREES, interrupted=True)
    run(capsys, "report", "--out", str(tmp_path))
    code, _, err = run(capsys, "report", "--out", str(tmp_path), "--resume", "--seed", "7")
    assert code == 2
    assert "seed" in err
    assert len(calls) == 1


def test_resuming_with_a_changed_file_is_refused(
    campaign: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = campaign(AGREES, interrupted=True)
    own = tmp_path / "mine.py"
    own.write_text((Path(__file__).parent / "own" / "autograd_adapter.py").read_text())
    command = ("report", "--adapter", str(own), "--out", str(tmp_path / "out"))
    run(capsys, *command)
    own.write_text(own.read_text() + "# another adapter\n")
    code, _, err = run(capsys, *command, "--resume")
    assert code == 2
    assert f"files {{'{own}'" in err
    assert len(calls) == 1


def test_an_output_folder_that_cannot_be_written_is_said_before_any_work(
    campaign: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = campaign(AGREES)
    (tmp_path / "file").write_text("")
    code, _, err = run(capsys, "report", "--out", str(tmp_path / "file" / "out"))
    assert code == 2
    assert "file/out" in err
    assert not calls


def test_refreshing_the_witnesses_comes_before_the_run(
    campaign: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calls, order = campaign(AGREES), []

    def refresh(plan: Plan, on_start: Callable[[int], None], on_line: Callable[[str], None]) -> int:
        order.append(len(calls))
        on_start(1)
        on_line("scalar.sum")
        return 1

    monkeypatch.setattr("gradspec.crosscheck.campaign.refresh.refresh_witnesses", refresh)
    code, _, err = run(capsys, "report", "--out", str(tmp_path), "--refresh-witnesses")
    assert (code, order, len(calls)) == (0, [0], 1)
    assert "1 of 1 lines" in err


@pytest.mark.parametrize(
    ("found", "asked", "installed", "expected"),
    [
        (AGREES, [], True, 0),
        (DEFECT, [], True, 1),
        (msgspec.structs.replace(DEFECT, known=Known("a limitation", "its source"), excused=True), [], True, 0),
        (msgspec.structs.replace(AGREES, verdict="stale"), [], True, 1),
        (msgspec.structs.replace(AGREES, verdict="convention"), [], True, 0),
        (NOT_RUN, [], False, 0),
        (EXCUSED, [], False, 0),
        (EXCUSED, ["jax"], False, 1),
        (NOT_RUN, [], True, 1),
    ],
    ids=[
        "agrees",
        "defect",
        "known-defect",
        "stale",
        "convention",
        "unexcused",
        "not-installed",
        "not-installed-but-asked",
        "crashed",
    ],
)
def test_the_exit_status_tells_an_expected_not_run_from_an_unexpected_one(
    found: Finding, asked: list[str], installed: bool, expected: int
) -> None:
    assert status(Findings(1, 0, "quick", {}, "", [], [found]), asked, {found.cell.adapter: installed}) == expected


def test_what_was_left_unfinished_about_a_line_fails_the_run() -> None:
    unfinished = Unfinished("optimizer.adam", "curves", TimedOut(60.0))
    assert status(Findings(1, 0, "quick", {}, "", [], [AGREES], unfinished=[unfinished]), [], {}) == 1


# --- as a process ---------------------------------------------------------------------------------------------------------


def test_the_module_runs_and_a_reader_that_leaves_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "gradspec.cli", "lines"]
    done = subprocess.run(command, check=False, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")
