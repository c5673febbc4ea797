"""What the names of the catalogue are, for type checkers; a program finds them by looking, and never imports this.

Written by ``python -m gradspec.tests.test_names``. A line that is not here works the same, and is typed as Any.
"""

from __future__ import annotations

from .formula import Map, Optimizer
from .lines import graph, logistic, mlp, mlp2, scalar

__all__ = [
    "adabelief",
    "adadelta",
    "adafactor",
    "adagrad",
    "adam",
    "adamax",
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
    "lamb",
    "lars",
    "lion",
    "logistic",
    "max",
    "min",
    "mlp",
    "mlp2",
    "momentum",
    "muon",
    "nadam",
    "neuron",
    "prod",
    "qhm",
    "radam",
    "rmsprop",
    "scalar",
    "sgd",
    "sigmoid",
    "sum",
    "sum_times",
    "yogi",
    "z",
]

adabelief: Optimizer
adadelta: Optimizer
adafactor: Optimizer
adagrad: Optimizer
adam: Optimizer
adamax: Optimizer
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
lamb: Optimizer
lars: Optimizer
lion: Optimizer
max: Map
min: Map
momentum: Optimizer
muon: Optimizer
nadam: Optimizer
neuron: Map
prod: Map
qhm: Optimizer
radam: Optimizer
rmsprop: Optimizer
sgd: Optimizer
sigmoid: Map
sum: Map
sum_times: Map
yogi: Optimizer
z: Map
