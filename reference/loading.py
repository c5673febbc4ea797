"""Importing what somebody names: a file, or a module by its import path. A file is run to be read, and may raise anything."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import zlib
from functools import cache
from pathlib import Path
from types import ModuleType

from .arguments import nearest


class LoadingError(ValueError):
    """A file or module that cannot be imported; the message says why."""


def module_of(name: str) -> ModuleType:
    """The module of a file (``./lion.py``) or of that import path (``mine.lion``)."""
    if is_file_name(name):
        return module_at(Path(name))
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise LoadingError(f"{_missing(name, error.name or '')}; a file is named with its folder or its ending") from error
    except (Exception, SystemExit) as error:  # whatever somebody's module raises is said of it, and is no error of ours
        raise LoadingError(f"{name} cannot be imported: {type(error).__name__}: {error}") from error


def is_file_name(name: str) -> bool:
    return name.endswith(".py") or "/" in name or os.sep in name


def module_at(path: Path) -> ModuleType:
    """The module that a file holds: the same one each time, and another once the file has changed."""
    if not path.is_file():
        raise LoadingError(f"no file {path}{_hint(path)}")
    resolved = path.resolve()
    state = resolved.stat()
    return _run(resolved, str(path), (state.st_mtime_ns, state.st_size))


@cache
def _run(resolved: Path, shown: str, _: tuple[int, int]) -> ModuleType:
    """By name in sys.modules, too, where dataclasses and pickled values look for it: in every process under the same name."""
    name = f"{resolved.stem}_{zlib.crc32(os.fsencode(resolved)):08x}"
    spec = importlib.util.spec_from_file_location(name, resolved)
    if spec is None or spec.loader is None:
        raise LoadingError(f"{shown} is no Python module: its name does not end with .py")
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(name)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # whatever somebody's file raises is said of it, and is no error of ours
        _put_back(name, before)
        raise LoadingError(f"{shown} cannot be imported: {type(error).__name__}: {error}") from error
    return module


def _put_back(name: str, before: ModuleType | None) -> None:
    del sys.modules[name]
    if before is not None:
        sys.modules[name] = before


def _hint(path: Path) -> str:
    if path.is_dir():
        return ": it is a folder; name a file in it"
    beside = {other.name: other for other in path.parent.glob("*.py")}
    near = [str(beside[name]) for name in nearest(path.name, beside)]
    return f". Did you mean {' or '.join(near)}?" if near else ""


def _missing(name: str, lacking: str) -> str:
    if name == lacking or name.startswith(f"{lacking}."):
        return f"no module {lacking}"
    return f"{name} cannot be imported: it needs {lacking}, which is not installed"
