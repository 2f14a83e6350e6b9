"""Declarations made of other declarations, resolved to backends like any other."""

from __future__ import annotations

from typing import Any, final

from . import derived
from .adtypes import ADType, AutoSparse, MixedMode, Mode, SecondOrder
from .arrays import size_of
from .backend import Backend
from .conversion import Converter, prepare
from .errors import UnsupportedOperatorError
from .functions import Function
from .modes import Levels
from .prep import Prep
from .registry import resolve as resolve_member
from .trees import Leaves, Structure, flatten


def resolve(adtype: ADType) -> Backend:
    """The backend of a composite declaration."""
    if isinstance(adtype, SecondOrder):
        if adtype.outer == adtype.inner:
            return resolve_member(adtype.inner)
        return SecondOrderBackend(adtype)
    if isinstance(adtype, MixedMode):
        return MixedModeBackend(adtype)
    if isinstance(adtype, AutoSparse):
        from .sparse.backend import SparseBackend

        return SparseBackend(adtype)
    return NoBackend(adtype)


class Composite(Backend):
    """Every method goes to the member that `_route` names for it.

    Attributes
    ----------
    trees : Backend or None
        The member whose containers are understood.
    """

    trees: Backend | None = None

    def flatten(self, tree: Any) -> tuple[Leaves, Structure]:
        return flatten(tree) if self.trees is None else self.trees.flatten(tree)

    def _route(self, method: str, fn: Function, x: Leaves, contexts: Leaves) -> Backend:
        raise UnsupportedOperatorError(
            f"{self.adtype!r} does not differentiate; {method} needs another backend.",
            backend=self.adtype,
            operator=method,
        )

    def member(self, operator: str, fn: Function, x: Leaves, contexts: Leaves) -> Backend:
        return self._route(operator, fn, x, contexts).member(operator, fn, x, contexts)

    def prepare_pushforward(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        return self._seeded("pushforward", fn, x, contexts, t, batched)

    def prepare_pullback(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        return self._seeded("pullback", fn, x, contexts, t, batched)

    def prepare_hvp(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        return self._seeded("hvp", fn, x, contexts, t, batched)

    def prepare_pushforward_same_point(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        return self._seeded("pushforward_same_point", fn, x, contexts, t, batched)

    def prepare_pullback_same_point(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        return self._seeded("pullback_same_point", fn, x, contexts, t, batched)

    def prepare_hvp_same_point(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        return self._seeded("hvp_same_point", fn, x, contexts, t, batched)

    def prepare_derivative(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        return self._plain("derivative", fn, x, contexts)

    def prepare_gradient(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        return self._plain("gradient", fn, x, contexts)

    def prepare_jacobian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        return self._plain("jacobian", fn, x, contexts)

    def prepare_batched_jacobian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        return self._plain("batched_jacobian", fn, x, contexts)

    def prepare_second_derivative(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        return self._plain("second_derivative", fn, x, contexts)

    def prepare_hessian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        return self._plain("hessian", fn, x, contexts)

    def _plain(self, method: str, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        member = self._route(method, fn, x, contexts)
        plan, converter = prepare(member, method, fn, x, contexts)
        if converter.plain:
            return plan

        def run(x: Leaves, contexts: Leaves) -> tuple[Any, Any, Any]:
            entered = converter.enter(x)
            return converter.leave_run(
                plan.run(entered, converter.enter_contexts(contexts, entered))
            )

        return Prep(run)

    def _seeded(
        self, method: str, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool
    ) -> Prep:
        member = self._route(method.removesuffix("_same_point"), fn, x, contexts)
        plan, converter = prepare(member, method, fn, x, contexts, t, batched=batched)
        if converter.plain:
            return plan
        if method.endswith("_same_point"):
            return Prep(lambda t: converter.leave_run(plan.run(converter.enter(t))))

        def run(x: Leaves, contexts: Leaves, t: Leaves) -> tuple[Any, Any, Any]:
            entered = converter.enter(x)
            data = converter.enter_contexts(contexts, entered)
            return converter.leave_run(plan.run(entered, data, converter.enter(t)))

        return Prep(run)


@final
class SecondOrderBackend(Composite):
    """`outer` over `inner` for the second order, `inner` alone for the first."""

    def __init__(self, adtype: SecondOrder) -> None:
        super().__init__(adtype)
        self.outer, self.inner = resolve_member(adtype.outer), resolve_member(adtype.inner)
        self.framework, self.accepts = self.outer.framework, self.outer.accepts
        self.trees = self.outer
        self.compiles = self.outer.compiles or self.inner.compiles
        self.exact = self.outer.exact and self.inner.exact

    def _route(self, method: str, fn: Function, x: Leaves, contexts: Leaves) -> Backend:
        return self.inner

    def member(self, operator: str, fn: Function, x: Leaves, contexts: Leaves) -> Backend:
        second = operator in ("second_derivative", "hvp", "hessian")
        return self if second else self.inner.member(operator, fn, x, contexts)

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

    def prepare_second_derivative(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        return derived.second_derivative(self.outer, self.inner, fn, x, contexts)

    def prepare_hvp(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        return derived.hvp(self.outer, self.inner, fn, x, contexts, t, batched)

    def prepare_hvp_same_point(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        return derived.fix_point(self.prepare_hvp(fn, x, contexts, t, batched), x, contexts)

    def prepare_hessian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        return derived.hessian(self.outer, self.inner, fn, x, contexts)


FORWARD = ("pushforward", "derivative", "second_derivative")
_EITHER = ("jacobian", "batched_jacobian")


@final
class MixedModeBackend(Composite):
    """`forward` pushes, `reverse` pulls, and a Jacobian goes to the one with fewer passes."""

    def __init__(self, adtype: MixedMode) -> None:
        super().__init__(adtype)
        self.forward, self.reverse = resolve_member(adtype.forward), resolve_member(adtype.reverse)
        self.compiles = self.forward.compiles or self.reverse.compiles
        self.exact = self.forward.exact and self.reverse.exact
        self.trees = self.reverse
        if self.forward.framework is self.reverse.framework:
            self.framework = self.forward.framework
            self.accepts = self.forward.accepts & self.reverse.accepts

    def _route(self, method: str, fn: Function, x: Leaves, contexts: Leaves) -> Backend:
        if method in _EITHER:
            # The batch axis of a batched Jacobian counts on both sides, so it cancels; and what one
            # engine's column costs over another's row is not known.
            converter = Converter(self.forward, x)
            entered = converter.enter(x)
            y, _ = fn.on(self.forward)(entered, converter.enter_contexts(contexts, entered))
            return self.forward if sum(map(size_of, x)) <= sum(map(size_of, y)) else self.reverse
        return self.forward if method in FORWARD else self.reverse


@final
class NoBackend(Composite):
    """`NoAutoDiff`: every operator raises."""
