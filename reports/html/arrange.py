"""Findings put in the order in which a reader wants them: by subject, by reading, by line. Plain data, no markup."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from ...crosscheck.findings import AxisInfo, Deviation, Finding, Findings, LineInfo
from ..signs import SEVERITY, worst


@dataclass(frozen=True)
class Subject:
    """What one adapter offers for one line: the derived route, or one native. Its findings are its dtypes and modes."""

    line: str
    adapter: str
    package: str
    route: str
    native: str
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> str:
        return worst(finding.verdict for finding in self.findings)

    @property
    def name(self) -> str:
        """`torch.amax`, or `torch · derived`; a native that names its package is not given it twice."""
        if self.route == "derived":
            return f"{self.package} · derived"
        return self.native if self.native.split(".")[0] == self.package else f"{self.package}.{self.native}"

    @property
    def label(self) -> str:
        """The same within the package's own column."""
        return "derived" if self.route == "derived" else self.native.removeprefix(f"{self.package}.")

    @property
    def anchor(self) -> str:
        return slug("finding", self.line, self.adapter, self.package, self.route, self.native)

    @property
    def telling(self) -> Finding:
        """The finding to show first: the worst, with a witness, in the widest format."""
        return min(
            self.findings, key=lambda f: (SEVERITY.index(f.verdict), f.witness is None, not f.script, _width(f.cell.dtype))
        )


@dataclass(frozen=True)
class Placement:
    """One option of an axis, and the subjects that implement it."""

    option: str
    meaning: str
    latex: str
    printed: bool
    standard: bool
    subjects: tuple[Subject, ...]


@dataclass(frozen=True)
class ReadingMap:
    axis: AxisInfo
    placements: tuple[Placement, ...]
    undecided: tuple[tuple[Subject, tuple[str, ...]], ...]  # several options fit, or other ones in other formats
    none: tuple[Subject, ...]  # no reading fits

    @property
    def vacant(self) -> tuple[Placement, ...]:
        """The options that are neither printed nor standard, and that nobody has."""
        return tuple(p for p in self.placements if not (p.subjects or p.printed or p.standard))


@dataclass(frozen=True)
class Row:
    """A line of the matrix: for each of its group's packages, the subjects."""

    line: LineInfo
    columns: tuple[tuple[Subject, ...], ...]


@dataclass(frozen=True)
class Group:
    """The lines of one formula group; only the packages that have anything to say about them are columns."""

    title: str
    packages: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Mark:
    """A finding's place on the strip of ulps; ``share`` is 0 at the left end and 1 at the right."""

    finding: Finding
    share: float | None


def slug(*parts: str) -> str:
    """An anchor that a URL can carry; characters that it cannot are spelled, so that two ids never meet."""
    return "-".join(re.sub(r"[^A-Za-z0-9._]", lambda c: f"_{ord(c.group()):x}", part) for part in parts if part)


def subjects(cells: Iterable[Finding]) -> list[Subject]:
    found: dict[tuple[str, str, str, str, str], list[Finding]] = defaultdict(list)
    for finding in cells:
        cell = finding.cell
        found[cell.line, cell.adapter, cell.package, cell.route, cell.native].append(finding)
    return [Subject(*key, tuple(sorted(group, key=_by_width))) for key, group in found.items()]


def by_line(all_subjects: Iterable[Subject]) -> dict[str, list[Subject]]:
    found: dict[str, list[Subject]] = defaultdict(list)
    for subject in all_subjects:
        found[subject.line].append(subject)
    return found


def _by_width(finding: Finding) -> tuple[float, str, str, str]:
    return -_width(finding.cell.dtype), finding.cell.dtype, finding.cell.mode, finding.cell.device


def _width(dtype: str) -> float:
    digits = re.search(r"\d+", dtype)
    return float(digits.group()) if digits else 0.0


def short(dtype: str) -> str:
    """`f32` for float32, `bf16` for bfloat16."""
    return dtype.replace("bfloat", "bf").replace("float", "f")


