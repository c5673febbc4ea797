"""optax and jax.example_libraries as black boxes, and readings as transformations of optax."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from typing import Any

import ml_dtypes
import numpy as np
import pytest

pytest.importorskip("jax")
pytest.importorskip("optax")

import jax
import jax.numpy as jnp
import optax
from gradspec.adapters.contract import Trace
from gradspec.adapters.errors import BoxError, Unsupported
from gradspec.adapters.frameworks.jax import ADAPTER
from gradspec.crosscheck.arithmetic.formats import precision
from gradspec.crosscheck.findings import Label, NoValue
from gradspec.crosscheck.identification import identify
from gradspec.crosscheck.inputs.samples import TraceSample
from gradspec.crosscheck.readings.compare import allowed
from gradspec.reference import ArgumentError, catalogue, line
from gradspec.reference.formula import Optimizer
from gradspec.reference.vocabulary import Scope
from gradspec.reports.terminal import text
from jax.example_libraries import optimizers as examples

ADAM = {"b1": 0.9, "b2": 0.999, "eps": 1e-8, "eps_root": 0.0}
FACTORIES = {
    "sgd": (optax.sgd, {"momentum": 0.9, "nesterov": True}, {"momentum": 0.9}),
    "adam": (optax.adam, {}, ADAM),
    "adamw": (optax.adamw, {"weight_decay": 0.1}, {**ADAM, "weight_decay": 0.1}),
    "rmsprop": (optax.rmsprop, {"centered": True}, {"decay": 0.9, "eps": 1e-8, "initial_scale": 0.0}),
    "nadam": (optax.nadam, {}, ADAM),
    "adagrad": (optax.adagrad, {}, {"initial_accumulator_value": 0.1, "eps": 1e-7}),
    "amsgrad": (optax.amsgrad, {}, ADAM),
}
SHAPES, STEPS = ((3,), (2, 2), ()), 4
RATES = (0.5, 0.1, 0.3, 0.7)


def drawn(dtype, seed=5):
    """Weights in several shapes, and gradients for some steps."""
    rng = np.random.default_rng(seed)
    arrays = [[np.asarray(rng.normal(size=shape)).astype(dtype) for shape in SHAPES] for _ in range(STEPS + 1)]
    return arrays[0], arrays[1:]


def played(box, dtype, arguments=None, rates=RATES):
    weights, gradients = drawn(dtype)
    run = box.start(weights, rates[0], arguments or {})
    seen = []
    for step, rate in zip(gradients, rates, strict=True):
        run.step(step, rate)
        seen.append(run.weights())
    return seen


def applied(params, updates) -> Any:
    return optax.apply_updates(params, updates)


def by_hand(optimizer, dtype):
    """What a user's own loop gives, on a dict of arrays."""
    weights, gradients = drawn(dtype)
    seen = []
    with jax.enable_x64(dtype == np.float64):
        params = {f"w{i}": jnp.asarray(w) for i, w in enumerate(weights)}
        state = optimizer.init(params)
        for step in gradients:
            updates, state = optimizer.update({f"w{i}": jnp.asarray(g) for i, g in enumerate(step)}, state, params)
            params = applied(params, updates)
            seen.append([np.array(params[f"w{i}"]) for i in range(len(weights))])
    return seen


def same(a, b) -> bool:
    pairs = [(x, y) for one, other in zip(a, b, strict=True) for x, y in zip(one, other, strict=True)]
    return all((x.dtype, x.shape, x.tobytes()) == (y.dtype, y.shape, y.tobytes()) for x, y in pairs)


def schedule(count):
    return jnp.asarray(RATES)[count]


def box_of(target, **given):
    box = ADAPTER.box(target, "subject", given)
    assert box is not None
    return box


# --- boxes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FACTORIES)
def test_a_factorys_numbers_are_its_arguments(name):
    factory, given, expected = FACTORIES[name]
    box = box_of(factory, **given)
    assert (dict(box.arguments), box.required, box.rate, box.rate_changes) == (expected, (), None, True)
    assert box.framework == "jax" and "optax" in box.versions and box.several


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", FACTORIES)
def test_a_box_steps_as_a_users_loop_does_bit_for_bit(name, dtype):
    factory, given, _ = FACTORIES[name]
    assert same(played(box_of(factory, **given), dtype), by_hand(factory(schedule, **given), dtype))


