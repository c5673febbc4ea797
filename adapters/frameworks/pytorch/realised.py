"""Readings as real torch optimizers: the formula's own start and update, in a subclass of ``torch.optim.Optimizer``.

Importing this module imports torch.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, ClassVar

import torch

from ....reference.arguments import scalar_in, suggest
from ....reference.catalogue import line
from ....reference.formula import Configured
from ....reference.formula import Optimizer as Formula
from ....reference.vocabulary import Hyperparameter, Reading
from .arrays import Namespace

_XP = Namespace()


class Realised(torch.optim.Optimizer):
    """What all of them share; a subclass has its formula, its reading and the hyperparameters that the reading uses."""

    formula: ClassVar[Formula]
    reading: ClassVar[Reading]
    hyperparameters: ClassVar[tuple[Hyperparameter, ...]]
    state_class: ClassVar[type]

    def __init__(self, params: Iterable[Any], lr: float, **hyper: float):
        defaults = {h.name: h.default for h in self.hyperparameters}
        if unknown := sorted(set(hyper) - set(defaults)):
            raise TypeError(f"{type(self).__name__} has no argument {unknown[0]!r}.{suggest(unknown[0], ['lr', *defaults])}")
        super().__init__(params, {"lr": lr, **defaults, **hyper})

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        settings = {**self.defaults, **param_group}
        scalar_in("lr", settings["lr"], 0.0, float("inf"))
        for h in self.hyperparameters:
            scalar_in(h.name, settings[h.name], h.low, h.high)
        super().add_param_group(param_group)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One step of every parameter that has a gradient; gives the closure's loss, if there is a closure."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            hyper = {h.name: float(group[h.name]) for h in self.hyperparameters}
            line = self.formula.configured(hyper, self.reading)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, float(group["lr"]), line)
        return loss

    def _update(self, parameter: torch.Tensor, rate: float, line: Configured) -> None:
        assert parameter.grad is not None
        if parameter.grad.is_sparse:
            raise RuntimeError(f"{type(self).__name__} takes no sparse gradients")
        # copies: a state may keep what it is given, and both are overwritten in place outside of it
        w, g = parameter.clone(), parameter.grad.clone()
        held = self.state[parameter]
        before = self.state_class(**held) if held else line.start(_XP, w)
        after, state = line.step(_XP, w, g, before, rate)
        parameter.copy_(after)
        held.update(state._asdict())

    def __reduce_ex__(self, protocol: Any) -> Any:
        """For pickle and copy: the class is made anew by what it is of, since no module holds it."""
        if type(self) is not realised(self.formula, self.reading):
            return super().__reduce_ex__(protocol)
        return _unmade, (self.formula.id, self.reading), self.__getstate__()

    def __repr__(self) -> str:
        return f"{super().__repr__()}\n{self.formula.id}: {self.reading}"


@cache
def realised(formula: Formula, reading: Reading) -> type[Realised]:
    """A reading of an optimizer line as a class of torch optimizers, the same class each time."""
    name = _class_name(formula, reading)
    used = formula.used_by(reading)
    body = {
        "__module__": __name__,
        "__qualname__": name,
        "__doc__": f"{formula.title}: {reading}.\n\n{_meanings(formula, reading)}",
        "__init__": _constructor(used),
        "formula": formula,
        "reading": reading,
        "hyperparameters": used,
        "state_class": type(formula.configured({}, reading).start(_XP, torch.zeros((1, 1)))),
    }
    return type(name, (Realised,), body)


def _constructor(used: Iterable[Hyperparameter]) -> Callable[..., None]:
    """A constructor that shows its arguments and their defaults."""

    def __init__(self: Realised, params: Iterable[Any], lr: float, **hyper: float) -> None:  # noqa: N807 (it is one)
        Realised.__init__(self, params, lr, **hyper)

    shown = inspect.Parameter
    first = [shown(name, shown.POSITIONAL_OR_KEYWORD) for name in ("self", "params", "lr")]
    rest = [shown(h.name, shown.KEYWORD_ONLY, default=h.default) for h in used]
    __init__.__signature__ = inspect.Signature([*first, *rest])  # pyright: ignore[reportFunctionMemberAccess]
    return __init__


def _class_name(formula: Formula, reading: Reading) -> str:
    kinds = {formula.printed: "Printed", formula.standard: "Standard"}
    return kinds.get(reading, "Other") + formula.name.title().replace("_", "")


def _meanings(formula: Formula, reading: Reading) -> str:
    return "\n".join(f"{axis.name}: {axis.option(reading[axis.name]).meaning}" for axis in formula.axes)


def _unmade(formula_id: str, reading: Reading) -> Realised:
    """An optimizer of that reading, to be given its state."""
    formula = line(formula_id)
    assert isinstance(formula, Formula)
    kind = realised(formula, reading)
    return kind.__new__(kind)


__all__ = ["Realised", "realised"]
