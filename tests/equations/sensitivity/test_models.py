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
    VARIANTS,
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


#: Every sensitivity, and the two discrete methods, with options that make their errors alike.
WAYS: dict[str, dict[str, Any]] = {
    **{name: {"sensitivity": name, "rtol": 1e-8} for name in VARIANTS},
    "dopri5": {"sensitivity": "discrete", "method": "dopri5", "rtol": 1e-8},
    "rk4": {"sensitivity": "discrete", "method": "rk4", "steps": 12},
}


@pytest.fixture(scope="module")
def volterra() -> tuple[Any, Any]:
    """The solution and its derivatives by (u0, p)."""
    return lotka_volterra_sensitivities()


@every_engine
@pytest.mark.parametrize("way", WAYS)
def test_lotka_volterra(engine: str, way: str, volterra: Any) -> None:
    """Every way to the gradient of a loss, against variational equations written by hand."""
    available(engine)

    def loss(z: Any) -> Any:
        u = odeint(lotka_volterra, z[:2], LV_TS, z[2:], backend=engine, **WAYS[way])
        return di.array_namespace(u).sum(u**2)

    outer = engine if way in ("dopri5", "rk4") else "autograd"
    got = di.gradient(loss, outer, np.concatenate([LV_U0, LV_P]))
    u, S = volterra
    want = 2 * np.einsum("ti,tij->j", u, S)
    np.testing.assert_allclose(got, want, rtol=1e-5)


@every_engine
def test_lotka_volterra_forward(engine: str, volterra: Any) -> None:
    available(engine)
    found = forward_sensitivity(
        lotka_volterra, LV_U0, LV_TS, LV_P, backend=engine, rtol=1e-9, atol=1e-10
    )
    u, S = volterra
    np.testing.assert_allclose(found.u, u, rtol=1e-7)
    np.testing.assert_allclose(found.by_u0, S[..., :2], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found.by_p, S[..., 2:], rtol=1e-6, atol=1e-6)


# --- the pendulum ---

SWING = {
    "u": {"angle": np.array([1.0, 0.2]), "speed": np.array([0.0, -1.0])},
    "p": {"g": np.array([9.81, 3.7]), "friction": 0.3, "drive": 0.5},
}


def swing(x: Any, **options: Any) -> Any:
    """A loss by the state and the parameters of two pendula."""
    u = odeint(pendulum, x["u"], np.linspace(0, 0.9, 4), x["p"], **options)
    xp = di.array_namespace(u["angle"])
    return xp.sum(xp.sin(u["angle"]) * u["speed"])


@pytest.fixture(scope="module")
def swing_gradient() -> Any:
    """Differences of tight solutions."""
    tight = {"backend": "forwarddiff", "rtol": 1e-12, "atol": 1e-13}
    return di.gradient(lambda x: swing(x, **tight), di.AutoFiniteDiff(scheme="central"), SWING)


@pytest.mark.parametrize(
    ("engine", "way"),
    [
        ("forwarddiff", "forward"),
        ("forwarddiff", "dopri5"),
        ("jax", "interpolating"),
        ("jax", "rk4"),
        ("torch", "checkpointed"),
        ("torch", "rk4"),
        ("autograd", "backsolve"),
        ("autograd", "dopri5"),
    ],
)
def test_a_pendulum_of_trees(engine: str, way: str, swing_gradient: Any) -> None:
    """The gradient by every leaf."""
    available(engine)
    outer = engine if way in ("dopri5", "rk4") else "autograd"
    got = di.gradient(lambda x: swing(x, backend=engine, **WAYS[way]), outer, SWING)
    for branch in ("u", "p"):
        for name, leaf in got[branch].items():
            want = swing_gradient[branch][name]
            np.testing.assert_allclose(leaf, want, rtol=1e-5, atol=1e-6)


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


@pytest.mark.parametrize(
    ("engine", "variant"),
    [
        ("forwarddiff", "forward"),
        ("forwarddiff", "checkpointed"),
        ("jax", "interpolating"),
        ("torch", "interpolating"),
        ("autograd", "forward"),
    ],
)
def test_robertson(engine: str, variant: Any, robertson_gradient: Any) -> None:
    available(engine)
    got = di.gradient(
        lambda q: robertson_loss(q, backend=engine, sensitivity=variant), "autograd", SCALED
    )
    np.testing.assert_allclose(got, robertson_gradient, rtol=1e-5, atol=1e-7)


def test_robertson_in_its_own_units(robertson_gradient: Any) -> None:
    """A derivative by 3e7 is no larger than 1e-8: its error is controlled all the same."""

    def loss(p: Any) -> Any:
        return robertson_loss(p / ROBERTSON_P, backend="forwarddiff", sensitivity="interpolating")

    want = robertson_gradient / ROBERTSON_P
    np.testing.assert_allclose(di.gradient(loss, "autograd", ROBERTSON_P), want, rtol=1e-5)

    def solved(p: Any) -> Any:
        options = {"method": "Radau", "rtol": 1e-8, "atol": 1e-12}
        u0 = np.array([1.0, 0.0, 0.0])
        u = odeint(robertson, u0, STIFF, p, backend="forwarddiff", **options)
        return u[-1, 0] + 1e4 * u[-1, 1] + u[1, 2]

    np.testing.assert_allclose(di.gradient(solved, "forwarddiff", ROBERTSON_P), want, rtol=1e-5)


