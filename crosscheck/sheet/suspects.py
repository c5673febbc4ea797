"""The axes that may be to blame for what a printed reading breaks."""

from __future__ import annotations

from ...reference.formula import Formula
from ...reference.vocabulary import Axis, Reading


def odd(formula: Formula) -> list[Axis]:
    """The axes on which what is printed is another function than what is standard."""
    return [axis for axis in formula.axes if axis.kind == "meaning" and axis.printed != axis.standard]


def alone(formula: Formula, axis: Axis) -> Reading:
    """The standard reading with one axis as printed; the printed reading itself where no other axis is odd."""
    return formula.printed if odd(formula) == [axis] else formula.standard.but(**{axis.name: axis.printed})
