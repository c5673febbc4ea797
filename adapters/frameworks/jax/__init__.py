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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...contract import Adapter, Function, MapProgram, Native, Program, Pullback, Pushforward, Trace, imported, spelled
from ...errors import Unsupported
from .arrays import NAMESPACE, Namespace, on_device, precise, to_numpy
from .boxes import boxed
from .compiled import Settings, compiled_update, forward, reverse, sorted_out
from .natives import NATIVES
from .realised import realised
from .scripts import map_script, native_script, printed_script
from .steppers import as_layer, compiled_step, flat, maker, rate_table

if TYPE_CHECKING:
    from ....reference.formula import Optimizer
    from ....reference.vocabulary import Reading
    from ...box import Box

_CACHES = (reverse, forward, compiled_update, maker, compiled_step)


class JAX(Adapter):
    """JAX: "eager" runs one primitive at a time, "jit" compiles the function with its vjp (or the optimizer's step).

    Eager is not cheap either: each primitive is compiled once for each shape and dtype, at 20 to 50 ms. Setting
    JAX_COMPILATION_CACHE_DIR, and JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0, makes a second campaign four to ten times
    cheaper.
    """

    name = "jax"
    package = "jax"
    distributions = ("jax", "jaxlib", "optax")
    compilers = ("jax._src.compiler", "jax._src.interpreters.mlir")
    modules: ClassVar[Mapping[str, str]] = {
        "jax": "jax",
        "jnp": "jax.numpy",
        "optax": "optax",
        "optimizers": "jax.example_libraries.optimizers",
    }
    compiles = True
    map_modes = ("eager", "jit")
    optimizer_modes = ("eager", "jit")
    natives = NATIVES

    @property
    def namespace(self) -> Namespace:
        return NAMESPACE

    def pull_back(
        self, function: Function, inputs: Mapping[str, np.ndarray], wrt: tuple[str, ...], cotangent: np.ndarray, mode: str
    ) -> Pullback:
        arrays, settings = sorted_out(inputs)
        run = reverse(function, settings, tuple(wrt), mode)
        with precise(*arrays.values()):
            value, bars = run(on_device(arrays), on_device(cotangent))
            return Pullback(to_numpy(value), {name: to_numpy(bars[name]) for name in wrt})

    def push_forward(
        self, function: Function, inputs: Mapping[str, np.ndarray], tangents: Mapping[str, np.ndarray], mode: str
    ) -> Pushforward:
        arrays, settings = sorted_out(inputs)
        run = forward(function, settings, mode)
        with precise(*arrays.values()):
            return Pushforward(*map(to_numpy, run(on_device(arrays), on_device(dict(tangents)))))

    def optimize(self, native: Native, trace: Trace, mode: str) -> np.ndarray:
        hyper = {**native.fixed, **{name: trace.hyper[name] for name in native.takes}}
        make = maker(native.expression, self._installed_modules(), tuple(sorted(hyper.items())))
        with precise(trace.weights):
            rates = on_device(rate_table(trace.rates, trace.weights.dtype))
            stepper = make(rates)
            step = compiled_step(make) if mode == "jit" else None
            state, weights = stepper.start(as_layer(trace.weights)), np.empty_like(trace.gradients)
            for t, gradient in enumerate(map(as_layer, trace.gradients)):
                state = step(t, gradient, state, rates) if step else stepper.advance(t, gradient, state)
                weights[t] = flat(stepper.parameters(state))
        return weights

    def run_update(self, update: Function, trace: Trace, mode: str) -> np.ndarray:
        hyper = dict(trace.hyper)
        with precise(trace.weights):
            w, gradients = on_device(trace.weights), [on_device(row) for row in trace.gradients]
            if mode == "jit":
                steps = compiled_update(update)(w, gradients, trace.rates, hyper)
            else:
                steps = update(NAMESPACE, w, gradients, trace.rates, hyper)
            return np.stack([to_numpy(step) for step in steps])

    def script(self, program: Program) -> str:
        if isinstance(program, MapProgram):
            body = map_script(program)
        else:
            body = native_script(program) if program.expression else printed_script(program)
        if program.dtype == "float64":
            body = "with jax.enable_x64(True):\n" + textwrap.indent(body.replace("\n\n\n", "\n\n"), "    ")
        definitions = spelled(program.definitions, "jnp")
        types = ["from types import SimpleNamespace"] if "SimpleNamespace" in body else []
        return f"{imported([*program.imports, *types])}{self._imports(definitions + body)}{definitions}\n{body}"

    def _imports(self, source: str) -> str:
        used = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
        modules = {name: module for name, module in self.modules.items() if name in used}
        return "".join(f"import {module}" + (f" as {name}\n" if name != module else "\n") for name, module in modules.items())

    def box(self, target: Any, name: str, given: Mapping[str, Any]) -> Box | None:
        return boxed(target, name, given, self.versions(), self.dtypes)

    def realise(self, formula: Optimizer, reading: Reading) -> Callable[..., Any]:
        if "optax" not in dict(self._installed_modules()):
            raise Unsupported("a runnable reading is a transformation of optax, which is not installed: pip install optax")
        return realised(formula, reading)

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


ADAPTER = JAX()
