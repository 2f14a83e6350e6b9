"""Derivatives of an implicit function: every engine of the conditions inside every outer engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di

from .common import (
    ENGINES,
    LOOSE,
    PAIRS,
    C,
    X,
    available,
    gradient,
    hessian,
    implicit,
    jacobian,
    jacobian_by_c,
    loss,
    solve,
)

OTHERS = ("finitediff", "complexstep")

every_engine = pytest.mark.parametrize("engine", [*ENGINES, *OTHERS])
#: Nothing depends on the pair that does not depend on one of the two; so each is taken with few.
every_pair = pytest.mark.parametrize(
    ("engine", "outer"),
    [*PAIRS, ("forwarddiff", "finitediff"), ("forwarddiff", "complexstep"), ("jax", "jax")],
)


def close(got: Any, want: Any, *engines: str, scale: float = 1.0) -> None:
    tolerance = max([1e-11, *(LOOSE.get(engine, 0.0) for engine in engines)]) * scale
    np.testing.assert_allclose(np.asarray(got), want, rtol=tolerance, atol=tolerance)


@every_engine
def test_the_value_is_the_solvers(engine: str) -> None:
    np.testing.assert_array_equal(implicit(engine)(X, C), solve(X, C))


@every_pair
def test_the_jacobian(engine: str, outer: str) -> None:
    available(outer)
    f = implicit(engine)
    close(di.jacobian(f, outer, X, C), jacobian(), engine, outer)


@every_pair
def test_products_both_ways(engine: str, outer: str) -> None:
    available(outer)
    f, t = implicit(engine), np.array([0.3, -1.0, 2.0])
    close(di.pushforward(f, outer, X, t, C), jacobian() @ t, engine, outer)
    close(di.pullback(f, outer, X, t, C), jacobian().T @ t, engine, outer)


@pytest.mark.parametrize(("engine", "outer"), PAIRS)
def test_contexts_are_differentiated_too(engine: str, outer: str) -> None:
    available(outer)
    f = implicit(engine)
    close(di.jacobian(f, outer, C, X, argnums=1), jacobian_by_c(), engine, outer)


@every_pair
def test_the_hessian(engine: str, outer: str) -> None:
    """Both orders by the theorem: no derivative passes through the solver."""
    available(outer)
    f = loss(implicit(engine))
    close(di.gradient(f, outer, X), gradient(), engine, outer)
    close(di.hessian(f, outer, X), hessian(), engine, outer, scale=100)


@pytest.mark.parametrize("outer", ["forwarddiff", "torch"])
def test_a_complex_step_of_conditions_once_more_is_right_or_refused(outer: str) -> None:
    available(outer)
    try:
        got = di.hessian(loss(implicit("complexstep")), outer, X)
    except di.NonAnalyticError:
        return
    close(got, hessian(), scale=100)


@pytest.mark.parametrize("engine", ["forwarddiff", "torch"])
def test_the_third_order(engine: str) -> None:
    """The derivative of the Hessian along a direction, against differences of the exact Hessian."""
    f, h, v = loss(implicit(engine)), 1e-5, np.array([1.0, -2.0, 0.5])

    def hessian_at(x: Any) -> Any:
        import tests.equations.implicit.common as common

        before, common.X = common.X, x
        try:
            return common.hessian()
        finally:
            common.X = before

    want = (hessian_at(X + h * v) - hessian_at(X - h * v)) / (2 * h)
    got = di.pushforward(lambda x: di.hessian(f, "forwarddiff", x), "forwarddiff", X, v)
    np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-8)


def test_mixed_second_derivatives() -> None:
    """Of a loss by x and c together: symmetric, and its blocks those of each alone."""
    f = implicit("forwarddiff")

    def both(z: Any) -> Any:
        y = f(z[:3], z[3:])
        return np.sum(y**3)

    z = np.concatenate([X, C])
    H = di.hessian(both, "forwarddiff", z)
    h = 1e-6
    for k in range(6):
        e = h * np.eye(6)[k]
        column = di.gradient(both, "forwarddiff", z + e) - di.gradient(both, "forwarddiff", z - e)
        np.testing.assert_allclose(H[:, k], column / (2 * h), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(H, H.T, atol=1e-10)
