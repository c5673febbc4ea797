"""Optimizers in which a weight's step depends on all of its array, written here anew: LAMB, LARS, Adafactor and Muon."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gradspec import port
from gradspec.adapters import BoxError, framework
from gradspec.crosscheck.answers import Identification, Matrices, Several
from gradspec.crosscheck.identification import identify
from gradspec.reference import Optimizer, adafactor, lamb, lars, muon
from gradspec.reports.terminal import text


def norm(x: np.ndarray) -> float:
    return float(np.sqrt((x * x).sum()))


def size(x: np.ndarray) -> float:
    return float(np.sqrt((x * x).mean()))


class Box:
    """Its options and its slip are class attributes; ``moved(g)`` is what comes off the weights, before the rate."""

    slip = 0.0

    def __init__(self, weights: np.ndarray, *values: float):
        self.w, self.t, self.values = weights, 0, values
        self.v: Any = np.zeros_like(weights)
        self.s: Any = np.zeros_like(weights)

    def moved(self, g: np.ndarray, rate: float) -> np.ndarray:
        raise NotImplementedError

    def step(self, g: np.ndarray, rate: float) -> np.ndarray:
        self.t += 1
        self.w = self.w - self.moved(g, rate) * (1 + self.slip)
        return self.w


class Lamb(Box):
    corrected, bound, ratio = True, np.inf, np.inf

    def __init__(
        self, weights: np.ndarray, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-6, weight_decay: float = 0.01
    ):
        super().__init__(weights, beta1, beta2, eps, weight_decay)

    def moved(self, g: np.ndarray, rate: float) -> np.ndarray:
        b1, b2, eps, decay = self.values
        self.v, self.s = b1 * self.v + (1 - b1) * g, b2 * self.s + (1 - b2) * g * g
        v, s = (self.v / (1 - b1**self.t), self.s / (1 - b2**self.t)) if self.corrected else (self.v, self.s)
        r = v / (np.sqrt(s) + eps) + decay * self.w
        long, step = min(norm(self.w), self.bound), norm(r)
        return rate * min(long / step if long > 0 and step > 0 else 1.0, self.ratio) * r


class LambUncorrected(Lamb):
    corrected = False


class LambBounded(Lamb):
    bound = 10.0


class LambAtMostOne(Lamb):
    ratio = 1.0


class Lars(Box):
    of_sum, outside, ahead = False, False, False

    def __init__(self, weights: np.ndarray, momentum: float = 0.9, trust_coefficient: float = 0.001, weight_decay: float = 0.0):
        super().__init__(weights, momentum, trust_coefficient, weight_decay)

    def moved(self, g: np.ndarray, rate: float) -> np.ndarray:
        mu, eta, decay = self.values
        whole = g + decay * self.w
        asked = norm(whole) if self.of_sum else norm(g)
        divisor = asked if self.of_sum else asked + decay * norm(self.w)
        trust = eta * norm(self.w) / divisor if norm(self.w) > 0 and asked > 0 else 1.0
        part = trust * whole if self.outside else rate * (trust * whole)
        self.v = mu * self.v + part
        step = part + mu * self.v if self.ahead else self.v
        return rate * step if self.outside else step


class LarsOfSum(Lars):
    of_sum = True


class LarsOutsideAhead(Lars):
    outside, ahead = True, True


class Adafactor(Box):
    factored, relative = True, True

    def __init__(
        self,
        weights: np.ndarray,
        decay_rate: float = 0.8,
        eps1: float = 1e-30,
        eps2: float = 1e-3,
        clip_threshold: float = 1.0,
    ):
        super().__init__(weights, decay_rate, eps1, eps2, clip_threshold)
        self.rows = self.columns = 0.0

    def moved(self, g: np.ndarray, rate: float) -> np.ndarray:
        c, eps1, eps2, d = self.values
        beta, square = 1 - self.t**-c, g * g + eps1
        if g.ndim > 1 and self.factored:
            self.rows = beta * self.rows + (1 - beta) * square.mean(-1)
            self.columns = beta * self.columns + (1 - beta) * square.mean(-2)
            s = np.outer(self.rows, self.columns) / np.mean(self.rows)
        else:
            s = self.s = beta * self.s + (1 - beta) * square
        u = g / np.sqrt(s)
        u = u / max(1.0, size(u) / d)
        return max(eps2, size(self.w)) * (min(rate, 1 / np.sqrt(self.t)) if self.relative else rate) * u


class AdafactorWhole(Adafactor):
    factored = False


class AdafactorAsGiven(Adafactor):
    relative = False


class Muon(Box):
    iterations, factor, ahead = 5, staticmethod(lambda m, n: max(1, m / n) ** 0.5), True

    def __init__(self, weights: np.ndarray, momentum: float = 0.95, eps: float = 1e-7):
        if weights.ndim != 2:
            raise ValueError("a matrix is wanted")
        super().__init__(weights, momentum, eps)

    def moved(self, g: np.ndarray, rate: float) -> np.ndarray:
        mu, eps = self.values
        self.v = mu * self.v + (1 - mu) * g
        x = (1 - mu) * g + mu * self.v if self.ahead else self.v
        x = x / (norm(x) + eps)
        for _ in range(self.iterations):
            a = x @ x.T
            x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
        return rate * (self.factor(*x.shape) * x)


class MuonOfSix(Muon):
    iterations = 6


class MuonAsAdamw(Muon):
    factor = staticmethod(lambda m, n: 0.2 * max(m, n) ** 0.5)


class MuonPlain(Muon):
    ahead = False


RIGHT: dict[type[Box], tuple[str, dict[str, str]]] = {
    Lamb: ("lamb", {}),
    LambUncorrected: ("lamb", {"correction": "none"}),
    LambBounded: ("lamb", {"trust": "bounded-norm"}),
    LambAtMostOne: ("lamb", {"trust": "at-most-one"}),
    Lars: ("lars", {}),
    LarsOfSum: ("lars", {"norm": "of-sum"}),
    LarsOutsideAhead: ("lars", {"rate": "outside", "nesterov": "lookahead"}),
    Adafactor: ("adafactor", {}),
    AdafactorWhole: ("adafactor", {"factored": "never"}),
    AdafactorAsGiven: ("adafactor", {"rate": "as-given"}),
    Muon: ("muon", {}),
    MuonOfSix: ("muon", {"iterations": "six"}),
    MuonAsAdamw: ("muon", {"shape_factor": "as-adamw"}),
    MuonPlain: ("muon", {"lookahead": "none"}),
}


def answered(box: Any, **options: Any) -> Identification:
    answer = identify(box, **options)
    assert isinstance(answer, Identification)
    return answer


@pytest.mark.parametrize("box", RIGHT, ids=lambda box: box.__name__)
def test_a_box_whose_step_depends_on_its_array_is_named(box: type[Box]) -> None:
    line, axes = RIGHT[box]
    answer = answered(box)
    assert (answer.verdict, answer.line) == ("identified", f"optimizer.{line}"), text(answer)
    of_it = {axis: option for axis, option in answer.reading.items() if option != answer.body_formula.standard[axis]}
    assert of_it.items() >= axes.items() and {axis for axis in of_it if axis != "decay"} == set(axes)
    assert answer.matrices is (Matrices.ALONE if line == "muon" else Matrices.NOT_ASKED)
    assert not answer.witnesses  # of one weight there is none


@pytest.mark.parametrize("box", [Lamb, Lars, Adafactor, Muon], ids=lambda box: box.__name__)
def test_a_slip_in_one_is_no_reading(box: type[Box]) -> None:
    slipped = type(box.__name__, (box,), {"slip": 1e-5 if box is Muon else 1e-8})
    assert answered(slipped).verdict == "no-reading"


# --- where arrays see each other, or their shape matters ------------------------------------------------------------


def several(norm_of_all: bool) -> Callable[..., Any]:
    """A LAMB of several arrays, whose norms may be those of all of them together."""

    class Boxes:
        def __init__(self, weights: list[np.ndarray], beta1: float = 0.9, beta2: float = 0.999):
            self.parts, self.whole = [Lamb(w, beta1, beta2) for w in weights], None
            self.betas = beta1, beta2

        def step(self, gradients: list[np.ndarray | None], rate: float) -> list[np.ndarray]:
            if not norm_of_all:
                return [part.step(g, rate) if g is not None else part.w for part, g in zip(self.parts, gradients, strict=True)]
            given = [np.zeros_like(part.w) if g is None else g for part, g in zip(self.parts, gradients, strict=True)]
            self.whole = self.whole or Lamb(np.concatenate([part.w.ravel() for part in self.parts]), *self.betas)
            after = self.whole.step(np.concatenate([g.ravel() for g in given]), rate)
            ends = np.cumsum([part.w.size for part in self.parts])[:-1]
            return [w.reshape(part.w.shape) for w, part in zip(np.split(after, ends), self.parts, strict=True)]

    return Boxes


def test_norms_of_each_array_are_told_from_a_norm_of_all() -> None:
    apart = answered(several(norm_of_all=False))
    assert (apart.verdict, apart.line) == ("identified", "optimizer.lamb")
    assert apart.surroundings.several == [Several.APART]
    joined = answered(several(norm_of_all=True))
    assert joined.surroundings.several == [Several.JOINED]
    assert "all arrays taken together" in " ".join(text(joined).split())
    with pytest.raises(AssertionError, match="several arrays: joined"):
        joined.must_be("lamb")


class ClippedTogether:
    """Gradient descent, of gradients clipped to a norm of 1 over all arrays, as torch.nn.utils.clip_grad_norm_ does."""

    def __init__(self, weights: list[np.ndarray]):
        self.weights = [w.copy() for w in weights]

    def step(self, gradients: list[np.ndarray | None], rate: float) -> list[np.ndarray]:
        given = [np.zeros_like(w) if g is None else g for w, g in zip(self.weights, gradients, strict=True)]
        factor = min(1.0, 1.0 / (np.sqrt(sum((g * g).sum() for g in given)) + 1e-6))
        self.weights = [w - rate * (g * factor) for w, g in zip(self.weights, given, strict=True)]
        return [w.copy() for w in self.weights]


def test_gradients_that_are_clipped_by_the_norm_of_all_arrays_are_said_to_be() -> None:
    answer = answered(ClippedTogether)
    assert (answer.verdict, answer.line) == ("identified", "optimizer.sgd") and answer.behind is not None
    assert answer.behind.wrapper == "clip-by-norm-and-more" and answer.surroundings.several == [Several.JOINED]


class BesideVectors(Muon):
    """Muon of matrices; gradient descent of anything else."""

    def __init__(self, weights: np.ndarray, momentum: float = 0.95, eps: float = 1e-7):
        Box.__init__(self, weights, momentum, eps)

    def moved(self, g: np.ndarray, rate: float) -> np.ndarray:
        return super().moved(g, rate) if g.ndim == 2 else rate * g


def test_what_is_another_formula_for_vectors_is_said_to_be_one_of_matrices() -> None:
    answer = answered(BesideVectors)
    assert (answer.line, answer.matrices) == ("optimizer.muon", Matrices.BESIDE)
    assert "to vectors it does something else" in " ".join(text(answer).split())
    with pytest.raises(AssertionError, match="matrices"):
        answer.must_be("muon")


class OfMatricesOnly(Muon):
    """Gradient descent that takes matrices only."""

    def moved(self, g: np.ndarray, rate: float) -> np.ndarray:
        return rate * g


def test_a_box_that_takes_matrices_only_may_be_any_formula() -> None:
    answer = answered(OfMatricesOnly)
    assert (answer.verdict, answer.line, answer.matrices) == ("identified", "optimizer.sgd", Matrices.ALONE)
    answer.must_be("sgd")


class TakesNothing(Muon):
    def __init__(self, weights: np.ndarray, momentum: float = 0.95):
        raise ValueError("it takes no weights at all")


def test_what_takes_neither_vectors_nor_matrices_is_refused_in_its_words() -> None:
    with pytest.raises(BoxError, match="it takes no weights at all"):
        identify(TakesNothing)


# --- the libraries that ship them -----------------------------------------------------------------------------------


def test_optax_is_known() -> None:
    optax = pytest.importorskip("optax", reason="optax is not installed: pip install jax optax")
    assert answered(optax.lamb).line == "optimizer.lamb"
    assert answered(optax.lars).reading["norm"] == "of-sum"


def test_adafactor_of_torch_is_known_with_its_own_floor() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch")
    answer = answered(torch.optim.Adafactor)
    assert (answer.verdict, answer.line) == ("identified", "optimizer.adafactor")
    assert answer.from_standard == {"second_floor": ("eps-least", "eps-added")}
    assert answer.hyperparameters["eps"].value == 2.0**-52


@pytest.mark.parametrize("box", [Lamb, Muon], ids=lambda box: box.__name__)
def test_one_is_written_for_torch(box: type[Box]) -> None:
    pytest.importorskip("torch", reason="torch is not installed: pip install torch")
    assert f'formula = line("optimizer.{box.__name__.lower()}")' in text(port(box, to="torch"))


REALISED = [(adafactor, (4,)), (adafactor, (2, 3)), (lamb, (4,)), (lars, (2, 3)), (muon, (2, 3)), (muon, (3, 2))]


@pytest.mark.parametrize(("line", "shape"), REALISED, ids=str)
def test_as_an_optimizer_of_a_framework_each_does_what_the_reference_does(line: Optimizer, shape: tuple[int, ...]) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch")
    jax = pytest.importorskip("jax", reason="jax is not installed: pip install jax optax")
    optax = pytest.importorskip("optax", reason="optax is not installed: pip install jax optax")
    w, gradients = np.random.default_rng(1).normal(size=shape), np.random.default_rng(0).normal(size=(3, *shape))
    expected = line.run(w, gradients, 0.1, reading="standard")[-1]

    parameter = torch.nn.Parameter(torch.tensor(w))
    made = framework("pytorch").realise(line, line.standard)([parameter], lr=0.1)
    for g in gradients:
        parameter.grad = torch.tensor(g)
        made.step()
    np.testing.assert_array_max_ulp(parameter.detach().numpy(), expected, 64)

    with jax.enable_x64(True):
        rule = framework("jax").realise(line, line.standard)(learning_rate=0.1)
        x = jax.numpy.asarray(w)
        state, update = rule.init(x), jax.jit(rule.update)
        for g in gradients:
            moves, state = update(jax.numpy.asarray(g), state, x)
            x = optax.apply_updates(x, moves)
        np.testing.assert_array_max_ulp(np.asarray(x), expected, 64)
