"""Operators made of what an engine has: transforms of pure functions, or rows and columns.

An engine that differentiates pure functions ``g(x) -> (y, aux)`` (`Pure`) subclasses `Transforms` and
gives `Push` and `Pull`; every operator follows. One that overrides single operators of `Backend` takes
the parts: `gradient_forward`, `pulled_rows` and `pulled_blocks` for Jacobians by rows, `unit_cotangent`
for the seed of a gradient. The others arrange blocks of Jacobians. `AuxCarrier` takes an auxiliary
output through a trace that lets only arrays pass.
"""

from ..arrays.assembly import in_precision as cast_block
from ..arrays.assembly import move_first as move_first_axis
from ..arrays.assembly import permuted as permute_axes
from ..arrays.assembly import rows_from_rows
from ..engine.auxiliary import Carrier as AuxCarrier
from ..engine.derived import gradient_forward
from ..engine.transforms import (
    Pull,
    Pure,
    Push,
    Transforms,
    complex_gradient_error,
    pulled_blocks,
    pulled_rows,
)
from ..engine.transforms import one as unit_cotangent

__all__ = [
    "AuxCarrier",
    "Pull",
    "Pure",
    "Push",
    "Transforms",
    "cast_block",
    "complex_gradient_error",
    "gradient_forward",
    "move_first_axis",
    "permute_axes",
    "pulled_blocks",
    "pulled_rows",
    "rows_from_rows",
    "unit_cotangent",
]
