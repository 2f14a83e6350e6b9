"""Does the pattern hold? One more product, in a direction without symmetry, tells.

An entry outside the pattern would be added to others of its color, without a word.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.facts import Array
from ..arrays.framework import finished
from ..arrays.seeds import direction
from ..arrays.sparse_matrix import csr
from ..errors import DiffInterfaceError
from .plan import SparsePlan
from .products import Products


class PatternError(DiffInterfaceError, ValueError):
    """A derivative has entries outside its pattern; `rows` are some of those (columns, of pullbacks)."""


def probe(plan: SparsePlan, side: Products) -> Any:
    """The direction to compare along: a NumPy vector over the columns, or rows, that are seeded."""
    return direction((plan.layout.shape[0 if side.adjoint else 1],))


def verify(
    plan: SparsePlan, side: Products, parts: list[Array], product: Array, exact: bool
) -> None:
    """Compare the matrix with the derivative, along one direction.

    Parameters
    ----------
    side : Products
        The first products, of columns or of rows.
    parts : list of array
        All products.
    product : array
        The product with `probe`.
    exact : bool
        Whether these are exact to rounding. Others are compared to a hundredth.

    Raises
    ------
    PatternError
        If they differ by more than that.
    """
    along, product = probe(plan, side), finished(product)
    flat = np.concatenate([finished(part).reshape(-1) for part in parts])
    matrix = csr(plan.coloring.recovery.values(flat), plan.layout)
    matrix = matrix.T if side.adjoint else matrix
    error = 100 * np.sqrt(np.finfo(product.dtype).eps) if exact else 1e-2
    with np.errstate(all="ignore"):
        scale = abs(matrix) @ np.abs(along) + np.abs(product)
        largest = np.max(scale, initial=0.0, where=np.isfinite(scale))
        defect = np.abs(matrix @ along - product)
        wrong = defect > error * np.maximum(scale, 1e-3 * largest)  # not where anything is NaN
    if wrong.any():
        rows = np.flatnonzero(wrong)
        lines = ", ".join(map(str, rows[:5])) + (", ..." if len(rows) > 5 else "")
        raise PatternError(
            f"The {plan.operator} has entries outside its pattern, in "
            f"{'columns' if side.adjoint else 'rows'} {lines}: the products would mix them into others. "
            "Give a pattern that covers them (KnownPattern), or another detector.",
            rows=rows,
        )
