"""Defaults side by side: read from signatures, under one set of names, differing ones marked."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
import pytest

pytest.importorskip("torch")
pytest.importorskip("optax")

import optax
import torch
from gradspec.adapters import framework, framework_names
from gradspec.adapters.contract import Framework
from gradspec.cli import main
from gradspec.crosscheck.answers import Defaults, Row, Table
from gradspec.crosscheck.porting.defaults import REFERENCE, defaults
from gradspec.reference import ArgumentError, line
from gradspec.reports.terminal import text

TORCH, OPTAX = "torch.optim", "optax"


def table(name: str) -> Table:
    (only,) = defaults(name).tables
    return only


def row(of: Table, name: str) -> Row:
    return next(row for row in of.rows if row.name == name)


def test_an_optimizer_is_found_in_each_framework_whatever_its_case() -> None:
    assert {f"{TORCH}.Adam", f"{OPTAX}.adam", "jax.example_libraries.optimizers.adam"} <= set(table("Adam").columns)
    assert table("ADAM") == table("adam")


def test_defaults_are_those_of_the_signatures() -> None:
    rmsprop = row(table("rmsprop"), "beta").defaults
    assert rmsprop[f"{TORCH}.RMSprop"].value == inspect.signature(torch.optim.RMSprop).parameters["alpha"].default
    assert rmsprop[f"{OPTAX}.rmsprop"].value == inspect.signature(optax.rmsprop).parameters["decay"].default
    assert rmsprop[REFERENCE].value == line("rmsprop").hyperparameter("beta").default


def test_a_row_has_gradspecs_name_and_each_cell_the_librarys_own() -> None:
    beta1 = row(table("adam"), "beta1")
    assert beta1.defaults[f"{TORCH}.Adam"].own == "betas[0]" and beta1.defaults[f"{OPTAX}.adam"].own == "b1"


def test_rows_differ_where_two_values_do() -> None:
    rmsprop = table("rmsprop")
    assert row(rmsprop, "beta").differs and not row(rmsprop, "eps").differs
    assert not row(rmsprop, "momentum").differs  # none and 0 are both no momentum


def test_a_rate_without_a_default_is_required() -> None:
    rate = row(table("adam"), "rate").defaults
    assert rate[f"{OPTAX}.adam"].required and not rate[f"{TORCH}.Adam"].required
    assert rate[f"{TORCH}.Adam"].value == 0.001


def test_factories_that_are_partial_functions_are_found_too() -> None:
    assert f"{OPTAX}.nadam" in table("nadam").columns


def test_an_optimizer_beyond_the_reference_keeps_its_own_names() -> None:
    asgd = table("asgd")
    assert asgd.line == "" and REFERENCE not in asgd.columns
    assert row(asgd, "lambd").defaults[f"{TORCH}.ASGD"].value == 1e-4


def test_a_line_that_nobody_ships_is_said_to_be_one() -> None:
    (qhm,) = defaults("qhm", among=(framework("pytorch"),)).tables
    assert not qhm.rows and "no installed framework has it" in text(defaults("qhm", among=(framework("pytorch"),)))
    assert "qhm" not in {of.name for of in defaults(among=(framework("pytorch"),)).tables}


def test_without_a_name_there_is_a_table_for_each_line_that_is_shipped() -> None:
    assert {"sgd", "momentum", "rmsprop", "adam", "adamw", "adagrad"} <= {t.name for t in defaults().tables}


def test_frameworks_that_are_not_installed_are_named_with_the_command_that_does() -> None:
    missing = {name: framework(name).install_command() for name in framework_names() if not framework(name).installed()}
    assert defaults("adam").missing == missing


def test_an_unknown_optimizer_is_refused_with_the_nearest() -> None:
    with pytest.raises(ArgumentError, match="adam"):
        defaults("adma")


def adam(params: Any, lr: float = 1e-3, b1: float = 0.8, epsilon: float = 1e-7, *, amsgrad: bool = False) -> None:
    """As it might be called elsewhere."""


class Elsewhere(Framework):
    """A framework with one optimizer."""

    name = package = "elsewhere"
    distributions = ("numpy",)
    modules: ClassVar[Mapping[str, str]] = {"elsewhere": "numpy"}

    def optimizers(self) -> dict[str, Any]:
        return {"elsewhere.adam": adam}


def test_any_framework_that_tells_its_optimizers_gets_a_column() -> None:
    (both,) = defaults("adam", among=(framework("pytorch"), Elsewhere())).tables
    assert both.columns == [REFERENCE, f"{TORCH}.Adam", "elsewhere.adam"]
    assert row(both, "eps").differs and row(both, "eps").defaults["elsewhere.adam"].own == "epsilon"
    assert row(both, "beta1").differs and not row(both, "rate").differs
    assert set(row(both, "amsgrad").defaults) == {f"{TORCH}.Adam", "elsewhere.adam"}


def test_torch_and_keras_differ_in_adams_epsilon() -> None:
    pytest.importorskip("keras")
    eps = row(table("adam"), "eps")
    assert eps.differs
    assert (eps.defaults[f"{TORCH}.Adam"].value, eps.defaults["keras.optimizers.Adam"].value) == (1e-8, 1e-7)


def test_the_text_marks_what_differs_and_fits_a_terminal() -> None:
    said = text(defaults()).splitlines()
    assert max(map(len, said)) <= 100
    assert any(row.startswith("≠ beta") and "0.99 (alpha)" in row for row in said)


def test_the_command_prints_text_and_data(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["defaults", "adam"]) == 0
    assert "torch.optim.Adam" in capsys.readouterr().out
    assert main(["defaults", "adam", "--json"]) == 0
    assert msgspec.json.decode(capsys.readouterr().out, type=Defaults) == defaults("adam")


def test_the_command_refuses_an_unknown_name_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["defaults", "adma"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
