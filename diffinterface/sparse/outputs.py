"""From products to the result: one matrix for each pair of leaves of f(x) and x."""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import Any, final

import numpy as np

from ..arrays.facts import Array, size_of
from ..arrays.framework import NUMPY, framework_of
from ..arrays.namespace import array_namespace
from ..arrays.sparse_matrix import Layout, SparseMatrix, csr
from ..arrays.trees import Leaves
from ..errors import InputError, NestedDifferentiationError
from .coloring import Direct
from .plan import SparsePlan


@final
class Output:
    """The way from the products of a plan to matrices of one kind.

    Parameters
    ----------
    kind : {"csr", "native", "data", "compressed"}
        As for `AutoSparse`.
    plan : SparsePlan
        Where the entries stand, and how they follow from the products.
    y, x : tuple of array
        Arrays of the sizes of rows and columns.
    """

    __slots__ = ("_copies", "_entries", "_kind", "_layouts", "_recovery", "_shape", "gathers")

    def __init__(self, kind: str, plan: SparsePlan, y: Leaves, x: Leaves) -> None:
        rows, columns = [size_of(leaf) for leaf in y], [size_of(leaf) for leaf in x]
        self._kind, self._recovery = kind, plan.coloring.recovery
        direct = isinstance(self._recovery, Direct)
        _check(kind, direct, len(rows) * len(columns))
        self._shape = len(rows), len(columns)
        blocks = _cut(plan.layout, rows, columns)
        self._layouts = [layout for _, layout in blocks]
        #: For each block which of the products, one after another, are its entries; or which of the
        #: entries that substitution finds.
        self._entries = [
            self._recovery.indices[chosen] if isinstance(self._recovery, Direct) else chosen
            for chosen, _ in blocks
        ]
        self._copies: dict[Any, Leaves] = {}
        #: Whether all that is wanted are entries read from products as they are.
        self.gathers = direct and kind != "compressed"

    def __call__(
        self, parts: list[Array], like: Array, data: Leaves | None = None
    ) -> tuple[tuple[Any, ...], ...]:
        """``rows[j][i]``, from one matrix of products for columns, for rows, or for each.

        `data` are the entries of each block, where they have been gathered already.
        """
        if self._kind == "compressed":
            return ((_compressed(parts, like, self._layouts[0].shape[0]),),)
        if self._kind == "csr":
            self._refuse_traced(parts)
        data = self._data(parts, like) if data is None else data
        blocks = map(partial(_matrix, self._kind), data, self._layouts)
        m, n = self._shape
        return tuple(tuple(next(blocks) for _ in range(n)) for _ in range(m))

    def _refuse_traced(self, parts: list[Array]) -> None:
        outer = next((_framework(p).name for p in parts if _framework(p).is_traced(p)), None)
        if outer is not None:
            raise NestedDifferentiationError(
                f"A scipy.sparse.csr_array cannot hold what {outer} is recording; write "
                "AutoSparse(..., output='data'), whose entries are an array of that framework.",
                outer=outer,
            )

    def _data(self, parts: list[Array], like: Array) -> Leaves:
        """The entries of each block."""
        if not parts:
            zeros = array_namespace(like).zeros
            return tuple(zeros((0,), dtype=like.dtype) for _ in self._layouts)
        if isinstance(self._recovery, Direct):
            return gather(parts, self.where(parts))
        flat = np.concatenate([_framework(part).to_numpy(part).reshape(-1) for part in parts])
        values = self._recovery.values(flat)
        return tuple(values[chosen] for chosen in self._entries)

    def where(self, like: Leaves | list[Array]) -> Leaves:
        """For each block the places of its entries in the products, as arrays beside those of `like`."""
        framework = _framework(like[0])
        device = framework.device(like[0])
        key = framework.name, device
        own = self._copies.get(key)
        if own is None:
            xp = array_namespace(*like)
            own = tuple(xp.asarray(chosen.copy(), device=device) for chosen in self._entries)
            # What is made inside a trace must end with it.
            if not any(_framework(array).is_traced(array) for array in (*like, *own)):
                self._copies[key] = own
        return own


def _check(kind: str, direct: bool, blocks: int) -> None:
    if kind == "compressed" and blocks > 1:
        raise InputError(
            "AutoSparse(output='compressed') gives one matrix of products, and x or f(x) is a tree "
            "of several arrays; use output='data'.",
            got=blocks,
        )
    if kind in ("data", "native") and not direct:
        raise InputError(
            f"AutoSparse(output={kind!r}) gathers its entries, which needs a coloring with "
            "decompression='direct'; or use output='csr'.",
            got="substitution",
            expected="direct",
        )


def gather(parts: Leaves | list[Array], where: Leaves) -> Leaves:
    """The entries of each block, from the products one after another."""
    xp = array_namespace(*parts)
    flat = [xp.reshape(part, (-1,)) for part in parts]
    joined = flat[0] if len(flat) == 1 else xp.concat(flat)
    take = _framework(joined).take
    return tuple(take(joined, indices) for indices in where)


def _compressed(parts: list[Array], like: Array, rows: int) -> Any:
    if not parts:
        return array_namespace(like).zeros((0, rows), dtype=like.dtype)
    return parts[0] if len(parts) == 1 else tuple(parts)


def _matrix(kind: str, entries: Array, layout: Layout) -> Any:
    if kind == "data":
        return SparseMatrix(entries, layout)
    framework = _framework(entries)
    if framework is NUMPY:
        return csr(entries, layout)
    if kind == "native":
        return framework.sparse(entries, layout)
    return csr(framework.to_numpy(entries), layout)


def _cut(whole: Layout, rows: list[int], columns: list[int]) -> list[tuple[Any, Layout]]:
    """For each pair of leaves, row by row, which entries it has, and where."""
    if len(rows) == len(columns) == 1:
        return [(slice(None), whole)]
    line = whole.rows
    corners = [list(chain([0], np.cumsum(sizes))) for sizes in (rows, columns)]
    blocks = []
    for top, height in zip(corners[0], rows, strict=False):
        start, stop = whole.indptr[top], whole.indptr[top + height]
        inside, below = whole.indices[start:stop], line[start:stop] - top
        for left, width in zip(corners[1], columns, strict=False):
            chosen = (inside >= left) & (inside < left + width)
            counts = np.bincount(below[chosen], minlength=height)
            indptr = np.concatenate([[0], np.cumsum(counts)]).astype(whole.indptr.dtype)
            layout = Layout(indptr, inside[chosen] - left, (height, width))
            blocks.append((start + np.flatnonzero(chosen), layout))
    return blocks


def _framework(array: Array) -> Any:
    return framework_of(array)
