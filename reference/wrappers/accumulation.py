"""Accumulation of gradients: a step every k calls, between which the weights stand still."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..vocabulary import Hyperparameter, Role, Trials
from ..wrapper import Wrapper

K = Hyperparameter(
    "k",
    "how many calls make one step",
    4.0,
    low=1.0,
    role=Role.COUNT,
    aliases=(
        *("accumulation_steps", "gradient_accumulation_steps", "accum_steps", "accumulate", "every_k", "every_k_schedule"),
        *("n_accum", "acc_steps", "num_accumulation_steps", "accumulate_grad_batches"),
    ),
    neutral=1.0,
    trials=Trials((4.0, 2.0, 3.0), fixed=(2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 16.0, 32.0)),
)


class Accumulated(NamedTuple):
    """``calls``: calls since the last step; ``total``: what was made of their gradients, in the weights' shape."""

    calls: int
    total: Any


def _start(xp: Any, w: Any, h: Any) -> Accumulated:
    return Accumulated(0, xp.zeros_like(w))


def _added(total: Any, g: Any, count: int) -> Any:
    return total + g


def _moved_towards(mean: Any, g: Any, count: int) -> Any:
    return mean + (g - mean) / count


def _accumulating(add: Callable[..., Any], finish: Callable[..., Any]) -> Callable[..., Any]:
    """A step with what is finished of the gradients, at every k-th call, with its rate."""

    def around(xp: Any, w: Any, g: Any, state: Accumulated, alpha: Any, h: Any, step: Any) -> tuple[Any, Accumulated]:
        count = state.calls + 1
        total = add(state.total, g, count)
        if count < _calls(h):
            return w, Accumulated(count, total)
        return step(w, finish(total, count), alpha), _start(xp, w, h)

    return around


def _calls(h: Any) -> int:
    return int(h.k)


def _as_it_is(total: Any, count: int) -> Any:
    return total


def _divided(total: Any, count: int) -> Any:
    return total / count


accumulation_of_sum = Wrapper(
    id="accumulation-of-sum",
    says="accumulation over {k} calls (sum)",
    source="gradients that torch adds up in .grad between two calls of zero_grad: "
    "https://docs.pytorch.org/docs/stable/generated/torch.Tensor.backward.html",
    parameters=(K,),
    start=_start,
    around=_accumulating(_added, _as_it_is),
    calls=_calls,
)

accumulation_of_mean = Wrapper(
    id="accumulation-of-mean",
    says="accumulation over {k} calls (mean)",
    source="the sum of k losses that are each divided by k, as Hugging Face Accelerate does: "
    "https://huggingface.co/docs/accelerate/usage_guides/gradient_accumulation",
    parameters=(K,),
    start=_start,
    around=_accumulating(_added, _divided),
    calls=_calls,
)

accumulation_of_running_mean = Wrapper(
    id="accumulation-of-running-mean",
    says="accumulation over {k} calls (mean, kept as it runs)",
    source="optax.MultiSteps, which keeps acc + (g - acc)/n, in float32 if nothing is said: "
    "https://github.com/google-deepmind/optax/blob/main/optax/transforms/_accumulation.py",
    parameters=(K,),
    start=_start,
    around=_accumulating(_moved_towards, _as_it_is),
    calls=_calls,
)