@pytest.mark.parametrize("engine", ENGINES)
def test_robertson_step_by_step(engine: str) -> None:
    """An explicit method has to take hundreds of small steps through a short time, but it is right."""
    available(engine)
    p, span = ROBERTSON_P, [0.0, 0.005]

    def final(q: Any, **options: Any) -> Any:
        u = odeint(
            robertson,
            np.array([1.0, 0.0, 0.0]),
            span,
            q * di.array_namespace(q).asarray(p),
            backend=engine,
            **options,
        )
        return 1e4 * u[-1, 1] + u[-1, 2]

    options = {"sensitivity": "discrete", "method": "rk4", "steps": 100}
    got = di.gradient(lambda q: final(q, **options), engine, SCALED)
    found = forward_sensitivity(
        robertson,
        np.array([1.0, 0.0, 0.0]),
        span,
        p,
        backend="forwarddiff",
        method="Radau",
        rtol=1e-9,
        atol=1e-13,
    )
    want = (1e4 * found.by_p[-1, 1] + found.by_p[-1, 2]) * p
    np.testing.assert_allclose(got, want, rtol=1e-5)


def test_backsolve_of_a_stiff_problem_is_refused() -> None:
    """In reverse its fast decay is fast growth."""
    with pytest.raises(SolveError, match=r"unstable in reverse|could not be integrated") as caught:
        di.gradient(
            lambda q: robertson_loss(q, backend="forwarddiff", sensitivity="backsolve"),
            "autograd",
            SCALED,
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
        wrong = gradient("backsolve", 18.0)
    warning = caught[0].message
    assert isinstance(warning, BacksolveWarning)
    assert warning.residual > warning.tolerance
    right = gradient("interpolating", 18.0)
    # u(1) by hand: exp(-p) (2 - p^2/(1+p^2)) + (p^2 cos 1 + p sin 1)/(1+p^2)
    p, h = 18.0, 1e-20j

    def final(p: Any) -> Any:
        steady = (p**2 * np.cos(1) + p * np.sin(1)) / (1 + p**2)
        return np.exp(-p) * (2 - p**2 / (1 + p**2)) + steady

    want = np.imag(final(p + h)) / 1e-20
    np.testing.assert_allclose(right.by_p, want, rtol=1e-5)
    assert abs(wrong.by_p - want) > abs(right.by_p - want)


# --- the Brusselator ---


def slope(n: int, ts: Any, v: Any, w: Any, weights: Any) -> Any:
    """Of a cost of the final state along a direction of (p, u0): by differences of tight solutions."""
    (u0, p), f = brusselator_start(n), brusselator(n)

    def along(h: float) -> Any:
        u = odeint(f, u0 + h * w, ts, p + h * v, backend="forwarddiff", rtol=1e-10)
        return np.sum(weights * u[-1])

    h = 1e-3
    return (8 * (along(h) - along(-h)) - (along(2 * h) - along(-2 * h))) / (12 * h)


@pytest.mark.parametrize(
    ("engine", "n", "variant"),
    [
        ("forwarddiff", 4, "interpolating"),
        ("jax", 4, "checkpointed"),
        ("torch", 4, "interpolating"),
        ("autograd", 4, "backsolve"),
        ("autograd", 8, "interpolating"),
        ("torch", 16, "interpolating"),
        ("jax", 32, "interpolating"),
    ],
)
def test_the_brusselator(engine: str, n: int, variant: Any) -> None:
    """The adjoint of a field of parameters, along a direction of all of them."""
    available(engine)
    (u0, p), f = brusselator_start(n), brusselator(n)
    ts = np.array([0.0, 0.1])
    rng = np.random.default_rng(0)
    weights, v, w = (
        rng.normal(size=u0.shape),
        rng.normal(size=p.shape) * p,
        rng.normal(size=u0.shape),
    )

    def cost(u: Any, p: Any) -> Any:
        xp = di.array_namespace(u)
        return xp.sum(xp.asarray(weights) * u[-1])

    found = adjoint_sensitivity(f, u0, ts, p, cost=cost, backend=engine, variant=variant)
    got = np.sum(found.by_p * v) + np.sum(found.by_u0 * w)
    np.testing.assert_allclose(got, slope(n, ts, v, w, weights), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("engine", "way"),
    [("forwarddiff", "forward"), ("jax", "rk4"), ("torch", "rk4"), ("autograd", "rk4")],
)
def test_the_brusselator_forward_and_step_by_step(engine: str, way: str) -> None:
    available(engine)
    (u0, p), f = brusselator_start(4), brusselator(4)
    ts = np.array([0.0, 0.1])
    rng = np.random.default_rng(1)
    weights, v = rng.normal(size=u0.shape), rng.normal(size=p.shape) * p

    def cost(p: Any) -> Any:
        u = odeint(f, u0, ts, p, backend=engine, **WAYS[way])
        xp = di.array_namespace(u)
        return xp.sum(xp.asarray(weights) * u[-1])

    got = np.sum(di.gradient(cost, engine if way == "rk4" else "autograd", p) * v)
    want = slope(4, ts, v, 0 * u0, weights)
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)
