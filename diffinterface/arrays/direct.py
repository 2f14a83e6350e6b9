"""The short way of arithmetic: operators of arrays of ours, straight to an engine's rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def direct_operators(kind: Any, rules: dict[str, Callable[..., Any]]) -> None:
    """Operators of arrays of `kind` with each other and with numbers, without the way through NumPy."""
    for symbol, ufunc in _OPERATORS.items():
        for name, swapped in ((f"__{symbol}__", False), (f"__r{symbol}__", True)):
            setattr(kind, name, _operator(kind, rules, getattr(kind, name), ufunc, swapped))


_OPERATORS: dict[str, Any] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "truediv": np.divide,
    "pow": np.power,
}


def _operator(kind: Any, rules: Any, general: Any, ufunc: Any, swapped: bool) -> Any:
    name = ufunc.__name__

    def operator(self: Any, other: Any) -> Any:
        other_kind = type(other)
        if other_kind is kind or other_kind is float or other_kind is int:
            return rules[name](name, ufunc, (other, self) if swapped else (self, other), {})
        return general(self, other)

    operator.__name__ = general.__name__
    return operator
