"""PyTorch: its two routes into automatic differentiation, its namespace, its natives and its optimizers.

Importing this module does not import torch. No thread count, default dtype, flush mode or random state is changed.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from .contract import (
    Adapter,
    Function,
    Limitation,
    MapProgram,
    Native,
    Program,
    Pullback,
    Pushforward,
    Trace,
    TraceProgram,
    Unsupported,
    assigned,
    keywords,
    spelled,
)

if TYPE_CHECKING:
    import torch

DOCS = "https://docs.pytorch.org/docs/stable/generated/"
SOURCE = "https://github.com/pytorch/pytorch/blob/v2.13.0/"
RULES = SOURCE + "tools/autograd/derivatives.yaml"


# --- natives: maps --------------------------------------------------------------------------------------------------

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


# --- natives: optimizers --------------------------------------------------------------------------------------------

# On the CPU torch's default is the loop over parameters; it is named so that an accelerator runs the same form.
_FORMS = {"": "foreach=False", ".foreach": "foreach=True", ".fused": "fused=True"}


@dataclass(frozen=True)
class _Row:
    """An optimizer, written once for its three forms; ``arguments`` are what follows the rate."""

    line: str
    name: str
    arguments: str
    takes: tuple[str, ...] = ()
    claim: Mapping[str, str] = field(default_factory=dict)
    notes: str = ""

    @property
    def kind(self) -> str:
        return self.name.partition(".")[0]

    def natives(self) -> Iterator[Native]:
        for suffix, form in _FORMS.items():
            yield Native(
                line=self.line,
                name=f"optim.{self.name}{suffix}",
                expression=f"torch.optim.{self.kind}({', '.join(filter(None, ('w, lr=rate', self.arguments, form)))})",
                claim=self.claim,
                source=DOCS + f"torch.optim.{self.kind}.html",
                takes=self.takes,
                notes=self.notes,
                known=(_FUSED_SGD,) if (self.kind, suffix) == ("SGD", ".fused") else (),
            )


# Fixed after torch 2.13: https://github.com/pytorch/pytorch/pull/192545
_FUSED_SGD = Limitation(
    "defect",
    "on the CPU, fused SGD leaves half-precision elements that fill a SIMD block as they are",
    "https://github.com/pytorch/pytorch/issues/191763",
    dtypes=("bfloat16", "float16"),
)
_STARTS = "The buffer starts as the first gradient, undampened."
_BETAS = "betas=(beta1, beta2), eps=eps"
_STANDARD = {"correction": "complement-of-power"}

_ROWS = (
    _Row("optimizer.sgd", "SGD", ""),
    _Row("optimizer.momentum", "SGD.momentum", "momentum=beta", ("beta",), {"accumulation": "sum"}),
    _Row(
        "optimizer.momentum",
        "SGD.dampening",
        "momentum=beta, dampening=dampening",
        ("beta", "dampening"),
        {"accumulation": "dampened", "start": "first-gradient"},
        notes=_STARTS,
    ),
    _Row(
        "optimizer.momentum",
        "SGD.average",
        "momentum=beta, dampening=beta",
        ("beta",),
        {"accumulation": "average", "start": "first-gradient"},
        notes=f"The nearest that torch has to the print. {_STARTS}",
    ),
    _Row(
        "optimizer.momentum",
        "SGD.nesterov",
        "momentum=beta, nesterov=True",
        ("beta",),
        {"accumulation": "sum", "nesterov": "lookahead"},
    ),
    _Row("optimizer.rmsprop", "RMSprop", "alpha=beta, eps=eps", ("beta", "eps"), {"epsilon": "outside-root"}),
    _Row(
        "optimizer.rmsprop",
        "RMSprop.centered",
        "alpha=beta, eps=eps, centered=True",
        ("beta", "eps"),
        {"epsilon": "outside-root", "centered": "yes"},
        notes="S - G² is not guarded: rounding can make it negative and the weights NaN.",
    ),
    _Row(
        "optimizer.rmsprop",
        "RMSprop.momentum",
        "alpha=beta, eps=eps, momentum=momentum",
        ("beta", "eps", "momentum"),
        {"epsilon": "outside-root", "momentum": "outside"},
    ),
    _Row("optimizer.adam", "Adam", _BETAS, ("beta1", "beta2", "eps"), _STANDARD),
    _Row(
        "optimizer.adam",
        "Adam.l2",
        f"{_BETAS}, weight_decay=weight_decay",
        ("beta1", "beta2", "eps", "weight_decay"),
        {**_STANDARD, "decay": "l2"},
        notes="Adam's weight_decay is added to the gradient; AdamW's is not.",
    ),
    _Row(
        "optimizer.adam",
        "AdamW",
        f"{_BETAS}, weight_decay=weight_decay",
        ("beta1", "beta2", "eps", "weight_decay"),
        {**_STANDARD, "decay": "decoupled"},
    ),
    _Row(
        "optimizer.adam",
        "NAdam",
        f"{_BETAS}, momentum_decay=momentum_decay",
        ("beta1", "beta2", "eps", "momentum_decay"),
        {**_STANDARD, "lookahead": "nadam-schedule"},
        notes="The product of the scheduled momenta (state mu_product) is held in the default dtype, which is float32: "
        "float64 weights are then good to 1e-8 only.",
    ),
)


# --- arrays in and out ----------------------------------------------------------------------------------------------


def to_torch(value: Any) -> Any:
    """A tensor with the bits of a NumPy array, in memory of its own; settings such as ``g="relu"`` pass through."""
    import torch

    if isinstance(value, str):
        return value
    array = np.array(value)  # a copy: torch warns of read-only memory, and rejects negative strides
    if array.dtype.name == "bfloat16":
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)


def to_numpy(tensor: torch.Tensor) -> np.ndarray:
    """A NumPy array with the bits of a tensor."""
    import torch

    tensor = tensor.detach().contiguous()
    if tensor.dtype is torch.bfloat16:
        import ml_dtypes

        return tensor.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return tensor.numpy()


# --- the adapter ----------------------------------------------------------------------------------------------------


class Namespace:
    """torch under NumPy's names, for formula bodies.

    ``max`` and ``min`` reduce everything, as ``torch.max(x)``: their derivative splits a tie evenly, while that of
    ``torch.max(x, dim)`` follows the first index. A Python number stays one, since it never widens a tensor.
    """

    def __getattr__(self, name: str) -> Any:
        import torch

        return getattr(torch, name)

    def asarray(self, value: Any) -> Any:
        return to_torch(value) if isinstance(value, np.ndarray) else value

    def maximum(self, a: Any, b: Any) -> torch.Tensor:
        return self.__getattr__("maximum")(*_tensors(a, b))

    def minimum(self, a: Any, b: Any) -> torch.Tensor:
        return self.__getattr__("minimum")(*_tensors(a, b))


def _tensors(a: Any, b: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Two operands as tensors, at least one of which is one already; a number takes its dtype."""
    import torch

    dtype = a.dtype if isinstance(a, torch.Tensor) else b.dtype
    return torch.as_tensor(a, dtype=dtype), torch.as_tensor(b, dtype=dtype)


