"""The linear operator against the dense Jacobian, for everything that SciPy asks of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import diffinterface as di

from .zero import AutoExactForward, AutoExactReverse

linalg = pytest.importorskip("scipy.sparse.linalg")

rng = np.random.default_rng(3)
A = rng.normal(size=(3, 4)) + 1j * rng.normal(size=(3, 4))
X = rng.normal(size=4)
Z = X + 1j * rng.normal(size=4)


def real_map(x: Any) -> Any:
    return A.real @ x**2


def complex_map(x: Any) -> Any:
    return A @ x**2


def mixed(p: Any) -> Any:
    return p["z"] * p["r"]


MIXED = {"r": X[:2], "z": Z[:2]}
CASES = {
    # name: f, x, dense Jacobian over the flat entries
    "real": (real_map, X, A.real * 2 * X),
    "complex_output": (complex_map, X, A * 2 * X),
    "holomorphic": (complex_map, Z, A * 2 * Z),
    "wide": (lambda x: x[:1] * x[1:2], X, [[X[1], X[0], 0, 0]]),
    "scalar_to_vector": (lambda x: np.stack([x, x**2]), 3.0, [[1.0], [6.0]]),
    "vector_to_scalar": (lambda x: (x**2).sum(), X, [2 * X]),
}


def close(got: Any, want: Any) -> None:
    assert_allclose(got, want, rtol=1e-12, atol=1e-12)


def vectors(size: int) -> dict[str, Any]:
    real = rng.normal(size=size)
    return {
        "float64": real,
        "float32": real.astype(np.float32),
        "complex128": real + 1j * rng.normal(size=size),
        "int64": np.arange(size) - 1,
        "column": real[:, None],
        "list": real.tolist(),
    }


@pytest.mark.parametrize("kind", vectors(1))
@pytest.mark.parametrize("case", CASES)
def test_products_with_vectors(case: str, kind: str) -> None:
    f, x, dense = CASES[case]
    dense = np.asarray(dense)
    operator = di.linear_operator(f, "forwarddiff", x)
    right = np.asarray(vectors(dense.shape[1])[kind])
    left = np.asarray(vectors(dense.shape[0])[kind])
    close(operator.matvec(right), dense @ right)
    close(operator.rmatvec(left), dense.conj().T @ left)
    close(operator.H @ left, dense.conj().T @ left)
    close(operator.T @ left, dense.T @ left)
    close(operator.adjoint().adjoint() @ right, dense @ right)


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("case", CASES)
def test_products_with_matrices(case: str, dtype: type) -> None:
    f, x, dense = CASES[case]
    dense = np.asarray(dense)
    operator = di.linear_operator(f, "forwarddiff", x)
    assert operator.shape == dense.shape
    assert operator.dtype == dense.dtype
    right = (rng.normal(size=(dense.shape[1], 5)) * (1 + 2j if dtype is complex else 1)).astype(
        dtype
    )
    left = (rng.normal(size=(dense.shape[0], 3)) * (1 + 2j if dtype is complex else 1)).astype(
        dtype
    )
    close(operator.matmat(right), dense @ right)
    close(operator.rmatmat(left), dense.conj().T @ left)
    close(operator.T.matmat(left), dense.T @ left)
    close((2 * operator) @ right, 2 * dense @ right)
    close((operator.H @ operator) @ right, dense.conj().T @ dense @ right)


@pytest.mark.parametrize("adtype", [AutoExactForward(), AutoExactReverse()], ids=repr)
def test_engines_with_one_mode(adtype: di.ADType) -> None:
    x, matrix = np.array([1.0, 2.0, 3.0]), np.array([[1.0, 0, 2], [0, -1, 1]])
    operator = di.linear_operator(lambda x: matrix @ x**2, adtype, x)
    np.testing.assert_array_equal(operator @ np.eye(3), matrix * 2 * x)
    np.testing.assert_array_equal(operator.T @ np.eye(2), (matrix * 2 * x).T)


def test_trees_are_laid_out_in_the_order_of_their_leaves() -> None:
    def f(p: Any, c: Any) -> Any:
        return p["b"] * p["a"][0], {"k": c * p["a"]}

    x = {"b": np.array(2.0), "a": np.array([3.0, 4.0, 5.0])}
    operator = di.linear_operator(f, "forwarddiff", x, 7.0)
    want = np.vstack([[2.0, 0, 0, 3.0], np.hstack([7 * np.eye(3), np.zeros((3, 1))])])
    close(operator @ np.eye(4), want)
    close(operator.T @ np.eye(4), want.T)


def test_argnums() -> None:
    operator = di.linear_operator(lambda c, x: c * x**2, "forwarddiff", X, 3.0, argnums=1)
    close(operator @ np.eye(4), np.diag(6 * X))
    pair = di.linear_operator(lambda a, b: a - 2 * b, "forwarddiff", (X, X), argnums=(1, 0))
    close(pair @ np.arange(8.0), np.arange(4.0, 8.0) - 2 * np.arange(4.0))


def test_float32() -> None:
    operator = di.linear_operator(lambda x: x**2, "forwarddiff", X.astype(np.float32))
    assert operator.dtype == np.float32
    assert (operator @ X.astype(np.float32)).dtype == np.float32
    assert_allclose(operator @ X, 2 * X**2, rtol=1e-6)


def test_linearised_once_at_a_point_of_its_own() -> None:
    calls = []

    def f(x: Any) -> Any:
        calls.append(1)
        return x**2

    x = X.copy()
    operator = di.linear_operator(f, "forwarddiff", x)
    x[:] = 0.0
    close(operator @ np.ones(4), 2 * X)
    close(operator.H @ np.ones(4), 2 * X)


@pytest.mark.parametrize(
    "f",
    [np.conj, np.abs, lambda z: (z * np.conj(z)).real, lambda z: np.real(z) + 1j * 0],
    ids=["conj", "abs", "energy", "real_part"],
)
def test_a_map_that_is_linear_over_the_reals_only(f: Any) -> None:
    """SciPy takes J for complex-linear: it makes J.T from J.H, and solvers scale by i."""
    with pytest.raises(di.NonAnalyticError):
        di.linear_operator(f, "forwarddiff", Z)


def test_real_and_complex_leaves_together() -> None:
    """At a real leaf beside a complex one J is no complex matrix in general, but here it is."""
    operator = di.linear_operator(mixed, "forwarddiff", MIXED)
    dense = np.hstack([np.diag(Z[:2]), np.diag(X[:2])])
    close(operator @ np.eye(4), dense)
    v = rng.normal(size=4) + 1j * rng.normal(size=4)
    close(operator @ v, dense @ v)
    close(operator.H @ v[:2], dense.conj().T @ v[:2])


def test_gauss_newton_with_lsqr() -> None:
    """Rosenbrock's residuals: one step of Gauss-Newton from (-1.2, 1) lands on x[0] = 1."""
    x = np.array([-1.2, 1.0])

    def residuals(x: Any) -> Any:
        return np.stack([10 * (x[1] - x[0] ** 2), 1 - x[0]])

    operator = di.linear_operator(residuals, "forwarddiff", x)
    step = linalg.lsqr(operator, -residuals(x), atol=1e-14, btol=1e-14)[0]
    assert_allclose(x + step, [1.0, 1.0 - 2.2**2], rtol=1e-9)


def test_gmres_with_a_complex_right_hand_side() -> None:
    matrix = np.eye(4) * 4 + rng.normal(size=(4, 4)) / 4
    operator = di.linear_operator(lambda x: matrix @ x, "forwarddiff", X)
    solution, status = linalg.gmres(operator, Z, rtol=1e-12)
    assert status == 0
    assert_allclose(solution, np.linalg.solve(matrix, Z), rtol=1e-9)
