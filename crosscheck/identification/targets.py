"""From what a user names to a black box: an import path, a file, or an object at hand."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from ...adapters.box import Box
from ...adapters.contract import Framework
from ...adapters.discovery import framework, framework_names
from ...adapters.errors import BoxError
from ...reference.arguments import nearest, suggest
from ...reference.loading import LoadingError, module_at

PLAIN = "plain"  # the framework that takes any callable, and so is asked last


def boxed(target: Any, given: Mapping[str, Any] | None = None, asked: str = "", name: str = "") -> Box:
    """``target`` as a box; see ``box_of``. Raises BoxError where it is no optimizer."""
    if (box := box_of(target, given, asked, name)) is not None:
        return box
    raise BoxError(
        f"{name or called(target)} is no optimizer that can be identified: {asked or 'no framework'} "
        f"{'does not know' if asked else 'knows'} it. Give a torch.optim.Optimizer class, an "
        "optax factory, a Keras or MLX optimizer, or a callable make(weights, **hyperparameters) whose result has "
        "step(gradient, learning_rate)"
    )


def box_of(target: Any, given: Mapping[str, Any] | None = None, asked: str = "", name: str = "") -> Box | None:
    """``target`` as a box: an object, or the name of one (see ``named``), with the arguments ``given`` for it; None where no
    framework takes it for an optimizer. ``asked`` is the framework to take it for; else each that is installed is asked."""
    if isinstance(target, Box):
        return target
    if isinstance(target, str):
        target, name = named(target), name or target
    names = (asked,) if asked else tuple(sorted(framework_names(), key=lambda known: known == PLAIN))
    for known in names:
        candidate = framework(known)
        if candidate.installed() and (box := candidate.box(target, name or called(target), dict(given or {}))) is not None:
            return box
    return None


def called(target: Any) -> str:
    """What an object is called in messages."""
    if isinstance(target, str):
        return target
    return getattr(target, "__qualname__", "") or getattr(target, "__name__", "") or type(target).__qualname__


def named(path: str) -> Any:
    """The object at ``package.module.attribute``, ``package.module:attribute`` or ``./file.py:attribute``. Raises BoxError."""
    head, colon, attribute = path.rpartition(":")
    if colon and (head.endswith(".py") or "/" in head):
        return _attribute(_from_file(Path(head)), attribute, head)
    if path.endswith(".py"):
        raise BoxError(f"{path} is a file; name what it holds: {path}:make")
    if colon:
        return _attribute(_imported(head), attribute, head)
    return _walked(path)


def _walked(path: str) -> Any:
    """The object at a dotted path, of which the longest part that is a module is imported."""
    parts = path.split(".")
    if len(parts) < 2:
        raise BoxError(f"{path!r} names no object; write package.module.Name, package.module:Name or ./file.py:name")
    root = _imported(parts[0])
    found: Any = root
    for depth, part in enumerate(parts[1:], start=1):
        where = ".".join(parts[:depth])
        if isinstance(found, ModuleType) and not hasattr(found, part) and _is_module(f"{where}.{part}"):
            _imported(f"{where}.{part}")
        found = _attribute(found, part, where)
    return found


def _is_module(path: str) -> bool:
    try:
        return importlib.util.find_spec(path) is not None
    except (ImportError, ValueError):  # what is inside of a module that is no package
        return False


def _attribute(owner: Any, path: str, where: str) -> Any:
    for part in path.split("."):
        if not hasattr(owner, part):
            known = [name for name in dir(owner) if not name.startswith("_")]
            hint = suggest(part, known) if len(known) < 20 else _near(part, known)
            raise BoxError(f"{where} has no {part!r}.{hint}")
        owner = getattr(owner, part)
    return owner


def _near(part: str, known: list[str]) -> str:
    same = [name for name in known if name.lower() == part.lower()]
    return suggest(same[0], same) if same else suggest(part, known) if nearest(part, known) else ""


def _imported(module: str) -> ModuleType:
    root = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != root:
            raise BoxError(f"{module} cannot be imported: it needs {error.name}, which is not installed") from error
        owner = _owner(root)
        install = f": {owner.install_command()}" if owner else ""
        raise BoxError(f"{error.name} is not installed or not on the path{install}") from error
    except (Exception, SystemExit) as error:  # whatever somebody's module raises is said of it, and is no error of ours
        raise BoxError(f"{module} cannot be imported: {type(error).__name__}: {error}") from error


def _owner(package: str) -> Framework | None:
    """The framework that a top-level package belongs to."""
    for name in framework_names():
        one = framework(name)
        if package in {one.package, *(module.partition(".")[0] for module in one.modules.values())}:
            return one
    return None


def _from_file(path: Path) -> ModuleType:
    try:
        return module_at(path)
    except LoadingError as error:
        raise BoxError(str(error)) from error
