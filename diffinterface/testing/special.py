"""Problems about one feature each: contexts, buffers, empty arrays, complex numbers, batches."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.framework import NUMPY, framework_of
from ..arrays.namespace import array_namespace as xp_of
from ..declare.contexts import Cache, Constant, Static
from ..neutral.inplace import inplace as _inplace
from .problems import M, Problem, S, V, Z

# --- contexts ------------------------------------------------------------------------------------


def _with_contexts(x: Any, a: Any, n: Any, index: Any, kind: str, tree: Any) -> Any:
    xp = xp_of(x)
    outer = {"sine": xp.sin, "tanh": xp.tanh}[kind]
    return n * xp.stack([xp.sum(outer(a * x)), tree["p"][0] * x[index[0]] * x[index[1]]])


def _with_contexts_jacobian(
    x: Any, a: Any, n: Any, index: Any, kind: str, tree: Any
) -> list[list[Any]]:
    first = a * (np.cos(a * x) if kind == "sine" else 1 / np.cosh(a * x) ** 2)
    second = np.zeros(3)
    second[index[0]] += tree["p"][0] * x[index[1]]
    second[index[1]] += tree["p"][0] * x[index[0]]
    return [[n * np.stack([first, second])]]


contexts = Problem(
    "contexts",
    _with_contexts,
    _with_contexts_jacobian,
    V,
    contexts=(
        (Constant(V[1]), 2.0, np.array([0, 2]), Static("sine"), {"p": (np.array(1.5),)}),
        (Constant(V[0]), -0.5, np.array([1, 1]), Static("sine"), {"p": (np.array(0.25),)}),
    ),
)


def put(buffer: Any, index: Any, value: Any) -> Any:
    """Write into scratch memory, the way its framework allows."""
    return (framework_of(buffer) or NUMPY).put(buffer, index, value)


def _with_cache(x: Any, buffer: Any) -> Any:
    xp = xp_of(x)
    buffer = put(buffer, 0, x[0] * x[1])
    buffer = put(buffer, 1, xp.sin(x[2]) + buffer[0])
    return buffer * 2.0


cache = Problem(
    "cache",
    _with_cache,
    lambda x, _: [[2 * np.array([[x[1], x[0], 0], [x[1], x[0], np.cos(x[2])]])]],
    V,
    contexts=((Cache(np.zeros(2)),), (Cache(np.ones(2)),)),
)


def _mutating(y: Any, x: Any) -> None:
    y[0] = x[0] * x[1]
    y[1] = x[2] ** 2


inplace = Problem(
    "inplace",
    _inplace(_mutating, np.zeros(2)),
    lambda x: [[np.array([[x[1], x[0], 0], [0, 0, 2 * x[2]]])]],
    V,
)

# --- shapes --------------------------------------------------------------------------------------

EMPTY = (np.zeros(0), np.ones(0))


def _sum_twice(x: Any) -> Any:
    xp = xp_of(x)
    return xp.stack([xp.sum(x), 2 * xp.sum(x)])


empty_x = Problem("empty_x", _sum_twice, lambda x: [[np.zeros((2, 0))]], EMPTY)
empty_x_scalar = Problem(
    "empty_x",
    lambda x: xp_of(x).sum(x**2),
    lambda x: [[np.zeros(0)]],
    EMPTY,
    lambda x: [[np.zeros((0, 0))]],
)
empty_y = Problem("empty_y", lambda x: x[3:] ** 2, lambda x: [[np.zeros((0, 3))]], V)
constant_y = Problem(
    "constant_y",
    lambda x: xp_of(x).zeros_like(x) + 3.0,
    lambda x: [[np.zeros((3, 3))]],
    V,
)
linear_scalar = Problem(
    "linear",
    lambda x: xp_of(x).sum(2.0 * x),
    lambda x: [[np.full(3, 2.0)]],
    V,
    lambda x: [[np.zeros((3, 3))]],
)
unused_leaf = Problem(
    "unused_leaf",
    lambda p: xp_of(p["a"]).sum(p["a"] ** 2),
    lambda p: [[2 * p["a"], np.zeros(())]],
    tuple({"a": v, "b": s} for v, s in zip(V, S, strict=True)),
    lambda p: [[2 * np.eye(3), np.zeros(3)], [np.zeros(3), np.zeros(())]],
)

# --- complex numbers -----------------------------------------------------------------------------

holomorphic = Problem(
    "holomorphic",
    lambda z: z**2 * z[0],
    lambda z: [[np.diag(2 * z * z[0]) + np.outer(z**2, [1, 0])]],
    Z,
)
holomorphic_scalar = Problem(
    "holomorphic_scalar",
    lambda z: z**3,
    lambda z: [[3 * z**2]],
    (np.array(0.5 + 1j), np.array(-0.25 + 0.5j)),
    lambda z: [6 * z],
)
complex_y = Problem(
    "complex_y",
    lambda x: xp_of(x).sin(x) * (1.0 + 2.0j),
    lambda x: [[np.diag(np.cos(x)) * (1 + 2j)]],
    V,
)


def _squared_modulus(z: Any) -> Any:
    xp = xp_of(z)
    return xp.sum(xp.real(z * xp.conj(z)))


# The steepest ascent of sum |z|^2 is 2z: as a row that the adjoint conjugates, conj(2z).
steepest_ascent = Problem("squared_modulus", _squared_modulus, lambda z: [[np.conj(2 * z)]], Z)

# --- batches of samples --------------------------------------------------------------------------


def _samples(x: Any) -> Any:
    xp = xp_of(x)
    return xp.stack([x[:, 0] * x[:, 1], xp.sin(x[:, 2])], axis=1)


def _samples_jacobian(x: np.ndarray) -> list[list[np.ndarray]]:
    return [
        [np.stack([np.array([[a[1], a[0], 0], [0, 0, np.cos(a[2])]]) for a in x])],
    ]


samples = Problem("samples", _samples, _samples_jacobian, M)
samples_to_longer = Problem(
    "samples_to_longer",
    lambda x: xp_of(x).concat([x**2, x[:, 1:]], axis=1),
    lambda x: [[np.stack([np.vstack([np.diag(2 * a), np.eye(3)[1:]]) for a in x])]],
    M,
)
samples_of_numbers = Problem(
    "samples_of_numbers",
    lambda x: xp_of(x).exp(x),
    lambda x: [[np.exp(x)]],
    V,
)
samples_of_trees = Problem(
    "samples_of_trees",
    lambda p: {"u": p[0] * p[1][:, None], "v": p[1] ** 2},
    lambda p: [
        [np.stack([s * np.eye(3) for s in p[1]]), p[0]],
        [np.zeros((2, 3)), 2 * p[1]],
    ],
    tuple((m, v[:2]) for m, v in zip(M, V, strict=True)),
)
