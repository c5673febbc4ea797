"""The lines beyond the sheet, and the options that the field has: against their formulas in NumPy, the libraries that ship
them, and a step counter that a framework traces."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from gradspec.cli import main
from gradspec.crosscheck.arithmetic.formats import precision
from gradspec.crosscheck.arithmetic.rounding import Enclosure, Rounding
from gradspec.crosscheck.cells.matrix import chosen_lines
from gradspec.crosscheck.readings.compare import searched
from gradspec.reference import ArgumentError, Optimizer, Reading, catalogue, line
from gradspec.reference.formula import Configured, Formula
from gradspec.reference.vocabulary import Scope

from .covering import single_changes

BEYOND = tuple(
    f"optimizer.{name}"
    for name in (
        *("adabelief", "adadelta", "adafactor", "adagrad", "adamax", "adamw", "amsgrad", "lamb", "lars", "lion", "muon"),
        *("nadam", "qhm", "radam", "yogi"),
    )
)
ONE_OF_EACH_FAMILY = (
    *("sgd", "momentum", "rmsprop", "adam", "adagrad"),
    *("adabelief", "adadelta", "adafactor", "adamax", "lamb", "lars", "lion", "muon", "qhm", "radam", "yogi"),
)
STEPS = 6
RATES = [0.1, 0.2, 0.05, 0.1, 0.3, 0.1]
HYPER = {
    "beta": 0.8,
    "beta1": 0.9,
    "beta2": 0.7,
    "eps": 2.0**-7,
    "eps_root": 2.0**-5,
    "momentum": 0.7,
    "dampening": 0.3,
    "weight_decay": 0.1,
    "initial_rate": 0.25,
    "momentum_decay": 0.05,
    "rate_decay": 0.3,
    "rho": 0.8,
    "nu": 0.6,
    "initial_scale": 0.25,
    "initial_mean": 0.125,
    "initial_first": 0.5,
    "initial_second": 0.375,
    "trust_coefficient": 0.25,
    "decay_exponent": 0.8,
    "eps_scale": 0.125,
    "clip_threshold": 0.75,
    "threshold": 4.5,
    "ns_a": 3.4445,
    "ns_b": -4.775,
    "ns_c": 2.0315,
}

_draw = np.random.default_rng(0)
W = _draw.normal(size=5)
G = _draw.normal(size=(STEPS, 5)) * np.array([1.0, 0.3, 2.0, 0.1, 0.5, 0.2])[:, None]  # the largest S does not come last


SECOND_COLUMN = np.array([1.0, -0.5])


def given(formula: Optimizer) -> tuple[np.ndarray, np.ndarray]:
    """Weights and gradients: of a matrix, where the line is of matrices only."""
    if formula.scope is not Scope.MATRIX:
        return W, G
    return np.multiply.outer(W, SECOND_COLUMN), np.multiply.outer(G, SECOND_COLUMN**2)


def optimizer(name: str) -> Optimizer:
    found = line(name)
    assert isinstance(found, Optimizer)
    return found


def budgets(formula: Optimizer, reading: Reading, flushing: bool = False) -> list[Enclosure]:
    """What the weights may be after each step, in float64."""
    p = precision("float64")
    xp = Rounding(p.flushing() if flushing else p)
    hyper = {h.name: xp.asarray(HYPER[h.name]) for h in formula.hyperparameters}
    w, gradients = given(formula)
    rates = [xp.asarray(rate) for rate in RATES]
    return [w for w, _ in formula.steps_in(xp, xp.asarray(w), [xp.asarray(g) for g in gradients], rates, hyper, reading)]


def fits(name: str, axes: Mapping[str, str], weights: list[np.ndarray], flushing: bool = False) -> bool:
    """Whether weights are within the budget of the standard reading with ``axes`` changed."""
    formula = optimizer(name)
    expected = budgets(formula, formula.standard.but(**axes), flushing)
    return all(budget.contains(w).all() for budget, w in zip(expected, weights, strict=True))


# --- the catalogue --------------------------------------------------------------------------------------------------


def test_the_sheet_has_41_lines_and_those_beyond_it_come_when_they_are_asked_for() -> None:
    assert [formula.number for formula in catalogue().values()] == [*range(1, 42)]
    assert tuple(catalogue(beyond=True))[41:] == BEYOND
    assert [name for name, formula in catalogue(beyond=True).items() if not formula.on_the_sheet] == [*BEYOND]


@pytest.mark.parametrize("name", BEYOND)
def test_a_line_beyond_the_sheet_is_found_by_its_names_and_held_against_frameworks_when_it_is_named(name: str) -> None:
    formula = line(name)
    assert line(formula.name) is formula
    assert chosen_lines([formula.name]) == [formula]
    assert formula not in chosen_lines([]) + chosen_lines(["optimizer"])
    assert "https://" in formula.source


def test_a_misspelt_line_beyond_the_sheet_is_answered_with_the_nearest() -> None:
    with pytest.raises(ArgumentError, match=r"Did you mean optimizer\.adagrad"):
        line("adagrd")


def test_the_lines_of_a_family_have_one_body_and_the_same_options_of_the_same_axes() -> None:
    family = [f for f in catalogue(beyond=True).values() if isinstance(f, Optimizer) and f.family == "adam"]
    assert [f.name for f in family] == ["adam", "adamw", "amsgrad", "nadam"]
    assert len({(f.update, f.start, f.hyperparameters) for f in family}) == 1
    assert len({tuple((axis.name, axis.options) for axis in f.axes) for f in family}) == 1
    assert len({f.standard for f in family}) == len({f.printed for f in family}) == 4


def test_a_line_without_a_family_is_its_own() -> None:
    assert line("scalar.sum").family == "scalar.sum"


@pytest.mark.parametrize("name", ONE_OF_EACH_FAMILY)
def test_no_library_name_stands_for_two_hyperparameters_and_a_neutral_value_is_one_that_may_be_given(name: str) -> None:
    hypers = optimizer(name).hyperparameters
    names = [known for h in hypers for known in (h.name, *h.aliases)]
    assert len(names) == len(set(names))
    assert all(h.neutral is None or h.low <= h.neutral < h.high for h in hypers)


@pytest.mark.parametrize("name", ONE_OF_EACH_FAMILY)
def test_with_a_neutral_hyperparameter_an_option_is_one_that_does_not_need_it(name: str) -> None:
    formula = optimizer(name)
    for axis in formula.axes:
        for option in axis.options:
            neutral = formula.hyperparameter(option.needs).neutral if option.needs else None
            if neutral is None:
                continue
            w, gradients = given(formula)
            runs = {
                other.name: formula.run(
                    w, gradients, RATES, formula.standard.but(**{axis.name: other.name}), **{option.needs: neutral}
                )
                for other in axis.options
                if other is option or other.needs != option.needs
            }
            mine = runs.pop(option.name)
            assert any(np.allclose(mine, other, rtol=1e-13) for other in runs.values()), option.name


def test_the_command_line_shows_them_in_a_section_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lines"]) == 0
    sheet, beyond = capsys.readouterr().out.split("Beyond the sheet")
    assert all(name in beyond and name not in sheet for name in BEYOND)
    assert main(["lines", "--json"]) == 0
    assert [entry["id"] for entry in json.loads(capsys.readouterr().out) if not entry["on_the_sheet"]] == [*BEYOND]


@pytest.mark.parametrize("name", BEYOND)
def test_a_line_beyond_the_sheet_is_explained_with_its_options_and_the_names_that_libraries_have(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", name]) == 0
    out = " ".join(capsys.readouterr().out.split())
    formula = optimizer(name)
    assert "beyond the sheet" in out
    assert "\\frac" not in out.partition("LaTeX")[0]
    assert all(option in out for axis in formula.axes for option in axis.names)
    assert all(known in out for hyper in formula.hyperparameters for known in hyper.aliases)


# --- what a conformance run searches --------------------------------------------------------------------------------


def test_a_conformance_run_leaves_options_to_identification_unless_they_are_printed_standard_or_claimed() -> None:
    given = ("beta1", "beta2", "eps")
    adam, amsgrad = line("adam"), line("amsgrad")
    assert len(searched(adam, given)) == 36
    assert {reading["maximum"] for reading in searched(adam, given)} == {"none"}
    assert {reading["maximum"] for reading in searched(amsgrad, given)} == {"none", "before-correction"}
    claimed = searched(adam, given, {"maximum": "after-correction"})
    assert {reading["maximum"] for reading in claimed} == {"none", "after-correction"}


def test_the_printed_reading_is_searched_first_even_by_a_subject_that_takes_no_hyperparameter() -> None:
    for name in BEYOND:
        assert searched(line(name), ())[0] == line(name).printed


# --- the formulas, a few lines of NumPy each ------------------------------------------------------------------------

Hats = Callable[[int, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
B1, B2, EPS, LAMBDA, MU = (HYPER[name] for name in ("beta1", "beta2", "eps", "weight_decay", "momentum"))


def by_adam(hats: Hats, root: Callable = lambda s: np.sqrt(s) + EPS, rate: Callable = lambda t, a: a) -> list[np.ndarray]:
    """Adam whose averages ``hats(t, m, v)`` corrects and ``root`` takes the root of, with the step size ``rate(t, α)``."""
    w, m, v, found = W, 0.0, 0.0, []
    for t, (g, a) in enumerate(zip(G, RATES, strict=True), start=1):
        m, v = B1 * m + (1 - B1) * g, B2 * v + (1 - B2) * g**2
        m_hat, v_hat = hats(t, m, v)
        w = w - rate(t, a) * m_hat / root(v_hat)
        found.append(w)
    return found


def standard_hats(t: int, m: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return m / (1 - B1**t), v / (1 - B2**t)


def guarded_hats(t: int, m: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return (m / (1 - B1 ** (t - 1)), v / (1 - B2 ** (t - 1))) if t > 1 else (m, v)


def from_zero_hats(t: int, m: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return m / np.float64(1 - B1 ** (t - 1)), v / np.float64(1 - B2 ** (t - 1))


def by_stored(first: bool, second: bool) -> list[np.ndarray]:
    """Adam that stores the quotients of its corrections."""
    w, m, v, found = W, 0.0, 0.0, []
    for t, (g, a) in enumerate(zip(G, RATES, strict=True), start=1):
        m, v = B1 * m + (1 - B1) * g, B2 * v + (1 - B2) * g**2
        m_hat, v_hat = standard_hats(t, m, v)
        w = w - a * m_hat / (np.sqrt(v_hat) + EPS)
        m, v = m_hat if first else m, v_hat if second else v
        found.append(w)
    return found


def by_new_weights(correcting: tuple[float, float]) -> list[np.ndarray]:
    """Adam in which β is the weight of the new gradient, corrected by 1 - b^t for each b."""
    w, m, v, found = W, 0.0, 0.0, []
    for t, (g, a) in enumerate(zip(G, RATES, strict=True), start=1):
        m, v = B1 * g + (1 - B1) * m, B2 * g**2 + (1 - B2) * v
        w = w - a * m / (1 - correcting[0] ** t) / (np.sqrt(v / (1 - correcting[1] ** t)) + EPS)
        found.append(w)
    return found


def by_compounding_rate() -> list[np.ndarray]:
    """Adam that writes each corrected rate back as a factor of the next."""
    w, m, v, factor, found = W, 0.0, 0.0, 1.0, []
    for t, (g, a) in enumerate(zip(G, RATES, strict=True), start=1):
        factor *= np.sqrt(1 - B2**t) / (1 - B1**t)
        m, v = B1 * m + (1 - B1) * g, B2 * v + (1 - B2) * g**2
        w = w - a * factor * m / (np.sqrt(v) + EPS)
        found.append(w)
    return found


def by_nothing_kept(first_start: float = 0.0) -> list[np.ndarray]:
    """Adam whose averages are never written back; V starts at a number."""
    w, found = W, []
    for t, (g, a) in enumerate(zip(G, RATES, strict=True), start=1):
        m_hat, v_hat = standard_hats(t, B1 * first_start + (1 - B1) * g, (1 - B2) * g**2)
        w = w - a * m_hat / (np.sqrt(v_hat) + EPS)
        found.append(w)
    return found


def by_adam_before_root() -> list[np.ndarray]:
    """Adam with ε under the root of what is not corrected."""
    w, m, v, found = W, 0.0, 0.0, []
    for t, (g, a) in enumerate(zip(G, RATES, strict=True), start=1):
        m, v = B1 * m + (1 - B1) * g, B2 * v + (1 - B2) * g**2
        w = w - a * np.sqrt(1 - B2**t) / (1 - B1**t) * m / np.sqrt(v + EPS)
        found.append(w)
    return found


def by_adam_from_first() -> list[np.ndarray]:
    """Adam whose averages start as the first gradient and its square, not corrected."""
    w, m, v, found = W, G[0], G[0] ** 2, []
    for t, (g, a) in enumerate(zip(G, RATES, strict=True), start=1):
        if t > 1:
            m, v = B1 * m + (1 - B1) * g, B2 * v + (1 - B2) * g**2
        w = w - a * m / (np.sqrt(v) + EPS)
        found.append(w)
    return found


def by_lerped_nadam() -> list[np.ndarray]:
    w, m, v, found = W, 0.0, 0.0, []
    for t, (g, a) in enumerate(zip(G, RATES, strict=True), start=1):
        m, v = B1 * m + (1 - B1) * g, B2 * v + (1 - B2) * g**2
        w = w - a * (B1 * m + (1 - B1) * g) / (1 - B1**t) / (np.sqrt(v / (1 - B2**t)) + EPS)
        found.append(w)
    return found


def by_amsgrad(before: bool = False, after: bool = False) -> list[np.ndarray]:
    """AMSGrad, where the bias is corrected before or after the maximum is taken, or not at all, as published."""
    peak = np.zeros_like(W)

    def hats(t: int, m: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        peak[:] = np.maximum(peak, v / (1 - B2**t) if before else v)
        return m / (1 - B1**t) if before or after else m, peak / (1 - B2**t) if after else peak

    return by_adam(hats)


def by_adamw(factor: Callable[[float], float], after: bool = False) -> list[np.ndarray]:
    """Adam with weights that shrink by ``factor(α)`` before or after the step."""
    w, m, v, found = W, 0.0, 0.0, []
    for t, (g, a) in enumerate(zip(G, RATES, strict=True), start=1):
        m, v = B1 * m + (1 - B1) * g, B2 * v + (1 - B2) * g**2
        step = a * m / (1 - B1**t) / (np.sqrt(v / (1 - B2**t)) + EPS)
        w = (w - step) * factor(a) if after else w * factor(a) - step
        found.append(w)
    return found


def by_nadam(psi: float, published: bool = False) -> list[np.ndarray]:
    """NAdam with momenta μ that rise; as published, m itself is averaged with them, and n is multiplied by ν."""
    mu = [B1 * (1 - 0.5 * 0.96 ** (t * psi)) for t in range(STEPS + 2)]
    w, m, n, found = W, 0.0, 0.0, []
    for t, (g, a) in enumerate(zip(G, RATES, strict=True), start=1):
        kept = mu[t] if published else B1
        m, n = kept * m + (1 - kept) * g, B2 * n + (1 - B2) * g**2
        ahead = mu[t + 1] * m / (1 - np.prod(mu[1 : t + 2])) + (1 - mu[t]) * g / (1 - np.prod(mu[1 : t + 1]))
        w = w - a * ahead / (np.sqrt((B2 if published else 1) * n / (1 - B2**t)) + EPS)
        found.append(w)
    return found


def by_adagrad(root: Callable, initial: float = 0.0, rate: Callable = lambda t, a: a, mu: float = 0.0) -> list[np.ndarray]:
    w, total, buffer, found = W, initial, 0.0, []
    for t, (g, a) in enumerate(zip(G, RATES, strict=True), start=1):
        total = total + g**2
        buffer = mu * buffer + (1 - mu) * g / root(total)
        w = w - rate(t, a) * buffer
        found.append(w)
    return found


def by_rmsprop(
    root: Callable, debias: bool = False, mu: float = 0.0, nesterov: bool = False, beta: float = HYPER["beta"]
) -> list[np.ndarray]:
    """RMSprop; with μ the rate is in the buffer."""
    w, s, buffer, found = W, 0.0, 0.0, []
    for t, (g, a) in enumerate(zip(G, RATES, strict=True), start=1):
        s = beta * s + (1 - beta) * g**2
        step = a * g / root(s / (1 - beta**t) if debias else s)
        buffer = mu * buffer + step
        w = w - (step + mu * buffer if nesterov else buffer)
        found.append(w)
    return found


def by_momentum(
    penalty: float = 0.0, whole: bool = False, shrunk: Callable[[float], float] = lambda a: 1.0
) -> list[np.ndarray]:
    """A dampened buffer, with L2 decay, with weights that shrink, or with Nesterov's step in which g is whole."""
    beta, d, w, buffer, found = HYPER["beta"], HYPER["dampening"], W, 0.0, []
    for g, a in zip(G, RATES, strict=True):
        penalised = g + penalty * w
        buffer = beta * buffer + (1 - d) * penalised
        w = w * shrunk(a) - a * (penalised + beta * buffer if whole else buffer)
        found.append(w)
    return found


