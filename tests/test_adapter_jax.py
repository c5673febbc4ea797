"""The JAX adapter: arrays come back as they went in, and each native does what the adapter claims, by enclosures."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref

import ml_dtypes
import numpy as np
import pytest

pytest.importorskip("jax")
pytest.importorskip("optax")

from gradspec.adapters.contract import NAMES, Trace
from gradspec.adapters.frameworks.jax import ADAPTER
from gradspec.crosscheck.arithmetic.formats import precision
from gradspec.crosscheck.arithmetic.rounding import Rounding
from gradspec.crosscheck.cells.examination import examine
from gradspec.crosscheck.cells.matrix import cells
from gradspec.crosscheck.cells.subject import subject_of
from gradspec.crosscheck.inputs.profiles import profile
from gradspec.crosscheck.inputs.shared import samples
from gradspec.reference.catalogue import catalogue, line
from gradspec.reference.formula import Map, Optimizer
from gradspec.reference.vocabulary import Scope

MODES = ADAPTER.map_modes
DTYPES = {"float64": np.float64, "float32": np.float32, "bfloat16": ml_dtypes.bfloat16, "float16": np.float16}
SIZES = {"n": 3, "d": 4, "h": 2, "o": 1, "k": 3, "m": 2}
TRACE_SIZE, STEPS = 3, 4

MAPS = [native for native in ADAPTER.natives if not native.line.startswith("optimizer.")]
OPTIMIZERS = [native for native in ADAPTER.natives if native.line.startswith("optimizer.")]
OPTIMIZER_LINES = [
    formula
    for formula in catalogue(beyond=True).values()
    if isinstance(formula, Optimizer) and formula.scope is not Scope.MATRIX
]


def native_id(native):
    return f"{native.name}-{native.line}"


class _Once(dict):
    """Functions by native's name: one object each, so that its compiled form is found again."""

    def __missing__(self, native_name):
        native = next(n for n in MAPS if native_id(n) == native_name)
        code, names = native.code, ADAPTER.names()
        self[native_name] = lambda **inputs: eval(code, {**names, **inputs})
        return self[native_name]


FUNCTIONS = _Once()


def drawn(formula: Map, sizes: dict[str, int], dtype: str, rng: np.random.Generator) -> tuple[dict, np.ndarray]:
    """Inputs of moderate size, targets between 0 and 1, and a random cotangent."""
    inputs = {}
    for name, given in formula.inputs.items():
        shape = given.concrete(sizes)
        unit = given.values in ("unit", "probability")
        inputs[name] = (rng.uniform(0.1, 0.9, shape) if unit else rng.normal(size=shape)).astype(DTYPES[dtype])
    cotangent = rng.normal(size=tuple(sizes[n] if isinstance(n, str) else n for n in formula.output))
    return inputs, np.asarray(cotangent).astype(DTYPES[dtype])


def assert_encloses(enclosure, observed, what):
    inside = enclosure.contains(observed)
    assert inside.all(), f"{what}: {observed} is outside of {enclosure.value} ± {enclosure.error}"


def flushing(dtype: str) -> Rounding:
    return Rounding(precision(dtype).flushing())


def assert_fits(formula, reading, pulled, inputs, cotangent, dtype):
    xp = flushing(dtype)
    lifted = {name: value if isinstance(value, str) else xp.asarray(value) for name, value in inputs.items()}
    assert_encloses(formula.value_in(xp, lifted, reading), pulled.value, "value")
    bars = formula.vjp_in(xp, xp.asarray(cotangent), lifted, reading)
    for name, bar in pulled.cotangents.items():
        assert_encloses(bars[name], bar, name)


# --- importing, arrays ----------------------------------------------------------------------------------------------


def test_importing_the_adapter_imports_no_framework():
    program = "import sys, gradspec.adapters.frameworks.jax; sys.exit(bool({'jax', 'optax', 'torch'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_namespace_has_the_contracts_names():
    assert all(hasattr(ADAPTER.namespace, name) for name in NAMES)


