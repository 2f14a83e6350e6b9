"""Joining arrays, and taking them apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..results import fresh
from ..table import rule
from ..trace import Trace
from ..traced import is_traced
from .structural import move, moves

moves("vstack", "hstack", "dstack", "column_stack", "concatenate", "stack")


@rule("atleast_1d", "atleast_2d", "atleast_3d", "broadcast_arrays", "meshgrid")
def _each(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    args = tuple(arg if is_traced(arg) else np.asarray(arg) for arg in args)
    result = move(trace, name, function, args, options, data=tuple(range(len(args))))
    if name == "meshgrid":
        return type(result)(fresh(part.copy()) if is_traced(part) else part for part in result)
    return result


@rule("block")
def _block(trace: Trace, name: str, function: Any, args: Any, options: Any) -> Any:
    return move(trace, name, function, (_nested(args[0]),), options)


def _nested(parts: Any) -> Any:
    if isinstance(parts, list):
        return [_nested(part) for part in parts]
    return parts if is_traced(parts) else np.asarray(parts)