def by_sgd(penalty: float, shrinking: float, taken: Callable = lambda a: 0.0, after: float = 0.0) -> list[np.ndarray]:
    """Gradient descent with L2 decay, decay of the weights before or after the step, and a number taken off them."""
    w, found = W, []
    for g, a in zip(G, RATES, strict=True):
        w = w * (1 - shrinking) - taken(a) - a * (g + penalty * w)
        w = w * (1 - after)
        found.append(w)
    return found


def inverse_time(t: int, a: float) -> float:
    return a / (1 + HYPER["rate_decay"] * (t - 1))


def by_lion(decayed: Callable[[float], float] = lambda a: 1 - a * LAMBDA) -> list[np.ndarray]:
    w, m, found = W.copy(), np.zeros(5), []
    for a, g in zip(RATES, G, strict=True):
        w = w * decayed(a) - a * np.sign(B1 * m + (1 - B1) * g)
        m = B2 * m + (1 - B2) * g
        found.append(w)
    return found


def by_qhm() -> list[np.ndarray]:
    w, v, nu, found = W.copy(), np.zeros(5), HYPER["nu"], []
    for a, g in zip(RATES, G, strict=True):
        v = HYPER["beta"] * v + (1 - HYPER["beta"]) * g
        w = w - a * ((1 - nu) * g + nu * v)
        found.append(w)
    return found


