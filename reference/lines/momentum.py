"""Line 39: momentum, a buffer of past gradients. Libraries differ in what the buffer holds and when the rate enters."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..formula import Optimizer
from ..optimizers import DECAY, MOMENTUM_NAMES, WEIGHT_DECAY, chosen, moved, penalised, unsought
from ..vocabulary import Axis, Coincidence, Erratum, Hyperparameter, Option

ACCUMULATION = Axis(
    name="accumulation",
    options=(
        Option("average", "an exponential average: (1-β) g comes in", r"V=\beta V+(1-\beta)g"),
        Option("sum", "a decaying sum: g comes in whole", r"V=\beta V+g"),
        Option("dampened", "a decaying sum: (1-d) g comes in", r"V=\beta V+(1-d)g", needs="dampening"),
    ),
    printed="average",
    standard="average",
    source="sum: Polyak, Some methods of speeding up the convergence of iteration methods, 1964; Sutskever et al., ICML 2013; "
    "dampened: torch.optim.SGD",
)

START = Axis(
    name="start",
    options=(
        Option("zero", "the buffer starts at zero", r"V_0=0"),
        Option("first-gradient", "the buffer starts as the first gradient, not scaled down", r"V_1=g_1"),
    ),
    printed="zero",
    standard="zero",
    source="first-gradient: torch.optim.SGD",
)

RATE = Axis(
    name="rate",
    options=(
        Option("outside", "the buffer is scaled by the rate of this step", r"W=W-\alpha V"),
        Option("inside-buffer", "each gradient is scaled by the rate of its own step", r"V=\beta V+\alpha c g,\;W=W-V"),
    ),
    printed="outside",
    standard="outside",
    source="inside-buffer: Sutskever et al., On the importance of initialization and momentum in deep learning, ICML 2013, "
    "eq. 1; the two agree while the rate stays the same",
)

NESTEROV = Axis(
    name="nesterov",
    options=(
        Option("none", "the step is the buffer", r"W=W-\alpha V"),
        Option("lookahead", "the step is what the buffer will be if g comes again", r"W=W-\alpha(c g+\beta V)"),
        Option(
            "lookahead-whole",
            "the same, but g enters whole where the buffer takes a part of it",
            r"W=W-\alpha(g+\beta V)",
            in_matrix=False,
        ),
    ),
    printed="none",
    standard="none",
    source="Nesterov 1983 in the form of Sutskever et al. 2013, eq. 3-4 as rewritten by Bengio et al., 2012: torch.optim.SGD, "
    "optax.sgd and, with the rate inside the buffer, keras.optimizers.SGD, all with nesterov=True; lookahead-whole: what "
    "torch.optim.SGD would do if it allowed dampening beside it",
)

DEBIAS = Axis(
    name="debias",
    options=(
        Option("none", "the buffer as it is"),
        Option("complement-of-power", "a corrected copy is used; the buffer is kept", r"\hat V=V/(1-\beta^t)"),
    ),
    printed="none",
    standard="none",
    source="Kingma & Ba, Adam, ICLR 2015, section 3; optax.ema(debias=True)",
)


class MomentumState(NamedTuple):
    """``t``: steps done; ``V``: the buffer, in the weights' shape."""

    t: int
    V: Any


def _start(xp: Any, w: Any, /, **_: Any) -> MomentumState:
    return MomentumState(t=0, V=xp.zeros_like(w))


def _update(
    xp: Any,
    w: Any,
    g: Any,
    state: MomentumState,
    alpha: Any,
    /,
    *,
    beta: Any,
    dampening: Any = 0.0,
    weight_decay: Any = 0.0,
    accumulation: str,
    start: str,
    rate: str,
    nesterov: str,
    debias: str,
    decay: str,
) -> tuple[Any, MomentumState]:
    """V = β V + (1-β) g; W - α V, as printed."""
    t = state.t + 1
    g = penalised(g, w, weight_decay, decay)
    inside = rate == "inside-buffer"
    whole = alpha * g if inside else g
    part = whole
    if accumulation != "sum":
        part = (1 - (beta if accumulation == "average" else dampening)) * whole
    buffer = beta * state.V + part
    if start == "first-gradient":
        buffer = chosen(xp, t == 1, whole, buffer)
    step = buffer if debias == "none" else buffer / (1 - beta**t)
    if nesterov != "none":
        step = (part if nesterov == "lookahead" else whole) + beta * step
    return moved(w, [step if inside else alpha * step], alpha, weight_decay, decay), MomentumState(t, buffer)


momentum = Optimizer(
    id="optimizer.momentum",
    number=39,
    title="momentum",
    latex=r"V^{[L]}=\beta V^{[L]}+(1-\beta)\frac{\partial\mathcal L}{\partial W^{[L]}},\quad W^{[L]}=W^{[L]}-\alpha V^{[L]}",
    axes=(ACCUMULATION, START, RATE, NESTEROV, DEBIAS, unsought(DECAY)),
    errata=(
        Erratum("accumulation", "Does the gradient come in whole, or scaled by 1-β, which scales every step?"),
        Erratum("start", "What is V before the first step: is the first gradient held back or taken whole?"),
        Erratum("rate", "Which rate do old gradients get when the rate changes: their own step's or the present one?"),
    ),
    source="Polyak 1964; Sutskever et al. 2013; with the factor 1-β: Kingma & Ba 2015 for the first moment",
    coincidences=(
        Coincidence("start", "zero", {"accumulation": ("sum",)}),
        Coincidence("nesterov", "lookahead", {"accumulation": ("sum",)}, ("lookahead-whole",)),
    ),
    notes="The sheet's reason: the average dampens oscillations. Nesterov's momentum as Sutskever et al. publish it, eq. 3-4, "
    "evaluates the gradient at W - βV and then steps as plain momentum with the rate inside the buffer does: fed with "
    "gradients from outside, it is plain momentum.",
    family="momentum",
    hyperparameters=(
        Hyperparameter(
            "beta",
            "how much of the buffer is kept, dimensionless",
            0.9,
            0.0,
            1.0,
            aliases=("momentum", "decay", "rho", "beta1", "b1", "beta_1", "mass", *MOMENTUM_NAMES),
            neutral=0.0,
        ),
        Hyperparameter(
            "dampening",
            "how much of each gradient is held back where accumulation is dampened",
            0.0,
            0.0,
            1.0,
            aliases=("damp",),
            neutral=0.0,
        ),
        WEIGHT_DECAY,
    ),
    start=_start,
    update=_update,
)
