"""Which leaves of a call are differentiated, which are constant arrays, and what the others are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Self

from ..arrays.facts import NUMBERS, is_inexact
from ..arrays.framework import framework_of
from ..arrays.trees import Leaves, Structure
from .arguments import read_only, same

_X, _CONTEXT = object(), object()


class Arguments:
    """The layout of one kind of call.

    Attributes
    ----------
    program : tuple of type
        The numbers that belong to the program, as text and other objects do.
    count : int
        How many leaves are differentiated: the floating arrays.
    arrays : bool
        Whether all leaves are arrays.
    """

    program: ClassVar[tuple[type, ...]] = NUMBERS

    def __init__(self, leaves: Leaves, structure: Structure) -> None:
        self._structure = structure
        self._roles = tuple(map(self._role, leaves))
        self.count = self._roles.count(_X)
        self.arrays = all(role is _X or role is _CONTEXT for role in self._roles)
        self._alone = self.count == len(leaves)

    @classmethod
    def _role(cls, leaf: Any) -> Any:
        if framework_of(leaf) is None or isinstance(leaf, cls.program):
            return leaf
        return _X if is_inexact(leaf) else _CONTEXT

    @classmethod
    def differentiates(cls, leaf: Any) -> bool:
        """Whether a leaf is differentiated."""
        return cls._role(leaf) is _X

    def same(self, other: Self) -> bool:
        """Whether calls of both kinds run the same program."""
        return self._structure == other._structure and same(self._roles, other._roles)

    def split(self, leaves: Leaves) -> tuple[Leaves, Leaves]:
        """The differentiable leaves, and the constant arrays."""
        if self._alone:
            return leaves, ()
        pairs = list(zip(leaves, self._roles, strict=True))
        x = tuple(leaf for leaf, role in pairs if role is _X)
        return x, tuple(leaf for leaf, role in pairs if role is _CONTEXT)

    def join(self, x: Iterable[Any], contexts: Leaves) -> Any:
        """The arguments of f: the inverse of `split`."""
        parts = {_X: iter(x), _CONTEXT: map(read_only, contexts)}
        return self._structure.unflatten(
            [next(parts[role]) if role in (_X, _CONTEXT) else role for role in self._roles]
        )