def by_adamax(before: float = 0.0, after: float = 0.0) -> list[np.ndarray]:
    w, m, u, found = W.copy(), np.zeros(5), np.zeros(5), []
    for t, (a, g) in enumerate(zip(RATES, G, strict=True), start=1):
        m, u = B1 * m + (1 - B1) * g, np.maximum(B2 * u, np.abs(g) + before)
        w = w - a / (1 - B1**t) * m / (u + after)
        found.append(w)
    return found


def by_adadelta() -> list[np.ndarray]:
    w, s, d, rho, found = W.copy(), np.zeros(5), np.zeros(5), HYPER["rho"], []
    for a, g in zip(RATES, G, strict=True):
        s = rho * s + (1 - rho) * g**2
        delta = np.sqrt(d + EPS) / np.sqrt(s + EPS) * g
        d = rho * d + (1 - rho) * delta**2
        w = w - a * delta
        found.append(w)
    return found


def by_radam(threshold: float) -> list[np.ndarray]:
    w, m, v, found = W.copy(), np.zeros(5), np.zeros(5), []
    most = 2 / (1 - B2) - 1
    for t, (a, g) in enumerate(zip(RATES, G, strict=True), start=1):
        m, v = B1 * m + (1 - B1) * g, B2 * v + (1 - B2) * g**2
        step, length = m / (1 - B1**t), most - 2 * t * B2**t / (1 - B2**t)
        if length > threshold:
            r = np.sqrt((length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length))
            step = r * step / (np.sqrt(v / (1 - B2**t)) + EPS)
        w = w - a * step
        found.append(w)
    return found


