"""Trees, byproducts, contexts, dtypes, and what is refused."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface.implicit import ImplicitFunction

from .common import ENGINES, C, X, available, conditions, solve

every_engine = pytest.mark.parametrize("engine", ENGINES)


def root(engine: str, **options: Any) -> ImplicitFunction:
    available(engine)
    return ImplicitFunction(np.sqrt, lambda x, y: y**2 - x, backend=engine, **options)


@every_engine
def test_trees_in_and_out(engine: str) -> None:
    """The conditions come in another order and shape than the unknowns."""
    available(engine)

    def solved(p: Any) -> Any:
        return {"u": 2 * p["a"], "v": p["b"] + p["a"][0]}

    def equations(p: Any, y: Any) -> Any:
        xp = di.array_namespace(y["u"])
        rest = xp.reshape(y["v"] - p["b"] - p["a"][0], (1,))
        return [rest, (y["u"] - 2 * p["a"]) * 3.0]

    f = ImplicitFunction(solved, equations, backend=engine)
    x = {"a": np.array([1.0, 2.0]), "b": 3.0}
    J = di.jacobian(f, "forwarddiff", x)
    np.testing.assert_allclose(J["u"]["a"], 2 * np.eye(2), atol=1e-14)
    np.testing.assert_allclose(J["u"]["b"], np.zeros(2), atol=1e-14)
    np.testing.assert_allclose(J["v"]["a"], [1.0, 0.0], atol=1e-14)
    np.testing.assert_allclose(J["v"]["b"], 1.0, atol=1e-14)


@every_engine
def test_byproducts(engine: str) -> None:
    """``aux`` reaches the conditions as a constant, and the caller."""
    available(engine)

    def scaled(x: Any) -> tuple[Any, Any]:
        return np.sqrt(x), {"scale": np.array([5.0, 7.0]), "steps": 3}

    f = ImplicitFunction(
        scaled, lambda x, y, aux: aux["scale"] * (y**2 - x), backend=engine, has_aux=True
    )
    y, aux = f(np.array([4.0, 9.0]))
    np.testing.assert_array_equal(y, [2.0, 3.0])
    assert aux["steps"] == 3
    J, aux = di.jacobian(f, "forwarddiff", np.array([4.0, 9.0]), has_aux=True)
    np.testing.assert_allclose(J, np.diag([1 / 4, 1 / 6]), rtol=1e-14)
    np.testing.assert_array_equal(aux["scale"], [5.0, 7.0])


def test_contexts_of_every_kind() -> None:
    seen = []

    def solved(x: Any, power: int, name: str, weights: Any) -> Any:
        seen.append((power, name, weights.dtype))
        return x ** (1 / power)

    f = ImplicitFunction(
        solved, lambda x, y, power, name, weights: y**power - x, backend="forwarddiff"
    )
    x, weights = np.array([8.0, 27.0]), np.array([1, 2])
    got = di.jacobian(f, "forwarddiff", x, di.Static(3), di.Static("cube"), di.Constant(weights))
    np.testing.assert_allclose(got, np.diag([1 / 12, 1 / 27]), rtol=1e-12)
    assert seen == [(3, "cube", weights.dtype)]
    with pytest.raises(di.InputError, match="Cache"):
        f(x, 3, "cube", di.Cache(weights))


@every_engine
def test_dtypes_are_kept(engine: str) -> None:
    f = root(engine)
    x = np.array([4.0, 9.0], np.float32)
    assert f(x).dtype == np.float32
    J = di.jacobian(f, "forwarddiff", x)
    assert J.dtype == np.float32
    np.testing.assert_allclose(J, np.diag([1 / 4, 1 / 6]), rtol=1e-5)


@every_engine
def test_a_lone_number(engine: str) -> None:
    f = root(engine)
    assert f(4.0) == 2.0
    assert di.derivative(f, "forwarddiff", 4.0) == pytest.approx(0.25, rel=1e-14)
    assert di.second_derivative(f, "forwarddiff", 4.0) == pytest.approx(-1 / 32, rel=1e-12)


@pytest.mark.parametrize("outer", ["forwarddiff", "torch"])
def test_a_complex_root(outer: str) -> None:
    """Holomorphic conditions at a complex point, against the derivative of the principal root."""
    available(outer)
    f = root("jax")
    z = np.array([1.0 + 2.0j, -3.0 + 0.5j])
    want = 0.5 / np.sqrt(z)
    t = np.array([0.3 - 1.0j, 2.0 + 0.1j])
    np.testing.assert_allclose(di.pushforward(f, outer, z, t), want * t, rtol=1e-12)
    np.testing.assert_allclose(di.pullback(f, outer, z, t), np.conj(want) * t, rtol=1e-12)


def test_a_solver_in_torch_or_jax() -> None:
    """With ``arrays="backend"`` solve gets the engine's own arrays."""
    torch, jnp = pytest.importorskip("torch"), pytest.importorskip("jax").numpy
    for engine, solver in (("torch", torch.sqrt), ("jax", jnp.sqrt)):
        f = ImplicitFunction(solver, lambda x, y: y**2 - x, backend=engine, arrays="backend")
        J = di.jacobian(f, "forwarddiff", np.array([4.0, 9.0]))
        assert J.dtype == np.float64
        np.testing.assert_allclose(J, np.diag([1 / 4, 1 / 6]), rtol=1e-14)


