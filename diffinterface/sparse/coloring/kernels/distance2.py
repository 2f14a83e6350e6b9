"""Partial distance-2 coloring of a bipartite graph."""

from __future__ import annotations

import numpy as np

from ..jit import kernel
from ..typing import Graph, Int32s, Int64s


@kernel
def color_distance2(graph: Graph, order: Int32s) -> Int32s:
    """First-fit coloring in which vertices with a common neighbor differ.

    Algorithm 3.2 of Gebremedhin, Manne, Pothen (2005).

    Parameters
    ----------
    graph : tuple of four arrays
        Pointers and indices from the vertices to be colored to the other side, and back.
    order : array of int32
        The vertices, in the order in which they are colored.
    """
    pointers, indices, back_pointers, back_indices = graph
    n = len(pointers) - 1
    colors = np.full(n, -1, np.int32)
    forbidden = np.full(n + 1, -1, np.int32)  # the vertex that a color was last forbidden for
    for v in order:
        for p in range(pointers[v], pointers[v + 1]):
            w = indices[p]
            for q in range(back_pointers[w], back_pointers[w + 1]):
                taken = colors[back_indices[q]]
                if taken >= 0:
                    forbidden[taken] = v
        color = 0
        while forbidden[color] == v:
            color += 1
        colors[v] = color
    return colors


@kernel
def distance2_degrees(graph: Graph) -> Int32s:
    """How many other vertices share a neighbor with each vertex."""
    pointers, indices, back_pointers, back_indices = graph
    n = len(pointers) - 1
    degrees = np.zeros(n, np.int32)
    seen = np.full(n, -1, np.int32)
    for v in range(n):
        seen[v] = v
        for p in range(pointers[v], pointers[v + 1]):
            w = indices[p]
            for q in range(back_pointers[w], back_pointers[w + 1]):
                x = back_indices[q]
                if seen[x] != v:
                    seen[x] = v
                    degrees[v] += 1
    return degrees


@kernel
def gather_colors(
    pointers: Int64s, indices: Int32s, colors: Int32s, num_colors: int
) -> tuple[Int64s, int]:
    """Where each entry stands in the products: at its neighbor's color and its own vertex.

    Returns
    -------
    gather : array of int64
        ``color * n + v`` for n vertices v.
    lost : int
        The first position that cannot be read, or -1: its color occurs before among the same
        vertex's neighbors, or it has none.
    """
    n = len(pointers) - 1
    gather = np.empty(len(indices), np.int64)
    seen = np.full(num_colors, -1, np.int64)
    for v in range(n):
        for p in range(pointers[v], pointers[v + 1]):
            color = colors[indices[p]]
            if color < 0 or seen[color] == v:
                return gather, p
            seen[color] = v
            gather[p] = color * np.int64(n) + v
    return gather, -1
