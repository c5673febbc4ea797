"""torch optimizers as boxes, and readings as torch optimizers."""

from __future__ import annotations

import copy
import functools
import inspect
import io
import pickle
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch")

from gradspec.adapters import BoxError, Run, Unsupported, load  # noqa: E402 (needs torch)
from gradspec.adapters.contract import Trace  # noqa: E402
from gradspec.adapters.frameworks.pytorch import ADAPTER, to_numpy, to_torch  # noqa: E402
from gradspec.crosscheck.arithmetic.formats import precision  # noqa: E402
from gradspec.crosscheck.findings import Label, NoValue  # noqa: E402
from gradspec.crosscheck.inputs.samples import TraceSample  # noqa: E402
from gradspec.crosscheck.inputs.traces import Schedule, make_trace  # noqa: E402
from gradspec.crosscheck.readings.compare import allowed  # noqa: E402
from gradspec.reference.arguments import ArgumentError  # noqa: E402
from gradspec.reference.catalogue import catalogue, line  # noqa: E402
from gradspec.reference.formula import Optimizer  # noqa: E402
from gradspec.reference.vocabulary import Reading  # noqa: E402

SHAPES = ((3,), (2, 2))
RATES = (0.1, 0.1, 0.025, 0.05)


def _arrays(purpose: str, dtype: str = "float64") -> list[np.ndarray]:
    rng = np.random.default_rng(zlib.crc32(purpose.encode()))
    return [rng.normal(size=shape).astype(precision(dtype).numpy) for shape in SHAPES]


def _box(target: Any, **given: Any):
    box = ADAPTER.box(target, getattr(target, "__name__", "made"), given)
    assert box is not None
    return box


def _bits(run: Run) -> list[bytes]:
    return [array.tobytes() for array in run.weights()]


def _drive(run: Run, first: int = 0, last: int = len(RATES), dtype: str = "float64") -> list[bytes]:
    for t in range(first, last):
        run.step(_arrays(f"gradients {t}", dtype), RATES[t])
    return _bits(run)


# --- what a box says of itself --------------------------------------------------------------------------------------

MOMENTS = {"betas[0]": 0.9, "betas[1]": 0.999, "eps": 1e-8}
DEFAULTS = {
    "SGD": (1e-3, {"momentum": 0, "dampening": 0, "weight_decay": 0}),
    "Adam": (1e-3, {**MOMENTS, "weight_decay": 0}),
    "RMSprop": (1e-2, {"alpha": 0.99, "eps": 1e-8, "weight_decay": 0, "momentum": 0}),
    "Adagrad": (1e-2, {"lr_decay": 0, "weight_decay": 0, "initial_accumulator_value": 0, "eps": 1e-10}),
    "AdamW": (1e-3, {**MOMENTS, "weight_decay": 1e-2}),
    "NAdam": (2e-3, {**MOMENTS, "weight_decay": 0, "momentum_decay": 4e-3}),
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_a_box_lists_the_numbers_that_its_class_takes(name: str) -> None:
    box = _box(getattr(torch.optim, name))
    assert (box.rate, box.arguments) == DEFAULTS[name]
    assert (box.required, box.flags, box.framework) == ((), {}, "pytorch")
    assert box.versions == {"torch": torch.__version__}


def test_what_was_given_stands_in_place_of_the_defaults() -> None:
    box = _box(torch.optim.Adam, lr=0.5, betas=(0.5, 0.75), amsgrad=True, foreach=None)
    assert (box.rate, box.arguments["betas[0]"], box.arguments["betas[1]"]) == (0.5, 0.5, 0.75)
    assert box.flags == {"amsgrad": True, "foreach": None}
    assert _box(torch.optim.Adam, **{"betas[1]": 0.5}).arguments["betas[1]"] == 0.5


class Renamed(torch.optim.SGD):
    """Hands on what it does not name."""

    def __init__(self, params, learning_rate, keep=0.5, **rest):
        super().__init__(params, learning_rate, momentum=keep, **rest)


def test_arguments_that_a_class_hands_on_are_those_of_the_class_above() -> None:
    box = _box(Renamed, weight_decay=0.25)
    assert box.arguments["weight_decay"] == 0.25
    assert (box.rate, box.arguments["keep"]) == (None, 0.5)


def test_a_required_argument_is_listed_and_must_be_there_at_the_start() -> None:
    class Needy(torch.optim.SGD):
        def __init__(self, params, lr, keep):
            super().__init__(params, lr, momentum=keep)

    box = _box(Needy)
    assert (box.required, box.rate) == (("keep",), None)
    with pytest.raises(BoxError, match=r"needs keep: say keep=… with it"):
        box.start(_arrays("w"), 0.1, {})
    assert _drive(box.start(_arrays("w"), 0.1, {"keep": 0.5})) == _drive(
        _box(torch.optim.SGD, momentum=0.5).start(_arrays("w"), 0.1, {})
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"beta": 0.9}, "Adam has no argument 'beta'. Did you mean betas?"),
        ({"learning_rate": 0.1}, "Did you mean lr?"),
        ({"betas": 0.9}, r"betas=0.9: expected 2 numbers, such as betas=\(0.9, 0.999\)"),
        ({"betas[2]": 0.9}, r"betas\[2\]=0.9: there is no such element"),
        ({"amsgrad": 1}, "amsgrad=1: expected True or False"),
        ({"eps": "tiny"}, "eps='tiny': expected a number"),
        ({"eps": True}, "eps=True: expected a number"),
        ({"eps": -1.0}, "Adam: Invalid epsilon value: -1.0"),
        ({"fused": True, "foreach": True}, "`fused` and `foreach` cannot be `True` together"),
    ],
)
def test_arguments_that_do_not_fit_are_named(given: Mapping[str, Any], words: str) -> None:
    with pytest.raises(BoxError, match=words):
        _box(torch.optim.Adam, **given)


