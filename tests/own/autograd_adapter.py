"""HIPS autograd, https://github.com/HIPS/autograd: NumPy with reverse and forward mode, and three optimizers.

An adapter of one's own: ``gradspec report --adapter ./autograd_adapter.py``. Importing it does not import autograd.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
from gradspec.adapters import Adapter, Native, Pullback, Pushforward, Trace, Unsupported

SOURCE = "https://github.com/HIPS/autograd/blob/v1.9.1/autograd/"
RULES, OPTIMIZERS = SOURCE + "numpy/numpy_vjps.py", SOURCE + "misc/optimizers.py"
STATE = {"dtypes": ("float64",), "limits": "keeps its state in float64, whatever the weights are"}
CALL = "optimizers.{}(gradient, w, kept, steps, rate, {})"

NATIVES = (
    Native("scalar.sum", "np.sum", "np.sum(x)", source=RULES),
    Native("scalar.prod", "np.prod", "np.prod(x)", source=RULES),
    Native("scalar.max", "np.max", "np.max(x)", {"ties": "split"}, RULES),
    Native("scalar.min", "np.min", "np.min(x)", {"ties": "split"}, RULES),
    Native("optimizer.momentum", "sgd", CALL.format("sgd", "mass=beta"), {}, OPTIMIZERS, ("beta",), **STATE),
    Native(
        "optimizer.adam",
        "adam",
        CALL.format("adam", "b1=beta1, b2=beta2, eps=eps"),
        {"correction": "complement-of-power", "stored": "average"},
        OPTIMIZERS,
        ("beta1", "beta2", "eps"),
        **STATE,
    ),
)


class Namespace:
    """autograd.numpy, which has NumPy's names; Python numbers stay what they are, since they widen no array."""

    def __getattr__(self, name: str) -> Any:
        import autograd.numpy

        return getattr(autograd.numpy, name)

    def asarray(self, value: Any) -> Any:
        return value


class Rates:
    """A step size that is another one at each step."""

    def __init__(self, rates: tuple[float, ...]):
        self.rates, self.step = rates, 0

    def __mul__(self, other: Any) -> Any:
        return self.rates[self.step] * other


class Autograd(Adapter):
    """Eager, on NumPy's arrays; bfloat16 scalars, which are no NumPy scalars, have no vector space there."""

    name = "autograd"
    package = "autograd"
    distributions = ("autograd",)
    modules: ClassVar[Mapping[str, str]] = {"np": "autograd.numpy", "optimizers": "autograd.misc.optimizers"}
    dtypes = ("float64", "float32", "float16")
    natives = NATIVES

    @property
    def namespace(self) -> Namespace:
        return Namespace()

    @np.errstate(all="ignore")  # overflow and 0/0 are values here
    def pull_back(
        self, function: Callable[..., Any], inputs: Mapping[str, Any], wrt: tuple[str, ...], cotangent: np.ndarray, mode: str
    ) -> Pullback:
        from autograd import make_vjp

        pulled: Any = make_vjp(lambda chosen: function(**{**inputs, **chosen}))({name: inputs[name] for name in wrt})
        vjp, value = pulled
        bars = vjp(cotangent)
        return Pullback(np.asarray(value), {name: np.asarray(bars[name]) for name in wrt})

    @np.errstate(all="ignore")
    def push_forward(
        self, function: Callable[..., Any], inputs: Mapping[str, Any], tangents: Mapping[str, np.ndarray], mode: str
    ) -> Pushforward:
        from autograd import make_jvp

        jvp: Any = make_jvp(lambda chosen: function(**{**inputs, **chosen}))({name: inputs[name] for name in tangents})
        try:
            value, tangent = jvp(dict(tangents))
        except NotImplementedError as error:  # a function with a vjp only
            raise Unsupported(str(error)) from error
        return Pushforward(np.asarray(value), np.asarray(tangent))

    def optimize(self, native: Native, trace: Trace, mode: str) -> np.ndarray:
        rate, before = Rates(trace.rates), list[np.ndarray]()

        def gradient(w: np.ndarray, step: int) -> np.ndarray:
            rate.step = step
            return trace.gradients[step]

        own = {"w": trace.weights, "gradient": gradient, "kept": lambda w, *_: before.append(w), "steps": trace.steps}
        hyper = {name: trace.hyper[name] for name in native.takes}
        last = eval(native.code, {**self.names(), **own, **native.fixed, **hyper, "rate": rate})
        return np.stack([*before[1:], last])

    @np.errstate(all="ignore")
    def run_update(self, update: Callable[..., Any], trace: Trace, mode: str) -> np.ndarray:
        return np.stack(update(self.namespace, trace.weights, list(trace.gradients), trace.rates, dict(trace.hyper)))


ADAPTER = Autograd()
