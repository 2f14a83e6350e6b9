"""JAX, torch and autograd: our prepared calls against each engine's own best call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import diffinterface as di

from .timing import Row, at_most, at_most_more


def _spec(n: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(n)


def jax_rows() -> Iterator[Row]:
    import jax
    import jax.numpy as jnp

    b = di.AutoJax()

    def f(x: Any) -> Any:
        return jnp.sum(jnp.sin(x) * x**2)

    def rosenbrock(x: Any) -> Any:
        return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    x = jnp.asarray(_spec(10), jnp.float32)
    raw = jax.jit(jax.grad(f))
    ours = di.prepare_gradient(f, b, x)
    yield at_most_more(
        "JAX gradient, n = 10, jax in and out", lambda: ours(x), lambda: raw(x), 1.5e-6
    )
    a = np.asarray(x)
    for n in (10, 1000):
        a = _spec(n).astype(np.float32)
        np_ours = di.prepare_gradient(f, b, a)
        yield at_most(
            f"JAX gradient, n = {n}, NumPy float32 in and out",
            lambda a=a, p=np_ours: p(a),
            lambda a=a: np.asarray(raw(a)),
            1.2,
        )
    d = _spec(1000)
    np_ours = di.prepare_gradient(f, b, d)
    with jax.enable_x64(True):
        yield at_most(
            "JAX gradient, n = 1000, NumPy float64 in and out (switch on)",
            lambda: np_ours(d),
            lambda: np.asarray(raw(d)),
            1.2,
        )
        both = jax.jit(jax.value_and_grad(f))
        yield at_most(
            "JAX value and gradient, n = 1000, NumPy float64 in and out (switch on)",
            lambda: np_ours.value_and(d),
            lambda: tuple(map(np.asarray, both(d))),
            1.3,
        )
    x, t = (jnp.asarray(_spec(2000, s), jnp.float32) for s in (0, 1))
    hvp, grad = di.prepare_hvp(rosenbrock, b, x, t), di.prepare_gradient(rosenbrock, b, x)
    wait = jax.block_until_ready
    yield at_most(
        "JAX HVP over gradient, n = 2000", lambda: wait(hvp(x, t)), lambda: wait(grad(x)), 2
    )
    x = jnp.asarray(_spec(100), jnp.float32)
    hess = di.prepare_hessian(rosenbrock, b, x)
    for name, op in {
        "forward over reverse": jax.jit(jax.jacfwd(jax.grad(rosenbrock))),
        "reverse over reverse": jax.jit(jax.jacrev(jax.grad(rosenbrock))),
    }.items():
        yield at_most(
            f"JAX Hessian over {name}, n = 100",
            lambda: wait(hess(x)),
            lambda op=op: wait(op(x)),
            1.3,
        )


def torch_rows() -> Iterator[Row]:
    import torch

    b = di.AutoTorch()

    def f(x: Any) -> Any:
        return torch.sum(torch.sin(x) * x**2)

    def rosenbrock(x: Any) -> Any:
        return torch.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    def tape(x: Any) -> Any:
        leaf = x.detach().requires_grad_()
        return torch.autograd.grad(f(leaf), leaf)[0]

    def tape_both(x: Any) -> Any:
        leaf = x.detach().requires_grad_()
        y = f(leaf)
        return y.detach(), torch.autograd.grad(y, leaf)[0]

    for n in (10, 1000):
        x = torch.tensor(_spec(n))
        ours = di.prepare_gradient(f, b, x)
        yield at_most(
            f"torch gradient over the tape, n = {n}",
            lambda x=x, p=ours: p(x),
            lambda x=x: tape(x),
            1.07,
        )
        yield at_most(
            f"torch value and gradient over the tape, n = {n}",
            lambda x=x, p=ours: p.value_and(x),
            lambda x=x: tape_both(x),
            1.1,
        )
    x = torch.tensor(_spec(10))
    ours, func = di.prepare_gradient(f, b, x), torch.func.grad(f)
    yield at_most("torch gradient over torch.func, n = 10", lambda: ours(x), lambda: func(x), 0.5)
    x, t = (torch.tensor(_spec(2000, s)) for s in (0, 1))
    hvp, grad = di.prepare_hvp(rosenbrock, b, x, t), di.prepare_gradient(rosenbrock, b, x)
    yield at_most("torch HVP over gradient, n = 2000", lambda: hvp(x, t), lambda: grad(x), 2.7)
    x = torch.tensor(_spec(100))
    hess = di.prepare_hessian(rosenbrock, b, x)
    for name, op in {
        "forward over reverse": torch.func.hessian(rosenbrock),
        "reverse over reverse": torch.func.jacrev(torch.func.jacrev(rosenbrock)),
    }.items():
        yield at_most(
            f"torch Hessian over {name}, n = 100", lambda: hess(x), lambda op=op: op(x), 1.3
        )


def autograd_rows() -> Iterator[Row]:
    import autograd
    import autograd.numpy as anp

    b = di.AutoAutograd()

    def rosenbrock(x: Any) -> Any:
        return anp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    x, t = _spec(2000), _spec(2000, 1)
    raw = autograd.grad(rosenbrock)
    grad = di.prepare_gradient(rosenbrock, b, x)
    yield at_most("autograd gradient, n = 2000", lambda: grad(x), lambda: raw(x), 1.07)
    hvp = di.prepare_hvp(rosenbrock, b, x, t)
    yield at_most("autograd HVP over gradient, n = 2000", lambda: hvp(x, t), lambda: grad(x), 2.4)
    x = _spec(50)
    hess = di.prepare_hessian(rosenbrock, b, x)
    for name, op in {
        "autograd.hessian": autograd.hessian(rosenbrock),
        "forward over reverse": autograd.jacobian(autograd.grad(rosenbrock)),
    }.items():
        yield at_most(
            f"autograd Hessian over {name}, n = 50", lambda: hess(x), lambda op=op: op(x), 1.3
        )