def test_an_optimizer_that_has_been_made_is_no_box_but_its_class_is() -> None:
    made = torch.optim.SGD([torch.zeros(1)], 0.1)
    with pytest.raises(BoxError, match="give SGD with its arguments, or lambda params: SGD"):
        ADAPTER.box(made, "made", {})


@pytest.mark.parametrize("target", [np.sin, "torch.optim.SGD", lambda weights: None, torch.nn.Linear, 3])
def test_what_makes_no_torch_optimizer_is_left_to_others(target: Any) -> None:
    assert ADAPTER.box(target, "target", {}) is None


# --- factories ------------------------------------------------------------------------------------------------------

FACTORIES = {
    "lambda": lambda params, lr=0.1: torch.optim.SGD(params, lr, momentum=0.75),
    "partial": functools.partial(torch.optim.SGD, momentum=0.75),
    "no rate": lambda params: torch.optim.SGD(params, 0.1, momentum=0.75),
}


@pytest.mark.parametrize("name", FACTORIES)
def test_a_factory_is_a_box_of_what_it_makes(name: str) -> None:
    box = _box(FACTORIES[name])
    assert (box.arguments["momentum"], box.rate_changes) == (0.75, True)
    assert box.rate == {"partial": 1e-3}.get(name, 0.1)
    assert _drive(box.start(_arrays("w"), 0.1, {})) == _drive(_box(torch.optim.SGD, momentum=0.75).start(_arrays("w"), 0.1, {}))


@pytest.mark.parametrize("name", FACTORIES)
def test_what_a_factory_settles_is_changed_in_the_groups(name: str) -> None:
    run = _box(FACTORIES[name]).start(_arrays("w"), 0.1, {"momentum": 0.5})
    assert _drive(run) == _drive(_box(torch.optim.SGD).start(_arrays("w"), 0.1, {"momentum": 0.5}))


