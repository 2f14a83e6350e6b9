"""JAX's own transforms around calls of ours, and what a compiled call watches."""

import numpy as np
import pytest

import diffinterface as di

jax = pytest.importorskip("jax")
import jax.numpy as jnp  # noqa: E402

ENGINES = ["jax", "forwarddiff", "finitediff", "complexstep", "torch", "autograd"]
X = np.array([1.0, 2.0])
T = 0.1  # a global of the name of an attribute


@pytest.fixture(params=ENGINES)
def engine(request):
    if not di.check_available(request.param):
        pytest.skip(f"{request.param} is not installed")
    return request.param


@pytest.fixture(autouse=True)
def _wide():
    with jax.enable_x64(True):
        yield


def cubes(x):
    return di.array_namespace(x).sum(x**3)


def test_a_global_of_the_name_of_an_attribute_is_not_watched():
    global T
    prepared = di.prepare_gradient(lambda x: jnp.sum(x.T @ x), "jax", X)
    T = 0.2
    np.testing.assert_allclose(prepared(X), 2 * X)


def test_a_custom_rule_of_forward_mode_is_transposed_or_refused(engine):
    """A pushforward is linear in its tangent, so reverse mode may come through it."""

    @jax.custom_jvp
    def f(x):
        return cubes(x)

    @f.defjvp
    def _(primals, tangents):
        return cubes(*primals), di.pushforward(cubes, engine, primals[0], tangents[0])

    x = jnp.asarray(X)
    np.testing.assert_allclose(jax.jvp(f, (x,), (x,))[1], 27.0, rtol=1e-5)
    try:
        slope = jax.grad(f)(x)
    except (di.NestedDifferentiationError, NotImplementedError, AssertionError):
        return  # JAX refuses what it cannot transpose
    np.testing.assert_allclose(slope, [3.0, 12.0], rtol=1e-5)


def test_a_custom_rule_of_reverse_mode(engine):
    @jax.custom_vjp
    def f(x):
        return cubes(x)

    f.defvjp(lambda x: (cubes(x), x), lambda x, c: (c * di.gradient(cubes, engine, x),))
    x = jnp.asarray(X)
    np.testing.assert_allclose(jax.jit(jax.grad(f))(x), [3.0, 12.0], rtol=1e-5)
    np.testing.assert_allclose(jax.jacrev(jax.grad(f))(x), np.diag([6.0, 12.0]), atol=1e-4)


@pytest.mark.parametrize("loop", ["scan", "while", "cond", "checkpoint"])
def test_control_flow_around(engine, loop):
    def gradient(x):
        return di.gradient(cubes, engine, x)

    x = jnp.asarray(X)
    if loop == "scan":
        found = jax.jit(lambda x: jax.lax.scan(lambda c, _: (gradient(c), None), x, None, 1)[0])(x)
    elif loop == "while":
        start = (x, 0)
        body = lambda s: (gradient(s[0]), s[1] + 1)  # noqa: E731
        found = jax.lax.while_loop(lambda s: s[1] < 1, body, start)[0]
    elif loop == "cond":
        found = jax.jit(lambda x: jax.lax.cond(x[0] > 0, gradient, lambda x: x, x))(x)
    else:
        loss = jax.checkpoint(lambda x: jnp.sum(gradient(x) ** 2))
        found = jax.grad(loss)(x) / (12 * x)  # 36 x^3
    np.testing.assert_allclose(found, [3.0, 12.0], rtol=1e-4)


def test_a_plan_is_used_under_any_transform(engine):
    prepared, x = di.prepare_gradient(cubes, engine, jnp.asarray(X)), jnp.asarray(X)
    around = jax.jit(jax.grad(lambda x: jnp.sum(prepared(x) ** 2)))(x)
    np.testing.assert_allclose(around, [36.0, 288.0], rtol=1e-4)
    batch = jnp.stack([x, 2 * x])
    np.testing.assert_allclose(jax.vmap(prepared)(batch), 3 * batch**2, rtol=1e-5)
    np.testing.assert_allclose(prepared(x), [3.0, 12.0], rtol=1e-5)
