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


def through_sigmoid(xp: Any, z_bar: Any, x: Any, z: Any, slope: str) -> Any:
    """z̄ σ'(x), where z = σ(x), in the evaluation that ``slope`` names.

    The cotangent is multiplied in where automatic differentiation does so: with e⁻ˣ large and z² tiny, it matters which of
    the products underflows.
    """
    if slope == "one-minus-z":
        return z_bar * z * (1 - z)
    if slope == "sigma-of-minus-x":
        # e^-|x| never overflows, and σ(x)σ(-x) is even in x
        decay = xp.exp(-xp.abs(x))
        return z_bar * (decay / ((1 + decay) * (1 + decay)))
    return (z_bar * (z * z)) * xp.exp(-x)


def activate(xp: Any, x: Any, g: str) -> Any:
    """g(x), elementwise."""
    if g == "sigmoid":
        return sigmoid(xp, x)
    if g == "relu":
        return xp.maximum(x, xp.zeros_like(x))
    return xp.tanh(x) if g == "tanh" else x


def through(xp: Any, z_bar: Any, x: Any, g: str, slope: str, kink: str) -> Any:
    """z̄ ⊙ g'(x)."""
    if g == "sigmoid":
        return through_sigmoid(xp, z_bar, x, sigmoid(xp, x), slope)
    if g == "relu":
        zeros, at_zero = xp.zeros_like(z_bar), z_bar * {"zero": 0, "half": 0.5, "one": 1}[kink]
        return xp.where(x > 0, z_bar, xp.where(x == zeros, at_zero, zeros))
    if g == "tanh":
        z = xp.tanh(x)
        return z_bar * (1 - z * z)
    return z_bar
