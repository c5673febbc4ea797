"""A campaign's findings as a file: written whole or not at all, and read back with an error that says what to do."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from ..crosscheck.findings import SCHEMA_VERSION, Findings

FILE_NAME = "findings.json"

T = TypeVar("T")


class FindingsFileError(ValueError):
    """A findings file or journal that cannot be read or written; the message says which, why, and what to do."""


class _Stamp(msgspec.Struct):
    schema_version: int


def write(findings: Findings, folder: str | os.PathLike[str]) -> Path:
    """Write ``findings.json`` into ``folder``, sorted so that two files can be compared by eye, and return its path.

    JSON has no NaN and no infinity: such a number becomes null where the schema allows null, and is an error elsewhere.
    """
    path = check_writable(folder) / FILE_NAME
    encoded = msgspec.json.encode(in_order(findings), order="deterministic")
    _decode(encoded, Findings, path)
    write_atomically(path, msgspec.json.format(encoded, indent=1) + b"\n")
    return path


def read(path: str | os.PathLike[str]) -> Findings:
    """Read a findings file; a folder stands for the ``findings.json`` in it."""
    path = Path(path)
    if path.is_dir():
        path = path / FILE_NAME
    content = read_bytes(path)
    check_version(_decode(content, _Stamp, path).schema_version, path)
    return _decode(content, Findings, path)


def check_writable(folder: str | os.PathLike[str]) -> Path:
    """Create ``folder`` and make sure that a file can be written there, before hours of work depend on it."""
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise FindingsFileError(f"{folder}: findings cannot be written there ({_why(error)}); name another folder") from error
    for entry in folder.iterdir():
        if entry.is_dir() and entry.suffix in (".json", ".html"):
            raise FindingsFileError(f"{entry} is a folder, where a file may have to be written; move it or name another folder")
    return folder


def in_order(findings: Findings) -> Findings:
    """The same findings with every list in the sheet's order, then by name, however the campaign was scheduled; lines beyond
    the sheet, whose number is 0, come last."""
    number = {line.id: line.number for line in findings.lines}

    def of(line: str) -> tuple[float, str]:
        return number.get(line) or math.inf, line

    return msgspec.structs.replace(
        findings,
        lines=sorted(findings.lines, key=lambda line: of(line.id)),
        cells=sorted(findings.cells, key=lambda finding: (of(finding.cell.line), finding.cell)),
        deviations=sorted(findings.deviations, key=lambda deviation: (of(deviation.line), deviation.axis)),
        proofs=sorted(findings.proofs, key=lambda p: (of(p.line), p.role, p.axis, sorted(p.reading.items()))),
        checks=sorted(findings.checks, key=lambda check: (of(check.line), check.property, sorted(check.reading.items()))),
        curves=sorted(findings.curves, key=lambda curve: (of(curve.line), curve.title)),
    )


def write_atomically(path: Path, content: bytes) -> None:
    """Whoever reads ``path`` meanwhile sees the old content or the new, never half of one."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        temporary.chmod(0o666 & ~_umask())  # mkstemp makes it private
        temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise FindingsFileError(f"{path}: cannot be written ({_why(error)})") from error
        raise


def read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise FindingsFileError(f"{path}: there is no such file; run a campaign that writes it, or check the path") from error
    except OSError as error:
        raise FindingsFileError(f"{path}: cannot be read ({_why(error)})") from error


def check_version(version: int, path: Path) -> None:
    if version == SCHEMA_VERSION:
        return
    writer, remedy = (
        ("a newer gradspec", "upgrade gradspec")
        if version > SCHEMA_VERSION
        else ("an older gradspec", "run the campaign again")
    )
    raise FindingsFileError(
        f"{path}: written by {writer}, with schema version {version} where this one reads {SCHEMA_VERSION}; {remedy}"
    )


def _decode(content: bytes, shape: type[T], path: Path) -> T:
    return decoded(lambda: msgspec.json.decode(content, type=shape), path)


def decoded(decode: Callable[[], Any], path: Path) -> Any:
    """What ``decode()`` returns, its complaints turned into ones that name the file."""
    try:
        return decode()
    except msgspec.ValidationError as error:
        raise FindingsFileError(f"{path}: does not follow schema version {SCHEMA_VERSION}: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FindingsFileError(f"{path}: cut short, or not JSON at all: {error}; run the campaign again") from error


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
