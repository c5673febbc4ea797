"""Lines 1-5: operations that reduce or map one vector, and how a cotangent flows back through each."""

from __future__ import annotations

from typing import Any

from ..activations import SLOPE, through_sigmoid
from ..activations import sigmoid as sigma
from ..formula import Map
from ..vocabulary import Axis, Erratum, Format, Input, Mnemonic, Option

X = {"x": Input(("n",), "the inputs, dimensionless")}
SIZES = {"sheet_sizes": {"n": 3}, "other_sizes": ({"n": 1}, {"n": 2}, {"n": 8})}

TIES = Axis(
    name="ties",
    options=(
        Option("all", "every input that attains z gets the whole flow", r"\bar z\,\mathbb 1[x_i=z]"),
        Option("split", "the inputs that attain z share the flow evenly", r"\bar z\,\mathbb 1[x_i=z]/\#\{j:x_j=z\}"),
        Option("first", "the first input that attains z gets the flow", r"\bar z\,\mathbb 1[i=\min\{j:x_j=z\}]"),
        Option("last", "the last input that attains z gets the flow", r"\bar z\,\mathbb 1[i=\max\{j:x_j=z\}]"),
    ),
    printed="all",
    standard="split",
    source="subdifferential of the maximum: Clarke, Optimization and Nonsmooth Analysis, 1983, prop. 2.3.12; "
    "the printed rule lies outside of it at a tie, every other option inside",
)

NAN = Axis(
    name="nan",
    options=(
        Option("propagate", "a NaN among the inputs is the result"),
        Option("ignore", "NaN is no candidate unless all inputs are NaN"),
    ),
    printed="propagate",
    standard="propagate",
    source="IEEE 754-2019 §9.6: maximum propagates NaN, maximumNumber ignores it; the sheet is silent",
)

ZERO = Axis(
    name="zero",
    options=(
        Option("quotient", "z/xᵢ as printed: 0/0 where xᵢ = 0", r"\bar z\,z/x_i"),
        Option("product-of-others", "the product of the other factors", r"\bar z\prod_{j\ne i}x_j"),
        Option("quotient-unless-zero", "z/xᵢ unless some factor is zero, then the product of the others"),
    ),
    printed="quotient",
    standard="product-of-others",
    source="∂(Πxⱼ)/∂xᵢ = Π of the others; for xᵢ ≠ 0 this is z/xᵢ",
)


# --- bodies ---------------------------------------------------------------------------------------------------------


def _sum(xp: Any, x: Any) -> Any:
    return xp.sum(x)


def _sum_vjp(xp: Any, z_bar: Any, x: Any) -> dict[str, Any]:
    return {"x": z_bar * xp.ones_like(x)}


def _prod(xp: Any, x: Any) -> Any:
    return xp.prod(x)


def _others(xp: Any, x: Any) -> Any:
    """For each i the product of all other factors."""
    n = x.shape[0]
    one = xp.ones_like(x[0])
    return xp.stack([xp.prod(xp.stack([one, *(x[j] for j in range(n) if j != i)])) for i in range(n)])


def _prod_vjp(xp: Any, z_bar: Any, x: Any, *, zero: str) -> dict[str, Any]:
    quotient = z_bar * (xp.prod(x) / x) if zero != "product-of-others" else None
    if zero == "quotient":
        return {"x": quotient}
    product = z_bar * _others(xp, x)
    if zero == "product-of-others":
        return {"x": product}
    ones, zeros = xp.ones_like(x), xp.zeros_like(x)
    any_zero = xp.sum(xp.where(x == zeros, ones, zeros)) > 0
    return {"x": xp.where(any_zero, product, quotient)}


def _max(xp: Any, x: Any, *, nan: str) -> Any:
    return xp.max(_candidates(xp, x, nan, float("-inf")))


def _min(xp: Any, x: Any, *, nan: str) -> Any:
    return xp.min(_candidates(xp, x, nan, float("inf")))


def _candidates(xp: Any, x: Any, nan: str, never: float) -> Any:
    if nan == "propagate":
        return x
    ones = xp.ones_like(x)
    number = x == x
    count = xp.sum(xp.where(number, ones, xp.zeros_like(x)))
    return xp.where(count > 0, xp.where(number, x, ones * never), x)


