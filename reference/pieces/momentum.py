"""Momentum: what comes into a buffer, what of it is the step, and a lookahead of it."""

from __future__ import annotations

from typing import Any

from ..vocabulary import Axis, Option


def _average(whole: Any, h: Any) -> Any:
    return (1 - h.beta) * whole


def _whole(whole: Any, h: Any) -> Any:
    return whole


def _dampened(whole: Any, h: Any) -> Any:
    return (1 - h.dampening) * whole


ACCUMULATION = Axis(
    name="accumulation",
    options=(
        Option("average", "an exponential average: (1-β) g comes in", r"V=\beta V+(1-\beta)g", _average),
        Option("sum", "a decaying sum: g comes in whole", r"V=\beta V+g", _whole),
        Option("dampened", "a decaying sum: (1-d) g comes in", r"V=\beta V+(1-d)g", _dampened, needs="dampening"),
    ),
    printed="average",
    standard="average",
    source="sum: Polyak, Some methods of speeding up the convergence of iteration methods, 1964; Sutskever et al., ICML 2013; "
    "dampened: torch.optim.SGD",
)


def _buffer(part: Any, whole: Any, buffer: Any, kept: Any) -> Any:
    return buffer


def _lookahead(part: Any, whole: Any, buffer: Any, kept: Any) -> Any:
    return part + kept * buffer


def _lookahead_whole(part: Any, whole: Any, buffer: Any, kept: Any) -> Any:
    return whole + kept * buffer


NESTEROV = Axis(
    name="nesterov",
    options=(
        Option("none", "the step is the buffer, where there is one", r"W=W-\alpha V", _buffer),
        Option("lookahead", "the step is what the buffer will be if g comes again", r"W=W-\alpha(c g+\beta V)", _lookahead),
        Option(
            "lookahead-whole",
            "the same, but g enters whole where the buffer takes a part of it",
            r"W=W-\alpha(g+\beta V)",
            _lookahead_whole,
            in_matrix=False,
        ),
    ),
    printed="none",
    standard="none",
    source="Nesterov 1983 in the form of Sutskever et al. 2013, eq. 3-4 as rewritten by Bengio et al., 2012: torch.optim.SGD, "
    "optax.sgd, optax.rmsprop and, with the rate inside the buffer, keras.optimizers.SGD, all with nesterov=True; "
    "lookahead-whole: what torch.optim.SGD would do if it allowed dampening beside it",
)


# --- a buffer of quotients ------------------------------------------------------------------------------------------
# Each is given Nesterov's choice, the quotient, the buffer, the rate and the hyperparameters; it gives the step and the buffer.


def _no_buffer(nesterov: Any, quotient: Any, buffer: Any, alpha: Any, h: Any) -> tuple[Any, Any]:
    return alpha * quotient, buffer


def _rate_outside(nesterov: Any, quotient: Any, buffer: Any, alpha: Any, h: Any) -> tuple[Any, Any]:
    buffer = h.momentum * buffer + quotient
    return alpha * nesterov(quotient, quotient, buffer, h.momentum), buffer


def _rate_inside(nesterov: Any, quotient: Any, buffer: Any, alpha: Any, h: Any) -> tuple[Any, Any]:
    part = alpha * quotient
    buffer = h.momentum * buffer + part
    return nesterov(part, part, buffer, h.momentum), buffer


def _average_of_quotients(nesterov: Any, quotient: Any, buffer: Any, alpha: Any, h: Any) -> tuple[Any, Any]:
    part = (1 - h.momentum) * quotient
    buffer = h.momentum * buffer + part
    return alpha * nesterov(part, quotient, buffer, h.momentum), buffer


MOMENTUM = Axis(
    name="momentum",
    options=(
        Option("none", "the quotient itself is the step", does=_no_buffer),
        Option(
            "outside",
            "a buffer of quotients, scaled by this step's rate",
            r"B=\mu B+g/\sqrt{\cdot},\;W=W-\alpha B",
            _rate_outside,
            needs="momentum",
        ),
        Option(
            "inside-buffer",
            "a buffer of quotients, each scaled by its own step's rate",
            r"B=\mu B+\alpha g/\sqrt{\cdot},\;W=W-B",
            _rate_inside,
            needs="momentum",
        ),
        Option(
            "average",
            "an exponential average of quotients",
            r"B=\mu B+(1-\mu)g/\sqrt{\cdot},\;W=W-\alpha B",
            _average_of_quotients,
            needs="momentum",
            in_matrix=False,
        ),
    ),
    printed="none",
    standard="none",
    source="outside: torch.optim.RMSprop; inside-buffer: Graves 2013, TensorFlow 1, Keras, optax.rmsprop; average: "
    "jax.example_libraries.optimizers.adagrad",
)
