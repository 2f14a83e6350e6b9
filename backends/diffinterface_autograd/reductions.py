"""Functions of the standard that sum, multiply or compare along axes."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.core import primitive_jvps, primitive_vjps
from autograd.extend import defjvp, defvjp
from autograd.numpy.numpy_vjps import grad_np_sum
from autograd.tracer import getval
from numpy.lib.array_utils import normalize_axis_tuple

from .creation import astype
from .rules import is_floating, primitive_of

Axis = int | tuple[int, ...] | None
Slope = Callable[..., Any]

# --- autograd's own rules, made right or complete ----------------------------------------------------


def _axes(x: Any, axis: Axis) -> tuple[int, ...]:
    ndim = anp.ndim(x)
    return tuple(range(ndim)) if axis is None else normalize_axis_tuple(axis, ndim)


def _kept(reduced: Any, x: Any, axis: Axis) -> Any:
    """A reduction of `x` with its axes kept, of length 1."""
    axes = _axes(x, axis)
    return anp.reshape(reduced, tuple(1 if i in axes else n for i, n in enumerate(anp.shape(x))))


def _define(function: Any, slope: Slope) -> None:
    """The derivative ``sum(Re(slope(ans, x, axis, **options) * dx), axis)``."""
    names = tuple(signature(function.fun).parameters)[1:]

    def read(args: Any, options: Any) -> tuple[Axis, bool, dict[str, Any]]:
        options = {**dict(zip(names, args, strict=False)), **options}
        options = {k: v for k, v in options.items() if k not in ("dtype", "out")}
        return options.pop("axis", None), bool(options.pop("keepdims", False)), options

    def push(g: Any, ans: Any, x: Any, *args: Any, **options: Any) -> Any:
        axis, keepdims, options = read(args, options)
        part = slope(ans, x, axis, **options) * g
        real = anp.iscomplexobj(part) and not anp.iscomplexobj(ans)
        return anp.sum(anp.real(part) if real else part, axis=axis, keepdims=keepdims)

    def pull(ans: Any, x: Any, *args: Any, **options: Any) -> Any:
        axis, _, options = read(args, options)
        by = slope(ans, x, axis, **options)
        return lambda g: _kept(g, x, axis) * by

    defjvp(function, push)
    defvjp(function, pull)


def _scan(x: Any) -> Any:
    """Cumulative products along the last axis, by multiplications that autograd differentiates.

    W. D. Hillis and G. L. Steele, "Data parallel algorithms", 1986.
    """
    step = 1
    while step < x.shape[-1]:
        x = anp.concatenate([x[..., :step], x[..., step:] * x[..., :-step]], axis=-1)
        step *= 2
    return x


def _others(x: Any) -> Any:
    """For each entry, the product of the others on the last axis: no division by zeros."""
    one = np.ones((*x.shape[:-1], 1), x.dtype)
    before = _scan(anp.concatenate([one, x[..., :-1]], axis=-1))
    after = _scan(anp.concatenate([one, x[..., :0:-1]], axis=-1))[..., ::-1]
    return before * after


def _prod_slope(ans: Any, x: Any, axis: Axis, **options: Any) -> Any:
    if options:
        raise NotImplementedError
    if np.all(getval(x)):
        return _kept(ans, x, axis) / x
    axes = _axes(x, axis)
    last = tuple(range(-len(axes), 0))
    moved = anp.moveaxis(x, axes, last)
    flat = anp.reshape(moved, (*moved.shape[: moved.ndim - len(axes)], -1))
    return anp.moveaxis(anp.reshape(_others(flat), moved.shape), last, axes)


def _var_slope(
    ans: Any, x: Any, axis: Axis, ddof: float = 0, correction: float | None = None, **options: Any
) -> Any:
    if options:
        raise NotImplementedError
    count = np.prod([anp.shape(x)[i] for i in _axes(x, axis)])
    freedom = count - (ddof if correction is None else correction)
    return 2 / freedom * anp.conj(x - anp.mean(x, axis=axis, keepdims=True))


def _std_slope(ans: Any, x: Any, axis: Axis, **options: Any) -> Any:
    slope = _var_slope(ans, x, axis, **options)
    if anp.size(x) == anp.size(ans):
        return 0 * slope  # one entry never deviates
    return slope / (2 * _kept(ans, x, axis))


def _extremum_slope(ans: Any, x: Any, axis: Axis, **options: Any) -> Any:
    """Equal entries share, as in autograd's own rule."""
    if options:
        raise NotImplementedError
    hits = getval(x) == getval(_kept(ans, x, axis))
    return hits / np.sum(hits, axis=axis, keepdims=True)


_define(anp.prod, _prod_slope)
for _function in (anp.max, anp.min, anp.amax, anp.amin):
    _define(_function, _extremum_slope)
_define(primitive_of(np.var), _var_slope)
_define(primitive_of(np.std), _std_slope)


def _push_sum(g: Any, ans: Any, x: Any, *args: Any, initial: Any = 0, **options: Any) -> Any:
    return anp.sum(g, *args, **options)  # autograd's adds the initial value to the tangent


def _pull_sum(
    ans: Any,
    x: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = 0,
) -> Any:
    return grad_np_sum(ans, x, axis, keepdims)


def _not_of_integers(rule: Callable[..., Any]) -> Callable[..., Any]:
    """Autograd takes a sum of entries cut to integers for a sum of the entries."""

    def checked(argnums: Any, *rest: Any) -> Any:
        ans = rest[-3]
        if not is_floating(ans.dtype):
            raise NotImplementedError
        return rule(argnums, *rest)

    return checked


defjvp(anp.sum, _push_sum)
defvjp(anp.sum, _pull_sum)
for _rules in (primitive_jvps, primitive_vjps):
    for _function in (anp.sum, primitive_of(np.mean), anp.prod, anp.cumsum):
        _rules[_function] = _not_of_integers(_rules[_function])


# --- the standard's functions ------------------------------------------------------------------------


def _in(dtype: Any, x: Any) -> Any:
    return x if dtype is None else astype(x, dtype)


def _with_dtype(reduce: Callable[..., Any]) -> Callable[..., Any]:
    def reduction(
        x: Any, /, *, axis: Axis = None, dtype: Any = None, keepdims: bool = False
    ) -> Any:
        return reduce(_in(dtype, x), axis=axis, keepdims=keepdims)

    return reduction


def _cumulative(run: Callable[[Any], Any], start: float) -> Callable[..., Any]:
    def cumulative(
        x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
    ) -> Any:
        if axis is None and x.ndim > 1:
            raise ValueError("An array of several dimensions needs an axis.")
        moved = anp.moveaxis(_in(dtype, x), axis or 0, -1)
        total = run(moved)
        if include_initial:
            first = np.full((*total.shape[:-1], 1), start, total.dtype)
            total = anp.concatenate([first, total], axis=-1)
        return anp.moveaxis(total, -1, axis or 0)

    return cumulative


def _with_correction(spread: Callable[..., Any]) -> Callable[..., Any]:
    def reduction(
        x: Any, /, *, axis: Axis = None, correction: float = 0.0, keepdims: bool = False
    ) -> Any:
        return spread(x, axis=axis, ddof=correction, keepdims=keepdims)

    return reduction


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "cumulative_prod": _cumulative(_scan, 1.0),
    "cumulative_sum": _cumulative(lambda x: anp.cumsum(x, axis=-1), 0.0),
    "prod": _with_dtype(anp.prod),
    "sum": _with_dtype(anp.sum),
    "std": _with_correction(anp.std),
    "var": _with_correction(anp.var),
}
