"""The properties of readings: each is shown to fail on a subject that breaks it by little, and what they say of the sheet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple, get_args, get_type_hints

import numpy as np
import pytest
from gradspec.crosscheck.findings import Breach, Check
from gradspec.crosscheck.inputs.profiles import profile
from gradspec.crosscheck.sheet import properties as checks
from gradspec.reference.catalogue import catalogue, line
from gradspec.reference.formula import Formula, Optimizer
from gradspec.reference.pieces.hyperparameters import BETA1, BETA2
from gradspec.reference.pieces.properties import ELEMENTWISE, PROPORTIONAL, SHIFT, homogeneous, invariant_to_scale
from gradspec.reference.vocabulary import Fault
from gradspec.reports.words import sheet as words

LITTLE = 2.0**-40


def held(formula: Formula) -> list[Check]:
    return checks.of(formula, profile("quick"), 0)


@cache
def of_line(line_id: str) -> tuple[Check, ...]:
    return tuple(held(line(line_id)))


def one(line_id: str, name: str, role: str = "printed") -> Check:
    wanted = dict(getattr(line(line_id), role).axes)
    (found,) = (check for check in of_line(line_id) if check.property == name and check.reading == wanted)
    return found


def breach(line_id: str, name: str) -> Breach:
    """What breaks a property of a line's printed reading."""
    first = one(line_id, name).first
    assert first is not None
    return first


def failing(formula: Formula) -> set[str]:
    """What a sabotaged line breaks in its standard reading."""
    return {check.property for check in held(formula) if not check.holds and check.reading == dict(formula.standard.axes)}


def with_vjp(line_id: str, change: Callable[..., Any]) -> Formula:
    """The line in its standard reading, each cotangent changed by ``change(bar, cotangent, inputs)``."""
    formula = line(line_id)
    chosen = formula.chosen(formula.standard)
    standard = {name: chosen[name] for name in formula.accepted("vjp_body")}

    def changed(xp: Any, cotangent: Any, **inputs: Any) -> dict[str, Any]:
        bars = formula.vjp_body(xp, cotangent, **inputs, **standard)
        return {name: change(np.asarray(bar, object), np.asarray(cotangent, object), inputs) for name, bar in bars.items()}

    return replace(formula, vjp_body=changed)


def with_value(line_id: str, change: Callable[..., Any]) -> Formula:
    """The line in its standard reading, its value changed by ``change(value, inputs)``."""
    formula = line(line_id)
    chosen = formula.chosen(formula.standard)
    standard = {name: chosen[name] for name in formula.accepted("forward")}

    def changed(xp: Any, **inputs: Any) -> Any:
        return change(formula.forward(xp, **inputs, **standard), inputs)

    return replace(formula, forward=changed)


def with_update(line_id: str, change: Callable[..., Any]) -> Formula:
    """The optimizer with its new weights changed by ``change(new, w, g, state, rate)``."""
    formula = line(line_id)

    def update(xp: Any, w: Any, g: Any, state: Any, rate: Any, h: Any, o: Any) -> Any:
        new, after = formula.update(xp, w, g, state, rate, h, o)
        return change(new, w, g, state, rate), after

    return replace(formula, update=update)


# --- the checker is shown to fail -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line_id", ["scalar.sum", "scalar.prod", "scalar.max", "scalar.sigmoid", "logistic.grad_w", "mlp2.grad_W1"]
)
def test_a_cotangent_too_large_by_2_to_the_minus_40_fails_the_adjoint_identity(line_id):
    assert "adjoint" in failing(with_vjp(line_id, lambda bar, c, inputs: bar * (1 + LITTLE)))


@pytest.mark.parametrize("line_id", ["scalar.sum", "scalar.prod", "scalar.max", "scalar.min"])
def test_a_cotangent_too_large_by_2_to_the_minus_40_breaks_the_mnemonic(line_id):
    assert "mnemonic" in failing(with_vjp(line_id, lambda bar, c, inputs: bar * (1 + LITTLE)))


def test_a_slope_of_the_sigmoid_above_a_quarter_breaks_its_mnemonic():
    assert "mnemonic" in failing(with_vjp("scalar.sigmoid", lambda bar, c, inputs: bar * (1 + LITTLE)))


def test_a_slope_that_does_not_fall_breaks_the_other_half_of_the_mnemonic():
    def constant(bar, c, inputs):
        return c * inputs["x"] * inputs["x"] * LITTLE

    assert "mnemonic-increasing" in failing(with_vjp("scalar.sigmoid", constant))


