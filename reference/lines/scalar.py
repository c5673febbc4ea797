"""Lines 1-5: operations that reduce or map one vector, and how a cotangent flows back through each."""

from __future__ import annotations

from typing import Any

from ..formula import Map
from ..pieces import aliases
from ..pieces.activations import FORM, SLOPE
from ..pieces.extremes import NAN, TIES
from ..pieces.products import ZERO
from ..pieces.properties import PERMUTATION, SUBDIFFERENTIAL, increasingly
from ..studies import sigmoid as sigmoid_studies
from ..vocabulary import Erratum, Format, Input, Mnemonic

SECTION = "Scalar operations"
X = {"x": Input(("n",), "the inputs, dimensionless", aliases=aliases.ARRAY)}
SIZES = {"sheet_sizes": {"n": 3}, "other_sizes": ({"n": 1}, {"n": 2}, {"n": 8})}

# --- bodies ---------------------------------------------------------------------------------------------------------


def _sum(xp: Any, x: Any) -> Any:
    return xp.sum(x)


def _sum_vjp(xp: Any, z_bar: Any, x: Any) -> dict[str, Any]:
    return {"x": z_bar * xp.ones_like(x)}


def _prod(xp: Any, x: Any) -> Any:
    return xp.prod(x)


def _prod_vjp(xp: Any, z_bar: Any, x: Any, *, zero: Any) -> dict[str, Any]:
    return {"x": zero(xp, z_bar, x)}


def _max(xp: Any, x: Any, *, nan: Any) -> Any:
    return xp.max(nan(xp, x, float("-inf")))


def _min(xp: Any, x: Any, *, nan: Any) -> Any:
    return xp.min(nan(xp, x, float("inf")))


def _max_vjp(xp: Any, z_bar: Any, x: Any, *, ties: Any, nan: Any) -> dict[str, Any]:
    return {"x": ties(xp, z_bar, x, _max(xp, x, nan=nan))}


def _min_vjp(xp: Any, z_bar: Any, x: Any, *, ties: Any, nan: Any) -> dict[str, Any]:
    return {"x": ties(xp, z_bar, x, _min(xp, x, nan=nan))}


def _sigmoid(xp: Any, x: Any, *, sigma_form: Any) -> Any:
    return sigma_form(xp, x)


def _sigmoid_vjp(xp: Any, z_bar: Any, x: Any, *, slope: Any, sigma_form: Any) -> dict[str, Any]:
    return {"x": slope(xp, z_bar, x, sigma_form(xp, x))}


# --- hard points ----------------------------------------------------------------------------------------------------


def _specials(f: Format) -> dict[str, dict[str, Any]]:
    inf = float("inf")
    return {
        "zeros of both signs": {"x": [0.0, -0.0, 1.0]},
        "overflow": {"x": [f.max, f.max, 1.0]},
        "overflow that cancels": {"x": [f.max, f.max, -f.max]},
        "subnormals": {"x": [f.smallest_subnormal, 2 * f.smallest_subnormal, f.smallest_normal]},
        "an infinity": {"x": [inf, 1.0, 2.0]},
        "infinities of both signs": {"x": [inf, -inf, 1.0]},
        "a NaN": {"x": [1.0, float("nan"), 2.0]},
        "one element": {"x": [-1.5]},
    }


def _prod_points(f: Format) -> dict[str, dict[str, Any]]:
    tiny = f.smallest_normal
    return {
        **_specials(f),
        "one zero": {"x": [0.0, 2.0, 3.0]},
        "two zeros": {"x": [0.0, 0.0, 3.0]},
        "an underflow that no factor shows": {"x": [tiny, tiny, 1.0]},
    }


def _ties_points(f: Format) -> dict[str, dict[str, Any]]:
    return {
        **_specials(f),
        "all tied": {"x": [1.0, 1.0, 1.0]},
        "two tied at the top": {"x": [2.0, 1.0, 2.0]},
        "two tied at the bottom": {"x": [1.0, 2.0, 1.0]},
        "a pair tied": {"x": [1.0, 1.0]},
        "a pair with a NaN": {"x": [float("nan"), 1.0]},
        "a pair with a NaN behind": {"x": [1.0, float("nan")]},
        "a NaN in front": {"x": [float("nan"), 2.0, 1.0]},
        "a NaN behind": {"x": [1.0, 2.0, float("nan")]},
        "the extremes before a NaN": {"x": [3.0, 0.0, float("nan"), 2.0, 1.0, 2.0, 1.0, 1.5]},
        "a pair of signed zeros": {"x": [-0.0, 0.0]},
        "a pair of signed zeros, the other way": {"x": [0.0, -0.0]},
        "neighbours": {"x": [1.0, 1.0 + 2 * f.unit_roundoff, 1.0]},
    }


def _sigmoid_points(f: Format) -> dict[str, dict[str, Any]]:
    inf = float("inf")
    edge = -_ln(f.unit_roundoff)  # beyond it σ rounds to 1
    return {
        "zeros of both signs": {"x": [0.0, -0.0, 1.0]},
        "where the output rounds to 1": {"x": [edge - 1, edge + 1, 2 * edge]},
        "the lower tail": {"x": [-edge, -2 * edge, -edge / 2]},
        "before the output rounds": {"x": [-0.9 * edge, -0.7 * edge, 0.7 * edge]},
        "where the exponential overflows": {"x": [-_ln(f.max) - 1, -_ln(f.max) + 1, -2 * _ln(f.max)]},
        "infinities": {"x": [inf, -inf, 0.0]},
        "subnormals": {"x": [f.smallest_subnormal, -f.smallest_subnormal, f.smallest_normal]},
        "a NaN": {"x": [1.0, float("nan"), 2.0]},
    }


