"""The equation ``A y + y^3 = x c``, its solver, and its derivatives by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface.implicit import ImplicitFunction

A = np.array([[3.0, 1.0, 0.2], [0.5, 2.0, -0.3], [0.1, -0.4, 4.0]])
X = np.array([2.0, -3.0, 1.5])
C = np.array([1.5, 0.7, -0.4])
ENGINES = ("forwarddiff", "jax", "torch", "autograd")
#: (engine of the conditions, outer engine): each is inside and outside once.
PAIRS = (
    ("forwarddiff", "forwarddiff"),
    ("jax", "torch"),
    ("torch", "autograd"),
    ("autograd", "jax"),
)
#: Engines that are exact only to the precision of differences.
LOOSE = {"finitediff": 2e-6}


def available(*engines: str) -> None:
    """Skip where an engine is not installed."""
    for engine in engines:
        if not di.check_available(engine):
            pytest.skip(f"{engine} is not installed")


def solve(x: Any, c: Any) -> Any:
    """Newton's method, in NumPy."""
    y = np.ones(3)
    for _ in range(60):
        y = y - np.linalg.solve(A + np.diag(3 * y**2), A @ y + y**3 - x * c)
    return y


def conditions(x: Any, y: Any, c: Any) -> Any:
    xp = di.array_namespace(x, y, c)
    return xp.asarray(A) @ y + y**3 - x * c


def implicit(backend: str, **options: Any) -> ImplicitFunction:
    available(backend)
    return ImplicitFunction(solve, conditions, backend=backend, **options)


def loss(f: Any) -> Any:
    """A scalar of the solution."""

    def of(x: Any) -> Any:
        y = f(x, C)
        xp = di.array_namespace(y)
        return xp.sum(xp.sin(y) + y * y)

    return of


def jacobian() -> Any:
    """``dy/dx``."""
    y = solve(X, C)
    return np.linalg.solve(A + np.diag(3 * y**2), np.diag(C))


def jacobian_by_c() -> Any:
    y = solve(X, C)
    return np.linalg.solve(A + np.diag(3 * y**2), np.diag(X))


def gradient() -> Any:
    y = solve(X, C)
    return (np.cos(y) + 2 * y) @ jacobian()


def hessian() -> Any:
    """By differentiating the equation twice: ``M y_ij = -6 y y_i y_j``."""
    y = solve(X, C)
    first = jacobian()
    second = np.linalg.solve(
        A + np.diag(3 * y**2),
        (-6 * y[:, None, None] * first[:, :, None] * first[:, None]).reshape(3, 9),
    ).reshape(3, 3, 3)
    slope, curvature = np.cos(y) + 2 * y, 2 - np.sin(y)
    return np.einsum("k,kij->ij", slope, second) + np.einsum("k,ki,kj->ij", curvature, first, first)
