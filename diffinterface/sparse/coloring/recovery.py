"""How entries follow from products: found from the colors alone, and checked on the way."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import InputError
from .colors import count, joined
from .decompression import Direct, Recovery, Substitution
from .graphs import Adjacency, Pattern
from .kernels.distance2 import gather_colors
from .kernels.peel import peel
from .problem import ColoringProblem, Decompression
from .typing import Int32s


def recovery(
    pattern: Pattern,
    problem: ColoringProblem,
    decompression: Decompression,
    column_colors: Int32s | None,
    row_colors: Int32s | None,
) -> Recovery:
    """How to decompress products taken with these colors.

    Nothing is taken on trust: whichever algorithm the colors are from, an entry that they do not
    determine is an error here, not a wrong number later.

    Raises
    ------
    InputError
        If the colors do not determine every entry; `entry` names one that is lost.
    """
    if problem.structure == "symmetric" or problem.partition == "bidirectional":
        assert column_colors is not None
        return _peeled(pattern, problem, decompression, column_colors, row_colors)
    both = pattern.bipartite
    if column_colors is not None:
        gather, lost = gather_colors(*both.straight()[:2], column_colors, count(column_colors))
    else:
        assert row_colors is not None
        by_column, lost = gather_colors(*both.turned()[:2], row_colors, count(row_colors))
        lost = lost if lost < 0 else int(both.positions[lost])
        gather = np.empty_like(by_column)
        gather[both.positions] = by_column
    if lost >= 0:
        raise _lost(problem, decompression, *_entry(pattern.csr, lost))
    return Direct(gather)


def _peeled(
    known: Pattern,
    problem: ColoringProblem,
    decompression: Decompression,
    column_colors: Int32s,
    row_colors: Int32s | None,
) -> Recovery:
    pattern, (m, n), k = known.csr, known.csr.shape, count(column_colors)
    if row_colors is None:
        graph, colors = known.symmetric, column_colors
    else:
        graph, colors = known.augmented, joined(column_colors, row_colors)
    solved, readers, shades, minus_pointers, minus, levels, found = peel(
        graph.arrays, graph.num_edges, colors, count(colors)
    )
    direct = len(levels) <= 2
    if found < graph.num_edges or (decompression == "direct" and not direct):
        good = np.zeros(graph.num_edges, bool)
        good[solved if decompression == "substitution" else solved[: levels[1:2].sum()]] = True
        edge = int(good.argmin())
        place = int(np.flatnonzero(_edges_of(graph, pattern) == edge)[0])
        raise _lost(problem, decompression, *_entry(pattern, place))
    # Products with the matrix have m entries each; then those with its transpose, n each.
    gather = shades.astype(np.int64) * m + readers
    if row_colors is not None:
        by_column = readers >= n
        by_row = k * m + (shades.astype(np.int64) - k) * n + readers
        gather = np.where(by_column, gather - n, by_row)
    rank = np.empty(graph.num_edges, np.int64)
    rank[solved] = np.arange(found)
    entries = rank[_edges_of(graph, pattern)]
    if direct:
        return Direct(gather[entries])
    return Substitution(gather, minus_pointers, minus, levels, entries)


def _edges_of(graph: Adjacency, pattern: Any) -> Int32s:
    """The edge of each entry; of the augmented graph only the second half, by rows, counts."""
    return graph.edges[len(graph.edges) - len(pattern.indices) :]


def _entry(pattern: Any, place: int) -> tuple[int, int]:
    row = int(np.searchsorted(pattern.indptr, place, side="right")) - 1
    return row, int(pattern.indices[place])


def _lost(problem: ColoringProblem, decompression: Decompression, i: int, j: int) -> InputError:
    kind = problem.partition if problem.structure == "nonsymmetric" else "symmetric"
    company = "alone" if decompression == "direct" else "alone or with known entries only"
    return InputError(
        f"These colors do not determine entry ({i}, {j}) of the matrix: no product of the {kind} "
        f"coloring holds it {company}. Write algorithm=GreedyColoring() for colors that fit the "
        "pattern.",
        entry=(i, j),
    )
