"""The arrays inside a Dual: their namespaces, and zeros beside them."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffinterface.extend import array_namespace, framework_of, shape_of
from diffinterface.extend.arrays import Leveled
from diffinterface.extend.transforms import move_first_axis, permute_axes

NUMPY = (np.ndarray, np.generic, float, complex, int)


class Perturbed(Leveled):
    """A Dual, to the modules that the class itself is built on."""

    __slots__ = ()
    value: Any
    tangent: Any


def namespace_of(x: Any) -> Any:
    """The namespace to compute with `x` in: NumPy itself for NumPy and for Duals over it.

    NumPy's functions dispatch to Duals, so rules run on nested Duals unchanged; other frameworks'
    functions do not, and Duals over them get a namespace of their own.
    """
    if isinstance(x, NUMPY):
        return np
    return x.__array_namespace__() if isinstance(x, Perturbed) else array_namespace(x)


def zeros_beside(y: Any, k: int) -> Any:
    """Zero tangents ``y.shape + (k,)``, of y's framework, dtype and device."""
    if isinstance(y, np.ndarray):
        return np.zeros((*y.shape, k), y.dtype)
    xp = namespace_of(y)
    y = y if hasattr(y, "shape") else xp.asarray(y)
    column = xp.zeros_like(y)[..., None]
    return xp.zeros_like(xp.broadcast_to(column, (*shape_of(y), k)))


def beside(t: Any, x: Any) -> Any:
    """Seeds `t` for x: where x is a Dual, able to hold tangents of its level.

    What f writes into the tangents of x, or of a buffer like x, depends on the outer perturbations too.
    """
    if not isinstance(x, Perturbed) or isinstance(t, Perturbed):
        return t
    inner = beside(t, x.value)
    return _like(x, inner, zeros_beside(inner, x.tangent.shape[-1]))


def _like(x: Perturbed, value: Any, tangent: Any) -> Any:
    kind: Any = type(x)
    return kind(value, tangent, x.level)


def plain(x: Any) -> Any:
    """The value under all levels of Duals."""
    while isinstance(x, Perturbed):
        x = x.value
    return x


def cast(x: Any, dtype: Any) -> Any:
    """`x` in another dtype; itself where it has it."""
    if x.dtype == dtype:
        return x
    return x.astype(dtype) if namespace_of(x) is np else namespace_of(x).astype(x, dtype)


def namespace_for(value: Any, tangent: Any) -> Any:
    """The namespace for a value and tangents of it, either of which an outer level may hold."""
    return namespace_of(tangent if isinstance(tangent, Perturbed) else value)


def front(t: Any, ndim: int = 0) -> Any:
    """Tangents with their axis in front of `ndim` axes or more, as batched functions take them."""
    t = permute_axes(t, (t.ndim - 1, *range(t.ndim - 1)))
    while t.ndim < ndim + 1:
        t = t[:, None]
    return t


def back(t: Any) -> Any:
    """Tangents with their axis back at the end."""
    return move_first_axis(t, -1)


def contiguous(x: Any) -> Any:
    """The same numbers in C order."""
    if isinstance(x, Perturbed):
        return _like(x, contiguous(x.value), contiguous(x.tangent))
    return np.ascontiguousarray(x)


def copied(x: Any) -> Any:
    """A copy of an array or Dual that shares no memory with it."""
    if isinstance(x, np.ndarray):
        return x.copy("K")
    if isinstance(x, np.generic):
        return x
    if isinstance(x, Perturbed):
        return _like(x, copied(x.value), copied(x.tangent))
    framework = framework_of(x)
    assert framework is not None
    return framework.own(x)
