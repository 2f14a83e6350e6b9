"""Whose memory is it? The caller may overwrite what it passed, and what it got, at once.

JAX computes asynchronously, and reads NumPy buffers where they lie: a result still being computed
sees what the caller wrote there meanwhile.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di

from .cubic import ROWS, Row, T, W

jax = pytest.importorskip("jax")
jnp = pytest.importorskip("jax.numpy")

JITS = pytest.mark.parametrize("jit", [True, False], ids=["jit", "eager"])
LARGE, ROUNDS = 300_000, 10


def aligned(values: Any, dtype: str = "float32") -> np.ndarray:
    """A NumPy array at an address that JAX reads without a copy."""
    values = np.asarray(values, dtype)
    raw = np.zeros(values.nbytes + 64, np.uint8)
    start = -raw.ctypes.data % 64
    array = raw[start : start + values.nbytes].view(dtype).reshape(values.shape)
    array[...] = values
    return array


def wave(x: Any, *c: Any) -> Any:
    y = jnp.sin(x) * x
    return y * c[0] if c else y


@JITS
@pytest.mark.parametrize("name", ["pushforward", "pullback"])
def test_seeds_overwritten_at_once(name: str, jit: bool) -> None:
    """NumPy seeds beside a JAX x, whose results JAX may still be computing."""
    x, t = jnp.ones(LARGE, "float32"), aligned(np.ones(LARGE))
    prep = getattr(di, f"prepare_{name}")(wave, di.AutoJax(jit=jit), x, t)
    for _ in range(ROUNDS):
        t[:] = 1.0
        got = prep(x, t)
        t[:] = -5.0
        np.testing.assert_allclose(np.asarray(got), np.cos(1.0) + np.sin(1.0), rtol=1e-5)


@JITS
def test_seeds_of_one_linearisation_overwritten_at_once(jit: bool) -> None:
    x, t = jnp.ones(LARGE, "float32"), aligned(np.ones(LARGE))
    prep = di.prepare_pushforward_same_point(wave, di.AutoJax(jit=jit), x, t)
    for _ in range(ROUNDS):
        t[:] = 1.0
        got = prep(t)
        t[:] = -5.0
        np.testing.assert_allclose(np.asarray(got), np.cos(1.0) + np.sin(1.0), rtol=1e-5)


@JITS
def test_contexts_overwritten_at_once(jit: bool) -> None:
    x, c = jnp.ones(LARGE, "float32"), aligned(np.ones(LARGE))
    prep = di.prepare_gradient(lambda x, c: wave(x, c).sum(), di.AutoJax(jit=jit), x, c)
    for _ in range(ROUNDS):
        c[:] = 1.0
        got = prep(x, c)
        c[:] = -5.0
        np.testing.assert_allclose(np.asarray(got), np.cos(1.0) + np.sin(1.0), rtol=1e-5)


@JITS
def test_x_overwritten_at_once(jit: bool) -> None:
    x = aligned(np.ones(LARGE))
    prep = di.prepare_jacobian(
        lambda x: jnp.stack([wave(x).sum(), x.sum()]), di.AutoJax(jit=jit), x
    )
    for _ in range(ROUNDS):
        x[:] = 1.0
        got = prep(x)
        x[:] = -5.0
        np.testing.assert_allclose(got[0], np.cos(1.0) + np.sin(1.0), rtol=1e-5)


@JITS
@pytest.mark.parametrize("framework", ["numpy", "jax"])
@pytest.mark.parametrize("row", [row for row in ROWS if row.seeded], ids=lambda row: row.name)
def test_one_linearisation_owns_its_point(row: Row, framework: str, jit: bool) -> None:
    """Overwriting the point, the contexts and the first seed changes nothing afterwards."""
    own = jnp.array if framework == "jax" else aligned
    x, w, t = own(row.x, "float32"), aligned(W), aligned(T)
    prep = getattr(di, f"prepare_{row.name}_same_point")(
        lambda x, w: row.f(w)(x), di.AutoJax(jit=jit), x, t, w
    )
    for array in (w, t, *([x] if framework == "numpy" else [])):
        array[:] = 99.0
    for scale in (1.0, -2.0):
        want = scale * row.result(W, row.x)
        np.testing.assert_allclose(prep(scale * T.astype("float32")), want, rtol=1e-6)


@JITS
def test_one_linearisation_is_of_one_function(jit: bool) -> None:
    """A captured array overwritten before the first call: the old derivative, or an error."""
    w = aligned(W)
    x = np.ones(3, "float32")
    prep = di.prepare_pushforward_same_point(lambda x: w * x**2, di.AutoJax(jit=jit), x, x)
    w[:] = 9.0
    try:
        got = prep(x)
    except di.DiffInterfaceError:
        return
    np.testing.assert_allclose(got, 2 * W, rtol=1e-6)


@JITS
def test_results_share_no_memory(jit: bool) -> None:
    """f returns x itself, a context, or a view of x: what comes back is the caller's own."""
    functions = {
        "x": lambda x, c: x,
        "context": lambda x, c: c,
        "reshaped": lambda x, c: x.reshape(3, 1),
        "slice": lambda x, c: x[1:],
    }
    for name, f in functions.items():
        x, c = aligned(np.ones(3)), aligned(np.ones(3))
        t = aligned(np.ones(np.shape(f(x, c))))
        seeds = {"pushforward": aligned(np.ones(3)), "pullback": t}
        for operator, seed in seeds.items():
            ask = getattr(di, f"value_and_{operator}")
            value, result = ask(f, di.AutoJax(jit=jit), x, seed, c)
            prepared = getattr(di, f"prepare_{operator}")(f, di.AutoJax(jit=jit), x, seed, c)
            for part in (value, result, *prepared.value_and(x, seed, c)):
                assert part.flags.writeable, name
                part += 10.0
            assert all(np.all(a == 1.0) for a in (x, c, seed)), (name, operator)


