"""Bridged functions inside the engines that run on NumPy: duals, finite differences, complex step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from .common import EXACT, INNERS, Inner, T, X, close, every_operator, exact_inner, model

FORWARD = di.AutoForwardDiff()
CHUNKED = di.AutoForwardDiff(chunk_size=2)


def _scalar(f: Any) -> Any:
    return lambda x: np.sum(f(np.sin(x)) ** 2)


def _jacobian(f: Any, adtype: di.ADType = FORWARD) -> Any:
    return lambda x: di.jacobian(f, adtype, x)


def _gradient(f: Any, adtype: di.ADType = FORWARD) -> Any:
    return lambda x: di.gradient(f, adtype, x)


#: By the order of derivative that each takes: from a function and a point to an array.
OPERATORS: dict[str, tuple[int, Callable[[Any, Any], Any]]] = {
    "call": (0, lambda f, x: f(x)),
    "pushforward": (1, lambda f, x: di.pushforward(f, FORWARD, x, T)),
    "batched pushforward": (
        1,
        lambda f, x: di.pushforward(f, FORWARD, x, np.stack([T, X, -T]), batched=True),
    ),
    "pullback": (1, lambda f, x: di.pullback(f, FORWARD, x, np.array([0.5, -2.0]))),
    "derivative": (1, lambda f, x: di.derivative(lambda s: f(x + s * T), FORWARD, 0.0)),
    "gradient": (1, lambda f, x: di.gradient(_scalar(f), FORWARD, x)),
    "jacobian": (1, lambda f, x: _jacobian(f)(x)),
    "jacobian in chunks": (1, lambda f, x: _jacobian(f, CHUNKED)(x)),
    "hessian": (2, lambda f, x: di.hessian(_scalar(f), FORWARD, x)),
    "hessian in chunks": (2, lambda f, x: di.hessian(_scalar(f), CHUNKED, x)),
    "hvp": (2, lambda f, x: di.hvp(_scalar(f), FORWARD, x, T)),
    "jacobian of jacobian": (2, lambda f, x: _jacobian(_jacobian(f))(x)),
    "second derivative": (
        2,
        lambda f, x: di.second_derivative(lambda s: f(x + s * T), FORWARD, 0.3),
    ),
    "three jacobians": (3, lambda f, x: _jacobian(_jacobian(_jacobian(f)))(x)),
    "jacobian of hessian": (
        3,
        lambda f, x: di.jacobian(lambda x: di.hessian(_scalar(f), FORWARD, x), CHUNKED, x),
    ),
}


#: One of each kind: a call, a batch, each mode, two orders.
BY_ALL = ("call", "batched pushforward", "pullback", "jacobian in chunks", "hvp")


@every_operator(OPERATORS, BY_ALL)
def test_duals_outside(inner: Inner, order: int, op: Any) -> None:
    tolerance = inner.tolerance(order)
    close(op(inner.bridged(model), X), op(model, X), 10 * tolerance)


@exact_inner
@pytest.mark.parametrize(
    ("adtype", "first", "second"),
    [
        (di.AutoFiniteDiff(), 1e-8, 1e-4),
        (di.AutoComplexStep(), 1e-12, 1e-6),
        (di.SecondOrder(di.AutoFiniteDiff(), di.AutoComplexStep()), 1e-12, 1e-7),
        (di.SecondOrder(di.AutoForwardDiff(), di.AutoFiniteDiff()), 1e-8, 1e-4),
        (di.SecondOrder(di.AutoComplexStep(), di.AutoForwardDiff()), 1e-12, 1e-11),
        (di.SecondOrder(di.AutoForwardDiff(), di.AutoComplexStep()), 1e-12, 1e-11),
    ],
    ids=str,
)
def test_other_engines_outside(
    inner: Inner, adtype: di.ADType, first: float, second: float
) -> None:
    f = inner.bridged(model)
    close(_jacobian(f, adtype)(X), _jacobian(model)(X), first)
    close(_gradient(_scalar(f), adtype)(X), _gradient(_scalar(model))(X), first)
    hessian = di.hessian(_scalar(model), FORWARD, X)
    try:
        got = di.hessian(_scalar(f), adtype, X)
    except di.NonAnalyticError:
        assert isinstance(adtype, di.SecondOrder)  # a complex step of what is not analytic
        return
    close(got, hessian, second)


@exact_inner
def test_several_inputs_and_outputs(inner: Inner) -> None:
    f = inner.bridged(lambda a, b: (a**2 * b, a * b[0]))

    def loss(x: Any) -> Any:
        first, second = f(x["a"], x["b"])
        return np.sum(first**2) + np.sum(np.sin(second)) * first[1]

    def native(x: Any) -> Any:
        a, b = x["a"], x["b"]
        return np.sum(a**4 * b**2) + np.sum(np.sin(a * b[0])) * a[1] ** 2 * b[1]

    x = {"a": X, "b": T}
    got, want = (di.gradient(g, FORWARD, x) for g in (loss, native))
    for key in x:
        close(got[key], want[key])
    got, want = (di.hessian(g, FORWARD, x) for g in (loss, native))
    for row in x:
        for column in x:
            close(got[row][column], want[row][column], 1e-11)


@exact_inner
def test_one_input_of_two_is_a_dual(inner: Inner) -> None:
    f = inner.bridged(lambda a, b: a**2 * b)
    close(di.jacobian(lambda a: f(a, T), FORWARD, X), np.diag(2 * X * T))
    close(di.jacobian(lambda b: f(X, b), FORWARD, T), np.diag(X**2))
    # Two levels at once, each in an input of its own.
    mixed = di.jacobian(lambda a: di.jacobian(lambda b: f(a, b), FORWARD, T), FORWARD, X)
    want = np.zeros((3, 3, 3))
    want[range(3), range(3), range(3)] = 2 * X
    close(mixed, want)


@pytest.mark.parametrize("engine", EXACT)
def test_perturbations_are_not_confused(engine: str) -> None:
    """``d/dx [x d/dy (x + y)] = 1``, with the inner derivative behind the bridge and around it."""
    inner = INNERS[engine]
    add = inner.bridged(lambda x, y: x + y)
    times = inner.bridged(lambda x, y: x * y)

    def outer(x: Any) -> Any:
        return times(x, di.derivative(lambda y: add(x, y), FORWARD, 1.0))

    close(di.derivative(outer, FORWARD, 1.0), 1.0)


def test_a_bridge_behind_a_bridge() -> None:
    """Each engine in the chain differentiates its own link."""
    for first in EXACT:
        for second in EXACT:
            a = EXACT[first].bridged(lambda x: x**3)
            b = EXACT[second].bridged(lambda x, a=a: a(x) * x)
            close(di.jacobian(b, FORWARD, X), np.diag(4 * X**3), 1e-11)
            close(di.hessian(lambda x, b=b: np.sum(b(x)), FORWARD, X), np.diag(12 * X**2), 1e-11)
