"""What changed between two campaigns: verdicts, and the readings that fit."""

from __future__ import annotations

from dataclasses import dataclass

from ..crosscheck.findings import Cell, Finding, Findings


@dataclass(frozen=True)
class Change:
    before: Finding
    after: Finding


@dataclass(frozen=True)
class Difference:
    changed: tuple[Change, ...]
    new: tuple[Finding, ...]
    gone: tuple[Finding, ...]
    versions: dict[str, tuple[str | None, str | None]]  # package -> before, after, where they differ

    def __bool__(self) -> bool:
        """Whether any cell differs; other versions alone are the occasion, not a difference."""
        return bool(self.changed or self.new or self.gone)


def compare(before: Findings, after: Findings) -> Difference:
    old, new = _by_cell(before), _by_cell(after)
    both = sorted(old.keys() & new.keys())
    return Difference(
        changed=tuple(Change(old[c], new[c]) for c in both if _essence(old[c]) != _essence(new[c])),
        new=tuple(new[c] for c in sorted(new.keys() - old.keys())),
        gone=tuple(old[c] for c in sorted(old.keys() - new.keys())),
        versions={
            package: (before.versions.get(package), after.versions.get(package))
            for package in sorted(before.versions.keys() | after.versions.keys())
            if before.versions.get(package) != after.versions.get(package)
        },
    )


def difference_lines(difference: Difference) -> list[str]:
    """Plain text, one line a cell; empty where nothing differs."""
    lines = [
        f"{package}: {old or 'not installed'} -> {new or 'not installed'}"
        for package, (old, new) in difference.versions.items()
    ]
    lines += [_change_line(change) for change in difference.changed]
    lines += [f"new: {finding.cell.id}: {finding.verdict}" for finding in difference.new]
    lines += [f"gone: {finding.cell.id}: was {finding.verdict}" for finding in difference.gone]
    return lines


def _by_cell(findings: Findings) -> dict[Cell, Finding]:
    return {finding.cell: finding for finding in findings.cells}


def _essence(finding: Finding) -> tuple[str, list[list[tuple[str, str]]]]:
    return finding.verdict, _readings(finding)


def _readings(finding: Finding) -> list[list[tuple[str, str]]]:
    return sorted(sorted(reading.items()) for reading in finding.fits)


def _change_line(change: Change) -> str:
    before, after = change.before, change.after
    words = [f"{before.verdict} -> {after.verdict}"] if before.verdict != after.verdict else [after.verdict]
    if _readings(before) != _readings(after):
        words.append(f"fits {_in_words(before)} -> {_in_words(after)}")
    return f"changed: {after.cell.id}: " + "; ".join(words)


def _in_words(finding: Finding) -> str:
    """The readings that fit, each on all its axes."""
    return " or ".join("{" + ", ".join(f"{a}: {o}" for a, o in reading) + "}" for reading in _readings(finding)) or "no reading"
