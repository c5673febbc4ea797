"""Beyond the sheet: Adafactor, whose second moment of a matrix is kept as its row and column means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..formula import Optimizer
from ..pieces.decay import DECAY, moved
from ..pieces.hyperparameters import WEIGHT_DECAY
from ..pieces.trust import norm
from ..vocabulary import Axis, Erratum, Hyperparameter, Option, Role, Scope, Trials


class AdafactorState(NamedTuple):
    """``t``: steps done; ``S``: the second moment, in the weights' shape; ``rows``, ``columns``: its means over the last axis
    and the one before, where it is kept factored."""

    t: int
    S: Any
    rows: Any
    columns: Any

    never_negative = ("S", "rows", "columns")


def _size(shape: tuple[int, ...]) -> int:
    entries = 1
    for n in shape:
        entries *= n
    return entries


def _root_mean_square(xp: Any, a: Any) -> Any:
    """√(Σ a²/n), over all entries of an array."""
    return norm(xp, a) / _size(a.shape) ** 0.5


class Floor(NamedTuple):
    """Where ε1 keeps a root from zero: ``added(square, h)`` is the square that is averaged, ``mean(xp, rows, h)`` what the rows
    are divided by, ``of(xp, S, h)`` the second moment whose root divides."""

    added: Callable[..., Any]
    mean: Callable[..., Any]
    of: Callable[..., Any]


def _plus(square: Any, h: Any) -> Any:
    return square + h.eps


def _as_it_is(square: Any, h: Any) -> Any:
    return square


def _mean(xp: Any, mean: Any, h: Any) -> Any:
    return mean


def _at_least(xp: Any, mean: Any, h: Any) -> Any:
    return xp.maximum(mean, h.eps * xp.ones_like(mean))


def _at_least_squared(xp: Any, S: Any, h: Any) -> Any:
    return xp.maximum(S, h.eps * h.eps * xp.ones_like(S))


FLOOR = Axis(
    name="second_floor",
    options=(
        Option("eps-added", "ε1 is added to the square of each gradient", r"g^2+\epsilon_1", Floor(_plus, _mean, _mean)),
        Option(
            "eps-least",
            "the second moment is at least ε1², the mean of its rows at least ε1",
            r"\max(S,\epsilon_1^2)",
            Floor(_as_it_is, _at_least, _at_least_squared),
        ),
    ),
    printed="eps-added",
    standard="eps-added",
    source="eps-added: Shazeer & Stern 2018, algorithms 4 and 5, optax.adafactor, keras.optimizers.Adafactor; eps-least: "
    "torch.optim.Adafactor",
)


def _relative(xp: Any, alpha: Any, t: Any, w: Any) -> Any:
    one = xp.ones_like(w)
    return xp.minimum(alpha * one, one / xp.sqrt(t * one))


def _given(xp: Any, alpha: Any, t: Any, w: Any) -> Any:
    return alpha


RATE = Axis(
    name="rate",
    options=(
        Option("at-most-inverse-root", "the rate that is given, and at most 1/√t", r"\min(\alpha,1/\sqrt t)", _relative),
        Option("as-given", "the rate that is given", r"\alpha", _given),
    ),
    printed="at-most-inverse-root",
    standard="at-most-inverse-root",
    source="at-most-inverse-root: Shazeer & Stern 2018, algorithm 6, torch.optim.Adafactor, "
    "keras.optimizers.Adafactor(relative_step=True); as-given: optax.adafactor",
)


def _of_weights(xp: Any, w: Any, h: Any) -> Any:
    size = _root_mean_square(xp, w)
    return xp.maximum(size, h.eps_scale * xp.ones_like(size))


def _one(xp: Any, w: Any, h: Any) -> Any:
    return 1.0


SCALE = Axis(
    name="weight_scale",
    options=(
        Option("of-weights", "the step is scaled by the root mean square of W, or ε2 if that is more", does=_of_weights),
        Option("none", "the step is not scaled by the size of W", does=_one),
    ),
    printed="of-weights",
    standard="of-weights",
    source="Shazeer & Stern 2018, section 8; none: optax.adafactor(multiply_by_parameter_scale=False)",
)


def _clipped(xp: Any, direction: Any, h: Any) -> Any:
    size = _root_mean_square(xp, direction) / h.clip_threshold
    return direction / xp.maximum(size, xp.ones_like(size))


def _unclipped(xp: Any, direction: Any, h: Any) -> Any:
    return direction


CLIPPING = Axis(
    name="clipping",
    options=(
        Option("of-the-whole", "the root mean square of the direction is at most d", r"U/\max(1,\mathrm{RMS}(U)/d)", _clipped),
        Option("none", "the direction is not clipped", r"U", _unclipped),
    ),
    printed="of-the-whole",
    standard="of-the-whole",
    source="Shazeer & Stern 2018, section 6; none: optax.adafactor(clipping_threshold=None)",
)


def _matrices(shape: tuple[int, ...]) -> bool:
    return len(shape) > 1


def _never(shape: tuple[int, ...]) -> bool:
    return False


FACTORED = Axis(
    name="factored",
    options=(
        Option("of-matrices", "of a matrix only row and column means are kept", r"S=RC/\bar R", _matrices),
        Option("never", "the whole second moment is kept", r"S", _never),
    ),
    printed="of-matrices",
    standard="of-matrices",
    source="of-matrices: Shazeer & Stern 2018, algorithm 4; never: optax.adafactor(factored=False), and of matrices with an "
    "axis of fewer than min_dim_size_to_factor entries",
)


def _mean_over(xp: Any, a: Any, axis: int) -> Any:
    return xp.sum(a, axis=axis) / a.shape[axis]


def _start(xp: Any, w: Any, h: Any, o: Any) -> AdafactorState:
    zeros = xp.zeros_like(w)
    if not o.factored(w.shape):
        return AdafactorState(0, zeros, 0.0, 0.0)
    return AdafactorState(0, zeros, xp.sum(zeros, axis=-1), xp.sum(zeros, axis=-2))


def _update(xp: Any, w: Any, g: Any, state: AdafactorState, alpha: Any, h: Any, o: Any) -> tuple[Any, AdafactorState]:
    """β = 1 - t^-c; S = β S + (1-β)(g² + ε1), of a matrix by its row and column means; U = g/√S; U = U/max(1, RMS(U)/d);
    W - max(ε2, RMS(W)) min(α, 1/√t) U."""
    t = state.t + 1
    new = xp.exp(-abs(h.decay_exponent) * xp.log(t * xp.ones_like(xp.sum(w))))
    square = o.second_floor.added(g * g, h)
    S, rows, columns = state.S, state.rows, state.columns
    if o.factored(w.shape):
        rows = (1 - new) * rows + new * _mean_over(xp, square, -1)
        columns = (1 - new) * columns + new * _mean_over(xp, square, -2)
        mean = o.second_floor.mean(xp, _mean_over(xp, rows, -1), h)
        second = (rows[..., :, None] * columns[..., None, :]) / mean[..., None, None]
    else:
        second = S = (1 - new) * S + new * square
    direction = o.clipping(xp, g / xp.sqrt(o.second_floor.of(xp, second, h)), h)
    rate = o.rate(xp, alpha, t, w) * o.weight_scale(xp, w, h)
    return moved(o.decay, w, [rate * direction], alpha, h), AdafactorState(t, S, rows, columns)


adafactor = Optimizer(
    id="optimizer.adafactor",
    section="Optimizers",
    title="Adafactor",
    latex=r"\beta=1-t^{-c},\quad R=\beta R+(1-\beta)\overline{(g^2+\epsilon_1)}_{\text{rows}},\quad "
    r"C=\beta C+(1-\beta)\overline{(g^2+\epsilon_1)}_{\text{columns}},\quad U=\frac{g}{\sqrt{RC/\bar R}},\quad "
    r"W=W-\max(\epsilon_2,\mathrm{RMS}(W))\min\left(\alpha,\frac1{\sqrt t}\right)\frac{U}{\max(1,\mathrm{RMS}(U)/d)}",
    axes=(FACTORED, FLOOR, RATE, SCALE, CLIPPING, DECAY.of("none", "decoupled", "decoupled-unscaled", printed="none")),
    errata=(Erratum("second_floor", "Is ε1 added to each square, or the least that the second moment may be?"),),
    source="Shazeer & Stern, Adafactor: adaptive learning rates with sublinear memory cost, ICML 2018, algorithms 4 and 5, "
    "https://arxiv.org/abs/1804.04235; torch.optim.Adafactor, optax.adafactor",
    notes="A weight's step depends on all weights of its array. There is no first moment here, as in algorithms 4 and 5.",
    hyperparameters=(
        Hyperparameter(
            "decay_exponent",
            "c, how fast β comes near 1 with the steps; a negative one counts as positive",
            0.8,
            -2.0,
            2.0,
            aliases=("decay_rate", "beta2_decay", "beta_2_decay"),
            trials=Trials((0.8, 0.5, 0.75), 0.5, 0.8, (0.8,)),
        ),
        Hyperparameter(
            "eps",
            "ε1, keeps the quotient finite where S is zero",
            1e-30,
            role=Role.EPSILON,
            aliases=("epsilon", "eps1", "eps[0]", "epsilon_1", "epsilon1"),
            trials=Trials((1e-30, 2.0**-10, 2.0**-4), 2.0**-10, 1e-6, (1e-30, 2.0**-52, 2.0**-23, 1e-16, 1e-8)),
        ),
        Hyperparameter(
            "eps_scale",
            "ε2, the least size of the weights that the step is scaled by",
            1e-3,
            aliases=("eps2", "eps[1]", "epsilon_2", "epsilon2", "min_scale"),
            trials=Trials((1e-3, 2.0**-10, 2.0**-4), 2.0**-4, 1e-3, (1e-3,)),
        ),
        Hyperparameter(
            "clip_threshold",
            "d, the largest root mean square of the direction",
            1.0,
            aliases=("d", "clipping_threshold", "threshold", "clip"),
            trials=Trials((1.0, 0.5, 2.0), 0.5, 1.0, (1.0,)),
        ),
        WEIGHT_DECAY,
    ),
    scope=Scope.ARRAY,
    start=_start,
    update=_update,
)
