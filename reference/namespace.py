"""NumPy as the namespace ``xp`` of formula bodies.

NumPy has every name that the bodies use. What is added is ``asarray`` for constants: a hyperparameter must enter in the
dtype of the arrays, since 1 - beta is itself a rounded operation, and since a Python float widens a bfloat16 array.
"""

from __future__ import annotations

from typing import Any

import numpy as np


class Floating:
    """NumPy in one floating dtype."""

    def __init__(self, dtype: Any):
        self.dtype = np.dtype(dtype)

    def asarray(self, value: Any) -> np.ndarray:
        return np.asarray(value).astype(self.dtype)

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)
