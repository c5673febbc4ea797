"""NAdam's lookahead: Nesterov's step in Adam, with β1 itself or with a schedule μ in its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..vocabulary import Axis, Hyperparameter, Option, Trials
from .correction import Momenta, Rule
from .epsilon import over


def _rising(xp: Any, t: Any, h: Any) -> Any:
    """μ_t = β1 (1 - ½·0.96^(tψ))."""
    if type(h.momentum_decay) is float:
        power = 0.96 ** (t * h.momentum_decay)
    else:
        power = xp.exp(t * h.momentum_decay * xp.log(xp.asarray(0.96)))
    return h.beta1 * (1 - power / 2)


def _steep(xp: Any, t: Any, h: Any) -> Any:
    """The same, where ψ is 1."""
    return h.beta1 * (1 - xp.asarray(0.96) ** t / 2)


def _beta1(xp: Any, t: Any, h: Any) -> Any:
    return h.beta1


class Step(NamedTuple):
    """What a lookahead is made of: the gradient, the average after this step, the count of steps with this one, the product of
    momenta before it, the rule that corrects the average, and the β that it corrects for, where that is not β1."""

    g: Any
    V: Any
    t: Any
    product: Any
    rule: Rule
    beta: Any = None

    def divisor(self, xp: Any, t: Any, h: Any) -> Any:
        """What an average is divided by at step ``t``."""
        return self.rule.divisor(xp, h.beta1 if self.beta is None else self.beta, t)


@dataclass(frozen=True)
class Ahead:
    """``kept(xp, t, h)``: how much of V is kept at a step. ``directions(xp, step, h)``: what is taken off W one by one, before
    it is divided by the root of S, and the product of momenta so far."""

    kept: Callable[..., Any] = _beta1

    def directions(self, xp: Any, step: Step, h: Any) -> tuple[list[Any], Any]:
        return [over(step.V, step.divisor(xp, step.t, h))], step.product


@dataclass(frozen=True)
class ByBeta1(Ahead):
    """Nesterov's step with β1 itself."""

    def directions(self, xp: Any, step: Step, h: Any) -> tuple[list[Any], Any]:
        ahead = over(h.beta1 * step.V, step.divisor(xp, step.t + 1, h))
        return [ahead + over((1 - h.beta1) * step.g, step.divisor(xp, step.t, h))], step.product


@dataclass(frozen=True)
class Averaged(Ahead):
    """What the average will be if g comes again, corrected as the present one."""

    def directions(self, xp: Any, step: Step, h: Any) -> tuple[list[Any], Any]:
        ahead = h.beta1 * step.V + (1 - h.beta1) * step.g
        return [over(ahead, step.divisor(xp, step.t, h))], step.product


@dataclass(frozen=True)
class BySchedule(Ahead):
    """Nesterov's step with a scheduled momentum. Its products are corrected in the manner of the correction axis: in the place
    of 1-β^t stands 1-Π μᵢ, up to step t or t+1."""

    momentum: Callable[..., Any] = _rising

    def directions(self, xp: Any, step: Step, h: Any) -> tuple[list[Any], Any]:
        now, ahead, later = (self.momentum(xp, t, h) for t in (step.t, step.t + 1, step.t + 2))
        of_gradient, of_average, product = step.rule.scheduled(xp, Momenta(now, ahead, later, step.product, step.t - 1 == 0))
        return [over((1 - now) * step.g, of_gradient), over(ahead * step.V, of_average)], product


LOOKAHEAD = Axis(
    name="lookahead",
    options=(
        Option("none", "the step is along the corrected average", does=Ahead()),
        Option(
            "nadam-schedule",
            "Nesterov's step with a rising momentum μ in place of β1",
            r"\mu_t=\beta_1(1-\tfrac12\,0.96^{t\psi}),\;\hat V=\frac{\mu_{t+1}V}{1-\prod_{i\le t+1}\mu_i}"
            r"+\frac{(1-\mu_t)g}{1-\prod_{i\le t}\mu_i}",
            BySchedule(),
            needs="momentum_decay",
        ),
        Option(
            "nadam",
            "Nesterov's step with β1 itself",
            r"\hat V=\frac{\beta_1V}{1-\beta_1^{t+1}}+\frac{(1-\beta_1)g}{1-\beta_1^t}",
            ByBeta1(),
        ),
        Option(
            "nadam-averaged",
            "the average as it will be if g comes again, corrected as the present one",
            r"\hat V=\frac{\beta_1V+(1-\beta_1)g}{1-\beta_1^t}",
            Averaged(),
            in_matrix=False,
            rare=True,
        ),
        Option(
            "nadam-steep-schedule",
            "Nesterov's step with a momentum that rises to β1 within a hundred steps: ψ is 1",
            r"\mu_t=\beta_1(1-\tfrac12\,0.96^t)",
            BySchedule(momentum=_steep),
            in_matrix=False,
            rare=True,
        ),
        Option(
            "nadam-published",
            "as nadam-schedule, but V itself is averaged with μ",
            r"V=\mu_tV+(1-\mu_t)g",
            BySchedule(kept=_rising),
            needs="momentum_decay",
            in_matrix=False,
            rare=True,
        ),
    ),
    printed="none",
    standard="none",
    source="nadam-published: Dozat, Incorporating Nesterov momentum into Adam, ICLR workshop 2016, algorithm 2, "
    "https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ, with the schedule of the report, "
    "http://cs229.stanford.edu/proj2015/054_report.pdf; nadam-schedule: torch.optim.NAdam; "
    "nadam: optax.nadam; nadam-averaged: the NAdamW of https://github.com/mlcommons/algorithmic-efficiency; "
    "nadam-steep-schedule: keras.optimizers.Nadam of Keras 3",
)


def _as_kept(S: Any, h: Any) -> Any:
    return S


def _times_beta2(S: Any, h: Any) -> Any:
    return h.beta2 * S


SECOND = Axis(
    name="second",
    options=(
        Option("as-kept", "S is used as it is kept", r"\hat S=\frac{S}{1-\beta_2^t}", _as_kept),
        Option(
            "times-beta2",
            "S is multiplied by β2 once more where it is used",
            r"\hat S=\frac{\beta_2S}{1-\beta_2^t}",
            _times_beta2,
            in_matrix=False,
            rare=True,
        ),
    ),
    printed="as-kept",
    standard="as-kept",
    source="times-beta2: Dozat 2016, algorithm 2; as-kept: every library; optax's scale_by_adam says of the factor: 'It is "
    "unclear why. Other Nadam implementations also omit' it",
)

MOMENTUM_DECAY = Hyperparameter(
    "momentum_decay",
    "ψ of the momentum schedule, dimensionless",
    0.004,
    aliases=("schedule_decay", "psi", "initial_decay"),
    trials=Trials.at(0.004),
)
