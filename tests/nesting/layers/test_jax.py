"""JAX: plain layers under its own transforms, Equinox modules, and Flax NNX where it is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import diffinterface as di

jax = pytest.importorskip("jax")
jnp = jax.numpy

X = np.random.default_rng(1).normal(size=(4, 2)).astype("float32")
W = np.random.default_rng(2).normal(size=(2, 3)).astype("float32")


def normalised(params: Any, state: Any, x: Any) -> Any:
    y = x @ params
    mean = jnp.mean(y, axis=0)
    return jnp.tanh(y - mean), {"mean": 0.9 * state["mean"] + 0.1 * mean}


def reference(w: Any, x: Any) -> Any:
    y = x @ w
    return jnp.tanh(y - jnp.mean(y, axis=0))


def means(calls: int) -> Any:
    mean = np.zeros(3)
    for _ in range(calls):
        mean = 0.9 * mean + 0.1 * (X.astype(float) @ W.astype(float)).mean(axis=0)
    return mean


def loss(w: Any, state: Any) -> Any:
    """As one writes it in JAX: the layer is made inside, and its state returned."""
    layer = di.StatefulLayer(normalised, w, state)
    value = jnp.sum(layer(X) ** 2) + jnp.sum(di.jacobian(layer, "jax", jnp.asarray(X)) ** 2)
    return value, layer.state


@pytest.mark.parametrize("jit", [False, True])
def test_a_loss_with_a_jacobian(jit: bool) -> None:
    def by_hand(w: Any) -> Any:
        J = jax.jacrev(reference, argnums=1)(w, X)
        return jnp.sum(reference(w, X) ** 2) + jnp.sum(J**2)

    gradient = jax.value_and_grad(loss, has_aux=True)
    (value, state), got = (jax.jit(gradient) if jit else gradient)(W, {"mean": jnp.zeros(3)})
    assert_allclose(value, by_hand(W), rtol=1e-5)
    assert_allclose(got, jax.grad(by_hand)(W), rtol=1e-4, atol=1e-4)
    assert_allclose(state["mean"], means(2), rtol=1e-5)


@pytest.mark.parametrize("mode", ["auto", "forward", "reverse"])
def test_a_layer_outside_the_transform(mode: Any) -> None:
    """Without jit its state comes out finished, whatever differentiates."""
    layer = di.StatefulLayer(normalised, jnp.asarray(W), {"mean": jnp.zeros(3)})
    x = jnp.asarray(X)
    di.jacobian(layer, di.AutoJax(mode=mode), x)
    jax.grad(lambda w: jnp.sum(layer.with_params(w)(x) ** 2))(jnp.asarray(W))
    jax.jvp(jax.grad(lambda x: jnp.sum(layer(x) ** 2)), (x,), (x,))
    di.hessian(lambda x: jnp.sum(layer(x) ** 2), di.AutoJax(mode=mode), x)
    assert not isinstance(layer.state["mean"], jax.core.Tracer)
    assert_allclose(layer.state["mean"], means(4), rtol=1e-5)


def test_numpy_in_double_precision() -> None:
    layer = di.StatefulLayer(normalised, W.astype(float), {"mean": np.zeros(3)})
    got = di.jacobian(layer, "jax", X.astype(float))
    assert got.dtype == layer.state["mean"].dtype == np.float64
    assert_allclose(layer.state["mean"], means(1), rtol=1e-12)


def test_compiled_plans_refuse_a_state() -> None:
    layer = di.StatefulLayer(normalised, jnp.asarray(W), {"mean": jnp.zeros(3)})
    with pytest.raises(di.UnsupportedOperatorError, match=r"layer\.pure"):
        di.prepare_jacobian(layer, "jax", jnp.asarray(X))


def test_what_the_refusal_says_to_write() -> None:
    layer = di.StatefulLayer(normalised, jnp.asarray(W), {"mean": jnp.zeros(3)})
    x, state = jnp.asarray(X), layer.state
    prepared = di.prepare_jacobian(
        layer.pure, "jax", x, layer.params, state, argnums=2, has_aux=True
    )
    expected = jax.jacfwd(reference, argnums=1)(W, X)
    for k in (1, 2):
        got, state = prepared(x, layer.params, state)
        assert_allclose(got, expected, atol=1e-6)
        assert_allclose(state["mean"], means(k), rtol=1e-5)


def test_equinox_without_state() -> None:
    equinox = pytest.importorskip("equinox")
    net = equinox.nn.MLP(2, 3, 4, 1, key=jax.random.key(0))
    layer, x = di.StatefulLayer(net), jnp.asarray(X[0])
    expected = jax.jacfwd(net)(x)
    assert_allclose(di.jacobian(layer, "jax", x), expected, atol=1e-6)
    assert_allclose(di.prepare_jacobian(layer, "jax", x)(x), expected, atol=1e-6)
    got = di.gradient(lambda p: jnp.sum(layer.with_input(x)(p) ** 2), "jax", layer.params)
    wanted = equinox.filter_grad(lambda net: jnp.sum(net(x) ** 2))(net)
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(wanted), strict=True):
        assert_allclose(a, b, atol=1e-6)


def equinox_network() -> Any:
    """An Equinox module with a running mean, and its state."""
    equinox = pytest.importorskip("equinox")

    class Normalised(equinox.Module):  # type: ignore[misc]
        w: Any
        mean: Any

        def __init__(self) -> None:
            self.w = jnp.asarray(W)
            self.mean = equinox.nn.StateIndex(jnp.zeros(3))

        def __call__(self, x: Any, state: Any) -> Any:
            y, new = normalised(self.w, {"mean": state.get(self.mean)}, x)
            return y, state.set(self.mean, new["mean"])

    return equinox.nn.make_with_state(Normalised)()


def test_equinox_with_state() -> None:
    net, state = equinox_network()
    layer, x = di.StatefulLayer(net, state=state), jnp.asarray(X)
    got = di.jacobian(layer, "jax", x)
    assert_allclose(got, jax.jacfwd(reference, argnums=1)(W, X), atol=1e-6)
    assert_allclose(layer.state.get(net.mean), means(1), rtol=1e-5)
    by_w = di.jacobian(layer.with_input(x), "jax", layer.params).w
    assert_allclose(by_w, jax.jacfwd(reference)(W, X), atol=1e-6)
    assert_allclose(layer.state.get(net.mean), means(2), rtol=1e-5)


def test_equinox_in_a_jitted_loss() -> None:
    net, state = equinox_network()

    def total(params: Any, state: Any) -> Any:
        layer = di.StatefulLayer(net, state=state).with_params(params)
        slope = di.jacobian(layer, "jax", jnp.asarray(X))
        return jnp.sum(layer(X) ** 2) + jnp.sum(slope**2), layer.state

    params = di.StatefulLayer(net, state=state).params
    (_, after), got = jax.jit(jax.value_and_grad(total, has_aux=True))(params, state)
    assert_allclose(got.w, jax.grad(lambda w: loss(w, {"mean": 0.0})[0])(W), rtol=1e-4, atol=1e-4)
    assert_allclose(after.get(net.mean), means(2), rtol=1e-5)


def nnx_network() -> Any:
    nnx = pytest.importorskip("flax.nnx")

    class Normalised(nnx.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            self.w = nnx.Param(jnp.asarray(W))
            self.mean = nnx.BatchStat(jnp.zeros(3))

        def __call__(self, x: Any) -> Any:
            y, new = normalised(self.w[...], {"mean": self.mean[...]}, x)
            self.mean[...] = new["mean"]
            return y

    return Normalised()


def test_nnx() -> None:
    net = nnx_network()
    layer, x = di.StatefulLayer(net), jnp.asarray(X)
    layer(x)
    assert_allclose(net.mean[...], means(1), rtol=1e-5)
    got = di.jacobian(layer, "jax", x)
    assert_allclose(got, jax.jacfwd(reference, argnums=1)(W, X), atol=1e-6)
    assert_allclose(net.mean[...], means(2), rtol=1e-5)
    by_w = jax.grad(lambda p: jnp.sum(di.jacobian(layer.with_params(p), "jax", x) ** 2))(
        layer.params
    )
    expected = jax.grad(lambda w: jnp.sum(jax.jacfwd(reference, argnums=1)(w, X) ** 2))(W)
    assert_allclose(by_w["w"][...], expected, rtol=1e-4, atol=1e-4)
    assert_allclose(net.mean[...], means(3), rtol=1e-5)
    with pytest.raises(di.UnsupportedOperatorError, match=r"layer\.pure"):
        di.prepare_jacobian(layer, "jax", x)


def test_nnx_sees_updates() -> None:
    net = nnx_network()
    layer, x = di.StatefulLayer(net), jnp.asarray(X)
    net.w[...] = 2 * net.w[...]
    got = di.jacobian(layer, "jax", x)
    assert_allclose(got, jax.jacfwd(reference, argnums=1)(2 * W, X), atol=1e-6)


def test_a_layer_inside_a_recorded_gradient_advances_once() -> None:
    autograd = pytest.importorskip("autograd")
    w, x = W.astype(float), X.astype(float)
    layer = di.StatefulLayer(normalised, jnp.asarray(w), {"mean": jnp.zeros(3)})

    def loss(x: Any) -> Any:
        slope = di.gradient(lambda x: jnp.sum(layer(x) ** 2), "jax", x)
        return autograd.numpy.sum(slope**2)

    hvp = di.hvp(lambda x: jnp.sum(reference(jnp.asarray(w), x) ** 2), "jax", x, 2 * _slope(w, x))
    for calls in (1, 2):
        assert_allclose(di.gradient(loss, "autograd", x), hvp, atol=1e-10)
        assert_allclose(layer.state["mean"], means(calls), atol=1e-6)


def _slope(w: Any, x: Any) -> Any:
    return di.gradient(lambda x: jnp.sum(reference(w, x) ** 2), "jax", x)
