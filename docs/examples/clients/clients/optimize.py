"""`scipy.optimize` with derivatives: the same calls, without ``jac=``, ``hess=`` and ``hessp=``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import optimize

import diffinterface as di

Backend = di.ADType | str | None
# What each method of `scipy.optimize.minimize` asks for beyond the gradient.
_PRODUCTS = ("Newton-CG", "trust-ncg", "trust-krylov", "trust-constr")
_MATRICES = ("dogleg", "trust-exact")
_ROOTS_WITH_JACOBIAN = ("hybr", "lm")


def minimize(
    f: Callable[..., Any],
    x0: Any,
    *data: Any,
    backend: Backend = None,
    method: str = "L-BFGS-B",
    **options: Any,
) -> Any:
    """`scipy.optimize.minimize` of ``f(x, *data)``.

    Value and gradient come from one evaluation. Methods that use second derivatives get a
    Hessian-vector product, or the Hessian where they factorise it.
    """
    x0 = np.array(x0, dtype=float)
    gradient = di.prepare_gradient(f, backend, x0, *data)

    def value_and_gradient(x: np.ndarray) -> tuple[float, np.ndarray]:
        value, g = gradient.value_and(x, *data)
        return float(value), g

    second: dict[str, Any] = {}
    if method in _PRODUCTS:
        hvp = di.prepare_hvp(f, backend, x0, x0, *data)
        second["hessp"] = lambda x, t: hvp(x, np.asarray(t, dtype=float), *data)
    elif method in _MATRICES:
        hessian = di.prepare_hessian(f, backend, x0, *data)
        second["hess"] = lambda x: hessian(x, *data)
    return optimize.minimize(value_and_gradient, x0, jac=True, method=method, **second, **options)


def root(
    f: Callable[..., Any],
    x0: Any,
    *data: Any,
    backend: Backend = None,
    method: str = "hybr",
    **options: Any,
) -> Any:
    """`scipy.optimize.root` of ``f(x, *data) = 0``, by a method that uses the Jacobian."""
    if method not in _ROOTS_WITH_JACOBIAN:
        expected = " or ".join(map(repr, _ROOTS_WITH_JACOBIAN))
        raise ValueError(f"method={method!r} uses no Jacobian; expected {expected}.")
    x0 = np.array(x0, dtype=float)
    jacobian = di.prepare_jacobian(f, backend, x0, *data)

    def value_and_jacobian(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return jacobian.value_and(x, *data)

    return optimize.root(value_and_jacobian, x0, jac=True, method=method, **options)


def least_squares(
    residuals: Callable[..., Any],
    x0: Any,
    *data: Any,
    backend: Backend = None,
    matrix_free: bool = False,
    **options: Any,
) -> Any:
    """`scipy.optimize.least_squares` of ``residuals(x, *data)``.

    With ``matrix_free=True`` no Jacobian is formed: LSMR multiplies with it.
    """
    x0 = np.array(x0, dtype=float)

    def value(x: np.ndarray) -> np.ndarray:
        return di.evaluate(residuals, backend, x, *data)

    if matrix_free:
        return optimize.least_squares(
            value,
            x0,
            jac=lambda x: di.linear_operator(residuals, backend, x, *data),
            tr_solver="lsmr",
            **options,
        )
    jacobian = di.prepare_jacobian(residuals, backend, x0, *data)
    return optimize.least_squares(value, x0, jac=lambda x: jacobian(x, *data), **options)
