"""Statistics, products of many, differences and polynomials: composed of functions with rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffinterface.extend.functions import abs_squared, axes_of, slice_along, trapezoid

from ..adaptors import composed
from ..table import ARRAYS
from ..values import cast, plain


def _count(x: Any, axis: Any) -> int:
    return int(np.prod([x.shape[a] for a in axes_of(axis, len(x.shape))], dtype=int))


def _var(
    xp: Any,
    x: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    correction: float = 0,
) -> Any:
    x = x if dtype is None else cast(x, dtype)
    centred = x - xp.mean(x, axis=axis, keepdims=True)
    total = xp.sum(abs_squared(xp, centred), axis=axis, keepdims=keepdims)
    return total / (_count(x, axis) - (ddof or correction))


def _average(
    xp: Any, x: Any, axis: Any = None, weights: Any = None, *, keepdims: bool = False
) -> Any:
    over = {"axis": axis, "keepdims": keepdims}
    if weights is None:
        return xp.mean(x, **over)
    weights = weights if hasattr(weights, "shape") else xp.asarray(weights)
    if weights.shape != x.shape:
        if axis is None:
            raise TypeError("Axis must be specified when shapes of a and weights differ.")
        weights = xp.reshape(weights, tuple(-1 if i == axis % x.ndim else 1 for i in range(x.ndim)))
    dtype = np.result_type(plain(x), plain(weights))
    weights = cast(weights, dtype)  # lest their sum be rounded to a lower precision
    return xp.sum(x * weights, **over) / xp.sum(weights, **over)


def _nansum(xp: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return xp.sum(xp.where(xp.isnan(x), 0.0, x), axis=axis, keepdims=keepdims)


def _nanmean(xp: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    present = cast(xp.asarray(~xp.isnan(x)), x.dtype)
    return _nansum(xp, x, axis, keepdims) / xp.sum(present, axis=axis, keepdims=keepdims)


def _in_front(xp: Any, x: Any, axis: Any) -> tuple[Any, tuple[int, ...]]:
    """What is reduced as one axis in front of the others; and the shape of a result that keeps axes."""
    axes = axes_of(axis, x.ndim)
    rest = [i for i in range(x.ndim) if i not in axes]
    flat = xp.reshape(xp.permute_dims(x, (*axes, *rest)), (-1, *(x.shape[i] for i in rest)))
    return flat, tuple(1 if i in axes else n for i, n in enumerate(x.shape))


def _quantile(xp: Any, x: Any, q: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Linear interpolation between order statistics; NaN where there is a NaN."""
    wide = np.asarray(q, dtype=float)
    if not np.all((wide >= 0) & (wide <= 1)):
        raise ValueError("Quantiles must be in the range [0, 1]")
    flat, kept = _in_front(xp, x, axis)
    ordered = xp.sort(flat, axis=0)
    position = wide * (ordered.shape[0] - 1)
    low = np.floor(position).astype(int)
    high = np.minimum(low + 1, ordered.shape[0] - 1)
    weight = np.reshape(position - low, (*wide.shape, *(1,) * (flat.ndim - 1)))
    if isinstance(q, int | float):
        weight = weight.astype(x.dtype)
    lower, upper = ordered[low], ordered[high]
    # Not 0 times an entry that may be infinite.
    upper = xp.where(weight == 0, xp.zeros_like(upper), upper)
    result = lower * (1 - weight) + upper * weight
    holes = np.any(np.isnan(plain(flat)), axis=0)
    if np.any(holes):
        result = xp.where(holes, result * np.nan, result)
    if keepdims:
        return xp.reshape(result, (*wide.shape, *kept))
    return result[()] if not result.shape else result