def specials(dtype: str) -> list[float]:
    f = precision(dtype)
    return [0.0, -0.0, np.inf, -np.inf, np.nan, f.smallest_subnormal, f.smallest_normal, f.max, 1 + 2 * f.unit_roundoff]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_come_back_with_the_bits_that_went_in(dtype, mode):
    vector = np.array(specials(dtype)).astype(DTYPES[dtype])
    for x in map(np.asarray, (vector, vector[0], vector.reshape(3, 3), vector[:0])):
        value, bars = ADAPTER.pull_back(_identity, {"x": x}, ("x",), x, mode)
        for back in (value, bars["x"]):
            assert (back.dtype, back.shape, back.tobytes()) == (x.dtype, x.shape, x.tobytes())


def _identity(x):
    return x


def test_what_comes_back_is_the_callers_own_memory():
    x = np.ones(3)
    value, bars = ADAPTER.pull_back(_identity, {"x": x}, ("x",), x, "eager")
    assert value.flags.writeable and not np.shares_memory(value, x) and not np.shares_memory(bars["x"], x)


# --- 64-bit types ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_float64_is_float64_inside_and_the_process_keeps_its_setting(mode):
    import jax
    import jax.numpy as jnp

    before, seen = jax.config.jax_enable_x64, []

    def third(x):
        seen.append((x.dtype.name, jnp.ones(1).dtype.name))
        return x / 3

    one = np.ones(())
    assert ADAPTER.pull_back(third, {"x": one}, ("x",), one, mode).value == 1 / 3
    assert ADAPTER.pull_back(third, {"x": one.astype("f")}, ("x",), one.astype("f"), mode).value == np.float32(1) / 3
    assert {*seen} == {("float64", "float64"), ("float32", "float32")}
    assert jax.config.jax_enable_x64 == before and jnp.ones(1).dtype == ("float64" if before else "float32")


def test_the_setting_survives_an_error():
    import jax

    before = jax.config.jax_enable_x64
    with pytest.raises(ZeroDivisionError):
        ADAPTER.pull_back(lambda x: 1 / 0, {"x": np.ones(())}, ("x",), np.ones(()), "eager")
    assert jax.config.jax_enable_x64 == before


def test_float32_does_not_depend_on_the_processes_setting():
    import jax

    adam = next(native for native in OPTIMIZERS if native.name == "optax.adam")
    trace = a_trace(line("optimizer.adam"), np.random.default_rng(5), "float32")
    with jax.enable_x64(True):
        wide = ADAPTER.optimize(adam, trace, "eager")
    np.testing.assert_array_equal(wide, ADAPTER.optimize(adam, trace, "eager"))


# --- natives: maps --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("native", MAPS, ids=native_id)
def test_a_native_map_is_the_reading_it_claims(native, mode):
    formula = line(native.line)
    reading = formula.reading("printed", **native.claim)
    rng = np.random.default_rng(3)
    for setting in formula.settings.get("g", ("",)):
        inputs, cotangent = drawn(formula, {**SIZES, **native.sizes}, "float64", rng)
        chosen = {"g": setting} if setting else {}
        pulled = ADAPTER.pull_back(FUNCTIONS[native_id(native)], inputs | chosen, formula.wrt, cotangent, mode)
        assert_fits(formula, reading, pulled, inputs | chosen, cotangent, "float64")


