"""Functions of NumPy and of the array-API standard made of others, for engines without a rule for them.

Those with the standard's names take the namespace `xp` to compute in, and then what the standard says:
an engine that has rules for ``sum`` and ``sqrt`` has ``vector_norm`` by them.
"""

from ..arrays.composed import along as slice_along
from ..arrays.composed import (
    axes_of,
    broadcast_arrays,
    matrix_norm,
    matrix_power,
    trapezoid,
    unstack,
    vector_norm,
)
from ..arrays.composed import squared as abs_squared
from ..arrays.subscripts import parse as parse_subscripts
from ..neutral.special import log_softmax, softmax

__all__ = [
    "abs_squared",
    "axes_of",
    "broadcast_arrays",
    "log_softmax",
    "matrix_norm",
    "matrix_power",
    "parse_subscripts",
    "slice_along",
    "softmax",
    "trapezoid",
    "unstack",
    "vector_norm",
]
