"""Functions of the array-API standard made of others, for engines that have rules for these alone.

Each takes the namespace `xp` to compute in, and then what the standard says.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .facts import Array, is_complex


def squared(xp: Any, x: Array) -> Array:
    """``|x|**2``, smooth at 0."""
    return xp.real(xp.conj(x) * x) if is_complex(x) else x * x


def vector_norm(
    xp: Any,
    x: Array,
    axis: Any = None,
    keepdims: bool = False,
    ord: Any = 2,  # noqa: A002 - the standard's name
) -> Array:
    """The norm of all entries, or of those along some axes."""
    if isinstance(ord, str):
        raise ValueError(f"Invalid norm order {ord!r} for vectors.")
    over = {"axis": axis, "keepdims": keepdims}
    if ord == 2:
        return xp.sqrt(xp.sum(squared(xp, x), **over))
    size = xp.abs(x)
    if np.isinf(ord):
        return (xp.max if ord > 0 else xp.min)(size, **over)
    if ord == 0:  # how many are not 0
        return xp.sum(size != 0, **over, dtype=size.dtype)
    if ord == 1:
        return xp.sum(size, **over)
    return xp.sum(size**ord, **over) ** (1 / ord)


def matrix_norm(
    xp: Any,
    x: Array,
    keepdims: bool = False,
    ord: Any = "fro",  # noqa: A002
) -> Array:
    """The norm of matrices over the last two axes."""
    if ord in ("fro", "f"):
        result = vector_norm(xp, x, axis=(-2, -1))
    elif ord in (1, -1, np.inf, -np.inf):
        sums = xp.sum(xp.abs(x), axis=-2 if abs(ord) == 1 else -1)
        result = (xp.max if ord > 0 else xp.min)(sums, axis=-1)
    elif ord in (2, -2, "nuc"):
        reduce = xp.sum if ord == "nuc" else xp.max if ord > 0 else xp.min
        result = reduce(xp.linalg.svdvals(x), axis=-1)
    else:
        raise ValueError(f"Invalid norm order {ord!r} for matrices.")
    return xp.reshape(result, (*x.shape[:-2], 1, 1)) if keepdims else result


def matrix_power(xp: Any, x: Array, n: int) -> Array:
    """The n-th power, by squaring."""
    if n < 0:
        return matrix_power(xp, xp.linalg.inv(x), -n)
    if n == 0:
        return xp.tril(xp.triu(xp.ones_like(x)))
    if n == 1:
        return x
    half = matrix_power(xp, xp.matmul(x, x), n // 2)
    return xp.matmul(half, x) if n % 2 else half


def broadcast_arrays(xp: Any, *arrays: Array) -> tuple[Array, ...]:
    """The arrays, broadcast to one shape."""
    shape = np.broadcast_shapes(*(tuple(a.shape) for a in arrays))
    return tuple(xp.broadcast_to(a, shape) for a in arrays)


def unstack(xp: Any, x: Array, axis: int = 0) -> tuple[Array, ...]:
    """The parts of x along an axis."""
    moved = xp.moveaxis(x, axis, 0)
    return tuple(moved[i] for i in range(moved.shape[0]))


def axes_of(axis: Any, ndim: int) -> tuple[int, ...]:
    """Axes as non-negative ints: None means all."""
    if axis is None or not ndim:
        return tuple(range(ndim))
    return tuple(a % ndim for a in (axis if isinstance(axis, tuple | list) else (axis,)))


def along(x: Array, axis: int, part: slice) -> Any:
    """A slice along one axis."""
    index: list[Any] = [slice(None)] * len(x.shape)
    index[axis] = part
    return x[tuple(index)]


def trapezoid(xp: Any, y: Array, x: Array | None = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """The integral of y along an axis by the trapezoidal rule; NumPy's function."""
    mean = (along(y, axis, slice(1, None)) + along(y, axis, slice(None, -1))) / 2
    if x is None:
        return xp.sum(mean * dx, axis=axis)
    flat = len(x.shape) == 1
    run = -1 if flat else axis
    width = along(x, run, slice(1, None)) - along(x, run, slice(None, -1))
    if flat and len(y.shape) > 1:
        ones = tuple(-1 if i == axis % len(y.shape) else 1 for i in range(len(y.shape)))
        width = xp.reshape(width, ones)
    return xp.sum(mean * width, axis=axis)