def test_arguments_of_a_run_take_the_place_of_the_boxes():
    mine = played(box_of(optax.adam), np.float64, {"b1": 0.5, "eps": 1e-3})
    assert same(mine, by_hand(optax.adam(schedule, b1=0.5, eps=1e-3), np.float64))
    assert not same(mine, by_hand(optax.adam(schedule, b1=0.5), np.float64))


def test_a_given_rate_is_the_boxes_rate_and_no_argument():
    box = box_of(optax.adam, learning_rate=0.2)
    assert box.rate == 0.2 and "learning_rate" not in box.arguments


def test_a_flag_stays_as_it_is_given():
    assert box_of(optax.sgd, momentum=0.9, nesterov=True).flags == {"nesterov": True}
    assert box_of(partial(optax.rmsprop, centered=True)).flags == {"centered": True}


@pytest.mark.parametrize("name", ["adam", "rmsprop"])
def test_a_restored_state_goes_on_as_the_run_did(name):
    box = box_of(FACTORIES[name][0])
    weights, gradients = drawn(np.float32)
    first = box.start(weights, RATES[0], {})
    for step, rate in zip(gradients[:2], RATES[:2], strict=True):
        first.step(step, rate)
    saved = first.save()
    second = box.start(first.weights(), RATES[2], {})
    fresh = box.start(first.weights(), RATES[2], {})
    second.restore(saved)
    for run in (first, second, fresh):
        run.step(gradients[2], RATES[2])
    assert same([first.weights()], [second.weights()]) and not same([first.weights()], [fresh.weights()])


def test_a_made_transformation_is_run_as_it_is_at_its_own_rate():
    made = optax.chain(optax.clip(1.0), optax.adam(0.1))
    box = box_of(made)
    assert (box.rate, box.rate_changes, dict(box.arguments)) == (None, False, {})
    assert same(played(box, np.float64), by_hand(made, np.float64))
    assert box_of(made, learning_rate=0.1).rate == 0.1


def test_a_direction_is_followed_by_the_rate():
    box = box_of(optax.scale_by_adam)
    assert box.rate_changes and box.flags == {"chained": "optax.scale_by_learning_rate"}
    assert same(played(box, np.float64), by_hand(optax.adam(schedule), np.float64))


def of_ones_own(lr, decay=0.9):
    return optax.chain(optax.trace(decay), optax.scale(-lr))


def annotated(lr, decay) -> optax.GradientTransformation:
    return optax.chain(optax.trace(decay), optax.scale_by_learning_rate(lr))


def test_a_function_of_ones_own_is_known_by_what_it_returns_or_says_that_it_returns():
    assert dict(box_of(of_ones_own).arguments) == {"decay": 0.9}
    box = box_of(annotated)
    assert box.required == ("decay",) and box.rate_changes
    assert same(played(box, np.float64, {"decay": 0.5}), by_hand(annotated(schedule, 0.5), np.float64))


def test_a_rate_that_must_be_a_number_cannot_change():
    box = box_of(of_ones_own)
    assert not box.rate_changes
    assert same(played(box, np.float64, rates=(0.2,) * STEPS), by_hand(of_ones_own(0.2), np.float64))


def test_a_step_that_the_optimizer_has_compiled_still_sees_each_rate():
    def compiled(lr):
        inner = optax.adam(lr)
        return optax.GradientTransformation(inner.init, jax.jit(inner.update))

    box = box_of(compiled)
    assert box.rate_changes
    first, second = played(box, np.float32), played(box, np.float32, rates=(*RATES[:-1], 0.0))
    assert same(first[:-1], second[:-1]) and not same(first[-1:], second[-1:])
    assert same(second[-1:], second[-2:-1])  # at a rate of 0 nothing moves


@pytest.mark.parametrize(
    ("factory", "given"), [(examples.adam, {}), (examples.momentum, {"mass": 0.9}), (examples.rmsprop_momentum, {})]
)
def test_the_example_libraries_are_boxes_too(factory, given):
    box = box_of(factory, **given)
    optimizer = factory(lambda i: RATES[i], **given)
    weights, gradients = drawn(np.float64)
    with jax.enable_x64(True):
        state, seen = optimizer.init_fn(list(map(jnp.asarray, weights))), []
        for i, step in enumerate(gradients):
            state = optimizer.update_fn(i, list(map(jnp.asarray, step)), state)
            seen.append([np.array(w) for w in optimizer.params_fn(state)])
    assert same(played(box, np.float64), seen)


