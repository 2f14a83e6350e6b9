"""A loss that holds ``odeint``, inside the frameworks' own transforms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di
from diffinterface.sensitivity import odeint

from .problems import ENGINES, available
from .test_exact import WEIGHTS, Z, exact_gradient, exact_hessian, loss

pytest.importorskip("scipy")
every_engine = pytest.mark.parametrize("engine", ENGINES)


def close(got: Any, want: Any, tolerance: float = 1e-6) -> None:
    np.testing.assert_allclose(np.asarray(got), want, rtol=tolerance, atol=tolerance)


def of(engine: str, **options: Any) -> Any:
    available(engine)
    options = options if options.get("method") == "rk4" else {"rtol": 1e-9, **options}
    return lambda z: loss(z, backend=engine, **options)


@every_engine
def test_jax(engine: str) -> None:
    jax = pytest.importorskip("jax")
    f = of(engine)
    with jax.enable_x64(True):
        close(jax.jit(jax.grad(f))(jax.numpy.asarray(Z)), exact_gradient(Z))


def test_jax_transforms() -> None:
    jax = pytest.importorskip("jax")
    f = of("forwarddiff")
    with jax.enable_x64(True):
        z = jax.numpy.asarray(Z)
        close(jax.grad(f)(z), exact_gradient(Z))
        close(jax.jit(jax.jacfwd(f))(z), exact_gradient(Z))
        pair = jax.jit(jax.vmap(jax.grad(f)))(jax.numpy.stack([z, 2 * z]))
        close(pair[1], exact_gradient(2 * Z))


@every_engine
def test_torch(engine: str) -> None:
    torch = pytest.importorskip("torch")
    f, z = of(engine), torch.tensor(Z, requires_grad=True)
    f(z).backward()
    close(z.grad, exact_gradient(Z))


def test_torch_transforms() -> None:
    torch = pytest.importorskip("torch")
    f, plain = of("forwarddiff"), torch.tensor(Z)
    close(torch.func.grad(f)(plain), exact_gradient(Z))
    close(torch.func.jacfwd(f)(plain), exact_gradient(Z))
    close(
        torch.func.vmap(torch.func.grad(f))(torch.stack([plain, 2 * plain]))[1],
        exact_gradient(2 * Z),
    )


def test_torch_twice() -> None:
    torch = pytest.importorskip("torch")
    f, z = of("forwarddiff", sensitivity="interpolating"), torch.tensor(Z, requires_grad=True)
    (first,) = torch.autograd.grad(f(z), z, create_graph=True)
    (row,) = torch.autograd.grad(first[2], z)
    close(row, exact_hessian()[2], 1e-4)


@every_engine
def test_autograd(engine: str) -> None:
    autograd = pytest.importorskip("autograd")
    close(autograd.grad(of(engine))(Z), exact_gradient(Z))


@pytest.mark.parametrize("outer", ["forwarddiff", "finitediff", "complexstep"])
def test_numpy_engines(outer: str) -> None:
    close(di.gradient(of("forwarddiff"), outer, Z), exact_gradient(Z), 1e-5)


def test_a_training_step_of_a_neural_ode() -> None:
    """Weights as p: the loss goes down, and the gradient is that of differences."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    weights = {
        "a": torch.randn(4, 2, dtype=torch.float64) * 0.5,
        "b": torch.randn(2, 4, dtype=torch.float64) * 0.5,
    }

    def f(t: Any, u: Any, w: Any) -> Any:
        return torch.tanh(u @ w["a"].T) @ w["b"].T

    u0 = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.5]], dtype=torch.float64)

    def total(w: Any, variant: Any = "interpolating") -> Any:
        u = odeint(f, u0, [0.0, 1.0], w, backend="torch", sensitivity=variant, rtol=1e-9)
        return ((u[-1] - 0.5) ** 2).sum()

    for leaf in weights.values():
        leaf.requires_grad_()
    total(weights).backward()
    with torch.no_grad():
        h = 1e-6
        for leaf in weights.values():
            before = float(total(weights))
            direction = leaf.grad / leaf.grad.norm()
            leaf -= h * direction
            slope = (before - float(total(weights))) / h
            leaf += h * direction
            assert slope == pytest.approx(float(leaf.grad.norm()), rel=1e-3)


def test_discrete_inside_jit() -> None:
    """Fixed steps in the caller's own program: no callback, and exact derivatives of it."""
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        f = of("jax", sensitivity="discrete", method="rk4", steps=1)
        plain = of("forwarddiff", sensitivity="discrete", method="rk4", steps=1)
        want = di.gradient(plain, "forwarddiff", Z)
        close(jax.jit(jax.grad(f))(jax.numpy.asarray(Z)), want, 1e-12)
        close(want, exact_gradient(Z), 0.1)
        adaptive = of("jax", sensitivity="discrete")
        with pytest.raises(di.InputError, match="method='rk4'"):
            jax.jit(jax.grad(adaptive))(jax.numpy.asarray(Z))


def test_discrete_compiles_one_step() -> None:
    """The program does not grow with the steps that it takes."""
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        few, many = (
            of("jax", sensitivity="discrete", method="rk4", steps=steps) for steps in (2, 200)
        )
        sizes = [len(str(jax.make_jaxpr(f)(jax.numpy.asarray(Z)))) for f in (few, many)]
        assert sizes[1] < 1.1 * sizes[0]
        close(jax.jit(jax.grad(many))(jax.numpy.asarray(Z)), exact_gradient(Z), 1e-8)


def test_discrete_functions_of_another_framework() -> None:
    """A right-hand side in torch, stepped through by autograd."""
    torch, autograd = pytest.importorskip("torch"), pytest.importorskip("autograd")

    def f(t: Any, u: Any, p: Any) -> Any:
        return -p * torch.sin(u)

    def final(p: Any) -> Any:
        u = odeint(
            f, np.array([1.0]), [0.0, 0.5], p, backend="torch", sensitivity="discrete", method="rk4"
        )
        return u[-1, 0]

    h = 1e-6
    want = (final(2.0 + h) - final(2.0 - h)) / (2 * h)
    close(autograd.grad(final)(2.0), want, 1e-8)
    close(di.derivative(final, "torch", 2.0), want, 1e-8)
    assert WEIGHTS.shape == (4, 2)
