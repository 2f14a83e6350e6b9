"""How often f is traced: once for each kind of arguments, and not at all afterwards."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from .cubic import ROWS, Row, T, W, X

jax = pytest.importorskip("jax")
jnp = pytest.importorskip("jax.numpy")


class Counted:
    """A function, and how often Python ran it."""

    def __init__(self, f: Callable[..., Any]) -> None:
        self._f = f
        self.runs = 0

    def __call__(self, *args: Any) -> Any:
        self.runs += 1
        return self._f(*args)


def close(got: Any, want: Any) -> None:
    np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_prepared_calls_trace_once(row: Row) -> None:
    f, seeds = Counted(row.f(W)), (T,) if row.seeded else ()
    prep = getattr(di, f"prepare_{row.name}")(f, "jax", row.x, *seeds)
    close(prep(row.x, *seeds), row.result(W, row.x))
    first = f.runs
    # A trace, where the mode depends on shapes a look at them, and whether samples mix.
    assert first <= 2 + (row.name == "batched_jacobian")
    for scale in (2.0, -3.0, 0.5):
        close(prep(scale * row.x, *seeds), row.result(W, scale * row.x))
    assert f.runs == first
    prep.value_and(row.x, *seeds)
    second = f.runs
    assert second <= first + 1
    for scale in (2.0, -3.0):
        close(prep.value_and(scale * row.x, *seeds)[-1], row.result(W, scale * row.x))
    assert f.runs == second


@pytest.mark.parametrize("row", [row for row in ROWS if row.seeded], ids=lambda row: row.name)
def test_one_linearisation_for_many_seeds(row: Row) -> None:
    f = Counted(row.f(W))
    prep = getattr(di, f"prepare_{row.name}_same_point")(f, "jax", row.x, T)
    first = f.runs
    for scale in (1.0, 2.0, -3.0):
        close(prep(scale * T), scale * row.result(W, row.x))
    assert f.runs == first == 1


def test_memory_layout_is_not_a_kind() -> None:
    f = Counted(lambda x: jnp.sum(x**3))
    prep = di.prepare_gradient(f, "jax", np.zeros((3, 2)))
    x = np.arange(6.0).reshape(3, 2)
    frozen = x.copy()
    frozen.flags.writeable = False
    for same in (x, np.asfortranarray(x), np.repeat(x, 2, axis=0)[::2], x[::-1][::-1], frozen):
        close(prep(same), 3 * x**2)
    assert f.runs == 1


CONTEXTS = {
    "numbers": (2.0, 3.0),
    "negative": (2.0, -3.0),
    "arrays": (np.array([1.0, 2.0, 3.0]), np.array([-1.0, 0.0, 1.0])),
    "scalars": (np.float64(2.0), np.float64(3.0)),
    "constants": (di.Constant(2.0), di.Constant(3.0)),
}


@pytest.mark.parametrize("name", CONTEXTS)
def test_new_values_of_contexts_do_not_recompile(name: str) -> None:
    f = Counted(lambda x, c: jnp.sum(c * x**2))
    before, after = CONTEXTS[name]
    prep = di.prepare_gradient(f, "jax", X, before)
    for context in (before, after, before):
        plain = getattr(context, "value", context)
        close(prep(X, context), 2 * plain * X)
    assert f.runs == 1


def test_trees_and_text_in_contexts() -> None:
    f = Counted(lambda x, p: jnp.sum(p["w"][0] * x**2) * len(p["name"]))
    prep = di.prepare_gradient(f, "jax", X, {"w": (2.0,), "name": "abc"}, on_mismatch="reprepare")
    for weight in (2.0, 5.0):
        close(prep(X, {"w": (weight,), "name": "abc"}), 6 * weight * X)
    assert f.runs == 1
    # Text is part of the program: another one is another program.
    close(prep(X, {"w": (2.0,), "name": "ab"}), 8 * X)
    assert f.runs == 2


def test_each_static_value_is_compiled_once() -> None:
    f = Counted(lambda x, n: jnp.sum(x**n))
    prep = di.prepare_gradient(f, "jax", X, di.Static(2), on_mismatch="reprepare")
    for power in (2, 3, 2, 3, 2, 3):
        close(prep(X, di.Static(power)), power * X ** (power - 1))
    assert f.runs == 2
    with pytest.raises(di.PreparationMismatchError, match="Static 2"):
        di.prepare_gradient(f, "jax", X, di.Static(2))(X, di.Static(3))


def test_each_shape_is_compiled_once() -> None:
    f = Counted(lambda x: jnp.sum(x**3))
    prep = di.prepare_gradient(f, "jax", X, on_mismatch="reprepare")
    for x in (X, X[:2], X, X[:2], X.astype("f4"), X, X.astype("f4")):
        close(prep(x), 3 * x**2)
    assert f.runs == 3


def test_new_random_keys_do_not_recompile() -> None:
    f = Counted(lambda x, key: jnp.sum(x * jax.random.normal(key, x.shape, x.dtype)))
    for make in (jax.random.key, jax.random.PRNGKey):
        f.runs = 0
        prep = di.prepare_gradient(f, "jax", jnp.ones(3), make(0))
        for seed in (0, 1, 2):
            want = jax.random.normal(make(seed), (3,), "float32")
            np.testing.assert_array_equal(prep(jnp.ones(3), make(seed)), want)
        assert f.runs == 1


def test_eager_runs_f_every_time() -> None:
    """So f may branch on values, and read what changes."""
    f = Counted(lambda x: jnp.sum(x**2) if x[0] > 0 else 5 * jnp.sum(x**2))
    prep = di.prepare_gradient(f, di.AutoJax(jit=False), X)
    for x in (X, -X, X):
        close(prep(x), 2 * x if x[0] > 0 else 10 * x)
    assert f.runs == 3
    # A call without preparation is not compiled either.
    close(di.gradient(f, "jax", -X), -10 * X)


def test_a_branch_on_values_cannot_be_compiled() -> None:
    with pytest.raises(jax.errors.TracerBoolConversionError):
        di.prepare_gradient(lambda x: x if x > 0 else -x, "jax", 1.0)


def test_threads_that_compile_at_once() -> None:
    """The first calls of a new prepared object come from all threads together."""
    prep = di.prepare_gradient(
        lambda x: (jnp.sum(x**3), {"double": 2 * x, "name": "kept"}), "jax", X, has_aux=True
    )
    barrier = Barrier(8)

    def work(number: int) -> None:
        x = X * (number + 1)
        barrier.wait()
        value, slope, aux = prep.value_and(x)
        close(value, np.sum(x**3))
        close(slope, 3 * x**2)
        close(aux["double"], 2 * x)
        assert aux["name"] == "kept"

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
