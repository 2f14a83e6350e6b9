"""How often f is evaluated: what finite differences cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di

N = 5
X = np.linspace(0.5, 1.5, N)


class Counted:
    """A function that counts its evaluations."""

    def __init__(self, f: Any) -> None:
        self.f, self.count = f, 0

    def __call__(self, x: Any) -> Any:
        self.count += 1
        return self.f(x)

    def during(self, call: Any) -> int:
        before = self.count
        call()
        return self.count - before


ALONE = {"forward": N + 1, "central": 2 * N}
WITH_VALUE = {"forward": N + 1, "central": 2 * N + 1}


@pytest.mark.parametrize("scheme", ["forward", "central"])
def test_gradients_and_jacobians(scheme: str) -> None:
    backend = di.AutoFiniteDiff(scheme=scheme)
    scalar, vector = Counted(lambda x: np.sum(x**3)), Counted(lambda x: x[1:] * x[:-1])
    for f, prepare in ((scalar, di.prepare_gradient), (vector, di.prepare_jacobian)):
        prep = prepare(f, backend, X)
        assert f.during(lambda prep=prep: prep(X)) == ALONE[scheme]
        assert f.during(lambda prep=prep: prep.value_and(X)) == WITH_VALUE[scheme]


@pytest.mark.parametrize("scheme", ["forward", "central"])
def test_one_direction(scheme: str) -> None:
    f = Counted(np.sin)
    prep = di.prepare_pushforward(f, di.AutoFiniteDiff(scheme=scheme), X, X)
    assert f.during(lambda: prep(X, X)) == 2
    assert f.during(lambda: prep.value_and(X, X)) == {"forward": 2, "central": 3}[scheme]


def test_explain_expects_as_many() -> None:
    backend = di.AutoFiniteDiff(scheme="forward")
    plan = di.explain(di.gradient, lambda x: np.sum(x**3), backend, X)
    assert plan.evaluations == N + 1


@pytest.mark.parametrize("scheme", ["forward", "central", "richardson"])
def test_values(scheme: str) -> None:
    backend = di.AutoFiniteDiff(scheme=scheme)
    f = lambda x: np.sum(x**3)  # noqa: E731
    prep = di.prepare_gradient(f, backend, X)
    value, gradient = prep.value_and(X)
    assert value == f(X)
    for got in (gradient, prep(X), di.gradient(f, backend, X)):
        np.testing.assert_allclose(got, 3 * X**2, rtol=1e-6)
    long = np.linspace(0.5, 1.5, 130)  # more than two chunks of seeds
    # The forward scheme loses half the digits of f, which is larger here.
    np.testing.assert_allclose(di.gradient(f, backend, long), 3 * long**2, rtol=1e-5)
    jacobian = di.jacobian(lambda x: x[1:] * x[:-1], backend, X)
    want = np.zeros((N - 1, N))
    want[np.arange(N - 1), np.arange(1, N)] = X[:-1]
    want[np.arange(N - 1), np.arange(N - 1)] = X[1:]
    np.testing.assert_allclose(jacobian, want, rtol=1e-6, atol=1e-7)


def test_complex_values_are_refused_as_gradients() -> None:
    prep = di.prepare_gradient(lambda x: np.sum(x) * 1j, "finitediff", X)
    for call in (prep, prep.value_and):
        with pytest.raises(di.NonAnalyticError, match="real-valued"):
            call(X)
    z = X + 0.5j
    got = di.gradient(lambda z: np.sum(np.abs(z) ** 2), "finitediff", z)
    np.testing.assert_allclose(got, 2 * z, rtol=1e-7)


def test_an_f_that_writes_into_its_argument() -> None:
    def f(x: Any) -> Any:
        x *= x
        return np.sum(x)

    for scheme in ("forward", "central"):
        got = di.gradient(f, di.AutoFiniteDiff(scheme=scheme), X)
        np.testing.assert_allclose(got, 2 * X, rtol=1e-6)


def test_no_direction_at_all() -> None:
    empty = np.zeros(0)
    assert di.jacobian(lambda x: np.ones(2) * np.sum(x), "finitediff", empty).shape == (2, 0)
