"""Problems that tell apart what small and plain ones do not: size, order of axes, scale, aliasing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..arrays.namespace import array_namespace as xp_of
from .problems import Problem, V

# More entries than an engine takes at once (dual numbers: 64 tangents).
COUNT = 70
_LONG = (
    np.arange(COUNT) % 9 / 8 - 0.375,
    np.arange(COUNT) * 5 % 11 / 8 - 0.5,
)


def _banded(x: Any) -> Any:
    return xp_of(x).concat([x[:-1] ** 2 * x[1:], x[-1:] ** 3])


def _banded_jacobian(x: np.ndarray) -> list[list[np.ndarray]]:
    last = np.append(2 * x[:-1] * x[1:], 3 * x[-1] ** 2)
    return [[np.diag(last) + np.diag(x[:-1] ** 2, 1)]]


banded = Problem("banded", _banded, _banded_jacobian, _LONG)


def _arrow(x: Any) -> Any:
    xp = xp_of(x)
    return xp.sum(x**3) + x[0] * xp.sum(x[1:])


def _arrow_hessian(x: np.ndarray) -> np.ndarray:
    hessian = np.diag(6 * x)
    hessian[0, 1:] = hessian[1:, 0] = 1.0
    return hessian


arrow = Problem(
    "arrow",
    _arrow,
    lambda x: [[3 * x**2 + np.append(np.sum(x[1:]), np.full(x.size - 1, x[0]))]],
    _LONG,
    lambda x: [[_arrow_hessian(x)]],
)
# Second derivatives by differences of differences evaluate f four times for each entry.
short_arrow = replace(arrow, name="short_arrow", points=tuple(x[:10] for x in _LONG))

# --- matrices whose transpose has the same shape -------------------------------------------------

_WEIGHTS = np.arange(9.0).reshape(3, 3) / 8


def _square(x: Any, weights: Any) -> Any:
    return xp_of(x).sum(x**3 * weights) + x[0, 1] ** 2 * x[2, 0]


def _square_gradient(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    gradient = 3 * x**2 * weights
    gradient[0, 1] += 2 * x[0, 1] * x[2, 0]
    gradient[2, 0] += x[0, 1] ** 2
    return gradient


def _square_hessian(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    hessian = np.diag(np.ravel(6 * x * weights)).reshape(3, 3, 3, 3)
    hessian[0, 1, 0, 1] += 2 * x[2, 0]
    hessian[0, 1, 2, 0] += 2 * x[0, 1]
    hessian[2, 0, 0, 1] += 2 * x[0, 1]
    return hessian


square_to_scalar = Problem(
    "square_to_scalar",
    _square,
    lambda x, weights: [[_square_gradient(x, weights)]],
    tuple(
        np.array(rows)
        for rows in (
            [[0.5, -1.0, 0.75], [1.25, 0.25, -0.5], [1.0, 0.5, -0.25]],
            [[1.0, 0.5, -0.25], [-1.5, 0.75, 2.0], [0.5, -1.0, 0.25]],
        )
    ),
    lambda x, weights: [[_square_hessian(x, weights)]],
    contexts=((_WEIGHTS,), (_WEIGHTS,)),
)

# --- scale and aliasing --------------------------------------------------------------------------

tiny = Problem(
    "tiny",
    lambda x: xp_of(x).sum(x**3) * 2.0**-64,
    lambda x: [[3 * x**2 * 2.0**-64]],
    V,
    lambda x: [[np.diag(6 * x) * 2.0**-64]],
)
identity = Problem("identity", lambda x: x, lambda x: [[np.eye(3)]], V)


def product_of_two(p: Any) -> Any:
    """Of two leaves, which may have two precisions."""
    xp = xp_of(p["a"])
    return xp.sum(p["a"] ** 3) * xp.sum(p["b"] ** 2)


def two_precisions(at: int) -> tuple[Any, Any]:
    """A tree with leaves in 64 and 32 bits, and its gradient, in the same."""
    a, b = V[at], np.array([0.5, -0.75], np.float32) + np.float32(at)
    gradient = {
        "a": 3 * a**2 * np.sum(b**2),
        "b": (2 * b * np.sum(a**3)).astype(np.float32),
    }
    return {"a": a, "b": b}, gradient
