"""Optimisation on manifolds, with any engine: eigenvectors, and a best approximation of low rank."""

from typing import Any

import numpy as np
import pytest

import diffinterface as di

pymanopt = pytest.importorskip("pymanopt")
from clients.manifolds import differentiable  # noqa: E402
from pymanopt.manifolds import ComplexCircle, Euclidean, Product, Sphere, Stiefel  # noqa: E402
from pymanopt.optimizers import TrustRegions  # noqa: E402

ROOT = np.random.default_rng(9).normal(size=(5, 5))
MATRIX = ROOT @ ROOT.T
START = np.full(5, 5**-0.5) * np.array([1.0, -1.0, 1.0, 1.0, -1.0])


def minimum(manifold: Any, cost: Any, start: Any) -> Any:
    problem = pymanopt.Problem(manifold, cost)
    optimizer = TrustRegions(verbosity=0, min_gradient_norm=1e-7)
    return optimizer.run(problem, initial_point=start).point


def test_the_leading_eigenvector(ad_backend: Any) -> None:
    manifold = Sphere(5)

    @differentiable(manifold, ad_backend, MATRIX)
    def cost(x: Any, matrix: Any) -> Any:
        return -di.array_namespace(x).sum(x * (matrix @ x))

    found = minimum(manifold, cost, START)
    leading = np.linalg.eigh(MATRIX)[1][:, -1]
    np.testing.assert_allclose(abs(found @ leading), 1.0, rtol=1e-8)


def test_derivatives(ad_backend: Any) -> None:
    """Gradient and product by hand, as the problem hands them to an optimiser."""
    manifold = Stiefel(5, 2)

    @differentiable(manifold, ad_backend, MATRIX)
    def cost(x: Any, matrix: Any) -> Any:
        return di.array_namespace(x).sum(x * (matrix @ x)) / 2

    problem = pymanopt.Problem(manifold, cost)
    x, t = np.linalg.qr(ROOT[:, :2])[0], ROOT[:, 2:4]
    np.testing.assert_allclose(problem.euclidean_gradient(x), MATRIX @ x, rtol=1e-7, atol=1e-8)
    product = problem.euclidean_hessian(x, t)
    np.testing.assert_allclose(product, MATRIX @ t, rtol=1e-5, atol=1e-4)


def test_two_arguments(ad_backend: Any) -> None:
    """The best approximation of rank one: the cost has a unit vector and a free one."""
    manifold = Product([Sphere(5), Euclidean(5)])

    @differentiable(manifold, ad_backend, MATRIX)
    def cost(u: Any, v: Any, matrix: Any) -> Any:
        xp = di.array_namespace(u, v)
        return xp.sum((matrix - u[:, None] * v[None, :]) ** 2)

    u, v = minimum(manifold, cost, [START, np.ones(5)])
    w, left = np.linalg.eigh(MATRIX)
    best = w[-1] * np.outer(left[:, -1], left[:, -1])
    np.testing.assert_allclose(np.outer(u, v), best, rtol=0, atol=1e-5)


def test_complex_points(ad_backend: Any) -> None:
    """Steepest ascent of ``|z - a|^2`` is ``2 (z - a)``, on every engine that takes complex points."""
    if ad_backend.name == "complexstep":
        pytest.skip("the imaginary part carries the derivative")
    target = np.array([1.0 + 2.0j, -1.0j, 0.5])

    @differentiable(ComplexCircle(3), ad_backend, target)
    def cost(z: Any, a: Any) -> Any:
        xp = di.array_namespace(z)
        return xp.sum(xp.real((z - a) * xp.conj(z - a)))

    z = np.exp(1j * np.array([0.3, 1.0, -2.0]))
    slope = pymanopt.Problem(ComplexCircle(3), cost).euclidean_gradient(z)
    np.testing.assert_allclose(slope, 2 * (z - target), rtol=1e-8)


def test_an_engine_that_is_missing_is_refused() -> None:
    with pytest.raises(di.UnknownBackendError, match="nobody"):
        differentiable(Sphere(3), "nobody")(lambda x: x[0])


def test_a_cost_of_the_users_library() -> None:
    """pymanopt's points are NumPy's, and the cost is written in torch."""
    torch = pytest.importorskip("torch")
    manifold = Sphere(5)

    @differentiable(manifold, "torch", MATRIX)
    def cost(x: Any, matrix: Any) -> Any:
        return -torch.sum(x * torch.mv(matrix, x))

    found = minimum(manifold, cost, START)
    np.testing.assert_allclose(found @ MATRIX @ found, np.linalg.eigvalsh(MATRIX)[-1], rtol=1e-8)