@pytest.mark.parametrize("line_id", ["scalar.sum", "scalar.sigmoid", "mlp.grad_W", "mlp2.loss"])
@pytest.mark.parametrize("amount", [np.abs, lambda c: c * c], ids=["absolute", "square"])
def test_a_cotangent_that_is_slightly_nonlinear_fails_linearity(line_id, amount):
    def bend(bar, c, inputs):
        return bar + LITTLE * np.sum(amount(c))

    assert "linearity" in failing(with_vjp(line_id, bend))


def test_a_cotangent_that_adds_a_constant_fails_linearity():
    assert "linearity" in failing(with_vjp("scalar.sum", lambda bar, c, inputs: bar + LITTLE))


@pytest.mark.parametrize("line_id", ["logistic.y_hat", "graph.sum_times", "mlp2.A", "mlp.delta"])
def test_a_cotangent_that_looks_at_other_examples_fails_batch_additivity_and_the_adjoint_identity(line_id):
    def leak(bar, c, inputs):
        return bar + LITTLE * np.sum(c)

    assert {"batch-additivity", "adjoint"} <= failing(with_vjp(line_id, leak))


@pytest.mark.parametrize("line_id", ["mlp2.Z", "mlp.grad_W", "mlp.grad_b"])
def test_a_shared_gradient_divided_by_the_batch_size_fails_batch_additivity(line_id):
    assert "batch-additivity" in failing(with_vjp(line_id, lambda bar, c, inputs: bar / c.shape[1]))


def test_the_sum_over_the_batch_fails_replication():
    loss = line("mlp2.loss")
    summed = replace(loss, axes=tuple(replace(a, standard="one") if a.name == "normaliser" else a for a in loss.axes))
    assert "replication" in failing(summed)


def test_a_value_that_grows_slightly_with_the_batch_fails_replication():
    def growing(value, inputs):
        return value * (1 + LITTLE * inputs["y"].shape[1])

    assert "replication" in failing(with_value("mlp2.loss", growing))


@pytest.mark.parametrize("line_id", ["scalar.sum", "scalar.prod", "scalar.sigmoid", "mlp2.grad_w2"])
def test_a_position_dependent_cotangent_fails_permutation(line_id):
    def tilted(bar, c, inputs):
        return bar * (1 + LITTLE * np.arange(bar.size).reshape(bar.shape))

    assert "permutation" in failing(with_vjp(line_id, tilted))


def test_a_value_that_depends_on_the_order_fails_permutation():
    def tilted(value, inputs):
        return value * (1 + LITTLE * np.arange(value.shape[0]))

    assert "permutation" in failing(with_value("scalar.sigmoid", tilted))


@pytest.mark.parametrize("line_id", ["scalar.max", "scalar.min"])
@pytest.mark.parametrize("ties", ["first", "last"])
def test_directing_the_flow_by_position_fails_permutation_and_nothing_else(line_id, ties):
    formula = line(line_id)
    by_position = replace(formula, axes=tuple(replace(a, standard=ties) if a.name == "ties" else a for a in formula.axes))
    assert failing(by_position) == {"permutation"}


@pytest.mark.parametrize("line_id", ["scalar.max", "scalar.min"])
def test_a_flow_that_leaks_to_an_input_that_is_not_attained_is_outside_the_subdifferential(line_id):
    assert "subdifferential" in failing(with_vjp(line_id, lambda bar, c, inputs: bar + LITTLE * (c / bar.size - bar)))


def test_a_negative_share_at_a_tie_is_outside_the_subdifferential_although_the_shares_add_up():
    def overdrawn(bar, c, inputs):
        hit = inputs["x"] == np.max(inputs["x"])
        if hit.sum() < 2:
            return bar
        i, j, *_ = np.flatnonzero(hit)
        moved = bar.copy()
        moved[i], moved[j] = bar[i] + bar[j] + LITTLE * c[()], -LITTLE * c[()]
        return moved

    assert "subdifferential" in failing(with_vjp("scalar.max", overdrawn))


OPTIMIZERS = ["optimizer.sgd", "optimizer.momentum", "optimizer.rmsprop", "optimizer.adam"]


@pytest.mark.parametrize("line_id", OPTIMIZERS)
@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("elementwise", lambda new, w, g, state, rate: new - LITTLE * rate * np.sum(g)),
        ("elementwise", lambda new, w, g, state, rate: w + (new - w) * (1 + LITTLE * np.arange(g.size))),
        ("shift", lambda new, w, g, state, rate: new - LITTLE * rate * w),
        ("rate", lambda new, w, g, state, rate: new + LITTLE * rate * rate * g),
        ("homogeneity", lambda new, w, g, state, rate: new - LITTLE * rate * (g * g)),
    ],
    ids=["neighbour", "position", "decay", "squared-rate", "squared-gradient"],
)
def test_an_optimizer_that_departs_slightly_fails_the_property_that_forbids_it(line_id, name, change):
    assert name in failing(with_update(line_id, change))