def by_adabelief(stored: float, former: bool = False) -> list[np.ndarray]:
    w, m, v, found = W.copy(), np.zeros(5), np.zeros(5), []
    for t, (a, g) in enumerate(zip(RATES, G, strict=True), start=1):
        before, m = m, B1 * m + (1 - B1) * g
        v = B2 * v + (1 - B2) * (g - (before if former else m)) ** 2 + stored
        w = w - a * (m / (1 - B1**t)) / (np.sqrt(v / (1 - B2**t)) + EPS)
        found.append(w)
    return found


def by_yogi(start: float = 0.0, corrected: bool = True) -> list[np.ndarray]:
    w, m, v, found = W.copy(), np.full(5, start), np.full(5, start), []
    for t, (a, g) in enumerate(zip(RATES, G, strict=True), start=1):
        m, v = B1 * m + (1 - B1) * g, v - (1 - B2) * np.sign(v - g**2) * g**2
        hats = (m / (1 - B1**t), v / (1 - B2**t)) if corrected else (m, v)
        w = w - a * hats[0] / (np.sqrt(hats[1]) + EPS)
        found.append(w)
    return found


_MILLIONTH = {"first_start": "millionth", "second_start": "millionth"}
_PUBLISHED = {"lookahead": "nadam-published", "second": "times-beta2"}
FORMULAS: dict[str, tuple[str, dict[str, str], Callable[[], list[np.ndarray]]]] = {
    "first only": ("adam", {"correction": "first-only"}, lambda: by_adam(lambda t, m, v: (m / (1 - B1**t), v))),
    "second only": ("adam", {"correction": "second-only"}, lambda: by_adam(lambda t, m, v: (m, v / (1 - B2**t)))),
    "no power": ("adam", {"correction": "complement"}, lambda: by_adam(lambda t, m, v: (m / (1 - B1), v / (1 - B2)))),
    "from zero": ("adam", {"correction": "count-from-zero"}, lambda: by_adam(from_zero_hats)),
    "guarded": ("adam", {"correction": "count-from-zero-guarded"}, lambda: by_adam(guarded_hats)),
    "from two": ("adam", {"correction": "count-from-two"}, lambda: by_adam(lambda t, m, v: standard_hats(t + 1, m, v))),
    "ε inside, before": (
        "adam",
        {"epsilon": "inside-root", "epsilon_order": "before-correction"},
        by_adam_before_root,
    ),
    "from the first": (
        "adam",
        {"correction": "none", "first_start": "first-gradient", "second_start": "first-gradient"},
        by_adam_from_first,
    ),
    "quotients": ("adam", {"stored": "quotient"}, lambda: by_stored(True, True)),
    "quotient of V": ("adam", {"stored": "first-quotient"}, lambda: by_stored(True, False)),
    "quotient of S": ("adam", {"stored": "second-quotient"}, lambda: by_stored(False, True)),
    "compounding": ("adam", {"correction": "compounding", "epsilon_order": "before-correction"}, by_compounding_rate),
    "nothing kept": ("adam", {"stored": "nothing-kept"}, by_nothing_kept),
    "nothing kept, from 1": ("adam", {"stored": "nothing-kept", "first_start": "one"}, lambda: by_nothing_kept(1.0)),
    "β new": ("adam", {"betas": "of-new"}, lambda: by_new_weights((1 - B1, 1 - B2))),
    "β new, corrected as kept": ("adam", {"betas": "of-new-corrected-as-of-kept"}, lambda: by_new_weights((B1, B2))),
    "NAdam, averaged": ("adam", {"lookahead": "nadam-averaged"}, by_lerped_nadam),
    "both ε": (
        "adam",
        {"epsilon": "inside-and-outside"},
        lambda: by_adam(standard_hats, lambda v: np.sqrt(v + HYPER["eps_root"]) + EPS),
    ),
    "AMSGrad before": ("adam", {"maximum": "before-correction"}, lambda: by_amsgrad(after=True)),
    "AMSGrad after": ("adam", {"maximum": "after-correction"}, lambda: by_amsgrad(before=True)),
    "AMSGrad, published": ("amsgrad", {"correction": "none"}, by_amsgrad),
    "over √t": ("adam", {"rate": "over-root-count"}, lambda: by_adam(standard_hats, rate=lambda t, a: a / np.sqrt(t))),
    "inverse time": ("adam", {"rate": "inverse-time"}, lambda: by_adam(standard_hats, rate=inverse_time)),
    "AdamW": ("adamw", {}, lambda: by_adamw(lambda a: 1 - a * LAMBDA)),
    "AdamW, published": ("adamw", {"decay": "decoupled-unscaled"}, lambda: by_adamw(lambda a: 1 - LAMBDA)),
    "AdamW, decay last": ("adamw", {"decay": "decoupled-after"}, lambda: by_adamw(lambda a: 1 - a * LAMBDA, after=True)),
    "AdamW, decay last, unscaled": (
        "adamw",
        {"decay": "decoupled-after-unscaled"},
        lambda: by_adamw(lambda a: 1 - LAMBDA, after=True),
    ),
    "AdamW, relative decay": (
        "adamw",
        {"decay": "decoupled-relative"},
        lambda: by_adamw(lambda a: 1 - a / HYPER["initial_rate"] * LAMBDA),
    ),
    "NAdam": ("nadam", {}, lambda: by_nadam(HYPER["momentum_decay"])),
    "NAdam, published": ("nadam", _PUBLISHED, lambda: by_nadam(HYPER["momentum_decay"], published=True)),
    "NAdam of Keras": ("nadam", {"lookahead": "nadam-steep-schedule"}, lambda: by_nadam(1.0)),
    "Lion": ("lion", {}, by_lion),
    "Lion, unscaled decay": ("lion", {"decay": "decoupled-unscaled"}, lambda: by_lion(lambda a: 1 - LAMBDA)),
    "QHM": ("qhm", {}, by_qhm),
    "Adamax": ("adamax", {}, lambda: by_adamax(before=EPS)),
    "Adamax, published": ("adamax", {"epsilon": "none"}, by_adamax),
    "Adamax of Keras": ("adamax", {"epsilon": "beside-maximum"}, lambda: by_adamax(after=EPS)),
    "Adadelta": ("adadelta", {}, by_adadelta),
    "RAdam": ("radam", {}, lambda: by_radam(5.0)),
    "RAdam, published": ("radam", {"threshold": "four"}, lambda: by_radam(4.0)),
    "RAdam, given": ("radam", {"threshold": "as-set"}, lambda: by_radam(4.5)),
    "AdaBelief": ("adabelief", {}, lambda: by_adabelief(EPS)),
    "AdaBelief, two ε": ("adabelief", {"epsilon": "two"}, lambda: by_adabelief(HYPER["eps_root"])),
    "AdaBelief, former": ("adabelief", {"belief": "former"}, lambda: by_adabelief(EPS, former=True)),
    "Yogi": ("yogi", {}, by_yogi),
    "Yogi, published": ("yogi", {"correction": "none"}, lambda: by_yogi(corrected=False)),
    "Yogi, from a millionth": ("yogi", _MILLIONTH, lambda: by_yogi(1e-6)),
    "Adagrad": ("adagrad", {}, lambda: by_adagrad(lambda s: np.sqrt(s) + EPS)),
    "Adagrad, ε inside": ("adagrad", {"epsilon": "inside-root"}, lambda: by_adagrad(lambda s: np.sqrt(s + EPS))),
    "Adagrad, average": (
        "adagrad",
        {"epsilon": "none", "momentum": "average"},
        lambda: by_adagrad(np.sqrt, mu=MU),
    ),
    "Adagrad, decaying": (
        "adagrad",
        {"start": "initial-scale", "rate": "inverse-time"},
        lambda: by_adagrad(lambda s: np.sqrt(s) + EPS, HYPER["initial_scale"], inverse_time),
    ),
    "RMSprop, both ε": (
        "rmsprop",
        {"epsilon": "inside-and-outside"},
        lambda: by_rmsprop(lambda s: np.sqrt(s + HYPER["eps_root"]) + EPS),
    ),
    "RMSprop, corrected": (
        "rmsprop",
        {"debias": "complement-of-power"},
        lambda: by_rmsprop(lambda s: np.sqrt(s + EPS), debias=True),
    ),
    "RMSprop, Nesterov": (
        "rmsprop",
        {"momentum": "inside-buffer", "nesterov": "lookahead"},
        lambda: by_rmsprop(lambda s: np.sqrt(s + EPS), mu=MU, nesterov=True),
    ),
    "dampened, Nesterov": (
        "momentum",
        {"accumulation": "dampened", "nesterov": "lookahead-whole"},
        lambda: by_momentum(whole=True),
    ),
    "dampened, L2": ("momentum", {"accumulation": "dampened", "decay": "l2"}, lambda: by_momentum(penalty=LAMBDA)),
    "dampened, stable decay": (
        "momentum",
        {"accumulation": "dampened", "decay": "decoupled-stable"},
        lambda: by_momentum(shrunk=lambda a: 1 - a * LAMBDA * ((1 - HYPER["dampening"]) / (1 - HYPER["beta"]))),
    ),
    "SGD, L2": ("sgd", {"decay": "l2"}, lambda: by_sgd(LAMBDA, 0.0)),
    "SGD, constant decay": ("sgd", {"decay": "constant-scaled"}, lambda: by_sgd(0.0, 0.0, lambda a: a * LAMBDA)),
    "SGD, constant decay, unscaled": ("sgd", {"decay": "constant-unscaled"}, lambda: by_sgd(0.0, 0.0, lambda a: LAMBDA)),
    "SGD, decay last, unscaled": ("sgd", {"decay": "decoupled-after-unscaled"}, lambda: by_sgd(0.0, 0.0, after=LAMBDA)),
    "RMSprop, β new": (
        "rmsprop",
        {"betas": "of-new"},
        lambda: by_rmsprop(lambda s: np.sqrt(s + EPS), beta=1 - HYPER["beta"]),
    ),
    "SGD, shrinking": ("sgd", {"decay": "decoupled-unscaled"}, lambda: by_sgd(0.0, LAMBDA)),
}


