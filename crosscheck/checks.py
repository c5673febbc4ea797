"""Properties of a reading, held in exact arithmetic: no tolerance, and no second implementation to compare with.

A ball that excludes zero refutes an equation; one that contains it confirms it to thousands of bits. The sheet's mnemonics are
such properties, and so are linearity, the adjoint identity, and that neither batches nor the order of the elements matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..adapters.contract import Trace
from ..reference.vocabulary import Formula, Map, NotConformable, Optimizer, Reading
from .arithmetic.objects import Objects, precise
from .arithmetic.tangents import Tangent, Tangents
from .domains import SETTINGS, Sample, TraceSample, bound_sizes, hyperparameters, samples, stable_seed
from .exactness import exact
from .findings import Check
from .profiles import Profile

BITS = 4096
LARGEST = 2048.0  # 1 - σ(x) is e⁻ˣ for large x: up to here BITS tell it from zero
HARD, DRAWN = 12, 6  # samples of each kind
WIDTH, STEPS = 3, 6  # of a trace


def of(formula: Formula, profile: Profile, seed: int) -> list[Check]:
    """Every property of the line's printed reading and, where it is another, of its standard reading."""
    readings = dict.fromkeys((formula.printed, formula.standard))
    with precise(BITS) as xp, np.errstate(all="ignore"):
        if isinstance(formula, Optimizer):
            every = [_held(formula, reading, p, _runs(formula, reading, xp), OF_TRACES) for reading in readings for p in OF_TRACES]
        else:
            every = _of_a_map(formula, readings, chosen(formula, profile, seed), xp)
    return [check for check in every if check is not None]
