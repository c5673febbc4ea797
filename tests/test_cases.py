"""Questions that people asked in public, each rebuilt as a small input: the right answer, or an honest "cannot be told".

Each test names the report. What no reading explains must not be answered wrongly, which `nothing_named` holds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gradspec.adapters import BoxError
from gradspec.crosscheck.answers import FunctionAnswer, Identification, Keeping, Kind, Lost, Memory, Several, Way
from gradspec.crosscheck.identification import identify
from gradspec.reports.terminal import text

ADAMS = {"adam", "adamw", "nadam", "amsgrad"}


def asked(target: Any, **options: Any) -> Identification:
    answer = identify(target, **options)
    assert isinstance(answer, Identification)
    return answer


def nothing_named(target: Any, **options: Any) -> str:
    """What is said of a target that is not identified: the text, or the words in which it is refused."""
    try:
        answer = identify(target, **options)
    except BoxError as error:
        return str(error)
    assert answer.verdict == "no-reading", text(answer)
    return text(answer)


def taken_for_a_defective(line: str, answer: Identification) -> None:
    """Nothing fits, and what is near, if anything, is of that line's family."""
    assert answer.verdict == "no-reading"
    assert not answer.wide and not answer.stored
    assert not answer.near or answer.formula.family == line


# --- Adam and its kin, in NumPy -------------------------------------------------------------------------------------


class Plain:
    """What the boxes have in common: weights, averages and a counter of steps."""

    def __init__(self, weights: np.ndarray, beta1: float, beta2: float, eps: float):
        self.w, self.t, self.b1, self.b2, self.eps = np.array(weights), 0, beta1, beta2, eps
        self.m = self.v = np.zeros_like(self.w)

    def averaged(self, g: np.ndarray) -> None:
        self.t += 1
        self.m = self.b1 * self.m + (1 - self.b1) * g
        self.v = self.b2 * self.v + (1 - self.b2) * g * g

    def direction(self) -> np.ndarray:
        """Adam's, corrected."""
        return self.m / (1 - self.b1**self.t) / (np.sqrt(self.v / (1 - self.b2**self.t)) + self.eps)

    def folded(self, rate: float) -> float:
        """The rate with the corrections in it."""
        return rate * np.sqrt(1 - self.b2**self.t) / (1 - self.b1**self.t)


class Undecayed(Plain):
    def __init__(self, weights: np.ndarray, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8):
        super().__init__(weights, beta1, beta2, eps)


class Decayed(Plain):
    def __init__(
        self, weights: np.ndarray, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8, weight_decay: float = 0.01
    ):
        super().__init__(weights, beta1, beta2, eps)
        self.wd = weight_decay


def box(base: type[Any], step: Callable[[Any, np.ndarray, float], None]) -> type[Any]:
    """A box of a step that changes it."""

    class Box(base):
        def step(self, gradient: np.ndarray, learning_rate: float) -> np.ndarray:
            step(self, gradient, learning_rate)
            return np.array(self.w)

    return Box


def decayed_beside(self: Any, g: np.ndarray, rate: float) -> None:
    self.averaged(g)
    self.w = self.w - rate * (self.direction() + self.wd * self.w)


def test_a_fused_adam_that_decays_beside_the_step_is_adamw() -> None:
    """FlagOpen/FlagGems#4988"""
    answer = asked(box(Decayed, decayed_beside))
    answer.must_be("adamw", "standard")
    assert not answer.is_("adam", "standard", decay="l2")


def test_one_step_from_a_given_state_is_adamw() -> None:
    """FlagOpen/FlagGems#4988, as it was asked"""

    def one_step(
        p: Any, g: Any, m: Any, v: Any, t: int, lr: float = 1e-3, weight_decay: float = 0.01, eps: float = 1e-8
    ) -> Any:
        m, v = m + 0.1 * (g - m), 0.999 * v + 0.001 * g * g
        step = m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + eps)
        return p - lr * (step + weight_decay * p), m, v

    identify(one_step).must_be("adamw", "standard")


