"""Gradients of the estimate, by captured parameters and by x, in every framework."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import diffinterface as di

from .test_trace_values import V, X, every_mode, given

W = np.array([[0.4, -0.3, 0.1], [0.2, 0.9, -0.5], [0.7, -0.1, 0.6]])


def by_hand(mode: str) -> tuple[float, Any, Any]:
    """``v^T J v`` of tanh(W x), where J = diag(1 - y^2) W; its gradients by W and by x."""
    y = np.tanh(W @ X)
    s, ds = 1 - y**2, -2 * y * (1 - y**2)
    value, by_w, by_x = 0.0, np.zeros_like(W), np.zeros_like(X)
    for v in V:
        # The exact trace is the sum of s_i W_ii; a probe has v_i (W v)_i in the place of W_ii.
        weight = np.diag(W) if mode == "exact" else v * (W @ v)
        value += s @ weight / len(V)
        direct = np.diag(s) if mode == "exact" else np.outer(v * s, v)
        by_w += (np.outer(ds * weight, X) + direct) / len(V)
        by_x += W.T @ (ds * weight) / len(V)
    return value, by_w, by_x


def estimate(xp: Any, w: Any, engine: Any, x: Any, mode: Any) -> Any:
    def f(x: Any) -> Any:
        return (xp or di.array_namespace(x)).tanh(w @ x)

    return di.hutchinson_trace(f, engine, x, **given(V, mode), mode=mode)


@every_mode
def test_by_hand_agrees_with_differences(mode: str) -> None:
    """The yardstick itself: central differences of the definition."""
    value, by_w, by_x = by_hand(mode)

    def definition(w: Any, x: Any) -> float:
        J = (1 - np.tanh(w @ x) ** 2)[:, None] * w
        return np.trace(J) if mode == "exact" else np.mean([v @ J @ v for v in V])

    assert_allclose(definition(W, X), value, rtol=1e-13)
    h = 1e-5
    for index in np.ndindex(W.shape):
        e = np.zeros_like(W)
        e[index] = h
        slope = (definition(W + e, X) - definition(W - e, X)) / (2 * h)
        assert_allclose(by_w[index], slope, atol=1e-9)
    for i in range(len(X)):
        e = h * np.eye(len(X))[i]
        slope = (definition(W, X + e) - definition(W, X - e)) / (2 * h)
        assert_allclose(by_x[i], slope, atol=1e-9)


@every_mode
@pytest.mark.parametrize(
    ("engine", "caller"),
    [
        (di.AutoTorch(), "numpy"),
        (di.AutoTorch(), "torch"),
        (di.AutoTorch("forward"), "numpy"),
        (di.AutoTorch("forward"), "torch"),
        (di.AutoForwardDiff(), "torch"),
    ],
    ids=str,
)
def test_a_torch_loss(engine: di.ADType, caller: str, mode: str) -> None:
    torch = pytest.importorskip("torch")
    w = torch.tensor(W, requires_grad=True)
    x = torch.tensor(X, requires_grad=True) if caller == "torch" else X
    got = estimate(None, w, engine, x, mode)
    got.backward()
    value, by_w, by_x = by_hand(mode)
    assert_allclose(got.detach(), value, rtol=1e-12)
    assert_allclose(w.grad, by_w, atol=1e-12)
    if caller == "torch":
        assert_allclose(x.grad, by_x, atol=1e-12)


@every_mode
def test_inside_torch_func(mode: str) -> None:
    torch = pytest.importorskip("torch")

    def loss(w: Any, x: Any) -> Any:
        return estimate(torch, w, "torch", x, mode)

    by_w, by_x = torch.func.grad(loss, argnums=(0, 1))(torch.tensor(W), torch.tensor(X))
    assert_allclose(by_w, by_hand(mode)[1], atol=1e-12)
    assert_allclose(by_x, by_hand(mode)[2], atol=1e-12)


@every_mode
@pytest.mark.parametrize("engine", ["jax", "forwarddiff"])
@pytest.mark.parametrize("jit", [False, True])
def test_inside_jax(jit: bool, engine: str, mode: str) -> None:
    jax = pytest.importorskip("jax")

    def loss(w: Any, x: Any) -> Any:
        return estimate(None, w, engine, x, mode)

    with jax.enable_x64(True):
        gradient: Callable[..., Any] = jax.value_and_grad(loss, argnums=(0, 1))
        value, (by_w, by_x) = (jax.jit(gradient) if jit else gradient)(W, X)
        captured = jax.grad(lambda w: loss(w, X))(W)
    assert_allclose(value, by_hand(mode)[0], rtol=1e-12)
    for got in (by_w, captured):
        assert_allclose(got, by_hand(mode)[1], atol=1e-12)
    assert_allclose(by_x, by_hand(mode)[2], atol=1e-12)


@every_mode
@pytest.mark.parametrize("engine", ["autograd", "forwarddiff"])
def test_inside_autograd(engine: str, mode: str) -> None:
    autograd = pytest.importorskip("autograd")
    np_ = pytest.importorskip("autograd.numpy")
    by_w = autograd.grad(lambda w: estimate(np_, w, engine, X, mode))(W)
    by_x = autograd.grad(lambda x: estimate(np_, W, engine, x, mode))(X)
    assert_allclose(by_w, by_hand(mode)[1], atol=1e-12)
    assert_allclose(by_x, by_hand(mode)[2], atol=1e-12)


@every_mode
@pytest.mark.parametrize("outer", ["forwarddiff", "finitediff"])
def test_inside_an_engine_over_numpy(outer: str, mode: str) -> None:
    by_w = di.gradient(lambda w: estimate(np, w, "forwarddiff", X, mode), outer, W)
    by_x = di.gradient(lambda x: estimate(np, W, "forwarddiff", x, mode), outer, X)
    atol = 1e-8 if outer == "finitediff" else 1e-12
    assert_allclose(by_w, by_hand(mode)[1], atol=atol)
    assert_allclose(by_x, by_hand(mode)[2], atol=atol)
