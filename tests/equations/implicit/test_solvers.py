"""Linear solvers and representations; what they say when they fail."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface.implicit import (
    ConditionsWarning,
    ImplicitFunction,
    LinearSolverWarning,
    SingularSystemError,
    SolveError,
)

from .common import C, X, gradient, hessian, implicit, jacobian, loss

KRYLOV = ("gmres", "lgmres", "bicgstab")
N = 40


def laplacian(u: Any) -> Any:
    """Second differences with zero ends."""
    return 2 * u - np.concatenate([u[1:], 0 * u[:1]]) - np.concatenate([0 * u[:1], u[:-1]])


def heat(x: Any) -> Any:
    """``L u + u = x`` solved."""
    L = np.diag(np.full(N, 3.0)) - np.diag(np.ones(N - 1), 1) - np.diag(np.ones(N - 1), -1)
    return np.linalg.solve(L, x)


@pytest.mark.parametrize("solver", KRYLOV)
@pytest.mark.parametrize(
    ("representation", "outer"), [("operator", "forwarddiff"), ("matrix", "torch")]
)
def test_krylov_methods(solver: str, representation: Any, outer: str) -> None:
    pytest.importorskip("scipy")
    f = implicit("forwarddiff", linear_solver=solver, representation=representation)
    np.testing.assert_allclose(di.jacobian(f, outer, X, C), jacobian(), rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(di.gradient(loss(f), outer, X), gradient(), rtol=1e-8)


def test_the_hessian_without_any_matrix() -> None:
    pytest.importorskip("scipy")
    f = implicit("forwarddiff", representation="operator")
    got = di.hessian(loss(f), "forwarddiff", X)
    np.testing.assert_allclose(got, hessian(), rtol=1e-7, atol=1e-8)


def heated(solver: Any) -> ImplicitFunction:
    """The heat equation, whose linear systems are solved by products alone."""
    return ImplicitFunction(
        heat,
        lambda x, u: laplacian(u) + u - x,
        backend="forwarddiff",
        representation="operator",
        linear_solver=solver,
    )


@pytest.mark.parametrize("solver", ["cg", "minres", "gmres"])
def test_a_symmetric_system_by_products_alone(solver: str) -> None:
    pytest.importorskip("scipy")
    f = heated(solver)
    x = np.linspace(-1, 2, N)
    want = heat(np.eye(N)[3])
    got = di.pushforward(f, "forwarddiff", x, np.eye(N)[3])
    np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-9)


def test_a_solver_of_ones_own() -> None:
    seen = []

    def lapack(A: Any, b: Any) -> Any:
        seen.append(A.shape)
        return np.linalg.solve(A, b)

    f = implicit("forwarddiff", linear_solver=lapack)
    np.testing.assert_allclose(di.jacobian(f, "forwarddiff", X, C), jacobian(), rtol=1e-11)
    assert set(seen) == {(3, 3)}


def test_a_wrong_solver_is_noticed() -> None:
    f = implicit("forwarddiff", linear_solver=lambda A, b: b)
    with pytest.warns(LinearSolverWarning) as caught:
        di.pushforward(f, "forwarddiff", X, np.ones(3), C)
    (random, own) = (warning.message for warning in caught)
    assert isinstance(random, LinearSolverWarning)
    assert "a random system" in str(random)
    assert isinstance(own, LinearSolverWarning)
    assert own.residual > 0.1 > own.tolerance


def test_a_solver_that_stops_early_is_noticed() -> None:
    pytest.importorskip("scipy")
    f = heated(_few_steps)
    with pytest.warns(LinearSolverWarning):
        di.pushforward(f, "forwarddiff", np.ones(N), np.linspace(0, 1, N))


def _few_steps(A: Any, b: Any) -> Any:
    from scipy.sparse.linalg import gmres

    return gmres(A, b, restart=2, maxiter=2, rtol=1e-12)[0]


def twice(x: Any, y: Any) -> Any:
    """The same equation twice."""
    return np.stack([y[0] + y[1] - 2 * x[0], 2 * y[0] + 2 * y[1] - 4 * x[0]])


def test_a_singular_system_raises() -> None:
    f = ImplicitFunction(lambda x: np.array([x[0], x[0]]), twice, backend="forwarddiff")
    with pytest.raises(SingularSystemError, match="do not determine y") as caught:
        di.jacobian(f, "forwarddiff", np.array([1.0, 2.0]))
    assert caught.value.rcond < 1e-15
    assert caught.value.residual == 0


@pytest.mark.parametrize("solver", KRYLOV)
def test_a_singular_system_that_happens_to_have_solutions_is_noticed(solver: str) -> None:
    """Its right-hand sides fit, and a Krylov method finds one of infinitely many solutions."""
    pytest.importorskip("scipy")
    f = ImplicitFunction(
        lambda x: np.array([x[0], x[0]]),
        twice,
        backend="forwarddiff",
        representation="operator",
        linear_solver=solver,
    )
    with pytest.warns(LinearSolverWarning, match="singular"):
        di.jacobian(f, "forwarddiff", np.array([1.0, 2.0]))


def test_a_double_root_raises() -> None:
    """``y^2 = 0`` at its root: y moves infinitely fast."""
    f = ImplicitFunction(np.sqrt, lambda x, y: y**2 - x, backend="forwarddiff")
    with pytest.raises(SingularSystemError):
        di.derivative(f, "forwarddiff", 0.0)


def test_units_do_not_make_a_system_singular() -> None:
    scale = np.array([1e-12, 1.0, 1e12])
    f = ImplicitFunction(
        lambda x: x / scale, lambda x, y: (scale * y - x) * scale, backend="forwarddiff"
    )
    np.testing.assert_allclose(
        di.jacobian(f, "forwarddiff", np.ones(3)), np.diag(1 / scale), rtol=1e-14
    )


def test_without_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default needs only NumPy; the others say what to install."""
    import sys

    for name in [name for name in sys.modules if name.partition(".")[0] == "scipy"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "scipy", None)
    f = implicit("forwarddiff")
    np.testing.assert_allclose(di.jacobian(f, "forwarddiff", X, C), jacobian(), rtol=1e-11)
    with pytest.raises(di.BackendNotInstalledError, match="pip install scipy"):
        di.jacobian(implicit("forwarddiff", representation="operator"), "forwarddiff", X, C)


