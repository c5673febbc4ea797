"""Witnesses: they separate what they say they separate, are the same for the same seed, and cover every pair of readings."""

import itertools
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import jsonschema
import msgspec
import numpy as np
import pytest
from gradspec.adapters import available, load
from gradspec.crosscheck.arithmetic.formats import precision
from gradspec.crosscheck.arithmetic.objects import precise
from gradspec.crosscheck.inputs.profiles import profile
from gradspec.crosscheck.inputs.samples import AnySample, Sample
from gradspec.crosscheck.inputs.shared import samples
from gradspec.crosscheck.readings.compare import Question, allowed, searched, violation
from gradspec.crosscheck.readings.evaluate import evaluate
from gradspec.crosscheck.readings.separate import separated
from gradspec.crosscheck.witnesses import schema, store
from gradspec.crosscheck.witnesses.replay import replays, sample_of
from gradspec.crosscheck.witnesses.search import departures, search
from gradspec.crosscheck.witnesses.store import Departure, Kept, WitnessFileError, from_hex, kept, to_hex
from gradspec.reference import ArgumentError, Formula, Map, NotConformable, Optimizer, Reading, catalogue, line
from gradspec.reference.namespace import Floating
from gradspec.reference.vocabulary import Scope

# a witness is of one weight, or of a vector: a line of matrices has none
VECTORS = [f for f in catalogue(beyond=True).values() if not (isinstance(f, Optimizer) and f.scope is Scope.MATRIX)]
LINES = [formula.id for formula in VECTORS if formula.axes]
DTYPES = ("float64", "float32", "bfloat16", "float16")
OPENING = 6  # steps of a trace on which nearly all readings of an optimizer have parted


def claims_on(line_id: str) -> list[dict[str, str]]:
    return [dict(native.claim) for name in available() for native in load(name).natives if native.line == line_id]


def every_hyperparameter(formula: Formula) -> list[str]:
    return [h.name for h in formula.hyperparameters] if isinstance(formula, Optimizer) else []


@pytest.mark.parametrize("line_id", LINES)
def test_every_option_and_every_claim_has_been_searched_for_in_every_dtype(line_id: str) -> None:
    formula = line(line_id)
    wanted = {d.axes for d in departures(formula, claims_on(line_id))}
    for dtype in DTYPES:
        there = {Departure(tuple(one.departure.items())).axes for one in kept(line_id) if one.dtype == dtype}
        assert {frozenset(axes) for axes in wanted} <= {frozenset(axes) for axes in there}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("line_id", LINES)
def test_a_kept_witness_separates_the_readings_it_is_kept_for(line_id: str, dtype: str) -> None:
    found = [one for one in kept(line_id) if one.dtype == dtype and one.found]
    assert [one.departure for one in found if not _separates(line(line_id), one)] == []


def test_a_witness_of_a_tie_whose_input_has_no_tie_separates_nothing() -> None:
    formula = line("scalar.max")
    tie = next(one for one in kept("scalar.max") if one.departure == {"ties": "split"} and one.dtype == "float64")
    untied = msgspec.structs.replace(tie, arrays={**tie.arrays, "x": ["0x1.0p+0", "0x0.0p+0"]})
    assert _separates(formula, tie) and not _separates(formula, untied)


def _separates(formula: Formula, witness: Kept) -> bool:
    """Whether no number belongs to both readings; of one function, whether one evaluation violates the other."""
    sample, reading = sample_of(formula, witness), Departure(tuple(witness.departure.items())).reading(formula)
    p = precision(witness.dtype)
    a, b = allowed(formula, reading, sample, p), allowed(formula, formula.printed, sample, p)
    if separated(a, b) is not None:
        return True
    if not isinstance(formula, Map) or formula.meaning(reading) != formula.meaning(formula.printed):
        return False
    xp = Floating(p.numpy)
    printed, other = evaluate(formula, formula.printed, sample, xp), evaluate(formula, reading, sample, xp)
    return violation(a, printed) is not None or violation(b, other) is not None


@pytest.mark.parametrize("line_id", LINES)
def test_the_inputs_separate_every_pair_of_readings_that_are_different_functions(line_id: str) -> None:
    formula = line(line_id)
    printed = [r for r in searched(formula, every_hyperparameter(formula)) if _evaluations_are_printed(formula, r)]
    readings = list(dict.fromkeys(map(formula.simplest, printed)))  # test_optimizers shows that these are one function
    inputs = (*replays(formula, "float64"), *samples(formula, "float64", profile("standard"), 0))
    openings = [Question(formula, _opening(sample), "float64") for sample in inputs]
    whole = [Question(formula, sample, "float64") for sample in inputs]
    unseparated = [
        (str(a), str(b))
        for a, b in itertools.combinations(readings, 2)
        if not _are_separated(openings, a, b)
        and not _are_one_function(formula, a, b, inputs)
        and not _are_separated(whole, a, b)
    ]
    assert unseparated == []