def test_a_homework_sheet_decays_the_new_weights() -> None:
    """linhaowei1/NLPDL-2025Fall#13"""

    def step(self: Any, g: np.ndarray, rate: float) -> None:
        self.averaged(g)
        self.w = self.w - self.folded(rate) * self.m / (np.sqrt(self.v) + self.eps)
        self.w = self.w - rate * self.wd * self.w

    asked(box(Decayed, step)).must_be("adamw", "standard", decay="decoupled-after", epsilon_order="before-correction")


def unscaled(self: Any, g: np.ndarray, rate: float) -> None:
    self.averaged(g)
    self.w = self.w - (rate * self.direction() + self.wd * self.w)


def test_decay_of_a_chain_of_rules_is_not_times_the_rate() -> None:
    """FluxML/Optimisers.jl#182"""
    asked(box(Decayed, unscaled)).must_be("adamw", "standard", decay="decoupled-unscaled")


def test_it_is_ported_by_the_rate() -> None:
    pytest.importorskip("torch")
    from gradspec import port

    written = port(box(Decayed, unscaled), "torch", rate=0.001, given={"weight_decay": 1e-5})
    assert "AdamW" in written.code and "weight_decay=0.01" in written.code
    assert written.constant_rate


class NoMemory:
    """tensorflow/swift-apis#733"""

    def __init__(self, weights: np.ndarray, rho: float = 0.9, eps: float = 1e-8):
        self.w, self.rho, self.eps = np.array(weights), rho, eps

    def step(self, gradient: np.ndarray, learning_rate: float) -> np.ndarray:
        self.w = self.w - learning_rate * gradient / (np.sqrt(self.rho + gradient * gradient) + self.eps)
        return self.w


def test_it_is_an_adagrad_that_begins_anew_at_each_step() -> None:
    answer = asked(NoMemory)
    assert (answer.verdict, answer.line, answer.memory) == ("identified", "optimizer.adagrad", Memory.NOTHING)
    assert answer.configured["start"] == "initial-scale" and "without a memory" in " ".join(text(answer).split())
    assert not answer.is_("adagrad", "standard", start="initial-scale")


def test_a_rate_that_is_corrected_again_and_again_is_said_to_be() -> None:
    """steveKapturowski/tensorflow-rl#20"""

    def step(self: Any, g: np.ndarray, rate: float) -> None:
        self.averaged(g)
        self.factor = getattr(self, "factor", 1.0) * self.folded(1.0)
        self.w = self.w - rate * self.factor * self.m / (np.sqrt(self.v) + self.eps)

    answer = asked(box(Undecayed, step))
    assert (answer.verdict, answer.line) == ("identified", "optimizer.adam")
    assert answer.reading["correction"] == "compounding"
    with pytest.raises(AssertionError):
        answer.must_be("adam", "standard")


def test_decay_of_the_wrong_sign_fails_the_test_that_a_person_writes() -> None:
    """harvard-edge/cs249r_book#2058"""

    def step(self: Any, g: np.ndarray, rate: float) -> None:
        self.w = self.w * (1 + rate * self.wd)
        self.averaged(g)
        self.w = self.w - rate * self.direction()

    answer = asked(box(Decayed, step))
    taken_for_a_defective("adam", answer)
    with pytest.raises(AssertionError, match="no reading"):
        answer.must_be("adamw", "standard")


class Average:
    """NVIDIA-NeMo/Emerging-Optimizers#166"""

    def __init__(self, weights: np.ndarray, momentum: float = 0.95):
        self.w, self.b, self.buf = np.array(weights), momentum, np.zeros_like(weights)

    def step(self, gradient: np.ndarray, learning_rate: float) -> np.ndarray:
        self.buf = self.buf + (1 - self.b) * (gradient - self.buf)
        self.w = self.w - learning_rate * (gradient + self.b * (self.buf - gradient))
        return self.w


