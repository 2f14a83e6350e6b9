"""Levenberg-Marquardt on every engine."""

from typing import Any

import numpy as np
import pytest
from valley import NotConvergedError, levenberg_marquardt

import diffinterface as di
from diffinterface.testing import assert_backends_agree

TIMES = np.linspace(0.0, 2.0, 12)
TRUE = np.array([3.0, 0.7, 0.5])


def decay(p: Any, times: Any, data: Any) -> Any:
    return p[0] * di.array_namespace(p).exp(-p[1] * times) + p[2] - data


def by_hand(p: np.ndarray) -> np.ndarray:
    fall = np.exp(-p[1] * TIMES)
    return np.stack([fall, -p[0] * TIMES * fall, np.ones_like(fall)], axis=1)


def test_a_fit_without_noise(ad_backend: Any) -> None:
    data = decay(TRUE, TIMES, 0.0)
    found = levenberg_marquardt(decay, np.ones(3), TIMES, data, backend=ad_backend)
    np.testing.assert_allclose(found.x, TRUE, rtol=1e-6)


def test_a_fit_with_noise(ad_backend: Any) -> None:
    """The normal equations hold, with the Jacobian by hand."""
    data = decay(TRUE, TIMES, 0.0) + 0.1 * np.random.default_rng(4).normal(size=len(TIMES))
    found = levenberg_marquardt(decay, np.ones(3), TIMES, data, backend=ad_backend, tolerance=1e-7)
    r = decay(found.x, TIMES, data)
    assert found.value > 0.01
    np.testing.assert_allclose(found.value, r @ r / 2)
    np.testing.assert_allclose(by_hand(found.x).T @ r, np.zeros(3), atol=1e-6)


def test_a_linear_problem() -> None:
    """One that least squares solves at once, and that is rank-deficient without damping."""
    draw = np.random.default_rng(5)
    matrix, data = draw.normal(size=(8, 3)), draw.normal(size=8)
    found = levenberg_marquardt(lambda x: x @ matrix.T - data, np.zeros(3))
    np.testing.assert_allclose(found.x, np.linalg.lstsq(matrix, data, rcond=None)[0], rtol=1e-7)


def test_residuals_of_the_users_library() -> None:
    torch = pytest.importorskip("torch")
    found = levenberg_marquardt(
        lambda x: torch.stack([x[0] - 3, torch.exp(x[1]) - 2]), np.zeros(2), backend="torch"
    )
    np.testing.assert_allclose(found.x, [3.0, np.log(2.0)], rtol=1e-7)


def test_the_engines_agree() -> None:
    data = np.zeros(len(TIMES))
    assert_backends_agree(decay, TRUE, TIMES, data, operator="jacobian")


def test_failures_are_told() -> None:
    with pytest.raises(NotConvergedError, match="not finite after 0 steps"):
        levenberg_marquardt(lambda x: x * np.nan, np.ones(2))
    with pytest.raises(NotConvergedError, match="not reached after 1 steps"):
        levenberg_marquardt(decay, np.ones(3), TIMES, 2 * TIMES, most_steps=1)
