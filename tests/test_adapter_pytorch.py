"""The PyTorch adapter: bits survive, both modes differentiate as the reference says, optimizers do what is claimed of them."""

from __future__ import annotations

import subprocess
import sys
import zlib
from collections.abc import Mapping

import ml_dtypes
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch")

from gradspec.adapters import load  # noqa: E402 (needs torch)
from gradspec.adapters.contract import NAMES, Native, Trace  # noqa: E402 (needs torch)
from gradspec.adapters.errors import AdapterError, Unsupported  # noqa: E402 (needs torch)
from gradspec.adapters.frameworks.pytorch import ADAPTER, to_numpy, to_torch  # noqa: E402
from gradspec.crosscheck.arithmetic.formats import precision  # noqa: E402
from gradspec.crosscheck.arithmetic.rounding import Enclosure, Rounding  # noqa: E402
from gradspec.crosscheck.arithmetic.tangents import Tangent, Tangents  # noqa: E402
from gradspec.reference.catalogue import catalogue, line  # noqa: E402
from gradspec.reference.formula import Map, Optimizer  # noqa: E402
from gradspec.reference.vocabulary import Scope  # noqa: E402

OPTIMIZERS = [native for native in ADAPTER.natives if native.line.startswith("optimizer.")]
MAPS = [native for native in ADAPTER.natives if native not in OPTIMIZERS]
NOT_FUSED = {"RMSprop", "NAdam", "Adamax", "Adadelta", "RAdam"}  # torch 2.13 has no fused form of these
# a mean's divisor o·n is a power of two, so that it rounds nowhere, at whatever point of an evaluation it is applied
SIZES = {"n": 4, "d": 3, "h": 2, "o": 2, "k": 3, "m": 2}

F64 = precision("float64")
NARROW = {"NAdam": F64.with_scalars_in_float32()}  # torch holds its products of momenta in float32


def _id(native: Native) -> str:
    return f"{native.line}-{native.name}"


def _rng(name: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(name.encode()))


def _numpy_dtype(dtype: str) -> np.dtype:
    return np.dtype(getattr(ml_dtypes, dtype, dtype))


def _inputs(formula: Map, sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
    rng = _rng(formula.id)
    draw = {
        "real": lambda shape: rng.normal(size=shape),
        "small": lambda shape: rng.normal(size=shape),
        "probability": lambda shape: rng.uniform(0.1, 0.9, shape),
        "unit": lambda shape: rng.uniform(0, 1, shape),
    }
    return {name: np.asarray(draw[spec.values](spec.concrete(sizes))) for name, spec in formula.inputs.items()}


def _function(native: Native):
    names, code = ADAPTER.names(), native.code
    return lambda **inputs: eval(code, {**names, **inputs})


def _assert_inside(enclosure: Enclosure, observed: np.ndarray, what: str) -> None:
    assert enclosure.shape == observed.shape, what
    assert enclosure.contains(observed).all(), f"{what}: {observed} outside of {enclosure.value} ± {enclosure.error}"


# --- arrays in and out ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ADAPTER.dtypes)
def test_every_bit_survives_the_way_to_torch_and_back(dtype):
    f = precision(dtype)
    values = [0.0, -0.0, 1.0, -1.5, f.smallest_subnormal, -3 * f.smallest_subnormal, f.smallest_normal, f.max, -f.max]
    array = np.array([*values, np.inf, -np.inf, np.nan]).astype(_numpy_dtype(dtype))
    back = to_numpy(to_torch(array))
    assert str(to_torch(array).dtype) == f"torch.{dtype}"
    assert back.dtype == array.dtype
    assert back.tobytes() == array.tobytes()


@pytest.mark.parametrize("dtype", ADAPTER.dtypes)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 3)])
def test_shapes_survive_the_way_to_torch_and_back(dtype, shape):
    assert to_numpy(to_torch(np.ones(shape, _numpy_dtype(dtype)))).shape == shape


def test_views_and_read_only_arrays_are_copied():
    array = np.arange(6.0).reshape(2, 3)
    array.flags.writeable = False
    for view in (array, array.T, array[::-1, ::2]):
        tensor = to_torch(view)
        assert np.array_equal(to_numpy(tensor), view)
        tensor.zero_()
    assert array.sum() == 15


def test_the_namespace_offers_every_name_of_the_contract():
    assert [name for name in NAMES if not callable(getattr(ADAPTER.namespace, name, None))] == []


