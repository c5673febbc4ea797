"""The correction of averages that start at zero: what each is divided by at a step, and whether the quotient is stored."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from ..vocabulary import Axis, Coincidence, Option
from .counting import chosen
from .epsilon import over


class Momenta(NamedTuple):
    """A scheduled momentum μ at this step, the next and the one after it; their ``product`` over the steps before this one;
    and whether this is the ``first`` step."""

    now: Any
    ahead: Any
    later: Any
    product: Any
    first: Any


class Rule(NamedTuple):
    """``divisor(xp, beta, t)``: what an average is divided by at step t, None for nothing. ``scheduled(xp, momenta)``: for a
    scheduled momentum, what the gradient and what the average is divided by in a lookahead, and the product so far."""

    divisor: Callable[..., Any]
    scheduled: Callable[..., tuple[Any, Any, Any]]


def _nothing(xp: Any, beta: Any, t: Any) -> None:
    return None


def _scheduled_nothing(xp: Any, m: Momenta) -> tuple[Any, Any, Any]:
    return None, None, m.product * m.now


def _power_of_complement(xp: Any, beta: Any, t: Any) -> Any:
    return (1 - beta) ** t


def _scheduled_power_of_complement(xp: Any, m: Momenta) -> tuple[Any, Any, Any]:
    product = m.product * (1 - m.now)
    return product, product * (1 - m.ahead), product


def _complement_of_power(xp: Any, beta: Any, t: Any) -> Any:
    return 1 - beta**t


def _scheduled_complement_of_power(xp: Any, m: Momenta) -> tuple[Any, Any, Any]:
    product = m.product * m.now
    return 1 - product, 1 - product * m.ahead, product


def _complement(xp: Any, beta: Any, t: Any) -> Any:
    return 1 - beta


def _scheduled_complement(xp: Any, m: Momenta) -> tuple[Any, Any, Any]:
    return 1 - m.now, 1 - m.ahead, m.product * m.now


def _count_from_zero(xp: Any, beta: Any, t: Any) -> Any:
    # dividing by 1-β^0, V/0 over √(S/0) + ε is not a number, whatever V and S are
    return chosen(xp, t - 1 == 0, math.nan, 1 - beta ** (t - 1))


def _scheduled_count_from_zero(xp: Any, m: Momenta) -> tuple[Any, Any, Any]:
    product = m.product * m.now
    return chosen(xp, m.first, math.nan, 1 - m.product), 1 - product, product


def _count_from_zero_guarded(xp: Any, beta: Any, t: Any) -> Any:
    return chosen(xp, t - 1 == 0, 1.0, 1 - beta ** (t - 1))


def _scheduled_count_from_zero_guarded(xp: Any, m: Momenta) -> tuple[Any, Any, Any]:
    product = m.product * m.now
    return chosen(xp, m.first, 1.0, 1 - m.product), 1 - product, product


def _count_from_two(xp: Any, beta: Any, t: Any) -> Any:
    return 1 - beta ** (t + 1)


def _scheduled_count_from_two(xp: Any, m: Momenta) -> tuple[Any, Any, Any]:
    product = m.product * m.now
    return 1 - product * m.ahead, 1 - product * m.ahead * m.later, product


class Correction(NamedTuple):
    """The rule for the first moment and the one for the second; whether what they divide by is multiplied over the steps."""

    first: Rule
    second: Rule
    compounds: bool = False

    def after(self, first: Any, second: Any) -> Correction:
        """The rules of a step before which the moments were divided by so much."""
        return Correction(_times(self.first, first), _times(self.second, second)) if self.compounds else self


def _times(rule: Rule, factor: Any) -> Rule:
    def divisor(xp: Any, beta: Any, t: Any) -> Any:
        return factor * rule.divisor(xp, beta, t)

    def scheduled(xp: Any, m: Momenta) -> tuple[Any, Any, Any]:
        of_gradient, of_average, product = rule.scheduled(xp, m)
        return factor * of_gradient, factor * of_average, product

    return Rule(divisor, scheduled)


_NOTHING = Rule(_nothing, _scheduled_nothing)
_STANDARD = Rule(_complement_of_power, _scheduled_complement_of_power)


def _both(rule: Rule) -> Correction:
    return Correction(rule, rule)


def coincidences(axes: tuple[Axis, ...], order: str) -> tuple[Coincidence, ...]:
    """What is one function with the correction of a line with these axes, ``order`` among them: what is not a number is so
    whatever else is chosen, and where S is not corrected nothing comes before its correction."""
    others = (axis for axis in axes if axis.name != CORRECTION.name)
    not_a_number = (Coincidence(axis.name, axis.standard, {CORRECTION.name: ("count-from-zero",)}) for axis in others)
    first = tuple(Coincidence(order, "after-correction", SECOND_AS_IT_IS) for axis in axes if axis.name == order)
    return (*not_a_number, *first)


SECOND_AS_IT_IS = {"correction": ("none", "first-only")}

CORRECTION = Axis(
    name="correction",
    options=(
        Option(
            "power-of-complement",
            "divide by (1-β)^t",
            r"\hat V=V/(1-\beta_1)^t",
            _both(Rule(_power_of_complement, _scheduled_power_of_complement)),
        ),
        Option("complement-of-power", "divide by 1-β^t", r"\hat V=V/(1-\beta_1^t)", _both(_STANDARD)),
        Option("none", "use the averages as they are", r"\hat V=V", _both(_NOTHING)),
        Option(
            "first-only",
            "divide V only by 1-β^t",
            r"\hat V=V/(1-\beta_1^t),\;\hat S=S",
            Correction(_STANDARD, _NOTHING),
            in_matrix=False,
            rare=True,
        ),
        Option(
            "second-only",
            "divide S only by 1-β^t",
            r"\hat V=V,\;\hat S=S/(1-\beta_2^t)",
            Correction(_NOTHING, _STANDARD),
            in_matrix=False,
            rare=True,
        ),
        Option(
            "complement",
            "divide by 1-β, at every step",
            r"\hat V=V/(1-\beta_1)",
            _both(Rule(_complement, _scheduled_complement)),
            in_matrix=False,
            rare=True,
        ),
        Option(
            "count-from-zero",
            "divide by 1-β^(t-1): the first step is 0/0, and the weights are NaN from there on",
            r"\hat V=V/(1-\beta_1^{t-1})",
            _both(Rule(_count_from_zero, _scheduled_count_from_zero)),
            in_matrix=False,
            rare=True,
        ),
        Option(
            "count-from-zero-guarded",
            "divide by 1-β^(t-1), but at the first step by nothing",
            r"\hat V=V/(1-\beta_1^{t-1}),\;\hat V_1=V_1",
            _both(Rule(_count_from_zero_guarded, _scheduled_count_from_zero_guarded)),
            in_matrix=False,
            rare=True,
        ),
        Option(
            "count-from-two",
            "divide by 1-β^(t+1)",
            r"\hat V=V/(1-\beta_1^{t+1})",
            _both(Rule(_count_from_two, _scheduled_count_from_two)),
            in_matrix=False,
            rare=True,
        ),
    ),
    printed="complement-of-power",
    standard="complement-of-power",
    source="Kingma & Ba, Adam: a method for stochastic optimization, ICLR 2015, algorithm 1 and section 3; none: MLX; "
    "first-only, second-only: optax.amsgrad(bias_correction_mu, bias_correction_nu); "
    "complement: https://github.com/eriklindernoren/ML-From-Scratch/issues/35; "
    "count-from-zero: https://github.com/deeplearning4j/nd4j/pull/1227, https://github.com/ooples/AiDotNet/pull/702; "
    "count-from-two: https://github.com/cs231n/cs231n.github.io/issues/179",
)


COMPOUNDING = Option(
    "compounding",
    "divide by the product of all 1-β^i so far: the correction is made anew at each step of what was corrected before",
    r"\hat V=V/\prod_{i\le t}(1-\beta_1^i)",
    Correction(_STANDARD, _STANDARD, compounds=True),
    in_matrix=False,
    rare=True,
)
# for a line whose state has what the moments were divided by so far
CORRECTION_OR_COMPOUNDING = replace(
    CORRECTION,
    options=(*CORRECTION.options, COMPOUNDING),
    source=f"{CORRECTION.source}; compounding: https://github.com/steveKapturowski/tensorflow-rl/issues/20, and "
    "https://github.com/PennyLaneAI/pennylane/pull/1929 on such a formula",
)


def _average(average: Any, divisor: Any, before: Any) -> Any:
    return average


def _quotient(average: Any, divisor: Any, before: Any) -> Any:
    return over(average, divisor)


def _nothing_new(average: Any, divisor: Any, before: Any) -> Any:
    return before


class Stored(NamedTuple):
    """What is stored of V, and of S: each of the average, what its correction divides by, and what was stored before."""

    first: Callable[..., Any] = _average
    second: Callable[..., Any] = _average


STORED = Axis(
    name="stored",
    options=(
        Option("average", "the average is stored, and a corrected copy is used", r"\hat V=V/\cdots", Stored()),
        Option(
            "quotient",
            "the quotient itself is stored, and averaged on",
            r"V=V/\cdots",
            Stored(_quotient, _quotient),
            in_matrix=False,
        ),
        Option(
            "first-quotient",
            "of V the quotient itself is stored, and averaged on; of S the average",
            r"V=V/\cdots,\;\hat S=S/\cdots",
            Stored(first=_quotient),
            in_matrix=False,
            rare=True,
        ),
        Option(
            "second-quotient",
            "of S the quotient itself is stored, and averaged on; of V the average",
            r"\hat V=V/\cdots,\;S=S/\cdots",
            Stored(second=_quotient),
            in_matrix=False,
            rare=True,
        ),
        Option(
            "nothing-kept",
            "the averages are never written back: each step averages with what they started from",
            r"V=\beta_1V_0+(1-\beta_1)g",
            Stored(_nothing_new, _nothing_new),
            in_matrix=False,
            rare=True,
        ),
    ),
    printed="average",
    standard="average",
    source="average: Kingma & Ba 2015, algorithm 1; quotient: the sheet, line 41, and "
    "https://github.com/frgfm/holocron/issues/1; nothing-kept: https://github.com/raskr/rust-autograd/issues/16, "
    "https://github.com/dngfra/Restricted-Boltzmann-Machines/issues/2",
)


def _plain(average: Any, beta: Any, t: Any) -> Any:
    return average


def _debiased(average: Any, beta: Any, t: Any) -> Any:
    return average / (1 - beta**t)


DEBIAS = Axis(
    name="debias",
    options=(
        Option("none", "the averages as they are", r"\hat V=V", _plain),
        Option("complement-of-power", "corrected copies are used", r"\hat V=V/(1-\beta^t)", _debiased),
    ),
    printed="none",
    standard="none",
    source="Kingma & Ba, Adam, ICLR 2015, section 3; optax.ema(debias=True), optax.rmsprop(bias_correction=True)",
)
