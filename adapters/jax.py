"""JAX, with the optimizers of optax and of jax.example_libraries.

Importing this module does not import jax. The process's jax.config is left alone: 64-bit types are switched on for one call at
a time, and off for the others, so that a result does not depend on JAX_ENABLE_X64. On the CPU, XLA flushes subnormal numbers to
zero in float64, float32 and bfloat16, eager and compiled: that is left as it is.
"""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import importlib.util
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from .contract import (
    Adapter,
    Function,
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
    from contextlib import AbstractContextManager

DOCS = "https://docs.jax.dev/en/latest/_autosummary/"
EXAMPLES = "https://docs.jax.dev/en/latest/jax.example_libraries.optimizers.html"
OPTAX = "https://optax.readthedocs.io/en/latest/api/"
OPTIMIZERS, TRANSFORMATIONS, LOSSES = (f"{OPTAX}{page}.html" for page in ("optimizers", "transformations", "losses"))


# --- natives: maps --------------------------------------------------------------------------------------------------

_PAIR = {"sizes": {"n": 2}, "limits": "takes exactly two operands"}
_COUNTED = (
    "Where an input is NaN, the eager gradient is NaN for every input, since the flow is divided by a count of 0; "
    "the compiled one is 0."
)


def _extremum_natives(word: str) -> Iterator[Native]:
    """The ways to ask JAX for the ``word`` ("max" or "min") of a vector: they part in whom a tie's flow goes to."""
    line = f"scalar.{word}"
    split = {"ties": "split"}
    yield Native(line, f"jnp.{word}", f"jnp.{word}(x)", split, f"{DOCS}jax.numpy.{word}.html", notes=_COUNTED)
    yield Native(
        line,
        f"lax.reduce_{word}",
        f"jax.lax.reduce_{word}(x, axes=(0,))",
        split,
        f"{DOCS}jax.lax.reduce_{word}.html",
        notes=_COUNTED,
    )
    yield Native(
        line,
        f"jnp.{word}imum",
        f"jnp.{word}imum(x[0], x[1])",
        split,
        f"{DOCS}jax.numpy.{word}imum.html",
        **_PAIR,
        notes="Where an operand is NaN, neither gets any flow.",
    )
    yield Native(
        line,
        "jnp.sort",
        f"jnp.sort(x)[{-1 if word == 'max' else 0}]",
        {"ties": "last"} if word == "max" else {"ties": "first", "nan": "ignore"},
        f"{DOCS}jax.numpy.sort.html",
        notes="Stable by default. NaN sorts last: it is the maximum, and it is ignored by the minimum.",
    )
    yield Native(
        line,
        f"jnp.arg{word}",
        f"x[jnp.arg{word}(x)]",
        {"ties": "first"},
        f"{DOCS}jax.numpy.arg{word}.html",
        notes="NaN is the extremum: its first one is found.",
    )
    yield Native(
        line,
        f"jnp.f{word}",
        f"jnp.f{word}(x[0], x[1])",
        {"ties": "last", "nan": "ignore"},
        f"{DOCS}jax.numpy.f{word}.html",
        **_PAIR,
    )


_SIGMOIDS = {
    "jax.nn.sigmoid": f"{DOCS}jax.nn.sigmoid.html",
    "jax.scipy.special.expit": f"{DOCS}jax.scipy.special.expit.html",
    "jax.lax.logistic": f"{DOCS}jax.lax.logistic.html",
}
_ONE_OUTPUT = "(w.T @ x)[0, 0] + b"


def _sigmoid_natives() -> Iterator[Native]:
    for name, source in _SIGMOIDS.items():
        yield Native("scalar.sigmoid", name.removeprefix("jax."), f"{name}(x)", {}, source)
    for line, argument in (("logistic.y_hat", "z"), ("mlp2.A", "Z"), ("graph.neuron", _ONE_OUTPUT)):
        yield Native(line, "nn.sigmoid", f"jax.nn.sigmoid({argument})", {}, _SIGMOIDS["jax.nn.sigmoid"])


def _cross_entropy_natives() -> Iterator[Native]:
    yield Native(
        "logistic.grad_z",
        "nn.log_sigmoid",
        "y * jax.nn.log_sigmoid(z) + (1 - y) * jax.nn.log_sigmoid(-z)",
        {"path": "logit"},
        f"{DOCS}jax.nn.log_sigmoid.html",
        notes="Value and gradient keep their precision in both tails.",
    )
    for line, z in (("logistic.grad_z", "z"), ("logistic.grad_w", _ONE_OUTPUT), ("logistic.grad_b", _ONE_OUTPUT)):
        yield Native(
            line,
            "optax.sigmoid_binary_cross_entropy",
            f"optax.sigmoid_binary_cross_entropy({z}, y)",
            {"sign": "minus", "path": "logit"},
            LOSSES,
            notes="Elementwise. At z = inf, y = 1 the value is NaN (0 times infinity).",
        )


def _activations(relu: str) -> str:
    return f'{{"sigmoid": jax.nn.sigmoid, "relu": {relu}, "tanh": jnp.tanh, "identity": jax.nn.identity}}[g](Z)'


def _activation_natives() -> Iterator[Native]:
    """The activations under their own names; and once with ReLU as a maximum, which splits the flow at the kink."""
    own, relu = _activations("jax.nn.relu"), f"{DOCS}jax.nn.relu.html"
    for line, expression in (("mlp.A", own), ("mlp.delta_last", own), ("mlp.delta", f"W_next @ {own} + b_next")):
        yield Native(line, "nn", expression, {}, relu, notes="relu'(0) = 0")
    yield Native(
        "mlp.A",
        "jnp.maximum",
        _activations("(lambda Z: jnp.maximum(Z, 0))"),
        {"kink": "half"},
        f"{DOCS}jax.numpy.maximum.html",
    )


def _squared_error_natives() -> Iterator[Native]:
    """optax's two squared errors are elementwise: their normaliser is what the user puts behind them."""
    for line in ("mlp2.loss", "mlp2.grad_y_hat"):
        for loss, factor in (("squared_error", {}), ("l2_loss", {"factor": "half"})):
            for reduction, normaliser in (("mean", "elements"), ("sum", "one")):
                yield Native(
                    line,
                    f"optax.{loss}.{reduction}",
                    f"optax.{loss}(y_hat, y).{reduction}()",
                    {"normaliser": normaliser, **factor},
                    LOSSES,
                )


_MAPS = (
    Native("scalar.sum", "jnp.sum", "jnp.sum(x)", {}, f"{DOCS}jax.numpy.sum.html"),
    Native(
        "scalar.prod",
        "jnp.prod",
        "jnp.prod(x)",
        {"zero": "product-of-others"},
        f"{DOCS}jax.numpy.prod.html",
        notes="Under differentiation the value, too, is formed as a tree: it may overflow where the plain value does not.",
    ),
    *_extremum_natives("max"),
    *_extremum_natives("min"),
    *_sigmoid_natives(),
    *_cross_entropy_natives(),
    *_squared_error_natives(),
    *_activation_natives(),
)


# --- natives: optimizers --------------------------------------------------------------------------------------------

_RATE = "optax.scale_by_learning_rate(rate)"
_BETAS = "b1=beta1, b2=beta2"
_ADAM = ("beta1", "beta2", "eps")
_STANDARD = {"correction": "complement-of-power"}
_SUM = {"accumulation": "sum"}
_OUTSIDE, _INSIDE = {"epsilon": "outside-root"}, {"momentum": "inside-buffer"}
_POWERS = "Without 64-bit types 1-β^t is formed in float32, whatever the weights' dtype."
_RATE_INSIDE = "The rate is inside of the buffer: it matters where the rate changes."


def _row(
    line: str,
    name: str,
    expression: str,
    takes: tuple[str, ...] = (),
    claim: Mapping[str, str] | None = None,
    source: str = OPTIMIZERS,
    notes: str = "",
) -> Native:
    return Native(f"optimizer.{line}", name, expression, claim or {}, source, takes=takes, notes=notes)


def _momentum_natives() -> Iterator[Native]:
    beta = ("beta",)
    yield _row("momentum", "optax.sgd.momentum", "optax.sgd(rate, momentum=beta)", beta, _SUM)
    ahead = {**_SUM, "nesterov": "lookahead"}
    yield _row("momentum", "optax.sgd.nesterov", "optax.sgd(rate, momentum=beta, nesterov=True)", beta, ahead)
    yield _row("momentum", "optax.trace", f"optax.chain(optax.trace(decay=beta), {_RATE})", beta, _SUM, TRANSFORMATIONS)
    yield _row(
        "momentum",
        "optax.trace.inside",
        f"optax.chain({_RATE}, optax.trace(decay=beta))",
        beta,
        {**_SUM, "rate": "inside-buffer"},
        TRANSFORMATIONS,
        notes=_RATE_INSIDE,
    )
    for name, argument, claim in (
        ("optax.ema.debias=False", ", debias=False", {}),
        ("optax.ema", "", {"debias": "complement-of-power"}),
    ):
        expression = f"optax.chain(optax.ema(beta{argument}), {_RATE})"
        yield _row("momentum", name, expression, beta, claim, TRANSFORMATIONS, notes="" if argument else _POWERS)
    yield _row("momentum", "example_libraries.momentum", "optimizers.momentum(rate, mass=beta)", beta, _SUM, EXAMPLES)
    yield _row("momentum", "example_libraries.nesterov", "optimizers.nesterov(rate, mass=beta)", beta, ahead, EXAMPLES)


def _rmsprop_natives() -> Iterator[Native]:
    plain, buffered = ("beta", "eps"), ("beta", "eps", "momentum")
    for name, arguments, takes, claim, notes in (
        ("", "", plain, {}, ""),
        (".eps_in_sqrt=False", ", eps_in_sqrt=False", plain, _OUTSIDE, ""),
        (
            ".initial_scale",
            ", initial_scale=initial_scale",
            (*plain, "initial_scale"),
            {"start": "initial-scale"},
            "",
        ),
        (".centered", ", centered=True", plain, {"centered": "yes"}, "S - G² can come out negative: the step is then NaN."),
        (".momentum", ", momentum=momentum", buffered, _INSIDE, _RATE_INSIDE),
    ):
        expression = f"optax.rmsprop(rate, decay=beta, eps=eps{arguments})"
        yield _row("rmsprop", f"optax.rmsprop{name}", expression, takes, claim, notes=notes)
    yield _row(
        "rmsprop",
        "optax.scale_by_rms.trace",
        f"optax.chain(optax.scale_by_rms(decay=beta, eps=eps, eps_in_sqrt=False), optax.trace(decay=momentum), {_RATE})",
        buffered,
        {**_OUTSIDE, "momentum": "outside"},
        TRANSFORMATIONS,
        notes="What torch.optim.RMSprop does with momentum.",
    )
    yield _row("rmsprop", "example_libraries.rmsprop", "optimizers.rmsprop(rate, gamma=beta, eps=eps)", plain, source=EXAMPLES)
    yield _row(
        "rmsprop",
        "example_libraries.rmsprop_momentum",
        "optimizers.rmsprop_momentum(rate, gamma=beta, eps=eps, momentum=momentum)",
        buffered,
        _INSIDE,
        EXAMPLES,
        notes=_RATE_INSIDE,
    )


def _adam_natives() -> Iterator[Native]:
    decayed = (*_ADAM, "weight_decay")
    decay = f"{_BETAS}, eps=eps, weight_decay=weight_decay"
    adam = f"optax.adam(rate, {_BETAS}, eps=eps)"
    for name, expression, takes, claim in (
        ("adam", adam, _ADAM, {}),
        ("adam.eps_root", f"optax.adam(rate, {_BETAS}, eps=0.0, eps_root=eps)", _ADAM, {"epsilon": "inside-root"}),
        ("adam.l2", f"optax.chain(optax.add_decayed_weights(weight_decay), {adam})", decayed, {"decay": "l2"}),
        ("adamw", f"optax.adamw(rate, {decay})", decayed, {"decay": "decoupled"}),
        ("nadam", f"optax.nadam(rate, {_BETAS}, eps=eps)", _ADAM, {"lookahead": "nadam"}),
        ("nadamw", f"optax.nadamw(rate, {decay})", decayed, {"lookahead": "nadam", "decay": "decoupled"}),
    ):
        yield _row("adam", f"optax.{name}", expression, takes, {**_STANDARD, **claim}, notes=_POWERS)
    yield _row(
        "adam",
        "example_libraries.adam",
        f"optimizers.adam(rate, {_BETAS}, eps=eps)",
        _ADAM,
        _STANDARD,
        EXAMPLES,
        notes="β^t is formed in the weights' dtype: in bfloat16 β2 = 0.999 is 1, and the weights never move.",
    )


_OPTIMIZERS = (
    _row("sgd", "optax.sgd", "optax.sgd(rate)"),
    _row("sgd", "example_libraries.sgd", "optimizers.sgd(rate)", source=EXAMPLES),
    *_momentum_natives(),
    *_rmsprop_natives(),
    *_adam_natives(),
)


# --- arrays and their precision -------------------------------------------------------------------------------------


class Namespace:
    """jax.numpy for formula bodies. Python numbers stay what they are, since they do not widen an array."""

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module("jax.numpy"), name)

    def asarray(self, value: Any) -> Any:
        import jax.numpy as jnp

        return jnp.asarray(value) if isinstance(value, (np.ndarray, np.generic)) else value

    def stack(self, parts: Sequence[Any]) -> Any:
        import jax.numpy as jnp

        return jnp.stack(list(parts))


