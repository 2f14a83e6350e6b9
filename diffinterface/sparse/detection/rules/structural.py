"""Functions that move elements: they move the ids of their sets alike."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffinterface.arrays.facts import is_inexact

from ..results import constant, fresh, result_of, sets_of
from ..sets import Sets
from ..table import argument, composed, rule
from ..trace import Trace
from ..traced import is_traced, tracers, values
from ..tracer import Tracer
from .general import dense, missing, needs_values

_DROPPED = ("dtype", "casting", "constant_values", "subok", "device", "like")


def move(
    trace: Trace, name: str, function: Any, args: Any, options: Any, data: tuple[int, ...] = (0,)
) -> Any:
    """A function that only moves the elements of the arguments at the positions `data`."""
    moved = [arg for i, arg in enumerate(args) if i in data]
    others = [arg for i, arg in enumerate(args) if i not in data]
    if tracers((others, options)):
        # Where elements go depends on values.
        needs_values(trace, f"np.{name} with an argument")
        return dense(trace, function(*values(args), **values(options)), (args, options))
    value = function(*values(args), **options)
    kept = {key: option for key, option in options.items() if key not in _DROPPED}
    found = tracers(moved)

    def sets(attribute: str) -> list[Any]:
        count = max(len(getattr(t, attribute).parts) for t in found)
        return [
            function(
                *(_ids(a, attribute, j) if i in data else a for i, a in enumerate(args)), **kept
            )
            for j in range(count)
        ]

    first, second = sets("first"), sets("second") if trace.second else None
    if not isinstance(value, tuple | list):
        return _made(trace, value, first, second)
    parts = [
        _made(trace, v, [f[i] for f in first], None if second is None else [s[i] for s in second])
        for i, v in enumerate(value)
    ]
    return type(value)(parts)


def _made(trace: Trace, value: Any, first: list[Any], second: list[Any] | None) -> Any:
    if not is_inexact(value):
        return constant(trace, value)
    return Tracer(
        value,
        Sets(trace.store, [np.asarray(part) for part in first]),
        None if second is None else Sets(trace.events, [np.asarray(part) for part in second]),
        trace,
    )


def _ids(arg: Any, attribute: str, j: int) -> Any:
    """Part j of the ids of an argument; nothing where it has fewer parts, or is a constant."""
    if is_traced(arg):
        parts = getattr(arg, attribute).parts
        return parts[j] if j < len(parts) else np.zeros(arg.value.shape, np.int64)
    if isinstance(arg, list | tuple):
        return type(arg)(_ids(part, attribute, j) for part in arg)
    return np.zeros(np.shape(arg), np.int64)


def moves(*names: str, data: tuple[int, ...] = (0,)) -> None:
    """Register functions that only move elements."""

    def body(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
        return move(trace, name, function, args, options, data)

    rule(*names)(body)


moves(
    *("transpose", "swapaxes", "moveaxis", "rollaxis", "expand_dims", "matrix_transpose"),
    *("broadcast_to", "flip", "fliplr", "flipud", "rot90", "roll", "take", "take_along_axis"),
    *("repeat", "tile", "diagonal", "diag", "diagflat", "tril", "triu", "copy"),
    *("resize", "delete", "unstack", "split", "array_split", "hsplit", "vsplit", "dsplit"),
    *("linalg.diagonal", "squeeze", "fft.fftshift", "fft.ifftshift", "sliding_window_view"),
)
moves("insert", data=(0, 2))
moves("append", data=(0, 1))


@rule("reshape", "ravel")
def _reshape(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    """A view or a copy, of values and sets alike."""
    result = move(trace, name, function, args, options)
    x = args[0]
    if isinstance(result, Tracer) and isinstance(result.value, np.ndarray):
        if not np.may_share_memory(result.value, x.value):
            return fresh(result.copy())
        kept = map(np.may_share_memory, result.first.parts, x.first.parts)
        if result.size and not all(kept):
            # A broadcast array is read-only, so nobody can write into the copy's original.
            result.value = result.value.view()
            result.value.flags.writeable = False
    return result


@rule("pad")
def _pad(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    mode = args[2] if len(args) > 2 else options.get("mode", "constant")
    copies = mode in ("constant", "edge", "reflect", "symmetric", "wrap", "empty")
    even = options.get("reflect_type", "even") == "even"
    if copies and even and not tracers(options.get("constant_values")):
        return move(trace, name, function, args, options)
    if callable(mode):
        return missing(trace, name, function, args, options)
    return dense(trace, function(*values(args), **values(options)), (args, options), linear=True)


@rule("getitem")
def _indexed(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    """An index computed from x: any element may be meant, as long as the shape is not in doubt."""
    x, index = args
    parts = index if isinstance(index, tuple) else (index,)
    kinds = [np.asarray(t.value).dtype.kind for t in tracers(index)]
    if "b" in kinds or any(isinstance(part, slice) and tracers(part) for part in parts):
        needs_values(trace, "indexing by a mask or a slice")
    return dense(trace, x.value[values(index)], (x,), linear=True)


@rule("extract", "compress")
def _extract(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    if tracers(args[0]):
        needs_values(trace, f"np.{name}")
        return dense(trace, function(*values(args), **values(options)), args[1:], linear=True)
    return move(trace, name, function, args, options, data=(1,))


@composed("ediff1d")
def _ediff1d(x: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    flat = np.reshape(x, (-1,))
    parts = to_begin, flat[1:] - flat[:-1], to_end
    return np.concatenate([np.reshape(part, (-1,)) for part in parts if part is not None])


@rule("trace", "linalg.trace")
def _trace(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    kept = {key: option for key, option in options.items() if key != "dtype"}
    if name == "linalg.trace":
        kept = {"axis1": -2, "axis2": -1, **kept}
    return np.sum(np.diagonal(*args, **kept), axis=-1)


@rule("bincount")
def _bincount(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    """Sums of weights by their numbers, which must be known."""
    numbers = args[0]
    if tracers(numbers):
        needs_values(trace, "np.bincount")
        return dense(trace, function(*values(args), **values(options)), (args, options))
    value = function(*values(args), **values(options))
    weights = argument(args, options, 1, "weights", None)

    def summed(sets: Sets) -> Sets:
        ids = np.concatenate([part.ravel() for part in sets.parts])
        rows = np.tile(np.asarray(numbers, np.int64), len(sets.parts))
        return Sets(sets.store, [sets.store.merge(rows, ids, value.size)])

    return result_of(trace, value, *sets_of([weights], summed))
