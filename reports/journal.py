"""What is kept while a campaign runs, one finding a line, so that an interrupted one can go on where it stopped."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

import msgspec

from ..crosscheck.findings import SCHEMA_VERSION, Finding
from .store import FindingsFileError, check_version, check_writable, decoded, read_bytes

FILE_NAME = "journal.jsonl"


class Header(msgspec.Struct, frozen=True):
    """The first line: what has to be the same for the findings to belong to one campaign."""

    seed: int
    profile: str
    versions: dict[str, str]
    files: dict[str, str] = {}  # of formulas and adapters that are named by path -> what their content hashes to
    schema_version: int = SCHEMA_VERSION


def open_journal(folder: str | os.PathLike[str], header: Header) -> BinaryIO:
    """The journal in ``folder``, open for ``append``: a new one, or the one that is there if its header is the same.

    A half-written last line, left by a crash, is cut off first. Raises FindingsFileError where another campaign's journal is.
    """
    path = check_writable(folder) / FILE_NAME
    if path.exists() and _whole_lines(path.read_bytes()):
        _check_same_campaign(read_journal(folder)[0], header, path)
        os.truncate(path, _whole_length(path.read_bytes()))
        return path.open("ab")
    journal = path.open("wb")
    _write_line(journal, header)
    return journal


def append(journal: BinaryIO, finding: Finding) -> None:
    """Add a finding; it is with the operating system when this returns, so a crash of this process cannot lose it."""
    _write_line(journal, finding)


def read_journal(folder: str | os.PathLike[str]) -> tuple[Header, list[Finding]]:
    """The header and all findings that were written whole; a cut last line is ignored."""
    path = Path(folder) / FILE_NAME
    lines = _whole_lines(read_bytes(path))
    if not lines:
        raise FindingsFileError(f"{path}: cut short before its first line was whole; delete it and start again")
    header = decoded(lambda: msgspec.json.decode(lines[0], type=Header), path)
    check_version(header.schema_version, path)
    decoder = msgspec.json.Decoder(Finding)
    return header, [decoded(lambda line=line: decoder.decode(line), path) for line in lines[1:]]


def _write_line(journal: BinaryIO, value: msgspec.Struct) -> None:
    journal.write(msgspec.json.encode(value, order="deterministic") + b"\n")
    journal.flush()


def _whole_length(content: bytes) -> int:
    return content.rfind(b"\n") + 1


def _whole_lines(content: bytes) -> list[bytes]:
    return [line for line in content[: _whole_length(content)].split(b"\n") if line]


def _check_same_campaign(found: Header, wanted: Header, path: Path) -> None:
    for field in Header.__struct_fields__:
        there, here = getattr(found, field), getattr(wanted, field)
        if there != here:
            raise FindingsFileError(
                f"{path}: belongs to another campaign, with {field} {there!r} where this one has {here!r}; "
                "run it with the same, name another folder, or delete the journal"
            )