NAMESPACE = Namespace()


def _precise(*arrays: np.ndarray) -> AbstractContextManager[None]:
    """The context in which JAX keeps the arrays' dtype: 64-bit types are on if one of them needs it, else off."""
    import jax

    return jax.enable_x64(any(array.dtype == np.float64 for array in arrays))


def _to_numpy(array: Any) -> np.ndarray:
    return np.array(array)  # a copy: JAX's own memory is read-only


# --- compiled forms -------------------------------------------------------------------------------------------------

# A campaign goes through its cells one by one and a cell has a few functions (one for each setting), each in a few shapes,
# which jax.jit tells apart itself. What is no longer asked for is dropped with its executables.
KEPT = 16

Settings = tuple[tuple[str, Any], ...]


def _sorted_out(inputs: Mapping[str, Any]) -> tuple[dict[str, Any], Settings]:
    """The arrays among the inputs, and the settings, such as g="relu", that a compiled form is specific to."""
    arrays = {name: value for name, value in inputs.items() if isinstance(value, np.ndarray)}
    return arrays, tuple(sorted((name, value) for name, value in inputs.items() if name not in arrays))


@lru_cache(maxsize=KEPT)
def _reverse(function: Function, settings: Settings, wrt: tuple[str, ...], mode: str) -> Callable[..., tuple[Any, Any]]:
    """(arrays, cotangent) -> value and cotangents; compiled as a whole if ``mode`` is "jit"."""
    import jax

    def value_and_cotangents(arrays: Mapping[str, Any], cotangent: Any) -> tuple[Any, Any]:
        def primal(chosen: Mapping[str, Any]) -> Any:
            return function(**{**arrays, **chosen}, **dict(settings))

        value, pull = jax.vjp(primal, {name: arrays[name] for name in wrt})
        return value, pull(cotangent)[0]

    return jax.jit(value_and_cotangents) if mode == "jit" else value_and_cotangents


