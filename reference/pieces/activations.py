"""The elementwise nonlinearities g of the sheet, how a cotangent flows back through each, and the axes of their slopes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..vocabulary import Axis, Option


class Slopes(NamedTuple):
    """What the axes of the slopes choose: how that of σ is evaluated, that of ReLU at 0, how that of tanh is evaluated."""

    of_sigmoid: Callable[..., Any]
    at_kink: float
    of_tanh: Callable[..., Any]


class Activation(NamedTuple):
    """A nonlinearity g, and how a cotangent flows back through it."""

    value: Callable[..., Any]  # value(xp, x) is g(x)
    through: Callable[..., Any]  # through(xp, z_bar, x, slopes) is z̄ ⊙ g'(x)


def sigmoid(xp: Any, x: Any) -> Any:
    """σ(x) as printed: 1/(1+e⁻ˣ)."""
    return 1 / (1 + xp.exp(-x))


def relu(xp: Any, x: Any) -> Any:
    return xp.maximum(x, xp.zeros_like(x))


def tanh(xp: Any, x: Any) -> Any:
    return xp.tanh(x)


def identity(xp: Any, x: Any) -> Any:
    return x


# --- slopes: z̄ σ'(x), where z = σ(x) --------------------------------------------------------------------------------

# The cotangent is multiplied in where automatic differentiation does so: with e⁻ˣ large and z² tiny, it matters which of the
# products underflows.


def one_minus_z(xp: Any, z_bar: Any, x: Any, z: Any) -> Any:
    return z_bar * z * (1 - z)


def sigma_of_minus_x(xp: Any, z_bar: Any, x: Any, z: Any) -> Any:
    decay = xp.exp(-xp.abs(x))  # e^-|x| never overflows, and σ(x)σ(-x) is even in x
    return z_bar * (decay / ((1 + decay) * (1 + decay)))


def chain(xp: Any, z_bar: Any, x: Any, z: Any) -> Any:
    return (z_bar * (z * z)) * xp.exp(-x)


SLOPE = Axis(
    name="slope",
    options=(
        Option("one-minus-z", "z(1-z) from the output z; 1-z cancels where z rounds to 1", r"z(1-z)", does=one_minus_z),
        Option(
            "sigma-of-minus-x",
            "σ(x)σ(-x); full relative precision in both tails",
            r"\sigma(x)\,\sigma(-x)",
            does=sigma_of_minus_x,
        ),
        Option(
            "chain",
            "z²e⁻ˣ, the chain rule through the printed 1/(1+e⁻ˣ); 0·∞ where e⁻ˣ overflows",
            r"\frac{e^{-x}}{(1+e^{-x})^2}",
            does=chain,
        ),
    ),
    printed="one-minus-z",
    standard="sigma-of-minus-x",
    kind="evaluation",
    source="N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM 2002, §1.7 (cancellation)",
)

KINK = Axis(  # what an option does is the slope itself
    name="kink",
    options=(
        Option("zero", "the slope of ReLU at 0 is 0", r"\mathrm{relu}'(0)=0", does=0),
        Option(
            "half",
            "the slope of ReLU at 0 is 1/2: max(x, 0) splits the flow at the tie",
            r"\mathrm{relu}'(0)=\tfrac12",
            does=0.5,
        ),
        Option("one", "the slope of ReLU at 0 is 1", r"\mathrm{relu}'(0)=1", does=1),
    ),
    printed="zero",
    standard="zero",
    source="the sheet names ReLU as an example of g and is silent about 0; see Bertoin et al., Numerical influence of "
    "ReLU'(0) on backpropagation, NeurIPS 2021",
)


def one_minus_square(xp: Any, z_bar: Any, x: Any) -> Any:
    z = xp.tanh(x)
    return z_bar * (1 - z * z)


def sum_times_difference(xp: Any, z_bar: Any, x: Any) -> Any:
    z = xp.tanh(x)
    return (z_bar + z_bar * z) * (1 - z)


def over_cosh_squared(xp: Any, z_bar: Any, x: Any) -> Any:
    cosh = (xp.exp(x) + xp.exp(-x)) / 2
    return z_bar / (cosh * cosh)


TANH_SLOPE = Axis(
    name="tanh_slope",
    options=(
        Option(
            "sum-times-difference",
            "(1 + tanh)(1 - tanh), whose differences are exact where they cancel",
            r"(1+\tanh x)(1-\tanh x)",
            does=sum_times_difference,
        ),
        Option("one-minus-square", "1 - tanh², which cancels where tanh rounds to 1", r"1-\tanh^2 x", does=one_minus_square),
        Option("over-cosh-squared", "1/cosh², from x", r"\frac{1}{\cosh^2 x}", does=over_cosh_squared),
    ),
    printed="sum-times-difference",
    standard="sum-times-difference",
    kind="evaluation",
    source="D. Goldberg, What Every Computer Scientist Should Know About Floating-Point Arithmetic, ACM Computing Surveys 23 "
    "(1991), §1.4, on x² - y². JAX has (g + g·tanh)(1 - tanh) (jax/_src/lax/lax.py), torch 1 - tanh² (torch/csrc/autograd/"
    "FunctionsManual.cpp), HIPS autograd g/cosh²(x) (autograd/numpy/numpy_vjps.py)",
)


def half_of_tanh(xp: Any, x: Any) -> Any:
    return (1 + xp.tanh(x / 2)) / 2


FORM = Axis(
    name="sigma_form",
    options=(
        Option("exponential", "1/(1+e⁻ˣ) as printed", r"\frac{1}{1+e^{-x}}", does=sigmoid),
        Option(
            "half-tanh",
            "(1 + tanh(x/2))/2, whose sum cancels in the lower tail",
            r"\tfrac12\left(1+\tanh\tfrac{x}{2}\right)",
            does=half_of_tanh,
            in_matrix=False,
        ),
    ),
    printed="exponential",
    standard="exponential",
    kind="evaluation",
    source="σ(x) = (1 + tanh(x/2))/2: Bishop 2006, exercise 3.1",
)

# --- the activations ------------------------------------------------------------------------------------------------


def through_sigmoid(xp: Any, z_bar: Any, x: Any, slopes: Slopes) -> Any:
    return slopes.of_sigmoid(xp, z_bar, x, sigmoid(xp, x))


def through_relu(xp: Any, z_bar: Any, x: Any, slopes: Slopes) -> Any:
    zeros, at_zero = xp.zeros_like(z_bar), z_bar * slopes.at_kink
    return xp.where(x > 0, z_bar, xp.where(x == zeros, at_zero, zeros))


def through_tanh(xp: Any, z_bar: Any, x: Any, slopes: Slopes) -> Any:
    return slopes.of_tanh(xp, z_bar, x)


def through_identity(xp: Any, z_bar: Any, x: Any, slopes: Slopes) -> Any:
    return z_bar


ACTIVATIONS = {
    "sigmoid": Activation(sigmoid, through_sigmoid),
    "relu": Activation(relu, through_relu),
    "tanh": Activation(tanh, through_tanh),
    "identity": Activation(identity, through_identity),
}