def test_the_namespace_compares_with_numbers_without_widening():
    xp, x = ADAPTER.namespace, torch.tensor([-1.0, 2.0], dtype=torch.bfloat16)
    assert torch.equal(xp.maximum(x, 0), xp.maximum(0.0, x))
    assert xp.minimum(xp.asarray(0.5), x).dtype is torch.bfloat16


# --- differentiating ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ADAPTER.map_modes)
@pytest.mark.parametrize("native", MAPS, ids=_id)
def test_a_native_pulls_back_as_its_claim_says(native, mode):
    formula = line(native.line)
    settings = [{name: option} for name, options in formula.settings.items() for option in options] or [{}]
    sizes = {**SIZES, **native.sizes}
    arrays = _inputs(formula, sizes)
    reading, xp = formula.reading("printed", **native.claim), Rounding(F64)
    lifted = {name: xp.asarray(array) for name, array in arrays.items()}
    for setting in settings:
        value = formula.value_in(xp, {**lifted, **setting}, reading)
        cotangent = np.asarray(_rng(native.name).normal(size=value.shape))
        bars = formula.vjp_in(xp, xp.asarray(cotangent), {**lifted, **setting}, reading)
        pulled = ADAPTER.pull_back(_function(native), {**arrays, **setting}, formula.wrt, cotangent, mode)
        _assert_inside(value, pulled.value, "value")
        for name in formula.wrt:
            _assert_inside(bars[name], pulled.cotangents[name], f"{name}_bar")


DERIVED = [
    formula.id
    for formula in catalogue().values()
    if isinstance(formula, Map) and not formula.settings and formula.id != "mlp.Z"  # not conformable as printed
]


@pytest.mark.parametrize("mode", ADAPTER.map_modes)
@pytest.mark.parametrize("name", DERIVED)
def test_a_printed_forward_line_is_differentiated_both_ways(name, mode):
    formula, xp = line(name), Rounding(F64)
    arrays = _inputs(formula, SIZES)
    # what automatic differentiation of the printed 1/(1+e⁻ˣ) evaluates
    reading = formula.standard.but(slope="chain", path="chain")
    lifted = {key: xp.asarray(array) for key, array in arrays.items()}

    def forward(**inputs):
        return formula.value_in(ADAPTER.namespace, inputs, reading)

    value = formula.value_in(xp, lifted, reading)
    cotangent = np.asarray(_rng(name).normal(size=value.shape))
    pulled = ADAPTER.pull_back(forward, arrays, formula.wrt, cotangent, mode)
    bars = formula.vjp_in(xp, xp.asarray(cotangent), lifted, reading)
    _assert_inside(value, pulled.value, "value")
    for key in formula.wrt:
        _assert_inside(bars[key], pulled.cotangents[key], f"{key}_bar")

    tangents = {key: np.asarray(_rng(key).normal(size=arrays[key].shape)) for key in formula.wrt}
    pushed = ADAPTER.push_forward(forward, arrays, tangents, mode)
    duals = {key: Tangent(lifted[key], xp.asarray(tangents.get(key, np.zeros_like(arrays[key])))) for key in arrays}
    expected = formula.value_in(Tangents(xp), duals, reading)
    _assert_inside(expected.primal, pushed.value, "value")
    _assert_inside(expected.tangent, pushed.tangent, "tangent")


@pytest.mark.parametrize("mode", ADAPTER.map_modes)
def test_what_a_function_does_not_use_gets_zeros(mode):
    inputs = {"x": np.ones(2), "y": np.ones(3), "g": "relu"}
    pulled = ADAPTER.pull_back(lambda x, y, g: 2 * x, inputs, ("x", "y"), np.array([1.0, 3.0]), mode)
    assert pulled.cotangents["x"].tolist() == [2, 6]
    assert pulled.cotangents["y"].tolist() == [0, 0, 0]
    constant = ADAPTER.pull_back(lambda x, y, g: torch.ones(2), inputs, ("x",), np.ones(2, np.float32), mode)
    assert constant.cotangents["x"].tolist() == [0, 0]
    pushed = ADAPTER.push_forward(lambda x, y, g: 2 * x, inputs, {"y": np.ones(3)}, mode)
    assert pushed.tangent.tolist() == [0, 0]


