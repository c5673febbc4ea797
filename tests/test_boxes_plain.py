"""The plain protocol: an optimizer in NumPy as a box, and what its callable says of itself."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from gradspec.adapters import AdapterError, Box, BoxError, Unsupported, framework, load
from gradspec.crosscheck.answers import Several
from gradspec.crosscheck.identification import identify

PLAIN = framework("plain")
W, G = np.array([1.0, -2.0, 0.5]), np.array([0.25, 0.5, -1.0])


class Momentum:
    """Returns new weights."""

    def __init__(self, weights, keep=0.5, learning_rate=0.125, nesterov=False):
        self.w, self.buffer, self.keep = weights, np.zeros_like(weights), keep

    def step(self, gradient, learning_rate):
        self.buffer = self.keep * self.buffer + gradient
        self.w = self.w - learning_rate * self.buffer
        return self.w


class InPlace(Momentum):
    """Changes the array that it was given."""

    def step(self, gradient, learning_rate):
        self.buffer = self.keep * self.buffer + gradient
        self.w -= learning_rate * self.buffer


class Attribute(Momentum):
    """Keeps its weights in an attribute."""

    @property
    def weights(self):
        return self.w

    def step(self, gradient, learning_rate):
        super().step(gradient, learning_rate)


class Halving(Momentum):
    """Leaves the gradient halved."""

    def step(self, gradient, learning_rate):
        moved = super().step(gradient, learning_rate)
        gradient *= 0.5
        return moved


def of_closures(weights, keep=0.5):
    """An object whose step keeps its state in a closure."""
    buffer = np.zeros_like(weights)

    def step(gradient, learning_rate):
        nonlocal weights, buffer
        buffer = keep * buffer + gradient
        weights = weights - learning_rate * buffer
        return weights

    return SimpleNamespace(step=step)


KINDS = (Momentum, InPlace, Attribute, Halving, of_closures)


def _box(target: Any, **given: Any) -> Box:
    box = PLAIN.box(target, getattr(target, "__name__", "made"), given)
    assert box is not None
    return box


def _bits(box: Box, steps: int, rate: float = 0.125, arguments: Mapping[str, float] | None = None) -> list[bytes]:
    run = box.start([W], rate, arguments or {})
    found = []
    for t in range(steps):
        run.step([G * (t + 1)], rate / (t + 1))
        found.append(run.weights()[0].tobytes())
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("keep", [0.5, 0.75])
def test_a_run_steps_bit_for_bit_as_the_object_in_a_users_hands(kind: Any, keep: float) -> None:
    subject = Momentum(W.copy(), keep)
    expected = [subject.step(G * (t + 1), 0.125 / (t + 1)).tobytes() for t in range(4)]
    assert _bits(_box(kind), 4, arguments={"keep": keep}) == expected
    assert _bits(_box(kind, keep=keep), 4) == expected


def test_a_box_says_what_its_callable_takes() -> None:
    box = _box(Momentum, nesterov=True)
    assert (box.arguments, box.rate, box.flags) == ({"keep": 0.5}, 0.125, {"nesterov": True})
    assert (box.framework, box.several, box.required) == ("numpy", False, ())
    assert box.versions == {"numpy": np.__version__}


def test_a_function_of_named_weights_may_require_hyperparameters() -> None:
    box = _box(lambda weights, keep: Momentum(weights, keep=keep))
    assert box.required == ("keep",)
    with pytest.raises(BoxError, match="needs keep: say keep=… with it"):
        box.start([W], 0.1, {})
    assert _bits(box, 2, arguments={"keep": 0.5}) == _bits(_box(Momentum), 2)


def test_the_rate_goes_to_make_and_to_each_step() -> None:
    met = []

    def make(weights, step_size=0.5):
        met.append(step_size)
        return SimpleNamespace(step=lambda gradient, rate: met.append(rate))

    box = _box(make)
    met.clear()
    box.start([W], 0.25, {}).step([G], 0.125)
    assert (box.rate, met) == (0.5, [0.25, 0.125])


@pytest.mark.parametrize("kind", [Momentum, InPlace, Attribute])
@pytest.mark.parametrize("anew", [False, True])
def test_a_saved_state_goes_on_as_if_nothing_had_been(kind: Any, anew: bool) -> None:
    box = _box(kind)
    run = box.start([W], 0.125, {})
    run.step([G], 0.125)
    saved, weights = run.save(), run.weights()
    run.step([G], 0.125)
    through = run.weights()[0].tobytes()
    later = box.start(weights, 0.125, {}) if anew else run
    for _ in range(2):  # twice: what was saved has not moved
        later.restore(saved)
        assert later.weights()[0].tobytes() == weights[0].tobytes()
        later.step([G], 0.125)
        assert later.weights()[0].tobytes() == through


def _locked(weights):
    subject = Momentum(weights)
    subject.lock = threading.Lock()
    return subject


@pytest.mark.parametrize(("kind", "words"), [(of_closures, "in the closure of step"), (_locked, "cannot pickle")])
def test_a_state_that_cannot_be_copied_is_not_saved(kind: Any, words: str) -> None:
    with pytest.raises(Unsupported, match=words):
        _box(kind).start([W], 0.1, {}).save()


@pytest.mark.parametrize(
    ("kind", "changed"),
    [(Momentum, ()), (Attribute, ()), (InPlace, ("weights",)), (Halving, ("gradients",))],
)
def test_arrays_that_a_step_changes_are_reported(kind: Any, changed: tuple[str, ...]) -> None:
    run = _box(kind).start([W], 0.1, {})
    run.step([G], 0.1)
    assert run.changed() == changed
    run.step([np.zeros(3)], 0.1)
    assert ("gradients" in run.changed()) is False


@pytest.mark.parametrize("kind", KINDS)
def test_the_callers_own_arrays_stay_as_they_were(kind: Any) -> None:
    w, g = W.copy(), G.copy()
    run = _box(kind).start([w], 0.1, {})
    run.step([g], 0.1)
    run.weights()[0][:] = 7
    assert (w.tobytes(), g.tobytes()) == (W.tobytes(), G.tobytes())
    assert not (run.weights()[0] == 7).any()


@pytest.mark.parametrize("shape", [(), (1,), (2, 3)])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_weights_have_the_shape_and_dtype_that_the_box_makes_of_them(shape: tuple[int, ...], dtype: str) -> None:
    run = _box(Momentum).start([np.ones(shape, dtype)], 0.5, {})
    run.step([np.ones(shape, dtype)], 0.5)
    assert (run.weights()[0].shape, run.weights()[0].dtype) == (shape, dtype)
    widening = _box(lambda weights: SimpleNamespace(step=lambda g, rate: np.float64(rate) * g.ravel())).start(
        [np.ones((2, 2), "float32")], 0.5, {}
    )
    widening.step([np.ones((2, 2), "float32")], 0.5)
    assert (widening.weights()[0].shape, widening.weights()[0].dtype) == ((4,), "float64")


def test_what_a_box_raises_comes_through() -> None:
    class Broken(Momentum):
        def step(self, gradient, learning_rate):
            raise KeyError("broken")

    def make(w0):
        raise KeyError("at once")

    with pytest.raises(KeyError, match="broken"):
        _box(Broken).start([W], 0.1, {}).step([G], 0.1)
    with pytest.raises(KeyError, match="at once"):
        PLAIN.box(make, "make", {})


def test_several_arrays_and_missing_gradients_are_not_in_the_protocol() -> None:
    box = _box(Momentum)
    with pytest.raises(Unsupported, match="one weight array"):
        box.start([W, W], 0.1, {})
    with pytest.raises(Unsupported, match="of one array has a gradient"):
        box.start([W], 0.1, {}).step([None], 0.1)
    with pytest.raises(Unsupported, match="no weights after its start"):
        box.start([W], 0.1, {}).add(W)


# --- several arrays ---------------------------------------------------------------------------------------------------


class Adam:
    """Over a list of arrays, with one counter for all of them."""

    def __init__(self, weights, beta1=0.9, beta2=0.999, eps=1e-8):
        self.w, self.t, self.h = [w.copy() for w in weights], 0, (beta1, beta2, eps)
        self.m, self.v = [np.zeros_like(w) for w in weights], [np.zeros_like(w) for w in weights]

    def step(self, gradients, learning_rate):
        self.t += 1
        for i, gradient in enumerate(gradients):
            if gradient is not None:
                self.one(i, gradient, learning_rate, self.t)
        return self.w

    def one(self, i, gradient, rate, t):
        b1, b2, eps = self.h
        self.m[i] = b1 * self.m[i] + (1 - b1) * gradient
        self.v[i] = b2 * self.v[i] + (1 - b2) * gradient**2
        self.w[i] = self.w[i] - rate * (self.m[i] / (1 - b1**t)) / (np.sqrt(self.v[i] / (1 - b2**t)) + eps)


class CountsArrays(Adam):
    """Raises its counter once for each array."""

    def one(self, i, gradient, rate, t):
        self.t += i > 0
        super().one(i, gradient, rate, self.t)


class CountsBackwards(Adam):
    """Counts right for the first array only."""

    def one(self, i, gradient, rate, t):
        super().one(i, gradient, rate, t if i == 0 else t + 1)


class Clips(Adam):
    """Holds the norm of all gradients together below 1."""

    def step(self, gradients, learning_rate):
        norm = np.sqrt(sum((g**2).sum() for g in gradients if g is not None))
        return super().step([None if g is None else g / max(1.0, norm) for g in gradients], learning_rate)


class InTheList:
    """Puts new arrays into the list that it was given."""

    def __init__(self, weights):
        self.list = weights

    def step(self, gradients, learning_rate):
        for i, gradient in enumerate(gradients):
            self.list[i] = self.list[i] - learning_rate * gradient


def annotated(weights: list[np.ndarray], keep):
    raise KeyError("keep")


@pytest.mark.parametrize("kind", [Adam, InTheList, annotated])
def test_a_box_says_that_it_takes_several_arrays_by_taking_them_or_by_its_annotation(kind: Any) -> None:
    assert _box(kind).several


@pytest.mark.parametrize("kind", [*KINDS, lambda weights: SimpleNamespace(step=lambda gradient, rate: None)])
def test_a_box_that_takes_one_array_is_never_taken_for_one_of_several(kind: Any) -> None:
    assert not _box(kind).several


@pytest.mark.parametrize("kind", [Adam, InTheList])
def test_several_arrays_are_stepped_each_as_alone(kind: Any) -> None:
    both, alone = _box(kind).start([W, W.reshape(1, 3)], 0.1, {}), _box(kind).start([W], 0.1, {})
    for _ in range(3):
        both.step([G, G.reshape(1, 3)], 0.1)
        alone.step([G], 0.1)
    assert [array.tobytes() for array in both.weights()] == 2 * [alone.weights()[0].tobytes()]
    assert both.weights()[1].shape == (1, 3)


def test_a_missing_gradient_reaches_a_box_of_several_arrays() -> None:
    run = _box(Adam).start([W, W], 0.1, {})
    run.step([None, G], 0.1)
    assert run.weights()[0].tobytes() == W.tobytes() and run.weights()[1].tobytes() != W.tobytes()


def test_a_step_that_loses_an_array_is_told_so() -> None:
    class Loses(Adam):
        def step(self, gradients, learning_rate):
            return super().step(gradients, learning_rate)[:1]

    def make(weights: list):
        return Loses(weights)

    run = _box(make).start([W, W], 0.1, {})
    run.step([G, G], 0.1)
    with pytest.raises(BoxError, match="the step gave 1 of them; expected a list of 2 arrays, as make was given"):
        run.weights()


def test_several_arrays_show_how_steps_are_counted_and_what_is_clipped() -> None:
    identify(Adam, runs=3).must_be("adam")
    for kind, ways in ((CountsArrays, [Several.COUNTED_ON]), (CountsBackwards, []), (Clips, None)):
        answer = identify(kind, runs=3)
        assert not answer.is_("adam"), kind
        if ways is not None:
            assert answer.surroundings.several == ways and not answer.for_several
            with pytest.raises(AssertionError, match="several arrays: stepped otherwise"):
                answer.must_be("adam")


class ClipsTogether(Clips):
    """Holds back only what is large in all arrays together: one alone never is."""

    def step(self, gradients, learning_rate):
        given = [g for g in gradients if g is not None]
        factor = 0.5 if len(given) > 1 and sum((g**2).sum() for g in given) > 1e20 else 1.0
        return Adam.step(self, [None if g is None else g * factor for g in gradients], learning_rate)


def test_what_only_long_runs_of_several_arrays_show_is_said_with_the_run() -> None:
    answer = identify(ClipsTogether)
    assert answer.verdict == "identified" and answer.surroundings.several == [] and not answer.for_several
    assert answer.surroundings.failing_run is not None and len(answer.surroundings.failing_run.shapes) == 2


# --- a single step as a function --------------------------------------------------------------------------------------


def adam_step(p, g, m, v, t, lr=1e-3, b1=0.9, b2=0.999, eps=1e-8):
    m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
    return p - lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps), m, v


def adam_that_counts(params, grads, m, v, t, learning_rate, b1=0.9, b2=0.999, eps=1e-8):
    t = t + 1
    return *adam_step(params, grads, m, v, t, learning_rate, b1, b2, eps), t


def adam_in_place(w, dw, m, v, step, lr, b1=0.9, b2=0.999, eps=1e-8):
    after, m[:], v[:] = adam_step(w, dw, m, v, step, lr, b1, b2, eps)
    w[:] = after


def adam_partly_in_place(w, grad, m, v, step, lr, b1=0.9, b2=0.999, eps=1e-8):
    after, m[:], v[:] = adam_step(w, grad, m, v, step, lr, b1, b2, eps)
    return after


def adam_that_miscounts(p, g, m, v, t, lr=1e-3, b1=0.9, b2=0.999, eps=1e-8):
    return adam_step(p, g, m, v, t + (t > 3), lr, b1, b2, eps)


def sgd_step(theta, gradient, step_size):
    return theta - step_size * gradient


@pytest.mark.parametrize("step", [adam_step, adam_that_counts, adam_in_place, adam_partly_in_place])
def test_a_step_that_is_given_its_state_is_a_box(step: Any) -> None:
    answer = identify(step, runs=3)
    answer.must_be("adam")
    assert answer.surroundings.goes_on


def test_a_step_without_a_state_is_a_box_and_one_that_miscounts_is_not_adam() -> None:
    identify(sgd_step, runs=3).must_be("sgd")
    assert not identify(adam_that_miscounts, runs=3).is_("adam")


@pytest.mark.parametrize("function", [lambda w, g: w * g, lambda y, grad, lr: None, lambda x, g, lr: [x.sum(), g], np.add])
def test_what_gives_no_weights_back_is_no_step(function: Any) -> None:
    assert PLAIN.box(function, "function", {}) is None


@pytest.mark.parametrize("target", [lambda x: 2 * x, lambda: Momentum(W), np.sort, len, 3, "mine.py", dict])
def test_what_makes_nothing_that_steps_is_left_to_others(target: Any) -> None:
    assert PLAIN.box(target, "target", {}) is None


def test_an_object_that_has_been_made_is_told_to_give_its_maker() -> None:
    with pytest.raises(BoxError, match=r"has been made already: give what makes it, a make\(weights, \*\*hyperparameters\)"):
        PLAIN.box(Momentum(W), "mine", {})


def test_what_turns_out_to_have_no_step_is_told_the_protocol() -> None:
    box = _box(lambda weights, keep: [weights, keep] if keep < 0.5 else Momentum(weights))
    with pytest.raises(BoxError, match=r"gave list, which has no step: expected make\(weights"):
        box.start([W], 0.1, {"keep": 0.25})


def test_a_step_without_a_rate_is_told_what_it_gets() -> None:
    box = _box(lambda weights: SimpleNamespace(step=lambda gradient: gradient))
    with pytest.raises(BoxError, match=r"does not take \(gradient, learning_rate\): too many positional arguments"):
        box.start([W], 0.1, {})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"keeep": 0.5}, "Momentum has no argument 'keeep'. Did you mean keep?"),
        ({"lr": 0.5}, "Did you mean learning_rate?"),
        ({"keep": "much"}, "keep='much': expected a number, such as keep=0.5"),
        ({"keep[0]": 0.5}, r"keep\[0\]=0.5: there is no such element"),
        ({"nesterov": 1.0}, "nesterov=1.0: expected True or False"),
        ({"learning_rate": "0.1"}, "it is given another rate at every step"),
    ],
)
def test_arguments_that_do_not_fit_are_named(given: Mapping[str, Any], words: str) -> None:
    with pytest.raises(BoxError, match=words):
        _box(Momentum, **given)


def test_arguments_at_the_start_must_be_known_and_keep_their_kind() -> None:
    met = []

    def make(weights, /, order=2, pair=(0.5, 0.75)):
        met.append((order, pair))
        return Momentum(weights)

    box = _box(make)
    assert box.arguments == {"order": 2, "pair[0]": 0.5, "pair[1]": 0.75}
    box.start([W], 0.1, {"order": 3.0, "pair[1]": 0.25})
    assert met[-1] == (3, (0.5, 0.25))
    assert isinstance(met[-1][0], int)
    with pytest.raises(BoxError, match=r"has no argument 'ordre'\. Did you mean order\?"):
        box.start([W], 0.1, {"ordre": 3.0})


def test_the_sheet_cannot_be_held_against_it() -> None:
    assert framework("numpy") is PLAIN
    with pytest.raises(AdapterError, match="its optimizers can only be identified"):
        load("plain")


@pytest.mark.parametrize(("text", "words"), [("def (", "SyntaxError"), ("import no_such_package_here", "no_such_package_here")])
def test_an_adapter_file_that_cannot_be_imported_is_said_to_be_so(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "slip.py"
    path.write_text(text)
    with pytest.raises(AdapterError, match=f"slip.py cannot be imported: .*{words}"):
        load(str(path))
