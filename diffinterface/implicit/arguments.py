"""Which of a call's arguments are differentiated: every floating array and number among them."""

from __future__ import annotations

from typing import Any, final

import numpy as np

from ..arrays.facts import is_inexact
from ..arrays.framework import framework_of
from ..arrays.trees import Leaves, Structure
from ..declare.contexts import Cache, Constant, Static
from ..engine.arguments import read_only, same
from ..errors import InputError

_X, _DATA = object(), object()


@final
class Arguments:
    """The layout of one kind of call.

    Attributes
    ----------
    count : int
        The number of differentiable leaves.
    """

    def __init__(self, leaves: Leaves, structure: Structure, *, empty: bool = False) -> None:
        self._structure = structure
        self._roles = tuple(map(_role, leaves))
        self.count = self._roles.count(_X)
        if not (self.count or empty):
            raise InputError("There is no floating array among the arguments.", got=leaves)

    def same(self, other: Arguments) -> bool:
        """Whether calls of both kinds run the same program."""
        return self._structure == other._structure and same(self._roles, other._roles)

    def split(self, leaves: Leaves) -> tuple[Leaves, Leaves]:
        """The differentiable leaves, and the constant arrays."""
        pairs = list(zip(leaves, self._roles, strict=True))
        x = tuple(
            np.asarray(a) if framework_of(a) is None else a for a, role in pairs if role is _X
        )
        return x, tuple(leaf for leaf, role in pairs if role is _DATA)

    def join(self, x: Leaves, data: Leaves) -> Any:
        """The arguments again: the inverse of `split`."""
        parts = {_X: map(read_only, x), _DATA: map(read_only, data)}
        leaves = [next(parts[role]) if role in (_X, _DATA) else role for role in self._roles]
        return self._structure.unflatten(leaves)


def _role(leaf: Any) -> Any:
    if framework_of(leaf) is None or isinstance(leaf, bool | int):
        return leaf
    return _X if is_inexact(leaf) else _DATA


def is_parameter(leaf: Any) -> bool:
    """Whether a leaf is differentiated."""
    return _role(leaf) is _X


def plain(contexts: tuple[Any, ...]) -> tuple[Any, ...]:
    """Contexts without their wrappers.

    Raises
    ------
    InputError
        If one is a `Cache`: a solver may write where it likes, and needs none.
    """
    for context in contexts:
        if isinstance(context, Cache):
            raise InputError("A Cache is of no use here; let the solver make its own buffers.")
    return tuple(c.value if isinstance(c, Constant | Static) else c for c in contexts)