# --- readings -------------------------------------------------------------------------------------------------------


def options_that_fit(subject: Subject, axis: str) -> tuple[str, ...]:
    """The options left when all formats are taken together: a narrow one cannot tell some readings apart.

    Where formats contradict each other the union is returned, since no single option describes the subject.
    """
    sets = [{reading[axis] for reading in f.fits if axis in reading} for f in subject.findings]
    sets = [options for options in sets if options]
    if not sets:
        return ()
    return tuple(sorted(set.intersection(*sets) or set.union(*sets)))


def reading_map(axis: AxisInfo, on_line: Sequence[Subject]) -> ReadingMap:
    fitting = [(subject, options_that_fit(subject, axis.name)) for subject in on_line]
    placements = tuple(
        Placement(
            option.name,
            option.meaning,
            option.latex,
            option.name == axis.printed,
            option.name == axis.standard,
            tuple(subject for subject, options in fitting if options == (option.name,)),
        )
        for option in axis.options
    )
    placed = {id(s) for placement in placements for s in placement.subjects}
    undecided = tuple((subject, options) for subject, options in fitting if options and id(subject) not in placed)
    none = tuple(s for s, options in fitting if not options and s.verdict == "defect")
    return ReadingMap(axis, placements, undecided, none)


def departing(axis: AxisInfo, on_line: Sequence[Subject]) -> list[Subject]:
    """Subjects that certainly implement something else than the sheet prints on this axis."""
    return [s for s in on_line if (fit := options_that_fit(s, axis.name)) and axis.printed not in fit]


def differing_axes(readings: Sequence[dict[str, str]]) -> list[str]:
    names = sorted({name for reading in readings for name in reading})
    return [name for name in names if len({reading.get(name) for reading in readings}) > 1] or names


# --- sections -------------------------------------------------------------------------------------------------------


def families(deviations: Iterable[Deviation]) -> list[tuple[Deviation, ...]]:
    """Deviations that are the same slip on several lines (2/3 for 2/n, I for all ones), told together."""
    found: dict[tuple[str, str, str], list[Deviation]] = defaultdict(list)
    for deviation in deviations:
        found[deviation.axis, deviation.printed, deviation.rival].append(deviation)
    return [tuple(group) for group in found.values()]


def matrix(findings: Findings, found: dict[str, list[Subject]]) -> list[Group]:
    """The lines by the section that they declare, sections in the order of their first lines."""
    sections: dict[str, list[LineInfo]] = defaultdict(list)
    for line in findings.lines:
        sections[line.section].append(line)
    return [_group(section, lines, found) for section, lines in sections.items()]


def _group(title: str, lines: Sequence[LineInfo], found: dict[str, list[Subject]]) -> Group:
    packages = tuple(sorted({subject.package for line in lines for subject in found.get(line.id, ())}))
    return Group(title, packages, tuple(Row(line, _columns(found.get(line.id, ()), packages)) for line in lines))


def by_dtype(subject: Subject) -> list[tuple[str, tuple[Finding, ...]]]:
    """Its findings, the modes and devices of a format together."""
    return [(dtype, tuple(group)) for dtype, group in groupby(subject.findings, key=lambda finding: finding.cell.dtype)]


def _columns(on_line: Sequence[Subject], packages: Sequence[str]) -> tuple[tuple[Subject, ...], ...]:
    return tuple(tuple(sorted((s for s in on_line if s.package == p), key=lambda s: (s.route, s.native))) for p in packages)


DECADES = 12  # a strip reaches from a tenth of an ulp to 10^11 of them and beyond


def strip(subject: Subject) -> list[Mark]:
    return [Mark(finding, _share(finding.ulps)) for finding in subject.findings]


def _share(ulps: float | None) -> float | None:
    if ulps is None or math.isnan(ulps):
        return None
    if ulps <= 0:
        return 0.0
    return min(1.0, max(0.0, (math.log10(ulps) + 1) / DECADES)) if math.isfinite(ulps) else 1.0
