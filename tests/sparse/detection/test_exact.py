"""Functions whose patterns are known by hand: found exactly, not only covered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface.sparse.detection import TracerDetector

from .checks import dense

N = 6
I = np.eye(N, dtype=bool)  # noqa: E741 - the identity
UP = np.eye(N, k=1, dtype=bool)
X = np.linspace(0.3, 1.4, N)
ONES = np.ones((N, N), bool)


def tri(*offsets: int) -> Any:
    return np.any([np.eye(N, k=k, dtype=bool) for k in offsets], axis=0)


def vectorised(x: Any) -> Any:
    return np.vectorize(lambda v: v**2 if v is not None else v)(x)


def buffered(x: Any) -> Any:
    y = np.zeros_like(x)
    y[1:] = x[:-1] * x[1:]
    y[0] += x[-1]
    y[2:4] *= 2.0
    return y


def through_views(x: Any) -> Any:
    y = np.empty_like(x).reshape(2, 3)
    top, bottom = y
    top[...] = x[3:]
    bottom[:] = x[:3]
    flat = y.ravel()
    flat[0] = 0.0
    return y.reshape(-1)


def cumulated(x: Any) -> Any:
    parts = [x[0]]
    for i in range(1, N):
        parts.append(parts[-1] + x[i])
    return np.stack(parts)


def _assembled(x: Any) -> Any:
    """Three elements of two nodes each, and what both halves of x add to them."""
    total = np.zeros_like(x, shape=4)
    for half in (x[:3], x[3:]):
        np.add.at(total, np.array([[0, 1], [1, 2], [2, 3]]), half[:, None] * np.ones(2))
    return total


def _diagonal_written(x: Any) -> Any:
    m = np.zeros_like(x, shape=(2, 2))
    np.einsum("ii->i", m)[:] = x[:2]
    return m


def _flat_written(x: Any) -> Any:
    y = x.copy().reshape(2, 3)
    y.flat[0] = y.flat[1]
    return y


JACOBIANS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "identity": (lambda x: x, I),
    "elementwise": (lambda x: np.exp(np.sin(x)) / (1 + x**2), I),
    "constant": (lambda x: np.ones(N), 0 * ONES),
    "floor": (lambda x: np.floor(x) + np.sign(x) + (x > 0), 0 * ONES),
    "rounded": (lambda x: x.astype(int) * 1.0, 0 * ONES),
    "reversed": (lambda x: x[::-1], I[::-1]),
    "roll": (lambda x: np.roll(x, 1), np.roll(I, 1, axis=0)),
    "difference": (lambda x: np.diff(x), (I | UP)[:-1]),
    "second difference": (lambda x: np.diff(x, n=2), tri(0, 1, 2)[:-2]),
    "laplacian": (lambda x: x[2:] - 2 * x[1:-1] + x[:-2], tri(0, 1, 2)[:-2]),
    "padded": (lambda x: np.pad(x, 1)[2:] - np.pad(x, 1)[:-2], tri(-1, 1)),
    "sum": (lambda x: np.sum(x) * np.ones(2), ONES[:2]),
    "cumsum": (lambda x: np.cumsum(x), np.tri(N, dtype=bool)),
    "python loop": (cumulated, np.tri(N, dtype=bool)),
    "block sums": (lambda x: x.reshape(2, 3).sum(axis=1), np.kron(np.eye(2), np.ones((1, 3))) > 0),
    "outer": (lambda x: np.outer(x[:2], x[2:4]), None),
    "matrix times": (lambda x: np.ones((3, 2)) @ x[:2], np.tile([1, 1, 0, 0, 0, 0], (3, 1)) > 0),
    "batched matmul": (lambda x: np.matmul(x.reshape(2, 3), np.ones((3, 1))), None),
    "einsum": (lambda x: np.einsum("ij,kj->ik", x.reshape(2, 3), np.ones((1, 3))), None),
    "convolve": (lambda x: np.convolve(x, [1.0, 2.0, 1.0], mode="same"), tri(-1, 0, 1)),
    "gradient": (lambda x: np.gradient(x), None),
    "where": (lambda x: np.where(x > 0.7, x, x[::-1]), I | I[::-1]),
    "where by position": (lambda x: np.where(np.arange(N) < 3, x, x[::-1]), None),
    "maximum": (lambda x: np.maximum(x, 0.7), I),
    "take": (lambda x: x[[0, 0, 5]], I[[0, 0, 5]]),
    "buffer": (buffered, None),
    "views": (through_views, None),
    "out": (lambda x: np.add(x, x[::-1], out=np.empty_like(x)), I | I[::-1]),
    "split": (
        lambda x: np.concatenate(np.split(x, 3)[::-1]),
        I.reshape(3, 2, N)[::-1].reshape(N, N),
    ),
    "sort": (lambda x: np.sort(x), ONES),
    "fft": (lambda x: np.real(np.fft.fft(x)), ONES),
    "vectorize": (vectorised, I),
    "standard names": (lambda x: _standard(di.array_namespace(x), x), I | I[::-1]),
    "assembly": (_assembled, None),
    "bincount": (lambda x: np.bincount([2, 0, 2, 1, 1, 0], weights=x), None),
    "differences of pairs": (lambda x: np.subtract.outer(x[:2], x[4:]), None),
    "diagonal by einsum": (_diagonal_written, None),
    "flat": (_flat_written, None),
    "where by name": (lambda x: np.where(x > 0.7, x, x[::-1]), I | I[::-1]),
    "objects": (lambda x: np.asarray(x, dtype=object)[:2].sum(), None),
    "stop": (lambda x: x * di.stop_gradient(x[::-1]), I),
}
KNOWN = {
    "outer": [[0, 2], [0, 3], [1, 2], [1, 3]],
    "batched matmul": [[0, 1, 2], [3, 4, 5]],
    "einsum": [[0, 1, 2], [3, 4, 5]],
    "gradient": [[0, 1], [0, 2], [1, 3], [2, 4], [3, 5], [4, 5]],
    "where by position": [[0], [1], [2], [2], [1], [0]],
    "buffer": [[5], [0, 1], [1, 2], [2, 3], [3, 4], [4, 5]],
    "views": [[], [4], [5], [0], [1], [2]],
    "assembly": [[0, 3], [0, 1, 3, 4], [1, 4, 2, 5], [2, 5]],
    "bincount": [[1, 5], [3, 4], [0, 2]],
    "differences of pairs": [[0, 4], [0, 5], [1, 4], [1, 5]],
    "diagonal by einsum": [[0], [], [], [1]],
    "flat": [[1], [1], [2], [3], [4], [5]],
    "objects": [[0, 1]],
}


def _standard(xp: Any, x: Any) -> Any:
    y = xp.concat([x[:3], xp.flip(x)[3:]])
    z = xp.permute_dims(xp.stack([y, xp.flip(x)]), (1, 0))
    return xp.linalg.vector_norm(z, axis=1) + xp.asarray(x)


def rows(lists: list[list[int]]) -> Any:
    matrix = np.zeros((len(lists), N), bool)
    for i, columns in enumerate(lists):
        matrix[i, columns] = True
    return matrix


@pytest.mark.parametrize("name", JACOBIANS)
def test_jacobian(name: str) -> None:
    f, expected = JACOBIANS[name]
    expected = rows(KNOWN[name]) if expected is None else np.asarray(expected, bool)
    got = dense(TracerDetector().jacobian_pattern(f, X))
    np.testing.assert_array_equal(got, expected)


CROSS = rows([[3], [4], [5], [0], [1], [2]])
HESSIANS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "linear": (lambda x: np.sum(3 * x) + np.mean(x) + x[0] - np.max(x), 0 * ONES),
    "constant": (lambda x: 1.0, 0 * ONES),
    "squares": (lambda x: np.sum(x**2), I),
    "dot with itself": (lambda x: x @ x, I),
    "cubes": (lambda x: np.sum(x * x * x), I),
    "exponentials": (lambda x: np.sum(np.exp(np.sin(x))), I),
    "cross products": (lambda x: np.dot(x[:3], x[3:]), CROSS),
    "neighbours": (lambda x: np.sum(x[1:] * x[:-1]), tri(-1, 1)),
    "square of a sum": (lambda x: np.sum(x) ** 2, ONES),
    "quotient": (lambda x: x[0] / x[1], rows([[1], [0, 1], [], [], [], []])),
    "first power": (lambda x: np.sum(x**1), 0 * ONES),
    "dead code": (lambda x: (np.sum(x) ** 2, np.sum(x**2))[1], I),
    "cut off": (lambda x: np.sum((np.sum(x) ** 2 > 1) * x**2), I),
    "overwritten": (lambda x: _overwritten(x), I),
    "product of all": (lambda x: np.prod(x), ~I),
    "quadratic form": (lambda x: x @ (np.ones((N, N)) @ x), ONES),
    "norm": (lambda x: np.linalg.norm(x), ONES),
    "log of a product": (lambda x: np.log(x[0] * x[1]), rows([[0, 1], [0, 1], [], [], [], []])),
    "absolute": (lambda x: np.sum(np.abs(x)), 0 * ONES),
    "where": (lambda x: np.sum(np.where(x > 1, x**2, 2 * x)), I),
    "matrix product": (
        lambda x: np.sum(x[:4].reshape(2, 2) @ np.stack([x[4], x[5]])),
        rows([[4], [5], [4], [5], [0, 2], [1, 3]]),
    ),
}


def _overwritten(x: Any) -> Any:
    y = np.zeros_like(x)
    y[...] = np.sum(x) ** 2
    y[...] = x**2
    return np.sum(y)


@pytest.mark.parametrize("name", HESSIANS)
def test_hessian(name: str) -> None:
    f, expected = HESSIANS[name]
    got = dense(TracerDetector().hessian_pattern(f, X))
    np.testing.assert_array_equal(got, np.asarray(expected, bool))