@pytest.mark.parametrize("case", FORMULAS)
def test_an_option_is_its_formula_in_numpy(case: str) -> None:
    name, axes, weights = FORMULAS[case]
    with np.errstate(divide="ignore", invalid="ignore"):  # a count from zero divides by it
        assert fits(name, axes, weights())


@pytest.mark.parametrize("case", FORMULAS)
def test_a_formula_that_is_off_by_one_part_in_a_hundred_billion_is_rejected(case: str) -> None:
    name, axes, weights = FORMULAS[case]
    if case != "from zero":  # NaN at every step
        assert not fits(name, axes, [w * (1 + 1e-11) for w in weights()])


def test_where_adagrad_has_no_epsilon_a_weight_without_gradients_stays() -> None:
    w = optimizer("adagrad").run(W, np.zeros((2, 5)), 0.1, epsilon="none")
    np.testing.assert_array_equal(w, [W, W])


# --- the libraries that ship them -----------------------------------------------------------------------------------

TORCH: dict[str, tuple[str, dict[str, str], str]] = {
    "Adamax": ("adamax", {}, "Adamax([w], betas=(beta1, beta2), eps=eps)"),
    "Adamax, L2": ("adamax", {"decay": "l2"}, "Adamax([w], betas=(beta1, beta2), eps=eps, weight_decay=weight_decay)"),
    "Adadelta": ("adadelta", {}, "Adadelta([w], rho=rho, eps=eps)"),
    "RAdam": ("radam", {"epsilon_order": "before-correction"}, "RAdam([w], betas=(beta1, beta2), eps=eps)"),
    "RAdam, decoupled": (
        "radam",
        {"epsilon_order": "before-correction", "decay": "decoupled"},
        "RAdam([w], betas=(beta1, beta2), eps=eps, weight_decay=weight_decay, decoupled_weight_decay=True)",
    ),
    "Adam, AMSGrad": ("amsgrad", {}, "Adam([w], betas=(beta1, beta2), eps=eps, amsgrad=True)"),
    "AdamW": ("adamw", {}, "AdamW([w], betas=(beta1, beta2), eps=eps, weight_decay=weight_decay)"),
    "AdamW, AMSGrad": (
        "adamw",
        {"maximum": "before-correction"},
        "AdamW([w], betas=(beta1, beta2), eps=eps, weight_decay=weight_decay, amsgrad=True)",
    ),
    "NAdam": ("nadam", {}, "NAdam([w], betas=(beta1, beta2), eps=eps, momentum_decay=momentum_decay)"),
    "NAdam, decoupled": (
        "nadam",
        {"decay": "decoupled"},
        "NAdam([w], 1, (beta1, beta2), eps, weight_decay, momentum_decay, decoupled_weight_decay=True)",
    ),
    "NAdam, steep": (
        "nadam",
        {"lookahead": "nadam-steep-schedule"},
        "NAdam([w], betas=(beta1, beta2), eps=eps, momentum_decay=1.0)",
    ),
    "Adagrad": ("adagrad", {}, "Adagrad([w], eps=eps)"),
    "Adagrad, all": (
        "adagrad",
        {"rate": "inverse-time", "decay": "l2", "start": "initial-scale"},
        "Adagrad([w], eps=eps, lr_decay=rate_decay, weight_decay=weight_decay, initial_accumulator_value=initial_scale)",
    ),
    "RMSprop, L2": (
        "rmsprop",
        {"epsilon": "outside-root", "decay": "l2", "momentum": "outside"},
        "RMSprop([w], alpha=beta, eps=eps, weight_decay=weight_decay, momentum=momentum)",
    ),
    "SGD, L2": ("sgd", {"decay": "l2"}, "SGD([w], weight_decay=weight_decay)"),
    "SGD, dampened, L2": (
        "momentum",
        {"accumulation": "dampened", "start": "first-gradient", "decay": "l2"},
        "SGD([w], momentum=beta, dampening=dampening, weight_decay=weight_decay)",
    ),
}


