"""Ordinary NumPy programs, unchanged, against the complex step of the same program."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di

from ...truth import close, complex_step, differences

BACKEND = di.AutoForwardDiff()
X = np.array([0.3, -1.2, 2.0, 0.7])
M = np.array([[2.0, 0.3, -0.5], [-0.4, 1.5, 0.2], [0.1, 0.6, -1.1]])


def buffer(x: Any) -> Any:
    y = np.zeros_like(x)
    y[0] = x[0] ** 2
    for i in range(1, len(x)):
        y[i] = y[i - 1] * x[i] + np.sin(x[i])
    return y


def wider_buffer(x: Any) -> Any:
    y = np.zeros_like(x, shape=(3, len(x)))
    y[0], y[1:, 1] = x, x[2:]
    y[2] += y[0] * 2
    y[:, 0] *= x[1]
    return y


def in_place(x: Any) -> Any:
    y = x * 1.0
    y += x[::-1]
    y *= x + 2
    y -= 0.5
    y /= 3 + x**2
    y **= 2
    return y


def stencil(x: Any) -> Any:
    y = x.copy()
    for _ in range(3):
        y[1:-1] += 0.1 * (y[2:] - 2 * y[1:-1] + y[:-2]) * x[1:-1]
    return y


def overlapping(x: Any) -> Any:
    y = x * x
    y[1:] = y[:-1]
    y[:-1] += y[1:] * x[0]
    return y


def sorting(x: Any) -> Any:
    order = np.argsort(x)
    y = np.sort(x)[::-1] * x[order]
    return np.concatenate([y, x[np.argmax(x)][None], np.unique(order) * np.min(x)])


def branches(x: Any) -> Any:
    total = 0.0
    for value in x:
        if value > 0.5:
            total = total + value**2
        elif value < 0:
            total = total - 3 * value
        else:
            total = total * value
    return total * np.where(x > 0, x, x**3)


def python_scalars(x: Any) -> Any:
    a, b, *rest = x
    c = sum(rest) + 2 * a - b / 3 + 1
    return max(a, b, c) * min(rest) + pow(a, 3) - (-b) + divmod(c, 10)[1] + abs(a)


def newton(x: Any) -> Any:
    root = 1 + 0 * x[0]
    for _ in range(30):
        root = root - (root**3 + x[0] * root - 5) / (3 * root**2 + x[0])
    return root


def newton_until_converged(x: Any) -> Any:
    root, step = x[3] * 0 + 1.5, 1.0
    while abs(step) > 1e-12:
        step = (root * root - x[2]) / (2 * root)
        root = root - step
    return root


def products(x: Any) -> Any:
    a = np.outer(x, x[:3]) + np.eye(4, 3)
    return np.einsum("ij,kj,k->i", a, a, x) + a @ (a.T @ x) + np.tensordot(a, a, 2)


def linear_algebra(x: Any) -> Any:
    a = x[:3, None] * M + np.diag(x[1:] ** 2)
    b = np.linalg.solve(a, x[:3]) + np.linalg.inv(a) @ x[1:]
    return b * np.linalg.det(a) + np.linalg.matrix_power(a, -2)[0]


def stacking(x: Any) -> Any:
    rows = [x[i : i + 2] * i for i in range(3)]
    a = np.vstack(rows) + np.stack([x[:2], x[2:], np.ones(2)])
    return np.hstack([a, np.column_stack([x[:3], np.arange(3.0)])])


def lists(x: Any) -> Any:
    matrix = np.stack([np.stack([x[0], x[1]]), np.stack([2.0, x[0] * x[2]])])
    return matrix @ np.array([1.0, -1.0]) + np.concatenate([x[:1], [3.0]])


def broadcasting(x: Any) -> Any:
    distance = x[:, None] - x[None, :]
    weights = np.exp(-(distance**2)) * np.arange(4.0)[:, None, None]
    return weights.sum(axis=(0, 2)) / weights.mean(axis=0).max()


def cumulative(x: Any) -> Any:
    return np.cumsum(x**2) * np.cumprod(x) + np.convolve(x, x[:2], "same") * np.polyval(x, 0.7)


def filters(x: Any) -> Any:
    smooth = np.convolve(x, [0.25, 0.5, 0.25], mode="full")
    return np.diff(smooth) * np.trapezoid(x) + np.interp(0.4, np.arange(4.0), x.real)


def indexing(x: Any) -> Any:
    mask = x > 0
    y = x[[0, 0, 2]] * x[np.array([1, 2, 3])] + x[mask]
    z = x * 1.0
    z[mask] = y
    z[~mask] *= z[[3]]
    z[[1, 3]] = z[[3, 1]]
    z[-1:] += x[..., 0]
    return z[np.ix_([2, 0])] * z[None, ..., [1, 2]]


def cube(x: Any) -> Any:
    c = x[:, None, None] * np.arange(1.0, 7.0).reshape(2, 3)
    c[:, [0, 1], [2, 0]] = c[0, :, 1] * 2
    c[1, ..., 0] = x[:2]
    return c[:, np.array([True, False]), 1:] * c[[0, 1, 2, 3], 0, -1][:, None, None]


def vectorised(x: Any) -> Any:
    return np.vectorize(lambda v: v**2 if v > 0 else 3 * v)(x)


def vectorised_inside(x: Any) -> Any:
    return np.sum(np.vectorize(lambda v: v**2 if v > 0 else 3 * v)(x) * x)


def runge_kutta(x: Any) -> Any:
    def slope(y: Any) -> Any:
        return np.stack([y[1], -x[0] * np.sin(y[0])])

    y, h = np.stack([x[1], x[2]]), 0.1
    for _ in range(5):
        k1 = slope(y)
        k2 = slope(y + h / 2 * k1)
        y = y + h * k2
    return y


# Complex numbers have no order in Python.
ORDERED = (branches, python_scalars, newton_until_converged, vectorised, vectorised_inside)
PROGRAMS = [
    *(buffer, wider_buffer, in_place, stencil, overlapping, sorting, branches, python_scalars),
    *(newton, newton_until_converged, products, linear_algebra, stacking, lists, broadcasting),
    *(cumulative, indexing, cube, vectorised, vectorised_inside, runge_kutta),
]


@pytest.mark.parametrize("f", PROGRAMS)
def test_program(f: Any) -> None:
    before = X.copy()
    if f in ORDERED:
        expected, tol = differences(f, X, 2.0**-7), 1e-10
    else:
        expected, tol = complex_step(f, X), 1e-12
    value, got = di.value_and_jacobian(f, BACKEND, X)
    close(value, f(X), 1e-13)
    close(got, expected, tol)
    np.testing.assert_array_equal(X, before)
    second = di.jacobian(lambda x: di.jacobian(f, BACKEND, x), BACKEND, X)
    truth = differences(lambda x: di.jacobian(f, BACKEND, x), X, 2.0**-7)
    close(second, truth, 1e-8, float(np.max(np.abs(expected))))


def test_filters() -> None:
    value, got = di.value_and_jacobian(filters, BACKEND, X)
    close(value, filters(X), 1e-14)
    close(got, differences(filters, X, 0.25), 1e-12)


@pytest.mark.parametrize("f", [np.linalg.cholesky, lambda a: np.linalg.eigh(a)[0]])
def test_symmetric_matrices(f: Any) -> None:
    def program(x: Any) -> Any:
        a = np.outer(x, x) + np.diag(x[::-1] ** 2 + 1)
        return f(a) @ x

    value, got = di.value_and_jacobian(program, BACKEND, X)
    close(value, program(X), 1e-13)
    close(got, differences(program, X, 2.0**-7), 1e-10)


@pytest.mark.parametrize("f", [np.linalg.cholesky, lambda a: np.linalg.eigh(a)[1]])
def test_symmetric_matrices_in_unsymmetric_directions(f: Any) -> None:
    """NumPy reads one triangle; JAX and torch symmetrise. Anything else is a third answer."""
    a = M @ M.T + np.eye(3)
    got = di.jacobian(f, BACKEND, a)
    lower = differences(lambda b: f(np.tril(b) + np.tril(b, -1).T), a, 2.0**-7)
    symmetrised = differences(lambda b: f((b + b.T) / 2), a, 2.0**-7)
    assert np.allclose(got, lower, atol=1e-9) or np.allclose(got, symmetrised, atol=1e-9)


def test_the_caller_keeps_x() -> None:
    """F may write into its argument; the caller's arrays stay."""

    def f(x: Any, c: Any) -> Any:
        x *= 2.0
        x[0] = c[1] * x[1]
        return x * c[:4]

    x, c = X.copy(), np.arange(5.0)
    value, got = di.value_and_jacobian(f, BACKEND, x, c)
    np.testing.assert_array_equal(x, X)
    close(value, f(X.copy(), c), 1e-15)
    close(got, complex_step(lambda x: f(x, c), X), 1e-14)
    for operator in (di.pushforward, di.hvp):
        g = f if operator is di.pushforward else (lambda x, c: np.sum(f(x, c)))
        t = np.ones(4)
        operator(g, BACKEND, x, t, c)
        np.testing.assert_array_equal(x, X)
        np.testing.assert_array_equal(t, np.ones(4))


