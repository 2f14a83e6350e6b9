"""Results written into the caller's own arrays: ``out=`` and ``accumulate=`` of the operators."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.facts import shape_of
from ..arrays.trees import flatten
from ..errors import InputError, ShapeError
from .signature import flatten_any


def write(out: Any, result: Any, accumulate: bool = False) -> Any:
    """`result` copied into the NumPy arrays, or ``csr_array``s, of `out`, or added; returns `out`.

    Raises
    ------
    InputError
        If `out` or the result holds something else than NumPy arrays, or a cast would lose precision.
    ShapeError
        If structures or shapes differ.
    """
    (into, structure), (leaves, expected) = flatten_any(out, flatten), flatten_any(result, flatten)
    if not (structure is expected or structure == expected):
        raise ShapeError(
            f"out has structure {structure}, expected {expected}.", got=structure, expected=expected
        )
    pairs = [_entries(target, leaf) for target, leaf in zip(into, leaves, strict=True)]
    for target, leaf in pairs:
        if not isinstance(target, np.ndarray) or not isinstance(leaf, np.ndarray | np.generic):
            raise InputError(
                f"out= takes NumPy arrays for NumPy results, got {type(target).__qualname__} for "
                f"{type(leaf).__qualname__}.",
                got=target,
            )
        if target.shape != shape_of(leaf):
            raise ShapeError(
                f"out has shape {target.shape}, expected {shape_of(leaf)}.",
                got=target.shape,
                expected=shape_of(leaf),
            )
        if not np.can_cast(leaf.dtype, target.dtype, "safe") or not target.flags.writeable:
            raise InputError(
                f"out of dtype {target.dtype} (writeable: {target.flags.writeable}) cannot take a "
                f"result of {leaf.dtype} without loss.",
                got=target.dtype,
                expected=leaf.dtype,
            )
    for target, leaf in pairs:
        if accumulate:
            np.add(target, leaf, out=target)
        else:
            np.copyto(target, leaf)
    return out


def _entries(target: Any, leaf: Any) -> tuple[Any, Any]:
    """Where to write what: a sparse matrix is written into one of its structure, entry by entry."""
    if getattr(leaf, "format", None) != "csr":
        return target, leaf
    same = (
        type(target) is type(leaf)
        and target.shape == leaf.shape
        and np.array_equal(target.indptr, leaf.indptr)
        and np.array_equal(target.indices, leaf.indices)
    )
    if not same:
        raise InputError(
            f"out= takes a csr_array with the pattern of the result ({leaf.shape[0]} x "
            f"{leaf.shape[1]}, {leaf.nnz} entries), got {type(target).__qualname__}; write into an "
            "earlier result.",
            got=target,
        )
    return target.data, leaf.data
