"""Sparsity patterns whose colorings are known from theory, shared by the sparse tests.

Each is a boolean `scipy.sparse.csr_array`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

sparse = pytest.importorskip("scipy.sparse")


def pattern(rows: Any, columns: Any, shape: tuple[int, int]) -> Any:
    """The pattern with these entries; repeated entries count once."""
    rows, columns = np.ravel(rows), np.ravel(columns)
    found = sparse.csr_array((np.ones(rows.size, bool), (rows, columns)), shape=shape)
    found.sum_duplicates()
    return found


def _without_zeros(A: Any) -> Any:
    found = sparse.csr_array(A, dtype=bool)  # kron stores the zeros of small blocks
    found.eliminate_zeros()
    return found


def banded(n: int, lower: int, upper: int, m: int | None = None) -> Any:
    """Entries (i, j) with -lower <= j - i <= upper of an m x n matrix (m = n if not given)."""
    m = n if m is None else m
    i, offset = np.meshgrid(np.arange(m), np.arange(-lower, upper + 1), indexing="ij")
    j = i + offset
    inside = (j >= 0) & (j < n)
    return pattern(i[inside], j[inside], (m, n))


def arrow(n: int) -> Any:
    """A full first row, a full first column, and the diagonal."""
    i = np.arange(n)
    zero = np.zeros(n, int)
    return pattern(np.r_[i, zero, i], np.r_[i, i, zero], (n, n))


def block_diagonal(blocks: int, size: int) -> Any:
    """Square full blocks on the diagonal."""
    eye = sparse.eye_array(blocks, dtype=bool)
    return _without_zeros(sparse.kron(eye, np.ones((size, size), bool)))


def block_banded(blocks: int, rows: int, columns: int, width: int) -> Any:
    """Full blocks of rows x columns; block row k meets the block columns k to k + width - 1.

    The Jacobian of a least-squares problem whose k-th group of residuals sees `width` consecutive
    groups of unknowns.
    """
    band = banded(blocks + width - 1, 0, width - 1, m=blocks)
    return _without_zeros(sparse.kron(band, np.ones((rows, columns), bool)))


def grid(shape: tuple[int, ...], offsets: Any, *, periodic: bool) -> Any:
    """The stencil `offsets` on a regular grid; cells numbered in C order."""
    cells = np.indices(shape).reshape(len(shape), -1)
    size = cells.shape[1]
    rows, columns = [], []
    for offset in offsets:
        other = cells + np.reshape(offset, (-1, 1))
        bounds = np.reshape(shape, (-1, 1))
        inside = np.ones(size, bool) if periodic else ((other >= 0) & (other < bounds)).all(0)
        rows.append(np.flatnonzero(inside))
        columns.append(np.ravel_multi_index(other[:, inside] % bounds, shape))
    return pattern(np.concatenate(rows), np.concatenate(columns), (size, size))


FIVE_POINT = [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)]
NINE_POINT = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
SEVEN_POINT = [(0, 0, 0), *np.eye(3, dtype=int).tolist(), *(-np.eye(3, dtype=int)).tolist()]


def five_point(n: int, *, periodic: bool = False) -> Any:
    """The 5-point Laplacian on n x n cells."""
    return grid((n, n), FIVE_POINT, periodic=periodic)


def nine_point(n: int, *, periodic: bool = False) -> Any:
    """The 9-point stencil on n x n cells: bilinear finite elements."""
    return grid((n, n), NINE_POINT, periodic=periodic)


def seven_point(n: int, *, periodic: bool = False) -> Any:
    """The 7-point Laplacian on n x n x n cells."""
    return grid((n, n, n), SEVEN_POINT, periodic=periodic)


def brusselator(n: int, *, interleaved: bool = False, periodic: bool = True) -> Any:
    """The 2-D Brusselator on n x n cells: 2 n^2 unknowns, six entries a row (n >= 3) if periodic.

    u_t = 1 + u^2 v - 4.4 u + a Lap(u), v_t = 3.4 u - u^2 v + a Lap(v). All u come before all v, or
    both stand side by side in each cell.
    """
    stencil = five_point(n, periodic=periodic)
    both, swap = np.eye(2, dtype=bool), ~np.eye(2, dtype=bool)
    one = sparse.eye_array(n * n, dtype=bool)
    if interleaved:
        total = sparse.kron(stencil, both) + sparse.kron(one, swap)
    else:
        total = sparse.kron(both, stencil) + sparse.kron(swap, one)
    return _without_zeros(total)


def tree(n: int, seed: int) -> Any:
    """The adjacency matrix of a random tree on n vertices, with a full diagonal."""
    rng = np.random.default_rng(seed)
    child = np.arange(1, n)
    parent = (rng.random(n - 1) * child).astype(int)
    i = np.arange(n)
    return pattern(np.r_[i, child, parent], np.r_[i, parent, child], (n, n))


def random_pattern(m: int, n: int, density: float, seed: int) -> Any:
    """Independent entries."""
    return sparse.csr_array(np.random.default_rng(seed).random((m, n)) < density)


def random_symmetric(n: int, density: float, seed: int, *, diagonal: bool = True) -> Any:
    """Independent edges, with all or none of the diagonal."""
    upper = np.triu(np.random.default_rng(seed).random((n, n)) < density, 1)
    return sparse.csr_array(upper | upper.T | (np.eye(n, dtype=bool) & diagonal))


def brusselator_1d(n: int, *, interleaved: bool = False, periodic: bool = False) -> Any:
    """The 1-D Brusselator on n cells: 2 n unknowns, four entries a row at most."""
    stencil = grid((n,), [(0,), (1,), (-1,)], periodic=periodic)
    both, swap = np.eye(2, dtype=bool), ~np.eye(2, dtype=bool)
    one = sparse.eye_array(n, dtype=bool)
    if interleaved:
        total = sparse.kron(stencil, both) + sparse.kron(one, swap)
    else:
        total = sparse.kron(both, stencil) + sparse.kron(swap, one)
    return _without_zeros(total)
