"""A colored pattern: seeds, products, and the way back to the matrix."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from ...errors import InputError, ShapeError
from .colors import count, joined
from .decompression import Direct, Recovery
from .graphs import Pattern, scipy_sparse
from .problem import ColoringProblem, Decompression
from .typing import Array, Int32s, Int64s


class ColoringResult:
    """Which columns and rows of a matrix share a product, and how its entries follow from these.

    Made by `color`. Its arrays are read-only, so threads may share it, and it pickles.

    Attributes
    ----------
    pattern : scipy.sparse.csr_array of bool, shape (m, n)
        Sorted, without duplicates; every result of `decompress` has its structure.
    problem : ColoringProblem
    decompression : {"direct", "substitution"}
    column_colors : array of int32, shape (n,), or None
        From 0 on; -1 is neutral: no product needs that column. None if there are no such products.
    row_colors : array of int32, shape (m,), or None
    recovery : Direct or Substitution
        The arrays by which entries are found, for arrays of other frameworks.

    Examples
    --------
    >>> import numpy as np
    >>> from diffinterface.sparse.coloring import ColoringProblem, GreedyColoring, color
    >>> pattern = np.array([[1, 1, 0], [0, 1, 1], [0, 0, 1]], bool)
    >>> result = color(pattern, ColoringProblem(), GreedyColoring("natural"))
    >>> result.colors
    array([0, 1, 0], dtype=int32)
    >>> products = result.compress(np.array([[1.0, 2, 0], [0, 3, 4], [0, 0, 5]]))
    >>> products
    array([[1., 4., 5.],
           [2., 3., 0.]])
    >>> result.decompress(products).toarray()
    array([[1., 2., 0.],
           [0., 3., 4.],
           [0., 0., 5.]])
    """

    def __init__(
        self,
        pattern: Any,
        problem: ColoringProblem,
        decompression: Decompression,
        column_colors: Int32s | None,
        row_colors: Int32s | None,
    ) -> None:
        from .recovery import recovery  # compiles: only where it is needed

        problem.check_decompression(decompression)
        known = Pattern.of(pattern)
        self.pattern = known.csr
        self.problem = problem
        self.decompression = decompression
        m, n = self.pattern.shape
        self.column_colors = _fitting("column", column_colors, n, problem)
        self.row_colors = _fitting("row", row_colors, m, problem)
        self.recovery: Recovery = recovery(
            known, problem, decompression, self.column_colors, self.row_colors
        )
        self._freeze()

    def _freeze(self) -> None:
        pattern = self.pattern.data, self.pattern.indices, self.pattern.indptr
        colors = self.column_colors, self.row_colors
        for array in (*pattern, *colors, *vars(self.recovery).values()):
            if array is not None:
                array.setflags(write=False)

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._freeze()  # NumPy unpickles arrays as writable

    @property
    def num_column_colors(self) -> int:
        """How many products with the matrix are needed."""
        return count(self.column_colors)

    @property
    def num_row_colors(self) -> int:
        """How many products with its transpose are needed."""
        return count(self.row_colors)

    @property
    def num_colors(self) -> int:
        """How many products are needed in all."""
        return self.num_column_colors + self.num_row_colors

    @property
    def colors(self) -> Int32s:
        """The colors of the columns, or of the rows; of both, columns first, if bidirectional.

        Row colors follow on column colors then, so that each product has a number of its own.
        """
        if self.row_colors is None:
            assert self.column_colors is not None
            return self.column_colors
        if self.column_colors is None:
            return self.row_colors
        return joined(self.column_colors, self.row_colors)

    @property
    def column_groups(self) -> list[Int64s]:
        """For each column color the columns that have it, in increasing order."""
        return _groups(self.column_colors)

    @property
    def row_groups(self) -> list[Int64s]:
        """For each row color the rows that have it, in increasing order."""
        return _groups(self.row_colors)

    @property
    def groups(self) -> list[Int64s]:
        """The groups of columns, then those of rows: one for each product."""
        return self.column_groups + self.row_groups

    @property
    def indices(self) -> Int64s:
        """Where each entry stands in the products: ``data = products[indices]``.

        For the products, one after another, in one vector, and `data` in the order of the pattern.

        Raises
        ------
        InputError
            If entries follow by substitution only; `recovery` has the arrays then.
        """
        if not isinstance(self.recovery, Direct):
            raise InputError(
                "This coloring is decompressed by substitution, not by one gather; use `recovery`, "
                "or color with decompression='direct'.",
                got="substitution",
                expected="direct",
            )
        return self.recovery.indices

    def column_seeds(self, dtype: Any = np.float64, colors: slice = slice(None)) -> Array:
        """The vectors to multiply the matrix with, one a row: 1 at the columns of a color, else 0.

        Parameters
        ----------
        dtype : dtype
        colors : slice
            Which colors to make them for; all by default. Seeds of many colors are large.

        Returns
        -------
        numpy.ndarray, shape (colors, n)
        """
        return _seeds(self.column_colors, self.pattern.shape[1], dtype, colors)

    def row_seeds(self, dtype: Any = np.float64, colors: slice = slice(None)) -> Array:
        """The same for products with the transpose, of shape (colors, m)."""
        return _seeds(self.row_colors, self.pattern.shape[0], dtype, colors)

    def compress(self, A: Any) -> Any:
        """The products of a matrix that is known already, one a row.

        Parameters
        ----------
        A : array or scipy.sparse array, shape (m, n)
            With no entries outside the pattern.

        Returns
        -------
        numpy.ndarray
            Of shape (colors, m), or (colors, n) for a row coloring; a pair of both, columns first,
            for a bidirectional one.

        Raises
        ------
        ShapeError
            If A has another shape.
        InputError
            If A has an entry outside the pattern, which the products would mix into others; if the
            problem is symmetric and A is not, up to the square root of its precision (for integers:
            at all).
        """
        sparse = scipy_sparse()
        A = sparse.csr_array(A)
        if A.shape != self.pattern.shape:
            raise ShapeError(
                f"compress: the pattern has shape {self.pattern.shape}, A has {A.shape}.",
                got=A.shape,
                expected=self.pattern.shape,
            )
        if A.dtype == bool:
            A = A.astype(np.int64)  # True and True are two, not True
        nonzero = sparse.csr_array(A != 0)
        stray = nonzero.astype(np.int8) - self.pattern.astype(np.int8)
        outside = np.stack((stray > 0).nonzero())
        if outside.size:
            i, j = map(int, outside[:, 0])
            raise InputError(
                f"compress: A has an entry at ({i}, {j}), outside the pattern; color a pattern "
                "that covers it.",
                entry=(i, j),
            )
        if self.problem.structure == "symmetric":
            _require_symmetric(A)
        by_column, by_row = _summed(A.T, self.column_colors), _summed(A, self.row_colors)
        if self.problem.partition == "bidirectional":
            return by_column, by_row
        return by_row if self.column_colors is None else by_column

    def decompress(self, products: Any, out: Any = None) -> Any:
        """The matrix, from its products.

        Parameters
        ----------
        products : array or pair of arrays
            As `compress` gives them.
        out : scipy.sparse.csr_array, optional
            To be filled; of the same structure as `pattern`.

        Returns
        -------
        scipy.sparse.csr_array, shape (m, n)
            Of the products' dtype; `out` if given. Its index arrays are copies of the pattern's.

        Raises
        ------
        ShapeError
            If the products have other shapes.
        InputError
            If `out` has another structure, or a dtype that cannot hold the products.
        """
        data = self.recovery.values(self._joined(products))
        pattern = self.pattern
        if out is None:
            parts = (data, pattern.indices.copy(), pattern.indptr.copy())
            made = scipy_sparse().csr_array(parts, shape=pattern.shape)
            made.has_canonical_format = True
            return made
        self._check_out(out, data.dtype)
        out.data[:] = data
        return out

    def _joined(self, products: Any) -> Array:
        m, n = self.pattern.shape
        shapes = [(self.num_column_colors, m), (self.num_row_colors, n)]
        if self.problem.partition == "bidirectional":
            if not (isinstance(products, tuple | list) and len(products) == 2):
                raise InputError(
                    "decompress: a bidirectional coloring has a pair of products, by columns and "
                    f"by rows; got {type(products).__name__}.",
                    got=type(products),
                )
        else:
            products = [products]
            shapes = shapes[:1] if self.row_colors is None else shapes[1:]
        parts = [np.asarray(part) for part in products]
        for part, shape in zip(parts, shapes, strict=True):
            if part.shape != shape:
                raise ShapeError(
                    f"decompress: products of shape {part.shape}, expected {shape}: one a row for "
                    "each color.",
                    got=part.shape,
                    expected=shape,
                )
        flat = [part.reshape(-1) for part in parts]
        return flat[0] if len(flat) == 1 else np.concatenate(flat)

    def _check_out(self, out: Any, dtype: Any) -> None:
        pattern = self.pattern
        same = (
            scipy_sparse().issparse(out)
            and out.format == "csr"
            and out.shape == pattern.shape
            and np.array_equal(out.indptr, pattern.indptr)
            and np.array_equal(out.indices, pattern.indices)
        )
        if not same:
            raise InputError(
                "decompress: out must be a csr_array with the structure of the pattern; write "
                "out=result.decompress(products) once and reuse that.",
                got=type(out),
            )
        if not np.can_cast(dtype, out.dtype, "same_kind"):
            raise InputError(
                f"decompress: out has dtype {out.dtype}, which cannot hold products of {dtype}.",
                got=out.dtype,
                expected=dtype,
            )

    def to_arrays(self) -> dict[str, Array]:
        """All that makes this result, as arrays for ``np.savez``; `from_arrays` reads them."""
        arrays = {
            "shape": np.array(self.pattern.shape, np.int64),
            "indptr": self.pattern.indptr,
            "indices": self.pattern.indices,
            "structure": np.array(self.problem.structure),
            "partition": np.array(self.problem.partition),
            "decompression": np.array(self.decompression),
            "column_colors": self.column_colors,
            "row_colors": self.row_colors,
        }
        return {name: array for name, array in arrays.items() if array is not None}

    def __repr__(self) -> str:
        m, n = self.pattern.shape
        kind = self.problem.partition if self.problem.structure == "nonsymmetric" else "symmetric"
        total = f"{self.num_colors} colors"
        if kind == "bidirectional":
            total += f" ({self.num_column_colors} of columns, {self.num_row_colors} of rows)"
        return (
            f"ColoringResult({m} x {n}, {self.pattern.nnz} entries, {kind}, "
            f"{self.decompression}: {total})"
        )


def _fitting(what: str, colors: Any, size: int, problem: ColoringProblem) -> Any:
    if problem.partition not in (what, "bidirectional"):
        return None
    got = None if colors is None else np.shape(colors)
    if got != (size,):
        raise ShapeError(
            f"{what} colors have shape {got}, expected {(size,)}: one for each {what}.",
            got=got,
            expected=(size,),
        )
    return np.array(colors, np.int32)


def _require_symmetric(A: Any) -> None:
    tolerance = np.sqrt(np.finfo(A.dtype).eps) if A.dtype.kind in "fc" else 0
    gap = abs(A - A.T).tocoo()
    size = abs(A).max() if A.nnz else 0
    wrong = np.flatnonzero(gap.data > tolerance * size)
    if wrong.size:
        i, j = int(gap.row[wrong[0]]), int(gap.col[wrong[0]])
        raise InputError(
            f"compress: the problem is symmetric, but entries ({i}, {j}) and ({j}, {i}) of A are "
            f"{A[i, j]} and {A[j, i]}; color with structure='nonsymmetric'.",
            entry=(i, j),
        )


def _groups(colors: Int32s | None) -> list[Int64s]:
    if colors is None:
        return []
    order = np.argsort(colors, kind="stable")
    ends = np.searchsorted(colors[order], np.arange(count(colors) + 1))
    return [order[begin:end] for begin, end in pairwise(ends)]


def _seeds(colors: Int32s | None, size: int, dtype: Any, which: slice) -> Array:
    groups = _groups(colors)[which]
    seeds = np.zeros((len(groups), size), dtype)
    for seed, group in zip(seeds, groups, strict=True):
        seed[group] = 1
    return seeds


def _summed(A: Any, colors: Int32s | None) -> Array:
    """For each color the sum of A's rows that have it."""
    if colors is None:
        return np.zeros((0, A.shape[1]), A.dtype)
    some = np.flatnonzero(colors >= 0)
    ones = np.ones(len(some), A.dtype)
    shape = count(colors), len(colors)
    groups = scipy_sparse().csr_array((ones, (colors[some], some)), shape=shape)
    return (groups @ A).toarray()
