"""HIPS autograd as the inner engine."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, final

from autograd.numpy.numpy_boxes import ArrayBox

from diffinterface.extend import (
    NUMPY,
    AutoAutograd,
    Backend,
    Function,
    Leaves,
    Mode,
    NestedDifferentiationError,
    OutputError,
    Prep,
    basis,
    dtype_name,
    framework_of,
    match_cotangent,
)
from diffinterface.extend.modes import Levels, Setting, Tell, jacobian_levels, prefers_forward
from diffinterface.extend.transforms import (
    Pull,
    Pure,
    Push,
    Transforms,
    gradient_forward,
    unit_cotangent,
)

from .errors import MissingRuleError, lost_derivative
from .record import Record, push, push_each

Run = Callable[..., Any]


@final
class AutogradBackend(Backend):
    """`AutoAutograd`: f runs once, however many tangents or cotangents follow.

    Under ``mode="auto"``, an operation that has a rule in one mode only is differentiated by that one.
    """

    adtype_class = AutoAutograd
    framework = NUMPY
    accepts = frozenset({"numpy", "autograd"})
    adtype: AutoAutograd

    def __init__(self, adtype: AutoAutograd) -> None:
        super().__init__(adtype)
        self._forward = adtype.mode == "forward"
        self._reverse = adtype.mode == "reverse"

    def check_output(self, leaf: Any) -> Any:
        framework = framework_of(leaf)
        if framework is NUMPY or isinstance(leaf, ArrayBox):
            if dtype_name(leaf) == "object":
                raise lost_derivative("f returned an array of objects")
            return leaf
        if framework is not None and framework.name == "autograd":
            raise OutputError(
                f"f returned autograd's {type(leaf).__name__}; unpack it, and return its arrays in a "
                "tuple or dict.",
                got=leaf,
            )
        if framework is not None and framework.is_traced(leaf):
            raise NestedDifferentiationError(
                f"f's output is being differentiated by {framework.name}, which {self.adtype!r} cannot "
                f"see; use AutoForwardDiff(), or {framework.name}'s own backend.",
                outer=framework.name,
                inner=self.adtype,
            )
        return super().check_output(leaf)

    # --- first order -----------------------------------------------------------------------------

    def prepare_pushforward(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        def run(x: Leaves, contexts: Leaves, t: Leaves) -> Any:
            try:
                return records.pushforward(fn, x, contexts, t, batched)
            except MissingRuleError:
                if self._forward:
                    raise
            record = Record(records.close(fn, contexts), x)
            back = record.transposed()
            return record.y, back.pull_each(t) if batched else back.pull(t), record.aux

        return Prep(run)

    def prepare_pullback(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        return Prep(partial(records.pullback, fn, batched=batched))

    def prepare_gradient(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        if self._forward:
            return gradient_forward(self, fn, x, contexts)
        return Prep(partial(records.gradient, fn))

    def prepare_jacobian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        return self._either(fn, x, contexts, records.jacobian)

    def prepare_batched_jacobian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        return self._either(fn, x, contexts, records.batched_jacobian)

    def _either(self, fn: Function, x: Leaves, contexts: Leaves, operator: Run) -> Prep:
        """The way that the shapes favor; where autograd lacks a rule for it, the other."""
        by_columns, by_rows = (partial(operator, fn, forward=forward) for forward in (True, False))
        samples = operator == records.batched_jacobian

        def levels(setting: Setting) -> Levels:
            return jacobian_levels(
                self, setting.x, fn(setting.x, setting.contexts)[0], samples=samples
            )

        if self._forward or self._reverse:
            return Prep(by_columns if self._forward else by_rows, levels=levels)
        try:
            y, *_ = push_each(records.close(fn, contexts), x, basis(x, 0, 0))
        except MissingRuleError:
            return Prep(by_rows, levels=levels)
        columns_win = prefers_forward(self, x, y)  # the batch of a batched one is on both sides
        first, second = (by_columns, by_rows) if columns_win else (by_rows, by_columns)

        def run(x: Leaves, contexts: Leaves) -> Any:
            try:
                return first(x, contexts)
            except MissingRuleError:
                return second(x, contexts)

        return Prep(run, levels=levels)

    # --- second order ----------------------------------------------------------------------------

    def prepare_hvp(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        if self._forward:
            return super().prepare_hvp(fn, x, contexts, t, batched)

        def run(x: Leaves, contexts: Leaves, t: Leaves) -> Any:
            return records.hvp(fn, x, contexts, t, batched)

        def result(x: Leaves, contexts: Leaves, t: Leaves) -> Any:
            """The gradient of the slope: cheaper, but it does not give the gradient of f."""
            try:
                slope = Record(lambda x: (push(records.close(fn, contexts), x, t)[1], None), x)
                return slope.pull(unit_cotangent(slope.y))
            except MissingRuleError:
                return run(x, contexts, t)[1]

        if batched or self._reverse:
            return Prep(run, levels=self._over("reverse"))
        return Prep(run, result, levels=self._over("forward"))

    def prepare_hessian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        if self._forward:
            return super().prepare_hessian(fn, x, contexts)
        return Prep(partial(records.hessian, fn), levels=self._over("reverse", whole=True))

    def _over(self, inner: Mode, whole: bool = False) -> Tell:
        """The levels of pullbacks, by each entry of x if `whole`, of one derivative."""

        def levels(setting: Setting) -> Levels:
            directions = setting.entries if whole else setting.seeds
            return self.level("reverse", directions), self.level(inner, 1)

        return levels

    # --- at one point ----------------------------------------------------------------------------

    def prepare_pushforward_same_point(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        if not self._forward:
            with suppress(MissingRuleError):
                record = Record(records.close(fn, contexts), x)
                back = record.transposed()
                apply = back.pull_each if batched else back.pull
                return Prep(lambda t: (record.y, apply(t), record.aux), apply)
        return super().prepare_pushforward_same_point(fn, x, contexts, t, batched)

    def prepare_pullback_same_point(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        y, back, aux = records.pulling(records.close(fn, contexts), x)
        return Prep(lambda t: (y, back(match_cotangent(t, y, batched), batched), aux))

    def prepare_hvp_same_point(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        if self._forward:
            return super().prepare_hvp_same_point(fn, x, contexts, t, batched)
        gradient = records.gradient_of(records.close(fn, contexts))
        first, back, (y, aux) = records.pulling(gradient, x)
        return Prep(lambda t: ((y, first), back(t, batched), aux))


class _Records(Transforms):
    def pushing(self, g: Pure, x: Leaves, batched: bool) -> Push:
        return partial(push_each if batched else push, g, x)

    def pulling(self, g: Pure, x: Leaves) -> tuple[Leaves, Pull, Any]:
        record = Record(g, x)
        each, lone = record.pull_each, record.pull
        return record.y, lambda t, batched: (each if batched else lone)(t), record.aux

    def symmetric(self, g: Pure, x: Leaves, batched: bool) -> Push:
        y, back, aux = self.pulling(g, x)
        return lambda t: (y, back(t, batched), aux)


records = _Records()
