"""A layer given as ``(apply, params, state)``, in every engine, against derivatives by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import diffinterface as di

X = np.array([0.3, -0.7, 1.2])
A = np.array([[0.4, -0.3, 0.1], [0.2, 0.9, -0.5]])
B = np.array([0.1, -0.2])
ENGINES = ["forwarddiff", "finitediff", "complexstep", "jax", "torch", "autograd"]

every_engine = pytest.mark.parametrize("engine", ENGINES)


def need(engine: str) -> None:
    if not di.check_available(engine):
        pytest.skip(f"{engine} is not installed")


def dense(params: Any, state: Any, x: Any) -> Any:
    """``tanh(A x + b)``, less a running mean of the layer's own outputs, which it advances."""
    xp = di.array_namespace(x, *params.values())
    y = xp.tanh(params["A"] @ x + params["b"]) - state["mean"]
    return y, {"mean": 0.9 * state["mean"] + 0.1 * xp.mean(y), "calls": state["calls"] + 1}


def constants(engine: str) -> Any:
    """Arrays of the engine's own kind."""
    if engine == "torch":
        return pytest.importorskip("torch").tensor
    return np.asarray


def new(engine: str = "forwarddiff") -> di.StatefulLayer:
    array = constants(engine)
    return di.StatefulLayer(dense, {"A": array(A), "b": array(B)}, {"mean": 0.5, "calls": 0})


def slope() -> Any:
    return 1 - np.tanh(A @ X + B) ** 2


def mean_after(calls: int) -> float:
    mean = 0.5
    for _ in range(calls):
        mean = 0.9 * mean + 0.1 * np.mean(np.tanh(A @ X + B) - mean)
    return mean


def atol(engine: str) -> float:
    return 1e-8 if engine == "finitediff" else 1e-13


def test_a_call_advances() -> None:
    layer = new()
    first, second = layer(X), layer(X)
    assert_allclose(first, np.tanh(A @ X + B) - 0.5)
    assert_allclose(second, np.tanh(A @ X + B) - mean_after(1))
    assert layer.state["calls"] == 2
    assert_allclose(layer.state["mean"], mean_after(2))


@every_engine
def test_by_the_input(engine: str) -> None:
    need(engine)
    layer = new(engine)
    got = di.jacobian(layer, engine, X)
    assert_allclose(got, slope()[:, None] * A, atol=atol(engine))


@every_engine
def test_by_the_parameters(engine: str) -> None:
    need(engine)
    layer = new(engine)
    got = di.jacobian(layer.with_input(constants(engine)(X)), engine, {"A": A, "b": B})
    assert_allclose(got["b"], np.diag(slope()), atol=atol(engine))
    expected = np.einsum("ij,i,k->ijk", np.eye(2), slope(), X)
    assert_allclose(got["A"], expected, atol=atol(engine))


@every_engine
def test_both_compositions(engine: str) -> None:
    need(engine)
    layer = new(engine)
    after = di.jacobian(lambda x: layer(x) ** 2, engine, X)
    y = np.tanh(A @ X + B) - 0.5
    assert_allclose(after, (2 * y * slope())[:, None] * A, atol=atol(engine))
    assert layer.state["calls"] == 1
    layer = new(engine)
    before = di.jacobian(lambda x: layer(x * x), engine, X)
    inner = 1 - np.tanh(A @ (X * X) + B) ** 2
    assert_allclose(before, inner[:, None] * A * (2 * X), atol=atol(engine))
    assert layer.state["calls"] == 1


CALLS: dict[str, Callable[[Any, str], Any]] = {
    "gradient": lambda f, b: di.gradient(lambda x: (f(x) ** 2).sum(), b, X),
    "jacobian": lambda f, b: di.jacobian(f, b, X),
    "value_and_jacobian": lambda f, b: di.value_and_jacobian(f, b, X),
    "pushforward": lambda f, b: di.pushforward(f, b, X, X),
    "pullback": lambda f, b: di.pullback(f, b, X, B),
    "hvp": lambda f, b: di.hvp(lambda x: (f(x) ** 2).sum(), b, X, X),
    "hessian": lambda f, b: di.hessian(lambda x: (f(x) ** 2).sum(), b, X),
    "linear_operator": lambda f, b: di.prepare_pushforward_same_point(f, b, X, X)(X),
    "hutchinson_trace": lambda f, b: di.hutchinson_trace(lambda x: f(x).sum() * x, b, X, probes=5),
}


