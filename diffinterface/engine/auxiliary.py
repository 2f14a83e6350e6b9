"""The one way of an auxiliary output out of a trace that lets only arrays pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

from ..arrays.facts import Array

_HOLE = object()


@final
class Carrier:
    """An auxiliary output, parted into its arrays and all else.

    Parameters
    ----------
    flatten : callable
        Of a tree, its leaves and its structure.
    passes : callable
        Whether the trace lets a leaf pass.
    """

    def __init__(
        self, flatten: Callable[[Any], tuple[Any, Any]], passes: Callable[[Any], bool]
    ) -> None:
        self._flatten, self._passes = flatten, passes
        self._structure: Any = None
        self._others: list[Any] = []

    def take(self, aux: Any) -> list[Array]:
        """The arrays of `aux`; the rest is kept here."""
        leaves, self._structure = self._flatten(aux)
        self._others = [_HOLE if self._passes(leaf) else leaf for leaf in leaves]
        pairs = zip(leaves, self._others, strict=True)
        return [leaf for leaf, other in pairs if other is _HOLE]

    def give(self, arrays: list[Array]) -> Any:
        """The whole, with the arrays as the trace returned them."""
        remaining = iter(arrays)
        leaves = [next(remaining) if other is _HOLE else other for other in self._others]
        return self._structure.unflatten(leaves)
