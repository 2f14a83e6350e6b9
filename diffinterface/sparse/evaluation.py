"""One sparse derivative: its products, the check that they mean what they should, and the result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import numpy as np

from ..arrays.facts import Array, dtype_name, is_inexact
from ..arrays.framework import framework_of, is_traced
from ..arrays.stop import stopped
from ..arrays.trees import Leaves
from ..declare.contexts import Cache
from ..engine.arguments import DATA
from ..engine.contract import AbstractBackend
from ..engine.function import Function
from ..errors import InputError, PreparationMismatchError
from .outputs import Output
from .plan import SparsePlan
from .products import Products
from .program import Program
from .verify import probe, verify

Progress = Callable[[int, int], None] | None


Parts = tuple[Any, list[Array], Any]  # value, products of each side, auxiliary output


@final
class Evaluation:
    """What a plan computes at one point.

    Parameters
    ----------
    plan : SparsePlan
        The pattern and its colors.
    sides : list of Products
        Those by columns, those by rows, or both.
    output : Output
        The way from products to the result.
    bare : callable
        From x and contexts to the value and the auxiliary output, where there are no products.
    engine : AbstractBackend
        Whose products they are.
    given : bool
        Whether the pattern is the user's own word.
    """

    __slots__ = (
        "_bare",
        "_engine",
        "_given",
        "_output",
        "_plan",
        "_program",
        "_sides",
        "count",
    )

    def __init__(
        self,
        plan: SparsePlan,
        sides: list[Products],
        output: Output,
        bare: Callable[[Leaves, Leaves], tuple[Any, Any]],
        engine: AbstractBackend,
        given: bool,
    ) -> None:
        self._plan, self._output, self._bare, self._engine = plan, output, bare, engine
        self._given = given
        self._sides = [side for side in sides if side.count]
        self.count = sum(side.count for side in self._sides)
        self._program: Program | None = None

    def compile(self, fn: Function, x: Leaves, contexts: Leaves) -> None:
        """Let an engine that can make one program of all, if all is one batch."""
        able = type(self._engine).program is not AbstractBackend.program and not fn.has_aux
        if able and self._output.gathers and all(side.single for side in self._sides):
            second = self._plan.operator == "hessian"
            self._program = Program(self._engine, fn, x, contexts, self._sides, second)

    def __call__(
        self, x: Leaves, contexts: Leaves, progress: Progress, check: bool
    ) -> tuple[Any, Any, Any]:
        """Value, result and auxiliary output; checked against one more product if asked."""
        if self._program is not None and self._sides:
            value, parts, data = self._program(x, contexts, self._places())
            if check:
                self._check(parts, x, contexts)
            if progress is not None:
                progress(self.count, self.count)
            return value, self._output(parts, x[0], data), None
        value, parts, aux = self._products(x, contexts, progress)
        if check:
            self._check(parts, x, contexts)
        return value, self._output(parts, x[0]), aux

    def check(self, x: Leaves, contexts: Leaves) -> None:
        """Compare the products at x with one more, where values can be compared.

        Raises
        ------
        PatternError
            If the derivative has entries outside the pattern.
        """
        self._check(self._products(x, contexts)[1], x, contexts)

    def _products(self, x: Leaves, contexts: Leaves, progress: Progress = None) -> Parts:
        if not self._sides:
            value, aux = self._bare(x, contexts)
            return value, [], aux
        if self._program is not None:
            value, parts, _ = self._program(x, contexts, self._places())
            return value, parts, None
        done, value, aux = 0, None, None

        def report(count: int) -> None:
            nonlocal done
            done += count
            if progress is not None:
                progress(done, self.count)

        parts = []
        for side in self._sides:
            value, part, aux = side(x, contexts, report)
            parts.append(part)
        return value, parts, aux

    def _along(self, vector: Any, x: Leaves, contexts: Leaves) -> Array:
        """The product of the first side with one vector."""
        side = self._sides[0]
        return side(x, contexts, seeds=side.along(vector))[1][0, ...]

    def _places(self) -> Leaves:
        """Where the entries stand in the products, beside the seeds."""
        return self._output.where(self._sides[0].single or ())

    def _check(self, parts: list[Array], x: Leaves, contexts: Leaves) -> None:
        if any(map(is_traced, (*parts, *x))):
            # A transform outside hides x, or only records it. Then nothing but the user's own word is
            # worth the products once more.
            x, contexts = (tuple(map(stopped, leaves)) for leaves in (x, contexts))
            if not self._given or any(map(is_traced, (*x, *contexts))):
                return
            parts = self._products(x, contexts)[1]
        if parts and not any(map(is_traced, parts)):
            side = self._sides[0]
            product = self._along(probe(self._plan, side), x, contexts)
            verify(self._plan, side, parts, product, self._engine.exact)


def fixed(fn: Function, contexts: Leaves) -> list[tuple[int, Any]]:
    """Positions and values of the contexts on which a pattern may depend: indices, masks, lengths."""
    scratch = [slot.wrapper is Cache for slot in fn.layout for s in slot.statics if s is DATA]
    return [
        (k, _values(leaf))
        for k, (leaf, skip) in enumerate(zip(contexts, scratch, strict=True))
        if not (skip or is_inexact(leaf))
    ]


def check_fixed(contexts: Leaves, known: list[tuple[int, Any]]) -> None:
    """Raise `PreparationMismatchError` where such a context has other values than it had."""
    for k, values in known:
        if not np.array_equal(_values(contexts[k]), values):
            what = f"a context of dtype {dtype_name(contexts[k])}"
            raise PreparationMismatchError(
                f"{what.capitalize()} has other values than when the pattern was found. f may index or "
                "branch by them, so the pattern need not hold: prepare again.",
                differences=[f"{what}: other values"],
            )


def _values(leaf: Array) -> Any:
    framework = framework_of(leaf)
    assert framework is not None  # a context's data are arrays and numbers
    values = framework.values(leaf)
    if values is None:
        raise InputError(
            f"A context of dtype {dtype_name(leaf)} is being traced, so that its values, on which the "
            "pattern may depend, are not known; pass it from outside of the trace, or as Static.",
            got=leaf,
        )
    return values
