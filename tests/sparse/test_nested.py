"""Derivatives of sparse Jacobians and Hessians, by every outer engine, against those written by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di

from .problems import point

pytest.importorskip("numba")
pytest.importorskip("scipy")

X = point(6)


def f(x: Any, c: Any = 1.0) -> Any:
    """Entries c x_{i+1} x_i^2, with 2 c x_i x_{i+1} and c x_i^2 in row i of the Jacobian."""
    return c * x[1:] * x[:-1] ** 2


def gradient_of_squares(x: Any, c: float = 1.0) -> Any:
    """Of the sum of all entries' squares, ``4 x_i^2 x_{i+1}^2 + x_i^4``, by hand."""
    here, there = x[:-1], x[1:]
    slope = np.zeros_like(x)
    slope[:-1] = 8 * here * there**2 + 4 * here**3
    slope[1:] += 8 * here**2 * there
    return c**2 * slope


def sum_of_squares(x: Any) -> float:
    return float(np.sum(4 * x[:-1] ** 2 * x[1:] ** 2 + x[:-1] ** 4))


def loss(dense: di.ADType, **options: Any) -> Any:
    backend = di.AutoSparse(dense, output="data", **options)

    def squares(x: Any) -> Any:
        data = di.jacobian(f, backend, x).data
        return di.array_namespace(data).sum(data**2)

    return squares


DUAL, DIFFERENCES = di.AutoForwardDiff(), di.AutoFiniteDiff()


@pytest.mark.parametrize("how", ["grad", "jit", "jacfwd", "vmap"])
@pytest.mark.parametrize(
    "dense", [di.AutoJax(), di.AutoJax(mode="reverse"), DUAL, DIFFERENCES], ids=repr
)
def test_under_jax(dense: di.ADType, how: str) -> None:
    jax = pytest.importorskip("jax")
    call: Any = {
        "grad": jax.grad,
        "jit": lambda g: jax.jit(jax.grad(g)),
        "jacfwd": jax.jacfwd,
        "vmap": lambda g: lambda x: jax.vmap(jax.grad(g))(x[None])[0],
    }[how]
    with jax.enable_x64(True):
        got = call(loss(dense))(jax.numpy.asarray(X))
    error = 1e-5 if dense is DIFFERENCES else 1e-12
    np.testing.assert_allclose(got, gradient_of_squares(X), rtol=error, atol=error)


@pytest.mark.parametrize("how", ["tape", "func", "jacfwd", "backward"])
@pytest.mark.parametrize(
    "dense",
    [di.AutoTorch(mode="reverse"), di.AutoTorch(mode="forward"), DUAL, DIFFERENCES],
    ids=repr,
)
def test_under_torch(dense: di.ADType, how: str) -> None:
    torch = pytest.importorskip("torch")
    g, x = loss(dense), torch.tensor(X)
    if how == "func":
        got = torch.func.grad(g)(x)
    elif how == "jacfwd":
        got = torch.func.jacfwd(g)(x)
    else:
        x.requires_grad_()
        if how == "tape":
            (got,) = torch.autograd.grad(g(x), x)
        else:
            g(x).backward()
            got = x.grad
    error = 1e-5 if dense is DIFFERENCES else 1e-12
    np.testing.assert_allclose(got, gradient_of_squares(X), rtol=error, atol=error)


@pytest.mark.parametrize("dense", [di.AutoAutograd(), DUAL, DIFFERENCES], ids=repr)
def test_under_autograd(dense: di.ADType) -> None:
    autograd = pytest.importorskip("autograd")
    error = 1e-5 if dense is DIFFERENCES else 1e-12
    got = autograd.grad(loss(dense))(X)
    np.testing.assert_allclose(got, gradient_of_squares(X), rtol=error, atol=error)


@pytest.mark.parametrize("outer", ["forwarddiff", "complexstep", "finitediff", "jax", "torch"])
def test_under_our_own_operators(outer: str) -> None:
    if not di.check_available(outer):
        pytest.skip(f"{outer} is not installed")
    error = 1e-5 if outer == "finitediff" else 1e-12
    got = di.gradient(loss(DUAL), outer, X)
    np.testing.assert_allclose(got, gradient_of_squares(X), rtol=error, atol=error)