def test_an_example_optimizer_restores_its_count_with_its_state():
    box = box_of(examples.adam)
    weights, gradients = drawn(np.float32)
    first, second = box.start(weights, 0.1, {}), box.start(weights, 0.1, {})
    first.step(gradients[0], 0.1)
    second.restore(first.save())
    for run in (first, second):
        run.step(gradients[1], 0.1)
    assert same([first.weights()], [second.weights()])


def test_an_argument_without_a_default_is_required():
    box = box_of(examples.momentum)
    assert box.required == ("mass",) and box.rate_changes
    with pytest.raises(BoxError, match="needs mass"):
        box.start([np.ones(2)], 0.1, {})


def test_a_box_keeps_to_itself():
    """Neither the arrays that were handed in nor JAX's settings are changed, and the caller may use the arrays again."""
    before = jax.config.jax_enable_x64
    weights, gradient = [np.ones(2)], [np.ones(2)]
    run = box_of(optax.sgd).start(weights, 0.5, {})
    run.step(gradient, 0.5)
    weights[0][:], gradient[0][:] = np.nan, np.nan
    np.testing.assert_array_equal(run.weights()[0], 0.5)
    run.weights()[0][:] = np.nan
    np.testing.assert_array_equal(run.weights()[0], 0.5)
    assert run.changed() == () and jax.config.jax_enable_x64 == before


def test_what_optax_does_not_have_is_unsupported():
    run = box_of(optax.sgd).start([np.ones(2), np.ones(1)], 0.1, {})
    with pytest.raises(Unsupported, match="missing gradient"):
        run.step([np.ones(2), None], 0.1)
    with pytest.raises(Unsupported, match="after its start"):
        run.add(np.ones(1))


def returns_a_number(lr) -> optax.GradientTransformation:
    return lr


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: box_of(optax.adam, beta1=0.9), "no argument 'beta1'. Did you mean b1"),
        (lambda: box_of(optax.adam, lr=0.9), "Did you mean learning_rate"),
        (lambda: box_of(optax.adam, b1="much"), "expected a number"),
        (lambda: box_of(optax.adam).start([np.ones(1)], 0.1, {"b3": 1.0}), "no argument 'b3'"),
        (lambda: box_of(optax.adam(0.1), b1=0.8), "has been made: b1 cannot be given"),
        (lambda: box_of(optax.adam(0.1)).start([np.ones(1)], 0.1, {"b1": 0.8}), "give the factory"),
        (lambda: box_of(returns_a_number).start([np.ones(1)], 0.1, {}), "gave float: expected an optax GradientTransf"),
    ],
)
def test_a_box_that_is_used_wrongly_says_what_to_write(ask, message):
    with pytest.raises(BoxError, match=message):
        ask()


def a_loss(logits, labels):
    return optax.losses.squared_error(logits, labels)


@pytest.mark.parametrize(
    "target",
    [optax.squared_error, a_loss, optax.apply_updates, optax.GradientTransformation, examples.clip_grads, np.sum, 3, "adam"],
)
def test_what_is_no_optimizer_is_no_box(target):
    assert ADAPTER.box(target, "subject", {}) is None