@pytest.mark.parametrize("mode", ADAPTER.map_modes)
@pytest.mark.parametrize("dtype", ADAPTER.dtypes)
def test_the_dtype_is_kept_and_inputs_are_not_changed(dtype, mode):
    x = np.array([0.5, -2.0]).astype(_numpy_dtype(dtype))
    before = x.tobytes()
    pulled = ADAPTER.pull_back(torch.sigmoid, {"x": x}, ("x",), x, mode)
    pushed = ADAPTER.push_forward(lambda x: x, {"x": x}, {"x": x}, mode)
    assert {pulled.value.dtype, pulled.cotangents["x"].dtype, pushed.value.dtype, pushed.tangent.dtype} == {x.dtype}
    assert x.tobytes() == before


@pytest.mark.parametrize("mode", ADAPTER.map_modes)
def test_gradients_are_had_inside_no_grad_too(mode):
    with torch.no_grad():
        pulled = ADAPTER.pull_back(lambda x: x * x, {"x": np.array([3.0])}, ("x",), np.array([1.0]), mode)
    assert pulled.cotangents["x"].tolist() == [6]


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ('modes=("eagr",)', "no mode 'eagr'. Did you mean eager"),
        ('dtypes=("float23",)', "no dtype 'float23'. Did you mean float32"),
    ],
)
def test_a_native_in_a_mode_or_a_dtype_that_there_is_not_is_refused(limits, words, tmp_path):
    (tmp_path / "wrong.py").write_text(
        "from gradspec.adapters import Native\nfrom gradspec.adapters.frameworks.pytorch import PyTorch\n"
        f"class Wrong(PyTorch):\n    natives = (Native('scalar.sum', 'sum', 'torch.sum(x)', {limits}),)\nADAPTER = Wrong()\n"
    )
    with pytest.raises(AdapterError, match=words):
        load(str(tmp_path / "wrong.py"))


# --- optimizers -----------------------------------------------------------------------------------------------------

HYPER = {
    "beta": 0.9,
    "dampening": 0.3,
    "eps": 1e-4,
    "momentum": 0.8,
    "beta1": 0.9,
    "beta2": 0.99,
    "weight_decay": 0.1,
    "momentum_decay": 0.004,
    "initial_scale": 0.25,
    "rate_decay": 0.3,
    "rho": 0.9,
}


def _trace(hyper: Mapping[str, float], d: int = 21, steps: int = 6) -> Trace:
    """Changing rates, and a step at which every gradient is zero."""
    rng = _rng(f"{d}")
    gradients = rng.normal(size=(steps, d)) * 10.0 ** rng.integers(-3, 2, (steps, d))
    gradients[2] = 0
    rates = tuple(0.1 / (1 + t) for t in range(steps))
    return Trace(rng.normal(size=d), gradients, rates, hyper)


def _kind(native: Native) -> str:
    return native.name.split(".")[1]


def _enclosures(formula: Optimizer, claim: Mapping[str, str], trace: Trace, kind: str = "") -> list[Enclosure]:
    xp = Rounding(NARROW.get(kind, F64))
    weights, _ = formula.trace_in(
        xp,
        xp.asarray(trace.weights),
        [xp.asarray(g) for g in trace.gradients],
        [xp.asarray(rate) for rate in trace.rates],
        {name: xp.asarray(value) for name, value in trace.hyper.items()},
        formula.reading("printed", **claim),
    )
    return weights


def _taken(native: Native) -> dict[str, float]:
    return {name: HYPER[name] for name in native.takes}


@pytest.mark.parametrize("d", [1, 21])
@pytest.mark.parametrize("native", OPTIMIZERS, ids=_id)
def test_an_optimizer_steps_as_its_claim_says(native, d):
    trace = _trace(_taken(native), d)
    if native.name.endswith(".fused") and _kind(native) in NOT_FUSED:
        with pytest.raises(Unsupported, match="unexpected keyword argument 'fused'"):
            ADAPTER.optimize(native, trace, "eager")
        return
    stepped = ADAPTER.optimize(native, trace, "eager")
    assert stepped.shape == (trace.steps, d)
    for t, enclosure in enumerate(_enclosures(line(native.line), native.claim, trace, _kind(native)), start=1):
        _assert_inside(enclosure, stepped[t - 1], f"{native.name}, step {t}")


CLAIMED = [
    pytest.param(native, axis, id=f"{native.name}-{axis}")
    for native in OPTIMIZERS
    if not native.name.endswith((".foreach", ".fused"))
    for axis, option in native.claim.items()
    if option != line(native.line).axis(axis).printed
]


