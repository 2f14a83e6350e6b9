"""Every greedy coloring satisfies its definition and gives the matrix back, whatever the pattern."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from diffinterface.sparse.coloring import ConstantColoring, GreedyColoring, color, greedy
from diffinterface.sparse.coloring.graphs import Bipartite, canonical
from diffinterface.sparse.coloring.kernels.cover import color_cover

from ... import tiers
from . import patterns
from .helpers import BOTH, COLUMN, ORDERS, ROW, SYMMETRIC, check

sparse = patterns.sparse

DIRECTED = {
    "tall": patterns.random_pattern(30, 12, 0.15, 0),
    "wide": patterns.random_pattern(12, 30, 0.15, 1),
    "square": patterns.random_pattern(20, 20, 0.1, 2),
    "dense": patterns.random_pattern(7, 9, 1.1, 3),
    "empty": patterns.random_pattern(4, 5, -1.0, 4),
    "banded": patterns.banded(15, 2, 1),
    "wide band": patterns.banded(20, 1, 3, m=14),
    "arrow": patterns.arrow(12),
    "blocks": patterns.block_diagonal(4, 3),
    "block band": patterns.block_banded(5, 3, 2, 2),
    "five points": patterns.five_point(5),
    "periodic": patterns.five_point(5, periodic=True),
    "seven points": patterns.seven_point(3),
    "brusselator": patterns.brusselator(4),
    "brusselator in a line": patterns.brusselator_1d(9, interleaved=True),
}
UNDIRECTED = {
    "random": patterns.random_symmetric(20, 0.15, 0),
    "random, no diagonal": patterns.random_symmetric(20, 0.15, 1, diagonal=False),
    "dense": patterns.random_symmetric(7, 1.1, 2),
    "dense, no diagonal": patterns.random_symmetric(7, 1.1, 2, diagonal=False),
    "empty": patterns.random_symmetric(4, -1.0, 3, diagonal=False),
    "banded": patterns.banded(15, 2, 2),
    "arrow": patterns.arrow(12),
    "blocks": patterns.block_diagonal(4, 3),
    "five points": patterns.five_point(5),
    "nine points": patterns.nine_point(5),
    "brusselator": patterns.brusselator(4),
    "tree": patterns.tree(25, 0),
}
directed = pytest.mark.parametrize("pattern", DIRECTED.values(), ids=DIRECTED)
undirected = pytest.mark.parametrize("pattern", UNDIRECTED.values(), ids=UNDIRECTED)
orders = pytest.mark.parametrize("order", ORDERS)
decompressions = pytest.mark.parametrize("decompression", ["direct", "substitution"])
postprocesses = pytest.mark.parametrize("postprocess", [False, True])


@directed
@orders
def test_one_sided(pattern: Any, order: Any) -> None:
    check(color(pattern, COLUMN, GreedyColoring(order)))
    check(color(pattern, ROW, GreedyColoring(order)))


@undirected
@orders
@decompressions
@postprocesses
def test_symmetric(pattern: Any, order: Any, decompression: Any, postprocess: bool) -> None:
    check(color(pattern, SYMMETRIC, GreedyColoring(order, postprocess, decompression)))


@directed
@decompressions
@postprocesses
def test_bidirectional(pattern: Any, decompression: Any, postprocess: bool) -> None:
    for order in ("natural", "saturation"):
        check(color(pattern, BOTH, GreedyColoring(order, postprocess, decompression)))


@directed
@orders
@decompressions
@postprocesses
def test_bicolorings_that_do_not_win(
    pattern: Any, order: Any, decompression: Any, postprocess: bool
) -> None:
    """Star and acyclic bicolorings, which often have more colors than the cover or one side."""
    algorithm = GreedyColoring(order, postprocess, decompression)
    (colors,) = greedy.bicolorings(Bipartite.of(canonical(pattern)), algorithm)
    check(color(pattern, BOTH, ConstantColoring("bidirectional", colors, decompression)))


@directed
def test_cover(pattern: Any) -> None:
    both = Bipartite.of(canonical(pattern))
    columns, rows, complete = color_cover(*both.straight(), 100)
    assert complete
    result = color(pattern, BOTH, ConstantColoring("bidirectional", (columns, rows)))
    check(result)
    *_, complete = color_cover(*both.straight(), result.num_colors - 1)
    assert not complete or result.num_colors == 0


@given(
    arrays(bool, array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=9)),
    st.sampled_from(ORDERS),
    st.booleans(),
    st.integers(0, 5),
)
@settings(max_examples=tiers.examples(150), deadline=None)
def test_any_pattern(A: Any, order: Any, postprocess: bool, seed: int) -> None:
    pattern = sparse.csr_array(A)
    check(color(pattern, COLUMN, GreedyColoring(order, postprocess, seed=seed)))
    check(color(pattern, ROW, GreedyColoring(order, postprocess, seed=seed)))
    one_sided = min(
        color(pattern, problem, GreedyColoring(order, seed=seed)).num_colors
        for problem in (COLUMN, ROW)
    )
    for decompression in ("direct", "substitution"):
        algorithm = GreedyColoring(order, postprocess, decompression, seed)
        result = color(pattern, BOTH, algorithm)
        check(result)
        assert result.num_colors <= one_sided


@given(
    st.integers(0, 9).flatmap(lambda n: arrays(bool, (n, n))),
    st.sampled_from(ORDERS),
    st.booleans(),
    st.integers(0, 5),
)
@settings(max_examples=tiers.examples(150), deadline=None)
def test_any_symmetric_pattern(A: Any, order: Any, postprocess: bool, seed: int) -> None:
    pattern = sparse.csr_array(A | A.T)
    for decompression in ("direct", "substitution"):
        check(color(pattern, SYMMETRIC, GreedyColoring(order, postprocess, decompression, seed)))


@pytest.mark.parametrize("seed", range(20))
def test_larger_random_patterns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    m, n = rng.integers(20, 60, 2)
    density = float(rng.uniform(0.01, 0.2))
    order = ORDERS[seed % len(ORDERS)]
    pattern = patterns.random_pattern(int(m), int(n), density, seed)
    both = patterns.random_symmetric(int(n), density, seed, diagonal=bool(seed % 2))
    check(color(pattern, COLUMN, GreedyColoring(order)))
    check(color(pattern, ROW, GreedyColoring(order)))
    for decompression in ("direct", "substitution"):
        algorithm = GreedyColoring(order, seed % 3 == 0, decompression)
        check(color(pattern, BOTH, algorithm))
        check(color(both, SYMMETRIC, algorithm))


def test_several_orders_give_the_best() -> None:
    pattern = patterns.random_pattern(60, 60, 0.06, 1)
    for problem in (COLUMN, ROW):
        each = [color(pattern, problem, GreedyColoring(order)).num_colors for order in ORDERS]
        assert color(pattern, problem, GreedyColoring(ORDERS)).num_colors == min(each)
        assert min(each) < max(each)


def test_postprocessing_only_removes() -> None:
    for seed in range(10):
        pattern = patterns.random_symmetric(25, 0.1, seed, diagonal=False)
        for decompression in ("direct", "substitution"):
            before = color(pattern, SYMMETRIC, GreedyColoring(decompression=decompression))
            algorithm = GreedyColoring(postprocess=True, decompression=decompression)
            assert color(pattern, SYMMETRIC, algorithm).num_colors <= before.num_colors


def test_postprocessing_of_a_star_without_diagonal() -> None:
    """Every entry of a star is read at its spokes, so the hub's color is all it takes."""
    A = patterns.arrow(8).toarray() & ~np.eye(8, dtype=bool)
    algorithm = GreedyColoring(postprocess=True)
    assert color(A, SYMMETRIC, GreedyColoring()).num_colors == 2
    assert color(A, SYMMETRIC, algorithm).num_colors == 1


def test_the_random_order_follows_its_seed() -> None:
    pattern = patterns.random_pattern(40, 40, 0.1, 0)
    one, same, other = (
        color(pattern, COLUMN, GreedyColoring("random", seed=seed)).colors for seed in (1, 1, 2)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
