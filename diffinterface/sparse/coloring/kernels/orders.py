"""Orders of vertices that are found by removing or adding one vertex after another."""

from __future__ import annotations

import numpy as np

from ..jit import kernel
from ..typing import Graph, Int32s

SMALLEST_LAST, INCIDENCE_DEGREE, DYNAMIC_LARGEST_FIRST = 0, 1, 2
RULES = {
    "smallest_last": SMALLEST_LAST,
    "incidence_degree": INCIDENCE_DEGREE,
    "dynamic_largest_first": DYNAMIC_LARGEST_FIRST,
}


@kernel
def _link(v: int, key: int, head: Int32s, after: Int32s, before: Int32s) -> None:
    """Put v at the head of the list of the vertices with this key."""
    first = head[key]
    after[v] = first
    before[v] = -1
    if first >= 0:
        before[first] = v
    head[key] = v


@kernel
def _unlink(v: int, key: int, head: Int32s, after: Int32s, before: Int32s) -> None:
    if before[v] >= 0:
        after[before[v]] = after[v]
    else:
        head[key] = after[v]
    if after[v] >= 0:
        before[after[v]] = before[v]


@kernel
def dynamic_order(graph: Graph, keys: Int32s, two_steps: bool, rule: int) -> Int32s:
    """Vertices by a degree that is kept up to date as they are taken (ColPack, section 4).

    Smallest last: the vertex with the least degree among those left comes last, and is removed.
    Dynamic largest first: the one with the largest such degree comes first, and is removed.
    Incidence degree: the one with the most neighbors already taken comes first.

    Parameters
    ----------
    graph : tuple of four arrays
        Pointers and indices there and back; the way back is used only with `two_steps`.
    keys : array of int32
        The degrees to start from, changed in place; zeros for the incidence degree.
    two_steps : bool
        Whether the neighbors that count are those at distance two (the back edges lead to them).
    rule : int
        One of the three constants above.
    """
    pointers, indices, back_pointers, back_indices = graph
    n = len(pointers) - 1
    order = np.empty(n, np.int32)
    head = np.full(n + 1, -1, np.int32)
    after = np.empty(n, np.int32)
    before = np.empty(n, np.int32)
    for v in range(n - 1, -1, -1):  # of equal vertices the first by number is the first in its list
        _link(v, keys[v], head, after, before)
    seen = np.full(n, -1, np.int32)
    taken = np.zeros(n, np.bool_)
    change = 1 if rule == INCIDENCE_DEGREE else -1
    key = 0 if rule == SMALLEST_LAST else n
    for step in range(n):
        # The extreme key moves by one at most when neighbors change, so these searches are short.
        if rule == SMALLEST_LAST:
            key = max(key - 1, 0)
            while head[key] < 0:
                key += 1
        else:
            key = min(key + 1, n)
            while head[key] < 0:
                key -= 1
        v = head[key]
        _unlink(v, key, head, after, before)
        taken[v] = True
        seen[v] = v
        order[n - 1 - step if rule == SMALLEST_LAST else step] = v
        for p in range(pointers[v], pointers[v + 1]):
            w = indices[p]
            begin, end = p, p + 1
            if two_steps:
                begin, end = back_pointers[w], back_pointers[w + 1]
            for q in range(begin, end):
                x = back_indices[q] if two_steps else w
                if seen[x] != v and not taken[x]:
                    seen[x] = v
                    _unlink(x, keys[x], head, after, before)
                    keys[x] += change
                    _link(x, keys[x], head, after, before)
    return order
