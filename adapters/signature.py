"""What a callable says of its own arguments, sorted as a box wants them: numbers, the rate, and what stays as it is."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Collection, Mapping, MutableMapping
from dataclasses import dataclass, field
from functools import partial
from numbers import Real
from typing import Any, TypeGuard

from ..reference.arguments import suggest
from .box import RATE_NAMES
from .errors import BoxError

_NONE = inspect.Parameter.empty
_ELEMENT = re.compile(r"(.+)\[(\d+)\]$")


@dataclass(frozen=True)
class Signature:
    """The arguments of ``target`` after its first ``skipped``, with what was given for them in place of their defaults.

    ``values``: by name, a number, a tuple, or anything else. ``required``: those that have no value yet, the rate left out.
    ``rate_name``: the argument that is the rate, or "". ``told``: what was given, or bound by ``functools.partial``.
    ``as_rate``: what a rate is handed over as.
    """

    target: Callable[..., Any]
    values: Mapping[str, Any]
    required: tuple[str, ...]
    rate_name: str
    told: frozenset[str] = field(default_factory=frozenset)
    positional_only: tuple[str, ...] = ()
    as_rate: Callable[[float], Any] = float

    @property
    def arguments(self) -> dict[str, float]:
        """The numbers but the rate, ``betas[0]`` for the first of a pair."""
        return {path: number for path, number in numbers(self.values).items() if path != self.rate_name}

    @property
    def rate(self) -> float | None:
        rate = self.values.get(self.rate_name)
        return float(rate) if is_number(rate) else None

    @property
    def flags(self) -> dict[str, Any]:
        """What was given and is no number."""
        return {name: value for name, value in self.values.items() if name in self.told and not numbers({name: value})}

    def started_at(self, default: float = 0.125) -> float:
        """A rate to try it with."""
        return default if self.rate is None else self.rate

    def call(self, *first: Any, rate: float, arguments: Mapping[str, float]) -> Any:
        """The target on its first arguments, with numbers in place of its values; what nobody has named keeps its default.

        Raises BoxError for a number that the target does not take or that it lacks.
        """
        taken = {name: self.values[name] for name in self.told}
        for path, number in arguments.items():
            name, index = _parsed(path)
            _check_known(self.target, path, name, [*self.values, *self.required])
            taken[name] = _with_number(path, taken.get(name, self.values.get(name, _NONE)), index, number)
        if self.rate_name:
            taken[self.rate_name] = self.as_rate(rate)
        if missing := [name for name in self.required if name not in taken]:
            raise BoxError(f"{named(self.target)} needs {', '.join(missing)}: say {missing[0]}=… with it")
        positional = [taken.pop(name) for name in self.positional_only if name in taken]
        return self.target(*first, *positional, **taken)


def signature(
    target: Callable[..., Any],
    given: Mapping[str, Any],
    skipped: int = 1,
    closed: bool = False,
    passed: Collection[str] = (),
) -> Signature:
    """Raises BoxError for a given argument that the target does not have, naming the nearest, or cannot mean.

    ``closed``: a ``**kwargs`` of the target takes nothing more, as in Keras, where it is there for old names only.
    ``passed``: what a class hands to the classes above it by itself, so that it is no argument of its own.
    """
    parameters, is_open = _parameters(target, passed)
    parameters = dict(list(parameters.items())[skipped:])
    values = {name: p.default for name, p in parameters.items() if p.default is not _NONE}
    rate_name = next((name for name in RATE_NAMES if name in parameters), "")
    told = set(getattr(target, "keywords", {})) & set(values)
    for path, value in given.items():
        name, index = _parsed(path)
        if closed or not is_open:
            _check_known(target, path, name, list(parameters), rate_name)
        if name == rate_name:
            check_rate(path, value)
        values[name] = _with_value(path, values.get(name, _NONE), index, value)
        told.add(name)
    if rate_name in told and is_number(values[rate_name]):  # bound by a partial, perhaps as a schedule
        check_rate(rate_name, values[rate_name])
    required = tuple(name for name in parameters if name not in values and name != rate_name)
    positional_only = tuple(name for name, p in parameters.items() if p.kind is p.POSITIONAL_ONLY)
    return Signature(target, values, required, rate_name, frozenset(told), positional_only)


def check_rate(name: str, value: Any) -> None:
    """Raise BoxError for a rate that is given and that nobody could step with."""
    if not is_number(value):
        raise BoxError(f"{name}={value!r}: expected a number; it is given another rate at every step")
    if not 0 < value < math.inf:
        along = " (to step along the gradient, let the box negate it, or give what it has for that, such as maximize=True)"
        raise BoxError(
            f"{name}={value!r} is no rate to step with: give a finite number above 0, such as {name}=0.001, or leave it out"
            f"{along if value < 0 else ''}"
        )


def is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, Real) and not isinstance(value, bool)


def numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """The numbers among values and in tuples among them, by path."""
    found = {}
    for name, value in values.items():
        if is_number(value):
            found[name] = float(value)
        elif isinstance(value, tuple | list):
            found.update({f"{name}[{i}]": float(element) for i, element in enumerate(value) if is_number(element)})
    return found


def first_parameter(target: Callable[..., Any]) -> str:
    """The name of the first argument, if it can be given by position; else ""."""
    found = _first(target)
    return found.name if found else ""


def first_annotation(target: Callable[..., Any]) -> str:
    """What the first argument is annotated as."""
    found = _first(target)
    if found is None or found.annotation is _NONE:
        return ""
    return found.annotation if isinstance(found.annotation, str) else inspect.formatannotation(found.annotation)


def _first(target: Callable[..., Any]) -> inspect.Parameter | None:
    try:
        found = next(iter(_parameters(target)[0].values()), None)
    except BoxError:
        return None
    return found if found and found.kind is not found.KEYWORD_ONLY else None


def makes(target: Callable[..., Any], kind: type) -> bool:
    """Whether a callable is seen, without a call, to make a ``kind``: a subclass, a partial of one, or annotated so."""
    if isinstance(target, type):
        return issubclass(target, kind)
    if isinstance(target, partial):
        return makes(target.func, kind)
    returned = getattr(target, "__annotations__", {}).get("return")
    return isinstance(returned, type) and issubclass(returned, kind)


def takes_a_rate_only(target: Callable[..., Any]) -> bool:
    """Whether a function can be called with nothing but a learning rate, as factories of optimizers can."""
    if isinstance(target, type):
        return False
    try:
        required = [name for name, p in _parameters(target)[0].items() if p.default is _NONE]
    except BoxError:
        return False
    return required == [] or (len(required) == 1 and required[0] in RATE_NAMES)


def settled(known: Signature, look: Callable[[Mapping[str, float]], Mapping[str, float]]) -> dict[str, float]:
    """The numbers that what is made holds although its maker does not take them, such as the momentum of ``lambda params, lr:
    SGD(params, lr, momentum=0.9)``. ``look(arguments)`` makes one and reads them off."""
    found = {path: value for path, value in look({}).items() if path not in known.arguments}
    for path, number in known.arguments.items():
        try:
            moved = look({path: number / 2 or 0.5})
        except BoxError:  # out of its range: nothing is learnt
            continue
        found = {key: value for key, value in found.items() if moved.get(key) == value}
    return found


def put(holder: MutableMapping[str, Any], path: str, number: float) -> None:
    """Set a number of ``holder``, or an element of a tuple in it, by path."""
    name, index = _parsed(path)
    holder[name] = _with_number(path, holder[name], index, number)


def _parameters(target: Callable[..., Any], passed: Collection[str] = ()) -> tuple[dict[str, inspect.Parameter], bool]:
    """The named parameters, and whether any other name is taken too. What a class's ``**kwargs`` hand on to the classes
    above it is read there, all but what it has ``passed`` to them itself."""
    try:
        own = inspect.signature(target).parameters
    except ValueError as error:
        raise BoxError(f"{named(target)} has no signature to be read; wrap it in a function with named arguments") from error
    found = {name: p for name, p in own.items() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
    is_open = any(p.kind is p.VAR_KEYWORD for p in own.values())
    made = target.func if isinstance(target, partial) else target
    if is_open and isinstance(made, type):
        bases = [base for base in made.__mro__[1:] if "__init__" in vars(base) and base is not object]
        if bases:
            above, is_open = _parameters(bases[0], passed)
            found |= {name: p for name, p in above.items() if name not in found and name not in passed}
    return found, is_open


def _parsed(path: str) -> tuple[str, int | None]:
    matched = _ELEMENT.match(path)
    return (matched[1], int(matched[2])) if matched else (path, None)


def _check_known(target: Any, path: str, name: str, known: list[str], rate_name: str = "") -> None:
    if name not in known:
        hint = f" Did you mean {rate_name}?" if rate_name and name in RATE_NAMES else suggest(name, known)
        raise BoxError(f"{named(target)} has no argument {path!r}.{hint}")


def _with_value(path: str, default: Any, index: int | None, value: Any) -> Any:
    """A given value in place of a default of the same kind; None and defaults of no kind are left to the target to judge."""
    if index is not None:
        return _with_number(path, default, index, value)
    if default is None or default is _NONE or value is None:
        return value
    if isinstance(default, tuple | list):
        if isinstance(value, tuple | list):
            return type(default)(value) if type(default) in (tuple, list) else tuple(value)
        raise BoxError(f"{path}={value!r}: expected {len(default)} numbers, such as {path}={default!r}")
    if isinstance(default, bool) and not isinstance(value, bool):
        raise BoxError(f"{path}={value!r}: expected True or False")
    if is_number(default) and not is_number(value):
        raise BoxError(f"{path}={value!r}: expected a number, such as {path}={default!r}")
    return value


def _with_number(path: str, value: Any, index: int | None, number: Any) -> Any:
    """A number in place of a value, or of one element of a tuple or list; whole where the value is and the number can be."""
    if not is_number(number):
        raise BoxError(f"{path}={number!r}: expected a number")
    if index is None:
        return int(number) if type(value) is int and float(number).is_integer() else float(number)
    if not isinstance(value, tuple | list) or index >= len(value):
        raise BoxError(f"{path}={number!r}: there is no such element")
    changed = [float(number) if i == index else element for i, element in enumerate(value)]
    return changed if isinstance(value, list) else tuple(changed)


def named(target: Any) -> str:
    """What a callable is called."""
    if isinstance(target, partial):
        return named(target.func)
    return getattr(target, "__qualname__", None) or repr(target)
