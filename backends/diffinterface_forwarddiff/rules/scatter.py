"""Sums into entries that an index names, once or more often."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..adaptors import by_slices
from ..dual import Dual, trailing
from ..errors import DualConversionError, MissingRuleError
from ..levels import level_of, value_at
from ..table import RULES
from ..values import namespace_of


def _at(sign: int) -> Any:
    """``np.add.at(x, index, v)``: into the tangents of x too."""

    def rule(name: str, function: Any, args: Any, options: Any) -> Any:
        x, index, values = args
        if not isinstance(x, Dual):
            raise DualConversionError(f"np.{name}, an assignment into a plain array")
        if namespace_of(x) is not np:
            raise MissingRuleError(name, "has a derivative rule for NumPy's arrays only")
        if level_of(values) > x.level:
            raise DualConversionError(
                f"np.{name}, an assignment into an array of an outer derivative"
            )
        add = np.add if sign == 1 else np.subtract
        add.at(x.value, index, value_at(values, x.level))
        if level_of(values) == x.level:
            add.at(x.tangent, trailing(index), values.tangent)
        return None

    return rule


RULES["add.at"], RULES["subtract.at"] = _at(1), _at(-1)


def _bincount(name: str, function: Any, args: Any, options: Any) -> Any:
    options = dict(zip(("x", "weights", "minlength"), args, strict=False)) | options
    index, weights = options.pop("x"), options.pop("weights", None)
    if not isinstance(weights, Dual) or isinstance(index, Dual) or namespace_of(weights) is not np:
        raise MissingRuleError(name, "has a derivative rule for the weights only, arrays of NumPy")

    def counted(w: Any) -> Any:
        return np.bincount(index, w, **options)

    y = counted(weights.value)
    return Dual(y, by_slices(np, counted, weights.tangent), weights.level)


RULES["bincount"] = _bincount
