"""An implicit function inside the frameworks' own transforms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .common import ENGINES, C, X, gradient, hessian, implicit, jacobian, loss, solve

every_engine = pytest.mark.parametrize("engine", ENGINES)


def close(got: Any, want: Any) -> None:
    np.testing.assert_allclose(np.asarray(got), want, rtol=1e-9, atol=1e-9)


@every_engine
def test_jax(engine: str) -> None:
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        x, of = jax.numpy.asarray(X), loss(implicit(engine))
        close(jax.jit(jax.grad(of))(x), gradient())
        close(jax.hessian(of)(x), hessian())


def test_jax_transforms() -> None:
    jax = pytest.importorskip("jax")
    f = implicit("forwarddiff")
    with jax.enable_x64(True):
        x, of = jax.numpy.asarray(X), loss(f)
        close(jax.grad(of)(x), gradient())
        close(jax.jit(jax.jacfwd(lambda x: f(x, C)))(x), jacobian())
        close(jax.jit(jax.jacrev(lambda x: f(x, C)))(x), jacobian())
        close(jax.jit(jax.hessian(of))(x), hessian())
        close(jax.jacrev(jax.jacrev(of))(x), hessian())
        rows = jax.numpy.stack([x, 2 * x])
        each = jax.jit(jax.vmap(lambda x: f(x, C)))(rows)
        close(each, np.stack([solve(X, C), solve(2 * X, C)]))


@every_engine
def test_torch(engine: str) -> None:
    torch = pytest.importorskip("torch")
    x, of = torch.tensor(X, requires_grad=True), loss(implicit(engine))
    of(x).backward()
    close(x.grad, gradient())
    close(torch.func.grad(of)(torch.tensor(X)), gradient())


def test_torch_tape_and_transforms() -> None:
    torch = pytest.importorskip("torch")
    f, x = implicit("forwarddiff"), torch.tensor(X, requires_grad=True)
    of = loss(f)
    (first,) = torch.autograd.grad(of(x), x, create_graph=True)
    (row,) = torch.autograd.grad(first[1], x)
    close(row, hessian()[1])
    plain = torch.tensor(X)
    close(torch.func.jacfwd(lambda x: f(x, C))(plain), jacobian())
    close(torch.func.hessian(of)(plain), hessian())
    close(torch.func.vmap(torch.func.grad(of))(torch.stack([plain, plain]))[1], gradient())


@every_engine
def test_autograd(engine: str) -> None:
    autograd = pytest.importorskip("autograd")
    f = implicit(engine)
    close(autograd.grad(loss(f))(X), gradient())
    if engine == "forwarddiff":
        close(autograd.jacobian(lambda x: f(x, C))(X), jacobian())
    close(autograd.hessian(loss(f))(X), hessian())


@every_engine
def test_the_system_is_solved_once_a_batch(engine: str) -> None:
    """The system is factorised once for all columns of a Jacobian."""
    calls = []

    def counted(A: Any, b: Any) -> Any:
        calls.append(A)
        return np.linalg.solve(A, b)

    import diffinterface as di

    f = implicit(engine, linear_solver=counted)
    close(di.jacobian(f, "forwarddiff", X, C), jacobian())
    assert len(calls) == 1 + 3  # the random system, and one right-hand side each
    assert all(A is calls[0] for A in calls)


def test_shapes_must_be_known_before_solving_under_jit() -> None:
    jax = pytest.importorskip("jax")
    from diffinterface import NestedDifferentiationError
    from diffinterface.implicit import ImplicitFunction

    def choosy(x: Any) -> Any:
        if x[0] < 3:
            raise ValueError("no solution below 3")
        return np.sqrt(x)

    with jax.enable_x64(True):
        x = jax.numpy.asarray([4.0, 9.0])
        f = ImplicitFunction(choosy, lambda x, y: y**2 - x, backend="jax")
        with pytest.raises(NestedDifferentiationError, match="like="):
            jax.jit(f)(x)
        f = ImplicitFunction(choosy, lambda x, y: y**2 - x, backend="jax", like=np.zeros(2))
        close(jax.jit(jax.jacrev(f))(x), np.diag([1 / 4, 1 / 6]))


def test_constants_inside_jit() -> None:
    jax = pytest.importorskip("jax")
    f = implicit("jax")
    with jax.enable_x64(True):
        got = jax.jit(jax.grad(lambda t: f(X, C).sum() * t**2))(3.0)
    close(got, 6 * solve(X, C).sum())
