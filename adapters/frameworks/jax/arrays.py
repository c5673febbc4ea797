"""Arrays on their way into JAX and out of it, with the bits and the precision that they have."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


class Namespace:
    """jax.numpy for formula bodies. Python numbers stay what they are, since they do not widen an array."""

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module("jax.numpy"), name)

    def asarray(self, value: Any) -> Any:
        import jax.numpy as jnp

        return jnp.asarray(value) if isinstance(value, (np.ndarray, np.generic)) else value

    def stack(self, parts: Sequence[Any]) -> Any:
        import jax.numpy as jnp

        return jnp.stack(list(parts))


NAMESPACE = Namespace()


def precise(*arrays: np.ndarray) -> AbstractContextManager[None]:
    """The context in which JAX keeps the arrays' dtype: 64-bit types are on if one of them needs it, else off."""
    import jax

    return jax.enable_x64(any(array.dtype == np.float64 for array in arrays))


def to_numpy(array: Any) -> np.ndarray:
    return np.array(array)  # a copy: JAX's own memory is read-only


def on_device(arrays: Any) -> Any:
    """NumPy's arrays as JAX's. Unlike jnp.asarray, device_put compiles nothing."""
    import jax

    return jax.device_put(arrays)
