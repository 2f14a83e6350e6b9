"""Dual numbers over NumPy: against jitted JAX, and against one tangent at a time."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

import diffinterface as di

from .timing import Row, at_least, at_most


def _network(xp: Any, weights: list[Any], x: Any) -> Any:
    for w in weights[:-1]:
        x = xp.tanh(w @ x)
    return weights[-1] @ x


def _stencil(xp: Any, u: Any) -> Any:
    return u[2:] - 2 * u[1:-1] + u[:-2] + u[1:-1] * (u[2:] - u[:-2]) + xp.exp(-(u[1:-1] ** 2))


def rows() -> Iterator[Row]:
    import jax
    import jax.numpy as jnp

    rng = np.random.default_rng(0)
    b = di.AutoForwardDiff()
    with jax.enable_x64(True):
        sizes = [64, 256, 256, 64]
        weights = [rng.standard_normal((m, n)) / n**0.5 for n, m in itertools.pairwise(sizes)]
        x = rng.standard_normal(64)
        ours = di.prepare_jacobian(lambda x: _network(np, weights, x), b, x)
        raw = jax.jit(jax.jacfwd(lambda x: _network(jnp, weights, x)))
        yield at_most(
            "dual Jacobian over jitted jacfwd, MLP 64-256-256-64",
            lambda: ours(x),
            lambda: np.asarray(raw(x)),
            1.5,
        )
        u = rng.standard_normal(512)
        stencil = di.prepare_jacobian(lambda u: _stencil(np, u), b, u)
        raw_stencil = jax.jit(jax.jacfwd(lambda u: _stencil(jnp, u)))
        yield at_most(
            "dual Jacobian over jitted jacfwd, stencil n = 512",
            lambda: stencil(u),
            lambda: np.asarray(raw_stencil(u)),
            4.5,
        )
    basis = np.eye(64)
    push = di.prepare_pushforward(lambda x: _network(np, weights, x), b, x, basis[0])
    yield at_least(
        "dual Jacobian over a loop of single tangents, MLP",
        lambda: ours(x),
        lambda: [push(x, t) for t in basis],
        5,
    )
