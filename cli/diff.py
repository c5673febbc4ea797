"""Compare two findings files: what changed its verdict or its reading, what is new, what is gone.

The exit status is 1 where any cell differs, as for `diff`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from .status import FAILED, FINE

SUMMARY = "compare two findings files"
EXAMPLES = (
    "gradspec diff reports/before reports/out",
    "gradspec diff before.json after.json",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("old", metavar="OLD", type=Path, help="a findings file, or the folder it is in")
    parser.add_argument("new", metavar="NEW", type=Path, help="the same")


def run(arguments: argparse.Namespace) -> int:
    from ..reports import store
    from ..reports.diff import compare, difference_lines

    difference = compare(store.read(arguments.old), store.read(arguments.new))
    for line in difference_lines(difference):
        print(line)
    return FAILED if difference else FINE
