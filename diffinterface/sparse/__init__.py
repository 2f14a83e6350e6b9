"""Sparse derivatives: detection of patterns, coloring, and what `AutoSparse` gives.

The backend itself is chosen by `diffinterface.AutoSparse`; here are its parts: detectors, colorings,
plans that can be saved, and the matrix that an outer engine differentiates through.
"""

from ..arrays.sparse_matrix import Layout, SparseMatrix
from .coloring import (
    ColoringProblem,
    ColoringResult,
    ConstantColoring,
    GreedyColoring,
    OptimalColoring,
    color,
)
from .detection import (
    DenseDetector,
    DetectionError,
    Detector,
    JaxprDetector,
    KnownPattern,
    TracerDetector,
    UnknownFunctionError,
    ValueDependenceError,
)
from .plan import SparsePlan, load_plan
from .verify import PatternError

__all__ = [
    "ColoringProblem",
    "ColoringResult",
    "ConstantColoring",
    "DenseDetector",
    "DetectionError",
    "Detector",
    "GreedyColoring",
    "JaxprDetector",
    "KnownPattern",
    "Layout",
    "OptimalColoring",
    "PatternError",
    "SparseMatrix",
    "SparsePlan",
    "TracerDetector",
    "UnknownFunctionError",
    "ValueDependenceError",
    "color",
    "load_plan",
]
