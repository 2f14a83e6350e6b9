"""Linear functions: the function itself, applied to the tangents with the trailing axis kept."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..adaptors import composed, constant, duals, holds, linear, slicewise, value_at
from ..dual import Dual
from ..errors import MissingRuleError
from ..table import RULES, base
from ..values import copied, namespace_of, zeros_beside


def axes_of(axis: Any, ndim: int) -> tuple[int, ...]:
    """Axes as non-negative ints: None means all."""
    if axis is None:
        return tuple(range(ndim))
    return tuple(a % ndim for a in (axis if isinstance(axis, tuple | list) else (axis,)))


def _sum(
    xp: Any,
    f: Any,
    x: Any,
    t: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    **options: Any,
) -> Any:
    kept = {key: v for key, v in options.items() if key == "keepdims"}
    if set(options) - {"keepdims"}:
        raise MissingRuleError("sum", f"with {', '.join(options)}= has no derivative rule")
    return f(t, axis=axes_of(axis, len(x.shape)), **kept)


def _reduce_axis(options: dict[str, Any], args: tuple[Any, ...], default: Any) -> Any:
    return options.get("axis", args[0] if args else default)


linear("sum", _sum)
linear("mean", _sum)
linear(
    "reshape",
    lambda xp, f, x, t, shape=None, order="C", **o: (
        xp.reshape(t, (*_resolved(o.get("newshape", shape), x), t.shape[-1]))
        if order == "C"
        else _refuse_order()
    ),
)
linear("ravel", lambda xp, f, x, t, order="C": xp.reshape(t, (_size(x), t.shape[-1])))
linear(
    "transpose",
    lambda xp, f, x, t, axes=None: xp.permute_dims(t, (*_order(axes, len(x.shape)), len(x.shape))),
)
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
    lambda xp, f, x, t, shape: xp.broadcast_to(
        xp.reshape(t, (*(1,) * (len(shape) - len(x.shape)), *t.shape)), (*shape, t.shape[-1])
    ),
)
linear(
    "cumsum",
    lambda xp, f, x, t, axis=None, **o: f(
        xp.reshape(t, (_size(x), t.shape[-1])) if axis is None else t,
        axis=0 if axis is None else axis % len(x.shape),
        **o,
    ),
)
linear(
    "flip",
    lambda xp, f, x, t, axis=None: f(t, axis=axes_of(axis, len(x.shape))),
)
linear("fliplr", lambda xp, f, x, t: f(t))
linear("flipud", lambda xp, f, x, t: f(t))
linear(
    "take",
    lambda xp, f, x, t, indices, axis=None, **o: f(
        xp.reshape(t, (_size(x), t.shape[-1])) if axis is None else t,
        indices,
        axis=0 if axis is None else axis % len(x.shape),
        **o,
    ),
)
linear(
    "take_along_axis",
    lambda xp, f, x, t, indices, axis=-1: f(t, indices[..., None], axis=axis % len(x.shape)),
)
linear(
    "repeat",
    lambda xp, f, x, t, repeats, axis=None: f(
        xp.reshape(t, (_size(x), t.shape[-1])) if axis is None else t,
        repeats,
        axis=0 if axis is None else axis % len(x.shape),
    ),
)
linear(
    "roll",
    lambda xp, f, x, t, shift, axis=None: (
        xp.reshape(f(xp.reshape(t, (_size(x), t.shape[-1])), shift, axis=0), t.shape)
        if axis is None
        else f(
            t,
            shift,
            axis=tuple(axes_of(axis, len(x.shape)))
            if isinstance(axis, tuple)
            else axis % len(x.shape),
        )
    ),
)
linear(
    "diagonal",
    lambda xp, f, x, t, offset=0, axis1=0, axis2=1: xp.moveaxis(
        np.diagonal(t, offset, axis1 % len(x.shape), axis2 % len(x.shape)), -2, -1
    ),
)
linear("copy", lambda xp, f, x, t, **o: copied(t))
linear("tril", lambda xp, f, x, t, k=0: xp.moveaxis(f(xp.moveaxis(t, -1, 0), k=k), 0, -1))
linear("triu", lambda xp, f, x, t, k=0: xp.moveaxis(f(xp.moveaxis(t, -1, 0), k=k), 0, -1))
slicewise("diag", "diagflat", "tile", "pad", "rot90", "ediff1d", "unwrap")
slicewise(*(f"fft.{name}" for name in ("fft", "ifft", "rfft", "irfft", "fft2", "ifft2", "fftn")))
slicewise(*(f"fft.{name}" for name in ("ifftn", "rfft2", "irfft2", "hfft", "ihfft")))
slicewise("fft.fftshift", "fft.ifftshift")


def _size(x: Any) -> int:
    size = 1
    for extent in x.shape:
        size *= extent
    return size


def _resolved(shape: Any, x: Any) -> tuple[int, ...]:
    wanted = [shape] if isinstance(shape, int) else list(shape)
    if -1 in wanted:
        known = 1
        for extent in wanted:
            known *= extent if extent != -1 else 1
        wanted[wanted.index(-1)] = _size(x) // max(known, 1)
    return tuple(int(extent) for extent in wanted)


def _refuse_order() -> Any:
    raise MissingRuleError("reshape", "in another order than 'C' has no derivative rule")


def _order(axes: Any, ndim: int) -> tuple[int, ...]:
    return tuple(range(ndim))[::-1] if axes is None else axes_of(tuple(axes), ndim)


# --- several arrays --------------------------------------------------------------------------------


def _joining(name: str) -> None:
    def rule(name: str, function: Any, args: Any, options: Any) -> Any:
        arrays, *rest = args
        arrays = list(arrays)
        axis = options.pop("axis", rest[0] if rest else 0) if options or rest else 0
        dual = max(duals(arrays), key=lambda d: d.level)
        level, k = dual.level, dual.width
        values = [value_at(a, level) for a in arrays]
        xp = namespace_of(next(v for v in (dual.value, *values) if hasattr(v, "dtype")))
        values = [v if hasattr(v, "shape") else xp.asarray(v, dtype=dual.dtype) for v in values]
        tangents = [
            a.tangent if isinstance(a, Dual) and a.level == level else zeros_beside(v, k)
            for a, v in zip(arrays, values, strict=True)
        ]
        f = base(xp, name, function)
        y = f(values, axis=axis, **options)
        ndim = len(y.shape)
        if axis is None:
            tangents = [xp.reshape(t, (_size(v), k)) for t, v in zip(tangents, values, strict=True)]
        along = 0 if axis is None else axis % ndim
        return Dual(y, f(tangents, axis=along), level)

    RULES[name] = rule


_joining("concatenate")
_joining("stack")


def _at_least(xp: Any, x: Any, ndim: int) -> Any:
    missing = ndim - len(np.shape(x) if not isinstance(x, Dual) else x.shape)
    x = x if hasattr(x, "shape") else xp.asarray(x)
    if missing <= 0:
        return x
    return (
        xp.reshape(x, (1,) * missing + tuple(x.shape))
        if ndim < 3 or not x.shape
        else xp.reshape(x, (1, *x.shape, 1) if len(x.shape) == 1 else (*x.shape, 1))
    )


composed("atleast_1d", lambda xp, x: _at_least(xp, x, 1))
composed("atleast_2d", lambda xp, x: _at_least(xp, x, 2))
composed("atleast_3d", lambda xp, x: _at_least(xp, x, 3))
composed("vstack", lambda xp, a, **o: xp.concatenate([_at_least(xp, x, 2) for x in a], axis=0))
composed("dstack", lambda xp, a, **o: xp.concatenate([_at_least(xp, x, 3) for x in a], axis=2))
composed("hstack", lambda xp, a, **o: _hstack(xp, [_at_least(xp, x, 1) for x in a]))
composed(
    "column_stack",
    lambda xp, a: xp.concatenate(
        [xp.reshape(_at_least(xp, x, 1), (-1, 1)) if x.ndim < 2 else x for x in a], axis=1
    ),
)
composed("append", lambda xp, x, v, axis=None: _append(xp, x, v, axis))
composed("block", lambda xp, a: _block(xp, a))
composed("broadcast_arrays", lambda xp, *a, **o: _broadcast_arrays(xp, a))
composed(
    "unstack", lambda xp, x, axis=0: tuple(xp.moveaxis(x, axis, 0)[i] for i in range(x.shape[axis]))
)
composed("split", lambda xp, x, sections, axis=0: _split(xp, x, sections, axis))
composed("array_split", lambda xp, x, sections, axis=0: _split(xp, x, sections, axis))
composed("hsplit", lambda xp, x, sections: _split(xp, x, sections, 1 if x.ndim > 1 else 0))
composed("vsplit", lambda xp, x, sections: _split(xp, x, sections, 0))
composed(
    "trace", lambda xp, x, offset=0, axis1=0, axis2=1: xp.diagonal(x, offset, axis1, axis2).sum(-1)
)


def _hstack(xp: Any, arrays: list[Any]) -> Any:
    return xp.concatenate(arrays, axis=0 if arrays[0].ndim == 1 else 1)


def _append(xp: Any, x: Any, v: Any, axis: Any) -> Any:
    if axis is None:
        return xp.concatenate([_at_least(xp, a, 1).reshape(-1) for a in (x, v)])
    return xp.concatenate([x, v], axis=axis)


def _block(xp: Any, parts: Any, depth: int = -1) -> Any:
    if not isinstance(parts, list):
        return _at_least(xp, parts, 1)
    inner = [_block(xp, part, depth - 1) for part in parts]
    nesting = _depth(parts)
    inner = [_at_least(xp, part, nesting) for part in inner]
    return xp.concatenate(inner, axis=-nesting)


def _depth(parts: Any) -> int:
    return 1 + max(map(_depth, parts)) if isinstance(parts, list) else 0


def _broadcast_arrays(xp: Any, arrays: tuple[Any, ...]) -> list[Any]:
    shape = np.broadcast_shapes(
        *(tuple(np.shape(a)) if not isinstance(a, Dual) else a.shape for a in arrays)
    )
    return [xp.broadcast_to(a, shape) for a in arrays]


def _split(xp: Any, x: Any, sections: Any, axis: int) -> list[Any]:
    extent = x.shape[axis]
    pieces = np.array_split(np.arange(extent), sections, axis=0)
    index: list[Any] = [slice(None)] * x.ndim
    parts = []
    for piece in pieces:
        start = int(piece[0]) if len(piece) else 0
        index[axis] = slice(start, start + len(piece))
        parts.append(x[tuple(index)])
    return parts


# --- creation beside a Dual ------------------------------------------------------------------------


def _like(name: str) -> None:
    def rule(name: str, function: Any, args: Any, options: Any) -> Any:
        x, *rest = args
        if not isinstance(x, Dual):
            raise MissingRuleError(name, "of a Dual fill value has no derivative rule")
        xp = namespace_of(x.value)
        value = base(xp, name, function)(x.value, *rest, **options)
        if value.dtype.kind not in "fc" if hasattr(value.dtype, "kind") else False:
            return value
        if isinstance(value, np.generic):
            value = np.asarray(value)
        return Dual(value, _fresh_zeros(value, x), x.level)

    RULES[name] = rule


def _fresh_zeros(value: Any, x: Dual) -> Any:
    """Tangents of a buffer: themselves able to hold what x's tangents hold."""
    xt = namespace_of(x.tangent)
    if tuple(value.shape) == x.shape and value.dtype == x.dtype:
        return xt.zeros_like(x.tangent)
    return zeros_beside(value, x.width)


for _name in ("zeros_like", "ones_like", "empty_like", "full_like"):
    _like(_name)
constant("shares_memory", "may_share_memory", "min_scalar_type")


def _astype(name: str, function: Any, args: Any, options: Any) -> Any:
    x, dtype, *_ = args
    xp, xt = namespace_of(x.value), namespace_of(x.tangent)
    value = xp.astype(x.value, dtype)
    if np.dtype(str(value.dtype).rpartition(".")[2]).kind not in "fc":
        return value
    return Dual(value, xt.astype(x.tangent, value.dtype), x.level)


def _asarray(name: str, function: Any, args: Any, options: Any) -> Any:
    x = args[0]
    if isinstance(x, tuple | list):
        xp = namespace_of(next(duals(x)))
        return xp.stack([_asarray(name, function, (p,), {}) if holds(p) else p for p in x])
    if not isinstance(x, Dual):
        return x
    dtype = options.get("dtype", args[1] if len(args) > 1 else None)
    x = x if dtype is None or dtype == x.dtype else _astype("astype", None, (x, dtype), {})
    return x.copy() if options.get("copy") else x


RULES["astype"] = _astype
for _name in ("asarray", "asanyarray", "array", "ascontiguousarray"):
    RULES[_name] = _asarray
