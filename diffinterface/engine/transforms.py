"""Every operator from two transforms of pure functions: a pushforward and a pullback.

For engines that differentiate ``g(x) -> (y, aux)``, with all seeds of a call through one
linearization; `derived` serves engines that take a `Backend`'s primitives.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays import assembly
from ..arrays.facts import is_complex
from ..arrays.framework import NUMPY, framework_of
from ..arrays.namespace import array_namespace
from ..arrays.seeds import basis, match_cotangent, turned
from ..arrays.trees import Leaves
from ..errors import NonAnalyticError
from .function import Function

#: A function of x alone, which gives ``(y, aux)``.
Pure = Callable[[Leaves], tuple[Leaves, Any]]
#: From tangents to ``(y, pushforward, aux)``, at a point that is fixed.
Push = Callable[[Leaves], tuple[Leaves, Leaves, Any]]
#: ``(cotangents, batched) -> pullback``, at a point that is fixed.
Pull = Callable[[Leaves, bool], Leaves]


class Transforms(ABC):
    """The operators, as functions of ``(fn, x, contexts)`` that give ``(value, result, aux)``.

    A subclass gives `pushing` and `pulling`; a transform must carry any auxiliary output through.
    """

    @abstractmethod
    def pushing(self, g: Pure, x: Leaves, batched: bool) -> Push:
        """``t -> (value, pushforward of t, aux)`` of g at x; of each tangent, if `batched`."""

    @abstractmethod
    def pulling(self, g: Pure, x: Leaves) -> tuple[Leaves, Pull, Any]:
        """The value of g at x, its pullback ``(t, batched) -> leaves``, as the adjoint, and aux."""

    def basis(self, x: Leaves) -> Leaves:
        """A batch of all standard seeds."""
        return basis(x)

    def close(self, fn: Function, contexts: Leaves) -> Pure:
        """F of x alone."""
        return lambda x: fn(x, contexts)

    def gradient_of(self, g: Pure) -> Pure:
        """The gradient of g as a function of x; its aux is (y, aux)."""

        def gradient(x: Leaves) -> tuple[Leaves, Any]:
            y, back, aux = self.pulling(g, x)
            return back(one(y), False), (y, aux)

        return gradient

    def symmetric(self, g: Pure, x: Leaves, batched: bool) -> Push:
        """`pushing` of a gradient, which may be its pullback: a Hessian is symmetric."""
        return self.pushing(g, x, batched)

    # --- first order -----------------------------------------------------------------------------

    def pushforward(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool
    ) -> Any:
        return self.pushing(self.close(fn, contexts), x, batched)(t)

    def pullback(self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool) -> Any:
        y, back, aux = self.pulling(self.close(fn, contexts), x)
        return y, back(match_cotangent(t, y, batched), batched), aux

    def derivative(self, fn: Function, x: Leaves, contexts: Leaves) -> Any:
        return self.pushforward(fn, x, contexts, _ones(x), False)

    def gradient(self, fn: Function, x: Leaves, contexts: Leaves, forward: bool = False) -> Any:
        transform = self.forward_gradient_of if forward else self.gradient_of
        result, (y, aux) = transform(self.close(fn, contexts))(x)
        return y, result, aux

    def forward_gradient_of(self, g: Pure) -> Pure:
        """`gradient_of` by one pushforward for each entry of x."""

        def gradient(x: Leaves) -> tuple[Leaves, Any]:
            push = self.pushing(g, x, True)
            seeds = self.basis(x)
            y, columns, aux = push(seeds)
            one(y)
            flat = columns[0]
            if any(map(is_complex, x)):
                flat = flat + 1j * push(turned(seeds))[1][0]
            return assembly.split(flat, x, False), (y, aux)

        return gradient

    def jacobian(self, fn: Function, x: Leaves, contexts: Leaves, forward: bool) -> Any:
        g = self.close(fn, contexts)
        if forward:
            y, columns, aux = self.pushing(g, x, True)(self.basis(x))
            return y, assembly.rows_from_columns([[c] for c in columns], y, x), aux
        y, back, aux = self.pulling(g, x)
        return y, pulled_rows(lambda t: back(t, True), y, x, self.basis(y)), aux

    def batched_jacobian(self, fn: Function, x: Leaves, contexts: Leaves, forward: bool) -> Any:
        g = self.close(fn, contexts)
        if not forward:
            y, back, aux = self.pulling(g, x)
            return y, pulled_blocks(lambda t: back(t, True), y, x, self.basis), aux
        sample = assembly.first_sample(x)
        seeds = assembly.broadcast_seeds(self.basis(sample), assembly.check_batch(x))
        y, columns, aux = self.pushing(g, x, True)(seeds)
        assembly.check_batch(x, y)
        return y, assembly.batched_rows(columns, assembly.first_sample(y), sample, True), aux

    # --- second order ----------------------------------------------------------------------------

    def second_derivative(self, fn: Function, x: Leaves, contexts: Leaves) -> Any:
        def first(x: Leaves) -> tuple[Leaves, Any]:
            y, slope, aux = self.derivative(fn, x, contexts)
            return slope, (y, aux)

        slope, curvature, (y, aux) = self.pushing(first, x, False)(_ones(x))
        return (y, slope), curvature, aux

    def hvp(self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool) -> Any:
        gradient = self.gradient_of(self.close(fn, contexts))
        first, product, (y, aux) = self.symmetric(gradient, x, batched)(t)
        return (y, first), product, aux

    def hessian(self, fn: Function, x: Leaves, contexts: Leaves) -> Any:
        value, columns, aux = self.hvp(fn, x, contexts, self.basis(x), True)
        return value, assembly.rows_from_rows(columns, x, x), aux


def complex_gradient_error() -> NonAnalyticError:
    """The gradient of a complex-valued function was asked for."""
    return NonAnalyticError(
        "gradient expects a real-valued f, got a complex value; take its real part or modulus, or use "
        "derivative or jacobian of a holomorphic f."
    )


def one(y: Leaves) -> Leaves:
    """The cotangent 1 of a real scalar."""
    if is_complex(y[0]):
        raise complex_gradient_error()
    if type(y[0]) is np.ndarray:  # in a fraction of the calls
        return (np.ones((), y[0].dtype),)
    return ((framework_of(y[0]) or NUMPY).namespace(y[0]).ones_like(y[0]),)


def _ones(x: Leaves) -> Leaves:
    return tuple(array_namespace(leaf).ones_like(leaf) for leaf in x)


def pulled_rows(
    pull: Callable[[Leaves], Leaves], y: Leaves, x: Leaves, seeds: Leaves
) -> tuple[Leaves, ...]:
    """The Jacobian of y by x from one batched pullback of all `seeds`, the basis of y's space."""
    rows = pull(seeds)
    if any(map(is_complex, y)):
        rows = assembly.complex_rows(rows, pull(turned(seeds)), x)
    return assembly.rows_from_rows(rows, y, x)


def pulled_blocks(
    pull: Callable[[Leaves], Leaves],
    y: Leaves,
    x: Leaves,
    basis: Callable[[Leaves], Leaves] = basis,
) -> tuple[Leaves, ...]:
    """The Jacobian of each sample: one seed serves them all, because they do not mix."""
    batch, sample = assembly.check_batch(x, y), assembly.first_sample(y)
    rows = pull(assembly.broadcast_seeds(basis(sample), batch))
    return assembly.batched_rows(rows, sample, assembly.first_sample(x), False)