@every_engine
def test_fixed_points_and_minimisers(engine: str) -> None:
    available(engine)
    heron = ImplicitFunction.from_fixed_point(np.sqrt, lambda x, y: (y + x / y) / 2, backend=engine)
    x = np.array([4.0, 9.0])
    np.testing.assert_allclose(
        di.jacobian(heron, "forwarddiff", x), np.diag([1 / 4, 1 / 6]), rtol=1e-12
    )

    def objective(x: Any, y: Any) -> Any:
        xp = di.array_namespace(x, y)
        return xp.sum(y**4 / 4 - x * y)

    cube_root = ImplicitFunction.from_optimality(lambda x: np.cbrt(x), objective, backend=engine)
    got = di.hessian(
        lambda x: cube_root(x)[0] * cube_root(x)[1], "forwarddiff", np.array([8.0, 27.0])
    )
    want = np.array([[-2 / 9 * 3 / 32, 1 / 12 / 27], [1 / 12 / 27, -2 / 9 * 2 / 243]])
    np.testing.assert_allclose(got, want, rtol=1e-9)


def test_a_ridge_regression() -> None:
    """The minimiser of a SciPy optimiser, by the data: against the normal equations."""
    optimize = pytest.importorskip("scipy.optimize")
    rng = np.random.default_rng(1)
    M, b = rng.normal(size=(6, 3)), rng.normal(size=6)

    def objective(b: Any, w: Any, strength: Any) -> Any:
        return np.sum((M @ w - b) ** 2) + strength * np.sum(w**2)

    def fitted(b: Any, strength: Any) -> Any:
        found = optimize.minimize(
            lambda w: objective(b, w, strength), np.zeros(3), method="BFGS", options={"gtol": 1e-9}
        )
        return found.x

    f = ImplicitFunction.from_optimality(fitted, objective, backend="forwarddiff")
    inverse = np.linalg.inv(M.T @ M + 0.5 * np.eye(3))
    np.testing.assert_allclose(
        di.jacobian(f, "forwarddiff", b, 0.5), inverse @ M.T, rtol=1e-9, atol=1e-10
    )
    by_strength = di.derivative(f, "forwarddiff", 0.5, b, argnums=1)
    np.testing.assert_allclose(by_strength, -inverse @ f(b, 0.5), rtol=1e-5)


