"""The body and the axes that Adam, AdamW, NAdam and AMSGrad have in common; they differ in what they print."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from .formula import Optimizer
from .optimizers import DECAY, EPSILON_NAMES, RATE, RATE_DECAY, WEIGHT_DECAY, chosen, effective, moved, penalised
from .vocabulary import Axis, Coincidence, Hyperparameter, Option

CORRECTION = Axis(
    name="correction",
    options=(
        Option(
            "power-of-complement-stored",
            "divide by (1-β)^t and carry the quotient on",
            r"V=\frac{\beta_1V+(1-\beta_1)g}{(1-\beta_1)^t}",
        ),
        Option("power-of-complement", "divide a copy by (1-β)^t", r"\hat V=V/(1-\beta_1)^t"),
        Option("complement-of-power", "divide a copy by 1-β^t", r"\hat V=V/(1-\beta_1^t)"),
        Option("none", "use the averages as they are", r"\hat V=V"),
        Option("first-only", "divide a copy of V only by 1-β^t", r"\hat V=V/(1-\beta_1^t),\;\hat S=S", in_matrix=False),
        Option("second-only", "divide a copy of S only by 1-β^t", r"\hat V=V,\;\hat S=S/(1-\beta_2^t)", in_matrix=False),
        Option("complement", "divide a copy by 1-β, at every step", r"\hat V=V/(1-\beta_1)", in_matrix=False),
        Option(
            "count-from-zero",
            "divide a copy by 1-β^(t-1): the first step is 0/0, and the weights are NaN from there on",
            r"\hat V=V/(1-\beta_1^{t-1})",
            in_matrix=False,
        ),
        Option(
            "count-from-zero-guarded",
            "divide a copy by 1-β^(t-1), but at the first step by nothing",
            r"\hat V=V/(1-\beta_1^{t-1}),\;\hat V_1=V_1",
            in_matrix=False,
        ),
        Option("count-from-two", "divide a copy by 1-β^(t+1)", r"\hat V=V/(1-\beta_1^{t+1})", in_matrix=False),
    ),
    printed="complement-of-power",
    standard="complement-of-power",
    source="Kingma & Ba, Adam: a method for stochastic optimization, ICLR 2015, algorithm 1 and section 3; none: MLX; "
    "first-only, second-only: optax.amsgrad(bias_correction_mu, bias_correction_nu); "
    "complement: https://github.com/eriklindernoren/ML-From-Scratch/issues/35; "
    "count-from-zero: https://github.com/deeplearning4j/nd4j/pull/1227, https://github.com/ooples/AiDotNet/pull/702; "
    "count-from-two: https://github.com/cs231n/cs231n.github.io/issues/179",
)

EPSILON = Axis(
    name="epsilon",
    options=(
        Option("after-correction", "ε is added to the root of the corrected square", r"\hat V/(\sqrt{\hat S}+\epsilon)"),
        Option(
            "before-correction",
            "ε̂ is added to the root of the uncorrected square, and the rate is corrected",
            r"\alpha_tV/(\sqrt S+\hat\epsilon),\;\alpha_t=\alpha\sqrt{1-\beta_2^t}/(1-\beta_1^t)",
        ),
        Option("inside-root", "ε is added to the corrected square", r"\hat V/\sqrt{\hat S+\epsilon}"),
        Option(
            "inside-and-after",
            "one ε is added to the corrected square, another to its root",
            r"\hat V/(\sqrt{\hat S+\bar\epsilon}+\epsilon)",
            needs="eps_root",
            in_matrix=False,
        ),
    ),
    printed="after-correction",
    standard="after-correction",
    source="before-correction: Kingma & Ba 2015, end of section 2 (ε̂), TensorFlow, Keras; inside-root: optax.adam(eps_root) "
    "with eps=0; inside-and-after: optax.adam(eps, eps_root)",
)

LOOKAHEAD = Axis(
    name="lookahead",
    options=(
        Option("none", "the step is along the corrected average"),
        Option(
            "nadam-schedule",
            "Nesterov's step with a rising momentum μ in place of β1",
            r"\mu_t=\beta_1(1-\tfrac12\,0.96^{t\psi}),\;\hat V=\frac{\mu_{t+1}V}{1-\prod_{i\le t+1}\mu_i}"
            r"+\frac{(1-\mu_t)g}{1-\prod_{i\le t}\mu_i}",
            needs="momentum_decay",
        ),
        Option(
            "nadam",
            "Nesterov's step with β1 itself",
            r"\hat V=\frac{\beta_1V}{1-\beta_1^{t+1}}+\frac{(1-\beta_1)g}{1-\beta_1^t}",
        ),
        Option(
            "nadam-steep-schedule",
            "Nesterov's step with a momentum that rises to β1 within a hundred steps: ψ is 1",
            r"\mu_t=\beta_1(1-\tfrac12\,0.96^t)",
            in_matrix=False,
        ),
        Option(
            "nadam-published",
            "as nadam-schedule, but V itself is averaged with μ, and S multiplied by β2 where it is used",
            r"V=\mu_tV+(1-\mu_t)g,\;\hat S=\frac{\beta_2S}{1-\beta_2^t}",
            needs="momentum_decay",
            in_matrix=False,
        ),
    ),
    printed="none",
    standard="none",
    source="nadam-published: Dozat, Incorporating Nesterov momentum into Adam, ICLR workshop 2016, algorithm 2, "
    "https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ, with the schedule of the report, "
    "http://cs229.stanford.edu/proj2015/054_report.pdf; nadam-schedule: torch.optim.NAdam; "
    "nadam: optax.nadam; nadam-steep-schedule: keras.optimizers.Nadam of Keras 3",
)

MAXIMUM = Axis(
    name="maximum",
    options=(
        Option("none", "the step is divided by the root of the present S"),
        Option(
            "before-correction",
            "the largest S so far is used, and corrected when it is used",
            r"\hat S=\frac{\max_{i\le t}S_i}{1-\beta_2^t}",
            in_matrix=False,
        ),
        Option(
            "after-correction",
            "the largest corrected S so far is used",
            r"\hat S=\max_{i\le t}\frac{S_i}{1-\beta_2^i}",
            in_matrix=False,
        ),
    ),
    printed="none",
    standard="none",
    source="Reddi, Kale & Kumar, On the convergence of Adam and beyond, ICLR 2018, algorithm 2, which corrects nothing; "
    "before-correction: torch.optim.Adam(amsgrad=True), keras.optimizers.Adam(amsgrad=True); after-correction: optax.amsgrad",
)

AXES = (CORRECTION, EPSILON, DECAY, LOOKAHEAD, MAXIMUM, RATE)

_SECOND_AS_IT_IS = {"correction": ("none", "first-only")}
_NOT_A_NUMBER = {"correction": ("count-from-zero",)}

COINCIDENCES = (
    *(
        Coincidence(axis, simplest, _NOT_A_NUMBER)
        for axis, simplest in (
            ("epsilon", "after-correction"),
            ("decay", "none"),
            ("lookahead", "none"),
            ("maximum", "none"),
            ("rate", "as-given"),
        )
    ),
    Coincidence("epsilon", "after-correction", _SECOND_AS_IT_IS, ("before-correction",)),
    Coincidence("maximum", "before-correction", _SECOND_AS_IT_IS, ("after-correction",)),
    # a factor that is the same at every step passes through a maximum
    Coincidence("maximum", "before-correction", {"correction": ("complement",)}, ("after-correction",)),
)

HYPERPARAMETERS = (
    Hyperparameter(
        "beta1",
        "how much of the first moment is kept, dimensionless",
        0.9,
        0.0,
        1.0,
        aliases=("b1", "beta_1", "betas[0]", "beta[0]", "b_1", "β1", "decay1", "momentum", "mu"),
    ),
    Hyperparameter(
        "beta2",
        "how much of the second moment is kept, dimensionless",
        0.999,
        0.0,
        1.0,
        aliases=("b2", "beta_2", "betas[1]", "beta[1]", "b_2", "β2", "decay2", "rho"),
    ),
    Hyperparameter("eps", "keeps the quotient finite where S is zero", 1e-8, aliases=EPSILON_NAMES),
    WEIGHT_DECAY,
    Hyperparameter(
        "momentum_decay", "ψ of the momentum schedule, dimensionless", 0.004, aliases=("schedule_decay", "psi", "initial_decay")
    ),
    Hyperparameter(
        "eps_root", "ε̄, under the root where there is one outside, too", 1e-8, aliases=("epsilon_root",), neutral=0.0
    ),
    RATE_DECAY,
)


class AdamState(NamedTuple):
    """``t``: steps done; ``V``, ``S``: first and second moment; ``peak``: the largest S so far, where it is used; all in the
    weights' shape.

    ``product``: scalar, of Π μᵢ (or of Π (1-μᵢ), where the correction is a power of the complement) over the steps done.
    """

    t: int
    V: Any
    S: Any
    product: Any
    peak: Any

    never_negative = ("S", "product", "peak")


def start(xp: Any, w: Any, /, **_: Any) -> AdamState:
    zeros = xp.zeros_like(w)
    return AdamState(t=0, V=zeros, S=zeros, product=1.0, peak=zeros)


def update(
    xp: Any,
    w: Any,
    g: Any,
    state: AdamState,
    alpha: Any,
    /,
    *,
    beta1: Any,
    beta2: Any,
    eps: Any,
    weight_decay: Any = 0.0,
    momentum_decay: Any = 0.0,
    eps_root: Any = 0.0,
    rate_decay: Any = 0.0,
    correction: str,
    epsilon: str,
    decay: str,
    lookahead: str,
    maximum: str,
    rate: str,
) -> tuple[Any, AdamState]:
    """V = β1 V + (1-β1) g; S = β2 S + (1-β2) g²; W - α V̂/(√Ŝ + ε), each corrected as the reading has it."""
    t, product = state.t + 1, state.product
    alpha = effective(xp, alpha, t, w, rate_decay, rate)
    g = penalised(g, w, weight_decay, decay)
    kept = _scheduled_momentum(xp, beta1, momentum_decay, t, lookahead) if lookahead == "nadam-published" else beta1
    first = kept * state.V + (1 - kept) * g
    second = beta2 * state.S + (1 - beta2) * (g * g)
    rule = _OF_FIRST.get(correction, correction)
    corrected = _corrected(first, _divisor(xp, beta1, t, rule))
    if lookahead == "none":
        directions = [corrected]
    elif lookahead == "nadam":
        ahead = _corrected(beta1 * first, _divisor(xp, beta1, t + 1, rule))
        directions = [ahead + _corrected((1 - beta1) * g, _divisor(xp, beta1, t, rule))]
    else:
        momenta = [_scheduled_momentum(xp, beta1, momentum_decay, step, lookahead) for step in (t, t + 1, t + 2)]
        directions, product = _scheduled(xp, g, first, state, momenta, rule)
    divisor = _divisor(xp, beta2, t, _OF_SECOND.get(correction, correction))
    used = beta2 * second if lookahead == "nadam-published" else second
    denominator, peak = _denominator(xp, used, divisor, state.peak, eps, eps_root, epsilon, maximum)
    w = moved(w, [alpha * (direction / denominator) for direction in directions], alpha, weight_decay, decay)
    if correction == "power-of-complement-stored":
        first, second = corrected, _corrected(second, divisor)
    return w, AdamState(t, first, second, product, peak)


# What the correction means for one moment alone: the manner of another option, or "" for none.
_OF_FIRST = {"none": "", "first-only": "complement-of-power", "second-only": ""}
_OF_SECOND = {"none": "", "first-only": "", "second-only": "complement-of-power"}
_OFF_BY = {"count-from-zero": -1, "count-from-zero-guarded": -1, "count-from-two": 1}


def _divisor(xp: Any, beta: Any, t: Any, rule: str) -> Any:
    """What a moment is divided by at step t; None where it is not."""
    if not rule:
        return None
    if rule == "complement":
        return 1 - beta
    if rule.startswith("power-of-complement"):
        return (1 - beta) ** t
    count = t + _OFF_BY.get(rule, 0)
    divisor = 1 - beta**count
    return chosen(xp, count == 0, _at_zero(rule), divisor) if _OFF_BY.get(rule) == -1 else divisor


def _at_zero(rule: str) -> float:
    """What stands for 1-β^0: dividing by it, V/0 over √(S/0) + ε is not a number, whatever V and S are."""
    return math.nan if rule == "count-from-zero" else 1.0


def _corrected(moment: Any, divisor: Any) -> Any:
    return moment if divisor is None else moment / divisor


def _denominator(
    xp: Any, second: Any, divisor: Any, peak: Any, eps: Any, eps_root: Any, epsilon: str, maximum: str
) -> tuple[Any, Any]:
    """What the step is divided by, and the largest S so far."""
    if maximum == "before-correction":
        second = peak = xp.maximum(peak, second)
    if epsilon == "before-correction" and divisor is not None and maximum != "after-correction":
        return (xp.sqrt(second) + eps) / _scalar_root(xp, divisor), peak
    square = _corrected(second, divisor)
    if maximum == "after-correction":
        square = peak = xp.maximum(peak, square)
    if epsilon == "inside-root":
        return xp.sqrt(square + eps), peak
    if epsilon == "inside-and-after":
        return xp.sqrt(square + eps_root) + eps, peak
    if epsilon == "before-correction" and divisor is not None:
        return xp.sqrt(square) + eps / _scalar_root(xp, divisor), peak
    return xp.sqrt(square) + eps, peak


def _scheduled(xp: Any, g: Any, first: Any, state: AdamState, momenta: list[Any], rule: str) -> tuple[list[Any], Any]:
    """NAdam's two directions, taken off W one by one, and the product that their correction needs.

    The products of the scheduled momenta are corrected in the manner of the correction axis: in the place of 1-β^t stands
    1-Π μᵢ, up to step t or t+1, and with a counter that is off, to one step less or more. ``momenta``: μ of the steps t, t+1
    and t+2.
    """
    now, ahead, later = momenta
    along, further = (1 - now) * g, ahead * first
    if rule.startswith("power-of-complement"):
        product = state.product * (1 - now)
        return [along / product, further / (product * (1 - ahead))], product
    product = state.product * now
    if not rule:
        return [along, further], product
    if rule == "complement":
        return [along / (1 - now), further / (1 - ahead)], product
    if _OFF_BY.get(rule) == -1:
        before = chosen(xp, state.t == 0, _at_zero(rule), 1 - state.product)
        return [along / before, further / (1 - product)], product
    if rule == "count-from-two":
        return [along / (1 - product * ahead), further / (1 - product * ahead * later)], product
    return [along / (1 - product), further / (1 - product * ahead)], product


def _scheduled_momentum(xp: Any, beta1: Any, momentum_decay: Any, t: Any, lookahead: str) -> Any:
    """μ_t = β1 (1 - ½·0.96^(tψ)), where ψ is 1 in the steep schedule."""
    if lookahead == "nadam-steep-schedule":
        power = xp.asarray(0.96) ** t
    elif type(momentum_decay) is float:
        power = 0.96 ** (t * momentum_decay)
    else:
        power = xp.exp(t * momentum_decay * xp.log(xp.asarray(0.96)))
    return beta1 * (1 - power / 2)


def _scalar_root(xp: Any, x: Any) -> Any:
    """√x for a hyperparameter's x, which is a Python number in a framework's namespace that takes arrays only."""
    return math.sqrt(x) if isinstance(x, float | int) else xp.sqrt(x)


def line_of_moments(*, printed: Mapping[str, str], standard: Mapping[str, str], **words: Any) -> Optimizer:
    """A line of the family: the options that it prints and those of the field, where they are not Adam's of the field, and
    its id, number, title, LaTeX, source and errata."""
    axes = tuple(
        replace(axis, printed=printed.get(axis.name, axis.printed), standard=standard.get(axis.name, axis.standard))
        for axis in AXES
    )
    return Optimizer(
        family="adam",
        axes=axes,
        coincidences=COINCIDENCES,
        hyperparameters=HYPERPARAMETERS,
        start=start,
        update=update,
        **words,
    )
