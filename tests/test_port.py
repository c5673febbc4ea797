"""Porting: what is the same is found and proved, what is not is refused and measured, and the code that is printed runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

pytest.importorskip("jax")
pytest.importorskip("optax")
pytest.importorskip("torch")

import jax
import jax.numpy as jnp
import optax
import torch
from gradspec.adapters import BoxError, load
from gradspec.adapters.frameworks.pytorch import PyTorch
from gradspec.cli import main
from gradspec.crosscheck.answers import Alike, Identification, Kind, Proof, Refusal, Separator, Stored
from gradspec.crosscheck.findings import Loss
from gradspec.crosscheck.identification import identify
from gradspec.crosscheck.porting import Port, Setting, Source, Target, port, ported, target
from gradspec.crosscheck.porting.equality import enclosures
from gradspec.crosscheck.porting.feeds import Feed, normal
from gradspec.crosscheck.porting.offers import offers
from gradspec.crosscheck.porting.proof import prove
from gradspec.crosscheck.porting.remains import SIZES, Path
from gradspec.crosscheck.porting.rules import RATE, Translation, identity, names_in, translations
from gradspec.crosscheck.porting.source import source
from gradspec.reference import line
from gradspec.reports.terminal import text

TORCH_SGD = {"accumulation": "dampened", "start": "first-gradient", "decay": "l2"}
SGD_NAMES = {"beta": "momentum", "dampening": "dampening", "weight_decay": "weight_decay"}
MOMENTUM = {"beta": 0.9, "dampening": 0.0, "weight_decay": 0.0}
ADAM = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.0}


def setting(name: str, values: dict[str, float], **axes: str) -> Setting:
    formula = line(name)
    defaults = {h.name: h.default if h.neutral is None else h.neutral for h in formula.hyperparameters}
    return Setting(formula, formula.reading("standard", **axes), {**defaults, **values})


def reading(name: str, values: dict[str, float], rate: float | None = 0.1, **axes: str) -> Source:
    """A source that does nothing but what it is configured to."""
    configured = setting(name, values, **axes)
    return Source("mine", configured, configured, rate=rate)


def stepped(code: str, feed: Feed) -> np.ndarray:
    """The weights after each step under the optimizer that the code makes."""
    names: dict[str, Any] = {"learning_rate": feed.rates[0], "params": [torch.tensor(feed.weights, requires_grad=True)]}
    exec(code, names)
    with jax.enable_x64(True):
        step = _torch_steps if isinstance(names["optimizer"], torch.optim.Optimizer) else _optax_steps
        return np.stack(list(step(names["optimizer"], names["params"], feed)))


def _torch_steps(optimizer: Any, params: Any, feed: Feed):
    for gradient in feed.gradients:
        params[0].grad = torch.tensor(gradient)
        optimizer.step()
        yield params[0].detach().numpy().copy()


def _optax_steps(optimizer: Any, _: Any, feed: Feed):
    w = jnp.asarray(feed.weights)
    state = optimizer.init(w)
    for gradient in feed.gradients:
        updates, state = optimizer.update(jnp.asarray(gradient), state, w)
        w = optax.apply_updates(w, updates)
        yield np.asarray(w)


def holds(of: Source, code: str, size: float = 1.0, steps: int = 30) -> bool:
    """Whether what the code makes stays within the budget of the source's reading."""
    feed = normal(size, of.base, steps)
    observed = stepped(code, feed)
    return all(budget.contains(row).all() for budget, row in zip(enclosures(of.configured, feed), observed, strict=True))


def changed(port: Port) -> dict[str, str]:
    return {name: value.rule for name, value in port.hyperparameters.items() if value.rule != name}


# --- the same -------------------------------------------------------------------------------------------------------

