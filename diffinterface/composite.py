"""Declarations made of other declarations, resolved to backends like any other."""

from __future__ import annotations

from typing import Any, final

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


def _plain(method: str) -> Any:
    """A method without a seed, which the member's takes the place of."""

    def build(self: Composite, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        return self._plain(method, fn, x, contexts)

    return build


def _seeded(method: str) -> Any:
    """One with a seed."""

    def build(
        self: Composite, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        return self._seeded(method, fn, x, contexts, t, batched)

    return build


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

    prepare_pushforward = _seeded("pushforward")
    prepare_pullback = _seeded("pullback")
    prepare_hvp = _seeded("hvp")
    prepare_pushforward_same_point = _seeded("pushforward_same_point")
    prepare_pullback_same_point = _seeded("pullback_same_point")
    prepare_hvp_same_point = _seeded("hvp_same_point")
    prepare_derivative = _plain("derivative")
    prepare_gradient = _plain("gradient")
    prepare_jacobian = _plain("jacobian")
    prepare_batched_jacobian = _plain("batched_jacobian")
    prepare_second_derivative = _plain("second_derivative")
    prepare_hessian = _plain("hessian")

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

    def pair(self, x: Leaves) -> tuple[Backend, Backend]:
        return self.outer, self.inner

    prepare_second_derivative = Backend.prepare_second_derivative
    prepare_hvp = Backend.prepare_hvp
    prepare_hvp_same_point = Backend.prepare_hvp_same_point
    prepare_hessian = Backend.prepare_hessian


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
