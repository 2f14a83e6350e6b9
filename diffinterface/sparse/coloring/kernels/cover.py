"""Bidirectional coloring by peeling: a direct cover of all entries by groups of rows and columns."""

from __future__ import annotations

import numpy as np

from ..jit import kernel
from ..typing import Int32s, Int64s

#: Pointers, indices, colors and degrees, of rows or of columns.
Side = tuple[Int64s, Int32s, Int32s, Int32s]


@kernel
def _by_degree(colors: Int32s, degrees: Int32s) -> Int32s:
    """The uncolored vertices that have edges left, highest degree first (a counting sort)."""
    highest = 0
    for v in range(len(colors)):
        if colors[v] < 0 and degrees[v] > highest:
            highest = degrees[v]
    start = np.zeros(highest + 2, np.int32)  # where the vertices of each degree go
    for v in range(len(colors)):
        if colors[v] < 0 and degrees[v] > 0:
            start[highest - degrees[v] + 1] += 1
    for d in range(highest + 1):
        start[d + 1] += start[d]
    order = np.empty(start[highest + 1], np.int32)
    for v in range(len(colors)):
        if colors[v] < 0 and degrees[v] > 0:
            slot = highest - degrees[v]
            order[start[slot]] = v
            start[slot] += 1
    return order


@kernel
def _group(side: Side, other_colors: Int32s) -> tuple[Int32s, int]:
    """Vertices that share no neighbor left, chosen greedily by degree, and how many edges they have."""
    pointers, indices, colors, degrees = side
    order = _by_degree(colors, degrees)
    chosen = np.empty(len(order), np.int32)
    met = np.zeros(len(other_colors), np.bool_)
    count, weight = 0, 0
    for v in order:
        fits = True
        for p in range(pointers[v], pointers[v + 1]):
            w = indices[p]
            if other_colors[w] < 0 and met[w]:
                fits = False
                break
        if fits:
            for p in range(pointers[v], pointers[v + 1]):
                met[indices[p]] = True
            chosen[count] = v
            count += 1
            weight += degrees[v]
    return chosen[:count], weight


@kernel
def _take(
    group: Int32s, color: int, side: Side, other_colors: Int32s, other_degrees: Int32s
) -> None:
    pointers, indices, colors, _ = side
    for v in group:
        colors[v] = color
        for p in range(pointers[v], pointers[v + 1]):
            w = indices[p]
            if other_colors[w] < 0:
                other_degrees[w] -= 1


@kernel
def color_cover(
    row_pointers: Int64s,
    row_indices: Int32s,
    column_pointers: Int64s,
    column_indices: Int32s,
    limit: int,
) -> tuple[Int32s, Int32s, bool]:
    """Color whole groups, of rows or of columns, whichever covers more of the entries left.

    No two members of a group share a row or column that is left, so their entries are read directly;
    then they go. What is left at the end has no entries of its own and is neutral. The idea is that
    of the complete direct covers of Hossain and Steihaug (1998) and of Juedes and Jones (2012).

    Parameters
    ----------
    row_pointers, row_indices, column_pointers, column_indices : arrays
        The pattern by rows and by columns.
    limit : int
        Give up before more groups than this.

    Returns
    -------
    column_colors, row_colors : array of int32
    complete : bool
        False where it gave up.
    """
    m, n = len(row_pointers) - 1, len(column_pointers) - 1
    row_colors = np.full(m, -1, np.int32)
    column_colors = np.full(n, -1, np.int32)
    row_degrees = (row_pointers[1:] - row_pointers[:-1]).astype(np.int32)
    column_degrees = (column_pointers[1:] - column_pointers[:-1]).astype(np.int32)
    left = len(row_indices)
    by_column = column_pointers, column_indices, column_colors, column_degrees
    by_row = row_pointers, row_indices, row_colors, row_degrees
    columns, rows = 0, 0
    while left > 0:
        if columns + rows == limit:
            return column_colors, row_colors, False
        some_columns, column_weight = _group(by_column, row_colors)
        some_rows, row_weight = _group(by_row, column_colors)
        # A column's degree counts the rows left, so both weights are numbers of entries left.
        if column_weight >= row_weight:
            _take(some_columns, columns, by_column, row_colors, row_degrees)
            columns += 1
            left -= column_weight
        else:
            _take(some_rows, rows, by_row, column_colors, column_degrees)
            rows += 1
            left -= row_weight
    return column_colors, row_colors, True