SAME = {
    "sgd to optax": ("sgd", {}, {}, "optax", "optax.sgd(learning_rate=0.1)"),
    "momentum to optax": ("momentum", {"accumulation": "sum"}, MOMENTUM, "optax", "optax.sgd(learning_rate=0.1, momentum=0.9)"),
    "nesterov to torch": (
        "momentum",
        {"accumulation": "sum", "nesterov": "lookahead"},
        MOMENTUM,
        "torch",
        "torch.optim.SGD(params, lr=0.1, momentum=0.9, nesterov=True)",
    ),
    "adam to torch": ("adam", {}, ADAM, "torch", "torch.optim.Adam(params, lr=0.1, betas=(0.9, 0.999), eps=1e-08)"),
    "adam to optax": ("adam", {}, ADAM, "optax", "optax.adam(learning_rate=0.1, b1=0.9, b2=0.999, eps=1e-08)"),
    "adamw to optax": (
        "adamw",
        {},
        {**ADAM, "weight_decay": 0.01},
        "optax",
        "optax.adamw(learning_rate=0.1, b1=0.9, b2=0.999, eps=1e-08, weight_decay=0.01)",
    ),
    "rmsprop, ε outside, to optax": (
        "rmsprop",
        {"epsilon": "outside-root"},
        {"beta": 0.99, "eps": 1e-8},
        "optax",
        "optax.rmsprop(learning_rate=0.1, decay=0.99, eps=1e-08, eps_in_sqrt=False)",
    ),
}


@pytest.mark.parametrize("case", SAME)
def test_the_same_function_is_found_written_and_runs(case: str) -> None:
    name, axes, values, to, expected = SAME[case]
    of = reading(name, values, **axes)
    found = ported(of, to)
    assert found.verdict == "same" and not changed(found) and not found.constant_rate and not found.stays
    assert f"optimizer = {expected}" in found.code
    assert found.proof is not None and found.proof.traces == 4 and 0 < found.proof.worst_share <= 1
    assert holds(of, found.code)


@pytest.mark.parametrize(("name", "to"), [("momentum", "optax"), ("momentum", "torch"), ("rmsprop", "torch"), ("sgd", "jax")])
def test_weight_decay_that_no_native_has_is_put_together_from_those_that_show_how(name: str, to: str) -> None:
    axes = {"momentum": {"accumulation": "sum"}, "rmsprop": {"epsilon": "outside-root"}, "sgd": {}}[name]
    values = {**MOMENTUM, "eps": 1e-8} if name == "rmsprop" else MOMENTUM
    kept = {h.name for h in line(name).hyperparameters}
    of = reading(name, {k: v for k, v in {**values, "weight_decay": 0.25}.items() if k in kept}, decay="l2", **axes)
    found = ported(of, to)
    assert found.verdict == "same" and "0.25" in found.code
    assert holds(of, found.code)
    without = reading(name, {k: v for k, v in values.items() if k in kept}, **axes)
    assert not holds(without, found.code)


def test_what_must_stay_as_it_is_is_found_by_changing_it() -> None:
    configured = setting("momentum", MOMENTUM, accumulation="sum")
    of = Source("torch.optim.SGD", configured, setting("momentum", MOMENTUM, **TORCH_SGD), SGD_NAMES, 0.1)
    found = ported(of, "optax")
    assert found.verdict == "same"
    assert found.stays == {"dampening": 0, "weight_decay": 0} and not found.constant_rate
    assert "As long as  dampening stays 0 and weight_decay stays 0" in text(found)


def test_a_rate_that_nobody_named_stays_open() -> None:
    of = reading("adam", ADAM, rate=None)
    found = ported(of, "optax")
    assert "learning_rate=learning_rate" in found.code and found.hyperparameters[RATE].target is None
    assert holds(of, found.code)


# --- mapped ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.1, None])
def test_an_average_is_a_sum_at_a_smaller_rate(rate: float | None) -> None:
    of = reading("momentum", MOMENTUM, rate=rate, accumulation="average")
    found = ported(of, "torch")
    assert found.verdict == "mapped" and changed(found) == {RATE: "rate * (1 - beta)"} and not found.constant_rate
    assert f"{rate or 'learning_rate'} * (1 - 0.9)" in found.code
    assert holds(of, found.code)


