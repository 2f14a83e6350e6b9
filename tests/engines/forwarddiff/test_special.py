"""The rules of scipy.special against mpmath, first and second order."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np
import pytest

import diffinterface as di
from diffinterface_forwarddiff import MissingRuleError

from ...truth import close
from .cases_special import BINARY, FIRST_ORDER, POSITIVE, REAL, UNARY

special: Any = pytest.importorskip("scipy.special")
BACKEND = di.AutoForwardDiff()
# SciPy's own functions are good to a few hundred roundings in places.
TOLERANCE = 1e-11


def exact(f: Any, point: tuple[float, ...], orders: tuple[int, ...]) -> float:
    """A partial derivative, by differences with 50 digits."""
    with mp.workdps(50):
        return float(mp.diff(f, tuple(map(mp.mpf, point)), orders))


@pytest.mark.parametrize("shape", [(), (-1,), (1, -1)])
@pytest.mark.parametrize("name", UNARY)
def test_unary(name: str, shape: tuple[int, ...]) -> None:
    points, f = UNARY[name]
    x = np.reshape(points if shape else points[1], shape)
    slopes = np.reshape([exact(f, (p,), (1,)) for p in x.ravel()], x.shape)

    def function(x: Any) -> Any:
        return getattr(special, name)(x)

    value, got = di.value_and_pushforward(function, BACKEND, x, np.ones_like(x))
    close(value, getattr(special, name)(x), 1e-15)
    np.testing.assert_allclose(got, slopes, rtol=TOLERANCE, atol=TOLERANCE)

    def slope(x: Any) -> Any:
        return di.pushforward(function, BACKEND, x, np.ones(x.shape))

    if name in FIRST_ORDER:
        with pytest.raises(MissingRuleError):
            di.pushforward(slope, BACKEND, x, np.ones_like(x))
        return
    curvature = np.reshape([exact(f, (p,), (2,)) for p in x.ravel()], x.shape)
    got = di.pushforward(slope, BACKEND, x, np.ones_like(x))
    np.testing.assert_allclose(got, curvature, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", BINARY)
def test_binary(name: str) -> None:
    pairs, f, differentiable = BINARY[name]
    function = getattr(special, name)
    for i in differentiable:
        first, second = np.eye(2, dtype=int)[i], 2 * np.eye(2, dtype=int)[i]
        slopes = [exact(f, p, tuple(first)) for p in pairs]
        curvatures = [exact(f, p, tuple(second)) for p in pairs]
        fixed = np.array([p[1 - i] for p in pairs])
        x = np.array([p[i] for p in pairs])

        def along(x: Any) -> Any:
            return function(x, fixed) if i == 0 else function(fixed, x)

        def slope(x: Any) -> Any:
            return di.pushforward(along, BACKEND, x, np.ones(x.shape))

        value, got = di.value_and_pushforward(along, BACKEND, x, np.ones_like(x))
        close(value, along(x), 1e-15)
        np.testing.assert_allclose(got, slopes, rtol=TOLERANCE, atol=TOLERANCE)
        got = di.pushforward(slope, BACKEND, x, np.ones_like(x))
        np.testing.assert_allclose(got, curvatures, rtol=1e-9, atol=1e-12)
    if differentiable == (0, 1):
        mixed = [exact(f, p, (1, 1)) for p in pairs]
        h = di.hessian(lambda x: np.sum(function(x[:, 0], x[:, 1])), BACKEND, np.array(pairs))
        np.testing.assert_allclose([h[i, 0, i, 1] for i in range(3)], mixed, rtol=1e-9, atol=1e-12)
    else:
        with pytest.raises(MissingRuleError, match=name):
            di.derivative(lambda a: function(a, 1.5), BACKEND, 1.2)


def test_other_names() -> None:
    close(
        di.derivative(lambda x: special.psi(x), BACKEND, 1.3),
        exact(mp.digamma, (1.3,), (1,)),
        1e-12,
    )
    # np.i0 is NumPy's own, by other means.
    assert di.derivative(np.i0, BACKEND, 1.3) == pytest.approx(special.i1(1.3), rel=1e-14)


@pytest.mark.parametrize("n", [0, 1, 3])
def test_polygamma(n: int) -> None:
    x = np.array(POSITIVE)

    def f(x: Any) -> Any:
        return di.array_namespace(x).polygamma(n, x)

    value, got = di.value_and_pushforward(f, BACKEND, x, np.ones(4))
    close(value, special.polygamma(n, x), 1e-13)
    close(got, special.polygamma(n + 1, x), 1e-13)


@pytest.mark.parametrize("axis", [None, 0, 1])
@pytest.mark.parametrize("name", ["logsumexp", "softmax", "log_softmax"])
def test_softmax(name: str, axis: int | None) -> None:
    x = np.array([REAL[:3], REAL[2:]])

    def f(x: Any) -> Any:
        return getattr(di.special, name)(x, axis)

    p = special.softmax(x, axis)
    same = np.ones((2, 3, 2, 3))
    if axis is not None:
        i = np.indices((2, 3, 2, 3))
        same = (i[1 - axis] == i[3 - axis]) * 1.0
    unit = np.eye(6).reshape(2, 3, 2, 3)
    expected = {
        "logsumexp": p if axis is None else np.sum(unit * p, axis=axis),
        "softmax": p[:, :, None, None] * (unit - same * p),
        "log_softmax": unit - same * p,
    }[name]
    value, got = di.value_and_jacobian(f, BACKEND, x)
    close(value, getattr(special, name)(x, axis), 1e-14)
    close(got, expected, 1e-14)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_of_the_namespace(name: str) -> None:
    x = np.array([REAL[:3], REAL[2:]])
    for axis in (None, 0, 1):
        got = di.jacobian(lambda x: getattr(di.array_namespace(x), name)(x, axis), BACKEND, x)
        close(got, di.jacobian(lambda x: getattr(di.special, name)(x, axis), BACKEND, x), 1e-14)
