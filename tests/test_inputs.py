"""Inputs: what is drawn is the same everywhere, and what samples and schedules are is data."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from gradspec.crosscheck.arithmetic.formats import precision
from gradspec.crosscheck.findings import Label
from gradspec.crosscheck.inputs.profiles import profile
from gradspec.crosscheck.inputs.shared import samples
from gradspec.crosscheck.inputs.traces import (
    NEAR_ZERO,
    SETTINGS,
    STEPS,
    Schedule,
    hard_traces,
    hyperparameters,
    make_trace,
    small,
)
from gradspec.reference.catalogue import line
from gradspec.reference.formula import Optimizer
from gradspec.reference.vocabulary import Hyperparameter, Role, Trials

DRAWN = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
from gradspec.crosscheck.inputs.profiles import profile
from gradspec.crosscheck.inputs.shared import samples
from gradspec.reference.catalogue import line
for sample in samples(line("mlp2.grad_w2"), "float64", profile("standard"), 0):
    print(sample.label, {name: array.tolist() for name, array in sample.arrays.items()}, sample.cotangent.tolist())
"""


def optimizer(line_id: str) -> Optimizer:
    found = line(line_id)
    assert isinstance(found, Optimizer)
    return found


def drawn_beside(*modules: str) -> str:
    command = [sys.executable, "-c", DRAWN, *modules]
    done = subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf-8", cwd=Path(__file__).parent)
    return done.stdout


def test_processes_that_have_loaded_other_modules_draw_the_same_inputs():
    alone = drawn_beside()
    assert alone.count("drawn") == profile("standard").examples
    assert drawn_beside("gradspec.crosscheck.identification", "gradspec.cli.report") == alone


def test_samples_are_known_by_their_kind():
    found = samples(line("scalar.max"), "float32", profile("quick"), 0)
    kinds = [sample.label.kind for sample in found]
    assert kinds == sorted(kinds, key=["hard", "sized", "drawn"].index)
    assert {sample.label.name for sample in found if sample.label.kind == "drawn"} == {""}
    assert all(dict(s.label.chosen)["n"] == str(s.arrays["x"].size) for s in found if s.label.kind == "drawn")


@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
def test_each_run_has_numbers_in_every_shape_and_setting_of_a_line_whatever_the_seed(dtype):
    formula = line("mlp.A")
    first, second = (
        [one for one in samples(formula, dtype, profile(name), seed) if one.label.kind == "sized"]
        for name, seed in (("quick", 0), ("standard", 1))
    )
    settings = math.prod(map(len, formula.settings.values()))
    assert len(first) == (len(formula.sizes) + 1) * settings == len({str(one.label) for one in first})
    assert all(a.label == b.label and np.array_equal(a.arrays["Z"], b.arrays["Z"]) for a, b in zip(first, second, strict=True))
    tiny = [one for one in first if (np.abs(one.cotangent.astype(np.float64)) < 16 * precision(dtype).smallest_normal).all()]
    assert len(tiny) == settings and all(one.cotangent.all() for one in tiny)
    assert all(len(np.unique(np.abs(one.arrays["Z"]))) > 1 for one in first if one.arrays["Z"].size > 2)


def test_a_label_names_the_sample_in_seeds_and_as_a_key():
    assert str(Label("hard", "a pair tied")) == "a pair tied"
    assert str(Label.of("drawn", {"n": 3, "g": "tanh"})) == "drawn, n=3, g=tanh"
    assert Label.of("witness", {"ties": "all"}) in {Label.of("witness", {"ties": "all"}): 1}


@pytest.mark.parametrize("schedule", Schedule)
def test_a_schedule_that_begins_at_a_given_rate_never_exceeds_it(schedule):
    rates = schedule.rates_from(0.3, 100)
    assert rates[0] == max(rates) == 0.3 and min(rates) > 0
    assert len(set(rates)) > 1 or schedule is Schedule.CONSTANT


@pytest.mark.parametrize("schedule", [s for s in Schedule if s is not Schedule.NEW])
def test_but_for_rates_that_go_up_and_down_the_shares_of_a_schedule_are_its_rates(schedule):
    rates = schedule.rates(STEPS)
    np.testing.assert_allclose(schedule.rates_from(rates[0], STEPS), rates, rtol=1e-15)


def test_the_rate_that_is_new_at_every_step_repeats_none_of_five():
    assert all(len({*Schedule.NEW.rates(STEPS)[i : i + 5]}) == 5 for i in range(STEPS - 5))


def test_the_hard_traces_show_each_setting_under_another_schedule():
    found = hard_traces(optimizer("optimizer.adam"), precision("float64"))
    assert [trace.label for trace in found] == [Label("hard", key) for key in ("halving", "new-every-step", "drop")]
    assert [trace.trace.hyper["beta1"] for trace in found] == [0.9, 0.875, 0.5]


def test_hyperparameters_are_those_that_a_formula_says_whatever_they_are_called():
    own = (
        Hyperparameter("keep", "", 0.9, 0.0, 1.0, Role.DECAY_RATE, trials=Trials((0.9, 0.75, 0.25))),
        Hyperparameter("tiny", "", 1e-5, role=Role.EPSILON),
    )
    formula = replace(optimizer("optimizer.sgd"), hyperparameters=own)
    settings = [hyperparameters(formula, setting) for setting in range(SETTINGS)]
    assert settings == [{"keep": 0.9, "tiny": 1e-5}, {"keep": 0.75, "tiny": 2.0**-10}, {"keep": 0.25, "tiny": 2.0**-4}]
    assert [small(formula, hyper) for hyper in settings] == [1e-5, 2.0**-10, 2.0**-4]


def test_gradients_come_to_the_size_of_an_epsilon_where_there_is_one():
    adam, sgd = optimizer("optimizer.adam"), optimizer("optimizer.sgd")
    for formula, size in ((adam, 2.0**-10), (sgd, NEAR_ZERO)):
        gradients = make_trace(formula, precision("float64"), 1, Schedule.NEW, 0).trace.gradients
        assert (gradients == size).all(axis=0).any() and (gradients == size**0.5).all(axis=0).any()
