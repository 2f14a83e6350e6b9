"""Selecting, sorting and interpolating: the branch that the values take."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..adaptors import composed, spread, top, value_at
from ..dual import Dual
from ..table import RULES
from ..values import namespace_of, zeros_beside
from .linear import axes_of


def _where(name: str, function: Any, args: Any, options: Any) -> Any:
    condition, *branches = args
    while isinstance(condition, Dual):
        condition = condition.value
    if not branches:
        return np.where(condition)
    a, b = branches
    if not isinstance(a, Dual) and not isinstance(b, Dual):
        return np.where(condition, a, b)
    level = top(a, b)
    va, vb = value_at(a, level), value_at(b, level)
    xp = namespace_of(va if isinstance(a, Dual) and a.level == level else vb)
    k = (a if isinstance(a, Dual) and a.level == level else b).width
    y = xp.where(condition, va, vb)
    ta, tb = (
        branch.tangent if isinstance(branch, Dual) and branch.level == level else zeros_beside(v, k)
        for branch, v in ((a, va), (b, vb))
    )
    return Dual(y, spread(xp.where(xp.asarray(condition)[..., None], ta, tb), y), level)


RULES["where"] = _where
composed("select", lambda xp, c, a, default=0: _select(xp, c, a, default))
composed("piecewise", lambda xp, x, c, f: _piecewise(xp, x, c, f))
composed("choose", lambda xp, i, a: _select(xp, [np.asarray(i) == j for j in range(len(a))], a, 0))
composed("max", lambda xp, x, axis=None, **o: _extreme(xp, x, xp.max, axis, **o))
composed("min", lambda xp, x, axis=None, **o: _extreme(xp, x, xp.min, axis, **o))
composed("nanmax", lambda xp, x, axis=None: xp.max(xp.where(xp.isnan(x), -np.inf, x), axis=axis))
composed("nanmin", lambda xp, x, axis=None: xp.min(xp.where(xp.isnan(x), np.inf, x), axis=axis))
composed("ptp", lambda xp, x, axis=None: xp.max(x, axis=axis) - xp.min(x, axis=axis))
composed("sort", lambda xp, x, axis=-1, **o: _sort(xp, x, axis))
composed("partition", lambda xp, x, kth, axis=-1: _partition(xp, x, kth, axis))
composed("median", lambda xp, x, axis=None, **o: _quantile(xp, x, 0.5, axis, **o))
composed("quantile", lambda xp, x, q, axis=None, **o: _quantile(xp, x, q, axis, **o))
composed(
    "percentile", lambda xp, x, q, axis=None, **o: _quantile(xp, x, np.asarray(q) / 100, axis, **o)
)
composed("interp", lambda xp, x, nodes, values, **o: _interp(xp, x, nodes, values, **o))


def _select(xp: Any, conditions: Any, choices: Any, default: Any) -> Any:
    result = default
    for condition, choice in reversed(list(zip(conditions, choices, strict=True))):
        result = xp.where(condition, choice, result)
    return result


def _piecewise(xp: Any, x: Any, conditions: Any, functions: Any) -> Any:
    pieces = [f(x) if callable(f) else f for f in functions]
    default = pieces[len(conditions)] if len(pieces) > len(conditions) else 0
    return _select(xp, conditions, pieces[: len(conditions)], default)


def _extreme(xp: Any, x: Any, f: Any, axis: Any, keepdims: bool = False) -> Any:
    """The largest entry; ties share the derivative evenly."""
    axes = axes_of(axis, x.ndim)
    inner = namespace_of(x.value)
    top_value = getattr(inner, f.__name__)(x.value, axis=axes, keepdims=True)
    hits = x.value == top_value
    while isinstance(hits, Dual):
        hits = hits.value
    weight = inner.where(hits, inner.ones_like(x.value), inner.zeros_like(x.value))
    weight = weight / inner.sum(weight, axis=axes, keepdims=True)
    tangent = inner.sum(weight[..., None] * x.tangent, axis=axes, keepdims=keepdims)
    value = top_value if keepdims else inner.squeeze(top_value, axis=axes)
    return Dual(value, tangent, x.level)


def _sort(xp: Any, x: Any, axis: Any) -> Any:
    if axis is None:
        x, axis = x.reshape((-1,)), 0
    return xp.take_along_axis(x, _plain(xp.argsort(x, axis=axis)), axis=axis)


def _partition(xp: Any, x: Any, kth: Any, axis: int) -> Any:
    return xp.take_along_axis(x, np.argpartition(_plain(x), kth, axis=axis), axis=axis)


def _plain(x: Any) -> Any:
    while isinstance(x, Dual):
        x = x.value
    return x


def _quantile(xp: Any, x: Any, q: Any, axis: Any, keepdims: bool = False) -> Any:
    """Linear interpolation between order statistics."""
    if axis is None:
        whole = x.reshape((-1,))
        result = _quantile(xp, whole, q, 0)
        return result.reshape((*np.shape(q), *(1,) * x.ndim)) if keepdims else result
    if np.ndim(q):
        return xp.stack([_quantile(xp, x, p, axis, keepdims) for p in np.ravel(q)])
    ordered = xp.moveaxis(_sort(xp, x, axis), axis, 0)
    position = float(q) * (ordered.shape[0] - 1)
    low = int(np.floor(position))
    high = min(low + 1, ordered.shape[0] - 1)
    weight = position - low
    result = ordered[low] * (1 - weight) + ordered[high] * weight
    return xp.expand_dims(result, axis) if keepdims else result


def _interp(xp: Any, x: Any, nodes: Any, values: Any, left: Any = None, right: Any = None) -> Any:
    nodes, values = (v if isinstance(v, Dual) else np.asarray(v) for v in (nodes, values))
    grid = _plain(nodes)
    flat = _plain(x) if hasattr(_plain(x), "shape") else np.asarray(x)
    last = np.clip(np.searchsorted(grid, flat, side="right") - 1, 0, len(grid) - 2)
    slope = (values[last + 1] - values[last]) / (nodes[last + 1] - nodes[last])
    inside = values[last] + slope * (x - nodes[last])
    below = values[0] if left is None else left
    above = values[-1] if right is None else right
    return xp.where(flat < grid[0], below, xp.where(flat > grid[-1], above, inside))