def _are_separated(questions: Sequence[Question], a: Reading, b: Reading) -> bool:
    return any(separated(question.allows(a), question.allows(b)) for question in questions)


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
    departure = Departure.of(formula, formula.reading("printed", ties="first"))
    assert search(formula, "float32", departure, 3) == search(formula, "float32", departure, 3)


def test_a_tie_is_shrunk_to_two_zeros_and_adams_parting_to_two_steps() -> None:
    maximum, adam = line("scalar.max"), line("optimizer.adam")
    tie = search(maximum, "float64", Departure((("ties", "split"),)))
    assert tie.arrays["x"] == ["0x0.0p+0", "0x0.0p+0"]
    step = search(adam, "float64", Departure((("correction", "complement-of-power"),)))
    assert len(step.arrays["gradients"]) == 2


def test_readings_that_are_one_function_have_no_witness_and_say_so() -> None:
    formula = line("optimizer.momentum")
    # a sum starts at V1 = g whether it starts from zero or from the first gradient
    same = Reading(tuple((a, {"accumulation": "sum"}.get(a, o)) for a, o in formula.printed.choices))
    question = Question(formula, samples(formula, "float64", profile("quick"), 0)[0], "float64")
    assert separated(question.allows(same), question.allows(same.but(start="first-gradient"))) is None


def test_numbers_survive_being_kept() -> None:
    values = np.asarray([[0.1, -0.0], [np.inf, 5e-324]])
    again = from_hex(to_hex(values), np.dtype(np.float64))
    assert again.tobytes() == values.tobytes()
    assert np.isnan(from_hex(to_hex(np.asarray(np.nan)), np.dtype(np.float32)))


# --- the files --------------------------------------------------------------------------------------------------------


def test_the_committed_schema_is_the_generated_one() -> None:
    said = "run python -m gradspec.crosscheck.witnesses.schema"
    assert schema.FILE.read_text(encoding="utf-8") == schema.as_text(), said


@pytest.mark.parametrize("path", sorted(store.FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_a_file_of_witnesses_follows_the_schema_and_speaks_of_what_its_line_has(path: Path) -> None:
    jsonschema.validate(json.loads(path.read_text(encoding="utf-8")), schema.schema())
    formula = line(path.stem)
    gone = [one.departure for one in kept(path.stem) if not one.departure.keys() <= {axis.name for axis in formula.axes}]
    gone += [one.departure for one in kept(path.stem) if _has_gone(formula, one.departure)]
    assert not gone, f"gradspec report --line {path.stem} --refresh-witnesses searches anew"


def _has_gone(formula: Formula, departure: dict[str, str]) -> bool:
    try:
        Departure(tuple(departure.items())).reading(formula)
    except ArgumentError:
        return True
    return False


def test_a_departure_that_its_line_no_longer_has_is_seen_and_ends_nothing() -> None:
    stale = msgspec.structs.replace(kept("scalar.max")[0], departure={"knots": "split"})
    assert _has_gone(line("scalar.max"), stale.departure) and _has_gone(line("scalar.max"), {"ties": "none"})
    assert not _has_gone(line("scalar.max"), {"ties": "split"})
    assert sample_of(line("scalar.max"), stale).label.kind == "witness"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace('"schema_version": 1', '"schema_version": 2'), "has schema version 2 where.* reads 1"),
        (lambda text: text.replace('"line": "scalar.max"', '"line": "scalar.min"'), "has the witnesses of scalar.min"),
        (lambda text: text.replace('"found": true', '"found": "yes"'), "Expected `bool`.*witnesses"),
        (lambda text: text.replace('"schema": "gradspec-witnesses"', '"schema": "tunes"'), "schema"),
        (lambda text: text[: len(text) // 2], "truncated"),
        (lambda text: "[]", "Expected `object`"),
    ],
    ids=["version", "line", "type", "schema", "cut", "former"],
)
def test_a_file_that_cannot_be_read_says_which_why_and_what_to_do(
    change: Callable[[str], str], words: str, tmp_path: Path
) -> None:
    path = tmp_path / "scalar.max.json"
    path.write_text(change(store.path_of("scalar.max").read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(WitnessFileError, match=words) as refused:
        store.read(path, "scalar.max")
    assert str(path) in str(refused.value)
    assert "gradspec report --line scalar.max --refresh-witnesses" in str(refused.value)


def test_what_is_kept_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both = kept("optimizer.sgd"), kept("scalar.max")
    monkeypatch.setattr(store, "FOLDER", tmp_path)
    for line_id, witnesses in zip(("optimizer.sgd", "scalar.max"), both, strict=True):
        store.keep(line_id, reversed(witnesses))
        assert store.read(store.path_of(line_id), line_id) == witnesses
    kept.cache_clear()


def test_a_line_that_reads_nan_has_a_witness_with_one_and_no_other_line_has() -> None:
    with_nan = {path.stem for path in store.FOLDER.glob("*.json") if '"nan"' in re.sub(r'"nan": "', "", path.read_text())}
    assert with_nan == {formula.id for formula in catalogue().values() if isinstance(formula, Map) and formula.reads_nan}
