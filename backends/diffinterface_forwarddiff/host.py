"""Dual numbers as the outer engine of a function that another engine differentiates."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffinterface.extend import Leaves
from diffinterface.extend.bridges import Bridge, cross

from .dual import Dual
from .levels import duals, primal, tangent, top
from .values import back, front


def host(bridge: Bridge, x: Leaves, contexts: Leaves) -> Leaves:
    """The outputs of a bridge at Duals: all tangents in one batched pushforward."""
    level = top(x)
    k = next(d.width for d in duals(x) if d.level == level)
    values = tuple(primal(leaf, level) for leaf in x)
    tangents = tuple(front(tangent(leaf, level, k)) for leaf in x)
    n = len(x)
    push = bridge.pushforward.batched([False] * n + [True] * n, [False] * len(contexts))
    pushed = cross(push, (*values, *tangents), contexts)
    return tuple(
        Dual(_scalar(y), back(t), level)
        for y, t in zip(cross(bridge, values, contexts), pushed, strict=True)
    )


def _scalar(y: Any) -> Any:
    return y[()] if isinstance(y, np.ndarray) and y.ndim == 0 else y