def test_a_dampened_sum_from_zero_is_a_sum_at_a_smaller_rate() -> None:
    of = reading("momentum", {**MOMENTUM, "dampening": 0.25}, accumulation="dampened")
    found = ported(of, "optax")
    assert found.verdict == "mapped" and changed(found) == {RATE: "rate * (1 - dampening)"}
    assert found.hyperparameters[RATE].target == 0.1 * (1 - 0.25)
    assert holds(of, found.code)


def test_a_rate_inside_the_buffer_is_one_outside_while_it_is_constant() -> None:
    of = reading("momentum", MOMENTUM, accumulation="sum", rate=0.1).configured
    inside = Setting(of.line, of.reading.but(rate="inside-buffer"), of.values)
    found = ported(Source("mine", inside, inside, rate=0.1), "torch")
    assert found.verdict == "mapped" and not changed(found) and found.constant_rate and not found.stays
    assert holds(Source("mine", inside, inside, rate=0.1), found.code)
    assert holds(Source("mine", inside, inside, rate=0.1), found.runnable)
    assert ported(Source("mine", inside, inside, rate=0.1), "optax").verdict == "same"


def test_the_papers_adamw_is_the_libraries_with_the_decay_over_the_rate_while_that_is_constant() -> None:
    of = reading("adamw", {**ADAM, "weight_decay": 0.01}, decay="decoupled-unscaled")
    found = ported(of, "torch")
    assert found.verdict == "mapped" and changed(found) == {"weight_decay": "weight_decay / rate"}
    assert found.constant_rate and not found.stays and "the rate stays constant" in text(found)
    assert holds(of, found.code)


def test_without_a_named_rate_nothing_is_made_of_it() -> None:
    takes = ("beta1", "beta2", "eps", "weight_decay")
    of = setting("adamw", {**ADAM, "weight_decay": 0.01})
    rules = [t.changed for t in translations(of, takes, 1, None)]
    assert rules and not any(RATE in names_in(rule) for made in rules for name, rule in made.items() if name != RATE)


# --- the proof ------------------------------------------------------------------------------------------------------

WRONG = {
    "the rate is left as it is": {},
    "the rate is divided instead": {RATE: "rate / (1 - beta)"},
    "the factor is squared": {RATE: "rate * (1 - beta) * (1 - beta)"},
    "β is off by a part in a thousand million": {RATE: "rate * (1 - beta)", "beta": "beta * 0.999999999"},
}


def _average_as_sum(changed: dict[str, str]) -> Proof | Refusal:
    of = reading("momentum", MOMENTUM, accumulation="average")
    adapter = load("pytorch")
    as_sum = next(o for o in offers(adapter, of.configured) if o.name == "optim.SGD.momentum")
    rules = {**identity(as_sum.takes).rules, **changed}
    return prove(adapter, of, as_sum, Translation(rules.pop(RATE), tuple(rules.items())), False)


def test_the_right_map_is_proved() -> None:
    assert isinstance(_average_as_sum({RATE: "rate * (1 - beta)"}), Proof)


@pytest.mark.parametrize("how", WRONG)
def test_a_wrong_map_is_refused(how: str) -> None:
    assert isinstance(_average_as_sum(WRONG[how]), Refusal)


def test_a_native_that_is_not_what_is_claimed_of_it_is_refused_by_running_it() -> None:
    of = reading("adam", ADAM)
    adapter = load("jax")
    right = next(o for o in offers(adapter, of.configured) if o.name == "optax.adam")
    wrong = replace(right, expression=right.expression.replace("eps=eps", "eps=eps, eps_root=1e-8"))
    assert isinstance(prove(adapter, of, right, identity(right.takes), False), Proof)
    refusal = prove(adapter, of, wrong, identity(wrong.takes), False)
    assert isinstance(refusal, Refusal) and refusal.step and refusal.target != refusal.source is not None


