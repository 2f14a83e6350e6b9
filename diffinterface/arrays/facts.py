"""What an array is, without its framework: shape, dtype, size."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

Array = Any  # every framework has its own class; the array API standard names no base


NUMBERS = (float, complex, int)


def dtype_name(x: Array) -> str:
    """The dtype of an array or number by its standard name: "float64", "int32", "complex128"."""
    dtype = getattr(x, "dtype", None)
    return _dtype_name(np.asarray(x).dtype if dtype is None else dtype)


@lru_cache(maxsize=256)
def _dtype_name(dtype: Any) -> str:
    return getattr(dtype, "name", None) or str(dtype).rpartition(".")[2]


def is_inexact(x: Array) -> bool:
    """Whether `x` has a real or complex floating dtype, the ones that can be differentiated."""
    return dtype_name(x).startswith(("float", "complex", "bfloat"))


def is_complex(x: Array) -> bool:
    """Whether `x` has a complex dtype."""
    return dtype_name(x).startswith("complex")


def shape_of(x: Array) -> tuple[int, ...]:
    """The shape of an array or number, as a tuple of ints."""
    return tuple(getattr(x, "shape", ()))


def size_of(x: Array) -> int:
    """The number of entries of an array or number."""
    size = 1
    for extent in shape_of(x):
        size *= extent
    return size
