"""Statistics, cumulative products, differences and polynomials: composed of functions with rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..adaptors import composed
from .linear import axes_of


def _count(x: Any, axis: Any) -> int:
    return int(np.prod([x.shape[a] for a in axes_of(axis, x.ndim)], dtype=int))


def _var(
    xp: Any,
    x: Any,
    axis: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
    correction: float = 0,
) -> Any:
    centred = x - xp.mean(x, axis=axis, keepdims=True)
    total = xp.sum(xp.abs(centred) ** 2, axis=axis, keepdims=keepdims)
    return total / (_count(x, axis) - (ddof or correction))


def _std(xp: Any, x: Any, **options: Any) -> Any:
    return xp.sqrt(_var(xp, x, **options))


def _average(xp: Any, x: Any, axis: Any = None, weights: Any = None) -> Any:
    if weights is None:
        return xp.mean(x, axis=axis)
    if axis is not None and len(weights.shape) == 1 and x.ndim > 1:
        weights = xp.reshape(weights, tuple(-1 if i == axis % x.ndim else 1 for i in range(x.ndim)))
    full = weights + 0 * x
    return xp.sum(x * full, axis=axis) / xp.sum(full, axis=axis)


def _nansum(xp: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return xp.sum(xp.where(xp.isnan(x), 0.0, x), axis=axis, keepdims=keepdims)


def _nanmean(xp: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    present = xp.where(xp.isnan(x), 0.0, 1.0)
    return _nansum(xp, x, axis, keepdims) / np.sum(present, axis=axis, keepdims=keepdims)


def _prod(xp: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    axes = axes_of(axis, x.ndim)
    rest = [a for a in range(x.ndim) if a not in axes]
    flat = xp.reshape(xp.permute_dims(x, (*axes, *rest)), (-1, *(x.shape[a] for a in rest)))
    total = flat[0] if flat.shape[0] else xp.ones_like(xp.sum(flat, axis=0))
    for i in range(1, flat.shape[0]):
        total = total * flat[i]
    if keepdims:
        return xp.reshape(total, tuple(1 if a in axes else x.shape[a] for a in range(x.ndim)))
    return total


def _cumprod(xp: Any, x: Any, axis: Any = None) -> Any:
    if axis is None:
        x, axis = x.reshape((-1,)), 0
    moved = xp.moveaxis(x, axis, 0)
    parts: list[Any] = []
    for i in range(moved.shape[0]):
        parts.append(parts[-1] * moved[i] if parts else moved[i])
    return xp.moveaxis(xp.stack(parts), 0, axis)


def _along(x: Any, axis: int, part: slice) -> Any:
    index: list[Any] = [slice(None)] * x.ndim
    index[axis] = part
    return x[tuple(index)]


def _diff(xp: Any, x: Any, n: int = 1, axis: int = -1) -> Any:
    for _ in range(n):
        x = _along(x, axis, slice(1, None)) - _along(x, axis, slice(None, -1))
    return x


def _trapezoid(xp: Any, y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    mean = (_along(y, axis, slice(1, None)) + _along(y, axis, slice(None, -1))) / 2
    if x is None:
        return xp.sum(mean * dx, axis=axis)
    width = x[1:] - x[:-1] if len(x.shape) == 1 else _diff(xp, x, axis=axis)
    if len(x.shape) == 1 and len(y.shape) > 1:
        width = xp.reshape(
            width, tuple(-1 if i == axis % y.ndim else 1 for i in range(len(y.shape)))
        )
    return xp.sum(mean * width, axis=axis)


def _gradient(xp: Any, f: Any, *spacing: Any, axis: Any = None) -> Any:
    """Central differences inside, one-sided at the ends, with uniform spacing."""
    axes = axes_of(axis, f.ndim)
    steps = list(spacing) * len(axes) if len(spacing) == 1 else list(spacing) or [1.0] * len(axes)
    parts: list[Any] = []
    for a, h in zip(axes, steps, strict=True):
        if np.ndim(h):
            raise ValueError("np.gradient of dual numbers needs uniform spacing.")
        inside = (_along(f, a, slice(2, None)) - _along(f, a, slice(None, -2))) / (2 * h)
        first = (_along(f, a, slice(1, 2)) - _along(f, a, slice(0, 1))) / h
        last = (_along(f, a, slice(-1, None)) - _along(f, a, slice(-2, -1))) / h
        parts.append(xp.concatenate([first, inside, last], axis=a))
    single = len(axes) == 1
    return parts[0] if single else parts


def _polyval(xp: Any, p: Any, x: Any) -> Any:
    y = 0 * x + p[0]
    for i in range(1, len(p)):
        y = y * x + p[i]
    return y


def _polyder(xp: Any, p: Any, m: int = 1) -> Any:
    for _ in range(m):
        p = p[:-1] * np.arange(len(p) - 1, 0, -1)
    return p


def _polyint(xp: Any, p: Any) -> Any:
    return xp.concatenate([p / np.arange(len(p), 0, -1), np.zeros(1)])


def _vander(xp: Any, x: Any, N: Any = None, increasing: bool = False) -> Any:
    n = len(x) if N is None else N
    powers = range(n) if increasing else range(n - 1, -1, -1)
    return xp.stack([x**i for i in powers], axis=1)


def _cov(xp: Any, m: Any, rowvar: bool = True, ddof: int = 1) -> Any:
    m = m if rowvar else m.T
    m = m.reshape((1, -1)) if m.ndim == 1 else m
    centred = m - xp.mean(m, axis=1, keepdims=True)
    c = xp.matmul(centred, xp.conj(centred.T)) / (m.shape[1] - ddof)
    return c.reshape(()) if c.size == 1 else c


def _corrcoef(xp: Any, m: Any, rowvar: bool = True) -> Any:
    c = _cov(xp, m, rowvar)
    d = xp.sqrt(xp.diagonal(c))
    return c / xp.reshape(d, (-1, 1)) / d


_RULES: dict[str, Callable[..., Any]] = {
    "var": _var,
    "std": _std,
    "average": _average,
    "nansum": _nansum,
    "nanmean": _nanmean,
    "prod": _prod,
    "cumprod": _cumprod,
    "diff": _diff,
    "trapezoid": _trapezoid,
    "gradient": _gradient,
    "polyval": _polyval,
    "polyder": _polyder,
    "polyint": _polyint,
    "vander": _vander,
    "cov": _cov,
    "corrcoef": _corrcoef,
}
for _name, _body in _RULES.items():
    composed(_name, _body)