@pytest.mark.parametrize("outer", ["forwarddiff", "torch", "autograd"])
@pytest.mark.parametrize("inner", ["jax", "torch", "autograd"])
def test_through_the_bridge(outer: str, inner: str) -> None:
    """Engines of two libraries: the whole sparse Jacobian is one function to the outer one."""
    if not (di.check_available(outer) and di.check_available(inner)):
        pytest.skip(f"{outer} or {inner} is not installed")
    dense: Any = {"jax": di.AutoJax(), "torch": di.AutoTorch(), "autograd": di.AutoAutograd()}
    got = di.gradient(loss(dense[inner]), outer, X)
    np.testing.assert_allclose(got, gradient_of_squares(X), rtol=1e-12)


def test_prepared_inside() -> None:
    """What was prepared outside of a trace serves inside, and keeps nothing of it."""
    jax = pytest.importorskip("jax")
    torch = pytest.importorskip("torch")
    with jax.enable_x64(True):
        x = jax.numpy.asarray(X)
        prep = di.prepare_jacobian(f, di.AutoSparse(di.AutoJax(), output="data"), x)
        squares = lambda x: (prep(x).data ** 2).sum()  # noqa: E731
        for call in (jax.grad, lambda g: jax.jit(jax.grad(g)), jax.grad):
            np.testing.assert_allclose(call(squares)(x), gradient_of_squares(X), rtol=1e-12)
        np.testing.assert_allclose(squares(x), sum_of_squares(X), rtol=1e-13)
    for dense in (di.AutoTorch(), DUAL):
        plain = torch.tensor(X)
        prep = di.prepare_jacobian(f, di.AutoSparse(dense, output="data"), plain)
        for _ in range(2):
            leaf = plain.clone().requires_grad_()
            (got,) = torch.autograd.grad((prep(leaf).data ** 2).sum(), leaf)
            np.testing.assert_allclose(got, gradient_of_squares(X), rtol=1e-12)
        assert not prep(plain).data.requires_grad


def test_a_captured_parameter() -> None:
    """The commonest nesting: x is plain, and what f captured is being differentiated."""
    jax = pytest.importorskip("jax")
    torch = pytest.importorskip("torch")
    want = 2 * 3.0 * sum_of_squares(X)

    def through(c: Any, dense: di.ADType, x: Any) -> Any:
        data = di.jacobian(lambda x: f(x, c), di.AutoSparse(dense, output="data"), x).data
        return (data**2).sum()

    c = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
    for dense in (di.AutoTorch(mode="reverse"), di.AutoTorch(mode="forward"), DUAL):
        (got,) = torch.autograd.grad(through(c, dense, torch.tensor(X)), c)
        np.testing.assert_allclose(got, want, rtol=1e-12)
    with jax.enable_x64(True):
        for dense in (di.AutoJax(), DUAL):
            for call in (jax.grad, lambda g: jax.jit(jax.grad(g))):
                got = call(lambda c, dense=dense: through(c, dense, jax.numpy.asarray(X)))(3.0)
                np.testing.assert_allclose(got, want, rtol=1e-12)


def test_a_context_being_differentiated() -> None:
    jax = pytest.importorskip("jax")
    torch = pytest.importorskip("torch")
    want = 2 * 3.0 * sum_of_squares(X)

    def through(c: Any, dense: di.ADType, x: Any) -> Any:
        data = di.jacobian(f, di.AutoSparse(dense, output="data"), x, c).data
        return (data**2).sum()

    c = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
    (got,) = torch.autograd.grad(through(c, di.AutoTorch(), torch.tensor(X)), c)
    np.testing.assert_allclose(got, want, rtol=1e-12)
    got = di.gradient(lambda c: through(c, DUAL, X), DUAL, 3.0)
    np.testing.assert_allclose(got, want, rtol=1e-12)
    with jax.enable_x64(True):
        got = jax.jit(jax.grad(lambda c: through(c, di.AutoJax(), jax.numpy.asarray(X))))(3.0)
        np.testing.assert_allclose(got, want, rtol=1e-12)