def test_what_a_factory_passes_on_under_another_name_is_listed_once() -> None:
    box = _box(lambda params, lr=0.1, keep=0.5: torch.optim.Adam(params, lr, betas=(keep, 0.75)))
    assert box.arguments == {"keep": 0.5, "betas[1]": 0.75, "eps": 1e-8, "weight_decay": 0}
    run = box.start(_arrays("w"), 0.1, {"keep": 0.25, "betas[1]": 0.5})
    assert _drive(run) == _drive(_box(torch.optim.Adam, betas=(0.25, 0.5)).start(_arrays("w"), 0.1, {}))


def test_what_is_used_up_at_the_start_cannot_be_changed_in_the_groups() -> None:
    box = _box(lambda params: torch.optim.Adagrad(params, 0.1, initial_accumulator_value=0.5))
    with pytest.raises(BoxError, match="uses initial_accumulator_value when it is made"):
        box.start(_arrays("w"), 0.1, {"initial_accumulator_value": 0.25})


def test_what_makes_something_else_is_left_to_others_whatever_its_argument_is_called() -> None:
    assert ADAPTER.box(lambda params: [*params], "made", {}) is None
    assert ADAPTER.box(lambda params, x, b: x + b, "made", {}) is None
    made = _box(lambda params, keep: torch.optim.SGD(params, 0.1, momentum=keep) if keep >= 0.5 else [*params])
    with pytest.raises(BoxError, match=r"gave list, not a torch\.optim\.Optimizer"):
        made.start(_arrays("w"), 0.1, {"keep": 0.25})


class Wrapped(torch.optim.Optimizer):
    """Hands on what it does not know as a key of its groups, as libraries do."""

    def __init__(self, params, lr=0.1, betas=(0.5, 0.75, 0.875), **rest):
        super().__init__(params, {"lr": lr, "betas": betas, **rest})


class Layered(Wrapped):
    def __init__(self, params, lr=0.1, **rest):
        super().__init__(params, lr, **rest)


def test_classes_whose_keywords_reach_the_optimizer_itself_are_boxes() -> None:
    assert _box(Wrapped).required == _box(Layered).required == ()
    assert _box(Wrapped).arguments == _box(Layered).arguments == {"betas[0]": 0.5, "betas[1]": 0.75, "betas[2]": 0.875}


def test_a_tuple_of_another_length_is_the_boxs_own_to_judge() -> None:
    assert _box(Wrapped, betas=(0.5, 0.25)).arguments == {"betas[0]": 0.5, "betas[1]": 0.25}
    with pytest.raises(BoxError, match="Adam raised IndexError: tuple index out of range"):
        _box(torch.optim.Adam, betas=(0.5,))


class CountsInGroups(torch.optim.Optimizer):
    """Divides by the number of steps that a group has taken, as libraries that keep their counter in the group."""

    def __init__(self, params, lr=0.1):
        super().__init__(params, {"lr": lr, "step": 0})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            group["step"] += 1
            for p in group["params"]:
                p.sub_(group["lr"] / group["step"] * p.grad)


def test_a_group_that_came_late_keeps_its_own_counter_when_it_is_restored() -> None:
    run = _box(CountsInGroups).start(_arrays("w")[:1], 0.1, {})
    run.step(_arrays("g")[:1], 0.1)
    run.add(_arrays("w")[1])
    run.step(_arrays("g"), 0.1)
    anew = _box(CountsInGroups).start(run.weights(), 0.1, {})
    anew.restore(run.save())
    for one in (run, anew):
        one.step(_arrays("g"), 0.1)
    assert _bits(run) == _bits(anew)


class Sharp(torch.optim.SGD):
    """Takes no step without a closure, which its signature does not say."""

    def step(self, closure=None):
        assert closure is not None, "Sharp needs a closure"
        with torch.enable_grad():
            closure()
        super().step()


