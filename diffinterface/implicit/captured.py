"""What a function captured that an engine follows: refused, because its derivative would be lost."""

from __future__ import annotations

import numpy as np

from ..arrays.framework import NUMPY, Framework, framework_of
from ..arrays.trees import Leaves
from ..engine.capture import Captured, leaves_by
from ..engine.contract import AbstractBackend
from ..errors import NestedDifferentiationError

_ZERO = np.zeros((), np.float32)


def refuse_captured(captured: Captured, engine: AbstractBackend, what: str) -> None:
    """Raise `NestedDifferentiationError` where variables that f refers to hold traced arrays.

    Functions in its closure are searched too; attributes of objects are not.
    """
    captured.renew()
    found = captured.traced(leaves_by(engine.flatten))
    if found is not None:
        refuse_traced((found[1],), what)


def refuse_traced(leaves: Leaves, what: str) -> None:
    """Raise where a function of plain arrays gave traced ones: it captured what an engine follows."""
    for leaf in leaves:
        framework = framework_of(leaf) or NUMPY
        if framework.is_traced(leaf):
            raise NestedDifferentiationError(
                f"{what} captured a value that {framework.name} is differentiating or compiling, and "
                "whose derivative would be lost; pass it as an argument.",
                outer=framework.name,
            )


def recording(engine: AbstractBackend) -> Framework | None:
    """The engine's framework, if it records even what is done to constants, as inside ``jax.jit``."""
    native = engine.framework
    if native is None or not native.is_traced(native.from_numpy(_ZERO, None) + 0):
        return None
    return native
