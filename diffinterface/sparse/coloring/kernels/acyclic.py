"""Acyclic coloring: every cycle has three colors at least."""

from __future__ import annotations

import numpy as np

from ..jit import kernel
from ..typing import Int32s, Int64s


@kernel
def _root(parent: Int32s, edge: int) -> int:
    """The representative of an edge's two-colored tree; paths are halved on the way."""
    while parent[edge] != edge:
        parent[edge] = parent[parent[edge]]
        edge = parent[edge]
    return edge


@kernel
def _unite(parent: Int32s, size: Int32s, one: int, other: int) -> None:
    one, other = _root(parent, one), _root(parent, other)
    if one == other:
        return
    if size[one] < size[other]:
        one, other = other, one
    parent[other] = one
    size[one] += size[other]


@kernel
def color_acyclic(
    pointers: Int64s, indices: Int32s, edges: Int32s, order: Int32s, first: Int32s, step: int
) -> Int32s:
    """First-fit acyclic coloring that keeps the forest of two-colored trees up to date.

    Algorithm 3.1 of Gebremedhin, Tarafdar, Manne, Pothen (2007); the parameters are those of
    `color_star`.
    """
    n = len(pointers) - 1
    num_edges = max(len(indices) // 2, 1)
    colors = np.full(n, -1, np.int32)
    limit = step * (n + 1)
    forbidden = np.full(limit, -1, np.int32)
    # Of the vertex being colored: the first edge met with each color of neighbor.
    met_by = np.full(limit, -1, np.int32)
    met_edge = np.empty(limit, np.int32)
    # The last vertex that met each tree, and the neighbor through which it did.
    visitor = np.full(num_edges, -1, np.int32)
    entrance = np.empty(num_edges, np.int32)
    parent = np.arange(num_edges).astype(np.int32)
    size = np.ones(num_edges, np.int32)
    for v in order:
        for p in range(pointers[v], pointers[v + 1]):
            if colors[indices[p]] >= 0:
                forbidden[colors[indices[p]]] = v
        for p in range(pointers[v], pointers[v + 1]):
            w = indices[p]
            if colors[w] < 0:
                continue
            for q in range(pointers[w], pointers[w + 1]):
                x = indices[q]
                if colors[x] < 0 or forbidden[colors[x]] == v:
                    continue
                tree = _root(parent, edges[q])
                if visitor[tree] != v:
                    visitor[tree] = v
                    entrance[tree] = w
                elif entrance[tree] != w:  # v would close a cycle through this tree
                    forbidden[colors[x]] = v
        color = first[v]
        while forbidden[color] == v:
            color += step
        colors[v] = color
        for p in range(pointers[v], pointers[v + 1]):
            w = indices[p]
            shade = colors[w]
            if shade < 0:
                continue
            if met_by[shade] != v:
                met_by[shade] = v
                met_edge[shade] = edges[p]
            else:
                _unite(parent, size, edges[p], met_edge[shade])
            for q in range(pointers[w], pointers[w + 1]):
                if indices[q] != v and colors[indices[q]] == color:
                    _unite(parent, size, edges[p], edges[q])
    return colors