def test_complex_numbers() -> None:
    z = np.array([0.5 + 1j, -0.3 - 0.2j])

    def holomorphic(z: Any) -> Any:
        return np.exp(z[0]) * z**3 / (1 + z[1]) + np.sqrt(z) * np.linalg.solve(A, z)

    A = np.array([[2.0, 1j], [0.3, 1.0]])
    got = di.jacobian(holomorphic, BACKEND, z)
    h = 1e-6
    columns = [(holomorphic(z + h * e) - holomorphic(z - h * e)) / (2 * h) for e in np.eye(2)]
    close(got, np.stack(columns, -1), 1e-8)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.abs(np.sign(np.exp(1j * x) + 2) - 1),
        lambda x: np.abs(np.fft.fft(x)) ** 2,
        lambda x: np.linalg.cholesky(H[0] + x[0] * H[1]).real,
        lambda x: np.linalg.cholesky(H[0] + x[0] * H[1]).imag,
        lambda x: np.linalg.eigvalsh(H[0] + x[0] * H[1]),
        lambda x: np.linalg.slogdet(G + x[0] * H[1])[1],
        lambda x: np.linalg.slogdet(G + x[0] * H[1])[0].imag,
        lambda x: np.linalg.svdvals(G + x[0] * H[1]),
        lambda x: np.linalg.norm(x + 1j * x[::-1] ** 2),
        lambda x: np.var(x + 1j * x[::-1] ** 2),
        lambda x: np.cov(np.outer([1, 2j], x) + x**2).real,
        lambda x: np.vdot(x * (1 + 2j), np.exp(1j * x)).imag,
        lambda x: np.real(np.polyval([1j, 2.0], x * 1j)),
        lambda x: np.angle(np.prod(x + 1j)),
    ],
)
def test_real_functions_through_complex_ones(f: Any) -> None:
    value, got = di.value_and_jacobian(f, BACKEND, X)
    close(value, f(X), 1e-13)
    assert got.dtype == np.float64
    close(got, differences(f, X, 2.0**-8), 1e-9)


H = np.array([[[3.0, 1 + 1j], [1 - 1j, 2.0]], [[1.0, 0.2 - 0.1j], [0.2 + 0.1j, 0.5]]])
G = np.array([[1 + 2j, 0.3], [0.1j, 2 - 1j]])
