"""Beyond the sheet: Muon, momentum whose matrix is made nearly orthogonal by Newton-Schulz iterations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..formula import Optimizer
from ..pieces.decay import DECAY, moved
from ..pieces.hyperparameters import EPS, MOMENTUM_NAMES, WEIGHT_DECAY
from ..pieces.momentum import ACCUMULATION
from ..pieces.trust import norm
from ..vocabulary import Axis, Hyperparameter, NotConformable, Option, Role, Scope, Trials
from .momentum import MomentumState as MuonState

SHORT = "https://kellerjordan.github.io/posts/muon"


def _buffer(part: Any, V: Any, beta: Any, t: Any) -> Any:
    return V


def _ahead(part: Any, V: Any, beta: Any, t: Any) -> Any:
    return part + beta * V


def _corrected(part: Any, V: Any, beta: Any, t: Any) -> Any:
    return V / (1 - beta**t)


def _corrected_ahead(part: Any, V: Any, beta: Any, t: Any) -> Any:
    return part / (1 - beta**t) + beta * (V / (1 - beta ** (t + 1)))


LOOKAHEAD = Axis(
    name="lookahead",
    options=(
        Option("none", "what is made orthogonal is the buffer", "V", _buffer),
        Option("nesterov", "it is what the buffer will be if g comes again", r"(1-\beta)g+\beta V", _ahead),
        Option("none-corrected", "it is the buffer, corrected as in Adam", r"\frac{V}{1-\beta^t}", _corrected),
        Option(
            "nesterov-corrected",
            "both are corrected, each as in NAdam",
            r"\frac{(1-\beta)g}{1-\beta^t}+\frac{\beta V}{1-\beta^{t+1}}",
            _corrected_ahead,
        ),
    ),
    printed="nesterov",
    standard="nesterov",
    source=f"nesterov: Jordan et al. 2024, {SHORT}, torch.optim.Muon; corrected: optax.contrib.muon",
)


def _added(xp: Any, X: Any, h: Any) -> Any:
    return X / (norm(xp, X) + h.eps)


def _least(xp: Any, X: Any, h: Any) -> Any:
    size = norm(xp, X)
    return X / xp.maximum(size, h.eps * xp.ones_like(size))


GUARD = Axis(
    name="guard",
    options=(
        Option("eps-added", "ε is added to the norm that the matrix is divided by", r"\frac{V}{\|V\|+\epsilon}", _added),
        Option("eps-least", "the norm counts as ε where it is less", r"\frac{V}{\max(\|V\|,\epsilon)}", _least),
    ),
    printed="eps-added",
    standard="eps-added",
    source=f"eps-added: Jordan et al. 2024, {SHORT}, optax.contrib.muon; eps-least: torch.optim.Muon",
)
ITERATIONS = Axis(
    name="iterations",
    options=(
        Option("five", "5 iterations", does=5),
        Option("six", "6 iterations", does=6),
        Option("ten", "10 iterations", does=10),
    ),
    printed="five",
    standard="five",
    source=f"five: Jordan et al. 2024, {SHORT}, and all that follow it; ten: the same post's first versions",
)


def _bounded(rows: int, columns: int) -> float:
    return max(1.0, rows / columns) ** 0.5


def _across(rows: int, columns: int) -> float:
    return _bounded(columns, rows)


def _unbounded(rows: int, columns: int) -> float:
    return (rows / columns) ** 0.5


def _as_adamw(rows: int, columns: int) -> float:
    return 0.2 * max(rows, columns) ** 0.5


def _none(rows: int, columns: int) -> float:
    return 1.0


SHAPE = Axis(
    name="shape_factor",
    options=(
        Option("at-least-one", "times √max(1, rows/columns)", r"\sqrt{\max(1,\frac mn)}", _bounded),
        Option("at-least-one-across", "times √max(1, columns/rows)", r"\sqrt{\max(1,\frac nm)}", _across),
        Option("aspect", "times √(rows/columns)", r"\sqrt{\frac mn}", _unbounded),
        Option("as-adamw", "times 0.2 √max(rows, columns), the size of a step of AdamW", r"0.2\sqrt{\max(m,n)}", _as_adamw),
        Option("none", "whatever the shape", "1", _none),
    ),
    printed="at-least-one",
    standard="at-least-one",
    source=f"at-least-one: Jordan et al. 2024, {SHORT}, torch.optim.Muon; at-least-one-across: optax.contrib.muon, which "
    "multiplies from the left; as-adamw: Liu et al., Muon is scalable for LLM training, 2025, "
    "https://arxiv.org/abs/2502.16982, torch.optim.Muon(adjust_lr_fn='match_rms_adamw')",
)


def _orthogonalised(X: Any, h: Any, iterations: int) -> Any:
    """X after iterations of aX + (bXXᵀ + c(XXᵀ)²)X, over the shorter side, which is the same and takes less."""
    tall = X.shape[-2] > X.shape[-1]
    X = X.T if tall else X
    for _ in range(iterations):
        A = X @ X.T
        X = h.ns_a * X + (h.ns_b * A + h.ns_c * (A @ A)) @ X
    return X.T if tall else X


def _start(xp: Any, w: Any, h: Any, o: Any) -> MuonState:
    if len(w.shape) != 2:
        raise NotConformable(f"Muon steps matrices only, and these weights are of shape {tuple(w.shape)}")
    return MuonState(0, xp.zeros_like(w))


def _update(xp: Any, w: Any, g: Any, state: MuonState, alpha: Any, h: Any, o: Any) -> tuple[Any, MuonState]:
    """V = β V + (1-β) g; X = βV + (1-β) g over its norm, made nearly orthogonal; W - α √max(1, m/n) X."""
    t, part = state.t + 1, o.accumulation(g, h)
    V = h.beta * state.V + part
    X = _orthogonalised(o.guard(xp, o.lookahead(part, V, h.beta, t), h), h, o.iterations)
    factor = o.shape_factor(w.shape[-2], w.shape[-1])
    return moved(o.decay, w, [alpha * (factor * X)], alpha, h), MuonState(t, V)


def _coefficient(place: int, name: str, default: float, exact: float) -> Hyperparameter:
    return Hyperparameter(
        name,
        f"coefficient {place} of the iteration",
        default,
        -10.0,
        10.0,
        aliases=(f"ns_coeffs[{place}]", f"ns_coefficients[{place}]", f"coefficients[{place}]", f"coeffs[{place}]"),
        trials=Trials.at(default, exact, default),
    )


muon = Optimizer(
    id="optimizer.muon",
    section="Optimizers",
    title="Muon",
    latex=r"V=\beta V+(1-\beta)g,\quad X=\frac{(1-\beta)g+\beta V}{\|\cdots\|+\epsilon},\quad "
    r"5\times:\;X=aX+(bXX^T+c(XX^T)^2)X,\quad W=W-\alpha\sqrt{\max(1,\tfrac mn)}X",
    axes=(
        ACCUMULATION.of("average", "sum"),
        LOOKAHEAD,
        GUARD,
        ITERATIONS,
        SHAPE,
        DECAY.of("none", "l2", "decoupled", printed="none"),
    ),
    source=f"Jordan et al., Muon: an optimizer for hidden layers in neural networks, 2024, {SHORT}; optax.contrib.muon, "
    "torch.optim.Muon",
    notes="Of matrices only. A weight's step depends on all weights of its array. torch.optim.Muon, MLX and the post iterate "
    "in bfloat16, whose rounding grows beyond the step itself: nothing can be said of that.",
    hyperparameters=(
        Hyperparameter(
            "beta",
            "how much of the buffer is kept, dimensionless",
            0.95,
            0.0,
            1.0,
            Role.DECAY_RATE,
            ("momentum", "decay", "rho", "beta1", "b1", *MOMENTUM_NAMES),
            neutral=0.0,
            trials=Trials((0.95, 0.875, 0.5), 0.75, 0.9, (0.95, 0.9)),
        ),
        replace(
            EPS,
            meaning="keeps the matrix finite whose norm is zero",
            default=1e-7,
            trials=Trials((1e-7, 2.0**-10, 2.0**-4), 2.0**-10, 1e-6, (1e-7, 1e-8, 1e-6, 0.0)),
        ),
        _coefficient(0, "ns_a", 3.4445, 3.5),
        _coefficient(1, "ns_b", -4.775, -4.75),
        _coefficient(2, "ns_c", 2.0315, 2.0),
        WEIGHT_DECAY,
    ),
    scope=Scope.MATRIX,
    start=_start,
    update=_update,
)