HARD = {
    "scalar.prod": ([2.0, 0.0, 3.0], [0.0, 0.0, 3.0], [np.inf, 2.0, 3.0]),
    "scalar.max": ([2.0, 1.0, 2.0], [1.0, 1.0, 1.0], [1.0, 1.0]),
    "scalar.min": ([1.0, 2.0, 1.0], [1.0, 1.0, 1.0], [1.0, 1.0]),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("native", [n for n in MAPS if n.line in HARD], ids=native_id)
def test_at_zeros_and_ties_a_native_is_its_reading_and_no_other(native, mode):
    """Each axis that the claim speaks of is settled here: changing its option is refuted on one of the points."""
    formula = line(native.line)
    claimed = formula.reading("printed", **native.claim)
    axis = "zero" if native.line == "scalar.prod" else "ties"
    points = [np.array(x) for x in HARD[native.line] if len(x) == native.sizes.get("n", len(x))]
    xp, z_bar = flushing("float64"), np.array(1.7)
    survivors = set(formula.axis(axis).names)
    for x in points:
        pulled = ADAPTER.pull_back(FUNCTIONS[native_id(native)], {"x": x}, ("x",), z_bar, mode)
        for option in tuple(survivors):
            bars = formula.vjp_in(xp, xp.asarray(z_bar), {"x": xp.asarray(x)}, claimed.but(**{axis: option}))
            if not bars["x"].contains(pulled.cotangents["x"]).all():
                survivors.discard(option)
    assert survivors == {claimed[axis]}


@pytest.mark.parametrize("native", [n for n in MAPS if n.line in ("scalar.max", "scalar.min")], ids=native_id)
def test_a_nan_among_the_inputs_propagates_or_is_ignored_as_claimed(native):
    ignores = native.claim.get("nan") == "ignore"
    for x in ([np.nan, 1.0], [1.0, np.nan]):
        value = ADAPTER.pull_back(FUNCTIONS[native_id(native)], {"x": np.array(x)}, ("x",), np.array(1.0), "jit").value
        assert np.isnan(value) != ignores


def test_the_maximum_of_a_relu_splits_the_flow_at_the_kink_and_relu_does_not():
    kinks = {native.name: native for native in MAPS if native.line == "mlp.A"}
    for name, slope in (("nn", 0.0), ("jnp.maximum", 0.5)):
        function = FUNCTIONS[native_id(kinks[name])]
        Z = np.zeros((1, 1))
        assert ADAPTER.pull_back(function, {"Z": Z, "g": "relu"}, ("Z",), Z + 1, "jit").cotangents["Z"] == slope


@pytest.mark.parametrize("mode", MODES)
def test_the_logit_path_keeps_the_tails_that_the_quotients_lose(mode):
    formula = line("logistic.grad_z")
    z, y = np.array([40.0, -40.0, 700.0]), np.array([1.0, 0.0, 1.0])
    for native in (n for n in MAPS if n.line == "logistic.grad_z"):
        pulled = ADAPTER.pull_back(FUNCTIONS[native_id(native)], {"z": z, "y": y}, ("z",), np.ones(3), mode)
        reading = formula.reading("printed", **native.claim)
        assert_fits(formula, reading, pulled, {"z": z, "y": y}, np.ones(3), "float64")
        assert (pulled.cotangents["z"] != 0).all()


# --- the derived route ----------------------------------------------------------------------------------------------

DERIVED = ("scalar.sum", "scalar.prod", "scalar.max", "scalar.sigmoid")


def printed_line(formula):
    reading = formula.printed
    return lambda **inputs: formula.value_in(ADAPTER.namespace, inputs, reading)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", DERIVED)
def test_reverse_and_forward_mode_of_a_printed_line_fit_the_reference(name, mode):
    formula, function = line(name), printed_line(line(name))
    rng = np.random.default_rng(11)
    for dtype in ("float64", "bfloat16"):
        inputs, z_bar = drawn(formula, SIZES, dtype, rng)
        pulled = ADAPTER.pull_back(function, inputs, ("x",), z_bar, mode)
        assert pulled.value.dtype == pulled.cotangents["x"].dtype == DTYPES[dtype]
        assert_fits(formula, formula.standard, pulled, inputs, z_bar, dtype)
        tangents = {"x": rng.normal(size=3).astype(DTYPES[dtype])}
        pushed = ADAPTER.push_forward(function, inputs, tangents, mode)
        assert pushed.value.dtype == pushed.tangent.dtype == DTYPES[dtype]
        xp = flushing(dtype)
        ones = xp.ones_like(xp.asarray(pushed.value))
        slopes = formula.vjp_in(xp, ones, {"x": xp.asarray(inputs["x"])}, formula.standard)["x"]
        products = slopes * xp.asarray(tangents["x"])
        assert_encloses(xp.sum(products) if pushed.value.ndim == 0 else products, pushed.tangent, "tangent")


def test_an_input_that_is_not_differentiated_gets_no_cotangent():
    inputs = {"x": np.arange(2.0), "y": np.arange(2.0)}
    pulled = ADAPTER.pull_back(lambda x, y: x * y, inputs, ("y",), np.ones(2), "jit")
    assert list(pulled.cotangents) == ["y"]
    np.testing.assert_array_equal(pulled.cotangents["y"], inputs["x"])


def test_subnormal_numbers_are_flushed_in_sums_and_kept_in_float16():
    """Why the budget of JAX on a CPU has the smallest normal number for its η."""
    for dtype in DTYPES:
        tiny = np.array([precision(dtype).smallest_subnormal] * 2).astype(DTYPES[dtype])
        for mode in MODES:
            value = ADAPTER.pull_back(FUNCTIONS["jnp.sum-scalar.sum"], {"x": tiny}, ("x",), tiny[0], mode).value
            assert (value != 0) == (dtype == "float16")


# --- optimizers -----------------------------------------------------------------------------------------------------


def a_trace(formula: Optimizer, rng: np.random.Generator, dtype: str, size: int = TRACE_SIZE, steps: int = STEPS) -> Trace:
    """Rates that change from step to step, and one coordinate whose gradient is always zero."""
    hyper = {h.name: h.default for h in formula.hyperparameters}
    # as unlike the defaults as keeps every effect in sight: a large ε, quick averages, a start away from zero
    hyper |= {k: v for k, v in {"eps": 1e-3, "beta2": 0.75, "initial_scale": 1.5, "momentum": 0.6}.items() if k in hyper}
    gradients = rng.normal(size=(steps, size))
    gradients[:, 0] = 0.0
    rates = tuple(rng.uniform(0.05, 0.5, steps).tolist())
    return Trace(rng.normal(size=size).astype(DTYPES[dtype]), gradients.astype(DTYPES[dtype]), rates, hyper)


def enclosures_of(formula: Optimizer, trace: Trace, reading, dtype: str):
    xp = flushing(dtype)
    hyper = {name: xp.asarray(value) for name, value in trace.hyper.items()}
    gradients = [xp.asarray(row) for row in trace.gradients]
    rates = [xp.asarray(rate) for rate in trace.rates]
    return formula.trace_in(xp, xp.asarray(trace.weights), gradients, rates, hyper, reading)[0]


def holds(formula: Optimizer, trace: Trace, reading, weights, dtype: str = "float64") -> bool:
    return _contain(enclosures_of(formula, trace, reading, dtype), weights)


def _contain(enclosed, weights) -> bool:
    return all(enclosure.contains(row).all() for enclosure, row in zip(enclosed, weights, strict=True))


@pytest.mark.parametrize("native", OPTIMIZERS, ids=native_id)
def test_a_native_optimizer_is_the_reading_it_claims_and_no_neighbour(native):
    formula = line(native.line)
    trace = a_trace(formula, np.random.default_rng(7), "float64", steps=10)  # from the eighth on RAdam's step is rectified
    claimed = formula.reading("printed", **native.claim)
    neighbours = [claimed.but(**{a.name: option}) for a in formula.axes for option in a.names if option != claimed[a.name]]
    enclosed = {r: enclosures_of(formula, trace, r, "float64") for r in (claimed, *neighbours)}
    parted = [n for n in neighbours if _part(enclosed[claimed], enclosed[n])]
    # those that are other functions: where a buffer starts, say, makes no difference where it is a sum
    others = [n for n in neighbours if formula.simplest(n) != formula.simplest(claimed)]
    assert _axes_of(claimed, parted) == _axes_of(claimed, others)
    for mode in ADAPTER.optimizer_modes:
        weights = ADAPTER.optimize(native, trace, mode)
        assert _contain(enclosed[claimed], weights), mode
        assert not [str(n) for n in parted if _contain(enclosed[n], weights)], mode


def _axes_of(claimed, neighbours) -> set[str]:
    return {axis for neighbour in neighbours for axis in claimed.difference(neighbour)}


def _part(a, b) -> bool:
    """Whether the enclosures of two readings of a trace are disjoint somewhere."""
    return any(mine.separate_from(other).any() for mine, other in zip(a, b, strict=True))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("name", ["optax.sgd.momentum", "optax.rmsprop", "optax.adam", "optax.amsgrad", "optax.adagrad"])
def test_a_narrow_dtype_stays_narrow_and_fits_its_reading(name, dtype):
    native = next(n for n in OPTIMIZERS if n.name == name)
    formula = line(native.line)
    trace = a_trace(formula, np.random.default_rng(8), dtype)
    weights = ADAPTER.optimize(native, trace, "eager")
    assert weights.dtype == DTYPES[dtype]
    assert holds(formula, trace, formula.reading("printed", **native.claim), weights, dtype)


def test_example_adam_never_moves_bfloat16_weights_at_the_default_beta2():
    formula = line("optimizer.adam")
    native = next(n for n in OPTIMIZERS if n.name == "example_libraries.adam")
    trace = a_trace(formula, np.random.default_rng(9), "bfloat16")
    trace = Trace(trace.weights, trace.gradients, trace.rates, {**trace.hyper, "beta2": 0.999})
    weights = ADAPTER.optimize(native, trace, "eager")
    np.testing.assert_array_equal(weights[:, 1:], np.broadcast_to(trace.weights[1:], (STEPS, TRACE_SIZE - 1)))


@pytest.mark.parametrize("mode", ADAPTER.optimizer_modes)
def test_one_weight_alone_is_optimized_too(mode):
    formula, native = line("optimizer.sgd"), next(n for n in OPTIMIZERS if n.name == "optax.sgd")
    gradients = np.array([[1.0], [2.0]])
    trace = Trace(np.ones(1), gradients, (0.5, 0.25), {})
    weights = ADAPTER.optimize(native, trace, mode)
    assert weights.shape == (2, 1) and holds(formula, trace, formula.printed, weights)


@pytest.mark.parametrize("mode", ADAPTER.optimizer_modes)
@pytest.mark.parametrize("formula", OPTIMIZER_LINES, ids=lambda f: f.id)
def test_a_printed_update_run_by_jax_fits_the_print(formula, mode):
    def printed_update(xp, w, gradients, rates, hyper):
        return formula.trace_in(xp, w, gradients, rates, hyper, formula.printed)[0]

    for dtype in ("float64", "bfloat16") if mode == "eager" else ("float64",):
        trace = a_trace(formula, np.random.default_rng(13), dtype)
        weights = ADAPTER.run_update(printed_update, trace, mode)
        assert weights.dtype == DTYPES[dtype]
        assert holds(formula, trace, formula.printed, weights, dtype)


# --- what is installed ----------------------------------------------------------------------------------------------


def test_nothing_that_a_native_names_is_missing():
    assert {native.name: ADAPTER.missing(native) for native in ADAPTER.natives if ADAPTER.missing(native)} == {}


def test_without_optax_its_natives_are_missing_and_no_others(monkeypatch):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "optax" else find(name, *rest))
    assert ADAPTER.installed() and set(ADAPTER.versions()) == {"jax", "jaxlib"}
    for native in ADAPTER.natives:
        assert ADAPTER.missing(native) == ("optax" if "optax." in native.expression else "")


