"""What torch ships for the sheet's maps, with the reading that each is claimed to have; the optimizers stand next door."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...contract import Native
from .optimizers import OPTIMIZERS
from .sources import DOCS, RULES, SOURCE

_PAIR = {"n": 2}
_PAIR_ONLY = "takes exactly two operands"


def _extremum_natives(word: str) -> Iterator[Native]:
    """The ways to ask torch for the ``word`` ("max" or "min") of a vector: they part in whom a tie's flow goes to."""
    line = f"scalar.{word}"
    whole, pair = f"a{word}", f"{word}imum"
    yield Native(
        line,
        f"{word}()",
        f"torch.{word}(x)",
        {"ties": "split"},
        DOCS + f"torch.{word}.html",
        notes="A NaN among the inputs takes the whole flow.",
    )
    yield Native(
        line,
        whole,
        f"torch.{whole}(x)",
        {"ties": "split"},
        DOCS + f"torch.{whole}.html",
        notes="A NaN among the inputs makes the cotangent of every input NaN: the flow is divided by a count of 0.",
    )
    yield Native(
        line,
        f"{word}(dim)",
        f"torch.{word}(x, dim=0).values",
        {"ties": "first"},
        DOCS + f"torch.{word}.html",
        notes=f"Only the indexed element gets the flow, unlike in torch.{word}(x).",
    )
    yield Native(
        line,
        "sort",
        f"torch.sort(x, stable=True).values[{-1 if word == 'max' else 0}]",
        {"ties": "last"} if word == "max" else {"ties": "first", "nan": "ignore"},
        DOCS + "torch.sort.html",
        notes="NaN sorts last. Without stable=True the winner of a tie is arbitrary from 17 elements on.",
    )
    yield Native(
        line,
        pair,
        f"torch.{pair}(x[0], x[1])",
        {"ties": "split"},
        RULES,
        sizes=_PAIR,
        limits=_PAIR_ONLY,
        notes="Where one operand is NaN, both get the full flow in reverse mode.",
    )
    yield Native(
        line,
        f"f{word}",
        f"torch.f{word}(x[0], x[1])",
        {"ties": "first", "nan": "ignore"},
        RULES,
        sizes=_PAIR,
        limits=_PAIR_ONLY,
        notes="At a tie, forward mode follows the second operand: it disagrees with reverse mode." if word == "max" else "",
    )


_SCALARS = (
    Native("scalar.sum", "sum", "torch.sum(x)", {}, DOCS + "torch.sum.html"),
    Native(
        "scalar.prod",
        "prod",
        "torch.prod(x)",
        {"zero": "quotient-unless-zero"},
        SOURCE + "torch/csrc/autograd/FunctionsManual.cpp",
        notes="The branch is taken on zeros among the inputs: a product that underflows without one has gradient 0.",
    ),
    *_extremum_natives("max"),
    *_extremum_natives("min"),
    Native("scalar.sigmoid", "sigmoid", "torch.sigmoid(x)", {}, DOCS + "torch.sigmoid.html"),
)

_SIGMOID = DOCS + "torch.sigmoid.html"
_BCE = DOCS + "torch.nn.functional.binary_cross_entropy.html"
_BCE_LOGITS = DOCS + "torch.nn.functional.binary_cross_entropy_with_logits.html"
_BCE_SAYS = (
    "Each logarithm is clamped at -100 forwards, and ŷ(1-ŷ) at 1e-12 (held in single precision) backwards: the gradient is not "
    "that of the clamped loss. Raises RuntimeError for ŷ or y outside of [0, 1]."
)
_BCE_LOGITS_SAYS = (
    "The value (1-y)z - log σ(z) cancels for y = 0 and z far below 0: it is 0 where the truth is eᶻ. The gradient σ(z) - y of "
    "torch.autograd cancels for y = 1 and large z. torch.func differentiates another expression: its gradient cancels for y = 0"
    " and z far below 0 instead, and its value is 0 in both tails."
)
_LOGIT = "(w.T @ x)[0, 0] + b"


def _logistic_natives() -> Iterator[Native]:
    yield Native(
        "logistic.z", "linear", "torch.nn.functional.linear(x.T, w.T, b.reshape(1))[0, 0]", {}, _LINEAR, notes=_LINEAR_SAYS
    )
    yield Native("logistic.y_hat", "sigmoid", "torch.sigmoid(z)", {}, _SIGMOID)
    clamped = {"sign": "minus", "guard": "clamp"}
    bce = 'torch.nn.functional.binary_cross_entropy(y_hat, y, reduction="none")'
    for line in ("logistic.loss", "logistic.grad_y_hat"):
        yield Native(line, "binary_cross_entropy", bce, clamped, _BCE, notes=_BCE_SAYS)
    for line, z in (("logistic.grad_z", "z"), ("logistic.grad_w", _LOGIT), ("logistic.grad_b", _LOGIT)):
        yield Native(
            line,
            "binary_cross_entropy_with_logits",
            f'torch.nn.functional.binary_cross_entropy_with_logits({z}, y, reduction="none")',
            {"sign": "minus", "path": "logit"},
            _BCE_LOGITS,
            notes=_BCE_LOGITS_SAYS,
        )
    yield Native(
        "logistic.grad_z",
        "logsigmoid",
        "-y * torch.nn.functional.logsigmoid(z) - (1 - y) * torch.nn.functional.logsigmoid(-z)",
        {"sign": "minus", "path": "logit"},
        DOCS + "torch.nn.functional.logsigmoid.html",
    )


