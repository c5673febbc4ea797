"""Weight decay: where λW enters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from ..vocabulary import Axis, Option


def _as_it_is(value: Any, *_: Any) -> Any:
    return value


def _penalised(g: Any, w: Any, h: Any) -> Any:
    return g + h.weight_decay * w


def _shrunk_by_rate(w: Any, alpha: Any, h: Any) -> Any:
    return w * (1 - alpha * h.weight_decay)


def _shrunk_relatively(w: Any, alpha: Any, h: Any) -> Any:
    return w * (1 - alpha / h.initial_rate * h.weight_decay)


def _shrunk_stably(w: Any, alpha: Any, h: Any) -> Any:
    return w * (1 - alpha * h.weight_decay * ((1 - h.dampening) / (1 - h.beta)))


def _shrunk(w: Any, alpha: Any, h: Any) -> Any:
    return w * (1 - h.weight_decay)


def _less(w: Any, alpha: Any, h: Any) -> Any:
    return w - alpha * h.weight_decay


def _less_unscaled(w: Any, alpha: Any, h: Any) -> Any:
    return w - h.weight_decay


class Decay(NamedTuple):
    """``of_gradient(g, w, h)`` is the gradient with what is added to it; ``before(w, alpha, h)`` and ``after`` are the weights
    before and after the step with what is taken off them."""

    of_gradient: Callable[..., Any] = _as_it_is
    before: Callable[..., Any] = _as_it_is
    after: Callable[..., Any] = _as_it_is


def moved(decay: Decay, w: Any, steps: Sequence[Any], alpha: Any, h: Any) -> Any:
    """The weights less each of the steps, one by one, and less what weight decay takes off.

    Decoupled decay is a factor of W, as AdamW evaluates it: one more rounding of W than in α(… + λW), which the budget of
    this form also contains.
    """
    w = decay.before(w, alpha, h)
    for step in steps:
        w = w - step
    return decay.after(w, alpha, h)


DECAY = Axis(
    name="decay",
    options=(
        Option("none", "no weight decay", does=Decay()),
        Option(
            "l2",
            "λW is added to the gradient, and goes where the gradient goes",
            r"g+\lambda W",
            Decay(of_gradient=_penalised),
            needs="weight_decay",
        ),
        Option(
            "decoupled",
            "λW is added to the step, and the rate multiplies it",
            r"W=W-\alpha(\cdots+\lambda W)",
            Decay(before=_shrunk_by_rate),
            needs="weight_decay",
        ),
        Option(
            "decoupled-unscaled",
            "λW is taken off beside the step, and the rate does not multiply it",
            r"W=W-\alpha(\cdots)-\lambda W",
            Decay(before=_shrunk),
            needs="weight_decay",
            in_matrix=False,
        ),
        Option(
            "decoupled-relative",
            "λW is taken off beside the step, times the rate over the first one",
            r"W=W-\alpha(\cdots)-\frac{\alpha}{\alpha_0}\lambda W",
            Decay(before=_shrunk_relatively),
            needs="weight_decay",
            uses="initial_rate",
            in_matrix=False,
            rare=True,
        ),
        Option(
            "decoupled-after",
            "the weights shrink after the step, by the rate times λ",
            r"W=(W-\alpha(\cdots))(1-\alpha\lambda)",
            Decay(after=_shrunk_by_rate),
            needs="weight_decay",
            in_matrix=False,
        ),
        Option(
            "decoupled-after-unscaled",
            "the weights shrink after the step, by λ, and the rate does not multiply it",
            r"W=(W-\alpha(\cdots))(1-\lambda)",
            Decay(after=_shrunk),
            needs="weight_decay",
            in_matrix=False,
            rare=True,
        ),
        Option(
            "constant-scaled",
            "the rate times λ is taken off each weight, whatever the weight is",
            r"W=W-\alpha(\cdots+\lambda)",
            Decay(before=_less),
            needs="weight_decay",
            in_matrix=False,
            rare=True,
        ),
        Option(
            "constant-unscaled",
            "λ is taken off each weight, whatever the weight and the rate are",
            r"W=W-\alpha(\cdots)-\lambda",
            Decay(before=_less_unscaled),
            needs="weight_decay",
            in_matrix=False,
            rare=True,
        ),
    ),
    printed="none",
    standard="none",
    source="l2: torch.optim.Adam, SGD, RMSprop, Adagrad; decoupled: torch.optim.AdamW, optax.adamw, weight_decay of Keras; "
    "decoupled-unscaled: Loshchilov & Hutter, Decoupled weight decay regularization, ICLR 2019, algorithms 1 and 2, "
    "https://arxiv.org/abs/1711.05101, where a schedule η, not α, multiplies λ (here η = 1), and on what libraries made of it "
    "https://github.com/NVIDIA/apex/issues/1849; decoupled-relative: DecoupledAdamW and DecoupledSGDW of Composer, "
    "https://github.com/mosaicml/composer/blob/dev/composer/optim/decoupled_weight_decay.py; "
    "decoupled-after: AdamW of Hugging Face transformers; "
    "decoupled-after-unscaled: decoupled-unscaled in the order of decoupled-after; constant-scaled: SGDW of torch_optimizer, "
    "https://github.com/jettify/pytorch-optimizer/issues/454; constant-unscaled: AdamW of torchopt for R, "
    "https://github.com/e-sensing/torchopt/pull/14",
)

# Of a buffer that keeps β of itself, which makes a step of a constant gradient 1/(1-β) as large.
DECAY_OF_BUFFER = replace(
    DECAY,
    options=(
        *DECAY.options,
        Option(
            "decoupled-stable",
            "λW is added to the step, as much larger as the buffer makes a constant gradient",
            r"W=W-\alpha(\cdots)-\alpha\lambda\frac{1-\tau}{1-\beta}W",
            Decay(before=_shrunk_stably),
            needs="weight_decay",
            uses="dampening",
            in_matrix=False,
            rare=True,
        ),
    ),
    source=f"{DECAY.source}; decoupled-stable: SGDS of Xie, Sato & Sugiyama, Stable weight decay regularization, 2020, "
    "https://arxiv.org/abs/2011.11152, as https://github.com/zeke-xie/stable-weight-decay-regularization has it",
)