def test_what_the_target_stores_in_float32_is_allowed_for_and_said() -> None:
    found = ported(reading("nadam", {**ADAM, "momentum_decay": 0.004}), "torch")
    assert found.verdict == "same" and "torch.optim.NAdam" in found.code
    assert found.proof is not None and found.proof.losses == [Loss.NARROW]
    assert "stored in float32" in text(found)


# --- the closest ----------------------------------------------------------------------------------------------------


def test_what_remains_of_an_epsilon_under_the_root_is_measured_and_the_reading_itself_offered() -> None:
    of = reading("rmsprop", {"beta": 0.99, "eps": 1e-8}, rate=0.01)
    found = ported(of, "torch")
    assert found.verdict == "closest" and found.proof is None
    assert found.differs == {"epsilon": ("inside-root", "outside-root")}
    assert [r.gradients for r in found.remains] == list(SIZES) and all(len(r.updates) == 100 for r in found.remains)
    large, _, tiny = (r.largest_update[0] for r in found.remains)
    assert large < 1e-4 < 0.1 < tiny
    assert not holds(of, found.code, size=1e-4)
    assert holds(of, found.runnable, size=1e-4)


def test_the_witness_tells_the_closest_from_its_source() -> None:
    of = reading("rmsprop", {"beta": 0.99, "eps": 1e-8}, rate=0.01)
    found = ported(of, "torch")
    w = found.witness
    assert w is not None and w.source != w.target
    feed = Feed(np.array([w.weight]), np.array(w.gradients)[:, None], tuple(w.rates), "the witness")
    assert float(stepped(found.code, feed)[-1, 0]) == pytest.approx(w.target, rel=1e-12)
    assert float(stepped(found.runnable, feed)[-1, 0]) == pytest.approx(w.source, rel=1e-12)


def test_the_first_undampened_gradient_of_torch_cannot_be_had_in_optax() -> None:
    of = reading("momentum", {**MOMENTUM, "dampening": 0.1}, accumulation="dampened", start="first-gradient")
    found = ported(of, "optax")
    assert found.verdict == "closest" and changed(found) == {RATE: "rate * (1 - dampening)"}
    assert found.remains[0].updates[-1] < 1e-4 < found.remains[0].updates[1]
    assert holds(of, found.runnable)


def test_without_a_native_of_the_family_the_reading_itself_is_offered() -> None:
    class Bare(PyTorch):
        natives = ()

    of = reading("adam", ADAM)
    found = ported(of, Target(Bare(), "", "bare"))
    assert found.verdict == "closest" and found.code == "" and "knows no optimizer of bare" in text(found)
    assert holds(of, found.runnable)


def test_the_remains_of_a_port_to_the_same_are_nothing() -> None:
    of = reading("adam", ADAM)
    adam = next(o for o in offers(load("pytorch"), of.configured) if o.name == "optim.Adam")
    assert max(Path.of(of, 1.0).remains(adam, identity(adam.takes)).updates) == 0


# --- what is said ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "axes", "to"),
    [
        ("momentum", {"accumulation": "average"}, "torch"),
        ("rmsprop", {}, "torch"),
        ("nadam", {"lookahead": "nadam-published"}, "jax"),
    ],
)
def test_a_port_is_data_and_a_text_that_fits_a_terminal(name: str, axes: dict[str, str], to: str) -> None:
    found = ported(reading(name, {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8} if name == "nadam" else {}, **axes), to)
    assert msgspec.json.decode(found.as_json(), type=Port) == found
    assert max(map(len, text(found).splitlines())) <= 100
    assert all(row.strip() in text(found) for row in found.code.splitlines())


def test_adapters_packages_and_modules_are_targets() -> None:
    assert target("torch").adapter is target("pytorch").adapter and target("optax").root == "optax"


@pytest.mark.parametrize("wrong", ["opptax", "plain", ""])
def test_other_targets_are_refused(wrong: str) -> None:
    with pytest.raises(BoxError, match=r"optax"):
        target(wrong)


# --- from an identification, and from the command line --------------------------------------------------------------


