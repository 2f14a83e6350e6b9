"""Selecting, sorting and interpolating: the branch that the values take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffinterface.extend import array_namespace
from diffinterface.extend.functions import axes_of

from ..adaptors import common_namespace, composed, constant, spread
from ..dual import Dual
from ..levels import top, value_at
from ..table import ARRAYS, RULES, SEQUENCES
from ..values import cast, namespace_of, plain


def _where(name: str, function: Any, args: Any, options: Any) -> Any:
    condition, *branches = args
    condition = plain(condition)
    if not branches:
        return np.where(condition)
    level = top(branches)
    if not level:
        return np.where(condition, *branches)
    a, b = (value_at(branch, level) for branch in branches)
    # The number 0 for the tangents of a constant: zeros of its own dtype might widen the others'.
    ta, tb = (
        branch.tangent if isinstance(branch, Dual) and branch.level == level else 0
        for branch in branches
    )
    xp = common_namespace(a, b)
    y = xp.where(condition, a, b)
    xt = common_namespace(a, b, ta, tb)
    return Dual(y, spread(xt.where(xt.asarray(condition)[..., None], ta, tb), y), level)


RULES["where"] = _where
ARRAYS["where"] = 3


def _select(xp: Any, conditions: Any, choices: Any, default: Any = 0) -> Any:
    """The first condition that holds."""
    result = default
    for condition, choice in reversed(list(zip(conditions, choices, strict=True))):
        result = xp.where(condition, choice, result)
    return cast(result, np.result_type(*(plain(part) for part in (*choices, default))))


def _piecewise(xp: Any, x: Any, conditions: Any, functions: Any, *args: Any, **options: Any) -> Any:
    """The last condition that holds, and each function of the entries where its own does."""
    single = np.ndim(conditions) == 0 or (np.ndim(conditions[0]) == 0 and x.ndim > 0)
    masks = [np.asarray(plain(c), dtype=bool) for c in ([conditions] if single else conditions)]
    if len(functions) == len(masks) + 1:
        masks.append(~np.any(masks, axis=0))
    result = xp.zeros_like(x)
    for mask, piece in zip(masks, functions, strict=True):
        if not callable(piece):
            result[mask] = piece
        elif np.any(mask):
            result[mask] = piece(x[mask], *args, **options)
    return result


def _choose(xp: Any, index: Any, choices: Any, mode: str = "raise") -> Any:
    index, n = np.asarray(index), len(choices)
    if mode == "wrap":
        index = index % n
    elif mode == "clip":
        index = np.clip(index, 0, n - 1)
    elif np.any((index < 0) | (index >= n)):
        raise ValueError("invalid entry in choice array")
    return _select(xp, [index == j for j in range(n)], choices, choices[-1])


composed("select", _select)
composed("piecewise", _piecewise)
composed("choose", _choose)
SEQUENCES |= {"select", "piecewise", "choose"}


# --- extremes --------------------------------------------------------------------------------------


def _extreme(name: str) -> Callable[..., Any]:
    def body(xp: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        """Ties share the derivative evenly."""
        axes = axes_of(axis, x.ndim)
        inner = namespace_of(x.value)
        best = getattr(inner, name)(x.value, axis=axes, keepdims=True)
        hits = plain(x.value == best)
        weight = inner.where(hits, inner.ones_like(x.value), inner.zeros_like(x.value))
        weight = weight / inner.sum(weight, axis=axes, keepdims=True)
        tangent = inner.sum(weight[..., None] * x.tangent, axis=axes, keepdims=keepdims)
        value = best if keepdims else getattr(inner, name)(x.value, axis=axes)
        return Dual(value, tangent, x.level)

    return body


def _nan_extreme(name: str, worst: float) -> Callable[..., Any]:
    def body(xp: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        missing = xp.isnan(x)
        best = getattr(xp, name)(xp.where(missing, worst, x), axis=axis, keepdims=keepdims)
        nothing = np.all(missing, axis=axis, keepdims=keepdims)
        return xp.where(nothing, best * np.nan, best) if np.any(nothing) else best

    return body


def _ptp(xp: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return xp.max(x, axis=axis, keepdims=keepdims) - xp.min(x, axis=axis, keepdims=keepdims)


composed("max", _extreme("max"))
composed("min", _extreme("min"))
composed("nanmax", _nan_extreme("max", -np.inf))
composed("nanmin", _nan_extreme("min", np.inf))
composed("ptp", _ptp)


# --- order -----------------------------------------------------------------------------------------


def _order(x: Any, axis: int, descending: bool) -> Any:
    """The indices that sort the values, as the array-API standard's argsort gives them."""
    x = plain(x)
    return array_namespace(x).argsort(x, axis=axis, descending=descending, stable=True)


def _sort(
    xp: Any,
    x: Any,
    axis: int | None = -1,
    kind: Any = None,
    *,
    descending: bool = False,
    stable: Any = None,
) -> Any:
    if axis is None:
        x, axis = x.reshape((-1,)), 0
    return xp.take_along_axis(x, _order(x, axis, descending), axis=axis)


def _partition(xp: Any, x: Any, kth: Any, axis: int | None = -1) -> Any:
    if axis is None:
        x, axis = x.reshape((-1,)), 0
    return xp.take_along_axis(x, np.argpartition(plain(x), kth, axis=axis), axis=axis)


composed("sort", _sort)
composed("partition", _partition)

constant("argsort")
_plain_argsort = RULES["argsort"]


def _argsort(name: str, function: Any, args: Any, options: Any) -> Any:
    if "descending" not in options:
        return _plain_argsort(name, function, args, options)
    return _order(args[0], options.get("axis", -1), options["descending"])


RULES["argsort"] = _argsort


# --- interpolation ---------------------------------------------------------------------------------


def _interp(xp: Any, x: Any, nodes: Any, values: Any, left: Any = None, right: Any = None) -> Any:
    # As NumPy, in double precision.
    nodes, values = (cast(v, np.result_type(plain(v), float)) for v in (nodes, values))
    grid, flat = plain(nodes), np.asarray(plain(x))
    if len(grid) == 1:
        inside = values[0] + 0 * flat
    else:
        last = np.clip(np.searchsorted(grid, flat, side="right") - 1, 0, len(grid) - 2)
        slope = (values[last + 1] - values[last]) / (nodes[last + 1] - nodes[last])
        inside = values[last] + slope * (x - nodes[last])
    below = values[0] if left is None else left
    above = values[-1] if right is None else right
    result = xp.where(flat < grid[0], below, xp.where(flat > grid[-1], above, inside))
    return result if flat.ndim else result[()]


composed("interp", _interp, arrays=3)
