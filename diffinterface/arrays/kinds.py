"""Shapes and dtypes: what is known of a primitive's outputs before it is evaluated."""

from __future__ import annotations

from typing import Any

import numpy as np

from .facts import Array, dtype_name, is_inexact, shape_of
from .trees import Leaves

#: The shape of an array, and the name of its dtype.
Kind = tuple[tuple[int, ...], str]
#: Those of several arrays.
Kinds = tuple[Kind, ...]
Flags = tuple[bool, ...]  # of each leaf, whether it has a leading axis of a batch


def kind_of(leaf: Array) -> Kind:
    """Shape and dtype name."""
    return shape_of(leaf), dtype_name(leaf)


def kinds_of(leaves: Leaves) -> Kinds:
    """The kind of each leaf."""
    return tuple(map(kind_of, leaves))


def batch_of(kinds: Kinds, flags: Flags) -> int:
    """The length of the batch."""
    return next(shape[0] for (shape, _), has in zip(kinds, flags, strict=True) if has)


def of_one(kinds: Kinds, flags: Flags) -> Kinds:
    """Of one sample."""
    return tuple(
        (shape[1:], dtype) if has else (shape, dtype)
        for (shape, dtype), has in zip(kinds, flags, strict=True)
    )


def example(kind: Kind) -> Any:
    """Values of no special form, for a function that is asked for its shapes."""
    shape, dtype = kind
    values = (
        np.zeros(shape)
        if not is_inexact(np.empty(0, dtype))
        else 0.5 + 0.01 * np.arange(np.prod(shape, dtype=int)).reshape(shape)
    )
    return values.astype(dtype)
