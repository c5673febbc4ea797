"""Witnesses as data: the smallest inputs that separate two readings, a file for each line.

A witness belongs to a line, a dtype and a departure: the axes on which a reading differs from the printed one. Whether it
separates is decided by the rounding model alone, so that one witness serves every framework.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from ...reference.formula import Formula
from ...reference.vocabulary import Reading
from ..inputs.traces import Schedule

FOLDER = Path(__file__).parent / "data"
SCHEMA_VERSION = 1


class WitnessFileError(ValueError):
    """A file of witnesses that cannot be read; the message says which, why, and what to do."""


class Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """A witness as data: numbers as hexadecimal floating point. ``found`` is false where no input was found that separates.

    Of an optimizer, ``schedule`` has the rates of its steps, and ``setting`` says which one of its hyperparameters' settings it
    is.
    """

    dtype: str
    departure: dict[str, str]
    found: bool
    arrays: dict[str, Any] = {}  # nested lists of hex strings
    settings: dict[str, str] = {}
    schedule: Schedule | None = None
    setting: int = 0


class File(msgspec.Struct, frozen=True, kw_only=True):
    """All witnesses of one line."""

    schema: Literal["gradspec-witnesses"] = "gradspec-witnesses"
    schema_version: int = SCHEMA_VERSION
    line: str
    witnesses: tuple[Kept, ...]


class _Stamp(msgspec.Struct):
    schema_version: int
    line: str


@dataclass(frozen=True)
class Departure:
    """A reading, as what it changes in the printed one."""

    axes: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, formula: Formula, reading: Reading) -> Departure:
        return cls(tuple((axis, other) for axis, (_, other) in formula.printed.difference(reading).items()))

    def reading(self, formula: Formula) -> Reading:
        """The reading; ArgumentError where the line has no such axis or option any more."""
        return formula.reading("printed", **dict(self.axes))


def path_of(line_id: str) -> Path:
    return FOLDER / f"{line_id}.json"


@cache
def kept(line_id: str) -> tuple[Kept, ...]:
    """The witnesses of a line, as they lie in the package; none where there is no file."""
    path = path_of(line_id)
    return read(path, line_id) if path.exists() else ()


def read(path: Path, line_id: str) -> tuple[Kept, ...]:
    """The witnesses in a file. Raises WitnessFileError for one of another version, of another line, or that is malformed."""
    try:
        content = path.read_bytes()
        _check(msgspec.json.decode(content, type=_Stamp), path, line_id)
        return msgspec.json.decode(content, type=File).witnesses
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WitnessFileError(f"{path}: {error}; search them anew with `{_command(line_id)}`") from error


def _check(stamp: _Stamp, path: Path, line_id: str) -> None:
    if stamp.schema_version != SCHEMA_VERSION:
        raise WitnessFileError(
            f"{path}: has schema version {stamp.schema_version} where this gradspec reads {SCHEMA_VERSION}; "
            f"search them anew with `{_command(line_id)}`"
        )
    if stamp.line != line_id:
        raise WitnessFileError(f"{path}: has the witnesses of {stamp.line}; search them anew with `{_command(line_id)}`")


def _command(line_id: str) -> str:
    return f"gradspec report --line {line_id} --refresh-witnesses"


def keep(line_id: str, witnesses: Iterable[Kept]) -> None:
    """Write the witnesses of a line, replacing those of the file."""
    FOLDER.mkdir(exist_ok=True)
    ordered = tuple(sorted(witnesses, key=lambda w: (sorted(w.departure.items()), w.dtype)))
    path_of(line_id).write_bytes(
        msgspec.json.format(msgspec.json.encode(File(line=line_id, witnesses=ordered)), indent=1) + b"\n"
    )
    kept.cache_clear()


def known(formula: Formula, dtype: str, departure: Departure) -> Kept | None:
    """The kept witness for a departure; None if it was never searched."""
    wanted = dict(departure.axes)
    return next((w for w in kept(formula.id) if w.dtype == dtype and w.departure == wanted), None)


def to_hex(array: np.ndarray) -> Any:
    """Nested lists of hexadecimal floating point, exact in every dtype."""
    return np.vectorize(lambda v: float(v).hex(), otypes=[object])(np.asarray(array)).tolist()


def from_hex(nested: Any, dtype: np.dtype) -> np.ndarray:
    values = np.asarray(nested, dtype=object)
    return np.vectorize(float.fromhex, otypes=[np.float64])(values).astype(dtype)