def test_an_optimizer_that_wants_a_closure_gets_one_with_the_same_gradients() -> None:
    assert _drive(_box(Sharp).start(_arrays("w"), 0.1, {})) == _drive(_box(torch.optim.SGD).start(_arrays("w"), 0.1, {}))
    run = _box(torch.optim.LBFGS).start(_arrays("w"), 0.1, {})
    before = _bits(run)
    run.step(_arrays("g"), 0.1)
    assert _bits(run) != before


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_a_rate_that_is_a_tensor_stays_one_of_its_format(kind: Any) -> None:
    met = []

    class Seen(torch.optim.SGD):
        def step(self, closure=None):
            met.append(self.param_groups[0]["lr"].clone())
            super().step(closure)

    rate = torch.tensor(0.25, dtype=kind)
    boxes = [_box(Seen, lr=rate), _box(lambda params, lr=rate: Seen(params, lr=lr)), _box(lambda params: Seen(params, lr=rate))]
    for box in boxes:
        assert box.rate == 0.25 and box.rate_changes
        met.clear()
        run = box.start(_arrays("w"), 0.1, {})
        for step in (0.1, 0.2):
            run.step(_arrays("g"), step)
        assert [one.item() for one in met] == [torch.tensor(step, dtype=kind).item() for step in (0.1, 0.2)]
        assert rate.item() == 0.25


@pytest.mark.parametrize("rate", [-1.0, 0, float("nan"), float("inf")])
def test_a_rate_that_cannot_be_stepped_with_is_refused(rate: float) -> None:
    with pytest.raises(BoxError, match=r"lr=.* is no rate to step with: give a finite number above 0, such as lr=0\.001"):
        _box(torch.optim.SGD, lr=rate)


def test_the_rate_of_a_box_that_keeps_it_to_itself_does_not_change() -> None:
    class Own(torch.optim.Optimizer):
        def __init__(self, params, speed=0.5):
            super().__init__(params, {"speed": speed})

    box = _box(Own)
    assert (box.rate, box.rate_changes) == (None, False)


# --- stepping -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ADAPTER.dtypes)
@pytest.mark.parametrize("name", DEFAULTS)
def test_a_run_steps_bit_for_bit_as_the_optimizer_in_a_users_hands(name: str, dtype: str) -> None:
    kind = getattr(torch.optim, name)
    run = _box(kind).start(_arrays("w", dtype), 0.1, {"eps": 1e-3} if name != "SGD" else {"momentum": 0.5})
    parameters = [to_torch(array).requires_grad_() for array in _arrays("w", dtype)]
    optimizer = kind(parameters, lr=0.1, **({"eps": 1e-3} if name != "SGD" else {"momentum": 0.5}))
    for t, rate in enumerate(RATES):
        for parameter, gradient in zip(parameters, _arrays(f"gradients {t}", dtype), strict=True):
            parameter.grad = to_torch(gradient)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
    assert _drive(run, dtype=dtype) == [to_numpy(parameter).tobytes() for parameter in parameters]
    assert [array.dtype.name for array in run.weights()] == [dtype, dtype]


def test_the_arrays_handed_in_stay_as_they_were_and_weights_are_copies() -> None:
    weights, gradients = _arrays("w"), _arrays("g")
    run = _box(torch.optim.SGD).start(weights, 0.1, {})
    run.step(gradients, 0.1)
    run.weights()[0][:] = 7
    assert [a.tobytes() for a in weights + gradients] == [a.tobytes() for a in _arrays("w") + _arrays("g")]
    assert not (run.weights()[0] == 7).any()


def test_weights_without_a_gradient_stay_and_their_step_is_not_counted() -> None:
    run = _box(torch.optim.Adam).start(_arrays("w"), 0.1, {})
    run.step([None, _arrays("gradients 0")[1]], 0.1)
    assert _bits(run)[0] == _arrays("w")[0].tobytes()
    run.step([_arrays("g")[0], None], 0.1)
    fresh = _box(torch.optim.Adam).start(_arrays("w"), 0.1, {})
    fresh.step([_arrays("g")[0], None], 0.1)
    assert _bits(run)[0] == _bits(fresh)[0]


