"""A damped rotation, whose every derivative is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface.sensitivity import adjoint_sensitivity, forward_sensitivity, odeint

from .problems import ENGINES, VARIANTS, available, rotated, rotation

pytest.importorskip("scipy")

TS = np.array([0.5, 1.0, 1.7, 2.5])
U0 = np.array([1.0, -0.5])
Z = np.array([1.0, -0.5, 2.0, 0.3])  # u0, w, d
WEIGHTS = np.array([[0.3, -1.0], [2.0, 0.5], [-0.7, 1.1], [1.0, 0.4]])


def exact(z: Any) -> Any:
    return rotated(z[:2], TS, z[2], z[3])


def jacobian(function: Any, z: Any) -> Any:
    """By complex steps: exact to rounding."""
    return np.stack([np.imag(function(z + 1e-30j * e)) / 1e-30 for e in np.eye(len(z))], axis=-1)


def solved(z: Any, engine: str, **options: Any) -> Any:
    p = {"w": z[2], "d": z[3]}
    return odeint(rotation, z[:2], TS, p, backend=engine, rtol=1e-8, **options)


@pytest.mark.parametrize(("engine", "variant"), list(zip(ENGINES, VARIANTS, strict=True)))
def test_pullbacks(engine: str, variant: Any) -> None:
    available(engine)
    got = di.pullback(lambda z: solved(z, engine, sensitivity=variant), "autograd", Z, WEIGHTS)
    want = np.einsum("ti,tij->j", WEIGHTS, jacobian(exact, Z))
    np.testing.assert_allclose(got, want, rtol=1e-6)


@pytest.mark.parametrize("engine", ENGINES)
def test_jacobians_forward(engine: str) -> None:
    available(engine)
    got = di.jacobian(lambda z: solved(z, engine), "forwarddiff", Z)
    np.testing.assert_allclose(got, jacobian(exact, Z), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("variant", ["interpolating", "forward"])
def test_jacobians_in_reverse(variant: Any) -> None:
    available("torch")
    got = di.jacobian(lambda z: solved(z, "forwarddiff", sensitivity=variant), "torch", Z)
    np.testing.assert_allclose(got, jacobian(exact, Z), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("engine", "outer"),
    [
        ("forwarddiff", "forwarddiff"),
        ("jax", "torch"),
        ("torch", "autograd"),
        ("autograd", "jax"),
    ],
)
def test_times_are_differentiated_too(engine: str, outer: str) -> None:
    """Later times move along the solution; the first one moves the start."""
    available(engine, outer)

    def at(ts: Any) -> Any:
        return odeint(rotation, U0, ts, {"w": 2.0, "d": 0.3}, backend=engine, rtol=1e-8)

    want = jacobian(lambda ts: rotated(U0, ts, 2.0, 0.3), TS)
    np.testing.assert_allclose(di.jacobian(at, outer, TS), want, rtol=1e-5, atol=1e-6)


def loss(z: Any, ts: Any = TS, **options: Any) -> Any:
    p = {"w": z[2], "d": z[3]}
    u = odeint(rotation, z[:2], ts, p, **options)
    xp = di.array_namespace(u)
    return xp.sum(u**3 + xp.asarray(WEIGHTS) * u)


def exact_gradient(z: Any) -> Any:
    def of(z: Any) -> Any:
        u = rotated(z[:2], TS, z[2], z[3])
        return np.sum(u**3 + WEIGHTS * u)

    return jacobian(of, z)


def exact_hessian() -> Any:
    """Differences of exact gradients."""
    h = 1e-5
    columns = [(exact_gradient(Z + h * e) - exact_gradient(Z - h * e)) / (2 * h) for e in np.eye(4)]
    return np.stack(columns, axis=-1)


@pytest.mark.parametrize(
    ("engine", "outer", "variant"),
    [
        ("forwarddiff", "forwarddiff", "auto"),
        ("jax", "torch", "checkpointed"),
        ("forwarddiff", "autograd", "interpolating"),
    ],
)
def test_hessians(engine: str, outer: str, variant: Any) -> None:
    available(engine, outer)
    options = {"backend": engine, "sensitivity": variant, "rtol": 1e-5}
    got = di.hessian(lambda z: loss(z, **options), outer, Z)
    np.testing.assert_allclose(got, exact_hessian(), rtol=1e-3, atol=1e-3)


def test_second_derivatives_by_times() -> None:
    """In reverse: the pullback of the times is differentiated once more."""
    available("torch")

    def at(ts: Any) -> Any:
        z = np.array(Z)
        return loss(z, ts, backend="forwarddiff", rtol=1e-6, sensitivity="interpolating")

    def gradient(ts: Any) -> Any:
        def of(ts: Any) -> Any:
            u = rotated(U0, ts, 2.0, 0.3)
            return np.sum(u**3 + WEIGHTS * u)

        return jacobian(of, ts)

    h = 1e-5
    want = np.stack([(gradient(TS + h * e) - gradient(TS - h * e)) / (2 * h) for e in np.eye(4)])
    np.testing.assert_allclose(di.hessian(at, "torch", TS), want, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("engine", "seeding"),
    [*((e, "product") for e in ENGINES), ("torch", "jacobian"), ("forwarddiff", "finite")],
)
def test_forward_sensitivity(engine: str, seeding: Any) -> None:
    available(engine)
    found = forward_sensitivity(
        rotation, U0, TS, {"w": 2.0, "d": 0.3}, backend=engine, rtol=1e-8, seeding=seeding
    )
    want = jacobian(exact, Z)
    np.testing.assert_allclose(found.u, exact(Z), rtol=1e-6)
    tolerance = 1e-5 if seeding == "finite" else 1e-6
    np.testing.assert_allclose(found.by_u0, want[..., :2], rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(found.by_p["w"], want[..., 2], rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(found.by_p["d"], want[..., 3], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    ("engine", "variant"),
    [
        ("forwarddiff", "interpolating"),
        ("jax", "checkpointed"),
        ("torch", "backsolve"),
        ("autograd", "interpolating"),
    ],
)
def test_adjoint_sensitivity_of_both_costs(engine: str, variant: Any) -> None:
    """``|u(T)|^2 d`` and the integral of ``w |u|^2``, both known: ``|u|^2`` decays as exp(-2 d t)."""
    available(engine)

    def cost(u: Any, p: Any) -> Any:
        return p["d"] * (u[-1, 0] ** 2 + u[-1, 1] ** 2)

    def running(t: Any, u: Any, p: Any) -> Any:
        return p["w"] * (u[0] ** 2 + u[1] ** 2)

    def total(z: Any) -> Any:
        size, span = z[0] ** 2 + z[1] ** 2, TS[-1] - TS[0]
        left = np.exp(-2 * z[3] * span)
        return z[3] * size * left + z[2] * size * (1 - left) / (2 * z[3])

    found = adjoint_sensitivity(
        rotation,
        U0,
        TS,
        {"w": 2.0, "d": 0.3},
        cost=cost,
        running=running,
        variant=variant,
        backend=engine,
        rtol=1e-8,
    )
    want = jacobian(total, Z)
    np.testing.assert_allclose(found.value, total(Z), rtol=1e-6)
    np.testing.assert_allclose(found.by_u0, want[:2], rtol=1e-6)
    np.testing.assert_allclose(found.by_p["w"], want[2], rtol=1e-6)
    np.testing.assert_allclose(found.by_p["d"], want[3], rtol=1e-6)


@pytest.mark.parametrize(
    ("engine", "seeding"), [("autograd", "jacobian"), ("forwarddiff", "finite")]
)
def test_the_seeding_of_an_adjoint(engine: str, seeding: Any) -> None:
    available(engine)
    got = di.pullback(
        lambda z: solved(z, engine, sensitivity="interpolating", seeding=seeding),
        "autograd",
        Z,
        WEIGHTS,
    )
    want = np.einsum("ti,tij->j", WEIGHTS, jacobian(exact, Z))
    np.testing.assert_allclose(got, want, rtol=1e-5 if seeding == "finite" else 1e-6)


def test_backwards_in_time() -> None:
    ts = TS[::-1].copy()
    for variant in ("forward", "interpolating", "checkpointed", "backsolve"):
        got = di.jacobian(
            lambda z, v=variant: odeint(
                rotation,
                z[:2],
                ts,
                {"w": z[2], "d": z[3]},
                backend="forwarddiff",
                rtol=1e-8,
                sensitivity=v,
            ),
            "torch",
            Z,
        )
        want = jacobian(lambda z: rotated(z[:2], ts, z[2], z[3]), Z)
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def test_one_time_only() -> None:
    """Nothing is integrated: the solution is u0."""
    for variant in VARIANTS:
        J = di.jacobian(
            lambda z, v=variant: odeint(
                rotation,
                z[:2],
                [1.0],
                {"w": z[2], "d": z[3]},
                backend="forwarddiff",
                sensitivity=v,
            ),
            "torch",
            Z,
        )
        np.testing.assert_array_equal(J[0], np.eye(2, 4))


def test_a_compiled_loop_stores_stages_alone() -> None:
    """What f computes inside is computed again on the way back, not kept for each step."""
    jax = pytest.importorskip("jax")
    xp, steps, width = jax.numpy, 50, 400

    def loss(p: Any) -> Any:
        f = lambda t, u, p: p.T @ xp.tanh(p @ u)  # noqa: E731
        u = odeint(
            f,
            xp.ones(2),
            xp.asarray([0.0, 1.0]),
            p,
            backend="jax",
            sensitivity="discrete",
            method="rk4",
            steps=steps,
        )
        return xp.sum(u[-1] ** 2)

    with jax.enable_x64(True):
        w = xp.asarray(np.random.default_rng(0).standard_normal((width, 2)) / width)
        stored = max(_sizes_of_loops(jax.make_jaxpr(jax.grad(loss))(w).jaxpr, steps))
        assert steps <= stored <= steps * 2  # a state for each step, and not its 400 hidden units
        slope = (loss(w + 1e-6) - loss(w - 1e-6)) / 2e-6
        np.testing.assert_allclose(xp.sum(jax.grad(loss)(w)), slope, rtol=1e-7)


def _sizes_of_loops(jaxpr: Any, steps: int) -> Any:
    """The sizes of what the loops of so many steps in a program put out, step by step."""
    for equation in jaxpr.eqns:
        for inner in equation.params.values():
            inner = getattr(inner, "jaxpr", inner)
            if hasattr(inner, "eqns"):
                yield from _sizes_of_loops(inner, steps)
        if equation.primitive.name == "scan" and equation.params["length"] == steps:
            yield from (v.aval.size for v in equation.outvars if v.aval.shape[:1] == (steps,))


def test_a_right_hand_side_with_effects() -> None:
    """What calls the host is not computed a second time on the way back."""
    jax = pytest.importorskip("jax")
    callback = pytest.importorskip("jax.experimental").io_callback
    xp, calls = jax.numpy, []

    def table(t: Any) -> Any:
        calls.append(float(t))
        return np.float32(1.0)

    def loss(p: Any) -> Any:
        def f(t: Any, u: Any, p: Any) -> Any:
            return (
                -p
                * u
                * callback(table, jax.ShapeDtypeStruct((), xp.float32), jax.lax.stop_gradient(t))
            )

        ts = xp.asarray([0.0, 1.0])
        return odeint(
            f, xp.ones(1), ts, p, backend="jax", sensitivity="discrete", method="rk4", steps=8
        )[-1, 0]

    np.testing.assert_allclose(jax.grad(loss)(xp.asarray(0.5)), -np.exp(-0.5), rtol=1e-4)
    assert len(calls) == 8 * 4
