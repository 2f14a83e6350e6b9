"""The evaluations of f that `explain` tells are those that a call does, counted in f."""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface.sparse import KnownPattern

N = 6
X = np.linspace(0.5, 1.5, N)
T = np.linspace(-1.0, 1.0, N)


def counted(f: Any) -> tuple[Any, Any]:
    """A function, and what tells how often it was evaluated since it was last asked.

    The count is no data of the function's: nothing that watches those sees it change.
    """
    ticks = count()
    asked = [0]

    def counting(x: Any) -> Any:
        next(ticks)
        return f(x)

    def since() -> int:
        now = next(ticks)
        before, asked[0] = asked[0], now + 1
        return now - before

    return counting, since


def scalar(x: Any) -> Any:
    return di.array_namespace(x).sum(x**3)


def vector(x: Any) -> Any:
    return x[1:] * x[:-1]


CASES: dict[str, tuple[Any, Any, tuple[Any, ...]]] = {
    "pushforward": (vector, X, (T,)),
    "pullback": (vector, X, (T[1:],)),
    "derivative": (lambda x: x**3, X[0], ()),
    "gradient": (scalar, X, ()),
    "jacobian": (vector, X, ()),
    "batched_jacobian": (lambda x: x**3, X.reshape(2, 3), ()),
    "second_derivative": (lambda x: x**3, X[0], ()),
    "hvp": (scalar, X, (T,)),
    "hessian": (scalar, X, ()),
}
DIFFERENCES = [
    di.AutoFiniteDiff(scheme, relative_step=1e-4) for scheme in ("forward", "central", "richardson")
]
ENGINES: list[Any] = [
    *DIFFERENCES,
    di.AutoComplexStep(),
    di.SecondOrder(di.AutoFiniteDiff(), di.AutoComplexStep()),
    di.SecondOrder(DIFFERENCES[1], DIFFERENCES[0]),
    di.MixedMode(DIFFERENCES[1], di.AutoComplexStep()),
]


def done(operator: str, f: Any, backend: Any, x: Any, rest: tuple[Any, ...]) -> int:
    """The evaluations of a prepared call, f's own value included."""
    counting, since = counted(f)
    prep = getattr(di, f"prepare_{operator}")(counting, backend, x, *rest)
    since()
    prep.value_and(x, *rest)
    return since()


@pytest.mark.parametrize("operator", CASES)
@pytest.mark.parametrize("backend", ENGINES, ids=repr)
def test_as_many_as_told(backend: Any, operator: str) -> None:
    f, x, rest = CASES[operator]
    plan = di.explain(operator, f, backend, x, *rest)
    assert plan.evaluations == done(operator, f, backend, x, rest)


@pytest.mark.parametrize("operator", CASES)
def test_duals_carry_the_directions_in_one_evaluation_a_level(operator: str) -> None:
    """What is told is then what the tangents cost at most."""
    f, x, rest = CASES[operator]
    plan = di.explain(operator, f, "forwarddiff", x, *rest)
    assert done(operator, f, "forwarddiff", x, rest) == 1
    directions = np.prod([1 + 1.5 * n for _, n in plan.levels])
    assert plan.evaluations == directions >= 1


def test_the_hessian_by_complex_steps() -> None:
    """A gradient takes 6 evaluations; 12 are differenced, and one is the value."""
    plan = di.explain(di.hessian, scalar, "complexstep", X)
    assert plan.levels == (("forward", N), ("forward", N))
    assert plan.evaluations == 72 + 6
    f, since = counted(scalar)
    di.hessian(f, "complexstep", X)
    assert since() == 72


@pytest.mark.parametrize("differences", DIFFERENCES, ids=repr)
@pytest.mark.parametrize("operator", ["jacobian", "hessian"])
def test_sparse_plans_are_told_by_their_colors(operator: str, differences: Any) -> None:
    f, x, _ = CASES[operator]
    backend = di.AutoSparse(differences)
    plan = di.explain(operator, f, backend, x)
    colors = {"jacobian": 2, "hessian": 1}[operator]
    assert plan.levels[0] == ("forward", colors)
    assert plan.evaluations == done(operator, f, backend, x, ())
    assert plan.relative is None
    assert f"{colors} column colors" in plan.why[-1]


@pytest.mark.parametrize("dense", [di.AutoForwardDiff(), di.AutoComplexStep()])
def test_sparse_plans_of_other_engines(dense: Any) -> None:
    plan = di.explain(di.jacobian, vector, di.AutoSparse(dense), X)
    assert plan.levels == (("forward", 2),)
    assert plan.engine == dense
    assert plan.backend == di.AutoSparse(dense)


def test_columns_and_rows_side_by_side() -> None:
    """An arrow: its dense row is pulled, its dense column pushed."""
    pattern = np.eye(N, dtype=bool)
    pattern[0] = pattern[:, 0] = True
    backend = di.AutoSparse(
        di.MixedMode(di.AutoForwardDiff(), di.AutoFiniteDiff()), detector=KnownPattern(pattern)
    )

    def f(x: Any) -> Any:
        return x * x[0] + pattern[:, 0] * 0 + np.eye(N)[0] * 0 * di.array_namespace(x).sum(x)

    plan = di.explain(di.jacobian, f, backend, X)
    (forward, columns), (reverse, _) = plan.levels
    assert (forward, reverse) == ("forward", "forward")  # differences give a row by columns
    assert plan.evaluations == pytest.approx(1 + 1.5 * columns + 1 + 2 * N)


def test_a_function_of_no_entry() -> None:
    plan = di.explain(di.jacobian, lambda x: x[:0], di.AutoSparse(di.AutoForwardDiff()), X)
    assert plan.levels == ()
    assert "no products" in str(plan)


@pytest.mark.parametrize("operator", CASES)
@pytest.mark.parametrize(
    "backend",
    [
        di.AutoForwardDiff(),
        di.AutoFiniteDiff(),
        di.AutoFiniteDiff(scheme="richardson"),
        di.AutoComplexStep(),
        di.SecondOrder(di.AutoFiniteDiff(), di.AutoForwardDiff()),
        "autograd",
        "torch",
    ],
    ids=repr,
)
def test_explaining_evaluates_once_at_plain_values(backend: Any, operator: str) -> None:
    """No derivative is taken: f sees one ordinary array."""
    if backend in ("autograd", "torch"):
        pytest.importorskip(backend)
    f, x, rest = CASES[operator]
    seen = []

    def noting(x: Any) -> Any:
        seen.append(type(x).__name__)
        return f(x)

    di.explain(operator, noting, backend, x, *rest)
    assert seen in (["ndarray"], ["float64"], ["Tensor"])


@pytest.mark.parametrize("operator", CASES)
def test_under_jax_it_is_abstract(operator: str) -> None:
    jax = pytest.importorskip("jax")
    f, x, rest = CASES[operator]
    seen = []

    def noting(x: Any) -> Any:
        seen.append(isinstance(x, jax.core.Tracer))
        return f(x)

    di.explain(operator, noting, "jax", x, *rest)
    assert set(seen) == {True}