def test_nothing_is_imported_for_a_target_from_elsewhere():
    program = (
        "import sys\nfrom gradspec.adapters.frameworks.jax import ADAPTER\n"
        "assert ADAPTER.box(lambda lr=0.1: 3, 'f', {}) is None and ADAPTER.box(object(), 'o', {}) is None\n"
        "sys.exit(bool({'jax', 'optax'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


# --- readings as transformations ------------------------------------------------------------------------------------

FORMULAS = [
    formula
    for formula in catalogue(beyond=True).values()
    if isinstance(formula, Optimizer) and formula.scope is not Scope.MATRIX
]
FAMILIES = {formula.family: formula for formula in reversed(FORMULAS)}
WIDTH = 24


def single_changes(formula, starts):
    """The printed and the standard reading, and what differs from one of the starts on one axis, once for lines of one body."""
    two = (formula.printed, formula.standard)
    if FAMILIES[formula.family] is not formula:
        return list(dict.fromkeys(two))
    changed = [start.but(**{axis.name: option}) for start in starts for axis in formula.axes for option in axis.names]
    return list(dict.fromkeys([*two, *changed]))


def a_trace(formula, dtype, seed=3):
    """Gradients of many sizes, of both signs, larger and smaller than the weights, and a rate that is new at every step."""
    rng = np.random.default_rng(seed)
    sizes = 10.0 ** rng.integers(-3, 3, size=(STEPS, WIDTH))
    gradients = (rng.normal(size=(STEPS, WIDTH)) * sizes).astype(dtype)
    hyper = {h.name: h.default for h in formula.hyperparameters} | {"eps": 1e-3, "beta2": 0.75, "momentum": 0.6}
    known = {h.name for h in formula.hyperparameters}
    weights = rng.normal(size=WIDTH).astype(dtype)
    return Trace(weights, gradients, RATES, {name: value for name, value in hyper.items() if name in known})


def trained(transformation, trace, compiled=False):
    """The weights after each step of a user's loop: (steps, d)."""
    with jax.enable_x64(trace.weights.dtype == np.float64):
        params = {"w": jnp.asarray(trace.weights)}
        state = transformation.init(params)

        def step(gradient, params, state):
            updates, state = transformation.update({"w": gradient}, state, params)
            return applied(params, updates), state

        step = jax.jit(step) if compiled else step
        seen = []
        for gradient in trace.gradients:
            params, state = step(jnp.asarray(gradient), params, state)
            seen.append(np.array(params["w"]))
    return np.stack(seen)


def realised(formula, trace, reading="standard"):
    return ADAPTER.realise(formula, formula.reading(reading))(schedule, **trace.hyper)


def enclosure(formula, reading, trace):
    flushed = precision(trace.weights.dtype.name).flushing()
    predicted = allowed(formula, formula.reading(reading), TraceSample(Label("plain"), trace), flushed)
    assert not isinstance(predicted, NoValue)
    return predicted["w"]


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "jit"])
@pytest.mark.parametrize("formula", FORMULAS, ids=lambda formula: formula.id)
def test_a_realised_reading_is_within_the_readings_own_rounding(formula, compiled):
    trace = a_trace(formula, np.float32 if compiled else np.float64)
    starts = (formula.standard,) if compiled else (formula.standard, formula.printed)  # each is compiled anew
    for reading in single_changes(formula, starts):
        observed = trained(realised(formula, trace, reading), trace, compiled)
        assert observed.dtype == trace.weights.dtype
        budget = enclosure(formula, reading, trace)
        off = np.abs(observed.astype(np.longdouble) - budget.value)
        inside = budget.contains(observed) | (off <= budget.error + _of_the_updates(reading, trace, observed))
        assert inside.all(), str(reading)


def _of_the_updates(reading, trace, observed):
    """What the roundings of the updates, and of adding them, come to so far: none where an update is the step itself; where the
    weights are scaled it is new weights less old ones."""
    if not reading.axes.get("decay", "").startswith("decoupled"):
        return np.zeros(observed.shape)
    after = observed.astype(np.longdouble)
    before = np.concatenate([trace.weights[None].astype(np.longdouble), after[:-1]])
    u = precision(trace.weights.dtype.name).unit_roundoff
    return np.cumsum(u * (np.abs(after - before) + np.abs(after)) * (1 + 4 * u), axis=0)


def test_another_reading_is_outside_of_it():
    adam = line("adam")
    trace = a_trace(adam, np.float64)
    for axis in ("correction", "epsilon"):
        for option in adam.axis(axis).names[:3]:
            other = adam.standard.but(**{axis: option})
            inside = enclosure(adam, "standard", trace).contains(trained(realised(adam, trace, other), trace)).all()
            assert inside == (other == adam.standard)


@pytest.mark.parametrize(
    ("name", "axes"), [("sgd", {}), ("momentum", {}), ("rmsprop", {"centered": "yes"}), ("adam", {"correction": "none"})]
)
def test_an_update_is_the_step_itself_so_that_no_rounding_is_added(name, axes):
    formula = line(name)
    reading, trace = formula.reading("printed", **axes), a_trace(formula, np.float32)
    w, gradients = jnp.asarray(trace.weights), [jnp.asarray(g) for g in trace.gradients]
    rates = list(jnp.asarray(RATES))
    formulas_own, _ = formula.trace_in(ADAPTER.namespace, w, gradients, rates, trace.hyper, reading)
    np.testing.assert_array_equal(trained(realised(formula, trace, reading), trace), np.stack(formulas_own))