def _ln(x: float) -> float:
    import math

    return math.log(x)


# --- lines ----------------------------------------------------------------------------------------------------------

sum = Map(
    id="scalar.sum",
    number=1,
    section=SECTION,
    title="sum",
    latex=r"z=\sum_i x_i \;\Rightarrow\; \frac{\partial z}{\partial x_i}=1,\quad \bar x_i=\bar z",
    inputs=X,
    output=(),
    forward=_sum,
    vjp_body=_sum_vjp,
    wrt=("x",),
    prints=("forward", "cotangent"),
    hard_points=_specials,
    mnemonic=Mnemonic(
        "distribute flow unchanged",
        "equal",
        lambda xp, z, bars, z_bar, inputs: bars["x"] - z_bar,
    ),
    properties=(PERMUTATION,),
    **SIZES,
)

prod = Map(
    id="scalar.prod",
    number=2,
    section=SECTION,
    title="product",
    latex=r"z=\prod_i x_i \;\Rightarrow\; \frac{\partial z}{\partial x_i}=\frac{z}{x_i},\quad \bar x_i=\bar z\,\frac{z}{x_i}",
    standard_latex=r"\bar x_i=\bar z\prod_{j\ne i}x_j",
    inputs=X,
    output=(),
    forward=_prod,
    vjp_body=_prod_vjp,
    wrt=("x",),
    prints=("forward", "cotangent"),
    axes=(ZERO,),
    errata=(Erratum("zero", "What flows to an input that is zero, where z/xᵢ is 0/0?"),),
    hard_points=_prod_points,
    mnemonic=Mnemonic(
        "split flow & scale by out/in",
        "equal",
        lambda xp, z, bars, z_bar, inputs: bars["x"] * inputs["x"] - z_bar * z,
    ),
    properties=(PERMUTATION,),
    **SIZES,
)

_DIRECTED = "direct flow to max/min input"


def _flow_is_kept(xp: Any, z: Any, bars: Any, z_bar: Any, inputs: Any) -> Any:
    return xp.sum(bars["x"]) - z_bar


max = Map(
    id="scalar.max",
    number=3,
    section=SECTION,
    title="maximum",
    latex=r"z=\max(x_1,\dots,x_n) \;\Rightarrow\; \frac{\partial z}{\partial x_i}=\mathbb 1[z==x_i],\quad "
    r"\bar x_i=\bar z\,\mathbb 1[x_i==z]",
    standard_latex=r"\bar x\in\bar z\cdot\mathrm{conv}\{e_i : x_i=z\}",
    inputs=X,
    output=(),
    forward=_max,
    vjp_body=_max_vjp,
    wrt=("x",),
    prints=("forward", "cotangent"),
    axes=(TIES, NAN),
    errata=(Erratum("ties", "Who gets the flow when several inputs attain the maximum?"),),
    hard_points=_ties_points,
    mnemonic=Mnemonic(_DIRECTED, "equal", _flow_is_kept),
    set_valued="max",
    reads_nan=True,
    properties=(PERMUTATION, SUBDIFFERENTIAL),
    **SIZES,
)

min = Map(
    id="scalar.min",
    number=4,
    section=SECTION,
    title="minimum",
    latex=r"z=\min(x_1,\dots,x_n) \;\Rightarrow\; \frac{\partial z}{\partial x_i}=\mathbb 1[z==x_i],\quad "
    r"\bar x_i=\bar z\,\mathbb 1[x_i==z]",
    standard_latex=r"\bar x\in\bar z\cdot\mathrm{conv}\{e_i : x_i=z\}",
    inputs=X,
    output=(),
    forward=_min,
    vjp_body=_min_vjp,
    wrt=("x",),
    prints=("forward", "cotangent"),
    axes=(TIES, NAN),
    errata=(Erratum("ties", "Who gets the flow when several inputs attain the minimum?"),),
    hard_points=_ties_points,
    mnemonic=Mnemonic(_DIRECTED, "equal", _flow_is_kept),
    set_valued="min",
    reads_nan=True,
    properties=(PERMUTATION, SUBDIFFERENTIAL),
    **SIZES,
)

_SATURATING = Mnemonic(
    "attenuate flow increasingly as output saturates",
    "at_most",
    lambda xp, z, bars, z_bar, inputs: 4 * xp.abs(bars["x"]) - xp.abs(z_bar),
)
sigmoid = Map(
    id="scalar.sigmoid",
    number=5,
    section=SECTION,
    title="sigmoid",
    latex=r"z=\sigma(x)=\frac{1}{1+e^{-x}} \;\Rightarrow\; \frac{\partial z}{\partial x}=z(1-z),\quad \bar x=\bar z\,z\,(1-z)",
    standard_latex=r"\bar x=\bar z\,\sigma(x)\,\sigma(-x)",
    inputs=X,
    output=("n",),
    forward=_sigmoid,
    vjp_body=_sigmoid_vjp,
    wrt=("x",),
    prints=("forward", "cotangent"),
    axes=(SLOPE, FORM),
    errata=(Erratum("slope", "How much of the slope is left where the output rounds to 1?"),),
    hard_points=_sigmoid_points,
    mnemonic=_SATURATING,
    studies=(sigmoid_studies.ERROR, sigmoid_studies.TAIL),
    properties=(PERMUTATION, increasingly(_SATURATING)),
    **SIZES,
)
