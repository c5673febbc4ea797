"""Show the defaults of the same named optimizer in each installed framework, side by side."""

from __future__ import annotations

import argparse
import sys

from .selection import formula_argument
from .status import FINE

SUMMARY = "each framework's defaults for an optimizer"
EXAMPLES = (
    "gradspec defaults",
    "gradspec defaults adam",
    "gradspec defaults rmsprop --json",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("optimizer", metavar="OPTIMIZER", nargs="?", default="", help="adam, rmsprop, …; all if none is named")
    parser.add_argument("--json", action="store_true", help="the tables as data, for programs")
    formula_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    import msgspec

    from ..crosscheck.porting.defaults import defaults
    from ..reports.terminal import text

    found = defaults(arguments.optimizer)
    if arguments.json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(found), indent=1).decode() + "\n")
    else:
        print(text(found))
    return FINE
