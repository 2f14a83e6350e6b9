"""Sparse derivatives equal dense ones, on every engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di

from .problems import (
    PROBLEMS,
    Problem,
    brusselator,
    brusselator_jacobian,
    energy,
    energy_of_brusselator_hessian,
    point,
)

pytest.importorskip("numba")
pytest.importorskip("scipy")

MAIN = [di.AutoForwardDiff(), di.AutoJax(), di.AutoTorch(), di.AutoAutograd()]
OTHERS = [
    di.AutoComplexStep(),
    di.AutoJax(mode="forward"),
    di.AutoJax(mode="reverse"),
    di.AutoJax(jit=False),
    di.AutoTorch(mode="forward"),
    di.AutoTorch(mode="reverse"),
    di.AutoAutograd(mode="forward"),
    di.AutoAutograd(mode="reverse"),
    di.MixedMode(di.AutoForwardDiff(), di.AutoAutograd()),
    di.MixedMode(di.AutoJax(), di.AutoJax()),
]
DIFFERENCES = [di.AutoFiniteDiff(), di.AutoFiniteDiff(scheme="richardson")]


def some(engines: list[Any], seed: int, each: int) -> list[Any]:
    """A few problems for each engine, so that each problem is met: compiling all would take minutes."""
    rng = np.random.default_rng(seed)
    deck: list[Problem] = []
    pairs = []
    for engine in engines:
        while len(deck) < each:
            deck += [PROBLEMS[k] for k in rng.permutation(len(PROBLEMS))]
        pairs += [(engine, problem) for problem in deck[:each]]
        del deck[:each]
    return [pytest.param(*pair, id=f"{pair[0]!r}-{pair[1]!r}") for pair in pairs]


def available(dense: di.ADType) -> di.AutoSparse:
    if not di.check_available(dense):
        pytest.skip(f"{dense!r} is not installed")
    return di.AutoSparse(dense)


def truth(operator: Any, f: Any, x: Any) -> Any:
    return operator(f, "forwarddiff", x)


@pytest.mark.parametrize(("dense", "problem"), some(MAIN, 0, len(PROBLEMS)) + some(OTHERS, 1, 2))
def test_jacobian(dense: di.ADType, problem: Problem) -> None:
    prep = di.prepare_jacobian(problem.f, available(dense), problem.x)
    for x in (problem.x, 1.5 * problem.x):
        value, got = prep.value_and(x)
        assert got.format == "csr"
        assert got.nnz == problem.nnz
        np.testing.assert_allclose(
            got.toarray(), truth(di.jacobian, problem.f, x), rtol=1e-12, atol=1e-12
        )
        np.testing.assert_allclose(value, problem.f(x), rtol=1e-14)


@pytest.mark.parametrize(
    ("dense", "problem"),
    some(MAIN[:1], 0, len(PROBLEMS)) + some(MAIN[1:], 2, 4) + some(OTHERS[1:], 3, 1),
)
def test_hessian(dense: di.ADType, problem: Problem) -> None:
    f = energy(problem.f)
    prep = di.prepare_hessian(f, available(dense), problem.x)
    for x in (problem.x, 1.5 * problem.x):
        value, gradient, got = prep.value_and(x)
        want = truth(di.hessian, f, x)
        scale = np.max(np.abs(want))
        np.testing.assert_allclose(got.toarray(), want, rtol=1e-12, atol=1e-12 * scale)
        np.testing.assert_allclose(gradient, truth(di.gradient, f, x), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(value, f(x), rtol=1e-14)


@pytest.mark.parametrize(("dense", "problem"), some(DIFFERENCES, 4, 4))
def test_by_differences(dense: di.ADType, problem: Problem) -> None:
    got = di.jacobian(problem.f, di.AutoSparse(dense), problem.x).toarray()
    np.testing.assert_allclose(got, truth(di.jacobian, problem.f, problem.x), rtol=1e-6, atol=1e-6)
    f = energy(problem.f)
    got = di.hessian(f, di.AutoSparse(dense), problem.x).toarray()
    want = truth(di.hessian, f, problem.x)
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-6 * np.max(np.abs(want)))


@pytest.mark.parametrize("problem", PROBLEMS, ids=repr)
def test_fewer_products_than_columns(problem: Problem) -> None:
    plan = di.prepare_jacobian(problem.f, di.AutoSparse(di.AutoForwardDiff()), problem.x).details
    m, n = plan.layout.shape
    assert (m, n) == (problem.f(problem.x).size, problem.x.size)
    dense_row = np.diff(plan.layout.indptr).max()
    assert plan.coloring.num_colors >= dense_row  # theory's bound
    assert plan.speedup == n / plan.coloring.num_colors


def close(got: Any, want: Any, tolerance: float) -> None:
    """Entry by entry, against the largest entry wanted."""
    error = abs(got - want)
    assert (error.max() if error.nnz else 0.0) <= tolerance * abs(want).max()


@pytest.mark.parametrize("cells", [6, 200])
@pytest.mark.parametrize("dense", [*MAIN, DIFFERENCES[0]], ids=repr)
def test_brusselator_by_hand(dense: di.ADType, cells: int) -> None:
    """At 80000 unknowns, where there is no dense Jacobian to compare with."""
    x = point(2 * cells**2)
    got = di.jacobian(brusselator, available(dense), x)
    assert got.nnz == 6 * x.size
    close(got, brusselator_jacobian(x), 1e-6 if dense in DIFFERENCES else 1e-12)


@pytest.mark.parametrize(
    ("dense", "cells"), [*((dense, 6) for dense in MAIN), *((dense, 50) for dense in MAIN[1:])]
)
def test_energy_of_brusselator_by_hand(dense: di.ADType, cells: int) -> None:
    """The large one by engines with a reverse mode: dual numbers take a direction for each unknown."""
    x = point(2 * cells**2)
    got = di.hessian(energy(brusselator), available(dense), x)
    close(got, energy_of_brusselator_hessian(x), 1e-12)
