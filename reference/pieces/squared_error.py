"""The squared error over a batch: what it is divided by, and whether it is halved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..vocabulary import Axis, Option


def three(outputs: int, examples: int) -> int:
    return 3


def number_of_examples(outputs: int, examples: int) -> int:
    return examples


def number_of_elements(outputs: int, examples: int) -> int:
    return outputs * examples


def one(outputs: int, examples: int) -> int:
    return 1


NORMALISER = Axis(
    name="normaliser",
    options=(
        Option("three", "3, the batch size of the sheet's example, printed as a constant", r"\frac{1}{3}", does=three),
        Option(
            "examples",
            "the number n of examples, whatever the number of outputs",
            r"\frac{1}{n}",
            does=number_of_examples,
        ),
        Option(
            "elements",
            "the number of elements of ŷ: n times the number of outputs",
            r"\frac{1}{no}",
            does=number_of_elements,
        ),
        Option("one", "1: the sum over the batch", r"1", does=one),
    ),
    printed="three",
    standard="examples",
    source="the sheet's heading: Batch Size=3; torch.nn.MSELoss documents mean over elements and sum",
)


class Factor(NamedTuple):
    """What the squared norm of r is divided by, and the derivative by r."""

    divisor: int
    slope: Callable[[Any], Any]


def twice(r: Any) -> Any:
    return 2 * r


def once(r: Any) -> Any:
    return r


WHOLE = Factor(1, twice)

FACTOR = Axis(
    name="factor",
    options=(
        Option("one", "the squared norm as printed; its gradient carries a 2", r"\|\hat{y}-y\|^2", does=WHOLE),
        Option(
            "half",
            "half the squared norm; its gradient carries no 2",
            r"\tfrac12\|\hat{y}-y\|^2",
            does=Factor(2, once),
        ),
    ),
    printed="one",
    standard="one",
    source="optax.l2_loss documents the half",
)