@pytest.mark.parametrize("case", TORCH)
def test_torch_fits_the_reading(case: str) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch")
    name, axes, expression = TORCH[case]
    w, found = torch.tensor(W), []
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # in which NAdam holds the product of its momenta
    try:
        stepper = eval(f"optim.{expression}", {"optim": torch.optim, "w": w, **HYPER})
        for g, rate in zip(G, RATES, strict=True):
            stepper.param_groups[0]["lr"] = rate
            w.grad = torch.tensor(g)
            stepper.step()
            found.append(w.numpy().copy())
    finally:
        torch.set_default_dtype(default)
    assert fits(name, axes, found)


OPTAX: dict[str, tuple[str, dict[str, str], str]] = {
    "lion": ("lion", {}, "lion(rate, beta1, beta2, weight_decay=weight_decay)"),
    "adamax": ("adamax", {}, "adamax(rate, beta1, beta2, eps)"),
    "adamaxw": ("adamax", {"decay": "decoupled"}, "adamaxw(rate, beta1, beta2, eps, weight_decay=weight_decay)"),
    "adadelta": ("adadelta", {}, "adadelta(rate, rho, eps)"),
    "adadelta, L2": ("adadelta", {"decay": "l2"}, "adadelta(rate, rho, eps, weight_decay=weight_decay)"),
    "radam": ("radam", {}, "radam(rate, beta1, beta2, eps)"),
    "radam, threshold": ("radam", {"threshold": "as-set"}, "radam(rate, beta1, beta2, eps, threshold=threshold)"),
    "radam, Nesterov": ("radam", {"lookahead": "nadam"}, "radam(rate, beta1, beta2, eps, nesterov=True)"),
    "adabelief": ("adabelief", {"epsilon": "two"}, "adabelief(rate, beta1, beta2, eps, eps_root)"),
    "yogi": ("yogi", _MILLIONTH, "yogi(rate, beta1, beta2, eps)"),
    "amsgrad": ("amsgrad", {"maximum": "after-correction"}, "amsgrad(rate, beta1, beta2, eps)"),
    "amsgrad, first": ("amsgrad", {"correction": "first-only"}, "amsgrad(rate, beta1, beta2, eps, bias_correction_nu=False)"),
    "amsgrad, second": (
        "amsgrad",
        {"correction": "second-only", "maximum": "after-correction"},
        "amsgrad(rate, beta1, beta2, eps, bias_correction_mu=False)",
    ),
    "amsgrad, published": (
        "amsgrad",
        {"correction": "none"},
        "amsgrad(rate, beta1, beta2, eps, bias_correction_mu=False, bias_correction_nu=False)",
    ),
    "adam, both ε": ("adam", {"epsilon": "inside-and-outside"}, "adam(rate, beta1, beta2, eps, eps_root)"),
    "adamw": ("adamw", {}, "adamw(rate, beta1, beta2, eps, weight_decay=weight_decay)"),
    "nadamw": ("adamw", {"lookahead": "nadam"}, "nadamw(rate, beta1, beta2, eps, weight_decay=weight_decay)"),
    "adagrad": (
        "adagrad",
        {"epsilon": "inside-root", "start": "initial-scale"},
        "adagrad(rate, initial_accumulator_value=initial_scale, eps=eps)",
    ),
    "rmsprop, corrected": (
        "rmsprop",
        {"epsilon": "outside-root", "debias": "complement-of-power"},
        "rmsprop(rate, beta, eps, eps_in_sqrt=False, bias_correction=True)",
    ),
    "rmsprop, centred, corrected, Nesterov": (
        "rmsprop",
        {"centered": "yes", "momentum": "inside-buffer", "nesterov": "lookahead", "debias": "complement-of-power"},
        "rmsprop(rate, beta, eps, centered=True, momentum=momentum, nesterov=True, bias_correction=True)",
    ),
    "adam without b1": (
        "rmsprop",
        {"epsilon": "inside-and-outside", "debias": "complement-of-power"},
        "adam(rate, 0.0, beta, eps, eps_root)",
    ),
    "sgd, decoupled": (
        "momentum",
        {"accumulation": "sum", "nesterov": "lookahead", "decay": "decoupled"},
        "chain(trace(beta, nesterov=True), add_decayed_weights(weight_decay), scale_by_learning_rate(rate))",
    ),
}