def test_a_solution_that_is_none_is_noticed() -> None:
    f = ImplicitFunction(lambda x: x, lambda x, y: y**2 - x, backend="forwarddiff")
    with pytest.warns(ConditionsWarning, match="does not satisfy") as caught:
        f(np.array([4.0, 9.0]))
    warning = caught[0].message
    assert isinstance(warning, ConditionsWarning)
    assert warning.residual == pytest.approx(np.hypot(12, 72))
    assert warning.tolerance < 1e-3


@pytest.mark.parametrize("error", [1e-3, 1e-6])
def test_the_tolerance_is_relative(error: float) -> None:
    """The same relative error, whatever the units of the conditions."""
    import warnings

    for units in (1e-9, 1.0, 1e9):
        f = ImplicitFunction(
            lambda x: np.sqrt(x) * (1 + error),
            lambda x, y, units=units: units * (y**2 - x),
            backend="forwarddiff",
        )
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            f(np.array([4.0, 9.0]))
        assert bool(caught) == (error > 1e-4)
    wide = ImplicitFunction(
        lambda x: np.sqrt(x) * (1 + error),
        lambda x, y: y**2 - x,
        backend="forwarddiff",
        tolerance=0.1,
    )
    wide(np.array([4.0, 9.0]))


@pytest.mark.parametrize(
    ("solution", "condition"), [(np.nan, lambda x, y: y - x), (0.0, lambda x, y: np.log(y) - x)]
)
def test_what_is_not_finite_raises(solution: float, condition: Any) -> None:
    f = ImplicitFunction(lambda x: x * 0 + solution, condition, backend="forwarddiff")
    with np.errstate(all="ignore"), pytest.raises(SolveError, match="not finite"):
        f(np.array([4.0]))


def test_sparse_jacobians() -> None:
    """A backend whose Jacobians are sparse is solved by sparse factors."""
    pytest.importorskip("scipy")
    if not hasattr(di, "AutoSparse"):
        pytest.skip("no sparse backend")
    f = ImplicitFunction(
        heat,
        lambda x, u: laplacian(u) + u - x,
        backend=di.AutoSparse(di.AutoForwardDiff()),
    )
    x = np.linspace(-1, 2, N)
    want = heat(np.eye(N)[3])
    np.testing.assert_allclose(di.pushforward(f, "forwarddiff", x, np.eye(N)[3]), want, rtol=1e-11)
