"""What the commands about black boxes have in common: which box, with which arguments, and how its names are to be read."""

from __future__ import annotations

import argparse
import ast
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from .selection import formula_argument

if TYPE_CHECKING:
    from ..crosscheck.answers import Answer

LONGEST = 86400.0  # seconds that one call may be given: a day


def arguments(parser: argparse.ArgumentParser, name: str, examples: str) -> None:
    parser.add_argument(name.lower(), metavar=name, help=examples)
    parser.add_argument("given", metavar="NAME=VALUE", nargs="*", help="arguments for it, by its own names")
    parser.add_argument(
        "--map", metavar="HYPER=NAME", action="append", default=[], help="which of its arguments is which hyperparameter"
    )
    parser.add_argument(
        "--value",
        metavar="HYPER=NUMBER",
        action="append",
        default=[],
        help="a hyperparameter built into it, which is none of its arguments",
    )
    parser.add_argument("--framework", default="", help="the framework that it belongs to, where its type does not tell")
    parser.add_argument("--time-limit", type=float, default=10.0, metavar="S", help="seconds for one call of it (default: 10)")
    parser.add_argument("--json", action="store_true", help="the answer as data, for programs")
    formula_argument(parser)


def identified(target: str, arguments: argparse.Namespace, **more: Any) -> Answer:
    """The answer for the box that was asked about, found in a process of its own. Raises BoxError and ArgumentError."""
    from ..crosscheck.identification.isolated import isolated
    from ..reference.arguments import ArgumentError
    from .progress import stages

    if not 0 < arguments.time_limit <= LONGEST:
        raise ArgumentError(f"--time-limit is {arguments.time_limit:g}; expected more than 0 and at most {LONGEST:g} seconds")
    with stages() as listener:
        return isolated(
            target,
            dict(_pairs(arguments.given, "NAME=VALUE")),
            names={hyper: str(own) for hyper, own in _pairs(arguments.map, "HYPER=NAME")},
            values={hyper: _number(hyper, value) for hyper, value in _pairs(arguments.value, "HYPER=NUMBER")},
            framework=arguments.framework,
            time_limit=arguments.time_limit,
            listener=listener,
            **more,
        )


def _pairs(words: Sequence[str], form: str) -> Iterator[tuple[str, Any]]:
    from ..reference.arguments import ArgumentError

    seen: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise ArgumentError(f"{word!r} is no {form}")
        if name in seen:
            raise ArgumentError(f"{name} is given twice: {seen[name]} and {word}")
        seen[name] = word
        yield name, _literal(value)


def _literal(text: str) -> Any:
    """A Python literal, such as 0.1, True or (0.9, 0.99); anything else is a string."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _number(name: str, value: Any) -> float:
    from ..reference.arguments import ArgumentError

    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ArgumentError(f"{name} is {value!r}; expected one number")
    return float(value)
