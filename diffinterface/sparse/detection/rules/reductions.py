"""Functions along axes: each result depends on all entries along them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..results import result_of
from ..sets import Sets
from ..table import RULES, argument, rule
from ..trace import Trace
from ..traced import is_traced, tracers, values
from ..tracer import Tracer
from .general import dense, each

# The position of the argument `axis`, and whether the function is linear, in pieces at least.
REDUCTIONS: dict[str, tuple[int, bool]] = {
    "sum": (1, True),
    "mean": (1, True),
    "nansum": (1, True),
    "nanmean": (1, True),
    "max": (1, True),
    "min": (1, True),
    "nanmax": (1, True),
    "nanmin": (1, True),
    "ptp": (1, True),
    "median": (1, True),
    "nanmedian": (1, True),
    "quantile": (2, True),
    "nanquantile": (2, True),
    "percentile": (2, True),
    "nanpercentile": (2, True),
    "average": (1, True),
    "var": (1, False),
    "std": (1, False),
    "nanvar": (1, False),
    "nanstd": (1, False),
    "nanprod": (1, False),
    "linalg.vector_norm": (1, False),
    "logaddexp.reduce": (1, False),
    "logaddexp2.reduce": (1, False),
    "hypot.reduce": (1, False),
}
# The shape stays, but for the axis itself; (position of axis, its default, linear).
ALONG: dict[str, tuple[int, Any, bool]] = {
    "fft.fft": (2, -1, True),
    "fft.ifft": (2, -1, True),
    "fft.rfft": (2, -1, True),
    "fft.irfft": (2, -1, True),
    "fft.hfft": (2, -1, True),
    "fft.ihfft": (2, -1, True),
    "fft.fft2": (2, (-2, -1), True),
    "fft.ifft2": (2, (-2, -1), True),
    "fft.rfft2": (2, (-2, -1), True),
    "fft.irfft2": (2, (-2, -1), True),
    "fft.fftn": (2, None, True),
    "fft.ifftn": (2, None, True),
    "fft.rfftn": (2, None, True),
    "fft.irfftn": (2, None, True),
    "unwrap": (3, -1, True),
    "nancumsum": (1, None, True),
    "nancumprod": (1, None, False),
}


def axes_of(axis: Any, ndim: int) -> tuple[int, ...]:
    """Axes as non-negative ints: None means all."""
    if axis is None or not ndim:
        return tuple(range(ndim))
    return tuple(int(a) % ndim for a in (axis if isinstance(axis, tuple | list) else (axis,)))


def reduced(trace: Trace, value: Any, x: Tracer, axes: tuple[int, ...], linear: bool) -> Any:
    """`value`, each entry of which depends on all of x along `axes`; they may be gone from its shape."""
    first = x.first.over(axes)
    second = []
    if x.second is not None:
        second.append(x.second.over(axes))
        if not linear:
            second.append(trace.square([first]))

    def wrap(v: Any) -> Any:
        return result_of(
            trace,
            v,
            [_fit(first, np.shape(v), axes)],
            [_fit(s, np.shape(v), axes) for s in second],
        )

    return each(value, wrap)


def _fit(sets: Sets, shape: tuple[int, ...], axes: tuple[int, ...]) -> Sets:
    """Sets with `axes` of length 1, in a shape with or without them."""
    kept = sets.parts[0].shape
    if len(shape) == len(kept) and all(a in (1, b) for a, b in zip(kept, shape, strict=True)):
        return sets
    rest = tuple(extent for i, extent in enumerate(kept) if i not in axes)
    return sets.map(lambda part: np.broadcast_to(part.reshape(rest), shape))


def _reduction(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    value = function(*values(args), **values(options))
    position, linear = REDUCTIONS[name]
    x, others = args[0], (args[1:], options)
    if not is_traced(x) or tracers(others):
        # Weights, an initial value: they too are all counted for all.
        return dense(trace, value, (args, options))
    axes = axes_of(argument(args, options, position, "axis", None), x.ndim)
    q = args[1] if position == 2 and len(args) > 1 else options.get("q", 0)
    if np.ndim(q):
        return _many_quantiles(trace, value, x, axes, options)
    if trace.local and name in ("max", "min") and options.get("where") is None:
        x = _winners(x, name, axes)
    return reduced(trace, value, x, axes, linear)


def _many_quantiles(trace: Trace, value: Any, x: Any, axes: Any, options: Any) -> Any:
    """One leading axis for each quantile."""
    first, second = x.first.over(axes), [] if x.second is None else [x.second.over(axes)]
    if not options.get("keepdims"):
        rest = tuple(n for i, n in enumerate(x.shape) if i not in axes)
        first = first.map(lambda part: part.reshape(rest))
        second = [s.map(lambda part: part.reshape(rest)) for s in second]
    return result_of(trace, value, [first], second)


def _winners(x: Any, name: str, axes: tuple[int, ...]) -> Any:
    """Only the entries that may be the extreme; all of them where it is NaN."""
    best = getattr(np, name)(x.value, axis=axes, keepdims=True)
    keep = (x.value == best) | (best != best)
    second = None if x.second is None else x.second.where(keep)
    return Tracer(x.value, x.first.where(keep), second, x.trace)


for _name in REDUCTIONS:
    RULES[_name] = _reduction


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


for _name in ALONG:
    RULES[_name] = _along


@rule("linalg.norm")
def _norm(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    value = function(*values(args), **values(options))
    axes = axes_of(argument(args, options, 2, "axis", None), args[0].ndim)
    return reduced(trace, value, args[0], axes, False)


@rule("linalg.matrix_norm")
def _matrix_norm(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    value = function(*values(args), **values(options))
    return reduced(trace, value, args[0], axes_of((-2, -1), args[0].ndim), False)


@rule("prod")
def _prod(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    """Halves times halves: a product is linear in each of its factors."""
    x = args[0]
    value = function(*values(args), **values(options))
    if not trace.second or tracers((args[1:], options)):
        axes = axes_of(argument(args, options, 1, "axis", None), x.ndim)
        return reduced(trace, value, x, axes, False)
    axes = axes_of(argument(args, options, 1, "axis", None), x.ndim)
    rest = [i for i in range(x.ndim) if i not in axes]
    flat: Any = np.transpose(x, (*rest, *axes)).reshape(*(x.shape[i] for i in rest), -1)
    while flat.shape[-1] > 1:
        half = flat.shape[-1] // 2
        both = flat[..., :half] * flat[..., half : 2 * half]
        odd = flat[..., 2 * half :]
        flat = np.concatenate([both, odd], axis=-1) if odd.size else both
    first, second = (_fit_last(s, np.shape(value)) for s in (flat.first, flat.second))
    return result_of(trace, value, [first], [second])


def _fit_last(sets: Any, shape: tuple[int, ...]) -> Sets:
    if sets.parts[0].size == 0:
        return Sets.empty(sets.store, shape)
    return Sets(sets.store, [part.reshape(shape) for part in sets.parts])


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
    first = _prefixes(x.first, axis)
    second = [] if x.second is None else [_prefixes(x.second, axis)]
    if trace.second and name in ("cumprod", "cumulative_prod"):
        second.append(trace.square([first]))
    if options.get("include_initial"):
        first, second = _shifted(first, axis), [_shifted(s, axis) for s in second]
    return result_of(trace, value, [first], second)


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
        later = [slice(None)] * x.ndim
        later[axis] = slice(1, None)
        if np.array_equal(ordered, value) and np.all(np.diff(ordered, axis=axis) > 0):
            return np.take_along_axis(x, order, axis)
    return reduced(trace, value, x, axes_of(axis, x.ndim), True)


@rule("diff")
def _diff(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    return _differences(*args, **options)


def _differences(
    x: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None
) -> Any:
    ends = [_end(part, x, axis) for part in (prepend, x, append) if part is not None]
    x = np.concatenate(ends, axis=axis) if len(ends) > 1 else x
    for _ in range(n):
        x = _part(x, axis, slice(1, None)) - _part(x, axis, slice(None, -1))
    return x


def _end(part: Any, x: Any, axis: int) -> Any:
    """A number stands for one entry along the axis."""
    if np.ndim(values(part)):
        return part
    shape = tuple(1 if i == axis % x.ndim else extent for i, extent in enumerate(x.shape))
    return np.broadcast_to(part, shape)


def _part(x: Any, axis: int, part: slice) -> Any:
    index: list[Any] = [slice(None)] * x.ndim
    index[axis] = part
    return x[tuple(index)]


@rule("trapezoid")
def _trapezoid(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    def body(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
        heights = _part(y, axis, slice(1, None)) + _part(y, axis, slice(None, -1))
        if x is None:
            return np.sum(heights * dx / 2, axis=axis)
        width = np.diff(x, axis=axis if np.ndim(values(x)) > 1 else -1)
        if width.ndim == 1 and y.ndim > 1:
            width = width.reshape(tuple(-1 if i == axis % y.ndim else 1 for i in range(y.ndim)))
        return np.sum(heights * width / 2, axis=axis)

    return body(*args, **options)


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
        second = [t.second for t in around if t.second is not None]
        parts.append(result_of(trace, v, [t.first for t in around], second))
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


__all__ = ["axes_of", "reduced"]
