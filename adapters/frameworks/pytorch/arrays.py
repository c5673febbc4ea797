"""Arrays in and out of torch, bit by bit, and torch as the namespace of formula bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch


def to_torch(value: Any) -> Any:
    """A tensor with the bits of a NumPy array, in memory of its own; settings such as ``g="relu"`` pass through."""
    import torch

    if isinstance(value, str):
        return value
    array = np.array(value)  # a copy: torch warns of read-only memory, and rejects negative strides
    if array.dtype.name == "bfloat16":
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)


def to_numpy(tensor: torch.Tensor) -> np.ndarray:
    """A NumPy array with the bits of a tensor."""
    import torch

    tensor = tensor.detach().contiguous()
    if tensor.dtype is torch.bfloat16:
        import ml_dtypes

        return tensor.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return tensor.numpy()


class Namespace:
    """torch under NumPy's names, for formula bodies.

    ``max`` and ``min`` reduce everything, as ``torch.max(x)``: their derivative splits a tie evenly, while that of
    ``torch.max(x, dim)`` follows the first index. A Python number stays one, since it never widens a tensor.
    """

    def __getattr__(self, name: str) -> Any:
        import torch

        return getattr(torch, name)

    def asarray(self, value: Any) -> Any:
        return to_torch(value) if isinstance(value, np.ndarray) else value

    def maximum(self, a: Any, b: Any) -> torch.Tensor:
        return self.__getattr__("maximum")(*_tensors(a, b))

    def minimum(self, a: Any, b: Any) -> torch.Tensor:
        return self.__getattr__("minimum")(*_tensors(a, b))


def _tensors(a: Any, b: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Two operands as tensors, at least one of which is one already; a number takes its dtype."""
    import torch

    dtype = a.dtype if isinstance(a, torch.Tensor) else b.dtype
    return torch.as_tensor(a, dtype=dtype), torch.as_tensor(b, dtype=dtype)
