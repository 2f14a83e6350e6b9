"""Colorings with the fewest colors, by exhaustive search."""

from __future__ import annotations

import numpy as np

from ...errors import InputError
from .colors import count
from .graphs import Pattern
from .greedy import bidirectional, bound, one_sided, symmetric, vertex_order
from .kernels.search import search
from .problem import ColoringProblem, GreedyColoring, OptimalColoring
from .typing import Int32s

Colors = tuple[Int32s | None, Int32s | None]


def optimal(pattern: Pattern, problem: ColoringProblem, algorithm: OptimalColoring) -> Colors:
    """Columns' and rows' colors, as few as determine the matrix.

    The numbers between a bound from below and what the greedy algorithms reach are tried upwards.

    Raises
    ------
    InputError
        If `max_steps` does not suffice; `steps` and `at_least` say how far the search came.
    """
    greedy = GreedyColoring(
        order=("natural", "largest_first", "smallest_last", "saturation"),
        postprocess=True,
        decompression=algorithm.decompression,
    )
    m, n = pattern.csr.shape
    best: Colors
    if problem.structure == "symmetric":
        graph = pattern.symmetric
        best = symmetric(graph, greedy), None
        sides, fixed = np.zeros(n, np.int32), np.zeros(n, bool)
    else:
        both, graph = pattern.bipartite, pattern.augmented
        sides = np.repeat(np.array([0, 1], np.int32), [n, m])
        fixed = np.zeros(m + n, bool)
        if problem.partition == "bidirectional":
            best = bidirectional(both, greedy)
        elif problem.partition == "column":
            best, fixed[n:] = (one_sided(both.turned(), greedy), None), True
        else:
            best, fixed[:n] = (None, one_sided(both.straight(), greedy)), True
    fewest = sum(map(count, best))
    fixed |= np.diff(graph.pointers) == 0
    # Neighbors of the vertices colored so far come next: that is where a branch fails early.
    pair = graph.pointers, graph.indices
    order = vertex_order((*pair, *pair), "incidence_degree", two_steps=True, seed=0)
    task = *pair, order[~fixed[order]], sides, fixed
    neutral = problem.structure == "symmetric" or problem.partition == "bidirectional"
    substitution = algorithm.decompression == "substitution"
    steps = 0
    for limit in range(bound(pattern.csr, problem), fewest):
        left = algorithm.max_steps - steps
        colors, found, taken = search(*task, neutral, limit, substitution, left)
        steps += taken
        if found:
            return (
                None if best[0] is None else colors[:n],
                None if best[1] is None else colors[n:],
            )
        if steps == algorithm.max_steps:
            raise InputError(
                f"OptimalColoring gave up after {steps} steps: between {limit} and {fewest} colors "
                f"are needed for this {m} x {n} pattern. Write GreedyColoring(), or a larger "
                "max_steps.",
                steps=steps,
                at_least=limit,
                at_most=fewest,
            )
    return best
