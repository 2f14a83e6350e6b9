"""Norms of vectors and matrices."""

from __future__ import annotations

from typing import Any

from diffinterface.arrays.facts import is_complex

from ..adaptors import composed
from ..values import cast, plain
from .linear import axes_of

INF = float("inf")


def squared(xp: Any, x: Any) -> Any:
    """``|x|**2``, smooth at 0."""
    return xp.real(xp.conj(x) * x) if is_complex(x) else x * x


def _vector_norm(
    xp: Any,
    x: Any,
    axis: Any = None,
    keepdims: bool = False,
    ord: Any = 2,  # noqa: A002 - NumPy's name
) -> Any:
    if isinstance(ord, str):
        raise ValueError(f"Invalid norm order {ord!r} for vectors.")
    over = {"axis": axis, "keepdims": keepdims}
    if ord == 2:
        return xp.sqrt(xp.sum(squared(xp, x), **over))
    size = xp.abs(x)
    if ord in (INF, -INF):
        return (xp.max if ord > 0 else xp.min)(size, **over)
    if ord == 0:  # how many are not 0
        return xp.sum(cast(plain(x) != 0, size.dtype), **over)
    if ord == 1:
        return xp.sum(size, **over)
    return xp.sum(size**ord, **over) ** (1 / ord)


def _matrix_norm(
    xp: Any,
    x: Any,
    keepdims: bool = False,
    ord: Any = "fro",  # noqa: A002
) -> Any:
    if ord in ("fro", "f"):
        result = xp.sqrt(xp.sum(squared(xp, x), axis=(-2, -1)))
    elif ord in (1, -1, INF, -INF):
        sums = xp.sum(xp.abs(x), axis=-2 if abs(ord) == 1 else -1)
        result = (xp.max if ord > 0 else xp.min)(sums, axis=-1)
    elif ord in (2, -2, "nuc"):
        reduce = xp.sum if ord == "nuc" else xp.max if ord > 0 else xp.min
        result = reduce(xp.linalg.svdvals(x), axis=-1)
    else:
        raise ValueError(f"Invalid norm order {ord!r} for matrices.")
    return xp.reshape(result, (*x.shape[:-2], 1, 1)) if keepdims else result


def _norm(
    xp: Any,
    x: Any,
    ord: Any = None,  # noqa: A002
    axis: Any = None,
    keepdims: bool = False,
) -> Any:
    """Of the flat array, of vectors along one axis, or of matrices over two."""
    if axis is None and ord is None:
        return _vector_norm(xp, x, None, keepdims)
    axes = axes_of(axis, x.ndim)
    if len(axes) == 1:
        return _vector_norm(xp, x, axes, keepdims, 2 if ord is None else ord)
    if len(axes) != 2:
        raise ValueError("Improper number of dimensions to norm.")
    result = _matrix_norm(xp, xp.moveaxis(x, axes, (-2, -1)), False, "fro" if ord is None else ord)
    return xp.expand_dims(result, axis=tuple(sorted(axes))) if keepdims else result


composed("linalg.norm", _norm)
composed("linalg.vector_norm", _vector_norm)
composed("linalg.matrix_norm", _matrix_norm)