@every_engine
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_one_operator_is_one_call(call: Callable[[Any, str], Any], engine: str) -> None:
    """However many evaluations the engine makes, and however often it differentiates."""
    need(engine)
    layer = new(engine)
    if call is CALLS["linear_operator"] and engine == "jax":
        pytest.skip("a plan at one point is compiled")
    call(layer, engine)
    assert int(layer.state["calls"]) == 1
    # Differences leave the state where an evaluation near x took it.
    assert_allclose(
        layer.state["mean"], mean_after(1), atol=1e-2 if engine == "finitediff" else 1e-13
    )
    call(layer, engine)
    assert int(layer.state["calls"]) == 2


@pytest.mark.parametrize(
    "engine", ["forwarddiff", "finitediff", "complexstep", "torch", "autograd"]
)
def test_prepared(engine: str) -> None:
    need(engine)
    layer = new(engine)
    prepared = di.prepare_jacobian(layer, engine, X)
    assert layer.state["calls"] == 0
    for k in (1, 2, 3):
        assert_allclose(prepared(X), slope()[:, None] * A, atol=atol(engine))
        assert layer.state["calls"] == k
        prepared.value_and(X)
        layer.state = {"mean": 0.5, "calls": k}


def test_several_calls_in_one_evaluation() -> None:
    layer = new()
    di.jacobian(lambda x: layer(x) + layer(2 * x) + layer(x), di.AutoForwardDiff(chunk_size=1), X)
    assert layer.state["calls"] == 3


@pytest.mark.parametrize("outer", ["forwarddiff", "finitediff"])
def test_a_loss_with_a_derivative_in_it(outer: str) -> None:
    """The operator inside is one call of each evaluation of the loss; the loss is one call."""
    layer = new()

    def loss(p: Any) -> Any:
        with_p = layer.with_params({"A": p, "b": B})
        return np.sum(with_p(X)) + np.sum(di.jacobian(with_p, "forwarddiff", X) ** 2)

    got = di.gradient(loss, outer, A)
    y, s = np.tanh(A @ X + B), slope()
    squares = np.sum(A**2, axis=1)
    expected = np.outer(s - 4 * s**2 * y * squares, X) + 2 * (s**2)[:, None] * A
    assert_allclose(got, expected, atol=1e-8 if outer == "finitediff" else 1e-12)
    assert layer.state["calls"] == 2


def test_no_derivative_goes_through_the_state() -> None:
    """As in Lux; `pure` differentiates through it."""

    def leaky(params: Any, state: Any, x: Any) -> Any:
        return params * x + state, x

    layer = di.StatefulLayer(leaky, 3.0, 0.0)
    assert di.derivative(lambda x: layer(x) + layer(x), "forwarddiff", 2.0) == 6.0
    assert layer.state == 2.0

    def both(x: Any) -> Any:
        y, state = layer.pure(3.0, 0.0, x)
        return y + layer.pure(3.0, state, x)[0]

    assert di.derivative(both, "forwarddiff", 2.0) == 7.0


def test_pure_keeps_nothing() -> None:
    layer = new()
    y, state = layer.pure(layer.params, {"mean": 0.0, "calls": 7}, X)
    assert_allclose(y, np.tanh(A @ X + B))
    assert state["calls"] == 8
    assert layer.state == {"mean": 0.5, "calls": 0}


def test_other_parameters_share_the_state() -> None:
    layer = new()
    other = layer.with_params({"A": 0 * A, "b": B})
    assert_allclose(other(X), np.tanh(B) - 0.5)
    assert layer.state["calls"] == other.state["calls"] == 1
    assert layer.params["A"] is not other.params["A"]


@pytest.mark.parametrize("layer", [np.sin, 3, "net"])
def test_what_is_no_layer(layer: Any) -> None:
    with pytest.raises(di.InputError, match="without params"):
        di.StatefulLayer(layer)


def test_apply_must_return_a_pair() -> None:
    layer = di.StatefulLayer(lambda params, state, x: params * x, 2.0)
    with pytest.raises(di.OutputError, match="pair"):
        layer(X)