def test_names_within_the_catalogue_are_unique():
    assert len({(native.line, native.name) for native in ADAPTER.natives}) == len(ADAPTER.natives)


# --- compilations ---------------------------------------------------------------------------------------------------


def compiled(action) -> int:
    with ADAPTER.compilations() as seconds:
        action()
    return len(seconds)


def test_a_function_is_compiled_once_for_each_shape_and_dtype():
    def cube(x):
        return x * x * x

    def ask(n, dtype):
        x = np.ones(n, dtype)
        return ADAPTER.pull_back(cube, {"x": x}, ("x",), x, "jit")

    assert compiled(lambda: ask(11, "float32")) == 1
    assert compiled(lambda: [ask(11, "float32") for _ in range(5)]) == 0
    assert compiled(lambda: ask(11, "float64")) == 1
    assert compiled(lambda: ask(12, "float32")) == 1


def test_other_rates_gradients_and_lengths_of_a_trace_compile_nothing_new():
    formula = line("optimizer.adam")
    native, rng = next(n for n in OPTIMIZERS if n.name == "optax.adam"), np.random.default_rng(2)
    ADAPTER.optimize(native, a_trace(formula, rng, "float32"), "jit")
    assert compiled(lambda: ADAPTER.optimize(native, a_trace(formula, rng, "float32", steps=9), "jit")) == 0
    other = a_trace(formula, rng, "float32")
    other = Trace(other.weights, other.gradients, other.rates, {**other.hyper, "beta1": 0.8})
    assert compiled(lambda: ADAPTER.optimize(native, other, "jit")) == 1
    ADAPTER.optimize(native, a_trace(formula, rng, "float32"), "eager")
    assert compiled(lambda: ADAPTER.optimize(native, other, "eager")) == 0