@pytest.mark.parametrize("anew", [False, True])
@pytest.mark.parametrize("name", DEFAULTS)
def test_a_saved_state_goes_on_as_if_nothing_had_been(name: str, anew: bool) -> None:
    box = _box(getattr(torch.optim, name))
    run = box.start(_arrays("w", "float32"), 0.1, {})
    _drive(run, 0, 2, "float32")
    saved, weights = run.save(), run.weights()
    through = _drive(run, 2, dtype="float32")
    later = box.start(weights, 0.1, {}) if anew else run
    for _ in range(2):  # twice: what was saved has not moved
        later.restore(saved)
        assert _drive(later, 2, dtype="float32") == through


def test_nadams_product_loses_its_dtype_on_the_way_back() -> None:
    """torch casts loaded state to the parameter's dtype, all but "step"; NAdam's mu_product is float32 until then."""
    box = _box(torch.optim.NAdam)
    run = box.start(_arrays("w"), 0.1, {})
    _drive(run, 0, 2)
    saved = run.save()
    through = _drive(run, 2)
    assert {state["mu_product"].dtype for state in saved["optimizer"]["state"].values()} == {torch.float32}
    run.restore(saved)
    assert _drive(run, 2) != through


def test_weights_added_late_are_stepped_from_then_on() -> None:
    box = _box(torch.optim.Adam)
    run = box.start(_arrays("w")[:1], 0.1, {})
    run.step(_arrays("gradients 0")[:1], 0.1)
    run.add(_arrays("w")[1])
    run.step(_arrays("gradients 1"), 0.1)
    alone = box.start(_arrays("w")[1:], 0.1, {})
    alone.step(_arrays("gradients 1")[1:], 0.1)
    assert _bits(run)[1:] == _bits(alone)
    again = box.start(run.weights(), 0.1, {})
    again.restore(run.save())
    assert _drive(again, 2) == _drive(run, 2)
    with pytest.raises(Unsupported, match="saved with other weight arrays"):
        box.start(_arrays("w")[:1], 0.1, {}).restore(run.save())


class Scaling(torch.optim.SGD):
    """Steps as SGD, and leaves its gradients halved."""

    def step(self, closure=None):
        super().step(closure)
        for group in self.param_groups:
            for parameter in group["params"][-1:]:
                parameter.grad.mul_(0.5)


class Clearing(torch.optim.SGD):
    """Steps as SGD, and takes the gradients away."""

    def step(self, closure=None):
        super().step(closure)
        self.zero_grad()


@pytest.mark.parametrize(("kind", "changed"), [(torch.optim.SGD, ()), (Scaling, ("gradients",)), (Clearing, ("gradients",))])
def test_gradients_that_a_step_changes_are_reported(kind: Any, changed: tuple[str, ...]) -> None:
    run = _box(kind).start(_arrays("w"), 0.1, {})
    _drive(run, 0, 1)
    assert run.changed() == changed


def test_what_a_step_raises_comes_through() -> None:
    class Broken(torch.optim.SGD):
        def step(self, closure=None):
            raise KeyError("broken")

    run = _box(Broken).start(_arrays("w"), 0.1, {})
    with pytest.raises(KeyError, match="broken"):
        run.step(_arrays("g"), 0.1)


# --- readings as torch optimizers -----------------------------------------------------------------------------------

LINES = [formula for formula in catalogue().values() if isinstance(formula, Optimizer)]


def _deviations(formula: Optimizer) -> list[Reading]:
    """The printed and the standard reading, and what one axis changed makes of the standard one."""
    ones = [formula.standard.but(**{axis.name: option}) for axis in formula.axes for option in axis.names]
    return list(dict.fromkeys([formula.printed, formula.standard, *ones]))


def _holds(formula: Optimizer, reading: Reading, sample: TraceSample, stepped: np.ndarray, dtype: str) -> bool:
    prediction = allowed(formula, reading, sample, precision(dtype))
    assert not isinstance(prediction, NoValue)
    return bool(prediction["w"].contains(stepped).all())


SAMPLE = [pytest.param(f, reading, id=f"{f.name}: {reading}") for f in LINES for reading in _deviations(f)]


