"""Trees that JAX knows and optree does not, random keys, and what else may be a context."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import diffinterface as di

jax = pytest.importorskip("jax")
jnp = pytest.importorskip("jax.numpy")

X = np.array([0.5, 1.0, 2.0])
JITS = pytest.mark.parametrize("jit", [True, False], ids=["jit", "eager"])


@jax.tree_util.register_dataclass
@dataclass
class Line:
    """A dataclass registered with JAX."""

    slope: Any
    offset: Any

    def __call__(self, x: Any) -> Any:
        return self.slope * x + self.offset


Pair = namedtuple("Pair", "a b")


def ask(f: Any, jit: bool, x: Any, *contexts: Any) -> list[Any]:
    """The gradient without and with preparation."""
    backend = di.AutoJax(jit=jit)
    prep = di.prepare_gradient(f, backend, x, *contexts)
    return [
        di.gradient(f, backend, x, *contexts),
        prep(x, *contexts),
        prep.value_and(x, *contexts)[1],
    ]


@JITS
def test_registered_dataclass(jit: bool) -> None:
    for got in ask(lambda p: jnp.sum(p(X) ** 2), jit, Line(X, 2.0)):
        assert type(got) is Line
        np.testing.assert_allclose(got.slope, 2 * X * (X * X + 2))
        np.testing.assert_allclose(got.offset, 2 * np.sum(X * X + 2))
    # As a context, and as f itself.
    for got in ask(lambda x, line: jnp.sum(line(x) ** 2), jit, X, Line(3.0, 1.0)):
        np.testing.assert_allclose(got, 6 * (3 * X + 1))
    jacobian = di.jacobian(Line(3.0, 1.0), di.AutoJax(jit=jit), X)
    np.testing.assert_allclose(jacobian, 3 * np.eye(3))


def test_outputs_of_any_tree() -> None:
    got = di.jacobian(lambda x: Line(x**2, Pair(x[0], {"b": x[1:] ** 3})), "jax", X)
    assert type(got) is Line
    np.testing.assert_allclose(got.slope, np.diag(2 * X))
    np.testing.assert_allclose(got.offset.a, [1, 0, 0])
    np.testing.assert_allclose(got.offset.b["b"], np.diag(3 * X**2)[1:])


def test_jacobian_of_trees() -> None:
    got = di.jacobian(lambda p: {"y": p.slope * p.offset}, "jax", Line(X, 2.0))
    np.testing.assert_allclose(got["y"].slope, 2 * np.eye(3))
    np.testing.assert_allclose(got["y"].offset, X)
    got = di.hessian(lambda p: jnp.sum(p.slope**2) * p.offset, "jax", Line(X, 2.0))
    np.testing.assert_allclose(got.slope.slope, 4 * np.eye(3))
    np.testing.assert_allclose(got.slope.offset, 2 * X)
    np.testing.assert_allclose(got.offset.slope, 2 * X)
    assert got.offset.offset == 0


def test_partial_and_none() -> None:
    partial = jax.tree_util.Partial(lambda w, x: jnp.sum(w * x**2), jnp.asarray([1.0, 2.0, 3.0]))
    for got in ask(partial, True, jnp.asarray(X)):
        np.testing.assert_allclose(got, 2 * np.array([1, 2, 3]) * X)
    for got in ask(lambda x, p: p(x), True, jnp.asarray(X), partial):
        np.testing.assert_allclose(got, 2 * np.array([1, 2, 3]) * X)
    for got in ask(lambda p: jnp.sum(p["a"] ** 2), True, {"a": X, "none": None}):
        assert got["none"] is None
        np.testing.assert_allclose(got["a"], 2 * X)


OTHERS = {
    "jitted": (jnp.tanh, lambda x, c: jnp.sum(c(x)), 1 / np.cosh(X) ** 2),
    "own_jitted": (jax.jit(lambda x: x**2), lambda x, c: jnp.sum(c(x)), 2 * X),
    "dtype": (jnp.float32, lambda x, c: jnp.sum(x.astype(c) ** 2), 2 * X),
    "numpy_dtype": (np.dtype("float32"), lambda x, c: jnp.sum(x.astype(c) ** 2), 2 * X),
    "function": (np.shape, lambda x, c: jnp.sum(x**2) * c(x)[0], 6 * X),
    "device": (jax.devices("cpu")[0], lambda x, c: jnp.sum(x**2) * (c.platform == "cpu"), 2 * X),
    "precision": (jax.lax.Precision.HIGHEST, lambda x, c: jnp.dot(x, x, precision=c), 2 * X),
    "module": (jnp, lambda x, c: c.sum(x**2), 2 * X),
}


@JITS
@pytest.mark.parametrize("name", OTHERS)
def test_contexts_that_are_no_arrays(name: str, jit: bool) -> None:
    """Plain or Static, they are part of the program, whoever defined their class."""
    context, f, want = OTHERS[name]
    for wrapped in (context, di.Static(context)):
        for got in ask(f, jit, X, wrapped):
            np.testing.assert_allclose(got, want, rtol=1e-6)


def test_another_function_as_a_context_is_noticed() -> None:
    f = lambda x, act: jnp.sum(act(x))  # noqa: E731
    strict = di.prepare_gradient(f, "jax", X, jnp.sin)
    with pytest.raises(di.PreparationMismatchError):
        strict(X, jnp.cos)
    fresh = di.prepare_gradient(f, "jax", X, jnp.sin, on_mismatch="reprepare")
    np.testing.assert_allclose(fresh(X, jnp.cos), -np.sin(X), rtol=1e-14)
    np.testing.assert_allclose(fresh(X, jnp.sin), np.cos(X), rtol=1e-14)


# --- random keys ---------------------------------------------------------------------------------


@JITS
@pytest.mark.parametrize("make", ["key", "PRNGKey"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_random_keys_in_contexts(make: str, dtype: str, jit: bool) -> None:
    key = getattr(jax.random, make)(3)

    def f(x: Any, key: Any) -> Any:
        return jnp.sum(x * jax.random.normal(key, x.shape, x.dtype))

    with jax.enable_x64(dtype == "float64"):
        want = np.asarray(jax.random.normal(key, (3,), dtype))
    for x in (X.astype(dtype), *([jnp.asarray(X, dtype)] if dtype == "float32" else [])):
        for got in ask(f, jit, x, key):
            np.testing.assert_allclose(got, want, rtol=1e-6)
        for got in ask(lambda x, p: f(x, p["key"]), jit, x, {"key": key, "n": 3}):
            np.testing.assert_allclose(got, want, rtol=1e-6)


def test_a_key_is_no_point() -> None:
    with pytest.raises(di.InputError, match="cannot be differentiated"):
        di.gradient(lambda key: 1.0, "jax", jax.random.key(0))


# --- Equinox -------------------------------------------------------------------------------------


@pytest.fixture
def eqx() -> Any:
    return pytest.importorskip("equinox")


@JITS
def test_equinox_modules(eqx: Any, jit: bool) -> None:
    class Layer(eqx.Module):
        weight: Any
        name: str = eqx.field(static=True)

        def __call__(self, x: Any) -> Any:
            return jnp.tanh(self.weight @ x)

    weight = np.array([[0.5, -1.0, 0.25], [1.0, 0.5, -0.5]])
    layer, y = Layer(weight, "first"), np.tanh(weight @ X)
    for got in ask(lambda m, x: jnp.sum(m(x)), jit, layer, X):
        assert type(got) is Layer
        assert got.name == "first"
        np.testing.assert_allclose(got.weight, np.outer(1 - y**2, X), rtol=1e-14)
    for got in ask(lambda x, m: jnp.sum(m(x)), jit, X, layer):
        np.testing.assert_allclose(got, (1 - y**2) @ weight, rtol=1e-14)
    for got in ask(lambda x: jnp.sum(layer(x)), jit, X):
        np.testing.assert_allclose(got, (1 - y**2) @ weight, rtol=1e-14)


@JITS
def test_equinox_networks_with_activations(eqx: Any, jit: bool) -> None:
    """Activations are leaves that are no arrays: fine in a context, named where they stand in x."""
    network = eqx.nn.MLP(3, "scalar", 4, 1, activation=jnp.tanh, key=jax.random.key(0))
    first, last = network.layers
    hidden = np.tanh(np.asarray(first.weight) @ X + np.asarray(first.bias))
    want = (np.asarray(last.weight)[0] * (1 - hidden**2)) @ np.asarray(first.weight)
    # Not by X alone: once an inlined program has captured it in 64 bits, JAX converts it to these.
    x = jnp.asarray(X, "float32")
    for got in (*ask(lambda x, m: m(x), jit, x, network), *ask(network, jit, x)):
        np.testing.assert_allclose(got, want, rtol=1e-5)
    arrays, rest = eqx.partition(network, eqx.is_array)
    for got in ask(lambda a, s: eqx.combine(a, s)(x), jit, arrays, rest):
        assert eqx.tree_equal(eqx.filter(got, eqx.is_array), got)
        np.testing.assert_allclose(got.layers[1].weight[0], hidden, rtol=1e-5)
        np.testing.assert_allclose(got.layers[1].bias, 1.0)
    with pytest.raises(di.InputError, match="expected arrays"):
        di.gradient(lambda m: m(x), di.AutoJax(jit=jit), network)
