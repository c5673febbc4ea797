"""Run the conformance matrix and write the report: index.html and findings.json."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .selection import formula_argument
from .status import FAILED, FINE, INTERRUPTED

if TYPE_CHECKING:
    from ..crosscheck.campaign.plan import Plan
    from ..crosscheck.findings import Finding, Findings
    from ..reports.journal import Header

SUMMARY = "run the matrix and write the report"
EXAMPLES = (
    "gradspec report",
    "gradspec report --adapter torch --line optimizer --dtype float32",
    "gradspec report --profile thorough --out reports/thorough",
    "gradspec report --resume",
    "gradspec report --adapter ./mine.py --line sigmoid",
)
OUT = Path("reports/out")


def arguments(parser: argparse.ArgumentParser) -> None:
    several = {"action": "append", "default": []}
    parser.add_argument("--adapter", metavar="A", **several, help="a name, a module or a file; all by default")
    parser.add_argument("--line", metavar="L", **several, help="a line or a group; the sheet's or --formula's by default")
    parser.add_argument("--dtype", metavar="D", **several, help="float64, float32, bfloat16, float16; all by default")
    parser.add_argument("--profile", metavar="P", default="standard", help="effort: quick, standard (default), thorough")
    parser.add_argument(
        "--seed", metavar="N", type=int, default=0, help="of the drawn inputs: the same finds the same; 0 by default"
    )
    parser.add_argument("--out", metavar="DIR", type=Path, default=OUT, help=f"where to write; {OUT} by default")
    parser.add_argument("--workers", metavar="N", type=_count, default=os.cpu_count() or 1, help="processes; one a core")
    parser.add_argument("--timeout", metavar="S", type=_seconds, default=60.0, help="for one cell; 60 by default")
    parser.add_argument("--resume", action="store_true", help="go on where an interrupted run stopped")
    parser.add_argument("--refresh-witnesses", action="store_true", help="search the kept witnesses anew, then run")
    formula_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    from ..adapters import load
    from ..reports import store
    from ..reports.html.page import write_page

    plan = _plan(arguments)
    asked = {name for name in plan.adapters if arguments.adapter}
    store.check_writable(arguments.out)
    if arguments.refresh_witnesses:
        _refresh_witnesses(plan)
    findings = _campaign(plan, arguments.out, arguments.resume, arguments.formula)
    store.write(findings, arguments.out)
    page = write_page(findings, arguments.out)
    _tell(findings, page)
    if findings.interrupted:
        return INTERRUPTED
    return status(findings, asked, {name: load(name).installed() for name in plan.adapters})


def status(findings: Findings, asked: Iterable[str], installed: Mapping[str, bool]) -> int:
    """FAILED where a finding, or what was left unfinished, fails the run; a framework that is not installed does so only if it
    was ``asked`` for by name."""
    from ..reports.signs import fails

    wanted = set(asked)

    def fails_here(finding: Finding) -> bool:
        missing = finding.verdict == "not-run" and not installed.get(finding.cell.adapter, True)
        return finding.cell.adapter in wanted if missing else fails(finding)

    return FAILED if any(map(fails_here, findings.cells)) or findings.unfinished else FINE


def _plan(arguments: argparse.Namespace) -> Plan:
    from ..crosscheck.campaign.plan import Plan
    from ..crosscheck.cells.matrix import chosen_dtypes
    from ..crosscheck.inputs.profiles import profile
    from .selection import adapters, lines

    return Plan(
        adapters=adapters(arguments.adapter),
        lines=lines(arguments.line, arguments.formula),
        dtypes=chosen_dtypes(arguments.dtype),
        profile=profile(arguments.profile).name,
        seed=arguments.seed,
        workers=arguments.workers,
        timeout=arguments.timeout,
    )


def _campaign(plan: Plan, out: Path, resume: bool, formulas: Sequence[str]) -> Findings:
    from ..crosscheck.campaign import run as campaign
    from ..reports import journal
    from .progress import progress

    if not resume:
        (out / journal.FILE_NAME).unlink(missing_ok=True)
    with journal.open_journal(out, _header(plan, [*plan.adapters, *formulas])) as kept, progress("cells") as shown:
        finished = {finding.cell.id: finding for finding in journal.read_journal(out)[1]}

        def keep(finding: Finding) -> None:
            journal.append(kept, finding)
            shown.found(finding)

        findings = campaign.run(plan, finished, keep, shown.start)
    if not findings.interrupted:
        (out / journal.FILE_NAME).unlink()
    return findings


def _header(plan: Plan, named: Sequence[str]) -> Header:
    import hashlib
    import importlib.metadata

    from ..adapters import load
    from ..reports.journal import Header

    installed = [adapter for adapter in map(load, plan.adapters) if adapter.installed()]
    frameworks = {name: version for adapter in installed for name, version in adapter.versions().items()}
    own = {name: importlib.metadata.version(name) for name in ("gradspec", "numpy")}
    files = {name: hashlib.sha256(Path(name).read_bytes()).hexdigest()[:16] for name in named if Path(name).is_file()}
    return Header(plan.seed, plan.profile, {**own, **frameworks}, files)


def _refresh_witnesses(plan: Plan) -> None:
    from ..crosscheck.campaign import refresh as campaign
    from .progress import progress

    with progress("lines") as shown:
        campaign.refresh_witnesses(plan, shown.start, shown.step)


def _tell(findings: Findings, page: Path) -> None:
    from rich.console import Console

    from ..reports.summary import summary

    console = Console()
    console.print(summary(findings))
    if findings.interrupted:
        console.print("`gradspec report --resume` with the same options goes on from there.", highlight=False, soft_wrap=True)
    console.print(str(page), highlight=False, soft_wrap=True)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number of processes")
    return int(text)


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number of seconds")
    return number
