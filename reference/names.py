"""What the names of the catalogue are, for type checkers; a program finds them by looking, and never imports this.

Written by ``python -m gradspec.tests.test_names``. A line that is not here works the same, and is typed as Any.
"""

from __future__ import annotations

from .formula import Map, Optimizer
from .lines import graph, logistic, mlp, mlp2, scalar

__all__ = [
    "adagrad",
    "adam",
    "adamw",
    "amsgrad",
    "delta",
    "delta1",
    "delta2",
    "delta_last",
    "grad_A",
    "grad_W",
    "grad_W1",
    "grad_Z",
    "grad_w",
    "grad_w1",
    "grad_z",
    "graph",
    "logistic",
    "max",
    "min",
    "mlp",
    "mlp2",
    "momentum",
    "nadam",
    "neuron",
    "prod",
    "rmsprop",
    "scalar",
    "sgd",
    "sigmoid",
    "sum",
    "sum_times",
    "z",
]

adagrad: Optimizer
adam: Optimizer
adamw: Optimizer
amsgrad: Optimizer
delta: Map
delta1: Map
delta2: Map
delta_last: Map
grad_A: Map
grad_W: Map
grad_W1: Map
grad_Z: Map
grad_w: Map
grad_w1: Map
grad_z: Map
max: Map
min: Map
momentum: Optimizer
nadam: Optimizer
neuron: Map
prod: Map
rmsprop: Optimizer
sgd: Optimizer
sigmoid: Map
sum: Map
sum_times: Map
z: Map
