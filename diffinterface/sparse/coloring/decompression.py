"""From the products with a colored matrix back to its entries."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .typing import Array, Int32s, Int64s

_COMPILED = "fdFD"  # the dtypes that numba's loop is for; NumPy takes the others level by level


@dataclass(frozen=True, eq=False)
class Direct:
    """Every entry stands in a product as it is.

    Attributes
    ----------
    indices : array of int64, shape (nnz,)
        ``data = products[indices]``, for the products one after another in one vector and the
        entries in the order of the pattern's CSR data.
    """

    indices: Int64s

    def values(self, products: Array) -> Array:
        """The entries, from all products in one vector."""
        return products[self.indices]


@dataclass(frozen=True, eq=False)
class Substitution:
    """Some entries are what is left of a sum when entries found before are taken away.

    Unknown k is ``products[gather[k]]`` less the unknowns ``minus[minus_pointers[k]:minus_pointers[k
    + 1]]``, all of them earlier.

    Attributes
    ----------
    gather : array of int64, shape (unknowns,)
    minus_pointers, minus : arrays
    levels : array of int64
        The unknowns ``levels[i]:levels[i + 1]`` need those before ``levels[i]`` only, so that they
        can be found at once.
    entries : array of int64, shape (nnz,)
        ``data = unknowns[entries]``.
    """

    gather: Int64s
    minus_pointers: Int64s
    minus: Int32s
    levels: Int64s
    entries: Int64s

    def values(self, products: Array) -> Array:
        """The entries, from all products in one vector."""
        sums = products[self.gather]
        if products.dtype.char in _COMPILED:
            from .kernels.peel import substitute

            substitute(self.minus_pointers, self.minus, sums)
        else:
            owner = np.repeat(np.arange(len(sums)), np.diff(self.minus_pointers))
            for begin, end in pairwise(self.minus_pointers[self.levels].tolist()):
                taken = sums[self.minus[begin:end]]
                np.subtract.at(sums, owner[begin:end], taken)
        return sums[self.entries]


Recovery = Direct | Substitution