def test_the_momentum_of_muon_is_an_average_with_a_lookahead() -> None:
    asked(Average).must_be("momentum", accumulation="average", nesterov="lookahead")


class Sum:
    """cjlin1/simpleNN#7: the rate of each gradient, or the present one."""

    def __init__(self, weights: np.ndarray, momentum: float = 0.9):
        self.w, self.a, self.v, self.rate = np.array(weights), momentum, np.zeros_like(weights), 0.0


def keras_sgd(self: Any, g: np.ndarray, rate: float) -> None:
    self.v = self.a * self.v - rate * g
    self.w = self.w + self.v


def tensorflow_momentum(self: Any, g: np.ndarray, rate: float) -> None:
    self.v = self.a * self.v - g
    self.w = self.w + rate * self.v


def test_two_momenta_differ_in_the_rate_of_old_gradients() -> None:
    asked(box(Sum, keras_sgd)).must_be("momentum", accumulation="sum", rate="inside-buffer")
    asked(box(Sum, tensorflow_momentum)).must_be("momentum", accumulation="sum", rate="outside")


def late(self: Any, g: np.ndarray, rate: float) -> None:
    self.v = self.a * self.v + g
    self.w, self.rate = self.w - self.rate * self.v, rate


def test_a_rate_that_is_one_step_late_is_named() -> None:
    """NVIDIA-NeMo/Megatron-Bridge#5399"""
    answer = asked(box(Sum, late))
    assert answer.verdict == "identified" and answer.line == "optimizer.momentum"
    assert answer.behind is not None and answer.behind.wrapper == "rate-late-from-zero"
    assert answer.from_standard == {"accumulation": ("sum", "average")}


class Lion:
    """bitsandbytes-foundation/bitsandbytes#1992"""

    def __init__(self, weights: np.ndarray, beta1: float = 0.9, beta2: float = 0.99, weight_decay: float = 0.1):
        self.w, self.b1, self.b2, self.wd, self.m = np.array(weights), beta1, beta2, weight_decay, np.zeros_like(weights)

    def step(self, gradient: np.ndarray, learning_rate: float) -> np.ndarray:
        g = gradient + self.wd * self.w
        self.w = self.w - learning_rate * np.sign(self.b1 * self.m + (1 - self.b1) * g)
        self.m = self.b2 * self.m + (1 - self.b2) * g
        return self.w


def test_a_lion_whose_decay_is_coupled_is_told_so() -> None:
    asked(Lion).must_be("lion", decay="l2")


class Stochastic:
    """tenstorrent/tt-metal#35119: weights in bfloat16, rounded at random."""

    def __init__(self, weights: np.ndarray, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8):
        self.draw, self.t = np.random.default_rng(), 0
        self.w, self.h = self.rounded(np.asarray(weights, np.float32)), [np.float32(x) for x in (beta1, beta2, eps)]
        self.m = self.v = np.zeros_like(self.w)

    def rounded(self, x: np.ndarray) -> np.ndarray:
        bits = np.asarray(x, np.float32).view(np.uint32)
        bits = bits + self.draw.integers(0, 1 << 16, size=bits.shape, dtype=np.uint32)
        return (bits & np.uint32(0xFFFF0000)).view(np.float32)

    def step(self, gradient: np.ndarray, learning_rate: float) -> np.ndarray:
        (b1, b2, eps), one, g = self.h, np.float32(1), np.asarray(gradient, np.float32)
        self.t += 1
        self.m, self.v = b1 * self.m + (one - b1) * g, b2 * self.v + (one - b2) * g * g
        m, v = self.m / (one - b1**self.t), self.v / (one - b2**self.t)
        self.w = self.rounded(self.w - np.float32(learning_rate) * m / (np.sqrt(v) + eps))
        return self.w


