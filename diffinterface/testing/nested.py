"""Problems whose f takes a derivative itself: a term that is lost inside shows outside."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.namespace import array_namespace as xp_of
from ..declare.adtypes import ADType
from ..operators import gradient, jacobian
from .problems import Problem, V


def _energy(x: Any) -> Any:
    """A scalar with a dense Hessian."""
    xp = xp_of(x)
    return xp.sum(x**3) + x[0] * x[1] * x[2]


def _slope(x: np.ndarray) -> np.ndarray:
    return 3 * x**2 + np.array([x[1] * x[2], x[0] * x[2], x[0] * x[1]])


def _curvature(x: np.ndarray) -> np.ndarray:
    a, b, c = x
    return np.array([[6 * a, c, b], [c, 6 * b, a], [b, a, 6 * c]])


def _third(x: np.ndarray, s: np.ndarray) -> np.ndarray:
    """Third derivatives, applied to a direction s."""
    return np.array([[6 * s[0], s[2], s[1]], [s[2], 6 * s[1], s[0]], [s[1], s[0], 6 * s[2]]])


def nested_problems(inner: ADType | str | None) -> tuple[Problem, Problem, Problem]:
    """A gradient, its squared norm, and a penalised Jacobian, each of which `inner` takes."""

    def slope(x: Any) -> Any:
        return gradient(_energy, inner, x)

    def squared(x: Any) -> Any:
        return xp_of(x).sum(slope(x) ** 2)

    def penalised(x: Any) -> Any:
        xp = xp_of(x)
        return xp.sum(x) + xp.sum(jacobian(lambda u: xp_of(u).sin(u) * u[0], inner, x) ** 2)

    def penalty_slope(x: np.ndarray) -> np.ndarray:
        # J = diag(cos(u) u0) + sin(u) e0^T; its only entries are the diagonal and the first column.
        s, c, a = np.sin(x), np.cos(x), x[0]
        corner = c[0] * a + s[0]
        out = 1 + 2 * c * a * (-s * a) + 2 * s * c
        out[0] = 1 + 2 * corner * (2 * c[0] - s[0] * a) + np.sum(2 * c[1:] ** 2 * a)
        return out

    return (
        Problem("nested_gradient", slope, lambda x: [[_curvature(x)]], V),
        Problem(
            "nested_squared",
            squared,
            lambda x: [[2 * _curvature(x) @ _slope(x)]],
            V,
            lambda x: [[2 * (_curvature(x) @ _curvature(x) + _third(x, _slope(x)))]],
        ),
        Problem("nested_penalty", penalised, lambda x: [[penalty_slope(x)]], V),
    )
