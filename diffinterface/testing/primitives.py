"""Engines from one primitive alone, after DifferentiationInterface.jl's ``AutoForwardFromPrimitive``.

What a plugin inherits where it gives one primitive, on an engine that is known to be right: a test of
the derived operators, and for authors of engines something to compare their own overrides with.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, final

from ..arrays.facts import Array
from ..arrays.framework import NUMPY, framework_of
from ..arrays.trees import Leaves, Structure
from ..declare.adtypes import ADType, _check_members
from ..engine.backend import Backend
from ..engine.contract import AbstractBackend, Program
from ..engine.function import Function
from ..engine.prep import Prep
from ..engine.registry import resolve
from ..errors import InputError

_DECLARED = (
    *("framework", "accepts", "compiles", "watches", "exact", "orders", "dtypes", "stops"),
    *("costs", "column_evaluations", "chunk_size"),
)


@dataclass(frozen=True)
class FromPrimitive(ADType):
    """What both declare: the engine."""

    backend: ADType

    def __post_init__(self) -> None:
        _check_members(self, backend=self.backend)


@dataclass(frozen=True)
class AutoForwardFromPrimitive(FromPrimitive):
    """An engine of which nothing is used but its pushforward: all else is derived from that.

    Parameters
    ----------
    backend : ADType
        The engine; in forward mode, where it has a choice.

    Raises
    ------
    InputError
        If it gives no pushforward of its own, at the first use.

    Examples
    --------
    >>> import numpy as np
    >>> import diffinterface as di
    >>> engine = di.testing.AutoForwardFromPrimitive(di.AutoForwardDiff())
    >>> di.gradient(lambda x: np.sum(x**2), engine, np.array([1.0, 2.0]))
    array([2., 4.])
    """

    name: ClassVar[str] = "forward_from_primitive"

    def in_mode(self, mode: Literal["forward", "reverse"]) -> ADType:
        return self if mode == "forward" else AutoReverseFromPrimitive(self.backend)


@dataclass(frozen=True)
class AutoReverseFromPrimitive(FromPrimitive):
    """An engine of which nothing is used but its pullback: all else is derived from that.

    Parameters
    ----------
    backend : ADType
        The engine; in reverse mode, where it has a choice.

    Raises
    ------
    InputError
        If it gives no pullback of its own, at the first use.
    """

    name: ClassVar[str] = "reverse_from_primitive"

    def in_mode(self, mode: Literal["forward", "reverse"]) -> ADType:
        return self if mode == "reverse" else AutoForwardFromPrimitive(self.backend)


class _PrimitiveBackend(Backend):
    """What both share: the engine's answers to what the core asks, and its precision."""

    adtype: FromPrimitive
    mode: ClassVar[Literal["forward", "reverse"]]

    def __init__(self, adtype: FromPrimitive) -> None:
        super().__init__(adtype)
        self.engine = engine = resolve(adtype.backend.in_mode(self.mode))
        if not (engine.has_forward if self.mode == "forward" else engine.has_reverse):
            raise InputError(
                f"{adtype!r}: the engine has no {self.mode} mode of its own; name another, or "
                f"{adtype.in_mode('reverse' if self.mode == 'forward' else 'forward')!r}.",
                got=adtype.backend,
            )
        for name in _DECLARED:
            setattr(self, name, getattr(engine, name))

    def prepare(
        self,
        operator: str,
        fn: Function,
        x: Leaves,
        contexts: Leaves,
        t: Leaves | None = None,
        *,
        batched: bool = False,
        same_point: bool = False,
    ) -> Prep:
        # What is derived computes with the engine's arrays too.
        options = {"batched": batched, "same_point": same_point}
        with self._scope(x):
            prep = super().prepare(operator, fn, x, contexts, t, **options)

        def within(run: Any) -> Any:
            def call(first: Leaves, *others: Any) -> Any:
                with self._scope(first):
                    return run(first, *others)

            return call

        return Prep(within(prep.run), within(prep.result), levels=prep.levels)

    def _scope(self, x: Leaves) -> AbstractContextManager[None]:
        return (self.framework or framework_of(x[0]) or NUMPY).scope(x[0])

    def _primitive(
        self, operator: str, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool
    ) -> Prep:
        engine = self.engine
        return engine.prepare(operator, fn.on(engine), x, contexts, t, batched=batched)

    def flatten(self, tree: Any) -> tuple[Leaves, Structure]:
        return self.engine.flatten(tree)

    def flatten_output(self, tree: Any) -> tuple[Leaves, Structure]:
        return self.engine.flatten_output(tree)

    def scratch(self, buffer: Array, x: Leaves) -> Array:
        return self.engine.scratch(buffer, x)

    def check_output(self, leaf: Array) -> Array:
        return self.engine.check_output(leaf)

    def program(self, fn: Function, x: Leaves, contexts: Leaves) -> Program:
        return self.engine.program(fn, x, contexts)

    def outer(self, x: Leaves) -> AbstractBackend:
        outer = self.engine.outer(x) if isinstance(self.engine, Backend) else self.engine
        return self if outer is self.engine else outer


@final
class ForwardFromPrimitiveBackend(_PrimitiveBackend):
    """`AutoForwardFromPrimitive`."""

    adtype_class = AutoForwardFromPrimitive
    mode = "forward"

    def prepare_pushforward(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        return self._primitive("pushforward", fn, x, contexts, t, batched)


@final
class ReverseFromPrimitiveBackend(_PrimitiveBackend):
    """`AutoReverseFromPrimitive`."""

    adtype_class = AutoReverseFromPrimitive
    mode = "reverse"

    def prepare_pullback(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        return self._primitive("pullback", fn, x, contexts, t, batched)
