"""Finding adapters: in the folder ``frameworks``, by entry point (``gradspec.adapters``), import path, or file."""

from __future__ import annotations

import importlib
import importlib.metadata
import pkgutil
from functools import cache
from types import ModuleType

from ..reference.arguments import suggest
from ..reference.loading import LoadingError, is_file_name, module_of, module_offered
from . import frameworks as _folder
from .contract import Adapter, Framework
from .errors import AdapterError


def framework_names() -> tuple[str, ...]:
    """The names of all frameworks that are known, installed or not. Imports none of them.

    >>> from gradspec.adapters import framework_names
    >>> {"jax", "pytorch"} <= set(framework_names())
    True
    """
    return tuple(sorted(_here())) + tuple(sorted(set(_points()) - _here()))


@cache
def available() -> tuple[str, ...]:
    """Those among them that the sheet can be held against: they are adapters.

    >>> from gradspec.adapters import available
    >>> "jax" in available(), "keras" in available()
    (True, False)
    """
    return tuple(name for name in framework_names() if isinstance(framework(name), Adapter))


def framework(name: str) -> Framework:
    """The framework of that name (``pytorch``), of that package (``torch``), module (``mine.adapter``) or file.

    >>> from gradspec.adapters import framework
    >>> framework("torch").name
    'pytorch'

    Importing an adapter does not import its framework. Raises AdapterError.
    """
    return _framework_in(_loaded(name) if is_file_name(name) else _module(name), name)


@cache
def _framework_in(module: ModuleType, name: str) -> Framework:
    found = getattr(module, "ADAPTER", None)
    if not isinstance(found, Framework):
        raise AdapterError(f"{name}: the module {module.__name__} has no ADAPTER that is an instance of Adapter or Framework")
    return found


def load(name: str) -> Adapter:
    """The adapter of that name, with natives that the catalogue knows; as ``framework``.

    >>> from gradspec.adapters import load
    >>> [native.name for native in load("pytorch").natives if native.line == "scalar.sigmoid"][0]
    'sigmoid'
    """
    adapter = framework(name)
    if not isinstance(adapter, Adapter):
        raise AdapterError(f"{name}: the sheet cannot be held against it, its optimizers can only be identified")
    _check_natives(name, adapter)
    return adapter


@cache
def _check_natives(name: str, adapter: Adapter) -> None:
    """Every native must name a line and a reading that the catalogue knows, in an expression that parses, and dtypes and modes
    that the adapter has: no other is ever asked for."""
    from ..reference.arguments import ArgumentError
    from ..reference.catalogue import line

    seen = set()
    for native in adapter.natives:
        try:
            line(native.line).reading("printed", **native.claim)
            native.code  # noqa: B018 (compiled for its SyntaxError)
        except (ArgumentError, SyntaxError) as error:
            raise AdapterError(f"adapter {name}, native {native.name}: {error}") from error
        if (native.line, native.name) in seen:
            raise AdapterError(f"adapter {name}: two natives of {native.line} are called {native.name}")
        seen.add((native.line, native.name))
        for kind, names, among in (("dtype", native.dtypes, adapter.dtypes), ("mode", native.modes, _modes(adapter))):
            for unknown in (one for one in names if one not in among):
                raise AdapterError(f"adapter {name}, native {native.name}: no {kind} {unknown!r}.{suggest(unknown, among)}")


def _modes(adapter: Adapter) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*adapter.map_modes, *adapter.optimizer_modes)))


@cache
def _module(name: str) -> ModuleType:
    if name in _here():
        return importlib.import_module(f"{_folder.__name__}.{name}")
    if name in _points():
        return _offered(_points()[name])
    for known in sorted(_here()):
        if framework(known).package == name:
            return importlib.import_module(f"{_folder.__name__}.{known}")
    if "." in name:
        return _loaded(name)
    known = framework_names()
    raise AdapterError(f"unknown adapter {name!r}.{suggest(name, known)} Or give a module or a file that holds ADAPTER.")


@cache
def _here() -> frozenset[str]:
    return frozenset(module.name for module in pkgutil.iter_modules(_folder.__path__))


@cache
def _points() -> dict[str, importlib.metadata.EntryPoint]:
    return {point.name: point for point in importlib.metadata.entry_points(group="gradspec.adapters")}


def _offered(point: importlib.metadata.EntryPoint) -> ModuleType:
    try:
        return module_offered(point)
    except LoadingError as error:
        raise AdapterError(str(error)) from error


def _loaded(name: str) -> ModuleType:
    try:
        return module_of(name)
    except LoadingError as error:
        raise AdapterError(str(error)) from error
