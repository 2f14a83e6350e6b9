"""`explain` inside other derivatives: who records what, and the way the call takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di

jax = pytest.importorskip("jax")
torch = pytest.importorskip("torch")
jnp = jax.numpy

X = np.array([1.0, 2.0, 3.0])
TAPE, GRAD = "torch's tape", "torch.func.grad or vjp"


def cubes(x: Any) -> Any:
    return di.array_namespace(x).sum(x**3)


def seen(around: Any, x: Any, op: Any, f: Any, backend: Any) -> Any:
    """The explanation of a call inside the loss that `around` differentiates."""
    plans: list[Any] = []

    def loss(x: Any) -> Any:
        plans.append(di.explain(op, f, backend, x))
        return di.array_namespace(x).sum(x**2)

    around(loss)(x)
    return plans[-1]


JAX = [
    (jax.grad, ("jax.grad or vjp",)),
    (jax.jit, ("jax.jit",)),
    (lambda f: jax.jit(jax.grad(f)), ("jax.jit", "jax.grad or vjp")),
    (lambda f: lambda x: jax.jvp(f, (x,), (x,)), ("jax.jvp",)),
    (lambda f: lambda x: jax.vmap(f)(x[None]), ("jax.vmap",)),
    (jax.hessian, ("jax.vmap", "jax.jvp", "jax.grad or vjp")),
]
TORCH = [
    (torch.func.grad, (GRAD,)),
    (lambda f: lambda x: torch.func.vmap(torch.func.grad(f))(x[None]), ("torch.func.vmap", GRAD)),
    (lambda f: lambda x: torch.func.jvp(f, (x,), (x,)), ("torch.func.jvp",)),
    (lambda f: lambda x: f(x.requires_grad_()), (TAPE,)),
    (lambda f: lambda x: torch.func.grad(f)(x.requires_grad_()), (TAPE, GRAD)),
]


@pytest.mark.parametrize(("around", "outer"), JAX)
def test_jax_around_jax(around: Any, outer: Any) -> None:
    plan = seen(around, jnp.asarray(X), di.gradient, cubes, "jax")
    assert (plan.route, plan.outer, plan.traced) == ("native", outer, {"x": outer})


@pytest.mark.parametrize(("around", "outer"), JAX)
def test_jax_around_torch(around: Any, outer: Any) -> None:
    plan = seen(around, jnp.asarray(X), di.gradient, cubes, "torch")
    assert (plan.route, plan.outer, plan.modes) == ("bridge", outer, ("reverse",))
    assert "jax records an argument" in plan.why[0]


@pytest.mark.parametrize(("around", "outer"), TORCH)
def test_torch_around_torch(around: Any, outer: Any) -> None:
    plan = seen(around, torch.tensor(X), di.gradient, cubes, "torch")
    assert (plan.route, plan.outer) == ("native", outer)


@pytest.mark.parametrize(("around", "outer"), TORCH)
def test_torch_around_jax_and_duals(around: Any, outer: Any) -> None:
    plan = seen(around, torch.tensor(X), di.gradient, cubes, "jax")
    assert (plan.route, plan.outer) == ("bridge", outer)
    plan = seen(around, torch.tensor(X), di.gradient, cubes, "forwarddiff")
    assert (plan.route, plan.outer) == ("over", outer)


def test_autograd_and_duals_around() -> None:
    autograd = pytest.importorskip("autograd")
    assert seen(autograd.grad, X, di.gradient, cubes, "autograd").route == "native"
    assert seen(autograd.grad, X, di.gradient, cubes, "jax").route == "bridge"
    plan = seen(lambda f: lambda x: di.gradient(f, "forwarddiff", x), X, di.gradient, cubes, "jax")
    assert (plan.route, plan.outer) == ("bridge", ("forwarddiff",))


def test_a_switch_that_is_off() -> None:
    with di.config_context(nested_switching=False):
        plan = seen(jax.grad, jnp.asarray(X), di.gradient, cubes, "torch")
    assert plan.route == "refused"
    assert "nested_switching=False" in str(plan)


def test_what_torch_captured() -> None:
    """X is plain data, and only a weight is recorded."""
    weight = torch.tensor(X, requires_grad=True)
    plan = di.explain(di.gradient, lambda x: (weight * x**2).sum(), "torch", X)
    assert (plan.route, plan.traced) == ("native", {"captured": (TAPE,)})
    assert "recording what f captured" in str(plan)
    with torch.no_grad():
        plan = di.explain(di.gradient, lambda x: (weight * x**2).sum(), "torch", X)
    assert (plan.route, plan.traced) == ("direct", {})
    duals = di.explain(di.gradient, lambda x: (weight * x**2).sum(), "forwarddiff", torch.tensor(X))
    assert (duals.route, duals.traced) == ("over", {"captured": (TAPE,)})


def test_what_jax_captured() -> None:
    plans = []

    def loss(w: Any) -> Any:
        plans.append(di.explain(di.gradient, lambda x: jnp.sum(w * x**2), "jax", X))
        return jnp.sum(w)

    jax.jit(jax.grad(loss))(jnp.asarray(X))
    assert plans[0].traced == {"captured": ("jax.jit", "jax.grad or vjp")}
    assert plans[0].route == "native"


def test_contexts_and_tangents_that_are_recorded() -> None:
    weight = torch.tensor(X, requires_grad=True)
    plan = di.explain(di.jacobian, lambda x, c, w: c * w * x, "torch", torch.tensor(X), 2.0, weight)
    assert plan.traced == {"contexts[1]": (TAPE,)}
    plan = di.explain(di.pushforward, lambda x: x**2, "torch", torch.tensor(X), weight)
    assert plan.traced == {"t": (TAPE,)}


def test_nothing_is_recorded_by_explaining() -> None:
    x = torch.tensor(X, requires_grad=True)
    f_saw: list[bool] = []

    def f(x: Any) -> Any:
        f_saw.append(x.requires_grad)
        return (x**2).sum()

    di.explain(di.gradient, f, "torch", x)
    assert f_saw == [False]
    assert x.grad is None


def test_values_that_jit_hides_are_made_up() -> None:
    points: list[Any] = []

    def f(x: Any) -> Any:
        points.append(x)
        return (x**2).sum()

    seen(jax.jit, jnp.asarray(X), di.gradient, f, "torch")
    (point,) = points
    assert isinstance(point, torch.Tensor)
    assert point.shape == (3,)


@pytest.mark.parametrize("around", [jax.jit, jax.grad, lambda f: f])
@pytest.mark.parametrize(
    ("backend", "modes"),
    [
        (di.SecondOrder(di.AutoJax(), di.AutoTorch()), ("forward", "reverse")),
        # Torch pushes by two pullbacks.
        (di.SecondOrder(di.AutoTorch(), di.AutoJax()), ("reverse", "reverse", "reverse")),
        (di.SecondOrder(di.AutoFiniteDiff(), di.AutoTorch()), ("forward", "reverse")),
    ],
)
def test_one_engine_over_another_inside_a_third(around: Any, backend: Any, modes: Any) -> None:
    """No derivative is taken of stand-ins, nor of what the outer engine hides."""
    assert seen(around, jnp.asarray(X), di.hessian, cubes, backend).modes == modes


@pytest.mark.parametrize("dense", [di.AutoJax(), di.AutoTorch()])
def test_sparse_plans_by_their_colors(dense: Any) -> None:
    plan = di.explain(di.jacobian, lambda x: x[1:] * x[:-1], di.AutoSparse(dense), X)
    assert [n for _, n in plan.levels] == [2]
    plan = di.explain(di.hessian, cubes, di.AutoSparse(dense), X)
    assert [n for _, n in plan.levels] == [1, 1]
