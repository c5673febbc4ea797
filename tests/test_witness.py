"""Witnesses: they separate what they say they separate, are the same for the same seed, and cover every pair of readings."""

import itertools
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from gradspec.adapters import available, load
from gradspec.crosscheck.arithmetic.formats import precision
from gradspec.crosscheck.arithmetic.objects import precise
from gradspec.crosscheck.inputs.profiles import profile
from gradspec.crosscheck.inputs.samples import AnySample, Sample
from gradspec.crosscheck.inputs.shared import samples
from gradspec.crosscheck.readings.compare import Predictions, miss, parted, predict, searched
from gradspec.crosscheck.readings.evaluate import evaluate
from gradspec.crosscheck.witnesses import search as witness
from gradspec.reference import Formula, Map, NotConformable, Optimizer, Reading, catalogue, line
from gradspec.reference.namespace import Floating

LINES = [formula.id for formula in catalogue(beyond=True).values() if formula.axes]
DTYPES = ("float64", "float32", "bfloat16", "float16")
OPENING = 6  # steps of a trace on which nearly all readings of an optimizer have parted


def claims_on(line_id: str) -> list[dict[str, str]]:
    return [dict(native.claim) for name in available() for native in load(name).natives if native.line == line_id]


def every_hyperparameter(formula: Formula) -> list[str]:
    return [h.name for h in formula.hyperparameters] if isinstance(formula, Optimizer) else []


@pytest.mark.parametrize("line_id", LINES)
def test_every_option_and_every_claim_has_been_searched_for_in_every_dtype(line_id: str) -> None:
    formula = line(line_id)
    wanted = {d.axes for d in witness.departures(formula, claims_on(line_id))}
    for dtype in DTYPES:
        there = {witness.Departure(tuple(kept.departure.items())).axes for kept in witness.kept(line_id) if kept.dtype == dtype}
        assert {frozenset(axes) for axes in wanted} <= {frozenset(axes) for axes in there}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("line_id", LINES)
def test_a_kept_witness_separates_the_readings_it_is_kept_for(line_id: str, dtype: str) -> None:
    found = [kept for kept in witness.kept(line_id) if kept.dtype == dtype and kept.found]
    assert [kept.departure for kept in found if not _separates(line(line_id), kept)] == []


def test_a_witness_of_a_tie_whose_input_has_no_tie_separates_nothing() -> None:
    formula = line("scalar.max")
    tie = next(kept for kept in witness.kept("scalar.max") if kept.departure == {"ties": "split"} and kept.dtype == "float64")
    untied = msgspec.structs.replace(tie, arrays={**tie.arrays, "x": ["0x1.0p+0", "0x0.0p+0"]})
    assert _separates(formula, tie) and not _separates(formula, untied)


def _separates(formula: Formula, kept: witness.Kept) -> bool:
    """Whether no number belongs to both readings; of one function, whether one evaluation leaves the other's budget."""
    sample, reading = witness.sample_of(formula, kept), formula.printed.but(**kept.departure)
    p = precision(kept.dtype)
    a, b = predict(formula, reading, sample, p), predict(formula, formula.printed, sample, p)
    if parted(a, b) is not None:
        return True
    if not isinstance(formula, Map) or formula.meaning(reading) != formula.meaning(formula.printed):
        return False
    assert isinstance(sample, Sample)
    xp = Floating(p.numpy)
    outside = (
        miss(a, evaluate(formula, formula.printed, sample, xp), 0),
        miss(b, evaluate(formula, reading, sample, xp), 0),
    )
    return any(missed is not None for missed in outside)


@pytest.mark.parametrize("line_id", LINES)
def test_the_inputs_separate_every_pair_of_readings_that_are_different_functions(line_id: str) -> None:
    formula = line(line_id)
    printed = [r for r in searched(formula, every_hyperparameter(formula)) if _evaluations_are_printed(formula, r)]
    readings = list(dict.fromkeys(map(formula.simplest, printed)))  # test_optimizers shows that these are one function
    inputs = (*witness.replays(formula, "float64"), *samples(formula, "float64", profile("standard"), 0))
    openings = Predictions(formula, precision("float64"), [_opening(sample) for sample in inputs])
    whole = Predictions(formula, precision("float64"), inputs)
    unseparated = [
        (str(a), str(b))
        for a, b in itertools.combinations(readings, 2)
        if not _are_separated(openings, a, b)
        and not _are_one_function(formula, a, b, inputs)
        and not _are_separated(whole, a, b)
    ]
    assert unseparated == []


def _are_separated(predictions: Predictions, a: Reading, b: Reading) -> bool:
    return any(parted(predictions(i, a), predictions(i, b)) for i in range(len(predictions.samples)))


def _opening(sample: AnySample) -> AnySample:
    """The first steps of a trace: readings that part there part on the whole of it."""
    if isinstance(sample, Sample):
        return sample
    trace = sample.trace
    return replace(sample, trace=replace(trace, gradients=trace.gradients[:OPENING], rates=trace.rates[:OPENING]))


def _evaluations_are_printed(formula: Formula, reading: Reading) -> bool:
    return all(reading[a.name] == a.printed for a in formula.axes if a.kind == "evaluation")


def _are_one_function(formula: Formula, a: Reading, b: Reading, inputs: tuple) -> bool:
    """Whether the exact values of two readings agree wherever both have one: options may coincide in combination."""
    with precise() as xp, np.errstate(all="ignore"):
        for sample in [s for s in inputs if s.finite][:12]:
            try:
                first, second = evaluate(formula, a, sample, xp), evaluate(formula, b, sample, xp)
            except (NotConformable, ZeroDivisionError):
                continue
            for name in first:
                if np.shape(first[name]) != np.shape(second[name]):
                    return False
                pairs = zip(np.ravel(first[name]), np.ravel(second[name]), strict=True)
                if not all(x.overlaps(y) for x, y in pairs if x.is_finite() and y.is_finite()):
                    return False
    return True


def test_the_same_seed_finds_the_same_witness() -> None:
    formula = line("scalar.max")
    departure = witness.Departure.of(formula, formula.reading("printed", ties="first"))
    assert witness.search(formula, "float32", departure, 3) == witness.search(formula, "float32", departure, 3)


def test_a_tie_is_shrunk_to_two_zeros_and_adams_parting_to_two_steps() -> None:
    maximum, adam = line("scalar.max"), line("optimizer.adam")
    tie = witness.search(maximum, "float64", witness.Departure((("ties", "split"),)))
    assert tie.arrays["x"] == ["0x0.0p+0", "0x0.0p+0"]
    parting = witness.search(adam, "float64", witness.Departure((("correction", "complement-of-power"),)))
    assert len(parting.arrays["gradients"]) == 2


def test_readings_that_are_one_function_have_no_witness_and_say_so() -> None:
    formula = line("optimizer.momentum")
    # a sum starts at V1 = g whether it starts from zero or from the first gradient
    same = Reading(tuple((a, {"accumulation": "sum"}.get(a, o)) for a, o in formula.printed.choices))
    sample = samples(formula, "float64", profile("quick"), 0)[:1]
    predictions = Predictions(formula, precision("float64"), sample)
    assert parted(predictions(0, same), predictions(0, same.but(start="first-gradient"))) is None


def test_numbers_survive_being_kept() -> None:
    values = np.asarray([[0.1, -0.0], [np.inf, 5e-324]])
    again = witness.from_hex(witness.to_hex(values), np.dtype(np.float64))
    assert again.tobytes() == values.tobytes()
    assert np.isnan(witness.from_hex(witness.to_hex(np.asarray(np.nan)), np.dtype(np.float32)))
