"""From a sparsity pattern to the graphs that the kernels color."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ...errors import InputError, ShapeError
from .jit import missing
from .typing import Edges, Int32s, Int64s

_LIMIT = 2**31 - 1


def scipy_sparse() -> Any:
    """The module `scipy.sparse`."""
    try:
        import scipy.sparse
    except ImportError as error:
        raise missing("Matrix coloring", "SciPy") from error
    return scipy.sparse


def check_indices(pattern: Any) -> None:
    """Raise `InputError` where indices point outside the matrix: compiled code would follow them."""
    check = getattr(pattern, "check_format", None)  # of compressed formats
    try:
        if check is not None:
            check(full_check=True)
    except (ValueError, IndexError) as error:
        raise InputError(f"A pattern's indices are damaged: {error}.", got=pattern) from error


def canonical(pattern: Any) -> Any:
    """A pattern as a boolean `csr_array`: sorted, nothing twice, every stored entry True.

    An entry that is stored counts, whatever its value: a zero today may not be one tomorrow.

    Raises
    ------
    InputError
        If it is neither a SciPy sparse array or matrix nor a boolean NumPy array, or is a damaged one.
    ShapeError
        If it has not two axes.
    """
    sparse = scipy_sparse()
    if isinstance(pattern, np.ndarray):
        if pattern.dtype != bool:
            raise InputError(
                f"A dense pattern must have dtype bool, got {pattern.dtype}; write A != 0 for the "
                "pattern of the numbers at hand.",
                got=pattern.dtype,
            )
    elif not sparse.issparse(pattern):
        raise InputError(
            f"A pattern must be a scipy.sparse array or a boolean NumPy array, got "
            f"{type(pattern).__name__}.",
            got=type(pattern),
        )
    if pattern.ndim != 2:
        raise ShapeError(
            f"A pattern must have two axes, got shape {pattern.shape}.",
            got=pattern.shape,
            expected="(m, n)",
        )
    check_indices(pattern)
    rows = sparse.csr_array(pattern)
    indptr = rows.indptr.astype(np.int64)
    indices = rows.indices.astype(np.int32)  # astype copies: the caller's arrays stay as they are
    if max(sum(rows.shape), 2 * len(indices)) > _LIMIT:
        raise ShapeError(
            f"Patterns are limited to 2**30 entries, got {len(indices)} of shape {rows.shape}.",
            got=rows.shape,
        )
    return boolean(indices, indptr, rows.shape)


def boolean(indices: Any, indptr: Any, shape: tuple[int, int]) -> Any:
    """The `csr_array` of bools with these entries, which are put in order, in place."""
    data = np.ones(len(indices), bool)
    found = scipy_sparse().csr_array((data, indices, indptr), shape=shape)
    found.sum_duplicates()
    found.data[:] = True
    return found


@dataclass(frozen=True, eq=False)
class Pattern:
    """A canonical pattern and its graphs, made when they are asked for.

    Attributes
    ----------
    csr : scipy.sparse.csr_array of bool
    """

    csr: Any

    @staticmethod
    def of(pattern: Any) -> Pattern:
        """Checked and made canonical, unless it is one already."""
        return pattern if isinstance(pattern, Pattern) else Pattern(canonical(pattern))

    @cached_property
    def bipartite(self) -> Bipartite:
        """Rows and columns as vertices."""
        return Bipartite.of(self.csr)

    @cached_property
    def symmetric(self) -> Adjacency:
        """The vertices of a symmetric matrix; raises if it is none."""
        return Adjacency.symmetric(self.csr, self.bipartite)

    @cached_property
    def augmented(self) -> Adjacency:
        """Columns and rows as vertices of one graph."""
        return Adjacency.augmented(self.bipartite)


@dataclass(frozen=True, eq=False)
class Bipartite:
    """Rows and columns as vertices, entries as edges.

    Attributes
    ----------
    pointers, indices : arrays
        From rows to columns.
    back_pointers, back_indices : arrays
        From columns to rows.
    positions : array of int32
        Where each of `back_indices` stands in `indices`.
    """

    pointers: Int64s
    indices: Int32s
    back_pointers: Int64s
    back_indices: Int32s
    positions: Int32s

    @staticmethod
    def of(pattern: Any) -> Bipartite:
        """The graph of a canonical pattern."""
        positions = np.arange(len(pattern.indices), dtype=np.int32)
        numbered = type(pattern)((positions, pattern.indices, pattern.indptr), shape=pattern.shape)
        columns = numbered.tocsc()
        return Bipartite(
            pattern.indptr.astype(np.int64, copy=False),
            pattern.indices.astype(np.int32, copy=False),
            columns.indptr.astype(np.int64, copy=False),
            columns.indices.astype(np.int32, copy=False),
            columns.data,
        )

    @property
    def m(self) -> int:
        """How many rows."""
        return len(self.pointers) - 1

    @property
    def n(self) -> int:
        """How many columns."""
        return len(self.back_pointers) - 1

    def turned(self) -> tuple[Int64s, Int32s, Int64s, Int32s]:
        """The graph from columns to rows and back."""
        return self.back_pointers, self.back_indices, self.pointers, self.indices

    def straight(self) -> tuple[Int64s, Int32s, Int64s, Int32s]:
        """The graph from rows to columns and back."""
        return self.pointers, self.indices, self.back_pointers, self.back_indices


@dataclass(frozen=True, eq=False)
class Adjacency:
    """Vertices of one kind; edges numbered from 0, each standing at both its ends.

    Attributes
    ----------
    pointers, indices, edges : arrays
        The neighbors of each vertex, with the numbers of the edges to them.
    num_edges : int
        Loops included.
    """

    pointers: Int64s
    indices: Int32s
    edges: Int32s
    num_edges: int

    @staticmethod
    def symmetric(pattern: Any, both: Bipartite) -> Adjacency:
        """The graph of a symmetric pattern, a diagonal entry being a loop.

        Raises
        ------
        ShapeError
            If the pattern is not square.
        InputError
            If it is not symmetric: half of a Hessian's entries would be taken from elsewhere.
        """
        m, n = pattern.shape
        if m != n:
            raise ShapeError(
                f"structure='symmetric' needs a square pattern, got shape {(m, n)}; write "
                "structure='nonsymmetric'.",
                got=(m, n),
                expected="(n, n)",
            )
        same = np.array_equal(both.pointers, both.back_pointers)
        if not (same and np.array_equal(both.indices, both.back_indices)):
            stray = pattern.astype(np.int8) - pattern.T.astype(np.int8)
            i, j = (int(k[0]) for k in (stray > 0).nonzero())
            raise InputError(
                f"structure='symmetric' needs a symmetric pattern, but entry ({i}, {j}) has no "
                f"counterpart ({j}, {i}); write pattern + pattern.T, or structure='nonsymmetric'.",
                entry=(i, j),
            )
        rows = np.repeat(np.arange(n, dtype=np.int32), np.diff(both.pointers))
        above, on = both.indices > rows, both.indices == rows
        # Loops are numbered last, so that the graph without them keeps its numbers.
        strict = np.cumsum(above, dtype=np.int32) - 1
        edges = np.where(above, strict, strict[both.positions])
        off = int(np.count_nonzero(above))
        edges[on] = off + np.arange(np.count_nonzero(on), dtype=np.int32)
        count = off + int(np.count_nonzero(on))
        return Adjacency(both.pointers, both.indices, edges.astype(np.int32), count)

    @staticmethod
    def augmented(both: Bipartite) -> Adjacency:
        """Columns, then rows, as the vertices of one graph; edges are numbered as in the pattern.

        Its adjacency matrix is [[0, A^T], [A, 0]] (Montoison, Dalle, Gebremedhin 2025, section 3).
        """
        nnz = len(both.indices)
        return Adjacency(
            np.concatenate([both.back_pointers, nnz + both.pointers[1:]]),
            np.concatenate([both.back_indices + np.int32(both.n), both.indices]),
            np.concatenate([both.positions, np.arange(nnz, dtype=np.int32)]),
            nnz,
        )

    @property
    def arrays(self) -> Edges:
        """Pointers, indices and edges, for the kernels."""
        return self.pointers, self.indices, self.edges

    @cached_property
    def loopless(self) -> Adjacency:
        """The same graph without its loops."""
        rows = np.repeat(np.arange(self.n, dtype=np.int32), np.diff(self.pointers))
        keep = self.indices != rows
        pointers = np.concatenate([[0], np.cumsum(keep)])[self.pointers]
        count = int(np.count_nonzero(keep)) // 2
        return Adjacency(pointers, self.indices[keep], self.edges[keep], count)

    @property
    def n(self) -> int:
        """How many vertices."""
        return len(self.pointers) - 1
