"""torch's two routes into differentiation, backwards and forwards: the graph with dual numbers, and torch.func."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import cache
from typing import Any

from ...contract import Function


def reverse_by_graph(function: Function, tensors: Mapping[str, Any], wrt: tuple[str, ...], cotangent: Any) -> tuple[Any, Any]:
    import torch

    leaves = [tensors[name].requires_grad_() for name in wrt]
    with torch.enable_grad():
        value = function(**tensors)
    if not value.requires_grad:  # depends on none of the leaves
        return value, [torch.zeros_like(leaf) for leaf in leaves]
    return value, torch.autograd.grad(value, leaves, cotangent, allow_unused=True, materialize_grads=True)


def reverse_by_func(function: Function, tensors: Mapping[str, Any], wrt: tuple[str, ...], cotangent: Any) -> tuple[Any, Any]:
    import torch

    def of(*primals: Any) -> Any:
        return function(**{**tensors, **dict(zip(wrt, primals, strict=True))})

    value, vjp, *_ = torch.func.vjp(of, *(tensors[name] for name in wrt))
    return value, vjp(cotangent)


@cache
def load_forward_mode() -> None:
    """Have torch script its forward-mode rules, which it does at the first use while warning that scripting is deprecated."""
    import torch
    from torch.autograd import forward_ad

    with warnings.catch_warnings(), forward_ad.dual_level():
        warnings.simplefilter("ignore", DeprecationWarning)
        forward_ad.make_dual(torch.zeros(()), torch.zeros(()))


def forward_by_duals(function: Function, tensors: Mapping[str, Any], directions: Mapping[str, Any]) -> tuple[Any, Any]:
    import torch
    from torch.autograd import forward_ad

    with forward_ad.dual_level():
        duals = {name: forward_ad.make_dual(tensors[name], direction) for name, direction in directions.items()}
        value, tangent = forward_ad.unpack_dual(function(**{**tensors, **duals}))
    return value, torch.zeros_like(value) if tangent is None else tangent


def forward_by_func(function: Function, tensors: Mapping[str, Any], directions: Mapping[str, Any]) -> tuple[Any, Any]:
    import torch

    def of(*primals: Any) -> Any:
        return function(**{**tensors, **dict(zip(directions, primals, strict=True))})

    value, tangent, *_ = torch.func.jvp(of, tuple(tensors[name] for name in directions), tuple(directions.values()))
    return value, tangent
