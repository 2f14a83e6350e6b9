"""What the coloring tests share: matrices with random entries, and the check of a result."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

from diffinterface.sparse.coloring import ColoringProblem, ColoringResult

from . import definitions

COLUMN = ColoringProblem(partition="column")
ROW = ColoringProblem(partition="row")
BOTH = ColoringProblem(partition="bidirectional")
SYMMETRIC = ColoringProblem(structure="symmetric")

ORDERS = (
    "natural",
    "random",
    "largest_first",
    "smallest_last",
    "incidence_degree",
    "dynamic_largest_first",
    "saturation",
)


def matrix(pattern: Any, seed: int = 0, *, symmetric: bool = False) -> Any:
    """A matrix with this pattern and integers that tell entries apart, so that sums are exact."""
    A = pattern.astype(float)
    A.data[:] = np.random.default_rng(seed).integers(1, 2**40, A.nnz)
    return (A + A.T).tocsr() if symmetric else A


def check(result: ColoringResult) -> None:
    """The coloring satisfies its definition, and products by dense algebra give the matrix back."""
    A = matrix(result.pattern, symmetric=result.problem.structure == "symmetric")
    dense, pattern = A.toarray(), result.pattern.toarray()
    products = []
    if result.column_colors is not None:
        products.append((dense @ indicator(result.column_colors)).T)
    if result.row_colors is not None:
        products.append((dense.T @ indicator(result.row_colors)).T)
    found = result.decompress(products[0] if len(products) == 1 else tuple(products))
    np.testing.assert_array_equal(found.toarray(), dense)
    assert _defined(result, pattern)


def indicator(colors: Any) -> Any:
    """The seed matrix, one column a color, entry by entry."""
    seeds = np.zeros((len(colors), max(colors, default=-1) + 1))
    for k, color in enumerate(colors):
        if color >= 0:
            seeds[k, color] = 1
    return seeds


def _defined(result: ColoringResult, pattern: Any) -> bool:
    columns, rows = result.column_colors, result.row_colors
    direct = result.decompression == "direct"
    if result.problem == COLUMN:
        return definitions.structurally_orthogonal(pattern, columns)
    if result.problem == ROW:
        return definitions.structurally_orthogonal(pattern.T, rows)
    if result.problem == SYMMETRIC:
        graph = definitions.graph_of(pattern)
        shades: Any = [None if color < 0 else int(color) for color in columns]
        orthogonal = definitions.symmetrically_orthogonal(pattern, columns)
    else:
        graph = definitions.bipartite_graph_of(pattern)
        shades = {("c", j): None if c < 0 else ("c", int(c)) for j, c in enumerate(columns)}
        shades |= {("r", i): None if c < 0 else ("r", int(c)) for i, c in enumerate(rows)}
        orthogonal = definitions.bidirectionally_orthogonal(pattern, columns, rows)
    linked = {v: near for v, near in graph.items() if near}  # isolated vertices are of no account
    if not definitions.neutral_apart(linked, shades):
        return False
    if direct:
        return orthogonal and definitions.star(graph, shades)
    return definitions.acyclic(graph, shades)
