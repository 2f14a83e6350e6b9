"""Calls of the functions that have no derivative: what they return is the same for duals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Call = Callable[[Any, Any], Any]


def _alone(name: str) -> Call:
    return lambda xp, x: getattr(xp, name)(x)


def _beside(name: str, other: Any) -> Call:
    return lambda xp, x: getattr(xp, name)(x, other)


CONSTANT: dict[str, Call] = {
    **{
        name: _alone(name)
        for name in (
            *("isnan", "isinf", "isfinite", "signbit", "sign", "floor", "ceil", "rint", "trunc"),
            *("round", "logical_not", "any", "shape", "size", "ndim", "iscomplexobj", "isrealobj"),
            *("argmax", "argsort", "nonzero", "count_nonzero", "iscomplex", "isreal", "lexsort"),
            *("flatnonzero", "argwhere", "fix", "result_type", "min_scalar_type"),
        )
    },
    **{
        name: _beside(name, 0.3)
        for name in (
            *("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"),
            *("floor_divide", "logical_and", "logical_or", "logical_xor", "isclose", "allclose"),
            "array_equal",
        )
    },
    "all": lambda xp, x: xp.all(x, axis=1, keepdims=True),
    "argmin": lambda xp, x: xp.argmin(x, axis=0, keepdims=True),
    "argpartition": lambda xp, x: xp.argpartition(x, 1, axis=1),
    "searchsorted": lambda xp, x: xp.searchsorted(np.array([-1.0, 0.0, 1.0]), x),
    "digitize": lambda xp, x: xp.digitize(x, [-1.0, 0.0, 1.0]),
    "linalg.matrix_rank": lambda xp, x: xp.linalg.matrix_rank(x),
    "can_cast": lambda xp, x: xp.can_cast(x, np.complex128),
    "logical_and.reduce": lambda xp, x: np.logical_and.reduce(x),
    "logical_or.reduce": lambda xp, x: np.logical_or.reduce(x, axis=1),
    "shares_memory": lambda xp, x: (xp.shares_memory(x, x[1:]), xp.shares_memory(x[0], x[1])),
    "may_share_memory": lambda xp, x: xp.may_share_memory(x, x + 1),
}
# Functions of dtypes: no dual ever reaches their rules.
UNREACHABLE = {"isdtype", "finfo", "iinfo"}
