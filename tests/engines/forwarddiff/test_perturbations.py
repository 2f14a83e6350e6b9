"""Perturbations of several levels, never confused: nested calls, closures, mixed arrays, threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import diffinterface as di

BACKEND = di.AutoForwardDiff()
X = np.array([0.3, -1.2, 2.0])


def d(f: Any, x: Any) -> Any:
    return di.derivative(f, BACKEND, x)


def test_the_classical_cases() -> None:
    # Siskind and Pearlmutter (2005): d/dx (x d/dy (x + y)) = 1, not 2.
    assert d(lambda x: x * d(lambda y: x + y, 1.0), 1.0) == 1.0
    assert d(lambda x: x * d(lambda y: x * y, 2.0), 3.0) == 6.0
    assert d(lambda x: d(lambda y: x * y, x), 5.0) == 1.0
    assert d(lambda x: d(lambda y: x * y**2, x), 5.0) == 20.0
    assert d(lambda x: d(lambda y: y**3, x) * x, 2.0) == 36.0
    assert d(lambda x: d(lambda _: x**2, x), 5.0) == 0.0
    assert d(lambda x: x + d(lambda y: 3.0 + 0 * y, x), 5.0) == 1.0


def test_three_levels() -> None:
    def f(x: Any) -> Any:
        return x * d(lambda y: y * d(lambda z: x * y * z**2, y), x)

    # Inner: 2 x y^2; times y: 2 x y^3; its slope at y = x: 6 x^3; times x: 6 x^4.
    assert d(f, 1.5) == pytest.approx(24 * 1.5**3, rel=1e-15)
    assert d(lambda x: d(lambda y: d(lambda z: np.sin(x * y * z), x), x), 0.7) == pytest.approx(
        # g(x) = d/dy [x y cos(x^2 y)] at y = x is x cos(x^3) - x^4 sin(x^3).
        np.cos(0.343) - 7 * 0.343 * np.sin(0.343) - 3 * 0.343**2 * np.cos(0.343),
        rel=1e-14,
    )


@pytest.mark.parametrize("n", range(1, 8))
def test_high_orders(n: int) -> None:
    f = np.exp
    for _ in range(n):
        f = lambda x, f=f: d(f, x)  # noqa: E731
    assert f(0.5) == pytest.approx(np.exp(0.5), rel=1e-14)
    g: Any = lambda x: x**n  # noqa: E731
    for _ in range(n):
        g = lambda x, g=g: d(g, x)  # noqa: E731
    assert g(1.3) == pytest.approx(float(np.prod(np.arange(1, n + 1))), rel=1e-14)


def test_closures_hold_outer_perturbations() -> None:
    def loss(w: Any) -> Any:
        jacobian = di.jacobian(lambda x: np.tanh(w * x), BACKEND, X)
        return np.sum(jacobian**2) + np.sum(w**2)

    w = np.array([0.5, 1.0, -0.7])
    # J = diag(w s), s = 1 - tanh(w x)^2; d(w s)/dw = s - 2 w x tanh(w x) s.
    t = np.tanh(w * X)
    s = 1 - t**2
    expected = 2 * w * s * (s - 2 * w * X * t * s) + 2 * w
    np.testing.assert_allclose(di.gradient(loss, BACKEND, w), expected, rtol=1e-13)
    # The other way round: x is the outer perturbation, and a constant to the inner function.
    got = di.gradient(
        lambda x: np.sum(di.gradient(lambda v: np.sum(v**2 * x), BACKEND, w)), BACKEND, X
    )
    np.testing.assert_allclose(got, 2 * w, rtol=1e-15)


def test_an_inner_call_that_ignores_its_argument() -> None:
    def f(x: Any) -> Any:
        inner = di.jacobian(lambda _: x**2, BACKEND, np.ones(2))
        assert inner.shape == (3, 2)
        return np.sum(inner) + np.sum(x)

    np.testing.assert_array_equal(di.gradient(f, BACKEND, X), np.ones(3))


def test_levels_mixed_in_one_array() -> None:
    def f(x: Any) -> Any:
        def g(y: Any) -> Any:
            mixed = np.stack([x * y, x**2, 3.0 * np.ones(()), y**2])
            joined = np.concatenate([mixed, [2.0], np.where(y > 0, x, y)[None]])
            matrix = np.einsum("i,j->ij", joined, np.stack([y, x]))
            return np.sum(matrix @ np.stack([x, y]))

        return d(g, 2 * x)

    def reference(x: float) -> float:
        # sum(joined) (y x + x y), joined = x y + x^2 + 3 + y^2 + 2 + x, at y = 2 x.
        y = 2 * x
        s, ds = x * y + x * x + 5 + y * y + x, x + 2 * y
        return ds * 2 * x * y + s * 2 * x

    # reference(x) = 10 x * 2 x * x ... as a polynomial: 34 x^3 + 2 x^2 + 10 x.
    assert reference(0.7) == pytest.approx(34 * 0.343 + 2 * 0.49 + 7)
    value, slope = di.value_and_derivative(f, BACKEND, 0.7)
    assert value == pytest.approx(reference(0.7), rel=1e-14)
    assert slope == pytest.approx(102 * 0.49 + 4 * 0.7 + 10, rel=1e-14)


def test_a_buffer_of_the_outer_level_refuses_the_inner_one() -> None:
    def f(x: Any) -> Any:
        buffer = np.zeros_like(x)

        def g(y: Any) -> Any:
            buffer[0] = y * x[0]
            return buffer[0]

        return d(g, 2.0)

    with pytest.raises(di.DiffInterfaceError, match="outer derivative"):
        di.gradient(f, BACKEND, X)


def test_a_buffer_of_the_inner_level_holds_both() -> None:
    def f(x: Any) -> Any:
        def g(y: Any) -> Any:
            buffer = np.zeros_like(x * y)
            buffer[0] = y * x[0] ** 2
            buffer[1:] = x[1:] * y**2
            return buffer

        return np.sum(d(g, x[2]))

    # x0^2 + 2 x2 (x1 + x2)
    np.testing.assert_allclose(
        di.gradient(f, BACKEND, X), [2 * X[0], 2 * X[2], 2 * X[1] + 4 * X[2]], rtol=1e-14
    )


def scalar(x: Any) -> Any:
    return np.sum(np.sin(x) * x**2) + x[0] * x[1] * x[2]


def hessian(x: Any) -> Any:
    cross = np.array([[0, x[2], x[1]], [x[2], 0, x[0]], [x[1], x[0], 0]])
    return np.diag(-np.sin(x) * x**2 + 4 * x * np.cos(x) + 2 * np.sin(x)) + cross


@pytest.mark.parametrize("outer", [None, 1, 2, 3, 64])
@pytest.mark.parametrize("inner", [None, 1, 2])
def test_hessian_in_all_chunk_sizes(outer: int | None, inner: int | None) -> None:
    backend = di.SecondOrder(di.AutoForwardDiff(outer), di.AutoForwardDiff(inner))
    np.testing.assert_allclose(di.hessian(scalar, backend, X), hessian(X), rtol=1e-13)
    t = np.array([1.0, 2.0, -1.0])
    np.testing.assert_allclose(di.hvp(scalar, backend, X, t), hessian(X) @ t, rtol=1e-13)
    by_hand = di.jacobian(lambda x: di.gradient(scalar, backend.inner, x), backend.outer, X)
    np.testing.assert_allclose(by_hand, hessian(X), rtol=1e-13)


def test_hessian_inside_a_gradient() -> None:
    def f(x: Any) -> Any:
        return np.sum(di.hessian(lambda y: np.sum(y**3 * x), BACKEND, x))

    # Hessian in y: 6 y x, at y = x: 6 x^2.
    np.testing.assert_allclose(di.gradient(f, BACKEND, X), 12 * X, rtol=1e-14)
    trace = di.gradient(lambda x: np.trace(di.hessian(scalar, BACKEND, x)), BACKEND, X)
    third = -np.cos(X) * X**2 - 6 * X * np.sin(X) + 6 * np.cos(X)
    np.testing.assert_allclose(trace, third, rtol=1e-13)


def test_prepared_calls_inside_calls() -> None:
    prep = di.prepare_gradient(scalar, BACKEND, X, on_mismatch="reprepare")
    np.testing.assert_allclose(di.jacobian(lambda x: prep(x), BACKEND, X), hessian(X), rtol=1e-13)
    np.testing.assert_array_equal(prep(X), di.gradient(scalar, BACKEND, X))


def test_threads() -> None:
    """Levels rise in all threads together; nobody sees another's perturbation."""

    def f(a: float) -> Any:
        return d(lambda x: x * d(lambda y: np.sin(a * x) * y**2 + x, x), 1.3)

    def expected(a: float) -> float:
        # 2 x^2 sin(a x)
        return float(4 * 1.3 * np.sin(1.3 * a) + 2 * a * 1.69 * np.cos(1.3 * a))

    slopes = np.linspace(-2, 2, 200)
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(f, slopes))
    np.testing.assert_allclose(got, [expected(a) for a in slopes], rtol=1e-12, atol=1e-12)


def test_a_prepared_operator_in_threads() -> None:
    prep = di.prepare_hessian(scalar, BACKEND, X)
    points = [X + 0.1 * i for i in range(40)]
    with ThreadPoolExecutor(8) as pool:
        for x, got in zip(points, pool.map(prep, points), strict=True):
            np.testing.assert_allclose(got, hessian(x), rtol=1e-12)


def test_aux_is_stripped_of_its_own_level_alone() -> None:
    kept = []

    def f(x: Any) -> Any:
        value, slope, aux = di.value_and_derivative(
            lambda y: (x * y**2, {"both": x * y, "x": x}), BACKEND, 3.0, has_aux=True
        )
        kept.append(value)
        return slope * aux["both"] + aux["x"]

    # 6 x * 3 x + x
    assert d(f, 2.0) == 73.0
    assert d(f, 2.0) == 73.0
