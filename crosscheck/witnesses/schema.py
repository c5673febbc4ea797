"""The published JSON schema of a file of witnesses: ``python -m gradspec.crosscheck.witnesses.schema`` makes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from .store import SCHEMA_VERSION, File

FILE = Path(__file__).with_name("schema") / f"witnesses-{SCHEMA_VERSION}.json"


def schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of ``File``; the version is pinned, which the structs alone do not say."""
    generated = msgspec.json.schema(File)
    properties = generated["$defs"]["File"]["properties"]
    properties["schema_version"] = {"const": SCHEMA_VERSION}
    generated["$defs"]["File"]["required"] = list(properties)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "gradspec witnesses", **generated}


def as_text() -> str:
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(as_text(), encoding="utf-8")
