"""Traces of linear maps: random probes, and estimates from products with them or from whole blocks."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext
from numbers import Integral
from typing import Any

import numpy as np

from ..errors import InputError, ShapeError
from .facts import Array, dtype_name, shape_of
from .framework import NUMPY, framework_of
from .namespace import array_namespace
from .stop import stopped
from .trees import Leaves


def probes_like(x: Leaves, key: Any, probes: Any, flatten: Any) -> Leaves:
    """The probes, a leaf for each of x, each with a leading axis."""
    if probes is None or isinstance(probes, Integral):
        count = 1 if probes is None else int(probes)
        if count < 1:
            raise InputError(f"probes={probes}, expected at least one.", got=probes)
        try:
            draw = np.random.default_rng(key)
        except (TypeError, ValueError):
            raise InputError(
                f"key={key!r}, expected a seed of numpy.random.default_rng; for random numbers of "
                "another kind, pass the probes themselves.",
                got=key,
            ) from None
        return tuple(draw.choice((-1.0, 1.0), size=(count, *shape_of(leaf))) for leaf in x)
    given: Leaves = flatten(probes)[0]
    counts = {shape_of(probe)[:1] for probe in given}
    check_shapes([shape_of(probe)[1:] for probe in given], list(map(shape_of, x)), "probes")
    if len(counts) != 1 or counts == {(0,)}:
        raise ShapeError(
            f"The probes' leading axes are {sorted(counts)}, expected one that is not empty.",
            got=counts,
        )
    return given


def check_shapes(got: list[Any], expected: list[Any], what: str) -> None:
    """Raise `ShapeError` where the shapes of `what` are not those expected."""
    if got != expected:
        raise ShapeError(
            f"hutchinson_trace: the shapes of {what} are {got}, expected {expected}, like x.",
            got=got,
            expected=expected,
        )


def beside(probe: Array, like: Array) -> Array:
    """A probe to compute with beside `like`: as it is, or an array of its framework and dtype."""
    framework = framework_of(stopped(like))
    if framework is None or framework_of(probe) is not NUMPY:
        return probe
    if framework is NUMPY:
        return np.asarray(probe, dtype_name(like))
    with framework.scope(like):
        array = framework.from_numpy(probe, stopped(like))
        return framework.namespace(array).astype(array, like.dtype)


def scope(leaves: Leaves) -> AbstractContextManager[None]:
    """In which to compute with leaves."""
    framework = framework_of(leaves[0])
    return nullcontext() if framework is None else framework.scope(leaves[0])


def mean_inner(v: Leaves, products: Leaves, batched: bool) -> Array:
    """``v^T (J v)``, its mean over the probes: a number, or one a sample."""
    kept = 2 if batched else 1
    parts = []
    for probe, product in zip(v, products, strict=True):
        xp, terms = array_namespace(product), beside(probe, product) * product
        axes = tuple(range(kept, len(shape_of(product))))
        parts.append(xp.sum(terms, axis=axes) if axes else terms)
    return array_namespace(*parts).mean(sum(parts[1:], parts[0]), axis=0)


# --- from the whole Jacobian ---------------------------------------------------------------------


def square(rows: Leaves, x: Leaves, batched: bool) -> list[Leaves]:
    """The blocks of a Jacobian as matrices: ``(n_j, n_i)``, or ``(batch, n_j, n_i)``."""
    n = len(x)
    if len(rows) != n * n:
        raise ShapeError(
            f"hutchinson_trace: f(x) has {len(rows) // n} arrays, expected {n}, like x.",
            got=len(rows) // n,
            expected=n,
        )
    inner = [shape_of(leaf)[1:] if batched else shape_of(leaf) for leaf in x]
    lead = shape_of(x[0])[:1] if batched else ()
    shapes = [(*lead, *of_y, *of_x) for of_y in inner for of_x in inner]
    check_shapes(list(map(shape_of, rows)), shapes, "the Jacobian")
    sizes = [math.prod(shape) for shape in inner]
    with scope(rows):
        return [
            tuple(
                array_namespace(rows[j * n + i]).reshape(
                    rows[j * n + i], (*lead, sizes[j], sizes[i])
                )
                for i in range(n)
            )
            for j in range(n)
        ]


def products(blocks: list[Leaves], v: Leaves, x: Leaves, batched: bool) -> Leaves:
    """``J v`` for each probe, in the shapes of the probes."""
    kept = 2 if batched else 1
    found = []
    for row, leaf in zip(blocks, x, strict=True):
        total: Any = 0
        for block, probe in zip(row, v, strict=True):
            xp = array_namespace(block)
            flat = beside(probe, block)
            flat = xp.reshape(flat, (*shape_of(flat)[:kept], shape_of(block)[-1], 1))
            total = total + xp.matmul(block, flat)
        count = shape_of(v[0])[:1]
        found.append(array_namespace(total).reshape(total, (*count, *shape_of(leaf))))
    return tuple(found)


def trace(block: Array) -> Array:
    """The trace of a matrix, or of each of a batch."""
    return array_namespace(block).sum(array_namespace(block).linalg.diagonal(block), axis=-1)
