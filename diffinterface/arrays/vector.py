"""A tree's entries as one NumPy vector, both ways."""

from __future__ import annotations

from typing import Any

import numpy as np

from .facts import dtype_name, is_complex, shape_of, size_of
from .framework import NUMPY, Framework, framework_of
from .trees import Leaves, Structure, flatten


class Vector:
    """A tree's entries as one NumPy vector, both ways.

    Attributes
    ----------
    is_complex : numpy.ndarray of bool
        Which entries belong to a complex leaf.
    """

    def __init__(self, tree: Any) -> None:
        self._leaves: Leaves
        self._structure: Structure
        self._leaves, self._structure = flatten(tree)
        self.size = sum(map(size_of, self._leaves))
        self.is_complex = np.repeat(
            [is_complex(leaf) for leaf in self._leaves], [size_of(leaf) for leaf in self._leaves]
        )
        self.dtype = np.result_type(*(np.dtype(dtype_name(leaf)) for leaf in self._leaves))

    def fitting(self, vector: Any) -> tuple[Any, Any]:
        """A vector's part that the leaves can hold, and the imaginary rest (None if there is none)."""
        vector = np.ravel(vector)  # SciPy may pass a column
        if not np.iscomplexobj(vector) or self.is_complex.all():
            return vector, None
        rest = np.where(self.is_complex, 0, np.imag(vector))
        return np.where(self.is_complex, vector, np.real(vector)), rest

    def tree(self, vector: Any) -> Any:
        leaves, start = [], 0
        for leaf in self._leaves:
            piece = np.reshape(vector[start : start + size_of(leaf)], shape_of(leaf))
            framework = self._framework(leaf)
            piece = (piece if is_complex(leaf) else np.real(piece)).astype(dtype_name(leaf))
            leaves.append(piece if framework is NUMPY else framework.from_numpy(piece, leaf))
            start += size_of(leaf)
        return self._structure.unflatten(leaves)

    def ravel(self, tree: Any) -> Any:
        leaves, _ = flatten(tree)
        return np.concatenate([np.ravel(self._framework(leaf).to_numpy(leaf)) for leaf in leaves])

    @staticmethod
    def _framework(leaf: Any) -> Framework:
        return framework_of(leaf) or NUMPY
