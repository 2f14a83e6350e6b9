"""Lotka and Volterra's, Robertson's and the Brusselator's equations, and a driven pendulum."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface.sensitivity import (
    BacksolveWarning,
    SolveError,
    adjoint_sensitivity,
    forward_sensitivity,
    odeint,
)

from .problems import (
    ENGINES,
    LV_P,
    LV_TS,
    LV_U0,
    ROBERTSON_P,
    available,
    brusselator,
    brusselator_start,
    lotka_volterra,
    lotka_volterra_sensitivities,
    pendulum,
    robertson,
)

pytest.importorskip("scipy")
every_engine = pytest.mark.parametrize("engine", ENGINES)


# --- Lotka and Volterra ---


@every_engine
@pytest.mark.parametrize(
    "variant", ["forward", "interpolating", "checkpointed", "backsolve", "dopri5", "rk4"]
)
def test_lotka_volterra(engine: str, variant: str) -> None:
    """Every way to the gradient of a loss, against variational equations written by hand."""
    available(engine)
    options: dict[str, Any] = {"sensitivity": variant, "rtol": 1e-9}
    if variant in ("dopri5", "rk4"):
        if engine == "jax":
            pytest.skip("thousands of unrolled operations: see test_discrete")
        options = {"sensitivity": "discrete", "method": variant, "rtol": 1e-9, "steps": 40}

    def loss(z: Any) -> Any:
        u = odeint(lotka_volterra, z[:2], LV_TS, z[2:], backend=engine, **options)
        return di.array_namespace(u).sum(u**2)

    outer = engine if variant in ("dopri5", "rk4") else "autograd"
    got = di.gradient(loss, outer, np.concatenate([LV_U0, LV_P]))
    u, S = lotka_volterra_sensitivities()
    want = 2 * np.einsum("ti,tij->j", u, S)
    np.testing.assert_allclose(got, want, rtol=1e-5 if variant in ("dopri5", "rk4") else 1e-7)


@every_engine
def test_lotka_volterra_forward(engine: str) -> None:
    available(engine)
    found = forward_sensitivity(
        lotka_volterra, LV_U0, LV_TS, LV_P, backend=engine, rtol=1e-9, atol=1e-10
    )
    u, S = lotka_volterra_sensitivities()
    np.testing.assert_allclose(found.u, u, rtol=1e-7)
    np.testing.assert_allclose(found.by_u0, S[..., :2], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found.by_p, S[..., 2:], rtol=1e-6, atol=1e-6)


# --- the pendulum ---


@every_engine
def test_a_pendulum_of_trees(engine: str) -> None:
    """The gradient by every leaf, against differences of tight solutions."""
    available(engine)
    x = {
        "u": {"angle": np.array([1.0, 0.2]), "speed": np.array([0.0, -1.0])},
        "p": {"g": np.array([9.81, 3.7]), "friction": 0.3, "drive": 0.5},
    }
    ts = np.linspace(0, 1.5, 4)

    def loss(x: Any, **options: Any) -> Any:
        u = odeint(pendulum, x["u"], ts, x["p"], backend=engine, **options)
        xp = di.array_namespace(u["angle"])
        return xp.sum(xp.sin(u["angle"]) * u["speed"])

    got = di.gradient(lambda x: loss(x, rtol=1e-9, sensitivity="interpolating"), "autograd", x)
    want = di.gradient(
        lambda x: loss(x, rtol=1e-12, atol=1e-13), di.AutoFiniteDiff(scheme="central"), x
    )
    for branch in ("u", "p"):
        for name, leaf in got[branch].items():
            np.testing.assert_allclose(leaf, want[branch][name], rtol=2e-6, atol=2e-7)


# --- Robertson ---

STIFF = np.array([0.0, 1.0, 40.0])
SCALED = np.ones(3)


def robertson_loss(q: Any, **options: Any) -> Any:
    """A loss by parameters in units of their usual values."""
    xp = di.array_namespace(q)
    p = q * xp.asarray(ROBERTSON_P)
    u0 = np.array([1.0, 0.0, 0.0])
    u = odeint(robertson, u0, STIFF, p, method="Radau", rtol=1e-8, atol=1e-12, **options)
    return u[-1, 0] + 1e4 * u[-1, 1] + u[1, 2]


@pytest.fixture(scope="module")
def robertson_gradient() -> Any:
    """Central differences of tight solutions."""
    from scipy.integrate import solve_ivp

    def loss(q: Any) -> Any:
        p = q * ROBERTSON_P
        found = solve_ivp(
            lambda t, u: robertson(t, u, p),
            (0, 40),
            [1.0, 0.0, 0.0],
            "Radau",
            STIFF,
            rtol=1e-11,
            atol=1e-15,
        )
        u = found.y.T
        return u[-1, 0] + 1e4 * u[-1, 1] + u[1, 2]

    h = 1e-3
    return np.array([(loss(SCALED + h * e) - loss(SCALED - h * e)) / (2 * h) for e in np.eye(3)])


@every_engine
@pytest.mark.parametrize("variant", ["forward", "interpolating", "checkpointed"])
def test_robertson(engine: str, variant: Any, robertson_gradient: Any) -> None:
    available(engine)
    got = di.gradient(
        lambda q: robertson_loss(q, backend=engine, sensitivity=variant), "autograd", SCALED
    )
    np.testing.assert_allclose(got, robertson_gradient, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("engine", ["forwarddiff", "jax"])
def test_backsolve_of_a_stiff_problem_is_refused(engine: str) -> None:
    """In reverse its fast decay is fast growth."""
    available(engine)
    with pytest.raises(SolveError, match=r"unstable in reverse|could not be integrated") as caught:
        di.gradient(
            lambda q: robertson_loss(q, backend=engine, sensitivity="backsolve"), "autograd", SCALED
        )
    assert caught.value.reached < 40


def test_backsolve_of_a_mildly_stiff_problem_is_warned_about() -> None:
    """``u' = -p (u - cos t)``: what is forgotten in one unit of time cannot be found again."""
    ts = np.array([0.0, 1.0])

    def forced(t: Any, u: Any, p: Any) -> Any:
        return -p * (u - np.cos(t))

    def gradient(variant: Any, p: float) -> Any:
        return adjoint_sensitivity(
            forced,
            np.array([2.0]),
            ts,
            p,
            cost=lambda u, p: u[-1, 0],
            variant=variant,
            backend="forwarddiff",
        )

    with pytest.warns(BacksolveWarning, match="misses the forward one") as caught:
        wrong = gradient("backsolve", 12.0)
    warning = caught[0].message
    assert isinstance(warning, BacksolveWarning)
    assert warning.residual > warning.tolerance
    right = gradient("interpolating", 12.0)
    # u(1) by hand: exp(-p) (2 - p^2/(1+p^2)) + (p^2 cos 1 + p sin 1)/(1+p^2)
    p, h = 12.0, 1e-20j

    def final(p: Any) -> Any:
        steady = (p**2 * np.cos(1) + p * np.sin(1)) / (1 + p**2)
        return np.exp(-p) * (2 - p**2 / (1 + p**2)) + steady

    want = np.imag(final(p + h)) / 1e-20
    np.testing.assert_allclose(right.by_p, want, rtol=1e-5)
    assert abs(wrong.by_p - want) > abs(right.by_p - want)


