"""Write an optimizer for another framework: the same function, proved on traces, or the closest there is with what remains.

The exit status is 1 where nothing found in the other framework is the same.
"""

from __future__ import annotations

import argparse
import sys

from . import boxes
from .status import FAILED, FINE

SUMMARY = "write an optimizer for another framework"
EXAMPLES = (
    "gradspec port torch.optim.SGD lr=0.1 momentum=0.9 --to optax",
    "gradspec port optax.adam --to torch",
    "gradspec port ./mine.py:make lr=0.1 --to torch --json",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    boxes.arguments(parser, "SOURCE", "torch.optim.SGD, optax.adam, mypackage.optim:MyAdam, ./mine.py:make")
    parser.add_argument("--to", metavar="FRAMEWORK", required=True, help="an adapter, or a module of one: torch, jax, optax")


def run(arguments: argparse.Namespace) -> int:
    from ..crosscheck.porting import port, target
    from ..reports.terminal import text

    target(arguments.to)  # its error is said before any work
    found = port(boxes.identified(arguments.source, arguments), arguments.to)
    sys.stdout.write((found.as_json().decode() if arguments.json else text(found)) + "\n")
    return FINE if found.exact else FAILED
