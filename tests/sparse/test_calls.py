"""Every way to call: value_and_*, prepared, contexts, argnums, has_aux, complex numbers, precisions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di

from .engines import installed
from .problems import burgers, energy, point

pytest.importorskip("numba")
pytest.importorskip("scipy")

DUAL = di.AutoForwardDiff()
SPARSE = di.AutoSparse(DUAL)
X = point(6)


def scaled(x: Any, c: Any) -> Any:
    """Rows c_i x_{i+1} x_i^2."""
    return c * x[1:] * x[:-1] ** 2


def scaled_jacobian(x: Any, c: Any) -> Any:
    i = np.arange(len(x) - 1)
    want = np.zeros((len(i), len(x)), np.result_type(x, c))
    want[i, i], want[i, i + 1] = 2 * c * x[1:] * x[:-1], c * x[:-1] ** 2
    return want


@pytest.mark.parametrize("prepared", [False, True])
def test_values(prepared: bool) -> None:
    value, got = (
        di.prepare_jacobian(burgers, SPARSE, X).value_and(X)
        if prepared
        else di.value_and_jacobian(burgers, SPARSE, X)
    )
    np.testing.assert_array_equal(value, burgers(X))
    np.testing.assert_allclose(got.toarray(), di.jacobian(burgers, DUAL, X), rtol=1e-14)
    f = energy(burgers)
    value, slope, got = (
        di.prepare_hessian(f, SPARSE, X).value_and(X)
        if prepared
        else di.value_gradient_and_hessian(f, SPARSE, X)
    )
    np.testing.assert_allclose(value, f(X), rtol=1e-15)
    np.testing.assert_allclose(slope, di.gradient(f, DUAL, X), rtol=1e-13)
    np.testing.assert_allclose(got.toarray(), di.hessian(f, DUAL, X), rtol=1e-12)


def test_other_operators_are_the_engines() -> None:
    f, t = energy(burgers), np.ones(6)
    np.testing.assert_array_equal(di.gradient(f, SPARSE, X), di.gradient(f, DUAL, X))
    np.testing.assert_array_equal(di.hvp(f, SPARSE, X, t), di.hvp(f, DUAL, X, t))
    np.testing.assert_array_equal(
        di.pushforward(burgers, SPARSE, X, t), di.pushforward(burgers, DUAL, X, t)
    )
    np.testing.assert_array_equal(
        di.pullback(burgers, SPARSE, X, t), di.pullback(burgers, DUAL, X, t)
    )
    stacked = np.stack([X, 2 * X])
    rowwise = lambda x: x**2  # noqa: E731
    np.testing.assert_array_equal(
        di.batched_jacobian(rowwise, SPARSE, stacked), di.batched_jacobian(rowwise, DUAL, stacked)
    )


def test_as_a_configured_backend() -> None:
    with di.config_context(backend=SPARSE):
        assert di.jacobian(burgers, None, X).format == "csr"


# --- contexts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["forwarddiff", "jax", "torch", "autograd"])
def test_floating_contexts_may_change(engine: str) -> None:
    dense = installed(engine)
    prep = di.prepare_jacobian(scaled, di.AutoSparse(dense), X, np.zeros(5))
    for c in (np.zeros(5), np.arange(5.0), -np.ones(5)):
        got = prep(X, c)
        assert got.nnz == 10
        np.testing.assert_allclose(got.toarray(), scaled_jacobian(X, c), rtol=1e-14)
    number = di.prepare_jacobian(scaled, di.AutoSparse(dense), X, 2.0)
    np.testing.assert_allclose(number(X, 3.0).toarray(), scaled_jacobian(X, 3.0), rtol=1e-14)


def test_trees_of_contexts() -> None:
    def f(x: Any, data: Any) -> Any:
        return x[data["pick"]] * data["by"]

    pick, by = np.array([3, 1]), np.array([2.0, 5.0])
    prep = di.prepare_jacobian(f, SPARSE, X, {"pick": pick, "by": by})
    got = prep(X, {"pick": pick.copy(), "by": 10 * by}).toarray()
    want = np.zeros((2, 6))
    want[0, 3], want[1, 1] = 20.0, 50.0
    np.testing.assert_array_equal(got, want)
    with pytest.raises(di.PreparationMismatchError, match="int64 has other values"):
        prep(X, {"pick": np.array([1, 3]), "by": by})


def picked(x: Any, indices: Any) -> Any:
    return x[indices] ** 2


@pytest.mark.parametrize("wrap", [lambda c: c, di.Constant])
def test_indices_must_stay(wrap: Any) -> None:
    """The pattern depends on them, so that other ones would give wrong numbers."""
    pick = np.array([4, 0, 2])
    prep = di.prepare_jacobian(picked, SPARSE, X, wrap(pick))
    want = di.jacobian(picked, DUAL, X, pick)
    np.testing.assert_allclose(prep(X, wrap(pick.copy())).toarray(), want, rtol=1e-15)
    other = np.array([4, 1, 2])
    with pytest.raises(di.PreparationMismatchError, match="prepare again"):
        prep(X, wrap(other))
    got = di.jacobian(picked, SPARSE, X, wrap(other)).toarray()
    np.testing.assert_allclose(got, di.jacobian(picked, DUAL, X, other), rtol=1e-15)


def test_indices_overwritten_by_the_caller() -> None:
    pick = np.array([4, 0, 2])
    prep = di.prepare_jacobian(picked, SPARSE, X, pick)
    pick[:] = [5, 5, 5]
    with pytest.raises(di.PreparationMismatchError):
        prep(X, pick)


@pytest.mark.parametrize("value", [2, True])
def test_numbers_that_index_must_stay(value: Any) -> None:
    f = lambda x, k: x[int(k) :] * 2.0  # noqa: E731
    prep = di.prepare_jacobian(f, SPARSE, X, value)
    assert prep(X, value).shape == (6 - value, 6)
    with pytest.raises(di.PreparationMismatchError):
        prep(X, type(value)(0))


def test_masks_must_stay() -> None:
    f = lambda x, mask: np.where(mask, x, x[::-1])  # noqa: E731
    mask = np.median(X) < X
    prep = di.prepare_jacobian(f, SPARSE, X, mask)
    np.testing.assert_array_equal(prep(X, mask).toarray(), di.jacobian(f, DUAL, X, mask))
    with pytest.raises(di.PreparationMismatchError, match="bool"):
        prep(X, ~mask)


def test_indices_of_other_frameworks() -> None:
    torch = pytest.importorskip("torch")
    x, pick = torch.tensor(X), torch.tensor([4, 0, 2])
    prep = di.prepare_jacobian(picked, SPARSE, x, pick)
    np.testing.assert_allclose(
        prep(x, pick.clone()).toarray(), di.jacobian(picked, DUAL, X, pick.numpy()), rtol=1e-15
    )
    with pytest.raises(di.PreparationMismatchError):
        prep(x, pick + 1)


def test_traced_indices() -> None:
    """Nobody knows their values, on which the pattern depends."""
    jax = pytest.importorskip("jax")
    backend = di.AutoSparse(di.AutoJax(), output="data")

    def f(pick: Any) -> Any:
        return di.jacobian(picked, backend, jax.numpy.ones(6), pick).data

    with pytest.raises(di.DiffInterfaceError):
        jax.jit(f)(jax.numpy.array([4, 0, 2]))


def test_static() -> None:
    f = lambda x, name: x[1:] * 2 if name == "short" else x**2  # noqa: E731
    prep = di.prepare_jacobian(f, SPARSE, X, di.Static("short"))
    assert prep(X, di.Static("short")).shape == (5, 6)
    with pytest.raises(di.PreparationMismatchError):
        prep(X, di.Static("long"))
    prep = di.prepare_jacobian(f, SPARSE, X, di.Static("short"), on_mismatch="reprepare")
    np.testing.assert_array_equal(prep(X, di.Static("long")).toarray(), np.diag(2 * X))


def test_cache() -> None:
    def f(x: Any, buffer: Any) -> Any:
        buffer[:] = x**2
        buffer[1:] += x[:-1]
        return buffer * 1.0

    cache = di.Cache(np.zeros(6))
    prep = di.prepare_jacobian(f, SPARSE, X, cache)
    for x in (X, 2 * X):
        want = np.diag(2 * x) + np.eye(6, k=-1)
        np.testing.assert_allclose(prep(x, cache).toarray(), want, rtol=1e-15)
    counts = di.Cache(np.zeros(3, int))

    def counting(x: Any, buffer: Any) -> Any:
        buffer[0] += 1
        return x**2

    prep = di.prepare_jacobian(counting, SPARSE, X, counts)
    for _ in range(2):
        np.testing.assert_array_equal(prep(X, counts).toarray(), np.diag(2 * X))


def test_closures_may_not_be_rebound() -> None:
    shift = 1

    def f(x: Any) -> Any:
        return x[shift:] ** 2

    prep = di.prepare_jacobian(f, SPARSE, X)
    assert prep(X).shape == (5, 6)
    shift = 2
    with pytest.raises(di.PreparationMismatchError, match="shift: rebound"):
        prep(X)
    again = di.prepare_jacobian(f, SPARSE, X, on_mismatch="reprepare")
    shift = 3
    assert again(X).shape == (3, 6)


# --- argnums, aux --------------------------------------------------------------------------------


def test_argnums() -> None:
    c = np.arange(1.0, 6.0)
    got = di.jacobian(scaled, SPARSE, c, X, argnums=1)
    np.testing.assert_allclose(got.toarray(), np.diag(X[1:] * X[:-1] ** 2), rtol=1e-15)
    assert got.nnz == 5
    prep = di.prepare_jacobian(scaled, SPARSE, (X, c), argnums=(0, 1))
    by_x, by_c = prep((X, c))
    np.testing.assert_allclose(by_x.toarray(), scaled_jacobian(X, c), rtol=1e-15)
    np.testing.assert_array_equal(by_c.toarray(), got.toarray())
    f = lambda x, c: np.sum(scaled(x, c) ** 2)  # noqa: E731
    h = di.hessian(f, SPARSE, c, X, argnums=-1)
    np.testing.assert_allclose(h.toarray(), di.hessian(f, DUAL, c, X, argnums=-1), rtol=1e-14)


@pytest.mark.parametrize("engine", ["forwarddiff", "jax", "torch"])
def test_aux(engine: str) -> None:
    dense = installed(engine)
    f = lambda x: (burgers(x), {"twice": 2 * x, "name": "burgers"})  # noqa: E731
    prep = di.prepare_jacobian(f, di.AutoSparse(dense), X, has_aux=True)
    for result in (prep(2 * X), di.jacobian(f, di.AutoSparse(dense), 2 * X, has_aux=True)):
        got, aux = result
        np.testing.assert_allclose(got.toarray(), di.jacobian(burgers, DUAL, 2 * X), rtol=1e-13)
        np.testing.assert_array_equal(aux["twice"], 4 * X)
        assert aux["name"] == "burgers"
    value, got, aux = prep.value_and(X)
    np.testing.assert_allclose(value, burgers(X), rtol=1e-15)
    np.testing.assert_array_equal(aux["twice"], 2 * X)


def test_aux_without_products() -> None:
    f = lambda x: (np.zeros_like(x[:2]), "nothing")  # noqa: E731
    value, got, aux = di.value_and_jacobian(f, SPARSE, X, has_aux=True)
    assert (got.nnz, aux) == (0, "nothing")
    np.testing.assert_array_equal(value, [0.0, 0.0])


# --- complex -------------------------------------------------------------------------------------

COMPLEX = [
    DUAL,
    di.AutoJax(mode="forward"),
    di.AutoJax(mode="reverse"),
    di.AutoTorch(mode="forward"),
    di.AutoTorch(mode="reverse"),
    di.AutoAutograd(mode="reverse"),
]


@pytest.mark.parametrize("dense", COMPLEX, ids=repr)
def test_holomorphic(dense: di.ADType) -> None:
    if not di.check_available(dense):
        pytest.skip(f"{dense!r} is not installed")
    z = X + 1j * point(6, seed=1)
    c = 1.0 - 2.0j
    got = di.jacobian(lambda z: scaled(z, c), di.AutoSparse(dense), z)
    assert got.dtype == np.complex128
    assert got.nnz == 10
    np.testing.assert_allclose(got.toarray(), scaled_jacobian(z, c), rtol=1e-13)


@pytest.mark.parametrize("dense", COMPLEX, ids=repr)
def test_complex_values_at_real_points(dense: di.ADType) -> None:
    """F_i = x_{i+1} exp(i x_i)."""
    if not di.check_available(dense):
        pytest.skip(f"{dense!r} is not installed")

    def f(x: Any) -> Any:
        xp = di.array_namespace(x)
        return x[1:] * xp.exp(1j * x[:-1])

    got = di.jacobian(f, di.AutoSparse(dense), X)
    k, turn = np.arange(5), np.exp(1j * X[:-1])
    want = np.zeros((5, 6), complex)
    want[k, k], want[k, k + 1] = 1j * X[1:] * turn, turn
    assert got.dtype == np.complex128
    np.testing.assert_allclose(got.toarray(), want, rtol=1e-13)


def test_not_holomorphic() -> None:
    with pytest.raises(di.NonAnalyticError):
        di.jacobian(np.conj, SPARSE, X + 1j)
    with pytest.raises(di.UnsupportedOperatorError):
        di.hessian(lambda z: np.sum(np.real(z) ** 2), SPARSE, X + 1j)


# --- precision -----------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["forwarddiff", "jax", "torch", "autograd"])
def test_single_precision(engine: str) -> None:
    dense = installed(engine)
    x = X.astype(np.float32)
    value, got = di.value_and_jacobian(burgers, di.AutoSparse(dense), x)
    assert value.dtype == got.dtype == np.float32
    np.testing.assert_allclose(got.toarray(), di.jacobian(burgers, DUAL, X), rtol=1e-5)


def test_integers_are_refused() -> None:
    with pytest.raises(di.InputError, match="int64"):
        di.jacobian(burgers, SPARSE, np.arange(4))