@pytest.mark.parametrize(("native", "axis"), CLAIMED)
def test_the_trace_refutes_the_claim_with_one_axis_put_back_to_the_print(native, axis):
    formula, trace = line(native.line), _trace(_taken(native))
    stepped = ADAPTER.optimize(native, trace, "eager")
    enclosures = _enclosures(formula, {**native.claim, axis: formula.printed[axis]}, trace, _kind(native))
    assert not all(e.contains(row).all() for e, row in zip(enclosures, stepped, strict=True))


PRINTED_UPDATES = [
    formula.id
    for formula in catalogue(beyond=True).values()
    if isinstance(formula, Optimizer) and formula.scope is not Scope.MATRIX
]


@pytest.mark.parametrize("name", PRINTED_UPDATES)
def test_a_printed_update_runs_over_tensors(name):
    formula = line(name)
    trace = _trace({h.name: HYPER[h.name] for h in formula.hyperparameters if h.name in HYPER})

    def update(xp, w, gradients, rates, hyper):
        assert all(isinstance(scalar, float) for scalar in (*rates, *hyper.values()))
        return formula.trace_in(xp, w, gradients, rates, hyper, formula.standard)[0]

    stepped = ADAPTER.run_update(update, trace, "eager")
    for t, enclosure in enumerate(_enclosures(formula, dict(formula.standard.choices), trace), start=1):
        _assert_inside(enclosure, stepped[t - 1], f"step {t}")


@pytest.mark.parametrize(("form", "weight"), [("", -(2.0**-16)), (".fused", -(2.0**-16)), (".foreach", 0.0)])
def test_a_step_of_adagrad_in_float16_is_lost_where_the_rate_comes_before_the_root(form, weight):
    native = next(n for n in OPTIMIZERS if n.name == f"optim.Adagrad{form}")
    gradient = np.full((1, 1), 2.0**-10, np.float16)  # the rate times it is below half of the smallest subnormal number
    trace = Trace(np.zeros(1, np.float16), gradient, (2.0**-16,), {"eps": 0.0})
    assert ADAPTER.optimize(native, trace, "eager").item() == weight


def test_an_optimizer_leaves_the_trace_as_it_was():
    native = next(n for n in OPTIMIZERS if n.name == "optim.AdamW")
    trace = _trace(_taken(native))
    before = trace.weights.tobytes() + trace.gradients.tobytes()
    ADAPTER.optimize(native, trace, "eager")
    assert trace.weights.tobytes() + trace.gradients.tobytes() == before


# --- manners --------------------------------------------------------------------------------------------------------


def test_importing_the_adapter_does_not_import_torch():
    loaded = "'torch' in sys.modules or 'ml_dtypes' in sys.modules"
    program = f"import sys, gradspec.adapters.frameworks.pytorch; sys.exit({loaded})"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_every_expression_names_what_this_torch_has():
    assert [native.name for native in ADAPTER.natives if ADAPTER.missing(native)] == []


def test_every_native_has_a_source_and_every_restriction_a_reason():
    assert [n.name for n in ADAPTER.natives if not n.source.startswith("https://")] == []
    assert [n.name for n in ADAPTER.natives if (n.dtypes or n.sizes or n.modes) and not n.limits] == []


def _global_state() -> tuple:
    tiny = torch.tensor([5e-324], dtype=torch.float64)
    return (
        torch.get_default_dtype(),
        torch.get_num_threads(),
        torch.is_grad_enabled(),
        torch.are_deterministic_algorithms_enabled(),
        float(tiny * 1.0),  # 0 where subnormals are flushed
        torch.random.get_rng_state().numpy().tobytes(),
    )


def test_the_global_state_is_untouched():
    before = _global_state()
    linear = next(n for n in MAPS if n.name == "Linear")
    arrays = {"W": np.ones((2, 3)), "A_prev": np.ones((3, 4)), "b": np.ones((2, 1))}
    for mode in ADAPTER.map_modes:
        ADAPTER.pull_back(_function(linear), arrays, ("W", "b"), np.ones((2, 4)), mode)
        ADAPTER.push_forward(_function(linear), arrays, {"W": arrays["W"]}, mode)
    for native in OPTIMIZERS:
        if not native.name.endswith(".fused"):
            ADAPTER.optimize(native, _trace(_taken(native)), "eager")
    assert _global_state() == before
