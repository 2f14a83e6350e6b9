"""The complex step as the outer engine of a function that another engine differentiates."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffinterface.arrays import dtype_name
from diffinterface.bridge import Bridge, apply
from diffinterface.trees import Leaves

from .analytic import Analytic
from .backend import STEP


def host(bridge: Bridge, x: Leaves, contexts: Leaves) -> Leaves:
    """``f(x) + i J(x) h``: what f's analytic continuation is to first order in the step h."""
    real = tuple(np.real(_value(leaf)) for leaf in x)
    # The step is tiny: at its own scale the pushforward cannot underflow.
    scale = max(STEP[dtype_name(leaf)] for leaf in real)
    t = tuple(np.imag(_value(leaf)) / scale for leaf in x)
    y = apply(bridge, real, contexts)
    pushed = apply(bridge.pushforward, (*real, *t), contexts)
    level = next(leaf.level for leaf in x if isinstance(leaf, Analytic))
    return tuple(Analytic(_joined(a, scale * b), level) for a, b in zip(y, pushed, strict=True))


def _joined(real: Any, imaginary: Any) -> Any:
    value = real + 1j * imaginary
    return value if hasattr(value, "shape") else np.asarray(value)


def _value(leaf: Any) -> Any:
    return leaf.value if isinstance(leaf, Analytic) else leaf
