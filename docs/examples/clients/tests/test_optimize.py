"""SciPy's optimisers on every engine, at minima, roots and fits that are known."""

from typing import Any

import numpy as np
import pytest
from clients import optimize

import diffinterface as di


def rosenbrock(x: Any, steepness: Any) -> Any:
    return di.array_namespace(x).sum(steepness * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


@pytest.mark.parametrize("method", ["L-BFGS-B", "Newton-CG", "trust-ncg", "trust-exact"])
def test_minimize(ad_backend: Any, method: str) -> None:
    found = optimize.minimize(
        rosenbrock, np.zeros(3), 20.0, backend=ad_backend, method=method, tol=1e-8
    )
    np.testing.assert_allclose(found.x, np.ones(3), rtol=0, atol=1e-4)


def test_second_derivatives_save_steps() -> None:
    first, second = (
        optimize.minimize(rosenbrock, np.zeros(6), 100.0, method=method, tol=1e-10)
        for method in ("CG", "trust-exact")
    )
    assert second.nit < first.nit / 3
    assert second.nhev > 0


def lines(x: Any, radius: Any) -> Any:
    """A circle, and a line through its centre with the slope 3/4."""
    return di.array_namespace(x).stack([x[0] ** 2 + x[1] ** 2 - radius**2, 3 * x[0] - 4 * x[1]])


@pytest.mark.parametrize("method", ["hybr", "lm"])
def test_root(ad_backend: Any, method: str) -> None:
    found = optimize.root(lines, [1.0, 1.0], 5.0, backend=ad_backend, method=method)
    assert found.success
    np.testing.assert_allclose(found.x, [4.0, 3.0], rtol=1e-8)


def test_a_root_without_jacobian_is_refused() -> None:
    with pytest.raises(ValueError, match="method='krylov' uses no Jacobian"):
        optimize.root(lines, [1.0, 1.0], 5.0, method="krylov")


@pytest.mark.parametrize("matrix_free", [False, True])
def test_least_squares(ad_backend: Any, matrix_free: bool) -> None:
    def residuals(p: Any, times: Any, data: Any) -> Any:
        return p[0] * di.array_namespace(p).exp(-p[1] * times) - data

    times = np.linspace(0.0, 2.0, 9)
    data = 3.0 * np.exp(-0.7 * times)
    found = optimize.least_squares(
        residuals, [1.0, 0.0], times, data, backend=ad_backend, matrix_free=matrix_free
    )
    np.testing.assert_allclose(found.x, [3.0, 0.7], rtol=1e-6)


def test_residuals_of_the_users_library() -> None:
    torch = pytest.importorskip("torch")

    def residuals(x: Any) -> Any:
        return torch.stack([x[0] - 3, torch.exp(x[1]) - 2])

    for matrix_free in (False, True):
        found = optimize.least_squares(
            residuals, [0.0, 0.0], backend="torch", matrix_free=matrix_free
        )
        np.testing.assert_allclose(found.x, [3.0, np.log(2.0)], rtol=1e-6)
