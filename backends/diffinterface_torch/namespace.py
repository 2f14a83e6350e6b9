"""The array-API namespace of tensors, in which ``asarray`` keeps the derivative.

Torch's own detaches a tensor that the tape records (always before torch 2.13, and still where tensors
stand in a list).
"""

from __future__ import annotations

from functools import reduce
from types import ModuleType
from typing import Any

import array_api_compat.torch
import torch


def asarray(obj: Any, /, *, dtype: Any = None, device: Any = None, copy: Any = None) -> Any:
    """`obj` as a tensor, still recorded by whoever records it; see the array-API standard."""
    if isinstance(obj, tuple | list) and any(map(_holds, obj)):
        parts = [asarray(part, dtype=dtype, device=device) for part in obj]
        wide = reduce(torch.promote_types, [part.dtype for part in parts])
        return torch.stack([part.to(wide) for part in parts])
    if not isinstance(obj, torch.Tensor):
        return array_api_compat.torch.asarray(obj, dtype=dtype, device=device, copy=copy)
    moved = obj.to(device=device, dtype=dtype)
    if copy is False and moved is not obj:
        raise ValueError("asarray with copy=False, of a tensor with another dtype or device.")
    return moved.clone() if copy and moved is obj else moved


def _holds(tree: Any) -> bool:
    return isinstance(tree, torch.Tensor) or (
        isinstance(tree, tuple | list) and any(map(_holds, tree))
    )


namespace = ModuleType(array_api_compat.torch.__name__)
namespace.__dict__.update(vars(array_api_compat.torch))
namespace.asarray = asarray  # type: ignore[attr-defined]
