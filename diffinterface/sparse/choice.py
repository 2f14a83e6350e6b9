"""Which coloring a plan takes: of columns or of rows, and the vertices in which order."""

from __future__ import annotations

from typing import Any

from ..engine.contract import AbstractBackend
from .coloring import ColoringProblem, ColoringResult, ConstantColoring, GreedyColoring, color


def cheapest(
    pattern: Any, problems: list[ColoringProblem], algorithm: Any, dense: AbstractBackend
) -> ColoringResult:
    """The coloring whose products cost the engine least.

    Parameters
    ----------
    pattern : scipy.sparse.csr_array
        What to color.
    problems : list of ColoringProblem
        The kinds of products that the engine has; of those that cost the same the first is taken.
    algorithm : GreedyColoring, OptimalColoring, ConstantColoring or None
        How. None takes the better of two orders: largest first, which is fast, chooses the problem, and
        saturation, which takes several times as long, is tried for that one alone.
    dense : AbstractBackend
        The engine.
    """
    if isinstance(algorithm, ConstantColoring):
        problems = [p for p in problems if p.partition == algorithm.partition] or problems
    first = GreedyColoring("largest_first") if algorithm is None else algorithm
    best = min((color(pattern, p, first) for p in problems), key=lambda found: _cost(found, dense))
    if algorithm is not None:
        return best
    from .coloring.greedy import bound  # compiles: only where something is colored

    if best.num_colors == bound(pattern, best.problem):
        return best
    other = color(pattern, best.problem, GreedyColoring("saturation"))
    return min(best, other, key=lambda found: found.num_colors)


def _cost(found: ColoringResult, dense: AbstractBackend) -> float:
    """In numbers of products' entries.

    A column costs what a row does: what `modes` adds for columns of dense Jacobians is for turning them.
    """
    overhead = dense.costs.overhead if found.num_column_colors else 0.0
    return overhead + found.num_colors * sum(found.pattern.shape)
