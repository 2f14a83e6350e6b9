"""A transform inside other derivatives: as the single call, whichever trace it was called in before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import diffinterface as di

from ...backends import ENGINES, skip_if_missing
from .functions import T, X


def quartic(x: Any) -> Any:
    return di.array_namespace(x).sum(x**4)


@pytest.mark.parametrize("inner", ENGINES)
@pytest.mark.parametrize("outer", ENGINES)
def test_inside_another_operator(outer: str, inner: str) -> None:
    skip_if_missing(outer)
    skip_if_missing(inner)
    g = di.gradient(quartic, inner)
    differences = "finitediff" in (outer, inner)
    rtol = 1e-5 if differences else 1e-11
    try:
        expected = di.jacobian(lambda x: di.gradient(quartic, inner, x), outer, X)
    except di.DiffInterfaceError as error:
        with pytest.raises(type(error)):
            di.jacobian(g, outer)(X)
        return
    assert_allclose(expected, np.diag(12 * X**2), rtol=rtol, atol=rtol)
    h = di.jacobian(g, outer)
    for x in (X, T, X):
        for _ in range(2):
            assert_allclose(h(x), np.diag(12 * x**2), rtol=rtol, atol=rtol * 100)
            assert_allclose(g(x), 4 * x**3, rtol=1e-7)
            assert type(g(x)) is np.ndarray


@pytest.mark.parametrize(
    "engine", [name for name in ENGINES if name not in ("complexstep", "finitediff")]
)
def test_three_deep(engine: str) -> None:
    skip_if_missing(engine)
    d1 = di.derivative(lambda x: x**4, engine)
    d2 = di.derivative(d1, engine)
    d3 = di.derivative(d2, engine)
    for order in (d1, d2, d3), (d3, d1, d2), (d2, d3, d3):
        for d in order:
            power = [d1, d2, d3].index(d)
            for x in (1.5, 2.5):
                got = d(x)
                assert isinstance(got, float)
                assert_allclose(got, [4 * x**3, 12 * x**2, 24 * x][power], rtol=1e-12)


def test_a_prepared_object_three_deep() -> None:
    d = di.prepare_derivative(lambda x: x**4, "forwarddiff", 1.0, on_mismatch="reprepare")
    d1 = di.prepare_derivative(d, "forwarddiff", 1.0, on_mismatch="reprepare")
    d1(1.0)
    for _ in range(2):
        got = di.derivative(d1, "forwarddiff", 2.0)
        assert isinstance(got, float)
        assert got == 48.0


@pytest.mark.parametrize("inner", ENGINES)
def test_inside_jax_itself(inner: str) -> None:
    jax = pytest.importorskip("jax")
    skip_if_missing(inner)
    g = di.gradient(quartic, inner)
    rtol = 1e-2 if inner == "finitediff" else 1e-5
    for _ in range(2):  # each a trace of its own
        for x in (X, np.array([1.0, 2.0, 3.0])):
            x = jax.numpy.asarray(x)
            assert_allclose(jax.jit(lambda v: g(v))(x), 4 * x**3, rtol=rtol)
            assert_allclose(jax.grad(lambda v: g(v).sum())(x), 12 * x**2, rtol=rtol)
            assert_allclose(g(x), 4 * x**3, rtol=rtol)
    with jax.check_tracer_leaks():
        jax.jit(di.gradient(quartic, inner))(x)


@pytest.mark.parametrize("inner", ENGINES)
def test_inside_torch_itself(inner: str) -> None:
    torch = pytest.importorskip("torch")
    skip_if_missing(inner)
    g = di.gradient(quartic, inner)
    rtol = 1e-5 if inner == "finitediff" else 1e-11
    for _ in range(2):
        for x in (X, np.array([1.0, 2.0, 3.0])):
            tensor = torch.tensor(x, requires_grad=True)
            g(tensor).sum().backward()
            assert_allclose(tensor.grad, 12 * x**2, rtol=rtol)
            plain = g(torch.tensor(x))
            assert not plain.requires_grad
            assert_allclose(plain, 4 * x**3, rtol=rtol)


def test_traced_weights_that_f_captured() -> None:
    """A plain x, and a function that closes over what the outer engine traces."""
    torch = pytest.importorskip("torch")

    def loss(w: Any, g: Any = None) -> Any:
        g = di.gradient(lambda x: (w * x**2).sum(), "torch")
        return (g(torch.tensor(X)) + g(torch.tensor(X))).sum()

    w = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    loss(w).backward()
    assert_allclose(w.grad, 4 * X)


def test_a_variable_that_a_trace_rebinds() -> None:
    jax = pytest.importorskip("jax")
    x = jax.numpy.asarray(X)
    scale: Any = 2.0
    g = di.gradient(lambda x: (scale * x**2).sum(), "jax")

    def of_scale(value: Any) -> Any:
        nonlocal scale
        before, scale = scale, value
        try:
            return g(x).sum()
        finally:
            scale = before

    for _ in range(2):
        assert_allclose(g(X), 4 * X, rtol=1e-6)
        assert_allclose(jax.grad(of_scale)(3.0), 2 * X.sum(), rtol=1e-6)
        assert_allclose(jax.jit(of_scale)(3.0), 6 * X.sum(), rtol=1e-6)
