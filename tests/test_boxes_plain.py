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
    with pytest.raises(Unsupported, match="has a gradient"):
        box.start([W], 0.1, {}).step([None], 0.1)
    with pytest.raises(Unsupported, match="no weights after its start"):
        box.start([W], 0.1, {}).add(W)


@pytest.mark.parametrize("target", [lambda x: 2 * x, lambda: Momentum(W), np.sort, len, 3, "mine.py", dict])
def test_what_makes_nothing_that_steps_is_left_to_others(target: Any) -> None:
    assert PLAIN.box(target, "target", {}) is None


def test_an_object_that_has_been_made_is_told_to_give_its_maker() -> None:
    with pytest.raises(BoxError, match=r"has been made already: give what makes it, a make\(weights, \*\*hyperparameters\)"):
        PLAIN.box(Momentum(W), "mine", {})


def test_what_turns_out_to_have_no_step_is_told_the_protocol() -> None:
    box = _box(lambda weights, keep: [weights, keep])
    with pytest.raises(BoxError, match=r"gave list, which has no step: expected make\(weights"):
        box.start([W], 0.1, {"keep": 0.5})


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
