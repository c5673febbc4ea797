"""What a decay rate β stands for: how much of an average is kept, or how much of it is new at each step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..vocabulary import Axis, Option


def _as_they_are(h: Any, names: tuple[str, ...]) -> Any:
    return h


@dataclass(frozen=True)
class _Complements:
    """Hyperparameters of which those named are what is missing from 1."""

    hyperparameters: Any
    named: tuple[str, ...]

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.hyperparameters, name)
        return 1 - value if name in self.named else value


class Betas(NamedTuple):
    """The hyperparameters as the averages use them, and as their correction does: each of h and the names of its βs."""

    averaging: Callable[..., Any] = _as_they_are
    correcting: Callable[..., Any] = _as_they_are


BETAS = Axis(
    name="betas",
    options=(
        Option("of-kept", "β is how much of an average is kept", r"V=\beta V+(1-\beta)g", Betas()),
        Option(
            "of-new",
            "β is the weight of what is new in an average: 1-β stands where the field has β",
            r"V=(1-\beta)V+\beta g",
            Betas(_Complements, _Complements),
            in_matrix=False,
            rare=True,
        ),
        Option(
            "of-new-corrected-as-of-kept",
            "β is the weight of what is new in an average, but the correction takes it for what is kept",
            r"V=(1-\beta)V+\beta g,\;\hat V=V/(1-\beta^t)",
            Betas(averaging=_Complements),
            in_matrix=False,
            rare=True,
        ),
    ),
    printed="of-kept",
    standard="of-kept",
    source="of-new: the first version of Kingma & Ba, Adam, https://arxiv.org/abs/1412.6980v1, with β1 = 0.1 and β2 = 0.001, "
    "https://gist.github.com/Newmu/acb738767acb4788bac3 and https://github.com/mila-iqia/blocks/issues/1159; "
    "of-new-corrected-as-of-kept: https://github.com/ryankiros/skip-thoughts/issues/82",
)