@lru_cache(maxsize=KEPT)
def _forward(function: Function, settings: Settings, mode: str) -> Callable[..., tuple[Any, Any]]:
    """(arrays, tangents) -> value and tangent; compiled as a whole if ``mode`` is "jit"."""
    import jax

    def value_and_tangent(arrays: Mapping[str, Any], tangents: Mapping[str, Any]) -> tuple[Any, Any]:
        def primal(chosen: Mapping[str, Any]) -> Any:
            return function(**{**arrays, **chosen}, **dict(settings))

        return jax.jvp(primal, ({name: arrays[name] for name in tangents},), (tangents,))

    return jax.jit(value_and_tangent) if mode == "jit" else value_and_tangent


@lru_cache(maxsize=KEPT)
def _compiled_update(update: Function) -> Callable[..., Any]:
    """A printed update over a whole trace as one program.

    Rates and hyperparameters are traced as the weakly typed scalars that Python floats become: one compilation serves every
    trace of the same length. The steps are unrolled, so that compiling costs about 50 ms a step.
    """
    import jax

    return jax.jit(lambda w, gradients, rates, hyper: update(NAMESPACE, w, gradients, rates, hyper))


# --- optimizers -----------------------------------------------------------------------------------------------------


class Stepper(NamedTuple):
    """What an optax transformation and an example_libraries optimizer have in common.

    ``start(parameters)`` and ``advance(index, gradients, state)`` give a state, ``parameters(state)`` reads it.
    """

    start: Callable[..., Any]
    advance: Callable[..., Any]
    parameters: Callable[..., Any]