@pytest.mark.parametrize("case", OPTAX)
def test_optax_fits_the_reading(case: str) -> None:
    jax = pytest.importorskip("jax", reason="jax is not installed: pip install jax optax")
    optax = pytest.importorskip("optax", reason="optax is not installed: pip install jax optax")
    name, axes, expression = OPTAX[case]
    with jax.enable_x64(True):
        rates = jax.numpy.asarray(RATES)
        transformation = eval(expression, {**vars(optax), "rate": lambda count: rates[count], **HYPER})
        w, found = jax.numpy.asarray(W), []
        state = transformation.init(w)
        for g in G:
            updates, state = transformation.update(jax.numpy.asarray(g), state, w)
            w = optax.apply_updates(w, updates)
            found.append(np.array(w))
    assert fits(name, axes, found, flushing=True)


def test_the_adagrad_of_jax_example_libraries_fits_the_reading() -> None:
    jax = pytest.importorskip("jax", reason="jax is not installed: pip install jax optax")
    from jax.example_libraries import optimizers

    with jax.enable_x64(True):
        stepper = optimizers.adagrad(lambda i: RATES[i], momentum=MU)
        state, found = stepper.init_fn(jax.numpy.asarray(W)), []
        for i, g in enumerate(G):
            state = stepper.update_fn(i, jax.numpy.asarray(g), state)
            found.append(np.array(stepper.params_fn(state)))
    assert fits("adagrad", {"epsilon": "none", "momentum": "average"}, found, flushing=True)


