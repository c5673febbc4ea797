"""The curves: they have content, and their captions say what their numbers say."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from gradspec.crosscheck.findings import Curve, Series
from gradspec.crosscheck.sheet import studies as curves
from gradspec.reference.catalogue import catalogue, line
from gradspec.reference.studies.departures import DISTINCT, DROP, STEPS
from gradspec.reference.vocabulary import Study

WITH_CURVES = [
    "scalar.sigmoid",
    "logistic.loss",
    "logistic.grad_w",
    "mlp2.loss",
    "optimizer.momentum",
    "optimizer.rmsprop",
    "optimizer.adam",
]


@cache
def drawn(line_id: str) -> tuple[Curve, ...]:
    return tuple(curves.of(line(line_id), ()))


def titled(line_id: str, title: str) -> Curve:
    (found,) = (curve for curve in drawn(line_id) if curve.title.startswith(title))
    return found


def labelled(curve: Curve, label: str) -> Series:
    (found,) = (series for series in curve.series if label in series.label.split(" = "))
    return found


def numbers(series: Series) -> list[float]:
    """The series' y, where none may be missing."""
    found = [y for y in series.y if y is not None]
    assert len(found) == len(series.y)
    return found


def test_the_lines_with_curves_are_those_where_something_grows():
    assert [line_id for line_id in catalogue() if drawn(line_id)] == WITH_CURVES


@pytest.mark.parametrize("line_id", WITH_CURVES)
def test_every_series_has_finite_content_under_a_name_of_its_own(line_id):
    for curve in drawn(line_id):
        assert curve.line == line_id and curve.caption.endswith(".")
        assert len({series.label for series in curve.series}) == len(curve.series) <= DISTINCT
        for series in curve.series:
            values = [y for y in series.y if y is not None]
            assert len(series.x) == len(series.y) and values
            assert all(map(math.isfinite, [*series.x, *values]))
            assert curve.y_scale != "log" or all(y > 0 for y in values)


@pytest.mark.parametrize("line_id", WITH_CURVES)
def test_the_same_line_gives_the_same_curves(line_id):
    assert tuple(curves.of(line(line_id), ())) == drawn(line_id)


def test_the_printed_average_is_worse_than_no_correction_from_step_two_on():
    curve = titled("optimizer.adam", "Bias")
    bias = {s.label: [abs(y - 1) for y in numbers(s)] for s in curve.series}
    worse = [t for t, a, b in zip(curve.series[0].x, bias["printed"], bias["no correction"], strict=True) if a > b]
    assert worse == list(range(2, STEPS + 1)) and "first at t = 2: by 99 against 0.81" in curve.caption
    assert bias["printed"][0] == 0 and max(bias["standard"]) == 0


def test_the_caption_of_the_bias_follows_the_readings():
    adam = line("optimizer.adam")
    mended = replace(adam, axes=tuple(replace(axis, printed=axis.standard) for axis in adam.axes))
    curve = next(curve for curve in curves.of(mended, ()) if curve.title.startswith("Bias"))
    assert "farther" not in curve.caption


def test_the_printed_adam_stalls_and_ends_in_not_a_number():
    curve = titled("optimizer.adam", "The path")
    exact, floats = labelled(curve, "printed"), labelled(curve, "printed, in float64")
    assert abs(exact.y[-1]) < 2 * abs(exact.y[0]) < abs(labelled(curve, "standard").y[-1])
    lost = next(t for t, y in zip(floats.x, floats.y, strict=True) if y is None)
    assert f"not a number from t = {lost:g} on" in curve.caption


@pytest.mark.parametrize("line_id", [line_id for line_id in WITH_CURVES if line_id.startswith("optimizer")])
def test_every_option_that_is_sought_is_shown_leaving_the_printed_one(line_id):
    shown = {series.label for curve in drawn(line_id) if curve.title.startswith("Leaving") for series in curve.series}
    axes = line(line_id).axes
    assert shown == {f"{axis.name}={o.name}" for axis in axes for o in axis.options if o.in_matrix and o.name != axis.printed}