def test_a_printed_update_is_compiled_once_whatever_its_rates_and_hyperparameters():
    formula, rng = line("optimizer.momentum"), np.random.default_rng(4)

    def update(xp, w, gradients, rates, hyper):
        return formula.trace_in(xp, w, gradients, rates, hyper, formula.printed)[0]

    first, second = (a_trace(formula, rng, "float32") for _ in range(2))
    second = Trace(second.weights, second.gradients, second.rates, {**second.hyper, "beta": 0.3})
    assert compiled(lambda: ADAPTER.run_update(update, first, "jit")) == 1
    assert compiled(lambda: ADAPTER.run_update(update, second, "jit")) == 0


def test_forget_lets_go_of_the_functions():
    def square(x):
        return x * x

    ADAPTER.pull_back(square, {"x": np.ones(2)}, ("x",), np.ones(2), "jit")
    alive = weakref.ref(square)
    del square
    ADAPTER.forget()
    gc.collect()
    assert alive() is None


def test_a_line_that_is_shown_one_shape_is_told_from_what_would_fit_there_as_well() -> None:
    for cell in cells(["jax"], ["mlp.Z", "mlp2.loss"], ["float64"]):
        if cell.route == "derived":
            finding, formula = examine(cell, profile("quick")), line(cell.line)
            assert len({formula.meaning(formula.reading("printed", **fitting)) for fitting in finding.fits}) == 1, finding.fits


