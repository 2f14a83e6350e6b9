"""Operators of Duals with Duals and numbers, without the way through NumPy's dispatch."""

from __future__ import annotations

from typing import Any

import numpy as np

from .dual import Dual
from .table import RULES, rule_name

UFUNCS: dict[str, Any] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "truediv": np.true_divide,
    "pow": np.power,
}


def _operator(symbol: str, ufunc: Any, swapped: bool) -> Any:
    general, name = getattr(Dual, symbol), rule_name(ufunc)

    def operator(self: Dual, other: Any) -> Any:
        kind = type(other)
        if kind is Dual or kind is float or kind is int:
            return RULES[name](name, ufunc, (other, self) if swapped else (self, other), {})
        return general(self, other)

    operator.__name__ = symbol
    return operator


for _symbol, _ufunc in UFUNCS.items():
    setattr(Dual, f"__{_symbol}__", _operator(f"__{_symbol}__", _ufunc, swapped=False))
    setattr(Dual, f"__r{_symbol}__", _operator(f"__r{_symbol}__", _ufunc, swapped=True))
