"""Tracers among arguments, to the modules that the class itself is built on."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffinterface.arrays.overloaded import Overloaded


class Traced(Overloaded):
    """A Tracer."""

    __slots__ = ()
    first: Any
    second: Any
    trace: Any


def is_traced(x: Any) -> bool:
    """Whether x is a Tracer."""
    return isinstance(x, Traced)


def tracers(tree: Any) -> list[Any]:
    """The tracers among arguments, in lists, tuples, slices and arrays of objects too."""
    if isinstance(tree, Traced):
        return [tree]
    if isinstance(tree, tuple | list):
        return [found for part in tree for found in tracers(part)]
    if isinstance(tree, slice):
        return tracers((tree.start, tree.stop, tree.step))
    if isinstance(tree, dict):
        return tracers(tuple(tree.values()))
    if isinstance(tree, np.ndarray) and tree.dtype == object:
        return [part for part in tree.flat if isinstance(part, Traced)]
    return []


def values(tree: Any) -> Any:
    """Arguments with values for tracers."""
    if isinstance(tree, Traced):
        return tree.value
    if isinstance(tree, slice):
        return slice(values(tree.start), values(tree.stop), values(tree.step))
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(values(part) for part in tree))
    if isinstance(tree, tuple | list):
        return type(tree)(values(part) for part in tree)
    if isinstance(tree, dict):
        return {key: values(part) for key, part in tree.items()}
    return tree
