"""Functions along axes: each result depends on all entries along them."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffinterface.arrays.composed import along, axes_of, trapezoid

from ..results import each, result_of, sets_of
from ..sets import Sets
from ..table import argument, composed, rule
from ..trace import Trace
from ..traced import is_traced, tracers, values
from ..tracer import Tracer
from .general import dense


def _named(names: str, *facts: Any) -> dict[str, tuple[Any, ...]]:
    return dict.fromkeys(names.split(), facts)


# The position of the argument `axis`, and whether the function is linear, in pieces at least.
REDUCTIONS = {
    **_named("sum mean average nansum nanmean max min nanmax nanmin ptp median nanmedian", 1, True),
    **_named("quantile nanquantile percentile nanpercentile", 2, True),
    **_named("var std nanvar nanstd nanprod linalg.vector_norm", 1, False),
    **_named("logaddexp.reduce logaddexp2.reduce hypot.reduce", 1, False),
}
# The shape stays, but for the axis itself; (position of axis, its default, linear).
ALONG = {
    **_named("fft.fft fft.ifft fft.rfft fft.irfft fft.hfft fft.ihfft", 2, -1, True),
    **_named("fft.fft2 fft.ifft2 fft.rfft2 fft.irfft2", 2, (-2, -1), True),
    **_named("fft.fftn fft.ifftn fft.rfftn fft.irfftn", 2, None, True),
    **_named("unwrap", 3, -1, True),
    **_named("nancumsum", 1, None, True),
    **_named("nancumprod", 1, None, False),
}


def reduced(trace: Trace, value: Any, x: Tracer, axes: tuple[int, ...], linear: bool) -> Any:
    """`value`, each entry of which depends on all of x along `axes`; they may be gone from its shape."""
    first, second = sets_of([x], lambda sets: sets.over(axes))
    if trace.second and not linear:
        second.append(trace.square(first))

    def wrap(v: Any) -> Any:
        fitting = ([_fit(s, np.shape(v), axes) for s in sets] for sets in (first, second))
        return result_of(trace, v, *fitting)

    return each(value, wrap)


def _fit(sets: Sets, shape: tuple[int, ...], axes: tuple[int, ...]) -> Sets:
    """Sets with `axes` of length 1, in a shape with or without them."""
    kept = sets.parts[0].shape
    if len(shape) == len(kept) and all(a in (1, b) for a, b in zip(kept, shape, strict=True)):
        return sets
    rest = tuple(extent for i, extent in enumerate(kept) if i not in axes)
    return sets.map(lambda part: np.broadcast_to(part.reshape(rest), shape))


@rule(*REDUCTIONS)
def _reduction(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    value = function(*values(args), **values(options))
    position, linear = REDUCTIONS[name]
    x, others = args[0], (args[1:], options)
    if not is_traced(x) or tracers(others):
        # Weights, an initial value: they too are all counted for all.
        return dense(trace, value, (args, options))
    axes = axes_of(argument(args, options, position, "axis", None), x.ndim)
    q = args[1] if position == 2 and len(args) > 1 else options.get("q", 0)
    if np.ndim(q):  # one leading axis for each quantile
        keepdims = bool(options.get("keepdims"))
        return result_of(trace, value, *sets_of([x], lambda sets: sets.over(axes, keepdims)))
    if trace.local and name in ("max", "min") and options.get("where") is None:
        x = _winners(x, name, axes)
    return reduced(trace, value, x, axes, linear)


def _winners(x: Any, name: str, axes: tuple[int, ...]) -> Any:
    """Only the entries that may be the extreme; all of them where it is NaN."""
    best = getattr(np, name)(x.value, axis=axes, keepdims=True)
    keep = (x.value == best) | (best != best)
    return x.only(keep)


@rule(*ALONG)
def _along(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    value = function(*values(args), **values(options))
    x = args[0]
    position, default, linear = ALONG[name]
    key = "axes" if name.endswith(("2", "n")) and name.startswith("fft") else "axis"
    axis = argument(args, options, position, key, default)
    if not is_traced(x) or tracers((args[1:], options)):
        return dense(trace, value, (args, options))
    sizes = argument(args, options, 1, "s", None) if key == "axes" else None
    if axis is None and (x.shape != np.shape(value) or sizes is not None):
        return dense(trace, value, (x,), linear=linear)
    return reduced(trace, value, x, axes_of(axis, x.ndim), linear)


@rule("linalg.norm", "linalg.matrix_norm")
def _norm(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    value = function(*values(args), **values(options))
    matrix = name == "linalg.matrix_norm"
    axis = (-2, -1) if matrix else argument(args, options, 2, "axis", None)
    return reduced(trace, value, args[0], axes_of(axis, args[0].ndim), False)


@rule("prod")
def _prod(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    """Halves times halves: a product is linear in each of its factors."""
    x = args[0]
    value = function(*values(args), **values(options))
    axes = axes_of(argument(args, options, 1, "axis", None), x.ndim)
    if not trace.second or tracers((args[1:], options)):
        return reduced(trace, value, x, axes, False)
    rest = [i for i in range(x.ndim) if i not in axes]
    flat: Any = np.transpose(x, (*rest, *axes)).reshape(*(x.shape[i] for i in rest), -1)
    while flat.shape[-1] > 1:
        half = flat.shape[-1] // 2
        both = flat[..., :half] * flat[..., half : 2 * half]
        odd = flat[..., 2 * half :]
        flat = np.concatenate([both, odd], axis=-1) if odd.size else both
    return result_of(trace, value, *sets_of([flat], lambda sets: _fit_last(sets, np.shape(value))))


def _fit_last(sets: Any, shape: tuple[int, ...]) -> Sets:
    if sets.parts[0].size == 0:
        return Sets.empty(sets.store, shape)
    return sets.map(lambda part: part.reshape(shape))


@rule("cumsum", "cumprod", "cumulative_sum", "cumulative_prod")
def _cumulative(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    """Each entry depends on those before it."""
    x = args[0]
    value = function(*values(args), **values(options))
    axis = argument(args, options, 1, "axis", None)
    ndim = x.ndim
    if axis is None:
        x, axis, ndim = x.reshape(-1), 0, 1
    axis = axis % ndim
    first, second = sets_of([x], lambda sets: _prefixes(sets, axis))
    if trace.second and name in ("cumprod", "cumulative_prod"):
        second.append(trace.square(first))
    if options.get("include_initial"):
        first, second = ([_shifted(s, axis) for s in sets] for sets in (first, second))
    return result_of(trace, value, first, second)


def _prefixes(sets: Sets, axis: int) -> Sets:
    parts = [np.moveaxis(part, axis, -1) for part in sets.parts]
    shape, length = parts[0].shape, parts[0].shape[-1]
    lines = int(np.prod(shape[:-1], dtype=int))
    to, source = np.nonzero(np.tri(length, dtype=bool))
    rows = (np.arange(lines)[:, None] * length + to).ravel()
    ids = [part.reshape(lines, length)[:, source].ravel() for part in parts]
    merged = sets.store.merge(np.tile(rows, len(ids)), np.concatenate(ids), lines * length)
    return Sets(sets.store, [np.moveaxis(merged.reshape(shape), -1, axis)])


def _shifted(sets: Sets, axis: int) -> Sets:
    """With nothing in front."""
    ndim = sets.parts[0].ndim
    return sets.map(lambda part: np.pad(part, [(int(i == axis), 0) for i in range(ndim)]))


@rule("sort", "partition")
def _sort(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    """Anywhere along the axis; at this point, if no two are equal, to its own place."""
    x = args[0]
    value = function(*values(args), **values(options))
    axis = argument(args, options, 2 if name == "partition" else 1, "axis", -1)
    if axis is None:
        x, axis = x.reshape(-1), 0
    if trace.local and x.ndim and name == "sort":
        order = np.argsort(x.value, axis=axis, kind="stable")
        ordered = np.take_along_axis(x.value, order, axis)
        if np.array_equal(ordered, value) and np.all(np.diff(ordered, axis=axis) > 0):
            return np.take_along_axis(x, order, axis)
    return reduced(trace, value, x, axes_of(axis, x.ndim), True)


@composed("diff")
def _diff(x: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    ends = [_end(part, x, axis) for part in (prepend, x, append) if part is not None]
    x = np.concatenate(ends, axis=axis) if len(ends) > 1 else x
    for _ in range(n):
        x = along(x, axis, slice(1, None)) - along(x, axis, slice(None, -1))
    return x


def _end(part: Any, x: Any, axis: int) -> Any:
    """A number stands for one entry along the axis."""
    if np.ndim(values(part)):
        return part
    shape = tuple(1 if i == axis % x.ndim else extent for i, extent in enumerate(x.shape))
    return np.broadcast_to(part, shape)


@composed("trapezoid")
def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    return trapezoid(np, y, x if x is None or is_traced(x) else np.asarray(x), dx, axis)


@rule("gradient")
def _gradient(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    """Three neighbours along an axis, or two, or at an end of second order three."""
    x, *spacing = args
    if tracers((spacing, options)) or not is_traced(x):
        return dense(trace, function(*values(args), **values(options)), (args, options))
    value = function(*values(args), **options)
    axes = axes_of(options.get("axis"), x.ndim)
    many = isinstance(value, tuple | list)
    uneven = any(np.ndim(step) for step in spacing)
    wide = options.get("edge_order", 1) == 2
    parts = []
    for axis, v in zip(axes, value if many else (value,), strict=True):
        around = [_near(x, axis, shift, wide) for shift in (-1, 1)]
        if uneven:
            around.append(x)
        parts.append(result_of(trace, v, *sets_of(around)))
    return type(value)(parts) if many else parts[0]


def _near(x: Any, axis: int, shift: int, wide: bool) -> Any:
    """The neighbour of each entry on one side, itself at the end; there a third one if `wide`."""
    n = x.shape[axis]
    near = np.take(x, np.clip(np.arange(n) + shift, 0, n - 1), axis=axis)
    if not wide:
        return near
    third = np.clip(np.arange(n) + shift, 0, n - 1)
    third[0], third[-1] = 2, n - 3
    return near + np.take(x, third, axis=axis)
