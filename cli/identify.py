"""Say which reading of which line a black box implements, on what evidence, and what tells it from the readings next to it.

The exit status is 1 where no reading fits, or only while there is one weight array; with --resumes also where a state that
is saved and restored does not go on as the box itself does.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from . import boxes
from .status import FAILED, FINE

if TYPE_CHECKING:
    from ..crosscheck.answers import Answer

SUMMARY = "which formula an optimizer or a function implements"
EXAMPLES = (
    "gradspec identify torch.optim.Adam",
    "gradspec identify optax.adam eps_root=1e-8",
    "gradspec identify torch.amax --line scalar.max",
    "gradspec identify ./mine.py:make --map beta1=first_decay --value eps=1e-7 --json",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    boxes.arguments(parser, "TARGET", "torch.optim.Adam, optax.adam, torch.amax, mypackage.optim:MyAdam, ./mine.py:make")
    parser.add_argument(
        "--line",
        metavar="L",
        action="append",
        default=[],
        help="only these lines, for a function (an optimizer is held against all)",
    )
    parser.add_argument("--dtype", default="", help="dtype of its weights or arguments; float64 where it takes it")
    parser.add_argument("--seed", type=int, default=0, help="of the drawn inputs; 0 by default")
    parser.add_argument(
        "--resumes", action="store_true", help="fail unless a saved and restored state goes on to the same bits"
    )


def run(arguments: argparse.Namespace) -> int:
    from ..reports.terminal import text

    answer = boxes.identified(arguments.target, arguments, lines=arguments.line, dtype=arguments.dtype, seed=arguments.seed)
    sys.stdout.write((answer.as_json().decode() if arguments.json else text(answer)) + "\n")
    return FINE if answer.verdict != "no-reading" and _holds(answer, arguments.resumes) else FAILED


def _holds(answer: Answer, resumes: bool) -> bool:
    """Whether what is said holds for several weight arrays, and after a resumption if that was asked."""
    from ..crosscheck.answers import Identification

    if not isinstance(answer, Identification):
        return not resumes
    return answer.for_several and (not resumes or answer.surroundings.goes_on is True)
