"""Joining arrays, and taking them apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffinterface.extend import size_of
from diffinterface.extend.functions import broadcast_arrays, unstack

from ..adaptors import common_namespace, composed
from ..dual import Dual
from ..levels import duals, top, value_at
from ..table import RULES, SEQUENCES, base
from ..values import cast, zeros_beside

SEQUENCES |= {"concatenate", "stack", "vstack", "dstack", "hstack", "column_stack"}


def _joining(name: str) -> None:
    def rule(name: str, function: Any, args: Any, options: Any) -> Any:
        arrays, *rest = args
        if not isinstance(arrays, Dual | list | tuple):
            arrays = list(arrays)  # NumPy takes any sequence
        options = {"axis": rest[0] if rest else 0, **options}
        level = top(arrays)
        dual = next(d for d in duals(arrays) if d.level == level)
        k = dual.width
        values = [value_at(a, level) for a in arrays]
        xp = common_namespace(dual.value, dual.tangent, *values)
        like = {} if xp is np else {"dtype": dual.dtype}
        values = [v if hasattr(v, "shape") else xp.asarray(v, **like) for v in values]
        tangents = [
            a.tangent if isinstance(a, Dual) and a.level == level else zeros_beside(v, k)
            for a, v in zip(arrays, values, strict=True)
        ]
        f = base(xp, name, function)
        y = f(values, **options)
        if options["axis"] is None:
            tangents = [
                xp.reshape(t, (size_of(v), k)) for t, v in zip(tangents, values, strict=True)
            ]
        along = 0 if options["axis"] is None else options["axis"] % len(y.shape)
        return Dual(y, cast(f(tangents, axis=along), y.dtype), level)

    RULES[name] = rule


_joining("concatenate")
_joining("stack")


def _array(xp: Any, x: Any) -> Any:
    return x if hasattr(x, "shape") else xp.asarray(x)


def _at_least(xp: Any, x: Any, ndim: int) -> Any:
    """With axes of length 1 in front; where three are wanted, one comes last."""
    x = _array(xp, x)
    shape = tuple(x.shape)
    if ndim == 3 and 0 < len(shape) < 3:
        return xp.reshape(x, (1, *shape, 1) if len(shape) == 1 else (*shape, 1))
    return xp.reshape(x, (1,) * (ndim - len(shape)) + shape) if len(shape) < ndim else x


def _each_at_least(xp: Any, arrays: Any, ndim: int) -> Any:
    results = tuple(_at_least(xp, x, ndim) for x in arrays)
    return results[0] if len(results) == 1 else results


def _hstack(xp: Any, arrays: Any) -> Any:
    arrays = [_at_least(xp, x, 1) for x in arrays]
    return xp.concatenate(arrays, axis=0 if len(arrays[0].shape) == 1 else 1)


def _column_stack(xp: Any, arrays: Any) -> Any:
    arrays = [_array(xp, x) for x in arrays]
    columns = [xp.reshape(x, (-1, 1)) if len(x.shape) < 2 else x for x in arrays]
    return xp.concatenate(columns, axis=1)


def _append(xp: Any, x: Any, v: Any, axis: Any = None) -> Any:
    if axis is None:
        return xp.concatenate([xp.reshape(_array(xp, a), (-1,)) for a in (x, v)])
    return xp.concatenate([x, v], axis=axis)


def _block(xp: Any, parts: Any) -> Any:
    nesting = _depth(parts)
    ndim = max(nesting, *(len(_array(xp, leaf).shape) for leaf in _leaves(parts)))

    def join(part: Any, axis: int) -> Any:
        if isinstance(part, list):
            return xp.concatenate([join(p, axis + 1) for p in part], axis=axis)
        part = _array(xp, part)
        return xp.reshape(part, (1,) * (ndim - len(part.shape)) + tuple(part.shape))

    return join(parts, -nesting) if nesting else parts.copy()


def _depth(parts: Any) -> int:
    if not isinstance(parts, list):
        return 0
    depths = {_depth(part) for part in parts}
    if len(depths) != 1:
        raise ValueError("np.block takes lists that are nested equally deeply.")
    return 1 + depths.pop()


def _leaves(parts: Any) -> list[Any]:
    return (
        [leaf for part in parts for leaf in _leaves(part)] if isinstance(parts, list) else [parts]
    )


def _broadcast_arrays(xp: Any, *arrays: Any, subok: bool = False) -> tuple[Any, ...]:
    return broadcast_arrays(xp, *(_array(xp, a) for a in arrays))


def _array_split(xp: Any, x: Any, sections: Any, axis: int = 0) -> list[Any]:
    index: list[Any] = [slice(None)] * len(x.shape)
    parts = []
    for piece in np.array_split(np.arange(x.shape[axis]), sections):
        start = int(piece[0]) if len(piece) else 0
        index[axis] = slice(start, start + len(piece))
        parts.append(x[tuple(index)])
    return parts


def _split(xp: Any, x: Any, sections: Any, axis: int = 0) -> list[Any]:
    if isinstance(sections, int) and x.shape[axis] % sections:
        raise ValueError("array split does not result in an equal division")
    return _array_split(xp, x, sections, axis)


composed("atleast_1d", lambda xp, *a: _each_at_least(xp, a, 1))
composed("atleast_2d", lambda xp, *a: _each_at_least(xp, a, 2))
composed("atleast_3d", lambda xp, *a: _each_at_least(xp, a, 3))
composed("vstack", lambda xp, a: xp.concatenate([_at_least(xp, x, 2) for x in a], axis=0))
composed("dstack", lambda xp, a: xp.concatenate([_at_least(xp, x, 3) for x in a], axis=2))
composed("hstack", _hstack)
composed("column_stack", _column_stack)
composed("append", _append, arrays=2)
composed("block", _block)
composed("broadcast_arrays", _broadcast_arrays, arrays=99)
composed("unstack", unstack)
composed("split", _split)
composed("array_split", _array_split)
composed("hsplit", lambda xp, x, sections: _split(xp, x, sections, min(len(x.shape) - 1, 1)))
composed("vsplit", lambda xp, x, sections: _split(xp, x, sections, 0))
