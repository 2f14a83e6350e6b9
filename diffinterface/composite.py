"""Declarations made of other declarations, resolved to backends like any other."""

from __future__ import annotations

from typing import Any, final

from .arrays.facts import size_of
from .arrays.trees import Leaves, Structure, flatten
from .declare.adtypes import MixedMode, Mode, NoAutoDiff, SecondOrder
from .engine import derived
from .engine.contract import AbstractBackend, Levels
from .engine.conversion import Converter, CrossingError, prepare
from .engine.function import Function
from .engine.prep import Prep
from .engine.registry import resolve
from .errors import UnsupportedOperatorError
from .nest.bridge import Bridge, apply


class Composite(AbstractBackend):
    """Every method goes to the member that `_route` names for it.

    Attributes
    ----------
    trees : AbstractBackend or None
        The member whose containers are understood.
    """

    trees: AbstractBackend | None = None

    def flatten(self, tree: Any) -> tuple[Leaves, Structure]:
        return flatten(tree) if self.trees is None else self.trees.flatten(tree)

    @property
    def has_forward(self) -> bool:
        return True

    @property
    def has_reverse(self) -> bool:
        return True

    def _route(self, operator: str, fn: Function, x: Leaves, contexts: Leaves) -> AbstractBackend:
        raise UnsupportedOperatorError(
            f"{self.adtype!r} does not differentiate; {operator} needs another backend.",
            backend=self.adtype,
            operator=operator,
        )

    def member(self, operator: str, fn: Function, x: Leaves, contexts: Leaves) -> AbstractBackend:
        return self._route(operator, fn, x, contexts).member(operator, fn, x, contexts)

    def levels(
        self,
        operator: str,
        fn: Function,
        x: Leaves,
        contexts: Leaves,
        y: Leaves,
        seeds: int,
        recorded: bool,
    ) -> Levels:
        member = self._route(operator, fn, x, contexts)
        return member.levels(operator, fn, x, contexts, y, seeds, recorded)

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
        member = self._route(operator, fn, x, contexts)
        options = {"batched": batched, "same_point": same_point}
        plan, converter = prepare(member, operator, fn, x, contexts, t, **options)
        if converter.plain:
            return plan
        if same_point:
            return Prep(lambda t: converter.leave_run(plan.run(converter.enter(t))))

        def run(x: Leaves, contexts: Leaves, *t: Leaves) -> tuple[Any, Any, Any]:
            entered = converter.enter(x)
            data = converter.enter_contexts(contexts, entered)
            return converter.leave_run(plan.run(entered, data, *map(converter.enter, t)))

        return Prep(run)


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

    def levels(
        self,
        operator: str,
        fn: Function,
        x: Leaves,
        contexts: Leaves,
        y: Leaves,
        seeds: int,
        recorded: bool,
    ) -> Levels:
        first = "derivative" if operator == "second_derivative" else "gradient"
        outer: Mode = "forward" if self.outer.has_forward else "reverse"
        directions = sum(map(size_of, x)) if operator == "hessian" else seeds
        inner = self.inner.levels(first, fn, x, contexts, y, 1, True)
        return ((outer, directions), *inner)

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
        if operator not in SECOND:
            options = {"batched": batched, "same_point": same_point}
            return super().prepare(operator, fn, x, contexts, t, **options)
        first = self._first(fn, "derivative" if operator == "second_derivative" else "gradient")
        if t is not None:
            plan = derived.hvp(self.outer, first, x, contexts, t, batched)
            return derived.fix_point(plan, x, contexts) if same_point else plan
        build = derived.hessian if operator == "hessian" else derived.second_derivative
        return build(self.outer, first, x, contexts)

    def _first(self, fn: Function, operator: str) -> Function:
        """The inner derivative as the function that `outer` differentiates; its aux is (y, aux)."""

        def native(x: Leaves, contexts: Leaves) -> tuple[Leaves, Any]:
            inner = fn.on(self.inner, reuse=False)
            plan, converter = prepare(self.inner, operator, inner, x, contexts)
            entered = converter.enter(x)
            value, result, aux = plan.run(entered, converter.enter_contexts(contexts, entered))
            return converter.leave_all(result), (converter.leave_all(value), aux)

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

        return fn.derived(call)


FORWARD = ("pushforward", "derivative", "second_derivative")
_EITHER = ("jacobian", "batched_jacobian")


@final
class MixedModeBackend(Composite):
    """`forward` pushes, `reverse` pulls, and a Jacobian goes to the one with fewer passes."""

    adtype_class = MixedMode

    def __init__(self, adtype: MixedMode) -> None:
        super().__init__(adtype)
        self.forward, self.reverse = resolve(adtype.forward), resolve(adtype.reverse)
        self.compiles = self.forward.compiles or self.reverse.compiles
        self.exact = self.forward.exact and self.reverse.exact
        self.trees = self.reverse
        if self.forward.framework is self.reverse.framework:
            self.framework = self.forward.framework
            self.accepts = self.forward.accepts & self.reverse.accepts

    def _route(self, operator: str, fn: Function, x: Leaves, contexts: Leaves) -> AbstractBackend:
        if operator in _EITHER:
            # The batch axis of a batched Jacobian counts on both sides, so it cancels; and what one
            # engine's column costs over another's row is not known.
            converter = Converter(self.forward, x)
            entered = converter.enter(x)
            y, _ = fn.on(self.forward)(entered, converter.enter_contexts(contexts, entered))
            return self.forward if sum(map(size_of, x)) <= sum(map(size_of, y)) else self.reverse
        return self.forward if operator in FORWARD else self.reverse


@final
class NoBackend(Composite):
    """`NoAutoDiff`: every operator raises."""

    adtype_class = NoAutoDiff