def _made(formula: Optimizer, reading: Reading, hyper: Mapping[str, float], w: Any, rate: float) -> Any:
    kind: Any = load("pytorch").realise(formula, reading)
    return kind([w], lr=rate, **{h.name: hyper[h.name] for h in kind.hyperparameters})


def _taken(optimizer: Any, trace: Trace, first: int = 0, last: int | None = None) -> list[np.ndarray]:
    (parameter,) = optimizer.param_groups[0]["params"]
    found = []
    for rate, gradient in list(zip(trace.rates, trace.gradients, strict=True))[first:last]:
        parameter.grad = to_torch(gradient)
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
        found.append(to_numpy(parameter).copy())
    return found


def _parameter(trace: Trace) -> Any:
    return torch.nn.Parameter(to_torch(trace.weights))


@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
@pytest.mark.parametrize(("formula", "reading"), SAMPLE)
def test_a_reading_as_a_torch_optimizer_steps_as_the_reading_says(formula: Optimizer, reading: Reading, dtype: str) -> None:
    sample = make_trace(formula, precision(dtype), 1, Schedule.NEW, 0)
    trace = sample.trace
    stepped = np.stack(_taken(_made(formula, reading, trace.hyper, _parameter(trace), 0.1), trace))
    assert _holds(formula, reading, sample, stepped, dtype)


@pytest.mark.parametrize("axis", [axis.name for axis in line("adam").axes])
def test_another_reading_does_not(axis: str) -> None:
    formula = line("adam")
    sample = make_trace(formula, precision("float64"), 1, Schedule.NEW, 0)
    stepped = np.stack(
        _taken(_made(formula, formula.standard, sample.trace.hyper, _parameter(sample.trace), 0.1), sample.trace)
    )
    for option in set(formula.axis(axis).names) - {formula.standard[axis]}:
        other = formula.standard.but(**{axis: option})
        assert not _holds(formula, other, sample, stepped, "float64"), option


def _by_state_dict(optimizer: Any) -> Any:
    (parameter,) = optimizer.param_groups[0]["params"]
    stored = io.BytesIO()
    torch.save(optimizer.state_dict(), stored)
    stored.seek(0)
    other = type(optimizer)([torch.nn.Parameter(parameter.detach().clone())], lr=1.0)
    other.load_state_dict(torch.load(stored, weights_only=True))
    return other


CARRIERS = {
    "state_dict": _by_state_dict,
    "deepcopy": copy.deepcopy,
    "pickle": lambda optimizer: pickle.loads(pickle.dumps(optimizer)),
}


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("formula", LINES, ids=lambda formula: formula.name)
def test_a_state_carried_elsewhere_in_the_middle_of_a_trace_gives_the_same_bits(formula: Optimizer, carrier: str) -> None:
    trace = make_trace(formula, precision("float32"), 1, Schedule.NEW, 0).trace
    optimizer = _made(formula, formula.standard, trace.hyper, _parameter(trace), 0.1)
    _taken(optimizer, trace, 0, 7)
    other = CARRIERS[carrier](optimizer)
    assert type(other) is type(optimizer)
    carried = _taken(other, trace, 7)
    assert [row.tobytes() for row in carried] == [row.tobytes() for row in _taken(optimizer, trace, 7)]


def test_a_reading_trains_a_layer_under_a_schedule() -> None:
    formula = line("adam")
    rng = torch.Generator().manual_seed(3)
    x, layer = torch.randn(16, 4, generator=rng), torch.nn.Linear(4, 1, bias=False)
    torch.nn.init.zeros_(layer.weight)
    y = x @ torch.tensor([[1.0], [-2.0], [0.5], [0.0]])
    hyper = {h.name: h.default for h in formula.hyperparameters}
    optimizer = ADAPTER.realise(formula, formula.standard)(layer.parameters(), lr=0.25)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=4, gamma=0.5)
    start = to_numpy(layer.weight).copy().reshape(-1)
    losses, gradients, rates, weights = [], [], [], []
    for _ in range(12):

        def loss():
            optimizer.zero_grad()
            value = torch.nn.functional.mse_loss(layer(x), y)
            value.backward()
            return value

        rates.append(optimizer.param_groups[0]["lr"])
        losses.append(optimizer.step(loss).item())
        gradients.append(to_numpy(layer.weight.grad).copy().reshape(-1))
        weights.append(to_numpy(layer.weight).copy().reshape(-1))
        schedule.step()
    assert losses[-1] < losses[0] / 2
    assert rates == [0.25] * 4 + [0.125] * 4 + [0.0625] * 4
    assert not any(value.requires_grad for value in optimizer.state[layer.weight].values() if torch.is_tensor(value))
    sample = TraceSample(Label("plain"), Trace(start, np.stack(gradients), tuple(rates), hyper))
    assert _holds(formula, formula.standard, sample, np.stack(weights), "float32")