def _directed(xp: Any, z_bar: Any, x: Any, z: Any, ties: str) -> dict[str, Any]:
    """The flow z̄ directed to the inputs that attain z."""
    zeros, ones = xp.zeros_like(x), xp.ones_like(x)
    hit = x == z
    if ties == "all":
        return {"x": xp.where(hit, z_bar * ones, zeros)}
    marks = xp.where(hit, ones, zeros)
    if ties == "split":
        return {"x": xp.where(hit, z_bar / xp.sum(marks) * ones, zeros)}
    return {"x": xp.where(_ranked(xp, marks, ties), z_bar * ones, zeros)}


def _ranked(xp: Any, marks: Any, ties: str) -> Any:
    """Where the first or the last of the marked elements stands."""
    n = marks.shape[0]
    before = [range(i) if ties == "first" else range(i + 1, n) for i in range(n)]
    zero = xp.zeros_like(marks[0])
    earlier = xp.stack([xp.sum(xp.stack([zero, *(marks[j] for j in js)])) for js in before])
    return marks - 2 * earlier == xp.ones_like(marks)


def _max_vjp(xp: Any, z_bar: Any, x: Any, *, ties: str, nan: str) -> dict[str, Any]:
    return _directed(xp, z_bar, x, _max(xp, x, nan=nan), ties)


def _min_vjp(xp: Any, z_bar: Any, x: Any, *, ties: str, nan: str) -> dict[str, Any]:
    return _directed(xp, z_bar, x, _min(xp, x, nan=nan), ties)


def _sigmoid(xp: Any, x: Any) -> Any:
    return sigma(xp, x)


def _sigmoid_vjp(xp: Any, z_bar: Any, x: Any, *, slope: str) -> dict[str, Any]:
    return {"x": through_sigmoid(xp, z_bar, x, sigma(xp, x), slope)}


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
        "a pair of signed zeros": {"x": [-0.0, 0.0]},
        "neighbours": {"x": [1.0, 1.0 + 2 * f.unit_roundoff, 1.0]},
    }


def _sigmoid_points(f: Format) -> dict[str, dict[str, Any]]:
    inf = float("inf")
    edge = -_ln(f.unit_roundoff)  # beyond it σ rounds to 1
    return {
        "zeros of both signs": {"x": [0.0, -0.0, 1.0]},
        "where the output rounds to 1": {"x": [edge - 1, edge + 1, 2 * edge]},
        "the lower tail": {"x": [-edge, -2 * edge, -edge / 2]},
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
    **SIZES,
)

prod = Map(
    id="scalar.prod",
    number=2,
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
    **SIZES,
)

_DIRECTED = "direct flow to max/min input"


def _flow_is_kept(xp: Any, z: Any, bars: Any, z_bar: Any, inputs: Any) -> Any:
    return xp.sum(bars["x"]) - z_bar


max = Map(
    id="scalar.max",
    number=3,
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
    **SIZES,
)

min = Map(
    id="scalar.min",
    number=4,
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
    **SIZES,
)

sigmoid = Map(
    id="scalar.sigmoid",
    number=5,
    title="sigmoid",
    latex=r"z=\sigma(x)=\frac{1}{1+e^{-x}} \;\Rightarrow\; \frac{\partial z}{\partial x}=z(1-z),\quad \bar x=\bar z\,z\,(1-z)",
    standard_latex=r"\bar x=\bar z\,\sigma(x)\,\sigma(-x)",
    inputs=X,
    output=("n",),
    forward=_sigmoid,
    vjp_body=_sigmoid_vjp,
    wrt=("x",),
    prints=("forward", "cotangent"),
    axes=(SLOPE,),
    errata=(Erratum("slope", "How much of the slope is left where the output rounds to 1?"),),
    hard_points=_sigmoid_points,
    mnemonic=Mnemonic(
        "attenuate flow increasingly as output saturates",
        "at_most",
        lambda xp, z, bars, z_bar, inputs: 4 * xp.abs(bars["x"]) - xp.abs(z_bar),
    ),
    **SIZES,
)
