"""Precision in is precision out: values, tangents and results are of NumPy's own dtype."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di

BACKEND = di.AutoForwardDiff()
X = np.array([0.3, 0.7, 1.2])
M = np.array([[2.0, 0.3], [0.3, 1.0]])

PROGRAMS = {
    "arithmetic": (lambda x: 2 * x + x**2 / 3 - 1.5**x, X),
    "elementwise": (lambda x: np.sin(x) * np.sinc(x) + np.deg2rad(x) + np.hypot(x, 1.0), X),
    "where": (lambda x: np.where(x > 0.5, x, 0.0), X),
    "clip": (lambda x: np.clip(x, 0.4, 1.0), X),
    "maximum": (lambda x: np.maximum(x, 0.5), X),
    "select": (lambda x: np.select([x > 1], [x], 0.0), X),
    "copysign": (lambda x: np.copysign(x, -1.0), X),
    "ldexp": (lambda x: np.ldexp(x, np.array([1, 2, 3], np.int32)), X),
    "nan_to_num": (np.nan_to_num, X),
    "buffer": (lambda x: np.zeros_like(x) + x, X),
    "sum": (np.sum, X),
    "mean": (np.mean, X),
    "var": (np.var, X),
    "std": (np.std, X),
    "median": (np.median, X),
    "quantile": (lambda x: np.quantile(x, 0.3), X),
    "max": (np.max, X),
    "nansum": (np.nansum, X),
    "nanmean": (np.nanmean, X),
    "nanmax": (np.nanmax, X),
    "prod": (np.prod, X),
    "cumprod": (np.cumprod, X),
    "diff": (np.diff, X),
    "gradient": (np.gradient, X),
    "trapezoid": (np.trapezoid, X),
    "stack": (lambda x: np.stack([x, 2 * x]), X),
    "concatenate": (lambda x: np.concatenate([x, x[:1]]), X),
    "einsum": (lambda x: np.einsum("i,j->ij", x, x), X),
    "convolve": (lambda x: np.convolve(x, x), X),
    "fft": (lambda x: np.abs(np.fft.fft(x)), X),
    "inv": (np.linalg.inv, M),
    "det": (np.linalg.det, M),
    "slogdet": (lambda a: np.linalg.slogdet(a)[1], M),
    "solve": (lambda a: np.linalg.solve(a, a[0]), M),
    "cholesky": (np.linalg.cholesky, M),
    "eigh": (lambda a: np.linalg.eigh(a)[1], M),
    "eigvalsh": (np.linalg.eigvalsh, M),
    "svdvals": (np.linalg.svdvals, M),
    "norm": (np.linalg.norm, M),
    "pinv": (np.linalg.pinv, M),
    "matrix_power": (lambda a: np.linalg.matrix_power(a, 3), M),
    "zeroth matrix_power": (lambda a: np.linalg.matrix_power(a, 0), M),
    "interp": (lambda x: np.interp(x, [0.0, 2.0], [1.0, 3.0]), X),
    "cov": (np.cov, M),
    "polyval": (lambda x: np.polyval(x, np.float32(2.0)), X),
    "logsumexp": (di.special.logsumexp, X),
}
# NumPy computes these in double precision whatever it is given.
DOUBLE = {"interp", "cov"}


@pytest.mark.parametrize("name", PROGRAMS)
def test_single_precision_stays(name: str) -> None:
    f, x = PROGRAMS[name]
    x = x.astype(np.float32)
    value, got = di.value_and_jacobian(f, BACKEND, x)
    expected = f(x)
    assert expected.dtype == (np.float64 if name in DOUBLE else np.float32)
    if name not in DOUBLE:
        assert value.dtype == np.float32
        assert got.dtype == np.float32
    double = di.value_and_jacobian(f, BACKEND, x.astype(np.float64))
    np.testing.assert_allclose(value, double[0], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(got, double[1], rtol=1e-4, atol=1e-5)
    assert di.jacobian(f, BACKEND, x.astype(np.float64)).dtype == np.float64


def test_mixed_precision() -> None:
    x = X.astype(np.float32)
    for f in (lambda x: x * X, lambda x: x + np.float64(1.0), lambda x: np.astype(x, np.float64)):
        value = di.value_and_jacobian(f, BACKEND, x)[0]
        assert value.dtype == f(x).dtype == np.float64
    gradient = di.gradient(lambda x: np.sum(x * X), BACKEND, x)
    assert gradient.dtype == np.float32
    np.testing.assert_allclose(gradient, X, rtol=1e-7)


@pytest.mark.parametrize(
    "f",
    [
        *(lambda x, c: x / c, lambda x, c: c / x, lambda x, c: c**x, lambda x, c: x**c),
        *(np.arctan2, lambda x, c: np.arctan2(c, x), np.hypot, np.logaddexp, np.multiply),
        *(np.convolve, np.outer, np.maximum, np.fmod, lambda x, c: np.interp(0.5, c, x)),
        lambda x, c: np.average(x, weights=c),
        *(lambda x, c: np.polyval(c, x), lambda x, c: np.einsum("i,i", x, c), np.cross),
        lambda x, c: np.linalg.solve(np.diag(c) * 2, x),
    ],
)
def test_single_constants_beside_double_x(f: Any) -> None:
    """The result is double, so its derivative must not pass through single precision."""
    c = np.array([0.3, 0.7, 1.9], np.float32)
    if f(X, c).dtype == np.float64:
        value, got = di.value_and_jacobian(lambda x: f(x, c), BACKEND, X)
        np.testing.assert_allclose(value, f(X, c), rtol=1e-15)
        expected = di.jacobian(lambda x: f(x, c.astype(np.float64)), BACKEND, X)
        np.testing.assert_allclose(got, expected, rtol=1e-13, atol=1e-14)


def test_long_and_complex() -> None:
    long = X.astype(np.longdouble)
    assert di.jacobian(np.sin, BACKEND, long).dtype == np.longdouble
    single = (X + 1j).astype(np.complex64)
    got: Any = di.jacobian(lambda z: z**2 * np.exp(z), BACKEND, single)
    assert got.dtype == np.complex64
    np.testing.assert_allclose(np.diag(got), (2 * single + single**2) * np.exp(single), rtol=1e-5)
    assert di.jacobian(lambda x: x * (1 + 2j), BACKEND, X.astype(np.float32)).dtype == np.complex64