def test_hessians() -> None:
    """Third derivatives: energy ``sum x_i^3 x_{i+1}``, the trace of whose Hessian is differentiated."""
    jax = pytest.importorskip("jax")
    torch = pytest.importorskip("torch")

    def energy(x: Any) -> Any:
        return (x[:-1] ** 3 * x[1:]).sum()

    def squares(x: Any, dense: di.ADType) -> Any:
        return (di.hessian(energy, di.AutoSparse(dense, output="data"), x).data ** 2).sum()

    # Diagonal 6 x_i x_{i+1}; twice 3 x_i^2 beside it.
    want = np.zeros(6)
    want[:-1] = 72 * X[:-1] * X[1:] ** 2 + 72 * X[:-1] ** 3
    want[1:] += 72 * X[:-1] ** 2 * X[1:]
    leaf = torch.tensor(X, requires_grad=True)
    (got,) = torch.autograd.grad(squares(leaf, di.AutoTorch()), leaf)
    np.testing.assert_allclose(got, want, rtol=1e-12)
    np.testing.assert_allclose(di.gradient(lambda x: squares(x, DUAL), DUAL, X), want, rtol=1e-12)
    with jax.enable_x64(True):
        got = jax.jit(jax.grad(lambda x: squares(x, di.AutoJax())))(jax.numpy.asarray(X))
    np.testing.assert_allclose(got, want, rtol=1e-12)


def test_dense_from_sparse() -> None:
    """`toarray` is differentiable too."""
    torch = pytest.importorskip("torch")
    leaf = torch.tensor(X, requires_grad=True)
    backend = di.AutoSparse(di.AutoTorch(), output="data")
    (got,) = torch.autograd.grad((di.jacobian(f, backend, leaf).toarray() ** 2).sum(), leaf)
    np.testing.assert_allclose(got, gradient_of_squares(X), rtol=1e-12)
    with pytest.raises(di.NestedDifferentiationError, match="torch is recording"):
        di.jacobian(f, backend, leaf).to_scipy()


def test_native_under_an_outer_engine() -> None:
    jax = pytest.importorskip("jax")
    torch = pytest.importorskip("torch")
    leaf = torch.tensor(X, requires_grad=True)
    matrix = di.jacobian(f, di.AutoSparse(di.AutoTorch(), output="native"), leaf)
    (got,) = torch.autograd.grad((matrix.values() ** 2).sum(), leaf)
    np.testing.assert_allclose(got, gradient_of_squares(X), rtol=1e-12)
    backend = di.AutoSparse(di.AutoJax(), output="native")
    with jax.enable_x64(True):
        squares = lambda x: (di.jacobian(f, backend, x).todense() ** 2).sum()  # noqa: E731
        got = jax.jit(jax.grad(squares))(jax.numpy.asarray(X))
    np.testing.assert_allclose(got, gradient_of_squares(X), rtol=1e-12)


def test_csr_under_an_outer_engine() -> None:
    """SciPy's matrix would end the derivative in silence."""
    hint = "output='data'"
    backend = di.AutoSparse(DUAL)
    total = lambda x: di.jacobian(f, backend, x).data.sum()  # noqa: E731
    with pytest.raises(di.NestedDifferentiationError, match=hint):
        di.gradient(total, DUAL, X)
    torch = pytest.importorskip("torch")
    with pytest.raises(di.NestedDifferentiationError, match=hint):
        di.jacobian(f, di.AutoSparse(di.AutoTorch()), torch.tensor(X, requires_grad=True))
    jax = pytest.importorskip("jax")
    for dense in (di.AutoJax(), DUAL):
        with pytest.raises(di.NestedDifferentiationError, match=hint):
            jax.grad(lambda x, d=dense: di.jacobian(f, di.AutoSparse(d), x).data.sum())(X)
    autograd = pytest.importorskip("autograd")
    with pytest.raises(di.NestedDifferentiationError, match=hint):
        autograd.grad(lambda x: di.jacobian(f, di.AutoSparse(di.AutoAutograd()), x).data.sum())(X)
