"""What an engine gives: one primitive, from which `derived` makes every operator."""

from __future__ import annotations

from functools import partial

from ..arrays.trees import Leaves
from . import derived
from .contract import AbstractBackend
from .function import DerivedFunction, Function
from .modes import usual
from .prep import Prep, untold


class Backend(AbstractBackend):
    """An engine behind the one interface.

    A subclass sets `adtype_class`, and implements `prepare_pushforward` or `prepare_pullback`; it
    overrides what the engine does better. All arguments are flat: `x`, `contexts` and `t` are tuples of
    leaves, f is a `Function` whose call gives ``(y_leaves, aux)``. The preps that the methods return
    give:

    ============================= ================ ===================================== ===============
    method                        run takes        result                                value
    ============================= ================ ===================================== ===============
    ``prepare_pushforward``       (x, contexts, t) like y                                y
    ``prepare_pullback``          (x, contexts, t) like x                                y
    ``prepare_derivative``        (x, contexts)    like y                                y
    ``prepare_gradient``          (x, contexts)    like x                                y
    ``prepare_jacobian``          (x, contexts)    rows[j][i]: ``y[j].shape+x[i].shape`` y
    ``prepare_second_derivative`` (x, contexts)    like y                                (y, derivative)
    ``prepare_hvp``               (x, contexts, t) like x                                (y, gradient)
    ``prepare_hessian``           (x, contexts)    rows[j][i]: ``x[j].shape+x[i].shape`` (y, gradient)
    ``prepare_batched_jacobian``  (x, contexts)    rows[j][i]: ``(batch, *y_j, *x_i)``   y
    ``prepare_evaluate``          (x, contexts)    y                                     y
    ============================= ================ ===================================== ===============

    With ``batched=True`` the leaves of t carry one extra leading axis, and so does the result.
    ``prepare_*_same_point`` fixes x and the contexts; its prep takes ``(t,)``.

    The attributes are those of `AbstractBackend`.
    """

    @property
    def has_forward(self) -> bool:
        return type(self).prepare_pushforward is not Backend.prepare_pushforward

    @property
    def has_reverse(self) -> bool:
        return type(self).prepare_pullback is not Backend.prepare_pullback

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
        if operator in ("hvp", "hessian"):
            derived.refuse_complex(self, x, operator)
        build = getattr(self, f"prepare_{operator}{'_same_point' * same_point}")
        prep: Prep = build(fn, x, contexts) if t is None else build(fn, x, contexts, t, batched)
        if prep.levels is untold:
            prep.levels = partial(usual, self, operator)
        return prep

    # --- what second order asks ------------------------------------------------------------------

    def outer(self, x: Leaves) -> AbstractBackend:
        """The engine that differentiates this one's derivatives at x."""
        return self

    # --- primitives and derived operators --------------------------------------------------------

    def prepare_pushforward(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        return derived.pushforward_by_pullback(self, fn, x, contexts, t, batched)

    def prepare_pullback(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        return derived.pullback_by_pushforward(self, fn, x, contexts, t, batched)

    def prepare_pushforward_same_point(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        return derived.fix_point(self.prepare_pushforward(fn, x, contexts, t, batched), x, contexts)

    def prepare_pullback_same_point(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        return derived.fix_point(self.prepare_pullback(fn, x, contexts, t, batched), x, contexts)

    def prepare_evaluate(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        program = self.program(fn, x, contexts)
        return Prep(lambda x, c: (value := program(x, c), value, None), program)

    def prepare_derivative(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        return derived.derivative(self, fn, x, contexts)

    def prepare_gradient(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        return derived.gradient(self, fn, x, contexts)

    def prepare_jacobian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        return derived.jacobian(self, fn, x, contexts)

    def prepare_batched_jacobian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        return derived.batched_jacobian(self, fn, x, contexts)

    def prepare_second_derivative(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        return derived.second_derivative(self.outer(x), self._first(fn, "derivative"), x, contexts)

    def prepare_hvp(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        return derived.hvp(self.outer(x), self._first(fn, "gradient"), x, contexts, t, batched)

    def prepare_hvp_same_point(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        return derived.fix_point(self.prepare_hvp(fn, x, contexts, t, batched), x, contexts)

    def prepare_hessian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        return derived.hessian(self.outer(x), self._first(fn, "gradient"), x, contexts)

    def _first(self, fn: Function, operator: str) -> DerivedFunction:
        return derived.derivative_function(self, fn, operator)
