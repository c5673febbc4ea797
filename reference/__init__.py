"""The sheet as an oracle in NumPy: every formula line in every reading, on plain arrays.

>>> from gradspec.reference import adam, sigmoid, mlp2
>>> z = sigmoid(x)                                    # a value
>>> sigmoid.vjp(z_bar, x)["x"]                        # the printed cotangent
>>> state = adam.init(w)
>>> w, state = adam.step(w, g, state, rate=1e-3, reading="standard")
>>> mlp2.grad_W1(X=X, W1=W1, b1=b1, w2=w2, b2=b2, y=y)

Every line is found by its last name, every group by its name; ``catalogue()`` lists the sheet's,
``catalogue(beyond=True)`` all, with those of ``load_formulas("./lion.py")``. Without ``reading`` a line runs as it is printed.
"""

from typing import Any

from .arguments import ArgumentError
from .catalogue import FormulaError, catalogue, group, line, load_formulas
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


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    for find in (line, group):
        try:
            return find(name)
        except ArgumentError:
            continue
    raise AttributeError(f"gradspec.reference has no line, group or name {name!r}; catalogue() lists the lines")


def __dir__() -> list[str]:
    return sorted({*__all__, *(formula.name for formula in catalogue(beyond=True).values())})