class PyTorch(Adapter):
    """PyTorch on the CPU: "eager" is torch.autograd and forward_ad, "func" is torch.func."""

    name = "pytorch"
    package = "torch"
    extra = "torch"
    distributions = ("torch",)
    modules = {"torch": "torch"}  # noqa: RUF012 (a ClassVar by the contract)
    map_modes = ("eager", "func")
    natives = (
        *_SCALARS,
        *_logistic_natives(),
        *_LAYERS,
        *_mse_natives(),
        *_mlp_natives(),
        *(native for row in _ROWS for native in row.natives()),
    )

    @property
    def namespace(self) -> Namespace:
        return Namespace()

    def pull_back(
        self, function: Function, inputs: Mapping[str, np.ndarray], wrt: tuple[str, ...], cotangent: np.ndarray, mode: str
    ) -> Pullback:
        tensors = {name: to_torch(value) for name, value in inputs.items()}
        reverse = _reverse_by_func if _known(mode, self.map_modes) == "func" else _reverse_by_graph
        value, cotangents = reverse(function, tensors, wrt, to_torch(cotangent))
        return Pullback(to_numpy(value), {name: to_numpy(bar) for name, bar in zip(wrt, cotangents, strict=True)})

    def push_forward(
        self, function: Function, inputs: Mapping[str, np.ndarray], tangents: Mapping[str, np.ndarray], mode: str
    ) -> Pushforward:
        tensors = {name: to_torch(value) for name, value in inputs.items()}
        directions = {name: to_torch(value) for name, value in tangents.items()}
        _load_forward_mode()
        forward = _forward_by_func if _known(mode, self.map_modes) == "func" else _forward_by_duals
        try:
            value, tangent = forward(function, tensors, directions)
        except NotImplementedError as error:
            raise Unsupported(str(error)) from error
        return Pushforward(to_numpy(value), to_numpy(tangent))

    def optimize(self, native: Native, trace: Trace, mode: str) -> np.ndarray:
        _known(mode, self.optimizer_modes)
        parameters = _parts(to_torch(trace.weights))
        optimizer = _construct(native, self.names(), parameters, trace)
        weights = np.empty((trace.steps, trace.weights.size), trace.weights.dtype)
        for t, (rate, gradient) in enumerate(zip(trace.rates, to_torch(trace.gradients), strict=True)):
            for group in optimizer.param_groups:
                group["lr"] = rate
            for parameter, part in zip(parameters, _parts(gradient), strict=True):
                parameter.grad = part
            optimizer.step()
            weights[t] = np.concatenate([to_numpy(parameter) for parameter in parameters])
        return weights

    def run_update(self, update: Function, trace: Trace, mode: str) -> np.ndarray:
        _known(mode, self.optimizer_modes)
        w = to_torch(trace.weights)
        steps = update(self.namespace, w, list(to_torch(trace.gradients)), list(trace.rates), dict(trace.hyper))
        weights = np.empty((trace.steps, trace.weights.size), trace.weights.dtype)
        for t, after in enumerate(steps):
            weights[t] = to_numpy(after)
        return weights

    def script(self, program: Program) -> str:
        if isinstance(program, MapProgram):
            return _map_script(program)
        return _native_script(program) if program.expression else _printed_script(program)


