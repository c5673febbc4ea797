"""Importing what somebody names: a file, or a module by its import path. A file is run to be read, and may raise anything."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import zlib
from functools import cache
from importlib.metadata import EntryPoint
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


def module_offered(point: EntryPoint) -> ModuleType:
    """The module that an entry point of an installed package names."""
    name = f"the entry point {point.name} = {point.value!r}" + (f" of {point.dist.name}" if point.dist else "")
    try:
        module = point.load()
    except (Exception, SystemExit) as error:  # whatever somebody's module raises is said of it, and is no error of ours
        raise LoadingError(f"{name} cannot be imported: {type(error).__name__}: {error}") from error
    if not isinstance(module, ModuleType):
        raise LoadingError(f"{name} is no module: let it name the module, not what is in it")
    return module


def is_file_name(name: str) -> bool:
    return name.endswith(".py") or "/" in name or os.sep in name


def module_at(path: Path) -> ModuleType:
    """The module that a file holds: the same one each time, and another once the file has changed."""
    if not path.is_file():
        raise LoadingError(f"no file {path}{_hint(path)}")
    resolved = path.resolve()
    if importlib.util.spec_from_file_location(_name(resolved), resolved) is None:
        raise LoadingError(f"{path} is no Python module: its name does not end with .py")
    state = resolved.stat()
    try:
        return _run(resolved, (state.st_mtime_ns, state.st_size))
    except (Exception, SystemExit) as error:  # whatever somebody's file raises is said of it, and is no error of ours
        raise LoadingError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error


def _name(resolved: Path) -> str:
    """The file's name in sys.modules, where dataclasses and pickled values look for it: the same in every process."""
    return f"{resolved.stem}_{zlib.crc32(os.fsencode(resolved)):08x}"


@cache
def _run(resolved: Path, _: tuple[int, int]) -> ModuleType:
    spec = importlib.util.spec_from_file_location(_name(resolved), resolved)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(spec.name)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        _put_back(spec.name, before)
        raise
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
