"""Functions with sparse derivatives, in array-API form, and how many entries those have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import diffinterface as di

sparse = pytest.importorskip("scipy.sparse")


@dataclass(frozen=True)
class Problem:
    name: str
    f: Callable[[Any], Any]
    x: Any
    nnz: int  # of the pattern, counted by hand

    def __repr__(self) -> str:
        return self.name


def brusselator(x: Any) -> Any:
    """The 2-D Brusselator of Hairer & Wanner on a periodic N x N grid: 2 N^2 equations."""
    xp = di.array_namespace(x)
    n = round((x.shape[0] // 2) ** 0.5)
    u, v = (xp.reshape(part, (n, n)) for part in (x[: n * n], x[n * n :]))

    def diffusion(z: Any) -> Any:
        turns = [xp.roll(z, shift, axis=axis) for shift in (1, -1) for axis in (0, 1)]
        return 0.1 * (turns[0] + turns[1] + turns[2] + turns[3] - 4 * z)

    reaction = u**2 * v
    du = 1 + reaction - 4.4 * u + diffusion(u)
    dv = 3.4 * u - reaction + diffusion(v)
    return xp.concat([xp.reshape(du, (-1,)), xp.reshape(dv, (-1,))])


def brusselator_jacobian(x: Any) -> Any:
    """Its Jacobian by hand, as a ``csr_array``."""
    n = round((x.size // 2) ** 0.5)
    u, v = x[: n * n], x[n * n :]
    ring = sparse.diags_array([1.0] * 4, offsets=[1, -1, n - 1, 1 - n], shape=(n, n))
    one = sparse.eye_array(n)
    diffusion = 0.1 * (
        sparse.kron(ring, one) + sparse.kron(one, ring) - 4 * sparse.eye_array(n * n)
    )
    of = sparse.diags_array
    rows = [
        [of(2 * u * v - 4.4) + diffusion, of(u**2)],
        [of(3.4 - 2 * u * v), of(-(u**2)) + diffusion],
    ]
    return sparse.block_array(rows, format="csr")


def energy_of_brusselator_hessian(x: Any) -> Any:
    """The Hessian of half its sum of squares by hand: ``J^T J``, and the curvature of ``u^2 v``."""
    n = round((x.size // 2) ** 0.5)
    u, v = x[: n * n], x[n * n :]
    y, jacobian = brusselator(x), brusselator_jacobian(x)
    weight = y[: n * n] - y[n * n :]
    of = sparse.diags_array
    cross = of(2 * u * weight)
    curvature = sparse.block_array([[of(2 * v * weight), cross], [cross, None]], format="csr")
    return jacobian.T @ jacobian + curvature


def brusselator_in_a_line(x: Any) -> Any:
    """The 1-D Brusselator between walls, all u before all v."""
    xp = di.array_namespace(x)
    half = x.shape[0] // 2
    u, v = x[:half], x[half:]

    def diffusion(z: Any, wall: float) -> Any:
        end = wall + xp.zeros_like(z[:1])
        wide = xp.concat([end, z, end])
        return 0.02 * (wide[2:] - 2 * z + wide[:-2])

    reaction = u**2 * v
    return xp.concat(
        [1 + reaction - 4 * u + diffusion(u, 1.0), 3 * u - reaction + diffusion(v, 3.0)]
    )


def burgers(x: Any) -> Any:
    """One explicit step of Burgers' equation, upwind in a positive velocity, walls at both ends."""
    xp = di.array_namespace(x)
    wall = xp.zeros_like(x[:1])
    left, right = xp.concat([wall, x[:-1]]), xp.concat([x[1:], wall])
    return x - 0.1 * x * (x - left) + 0.05 * (right - 2 * x + left)


def rosenbrocks(x: Any) -> Any:
    """The residuals of a chain of Rosenbrock functions."""
    xp = di.array_namespace(x)
    return xp.concat([10 * (x[1:] - x[:-1] ** 2), 1 - x[:-1]])


def arrow(x: Any) -> Any:
    """Each output by its own input and the first; the first by all."""
    xp = di.array_namespace(x)
    return xp.concat([xp.reshape(xp.sum(x**2), (1,)), x[1:] * x[0]])


def blocks(x: Any) -> Any:
    """Least squares in bands of blocks: exponentials with an amplitude and a rate for each of n / 2."""
    xp = di.array_namespace(x)
    pairs = xp.reshape(x, (-1, 2))
    times = xp.asarray(np.linspace(0.1, 1, 4))
    decays = pairs[:, :1] * xp.exp(-pairs[:, 1:] * times[None, :])
    return xp.reshape(decays[1:, :] + decays[:-1, :], (-1,))


def laplacian(x: Any) -> Any:
    """P1 finite elements of -(1 + u^2) u'' on an interval: assembled element by element."""
    xp = di.array_namespace(x)
    zero = xp.zeros_like(x[:1])
    inner = xp.concat([zero, x, zero])
    flux = (1 + ((inner[1:] + inner[:-1]) / 2) ** 2) * (inner[1:] - inner[:-1])
    return flux[:-1] - flux[1:]


def energy(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A scalar function with a sparse Hessian: half the sum of squares."""

    def half_squares(x: Any) -> Any:
        return di.array_namespace(x).sum(f(x) ** 2) / 2

    half_squares.__name__ = f"energy_of_{f.__name__}"
    return half_squares


def point(n: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).uniform(0.3, 1.2, n)


PROBLEMS = [
    Problem("brusselator", brusselator, point(72), 432),
    Problem("brusselator_in_a_line", brusselator_in_a_line, point(24), 92),
    Problem("burgers", burgers, point(20), 58),
    Problem("rosenbrocks", rosenbrocks, point(15), 42),
    Problem("arrow", arrow, point(12), 34),
    Problem("blocks", blocks, point(10), 64),
    Problem("laplacian", laplacian, point(18), 52),
]