def test_when_the_rate_enters_matters_only_once_it_changes():
    series = labelled(titled("optimizer.momentum", "Leaving"), "rate=inside-buffer")
    assert [y is None for y in series.y] == [t < DROP for t in series.x]
    assert f"departs at t = {DROP}" in titled("optimizer.momentum", "Leaving").caption


def test_the_printed_slope_loses_everything_in_the_upper_tail_and_the_standard_one_nothing():
    curve = titled("scalar.sigmoid", "Error")
    worst = {series.label: max(y for y in series.y if y is not None) for series in curve.series}
    assert worst["one-minus-z"] > 2**52 > 8 > worst["sigma-of-minus-x"]
    assert f"one-minus-z {worst['one-minus-z']:.3g} ulps" in curve.caption


def test_the_chain_rule_through_the_printed_sigmoid_dies_first_in_the_lower_tail():
    curve = titled("scalar.sigmoid", "The slope in the lower tail")
    alive = {s.label: min(x for x, y in zip(s.x, s.y, strict=True) if y is not None) for s in curve.series}
    assert alive["chain"] > alive["one-minus-z"] > alive["sigma-of-minus-x"]
    assert "not a number from x = " in curve.caption


def test_training_along_the_printed_gradient_gets_worse_at_every_step():
    curve = titled("logistic.grad_w", "Training")
    printed, standard = labelled(curve, "printed").y, labelled(curve, "standard").y
    assert (np.diff(printed) > 0).all() and (np.diff(standard) < 0).all() and printed[0] == standard[0]
    assert f"to {printed[-1]:.3g}, rising at {len(printed) - 1} of {len(printed) - 1} steps" in curve.caption


def test_the_printed_third_is_right_for_three_examples_only():
    curve = titled("mlp2.loss", "One example")
    three, examples = labelled(curve, "three"), labelled(curve, "examples")
    assert [n for n, a, b in zip(three.x, three.y, examples.y, strict=True) if a == b] == [3]
    assert "three is the same only at n = 3" in curve.caption


def test_elements_and_examples_part_with_the_number_of_outputs():
    curve = titled("mlp2.loss", "Several outputs")
    examples, elements = labelled(curve, "examples"), labelled(curve, "elements")
    pairs = zip(numbers(examples), numbers(elements), elements.x, strict=True)
    assert all(a == o * b for a, b, o in pairs)


def test_the_clamp_bounds_the_gradient_near_zero():
    curve = titled("logistic.loss", "The gradient")
    top = max(labelled(curve, "clamped").y)
    assert top < max(labelled(curve, "unguarded").y) and f"at most {top:.3g}" in curve.caption


@pytest.mark.parametrize("adapter", ["pytorch", "jax"])
def test_an_installed_framework_is_shown_beside_the_evaluations(adapter):
    framework = {"pytorch": "torch", "jax": "jax"}[adapter]
    pytest.importorskip(framework)
    found = curves.of(line("scalar.sigmoid"), (adapter,))
    labels = {part for curve in found for series in curve.series for part in series.label.split(" = ")}
    assert f"{framework} derived" in labels and any(label.startswith(framework) and "sigmoid" in label for label in labels)


def test_an_adapter_that_is_not_installed_is_left_out(monkeypatch):
    from gradspec.adapters.discovery import load

    monkeypatch.setattr(type(load("pytorch")), "installed", lambda self: False)
    assert tuple(curves.of(line("scalar.sigmoid"), ("pytorch",))) == drawn("scalar.sigmoid")


# --- studies of one's own -------------------------------------------------------------------------------------------


def _halves(lab):
    path = lab.path(lab.formula.printed, [1.0, 1.0], [0.5, 0.25], 1.0)
    yield lab.curve("Halves", f"Moved by {1 - float(path[-1].mid()):g}.", ("t", "W"), [lab.series("w", (1, 2), path)])


def test_a_formula_says_itself_what_is_drawn_of_it():
    own = replace(line("optimizer.sgd"), studies=(Study("halves", _halves),))
    (curve,) = curves.of(own, ())
    assert (curve.line, curve.title, curve.caption) == ("optimizer.sgd", "Halves", "Moved by 0.75.")
    assert numbers(curve.series[0]) == [0.5, 0.25]


def test_a_map_without_studies_has_no_curves():
    assert curves.of(replace(line("scalar.sigmoid"), studies=()), ()) == []
