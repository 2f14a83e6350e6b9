"""Seeds: the tangents and cotangents that operators push and pull.

Truth about their shapes and dtypes lives here, so that every engine refuses the same ones in the same
words.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..errors import InputError, ShapeError
from .facts import Array, dtype_name, is_complex, shape_of, size_of
from .framework import NUMPY, framework_of
from .namespace import array_namespace
from .trees import Leaves

_NUMPY_HAS = ("float16", "float32", "float64", "complex64", "complex128")  # whoever extends it


def match(t: Leaves, like: Leaves, batched: bool, what: str, of: str) -> Leaves:
    """Seeds `t` checked against the arrays they belong to, and cast to their dtypes.

    Parameters
    ----------
    t, like : tuple of array
        The seeds, and the arrays whose shapes and dtypes they must have; all of one framework.
    batched : bool
        Whether each seed carries one extra leading axis.
    what, of : str
        For the message: "tangent" of "x", "cotangent" of "f(x)".

    Raises
    ------
    ShapeError
        If their number, a shape or the batch sizes do not fit.
    InputError
        If a complex seed meets a real array.
    """
    if len(t) != len(like):
        raise ShapeError(
            f"The {what} has {len(t)} leaves, expected the {len(like)} of {of}."
            f"{instead(of, len(like) == 1)}",
            got=len(t),
            expected=len(like),
        )
    sizes = {shape_of(leaf)[:1] for leaf in t} if batched else set()
    if len(sizes) > 1 or () in sizes:
        raise ShapeError(
            f"batched=True expects one extra leading axis of the same length on each {what}, got "
            f"shapes {', '.join(str(shape_of(leaf)) for leaf in t)}.",
            got=[shape_of(leaf) for leaf in t],
        )
    return tuple(match_leaf(a, b, batched, what, of) for a, b in zip(t, like, strict=True))


def instead(of: str, lone: bool) -> str:
    """What to pass where a seed is no tree like `of`, which is a `lone` array or a tree of several."""
    if lone:
        return (
            f" {of} is one array: pass the seed itself; several go in one stack, with batched=True."
        )
    return f" Pass a tree like {of}: a tuple for a tuple, a dict with the same keys for a dict."


def match_leaf(t: Array, like: Array, batched: bool, what: str, of: str) -> Array:
    """One seed of `match`."""
    got, expected = shape_of(t)[1:] if batched else shape_of(t), shape_of(like)
    if got != expected:
        extra = " behind the batch axis" if batched else ""
        raise ShapeError(
            f"The {what} has shape {got}{extra}, expected {expected}, the shape of {of}.",
            got=got,
            expected=expected,
        )
    if getattr(t, "dtype", None) == getattr(like, "dtype", 0):
        return t
    if is_complex(t) and not is_complex(like):
        raise InputError(
            f"The {what} is {dtype_name(t)} where {of} is {dtype_name(like)}; "
            f"pass its real part, or a complex {of}.",
            got=dtype_name(t),
            expected=dtype_name(like),
        )
    return cast(t, like)


def cast(t: Array, like: Array) -> Array:
    """`t` in the dtype of `like`."""
    xp = array_namespace(like, t)
    dtype = getattr(like, "dtype", None)
    if dtype is not None and framework_of(like) is NUMPY:
        dtype = getattr(xp, dtype_name(like))  # t may be of another framework, which f captured
    return xp.astype(xp.asarray(t), xp.asarray(like).dtype if dtype is None else dtype)


def match_cotangent(t: Leaves, y: Leaves, batched: bool = False) -> Leaves:
    """Cotangents checked against the output y, for a backend to call where it knows y."""
    return match(t, y, batched, "cotangent", "f(x)")


def basis(x: Leaves, start: int = 0, stop: int | None = None) -> Leaves:
    """Standard basis vectors number `start` to `stop` of the space of x, batched.

    Parameters
    ----------
    x : tuple of array
        The arrays whose entries, one after the other, number the basis.
    start, stop : int
        The range wanted; by default all.

    Returns
    -------
    tuple of array
        For each leaf of x an array ``(stop - start, *leaf.shape)``, of its dtype and device.
    """
    total = sum(size_of(leaf) for leaf in x)
    stop = total if stop is None else min(stop, total)
    seeds: list[Any] = []
    offset = 0
    for leaf in x:
        xp, size = array_namespace(leaf), size_of(leaf)
        device = getattr(leaf, "device", None)  # a tracer has none
        rows = xp.arange(start - offset, stop - offset, device=device)
        columns = xp.arange(size, device=device)
        hot = xp.astype(rows[:, None] == columns[None, :], leaf.dtype)
        seeds.append(xp.reshape(hot, (stop - start, *leaf.shape)))
        offset += size
    return tuple(seeds)


def direction(shape: tuple[int, ...], xp: Any = np, dtype: Any = float) -> Array:
    """A fixed direction without symmetry, on the unit scale; NumPy's by default."""
    count = xp.arange(1, prod(shape) + 1, dtype=dtype)
    return xp.reshape(0.5 + xp.sin(1.3 * count), shape)


def generic_direction(leaf: Array) -> Array:
    """The real one of the shape, framework and precision of `leaf`."""
    xp = array_namespace(leaf)
    return direction(shape_of(leaf), xp, (xp.real(leaf) if is_complex(leaf) else leaf).dtype)


def like(a: Any, leaf: Array) -> Array:
    """A NumPy array as one of the framework and dtype of `leaf`."""
    framework, name = framework_of(leaf) or NUMPY, dtype_name(leaf)
    if name in _NUMPY_HAS:
        return framework.from_numpy(a.astype(name), leaf)
    return cast(framework.from_numpy(a.astype("float32"), leaf), leaf)


def turned(seeds: Leaves) -> Leaves:
    """Seeds turned to the imaginary direction, which a real array does not have."""
    return tuple(1j * s if is_complex(s) else 0 * s for s in seeds)


def none_pushed(y: Leaves) -> Leaves:
    """The image of an empty batch of tangents: ``(0, *y.shape)`` for each output."""
    return tuple(array_namespace(leaf).zeros((0, *shape_of(leaf)), dtype=leaf.dtype) for leaf in y)
