"""Numbers are no arrays: nothing writes into a NumPy scalar, and it is no view of anything."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di

X = np.array([0.6, 1.0, 2.0])
A = np.array([1.0, 2.0, 3.0])
BACKENDS = ["complexstep", "forwarddiff"]

VIEWS = {
    "atleast_1d": np.atleast_1d,
    "reshape(1)": lambda s: s.reshape(1),
    "reshape(())": lambda s: s.reshape(()),
    "ravel": lambda s: s.ravel(),
    "None": lambda s: s[None],
    "Ellipsis": lambda s: s[...],
    "T": lambda s: s.T,
    "squeeze": np.squeeze,
    "itself": lambda s: s,
}
SCALARS = {
    "sum": np.sum,
    "method": lambda x: x.sum(),
    "prod": np.prod,
    "mean": np.mean,
    "entry": lambda x: x[0],
    "iteration": lambda x: list(x)[1],
    "dot": lambda x: np.dot(x, A),
    "matmul": lambda x: x @ A,
    "einsum": lambda x: np.einsum("i,i->", x, x),
    "det": lambda x: np.linalg.det(np.diag(x)),
    "add.reduce": np.add.reduce,
    "log": lambda x: np.log(x[0]),
    "sqrt": lambda x: np.sqrt(np.sum(x)),
    "power": lambda x: x[0] ** 0.5,
    "arcsin": lambda x: np.arcsin(x[0]),
    "hypot": lambda x: np.hypot(x[0], x[1]),
    "logaddexp": lambda x: np.logaddexp(x[0], x[1]),
    "divide": lambda x: x[0] / x[1],
}


def same(operator: Any, f: Any, backend: str, x: Any) -> None:
    got, wanted = operator(f, backend, x), operator(f, "finitediff", x)
    loose = 1e-2 if np.asarray(x).dtype == np.float32 else 1e-5
    np.testing.assert_allclose(got, wanted, rtol=loose, atol=loose)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_writing_into_an_array_made_of_a_number_leaves_it(
    backend: str, view: Any, dtype: Any
) -> None:
    def f(x: Any) -> Any:
        s = np.sum(x * 2)
        v = view(s)
        v *= 3
        return s

    same(di.gradient, f, backend, X.astype(dtype))
    same(di.derivative, f, backend, dtype(0.6))


@pytest.mark.parametrize("scalar", SCALARS.values(), ids=SCALARS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_an_operation_in_place_makes_a_new_number(backend: str, scalar: Any) -> None:
    def f(x: Any) -> Any:
        s = z = scalar(x)
        s *= 3
        s -= x[1]
        return z * z + s

    def wider(x: Any) -> Any:
        s = scalar(x)
        s += x
        s /= A
        s -= x
        s **= 2
        return s

    same(di.gradient, f, backend, X)
    same(di.jacobian, wider, backend, X)


@pytest.mark.parametrize("x", [0.6, np.float64(0.6), np.float32(0.6)])
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_number_x_is_no_array(backend: str, x: Any) -> None:
    def f(x: Any) -> Any:
        s = z = x
        s *= 3
        s += np.ones(3) * s
        v = np.atleast_1d(z)
        v *= 5
        return s * z

    same(di.derivative, f, backend, x)


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        ("complexstep", "forwarddiff"),
        ("forwarddiff", "complexstep"),
        ("forwarddiff", "forwarddiff"),
    ],
)
def test_numbers_in_nested_derivatives(outer: str, inner: str) -> None:
    def f(x: Any) -> Any:
        s = z = x**3
        s *= x
        v = s[None]
        v *= 7
        return np.sqrt(s * z)  # x ** 3.5

    got = di.derivative(lambda x: di.derivative(f, inner, x), outer, 0.6)
    np.testing.assert_allclose(got, 3.5 * 2.5 * 0.6**1.5, rtol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_number_takes_no_assignment(backend: str) -> None:
    def f(x: Any) -> Any:
        s = np.sum(x)
        s[...] = 1.0
        return s

    with pytest.raises(TypeError, match="does not support item assignment"):
        di.gradient(f, backend, X)
