"""Line 41: Adam. The printed bias correction divides by (1-β)^t and keeps the quotient; the field's divides a copy by 1-β^t."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ..vocabulary import Axis, Erratum, Hyperparameter, Optimizer, Option

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
    ),
    printed="power-of-complement-stored",
    standard="complement-of-power",
    source="Kingma & Ba, Adam: a method for stochastic optimization, ICLR 2015, algorithm 1 and section 3",
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
    ),
    printed="after-correction",
    standard="after-correction",
    source="before-correction: Kingma & Ba 2015, end of section 2 (ε̂), TensorFlow; inside-root: optax.adam(eps_root)",
)

DECAY = Axis(
    name="decay",
    options=(
        Option("none", "no weight decay"),
        Option("l2", "λW is added to the gradient, and so averaged", r"g+\lambda W", needs="weight_decay"),
        Option("decoupled", "λW is added to the step", r"W=W-\alpha(\cdots+\lambda W)", needs="weight_decay"),
    ),
    printed="none",
    standard="none",
    source="Loshchilov & Hutter, Decoupled weight decay regularization, ICLR 2019, algorithm 2 (whose schedule η is α here)",
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
    ),
    printed="none",
    standard="none",
    source="Dozat, Incorporating Nesterov momentum into Adam, ICLR workshop 2016; nadam-schedule: torch.optim.NAdam; "
    "nadam: optax.nadam",
)


class AdamState(NamedTuple):
    """``t``: steps done; ``V``, ``S``: first and second moment, in the weights' shape.

    ``product``: scalar, of Π μᵢ (or of Π (1-μᵢ), where the correction is a power of the complement) over the steps done.
    """

    t: int
    V: Any
    S: Any
    product: Any

    never_negative = ("S", "product")


def _start(xp: Any, w: Any, /, **_: Any) -> AdamState:
    zeros = xp.zeros_like(w)
    return AdamState(t=0, V=zeros, S=zeros, product=1.0)


def _update(
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
    correction: str,
    epsilon: str,
    decay: str,
    lookahead: str,
) -> tuple[Any, AdamState]:
    """V = (β1 V + (1-β1) g)/(1-β1)^t; S = (β2 S + (1-β2) g²)/(1-β2)^t; W - α V/(√S + ε), as printed."""
    t, product = state.t + 1, state.product
    if decay == "l2":
        g = g + weight_decay * w
    first = beta1 * state.V + (1 - beta1) * g
    second = beta2 * state.S + (1 - beta2) * (g * g)
    corrected = _corrected(first, _divisor(beta1, t, correction))
    if lookahead == "none":
        directions = [corrected]
    elif lookahead == "nadam":
        ahead = _corrected(beta1 * first, _divisor(beta1, t + 1, correction))
        directions = [ahead + _corrected((1 - beta1) * g, _divisor(beta1, t, correction))]
    else:
        directions, product = _scheduled(xp, g, first, state, beta1, momentum_decay, correction)
    divisor = _divisor(beta2, t, correction)
    denominator = _denominator(xp, second, divisor, eps, epsilon)
    if decay == "decoupled":
        # as AdamW evaluates it: one more rounding of W than in α(… + λW), which the budget of this form also holds
        w = w * (1 - alpha * weight_decay)
    for direction in directions:
        w = w - alpha * (direction / denominator)
    if correction == "power-of-complement-stored":
        first, second = corrected, _corrected(second, divisor)
    return w, AdamState(t, first, second, product)


def _divisor(beta: Any, t: int, correction: str) -> Any:
    """What the average after t steps is divided by; None where it is left as it is."""
    if correction == "none":
        return None
    return 1 - beta**t if correction == "complement-of-power" else (1 - beta) ** t


def _corrected(moment: Any, divisor: Any) -> Any:
    return moment if divisor is None else moment / divisor


def _denominator(xp: Any, second: Any, divisor: Any, eps: Any, epsilon: str) -> Any:
    if epsilon == "inside-root":
        return xp.sqrt(_corrected(second, divisor) + eps)
    if epsilon == "after-correction":
        return xp.sqrt(_corrected(second, divisor)) + eps
    plain = xp.sqrt(second) + eps
    return plain if divisor is None else plain / _scalar_root(xp, divisor)


def _scheduled(
    xp: Any, g: Any, first: Any, state: AdamState, beta1: Any, momentum_decay: Any, correction: str
) -> tuple[list[Any], Any]:
    """torch.optim.NAdam's two directions, taken off W one by one, and the product that their correction needs."""
    t = state.t + 1
    now, ahead = (_scheduled_momentum(xp, beta1, momentum_decay, step) for step in (t, t + 1))
    complement = correction.startswith("power-of-complement")
    factor, factor_ahead = (1 - now, 1 - ahead) if complement else (now, ahead)
    product = factor if state.t == 0 else state.product * factor
    product_ahead = product * factor_ahead
    if correction == "none":
        divisors = (None, None)
    else:
        divisors = (product, product_ahead) if complement else (1 - product, 1 - product_ahead)
    return [_corrected((1 - now) * g, divisors[0]), _corrected(ahead * first, divisors[1])], product


