"""The array-API namespace over `Analytic` arrays: a base namespace, less what is not analytic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import functions
from .analytic import Analytic, refuse, unwrap, wrap


class Namespace:
    """The namespace `base`, whose functions take `Analytic` arrays too."""

    def __init__(self, base: Any, level: int, prefix: str = "") -> None:
        self._base, self._level, self._prefix = base, level, prefix

    def __repr__(self) -> str:
        return f"<analytic functions of {getattr(self._base, '__name__', self._base)}>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = getattr(self._base, name)
        if name in ("linalg", "fft") and not self._prefix:  # fft.fft is a function
            return Namespace(found, self._level, f"{name}.")
        if not callable(found) or isinstance(found, type) or hasattr(found, "dtype"):
            return found
        return _guarded(self._prefix + name, found)

    def asarray(self, value: Any, /, *, dtype: Any = None, **options: Any) -> Any:
        """The array itself, or a stack of the numbers in nested lists."""
        if isinstance(value, Analytic):
            return value if dtype is None else value.astype(dtype)
        if isinstance(value, tuple | list) and any(_holds(part) for part in value):
            return self.stack([self.asarray(part) for part in value])
        return self._base.asarray(value, dtype=dtype, **options)

    def astype(self, x: Any, dtype: Any, /, **options: Any) -> Any:
        """`x` in another dtype."""
        return (
            x.astype(dtype) if isinstance(x, Analytic) else self._base.astype(x, dtype, **options)
        )

    def stack(self, arrays: Any, /, *, axis: int = 0) -> Any:
        """`arrays`, numbers among them, along a new axis."""
        if any(isinstance(a, complex) or "complex" in str(getattr(a, "dtype", "")) for a in arrays):
            raise refuse("stack with a complex number")
        plain = [self._base.asarray(unwrap(a, self._level)) for a in arrays]
        wide = next((a.dtype for a in plain if "complex" in str(a.dtype)), None)
        same = plain if wide is None else [self._base.astype(a, wide) for a in plain]
        return wrap(self._base.stack(same, axis=axis), self._level)


def _holds(tree: Any) -> bool:
    return isinstance(tree, Analytic) or (isinstance(tree, tuple | list) and any(map(_holds, tree)))


def _guarded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **options: Any) -> Any:
        if not any(_holds(arg) for arg in (*args, *options.values())):
            return function(*args, **options)
        if name not in functions.ANALYTIC:
            raise refuse(name)
        return functions.call(name, function, args, options)

    call.__name__ = name
    return call
