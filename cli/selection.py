"""What a user asked for by name, checked before any work; every error names the nearest names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..adapters import available, load
from ..reference import ArgumentError
from ..reference.arguments import suggest


def known(kind: str, names: Iterable[str], among: Iterable[str]) -> tuple[str, ...]:
    """``names``, in their order and once each, all of them ``among`` those that exist.

    Raises ArgumentError.
    """
    among = list(dict.fromkeys(among))
    asked = tuple(dict.fromkeys(names))
    for name in asked:
        if name not in among:
            raise ArgumentError(f"unknown {kind} {name!r}.{suggest(name, among)}")
    return asked


def adapters(names: Sequence[str]) -> tuple[str, ...]:
    """Names that ``adapters.load`` takes, once each; all that are available where nothing is named.

    "torch" becomes "pytorch"; a module or a file stays as it is given. Raises AdapterError.
    """
    if not names:
        return available()
    own = {name: load(name).name for name in names}
    return tuple(dict.fromkeys(own[name] if own[name] in available() else name for name in names))
