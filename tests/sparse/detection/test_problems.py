"""Problems of the literature, whose patterns follow from their grids."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse

from diffinterface.sparse.detection import TracerDetector

from .checks import covers, dense, hessian_at, jacobian_at

DETECTOR = TracerDetector()


def brusselator(state: Any) -> Any:
    """Two reacting, diffusing species on a periodic square (Wanner & Hairer, *Solving ODEs II*)."""
    u, v = state[0], state[1]

    def laplacian(w: Any) -> Any:
        return sum(np.roll(w, shift, axis) for shift in (1, -1) for axis in (0, 1)) - 4 * w

    return np.stack(
        [1 + u**2 * v - 4.4 * u + 10 * laplacian(u), 3.4 * u - u**2 * v + 10 * laplacian(v)]
    )


def brusselator_in_place(state: Any) -> Any:
    change = np.zeros_like(state)
    (u, v), (du, dv) = state, change
    for w, dw in ((u, du), (v, dv)):
        wide = np.pad(w, 1, mode="wrap")
        dw += wide[2:, 1:-1] + wide[:-2, 1:-1] + wide[1:-1, 2:] + wide[1:-1, :-2]
        dw -= 4 * w
    du += 1 + u * u * v - 4.4 * u
    dv += 3.4 * u - u * u * v
    return change


def brusselator_pattern(n: int) -> Any:
    """Each species with itself at five points, and with the other at the point itself."""
    ring = scipy.sparse.eye_array(n) + np.roll(np.eye(n), 1, 0) + np.roll(np.eye(n), -1, 0)
    eye = np.eye(n)
    stencil = np.kron(ring, eye) + np.kron(eye, ring)
    return np.kron(np.eye(2), stencil) + np.kron(np.ones((2, 2)), np.eye(n * n)) > 0


@pytest.mark.parametrize("f", [brusselator, brusselator_in_place])
@pytest.mark.parametrize("n", [3, 6, 11])
def test_brusselator(f: Any, n: int) -> None:
    x = np.random.default_rng(0).normal(size=(2, n, n))
    np.testing.assert_array_equal(dense(DETECTOR.jacobian_pattern(f, x)), brusselator_pattern(n))


def test_large_brusselator() -> None:
    n = 224
    x = np.ones((2, n, n))
    pattern = DETECTOR.jacobian_pattern(brusselator, x)
    assert pattern.shape == (2 * n * n, 2 * n * n)
    assert (np.diff(pattern.indptr) == 6).all()
    assert (pattern != DETECTOR.jacobian_pattern(brusselator_in_place, x)).nnz == 0


def test_burgers_step() -> None:
    """An upwind step by the sign of the speed: both sides count, wherever x is."""

    def step(u: Any) -> Any:
        left, right = np.roll(u, 1), np.roll(u, -1)
        return (
            u
            - 0.1 * np.where(u > 0, u * (u - left), u * (right - u))
            + 0.01 * (left - 2 * u + right)
        )

    n = 7
    expected = np.eye(n) + np.roll(np.eye(n), 1, 0) + np.roll(np.eye(n), -1, 0) > 0
    for sign in (1.0, -1.0):
        got = dense(DETECTOR.jacobian_pattern(step, sign * np.ones(n)))
        np.testing.assert_array_equal(got, expected)


def test_many_steps_grow_the_stencil() -> None:
    def f(u: Any) -> Any:
        for _ in range(5):
            u = u.copy()
            u[1:-1] += 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])
        return u

    n = 15
    step = np.eye(n) + np.eye(n, k=1) + np.eye(n, k=-1)
    step[0], step[-1] = np.eye(n)[0], np.eye(n)[-1]
    expected = np.linalg.matrix_power(step, 5) > 0
    np.testing.assert_array_equal(dense(DETECTOR.jacobian_pattern(f, np.ones(n))), expected)


def test_arrow() -> None:
    def f(x: Any) -> Any:
        return np.concatenate([np.sum(x**2)[None], x[0] * x[1:]])

    expected = np.eye(6, dtype=bool)
    expected[0] = expected[:, 0] = True
    np.testing.assert_array_equal(dense(DETECTOR.jacobian_pattern(f, np.ones(6))), expected)


@pytest.mark.parametrize("width", [0, 1, 3])
def test_banded(width: int) -> None:
    def f(x: Any) -> Any:
        wide = np.pad(x, width)
        return np.sin(sum(wide[k : k + x.shape[0]] for k in range(2 * width + 1)))

    expected = abs(np.subtract.outer(np.arange(9), np.arange(9))) <= width
    np.testing.assert_array_equal(dense(DETECTOR.jacobian_pattern(f, np.ones(9))), expected)


def rosenbrock(x: Any) -> Any:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def test_rosenbrock_chain() -> None:
    x = np.random.default_rng(1).normal(size=9)
    expected = abs(np.subtract.outer(np.arange(9), np.arange(9))) <= 1
    got = dense(DETECTOR.hessian_pattern(rosenbrock, x))
    np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(got, hessian_at(rosenbrock, x))


def test_rosenbrock_chain_by_a_loop() -> None:
    def f(x: Any) -> Any:
        total = 0.0
        for i in range(len(x) - 1):
            total = total + 100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2
        return total

    expected = abs(np.subtract.outer(np.arange(8), np.arange(8))) <= 1
    np.testing.assert_array_equal(dense(DETECTOR.hessian_pattern(f, np.ones(8))), expected)


def test_block_least_squares() -> None:
    """Residuals of blocks of parameters of their own, and of two that all blocks share."""
    blocks, own, shared = 4, 3, 2
    t = np.linspace(0, 1, 5)

    def residuals(p: Any) -> Any:
        local = p[shared:].reshape(blocks, own)
        model = local[:, :1] * np.exp(-local[:, 1:2] * t) + local[:, 2:] + p[0] * np.sin(p[1] * t)
        return model.reshape(-1)

    x = np.random.default_rng(2).uniform(0.5, 1.5, shared + blocks * own)
    expected = np.hstack(
        [np.ones((blocks * 5, shared)), np.kron(np.eye(blocks), np.ones((5, own)))]
    )
    got = dense(DETECTOR.jacobian_pattern(residuals, x))
    np.testing.assert_array_equal(got, expected > 0)
    covers(got, jacobian_at(residuals, x))
    cost = dense(DETECTOR.hessian_pattern(lambda p: 0.5 * np.sum(residuals(p) ** 2), x))
    np.testing.assert_array_equal(cost, expected.T @ expected > 0)


def stiffness(n: int) -> Any:
    """Linear finite elements on an interval, as a sparse matrix with some stored zeros."""
    k = scipy.sparse.diags_array(
        [-np.ones(n - 1), 2 * np.ones(n), -np.ones(n - 1)], offsets=[-1, 0, 1]
    ).tocsr()
    k.data[1] = 0.0
    return k


@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
def test_finite_elements(form: str) -> None:
    k = stiffness(7).asformat(form)
    expected = abs(np.subtract.outer(np.arange(7), np.arange(7))) <= 1

    def f(u: Any) -> Any:
        return k @ u + u**3

    np.testing.assert_array_equal(dense(DETECTOR.jacobian_pattern(f, np.ones(7))), expected)
    energy = DETECTOR.hessian_pattern(lambda u: 0.5 * u @ (k @ u) + np.sum(u**4), np.ones(7))
    np.testing.assert_array_equal(dense(energy), expected)


def test_sparse_matrix_times_columns_and_from_the_right() -> None:
    k = stiffness(4)
    near = abs(np.subtract.outer(np.arange(4), np.arange(4))) <= 1
    got = dense(DETECTOR.jacobian_pattern(lambda u: k @ u, np.ones((4, 2))))
    np.testing.assert_array_equal(got, np.kron(near, np.eye(2)) > 0)
    right = dense(DETECTOR.jacobian_pattern(lambda u: u @ k, np.ones(4)))
    np.testing.assert_array_equal(right, near)
    with_matrix = dense(
        DETECTOR.jacobian_pattern(lambda u: scipy.sparse.csr_matrix(k) * u, np.ones(4))
    )
    np.testing.assert_array_equal(with_matrix, right)


def test_assembly_by_elements() -> None:
    elements = np.array([[0, 1, 2], [1, 2, 3], [3, 4, 5]])

    def energy(u: Any, table: Any) -> Any:
        return np.sum(np.sum(u[table], axis=1) ** 2)

    expected = np.zeros((6, 6), bool)
    for element in elements:
        expected[np.ix_(element, element)] = True
    got = dense(DETECTOR.hessian_pattern(energy, np.ones(6), elements))
    np.testing.assert_array_equal(got, expected)