def test_an_average_that_is_slightly_biased_is_noticed_at_once():
    biased = with_update("optimizer.adam", lambda new, w, g, state, rate: w + (new - w) * (1 + LITTLE))
    assert {"unbiased-first", "unbiased-second"} <= failing(biased)


# --- what comes out -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line_id", catalogue(beyond=True))
def test_the_standard_reading_has_every_property(line_id):
    broken = [check for check in of_line(line_id) if check.reading == dict(line(line_id).standard.axes) and not check.holds]
    assert broken == []


@pytest.mark.parametrize("line_id", catalogue(beyond=True))
def test_every_property_that_holds_was_tried_and_every_other_says_what_broke_it(line_id):
    assert all(check.trials > 0 if check.holds else check.first or check.why for check in of_line(line_id))
    assert all(bool(check.first) == bool(check.broken) == (not check.holds and check.trials > 0) for check in of_line(line_id))


def test_every_map_is_held_to_an_independent_derivative():
    lines = [line_id for line_id in catalogue() if not line_id.startswith("optimizer.")]
    assert [one(line_id, "adjoint", "standard").holds for line_id in lines] == [True] * len(lines)


@pytest.mark.parametrize("line_id", ["scalar.max", "scalar.min"])
def test_the_printed_rule_for_ties_breaks_its_mnemonic_and_leaves_the_subdifferential_but_keeps_the_symmetry(line_id):
    broken = {check.property for check in of_line(line_id) if check.reading["ties"] == "all" and not check.holds}
    assert broken == {"mnemonic", "subdifferential"}
    assert one(line_id, "permutation").holds and one(line_id, "adjoint").holds


def test_the_printed_product_is_undefined_at_a_zero_where_it_has_a_derivative():
    for name in ("mnemonic", "adjoint"):
        first = breach("scalar.prod", name)
        assert (first.fault, first.of) == ("undefined", "x_bar") and 0 in first.inputs["x"]
    assert one("scalar.prod", "linearity").holds


def test_the_printed_third_is_no_mean_but_follows_from_its_own_forward_line():
    assert not one("mlp2.loss", "replication").holds
    assert one("mlp2.loss", "adjoint").holds and one("mlp2.loss", "replication", "standard").holds


def test_the_identity_matrix_of_the_sheet_names_neurons_and_examples_in_pairs():
    assert not one("mlp.example.delta1", "permutation").holds
    assert not one("mlp.example.delta1", "adjoint").holds


def test_the_first_of_the_two_expressions_of_line_37_has_the_shape_of_the_weights():
    first = breach("mlp.example.grad_b1", "adjoint")
    assert (first.fault, first.of, first.expected) == ("shape", "b1_bar", "(2, 1)")


def test_the_printed_sum_of_line_26_has_no_value_for_a_batch():
    check = one("mlp.Z", "batch-additivity")
    assert not check.holds and check.trials == 0 and check.without > 0 and "b u" in check.why


@pytest.mark.parametrize("name", ["unbiased-first", "unbiased-second"])
def test_the_printed_adam_is_biased_from_step_two_on_and_the_standard_one_never(name):
    assert breach("optimizer.adam", name).step == 2
    assert one("optimizer.adam", name, "standard").holds


def test_an_uncorrected_average_is_biased_from_step_one_on():
    adam = line("optimizer.adam")
    plain = replace(adam, axes=tuple(replace(a, standard="none") if a.name == "correction" else a for a in adam.axes))
    found = {check.property: check for check in held(plain) if check.reading["correction"] == "none"}
    for name in ("unbiased-first", "unbiased-second"):
        first = found[name].first
        assert first is not None and first.step == 1


@pytest.mark.parametrize("line_id", ["scalar.max", "mlp2.grad_W1", "optimizer.adam"])
def test_the_same_seed_gives_the_same_checks(line_id):
    assert tuple(held(line(line_id))) == of_line(line_id)


# --- which axis is to blame -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", ["correction", "stored"])
def test_each_of_two_odd_axes_is_held_alone_to_what_the_print_breaks(axis):
    adam = line("optimizer.adam")
    alone = dict(adam.standard.but(**{axis: adam.printed[axis]}).axes)
    assert {check.property for check in of_line("optimizer.adam") if check.reading == alone} == {
        "unbiased-first",
        "unbiased-second",
    }


