"""The sheet as an oracle in NumPy: every formula line in every reading, on plain arrays.

>>> import numpy as np
>>> from gradspec.reference import adam, mlp2, sigmoid
>>> x = np.array([0.0, 2.0])
>>> sigmoid(x).round(3).tolist()                           # a value
[0.5, 0.881]
>>> sigmoid.vjp(np.ones(2), x)["x"].round(3).tolist()      # the printed cotangent
[0.25, 0.105]
>>> w, g = np.zeros(2), np.array([1.0, -4.0])
>>> state = adam.init(w)
>>> w, state = adam.step(w, g, state, rate=1e-3, reading="standard")
>>> w.round(6).tolist()
[-0.001, 0.001]

Every line is found by its last name, every group by its name; ``catalogue()`` lists the sheet's,
``catalogue(beyond=True)`` all, with those of ``load_formulas("./lion.py")``. Without ``reading`` a line runs as it is printed.
"""

from typing import TYPE_CHECKING, Any

from .arguments import ArgumentError
from .catalogue import FormulaError, catalogue, group, line, load_formulas, packaged_line
from .formula import Formula, Map, Optimizer
from .vocabulary import Axis, Coincidence, Erratum, NotConformable, Option, Reading

__all__ = [
    "ArgumentError",
    "Axis",
    "Coincidence",
    "Erratum",
    "Formula",
    "FormulaError",
    "Map",
    "NotConformable",
    "Optimizer",
    "Option",
    "Reading",
    "catalogue",
    "group",
    "line",
    "load_formulas",
]

if TYPE_CHECKING:  # what __getattr__ finds
    from . import names
    from .names import *  # noqa: F403

    __all__ += names.__all__


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    for find in (packaged_line, line, group):
        try:
            return find(name)
        except ArgumentError:
            continue
    raise AttributeError(f"gradspec.reference has no line, group or name {name!r}; catalogue() lists the lines")


def __dir__() -> list[str]:
    return sorted({*__all__, *(formula.name for formula in catalogue(beyond=True).values())})
