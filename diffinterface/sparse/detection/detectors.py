"""Detectors: who says which entries of a Jacobian or Hessian may be other than zero."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from diffinterface.arrays.facts import shape_of, size_of
from diffinterface.arrays.trees import flatten
from diffinterface.errors import InputError, NonScalarOutputError, ShapeError

from ..coloring.graphs import boolean, check_indices, scipy_sparse
from .trace import full

Pattern = Any  # scipy.sparse.csr_array of bool


class Detector(ABC):
    """Finds the sparsity pattern of a derivative before it is computed.

    A pattern covers every entry that is other than zero, at every x unless the detector says otherwise.
    Rows and columns count the entries of all leaves of f(x) and of x in order, each raveled.
    """

    @abstractmethod
    def jacobian_pattern(self, f: Callable[..., Any], x: Any, *contexts: Any) -> Pattern:
        """The pattern of the Jacobian of f.

        Parameters
        ----------
        f : callable
            ``f(x, *contexts)``, giving an array or a tree of them.
        x : tree of array
            An example of the point; m outputs and n inputs are its and f's sizes.
        *contexts : tree of array
            Further arguments of f, which nothing is differentiated with respect to.

        Returns
        -------
        scipy.sparse.csr_array
            Of bools, ``(m, n)``, with sorted indices, every stored entry True.
        """

    @abstractmethod
    def hessian_pattern(self, f: Callable[..., Any], x: Any, *contexts: Any) -> Pattern:
        """The pattern of the Hessian of f, which returns one number.

        Parameters are those of `jacobian_pattern`.

        Returns
        -------
        scipy.sparse.csr_array
            Of bools, ``(n, n)`` and symmetric.

        Raises
        ------
        NonScalarOutputError
            If f returns anything but one number.
        """


def size(tree: Any) -> int:
    """The number of entries of all leaves."""
    return sum(size_of(leaf) for leaf in flatten(tree)[0])


def scalar(y: Any) -> Any:
    """The one number that f returned."""
    leaves = flatten(y)[0]
    if len(leaves) != 1 or shape_of(leaves[0]) != ():
        shapes = ", ".join(str(shape_of(leaf)) for leaf in leaves)
        raise NonScalarOutputError(
            f"A Hessian needs f to return one number, got shape {shapes}; reduce it.",
            got=shapes,
            expected="()",
        )
    return leaves[0]


@final
@dataclass(frozen=True)
class DenseDetector(Detector):
    """Counts every entry: for functions that no detector can read.

    Examples
    --------
    >>> import numpy as np
    >>> from diffinterface.sparse.detection import DenseDetector
    >>> DenseDetector().jacobian_pattern(lambda x: x[:2] ** 2, np.ones(3)).nnz
    6
    """

    def jacobian_pattern(self, f: Callable[..., Any], x: Any, *contexts: Any) -> Pattern:
        return full(size(f(x, *contexts)), size(x))

    def hessian_pattern(self, f: Callable[..., Any], x: Any, *contexts: Any) -> Pattern:
        return full(size(x), size(x))


@final
@dataclass(frozen=True, eq=False)
class KnownPattern(Detector):
    """A pattern that the caller knows.

    Parameters
    ----------
    pattern : sparse array or 2-d array
        Of shape ``(m, n)`` for a Jacobian, ``(n, n)`` for a Hessian. Entries that a sparse array stores
        count, even where they are zero; of a dense array those that are not zero.

    Raises
    ------
    InputError
        If it is no matrix, or has indices outside of its shape.

    Examples
    --------
    >>> import numpy as np
    >>> from diffinterface.sparse.detection import KnownPattern
    >>> KnownPattern(np.eye(3)).jacobian_pattern(np.sin, np.ones(3)).nnz
    3
    """

    pattern: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", _as_pattern(self.pattern))

    def jacobian_pattern(self, f: Callable[..., Any], x: Any, *contexts: Any) -> Pattern:
        """The pattern given; of its shape the columns are checked here, and the rows where f is run.

        Raises
        ------
        ShapeError
            If it has another number of columns than x has entries.
        """
        self._check(self.pattern.shape[1], size(x), "columns")
        return self.pattern.copy()

    def hessian_pattern(self, f: Callable[..., Any], x: Any, *contexts: Any) -> Pattern:
        """The pattern given, which must be symmetric.

        Raises
        ------
        ShapeError
            If it is not ``(n, n)``.
        InputError
            If it is not symmetric.
        """
        for axis, name in enumerate(("rows", "columns")):
            self._check(self.pattern.shape[axis], size(x), name)
        if (self.pattern != self.pattern.T).nnz:
            raise InputError("A Hessian is symmetric, and this pattern is not; give p + p.T.")
        return self.pattern.copy()

    def _check(self, got: int, expected: int, what: str) -> None:
        if got != expected:
            raise ShapeError(
                f"The known pattern has {got} {what}, expected {expected}, the entries of x.",
                got=got,
                expected=expected,
            )


def _as_pattern(pattern: Any) -> Pattern:
    if scipy_sparse().issparse(pattern) and pattern.ndim == 2:
        check_indices(pattern)
        rows = scipy_sparse().csr_array(pattern, copy=True)
        return boolean(rows.indices, rows.indptr, rows.shape)
    dense = np.asarray(pattern)
    if dense.ndim != 2 or dense.dtype.kind not in "biufc":
        raise InputError(
            f"A known pattern is a matrix, sparse or not; got {type(pattern).__qualname__} of shape "
            f"{dense.shape}.",
            got=pattern,
        )
    return scipy_sparse().csr_array(dense != 0)
