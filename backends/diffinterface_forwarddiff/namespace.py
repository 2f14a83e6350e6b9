"""The array-API namespace over Duals: a base namespace whose functions take Duals too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .levels import holds
from .table import call


class Namespace:
    """`base`, with Duals.

    NumPy needs none: its own functions dispatch to Duals. This one serves Duals over the arrays of
    frameworks whose functions do not.
    """

    def __init__(self, base: Any, prefix: str = "") -> None:
        self._base, self._prefix = base, prefix

    def __repr__(self) -> str:
        return f"<{getattr(self._base, '__name__', self._base)} with dual numbers>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Namespace) and other._base is self._base

    def __hash__(self) -> int:
        return hash(id(self._base))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in ("linalg", "fft") and not self._prefix:
            return Namespace(getattr(self._base, name), f"{name}.")
        found = getattr(self._base, name, None)
        if found is not None and (not callable(found) or _is_dtype(found)):
            return found
        return _dispatching(self._prefix + name, found)


def _is_dtype(found: Any) -> bool:
    """Whether a name in a namespace is a dtype, or another class; JAX's dtypes are no classes."""
    return isinstance(found, type) or hasattr(found, "dtype")


def _dispatching(name: str, function: Callable[..., Any] | None) -> Callable[..., Any]:
    def dispatch(*args: Any, **options: Any) -> Any:
        if holds(args, tuple(options.values())):
            return call(name, None, args, options)
        if function is None:
            raise AttributeError(name)
        return function(*args, **options)

    dispatch.__name__ = name.rpartition(".")[2]
    return dispatch
