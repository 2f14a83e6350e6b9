"""Branch points and poles: an error that names them, and never a large number."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
import scipy.special

import diffinterface as di

SINGULAR = {
    "sqrt": (np.sqrt, 0.0),
    "power": (lambda x: x**0.5, 0.0),
    "power of 3/2": (lambda x: x**1.5, 0.0),
    "negative power": (lambda x: x**-2, 0.0),
    "float_power": (lambda x: np.float_power(x, 0.5), 0.0),
    "log": (np.log, 0.0),
    "log2": (np.log2, 0.0),
    "log10": (np.log10, 0.0),
    "log1p": (np.log1p, -1.0),
    "arcsin": (np.arcsin, 1.0),
    "arccos": (np.arccos, -1.0),
    "arccosh": (np.arccosh, 1.0),
    "arctanh": (np.arctanh, 1.0),
    "divide": (lambda x: 1 / x, 0.0),
    "reciprocal": (np.reciprocal, 0.0),
    "hypot": (lambda x: np.hypot(x, 0.0), 0.0),
    "hypot of zeros": (lambda x: np.hypot(0.0, x), 0.0),
    "gamma": (scipy.special.gamma, -2.0),
    "digamma": (scipy.special.digamma, 0.0),
    "standard": (lambda x: di.array_namespace(x).sqrt(x), 0.0),
    "sum inside": (lambda x: np.sqrt(x + 1.0), -1.0),
    "closer than the step": (np.sqrt, 1e-16),
}


@pytest.mark.parametrize(("f", "x"), SINGULAR.values(), ids=SINGULAR)
def test_singular_points(f: Any, x: float) -> None:
    with pytest.raises(di.NonAnalyticError, match=r"branch point or a pole"):
        di.derivative(f, "complexstep", x)


def test_the_error_names_function_and_point() -> None:
    with pytest.raises(di.NonAnalyticError, match=r"sqrt at 0\.0") as caught:
        di.gradient(lambda x: np.sum(np.sqrt(x)), "complexstep", np.array([4.0, 0.0]))
    assert caught.value.function == "sqrt"
    assert caught.value.point == "0.0"


@pytest.mark.parametrize(
    "solve", [lambda a: np.linalg.inv(a), lambda a: np.linalg.solve(a, np.ones(2))]
)
def test_singular_matrices(solve: Any) -> None:
    a = np.array([[1.0, 2.0], [2.0, 4.0]])
    with pytest.raises(di.NonAnalyticError, match="singular matrix"):
        di.jacobian(lambda d: solve(a + d * np.eye(2)), "complexstep", np.zeros(()))


def test_constants_may_stand_at_a_branch_point() -> None:
    # Only x moves; the value of a singular function of constants is no matter of the step.
    c = np.array([0.0, 4.0])
    got = di.gradient(lambda x: np.sum(x * np.sqrt(c)), "complexstep", np.array([1.0, 2.0]))
    np.testing.assert_array_equal(got, [0.0, 2.0])
    held = di.jacobian(lambda x: np.sqrt(x[:1]), "complexstep", np.array([4.0, 0.0]))
    np.testing.assert_allclose(held, [[0.25, 0.0]], rtol=1e-14)


@pytest.mark.parametrize("p", [1, 2, 3.0])
def test_whole_powers_have_no_branch_point(p: float) -> None:
    got = di.derivative(lambda x: x**p, "complexstep", 0.0)
    assert got == pytest.approx(1.0 if p == 1 else 0.0, abs=1e-39)  # the square of the step


@pytest.mark.parametrize("x", [1e-12, 1e-6, 3.0])
def test_exact_near_a_branch_point(x: float) -> None:
    want = float(0.5 / mpmath.sqrt(x))
    assert di.derivative(np.sqrt, "complexstep", x) == pytest.approx(want, rel=1e-12)


def test_single_precision() -> None:
    x = np.float32(1e-6)
    got = di.derivative(np.sqrt, "complexstep", x)
    assert got == pytest.approx(0.5 / float(mpmath.sqrt(float(x))), rel=1e-5)
    with pytest.raises(di.NonAnalyticError):
        di.derivative(np.sqrt, "complexstep", np.float32(0.0))


def test_tensors() -> None:
    torch = pytest.importorskip("torch")
    x = torch.zeros((), dtype=torch.float64)
    with pytest.raises(di.NonAnalyticError, match=r"sqrt at 0\.0"):
        di.derivative(lambda x: di.array_namespace(x).sqrt(x), "complexstep", x)


def test_hidden_values_come_out_as_nan() -> None:
    jax = pytest.importorskip("jax")

    @jax.jit
    def slope(x: Any) -> Any:
        return di.derivative(lambda x: di.array_namespace(x).sqrt(x), "complexstep", x)

    assert np.isnan(slope(0.0))
    assert float(slope(4.0)) == pytest.approx(0.25, rel=1e-6)