class Mine:
    """Plain momentum, as an average."""

    def __init__(self, w: np.ndarray, momentum: float = 0.9):
        self.w, self.momentum, self.buffer = w, momentum, np.zeros_like(w)

    def step(self, gradient: np.ndarray, learning_rate: float) -> np.ndarray:
        self.buffer = self.momentum * self.buffer + (1 - self.momentum) * gradient
        self.w = self.w - learning_rate * self.buffer
        return self.w


@pytest.fixture(scope="module")
def identified() -> Identification:
    answer = identify(Mine, {"momentum": 0.75}, runs=4)
    assert isinstance(answer, Identification)
    return answer


def test_an_identified_optimizer_becomes_a_source(identified: Identification) -> None:
    of = source(identified, 0.1)
    assert of.configured.line.name == "momentum" and of.configured.reading["accumulation"] == "average"
    assert of.configured.values["beta"] == 0.75 and of.own == {"beta": "momentum"}
    assert port(identified, "torch", rate=0.1).hyperparameters[RATE].target == 0.025


def test_what_an_optimizer_stores_in_float32_and_what_it_may_be_else_is_noted(identified: Identification) -> None:
    doubtful = msgspec.structs.replace(
        identified,
        stored=[Stored(Kind.STATE, "V")],
        shows_from=2,
        same=[Alike(identified.reading)],
        separated_by=[Separator.FLOAT64],
    )
    found = ported(source(doubtful, 0.1), "torch")
    assert found.doubts.stored == doubtful.stored and found.doubts.same == 1
    said = " ".join(text(found).split())
    assert "stores V in float32, which shows from step 2 on" in said
    assert "fits further readings as well: what is ported is the likeliest of them; weights in float64 would tell" in said


def test_a_native_that_should_be_the_same_and_is_not_is_named_with_the_number_that_shows_it() -> None:
    right = ported(reading("adam", ADAM), "torch")
    refusals = {
        "moved": Refusal("drop", 3, 1, 0.5, 0.25),
        "apart": Refusal("constant", 1, 4),
        "raised": Refusal(words="there is no such thing"),
    }
    said = " ".join(text(msgspec.structs.replace(right, refused=refusals)).split())
    assert "at step 3 with a rate that drops to a hundredth weight 1 is 0.5, where the source's reading gives 0.25" in said
    assert (
        "apart should be it, but is not: the two readings can be told apart at step 1 with a constant rate, at weight 4" in said
    )
    assert "raised should be it, but is not: there is no such thing" in said


def test_neither_a_function_nor_what_nothing_fits_can_be_ported(identified: Identification) -> None:
    with pytest.raises(BoxError, match="no reading fits"):
        source(msgspec.structs.replace(identified, verdict="no-reading"), None)
    with pytest.raises(BoxError, match="is no optimizer"):
        source(identify(np.tanh), None)


def _run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = main(["port", *argv])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_command_ports_what_the_issue_asks_for(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "torch.optim.SGD", "lr=0.1", "momentum=0.9", "dampening=0", "--to", "optax", "--json")
    found = msgspec.json.decode(out, type=Port)
    assert code == 0 and found.verdict == "same"
    assert "optax.sgd(learning_rate=0.1, momentum=0.9)" in found.code


def test_the_command_fails_where_only_something_close_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "optax.rmsprop", "learning_rate=0.01", "--to", "torch")
    assert code == 1 and "NOT THE SAME" in out and "realise" in out


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["torch.optim.Adamm", "--to", "optax"], "Adam"),
        (["torch.optim.Adam", "--to", "opptax"], "optax"),
        (["torch.optim.Adam", "lrr=2", "--to", "optax"], "lr"),
        (["torch.optim.Adam", "lr", "--to", "optax"], "NAME=VALUE"),
    ],
)
def test_bad_input_is_said_in_one_line_with_the_nearest_names(
    argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = _run(capsys, *argv)
    assert code == 2 and not out and len(err.splitlines()) == 1 and said in err
