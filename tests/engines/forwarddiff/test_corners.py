"""Corners: kinks, ties, zeros, NaN and infinity, empty arrays, chunks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di

from ...truth import close

BACKEND = di.AutoForwardDiff()
NAN, INF = np.nan, np.inf


def slopes(f: Any, x: Any) -> Any:
    """The derivative of an elementwise f."""
    x = np.asarray(x, dtype=float)
    with np.errstate(all="ignore"):
        return di.pushforward(f, BACKEND, x, np.ones_like(x))


# Where there is no derivative: the mean of the one-sided ones, or an infinite one.
KINKS = {
    "abs": (np.abs, [0.0, -0.0], [0.0, 0.0]),
    "maximum": (lambda x: np.maximum(x, 1.0), [1.0, 2.0, 0.0], [0.5, 1.0, 0.0]),
    "minimum": (lambda x: np.minimum(1.0, x), [1.0, 2.0, 0.0], [0.5, 0.0, 1.0]),
    "maximum of itself": (lambda x: np.maximum(x, x), [1.0], [1.0]),
    "clip": (lambda x: np.clip(x, 0.0, 1.0), [0.0, 1.0, -1.0, 2.0], [1.0, 1.0, 0.0, 0.0]),
    "sqrt": (np.sqrt, [0.0], [INF]),
    "cbrt": (np.cbrt, [0.0], [INF]),
    "log": (np.log, [0.0], [INF]),
    "sign": (lambda x: np.sign(x) + x, [0.0], [1.0]),
    "floor": (lambda x: np.floor(x) + x, [1.0], [1.0]),
    "power": (lambda x: x**0.5, [0.0], [INF]),
    "cube": (lambda x: x**3, [0.0], [0.0]),
    "first power": (lambda x: x**1.0, [0.0], [1.0]),
    "zeroth power": (lambda x: x**0, [0.0, 2.0], [0.0, 0.0]),
    "zeroth power of an array": (lambda x: x ** np.zeros(2), [0.0, 2.0], [0.0, 0.0]),
    "exponent": (lambda x: 0.0**x, [1.0, 2.0], [0.0, 0.0]),
    "negative base": (lambda x: x ** np.array([2, 3, -1]), [-2.0, -1.0, -2.0], [-4.0, 3.0, -0.25]),
    "sinc": (np.sinc, [0.0], [0.0]),
    "copysign": (lambda x: np.copysign(x, -1.0), [2.0, -2.0], [-1.0, 1.0]),
    "where guards": (lambda x: np.where(x > 0, x, 2 * x), [0.0], [2.0]),
}


@pytest.mark.parametrize("name", KINKS)
def test_kinks(name: str) -> None:
    f, x, expected = KINKS[name]
    np.testing.assert_array_equal(slopes(f, x), expected)


@pytest.mark.parametrize(("f", "sign"), [(np.max, 1), (np.min, -1)])
def test_ties_share(f: Any, sign: int) -> None:
    x = sign * np.array([[1.0, 2.0, 2.0], [2.0, 0.0, 1.0]])
    third = 1 / 3
    np.testing.assert_allclose(di.gradient(f, BACKEND, x), [[0, third, third], [third, 0, 0]])
    rows = di.jacobian(lambda x: f(x, axis=1), BACKEND, x)
    np.testing.assert_allclose(rows[0, 0], [0, 0.5, 0.5])
    np.testing.assert_allclose(rows[1, 1], [1, 0, 0])


def test_norms_at_zero_are_no_finite_lie() -> None:
    """The norm has no derivative at 0: NaN, or the subgradient 0; and a NaN value stays out."""
    for f in (np.linalg.norm, lambda x: np.sqrt(np.sum(x**2))):
        with np.errstate(all="ignore"):
            value, got = di.value_and_gradient(f, BACKEND, np.zeros(2))
        assert value == 0
        assert np.all(np.isnan(got) | (got == 0))
    # A zero entry of a vector that is not zero is no corner.
    x = np.array([3.0, 0.0])
    np.testing.assert_array_equal(di.gradient(np.linalg.norm, BACKEND, x), [1, 0])
    close(di.hessian(np.linalg.norm, BACKEND, x), np.diag([0, 1 / 3]), 1e-15)


def test_the_variance_where_an_entry_is_the_mean() -> None:
    x = np.array([1.0, 2.0, 3.0])
    expected = 2 / 3 * (np.eye(3) - 1 / 3)
    close(di.hessian(np.var, BACKEND, x), expected, 1e-14)
    close(di.hessian(lambda x: np.cov(x, ddof=0), BACKEND, x), expected, 1e-14)


def test_hypot_and_arctan2_on_the_axes() -> None:
    np.testing.assert_array_equal(
        di.gradient(lambda x: np.hypot(x[0], x[1]), BACKEND, np.array([0.0, 2.0])), [0, 1]
    )
    np.testing.assert_array_equal(
        di.gradient(lambda x: np.arctan2(x[0], x[1]), BACKEND, np.array([0.0, -2.0])), [-0.5, 0]
    )


VALUES = {
    "angle": (np.angle, [-1.0, 1.0, -0.5]),
    "imag": (np.imag, [INF, 1.0, -1.0]),
    "median": (np.median, [1.0, 2.0, INF]),
    "median of even": (np.median, [-INF, 1.0, 2.0, 3.0]),
    "interp": (lambda x: np.interp(x, [0.0], [1.0]), [-1.0, 0.0, 2.0]),
    "average": (lambda x: np.average(x, axis=0, weights=np.ones(2)), [INF, 1.0]),
    "maximum": (lambda x: np.maximum(x, 0.0), [NAN, INF, -INF]),
    "fmax": (lambda x: np.fmax(x, 0.0), [NAN, INF, -INF]),
    "modf": (lambda x: np.modf(x)[0], [1.5, -2.25]),
    "logaddexp": (lambda x: np.logaddexp(x, 0.0), [1000.0, -1000.0, -INF]),
    "nanmax": (np.nanmax, [NAN, 1.0, 2.0]),
    "sort": (np.sort, [2.0, NAN, 1.0]),
    "max": (np.max, [2.0, NAN, 1.0]),
    "cumsum": (np.cumsum, [1.0, INF, 2.0]),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_are_those_of_numpy(name: str) -> None:
    f, x = VALUES[name]
    x = np.array(x)
    with np.errstate(all="ignore"):
        value = di.value_and_pushforward(f, BACKEND, x, np.zeros_like(x))[0]
        np.testing.assert_array_equal(value, f(x))


def test_fmax_passes_over_nan() -> None:
    np.testing.assert_array_equal(slopes(lambda x: np.fmax(x, NAN), [1.0, -2.0]), [1, 1])
    np.testing.assert_array_equal(slopes(lambda x: np.fmin(NAN, x), [1.0, -2.0]), [1, 1])
    np.testing.assert_array_equal(slopes(lambda x: np.fmax(x, 1.0), [NAN, 2.0]), [0, 1])


def test_a_nan_does_not_turn_into_a_number() -> None:
    x = np.array([1.0, NAN, 3.0])
    for f in (np.sum, np.mean, np.var, np.prod, np.linalg.norm):
        with np.errstate(all="ignore"):
            value = di.value_and_gradient(f, BACKEND, x)[0]
        assert np.isnan(value)
    with np.errstate(all="ignore"):
        # One-sided NaN: the median of data with a NaN is NaN, and so is its slope.
        value, got = di.value_and_gradient(np.median, BACKEND, x)
        assert np.isnan(value)
        assert np.isnan(got).all()
        got = di.gradient(lambda x: np.sum(np.exp(x) * np.sin(x)), BACKEND, x)
    assert np.isnan(got[1])
    assert di.gradient(np.nansum, BACKEND, x).tolist() == [1, 0, 1]
    assert di.gradient(np.nanmean, BACKEND, x).tolist() == [0.5, 0, 0.5]


def test_infinite_entries_elsewhere_do_no_harm() -> None:
    x = np.array([1.0, INF])
    np.testing.assert_array_equal(slopes(np.exp, [-INF, 0.0]), [0, 1])
    np.testing.assert_array_equal(slopes(np.tanh, [INF, -INF, 0.0]), [0, 0, 1])
    np.testing.assert_array_equal(slopes(np.arctan, [INF, 0.0]), [0, 1])
    np.testing.assert_array_equal(di.gradient(lambda x: x[0] ** 2, BACKEND, x), [2, 0])
    np.testing.assert_array_equal(di.gradient(np.sum, BACKEND, x), [1, 1])
    np.testing.assert_allclose(slopes(lambda x: np.logaddexp(x, 0.0), [1000.0, -1000.0]), [1, 0])


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 12, 13, 64, 1000, None])
def test_chunks_agree(chunk: int | None) -> None:
    x = {"a": np.linspace(-1, 1, 12).reshape(3, 4), "b": np.float64(0.5)}
    calls = []

    def f(x: Any) -> Any:
        calls.append(1)
        return np.sin(x["a"]) @ np.cos(x["a"].T) * x["b"]

    backend = di.AutoForwardDiff(chunk_size=chunk)
    value, got = di.value_and_jacobian(f, backend, x)
    assert len(calls) == -(-13 // (chunk or 64))
    a, b = x["a"], x["b"]
    i, j = np.eye(3), np.cos(a)
    expected = np.einsum("ik,kl,jl->ijkl", i, j, j) - np.einsum(
        "jk,il,kl->ijkl", i, np.sin(a), np.sin(a)
    )
    close(value, np.sin(a) @ np.cos(a.T) * b, 1e-14)
    close(got["a"], expected * b, 1e-13)
    close(got["b"], np.sin(a) @ np.cos(a.T), 1e-14)
    gradient = di.gradient(lambda x: np.sum(f(x)), backend, x)
    close(gradient["a"], np.sum(expected, axis=(0, 1)) * b, 1e-13)


@pytest.mark.parametrize("chunk", [0, -1, 2.5, "all"])
def test_chunk_sizes_that_are_none(chunk: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        di.gradient(np.sum, di.AutoForwardDiff(chunk_size=chunk), np.ones(3))


def test_empty_arrays() -> None:
    x = np.zeros((0, 3))
    assert di.gradient(np.sum, BACKEND, x).shape == (0, 3)
    for f in (np.sin, np.cumsum, lambda x: x @ np.ones((3, 2)), lambda x: np.prod(x, axis=0)):
        value, got = di.value_and_jacobian(f, BACKEND, x)
        assert got.shape == value.shape + (0, 3)
        np.testing.assert_array_equal(value, f(x))
    y = np.ones(4)
    for f in (lambda y: y[4:] ** 2, lambda y: np.diff(y[:1]), lambda y: np.sort(y[:0])):
        value, got = di.value_and_jacobian(f, BACKEND, y)
        assert got.shape == (*value.shape, 4)


def test_division_by_a_zero_number() -> None:
    """As NumPy has it: infinite, with a warning, and no ZeroDivisionError."""
    x = np.array([2.0, -3.0])
    for zero in (0.0, 0):
        with pytest.warns(RuntimeWarning, match="divide by zero"):
            got = di.derivative(lambda t, zero=zero: t / zero, BACKEND, 2.0)
        assert got == np.inf
    with pytest.warns(RuntimeWarning):
        got = di.gradient(lambda x: (x**2).sum() / 0.0, BACKEND, x)
    np.testing.assert_array_equal(got, [np.inf, -np.inf])