_LINEAR = DOCS + "torch.nn.functional.linear.html"
_LINEAR_SAYS = "torch keeps one example a row, the sheet one a column: its transpose."
_MSE = DOCS + "torch.nn.functional.mse_loss.html"
_ACTIVATIONS = '{"sigmoid": torch.sigmoid, "relu": torch.relu, "tanh": torch.tanh, "identity": torch.nn.Identity()}[g](Z)'


def _linear(weight: str, columns: str, bias: str) -> str:
    return f"torch.nn.functional.linear({columns}.T, {weight}, {bias}[:, 0]).T"


def _mlp_natives() -> Iterator[Native]:
    # on the meta device a layer neither allocates nor draws from the random state; its parameters are W and b
    module = (
        'torch.func.functional_call(torch.nn.Linear(*W.T.shape, device="meta"), {"weight": W, "bias": b[:, 0]}, A_prev.T).T'
    )
    for line, claim in (("mlp.Z", {"bias": "broadcast"}), ("mlp.grad_W", {}), ("mlp.grad_b", {})):
        yield Native(line, "linear", _linear("W", "A_prev", "b"), claim, _LINEAR, notes=_LINEAR_SAYS)
        yield Native(line, "Linear", module, claim, DOCS + "torch.nn.Linear.html", notes=_LINEAR_SAYS)
    for line in ("mlp.A", "mlp.delta_last"):
        yield Native(line, "activation", _ACTIVATIONS, {}, DOCS + "torch.nn.ReLU.html", notes="relu'(0) = 0")
    yield Native("mlp.delta", "linear", _linear("W_next", f"({_ACTIVATIONS})", "b_next"), {}, _LINEAR, notes=_LINEAR_SAYS)


_OUTPUT = _linear("w2", "A", "b2")
# for each line down to a squared error: ŷ over the line's inputs, and the slips of the print that torch does not share
_ALL_ONES = {"ones": "all-ones"}
_SQUARED_ERRORS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "mlp2.loss": ("y_hat", {}),
    "mlp2.grad_y_hat": ("y_hat", {}),
    "mlp2.grad_w2": (_OUTPUT, {}),
    "mlp2.grad_b2": (_OUTPUT, {}),
    "mlp2.grad_A": (_OUTPUT, {}),
    "mlp2.grad_Z": (_linear("w2", "torch.sigmoid(Z)", "b2"), {}),
    "mlp2.grad_W1": (_linear("w2", f"torch.sigmoid({_linear('W1', 'X', 'b1')})", "b2"), _ALL_ONES),
    "mlp2.grad_b1": (_linear("w2", f"torch.sigmoid({_linear('W1', 'X', 'b1')})", "b2"), _ALL_ONES),
    "mlp.example.delta2": ("Z2", {}),
    "mlp.example.grad_w2": (_OUTPUT, {}),
    "mlp.example.grad_b2": (_OUTPUT, {}),
    "mlp.example.delta1": (_linear("w2", "torch.sigmoid(Z1)", "b2"), _ALL_ONES),
    "mlp.example.grad_w1": (_linear("w2", f"torch.sigmoid({_linear('W1', 'A0', 'b1')})", "b2"), _ALL_ONES),
    "mlp.example.grad_b1": (
        _linear("w2", f"torch.sigmoid({_linear('W1', 'A0', 'b1')})", "b2"),
        {**_ALL_ONES, "expression": "second"},
    ),
}


def _mse_natives() -> Iterator[Native]:
    """The two-layer network under torch's squared error, once for each normaliser that mse_loss offers."""
    for line, (y_hat, claim) in _SQUARED_ERRORS.items():
        for name, argument, normaliser in (("mse_loss", "", "elements"), ("mse_loss.sum", ', reduction="sum"', "one")):
            yield Native(
                line,
                name,
                f"torch.nn.functional.mse_loss({y_hat}, y{argument})",
                {"normaliser": normaliser, **claim},
                _MSE,
                notes="" if argument else "The mean is over all elements, not over the examples.",
            )


_LAYERS = (
    Native("graph.neuron", "sigmoid", f"torch.sigmoid({_LOGIT})", {}, _SIGMOID),
    Native("mlp2.Z", "linear", _linear("W1", "X", "b1"), {}, _LINEAR, notes=_LINEAR_SAYS),
    Native("mlp2.A", "sigmoid", "torch.sigmoid(Z)", {}, _SIGMOID),
    Native("mlp2.y_hat", "linear", _linear("w2", "A", "b2"), {}, _LINEAR, notes=_LINEAR_SAYS),
)

NATIVES = (*_SCALARS, *_logistic_natives(), *_LAYERS, *_mse_natives(), *_mlp_natives(), *OPTIMIZERS)
