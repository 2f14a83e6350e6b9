"""Precision: 64 bits are scoped to the call, 32 stay 32, and nobody else notices."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from .cubic import CALLS, IDS, Row, T, W, X

jax = pytest.importorskip("jax")
jnp = pytest.importorskip("jax.numpy")


@pytest.fixture(autouse=True)
def _switch_untouched() -> Iterator[None]:
    """Each test starts in JAX's default, 32 bits, and must leave it so."""
    assert not jax.config.jax_enable_x64
    yield
    assert not jax.config.jax_enable_x64
    assert jnp.ones(2).dtype == jnp.float32


def wave(x: Any) -> Any:
    return jnp.sum(jnp.sin(x) * x)


def slope(x: Any) -> Any:
    return x * np.cos(x) + np.sin(x)


@pytest.mark.parametrize("jit", [True, False])
@pytest.mark.parametrize(("row", "way"), CALLS, ids=IDS)
def test_double_precision_for_a_numpy_caller(row: Row, way: str, jit: bool) -> None:
    got = row.ask(way, row.f(W), di.AutoJax(jit=jit), row.x, T)
    assert got.dtype == np.float64
    np.testing.assert_allclose(got, row.result(W, row.x), rtol=4e-15)


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize(("row", "way"), CALLS, ids=IDS)
def test_single_precision_stays(row: Row, way: str, wide: bool) -> None:
    x, w, t = (np.asarray(a, "float32") for a in (row.x, W, T))
    with jax.enable_x64(wide):
        got = row.ask(way, row.f(w), "jax", x, t)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, row.result(W, row.x), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize(("row", "way"), CALLS, ids=IDS)
def test_precision_of_a_jax_caller(row: Row, way: str, dtype: str) -> None:
    x, w, t = (jnp.asarray(a, dtype) for a in (row.x, W, T))
    got = row.ask(way, row.f(w), "jax", x, t)
    assert got.dtype == dtype
    # Few significant bits each: exact in every format.
    np.testing.assert_array_equal(np.asarray(got, "float64"), row.result(W, row.x))


def test_python_numbers_are_double() -> None:
    assert float(di.derivative(jnp.sin, "jax", 0.5)) == np.cos(0.5)
    prep = di.prepare_second_derivative(jnp.sin, "jax", 0.0)
    np.testing.assert_allclose(prep(0.5), -np.sin(0.5), rtol=1e-15)


def test_weakly_typed_arrays() -> None:
    weak, strong = jnp.asarray(2.0), jnp.asarray(np.float32(2.0))
    assert weak.weak_type
    assert not strong.weak_type
    for name, want in (("derivative", 12.0), ("gradient", 12.0), ("second_derivative", 12.0)):
        prep = getattr(di, f"prepare_{name}")(lambda x: x**3, "jax", weak)
        for x in (weak, strong):
            got = prep(x)
            assert got.dtype == jnp.float32
            assert float(got) == want


def test_f_sees_double_precision_and_its_defaults() -> None:
    seen = []

    def f(x: Any) -> Any:
        seen.extend([x.dtype, jnp.zeros(3).dtype, (x * 0.1).dtype])
        return jnp.sum(x + jnp.zeros(3))

    di.gradient(f, "jax", X)
    di.prepare_gradient(f, "jax", X)(X)
    assert set(seen) == {np.dtype("float64")}


def test_wide_contexts_do_not_widen_a_narrow_x() -> None:
    c = np.array([1.0, 2.0, 3.0])
    value, got = di.value_and_gradient(
        lambda x, c: jnp.sum(c * x**2), "jax", X.astype("float32"), c
    )
    assert (value.dtype, got.dtype) == (np.float32, np.float32)
    np.testing.assert_allclose(got, 2 * c * X, rtol=1e-6)


def test_leaves_of_two_precisions_keep_theirs() -> None:
    x = {"single": X.astype("float32"), "double": X}
    for got in (
        di.gradient(lambda p: jnp.sum(p["single"] * p["double"] ** 2), "jax", x),
        di.prepare_gradient(lambda p: jnp.sum(p["single"] * p["double"] ** 2), "jax", x)(x),
    ):
        assert (got["single"].dtype, got["double"].dtype) == (np.float32, np.float64)
        np.testing.assert_allclose(got["double"], 2 * X * X, rtol=1e-15)
        np.testing.assert_allclose(got["single"], X**2, rtol=1e-6)


@pytest.mark.parametrize("before", [True, False])
def test_switched_between_preparation_and_call(before: bool) -> None:
    for dtype, tolerance in (("float64", 1e-15), ("float32", 1e-6)):
        x = X.astype(dtype)
        with jax.enable_x64(before):
            prep = di.prepare_gradient(wave, "jax", x)
            first = prep(x)
        with jax.enable_x64(not before):
            second, (_, third) = prep(x), prep.value_and(x)
        for got in (first, second, third):
            assert got.dtype == dtype
            np.testing.assert_allclose(got, slope(X), rtol=tolerance)


def test_double_arrays_of_jax_where_the_switch_is_off() -> None:
    with jax.enable_x64(True):
        x = jnp.asarray(X)
    for got in (di.gradient(wave, "jax", x), di.prepare_gradient(wave, "jax", x)(x)):
        assert got.dtype == np.float64
        np.testing.assert_allclose(np.asarray(got), slope(X), rtol=1e-15)
    hessian = np.asarray(di.hessian(wave, "jax", x))
    np.testing.assert_allclose(hessian, np.diag(2 * np.cos(X) - X * np.sin(X)), rtol=1e-14)


def test_seeds_take_the_precision_of_x() -> None:
    for x, t in ((X, T.astype("float32")), (X.astype("float32"), T)):
        got = di.pushforward(jnp.sin, "jax", x, t)
        assert got.dtype == x.dtype
        np.testing.assert_allclose(got, np.cos(X) * T, rtol=1e-6)
    got = di.pullback(jnp.sin, "jax", jnp.asarray(X), T)
    assert got.dtype == jnp.float32


def test_an_error_in_f_leaves_the_switch_alone() -> None:
    def f(x: Any) -> Any:
        raise KeyError(x.dtype.name)

    for prepared in (False, True):
        with pytest.raises(KeyError, match="float64"):
            di.prepare_gradient(f, "jax", X)(X) if prepared else di.gradient(f, "jax", X)
        assert not jax.config.jax_enable_x64


def test_byte_order_of_the_caller() -> None:
    """Data read from a file may be in foreign byte order, which JAX itself refuses."""
    swapped = X.astype(X.dtype.newbyteorder())
    np.testing.assert_allclose(di.gradient(wave, "jax", swapped), slope(X), rtol=1e-15)
    prep = di.prepare_gradient(wave, "jax", X)
    np.testing.assert_allclose(prep(swapped), slope(X), rtol=1e-15)


def test_threads_of_two_precisions() -> None:
    """The scope belongs to a thread: the others go on in 32 bits meanwhile."""
    double, single = (
        di.prepare_gradient(wave, "jax", X),
        di.prepare_gradient(wave, "jax", X.astype("float32")),
    )
    barrier = Barrier(8)

    def work(number: int) -> None:
        rng = np.random.default_rng(number)
        barrier.wait()
        for _ in range(40):
            x = rng.normal(size=3)
            if number % 2:
                got = double(x)
                assert got.dtype == np.float64
                np.testing.assert_allclose(got, slope(x), rtol=1e-13, atol=1e-15)
            else:
                assert single(x.astype("float32")).dtype == np.float32
                assert jnp.ones(2).dtype == jnp.float32
            assert not jax.config.jax_enable_x64

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
    finally:
        sys.setswitchinterval(before)
