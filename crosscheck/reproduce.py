"""Stand-alone scripts: what a finding says, shown again with nothing but the framework and NumPy."""

from __future__ import annotations

from .findings import Witness
from .subjects import Subject


def script_for(subject: Subject, witness: Witness) -> str:
    return ""
