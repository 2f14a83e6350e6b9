"""The exhaustive search for a coloring with a given number of colors."""

from __future__ import annotations

import numpy as np

from ..jit import kernel
from ..typing import Array, Int32s, Int64s

_OPEN = -2  # not assigned yet; -1 is neutral


@kernel
def _readable(a: int, pointers: Int64s, indices: Int32s, colors: Int32s, counts: Array) -> bool:
    """Whether each edge from a to an assigned vertex is alone in a sum, at one of its ends."""
    if colors[a] == _OPEN:
        return True
    for p in range(pointers[a], pointers[a + 1]):
        b = indices[p]
        if colors[b] == _OPEN:
            continue
        here = colors[b] >= 0 and counts[a, colors[b]] == 1
        there = colors[a] >= 0 and counts[b, colors[a]] == 1
        if not (here or there):
            return False
    return True


@kernel
def _direct(v: int, pointers: Int64s, indices: Int32s, colors: Int32s, counts: Array) -> bool:
    """Whether all edges can still be read now that v is assigned: v changes its neighbors' sums."""
    if not _readable(v, pointers, indices, colors, counts):
        return False
    for p in range(pointers[v], pointers[v + 1]):
        if not _readable(indices[p], pointers, indices, colors, counts):
            return False
    return True


@kernel
def _solvable(pointers: Int64s, indices: Int32s, colors: Int32s, counts: Array) -> bool:
    """Whether the edges between assigned vertices follow from the sums by substitution."""
    left = counts.copy()
    known = np.zeros(len(indices), np.bool_)  # at the position in the row of the lesser end
    progress, unknown = True, True
    while progress and unknown:
        progress, unknown = False, False
        for a in range(len(colors)):
            if colors[a] == _OPEN:
                continue
            for p in range(pointers[a], pointers[a + 1]):
                b = indices[p]
                if b < a or known[p] or colors[b] == _OPEN:
                    continue
                here = colors[b] >= 0 and left[a, colors[b]] == 1
                there = colors[a] >= 0 and left[b, colors[a]] == 1
                if here or there:
                    known[p] = progress = True
                    if colors[b] >= 0:
                        left[a, colors[b]] -= 1
                    if colors[a] >= 0 and a != b:
                        left[b, colors[a]] -= 1
                else:
                    unknown = True
    return not unknown


@kernel
def _count(
    v: int, color: int, change: int, pointers: Int64s, indices: Int32s, counts: Array
) -> None:
    if color >= 0:
        for p in range(pointers[v], pointers[v + 1]):
            counts[indices[p], color] += change


@kernel
def search(
    pointers: Int64s,
    indices: Int32s,
    order: Int32s,
    sides: Int32s,
    fixed: Array,
    neutral: bool,
    limit: int,
    substitution: bool,
    max_steps: int,
) -> tuple[Int32s, bool, int]:
    """Depth-first search for colors by which every edge can be found.

    An edge that cannot be found when some vertices are colored cannot be found when more are, so a
    branch ends at the first one. Of the colors not used yet only the first is tried.

    Parameters
    ----------
    pointers, indices : arrays
        The graph, loops included.
    order : array of int32
        The vertices to be colored.
    sides : array of int32
        Which of two sets of colors each vertex takes from, 0 or 1.
    fixed : array of bool
        Vertices that are neutral from the start.
    neutral : bool
        Whether the others may be neutral.
    limit : int
        The number of colors of both sets together.
    substitution : bool
        Whether an edge may be found with the help of others.
    max_steps : int
        How many assignments to try.

    Returns
    -------
    colors : array of int32
        Numbered within each set.
    found : bool
    steps : int
        How many assignments were tried.
    """
    n = len(pointers) - 1
    depth_limit = len(order)
    colors = np.where(fixed, -1, _OPEN).astype(np.int32)  # side 1 counts on from `limit`
    counts = np.zeros((n, 2 * limit + 1), np.int32)
    used = np.zeros((depth_limit + 1, 2), np.int32)
    choice = np.zeros(depth_limit + 1, np.int32)
    steps, depth = 0, 0
    while 0 <= depth < depth_limit:
        v = order[depth]
        side = sides[v]
        if colors[v] != _OPEN:  # come back to: take the last choice away
            _count(v, colors[v], -1, pointers, indices, counts)
            colors[v] = _OPEN
        mine = used[depth, side]
        fresh = 1 if used[depth, 0] + used[depth, 1] < limit else 0
        options = mine + fresh + (1 if neutral else 0)
        advanced = False
        while choice[depth] < options and not advanced:
            if steps == max_steps:
                return colors, False, steps
            steps += 1
            pick = choice[depth]
            choice[depth] += 1
            color = pick + side * limit if pick < mine + fresh else -1
            colors[v] = color
            _count(v, color, 1, pointers, indices, counts)
            if substitution:
                fits = _solvable(pointers, indices, colors, counts)
            else:
                fits = _direct(v, pointers, indices, colors, counts)
            if fits:
                used[depth + 1] = used[depth]
                if pick == mine and fresh == 1:
                    used[depth + 1, side] += 1
                depth += 1
                choice[depth] = 0
                advanced = True
            else:
                _count(v, color, -1, pointers, indices, counts)
                colors[v] = _OPEN
        if not advanced:
            depth -= 1
    if depth < 0:
        return colors, False, steps
    for v in range(n):
        if colors[v] >= 0:
            colors[v] -= sides[v] * limit
    return colors, True, steps
