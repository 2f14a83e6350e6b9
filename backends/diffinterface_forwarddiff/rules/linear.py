"""Linear functions: the function itself, applied to the tangents with the trailing axis kept."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from diffinterface.extend.functions import axes_of

from ..adaptors import apply, by_slices, composed, linear, slicewise
from ..dual import Dual
from ..errors import MissingRuleError
from ..table import RULES
from ..values import back, cast, copied, front, namespace_for, plain


def _sum(
    xp: Any,
    f: Any,
    x: Any,
    t: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
) -> Any:
    types = {} if dtype is None else {"dtype": dtype}
    return f(t, axis=axes_of(axis, len(x.shape)), keepdims=keepdims, **types)


linear("sum", _sum)
linear("mean", _sum)
linear("reshape", lambda xp, f, x, t, *args, **o: _reshape(xp, x, t, *args, **o), view=True)
linear("ravel", lambda xp, f, x, t, order="C": _ravel(xp, x, t, order), view=True)
linear("matrix_transpose", lambda xp, f, x, t: xp.moveaxis(t, -2, -3))
linear(
    "swapaxes",
    lambda xp, f, x, t, a, b: f(t, a % len(x.shape), b % len(x.shape)),
)
linear(
    "moveaxis",
    lambda xp, f, x, t, source, destination: f(
        t, axes_of(source, len(x.shape)), axes_of(destination, len(x.shape))
    ),
)
linear(
    "expand_dims",
    lambda xp, f, x, t, axis: xp.reshape(t, (*f(x, axis=axis).shape, t.shape[-1])),
)
linear(
    "squeeze",
    lambda xp, f, x, t, axis=None: xp.reshape(
        t, (*(f(x) if axis is None else f(x, axis=axis)).shape, t.shape[-1])
    ),
)
linear(
    "broadcast_to",
    lambda xp, f, x, t, shape: _broadcast(xp, x, t, (shape,) if isinstance(shape, int) else shape),
)
linear("cumsum", lambda xp, f, x, t, axis=None, **o: _along(xp, f, x, t, axis, **o))
linear(
    "flip",
    lambda xp, f, x, t, axis=None: f(t, axis=axes_of(axis, len(x.shape))),
)
linear("fliplr", lambda xp, f, x, t: f(t))
linear("flipud", lambda xp, f, x, t: f(t))
linear(
    "take",
    lambda xp, f, x, t, indices, axis=None, **o: _along(xp, f, x, t, axis, indices, **o),
)
linear(
    "take_along_axis",
    lambda xp, f, x, t, indices, axis=-1: f(t, indices[..., None], axis=axis % len(x.shape)),
)
linear("repeat", lambda xp, f, x, t, repeats, axis=None: _along(xp, f, x, t, axis, repeats))
linear("roll", lambda xp, f, x, t, shift, axis=None: _roll(xp, f, x, t, shift, axis))
linear(
    "diagonal",
    lambda xp, f, x, t, offset=0, axis1=0, axis2=1: xp.moveaxis(
        np.diagonal(t, offset, axis1 % len(x.shape), axis2 % len(x.shape)), -2, -1
    ),
)
linear("copy", lambda xp, f, x, t, **o: copied(t))
linear("tril", lambda xp, f, x, t, k=0: xp.moveaxis(f(xp.moveaxis(t, -1, 0), k=k), 0, -1))
linear("triu", lambda xp, f, x, t, k=0: xp.moveaxis(f(xp.moveaxis(t, -1, 0), k=k), 0, -1))
linear("rot90", lambda xp, f, x, t, k=1, axes=(0, 1): f(t, k, axes_of(tuple(axes), len(x.shape))))
linear("tile", lambda xp, f, x, t, reps: f(t, (*_reps(reps, x), 1)))
slicewise("diag", "diagflat")
linear("linalg.diagonal", lambda xp, f, x, t, offset=0: back(f(front(t), offset=offset)))
linear(
    "linalg.trace",
    lambda xp, f, x, t, offset=0, dtype=None: back(f(front(t), offset=offset, dtype=dtype)),
)


def _along(xp: Any, f: Any, x: Any, t: Any, axis: int | None, *args: Any, **options: Any) -> Any:
    """Along an axis, or of the flat array."""
    if axis is None:
        return f(xp.reshape(t, (_size(x), t.shape[-1])), *args, axis=0, **options)
    return f(t, *args, axis=axis % len(x.shape), **options)


def _roll(xp: Any, f: Any, x: Any, t: Any, shift: Any, axis: Any) -> Any:
    if isinstance(axis, tuple):
        return f(t, shift, axis=axes_of(axis, len(x.shape)))
    return xp.reshape(_along(xp, f, x, t, axis, shift), t.shape)


def _broadcast(xp: Any, x: Any, t: Any, shape: Any) -> Any:
    ones = (1,) * (len(shape) - len(x.shape))
    return xp.broadcast_to(xp.reshape(t, (*ones, *t.shape)), (*shape, t.shape[-1]))


def _size(x: Any) -> int:
    return math.prod(x.shape)


def _resolved(shape: Any, x: Any) -> tuple[int, ...]:
    wanted = [shape] if isinstance(shape, int) else list(shape)
    if -1 in wanted:
        known = math.prod(extent for extent in wanted if extent != -1)
        wanted[wanted.index(-1)] = _size(x) // max(known, 1)
    return tuple(int(extent) for extent in wanted)


def _reshape(
    xp: Any, x: Any, t: Any, shape: Any, order: str = "C", copy: bool | None = None
) -> Any:
    if order != "C":
        _refuse_order("reshape", order)
    return xp.reshape(t, (*_resolved(shape, x), t.shape[-1]))


def _ravel(xp: Any, x: Any, t: Any, order: str) -> Any:
    if order == "F":
        t = xp.permute_dims(t, (*range(len(x.shape))[::-1], len(x.shape)))
    elif order != "C":
        _refuse_order("ravel", order)
    return xp.reshape(t, (_size(x), t.shape[-1]))


def _refuse_order(name: str, order: str) -> Any:
    raise MissingRuleError(name, f"with order={order!r} has no derivative rule")


def _reps(reps: Any, x: Any) -> tuple[int, ...]:
    given = tuple(reps) if isinstance(reps, tuple | list) else (reps,)
    return (1,) * (len(x.shape) - len(given)) + given


def _transpose(name: str, function: Any, args: Any, options: Any) -> Any:
    return apply(name, _permuted, *args, **options)


def _permuted(x: Any, axes: Any = None) -> Any:
    ndim = len(x.shape)
    order = range(ndim)[::-1] if axes is None else axes_of(tuple(axes), ndim)
    xp = namespace_for(x.value, x.tangent)
    moved = xp.permute_dims(x.tangent, (*order, ndim))
    return Dual(xp.permute_dims(x.value, tuple(order)), moved, x.level)


RULES["transpose"] = _transpose
composed(
    "trace", lambda xp, x, offset=0, axis1=0, axis2=1: xp.diagonal(x, offset, axis1, axis2).sum(-1)
)


# --- affine and piecewise linear -------------------------------------------------------------------


def _pad(
    xp: Any, f: Any, x: Any, t: Any, width: Any, mode: Any = "constant", **options: Any
) -> Any:
    """Padding is affine in x: the tangents are padded alike, with zeros for constants."""
    if mode not in ("constant", "edge", "linear_ramp", "mean", "reflect", "symmetric", "wrap"):
        raise MissingRuleError("pad", f"with mode={mode!r} has no derivative rule")
    linear_part = {k: v for k, v in options.items() if k not in ("constant_values", "end_values")}
    return by_slices(xp, lambda column: f(column, width, mode, **linear_part), t)


def _ediff1d(xp: Any, x: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    flat = x.reshape((-1,))
    parts = [
        part if hasattr(part, "shape") else xp.asarray(part)
        for part in (to_begin, flat[1:] - flat[:-1], to_end)
        if part is not None
    ]
    return xp.concatenate([cast(xp.reshape(part, (-1,)), x.dtype) for part in parts])


linear("pad", _pad)
composed("ediff1d", _ediff1d)
# What unwrapping adds are multiples of the period.
composed("unwrap", lambda xp, p, *args, **o: p + (xp.unwrap(plain(p), *args, **o) - plain(p)))
