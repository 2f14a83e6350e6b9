"""Numbers of colors against what is proved or published about them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from diffinterface.sparse.coloring import GreedyColoring, OptimalColoring, color

from . import patterns
from .helpers import BOTH, COLUMN, ORDERS, ROW, SYMMETRIC

orders = pytest.mark.parametrize("order", ORDERS)
ACYCLIC = OptimalColoring("substitution")


def distance2_degrees(A: Any) -> Any:
    """How many other columns meet each column in some row."""
    A = A.toarray().astype(int)
    return ((A.T @ A) > 0).sum(0) - 1


@orders
@pytest.mark.parametrize("seed", range(5))
def test_bounds_of_partial_distance_2_coloring(order: Any, seed: int) -> None:
    """A row's columns all differ; first fit needs one more than the neighbors at most."""
    pattern = patterns.random_pattern(40, 50, 0.08, seed)
    columns = color(pattern, COLUMN, GreedyColoring(order)).num_colors
    assert pattern.sum(1).max() <= columns <= distance2_degrees(pattern).max() + 1
    rows = color(pattern, ROW, GreedyColoring(order)).num_colors
    assert pattern.sum(0).max() <= rows <= distance2_degrees(pattern.T).max() + 1


@orders
@pytest.mark.parametrize("seed", range(5))
def test_bounds_of_symmetric_coloring(order: Any, seed: int) -> None:
    """Proper <= acyclic <= star <= distance 2: first fit stays below Delta^2 + 1 for both.

    Each path that forbids a color to a vertex begins with a path of length two from it, and of those
    there are Delta^2 at most (Gebremedhin et al. 2007).
    """
    pattern = patterns.random_symmetric(40, 0.08, seed)
    degree = int(pattern.sum(1).max()) - 1
    for decompression in ("direct", "substitution"):
        algorithm = GreedyColoring(order, decompression=decompression)
        count = color(pattern, SYMMETRIC, algorithm).num_colors
        edges = (pattern.nnz + 40) / 2
        assert edges / 40 <= count <= degree**2 + 1


@pytest.mark.parametrize(("lower", "upper"), [(0, 0), (1, 0), (1, 1), (2, 1), (3, 5)])
def test_banded_matrices_need_their_width(lower: int, upper: int) -> None:
    """Curtis, Powell, Reid (1974): columns that are the width apart share a color."""
    pattern = patterns.banded(50, lower, upper)
    for problem in (COLUMN, ROW):
        for order in ("natural", "smallest_last", "incidence_degree", "saturation"):
            found = color(pattern, problem, GreedyColoring(order)).num_colors
            assert found == lower + upper + 1


@pytest.mark.parametrize("half", [1, 2, 5, 10])
def test_symmetric_banded_matrices(half: int) -> None:
    """With b off-diagonals on each side 2 b + 1 colors directly, and b + 1 by substitution.

    Coleman and More (1984), Coleman and Cai (1986); Gebremedhin et al. (2009), section 5.
    """
    pattern = patterns.banded(500, half, half)
    natural = GreedyColoring("natural")
    assert color(pattern, SYMMETRIC, natural).num_colors == 2 * half + 1
    natural = GreedyColoring("natural", decompression="substitution")
    assert color(pattern, SYMMETRIC, natural).num_colors == half + 1


@orders
def test_full_blocks(order: Any) -> None:
    """Disjoint cliques: as many colors as a block has columns, and no way around it."""
    pattern = patterns.block_diagonal(6, 4)
    for problem in (COLUMN, ROW, BOTH, SYMMETRIC):
        assert color(pattern, problem, GreedyColoring(order)).num_colors == 4


def test_block_banded_least_squares() -> None:
    """Each residual sees two groups of three unknowns; the columns repeat after two groups."""
    pattern = patterns.block_banded(20, 5, 3, 2)
    assert pattern.shape == (100, 63)
    assert color(pattern, COLUMN, GreedyColoring("natural")).num_colors == 6


@orders
def test_arrow(order: Any) -> None:
    """n colors one way, three both ways, which is the least: 3 n - 2 entries, n to a product."""
    for n in (5, 50, 500):
        pattern = patterns.arrow(n)
        assert color(pattern, COLUMN, GreedyColoring(order)).num_colors == n
        assert color(pattern, BOTH, GreedyColoring(order)).num_colors == 3
    assert color(pattern, SYMMETRIC, GreedyColoring("largest_first")).num_colors == 2