# --- the Brusselator ---


@every_engine
@pytest.mark.parametrize("n", [4, 6])
def test_the_brusselator(engine: str, n: int) -> None:
    """The adjoint of a field of parameters, along a few directions, against forward differences."""
    available(engine)
    if n > 4 and engine in ("forwarddiff", "autograd"):
        pytest.skip("time")
    (u0, p), f = brusselator_start(n), brusselator(n)
    ts = np.array([0.0, 0.3])
    rng = np.random.default_rng(0)
    weights = rng.normal(size=u0.shape)

    def cost(u: Any, p: Any) -> Any:
        xp = di.array_namespace(u)
        return xp.sum(xp.asarray(weights) * u[-1])

    found = adjoint_sensitivity(f, u0, ts, p, cost=cost, backend=engine, rtol=1e-8)
    for _ in range(3):
        v, w = rng.normal(size=p.shape) * p, rng.normal(size=u0.shape)

        def along(h: float, v: Any = v, w: Any = w) -> Any:
            u = odeint(f, u0 + h * w, ts, p + h * v, backend="forwarddiff", rtol=1e-11)
            return np.sum(weights * u[-1])

        h = 1e-4
        want = (along(h) - along(-h)) / (2 * h)
        got = np.sum(found.by_p * v) + np.sum(found.by_u0 * w)
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-6)
