"""The array-API namespace over ``autograd.numpy``: the standard's names, autograd's derivatives.

`autograd.numpy` wraps every function of NumPy under its own name, but gives derivatives only to the
older names, and not always the right ones. Here each name of the standard leads to a function that has
them: autograd's own, or one of ours composed of those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

import autograd.numpy as anp
import autograd.numpy.fft as afft
import autograd.numpy.linalg as alinalg

from diffinterface.extend.arrays import ALIASES
from diffinterface.extend.functions import (
    broadcast_arrays,
    matrix_norm,
    matrix_power,
    unstack,
    vector_norm,
)

from . import boxes, creation, elementwise, factorizations, fft, linalg, reductions, shapes

_RENAMED = ALIASES | {"bitwise_left_shift": "left_shift", "bitwise_right_shift": "right_shift"}


class Namespace(SimpleNamespace):
    """Functions of ours, and under all other names those of a module of autograd's."""

    def __init__(self, base: Any, *own: Mapping[str, Callable[..., Any]]) -> None:
        super().__init__(**{name: function for part in own for name, function in part.items()})
        self._base = base

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._base, _RENAMED.get(name, name))

    def __repr__(self) -> str:
        return f"<array-API namespace over {self._base.__name__}>"


namespace = Namespace(
    anp,
    creation.FUNCTIONS,
    elementwise.FUNCTIONS,
    reductions.FUNCTIONS,
    shapes.FUNCTIONS,
    {"vecdot": linalg.FUNCTIONS["vecdot"]},
)
namespace.linalg = Namespace(alinalg, linalg.FUNCTIONS, factorizations.FUNCTIONS)
namespace.fft = Namespace(afft, fft.FUNCTIONS)
for _function in (broadcast_arrays, unstack):
    setattr(namespace, _function.__name__, partial(_function, namespace))
for _function in (matrix_norm, matrix_power, vector_norm):
    setattr(namespace.linalg, _function.__name__, partial(_function, namespace))
boxes.complete()
