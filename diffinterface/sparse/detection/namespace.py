"""The array-API namespace over tracers, and tracers as the core meets them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import array_api_compat.numpy
import numpy as np

from diffinterface.arrays.framework import Framework, register_framework

from .errors import conversion
from .results import constant
from .table import call
from .traced import tracers
from .tracer import Tracer


class Namespace:
    """NumPy's array-API namespace, whose functions take tracers too."""

    def __init__(self, base: Any, prefix: str = "") -> None:
        self._base, self._prefix = base, prefix

    def __repr__(self) -> str:
        return f"<{self._base.__name__} with sparsity tracers>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = getattr(self._base, name)
        if name in ("linalg", "fft") and not self._prefix:
            return Namespace(found, f"{name}.")
        if not callable(found) or isinstance(found, type):
            return found
        return _dispatching(self._prefix + name, found)

    @property
    def __name__(self) -> str:
        return str(self._base.__name__)


def _dispatching(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    own = _numpys(name)

    def dispatch(*args: Any, **options: Any) -> Any:
        if not tracers((args, tuple(options.values()))):
            return function(*args, **options)
        # NumPy's own function where it has all the options: what is wrapped asks for plain arrays.
        return call(
            name, function if own is None or "descending" in options else own, args, options
        )

    dispatch.__name__ = name.rpartition(".")[2]
    return dispatch


def _numpys(name: str) -> Any:
    module, _, leaf = name.rpartition(".")
    return getattr(getattr(np, module) if module else np, leaf, None)


namespace = Namespace(array_api_compat.numpy)


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
        return namespace

    def scratch(self, buffer: Any, like: Any) -> Any:
        result = np.zeros_like(like, shape=np.shape(buffer))
        result[...] = buffer
        return result

    def stop_gradient(self, x: Any) -> Any:
        return constant(x.trace, x.value)


framework = TracerFramework()
# The class lives in the core, beside which no entry point is needed.
register_framework(Tracer, framework)

__all__ = ["conversion", "framework", "namespace"]