def _percentile(xp: Any, x: Any, q: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    share = q / 100 if isinstance(q, int | float) else np.asarray(q) / 100
    return _quantile(xp, x, share, axis, keepdims=keepdims)


def _median(xp: Any, x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return _quantile(xp, x, 0.5, axis, keepdims=keepdims)


def _prod(xp: Any, x: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    x = x if dtype is None else cast(x, dtype)
    flat, kept = _in_front(xp, x, axis)
    total = +flat[0] if flat.shape[0] else xp.ones_like(xp.sum(flat, axis=0))
    for i in range(1, flat.shape[0]):
        total = total * flat[i]
    return xp.reshape(total, kept) if keepdims else total


def _cumprod(xp: Any, x: Any, axis: Any = None, dtype: Any = None) -> Any:
    x = x if dtype is None else cast(x, dtype)
    if axis is None:
        x, axis = x.reshape((-1,)), 0
    moved = xp.moveaxis(x, axis, 0)
    if not moved.shape[0]:
        return x.copy()
    parts: list[Any] = []
    for i in range(moved.shape[0]):
        parts.append(parts[-1] * moved[i] if parts else moved[i])
    return xp.moveaxis(xp.stack(parts), 0, axis)


def _cumulative(name: str, neutral: int) -> Callable[..., Any]:
    """The standard's functions, which may start from the neutral element."""

    def body(
        xp: Any, x: Any, axis: Any = None, dtype: Any = None, *, include_initial: bool = False
    ) -> Any:
        if axis is None:
            if x.ndim != 1:
                raise ValueError(f"cumulative_{name} needs an axis where there are several.")
            axis = 0
        x = x if dtype is None else cast(x, dtype)
        if include_initial:
            # An empty slice has no sum: one entry of the right shape, with no tangents.
            first = xp.zeros_like(slice_along(x, axis, slice(0, 1))) + neutral
            if not first.shape[axis % x.ndim]:
                first = xp.sum(x, axis=axis, keepdims=True) + neutral
        total = getattr(xp, f"cum{name}")(x, axis=axis)
        return xp.concat([first, total], axis=axis) if include_initial else total

    return body


def _diff(
    xp: Any, x: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None
) -> Any:
    if prepend is not None or append is not None:
        x = xp.concat(
            [_end(xp, v, x, axis) for v in (prepend, x, append) if v is not None], axis=axis
        )
    for _ in range(n):
        x = slice_along(x, axis, slice(1, None)) - slice_along(x, axis, slice(None, -1))
    return x


def _end(xp: Any, v: Any, x: Any, axis: int) -> Any:
    """A number stands for one entry along the axis."""
    if getattr(v, "shape", ()):
        return v
    v = v if hasattr(v, "shape") else xp.asarray(v, dtype=x.dtype)
    return xp.broadcast_to(v, tuple(1 if i == axis % x.ndim else m for i, m in enumerate(x.shape)))


def _gradient(xp: Any, f: Any, *spacing: Any, axis: Any = None) -> Any:
    """Central differences inside, one-sided at the ends, with uniform spacing."""
    axes = axes_of(axis, f.ndim)
    steps = list(spacing) * len(axes) if len(spacing) == 1 else list(spacing) or [1.0] * len(axes)
    parts: list[Any] = []
    for a, h in zip(axes, steps, strict=True):
        if np.ndim(h):
            raise ValueError("np.gradient of dual numbers needs uniform spacing.")
        if f.shape[a] < 2:
            raise ValueError("np.gradient needs at least two entries along an axis.")
        inside = (slice_along(f, a, slice(2, None)) - slice_along(f, a, slice(None, -2))) / (2 * h)
        first = (slice_along(f, a, slice(1, 2)) - slice_along(f, a, slice(0, 1))) / h
        last = (slice_along(f, a, slice(-1, None)) - slice_along(f, a, slice(-2, -1))) / h
        parts.append(xp.concatenate([first, inside, last], axis=a))
    return parts[0] if len(axes) == 1 else tuple(parts)


def _polyval(xp: Any, p: Any, x: Any) -> Any:
    x = x if hasattr(x, "shape") else np.asarray(x)[()]
    y = 0 * x + p[0]  # as NumPy starts, NaN where x is infinite
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
    x = cast(x, np.promote_types(x.dtype, int))
    return xp.stack([x**i for i in powers], axis=1)


def _cov(
    xp: Any,
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
) -> Any:
    rows = _rows(xp, m, rowvar)
    if y is not None:
        rows = xp.concatenate([rows, _rows(xp, y, rowvar)], axis=0)
    centred = rows - xp.mean(rows, axis=1, keepdims=True)
    correction = (0 if bias else 1) if ddof is None else ddof
    c = xp.matmul(centred, xp.conj(centred.T)) / (rows.shape[1] - correction)
    return c.reshape(()) if c.size == 1 else c


def _rows(xp: Any, m: Any, rowvar: bool) -> Any:
    """One variable a row."""
    m = cast(m, np.result_type(m.dtype, float))
    if len(m.shape) < 2:
        return m.reshape((1, -1))
    return m if rowvar else m.T


def _corrcoef(xp: Any, x: Any, y: Any = None, rowvar: bool = True) -> Any:
    c = _cov(xp, x, y, rowvar)
    if not c.shape:
        return c / c
    d = xp.sqrt(xp.real(xp.diagonal(c)))
    return c / xp.reshape(d, (-1, 1)) / d


_RULES: dict[str, Callable[..., Any]] = {
    "var": _var,
    "std": lambda xp, x, *args, **options: xp.sqrt(_var(xp, x, *args, **options)),
    "average": _average,
    "nansum": _nansum,
    "nanmean": _nanmean,
    "quantile": _quantile,
    "percentile": _percentile,
    "median": _median,
    "prod": _prod,
    "cumprod": _cumprod,
    "cumulative_sum": _cumulative("sum", 0),
    "cumulative_prod": _cumulative("prod", 1),
    "diff": _diff,
    "trapezoid": trapezoid,
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
ARRAYS.update(trapezoid=2, polyval=2, cov=2, corrcoef=2)
