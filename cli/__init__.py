"""The command line, one file a command. A command's module imports what it needs when it runs, so that help is at once."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any, NoReturn

from gradspec import __version__

from .status import BAD_INPUT, FINE, INTERRUPTED

# Each names a module of this folder with SUMMARY, EXAMPLES, arguments(parser) and run(arguments) -> exit status.
COMMANDS = ("lines", "explain", "identify", "port", "defaults", "report", "show", "diff")

MORE = "`gradspec COMMAND --help` says what a command takes, with examples. Begin with: gradspec identify torch.optim.Adam"
DISTRIBUTIONS = {"flint": "python-flint", "pebble": "Pebble"}  # what installs a module of another name


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; the exit status is returned."""
    arguments = _parsed(sys.argv[1:] if argv is None else argv)
    try:
        _load(getattr(arguments, "formula", ()))
        status = arguments.run(arguments)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        return _reader_gone()
    except KeyboardInterrupt:
        return INTERRUPTED
    except ModuleNotFoundError as error:
        return _missing(arguments.command, error)
    except ValueError as error:
        if not isinstance(error, _expected()):
            raise
        return _complain(str(error))


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(
        prog="gradspec", description="What a sheet of formulas says, what frameworks do, and where they differ.", epilog=MORE
    )
    whole.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        command = importlib.import_module(f".{name}", __name__)
        one = commands.add_parser(name, **_help(command))
        command.arguments(one)
        one.set_defaults(run=command.run, parser=one)
    return whole


def _help(command: ModuleType) -> dict[str, Any]:
    """What ``--help`` says of a command: its summary, its docstring, and its examples as they stand."""
    examples = "".join(f"  {example}\n" for example in command.EXAMPLES)
    return {
        "help": command.SUMMARY,
        "description": command.__doc__,
        "epilog": f"examples:\n{examples}",
        "formatter_class": argparse.RawDescriptionHelpFormatter,
    }


def _parsed(argv: Sequence[str]) -> argparse.Namespace:
    """What the command line says; a command or an option that there is not ends the program, and the nearest ones are named."""
    whole = parser()
    command = next((word for word in argv if not word.startswith("-")), COMMANDS[0])
    if command not in COMMANDS:
        whole.error(f"unknown command {command!r}.{_suggest(command, COMMANDS)}")
    arguments, unknown = whole.parse_known_args(argv)
    for word in unknown:
        _refuse(word, arguments.parser)
    return arguments


def _refuse(word: str, command: argparse.ArgumentParser) -> NoReturn:
    option = word.partition("=")[0]
    if option.startswith("-"):
        command.error(f"unknown option {option}.{_suggest(option, command._option_string_actions)}")
    command.error(f"unexpected argument {word!r}; arguments stand together, before or behind the options")


def _suggest(wrong: str, known: Iterable[str]) -> str:
    from ..reference.arguments import suggest

    return suggest(wrong, known)


def _load(formulas: Sequence[str]) -> None:
    if formulas:
        from ..reference import load_formulas

        load_formulas(*formulas)


def _expected() -> tuple[type[ValueError], ...]:
    """The errors that are the caller's, not ours: they are said in one line."""
    from ..adapters.errors import AdapterError, BoxError
    from ..reference import ArgumentError, FormulaError

    # a findings file's error exists only once its module is loaded, which needs more than NumPy
    store = sys.modules.get("gradspec.reports.store")
    return (AdapterError, ArgumentError, BoxError, FormulaError, *([store.FindingsFileError] if store else []))


def _complain(message: str) -> int:
    print(f"gradspec: error: {message}", file=sys.stderr)
    return BAD_INPUT


def _missing(command: str, error: ModuleNotFoundError) -> int:
    if (error.name or "").startswith("gradspec"):
        raise error
    distribution = DISTRIBUTIONS.get(error.name or "", error.name)
    return _complain(f"`gradspec {command}` needs {error.name}, which is not installed: pip install {distribution}")


def _reader_gone() -> int:
    # as in `gradspec lines | head -1`; without this Python complains once more when it closes stdout
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FINE
