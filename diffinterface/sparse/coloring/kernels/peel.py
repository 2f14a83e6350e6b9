"""How the entries of a colored matrix follow from the sums that its products are."""

from __future__ import annotations

import numpy as np

from ..jit import kernel
from ..typing import Array, Edges, Int32s, Int64s


@kernel
def _equations(
    graph: Edges, colors: Int32s, num_colors: int
) -> tuple[Int32s, Int32s, Int32s, Int32s, Int32s]:
    """The sums: a vertex v and a color c give the sum over the edges from v to neighbors colored c.

    A sum is named by its first position in `indices`; `chain` leads from there through all others.
    """
    pointers, indices, edges = graph
    size = len(indices)
    equation = np.full(size, -1, np.int32)
    chain = np.full(size, -1, np.int32)
    terms = np.zeros(size, np.int32)
    # The exclusive or of the unknown edges of a sum is its one unknown edge once there is but one.
    unknown = np.zeros(size, np.int32)
    reader = np.zeros(size, np.int32)
    seen = np.full(num_colors, -1, np.int64)
    where = np.empty(num_colors, np.int32)
    tail = np.empty(num_colors, np.int32)
    for v in range(len(pointers) - 1):
        for p in range(pointers[v], pointers[v + 1]):
            color = colors[indices[p]]
            if color < 0:
                continue
            if seen[color] != v:
                seen[color] = v
                where[color] = p
                reader[p] = v
            else:
                chain[tail[color]] = p
            tail[color] = p
            equation[p] = where[color]
            terms[where[color]] += 1
            unknown[where[color]] ^= edges[p]
    return equation, chain, terms, unknown, reader


@kernel
def peel(
    graph: Edges, num_edges: int, colors: Int32s, num_colors: int
) -> tuple[Int32s, Int32s, Int32s, Int64s, Int32s, Int64s, int]:
    """Solve the sums for the edges: those with one unknown first, then those that this leaves with one.

    Works for every coloring whose sums can be solved by substitution, whatever algorithm found it:
    for a star coloring each edge is alone in a sum; for an acyclic one this peels the leaves of the
    two-colored trees.

    Parameters
    ----------
    graph : tuple of three arrays
        Pointers and indices of the graph of a symmetric matrix, loops included, and the number of the
        edge of each entry of the indices, the same both ways. Two sides of a bipartite graph are
        vertices of one graph here, with colors of their own.

    Returns
    -------
    solved : array of int32
        Edges in the order in which they are found.
    readers, shades : array of int32
        The vertex and the color of the sum that gives each of them.
    minus_pointers, minus : arrays
        Which edges to take from that sum, as positions in `solved`.
    levels : array of int64
        Edges ``levels[k]:levels[k + 1]`` of `solved` need those before ``levels[k]`` only.
    found : int
        How many edges could be solved; those that could not are missing from all the rest.
    """
    _, indices, edges = graph
    equation, chain, terms, unknown, reader = _equations(graph, colors, num_colors)
    places = np.full((2, num_edges), -1, np.int32)  # where an edge stands in `indices`
    for p in range(len(indices)):
        e = edges[p]
        places[0 if places[0, e] < 0 else 1, e] = p
    solved = np.empty(num_edges, np.int32)
    source = np.empty(num_edges, np.int32)  # the sum that gives each edge
    rank = np.full(num_edges, -1, np.int32)  # an edge's position in `solved`
    levels = np.zeros(num_edges + 1, np.int64)
    queue = np.empty(len(indices), np.int32)
    waiting = 0
    for p in range(len(indices)):
        if terms[p] == 1:
            queue[waiting] = p
            waiting += 1
    begin, found, level = 0, 0, 0
    while begin < waiting:
        end = waiting
        for k in range(begin, end):
            p = queue[k]
            if terms[p] == 1 and rank[unknown[p]] < 0:
                e = unknown[p]
                rank[e] = found
                solved[found] = e
                source[found] = p
                found += 1
        begin = end
        if found == levels[level]:
            break
        for k in range(levels[level], found):
            e = solved[k]
            for side in range(2):
                p = places[side, e]
                if p >= 0 and equation[p] >= 0:
                    p = equation[p]
                    terms[p] -= 1
                    unknown[p] ^= e
                    if terms[p] == 1:
                        queue[waiting] = p
                        waiting += 1
        level += 1
        levels[level] = found
    readers = np.empty(found, np.int32)
    shades = np.empty(found, np.int32)
    minus_pointers = np.zeros(found + 1, np.int64)
    minus = np.empty(len(indices), np.int32)
    filled = 0
    for k in range(found):
        p = source[k]
        readers[k] = reader[p]
        shades[k] = colors[indices[p]]
        while p >= 0:
            if edges[p] != solved[k]:
                minus[filled] = rank[edges[p]]
                filled += 1
            p = chain[p]
        minus_pointers[k + 1] = filled
    minus, levels = minus[:filled].copy(), levels[: level + 1].copy()
    return solved[:found], readers, shades, minus_pointers, minus, levels, found


@kernel
def substitute(minus_pointers: Int64s, minus: Int32s, values: Array) -> None:
    """Turn sums into unknowns, in place and in order: each is its sum less unknowns found before."""
    for k in range(len(values)):
        value = values[k]
        for p in range(minus_pointers[k], minus_pointers[k + 1]):
            value -= values[minus[p]]
        values[k] = value


@kernel
def color_choices(
    graph: Edges, num_edges: int, colors: Int32s, num_colors: int
) -> tuple[Int32s, Int32s]:
    """For each edge two colors, of which one at least has to stay; both the same where it must.

    An edge alone in a sum needs that sum's color. Where it is so at both ends, one of the two
    suffices; where at neither (inside a two-colored tree), both colors are needed, and two of the
    edges returned say so.

    Returns
    -------
    one, other : array of int32
        Of length ``2 * num_edges``; the second half is -1 but for the edges that need both colors.
    """
    _, indices, edges = graph
    equation, _, terms, _, _ = _equations(graph, colors, num_colors)
    alone = np.full((2, num_edges), -1, np.int32)  # colors of the sums in which the edge is alone
    shade = np.full((2, num_edges), -1, np.int32)  # colors of all its sums
    for p in range(len(indices)):
        e = edges[p]
        color = colors[indices[p]]
        if color < 0:
            continue
        side = 0 if shade[0, e] < 0 else 1
        shade[side, e] = color
        if terms[equation[p]] == 1:
            alone[side, e] = color
    one = np.full(2 * num_edges, -1, np.int32)
    other = np.full(2 * num_edges, -1, np.int32)
    for e in range(num_edges):
        if alone[0, e] < 0 and alone[1, e] < 0:
            one[e] = other[e] = shade[0, e]
            one[num_edges + e] = other[num_edges + e] = shade[1, e]
        else:
            one[e] = alone[0, e] if alone[0, e] >= 0 else alone[1, e]
            other[e] = alone[1, e] if alone[1, e] >= 0 else alone[0, e]
    return one, other
