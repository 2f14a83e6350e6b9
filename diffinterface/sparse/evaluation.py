"""One sparse derivative: its products, the check that they mean what they should, and the result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
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


#: Value, products of each side, auxiliary output, and the entries where they are gathered already.
Parts = tuple[Any, list[Array], Any, Leaves | None]


@final
@dataclass(eq=False, slots=True)
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

    plan: SparsePlan
    sides: list[Products]
    output: Output
    bare: Callable[[Leaves, Leaves], tuple[Any, Any]]
    engine: AbstractBackend
    given: bool
    program: Program | None = field(init=False, default=None)
    count: int = field(init=False)

    def __post_init__(self) -> None:
        self.sides = [side for side in self.sides if side.count]
        self.count = sum(side.count for side in self.sides)

    def compile(self, fn: Function, x: Leaves, contexts: Leaves) -> None:
        """Let an engine that can make one program of all, if all is one batch."""
        able = type(self.engine).program is not AbstractBackend.program and not fn.has_aux
        if able and self.output.gathers and all(side.single for side in self.sides):
            second = self.plan.operator == "hessian"
            self.program = Program(self.engine, fn, x, contexts, self.sides, second)

    def __call__(
        self, x: Leaves, contexts: Leaves, progress: Progress, check: bool
    ) -> tuple[Any, Any, Any]:
        """Value, result and auxiliary output; checked against one more product if asked."""
        value, parts, aux, data = self._products(x, contexts, progress)
        if check:
            self._check(parts, x, contexts)
        return value, self.output(parts, x[0], data), aux

    def check(self, x: Leaves, contexts: Leaves) -> None:
        """Compare the products at x with one more, where values can be compared.

        Raises
        ------
        PatternError
            If the derivative has entries outside the pattern.
        """
        self._check(self._products(x, contexts)[1], x, contexts)

    def _products(self, x: Leaves, contexts: Leaves, progress: Progress = None) -> Parts:
        if not self.sides:
            value, aux = self.bare(x, contexts)
            return value, [], aux, None
        done = 0

        def report(count: int) -> None:
            nonlocal done
            done += count
            if progress is not None:
                progress(done, self.count)

        if self.program is not None:
            # Where the entries stand in the products, as arrays beside the seeds.
            where = self.output.where(self.sides[0].single or ())
            value, parts, data = self.program(x, contexts, where)
            report(self.count)
            return value, parts, None, data
        value, aux, parts = None, None, []
        for side in self.sides:
            value, part, aux = side(x, contexts, report)
            parts.append(part)
        return value, parts, aux, None

    def _check(self, parts: list[Array], x: Leaves, contexts: Leaves) -> None:
        if any(map(is_traced, (*parts, *x))):
            # A transform outside hides x, or only records it. Then nothing but the user's own word is
            # worth the products once more.
            x, contexts = (tuple(map(stopped, leaves)) for leaves in (x, contexts))
            if not self.given or any(map(is_traced, (*x, *contexts))):
                return
            parts = self._products(x, contexts)[1]
        if parts and not any(map(is_traced, parts)):
            side = self.sides[0]
            products = side(x, contexts, seeds=side.along(probe(self.plan, side)))[1]
            verify(self.plan, side, parts, products[0, ...], self.engine.exact)


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