@JITS
def test_results_of_two_calls_share_no_memory(jit: bool) -> None:
    """The gradient of a linear f is a constant of the program: it must not be handed out twice."""
    prep = di.prepare_gradient(lambda x: jnp.sum(2.0 * x), di.AutoJax(jit=jit), np.ones(3))
    first = prep(np.ones(3))
    first[:] = -1.0
    np.testing.assert_array_equal(prep(np.zeros(3)), 2 * np.ones(3))


@JITS
def test_aux_and_value_survive_the_caller(jit: bool) -> None:
    x = aligned(np.ones(3))
    prep = di.prepare_gradient(
        lambda x: (jnp.sum(x**2), {"x": x}), di.AutoJax(jit=jit), x, has_aux=True
    )
    value, slope, aux = prep.value_and(x)
    x[:] = 7.0
    assert value == 3.0
    np.testing.assert_array_equal(slope, 2 * np.ones(3))
    np.testing.assert_array_equal(aux["x"], np.ones(3))


def test_nothing_of_the_caller_is_donated() -> None:
    x, t, c = jnp.ones(3), jnp.ones(3), jnp.ones(3)
    prep = di.prepare_pushforward(wave, "jax", x, t, c)
    for _ in range(2):
        prep(x, t, c)
    assert not any(a.is_deleted() for a in (x, t, c))


def test_a_result_outlives_its_inputs() -> None:
    x = jnp.full(3, 2.0)
    got = di.prepare_gradient(lambda x: jnp.sum(x**2), "jax", x)(x)
    x.delete()  # as donation to a jitted function does
    np.testing.assert_array_equal(got, 4 * np.ones(3))


def test_a_cache_is_never_written() -> None:
    buffer = aligned(np.zeros(3), "float64")

    def f(x: Any, scratch: Any) -> Any:
        return jnp.sum(scratch.at[:].set(x**2))

    prep = di.prepare_gradient(f, "jax", np.ones(3), di.Cache(buffer))
    for scale in (1.0, 2.0):
        np.testing.assert_array_equal(prep(scale * np.ones(3), di.Cache(buffer)), 2 * scale)
    assert not buffer.any()
