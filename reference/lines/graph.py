"""Lines 6-7: worked computation graphs. Only the forward is printed; the backward follows from lines 1-5."""

from __future__ import annotations

import math
from typing import Any

from ..formula import Map
from ..pieces import aliases
from ..pieces.activations import SLOPE
from ..pieces.activations import sigmoid as sigma
from ..pieces.properties import BATCH_ADDITIVITY, PERMUTATION
from ..vocabulary import Format, Input

SECTION = "Computation graphs"

# --- bodies ---------------------------------------------------------------------------------------------------------


def _sum_times(xp: Any, x: Any, y: Any, z: Any) -> Any:
    return (x + y) * z


def _sum_times_vjp(xp: Any, l_bar: Any, x: Any, y: Any, z: Any) -> dict[str, Any]:
    flow = l_bar * z  # the sum distributes it unchanged
    return {"x": flow, "y": flow, "z": l_bar * (x + y)}


def _preactivation(xp: Any, x: Any, w: Any, b: Any) -> Any:
    return (w.T @ x)[0, 0] + b


def _neuron(xp: Any, x: Any, w: Any, b: Any) -> Any:
    return sigma(xp, _preactivation(xp, x, w, b))


def _neuron_vjp(xp: Any, l_bar: Any, x: Any, w: Any, b: Any, *, slope: Any) -> dict[str, Any]:
    z = _preactivation(xp, x, w, b)
    flow = slope(xp, l_bar, z, sigma(xp, z))
    return {"x": flow * w, "w": flow * x, "b": flow}


# --- hard points ----------------------------------------------------------------------------------------------------


def _sum_times_points(f: Format) -> dict[str, dict[str, Any]]:
    inf, tiny = float("inf"), f.smallest_subnormal
    return {
        "zeros of both signs": {"x": [0.0], "y": [-0.0], "z": [-1.5]},
        "a sum that cancels": {"x": [1 + 2 * f.unit_roundoff], "y": [-1.0], "z": [3.0]},
        "a sum that overflows": {"x": [f.max], "y": [f.max], "z": [0.5]},
        "a product that overflows": {"x": [f.max], "y": [0.0], "z": [-2.0]},
        "a product that underflows": {"x": [tiny], "y": [tiny], "z": [0.25]},
        "an infinity": {"x": [inf], "y": [1.0], "z": [-2.0]},
        "an infinity times zero": {"x": [inf], "y": [1.0], "z": [0.0]},
        "infinities of both signs": {"x": [inf], "y": [-inf], "z": [1.0]},
        "a NaN": {"x": [float("nan")], "y": [1.0], "z": [2.0]},
    }


def _neuron_points(f: Format) -> dict[str, dict[str, Any]]:
    edge, overflow = -math.log(f.unit_roundoff), math.log(f.max)
    x, w = [[0.625], [-0.375], [1.125]], [[0.5], [-0.25], [0.125]]
    return {
        "zeros of both signs": {"x": [[0.0], [-0.0], [0.0]], "w": w, "b": -0.0},
        "where the output rounds to 1": {"x": x, "w": w, "b": edge + 1},
        "the lower tail": {"x": x, "w": w, "b": -edge - 1},
        "where the exponential overflows": {"x": x, "w": w, "b": -overflow - 2},
        "a preactivation that overflows": {"x": [[f.max], [1.0], [1.0]], "w": [[-2.0], [1.0], [1.0]], "b": 0.0},
        "an infinite bias": {"x": x, "w": w, "b": float("inf")},
        "subnormals": {"x": [[f.smallest_subnormal]] * 3, "w": w, "b": f.smallest_normal},
        "a NaN": {"x": x, "w": w, "b": float("nan")},
    }


# --- lines ----------------------------------------------------------------------------------------------------------

sum_times = Map(
    id="graph.sum_times",
    number=6,
    section=SECTION,
    title="worked graph: a sum times a factor",
    latex=r"\mathcal{L} = (x+y)z",
    inputs={
        "x": Input(("n",), "the first summand, dimensionless"),
        "y": Input(("n",), "the second summand, dimensionless"),
        "z": Input(("n",), "the factor, dimensionless"),
    },
    output=("n",),
    forward=_sum_times,
    vjp_body=_sum_times_vjp,
    wrt=("x", "y", "z"),
    prints=("forward",),
    sheet_sizes={"n": 1},
    other_sizes=({"n": 2}, {"n": 3}, {"n": 8}),
    hard_points=_sum_times_points,
    batch_axis="n",
    notes="The sheet means scalars; each element of the arrays is a graph of its own.",
    recognised=False,
    properties=(BATCH_ADDITIVITY, PERMUTATION),
)

neuron = Map(
    id="graph.neuron",
    number=7,
    section=SECTION,
    title="worked graph: one neuron",
    latex=r"\mathcal{L} = \sigma(\vec{w}^T \vec{x} + b) \quad (\vec{x}, \vec{w} \in \mathbb{R}^{3 \times 1}, b \in \mathbb{R})",
    inputs={
        "x": Input(("n", 1), "the inputs of the neuron, dimensionless", aliases=aliases.ARRAY),
        "w": Input(("n", 1), "its weights, dimensionless", "small", aliases=aliases.WEIGHTS),
        "b": Input((), "its bias, dimensionless", "small", aliases=aliases.BIAS),
    },
    output=(),
    forward=_neuron,
    vjp_body=_neuron_vjp,
    wrt=("x", "w", "b"),
    prints=("forward",),
    axes=(SLOPE,),
    sheet_sizes={"n": 3},
    other_sizes=({"n": 1}, {"n": 2}, {"n": 8}),
    hard_points=_neuron_points,
    recognised=False,
    properties=(PERMUTATION,),
)
