"""HIPS autograd as the inner engine."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, final

import numpy as np
from autograd.numpy.numpy_boxes import ArrayBox

from diffinterface.arrays import assembly
from diffinterface.arrays.facts import dtype_name, is_complex, shape_of, size_of
from diffinterface.arrays.framework import NUMPY, framework_of
from diffinterface.arrays.seeds import basis, match_cotangent
from diffinterface.arrays.trees import Leaves
from diffinterface.declare.adtypes import AutoAutograd
from diffinterface.engine import derived
from diffinterface.engine.backend import Backend
from diffinterface.engine.contract import Levels
from diffinterface.engine.function import Function
from diffinterface.engine.modes import prefers_forward
from diffinterface.engine.prep import Prep
from diffinterface.errors import NestedDifferentiationError, OutputError

from .errors import MissingRuleError, lost_derivative
from .record import Pure, Record, push, push_each

Run = Callable[[Leaves, Leaves], Any]


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
                return (push_each if batched else push)(_close(fn, contexts), x, t)
            except MissingRuleError:
                if self._forward:
                    raise
            record = Record(_close(fn, contexts), x)
            back = record.transposed()
            return record.y, back.pull_each(t) if batched else back.pull(t), record.aux

        return Prep(run)

    def prepare_pullback(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        def run(x: Leaves, contexts: Leaves, t: Leaves) -> Any:
            return _pull(Record(_close(fn, contexts), x), t, batched)

        return Prep(run)

    def prepare_gradient(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        if self._forward:
            return derived.gradient_forward(self, fn, x, contexts)

        def run(x: Leaves, contexts: Leaves) -> Any:
            record = Record(_close(fn, contexts), x)
            return record.y, record.pull(_one(record.y)), record.aux

        return Prep(run)

    def prepare_jacobian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:

        def by_columns(x: Leaves, contexts: Leaves) -> Any:
            y, columns, aux = push_each(_close(fn, contexts), x, basis(x))
            return y, assembly.rows_from_columns([[c] for c in columns], y, x), aux

        def by_rows(x: Leaves, contexts: Leaves) -> Any:
            record = Record(_close(fn, contexts), x)
            seeds = basis(record.y)
            rows = record.pull_each(seeds)
            if any(is_complex(leaf) for leaf in record.y):
                turned = tuple(1j * s if is_complex(s) else 0 * s for s in seeds)
                rows = assembly.complex_rows(rows, record.pull_each(turned), x)
            return record.y, assembly.rows_from_rows(rows, record.y, x), record.aux

        return self._either(fn, x, contexts, by_columns, by_rows)

    def prepare_batched_jacobian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:

        def by_columns(x: Leaves, contexts: Leaves) -> Any:
            sample, batch = assembly.first_sample(x), shape_of(x[0])[0]
            seeds = assembly.broadcast_seeds(basis(sample), batch)
            y, columns, aux = push_each(_close(fn, contexts), x, seeds)
            assembly.check_batch(x, y)
            return y, assembly.batched_rows(columns, assembly.first_sample(y), sample, True), aux

        def by_rows(x: Leaves, contexts: Leaves) -> Any:
            record = Record(_close(fn, contexts), x)
            y = record.y
            batch, sample = assembly.check_batch(x, y), assembly.first_sample(y)
            rows = record.pull_each(assembly.broadcast_seeds(basis(sample), batch))
            return (
                y,
                assembly.batched_rows(rows, sample, assembly.first_sample(x), False),
                record.aux,
            )

        return self._either(fn, x, contexts, by_columns, by_rows)

    def _either(
        self, fn: Function, x: Leaves, contexts: Leaves, by_columns: Run, by_rows: Run
    ) -> Prep:
        """The way that the shapes favour; where autograd lacks a rule for it, the other."""
        if self._forward or self._reverse:
            return Prep(by_columns if self._forward else by_rows)
        try:
            y, *_ = push_each(_close(fn, contexts), x, basis(x, 0, 0))
        except MissingRuleError:
            return Prep(by_rows)
        columns_win = prefers_forward(self, x, y)  # the batch of a batched one is on both sides
        first, second = (by_columns, by_rows) if columns_win else (by_rows, by_columns)

        def run(x: Leaves, contexts: Leaves) -> Any:
            try:
                return first(x, contexts)
            except MissingRuleError:
                return second(x, contexts)

        return Prep(run)

    # --- second order ----------------------------------------------------------------------------

    def prepare_hvp(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        derived.refuse_complex(self, x, "hvp")
        if self._forward:
            return super().prepare_hvp(fn, x, contexts, t, batched)

        def run(x: Leaves, contexts: Leaves, t: Leaves) -> Any:
            return _pull_gradient(_gradient(fn, contexts, x), t, batched)

        def result(x: Leaves, contexts: Leaves, t: Leaves) -> Any:
            """The gradient of the slope: cheaper, but it does not give the gradient of f."""
            try:
                slope = Record(lambda x: (push(_close(fn, contexts), x, t)[1], None), x)
                return slope.pull(_one(slope.y))
            except MissingRuleError:
                return run(x, contexts, t)[1]

        return Prep(run) if batched or self._reverse else Prep(run, result)

    def prepare_hessian(self, fn: Function, x: Leaves, contexts: Leaves) -> Prep:
        derived.refuse_complex(self, x, "hessian")
        if self._forward:
            return super().prepare_hessian(fn, x, contexts)

        def run(x: Leaves, contexts: Leaves) -> Any:
            value, rows, aux = _pull_gradient(_gradient(fn, contexts, x), basis(x), True)
            return value, assembly.rows_from_rows(rows, x, x), aux

        return Prep(run)

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
        if operator in ("hvp", "hessian") and not self._forward:
            directions = sum(map(size_of, x)) if operator == "hessian" else seeds
            slope = operator == "hvp" and seeds == 1 and not self._reverse
            return ("reverse", directions), ("forward" if slope else "reverse", 1)
        return super().levels(operator, fn, x, contexts, y, seeds, recorded)

    # --- at one point ----------------------------------------------------------------------------

    def prepare_pushforward_same_point(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        if not self._forward:
            with suppress(MissingRuleError):
                record = Record(_close(fn, contexts), x)
                back = record.transposed()
                apply = back.pull_each if batched else back.pull
                return Prep(lambda t: (record.y, apply(t), record.aux), apply)
        return super().prepare_pushforward_same_point(fn, x, contexts, t, batched)

    def prepare_pullback_same_point(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        record = Record(_close(fn, contexts), x)
        return Prep(lambda t: _pull(record, t, batched))

    def prepare_hvp_same_point(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        derived.refuse_complex(self, x, "hvp")
        if self._forward:
            return super().prepare_hvp_same_point(fn, x, contexts, t, batched)
        record = _gradient(fn, contexts, x)
        return Prep(lambda t: _pull_gradient(record, t, batched))


def _close(fn: Function, contexts: Leaves) -> Pure:
    return lambda x: fn(x, contexts)


def _gradient(fn: Function, contexts: Leaves, x: Leaves) -> Record:
    """The record of the gradient of f; its aux is (y, aux)."""

    def gradient(x: Leaves) -> tuple[Leaves, Any]:
        record = Record(_close(fn, contexts), x)
        return record.pull(_one(record.y)), (record.y, record.aux)

    return Record(gradient, x)


def _pull(record: Record, t: Leaves, batched: bool) -> tuple[Leaves, Leaves, Any]:
    t = match_cotangent(t, record.y, batched)
    return record.y, record.pull_each(t) if batched else record.pull(t), record.aux


def _pull_gradient(record: Record, t: Leaves, batched: bool) -> Any:
    """A Hessian-vector product as a pullback of the gradient: the Hessian is symmetric."""
    y, aux = record.aux
    return (y, record.y), record.pull_each(t) if batched else record.pull(t), aux


def _one(y: Leaves) -> Leaves:
    """The seed of a gradient."""
    if is_complex(y[0]):
        raise derived.complex_gradient_error()
    return (np.ones((), dtype=y[0].dtype),)
