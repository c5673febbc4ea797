"""What may stand around an optimizer: it changes what the optimizer is handed, or what becomes of its weights."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType, SimpleNamespace
from typing import Any

from .arguments import ArgumentError, suggest
from .vocabulary import Hyperparameter


def _one_call(h: Any) -> int:
    return 1


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Wrapper:
    """A state and a pure step around any optimizer.

    ``start(xp, w, h)`` gives the state before the first call. ``around(xp, w, g, state, alpha, h, step)`` gives (new w, new
    state) for one call with gradient ``g`` and rate ``alpha``; ``step(w, g, alpha)`` takes a step of the optimizer from weights
    ``w`` and gives the new ones. ``h`` has the ``parameters`` as attributes, and ``calls(h)`` says how many calls one step of
    the optimizer takes. ``says`` is what it is, for people, with the values of its parameters in braces.
    """

    id: str
    says: str
    source: str
    parameters: tuple[Hyperparameter, ...] = ()
    start: Callable[..., Any]
    around: Callable[..., tuple[Any, Any]]
    calls: Callable[[Any], int] = _one_call

    def __repr__(self) -> str:
        return f"<wrapper {self.id}>"

    def parameter(self, name: str) -> Hyperparameter:
        return next(one for one in self.parameters if one.name == name)

    def in_words(self, values: Mapping[str, float]) -> str:
        """What it is with its parameters at these values.

        >>> from gradspec.reference.wrapper import wrappers
        >>> wrappers()["accumulation-of-sum"].in_words({"k": 4})
        'accumulation over 4 calls (sum)'
        """
        return self.says.format(**{name: f"{value:.12g}" for name, value in values.items()})


@dataclass(frozen=True)
class Wrapped:
    """A wrapper at given values of its parameters, as numbers of any arithmetic."""

    wrapper: Wrapper
    h: SimpleNamespace

    def start(self, xp: Any, w: Any) -> Any:
        """The state before the first call."""
        return self.wrapper.start(xp, w, self.h)

    def step(self, xp: Any, w: Any, g: Any, state: Any, alpha: Any, step: Callable[..., Any]) -> tuple[Any, Any]:
        """New weights and new state after one call; ``step(w, g, alpha)`` is that of the optimizer inside."""
        return self.wrapper.around(xp, w, g, state, alpha, self.h, step)


@cache
def wrappers() -> MappingProxyType[str, Wrapper]:
    """The wrappers by id: every one in ``reference/wrappers``, found by looking.

    >>> from gradspec.reference.wrapper import wrappers
    >>> wrappers()["clip-by-value"]
    <wrapper clip-by-value>
    """
    from . import wrappers as folder

    names = sorted(module.name for module in pkgutil.iter_modules(folder.__path__))
    modules = [importlib.import_module(f"{folder.__name__}.{name}") for name in names]
    found = [one for module in modules for one in vars(module).values() if isinstance(one, Wrapper)]
    return MappingProxyType({one.id: one for one in found})


@cache
def around(outer: Wrapper, inner: Wrapper) -> Wrapper:
    """One wrapper that stands around another, as one; they have no parameter name in common.

    >>> from gradspec.reference.wrapper import around, wrapper
    >>> around(wrapper("accumulation-of-sum"), wrapper("clip-by-value")).in_words({"k": 4, "largest": 1})
    'accumulation over 4 calls (sum), and inside of that gradients clipped to ±1'
    """

    def start(xp: Any, w: Any, h: Any) -> tuple[Any, Any]:
        return outer.start(xp, w, h), inner.start(xp, w, h)

    def both(xp: Any, w: Any, g: Any, state: tuple[Any, Any], alpha: Any, h: Any, step: Any) -> tuple[Any, tuple[Any, Any]]:
        kept = state[1]

        def inside(w: Any, g: Any, alpha: Any) -> Any:
            nonlocal kept
            w, kept = inner.around(xp, w, g, kept, alpha, h, step)
            return w

        w, own = outer.around(xp, w, g, state[0], alpha, h, inside)
        return w, (own, kept)

    return Wrapper(
        id=f"{outer.id}{_AROUND}{inner.id}",
        says=f"{outer.says}, and inside of that {inner.says}",
        source=f"{outer.source}; {inner.source}",
        parameters=(*outer.parameters, *inner.parameters),
        start=start,
        around=both,
        calls=lambda h: outer.calls(h) * inner.calls(h),
    )


_AROUND = "+"


def wrapper(id_: str) -> Wrapper:
    """The wrapper of that id; ``a+b`` is the one with id ``a`` around that with id ``b``. Raises ArgumentError."""
    outer, both, inner = id_.partition(_AROUND)
    if both:
        return around(wrapper(outer), wrapper(inner))
    if id_ not in wrappers():
        raise ArgumentError(f"there is no wrapper {id_!r}.{suggest(id_, list(wrappers()))}")
    return wrappers()[id_]
