"""Functions with their derivatives by hand: what every backend must agree with.

Each f is written once, in the namespace of its argument. The Jacobian and the Hessian beside it are
NumPy formulas, as blocks: ``jacobian(x, *contexts)[j][i]`` is that of output leaf j by input leaf i, of
shape ``y_j.shape + x_i.shape``. Every number is a multiple of 1/8, so that it is the same in float32.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..arrays.namespace import array_namespace as xp_of

Blocks = list[list[np.ndarray]]


@dataclass(frozen=True)
class Problem:
    """A function, its derivatives, and two points of one kind at which to take them.

    Attributes
    ----------
    f : callable
        ``f(x, *contexts)``; on NumPy arrays it is its own truth.
    jacobian : callable
        ``jacobian(x, *contexts)`` as blocks ``[j][i]``.
    points : pair
        Two values of x.
    second : callable, optional
        For scalar f the Hessian's blocks ``[i][k]``; for scalar x the second derivative's leaves.
    contexts : pair of tuple
        Contexts to go with each point.
    """

    name: str
    f: Callable[..., Any]
    jacobian: Callable[..., Blocks]
    points: tuple[Any, ...]
    second: Callable[..., Any] | None = None
    contexts: tuple[tuple[Any, ...], ...] = ((), ())


V = (np.array([0.5, -1.25, 0.75]), np.array([-0.25, 0.625, 1.5]))
M = (
    np.array([[0.5, -1.0, 0.75], [1.25, 0.25, -0.5]]),
    np.array([[1.0, 0.5, -0.25], [-1.5, 0.75, 2.0]]),
)
S = (np.array(0.75), np.array(-1.125))
Z = (np.array([0.5 + 1j, -0.75 + 0.25j]), np.array([1.25 - 0.5j, 0.5 + 0.5j]))


def eye(*shape: int) -> np.ndarray:
    """The identity on arrays of this shape."""
    return np.eye(int(np.prod(shape))).reshape(*shape, *shape)


# --- scalar x ------------------------------------------------------------------------------------


def _wave(x: Any) -> Any:
    return xp_of(x).sin(x) * x**2


scalar_to_scalar = Problem(
    "scalar_to_scalar",
    _wave,
    lambda x: [[np.cos(x) * x**2 + 2 * x * np.sin(x)]],
    S,
    lambda x: [[-np.sin(x) * x**2 + 4 * x * np.cos(x) + 2 * np.sin(x)]],
)


def _curve(x: Any) -> Any:
    xp = xp_of(x)
    return xp.stack([x, x**3, xp.exp(-x)])


scalar_to_vector = Problem(
    "scalar_to_vector",
    _curve,
    lambda x: [[np.array([1.0, 3 * x**2, -np.exp(-x)])]],
    S,
    lambda x: [np.array([0.0, 6 * x, np.exp(-x)])],
)


class Pair(NamedTuple):
    """A container that optree and JAX both know."""

    first: Any
    second: Any


def _branches(x: Any) -> Any:
    xp = xp_of(x)
    return {"a": x**3, "b": Pair(xp.sin(x), [xp.stack([x, x**2])])}


scalar_to_tree = Problem(
    "scalar_to_tree",
    _branches,
    lambda x: [[3 * x**2], [np.cos(x)], [np.array([1.0, 2 * x])]],
    S,
    lambda x: [6 * x, -np.sin(x), np.array([0.0, 2.0])],
)


# --- vector x ------------------------------------------------------------------------------------


def _coupled(x: Any) -> Any:
    xp = xp_of(x)
    return xp.sum(xp.sin(x)) * xp.sum(x**2)


def _coupled_hessian(x: np.ndarray) -> np.ndarray:
    s, q = np.sum(np.sin(x)), np.sum(x**2)
    cross = np.outer(np.cos(x), 2 * x)
    return np.diag(2 * s - np.sin(x) * q) + cross + cross.T


vector_to_scalar = Problem(
    "vector_to_scalar",
    _coupled,
    lambda x: [[np.cos(x) * np.sum(x**2) + 2 * x * np.sum(np.sin(x))]],
    V,
    lambda x: [[_coupled_hessian(x)]],
)


def _tall(x: Any) -> Any:
    xp = xp_of(x)
    return xp.concat([x * x[0], xp.stack([xp.exp(x[1]), x[0] * x[2]])])


vector_to_longer = Problem(
    "vector_to_longer",
    _tall,
    lambda x: [
        [
            np.array(
                [
                    [2 * x[0], 0, 0],
                    [x[1], x[0], 0],
                    [x[2], 0, x[0]],
                    [0, np.exp(x[1]), 0],
                    [x[2], 0, x[0]],
                ]
            )
        ]
    ],
    V,
)


def _wide(x: Any) -> Any:
    xp = xp_of(x)
    return xp.stack([x[0] * x[1], xp.tanh(x[2]) * x[1] ** 2])


vector_to_shorter = Problem(
    "vector_to_shorter",
    _wide,
    lambda x: [
        [
            np.array(
                [
                    [x[1], x[0], 0],
                    [0, 2 * x[1] * np.tanh(x[2]), x[1] ** 2 / np.cosh(x[2]) ** 2],
                ]
            )
        ]
    ],
    V,
)

# --- matrix x ------------------------------------------------------------------------------------

matrix_to_matrix = Problem(
    "matrix_to_matrix",
    lambda x: x @ x.T,
    lambda x: [[np.einsum("ik,jl->ijkl", np.eye(2), x) + np.einsum("jk,il->ijkl", np.eye(2), x)]],
    M,
)


def _row_norms(x: Any) -> Any:
    xp = xp_of(x)
    return xp.sqrt(xp.sum(x**2, axis=1))


matrix_to_vector = Problem(
    "matrix_to_vector",
    _row_norms,
    lambda x: [[np.einsum("ik,il->ikl", np.eye(2), x / np.linalg.norm(x, axis=1)[:, None])]],
    M,
)

# --- trees ---------------------------------------------------------------------------------------

TREES = tuple(
    {"w": m, "rest": [Pair(v, (s,)), {"deep": v[::-1].copy()}]}
    for m, v, s in zip(M, V, S, strict=True)
)


def _forward(p: Any) -> Any:
    xp = xp_of(p["w"])
    pair, deep = p["rest"][0], p["rest"][1]["deep"]
    layer = xp.tanh(p["w"] @ pair.first) * pair.second[0]
    return Pair({"layer": layer}, (xp.sum(deep**3), deep * pair.first))


def _forward_jacobian(p: Any) -> Blocks:
    # Leaves of p in order: rest[0].first, rest[0].second[0], rest[1]["deep"], w.
    (v, (s,)), d, w = p["rest"][0], p["rest"][1]["deep"], p["w"]
    h = np.tanh(w @ v)
    slope = s * (1 - h**2)
    return [
        [slope[:, None] * w, h, np.zeros((2, 3)), np.einsum("ij,k,i->ijk", np.eye(2), v, slope)],
        [np.zeros(3), np.zeros(()), 3 * d**2, np.zeros((2, 3))],
        [np.diag(d), np.zeros(3), np.diag(v), np.zeros((3, 2, 3))],
    ]


tree_to_tree = Problem("tree_to_tree", _forward, _forward_jacobian, TREES)

SMALL_TREES = tuple({"a": (v,), "b": [s]} for v, s in zip(V, S, strict=True))


def _energy(p: Any) -> Any:
    xp = xp_of(p["b"][0])
    return p["b"][0] ** 2 * xp.sum(xp.sin(p["a"][0]))


tree_to_scalar = Problem(
    "tree_to_scalar",
    _energy,
    lambda p: [[p["b"][0] ** 2 * np.cos(p["a"][0]), 2 * p["b"][0] * np.sum(np.sin(p["a"][0]))]],
    SMALL_TREES,
    lambda p: [
        [-np.diag(p["b"][0] ** 2 * np.sin(p["a"][0])), 2 * p["b"][0] * np.cos(p["a"][0])],
        [2 * p["b"][0] * np.cos(p["a"][0]), 2 * np.sum(np.sin(p["a"][0]))],
    ],
)
