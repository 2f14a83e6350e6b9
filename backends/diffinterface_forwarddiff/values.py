"""The arrays inside a Dual: their namespaces, and zeros beside them."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffinterface.arrays import array_namespace, shape_of


def namespace_of(x: Any) -> Any:
    """The namespace to compute with `x` in: NumPy itself for NumPy and for Duals over it.

    NumPy's functions dispatch to Duals, so rules run on nested Duals unchanged; other frameworks'
    functions do not, and Duals over them get a namespace of their own.
    """
    from .dual import Dual

    if not isinstance(x, Dual):
        if isinstance(x, np.ndarray | np.generic | float | complex | int):
            return np
        return array_namespace(x)
    inner = x.value
    while isinstance(inner, Dual):
        inner = inner.value
    base = namespace_of(inner)
    if base is np:
        return np
    from .namespace import Namespace

    return Namespace(base)


def zeros_beside(y: Any, k: int) -> Any:
    """Zero tangents ``y.shape + (k,)``, of y's framework, dtype and device."""
    xp = namespace_of(y)
    y = y if hasattr(y, "shape") else xp.asarray(y)
    column = xp.zeros_like(y)[..., None]
    return xp.zeros_like(xp.broadcast_to(column, (*shape_of(y), k)))


def copied(x: Any) -> Any:
    """A copy of an array or Dual that shares no memory with it."""
    from .dual import Dual

    return x.copy() if isinstance(x, Dual) else namespace_of(x).asarray(x, copy=True)
