"""Softplus: log(1 + eˣ), whose slope is the sigmoid; as printed it overflows where x is large.

A formula of one's own: ``gradspec explain own.softplus --formula ./softplus.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from gradspec.reference.formula import Map
from gradspec.reference.pieces.properties import PERMUTATION, equal
from gradspec.reference.vocabulary import Axis, Format, Input, Inputs, Option, Outcome, Property


class Evaluation(NamedTuple):
    """One way to compute the same function, and its slope."""

    value: Callable[[Any, Any], Any]
    slope: Callable[[Any, Any], Any]


def _naive_value(xp: Any, x: Any) -> Any:
    return xp.log1p(xp.exp(x))


def _naive_slope(xp: Any, x: Any) -> Any:
    return xp.exp(x) / (1 + xp.exp(x))


def _stable_value(xp: Any, x: Any) -> Any:
    return xp.maximum(x, xp.zeros_like(x)) + xp.log1p(xp.exp(-xp.abs(x)))


def _stable_slope(xp: Any, x: Any) -> Any:
    return 1 / (1 + xp.exp(-x))


NAIVE, STABLE = Evaluation(_naive_value, _naive_slope), Evaluation(_stable_value, _stable_slope)
EVALUATION = Axis(
    name="evaluation",
    options=(
        Option("naive", "log1p(exp(x)), infinite where the exponential is", r"\log(1+e^x)", NAIVE),
        Option("stable", "the larger of x and 0, and what is left of it", r"\max(x,0)+\log(1+e^{-|x|})", STABLE),
    ),
    printed="naive",
    standard="stable",
    kind="evaluation",
)


def _forward(xp: Any, x: Any, *, evaluation: Evaluation) -> Any:
    return evaluation.value(xp, x)


def _vjp(xp: Any, z_bar: Any, x: Any, *, evaluation: Evaluation) -> Mapping[str, Any]:
    return {"x": z_bar * evaluation.slope(xp, x)}


def _hard_points(of: Format) -> Mapping[str, Inputs]:
    points = {"zero": 0.0, "saturated": 100.0, "past overflow": 1000.0, "minus 100": -100.0, "past underflow": -1000.0}
    return {name: {"x": [value, 1.0, -1.0]} for name, value in points.items() if abs(value) <= of.max}


def _reflected(case: Any) -> Iterator[Outcome]:
    mirrored = case.but(arrays={"x": -case.arrays["x"]})
    yield equal("z(x) - z(-x)", case.value - mirrored.value, case.inputs["x"])


softplus = Map(
    id="own.softplus",
    title="softplus",
    latex=r"z=\log(1+e^x),\quad \bar x=\bar z\,\sigma(x)",
    axes=(EVALUATION,),
    source="Dugas et al., Incorporating second-order functional knowledge for better option pricing, NIPS 2000",
    inputs={"x": Input(("n",), "the inputs, dimensionless")},
    output=("n",),
    forward=_forward,
    vjp_body=_vjp,
    wrt=("x",),
    prints=("forward", "cotangent"),
    sheet_sizes={"n": 3},
    other_sizes=({"n": 1}, {"n": 8}),
    hard_points=_hard_points,
    properties=(PERMUTATION, Property("reflection", "z(x) - z(-x) is x", _reflected)),
)
