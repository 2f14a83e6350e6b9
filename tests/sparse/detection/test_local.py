"""Local patterns: the branches that the values take, and no more than that is left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffinterface.sparse.detection import TracerDetector

from .checks import dense

LOCAL, GLOBAL = TracerDetector("local"), TracerDetector()
X = np.array([1.0, -2.0, 3.0, 0.5])

#: f, and the columns of each row: at X, and anywhere.
CASES: dict[str, tuple[Callable[[Any], Any], list[list[int]], list[list[int]]]] = {
    "where": (
        lambda x: np.where(x > 0, x, x[::-1]),
        [[0], [2], [2], [3]],
        [[0, 3], [1, 2], [1, 2], [0, 3]],
    ),
    "maximum": (lambda x: np.maximum(x[:2], x[2:]), [[2], [3]], [[0, 2], [1, 3]]),
    "minimum": (lambda x: np.minimum(x[:2], x[2:]), [[0], [1]], [[0, 2], [1, 3]]),
    "tie": (lambda x: np.maximum(x[:1], x[:1] * x[3:] * 2)[:1], [[0, 3]], [[0, 3]]),
    "clip": (lambda x: np.clip(x, -1.0, 2.0), [[0], [], [], [3]], [[0], [1], [2], [3]]),
    "max": (lambda x: np.max(x), [[2]], [[0, 1, 2, 3]]),
    "sort": (lambda x: np.sort(x), [[1], [3], [0], [2]], [[0, 1, 2, 3]] * 4),
    "mask": (lambda x: x * (x > 0), [[0], [1], [2], [3]], [[0], [1], [2], [3]]),
    "product with zero": (lambda x: (x[:1] - 1) * x[1:2], [[0, 1]], [[0, 1]]),
    "by argmax": (lambda x: x[np.argmax(x)], [[2]], [[0, 1, 2, 3]]),
    "select": (
        lambda x: np.select([x < 0, x < 2], [x[::-1], 2 * x], default=1.0),
        [[0], [2], [], [3]],
        [[0, 3], [1, 2], [1, 2], [0, 3]],
    ),
}


def matrix(rows: list[list[int]]) -> Any:
    result = np.zeros((len(rows), 4), bool)
    for i, columns in enumerate(rows):
        result[i, columns] = True
    return result


@pytest.mark.parametrize("name", CASES)
def test_patterns(name: str) -> None:
    f, here, anywhere = CASES[name]
    np.testing.assert_array_equal(dense(LOCAL.jacobian_pattern(f, X)), matrix(here))
    np.testing.assert_array_equal(dense(GLOBAL.jacobian_pattern(f, X)), matrix(anywhere))


def test_nan_takes_no_branch() -> None:
    x = np.array([np.nan, 1.0])
    assert dense(LOCAL.jacobian_pattern(lambda x: np.maximum(x[0], x[1]), x)).all()
    assert dense(LOCAL.jacobian_pattern(lambda x: np.max(x), x)).all()
    assert dense(LOCAL.jacobian_pattern(lambda x: np.sort(x), x)).all()
    assert dense(LOCAL.jacobian_pattern(lambda x: np.clip(x, 0, 1), x)).diagonal().all()


def test_equal_entries_share_their_place() -> None:
    x = np.array([2.0, 1.0, 2.0])
    assert dense(LOCAL.jacobian_pattern(np.sort, x)).all()
    np.testing.assert_array_equal(dense(LOCAL.jacobian_pattern(np.max, x)), [[True, False, True]])


def test_hessian() -> None:
    f = lambda x: np.sum(np.where(x > 0, x**2, x))  # noqa: E731
    np.testing.assert_array_equal(dense(LOCAL.hessian_pattern(f, X)), np.diag(X > 0))
    np.testing.assert_array_equal(dense(GLOBAL.hessian_pattern(f, X)), np.eye(4) > 0)


def test_global_masks_write_conservatively() -> None:
    """An assignment under a mask computed from x keeps the old and takes the new."""

    def f(x: Any) -> Any:
        y = x.copy()
        y[x < 0] = x[0]
        y[x > 100] = 7.0
        return y

    expected = np.eye(4, dtype=bool)
    expected[:, 0] = True
    np.testing.assert_array_equal(dense(GLOBAL.jacobian_pattern(f, X)), expected)
    expected = np.eye(4, dtype=bool)
    expected[1] = [True, False, False, False]
    np.testing.assert_array_equal(dense(LOCAL.jacobian_pattern(f, X)), expected)


def test_division_where_it_is_defined() -> None:
    """The idiom with where= and out=: both the quotient and the old value count."""

    def f(x: Any) -> Any:
        return np.divide(x, x[::-1], out=x.copy() * 0, where=x != 0)

    expected = np.eye(4, dtype=bool) | np.eye(4, dtype=bool)[::-1]
    np.testing.assert_array_equal(dense(GLOBAL.jacobian_pattern(f, X)), expected)
