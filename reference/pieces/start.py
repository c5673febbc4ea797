"""What an average is before the first step: zero, one, the first term that comes in, or a given number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..vocabulary import Axis, Option
from .counting import chosen


@dataclass(frozen=True)
class AtNumber:
    """An average that starts at a number."""

    number: float = 0.0

    def begin(self, zeros: Any, h: Any) -> Any:
        """The average before the first step."""
        return zeros + self.number if self.number else zeros

    def after_first(self, xp: Any, t: Any, term: Any, average: Any) -> Any:
        """The average after step ``t``, of which ``term`` came in."""
        return average


@dataclass(frozen=True)
class AtGiven(AtNumber):
    """An average that starts at the value of a hyperparameter."""

    name: str = ""

    def begin(self, zeros: Any, h: Any) -> Any:
        return zeros + getattr(h, self.name)


@dataclass(frozen=True)
class AtFirst(AtNumber):
    """An average that is, after the first step, the whole of what came in."""

    def after_first(self, xp: Any, t: Any, term: Any, average: Any) -> Any:
        return chosen(xp, t == 1, term, average)


def start_axis(
    name: str,
    symbol: str,
    given: str,
    term: str = "gradient",
    in_matrix: tuple[str, ...] = (),
    more: tuple[Option, ...] = (),
) -> Axis:
    """The axis of the start of one average: ``symbol`` is its name in formulas, ``given`` the hyperparameter that it may start
    at, ``term`` what comes in; ``more`` are further options."""
    options = (
        Option("zero", f"{symbol} starts at zero", rf"{symbol}_0=0", AtNumber()),
        Option("one", f"{symbol} starts at one", rf"{symbol}_0=1", AtNumber(1.0), rare=True),
        Option(
            "first-gradient",
            f"{symbol} starts as the first {term}, not scaled down",
            rf"{symbol}_1={_FIRST.get(term, 'g_1')}",
            AtFirst(),
        ),
        Option(
            "initial-scale", f"{symbol} starts at a constant of one's own", rf"{symbol}_0=s", AtGiven(name=given), needs=given
        ),
    )
    return Axis(name, (*options, *more), "zero", "zero", source=_SOURCE).of(in_matrix=in_matrix)


_FIRST = {"square": "g_1^2", "quotient": r"(g/\sqrt\cdot)_1"}
_SOURCE = (
    "one: RMSProp of TensorFlow 1, whose mean square starts at ones; first-gradient: torch.optim.SGD; "
    "initial-scale: optax.rmsprop(initial_scale), initial_accumulator_value of torch.optim.Adagrad and, 0.1 by default, of "
    "Keras and optax"
)
