"""What stands beside the operators: the linear operator, results written into the caller's arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import optree
import pytest

import diffinterface as di

from . import problems as p
from . import special as s
from .backends import BACKENDS, BY_ID, ENGINES, Entry
from .callers import NUMPY
from .checks import compare, valued
from .expected_failures import marks
from .problems import Problem
from .scenarios import BY_NAME, make
from .truth import matrix, plain

ENTRIES = [BY_ID[name] for name in ENGINES]
LINEAR = (p.vector_to_shorter, p.vector_to_longer, p.tree_to_tree, s.contexts, s.holomorphic)


@pytest.mark.parametrize(
    ("backend", "problem"),
    [
        pytest.param(
            entry,
            problem,
            id=f"{entry.id}-{problem.name}",
            marks=marks(entry, make(problem, "jacobian", "complex x")[0])
            if problem is s.holomorphic
            else [],
        )
        for entry in ENTRIES
        for problem in LINEAR
    ],
    indirect=["backend"],
)
def test_linear_operator(backend: Entry, problem: Problem) -> None:
    pytest.importorskip("scipy")
    x, contexts = problem.points[0], problem.contexts[0]
    data = tuple(map(plain, contexts))
    want = matrix(problem.jacobian(x, *data), x, problem.f(x, *data))
    operator = di.linear_operator(problem.f, backend.adtype, x, *contexts)
    assert operator.shape == want.shape
    assert operator.dtype == want.dtype
    tolerance = backend.tolerance("jacobian", "float64")
    m, n = want.shape
    for got, expected in (
        (operator @ np.eye(n, dtype=want.dtype), want),
        (operator.H @ np.eye(m, dtype=want.dtype), want.conj().T),
        (operator.T @ np.eye(m, dtype=want.dtype), want.T),
    ):
        np.testing.assert_allclose(got, expected, rtol=tolerance, atol=10 * tolerance)


OUT = [
    BY_NAME[name]
    for name in (
        "pushforward-tree_to_tree",
        "pullback-tree_to_tree",
        "derivative-scalar_to_vector",
        "gradient-tree_to_scalar",
        "jacobian-tree_to_tree",
        "second_derivative-scalar_to_vector",
        "hvp-vector_to_scalar",
        "hessian-tree_to_scalar",
        "batched_jacobian-samples",
        "gradient-vector_to_scalar-aux",
    )
]


@pytest.mark.parametrize("scenario", OUT, ids=lambda scenario: scenario.name)
@pytest.mark.parametrize("backend", ENTRIES, indirect=True, ids=lambda entry: entry.id)
def test_result_is_written_where_the_caller_wants_it(backend: Entry, scenario: Any) -> None:
    def buffers() -> Any:
        return optree.tree_map(lambda a: np.full(np.shape(a), np.nan), here.expected[-1])

    here, options = scenario.here, dict(scenario.options)
    head = (scenario.f, backend.adtype, here.x, *((here.t,) if scenario.seeded else ()))
    tolerance = backend.tolerance(scenario.operator, "float64")
    has_aux = "has_aux" in options
    out = buffers()
    got = getattr(di, scenario.operator)(*head, *here.contexts, out=out, **options)
    assert (got[0] if has_aux else got) is out
    compare_arrays(out, here.expected[-1], tolerance)
    out = buffers()
    parts = valued(scenario.operator)(*head, *here.contexts, out=out, **options)
    assert parts[-2 if has_aux else -1] is out
    compare_arrays(out, here.expected[-1], tolerance)


def compare_arrays(out: Any, want: Any, tolerance: float) -> None:
    for a, b in zip(optree.tree_leaves(out), optree.tree_leaves(want), strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=10 * tolerance)


@pytest.mark.parametrize("backend", BACKENDS, indirect=True, ids=lambda entry: entry.id)
def test_python_numbers(backend: Entry) -> None:
    scenario = BY_NAME["derivative-scalar_to_scalar"]
    x = float(scenario.here.x)
    for got in (
        di.derivative(scenario.f, backend.adtype, x),
        di.prepare_derivative(scenario.f, backend.adtype, 0.25)(x),
    ):
        compare((got,), scenario.here.expected[-1:], NUMPY, backend.tolerance("", "float64"))
