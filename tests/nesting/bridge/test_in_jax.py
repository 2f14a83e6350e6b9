"""Bridged functions inside JAX: every transformation equals itself on the same function in JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from .common import INNERS, Inner, T, X, close, every_operator, exact_inner, model

jax = pytest.importorskip("jax")
jnp = pytest.importorskip("jax.numpy")

#: By the order of derivative that each takes: from a function and a point to an array.
VECTOR: dict[str, tuple[int, Callable[[Any, Any], Any]]] = {
    "call": (0, lambda f, x: f(x)),
    "vmap": (0, lambda f, x: jax.vmap(f)(jnp.stack([x, 2 * x, -x]))),
    "vmap over axis 1": (0, lambda f, x: jax.vmap(f, 1, 1)(jnp.stack([x, -x], axis=1))),
    "vmap of vmap": (0, lambda f, x: jax.vmap(jax.vmap(f))(jnp.stack([x, -x])[None])),
    "jvp": (1, lambda f, x: jax.jvp(f, (x,), (jnp.asarray(T),))[1]),
    "vjp": (1, lambda f, x: jax.vjp(f, x)[1](jnp.asarray([0.5, -2.0]))[0]),
    "linearize": (1, lambda f, x: jax.linearize(f, x)[1](jnp.asarray(T))),
    "jacfwd": (1, lambda f, x: jax.jacfwd(f)(x)),
    "jacrev": (1, lambda f, x: jax.jacrev(f)(x)),
    "vmap of jacrev": (1, lambda f, x: jax.vmap(jax.jacrev(f))(jnp.stack([x, -x]))),
    "jacrev of vmap": (1, lambda f, x: jax.jacrev(jax.vmap(f))(jnp.stack([x, -x]))),
    "jacfwd of jacrev": (2, lambda f, x: jax.jacfwd(jax.jacrev(f))(x)),
    "jacrev of jacfwd": (2, lambda f, x: jax.jacrev(jax.jacfwd(f))(x)),
    "jvp of jvp": (2, lambda f, x: _along(_along(f))(x)),
    "vmap of hessian": (2, lambda f, x: jax.vmap(jax.hessian(f))(jnp.stack([x, -x]))),
    "jacfwd three times": (3, lambda f, x: jax.jacfwd(jax.jacfwd(jax.jacfwd(f)))(x)),
    "jacrev three times": (3, lambda f, x: jax.jacrev(jax.jacrev(jax.jacrev(f)))(x)),
    "jacfwd of hessian": (3, lambda f, x: jax.jacfwd(jax.hessian(f))(x)),
}
#: One of each kind: a call, a batch, each mode, two orders.
BY_ALL = ("call", "vmap", "jvp", "vjp", "vmap of jacrev", "jacfwd of jacrev")


def _along(f: Any) -> Any:
    return lambda x: jax.jvp(f, (x,), (jnp.asarray(T),))[1]


def _loss(f: Any) -> Any:
    return lambda x: jnp.sum(f(jnp.sin(x)) ** 2) + jnp.sum(x**3)


@every_operator(VECTOR, BY_ALL)
def test_a_vector_valued_function(inner: Inner, order: int, op: Any) -> None:
    tolerance = inner.tolerance(order)
    with jax.enable_x64(True):
        x = jnp.asarray(X)
        close(op(inner.bridged(model), x), op(model, x), tolerance)


JITTED = [(name, "forwarddiff") for name, (order, _) in VECTOR.items() if order < 3]
JITTED += [(name, "torch") for name in BY_ALL]


@pytest.mark.parametrize(("name", "engine"), JITTED)
def test_under_jit(name: str, engine: str) -> None:
    """The trace and the compiled program: two points by one trace, whose callback stays in it."""
    order, op = VECTOR[name]
    inner = INNERS[engine]
    f = inner.bridged(model)
    run = jax.jit(lambda x: op(f, x))
    with jax.enable_x64(True):
        for x in (jnp.asarray(X), jnp.asarray(X[::-1].copy())):
            close(run(x), op(model, x), inner.tolerance(order))


@exact_inner
def test_between_functions_of_jax(inner: Inner) -> None:
    """The bridge is a middle step of a loss: JAX before it and after it."""
    bridged, native = _loss(inner.bridged(model)), _loss(model)
    with jax.enable_x64(True):
        x = jnp.asarray(X)
        close(jax.grad(bridged)(x), jax.grad(native)(x), 1e-11)
        close(jax.hessian(bridged)(x), jax.hessian(native)(x), 1e-10)
        batch = jnp.stack([x, -x])
        close(jax.vmap(jax.grad(bridged))(batch), jax.vmap(jax.grad(native))(batch), 1e-11)

        def total(f: Any) -> Any:
            return lambda batch: jnp.sum(jax.vmap(f)(batch) ** 2)

        close(jax.grad(total(bridged))(batch), jax.grad(total(native))(batch), 1e-11)


@pytest.mark.parametrize("engine", ["forwarddiff", "autograd"])
def test_control_flow(engine: str) -> None:
    f = INNERS[engine].bridged(lambda x: model(x)[0] * x)

    def native(x: Any) -> Any:
        return model(x)[0] * x

    def scanned(f: Any) -> Any:
        def step(x: Any, scale: Any) -> Any:
            x = x + 0.1 * scale * f(x)
            return x, jnp.sum(x)

        return lambda x: jnp.sum(jax.lax.scan(step, x, jnp.asarray([1.0, -2.0, 3.0]))[1] ** 2)

    def looped(f: Any) -> Any:
        return lambda x: jnp.sum(jax.lax.fori_loop(0, 3, lambda i, x: x + 0.1 * f(x), x))

    def chosen(f: Any) -> Any:
        return lambda x: jnp.sum(jax.lax.cond(x[0] > 0, f, lambda x: 2 * x, x))

    def rematerialised(f: Any) -> Any:
        return jax.checkpoint(lambda x: jnp.sum(f(f(x)) ** 2))

    with jax.enable_x64(True):
        x = jnp.asarray(X)
        for build in (scanned, looped, chosen, rematerialised):
            close(jax.grad(build(f))(x), jax.grad(build(native))(x), 1e-11)
            close(jax.jvp(build(f), (x,), (x,))[1], jax.jvp(build(native), (x,), (x,))[1], 1e-11)
        close(jax.hessian(scanned(f))(x), jax.hessian(scanned(native))(x), 1e-10)
        close(jax.jit(looped(f))(x), looped(native)(x))


def test_inside_rules_of_the_caller() -> None:
    """Around the bridge, a rule that the caller wrote for jvp, vjp or batches."""
    f = INNERS["forwarddiff"].bridged(model)

    @jax.custom_jvp
    def with_jvp(x: Any) -> Any:
        return f(x)

    with_jvp.defjvp(lambda x, t: (f(*x), 3 * jax.jvp(f, x, t)[1]))

    @jax.custom_vjp
    def with_vjp(x: Any) -> Any:
        return f(x)

    with_vjp.defvjp(lambda x: (f(x), x), lambda x, c: (3 * jax.vjp(f, x)[1](c)[0],))

    @jax.custom_batching.custom_vmap
    def with_vmap(x: Any) -> Any:
        return f(x)

    with_vmap.def_vmap(lambda size, batched, x: (3 * jax.vmap(f)(x), True))

    with jax.enable_x64(True):
        x = jnp.asarray(X)
        close(jax.jacrev(with_jvp)(x), 3 * jax.jacrev(model)(x))
        close(jax.jacfwd(with_jvp)(x), 3 * jax.jacrev(model)(x))
        close(jax.jacrev(with_vjp)(x), 3 * jax.jacrev(model)(x))
        close(jax.vmap(with_vmap)(x[None]), 3 * model(x)[None])


def test_outputs_are_jax_arrays_and_sizes_are_known_ahead() -> None:
    f = INNERS["forwarddiff"].bridged(model)
    with jax.enable_x64(True):
        assert isinstance(f(jnp.asarray(X)), jax.Array)
        shape = jax.eval_shape(f, jnp.asarray(X))
        assert (shape.shape, shape.dtype) == ((2,), np.float64)
        shape = jax.eval_shape(jax.hessian(f), jnp.asarray(X))
        assert shape.shape == (2, 3, 3)
