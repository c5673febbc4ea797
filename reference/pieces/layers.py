"""A layer of a network: how biases are added and get their gradient, and the ones of 1 - A."""

from __future__ import annotations

from typing import Any

from ..vocabulary import Axis, NotConformable, Option
from .activations import sigmoid


def row_of_ones(xp: Any, X: Any) -> Any:
    """u: a one for each example, that is for each column of X."""
    return xp.ones_like(X[:1, :])


def layer(xp: Any, W: Any, X: Any, b: Any) -> Any:
    return W @ X + b @ row_of_ones(xp, X)


# --- bias -----------------------------------------------------------------------------------------------------------


def matrix_sum(product: Any, b: Any) -> Any:
    if product.shape != b.shape:
        raise NotConformable(f"W A + b with W A of shape {tuple(product.shape)} and b of shape {tuple(b.shape)}; write b u")
    return product + b


def broadcast(product: Any, b: Any) -> Any:
    return product + b


BIAS = Axis(
    name="bias",
    options=(
        Option(
            "matrix-sum",
            "a sum of matrices of one shape as printed: b is a column, so only for one example",
            does=matrix_sum,
        ),
        Option("broadcast", "b is added to each column, as b u of line 15 does", r"b^{[l]} u", does=broadcast),
    ),
    printed="matrix-sum",
    standard="broadcast",
    source="line 15 prints b₁u where line 26 prints b",
)


# --- expression -----------------------------------------------------------------------------------------------------


def of_the_weights(xp: Any, delta: Any, X: Any) -> Any:
    return delta @ X.T


def of_the_biases(xp: Any, delta: Any, X: Any) -> Any:
    return delta @ row_of_ones(xp, X).T


EXPRESSION = Axis(
    name="expression",
    options=(
        Option(
            "first",
            "the first of the two: the gradient has the weights' shape",
            r"\delta^{[1]} (A^{[0]})^T",
            does=of_the_weights,
        ),
        Option(
            "second",
            "the second of the two: the gradient has the bias's shape",
            r"\delta^{[1]} u^T",
            does=of_the_biases,
        ),
    ),
    printed="first",
    standard="second",
    source="line 31 prints δu^T for the same gradient",
)


# --- ones: Ā through A = σ(Z) ---------------------------------------------------------------------------------------


def identity_matrix(xp: Any, A_bar: Any, Z: Any, slope: Any) -> Any:
    A = sigmoid(xp, Z)
    rows, columns = A.shape
    if rows != columns:
        raise NotConformable(f"I - A with A of shape ({rows}, {columns}): the identity matrix is square, A is not")
    return A_bar * A * (xp.asarray(xp.eye(rows)) - A)


def all_ones(xp: Any, A_bar: Any, Z: Any, slope: Any) -> Any:
    return slope(xp, A_bar, Z, sigmoid(xp, Z))


ONES = Axis(
    name="ones",
    options=(
        Option(
            "identity",
            "I - A with the identity matrix I; needs a square A",
            r"A \odot (I-A)",
            does=identity_matrix,
        ),
        Option(
            "all-ones",
            "1 - A with a matrix of ones, so that A ⊙ (1 - A) is σ'(Z)",
            r"A \odot (\mathbf{1}-A)",
            does=all_ones,
        ),
    ),
    printed="identity",
    standard="all-ones",
    source="line 23 prints 1 - A where line 24 prints I - A",
)
