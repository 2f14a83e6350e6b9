"""From columns and rows to Jacobians: shapes only, no derivative is taken here.

Columns come with the entries of x on the leading axis, ``(n, *y_j.shape)``, rows with those of y,
``(m, *x_i.shape)``. A Jacobian is ``rows[j][i]`` of shape ``y_j.shape + x_i.shape``.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..errors import ShapeError
from .facts import Array, is_complex, shape_of, size_of
from .namespace import array_namespace
from .seeds import cast
from .trees import Leaves


def concat(chunks: list[Array]) -> Array:
    """Chunks joined along their leading axis."""
    if len(chunks) == 1:
        return chunks[0]
    return array_namespace(*chunks).concat(chunks, axis=0)


def split(flat: Array, x: Leaves, batched: bool) -> Leaves:
    """A flat vector (or a batch of them) cut into arrays of the shapes of x."""
    xp, lead, parts, start = array_namespace(flat), shape_of(flat)[:-1] if batched else (), [], 0
    for leaf in x:
        piece = flat[..., start : start + size_of(leaf)]
        if not is_complex(leaf) and is_complex(piece):
            piece = xp.real(piece)
        if piece.dtype != leaf.dtype:
            piece = cast(piece, leaf)
        parts.append(xp.reshape(piece, (*lead, *shape_of(leaf))))
        start += size_of(leaf)
    return tuple(parts)


def adjoint(t: Leaves, y: Leaves, columns: list[list[Array]], batched: bool) -> Array:
    """``Re <t, J e_i>`` for each column: shape ``(n,)``, or ``(batch, n)``."""
    total: Any = 0
    for cotangent, leaf, chunks in zip(t, y, columns, strict=True):
        column = concat(chunks)
        xp = array_namespace(column, cotangent)
        flat = xp.reshape(column, (shape_of(column)[0], size_of(leaf)))
        lead = shape_of(cotangent)[:1] if batched else ()
        seed = xp.reshape(xp.asarray(cotangent), (*lead, size_of(leaf)))
        if is_complex(leaf):
            # Re<a, b> is the real inner product of the real and imaginary parts.
            total = total + xp.real(seed) @ xp.real(flat).T + xp.imag(seed) @ xp.imag(flat).T
        else:
            total = total + seed @ flat.T
    return total


def apply(rows: Any, y: Leaves, t: Leaves, batched: bool) -> Leaves:
    """The Jacobian ``rows[j][i]`` applied to tangents (one, or a batch on a leading axis)."""
    results = []
    for leaf, row in zip(y, rows, strict=True):
        total: Any = 0
        for block, tangent in zip(row, t, strict=True):
            xp = array_namespace(block, tangent)
            lead = shape_of(tangent)[:1] if batched else ()
            size = prod(shape_of(tangent)[1:] if batched else shape_of(tangent))
            matrix = xp.reshape(block, (size_of(leaf), size))
            tangent = xp.reshape(tangent, (*lead, size))
            if is_complex(matrix) and not is_complex(tangent):  # products of torch do not promote
                tangent = xp.astype(tangent, matrix.dtype)
            total = total + tangent @ matrix.T
        results.append(array_namespace(total).reshape(total, (*lead, *shape_of(leaf))))
    return tuple(results)


def rows_from_columns(columns: list[list[Array]], y: Leaves, x: Leaves) -> tuple[Leaves, ...]:
    """A Jacobian from its columns."""
    rows = []
    for leaf, chunks in zip(y, columns, strict=True):
        row, start = [], 0
        last = move_first(concat(chunks), -1)
        for entry in x:
            block = last if len(x) == 1 else last[..., start : start + size_of(entry)]
            block = reshaped(block, (*shape_of(leaf), *shape_of(entry)))
            row.append(in_precision(block, entry))
            start += size_of(entry)
        rows.append(tuple(row))
    return tuple(rows)


def in_precision(block: Array, entry: Array) -> Array:
    """A block from columns, which have the dtype of y, in that of x, which rows have."""
    dtype = getattr(entry, "dtype", None)
    if dtype is None or block.dtype == dtype or is_complex(block) != is_complex(entry):
        return block
    return cast(block, entry)


def move_first(array: Array, axis: int) -> Array:
    """The first axis moved; `permute_dims` works inside every transform, `moveaxis` does not."""
    order = [*range(1, array.ndim)]
    order.insert(axis if axis >= 0 else len(order) + 1 + axis, 0)
    return permuted(array, tuple(order))


def permuted(array: Array, order: tuple[int, ...]) -> Array:
    """An array with its axes in another order."""
    if type(array) is np.ndarray:  # at a tenth of the time that the function takes
        return array.transpose(order)
    return array_namespace(array).permute_dims(array, order)


def rows_from_rows(stacked: Leaves, y: Leaves, x: Leaves) -> tuple[Leaves, ...]:
    """A Jacobian from its rows: ``stacked[i]`` has shape ``(m, *x_i.shape)``."""
    rows, start = [], 0
    for leaf in y:
        stop, row = start + size_of(leaf), []
        for whole, entry in zip(stacked, x, strict=True):
            block = whole if len(y) == 1 else whole[start:stop, ...]
            if is_complex(block) and not is_complex(leaf) and not is_complex(entry):
                block = array_namespace(block).real(block)
            row.append(reshaped(block, (*shape_of(leaf), *shape_of(entry))))
        rows.append(tuple(row))
        start = stop
    return tuple(rows)


def as_matrix(rows: Any, y: Leaves, x: Leaves) -> Any:
    """A Jacobian ``rows[j][i]`` of NumPy arrays as one matrix."""
    lines = []
    for row, leaf in zip(rows, y, strict=True):
        blocks = [np.reshape(b, (size_of(leaf), size_of(c))) for b, c in zip(row, x, strict=True)]
        lines.append(np.concatenate(blocks, axis=1))
    return np.concatenate(lines)


def reshaped(array: Array, shape: tuple[int, ...]) -> Array:
    """`array` in a shape; itself where it has it: an outer tape records what changes nothing, too."""
    return array if shape_of(array) == shape else array_namespace(array).reshape(array, shape)


def complex_rows(direct: Leaves, turned: Leaves, x: Leaves) -> Leaves:
    """Rows of a Jacobian with complex outputs, from the pullbacks of e and of ``i e``.

    At a real x, ``pullback(e) = Re J`` and ``pullback(i e) = Im J``; at a complex x of a holomorphic
    f, ``pullback(e)`` is the conjugate of the row.
    """
    return tuple(
        array_namespace(a).conj(a) if is_complex(entry) else a + 1j * b
        for a, b, entry in zip(direct, turned, x, strict=True)
    )


# --- batches of samples --------------------------------------------------------------------------


def check_batch(x: Leaves, y: Leaves = ()) -> int:
    """The common length of the leading axes of x, and of y where it is known."""
    leads = {shape_of(leaf)[:1] for leaf in (*x, *y)}
    if len(leads) != 1 or () in leads:
        shapes = ", ".join(str(shape_of(leaf)) for leaf in (*x, *y))
        raise ShapeError(
            "batched_jacobian expects one leading batch axis of the same length on each array of x and "
            f"of f(x), which takes all samples at once; got shapes {shapes}.",
            got=[shape_of(leaf) for leaf in (*x, *y)],
        )
    return int(leads.pop()[0])


def first_sample(leaves: Leaves) -> Leaves:
    """One sample of a batch; of an empty one, zeros of its shape."""
    return tuple(
        leaf[0, ...] if shape_of(leaf)[0] else array_namespace(leaf).sum(leaf, axis=0)
        for leaf in leaves
    )


def broadcast_seeds(seeds: Leaves, batch: int) -> Leaves:
    """Per-sample seeds ``(k, *s)`` for every sample at once: ``(k, batch, *s)``."""
    return tuple(
        array_namespace(s).broadcast_to(s[:, None, ...], (s.shape[0], batch, *s.shape[1:]))
        for s in seeds
    )


def batched_rows(stacked: Leaves, y: Leaves, x: Leaves, forward: bool) -> tuple[Leaves, ...]:
    """``rows[j][i]`` of shape ``(batch, *y_j, *x_i)`` from ``(k, batch, ...)`` columns or rows.

    y and x are single samples.
    """

    def cut(block: Array, leaves: Leaves, axis: int) -> list[Array]:
        moved, parts, start = move_first(block, axis), [], 0
        if len(leaves) == 1:
            return [moved]
        for leaf in leaves:
            index = [slice(None)] * moved.ndim
            index[axis] = slice(start, start + size_of(leaf))
            parts.append(moved[tuple(index)])
            start += size_of(leaf)
        return parts

    if forward:
        blocks = [cut(columns, x, -1) for columns in stacked]
    else:
        by_x = [cut(rows, y, 1) for rows in stacked]
        blocks = [[by_x[i][j] for i in range(len(x))] for j in range(len(y))]

    def shaped(block: Array, leaf: Array, entry: Array) -> Array:
        shape = (block.shape[0], *shape_of(leaf), *shape_of(entry))
        return in_precision(reshaped(block, shape), entry)

    return tuple(
        tuple(shaped(block, leaf, entry) for block, entry in zip(row, x, strict=True))
        for leaf, row in zip(y, blocks, strict=True)
    )
