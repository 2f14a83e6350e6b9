"""Results written into the caller's own arrays: ``out=`` and ``accumulate=`` of every call."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.facts import dtype_name, shape_of
from ..arrays.framework import NUMPY, Framework, framework_of
from ..arrays.trees import flatten
from ..errors import InputError, ShapeError
from .request import Request
from .signature import flatten_any


def check(out: Any) -> None:
    """Refuse to add to nothing, before anything is computed."""
    if out is None:
        raise InputError(
            "accumulate=True adds to what out= holds, and there is no out=; pass "
            "out=zeros_like_tree(x).",
            got=None,
        )


def into(request: Request, valued: bool, result: Any, out: Any, accumulate: bool = False) -> Any:
    """What a call gave, its derivative written into `out`."""
    if not (valued or request.has_aux):
        return write(out, result, accumulate)
    at = len(result) - 1 - request.has_aux
    return *result[:at], write(out, result[at], accumulate), *result[at + 1 :]


def write(out: Any, result: Any, accumulate: bool = False) -> Any:
    """`result` copied into the arrays, or ``csr_array``s, of `out`, or added; returns `out`.

    Arrays of JAX cannot be written into: a tree like `out` is returned that holds the new ones.

    Raises
    ------
    InputError
        If an array of `out` is of another framework than the result's, cannot be written into, or
        would lose precision.
    ShapeError
        If structures or shapes differ.
    """
    (into, structure), (leaves, expected) = flatten_any(out, flatten), flatten_any(result, flatten)
    if not (structure is expected or structure == expected):
        raise ShapeError(
            f"out has structure {structure}, expected {expected}.", got=structure, expected=expected
        )
    pairs = [_entries(target, leaf) for target, leaf in zip(into, leaves, strict=True)]
    owners = [_owner(target, leaf) for target, leaf in pairs]
    _check_apart([target for target, _ in pairs], owners)
    written = []
    for owner, (target, leaf) in zip(owners, pairs, strict=True):
        with owner.scope(target):
            written.append(owner.write(target, leaf, accumulate))
    if all(new is target for new, (target, _) in zip(written, pairs, strict=True)):
        return out
    return structure.unflatten(tuple(written))


def _check_apart(targets: list[Any], owners: list[Framework]) -> None:
    """Refuse arrays that share memory, where one result would overwrite the other."""
    if len(targets) == 1:
        return
    places = [owner.extent(target) for owner, target in zip(owners, targets, strict=True)]
    begun: list[int] = []  # those that have not ended where the next one begins
    for later in sorted(range(len(targets)), key=places.__getitem__):
        begun = [earlier for earlier in begun if places[earlier][1] > places[later][0]]
        for earlier in begun:
            a, b = targets[earlier], targets[later]
            if owners[later] is not owners[earlier] or owners[later].overlap(a, b):
                raise InputError(
                    "Two arrays of out= share memory, so that one result would overwrite the other; "
                    "pass arrays of their own, zeros_like_tree(x).",
                    got=(a, b),
                )
        begun.append(later)


def _owner(target: Any, leaf: Any) -> Framework:
    """Whose arrays both are; refuses what would not hold the result as it is."""
    owner = framework_of(target)
    arrays = owner is not NUMPY or (
        isinstance(target, np.ndarray) and isinstance(leaf, np.ndarray | np.generic)
    )
    if owner is None or owner.unsuited or owner is not framework_of(leaf) or not arrays:
        raise InputError(
            f"out= takes arrays of the result's own kind, got {type(target).__qualname__} for "
            f"{type(leaf).__qualname__}.",
            got=target,
        )
    if shape_of(target) != shape_of(leaf):
        raise ShapeError(
            f"out has shape {shape_of(target)}, expected {shape_of(leaf)}.",
            got=shape_of(target),
            expected=shape_of(leaf),
        )
    writeable, got, made = _writeable(target), dtype_name(target), dtype_name(leaf)
    if not writeable or (got != made and not np.can_cast(made, got, "safe")):
        raise InputError(
            f"out of dtype {got} (writeable: {writeable}) cannot take a result of {made} without loss.",
            got=got,
            expected=made,
        )
    return owner


def _writeable(target: Any) -> bool:
    if not isinstance(target, np.ndarray):
        return True
    repeated = any(
        size > 1 and not step for size, step in zip(target.shape, target.strides, strict=True)
    )
    return target.flags.writeable and not repeated


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
