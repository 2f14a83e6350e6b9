"""Every operator on every backend, against derivatives written by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di

from .backends import Case

X = np.array([0.3, -1.2, 2.0])
Z = np.array([0.5, 0.7, -0.4])
T = np.array([1.0, 2.0, -1.0])


def scalar(x: Any, c: Any = 1.0) -> Any:
    xp = di.array_namespace(x)
    return xp.sum(xp.sin(x) * x**2) * c


def gradient(x: Any) -> Any:
    return np.cos(x) * x**2 + 2 * x * np.sin(x)


def hessian(x: Any) -> Any:
    return np.diag(-np.sin(x) * x**2 + 4 * x * np.cos(x) + 2 * np.sin(x))


def tree(x: Any, c: Any = 1.0) -> Any:
    xp = di.array_namespace(x)
    return {"y": xp.stack([x[0] * x[1], x[1] ** 2 * c, xp.sin(x[2])]), "z": xp.sum(x**3)}


def tree_jacobian(x: Any, c: float) -> dict[str, Any]:
    rows = [[x[1], x[0], 0], [0, 2 * x[1] * c, 0], [0, 0, np.cos(x[2])]]
    return {"y": np.array(rows), "z": 3 * x**2}


def curve(x: Any) -> Any:
    return di.array_namespace(x).sin(x) * x**2


def curve_derivatives(x: float) -> tuple[float, float, float]:
    s, c = np.sin(x), np.cos(x)
    return s * x**2, c * x**2 + 2 * x * s, -s * x**2 + 4 * x * c + 2 * s


def close(got: Any, expected: Any, tolerance: float) -> None:
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


def test_gradient(backend: Case) -> None:
    ad, tol = backend.adtype, backend.first
    result = di.gradient(scalar, ad, X, 2.0)
    assert type(result) is np.ndarray
    close(result, 2 * gradient(X), tol)
    value, result = di.value_and_gradient(scalar, ad, X)
    close(value, np.sum(np.sin(X) * X**2), tol)
    close(result, gradient(X), tol)
    prep = di.prepare_gradient(scalar, ad, X, 1.0)
    first = prep(Z, 3.0)
    close(first, 3 * gradient(Z), tol)
    first[:] = 0  # results are the caller's own
    close(prep(Z, 3.0), 3 * gradient(Z), tol)
    close(prep.value_and(X, 1.0)[1], gradient(X), tol)


def test_jacobian(backend: Case) -> None:
    ad, tol = backend.adtype, backend.first
    expected = tree_jacobian(X, 2.0)
    result = di.jacobian(tree, ad, X, 2.0)
    close(result["y"], expected["y"], tol)
    close(result["z"], expected["z"], tol)
    value, result = di.value_and_jacobian(tree, ad, X, 2.0)
    close(value["z"], np.sum(X**3), tol)
    prep = di.prepare_jacobian(tree, ad, X, 2.0)
    close(prep(Z, 3.0)["y"], tree_jacobian(Z, 3.0)["y"], tol)


def test_pushforward(backend: Case) -> None:
    ad, tol = backend.adtype, backend.first
    j = tree_jacobian(X, 2.0)
    result = di.pushforward(tree, ad, X, T, 2.0)
    close(result["y"], j["y"] @ T, tol)
    close(result["z"], j["z"] @ T, tol)
    batch = di.pushforward(tree, ad, X, np.stack([T, 2 * T]), 2.0, batched=True)
    close(batch["y"], np.stack([j["y"] @ T, 2 * j["y"] @ T]), tol)
    prep = di.prepare_pushforward(tree, ad, X, T, 2.0)
    close(prep(Z, 2 * T, 3.0)["y"], 2 * tree_jacobian(Z, 3.0)["y"] @ T, tol)
    at_x = di.prepare_pushforward_same_point(tree, ad, X, T, 2.0)
    close(at_x(2 * T)["y"], 2 * j["y"] @ T, tol)
    value, _ = at_x.value_and(T)
    close(value["z"], np.sum(X**3), tol)


def test_pullback(backend: Case) -> None:
    ad, tol = backend.adtype, backend.first
    j = tree_jacobian(X, 2.0)
    t = {"y": T, "z": 2.0}
    expected = j["y"].T @ T + 2 * j["z"]
    close(di.pullback(tree, ad, X, t, 2.0), expected, tol)
    batch = {"y": np.stack([T, T]), "z": np.array([2.0, 0.0])}
    result = di.pullback(tree, ad, X, batch, 2.0, batched=True)
    close(result, np.stack([expected, j["y"].T @ T]), tol)
    at_x = di.prepare_pullback_same_point(tree, ad, X, t, 2.0)
    close(at_x(t), expected, tol)
    close(at_x({"y": 0 * T, "z": 1.0}), j["z"], tol)
    prep = di.prepare_pullback(tree, ad, X, t, 2.0)
    k = tree_jacobian(Z, 3.0)
    close(prep(Z, t, 3.0), k["y"].T @ T + 2 * k["z"], tol)


def test_hessian(backend: Case) -> None:
    ad = backend.adtype
    close(di.hessian(scalar, ad, X), hessian(X), backend.second)
    value, g, h = di.value_gradient_and_hessian(scalar, ad, X)
    close(value, np.sum(np.sin(X) * X**2), backend.first)
    close(g, gradient(X), backend.first)
    close(h, hessian(X), backend.second)
    close(di.prepare_hessian(scalar, ad, X)(Z), hessian(Z), backend.second)


def test_hvp(backend: Case) -> None:
    ad, tol = backend.adtype, backend.second
    close(di.hvp(scalar, ad, X, T), hessian(X) @ T, tol)
    g, product = di.gradient_and_hvp(scalar, ad, X, np.stack([T, 2 * T]), batched=True)
    close(g, gradient(X), backend.first)
    close(product, np.stack([hessian(X) @ T, 2 * hessian(X) @ T]), tol)
    close(di.prepare_hvp(scalar, ad, X, T)(Z, 2 * T), 2 * hessian(Z) @ T, tol)
    close(di.prepare_hvp_same_point(scalar, ad, X, T)(2 * T), 2 * hessian(X) @ T, tol)


def test_derivatives(backend: Case) -> None:
    ad = backend.adtype
    y, dy, ddy = curve_derivatives(2.0)
    close(di.derivative(curve, ad, 2.0), dy, backend.first)
    close(di.second_derivative(curve, ad, 2.0), ddy, backend.second)
    got = di.value_derivative_and_second_derivative(curve, ad, 2.0)
    close(got[0], y, backend.first)
    close(got[1], dy, backend.first)
    close(got[2], ddy, backend.second)
    vector = di.derivative(lambda x: di.array_namespace(x).stack([x, x**2]), ad, 3.0)
    close(vector, [1, 6], backend.first)
    close(di.prepare_derivative(curve, ad, 1.0)(2.0), dy, backend.first)
    close(di.prepare_second_derivative(curve, ad, 1.0)(2.0), ddy, backend.second)


def test_batched_jacobian(backend: Case) -> None:
    ad, tol = backend.adtype, backend.first
    a = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])

    def wide(x: Any) -> Any:
        xp = di.array_namespace(x)
        return xp.stack([x[:, 0] * x[:, 1], xp.sin(x[:, 1]), x[:, 0]], axis=1)

    expected = np.stack([[[q, p], [0, np.cos(q)], [1, 0]] for p, q in a])
    close(di.batched_jacobian(wide, ad, a), expected, tol)
    narrow = di.batched_jacobian(lambda x: x[:, 0:1] * x[:, 1:2], ad, a)
    close(narrow, np.stack([[[q, p]] for p, q in a]), tol)


@pytest.mark.scenario("linear_operator")
def test_linear_operator(backend: Case) -> None:
    pytest.importorskip("scipy")
    j = di.linear_operator(lambda x: tree(x, 2.0)["y"], backend.adtype, X)
    expected = tree_jacobian(X, 2.0)["y"]
    close(j @ T, expected @ T, backend.first)
    close(j.T @ T, expected.T @ T, backend.first)
