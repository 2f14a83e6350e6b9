"""Jacobians by chunks of seeds: tangents lie on a trailing axis, where columns end up."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffinterface.extend import (
    Function,
    Leaves,
    basis,
    framework_of,
    map_leaves,
    shape_of,
    size_of,
)
from diffinterface.extend.arrays import new_level
from diffinterface.extend.transforms import cast_block

from .dual import Dual
from .levels import primal, tangent
from .values import back, beside, namespace_of


def sweep(fn: Function, chunk: int, x: Leaves, contexts: Leaves) -> tuple[Leaves, Any, Any]:
    """The value, ``rows[j][i]`` of the Jacobian, and the auxiliary output."""
    n = sum(map(size_of, x))
    value: Leaves = ()
    aux, blocks = None, []
    for start in range(0, max(n, 1), chunk):
        stop = min(start + chunk, n)
        level = new_level()
        y, aux = fn(_seeds(x, start, stop, level), contexts)
        value = tuple(as_array(primal(leaf, level), x[0]) for leaf in y)
        blocks.append(
            [
                tangent(leaf if isinstance(leaf, Dual) else v, level, stop - start)
                for leaf, v in zip(y, value, strict=True)
            ]
        )
        aux = map_leaves(lambda leaf, level=level: primal(leaf, level), aux)
    rows = tuple(
        tuple(_cut(_join(columns), v, x))
        for v, columns in zip(value, zip(*blocks, strict=True), strict=True)
    )
    return value, rows, aux


def _seeds(x: Leaves, start: int, stop: int, level: int) -> Leaves:
    """Copies of x, so that f may write into them, with unit tangents number `start` to `stop`."""
    seeded, offset = [], 0
    for i, leaf in enumerate(x):
        framework, size = framework_of(leaf), size_of(leaf)
        if isinstance(leaf, np.ndarray | np.generic):
            units = np.zeros((size, stop - start), leaf.dtype)
            first, last = max(start - offset, 0), min(stop - offset, size)
            if first < last:
                at = np.arange(first, last)
                units[at, at + offset - start] = 1
            units = units.reshape((*leaf.shape, stop - start))
        else:
            units = back(basis(x, start, stop)[i])
            units = beside(units, leaf)
        own = framework.own(leaf) if framework is not None else leaf
        seeded.append(Dual(own, units, level))
        offset += size
    return tuple(seeded)


def _join(columns: Any) -> Any:
    if len(columns) == 1:
        # Alone it may be a seed, or a tangent that f returned twice: the result must be its own.
        return columns[0].copy() if isinstance(columns[0], np.ndarray) else columns[0]
    return namespace_of(columns[0]).concat(list(columns), axis=-1)


def _cut(block: Any, y: Any, x: Leaves) -> list[Any]:
    """The columns of each leaf of x, in its shape."""
    xp, parts, start = namespace_of(block), [], 0
    for leaf in x:
        stop = start + size_of(leaf)
        part = block if len(x) == 1 else block[..., start:stop]
        part = xp.reshape(part, (*shape_of(y), *shape_of(leaf)))
        parts.append(cast_block(part, leaf))
        start = stop
    return parts


def as_array(value: Any, like: Any) -> Any:
    """A number as an array of the framework of `like`."""
    return value if hasattr(value, "dtype") else namespace_of(like).asarray(value)
