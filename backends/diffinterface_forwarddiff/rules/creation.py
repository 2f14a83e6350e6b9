"""Arrays made beside a Dual, or filled with one."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffinterface.extend import is_inexact

from ..adaptors import apply, composed, constant
from ..dual import Dual
from ..errors import DualConversionError
from ..levels import duals, holds
from ..table import RULES, base
from ..values import namespace_for, namespace_of, plain, zeros_beside

# --- buffers ---------------------------------------------------------------------------------------


def _like(name: str) -> None:
    def rule(name: str, function: Any, args: Any, options: Any) -> Any:
        x, *rest = args
        value = base(namespace_of(x.value), name, function)(x.value, *rest, **options)
        if not is_inexact(value):
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


for _name in ("zeros_like", "ones_like", "empty_like"):
    _like(_name)
constant("shares_memory", "may_share_memory", "min_scalar_type")


# --- filled with a Dual ----------------------------------------------------------------------------


def _full(xp: Any, shape: Any, fill_value: Any, dtype: Any = None, device: Any = None) -> Any:
    filled = xp.broadcast_to(fill_value, shape).copy()
    return filled if dtype is None else xp.astype(filled, dtype)


_like("full_like")
_buffer = RULES["full_like"]


def _full_like(name: str, function: Any, args: Any, options: Any) -> Any:
    if not holds(args[1:]):
        return _buffer(name, function, args, options)
    return apply(name, _filled_like, namespace_of(next(duals(args[1:]))), *args, **options)


def _filled_like(
    xp: Any, x: Any, fill_value: Any, dtype: Any = None, shape: Any = None, device: Any = None
) -> Any:
    return _full(
        xp, x.shape if shape is None else shape, fill_value, x.dtype if dtype is None else dtype
    )


def _copyto(xp: Any, target: Any, source: Any, casting: Any = None, where: Any = True) -> None:
    if not isinstance(target, Dual) or where is not True:
        raise DualConversionError("np.copyto, an assignment into a plain array")
    target[...] = source


def _beside(*ends: Any) -> dict[str, Any]:
    """What makes an array of the kind of the first Dual among `ends`, in its own namespace."""
    like = plain(next(duals(ends)))
    return {"dtype": like.dtype, "device": getattr(like, "device", None)}


def _arange(
    xp: Any, start: Any, stop: Any = None, step: Any = 1, dtype: Any = None, device: Any = None
) -> Any:
    if stop is None:
        start, stop = 0 * start, start
    sample = np.arange(*(plain(v) for v in (start, stop, step)))
    placed = {"dtype": sample.dtype} if xp is np else _beside(start, stop, step)
    result = start + step * xp.arange(len(sample), **placed)
    return result if dtype is None else xp.astype(result, dtype)


def _linspace(
    xp: Any,
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    dtype: Any = None,
    axis: int = 0,
    device: Any = None,
) -> Any:
    ends = start, stop
    placed = {"dtype": np.result_type(*map(plain, ends))} if xp is np else _beside(*ends)
    ramp = xp.arange(num, **placed) / max(num - 1 if endpoint else num, 1)
    ndim = max(len(getattr(end, "shape", ())) for end in ends)
    ramp = xp.reshape(ramp, (num, *(1,) * ndim))
    result = xp.moveaxis(start * (1 - ramp) + stop * ramp, 0, axis)
    return result if dtype is None else xp.astype(result, dtype)


def _meshgrid(
    xp: Any, *axes: Any, indexing: str = "xy", sparse: bool = False, copy: bool = True
) -> tuple[Any, ...]:
    n = len(axes)
    # With "xy" the first axis runs along the columns.
    order = [1, 0, *range(2, n)] if indexing == "xy" and n > 1 else list(range(n))
    open_grids = [
        xp.reshape(axis, tuple(-1 if i == along else 1 for i in range(n)))
        for axis, along in zip(axes, order, strict=True)
    ]
    if sparse:
        return tuple(+grid if holds(grid) else grid for grid in open_grids)
    return tuple(part.copy() for part in xp.broadcast_arrays(*open_grids))


composed("full", _full, arrays=0)
RULES["full_like"] = _full_like
composed("copyto", _copyto)
composed("arange", _arange, arrays=0)
composed("linspace", _linspace, arrays=2)
composed("meshgrid", _meshgrid, arrays=99)


# --- conversions -----------------------------------------------------------------------------------


def _astype(name: str, function: Any, args: Any, options: Any) -> Any:
    x, dtype, *_ = args
    if dtype is object or dtype == "O":
        raise DualConversionError("astype(object)")
    xp, xt = namespace_of(x.value), namespace_for(x.value, x.tangent)
    value = xp.astype(x.value, dtype)
    if not is_inexact(value):
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