@pytest.mark.parametrize("dtype", ["", "float32"])
def test_an_optimizer_that_rounds_at_random_is_named_and_said_to_be_random(dtype: str) -> None:
    answer = identify(Stochastic, dtype=dtype)
    assert isinstance(answer, Identification)
    assert (answer.verdict, answer.line, answer.from_standard) == ("identified", "optimizer.adam", {})
    assert [(one.kind, one.way, one.format) for one in answer.stored] == [(Kind.WEIGHTS, Way.AT_RANDOM, "bfloat16")]
    assert "rounded up or down at random" in " ".join(text(answer).split())


def test_a_kernel_without_a_correction_is_told_so() -> None:
    """nerfstudio-project/gsplat#604"""

    def step(self: Any, g: np.ndarray, rate: float) -> None:
        self.averaged(g)
        self.w = self.w + -rate * self.m / (np.sqrt(self.v) + self.eps)

    asked(box(Undecayed, step)).must_be("adam", "standard", correction="none")


class Factored(Plain):
    """PaddlePaddle/Paddle#42979: the rate of a group is a factor."""

    def __init__(self, weights: np.ndarray, beta1: float = 0.9, beta2: float = 0.98, eps: float = 1e-6, lr_mult: float = 0.5):
        super().__init__(weights, beta1, beta2, eps)
        self.factor = lr_mult


def factored(self: Any, g: np.ndarray, rate: float) -> None:
    self.averaged(g)
    self.w = self.w - rate * self.factor * self.direction()


def test_a_factor_on_the_rate_is_named() -> None:
    """PaddlePaddle/Paddle#42979"""
    answer = asked(box(Factored, factored))
    assert answer.verdict == "identified" and answer.line == "optimizer.adam"
    assert answer.behind is not None and answer.behind.parameters["factor"].own == "lr_mult"
    assert "behind the rate times 0.5" in text(answer)


def test_an_adam_that_multiplies_by_the_root_is_no_reading() -> None:
    """oracle/tribuo#401"""

    def step(self: Any, g: np.ndarray, rate: float) -> None:
        self.averaged(g)
        self.w = self.w - self.folded(rate) * self.m * (np.sqrt(self.v) + self.eps)

    answer = asked(box(Undecayed, step))
    assert answer.verdict == "no-reading" and not answer.wide and not answer.ascends


# --- of frameworks --------------------------------------------------------------------------------------------------


def torch_adamw(counted: str = "whole", scaled: bool = False) -> type[Any]:
    """AdamW of torch's kind. ``counted``: a step counter for the "whole", or for each "array"; or, as "lost", one that is not
    saved. ``scaled``: the decay is scaled by the rate over the first rate."""
    torch = pytest.importorskip("torch")

    class Adam(torch.optim.Optimizer):
        def __init__(
            self, params: Any, lr: float = 1e-3, betas: Any = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0.01
        ):
            super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})
            self.count = 0
            for group in self.param_groups:
                group["first"] = group["lr"]

        @torch.no_grad()
        def step(self, closure: Any = None) -> None:
            self.count += counted != "array"
            for group in self.param_groups:
                (b1, b2), lr = group["betas"], group["lr"]
                for p in (p for p in group["params"] if p.grad is not None):
                    self.count += counted == "array"
                    s = self.state[p] or self.state[p].update(m=torch.zeros_like(p), v=torch.zeros_like(p)) or self.state[p]
                    p.mul_(1 - (lr / group["first"] if scaled else lr) * group["weight_decay"])
                    s["m"].mul_(b1).add_(p.grad, alpha=1 - b1)
                    s["v"].mul_(b2).addcmul_(p.grad, p.grad, value=1 - b2)
                    m, v = s["m"] / (1 - b1**self.count), s["v"] / (1 - b2**self.count)
                    p.sub_(lr * m / (v.sqrt() + group["eps"]))

    return Adam


def test_a_dummy_step_at_construction_is_counted() -> None:
    """NVIDIA/Megatron-LM#5974"""
    torch = pytest.importorskip("torch")

    class Sharded(torch.optim.Adam):
        def __init__(self, params: Any, lr: float = 1e-3, betas: Any = (0.9, 0.999), eps: float = 1e-8):
            super().__init__(params, lr=lr, betas=betas, eps=eps)
            for p in self.param_groups[0]["params"]:
                p.grad = torch.zeros_like(p)
            self.step()
            self.zero_grad(set_to_none=True)

    asked(Sharded).must_be("adam", "standard", correction="count-from-two")


