"""ODEs in array-API code, and their derivatives from outside: by hand, or by hand-written equations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di

ENGINES = ("forwarddiff", "jax", "torch", "autograd")
VARIANTS = ("forward", "interpolating", "checkpointed", "backsolve")


def available(*engines: str) -> None:
    """Skip where an engine is not installed."""
    for engine in engines:
        if not di.check_available(engine):
            pytest.skip(f"{engine} is not installed")


# --- a rotation: everything is known ---


def rotation(t: Any, u: Any, p: Any) -> Any:
    """``u' = w (-u_1, u_0) - d u``."""
    xp = di.array_namespace(u, p["w"])
    return xp.stack([-p["w"] * u[1], p["w"] * u[0]]) - p["d"] * u


def rotated(u0: Any, ts: Any, w: Any, d: Any) -> Any:
    """The exact solution, in NumPy; real or complex."""
    t = np.asarray(ts) - ts[0]
    c, s, e = np.cos(w * t), np.sin(w * t), np.exp(-d * t)
    return np.stack([e * (c * u0[0] - s * u0[1]), e * (s * u0[0] + c * u0[1])], axis=1)


# --- Lotka and Volterra ---

LV_U0 = np.array([1.0, 1.0])
LV_P = np.array([1.5, 1.0, 3.0, 1.0])
LV_TS = np.linspace(0.0, 1.5, 4)


def lotka_volterra(t: Any, u: Any, p: Any) -> Any:
    xp = di.array_namespace(u, p)
    return xp.stack([p[0] * u[0] - p[1] * u[0] * u[1], -p[2] * u[1] + p[3] * u[0] * u[1]])


def lotka_volterra_sensitivities() -> tuple[Any, Any]:
    """The solution and its derivatives by (u0, p), by variational equations written by hand."""
    from scipy.integrate import solve_ivp

    a, b, c, d = LV_P

    def f(t: float, z: Any) -> Any:
        (x, y), S = z[:2], z[2:].reshape(2, 6)
        J = np.array([[a - b * y, -b * x], [d * y, -c + d * x]])
        P = np.zeros((2, 6))
        P[:, 2:] = [[x, -x * y, 0, 0], [0, 0, -y, x * y]]
        du = [a * x - b * x * y, -c * y + d * x * y]
        return np.concatenate([du, (J @ S + P).ravel()])

    start = np.concatenate([LV_U0, np.eye(2, 6).ravel()])
    z = solve_ivp(f, (0, 1.5), start, "DOP853", LV_TS, rtol=1e-12, atol=1e-13).y.T
    return z[:, :2], z[:, 2:].reshape(-1, 2, 6)


# --- a pendulum, as a tree ---


def pendulum(t: Any, u: Any, p: Any) -> Any:
    """With friction, driven: the state and the parameters are trees."""
    xp = di.array_namespace(u["angle"], p["g"])
    force = p["drive"] * xp.cos(2 * xp.asarray(t))
    return {
        "angle": u["speed"],
        "speed": -p["g"] * xp.sin(u["angle"]) - p["friction"] * u["speed"] + force,
    }


# --- Robertson's kinetics: stiff ---

ROBERTSON_P = np.array([0.04, 3e7, 1e4])


def robertson(t: Any, u: Any, p: Any) -> Any:
    xp = di.array_namespace(u, p)
    first, second, third = p[0] * u[0], p[1] * u[1] * u[1], p[2] * u[1] * u[2]
    return xp.stack([-first + third, first - second - third, second])


# --- the Brusselator on an N x N grid, periodic ---


def brusselator(n: int) -> Any:
    """F over an array ``(2, n, n)``; parameters a, b and the diffusion, as fields over the grid."""

    def f(t: Any, u: Any, p: Any) -> Any:
        xp = di.array_namespace(u, p)
        spread = p[2] * (n - 1) ** 2
        x, y = u[0], u[1]

        def laplacian(v: Any) -> Any:
            return (
                xp.roll(v, 1, axis=0)
                + xp.roll(v, -1, axis=0)
                + xp.roll(v, 1, axis=1)
                + xp.roll(v, -1, axis=1)
                - 4 * v
            )

        reaction = x * x * y
        return xp.stack(
            [
                p[1] + reaction - (p[0] + 1) * x + spread * laplacian(x),
                p[0] * x - reaction + spread * laplacian(y),
            ]
        )

    return f


def brusselator_start(n: int) -> tuple[Any, Any]:
    """A state and parameters."""
    grid = np.linspace(0, 1, n)
    x = 2 + np.sin(2 * np.pi * grid)[:, None] * np.ones(n)
    y = 1 + 0.5 * np.cos(2 * np.pi * grid)[None, :] * np.ones((n, 1))
    p = np.stack([np.full((n, n), 3.4), np.full((n, n), 1.0), np.full((n, n), 0.002)])
    return np.stack([x, y]), p