def test_a_batch_size_that_is_a_constant_is_not_blamed_for_what_the_identity_matrix_breaks():
    formula = line("mlp2.grad_W1")
    alone = {axis: dict(formula.standard.but(**{axis: formula.printed[axis]}).axes) for axis in ("normaliser", "ones")}
    broken = {
        axis: {c.property for c in of_line("mlp2.grad_W1") if c.reading == reading and not c.holds}
        for axis, reading in alone.items()
    }
    assert broken == {"normaliser": {"replication"}, "ones": {"adjoint", "permutation", "replication"}}


# --- formulas of one's own ------------------------------------------------------------------------------------------


class LionState(NamedTuple):
    t: int
    m: Any


def lion_step(xp: Any, w: Any, g: Any, state: LionState, alpha: Any, h: Any, o: Any) -> tuple[Any, LionState]:
    c = h.beta1 * state.m + (1 - h.beta1) * g
    sign = xp.where(c > 0, xp.ones_like(c), xp.where(c < 0, -xp.ones_like(c), xp.zeros_like(c)))
    return w - alpha * sign, LionState(state.t + 1, h.beta2 * state.m + (1 - h.beta2) * g)


LION = Optimizer(
    id="optimizer.own",
    title="the sign of an average",
    latex=r"W=W-\alpha\,\mathrm{sign}(\beta_1m+(1-\beta_1)g)",
    hyperparameters=(BETA1, BETA2),
    start=lambda xp, w, h, o: LionState(0, xp.zeros_like(w)),
    update=lion_step,
    properties=(ELEMENTWISE, SHIFT, PROPORTIONAL, invariant_to_scale()),
)


def test_an_optimizer_with_two_betas_and_no_epsilon_is_held_to_what_it_says_and_to_nothing_else():
    assert {check.property: check.holds for check in held(LION)} == dict.fromkeys(
        ("elementwise", "shift", "rate", "homogeneity"), True
    )


def test_an_optimizer_that_says_of_itself_what_is_not_so_is_caught():
    (check,) = held(replace(LION, properties=(homogeneous(),)))
    assert not check.holds and check.broken == check.trials and check.first is not None
    assert (check.first.of, check.first.step, check.first.hyper) == ("w", 1, {"beta1": 0.9, "beta2": 0.999})


def test_a_formula_without_properties_is_held_to_nothing_but_its_vjp():
    assert held(replace(LION, properties=())) == []
    assert {check.property for check in held(replace(line("mlp.A"), properties=()))} == {"linearity", "adjoint"}


def test_a_property_of_a_power_of_the_scale():
    def cubic(xp: Any, w: Any, g: Any, state: LionState, alpha: Any, h: Any, o: Any) -> tuple[Any, LionState]:
        return w - alpha * g * g * g, state

    own = replace(LION, update=cubic)
    assert [c.holds for k in (1, 3) for c in held(replace(own, properties=(homogeneous(k),)))] == [False, True]


def test_what_is_no_number_equals_nothing():
    def lost(xp: Any, w: Any, g: Any, state: LionState, alpha: Any, h: Any, o: Any) -> tuple[Any, LionState]:
        return w + (g - g) / (g - g), state

    checks = held(replace(LION, update=lost))
    assert {check.property for check in checks if not check.holds} == {"elementwise", "shift", "rate", "homogeneity"}
    assert {check.first.fault for check in checks if check.first is not None} == {"undefined"}


def test_every_fault_of_a_trial_can_be_written_into_findings_and_said_in_words():
    assert {fault.name.lower() for fault in Fault} == set(get_args(get_type_hints(Breach)["fault"])) == set(words.FAULTS)


@pytest.mark.parametrize(
    ("line_id", "name", "said"),
    [
        (
            "scalar.max",
            "subdifferential",
            "first on “a pair of signed zeros” (x = [-0.,  0.]): Σ x_bar is 2.39721 instead of 1.19860",
        ),
        ("mlp2.grad_W1", "permutation", "with the first two of n exchanged, W1_bar[0, 0] is "),
        ("mlp.Z", "batch-additivity", "no value on any of "),
        ("optimizer.adam", "unbiased-first", "for beta1 = 0.9, beta2 = 0, eps = 0: at t = 2, V̂ is 50.0000 instead of 0.500000"),
        ("optimizer.adam", "elementwise", ""),
    ],
)
def test_what_broke_a_property_is_said_in_words(line_id, name, said):
    detail = words.check_detail(one(line_id, name))
    assert said in detail and bool(said) == bool(detail)
