"""The order of saturation: the vertex whose neighbors have most colors comes next."""

from __future__ import annotations

import numpy as np

from ..jit import kernel
from ..typing import Graph, Int32s
from .orders import _link, _unlink

_TIES = 64  # numbers of colored neighbors that are told apart where saturation is equal
_WORDS = 16  # colors from 64 * _WORDS on do not count: memory stays proportional to n


@kernel
def saturation_order(graph: Graph, two_steps: bool, expected: int) -> Int32s:
    """The order of DSATUR (Brelaz 1979): most different colors among neighbors, then most neighbors.

    The vertices are given first-fit colors on the way; coloring them again in this order gives the
    same colors where the neighbors are those of the coloring. Of colors beyond the masks none is told
    from another, which changes the order only.

    Parameters
    ----------
    graph, two_steps
        As for `dynamic_order`.
    expected : int
        About how many colors there will be: memory is set aside for twice as many.
    """
    pointers, indices, back_pointers, back_indices = graph
    n = len(pointers) - 1
    words = min(1 + expected // 32, _WORDS)
    taken = np.zeros(n, np.bool_)
    one = np.uint64(1)
    masks = np.zeros((n, words), np.uint64)  # which colors the neighbors have
    order = np.empty(n, np.int32)
    head = np.full((64 * words + 1) * _TIES, -1, np.int32)
    after = np.empty(n, np.int32)
    before = np.empty(n, np.int32)
    keys = np.zeros(n, np.int32)
    for v in range(n - 1, -1, -1):
        _link(v, 0, head, after, before)
    seen = np.full(n, -1, np.int32)
    key = 0
    for step in range(n):
        while head[key] < 0:
            key -= 1
        v = head[key]
        _unlink(v, key, head, after, before)
        order[step] = v
        taken[v] = True
        color = 0
        while color < 64 * words and masks[v, color // 64] & (one << np.uint64(color % 64)):
            color += 1
        word, bit = color // 64, one << np.uint64(color % 64)
        for p in range(pointers[v], pointers[v + 1]):
            w = indices[p]
            begin, end = p, p + 1
            if two_steps:
                begin, end = back_pointers[w], back_pointers[w + 1]
            for q in range(begin, end):
                x = back_indices[q] if two_steps else w
                if taken[x] or seen[x] == v:
                    continue
                seen[x] = v
                new = keys[x]
                if new % _TIES < _TIES - 1:
                    new += 1
                if word < words and masks[x, word] & bit == 0:
                    masks[x, word] |= bit
                    new += _TIES
                if new != keys[x]:
                    _unlink(x, keys[x], head, after, before)
                    keys[x] = new
                    _link(x, new, head, after, before)
                    key = max(key, new)
    return order
