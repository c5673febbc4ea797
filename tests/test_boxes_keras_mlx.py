"""Keras and MLX optimizers as boxes, where they are installed: ``pip install keras``, ``pip install mlx``."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from gradspec.adapters import Box, BoxError, Run, Unsupported, framework
from gradspec.crosscheck.arithmetic.formats import precision

if importlib.util.find_spec("tensorflow") is None:  # Keras asks for it unless told otherwise
    os.environ.setdefault("KERAS_BACKEND", "torch" if importlib.util.find_spec("torch") else "jax")

SHAPES = ((3,), (2, 2))
RATES = (0.1, 0.1, 0.025, 0.05)
RATE = 0.1
NAMES = {
    "keras": ("SGD", "Adam", "RMSprop", "Adagrad", "AdamW", "Nadam"),
    "mlx": ("SGD", "Adam", "RMSprop", "Adagrad", "AdamW", "Adamax"),
}
EVERY = [pytest.param(owner, name, id=f"{owner}.{name}") for owner, names in NAMES.items() for name in names]
BOTH = pytest.mark.parametrize("owner", NAMES)


def _kind(owner: str, name: str) -> Any:
    module = pytest.importorskip(f"{owner}.optimizers", reason=f"{owner} is not installed: pip install {owner}")
    kind = getattr(module, name)
    if "float64" not in _box(owner, module.SGD).dtypes:
        pytest.skip(f"{owner} has no float64 here: JAX needs JAX_ENABLE_X64=1, MLX the CPU")
    return kind


def _arrays(purpose: str, dtype: str = "float64") -> list[np.ndarray]:
    rng = np.random.default_rng(zlib.crc32(purpose.encode()))
    return [rng.normal(size=shape).astype(precision(dtype).numpy) for shape in SHAPES]


def _box(owner: str, target: Any, **given: Any) -> Box:
    box = framework(owner).box(target, "made", given)
    assert box is not None
    return box


def _bits(run: Run) -> list[bytes]:
    return [array.tobytes() for array in run.weights()]


def _drive(run: Run, first: int = 0, last: int = len(RATES), dtype: str = "float64") -> list[bytes]:
    for t in range(first, last):
        run.step(_arrays(f"gradients {t}", dtype), RATES[t])
    return _bits(run)


# --- what a box says of itself --------------------------------------------------------------------------------------


def test_a_keras_box_lists_the_numbers_that_its_class_takes() -> None:
    box = _box("keras", _kind("keras", "Adam"), amsgrad=True)
    assert (box.rate, box.required, box.flags) == (1e-3, (), {"amsgrad": True})
    assert box.arguments == {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "ema_momentum": 0.99}
    assert box.versions["backend"] == importlib.import_module("keras").config.backend()


def test_an_mlx_box_lists_the_numbers_that_its_class_takes() -> None:
    box = _box("mlx", _kind("mlx", "Adam"), bias_correction=True)
    assert (box.rate, box.required, box.flags) == (None, (), {"bias_correction": True})
    assert box.arguments == {"betas[0]": 0.9, "betas[1]": 0.999, "eps": 1e-8}


@BOTH
def test_a_factory_is_a_box_of_what_it_makes(owner: str) -> None:
    sgd = _kind(owner, "SGD")
    expected = _drive(_box(owner, sgd).start(_arrays("w"), RATE, {"momentum": 0.5}))
    for target in (lambda learning_rate=RATE: sgd(learning_rate, momentum=0.5), functools.partial(sgd, momentum=0.5)):
        box = _box(owner, target)
        assert box.arguments["momentum"] == 0.5
        assert _drive(box.start(_arrays("w"), RATE, {})) == expected
        again = _box(owner, target).start(_arrays("w"), RATE, {"momentum": 0.0})
        assert _drive(again) == _drive(_box(owner, sgd).start(_arrays("w"), RATE, {}))


def test_a_made_keras_optimizer_is_a_box_by_its_configuration() -> None:
    adam = _kind("keras", "Adam")
    box = _box("keras", adam(0.25, beta_1=0.5, amsgrad=True), epsilon=0.125)
    assert (box.rate, box.arguments["beta_1"], box.arguments["epsilon"]) == (0.25, 0.5, 0.125)
    given = _box("keras", adam, beta_1=0.5, amsgrad=True, epsilon=0.125)
    assert _drive(box.start(_arrays("w"), RATE, {})) == _drive(given.start(_arrays("w"), RATE, {}))


def test_a_made_mlx_optimizer_is_told_to_give_its_class() -> None:
    with pytest.raises(BoxError, match="give SGD with its arguments, or lambda learning_rate: SGD"):
        framework("mlx").box(_kind("mlx", "SGD")(RATE), "made", {})


@pytest.mark.parametrize(
    ("owner", "given", "words"),
    [
        ("keras", {"beta": 0.9}, "Adam has no argument 'beta'. Did you mean beta_2 or beta_1?"),
        ("keras", {"lr": 0.1}, "Did you mean learning_rate?"),
        ("keras", {"epsilon": "tiny"}, "epsilon='tiny': expected a number"),
        ("keras", {"clipnorm": 1.0, "clipvalue": 1.0}, "made: Only one of `clipnorm`, `clipvalue`"),
        ("mlx", {"beta": 0.9}, "Adam has no argument 'beta'. Did you mean betas?"),
        ("mlx", {"betas": 0.9}, r"betas=0.9: expected 2 numbers"),
    ],
)
def test_arguments_that_do_not_fit_are_named(owner: str, given: Mapping[str, Any], words: str) -> None:
    with pytest.raises(BoxError, match=words):
        _box(owner, _kind(owner, "Adam"), **given)


def test_what_mlx_says_against_its_arguments_is_passed_on() -> None:
    with pytest.raises(BoxError, match=r"made: RMSprop epsilon should be >0, -1\.0 was provided instead"):
        _box("mlx", _kind("mlx", "RMSprop"), eps=-1.0)


@BOTH
@pytest.mark.parametrize("target", [np.sin, "SGD", lambda weights: None, lambda: None, dict, 3])
def test_what_makes_no_optimizer_is_left_to_others(owner: str, target: Any) -> None:
    _kind(owner, "SGD")
    assert framework(owner).box(target, "target", {}) is None


# --- stepping -------------------------------------------------------------------------------------------------------


def _keras_by_hand(kind: Callable[..., Any], dtype: str) -> list[bytes]:
    keras = importlib.import_module("keras")
    variables = [keras.Variable(array, dtype=dtype) for array in _arrays("w", dtype)]
    optimizer = kind(learning_rate=RATE)
    for t, rate in enumerate(RATES):
        optimizer.learning_rate = rate
        gradients = [keras.ops.convert_to_tensor(array, dtype=dtype) for array in _arrays(f"gradients {t}", dtype)]
        optimizer.apply(gradients, variables)
    return [np.array(keras.ops.convert_to_numpy(variable.value)).tobytes() for variable in variables]


def _mlx_by_hand(kind: Callable[..., Any], dtype: str) -> list[bytes]:
    mx = importlib.import_module("mlx.core")

    def tree(purpose: str) -> dict[str, Any]:
        return {str(i): mx.array(array, dtype=getattr(mx, dtype)) for i, array in enumerate(_arrays(purpose, dtype))}

    parameters, optimizer = tree("w"), kind(learning_rate=RATE)
    for t, rate in enumerate(RATES):
        optimizer.learning_rate = rate
        parameters = optimizer.apply_gradients(tree(f"gradients {t}"), parameters)
    return [np.array(array).tobytes() for array in parameters.values()]


BY_HAND = {"keras": _keras_by_hand, "mlx": _mlx_by_hand}


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own, met by hand
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@pytest.mark.parametrize(("owner", "name"), EVERY)
def test_a_run_steps_bit_for_bit_as_the_optimizer_in_a_users_hands(owner: str, name: str, dtype: str) -> None:
    kind = _kind(owner, name)
    run = _box(owner, kind).start(_arrays("w", dtype), RATE, {})
    assert _drive(run, dtype=dtype) == BY_HAND[owner](kind, dtype)
    assert [array.dtype.name for array in run.weights()] == [dtype, dtype]


@BOTH
@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
def test_every_bit_survives_the_way_in_and_out(owner: str, dtype: str) -> None:
    p = precision(dtype)
    values = [0.0, -0.0, 1.0, p.smallest_subnormal, -p.smallest_normal, p.max, np.inf, -np.inf]
    weights = np.array(values).astype(p.numpy)
    for array in (weights, weights.reshape(2, 4), weights[1]):
        run = _box(owner, _kind(owner, "SGD")).start([np.asarray(array)], RATE, {})
        assert _bits(run) == [array.tobytes()]
        assert run.weights()[0].shape == array.shape


@BOTH
def test_the_rate_is_held_in_float32(owner: str) -> None:
    """The witness of what the adapters say of their frameworks: 0.1 is not 0.1 in a float64 run."""
    run = _box(owner, _kind(owner, "SGD")).start([np.zeros(1)], RATE, {})
    run.step([np.ones(1)], RATE)
    assert run.weights()[0].tolist() == [-float(np.float32(RATE))]


@BOTH
def test_the_arrays_handed_in_stay_as_they_were_and_weights_are_copies(owner: str) -> None:
    weights, gradients = _arrays("w"), _arrays("g")
    run = _box(owner, _kind(owner, "SGD")).start(weights, RATE, {})
    run.step(gradients, RATE)
    run.weights()[0][:] = 7
    assert [a.tobytes() for a in weights + gradients] == [a.tobytes() for a in _arrays("w") + _arrays("g")]
    assert not (run.weights()[0] == 7).any()


@BOTH
def test_weights_without_a_gradient_stay(owner: str) -> None:
    run = _box(owner, _kind(owner, "Adam")).start(_arrays("w"), RATE, {})
    run.step([None, _arrays("g")[1]], RATE)
    assert _bits(run)[0] == _arrays("w")[0].tobytes()
    assert _bits(run)[1] != _arrays("w")[1].tobytes()


def test_keras_takes_no_step_without_any_gradient() -> None:
    run = _box("keras", _kind("keras", "SGD")).start(_arrays("w"), RATE, {})
    with pytest.raises(Unsupported, match="no step in which no variable has a gradient"):
        run.step([None, None], RATE)


@pytest.mark.parametrize("anew", [False, True])
@pytest.mark.parametrize(("owner", "name"), EVERY)
def test_a_saved_state_goes_on_as_if_nothing_had_been(owner: str, name: str, anew: bool) -> None:
    box = _box(owner, _kind(owner, name))
    run = box.start(_arrays("w"), RATE, {})
    _drive(run, 0, 2)
    saved, weights = run.save(), run.weights()
    through = _drive(run, 2)
    later = box.start(weights, RATE, {}) if anew else run
    for _ in range(2):  # twice: what was saved has not moved
        later.restore(saved)
        assert _drive(later, 2) == through
    with pytest.raises(Unsupported, match="saved with other weight arrays"):
        box.start(weights[:1], RATE, {}).restore(saved)


def test_mlx_takes_weights_late_and_keras_does_not() -> None:
    box = _box("mlx", _kind("mlx", "Adam"))
    run = box.start(_arrays("w")[:1], RATE, {})
    run.step(_arrays("gradients 0")[:1], RATE)
    through = box.start(_arrays("w")[:1], RATE, {})
    through.step(_arrays("gradients 0")[:1], RATE)
    run.add(_arrays("w")[1])
    run.step(_arrays("gradients 1"), RATE)
    through.step(_arrays("gradients 1")[:1], RATE)
    assert _bits(run)[:1] == _bits(through)
    assert _bits(run)[1] != _arrays("w")[1].tobytes()
    with pytest.raises(Unsupported, match="no weights after its start"):
        _box("keras", _kind("keras", "Adam")).start(_arrays("w"), RATE, {}).add(_arrays("w")[0])


def _halving_mlx() -> Any:
    class Halving(_kind("mlx", "SGD")):
        def apply_single(self, gradient, parameter, state):
            moved = super().apply_single(gradient, parameter, state)
            gradient *= 0.5
            return moved

    return Halving


def _halving_keras() -> Any:
    kind = _kind("keras", "SGD")
    if importlib.import_module("keras").config.backend() != "torch":
        pytest.skip("only torch's tensors can be changed in place")

    class Halving(kind):
        def apply(self, grads, trainable_variables=None):
            super().apply(grads, trainable_variables)
            grads[0].mul_(0.5)

    return Halving


@pytest.mark.parametrize(("owner", "halving"), [("keras", _halving_keras), ("mlx", _halving_mlx)])
def test_gradients_that_a_step_changes_are_reported(owner: str, halving: Callable[[], Any]) -> None:
    for kind, changed in ((_kind(owner, "SGD"), ()), (halving(), ("gradients",))):
        run = _box(owner, kind).start(_arrays("w"), RATE, {})
        _drive(run, 0, 1)
        assert run.changed() == changed


@BOTH
@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
def test_a_gradient_that_is_no_number_is_not_taken_for_a_changed_one(owner: str, dtype: str) -> None:
    run = _box(owner, _kind(owner, "SGD")).start([np.zeros(1, precision(dtype).numpy)], RATE, {})
    run.step([np.full(1, np.nan, precision(dtype).numpy)], RATE)
    assert run.changed() == ()
    assert np.isnan(run.weights()[0]).all()
