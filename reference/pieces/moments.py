"""What Adam, AdamW, NAdam and AMSGrad have in common: one step, composed of pieces; they differ in what they print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..formula import Optimizer
from ..vocabulary import Coincidence
from .betas import BETAS
from .correction import CORRECTION_OR_COMPOUNDING, SECOND_AS_IT_IS, STORED, coincidences
from .decay import DECAY, moved
from .epsilon import EPSILON, ORDER
from .hyperparameters import BETA1, BETA2, EPS, EPS_ROOT, INITIAL_RATE, RATE_DECAY, WEIGHT_DECAY, initial
from .lookahead import LOOKAHEAD, MOMENTUM_DECAY, SECOND, Step
from .maximum import MAXIMUM, Second
from .properties import invariant_to_scale, unbiased
from .rate import RATE
from .start import start_axis

AXES = (
    CORRECTION_OR_COMPOUNDING,
    STORED,
    BETAS,
    EPSILON.of("outside-root", "inside-root", "inside-and-outside"),
    ORDER,
    DECAY,
    LOOKAHEAD,
    SECOND,
    MAXIMUM,
    RATE,
    start_axis("first_start", "V", "initial_first"),
    start_axis("second_start", "S", "initial_second", "square"),
)

_AS_THE_GRADIENT = {
    "stored": ("nothing-kept",),
    "correction": ("complement",),
    "lookahead": ("none",),
    "second": ("as-kept",),
    "first_start": ("zero",),
    "second_start": ("zero",),
}

COINCIDENCES = (
    *coincidences(AXES, ORDER.name),
    Coincidence("stored", "average", {"correction": ("none",)}, ("quotient", "first-quotient", "second-quotient")),
    Coincidence("stored", "first-quotient", {"correction": ("first-only",)}, ("quotient",)),
    Coincidence("stored", "average", {"correction": ("first-only",)}, ("second-quotient",)),
    Coincidence("stored", "second-quotient", {"correction": ("second-only",)}, ("quotient",)),
    Coincidence("stored", "average", {"correction": ("second-only",)}, ("first-quotient",)),
    Coincidence("betas", "of-new", {"correction": ("none",)}, ("of-new-corrected-as-of-kept",)),
    # each average is then its gradient, whatever β
    Coincidence("betas", "of-kept", _AS_THE_GRADIENT, ("of-new",), rounded_alike=False),
    Coincidence("lookahead", "nadam", {"correction": ("none", "second-only")}, ("nadam-averaged",)),
    Coincidence("lookahead", "nadam", {"correction": ("complement",)}, ("nadam-averaged",), rounded_alike=False),
    Coincidence("maximum", "before-correction", SECOND_AS_IT_IS, ("after-correction",)),
    # a factor that is the same at every step passes through a maximum
    Coincidence("maximum", "before-correction", {"correction": ("complement",)}, ("after-correction",)),
)

HYPERPARAMETERS = (
    BETA1,
    BETA2,
    EPS,
    WEIGHT_DECAY,
    INITIAL_RATE,
    MOMENTUM_DECAY,
    EPS_ROOT,
    RATE_DECAY,
    initial("initial_first", "V", 1.0),
    initial("initial_second", "S", 1.0, ("initial_accumulator_value", "initial_accumulator")),
)


MIRRORED = invariant_to_scale(eps=0.0)
_BETAS = (BETA1.name, BETA2.name)
_ALONE = {"eps": 0.0, "weight_decay": 0.0}
UNBIASED_FIRST = unbiased("first", {"beta2": 0.0, **_ALONE})
UNBIASED_SECOND = unbiased("second", {"beta1": 0.0, **_ALONE})


class AdamState(NamedTuple):
    """``t``: steps done; ``V``, ``S``: first and second moment; ``peak``: the largest S so far, where it is used; all in the
    weights' shape.

    ``product``: scalar, of Π μᵢ (or of Π (1-μᵢ), where the correction is a power of the complement) over the steps done;
    ``over_V``, ``over_S``: scalars, what the moments were divided by at the last step, where corrections compound.
    """

    t: int
    V: Any
    S: Any
    product: Any
    peak: Any
    over_V: Any = 1.0
    over_S: Any = 1.0

    never_negative = ("S", "product", "peak")


def start(xp: Any, w: Any, h: Any, o: Any) -> AdamState:
    zeros = xp.zeros_like(w)
    return AdamState(0, o.first_start.begin(zeros, h), o.second_start.begin(zeros, h), product=1.0, peak=zeros)


def update(xp: Any, w: Any, g: Any, state: AdamState, alpha: Any, h: Any, o: Any) -> tuple[Any, AdamState]:
    """V = β1 V + (1-β1) g; S = β2 S + (1-β2) g²; W - α V̂/(√Ŝ + ε), each corrected as the reading has it."""
    t = state.t + 1
    alpha = o.rate(xp, alpha, t, w, h)
    g = o.decay.of_gradient(g, w, h)
    averaging, correcting = o.betas.averaging(h, _BETAS), o.betas.correcting(h, _BETAS)
    kept = o.lookahead.kept(xp, t, averaging)
    V = o.first_start.after_first(xp, t, g, kept * state.V + (1 - kept) * g)
    S = o.second_start.after_first(xp, t, g * g, averaging.beta2 * state.S + (1 - averaging.beta2) * (g * g))
    correction = o.correction.after(state.over_V, state.over_S)
    first, second = correction.first.divisor(xp, correcting.beta1, t), correction.second.divisor(xp, correcting.beta2, t)
    step = Step(g, V, t, state.product, correction.first, correcting.beta1)
    directions, product = o.lookahead.directions(xp, step, averaging)
    used = Second(o.second(S, averaging), state.peak, second, o.epsilon_order, o.epsilon.terms(h))
    denominator, peak = o.maximum(xp, used)
    w = moved(o.decay, w, [alpha * (direction / denominator) for direction in directions], alpha, h)
    V, S = o.stored.first(V, first, state.V), o.stored.second(S, second, state.S)
    over_V, over_S = (first, second) if o.correction.compounds else (state.over_V, state.over_S)
    return w, AdamState(t, V, S, product, peak, over_V, over_S)


def line_of_moments(*, printed: Mapping[str, str], standard: Mapping[str, str], **words: Any) -> Optimizer:
    """A line of the family: the options that it prints and those of the field, where they are not Adam's of the field, and
    its id, number, title, LaTeX, source and errata."""
    axes = tuple(
        axis.of(printed=printed.get(axis.name, axis.printed), standard=standard.get(axis.name, axis.standard)) for axis in AXES
    )
    return Optimizer(
        section="Optimizers",
        family="adam",
        axes=axes,
        coincidences=COINCIDENCES,
        hyperparameters=HYPERPARAMETERS,
        start=start,
        update=update,
        **words,
    )
