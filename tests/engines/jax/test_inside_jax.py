"""Operators inside JAX's own transformations: derivatives of derivatives, by hand."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from .cubic import CALLS, IDS, ROWS, Row, T, W, X

jax = pytest.importorskip("jax")
jnp = pytest.importorskip("jax.numpy")

BACKENDS = (
    di.AutoJax(),
    di.AutoJax(jit=False),
    di.AutoJax(mode="forward"),
    di.AutoJax(mode="reverse"),
)
GRADIENT = ROWS[0]


def close(got: Any, want: Any) -> None:
    np.testing.assert_allclose(np.asarray(got), want, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS, ids=str)
@pytest.mark.parametrize(("row", "way"), CALLS, ids=IDS)
def test_captured_weights_and_x(backend: di.ADType, row: Row, way: str) -> None:
    """The outer derivative in x, and in weights that f captured, under grad, jit and vmap."""

    def loss(w: Any, x: Any) -> Any:
        return jnp.sum(row.ask(way, row.f(w), backend, x, jnp.asarray(T)) ** 2)

    with jax.enable_x64(True):
        both = jax.grad(loss, argnums=(0, 1))
        w, x = jnp.asarray(W), jnp.asarray(row.x)
        for got in (both(w, x), jax.jit(both)(w, x)):
            close(got[0], row.loss_by_w(W, row.x))
            close(got[1], row.loss_by_x(W, row.x))
        batch = jax.vmap(both)(jnp.stack([w, 3 * w]), jnp.stack([x, -x]))
        close(batch[0][1], row.loss_by_w(3 * W, -row.x))
        close(batch[1][1], row.loss_by_x(3 * W, -row.x))


@pytest.mark.parametrize(("row", "way"), CALLS, ids=IDS)
def test_captured_weights_beside_a_numpy_point(row: Row, way: str) -> None:
    """A NumPy x hides no trace: the weights' derivative goes through."""

    def loss(w: Any) -> Any:
        return jnp.sum(row.ask(way, row.f(w), "jax", row.x, T) ** 2)

    with jax.enable_x64(True):
        close(jax.grad(loss)(jnp.asarray(W)), row.loss_by_w(W, row.x))
        close(jax.jit(jax.jacfwd(loss))(jnp.asarray(W)), row.loss_by_w(W, row.x))


@pytest.mark.parametrize(("row", "way"), CALLS, ids=IDS)
def test_the_result_itself(row: Row, way: str) -> None:
    with jax.enable_x64(True):
        w, x, t = (jnp.asarray(a) for a in (W, row.x, T))
        run = jax.jit(lambda w, x: row.ask(way, row.f(w), "jax", x, t))
        close(run(w, x), row.result(W, row.x))
        # The result is linear in w: its own value is the derivative along w.
        close(jax.jvp(run, (w, x), (w, 0 * x))[1], row.result(W, row.x))


@pytest.mark.parametrize("backend", BACKENDS, ids=str)
def test_contexts_value_and_aux(backend: di.ADType) -> None:
    def f(x: Any, w: Any) -> Any:
        return jnp.sum(w * x**3), {"w": w**2, "name": "kept"}

    def loss(w: Any) -> Any:
        prep = di.prepare_gradient(f, backend, jnp.asarray(X), w, has_aux=True)
        value, slope, aux = prep.value_and(jnp.asarray(X), w)
        assert aux["name"] == "kept"
        return value + jnp.sum(slope) + jnp.sum(aux["w"])

    with jax.enable_x64(True):
        close(jax.grad(loss)(jnp.asarray(W)), X**3 + 3 * X**2 + 2 * W)


def test_second_order_outside() -> None:
    """``sum (3 w x**2)**2`` has the Hessian ``18 x**4`` in w and ``108 w**2 x**2`` in x."""

    def loss(w: Any, x: Any) -> Any:
        return jnp.sum(GRADIENT.ask("once", GRADIENT.f(w), "jax", x, None) ** 2)

    with jax.enable_x64(True):
        w, x = jnp.asarray(W), jnp.asarray(X)
        close(jax.hessian(loss)(w, x), np.diag(18 * X**4))
        close(jax.hessian(loss, argnums=1)(w, x), np.diag(108 * W**2 * X**2))


def test_control_flow() -> None:
    def step(x: Any, _: Any) -> Any:
        return x - 0.1 * di.gradient(lambda x: jnp.sum(x**2), "jax", x), None

    with jax.enable_x64(True):
        x = jnp.asarray(X)
        close(jax.lax.scan(step, x, None, length=3)[0], X * 0.8**3)
        looped = jax.lax.fori_loop(0, 3, lambda _, x: step(x, None)[0], x)
        close(looped, X * 0.8**3)
        rematerialised = jax.checkpoint(lambda x: jnp.sum(step(x, None)[0] ** 2))
        close(jax.grad(rematerialised)(x), 2 * 0.64 * X)


def test_prepared_outside_and_called_inside() -> None:
    with jax.enable_x64(True):
        x = jnp.asarray(X)
        prep = di.prepare_hessian(lambda x: jnp.sum(x**3), "jax", x)
        close(jax.jit(lambda x: prep(x))(x), np.diag(6 * X))
        close(jax.grad(lambda x: jnp.sum(prep(x) ** 2))(x), 72 * X)
        close(jax.vmap(lambda x: prep(x))(jnp.stack([x, -x]))[1], np.diag(-6 * X))
        close(prep(x), np.diag(6 * X))


def test_a_prepared_operator_is_a_function_that_jax_takes() -> None:
    prep = di.prepare_gradient(lambda x: jnp.sum(x**2), "jax", jnp.ones(3))
    same = di.prepare_pullback_same_point(lambda x: x**2, "jax", jnp.ones(3), jnp.ones(3))
    for function in (prep, same):
        weakref.ref(function)  # what JAX keeps of it; where it cannot, jaxlib crashes the process
    for _ in range(2):
        close(jax.jit(prep)(2 * jnp.ones(3)), 4 * np.ones(3))
        close(jax.jit(same)(3 * jnp.ones(3)), 6 * np.ones(3))
        close(jax.vmap(prep)(jnp.ones((2, 3))), 2 * np.ones((2, 3)))


def test_an_escaped_trace_is_an_error() -> None:
    kept: list[Any] = []

    def loss(w: Any) -> Any:
        kept.append(di.prepare_gradient(lambda x: jnp.sum(w * x**2), "jax", jnp.ones(3)))
        return jnp.sum(kept[-1](jnp.ones(3)))

    np.testing.assert_allclose(jax.grad(loss)(jnp.ones(3)), 2 * np.ones(3))
    with pytest.raises(jax.errors.UnexpectedTracerError):
        kept[-1](jnp.ones(3))


def test_a_tracer_cannot_be_static() -> None:
    def loss(w: Any) -> Any:
        return di.gradient(lambda x, w: w * x, "jax", jnp.asarray(2.0), di.Static(w))

    with pytest.raises(di.InputError, match="not hashable"):
        jax.grad(loss)(1.0)


def test_numbers_of_numpy_enter_a_trace() -> None:
    """A NumPy array beside a finished JAX array, in a program that JAX is tracing."""
    weights = jnp.asarray(W, dtype=jnp.float32)

    def loss(x: Any) -> Any:
        slope = di.gradient(lambda w, a: jnp.sum(w * a), "jax", weights, np.float32(X[: len(W)]))
        return jnp.sum(x) * jnp.sum(slope)

    np.testing.assert_allclose(jax.jit(loss)(1.0), np.sum(np.float32(X[: len(W)])), rtol=1e-6)
