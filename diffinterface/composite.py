"""Declarations made of other declarations, resolved to backends like any other."""

from __future__ import annotations

from typing import Any, final

from . import derived
from .adtypes import ADType, MixedMode, SecondOrder
from .arrays import size_of
from .backend import Backend
from .conversion import Converter, prepare
from .errors import UnsupportedOperatorError
from .functions import Function
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
    return NoBackend(adtype)


class _Composite(Backend):
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
class SecondOrderBackend(_Composite):
    """`outer` over `inner` for the second order, `inner` alone for the first."""

    def __init__(self, adtype: SecondOrder) -> None:
        super().__init__(adtype)
        self.outer, self.inner = resolve_member(adtype.outer), resolve_member(adtype.inner)
        self.framework, self.accepts = self.outer.framework, self.outer.accepts
        self.trees = self.outer
        self.compiles = self.outer.compiles or self.inner.compiles

    def _route(self, method: str, fn: Function, x: Leaves, contexts: Leaves) -> Backend:
        return self.inner

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


_FORWARD = ("pushforward", "derivative", "second_derivative")
_EITHER = ("jacobian", "batched_jacobian")


@final
class MixedModeBackend(_Composite):
    """`forward` pushes, `reverse` pulls, and a Jacobian goes to the one with fewer passes."""

    def __init__(self, adtype: MixedMode) -> None:
        super().__init__(adtype)
        self.forward, self.reverse = resolve_member(adtype.forward), resolve_member(adtype.reverse)
        self.compiles = self.forward.compiles or self.reverse.compiles
        self.trees = self.reverse

    def _route(self, method: str, fn: Function, x: Leaves, contexts: Leaves) -> Backend:
        if method in _EITHER:
            # The batch axis of a batched Jacobian counts on both sides, so it cancels; and what one
            # engine's column costs over another's row is not known.
            converter = Converter(self.forward, x)
            entered = converter.enter(x)
            y, _ = fn.on(self.forward)(entered, converter.enter_contexts(contexts, entered))
            return self.forward if sum(map(size_of, x)) <= sum(map(size_of, y)) else self.reverse
        return self.forward if method in _FORWARD else self.reverse


@final
class NoBackend(_Composite):
    """`NoAutoDiff`: every operator raises."""
