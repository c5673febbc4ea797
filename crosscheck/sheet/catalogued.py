"""What the catalogue says of a line, as plain data for reports."""

from __future__ import annotations

from ...reference.formula import Formula, Map
from ...reference.vocabulary import Axis
from ..findings import AxisInfo, LineInfo, OptionInfo


def line_info(formula: Formula) -> LineInfo:
    mnemonic = formula.mnemonic.words if isinstance(formula, Map) and formula.mnemonic else ""
    return LineInfo(
        id=formula.id,
        number=formula.number,
        title=formula.title,
        latex=formula.latex,
        standard_latex=formula.standard_latex,
        axes=[axis_info(axis) for axis in formula.axes],
        section=formula.section,
        mnemonic=mnemonic,
        notes=formula.notes,
        source=formula.source,
    )


def axis_info(axis: Axis) -> AxisInfo:
    options = [OptionInfo(option.name, option.meaning, option.latex) for option in axis.options]
    return AxisInfo(axis.name, axis.kind, axis.printed, axis.standard, options, axis.source)