def test_a_counter_that_is_not_saved_is_noticed() -> None:
    """huggingface/candle#3819"""
    answer = asked(torch_adamw())
    answer.must_be("adamw", "standard")
    assert (answer.surroundings.goes_on, answer.surroundings.lost) == (False, Lost(["t"], Keeping.ANEW))


def test_it_is_the_counter_that_is_lost() -> None:
    assert "counter" in text(asked(torch_adamw())).partition("saved and restored")[2]


def test_decay_over_the_first_rate_is_named() -> None:
    """mosaicml/composer, DecoupledAdamW"""
    asked(torch_adamw(scaled=True)).must_be("adamw", "standard", decay="decoupled-relative")


def test_decay_over_the_first_rate_is_ported_by_that_rate() -> None:
    from gradspec import port

    written = port(torch_adamw(scaled=True), "torch", rate=0.001, given={"weight_decay": 1e-5})
    assert "AdamW" in written.code and "weight_decay=0.01" in written.code and not written.constant_rate


def test_a_counter_for_each_array_shows_with_two_arrays() -> None:
    """clab/dynet#77"""
    answer = asked(torch_adamw(counted="array"))
    assert answer.verdict == "identified" and answer.surroundings.several == [Several.COUNTED_ON]
    assert not answer.is_("adamw") and not answer.for_several


def accumulating(learning_rate: float = 1e-3) -> Any:
    import optax

    return optax.MultiSteps(optax.adam(learning_rate), every_k_schedule=4).gradient_transformation()


def test_an_accumulation_is_named_and_what_it_holds_in_float32() -> None:
    """tensorflow/tensor2tensor#923; optax keeps the mean in float32 between calls, unless it is told otherwise"""
    pytest.importorskip("optax")
    answer = asked(accumulating, runs=2)
    assert answer.verdict == "identified" and (answer.line, answer.role) == ("optimizer.adam", "standard")
    assert answer.behind is not None and answer.behind.words == "accumulation over 4 calls (mean, kept as it runs)"
    assert [stored.name for stored in answer.stored] == ["total"]


def test_decay_goes_before_adam_in_optax() -> None:
    """google-deepmind/optax#364"""
    optax = pytest.importorskip("optax")
    pytest.importorskip("torch")
    from gradspec import port

    written = port("torch.optim.Adam", "optax", rate=0.001, given={"weight_decay": 0.01}).code
    assert 0 < written.index("add_decayed_weights") < written.index("optax.adam(")

    def wrong(learning_rate: float = 1e-3, weight_decay: float = 0.01) -> Any:
        decay, scale = optax.add_decayed_weights(weight_decay), optax.scale(-learning_rate)
        return optax.chain(optax.scale_by_adam(), decay, scale)

    wrong.__annotations__["return"] = optax.GradientTransformation
    assert asked(wrong).configured["decay"] == "decoupled"


# --- functions ------------------------------------------------------------------------------------------------------


def test_a_backward_that_forgets_what_flows_in_is_not_called_right() -> None:
    """pytorch/pytorch#4355"""
    torch = pytest.importorskip("torch")

    class Isrlu(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            low = torch.clamp(x, max=0.0)
            r = torch.rsqrt(1.0 + low * low)
            ctx.save_for_backward(r)
            return x * r

        @staticmethod
        def backward(ctx: Any, grad_out: Any) -> Any:
            return ctx.saved_tensors[0] ** 3

    nothing_named(Isrlu)


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max())
    return e / e.sum()


def soft_cross_entropy(x: np.ndarray, p: np.ndarray) -> np.ndarray:
    top = x.max()
    return (top + np.log(np.exp(x - top).sum())) * p.sum() - np.dot(p, x)