@pytest.mark.parametrize("decay", ["decoupled-unscaled", "decoupled-after"])
def test_where_weights_are_scaled_two_roundings_are_added_and_no_more(decay):
    sgd, rng = line("sgd"), np.random.default_rng(2)
    reading, hyper = sgd.reading("printed", decay=decay), {"weight_decay": 0.37}
    w, g = (jnp.asarray(rng.normal(size=4000) * 10.0 ** rng.integers(-2, 3, size=4000), jnp.float32) for _ in range(2))
    (formulas_own,), _ = sgd.trace_in(ADAPTER.namespace, w, [g], [0.3], hyper, reading)
    transformation = ADAPTER.realise(sgd, reading)(0.3, **hyper)
    updates, _ = transformation.update(g, transformation.init(w), w)
    observed = applied(w, updates)
    u, update, own, new = (np.asarray(x, np.float64) for x in (2.0**-24, updates, formulas_own, observed))
    assert (np.abs(new - own) <= u * (np.abs(update) + np.abs(new)) * (1 + 4 * u)).all()
    assert (new != own).any()


def test_a_realised_reading_stands_last_in_a_chain():
    adam = line("adam")
    trace = a_trace(adam, np.float64)
    halved = Trace(trace.weights, trace.gradients / 2, trace.rates, trace.hyper)
    chained = optax.chain(optax.scale(0.5), realised(adam, trace))
    np.testing.assert_array_equal(trained(chained, trace), trained(realised(adam, halved), halved))


def test_a_number_and_a_schedule_of_that_number_are_one_rate():
    adam = line("adam")
    trace = a_trace(adam, np.float64)
    factory = ADAPTER.realise(adam, adam.standard)
    for rate in (0.25, np.float64(0.25), jnp.float32(0.25)):
        number = trained(factory(rate, **trace.hyper), trace)
        np.testing.assert_array_equal(number, trained(factory(lambda _: 0.25, **trace.hyper), trace))


def test_optax_injects_hyperparameters_into_a_realised_reading():
    adam = line("adam")
    trace = a_trace(adam, np.float64)
    decayed = adam.standard.but(decay="l2")
    injected = optax.inject_hyperparams(ADAPTER.realise(adam, decayed))(schedule, **trace.hyper)
    assert enclosure(adam, decayed, trace).contains(trained(injected, trace)).all()


def test_a_realised_reading_is_a_box_again():
    adam = line("adam")
    box = box_of(ADAPTER.realise(adam, adam.standard))
    assert set(box.arguments) == {h.name for h in adam.hyperparameters} and box.rate_changes
    assert same(played(box, np.float64), by_hand(ADAPTER.realise(adam, adam.standard)(schedule), np.float64))


def test_a_nested_tree_is_stepped_leaf_by_leaf():
    adam = line("adam")
    trace = a_trace(adam, np.float32)
    transformation = realised(adam, trace)

    def tree(row):
        return {
            "layer": [jnp.asarray(row[:6].reshape(2, 3)), (jnp.asarray(row[6]),)],
            "none": None,
            "top": jnp.asarray(row[7:]),
        }

    params, seen = tree(trace.weights), []
    state = transformation.init(params)
    for gradient in trace.gradients:
        updates, state = transformation.update(tree(gradient), state, params)
        params = applied(params, updates)
        seen.append(np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(params)]))
    assert enclosure(adam, "standard", trace).contains(np.stack(seen)).all()
    assert jax.tree.structure(state.formula.V) == jax.tree.structure(params)
    assert transformation.update({}, transformation.init({}), {})[0] == {}


def test_a_state_saved_as_numpy_arrays_goes_on_and_scans():
    """Its structure and dtypes are the same after every step, so that it is a carry of ``lax.scan``."""
    adam = line("adam")
    trace = a_trace(adam, np.float32)
    transformation = realised(adam, trace, {"lookahead": "nadam-schedule"})
    whole = trained(transformation, trace)
    params, gradients = jnp.asarray(trace.weights), jnp.asarray(trace.gradients)
    state = transformation.init(params)
    for i in range(2):
        updates, state = transformation.update(gradients[i], state, params)
        params = applied(params, updates)
    leaves, structure = jax.tree.flatten(state)
    state = jax.tree.unflatten(structure, [np.asarray(leaf) for leaf in leaves])

    def step(carry, gradient):
        params, state = carry
        updates, state = transformation.update(gradient, state, params)
        params = applied(params, updates)
        return (params, state), params

    _, rest = jax.lax.scan(step, (params, jax.tree.map(jnp.asarray, state)), gradients[2:])
    reading = {"lookahead": "nadam-schedule"}
    resumed = np.concatenate([whole[:2], rest])
    assert enclosure(adam, reading, trace).contains(resumed).all()
    assert not enclosure(adam, reading, trace).contains(np.concatenate([whole[:2], rest[::-1]])).all()


