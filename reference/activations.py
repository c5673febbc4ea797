"""The elementwise nonlinearities g of the sheet, their slopes, and the two axes on which readings of them part."""

from __future__ import annotations

from typing import Any

from .vocabulary import Axis, Option

ACTIVATIONS = ("sigmoid", "relu", "tanh", "identity")

SLOPE = Axis(
    name="slope",
    options=(
        Option("one-minus-z", "z(1-z) from the output z; 1-z cancels where z rounds to 1", r"z(1-z)"),
        Option("sigma-of-minus-x", "σ(x)σ(-x); full relative precision in both tails", r"\sigma(x)\,\sigma(-x)"),
        Option(
            "chain",
            "z²e⁻ˣ, the chain rule through the printed 1/(1+e⁻ˣ); 0·∞ where e⁻ˣ overflows",
            r"\frac{e^{-x}}{(1+e^{-x})^2}",
        ),
    ),
    printed="one-minus-z",
    standard="sigma-of-minus-x",
    kind="evaluation",
    source="N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM 2002, §1.7 (cancellation)",
)

KINK = Axis(
    name="kink",
    options=(
        Option("zero", "the slope of ReLU at 0 is 0", r"\mathrm{relu}'(0)=0"),
        Option("half", "the slope of ReLU at 0 is 1/2: max(x, 0) splits the flow at the tie", r"\mathrm{relu}'(0)=\tfrac12"),
        Option("one", "the slope of ReLU at 0 is 1", r"\mathrm{relu}'(0)=1"),
    ),
    printed="zero",
    standard="zero",
    source="the sheet names ReLU as an example of g and is silent about 0; see Bertoin et al., Numerical influence of "
    "ReLU'(0) on backpropagation, NeurIPS 2021",
)


def sigmoid(xp: Any, x: Any) -> Any:
    """σ(x) as printed: 1/(1+e⁻ˣ)."""
    return 1 / (1 + xp.exp(-x))


def sigmoid_slope(xp: Any, x: Any, z: Any, slope: str) -> Any:
    """σ'(x), where z = σ(x), in the evaluation that ``slope`` names."""
    if slope == "one-minus-z":
        return z * (1 - z)
    if slope == "sigma-of-minus-x":
        # e^-|x| never overflows, and σ(x)σ(-x) is even in x
        decay = xp.exp(-xp.abs(x))
        return decay / ((1 + decay) * (1 + decay))
    return (z * z) * xp.exp(-x)


def activate(xp: Any, x: Any, g: str) -> Any:
    """g(x), elementwise."""
    if g == "sigmoid":
        return sigmoid(xp, x)
    if g == "relu":
        return xp.maximum(x, xp.zeros_like(x))
    return xp.tanh(x) if g == "tanh" else x


def slope_of(xp: Any, x: Any, g: str, slope: str, kink: str) -> Any:
    """g'(x), elementwise."""
    if g == "sigmoid":
        return sigmoid_slope(xp, x, sigmoid(xp, x), slope)
    if g == "relu":
        at_zero = xp.ones_like(x) * {"zero": 0, "half": 0.5, "one": 1}[kink]
        return xp.where(x > 0, xp.ones_like(x), xp.where(x == xp.zeros_like(x), at_zero, xp.zeros_like(x)))
    if g == "tanh":
        z = xp.tanh(x)
        return 1 - z * z
    return xp.ones_like(x)
