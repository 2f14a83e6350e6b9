"""The complex step as the outer engine of a function that another engine differentiates."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffinterface.extend import Array, Leaves, array_namespace, dtype_name
from diffinterface.extend.arrays import innermost
from diffinterface.extend.bridges import Bridge, cross

from .analytic import Analytic
from .backend import STEP


def host(bridge: Bridge, x: Leaves, contexts: Leaves) -> Leaves:
    """``f(x) + i J(x) h``: what f's analytic continuation is to first order in the step h."""
    level = innermost(x).level  # type: ignore[union-attr]
    parts = [_parts(leaf, level) for leaf in x]
    # The step is tiny: at its own scale the pushforward cannot underflow.
    scale = max(STEP[dtype_name(real)] for real, _ in parts)
    real, t = tuple(a for a, _ in parts), tuple(b / scale for _, b in parts)
    y = cross(bridge, real, contexts)
    pushed = cross(bridge.pushforward, (*real, *t), contexts)
    return tuple(Analytic(_joined(a, scale * b), level) for a, b in zip(y, pushed, strict=True))


def _parts(leaf: Array, level: int) -> tuple[Array, Array]:
    """The point, and the step away from it; an outer engine may be tracing both."""
    if isinstance(leaf, Analytic) and leaf.level == level:
        xp = array_namespace(leaf.value)
        return xp.real(leaf.value), xp.imag(leaf.value)
    xp = array_namespace(leaf)
    return leaf, xp.zeros_like(leaf)


def _joined(real: Any, imaginary: Any) -> Any:
    value = real + 1j * imaginary
    return value if hasattr(value, "shape") else np.asarray(value)
