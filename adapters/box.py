"""A black box: an optimizer of which nothing is known but how to make it, feed it and read its weights.

A box is made as often as is needed; each time it goes through a ``Run`` of its own. Nothing here imports a framework.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .errors import Unsupported

RATE_NAMES = ("learning_rate", "lr", "step_size", "rate", "stepsize")


class Run(ABC):
    """One run of a box: made from initial weights, fed gradients step by step, open loop."""

    @abstractmethod
    def step(self, gradients: Sequence[np.ndarray | None], rate: float) -> None:
        """One step: a gradient for each weight array, None where it has none (Unsupported if a box cannot take that).

        ``rate`` is the step size of this step; a box whose rate cannot change gets the one that it was made with.
        """

    @abstractmethod
    def weights(self) -> list[np.ndarray]:
        """The weight arrays as they are now, as NumPy copies in the shapes and the dtype that the box has made of them."""

    def changed(self) -> tuple[str, ...]:
        """What the last step did to its surroundings: of "gradients" and "weights", those arrays that were handed in and that
        the box has changed in place."""
        return ()

    def advice(self) -> str:
        """What to write where no step has changed the weights: a sentence for the message about it; "" for nothing to say."""
        return ""

    def save(self) -> Any:
        """The state, in the box's own form, such as a state_dict; never changed by later steps."""
        raise Unsupported("the box has no state that can be saved")

    def restore(self, saved: Any) -> None:
        """Go on from a saved state, in this run or in a new one of the same weights."""
        raise Unsupported("the box has no state that can be restored")

    def add(self, weights: np.ndarray) -> None:
        """Give the box one more weight array, as it stands, to be stepped from now on."""
        raise Unsupported("the box takes no weights after its start")


@dataclass(frozen=True, kw_only=True)
class Box(ABC):
    """An optimizer that can be made anew.

    ``arguments`` are its numeric arguments by its own names (``betas[0]`` for the first of a pair), with the values they have
    if nothing else is said: its defaults, or what was given for it; all but the rate. ``required`` are those of them that have
    no default. ``rate`` is its own rate, if it has one. ``flags`` are the other arguments that were given or that have
    defaults worth knowing, such as ``amsgrad=True``: they stay as they are. ``rate_changes`` is false where the rate is
    settled when the box is made, ``several`` where it takes more than one weight array. ``framework``
    and ``versions`` say whose it is.
    """

    name: str
    framework: str = "numpy"
    versions: Mapping[str, str] = field(default_factory=dict)
    arguments: Mapping[str, float] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    rate: float | None = None
    flags: Mapping[str, Any] = field(default_factory=dict)
    dtypes: tuple[str, ...] = ("float64", "float32", "bfloat16", "float16")
    rate_changes: bool = True
    several: bool = True

    @abstractmethod
    def start(self, weights: Sequence[np.ndarray], rate: float, arguments: Mapping[str, float]) -> Run:
        """A new run from ``weights``, of which it gets copies, with ``arguments`` by the box's own names in place of its
        values."""
