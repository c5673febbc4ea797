"""Campaigns: workers that hang, die or are interrupted lose one cell and nothing else, and the same seed finds the same."""

import os
import signal
import threading
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from gradspec.crosscheck.campaign import lines
from gradspec.crosscheck.campaign.plan import Plan
from gradspec.crosscheck.campaign.run import run
from gradspec.crosscheck.findings import Died, Failed, Finding, Findings, Lost, TimedOut, Unfinished
from gradspec.reports.words.cells import reason as words

ADAPTER = """
import os
import time
import numpy as np
from gradspec.adapters import Adapter, Native, Pullback, Unsupported


def hang(x):
    time.sleep(3600)


def die(x):
    os._exit(7)


class Toy(Adapter):
    name, package, distributions, modules = "toy", "toy", ("numpy",), {"np": "numpy"}
    dtypes = ("float64",)
    natives = (
        Native("scalar.sum", "sum", "np.sum(x)"),
        Native("scalar.sum", "hangs", "np.sum(x)"),
        Native("scalar.sum", "dies", "np.sum(x)"),
    )
    namespace = np

    def pull_back(self, function, inputs, wrt, cotangent, mode):
        value = np.asarray(function(**inputs))
        return Pullback(value, {"x": np.broadcast_to(cotangent, inputs["x"].shape).copy()})

    def push_forward(self, function, inputs, tangents, mode):
        if "pushes" in os.environ.get("TOY_FAULTS", ""):
            raise RuntimeError("no rule for this")
        if "malformed" in os.environ.get("TOY_FAULTS", ""):
            return 3.0
        raise Unsupported("no forward mode")

    def optimize(self, native, trace, mode):
        raise Unsupported("no optimizers")

    def run_update(self, update, trace, mode):
        raise Unsupported("no optimizers")


class Sabotaged(Toy):
    def pull_back(self, function, inputs, wrt, cotangent, mode):
        for name, act in (("hangs", hang), ("dies", die)):
            if name in os.environ.get("TOY_FAULTS", "") and self.asked_for(function) == name:
                act(inputs)
        return super().pull_back(function, inputs, wrt, cotangent, mode)

    def asked_for(self, function):
        held = [cell.cell_contents for cell in function.__closure__]
        return next((code.co_filename.strip("<>") for code in held if hasattr(code, "co_filename")), "derived")


ADAPTER = Sabotaged()
"""


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    path = tmp_path / "toy.py"
    path.write_text(ADAPTER)
    return Plan(adapters=(str(path),), lines=("scalar.sum",), dtypes=("float64",), profile="quick", workers=1, timeout=5.0)


def verdicts(findings: Findings) -> dict[str, str]:
    return {finding.cell.native or "derived": finding.verdict for finding in findings.cells}


def test_all_cells_come_back_in_the_order_of_the_matrix(plan: Plan) -> None:
    told: list[Finding] = []
    findings = run(plan, on_finding=told.append)
    assert verdicts(findings) == {"derived": "agrees", "sum": "agrees", "hangs": "agrees", "dies": "agrees"}
    assert len(told) == 4
    assert not findings.interrupted


def test_a_framework_that_hangs_or_dies_loses_its_own_cell_only(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_FAULTS", "hangs dies")
    findings = run(plan)
    assert verdicts(findings) == {"derived": "agrees", "sum": "agrees", "hangs": "not-run", "dies": "not-run"}
    reasons = {finding.cell.native: finding.reason for finding in findings.cells}
    assert reasons["hangs"] == (TimedOut(5.0),)
    assert reasons["dies"] == (Died(7),)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("pushes", "RuntimeError: no rule for this"), ("malformed", "'float' object has no attribute 'tangent'")],
)
def test_an_error_in_forward_mode_ends_no_campaign(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, fault: str, reason: str
) -> None:
    monkeypatch.setenv("TOY_FAULTS", fault)
    findings = run(plan)
    assert set(verdicts(findings).values()) == {"not-run"}
    assert all(reason in words(finding) for finding in findings.cells)


SABOTAGE = """
import os
import time
from gradspec.reference.catalogue import line
from gradspec.reference.vocabulary import Study


def no_backward(xp, z_bar, x):
    raise RuntimeError("a slip in the body")


def hanging(lab):
    time.sleep(3600)


def deadly(lab):
    os._exit(7)


fault = os.environ.get("SHEET_FAULT", "")
if fault == "line":
    object.__setattr__(line("scalar.sum"), "vjp_body", no_backward)
elif fault:
    object.__setattr__(line("scalar.sum"), "studies", (Study("fault", {"hangs": hanging, "dies": deadly}[fault]),))
"""


@pytest.fixture
def sabotaged(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """A plan in whose workers, as they start, what SHEET_FAULT names is done to scalar.sum, beside a line that is sound."""
    (tmp_path / "sitecustomize.py").write_text(SABOTAGE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(lines, "OF_A_LINE", 1)
    return replace(plan, lines=("scalar.sum", "scalar.prod"))


def test_a_line_whose_body_raises_fails_the_run_under_its_name_and_ends_nothing(
    sabotaged: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHEET_FAULT", "line")
    findings = run(sabotaged)
    reason = Failed("RuntimeError: a slip in the body")
    assert findings.unfinished == [Unfinished("scalar.sum", part, reason) for part in ("proofs", "checks")]
    assert {proof.line for proof in findings.proofs} == {check.line for check in findings.checks} == {"scalar.prod"}
    assert {finding.reason for finding in findings.cells if finding.cell.line == "scalar.sum"} == {(reason,)}
    assert not findings.interrupted


@pytest.mark.parametrize(("fault", "reason"), [("hangs", TimedOut(5.0)), ("dies", Died(7))])
def test_a_curve_that_hangs_or_dies_is_lost_alone(
    sabotaged: Plan, monkeypatch: pytest.MonkeyPatch, fault: str, reason: Lost
) -> None:
    monkeypatch.setenv("SHEET_FAULT", fault)
    findings = run(sabotaged)
    assert findings.unfinished == [Unfinished("scalar.sum", "curves", reason)]
    assert {proof.line for proof in findings.proofs} == {check.line for check in findings.checks} == set(sabotaged.lines)
    assert {finding.cell.line for finding in findings.cells if finding.verdict == "agrees"} == {"scalar.sum"}


def test_what_was_finished_is_not_run_again(plan: Plan) -> None:
    first = run(plan)
    asked: list[int] = []
    again = run(plan, finished={finding.cell.id: finding for finding in first.cells}, on_start=asked.append)
    assert asked == [0]
    assert again.cells == first.cells


def test_ctrl_c_keeps_what_was_finished_and_says_so(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_FAULTS", "hangs")
    told: list[Finding] = []

    def interrupted_at_the_second(finding: Finding) -> None:
        told.append(finding)
        if len(told) == 2:
            threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a run in the background is started with it ignored
    try:
        findings = run(replace(plan, timeout=600.0), on_finding=interrupted_at_the_second)
    finally:
        signal.signal(signal.SIGINT, before)
    assert findings.interrupted
    assert verdicts(findings) == {"derived": "agrees", "sum": "agrees", "hangs": "not-run", "dies": "not-run"}


def timeless(findings: Findings) -> bytes:
    cells = [msgspec.structs.replace(finding, seconds=0.0) for finding in findings.cells]
    return msgspec.json.encode(msgspec.structs.replace(findings, cells=cells, seconds=0.0, started=""))


def test_the_same_seed_finds_the_same(plan: Plan) -> None:
    assert timeless(run(plan)) == timeless(run(plan))