def test_a_reading_shows_its_arguments_and_says_what_it_is() -> None:
    formula = line("adam")
    kind = ADAPTER.realise(formula, formula.standard)
    assert str(inspect.signature(kind)) == "(params, lr, *, beta1=0.9, beta2=0.999, eps=1e-08)"
    assert ADAPTER.realise(formula, formula.standard) is kind
    assert (kind.__name__, ADAPTER.realise(formula, formula.printed).__name__) == ("StandardAdam", "PrintedAdam")
    assert "optimizer.adam: correction=complement-of-power" in repr(kind([torch.zeros(1)], lr=0.1))
    decoupled = ADAPTER.realise(formula, formula.standard.but(decay="decoupled"))
    assert "weight_decay" in inspect.signature(decoupled).parameters


def test_a_reading_refuses_what_it_does_not_use_and_what_is_out_of_range() -> None:
    formula = line("adam")
    kind, w = ADAPTER.realise(formula, formula.standard), torch.zeros(1)
    with pytest.raises(TypeError, match="StandardAdam has no argument 'weight_decay'"):
        kind([w], lr=0.1, weight_decay=0.1)
    with pytest.raises(ArgumentError, match=r"beta1 is 1\.0; expected 0 <= beta1 < 1"):
        kind([w], lr=0.1, beta1=1.0)
    with pytest.raises(ArgumentError, match=r"lr is -0\.1"):
        kind([{"params": [w], "lr": -0.1}], lr=0.1)


def test_groups_have_hyperparameters_of_their_own_and_missing_gradients_are_skipped() -> None:
    formula = line("adam")
    slow, fast, still = (torch.nn.Parameter(torch.zeros(2)) for _ in range(3))
    kind = ADAPTER.realise(formula, formula.standard)
    optimizer = kind([{"params": [slow, still]}, {"params": [fast], "lr": 0.5, "eps": 1.0}], lr=0.25)
    slow.grad, fast.grad = torch.ones(2), torch.ones(2)
    optimizer.step()
    assert (still.tolist(), len(optimizer.state)) == ([0, 0], 2)
    for parameter, rate, eps in ((slow, 0.25, 1e-8), (fast, 0.5, 1.0)):
        alone = torch.nn.Parameter(torch.zeros(2))
        alone.grad = torch.ones(2)
        kind([alone], lr=rate, eps=eps).step()
        assert alone.tolist() == parameter.tolist()


def test_a_state_that_holds_the_first_gradient_is_not_changed_with_it() -> None:
    formula = line("momentum")
    w = torch.nn.Parameter(torch.zeros(2))
    optimizer = ADAPTER.realise(formula, formula.standard.but(start="first-gradient"))([w], lr=0.5)
    w.grad = torch.ones(2)
    optimizer.step()
    w.grad.zero_()
    assert optimizer.state[w]["V"].tolist() == [1, 1]


def test_a_realised_reading_is_a_box_again() -> None:
    formula = line("momentum")
    box = _box(ADAPTER.realise(formula, formula.standard))
    assert (box.arguments, box.required, box.rate) == ({"beta": 0.9}, (), None)
    assert len(_drive(box.start(_arrays("w"), 0.1, {"beta": 0.5}))) == 2
