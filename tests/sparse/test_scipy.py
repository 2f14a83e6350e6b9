"""Prepared sparse Jacobians in SciPy's stiff solvers and in its least squares."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di

from .problems import blocks, brusselator, point

pytest.importorskip("numba")
integrate = pytest.importorskip("scipy.integrate")
optimize = pytest.importorskip("scipy.optimize")

ENGINES = [di.AutoForwardDiff(), di.AutoJax(), di.AutoFiniteDiff()]


def right_side(t: Any, u: Any) -> Any:
    return brusselator(u)


@pytest.mark.parametrize("dense", ENGINES, ids=repr)
@pytest.mark.parametrize("method", ["BDF", "Radau"])
def test_stiff_solver(dense: di.ADType, method: str) -> None:
    """The trajectory is that of the solver's own dense differences, with fewer evaluations of f."""
    if not di.check_available(dense):
        pytest.skip(f"{dense!r} is not installed")
    calls = 0

    def counted(t: Any, u: Any) -> Any:
        nonlocal calls
        calls += 1
        return right_side(t, u)

    start = point(2 * 6**2)
    prep = di.prepare_jacobian(right_side, di.AutoSparse(dense), start, 0.0, argnums=1)
    options: Any = {"method": method, "rtol": 1e-8, "atol": 1e-10}
    options["jac"] = lambda t, u: prep(u, t)
    ours = integrate.solve_ivp(counted, (0.0, 1.0), start, **options)
    with_jacobian, calls = calls, 0
    del options["jac"]
    theirs = integrate.solve_ivp(counted, (0.0, 1.0), start, **options)
    assert ours.success
    np.testing.assert_allclose(ours.y[:, -1], theirs.y[:, -1], rtol=1e-6)
    assert with_jacobian == ours.nfev < calls


@pytest.mark.parametrize("dense", ENGINES, ids=repr)
def test_implicit_step(dense: di.ADType) -> None:
    """A step of the implicit Euler method, as a problem of least squares."""
    if not di.check_available(dense):
        pytest.skip(f"{dense!r} is not installed")
    start = point(2 * 6**2)
    residuals = lambda u: u - start - 0.05 * brusselator(u)  # noqa: E731
    prep = di.prepare_jacobian(residuals, di.AutoSparse(dense), start)
    found = optimize.least_squares(residuals, start, jac=prep, tr_solver="lsmr", xtol=1e-15)
    assert np.max(np.abs(residuals(found.x))) < 1e-6


def test_fit() -> None:
    """Amplitudes and rates of decays, from their sums."""
    truth = point(20)
    data = blocks(truth)
    residuals = lambda p: blocks(p) - data  # noqa: E731
    start = truth + 0.05
    prep = di.prepare_jacobian(residuals, di.AutoSparse(di.AutoForwardDiff()), start)
    assert prep.details.coloring.num_colors == 4
    found = optimize.least_squares(residuals, start, jac=prep, xtol=1e-15, ftol=1e-15, gtol=1e-15)
    assert found.cost < 1e-16