def _stepper(optimizer: Any) -> Stepper:
    if hasattr(optimizer, "update_fn"):
        return Stepper(optimizer.init_fn, optimizer.update_fn, optimizer.params_fn)
    import optax

    def advance(_: Any, gradients: Any, state: Any) -> Any:
        parameters, inner = state
        updates, inner = optimizer.update(gradients, inner, parameters)
        return optax.apply_updates(parameters, updates), inner

    return Stepper(lambda parameters: (parameters, optimizer.init(parameters)), advance, lambda state: state[0])


@lru_cache(maxsize=KEPT)
def _maker(expression: str, names: Settings, hyper: Settings) -> Callable[[Any], Stepper]:
    """rates -> the optimizer, with hyperparameters as the Python floats a user writes."""
    code = compile(expression, f"<{expression}>", "eval")
    known = {name: importlib.import_module(module) for name, module in names} | dict(hyper)

    def make(rates: Any) -> Stepper:
        return _stepper(eval(code, {**known, "rate": lambda count: rates[count]}))

    return make


@lru_cache(maxsize=KEPT)
def _compiled_step(make: Callable[[Any], Stepper]) -> Callable[..., Any]:
    """One step, compiled as a user would: once for the optimizer, its hyperparameters, and the parameters' shapes.

    Hyperparameters are constants to the compiler, which folds them; traced, they would save compilations, but be rounded in
    another order than a user's. Rates are an argument: they change from trace to trace.
    """
    import jax

    return jax.jit(lambda index, gradients, state, rates: make(rates).advance(index, gradients, state))


