"""Star coloring: every path on four vertices has three colors at least."""

from __future__ import annotations

import numpy as np

from ..jit import kernel
from ..typing import Int32s, Int64s


@kernel
def color_star(
    pointers: Int64s, indices: Int32s, edges: Int32s, order: Int32s, first: Int32s, step: int
) -> Int32s:
    """First-fit star coloring that keeps the set of two-colored stars up to date.

    Algorithm 4.1 of Gebremedhin, Tarafdar, Manne, Pothen, "New acyclic and star coloring algorithms
    with application to computing Hessians" (2007).

    Parameters
    ----------
    pointers, indices : arrays
        The graph, each edge in both directions, without loops.
    edges : array of int32
        The number of the edge that each entry of `indices` stands for, the same both ways.
    order : array of int32
        The vertices, in the order in which they are colored.
    first : array of int32
        The first color that each vertex may have; `step` leads to the next. Two sides of a
        bipartite graph have colors of their own with firsts 0 and 1 and step 2.
    """
    n = len(pointers) - 1
    colors = np.full(n, -1, np.int32)
    limit = step * (n + 1)
    forbidden = np.full(limit, -1, np.int32)
    # Of the vertex being colored: the first neighbor met with each color, and its edge.
    met_by = np.full(limit, -1, np.int32)
    met = np.empty(limit, np.int32)
    met_edge = np.empty(limit, np.int32)
    treated = np.full(n, -1, np.int32)
    star = np.empty(max(len(indices) // 2, 1), np.int32)
    hub = np.empty(max(len(indices) // 2, 1), np.int32)
    stars = 0
    for v in order:
        for p in range(pointers[v], pointers[v + 1]):
            w = indices[p]
            shade = colors[w]
            if shade < 0:
                continue
            forbidden[shade] = v
            if met_by[shade] == v:
                # v would be the hub of a star with two spokes of this color: no vertex behind
                # a spoke may have v's color.
                u = met[shade]
                if treated[u] != v:
                    treated[u] = v
                    for q in range(pointers[u], pointers[u + 1]):
                        if colors[indices[q]] >= 0:
                            forbidden[colors[indices[q]]] = v
                treated[w] = v
                for q in range(pointers[w], pointers[w + 1]):
                    if colors[indices[q]] >= 0:
                        forbidden[colors[indices[q]]] = v
            else:
                met_by[shade] = v
                met[shade] = w
                met_edge[shade] = edges[p]
                for q in range(pointers[w], pointers[w + 1]):
                    x = indices[q]
                    if colors[x] >= 0 and hub[star[edges[q]]] == x:
                        forbidden[colors[x]] = v
        color = first[v]
        while forbidden[color] == v:
            color += step
        colors[v] = color
        for p in range(pointers[v], pointers[v + 1]):
            w = indices[p]
            if colors[w] < 0:
                continue
            joined = -1
            for q in range(pointers[w], pointers[w + 1]):
                x = indices[q]
                if x != v and colors[x] == color:
                    joined = star[edges[q]]
                    hub[joined] = w
                    break
            if joined < 0:
                shade = colors[w]
                if met[shade] != w:
                    joined = star[met_edge[shade]]
                    hub[joined] = v
                else:
                    joined = stars
                    hub[joined] = -1
                    stars += 1
            star[edges[p]] = joined
    return colors
