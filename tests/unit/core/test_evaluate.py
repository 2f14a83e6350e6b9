"""`evaluate`: f's value on its engine, in the caller's arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di

from ...backends import BACKENDS

X = np.array([1.0, 2.0, 3.0])


def total(x: Any, weights: Any = 1.0) -> Any:
    return di.array_namespace(x).sum(weights * x**2)


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda entry: entry.id)
def test_the_value_that_operators_give(backend: Any) -> None:
    adtype = backend.adtype
    for x, contexts in ((X, ()), (X, (X,)), (X.astype("float32"), ()), (2.0, (di.Constant(3.0),))):
        got = di.evaluate(total, adtype, x, *contexts)
        expected = di.value_and_gradient(total, adtype, x, *contexts)[0]
        assert type(got) is type(expected)
        np.testing.assert_allclose(got, expected, rtol=1e-6)
        assert got.dtype == expected.dtype


@pytest.mark.parametrize("engine", ["forwarddiff", "finitediff", "jax", "torch"])
def test_trees_parameters_and_caches(engine: str) -> None:
    if engine not in ("forwarddiff", "finitediff"):
        pytest.importorskip(engine)
    got = di.evaluate(lambda p: {"a": 2 * p["w"]}, engine, {"w": X})
    np.testing.assert_array_equal(got["a"], 2 * X)
    assert type(got["a"]) is np.ndarray
    np.testing.assert_array_equal(
        di.evaluate(lambda a, b: a - b, engine, (X, 2 * X), argnums=(1, 0)), X
    )
    buffer = np.ones(3)
    got = di.evaluate(lambda x, c: x + c, engine, X, di.Cache(buffer))
    np.testing.assert_array_equal(got, X + 1)


def test_the_result_is_the_callers_to_write() -> None:
    got = di.evaluate(lambda x: x, "forwarddiff", X)
    got[0] = 7.0
    assert X[0] == 1.0


def test_functions_of_another_framework() -> None:
    torch, jax = pytest.importorskip("torch"), pytest.importorskip("jax")
    f = lambda x: torch.sum(torch.square(x))  # noqa: E731
    assert type(di.evaluate(f, "torch", X)) is np.float64
    assert di.evaluate(f, "torch", X) == 14.0
    got = di.evaluate(f, "torch", jax.numpy.asarray([1.0, 2.0]))
    assert isinstance(got, jax.Array)
    assert got == 5.0
    assert di.evaluate(lambda x: jax.numpy.sum(x) / 3, "jax", X).dtype == "float64"


@pytest.mark.parametrize("inner", ["forwarddiff", "finitediff", "jax", "torch", "autograd"])
@pytest.mark.parametrize("outer", ["forwarddiff", "jax", "torch"])
def test_inside_a_derivative(outer: str, inner: str) -> None:
    for engine in (outer, inner):
        if engine not in ("forwarddiff", "finitediff"):
            pytest.importorskip(engine)
    got = di.gradient(lambda x: di.evaluate(total, inner, x) * x[0], outer, X)
    np.testing.assert_allclose(got, 2 * X * X[0] + [14.0, 0.0, 0.0], rtol=1e-6)


def test_what_is_refused() -> None:
    with pytest.raises(di.InputError, match="dtype int64"):
        di.evaluate(total, "forwarddiff", np.arange(3))
    with pytest.raises(di.InputError, match="f must be callable"):
        di.evaluate(3, "forwarddiff", X)  # type: ignore[arg-type]
    with pytest.raises(di.OutputError, match="is a `return` missing"):
        di.evaluate(lambda x: None, "forwarddiff", X)
    with pytest.raises(di.UnsupportedOperatorError, match="does not differentiate"):
        di.evaluate(total, di.NoAutoDiff(), X)