def layer_norm(x: np.ndarray, gain: np.ndarray, bias: np.ndarray) -> np.ndarray:
    c = x - x.mean(-1, keepdims=True)
    return gain * c / np.sqrt((c * c).mean(-1, keepdims=True) + 1e-5) + bias


def exchanged(cotangent: np.ndarray, x: np.ndarray, gain: np.ndarray, bias: np.ndarray) -> Any:
    c = x - x.mean(-1, keepdims=True)
    r = 1 / np.sqrt((c * c).mean(-1, keepdims=True) + 1e-5)
    n, h = c * r, cotangent * gain
    axes = tuple(range(x.ndim - 1))
    dx = r * (h - h.mean(-1, keepdims=True) - n * (h * n).mean(-1, keepdims=True))
    return dx, cotangent.sum(axes), (cotangent * n).sum(axes)


UNKNOWN = {
    "wkcn/mobula#3": (softmax, lambda cotangent, x: cotangent * np.exp(x)),
    "NVIDIA-NeMo/Automodel#2428": (soft_cross_entropy, lambda c, x, p: (c * (softmax(x) - p), -c * np.log(softmax(x)))),
    "pytorch/pytorch#104857": (layer_norm, exchanged),
}


@pytest.mark.parametrize("report", UNKNOWN)
def test_a_function_that_is_no_line_is_called_none(report: str) -> None:
    nothing_named(UNKNOWN[report])


def bce_with_logits(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z)))


def test_the_derivative_of_the_sigmoid_cancels_in_the_cross_entropy() -> None:
    """rasbt/python-machine-learning-book-2nd-edition#54"""
    answer = identify((bce_with_logits, lambda c, z, y: (c * (1 / (1 + np.exp(-z)) - y), -c * z)))
    assert isinstance(answer, FunctionAnswer) and answer.identified
    assert answer.line == "logistic.grad_z"
    assert (answer.value_reading["path"], answer.backward_reading) == ("logit", {"sign": "minus", "path": "difference"})


def test_the_gradient_itself_is_right() -> None:
    def grad_z(y_hat: np.ndarray, y: np.ndarray) -> np.ndarray:
        return y_hat - y

    answer = identify(grad_z)
    assert answer.verdict != "no-reading" and answer.line == "logistic.grad_z"


@pytest.mark.parametrize("weights_first", [False, True])
def test_a_linear_layer_in_float32_is_right(weights_first: bool) -> None:
    """pytorch/pytorch#5351"""
    torch = pytest.importorskip("torch")

    def linear(x: Any, W: Any, b: Any) -> Any:
        return torch.nn.functional.linear(x, W, b)

    def dot(w: Any, x: Any, b: Any) -> Any:
        return (w * x).sum() + b

    answer = identify(dot if weights_first else linear, dtype="float32")
    assert isinstance(answer, FunctionAnswer) and answer.identified


def test_the_gradient_of_a_focal_loss_is_not_a_number_where_it_rounds() -> None:
    """google-deepmind/optax#1267"""
    jnp, jax, optax = (pytest.importorskip(name) for name in ("jax.numpy", "jax", "optax"))

    def then(logits: Any, labels: Any) -> Any:
        p = jax.nn.sigmoid(logits)
        pt = p * labels + (1 - p) * (1 - labels)
        return optax.sigmoid_binary_cross_entropy(logits, labels) * (1 - pt) ** jnp.asarray(0.0, logits.dtype)

    answer = identify(then)
    assert isinstance(answer, FunctionAnswer) and answer.line == "logistic.grad_z"
    assert any(aside.output == "z_bar" and aside.returned.decimal == ["nan"] for aside in answer.asides)
    assert not answer.is_("logistic.grad_z")


def test_a_state_is_no_function_and_no_optimizer() -> None:
    """metaopt/torchopt#236"""

    def after(steps: int = 5) -> tuple[Any, dict[str, Any]]:
        return np.ones(2), {"step": steps}

    with pytest.raises(BoxError):
        identify(after)