@pytest.mark.parametrize("seed", range(5))
def test_trees_need_two_colors_by_substitution(seed: int) -> None:
    """A tree has no cycle; in these orders each vertex has one neighbor at most before it."""
    pattern = patterns.tree(300, seed)
    for order in ("natural", "smallest_last"):
        algorithm = GreedyColoring(order, decompression="substitution")
        assert color(pattern, SYMMETRIC, algorithm).num_colors == 2


@pytest.mark.parametrize("n", [5, 12, 30])
def test_stencils(n: int) -> None:
    """Points on a grid by their stencil: the natural order finds the tiling of the square ones."""
    nine = patterns.nine_point(n)
    assert color(nine, COLUMN, GreedyColoring("natural")).num_colors == 9
    five = patterns.five_point(n)
    assert 5 <= color(five, COLUMN, GreedyColoring(ORDERS)).num_colors <= 7
    torus = patterns.five_point(5 * (n // 5), periodic=True)
    # Five colors along x + 2 y mod 5 fit a torus whose sides are multiples of five.
    assert color(torus, COLUMN, GreedyColoring("saturation")).num_colors == 5


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("interleaved", [False, True])
@pytest.mark.parametrize("n", [8, 100, 1000])
def test_brusselator_in_a_line(n: int, interleaved: bool, periodic: bool) -> None:
    """Four entries a row, and four colors; largest first takes six where all u precede all v."""
    pattern = patterns.brusselator_1d(n, interleaved=interleaved, periodic=periodic)
    for order in ("smallest_last", "saturation"):
        assert color(pattern, COLUMN, GreedyColoring(order)).num_colors == 4


@pytest.mark.parametrize("n", [6, 12, 30, 60])
def test_brusselator_in_the_plane(n: int) -> None:
    """Six entries a row need six products: x + 2 y mod 6 for u and three more for v are six colors.

    No coloring of rows and columns together can do with fewer either: 2 n^2 numbers to a product.
    """
    pattern = patterns.brusselator(n, periodic=False)
    algorithm = GreedyColoring("saturation")
    for problem in (COLUMN, BOTH):
        result = color(pattern, problem, algorithm)
        assert result.num_colors == 6 == -(-pattern.nnz // pattern.shape[0])
    for problem in (COLUMN, ROW, BOTH):
        pattern = patterns.brusselator(n)
        assert color(pattern, problem, GreedyColoring(ORDERS)).num_colors >= 6
    if n <= 12:
        assert color(pattern, COLUMN, algorithm).num_colors == 6


def test_optimal_stencils() -> None:
    """Star and acyclic chromatic numbers of grids, cycles and paths.

    Grids: 5 and 3 (Fertin, Raspaud, Reed 2004; Fertin, Godard, Raspaud 2003). Paths on four vertices
    and more: 3 and 2. Cycles: 3 but for the star coloring of five vertices, which takes 4; and 3.
    """
    grid = patterns.five_point(4)
    assert color(grid, COLUMN, OptimalColoring()).num_colors == 5
    assert color(grid, SYMMETRIC, OptimalColoring()).num_colors == 5
    assert color(grid, SYMMETRIC, ACYCLIC).num_colors == 3
    for n in range(4, 10):
        path = patterns.banded(n, 1, 1)
        assert color(path, SYMMETRIC, OptimalColoring()).num_colors == 3
        assert color(path, SYMMETRIC, ACYCLIC).num_colors == 2
        cycle = patterns.grid((n,), [(0,), (1,), (-1,)], periodic=True)
        assert color(cycle, SYMMETRIC, OptimalColoring()).num_colors == (4 if n == 5 else 3)
        assert color(cycle, SYMMETRIC, ACYCLIC).num_colors == 3


@pytest.mark.parametrize("n", [3, 6])
def test_the_optimum_of_a_full_matrix(n: int) -> None:
    full = np.ones((n, n), bool)
    for problem in (COLUMN, ROW, SYMMETRIC):
        assert color(full, problem, OptimalColoring()).num_colors == n
