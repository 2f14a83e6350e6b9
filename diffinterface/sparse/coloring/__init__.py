"""Coloring of sparse matrices: few products that determine all entries.

A `ColoringProblem` says which products there are, an algorithm (`GreedyColoring`, `OptimalColoring`,
`ConstantColoring`) how to group columns or rows into them, and the `ColoringResult` of `color` takes
products apart. The three types are those of SparseMatrixColorings.jl. Needs numba and SciPy (extra
``sparse``), and imports them only when something is colored.
"""

from __future__ import annotations

from .api import color, from_arrays
from .decompression import Direct, Substitution
from .problem import ColoringProblem, ConstantColoring, GreedyColoring, OptimalColoring
from .result import ColoringResult

__all__ = [
    "ColoringProblem",
    "ColoringResult",
    "ConstantColoring",
    "Direct",
    "GreedyColoring",
    "OptimalColoring",
    "Substitution",
    "color",
    "from_arrays",
]
