"""All gradients of the two-layer network verified, each entry within its own budget, against the frameworks' own checkers."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # as in a campaign, where the workers are the parallelism

import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import torch
from _network import PARAMETERS, gradients, inputs
from _table import medians, ms, show
from gradspec.crosscheck.arithmetic.formats import precision
from gradspec.crosscheck.arithmetic.rounding import Rounding
from jax.test_util import check_grads

jax.config.update("jax_enable_x64", True)
torch.set_num_threads(1)

ARRAYS = inputs()
WRONG_BY, WRONG_AT = 1e-9, (3, 5)  # of W1
GIVEN = [torch.from_numpy(ARRAYS[name]) for name in ("X", "y")]
TENSORS = [torch.tensor(ARRAYS[name], requires_grad=True) for name in PARAMETERS]
LEAVES = [jnp.asarray(ARRAYS[name]) for name in PARAMETERS]


# --- the function under test, right and wrong -----------------------------------------------------------------------


def loss(W1, b1, w2, b2):
    r = w2 @ torch.sigmoid(W1 @ GIVEN[0] + b1) + b2 - GIVEN[1]
    return (r * r).sum() / r.shape[1]


class Slip(torch.autograd.Function):
    """The identity, with one entry of its cotangent wrong."""

    @staticmethod
    def forward(ctx, W):
        return W.clone()

    @staticmethod
    def backward(ctx, *bars):
        wrong = bars[0].clone()
        wrong[WRONG_AT] *= 1 + WRONG_BY
        return wrong


def wrong_loss(W1, b1, w2, b2):
    return loss(Slip.apply(W1), b1, w2, b2)


@jax.jit
def jax_loss(W1, b1, w2, b2):
    r = w2 @ jax.nn.sigmoid(W1 @ ARRAYS["X"] + b1) + b2 - ARRAYS["y"]
    return (r * r).sum() / r.shape[1]


@jax.custom_jvp
def slip(W):
    return W


@slip.defjvp
def _slip(primals, tangents):
    return primals[0], tangents[0].at[WRONG_AT].multiply(1 + WRONG_BY)  # linear: reverse mode is its transpose


@jax.jit
def jax_wrong_loss(W1, b1, w2, b2):
    return jax_loss(slip(W1), b1, w2, b2)


# --- the checkers ---------------------------------------------------------------------------------------------------


def enclosures() -> list:
    xp = Rounding(precision("float64"))
    return list(gradients(xp, **{name: xp.asarray(array) for name, array in ARRAYS.items()}))


def backward(function: Callable) -> list[np.ndarray]:
    return [bar.numpy() for bar in torch.autograd.grad(function(*TENSORS), TENSORS)]


def verified(function: Callable = loss) -> bool:
    return all(budget.contains(bar).all() for budget, bar in zip(enclosures(), backward(function), strict=True))


def gradcheck(function: Callable = loss, fast: bool = False) -> bool:
    return torch.autograd.gradcheck(function, TENSORS, fast_mode=fast, raise_exception=False)


def checked(function: Callable = jax_loss, **options) -> bool:
    try:
        check_grads(function, LEAVES, order=1, **options)
    except AssertionError:
        return False
    return True


def main() -> None:
    pairs = list(zip(enclosures(), backward(loss), strict=True))
    count = sum(bar.size for _, bar in pairs)
    share = max(budget.share(bar).max() for budget, bar in pairs)
    width = np.median(np.concatenate([np.ravel(budget.error / np.abs(budget.value)) for budget, _ in pairs]).astype(float))
    inside = sum(int(budget.contains(bar).sum()) for budget, bar in pairs)
    print(
        f"{inside} of {count} entries lie in their budgets, using at most {share:.2%} of one; half-width {width:.1e} (median)"
    )

    ours = "gradspec"
    checkers = {
        ours: (verified, loss, wrong_loss),
        "gradcheck, full": (gradcheck, loss, wrong_loss),
        "gradcheck, fast_mode": (lambda f=loss: gradcheck(f, fast=True), loss, wrong_loss),
        "check_grads, modes=rev": (lambda f=jax_loss: checked(f, modes=("rev",)), jax_loss, jax_wrong_loss),
        "check_grads, default modes": (checked, jax_loss, jax_wrong_loss),
    }
    quick = {name: check for name, (check, _, _) in checkers.items() if name != "gradcheck, full"}
    seconds = medians({"one backward": lambda: backward(loss), **quick}, repeats=15, clock=time.process_time, burst=20)
    # the slow one is set against as many of ours as take about as long, run beside it
    many = 200
    beside = medians(
        {ours: lambda: [verified() for _ in range(many)], "gradcheck, full": gradcheck}, repeats=9, clock=time.process_time
    )
    seconds["gradcheck, full"] = beside["gradcheck, full"] * many / beside[ours] * seconds[ours]
    rows = [("one backward alone", ms(seconds["one backward"]), f"{seconds['one backward'] / seconds[ours]:.2f}", "", "")]
    for name, (check, right, wrong) in checkers.items():
        ratio = seconds[name] / seconds[ours]
        rows.append((name, ms(seconds[name]), f"{ratio:,.2f}", _word(check(right)), _word(check(wrong))))
    show(
        "All gradients of the two-layer network, float64",
        ("checker", "median", "× gradspec's", "the right gradient", f"one entry off by {WRONG_BY:g}"),
        rows,
    )
    print(f"target: full gradcheck at least 500 × gradspec's: {seconds['gradcheck, full'] / seconds[ours]:,.0f} ×")


def _word(passed: bool) -> str:
    return "passes" if passed else "caught"


if __name__ == "__main__":
    main()
