"""Derivatives of analytic programs by plain NumPy: the complex step, and differences of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import optree

from .programs import Problem

EXTENDED = np.clongdouble
#: Eighth-order central differences, of a step that also suits the fast oscillations of deep programs.
STEP = 1e-4
WEIGHTS = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}


def vector(tree: Any) -> Any:
    """All entries of a tree, leaf after leaf."""
    return np.concatenate([np.ravel(np.asarray(leaf)) for leaf in optree.tree_leaves(tree)])


def matrix(jacobian: Any, x: Any, y: Any) -> Any:
    """A tree of Jacobian blocks as one matrix."""
    n, m = vector(x).size, vector(y).size
    blocks = iter(optree.tree_leaves(jacobian))
    rows = [
        np.hstack(
            [np.reshape(next(blocks), (np.size(b), np.size(a))) for a in optree.tree_leaves(x)]
        )
        for b in optree.tree_leaves(y)
    ]
    return np.vstack(rows).reshape(m, n)


def columns(tree: Any) -> Any:
    """The standard basis of the space of a tree, as trees."""
    leaves, spec = optree.tree_flatten(tree)
    sizes = [np.size(leaf) for leaf in leaves]
    for row in np.eye(sum(sizes)):
        parts = np.split(row, np.cumsum(sizes)[:-1])
        yield spec.unflatten([p.reshape(np.shape(a)) for p, a in zip(parts, leaves, strict=True)])


def along(problem: Problem, x: Any, t: Any, dtype: Any = np.complex128) -> Any:
    """The derivative of f at x along t, as a vector: exact to rounding, for there is no difference."""
    h = 1e-30
    point = optree.tree_map(lambda a, b: np.asarray(a, dtype) + 1j * h * np.asarray(b), x, t)
    return vector(problem.f.plain(point)).imag / h


def jacobian(problem: Problem, x: Any) -> Any:
    """The Jacobian of f at x as a matrix."""
    return np.stack([along(problem, x, e) for e in columns(x)], axis=-1)


def differences(function: Callable[[float], Any]) -> Any:
    """The derivative at 0 of a smooth vector-valued function of a number."""
    change = sum(w * (function(k * STEP) - function(-k * STEP)) for k, w in WEIGHTS.items())
    return (change / STEP).astype(float)


def hvp(problem: Problem, x: Any, t: Any) -> Any:
    """The Hessian of a scalar-valued f at x times t: differences of the complex step's gradient."""

    def gradient(step: float) -> Any:
        point = optree.tree_map(lambda a, b: np.asarray(a, EXTENDED) + step * b, x, t)
        return np.stack([along(problem, point, e, EXTENDED)[0] for e in columns(x)])

    return differences(gradient)


def close(got: Any, want: Any, tolerance: float) -> None:
    """Equal, to `tolerance` of the largest entry of what is expected, but at least of 1."""
    scale = max(1.0, float(np.max(np.abs(want), initial=0.0)))
    np.testing.assert_allclose(got, want, rtol=0, atol=tolerance * scale)