@pytest.mark.parametrize("mode", ADAPTER.map_modes)
@pytest.mark.parametrize("line_id", ["scalar.sum", "scalar.prod", "scalar.max", "mlp2.loss"])
def test_grad_is_the_vjp_of_one_bit_for_bit(line_id: str, mode: str) -> None:
    import jax

    formula = line(line_id)
    cell = next(c for c in cells(["jax"], [line_id], ["float32"]) if c.route == "derived" and c.mode == mode)
    subject = subject_of(cell)
    sample = next(s for s in samples(formula, "float32", profile("quick"), 0) if np.shape(s.cotangent) == () and not s.settings)
    function, one = subject.function(sample), np.ones((), np.float32)
    pulled = ADAPTER.pull_back(function, dict(sample.arrays), subject.wrt, one, mode).cotangents
    differentiated = jax.grad(lambda varied, fixed: function(**varied, **fixed))
    varied = {name: jax.numpy.asarray(sample.arrays[name]) for name in subject.wrt}
    fixed = {name: jax.numpy.asarray(array) for name, array in sample.arrays.items() if name not in subject.wrt}
    bars = (jax.jit(differentiated) if mode == "jit" else differentiated)(varied, fixed)
    assert {name: np.asarray(bar).tobytes() for name, bar in bars.items()} == {n: b.tobytes() for n, b in pulled.items()}


@pytest.mark.parametrize("line_id", ["logistic.loss", "mlp2.loss", "mlp2.grad_Z"])
def test_neither_profile_nor_seed_changes_a_verdict_or_the_readings_that_fit(line_id):
    subjects = [cell for cell in cells(["jax"], [line_id], ["float64"]) if cell.mode == "eager"]
    for cell in subjects:
        found = [examine(cell, profile(name), seed) for name, seed in (("quick", 0), ("quick", 1), ("standard", 0))]
        assert len({(one.verdict, str(one.fits), str(one.reason)) for one in found}) == 1, cell.id