def _scheduled_momentum(xp: Any, beta1: Any, momentum_decay: Any, t: int) -> Any:
    """μ_t = β1 (1 - ½·0.96^(tψ))."""
    if type(momentum_decay) is float:
        power = 0.96 ** (t * momentum_decay)
    else:
        power = xp.exp(t * momentum_decay * xp.log(xp.asarray(0.96)))
    return beta1 * (1 - power / 2)


def _scalar_root(xp: Any, x: Any) -> Any:
    """√x for a hyperparameter's x, which is a Python float in a framework's namespace that takes arrays only."""
    return math.sqrt(x) if type(x) is float else xp.sqrt(x)


adam = Optimizer(
    id="optimizer.adam",
    number=41,
    title="Adam",
    latex=r"V=\frac{\beta_1V+(1-\beta_1)\frac{\partial\mathcal L}{\partial w}}{(1-\beta_1)^t},\quad "
    r"S=\frac{\beta_2S+(1-\beta_2)\left(\frac{\partial\mathcal L}{\partial w}\right)^2}{(1-\beta_2)^t},\quad "
    r"W=W-\alpha\frac{V}{\sqrt S+\epsilon}",
    standard_latex=r"V=\beta_1V+(1-\beta_1)\frac{\partial\mathcal L}{\partial w},\quad "
    r"S=\beta_2S+(1-\beta_2)\left(\frac{\partial\mathcal L}{\partial w}\right)^2,\quad "
    r"W=W-\alpha\frac{V/(1-\beta_1^t)}{\sqrt{S/(1-\beta_2^t)}+\epsilon}",
    axes=(CORRECTION, EPSILON, DECAY, LOOKAHEAD),
    errata=(
        Erratum(
            "correction",
            "Is the average of a constant gradient, once divided, that gradient at every t? Does the next step start from it?",
            "Kingma & Ba 2015, section 3: E[V] = E[g]·(1-β1^t)",
        ),
        Erratum("epsilon", "Is ε added before or after the bias is corrected, and to the root or under it?"),
    ),
    source="Kingma & Ba, Adam: a method for stochastic optimization, ICLR 2015, algorithm 1",
    notes="The sheet's transcription has W = W⁻ ∝ V/(√S+ε); the ∝ is α, a slip. With several axes changed at once, a lookahead "
    "takes the place of the corrected V, and its products are corrected in the manner of the correction axis.",
    hyperparameters=(
        Hyperparameter("beta1", "how much of the first moment is kept, dimensionless", 0.9, 0.0, 1.0),
        Hyperparameter("beta2", "how much of the second moment is kept, dimensionless", 0.999, 0.0, 1.0),
        Hyperparameter("eps", "keeps the quotient finite where S is zero", 1e-8),
        Hyperparameter("weight_decay", "λ, where there is weight decay", 0.01),
        Hyperparameter("momentum_decay", "ψ of the momentum schedule, dimensionless", 0.004),
    ),
    start=_start,
    update=_update,
)
