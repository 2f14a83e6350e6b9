"""HIPS autograd as the inner engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import autograd.numpy as anp
import numpy as np

from diffinterface import assembly, derived
from diffinterface.adtypes import AutoAutograd
from diffinterface.arrays import NUMPY, is_complex, size_of
from diffinterface.backend import Backend
from diffinterface.errors import UnsupportedOperatorError
from diffinterface.functions import Function
from diffinterface.prep import Prep
from diffinterface.seeds import basis, match_cotangent
from diffinterface.trees import Leaves

from .tracing import Pure, Recorded, pull, push, push_by_pulling

Apply = Callable[[Leaves], Leaves]


@final
class AutogradBackend(Backend):
    """`AutoAutograd`: f runs once for any number of pullbacks, and once for each pushforward."""

    adtype_class = AutoAutograd
    framework = NUMPY
    accepts = frozenset({"numpy", "autograd"})
    adtype: AutoAutograd

    def __init__(self, adtype: AutoAutograd) -> None:
        super().__init__(adtype)
        self._forward = adtype.mode == "forward"

    # --- first order -----------------------------------------------------------------------------

    def prepare_pushforward(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        def run(x: Leaves, contexts: Leaves, t: Leaves) -> Any:
            g = _close(fn, contexts)
            if not batched:
                recorded, tangent = self._push(g, x, t)
                return recorded.y, tangent, recorded.aux
            recorded, columns = self._push_all(g, x, t)
            return recorded.y, columns, recorded.aux

        return Prep(run)

    def prepare_pullback(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        def run(x: Leaves, contexts: Leaves, t: Leaves) -> Any:
            recorded, back = _pull(_close(fn, contexts), x)
            t = match_cotangent(t, recorded.y, batched)
            result = _each(back, t, x) if batched else back(t)
            return recorded.y, result, recorded.aux

        return Prep(run)

    def prepare_derivative(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        derived.check_analytic(self, fn, x, contexts)
        return derived.derivative(self, fn, x, contexts)

    def prepare_gradient(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        if self._forward:
            return derived.gradient_forward(self, fn, x, contexts)

        def run(x: Leaves, contexts: Leaves) -> Any:
            recorded, back = _pull(_close(fn, contexts), x)
            return recorded.y, back(_one(recorded.y)), recorded.aux

        return Prep(run)

    def prepare_jacobian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        if self._prefers_forward(fn, x, contexts):
            return derived.jacobian_forward(self, fn, x, contexts)
        derived.check_analytic(self, fn, x, contexts)

        def run(x: Leaves, contexts: Leaves) -> Any:
            recorded, back = _pull(_close(fn, contexts), x)
            seeds = basis(recorded.y)
            rows = _each(back, seeds, x)
            if any(is_complex(leaf) for leaf in recorded.y):
                turned = tuple(1j * s if is_complex(s) else 0 * s for s in seeds)
                rows = assembly.complex_rows(rows, _each(back, turned, x), x)
            return recorded.y, assembly.rows_from_rows(rows, recorded.y, x), recorded.aux

        return Prep(run)

    def prepare_batched_jacobian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        if self._prefers_forward(fn, x, contexts):
            return derived.batched_jacobian(self, fn, x, contexts, forward=True)

        def run(x: Leaves, contexts: Leaves) -> Any:
            recorded, back = _pull(_close(fn, contexts), x)
            batch = assembly.check_batch(x, recorded.y)
            sample_y, sample_x = (tuple(leaf[0] for leaf in leaves) for leaves in (recorded.y, x))
            rows = _each(back, assembly.broadcast_seeds(basis(sample_y), batch), x)
            return recorded.y, assembly.batched_rows(rows, sample_y, sample_x, False), recorded.aux

        return Prep(run)

    def _prefers_forward(self, fn: Function, x: Leaves, contexts: Leaves) -> bool:
        """Whether f(x) has so many more entries than x that pushing beats pulling.

        A pushforward evaluates f again, a pullback walks its record.
        """
        if self.adtype.mode != "auto":
            return self._forward
        y, _ = fn(x, contexts)
        return 2 * sum(map(size_of, x)) <= sum(map(size_of, y))

    def _push(self, g: Pure, x: Leaves, t: Leaves) -> tuple[Recorded, Leaves]:
        try:
            return push(g, x, t)
        except NotImplementedError as error:
            if self._forward:
                raise _no_rule(error, "pushforward") from error
        return push_by_pulling(g, x, t)

    def _push_all(self, g: Pure, x: Leaves, t: Leaves) -> tuple[Recorded, Leaves]:
        recorded, outputs = None, []
        for k in range(t[0].shape[0]):
            recorded, tangent = self._push(g, x, tuple(leaf[k] for leaf in t))
            outputs.append(tangent)
        if recorded is None:
            recorded, _ = push(g, x, tuple(anp.zeros_like(leaf) for leaf in x))
            return recorded, tuple(np.zeros((0, *y.shape)) for y in recorded.y)
        return recorded, tuple(anp.stack(column) for column in zip(*outputs, strict=True))

    # --- second order ----------------------------------------------------------------------------

    def prepare_second_derivative(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        derived.check_analytic(self, fn, x, contexts)
        return derived.second_derivative(self, self, fn, x, contexts)

    def prepare_hvp(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        derived.refuse_complex(self, x, "hvp")
        if self._forward:
            return derived.hvp(self, self, fn, x, contexts, t, batched)

        def run(x: Leaves, contexts: Leaves, t: Leaves) -> Any:
            outer, back = _pull(_gradient(fn, contexts), x)
            y, aux = outer.aux
            return (y, outer.y), _each(back, t, x) if batched else back(t), aux

        def result(x: Leaves, contexts: Leaves, t: Leaves) -> Any:
            """The gradient of the pushforward: cheaper, but it does not give the gradient."""

            def slope(x: Leaves) -> tuple[Leaves, Any]:
                return push(_close(fn, contexts), x, t)[1], None

            try:
                outer, back = _pull(slope, x)
            except NotImplementedError:
                return run(x, contexts, t)[1]
            return back(_one(outer.y))

        return Prep(run) if batched else Prep(run, result)

    def prepare_hvp_same_point(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        derived.refuse_complex(self, x, "hvp")
        if self._forward:
            return super().prepare_hvp_same_point(fn, x, contexts, t, batched)
        outer, back = _pull(_gradient(fn, contexts), x)
        y, aux = outer.aux
        return Prep(lambda t: ((y, outer.y), _each(back, t, x) if batched else back(t), aux))

    def prepare_hessian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        derived.refuse_complex(self, x, "hessian")
        if self._forward:
            return derived.hessian(self, self, fn, x, contexts)

        def run(x: Leaves, contexts: Leaves) -> Any:
            outer, back = _pull(_gradient(fn, contexts), x)
            y, aux = outer.aux
            rows = _each(back, basis(x), x)
            return (y, outer.y), assembly.rows_from_rows(rows, x, x), aux

        return Prep(run)

    # --- at one point ----------------------------------------------------------------------------

    def prepare_pullback_same_point(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        recorded, back = _pull(_close(fn, contexts), x)

        def run(t: Leaves) -> Any:
            t = match_cotangent(t, recorded.y, batched)
            return recorded.y, _each(back, t, x) if batched else back(t), recorded.aux

        return Prep(run)


def _close(fn: Function, contexts: Leaves) -> Pure:
    return lambda x: fn(x, contexts)


def _pull(g: Pure, x: Leaves) -> tuple[Recorded, Apply]:
    try:
        recorded, back = pull(g, x)
    except NotImplementedError as error:
        raise _no_rule(error, "pullback") from error

    def apply(t: Leaves) -> Leaves:
        try:
            return back(t)
        except NotImplementedError as error:
            raise _no_rule(error, "pullback") from error

    return recorded, apply


def _no_rule(error: Exception, operator: str) -> UnsupportedOperatorError:
    return UnsupportedOperatorError(
        f"autograd has no rule for this {operator}: {error}. Define one (autograd.extend), or use "
        "another backend.",
        operator=operator,
    )


def _gradient(fn: Function, contexts: Leaves) -> Pure:
    """The gradient of f as a function of x; its aux is (y, aux)."""

    def pure(x: Leaves) -> tuple[Leaves, Any]:
        recorded, back = _pull(_close(fn, contexts), x)
        return back(_one(recorded.y)), (recorded.y, recorded.aux)

    return pure


def _one(y: Leaves) -> Leaves:
    if is_complex(y[0]):
        raise derived.complex_gradient_error()
    return (np.ones((), dtype=y[0].dtype),)


def _each(back: Apply, t: Leaves, x: Leaves) -> Leaves:
    """The pullback of each seed of a batch."""
    rows = [back(tuple(leaf[k] for leaf in t)) for k in range(t[0].shape[0])]
    if not rows:
        return tuple(anp.zeros((0, *leaf.shape)) for leaf in x)
    return tuple(anp.stack(column) for column in zip(*rows, strict=True))
