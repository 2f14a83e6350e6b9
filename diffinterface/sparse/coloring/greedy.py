"""Greedy colorings of all kinds: order the vertices, run the kernel, keep the best."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .colors import compact, count
from .graphs import Adjacency, Bipartite
from .kernels.acyclic import color_acyclic
from .kernels.cover import color_cover
from .kernels.distance2 import color_distance2, distance2_degrees
from .kernels.orders import RULES, dynamic_order
from .kernels.saturation import saturation_order
from .kernels.star import color_star
from .postprocess import drop_unneeded
from .problem import ColoringProblem, GreedyColoring, Order
from .typing import Graph, Int32s, Int64s


def vertex_order(graph: Graph, order: Order, *, two_steps: bool, seed: int) -> Int32s:
    """The vertices of a graph in one of the orders.

    Parameters
    ----------
    graph : tuple of four arrays
        Pointers and indices there and back; the way back is used only with `two_steps`.
    order : str
        One of `Order`.
    two_steps : bool
        Whether neighbors at distance two count (partial distance-2 coloring), or at distance one.
    seed : int
        Of the random order.

    Returns
    -------
    array of int32, shape (n,)
    """
    n = len(graph[0]) - 1
    if order == "natural":
        return np.arange(n, dtype=np.int32)
    if order == "random":
        return np.random.default_rng(seed).permutation(n).astype(np.int32)
    if order == "saturation":
        expected = _degree(graph[2] if two_steps else graph[0])
        return saturation_order(graph, two_steps, expected)
    if order == "incidence_degree":
        degrees = np.zeros(n, np.int32)
    elif two_steps:
        degrees = distance2_degrees(graph)
    else:
        degrees = np.diff(graph[0]).astype(np.int32)
    if order == "largest_first":
        return np.argsort(-degrees, kind="stable").astype(np.int32)
    return dynamic_order(graph, degrees, two_steps, RULES[order])


def one_sided(graph: Graph, algorithm: GreedyColoring) -> Int32s:
    """Partial distance-2 coloring of the first side of a bipartite graph."""
    found = (
        color_distance2(graph, vertex_order(graph, order, two_steps=True, seed=algorithm.seed))
        for order in algorithm.orders
    )
    best = _best(found, _degree(graph[2]))  # neighbors of one vertex all differ
    best[np.diff(graph[0]) == 0] = -1  # nothing to find there
    return best


def symmetric(graph: Adjacency, algorithm: GreedyColoring) -> Int32s:
    """Star or acyclic coloring of a symmetric matrix's graph."""
    found = _ordered(graph, graph.loopless, np.zeros(graph.n, np.int32), 1, algorithm)
    return _best(found, graph.num_edges // max(graph.n, 1))  # as many numbers as unknowns


def bidirectional(both: Bipartite, algorithm: GreedyColoring) -> tuple[Int32s, Int32s]:
    """Columns' and rows' colors: the best of a cover, one side alone, and star or acyclic coloring.

    A coloring of one side is a bicoloring whose other side is neutral, so there are never more colors
    than for the better side. A method runs only if it can still win: k products of max(m, n) numbers
    at most determine no more than k max(m, n) entries.
    """
    least = -(-len(both.indices) // max(both.m, both.n, 1))
    # To begin with, a color for each column, or each row, that has entries.
    no_columns, no_rows = np.full(both.n, -1, np.int32), np.full(both.m, -1, np.int32)
    columns, rows = (_one_each(graph) for graph in (both.turned(), both.straight()))
    best = (columns, no_rows) if count(columns) <= count(rows) else (no_columns, rows)

    columns, rows, complete = color_cover(*both.straight(), _total(best))
    if complete and count(columns) + count(rows) < _total(best):
        best = columns, rows
    # The neighbors of one vertex all differ in a coloring of one side.
    if max(least, _degree(both.pointers)) < _total(best):
        best = min(best, (one_sided(both.turned(), algorithm), no_rows), key=_total)
    if max(least, _degree(both.back_pointers)) < _total(best):
        best = min(best, (no_columns, one_sided(both.straight(), algorithm)), key=_total)
    if least < _total(best):
        for pair in bicolorings(both, algorithm):
            best = min(best, pair, key=_total)
            if _total(best) <= least:
                break
    return best


def bicolorings(both: Bipartite, algorithm: GreedyColoring) -> Iterator[tuple[Int32s, Int32s]]:
    """For each order the star or acyclic bicoloring: columns' and rows' colors."""
    graph, n = Adjacency.augmented(both), both.n
    first = np.repeat(np.array([0, 1], np.int32), [n, both.m])
    for colors in _ordered(graph, graph, first, 2, algorithm):
        yield compact(colors[:n]), compact(colors[n:])


def bound(pattern: Any, problem: ColoringProblem) -> int:
    """A number of colors that no coloring of this kind can go below.

    A row's entries need a color each where columns are colored. Beyond that, k products of at most
    max(m, n) numbers each determine k max(m, n) entries at most; of a symmetric matrix those on and
    above the diagonal count.
    """
    nnz, size = pattern.nnz, max(*pattern.shape, 1)
    if problem.structure == "symmetric":
        nnz = (nnz + np.count_nonzero(pattern.diagonal())) // 2
    elif problem.partition != "bidirectional":
        axis = 1 if problem.partition == "column" else 0
        return int(pattern.sum(axis, dtype=np.int64).max(initial=0))
    return int(-(-nnz // size))


def _ordered(
    graph: Adjacency, loopless: Adjacency, first: Int32s, step: int, algorithm: GreedyColoring
) -> Iterator[Int32s]:
    """For each order the star or acyclic coloring."""
    kernel = color_star if algorithm.decompression == "direct" else color_acyclic
    pair = loopless.pointers, loopless.indices
    for order in algorithm.orders:
        vertices = vertex_order((*pair, *pair), order, two_steps=False, seed=algorithm.seed)
        colors = kernel(*loopless.arrays, vertices, first, step)
        colors[np.diff(graph.pointers) == 0] = -1
        if algorithm.postprocess:
            drop_unneeded(graph, colors)
        yield colors


def _degree(pointers: Int64s) -> int:
    return int(np.diff(pointers).max(initial=0))


def _one_each(graph: Graph) -> Int32s:
    some = np.diff(graph[0]) > 0
    return np.where(some, np.cumsum(some) - 1, -1).astype(np.int32)


def _total(pair: tuple[Int32s, Int32s]) -> int:
    return count(pair[0]) + count(pair[1])


def _best(found: Iterator[Int32s], enough: int) -> Int32s:
    """The first coloring with the fewest colors; none is sought after one with so few as are enough."""
    best = next(found)
    while count(best) > enough and (colors := next(found, None)) is not None:
        best = min(best, colors, key=count)
    return best