@pytest.mark.parametrize("engine", ["forwarddiff", "torch"])
def test_threads(engine: str) -> None:
    available(engine)
    f = ImplicitFunction(solve, conditions, backend=engine)
    wanted = [di.jacobian(f, "forwarddiff", X + k, C) for k in range(4)]
    found: dict[int, Any] = {}

    def run(k: int) -> None:
        found[k] = di.jacobian(f, "forwarddiff", X + k, C)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k, want in enumerate(wanted):
        np.testing.assert_array_equal(found[k], want)


def test_a_solver_cannot_overwrite_its_arguments() -> None:
    def greedy(x: Any) -> Any:
        x += 1
        return x

    f = ImplicitFunction(greedy, lambda x, y: y - x - 1, backend="forwarddiff")
    with pytest.raises(ValueError, match="read-only"):
        f(np.ones(2))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"representation": "dense"}, "expected 'matrix' or 'operator'"),
        ({"linear_solver": "cholesky"}, "linear_solver='cholesky'"),
        (
            {"linear_solver": "direct", "representation": "operator"},
            "needs representation='matrix'",
        ),
        ({"arrays": "jax"}, "expected 'numpy' or 'backend'"),
    ],
)
def test_options_are_checked(options: Any, match: str) -> None:
    with pytest.raises(di.InputError, match=match):
        ImplicitFunction(np.sqrt, lambda x, y: y**2 - x, backend="forwarddiff", **options)


@pytest.mark.parametrize(
    ("solved", "condition", "error", "match"),
    [
        (np.sqrt, lambda x, y: y[0] - x[0], di.ShapeError, "1 equations for the 2 entries"),
        (np.sqrt, lambda x, y: None, di.OutputError, "expected arrays"),
        (lambda x: None, lambda x, y: y, di.OutputError, "solve returned y with a NoneType"),
        (lambda x: np.array([1, 2]), lambda x, y: y, di.OutputError, "int64"),
        (lambda x: "root", lambda x, y: y, di.OutputError, "a str"),
        (
            lambda x: (x, x + 0j),
            lambda x, y: y,
            di.InputError,
            "mixes real and complex",
        ),
    ],
    ids=["not square", "no conditions", "no solution", "integers", "text", "mixed"],
)
def test_what_cannot_be_used_is_refused(
    solved: Any, condition: Any, error: Any, match: str
) -> None:
    f = ImplicitFunction(solved, condition, backend="forwarddiff")
    with pytest.raises(error, match=match):
        f(np.array([4.0, 9.0]))


def test_has_aux_expects_a_pair() -> None:
    f = ImplicitFunction(np.sqrt, lambda x, y, aux: y**2 - x, backend="forwarddiff", has_aux=True)
    with pytest.raises(di.OutputError, match="a pair"):
        f(np.array([4.0, 9.0, 16.0]))


def test_no_floating_argument() -> None:
    with pytest.raises(di.InputError, match="no floating array"):
        root("forwarddiff")(4)


def test_a_solution_that_changes_its_structure() -> None:
    answers = iter([np.ones(2), (np.ones(2), np.ones(2))])
    f = ImplicitFunction(lambda x: next(answers), lambda x, y: y - 1 + 0 * x, backend="forwarddiff")
    f(np.ones(2))
    with pytest.raises(di.OutputError, match="structure"):
        f(np.ones(2))


def test_every_solution_is_solved_for() -> None:
    """Nothing remembers a solution: a solver with a state is asked each time, and followed."""
    state = {"sign": 1.0}
    f = ImplicitFunction(
        lambda x: state["sign"] * np.sqrt(x), lambda x, y: y**2 - x, backend="forwarddiff"
    )
    assert di.derivative(f, "forwarddiff", 4.0) == pytest.approx(0.25)
    state["sign"] = -1.0
    assert di.derivative(f, "forwarddiff", 4.0) == pytest.approx(-0.25)
    assert di.second_derivative(f, "forwarddiff", 4.0) == pytest.approx(1 / 32)
