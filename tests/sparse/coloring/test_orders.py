"""Each order satisfies its definition, step by step, by counting neighbors anew."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from diffinterface.sparse.coloring import greedy
from diffinterface.sparse.coloring.graphs import Pattern

from . import patterns
from .helpers import ORDERS

CASES = [
    patterns.random_pattern(25, 30, 0.08, 0),
    patterns.random_pattern(30, 25, 0.1, 1),
    patterns.brusselator(4),
    patterns.arrow(9),
    patterns.five_point(5),
    patterns.random_pattern(5, 6, -1.0, 2),
]


def neighbors_at_two(A: Any) -> Any:
    """The graph of columns that share a row."""
    A = A.toarray().astype(int)
    return ((A.T @ A) > 0) & ~np.eye(A.shape[1], dtype=bool)


def cases() -> Any:
    for A in CASES:
        yield neighbors_at_two(A), Pattern.of(A).bipartite.turned(), True
        square = patterns.random_symmetric(20, 0.15, A.shape[0])
        pair = (graph := Pattern.of(square).symmetric.loopless).pointers, graph.indices
        yield square.toarray() & ~np.eye(20, dtype=bool), (*pair, *pair), False


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("case", list(cases()))
def test_an_order_is_a_permutation(order: Any, case: Any) -> None:
    near, graph, two_steps = case
    found = greedy.vertex_order(graph, order, two_steps=two_steps, seed=3)
    assert found.dtype == np.int32
    assert sorted(found) == list(range(len(near)))


@pytest.mark.parametrize("case", list(cases()))
def test_largest_first(case: Any) -> None:
    near, graph, two_steps = case
    found = greedy.vertex_order(graph, "largest_first", two_steps=two_steps, seed=0)
    degrees = near.sum(1)[found]
    assert (np.diff(degrees) <= 0).all()
    ties = np.diff(degrees) == 0
    assert (np.diff(found)[ties] > 0).all()


@pytest.mark.parametrize("case", list(cases()))
def test_smallest_last(case: Any) -> None:
    near, graph, two_steps = case
    found = greedy.vertex_order(graph, "smallest_last", two_steps=two_steps, seed=0)
    for k in range(len(found), 0, -1):
        left = found[:k]
        degrees = near[np.ix_(left, left)].sum(1)
        assert degrees[-1] == degrees.min()


@pytest.mark.parametrize("case", list(cases()))
def test_dynamic_largest_first(case: Any) -> None:
    near, graph, two_steps = case
    found = greedy.vertex_order(graph, "dynamic_largest_first", two_steps=two_steps, seed=0)
    for k in range(len(found)):
        left = found[k:]
        degrees = near[np.ix_(left, left)].sum(1)
        assert degrees[0] == degrees.max()


@pytest.mark.parametrize("case", list(cases()))
def test_incidence_degree(case: Any) -> None:
    near, graph, two_steps = case
    found = greedy.vertex_order(graph, "incidence_degree", two_steps=two_steps, seed=0)
    for k in range(len(found)):
        taken = near[np.ix_(found[k:], found[:k])].sum(1)
        assert taken[0] == taken.max()


@pytest.mark.parametrize("case", list(cases()))
def test_saturation(case: Any) -> None:
    """Most different colors among neighbors; of those most neighbors that have one."""
    near, graph, two_steps = case
    found = greedy.vertex_order(graph, "saturation", two_steps=two_steps, seed=0)
    colors = np.full(len(near), -1)
    for k, v in enumerate(found):
        rank = []
        for w in found[k:]:
            around = colors[near[w] & (colors >= 0)]
            rank.append((len(set(around)), len(around)))
        assert rank[0] == max(rank)
        taken = set(colors[near[v]])
        colors[v] = min(c for c in range(len(near)) if c not in taken)
