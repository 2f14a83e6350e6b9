"""Which derivative a Dual belongs to: levels, and arguments taken apart by them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .values import Perturbed, zeros_beside


def primal(y: Any, level: int) -> Any:
    """The value of y at `level`; y itself if it does not depend on that perturbation."""
    return y.value if isinstance(y, Perturbed) and y.level == level else y


def tangent(y: Any, level: int, k: int) -> Any:
    """The tangents of y at `level`; zeros if it does not depend on that perturbation."""
    if isinstance(y, Perturbed) and y.level == level:
        return y.tangent
    return zeros_beside(y, k)


def duals(tree: Any) -> Iterator[Any]:
    """The Duals among arguments, in lists and tuples too."""
    if isinstance(tree, Perturbed):
        yield tree
    elif isinstance(tree, tuple | list):
        for part in tree:
            yield from duals(part)


def holds(*trees: Any) -> bool:
    """Whether any Dual is among arguments."""
    for tree in trees:  # asked in each call: a generator would cost as much as a small operation
        if isinstance(tree, Perturbed) or (isinstance(tree, tuple | list) and holds(*tree)):
            return True
    return False


def top(*trees: Any) -> int:
    """The highest level among arguments: the perturbation to differentiate for now."""
    level = 0
    for tree in trees:
        if isinstance(tree, Perturbed):
            level = max(level, tree.level)
        elif isinstance(tree, tuple | list):
            level = max(level, top(*tree))
    return level


def level_of(x: Any) -> int:
    """The level of a Dual, 0 of anything else."""
    return x.level if isinstance(x, Perturbed) else 0


def value_at(tree: Any, level: int) -> Any:
    """Arguments with Duals of `level` replaced by their values."""
    if isinstance(tree, Perturbed):
        return tree.value if tree.level == level else tree
    if isinstance(tree, tuple | list):
        return type(tree)([value_at(part, level) for part in tree])
    return tree
