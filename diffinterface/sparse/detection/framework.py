"""Tracers, as the core meets them."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffinterface.arrays.framework import Framework, register_framework

from .results import constant
from .tracer import Tracer


class TracerFramework(Framework):
    """Tracers: the core computes with them natively, and never copies them into plain arrays."""

    name = "sparsity detection"
    wraps = True

    def to_numpy(self, x: Any) -> Any:
        x._convert("a conversion to another framework's array")
        return np.array(x.value)

    def from_numpy(self, a: Any, like: Any) -> Any:
        return a

    def namespace(self, x: Any) -> Any:
        return x.__array_namespace__()

    def scratch(self, buffer: Any, like: Any) -> Any:
        result = np.zeros_like(like, shape=np.shape(buffer))
        result[...] = buffer
        return result

    def stop_gradient(self, x: Any) -> Any:
        return constant(x.trace, x.value)


framework = TracerFramework()
# The class lives in the core, beside which no entry point is needed.
register_framework(Tracer, framework)
