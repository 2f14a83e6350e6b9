"""`SecondOrder`: one engine differentiates the derivative by another."""

from __future__ import annotations

from typing import Any, final

from diffinterface.compose.member import Composite

from ..arrays.framework import plain
from ..arrays.trees import Leaves
from ..declare.adtypes import SecondOrder
from ..engine import derived
from ..engine.contract import AbstractBackend
from ..engine.conversion import CrossingError, prepare
from ..engine.function import DerivedFunction, Function
from ..engine.prep import Levels, Prep, Setting
from ..engine.registry import resolve
from ..nest.bridge import Bridge
from ..nest.hosts import apply

SECOND = ("second_derivative", "hvp", "hessian")


@final
class SecondOrderBackend(Composite):
    """`outer` over `inner` for the second order, `inner` alone for the first."""

    adtype_class = SecondOrder

    @classmethod
    def of(cls, adtype: Any) -> AbstractBackend:
        """One engine over itself is that engine."""
        return resolve(adtype.inner) if adtype.outer == adtype.inner else cls(adtype)

    def __init__(self, adtype: SecondOrder) -> None:
        super().__init__(adtype)
        self.outer, self.inner = resolve(adtype.outer), resolve(adtype.inner)
        self.framework, self.accepts = self.outer.framework, self.outer.accepts
        self.trees = self.outer
        self.compiles = self.outer.compiles or self.inner.compiles
        self.exact = self.outer.exact and self.inner.exact

    def _route(self, operator: str, fn: Function, x: Leaves, contexts: Leaves) -> AbstractBackend:
        return self.inner

    def member(self, operator: str, fn: Function, x: Leaves, contexts: Leaves) -> AbstractBackend:
        return self if operator in SECOND else self.inner.member(operator, fn, x, contexts)

    def prepare(
        self, operator: str, fn: Function, x: Leaves, contexts: Leaves, *t: Any, **options: bool
    ) -> Prep:
        if operator not in SECOND:
            return super().prepare(operator, fn, x, contexts, *t, **options)
        first = self._first(fn, "derivative" if operator == "second_derivative" else "gradient")
        if operator == "hvp":
            prep = derived.hvp(self.outer, first, x, contexts, t[0], options.get("batched", False))
            return derived.fix_point(prep, x, contexts) if options.get("same_point") else prep
        build = derived.hessian if operator == "hessian" else derived.second_derivative
        return build(self.outer, first, x, contexts)

    def _first(self, fn: Function, operator: str) -> DerivedFunction:
        """The inner derivative as the function that `outer` differentiates; its aux is (y, aux)."""
        inner = fn.on(self.inner, reuse=False)

        def native(x: Leaves, contexts: Leaves) -> tuple[Leaves, Any]:
            prep, converter = prepare(self.inner, operator, inner, x, contexts)
            value, result, aux = prep.run(*converter.enter_all(x, contexts))
            return converter.leave(result), (converter.leave(value), aux)

        def joined(x: Leaves, contexts: Leaves) -> tuple[Leaves, Any]:
            result, (value, _) = native(x, contexts)
            return (*result, *value), None

        bridge = Bridge(fn.derived(joined), self.inner)

        def call(x: Leaves, contexts: Leaves) -> tuple[Leaves, Any]:
            try:
                return native(x, contexts)
            except CrossingError:
                if fn.has_aux:
                    raise
            leaves = apply(bridge, x, contexts)
            count = len(x) if operator == "gradient" else len(leaves) // 2
            return leaves[:count], (leaves[count:], None)

        def levels(setting: Setting) -> Levels:
            x, contexts = (tuple(map(plain, part)) for part in setting[:2])
            prep, converter = prepare(self.inner, operator, inner, x, contexts)
            return prep.levels(Setting(*converter.enter_all(x, contexts), 1, setting.recorded))

        return fn.derived(call, levels)
