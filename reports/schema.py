"""The published JSON schema of a findings file, generated from the structs: ``python -m gradspec.reports.schema``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from ..crosscheck.findings import SCHEMA_VERSION, Findings

FOLDER = Path(__file__).with_name("schema")
FILE = FOLDER / f"findings-{SCHEMA_VERSION}.json"


def schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of ``Findings``; the version is pinned, which the structs alone do not say."""
    generated = msgspec.json.schema(Findings)
    generated["$defs"]["Findings"]["properties"]["schema_version"] = {"const": SCHEMA_VERSION}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"gradspec findings, version {SCHEMA_VERSION}",
        **generated,
    }


def as_text() -> str:
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    FILE.write_text(as_text(), encoding="utf-8")
    print(FILE)