def test_narrow_weights_stay_narrow():
    adam = line("adam")
    trace = a_trace(adam, ml_dtypes.bfloat16)
    hyper = {name: np.float64(value) for name, value in trace.hyper.items()}
    transformation = ADAPTER.realise(adam, adam.standard)(schedule, **hyper)
    params = jnp.asarray(trace.weights)
    updates, state = transformation.update(jnp.asarray(trace.gradients[0]), transformation.init(params), params)
    assert updates.dtype == state.formula.V.dtype == "bfloat16"
    assert enclosure(adam, "standard", trace).contains(trained(transformation, trace)).all()


def test_without_the_weights_or_with_an_unknown_name_it_says_so():
    factory = ADAPTER.realise(line("adam"), line("adam").standard)
    transformation = factory(0.1)
    w = jnp.ones(2)
    with pytest.raises(ValueError, match=r"update\(gradients, state, params\)"):
        transformation.update(w, transformation.init(w))
    with pytest.raises(ArgumentError, match=r"beta3.*Did you mean beta"):
        factory(0.1, beta3=0.9)


def test_without_optax_no_reading_can_be_realised(monkeypatch):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "optax" else find(name, *rest))
    with pytest.raises(Unsupported, match="optax, which is not installed"):
        ADAPTER.realise(line("sgd"), line("sgd").printed)


# --- wrappers that are objects of their own ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    [
        optax.MultiSteps(optax.sgd(0.25), every_k_schedule=2),
        lambda learning_rate=0.25: optax.MultiSteps(optax.sgd(learning_rate), every_k_schedule=2),
    ],
)
def test_a_wrapper_that_is_no_transformation_is_run_as_the_one_that_it_gives(target: Any) -> None:
    box = ADAPTER.box(target, "target", {})
    assert box is not None
    w, g = np.array([1.0, -2.0]), np.array([0.5, 1.5])
    run = box.start([w], 0.25, {})
    run.step([g], 0.25)
    assert run.weights()[0].tolist() == w.tolist()
    run.step([3 * g], 0.25)
    assert run.weights()[0].tolist() == (w - 0.25 * 2 * g).tolist()


def test_what_an_optimizer_counts_in_python_is_not_moved_by_looking_for_loops():
    def counting(learning_rate: float) -> optax.GradientTransformation:
        steps = []

        def update(updates, state, params=None):
            steps.append(None)
            return jax.tree.map(lambda g: -learning_rate * g * len(steps), updates), state

        return optax.GradientTransformation(lambda params: optax.EmptyState(), update)

    box = box_of(counting)
    runs = [box.start([np.ones(2)], 0.5, {}) for _ in range(2)]
    for run in runs:
        run.step([np.ones(2)], 0.5)
        np.testing.assert_array_equal(run.weights()[0], [0.5, 0.5])


# --- a rate of its own ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [1e-3, 3e-4, 0.0125])
def test_the_rate_of_a_transformation_is_read_off_what_it_does(rate: float) -> None:
    answer = identify(optax.adam(rate), runs=3)
    assert (answer.verdict, answer.line, answer.role) == ("identified", "optimizer.adam", "standard"), text(answer)
    assert answer.behind is None and answer.rate_fitted and answer.rate == rate
    assert f"Rate {rate:g}: its own" in " ".join(text(answer).split())


def test_the_rate_inside_of_an_accumulation_is_read_off_too() -> None:
    answer = identify(optax.MultiSteps(optax.adam(1e-3), 4), runs=3)
    assert (answer.verdict, answer.line, answer.rate) == ("identified", "optimizer.adam", 1e-3), text(answer)
    assert answer.behind is not None and answer.behind.parameters["k"].value == 4


def test_a_box_that_is_handed_its_rate_has_none_of_its_own() -> None:
    answer = identify(optax.adam, runs=3)
    assert answer.rate is None and not answer.rate_fitted