_CACHES = (_reverse, _forward, _compiled_update, _maker, _compiled_step)
_ROOM = 32


def _table(rates: tuple[float, ...], dtype: np.dtype) -> np.ndarray:
    """The rates for a schedule to look up, padded to few different lengths; a look-up behind the last one gives NaN."""
    length = (len(rates) // _ROOM + 1) * _ROOM
    return np.array([*rates, *[np.nan] * (length - len(rates))]).astype(dtype)


def _as_layer(vector: np.ndarray) -> dict[str, Any]:
    """A flat vector as the parameters of a layer; one element is a weight without a bias."""
    half = (vector.size + 1) // 2
    parts = {"W": vector[:half], "b": vector[half:]}
    return _on_device({name: part for name, part in parts.items() if part.size})


def _flat(layer: Mapping[str, Any]) -> np.ndarray:
    return np.concatenate([np.asarray(layer[name]) for name in ("W", "b") if name in layer])


# --- the adapter ----------------------------------------------------------------------------------------------------


class JAX(Adapter):
    """JAX: "eager" runs one primitive at a time, "jit" compiles the function with its vjp (or the optimizer's step).

    Eager is not cheap either: each primitive is compiled once for each shape and dtype, at 20 to 50 ms. Setting
    JAX_COMPILATION_CACHE_DIR, and JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0, makes a second campaign four to ten times
    cheaper.
    """

    name = "jax"
    package = "jax"
    extra = "jax"
    distributions = ("jax", "jaxlib", "optax")
    modules: ClassVar[Mapping[str, str]] = {
        "jax": "jax",
        "jnp": "jax.numpy",
        "optax": "optax",
        "optimizers": "jax.example_libraries.optimizers",
    }
    compiles = True
    map_modes = ("eager", "jit")
    optimizer_modes = ("eager", "jit")
    natives = (*_MAPS, *_OPTIMIZERS)

    @property
    def namespace(self) -> Namespace:
        return NAMESPACE

    def pull_back(
        self, function: Function, inputs: Mapping[str, np.ndarray], wrt: tuple[str, ...], cotangent: np.ndarray, mode: str
    ) -> Pullback:
        arrays, settings = _sorted_out(inputs)
        run = _reverse(function, settings, tuple(wrt), _known(mode, self.map_modes))
        with _precise(*arrays.values()):
            value, bars = run(_on_device(arrays), _on_device(cotangent))
            return Pullback(_to_numpy(value), {name: _to_numpy(bars[name]) for name in wrt})

    def push_forward(
        self, function: Function, inputs: Mapping[str, np.ndarray], tangents: Mapping[str, np.ndarray], mode: str
    ) -> Pushforward:
        arrays, settings = _sorted_out(inputs)
        run = _forward(function, settings, _known(mode, self.map_modes))
        with _precise(*arrays.values()):
            return Pushforward(*map(_to_numpy, run(_on_device(arrays), _on_device(dict(tangents)))))

    def optimize(self, native: Native, trace: Trace, mode: str) -> np.ndarray:
        _known(mode, self.optimizer_modes)
        hyper = {**native.fixed, **{name: trace.hyper[name] for name in native.takes}}
        make = _maker(native.expression, self._installed_modules(), tuple(sorted(hyper.items())))
        with _precise(trace.weights):
            rates = _on_device(_table(trace.rates, trace.weights.dtype))
            stepper = make(rates)
            step = _compiled_step(make) if mode == "jit" else None
            state, weights = stepper.start(_as_layer(trace.weights)), np.empty_like(trace.gradients)
            for t, gradient in enumerate(map(_as_layer, trace.gradients)):
                state = step(t, gradient, state, rates) if step else stepper.advance(t, gradient, state)
                weights[t] = _flat(stepper.parameters(state))
        return weights

    def run_update(self, update: Function, trace: Trace, mode: str) -> np.ndarray:
        _known(mode, self.optimizer_modes)
        hyper = dict(trace.hyper)
        with _precise(trace.weights):
            w, gradients = _on_device(trace.weights), [_on_device(row) for row in trace.gradients]
            if mode == "jit":
                steps = _compiled_update(update)(w, gradients, trace.rates, hyper)
            else:
                steps = update(NAMESPACE, w, gradients, trace.rates, hyper)
            return np.stack([_to_numpy(step) for step in steps])

    def script(self, program: Program) -> str:
        if isinstance(program, MapProgram):
            body = _map_script(program)
        else:
            body = _native_script(program) if program.expression else _printed_script(program)
        if program.dtype == "float64":
            body = "with jax.enable_x64(True):\n" + textwrap.indent(body.replace("\n\n\n", "\n\n"), "    ")
        definitions = spelled(program.definitions, "jnp")
        return f"{self._imports(definitions + body)}{definitions}\n{body}"

    def _imports(self, source: str) -> str:
        used = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
        modules = {name: module for name, module in self.modules.items() if name in used}
        return "".join(f"import {module}" + (f" as {name}\n" if name != module else "\n") for name, module in modules.items())

    def installed(self) -> bool:
        return importlib.util.find_spec("jax") is not None

    def versions(self) -> dict[str, str]:
        """Those of jax and jaxlib, and of optax where it is installed."""
        present = ("jax", "jaxlib", "optax") if "optax" in dict(self._installed_modules()) else ("jax", "jaxlib")
        return {distribution: importlib.metadata.version(distribution) for distribution in present}

    def names(self) -> dict[str, Any]:
        return {name: importlib.import_module(module) for name, module in self._installed_modules()}

    def missing(self, native: Native) -> str:
        """As the contract has it; optax as a whole may be missing, too."""
        absent = set(self.modules) - set(dict(self._installed_modules()))
        return next((self.modules[name] for name in native.code.co_names if name in absent), "") or super().missing(native)

    def _installed_modules(self) -> Settings:
        return _importable(tuple(self.modules.items()))

    def forget(self) -> None:
        """Drops every compiled form that was kept for a function or an optimizer."""
        for cache in _CACHES:
            cache.cache_clear()

    @contextmanager
    def compilations(self) -> Iterator[list[float]]:
        """The seconds that XLA took for each compilation in the block, as they come; eager primitives are compiled, too."""
        import jax.monitoring as monitoring

        seconds: list[float] = []

        def listen(event: str, duration_secs: float, **_: Any) -> None:
            if event == "/jax/core/compile/backend_compile_duration":
                seconds.append(duration_secs)

        monitoring.register_event_duration_secs_listener(listen)
        try:
            yield seconds
        finally:
            monitoring.unregister_event_duration_listener(listen)


def _importable(modules: Settings) -> Settings:
    return tuple((name, module) for name, module in modules if importlib.util.find_spec(module.partition(".")[0]) is not None)


def _on_device(arrays: Any) -> Any:
    """NumPy's arrays as JAX's. Unlike jnp.asarray, device_put compiles nothing."""
    import jax

    return jax.device_put(arrays)


def _known(mode: str, modes: tuple[str, ...]) -> str:
    if mode not in modes:
        raise Unsupported(f"jax has no mode {mode!r} here; it has {', '.join(modes)}")
    return mode


# --- stand-alone scripts --------------------------------------------------------------------------------------------


def _map_script(program: MapProgram) -> str:
    arrays = {name: f"jnp.array({numbers}, dtype=jnp.{program.dtype})" for name, numbers in program.arrays.items()}
    return _PULL_BACK.format(
        assignments=assigned({**arrays, **program.settings}),
        cotangent=f"jnp.array({program.cotangent}, dtype=jnp.{program.dtype})",
        arrays=", ".join(arrays),
        expression=program.expression,
        wrt=", ".join(program.wrt),
        bars=", ".join(f"{name}_bar" for name in program.wrt),
        output=program.output,
        **_decorated(program),
    )


def _native_script(program: TraceProgram) -> str:
    template = _EXAMPLE_STEPS if "optimizers." in program.expression else _OPTAX_STEPS
    return template.format(hyper=assigned(program.hyper), expression=program.expression, **_of_trace(program))


def _printed_script(program: TraceProgram) -> str:
    hyper, axes = keywords(program.hyper), keywords(program.axes)
    return _UPDATES.format(hyper=hyper, axes=axes, start=program.start, update=program.update, **_of_trace(program))


def _of_trace(program: TraceProgram) -> dict[str, str]:
    numbers = {name: getattr(program, name) for name in ("dtype", "weights", "gradients", "rates")}
    return {**numbers, **_decorated(program)}


def _decorated(program: Program) -> dict[str, str]:
    return {"decorator": "@jax.jit\n" if program.mode == "jit" else ""}


# As in the campaign, rates are an argument of a compiled step, and hyperparameters of an optimizer are constants in it.

_PULL_BACK = """\
{assignments}cotangent = {cotangent}


{decorator}def value_and_cotangents(cotangent, {arrays}):
    def function({wrt}):
        return {expression}

    value, vjp = jax.vjp(function, {wrt})
    return value, *vjp(cotangent)


value, {bars} = value_and_cotangents(cotangent, {arrays})
observed = {output}.ravel().tolist()
"""

_OPTAX_STEPS = """\
{hyper}rates = jnp.array({rates}, dtype=jnp.{dtype})
gradients = jnp.array({gradients}, dtype=jnp.{dtype})
w = jnp.array({weights}, dtype=jnp.{dtype})


def optimizer(rates):
    def rate(count):
        return rates[count]

    return {expression}


{decorator}def step(gradient, w, state, rates):
    updates, state = optimizer(rates).update(gradient, state, w)
    return optax.apply_updates(w, updates), state


state = optimizer(rates).init(w)
weights = []
for gradient in gradients:
    w, state = step(gradient, w, state, rates)
    weights.append(w)
observed = jnp.stack(weights).ravel().tolist()
"""

_EXAMPLE_STEPS = """\
{hyper}rates = jnp.array({rates}, dtype=jnp.{dtype})
gradients = jnp.array({gradients}, dtype=jnp.{dtype})
w = jnp.array({weights}, dtype=jnp.{dtype})


def optimizer(rates):
    def rate(count):
        return rates[count]

    return {expression}


{decorator}def step(t, gradient, state, rates):
    return optimizer(rates).update_fn(t, gradient, state)


state = optimizer(rates).init_fn(w)
weights = []
for t, gradient in enumerate(gradients):
    state = step(t, gradient, state, rates)
    weights.append(optimizer(rates).params_fn(state))
observed = jnp.stack(weights).ravel().tolist()
"""

_UPDATES = """\
hyper = {hyper}
reading = {axes}
rates = {rates}
gradients = [jnp.array(row, dtype=jnp.{dtype}) for row in {gradients}]
w = jnp.array({weights}, dtype=jnp.{dtype})


{decorator}def run(w, gradients, rates, hyper):
    state = {start}(w, **hyper, **reading)
    weights = []
    for rate, gradient in zip(rates, gradients):
        w, state = {update}(w, gradient, state, rate, **hyper, **reading)
        weights.append(w)
    return weights


observed = jnp.stack(run(w, gradients, rates, hyper)).ravel().tolist()
"""


ADAPTER = JAX()
