"""The command line, one file a command. A command's module imports what it needs when it runs, so that help is at once."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from .status import BAD_INPUT, FINE, INTERRUPTED

# Each names a module of this folder with SUMMARY, arguments(parser) and run(arguments) -> exit status.
COMMANDS = ("lines", "explain", "identify", "port", "defaults", "report", "show", "diff")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; the exit status is returned."""
    arguments = parser().parse_args(argv)
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
        prog="gradspec", description="What a sheet of formulas says, what frameworks do, and where they part."
    )
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        command = importlib.import_module(f".{name}", __name__)
        one = commands.add_parser(name, help=command.SUMMARY, description=command.__doc__)
        command.arguments(one)
        one.set_defaults(run=command.run)
    return whole


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
    return _complain(f"`gradspec {command}` needs {error.name}, which is not installed: pip install 'gradspec[report]'")


def _reader_gone() -> int:
    # as in `gradspec lines | head -1`; without this Python complains once more when it closes stdout
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FINE
