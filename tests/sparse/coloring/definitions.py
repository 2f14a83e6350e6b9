"""Checks of a coloring, straight from the definitions, on dense matrices and plain Python.

Nothing here shares code with the library. The vertices of a bicoloring are the columns 0 to n - 1 and
the rows n to n + m - 1, with colors as pairs, so that the two sides have none in common.
"""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import Any

import numpy as np

Graph = dict[Any, set[Any]]


def structurally_orthogonal(A: Any, colors: Any) -> bool:
    """No two columns with one color meet in a row; each column with entries has one.

    Gebremedhin, Manne, Pothen (2005), Definition 3.1 (structurally orthogonal partition).
    """
    A = np.asarray(A, bool)
    for i in range(A.shape[0]):
        met = Counter(int(colors[j]) for j in np.flatnonzero(A[i]))
        if -1 in met or any(times > 1 for times in met.values()):
            return False
    return True


def symmetrically_orthogonal(A: Any, colors: Any) -> bool:
    """Each entry (i, j) is alone in a group at row i, or (j, i) is at row j; Definition 4.1 there."""
    A = np.asarray(A, bool)

    def alone(i: int, j: int) -> bool:
        rivals = [k for k in np.flatnonzero(A[i]) if colors[k] == colors[j]]
        return bool(colors[j] >= 0 and rivals == [j])

    return all(alone(i, j) or alone(j, i) for i, j in np.argwhere(A))


def bidirectionally_orthogonal(A: Any, columns: Any, rows: Any) -> bool:
    """Each entry is alone in its row among a group of columns, or alone in its column among rows."""
    A = np.asarray(A, bool)
    for i, j in np.argwhere(A):
        in_row = [k for k in np.flatnonzero(A[i]) if columns[k] == columns[j]]
        in_column = [k for k in np.flatnonzero(A[:, j]) if rows[k] == rows[i]]
        by_column = columns[j] >= 0 and in_row == [j]
        by_row = rows[i] >= 0 and in_column == [i]
        if not (by_column or by_row):
            return False
    return True


def graph_of(A: Any) -> Graph:
    """The adjacency graph of a symmetric matrix, without loops."""
    A = np.asarray(A, bool)
    return {i: set(np.flatnonzero(A[i]).tolist()) - {i} for i in range(len(A))}


def bipartite_graph_of(A: Any) -> Graph:
    """Columns and rows as ("c", j) and ("r", i)."""
    A = np.asarray(A, bool)
    m, n = A.shape
    graph: Graph = {("c", j): {("r", int(i)) for i in np.flatnonzero(A[:, j])} for j in range(n)}
    graph |= {("r", i): {("c", int(j)) for j in np.flatnonzero(A[i])} for i in range(m)}
    return graph


def proper(graph: Graph, colors: Any) -> bool:
    """Neighbors differ; of two neighbors one at most is neutral (None)."""
    return all(colors[v] != colors[w] for v in graph for w in graph[v])


def neutral_apart(graph: Graph, colors: Any) -> bool:
    """The neighbors of a neutral vertex all differ, and none of them is neutral.

    Gebremedhin, Manne, Pothen (2005), Definition 6.2 (bicolorings), condition 3.
    """
    for v in graph:
        if colors[v] is None:
            near = [colors[w] for w in graph[v]]
            if None in near or len(set(near)) < len(near):
                return False
    return True


def star(graph: Graph, colors: Any) -> bool:
    """Proper, and every path on four vertices has three colors; Definition 4.5 there."""
    if not proper(graph, colors):
        return False
    for b in graph:
        for c in graph[b]:
            for a in graph[b] - {c}:
                for d in graph[c] - {a, b}:
                    path = [colors[v] for v in (a, b, c, d)]
                    if None not in path and len(set(path)) < 3:
                        return False
    return True


def acyclic(graph: Graph, colors: Any) -> bool:
    """Proper, and every two colors induce a forest; Definition 5.2 there."""
    if not proper(graph, colors):
        return False
    used = {colors[v] for v in graph} - {None}
    for pair in combinations(sorted(used), 2):
        members = {v for v in graph if colors[v] in pair}
        edges = sum(len(graph[v] & members) for v in members) // 2
        left, trees = set(members), 0
        while left:
            trees += 1
            reached = [left.pop()]
            while reached:
                near = graph[reached.pop()] & left
                left -= near
                reached += near
        if edges != len(members) - trees:
            return False
    return True


def solvable(A: Any, columns: Any, rows: Any) -> bool:
    """Whether the entries follow from the products by substitution, one unknown at a time.

    Without `rows` the matrix is symmetric, and (i, j) and (j, i) are one unknown.
    """
    A = np.asarray(A, bool)
    sums: dict[Any, set[Any]] = {}
    unknown = set()
    for i, j in np.argwhere(A).tolist():
        entry = (i, j) if rows is not None else (min(i, j), max(i, j))
        unknown.add(entry)
        if columns[j] >= 0:
            sums.setdefault(("row", i, int(columns[j])), set()).add(entry)
        if rows is not None and rows[i] >= 0:
            sums.setdefault(("column", j, int(rows[i])), set()).add(entry)
    while unknown:
        found = {next(iter(rest)) for terms in sums.values() if len(rest := terms & unknown) == 1}
        if not found:
            return False
        unknown -= found
    return True
