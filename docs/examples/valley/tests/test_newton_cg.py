"""Newton-CG on every engine: pytest --ad-backends=installed."""

from typing import Any

import numpy as np
import pytest
from valley import NotConvergedError, newton_cg

import diffinterface as di
from diffinterface.testing import check_derivatives


def rosenbrock(x: Any) -> Any:
    return di.array_namespace(x).sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def test_the_minimum_of_rosenbrock(ad_backend: Any) -> None:
    found = newton_cg(rosenbrock, np.zeros(4), backend=ad_backend, tolerance=1e-6)
    np.testing.assert_allclose(found.x, np.ones(4), rtol=0, atol=1e-5)
    assert found.steps < 50


def test_the_engine_that_the_user_configured(ad_backend: Any) -> None:
    """Nobody names one: the fixture has configured it."""
    assert di.get_config().backend == ad_backend
    found = newton_cg(rosenbrock, np.zeros(2), tolerance=1e-6)
    np.testing.assert_allclose(found.x, np.ones(2), rtol=0, atol=1e-5)


@pytest.mark.xfail_ad_backend(
    "finitediff", raises=NotConvergedError, reason="its gradients are exact to some 1e-10"
)
def test_a_tight_tolerance(ad_backend: Any) -> None:
    """A quadratic, whose minimum is the solution of a linear system."""
    draw = np.random.default_rng(3)
    root = draw.normal(size=(5, 5))
    matrix, right = root @ root.T + np.eye(5), 1e3 * draw.normal(size=5)

    def quadratic(x: Any, matrix: Any, right: Any) -> Any:
        xp = di.array_namespace(x)
        return xp.sum(x * (matrix @ x)) / 2 - xp.sum(right * x)

    found = newton_cg(
        quadratic, np.zeros(5), matrix, right, backend=ad_backend, tolerance=1e-10, most_steps=20
    )
    np.testing.assert_allclose(found.x, np.linalg.solve(matrix, right), rtol=1e-9)


def test_the_derivatives_that_the_tests_stand_on(ad_backend: Any) -> None:
    check_derivatives(rosenbrock, np.array([0.3, -0.7, 1.2]), backends=ad_backend, order=2)


def test_where_the_curvature_is_negative() -> None:
    """At the top of a double well, slightly off: the Hessian there is negative."""
    found = newton_cg(lambda x: ((x**2 - 1) ** 2).sum(), np.array([0.1, -0.2]))
    np.testing.assert_allclose(found.x, [1.0, -1.0], atol=1e-8)


@pytest.mark.parametrize("library", ["jax", "torch"])
def test_a_function_of_the_users_library(library: str) -> None:
    """f is written in torch or JAX, and x is NumPy's: everywhere f meets arrays of its own."""
    module = pytest.importorskip("jax.numpy" if library == "jax" else library)

    def distance(x: Any, a: Any) -> Any:
        return module.sum(module.square(module.square(x) - a) + module.square(x - 1))

    found = newton_cg(distance, np.zeros(3), np.ones(3), backend=library)
    assert type(found.x) is np.ndarray
    np.testing.assert_allclose(found.x, np.ones(3), rtol=0, atol=1e-6)


@pytest.mark.parametrize("library", ["jax", "torch"])
def test_arrays_of_the_users_library(library: str) -> None:
    """In goes a tensor, out comes a tensor: nothing here knows of either."""
    pytest.importorskip(library)
    if library == "jax":
        import jax

        with jax.enable_x64(True):
            found = newton_cg(rosenbrock, jax.numpy.zeros(3), tolerance=1e-6)
            kind = jax.Array
    else:
        import torch

        found, kind = newton_cg(rosenbrock, torch.zeros(3).double(), tolerance=1e-6), torch.Tensor
    assert isinstance(found.x, kind)
    np.testing.assert_allclose(np.asarray(found.x), np.ones(3), rtol=0, atol=1e-5)


def test_failures_are_told() -> None:
    with pytest.raises(NotConvergedError, match="not finite after 0 steps"):
        newton_cg(lambda x: (x**2).sum(), np.array([np.nan]))
    with pytest.raises(NotConvergedError, match="tolerance is not reached after 2 steps") as caught:
        newton_cg(rosenbrock, np.zeros(4), most_steps=2)
    assert caught.value.best.value < rosenbrock(np.zeros(4))