def _known(mode: str, modes: tuple[str, ...]) -> str:
    if mode not in modes:
        raise Unsupported(f"pytorch has no mode {mode!r} here; it has {', '.join(modes)}")
    return mode


def _reverse_by_graph(function: Function, tensors: Mapping[str, Any], wrt: tuple[str, ...], cotangent: Any) -> tuple[Any, Any]:
    import torch

    leaves = [tensors[name].requires_grad_() for name in wrt]
    with torch.enable_grad():
        value = function(**tensors)
    if not value.requires_grad:  # depends on none of the leaves
        return value, [torch.zeros_like(leaf) for leaf in leaves]
    return value, torch.autograd.grad(value, leaves, cotangent, allow_unused=True, materialize_grads=True)


def _reverse_by_func(function: Function, tensors: Mapping[str, Any], wrt: tuple[str, ...], cotangent: Any) -> tuple[Any, Any]:
    import torch

    def of(*primals: Any) -> Any:
        return function(**{**tensors, **dict(zip(wrt, primals, strict=True))})

    value, vjp, *_ = torch.func.vjp(of, *(tensors[name] for name in wrt))
    return value, vjp(cotangent)


@cache
def _load_forward_mode() -> None:
    """Have torch script its forward-mode rules, which it does at the first use while warning that scripting is deprecated."""
    import torch
    from torch.autograd import forward_ad

    with warnings.catch_warnings(), forward_ad.dual_level():
        warnings.simplefilter("ignore", DeprecationWarning)
        forward_ad.make_dual(torch.zeros(()), torch.zeros(()))


def _forward_by_duals(function: Function, tensors: Mapping[str, Any], directions: Mapping[str, Any]) -> tuple[Any, Any]:
    import torch
    from torch.autograd import forward_ad

    with forward_ad.dual_level():
        duals = {name: forward_ad.make_dual(tensors[name], direction) for name, direction in directions.items()}
        value, tangent = forward_ad.unpack_dual(function(**{**tensors, **duals}))
    return value, torch.zeros_like(value) if tangent is None else tangent