# --- a traced counter -----------------------------------------------------------------------------------------------


def within_budget(formula: Formula, reading: Reading, weights: np.ndarray) -> bool:
    assert isinstance(formula, Optimizer)
    return all(b.contains(w).all() for b, w in zip(budgets(formula, reading, flushing=True), weights, strict=True))


@pytest.mark.parametrize("name", ONE_OF_EACH_FAMILY)
def test_every_option_runs_under_jit_with_its_state_carried_through_a_scan(name: str) -> None:
    jax = pytest.importorskip("jax", reason="jax is not installed: pip install jax optax")
    from gradspec.adapters.frameworks.jax.arrays import NAMESPACE

    formula = optimizer(name)
    readings = single_changes(formula)
    hyper = {h.name: HYPER[h.name] for h in formula.hyperparameters}

    def run(w: Any, gradients: Any, rates: Any) -> list[Any]:
        return [_scanned(jax, NAMESPACE, formula.configured(hyper, r), w, gradients, rates) for r in readings]

    with jax.enable_x64(True):
        found = jax.jit(run)(*map(jax.numpy.asarray, (*given(formula), RATES)))
    for reading, weights in zip(readings, found, strict=True):
        assert within_budget(formula, reading, np.array(weights)), str(reading)


def _scanned(jax: Any, xp: Any, configured: Configured, w: Any, gradients: Any, rates: Any) -> Any:
    def step(carry: Any, given: Any) -> tuple[Any, Any]:
        (w, state), (g, rate) = carry, given
        w, state = configured.step(xp, w, g, state, rate)
        return (w, state), w

    start = jax.tree.map(jax.numpy.asarray, configured.start(xp, w))
    return jax.lax.scan(step, (w, start), (gradients, rates))[1]


@pytest.mark.parametrize("name", ONE_OF_EACH_FAMILY)
def test_every_option_runs_in_torch_with_a_counter_that_is_a_tensor(name: str) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch")
    from gradspec.adapters.frameworks.pytorch.arrays import Namespace

    formula, xp = optimizer(name), Namespace()
    for reading in single_changes(formula):
        configured = formula.configured({h.name: HYPER[h.name] for h in formula.hyperparameters}, reading)
        weights, gradients = given(formula)
        w, found = torch.tensor(weights), []
        state = configured.start(xp, w)._replace(t=torch.tensor(0.0, dtype=torch.float64))
        for g, rate in zip(torch.tensor(gradients), RATES, strict=True):
            w, state = configured.step(xp, w, g, state, rate)
            found.append(w.numpy())
        assert within_budget(formula, reading, np.array(found)), str(reading)
