"""A sparse matrix whose entries are an array of any framework, traced ones too."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from ..errors import NestedDifferentiationError
from .facts import Array
from .framework import framework_of
from .namespace import array_namespace
from .trees import register


@final
class Layout:
    """Where the entries of a matrix in compressed rows stand.

    Attributes
    ----------
    indptr, indices : numpy.ndarray of int
        Row k has its columns at ``indices[indptr[k]:indptr[k + 1]]``, in ascending order.
    shape : tuple of int
        Numbers of rows and columns.
    """

    __slots__ = ("_kept", "indices", "indptr", "shape")

    def __init__(self, indptr: Any, indices: Any, shape: tuple[int, int]) -> None:
        self._kept: dict[str, Any] = {}
        self.indptr, self.indices = np.array(indptr), np.array(indices)
        self.shape = (int(shape[0]), int(shape[1]))
        self.indptr.flags.writeable = self.indices.flags.writeable = False

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Layout)
            and self.shape == other.shape
            and np.array_equal(self.indptr, other.indptr)
            and np.array_equal(self.indices, other.indices)
        )

    def __hash__(self) -> int:
        return hash((self.shape, len(self.indices)))

    def __repr__(self) -> str:
        return f"Layout({self.shape[0]} x {self.shape[1]}, {len(self.indices)} entries)"

    def kept(self, name: str, make: Callable[[], Any]) -> Any:
        """What `make` gives, made once: such as a framework's own, immutable, copy of the indices."""
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]

    @property
    def rows(self) -> Any:
        """The row of each entry."""
        return np.repeat(np.arange(self.shape[0]), np.diff(self.indptr))


@final
@dataclass(frozen=True, eq=False)
class SparseMatrix:
    """A matrix in compressed rows over arrays of any framework.

    It is a tree: its entries are its one leaf, so an outer engine differentiates through it.

    Parameters
    ----------
    data : array
        The entries, shape ``(entries,)``, row by row.
    layout : Layout
        Where they stand.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> f = lambda x: x[1:] - x[:-1] ** 2
    >>> backend = di.AutoSparse(di.AutoForwardDiff(), output="data")
    >>> A = di.jacobian(f, backend, np.array([1.0, 2.0, 3.0]))
    >>> A.data
    array([-2.,  1., -4.,  1.])
    >>> A.toarray()
    array([[-2.,  1.,  0.],
           [ 0., -4.,  1.]])
    """

    data: Array
    layout: Layout

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return self.layout.shape

    def over(self, function: Callable[[Array], Array]) -> SparseMatrix:
        """The matrix whose entries are ``function(data)``."""
        return SparseMatrix(function(self.data), self.layout)

    def toarray(self) -> Array:
        """The dense matrix, in the framework of the entries."""
        m, n = self.shape
        xp = array_namespace(self.data)
        # Gathering is differentiable everywhere, scattering is not: entry 0 stands for all the zeros.
        where = np.zeros(m * n, dtype=np.int64)
        where[self.layout.rows * n + self.layout.indices] = np.arange(
            1, len(self.layout.indices) + 1
        )
        device = getattr(self.data, "device", None)  # a tracer has none
        zero = xp.zeros((1,), dtype=self.data.dtype, device=device)
        padded = xp.concat([zero, self.data])
        return xp.reshape(xp.take(padded, xp.asarray(where, device=device), axis=0), (m, n))

    def to_scipy(self) -> Any:
        """The same as a ``scipy.sparse.csr_array``, which owns all its arrays.

        Raises
        ------
        NestedDifferentiationError
            If the entries are being recorded by an outer engine, whose derivative would end there.
        """
        framework: Any = framework_of(self.data)
        if framework.is_traced(self.data):
            raise NestedDifferentiationError(
                f"A scipy.sparse.csr_array cannot hold what {framework.name} is recording; compute with "
                "`data`, an array of that framework, or with toarray().",
                outer=framework.name,
            )
        return csr(framework.to_numpy(self.data), self.layout)


def csr(data: Any, layout: Layout) -> Any:
    """A ``scipy.sparse.csr_array`` of entries that it may keep, and copies of the layout's indices."""

    def empty() -> Any:
        from scipy.sparse import csr_array

        matrix = csr_array(layout.shape)
        # SciPy's own width, which its solvers would otherwise convert to at each call.
        most = max(*layout.shape, len(layout.indices))
        width = np.int32 if most <= np.iinfo(np.int32).max else np.int64
        matrix.indices, matrix.indptr = layout.indices.astype(width), layout.indptr.astype(width)
        matrix.has_canonical_format = True
        return matrix

    # Not by the constructor: a layout was checked once, and SciPy would look at each entry again.
    matrix = copy.copy(layout.kept("scipy", empty))
    matrix.data, matrix.indices, matrix.indptr = data, matrix.indices.copy(), matrix.indptr.copy()
    return matrix


register(
    SparseMatrix,
    lambda matrix: ((matrix.data,), matrix.layout),
    lambda layout, leaves: SparseMatrix(leaves[0], layout),
)
