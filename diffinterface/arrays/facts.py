"""What an array is, without its framework: shape, dtype, size."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import numpy as np

#: An array of any framework: each has its own class, and the array-API standard names no base.
Array = Any
T = TypeVar("T")


#: The classes of Python numbers, which go for arrays without a shape.
NUMBERS = (float, complex, int)


def dtype_of(x: Array) -> Any:
    """The dtype of an array or number, as its framework has it."""
    dtype = getattr(x, "dtype", None)
    return np.asarray(x).dtype if dtype is None else dtype


def _of_dtype(fact: Callable[[Any], T]) -> Callable[[Array], T]:
    """What a dtype tells, remembered, as what an array or number tells."""
    # By class: a dtype of one library may have the hash of another's, and warn of being compared.
    remembered: dict[type, dict[Any, T]] = {}

    @wraps(fact)
    def of(x: Array) -> T:
        dtype = getattr(x, "dtype", None)
        if dtype is None:
            dtype = np.asarray(x).dtype
        try:
            return remembered[type(dtype)][dtype]
        except KeyError:
            told = fact(dtype)
            of_class = remembered.setdefault(type(dtype), {})
            if len(of_class) < _MOST:
                of_class[dtype] = told
            return told

    return of


_MOST = 256  # of the dtypes of a class: those of structured arrays have no end


def _name(dtype: Any) -> str:
    return getattr(dtype, "name", None) or str(dtype).rpartition(".")[2]


@_of_dtype
def dtype_name(x: Any) -> str:
    """The dtype of an array or number by its standard name: "float64", "int32", "complex128"."""
    return _name(x)


@_of_dtype
def is_inexact(x: Any) -> bool:
    """Whether `x` has a real or complex floating dtype, the ones that can be differentiated."""
    return _name(x).startswith(("float", "complex", "bfloat"))


@_of_dtype
def is_complex(x: Any) -> bool:
    """Whether `x` has a complex dtype."""
    return _name(x).startswith("complex")


def shape_of(x: Array) -> tuple[int, ...]:
    """The shape of an array or number, as a tuple of ints."""
    return tuple(getattr(x, "shape", ()))


def size_of(x: Array) -> int:
    """The number of entries of an array or number."""
    size = 1
    for extent in shape_of(x):
        size *= extent
    return size
