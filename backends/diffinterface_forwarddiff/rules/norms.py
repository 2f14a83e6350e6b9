"""Norms of vectors and matrices."""

from __future__ import annotations

from typing import Any

from diffinterface.extend.functions import axes_of, matrix_norm, vector_norm

from ..adaptors import composed


def _norm(
    xp: Any,
    x: Any,
    ord: Any = None,  # noqa: A002
    axis: Any = None,
    keepdims: bool = False,
) -> Any:
    """Of the flat array, of vectors along one axis, or of matrices over two."""
    if axis is None and ord is None:
        return vector_norm(xp, x, None, keepdims)
    axes = axes_of(axis, x.ndim)
    if len(axes) == 1:
        return vector_norm(xp, x, axes, keepdims, 2 if ord is None else ord)
    if len(axes) != 2:
        raise ValueError("Improper number of dimensions to norm.")
    result = matrix_norm(xp, xp.moveaxis(x, axes, (-2, -1)), False, "fro" if ord is None else ord)
    return xp.expand_dims(result, axis=tuple(sorted(axes))) if keepdims else result


composed("linalg.norm", _norm)
composed("linalg.vector_norm", vector_norm)
composed("linalg.matrix_norm", matrix_norm)