def _forward_by_func(function: Function, tensors: Mapping[str, Any], directions: Mapping[str, Any]) -> tuple[Any, Any]:
    import torch

    def of(*primals: Any) -> Any:
        return function(**{**tensors, **dict(zip(directions, primals, strict=True))})

    value, tangent, *_ = torch.func.jvp(of, tuple(tensors[name] for name in directions), tuple(directions.values()))
    return value, tangent


def _parts(vector: torch.Tensor) -> list[torch.Tensor]:
    """A flat vector as two tensors, such as W and b, each in memory of its own; one element is one tensor."""
    return [part.clone() for part in vector.tensor_split(2) if part.numel()]


def _construct(native: Native, modules: Mapping[str, Any], parameters: list[torch.Tensor], trace: Trace) -> Any:
    """The optimizer, which may not exist in this form; Unsupported then carries torch's own words."""
    taken = {name: trace.hyper[name] for name in native.takes}
    names = {**modules, **native.fixed, **taken, "w": parameters, "rate": trace.rates[0]}
    try:
        return eval(native.code, names)
    except (TypeError, RuntimeError) as error:
        raise Unsupported(f"{native.expression}: {error}") from error


# --- stand-alone scripts --------------------------------------------------------------------------------------------


def _map_script(program: MapProgram) -> str:
    leaves = "" if program.mode == "func" else ", requires_grad=True"
    arrays = {
        name: f"torch.tensor({numbers}, dtype=torch.{program.dtype}{leaves if name in program.wrt else ''})"
        for name, numbers in program.arrays.items()
    }
    reverse = _FUNC if program.mode == "func" else _GRAPH
    return _over_torch(program.definitions) + reverse.format(
        assignments=assigned({**arrays, **program.settings}),
        cotangent=f"torch.tensor({program.cotangent}, dtype=torch.{program.dtype})",
        expression=program.expression,
        wrt=", ".join(program.wrt),
        bars=f"({program.wrt[0]}_bar,)" if len(program.wrt) == 1 else ", ".join(f"{name}_bar" for name in program.wrt),
        unused=", allow_unused=True, materialize_grads=True" if len(program.wrt) > 1 else "",
        output=program.output,
    )


def _native_script(program: TraceProgram) -> str:
    return "import torch\n\n" + _STEPS.format(hyper=assigned(program.hyper), **_of_trace(program))


def _printed_script(program: TraceProgram) -> str:
    hyper, axes = keywords(program.hyper), keywords(program.axes)
    return _over_torch(program.definitions) + _UPDATES.format(hyper=hyper, axes=axes, **_of_trace(program))


def _over_torch(definitions: str) -> str:
    return "import torch\n" + spelled(definitions, "torch") + "\n"


def _of_trace(program: TraceProgram) -> dict[str, str]:
    names = ("dtype", "weights", "gradients", "rates", "expression", "start", "update")
    return {name: getattr(program, name) for name in names}


_GRAPH = """\
{assignments}cotangent = {cotangent}

value = {expression}
{bars} = torch.autograd.grad(value, [{wrt}], cotangent{unused})
observed = {output}.flatten().tolist()
"""

_FUNC = """\
{assignments}cotangent = {cotangent}


def function({wrt}):
    return {expression}


value, vjp = torch.func.vjp(function, {wrt})
{bars} = vjp(cotangent)
observed = {output}.flatten().tolist()
"""

_STEPS = """\
{hyper}rates = {rates}
gradients = torch.tensor({gradients}, dtype=torch.{dtype})
parameter = torch.tensor({weights}, dtype=torch.{dtype})

w, rate = [parameter], rates[0]
optimizer = {expression}
weights = []
for rate, gradient in zip(rates, gradients):
    optimizer.param_groups[0]["lr"] = rate
    parameter.grad = gradient.clone()
    optimizer.step()
    weights.append(parameter.clone())
observed = torch.stack(weights).flatten().tolist()
"""

_UPDATES = """\
hyper = {hyper}
reading = {axes}
rates = {rates}
gradients = torch.tensor({gradients}, dtype=torch.{dtype})
w = torch.tensor({weights}, dtype=torch.{dtype})

state = {start}(w, **hyper, **reading)
weights = []
for rate, gradient in zip(rates, gradients):
    w, state = {update}(w, gradient, state, rate, **hyper, **reading)
    weights.append(w)
observed = torch.stack(weights).flatten().tolist()
"""


ADAPTER = PyTorch()
