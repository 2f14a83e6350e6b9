"""Finite differences as an inner engine: f is only evaluated, on the caller's own arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any, final

from diffinterface.extend import (
    Array,
    AutoFiniteDiff,
    Backend,
    Function,
    Leaves,
    Prep,
    array_namespace,
    framework_of,
    none_pushed,
)
from diffinterface.extend.frameworks import is_traced

from .precision import probe, relative_step, roundoff
from .schemes import EVALUATIONS, SCHEMES, Evaluate, Here, extrapolate, step, unit


@final
class FiniteDiffBackend(Backend):
    """`AutoFiniteDiff`: two evaluations of f a direction, or one with ``scheme="forward"``.

    Further evaluations at preparation find the precision of f. Its value at x, where it is asked for or
    the scheme is "forward", takes one more. Relative accuracy in float64 is about 1e-10 central, 1e-8
    forward and 1e-12 extrapolated; second derivatives about 1e-7.
    """

    adtype_class = AutoFiniteDiff
    stops = False
    exact = False
    orders = 2
    adtype: AutoFiniteDiff

    def __init__(self, adtype: AutoFiniteDiff) -> None:
        super().__init__(adtype)
        self.column_evaluations = EVALUATIONS[adtype.scheme]

    def prepare_pushforward(
        self, fn: Function, x: Leaves, contexts: Leaves, t: Leaves, batched: bool = False
    ) -> Prep:
        fn = fn.on(self)  # the gradient that another engine takes inside is differenced here
        scheme = SCHEMES[self.adtype.scheme]
        steps = [self._steps(fn, x, contexts)] if fn.reuse else []  # a single call's when it runs

        def along(f: Evaluate, here: Here, x: Leaves, t: Leaves) -> Leaves:
            (u, norm), (relative, absolute) = unit(t), steps[0]
            slopes = scheme(f, here, x, u, step(x, u, relative, absolute))
            return tuple(
                slope * array_namespace(slope, norm).astype(_like(norm, slope), slope.dtype)
                for slope in slopes
            )

        def pushed(x: Leaves, contexts: Leaves, t: Leaves, here: Here) -> Leaves:
            f = _evaluator(fn, x, contexts)
            if not steps:
                steps.append(self._steps(fn, x, contexts))
            if not batched:
                return along(f, here, x, t)
            size = t[0].shape[0]
            rows = [along(f, here, x, tuple(leaf[k, ...] for leaf in t)) for k in range(size)]
            if not rows:
                return none_pushed(here())
            return tuple(array_namespace(*c).stack(c) for c in zip(*rows, strict=True))

        def result(x: Leaves, contexts: Leaves, t: Leaves) -> Leaves:
            return pushed(x, contexts, t, cache(lambda: _value(fn, x, contexts)[0]))

        def run(x: Leaves, contexts: Leaves, t: Leaves) -> Any:
            value, aux = _value(fn, x, contexts)
            return value, pushed(x, contexts, t, lambda: value), aux

        return Prep(run, result)

    def _steps(self, fn: Function, x: Leaves, contexts: Leaves) -> tuple[float, float]:
        given = self.adtype.relative_step
        if given is None:
            if any(map(is_traced, x)):
                eps = roundoff(x)
            else:
                eps = probe(_evaluator(fn, x, contexts), x, self.adtype.scheme)
            given = relative_step(self.adtype.scheme, eps)
        absolute = self.adtype.absolute_step
        return given, given if absolute is None else absolute

    # --- second order: the outer difference knows how noisy the inner one is -----------------------

    def outer(self, x: Leaves) -> FiniteDiffBackend:
        if self.adtype.relative_step is not None or self.adtype.scheme == "richardson":
            return self
        # The inner derivative has an error eps^(2/3) (central) or eps^(1/2) (forward); the best
        # central step over values with an error e is e^(1/3).
        error = roundoff(x) ** (2 / 3 if self.adtype.scheme == "central" else 1 / 2)
        outer = replace(self.adtype, scheme="central", relative_step=float(error ** (1 / 3)))
        return FiniteDiffBackend(outer)


def _like(norm: Any, slope: Array) -> Array:
    xp = array_namespace(slope)
    return (
        norm
        if framework_of(norm) is framework_of(slope) and hasattr(norm, "dtype")
        else xp.asarray(norm)
    )


def _evaluator(fn: Function, x: Leaves, contexts: Leaves) -> Evaluate:
    """f at a point, its outputs as arrays of the caller's framework."""
    caller = framework_of(x[0])

    def evaluate(point: Leaves) -> Leaves:
        return tuple(_as(caller, leaf, x[0]) for leaf in fn(point, contexts)[0])

    return evaluate


def _value(fn: Function, x: Leaves, contexts: Leaves) -> tuple[Leaves, Any]:
    y, aux = fn(tuple(framework_of(leaf).own(leaf) for leaf in x), contexts)  # type: ignore[union-attr]
    caller = framework_of(x[0])
    return tuple(_as(caller, leaf, x[0]) for leaf in y), aux


def _as(caller: Any, leaf: Array, like: Array) -> Array:
    """An output of f in the caller's framework: f may compute with another one inside."""
    got = framework_of(leaf)
    if got is caller or got is None or got.is_traced(leaf):
        return leaf if hasattr(leaf, "dtype") else array_namespace(like).asarray(leaf)
    array = got.to_numpy(leaf)
    return array if caller is None else caller.from_numpy(array, like)


def derivative_with_error(
    f: Callable[[Any], Any], x: Any, *, relative_step: float = 2.0**-5
) -> tuple[Any, Any]:
    """The derivative of f at a scalar x, extrapolated, with an estimate of its error.

    Parameters
    ----------
    f : callable
        ``f(x)``, returning an array of any shape.
    x : float or 0-d array
        The point.
    relative_step : float
        The largest step, as a fraction of ``max(abs(x), 1)``.

    Returns
    -------
    derivative, error : array
        Both of the shape of f(x). The estimate is that of Ridders (1982): the disagreement between
        neighbours in the extrapolation, usually above the true error.

    Examples
    --------
    >>> import numpy as np
    >>> from diffinterface_finitediff import derivative_with_error
    >>> slope, error = derivative_with_error(np.exp, 1.0)
    >>> bool(abs(slope - np.e) < 1e-11), bool(error < 1e-9)
    (True, True)
    """
    point = (array_namespace(x).asarray(x),)
    one = (array_namespace(*point).ones_like(point[0]),)
    h = step(point, one, relative_step, relative_step)
    (slope,), (error,) = extrapolate(lambda z: (f(z[0]),), point, one, h)
    return slope, error
