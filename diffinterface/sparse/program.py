"""Products, and the entries read from them, as one program of an engine that compiles."""

from __future__ import annotations

from itertools import chain
from typing import Any, final

import numpy as np

from ..arrays.facts import Array, size_of
from ..arrays.trees import Leaves
from ..engine.contract import AbstractBackend
from ..engine.function import Function
from .outputs import gather
from .products import Products


@final
class Program:
    """The program of one plan, compiled at its first call.

    Parameters
    ----------
    engine : AbstractBackend
        The engine.
    fn : Function
        What is differentiated.
    x, contexts : tuple of array
        Examples of the arguments.
    sides : list of Products
        Each with its seeds in one batch.
    second : bool
        Whether the value is f's and its gradient.
    """

    __slots__ = ("_call", "_given", "_second")

    def __init__(
        self,
        engine: AbstractBackend,
        fn: Function,
        x: Leaves,
        contexts: Leaves,
        sides: list[Products],
        second: bool,
    ) -> None:
        self._given = [() if _folds(side) else side.single or () for side in sides]
        self._second = second
        ends = np.cumsum([len(contexts), *map(len, self._given)]).tolist()

        def call(x: Leaves, data: Leaves) -> tuple[Leaves, Any]:
            value: Any = ()
            parts: list[Array] = []
            for side, start, end in zip(sides, ends, ends[1:], strict=False):
                value, part, _ = side(x, data[: ends[0]], seeds=data[start:end] or side.single)
                parts.append(part)
            value = (*value[0], *value[1]) if second else value
            return (*parts, *gather(parts, data[ends[-1] :]), *value), None

        self._call = engine.program(fn.derived(call), x, contexts)

    def __call__(
        self, x: Leaves, contexts: Leaves, where: Leaves
    ) -> tuple[Any, list[Array], Leaves]:
        """The value, the products of each side, and the entries of each block.

        Parameters
        ----------
        where : tuple of array
            The places of the entries, as `Output.where` gives them.
        """
        leaves = self._call(x, (*contexts, *chain(*self._given), *where))
        n, m = len(self._given), len(where)
        parts, data, value = list(leaves[:n]), leaves[n : n + m], leaves[n + m :]
        return (value[:1], value[1:]) if self._second else value, parts, data


#: Entries of seeds that a compiler may have as constants. Their sums with zero and shifts are then done
#: when it compiles, which takes a quarter to a half of the time of a stencil, and a second for these.
_FOLDED = 2**21


def _folds(side: Products) -> bool:
    return not side.placed and sum(map(size_of, side.single or ())) <= _FOLDED
