"""Functions of the standard that move entries: reshape, join, repeat, select, sort."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import array_api_compat.numpy as plain
import autograd.numpy as anp
import numpy as np
from autograd.extend import defjvp, defvjp, defvjp_argnum, vspace
from autograd.numpy.numpy_vjps import match_complex, unbroadcast_f, untake
from autograd.tracer import getval
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from .linear import define_linear

# --- autograd's own rules, made right or complete ----------------------------------------------------

define_linear(anp.flip)
defvjp(anp.flip, lambda ans, x, axis=None: lambda g: anp.flip(g, axis))
defvjp(anp.broadcast_to, lambda ans, x, *_, **__: unbroadcast_f(x, lambda g: g))


def _pull_transpose(ans: Any, x: Any, axes: Any = None) -> Any:
    if axes is not None:
        axes = np.argsort(normalize_axis_tuple(axes, len(axes)))  # autograd's takes -1 for first
    return lambda g: anp.transpose(g, axes)


defvjp(anp.transpose, _pull_transpose)


def _pull_roll(ans: Any, x: Any, shift: Any, axis: Any = None) -> Any:
    return lambda g: anp.roll(g, tuple(-s for s in shift) if np.iterable(shift) else -shift, axis)


defvjp(anp.roll, _pull_roll)


def _pull_part(argnum: int, ans: Any, args: Any, kwargs: Any) -> Any:
    """Of a concatenation: autograd's may leave an imaginary part in the cotangent of a real array."""
    axis, *arrays = args
    index: list[Any] = [slice(None)] * ans.ndim
    start = sum(anp.shape(a)[axis] for a in arrays[: argnum - 1])
    index[axis] = slice(start, start + anp.shape(arrays[argnum - 1])[axis])
    return lambda g: match_complex(arrays[argnum - 1], g[tuple(index)])


defvjp_argnum(anp.concatenate_args, _pull_part)
defvjp_argnum(
    anp.array_from_args,
    lambda argnum, ans, args, kwargs: lambda g: match_complex(args[argnum], g[argnum - 2]),
)


def _pull_repeat(ans: Any, x: Any, repeats: Any, axis: int | None = None) -> Any:
    """Autograd's miscounts negative axes."""
    shape = anp.shape(x)
    if axis is None:
        chosen: Any = np.unravel_index(np.repeat(np.arange(anp.size(x)), repeats), shape)
    else:
        axis = normalize_axis_index(axis, len(shape))
        chosen = (*[slice(None)] * axis, np.repeat(np.arange(shape[axis]), repeats))
    return lambda g: untake(g, chosen, vspace(getval(x)))


defvjp(anp.repeat, _pull_repeat)


def _pull_tile(ans: Any, x: Any, reps: Any) -> Any:
    """Autograd's counts the repetitions from the first axis, where NumPy counts from the last."""
    reps, shape = tuple(np.atleast_1d(reps).tolist()), anp.shape(x)
    ndim = max(len(reps), len(shape))
    pairs = zip(
        (*(1,) * (ndim - len(reps)), *reps), (*(1,) * (ndim - len(shape)), *shape), strict=True
    )
    apart = tuple(extent for pair in pairs for extent in pair)
    copies = tuple(range(0, 2 * ndim, 2))
    return lambda g: anp.reshape(anp.sum(anp.reshape(g, apart), axis=copies), shape)


defvjp(anp.tile, _pull_tile)


def _diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    x = anp.moveaxis(x, (axis1, axis2), (-2, -1))
    rows, columns = x.shape[-2:]
    i = np.arange(max(0, -offset), max(0, -offset, min(rows, columns - offset)))
    return x[..., i, i + offset]


define_linear(
    anp.diagonal, _diagonal
)  # autograd's pulls through main diagonals of real arrays only


def _sort_order(x: Any, axis: Any = -1, kind: Any = None, *args: Any, **options: Any) -> Any:
    if args or axis is None or options.get("order") is not None:
        raise NotImplementedError
    return np.argsort(getval(x), axis=axis, kind=kind, **options)


def _push_sort(g: Any, ans: Any, x: Any, axis: Any = -1, *args: Any, **options: Any) -> Any:
    return _take_along_axis(g, _sort_order(x, axis, *args, **options), axis=axis)


def _pull_sort(ans: Any, x: Any, axis: Any = -1, *args: Any, **options: Any) -> Any:
    back = np.argsort(_sort_order(x, axis, *args, **options), axis=axis)
    return lambda g: _take_along_axis(g, back, axis=axis)


defjvp(anp.sort, _push_sort)
defvjp(anp.sort, _pull_sort)


def _push_diff(g: Any, ans: Any, x: Any, n: int = 1, axis: int = -1, **options: Any) -> Any:
    if any(end is not None for end in options.values()):
        raise NotImplementedError  # with constant ends the difference is affine, not linear
    return anp.diff(g, n, axis)


defjvp(anp.diff, _push_diff)


# --- the standard's functions ------------------------------------------------------------------------


def _concat(arrays: Sequence[Any], /, *, axis: int | None = 0) -> Any:
    if axis is None:
        return anp.concatenate([anp.ravel(a) for a in arrays], axis=0)
    return anp.concatenate(arrays, axis=axis)


def _diff(x: Any, /, *, axis: int = -1, n: int = 1, prepend: Any = None, append: Any = None) -> Any:
    parts = [end for end in (prepend, x, append) if end is not None]
    return anp.diff(x if len(parts) == 1 else anp.concatenate(parts, axis=axis), n, axis)


def matrix_transpose(x: Any, /) -> Any:
    """The last two axes swapped."""
    return anp.swapaxes(x, -1, -2)


def adjoint(x: Any) -> Any:
    """The conjugate transpose of the last two axes."""
    return matrix_transpose(anp.conj(x) if anp.iscomplexobj(x) else x)


def _reshape(x: Any, /, shape: Any, *, copy: bool | None = None) -> Any:
    return anp.reshape(x, shape)


def _sort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    order = plain.argsort(getval(x), axis=axis, descending=descending, stable=stable)
    return _take_along_axis(x, order, axis=axis)


def _take(x: Any, indices: Any, /, *, axis: int | None = None) -> Any:
    index: list[Any] = [slice(None)] * x.ndim
    index[0 if axis is None else axis] = np.asarray(indices)
    return x[tuple(index)]


def _take_along_axis(x: Any, indices: Any, /, *, axis: int = -1) -> Any:
    axis = normalize_axis_index(axis, x.ndim)
    extents = [1 if i == axis else n for i, n in enumerate(x.shape)]
    others = [1 if i == axis else n for i, n in enumerate(indices.shape)]
    index = list(np.ogrid[tuple(map(slice, np.broadcast_shapes(extents, others)))])
    # The one entry of an axis that is broadcast stands for all.
    index = [i * (n > 1) for i, n in zip(index, extents, strict=True)]
    index[axis] = indices
    return x[tuple(index)]


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "concat": _concat,
    "diff": _diff,
    "matrix_transpose": matrix_transpose,
    "reshape": _reshape,
    "sort": _sort,
    "take": _take,
    "take_along_axis": _take_along_axis,
}
