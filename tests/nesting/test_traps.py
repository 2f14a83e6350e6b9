"""Traps of nested differentiation: the frameworks' own calls go wrong in silence, ours do not.

The loss is ``sum f(x) + 0.01 ||J_f(x)||^2`` with ``f = x**3``: its gradient is ``3 x^2 + 0.36 x^3``,
and ``3 x^2`` where the Jacobian's part is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from ..engines.torch.cube import Cube

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings(
    # torch's own words about two of its traps
    "ignore:Converting a tensor with requires_grad=True to a scalar:UserWarning",
    "ignore:Attempted to insert a get_attr Node:UserWarning",
)

X = np.array([0.5, -1.0, 2.0])
RIGHT, LOST = 3 * X**2 + 0.36 * X**3, 3 * X**2
MODES = (di.AutoTorch(), di.AutoTorch(mode="forward"), di.AutoTorch(mode="reverse"))


def cube(x: Any) -> Any:
    return x**3


def penalised(jacobian: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: cube(x).sum() + 0.01 * (jacobian(x) ** 2).sum()


def on_tape(loss: Callable[[Any], Any]) -> Any:
    x = torch.tensor(X, requires_grad=True)
    (slope,) = torch.autograd.grad(loss(x), x)
    return slope.numpy()


def in_func(loss: Callable[[Any], Any]) -> Any:
    return torch.func.grad(loss)(torch.tensor(X)).numpy()


def linearize(x: Any) -> Any:
    _, push = torch.func.linearize(cube, x)
    return torch.stack([push(t) for t in torch.eye(3, dtype=x.dtype)], dim=1)


def rows_without_create_graph(x: Any) -> Any:
    return torch.stack([torch.autograd.grad(y, x, retain_graph=True)[0] for y in cube(x)])


def detached(x: Any) -> Any:
    own = x.detach().requires_grad_()
    rows = [torch.autograd.grad(y, own, create_graph=True)[0] for y in cube(own)]
    return torch.stack(rows)


def through_floats(x: Any) -> Any:
    return torch.tensor([[float(3 * x[k] ** 2)] for k in range(3)])


def through_item(x: Any) -> Any:
    return torch.diag(torch.tensor([(3 * a**2).item() for a in x]))


def through_list(x: Any) -> Any:
    return torch.diag(torch.tensor((3 * x**2).tolist()))


LOSING = {
    "functional.jacobian": lambda x: torch.autograd.functional.jacobian(cube, x),
    "functional.vjp": lambda x: torch.autograd.functional.vjp(cube, x, torch.ones_like(x))[1],
    "functional.jvp": lambda x: torch.autograd.functional.jvp(cube, x, torch.ones_like(x))[1],
    "autograd.grad": rows_without_create_graph,
    "detach().requires_grad_()": detached,
    "float(t)": through_floats,
    ".item()": through_item,
    ".tolist()": through_list,
    "func.linearize": linearize,
}


@pytest.mark.parametrize("name", LOSING)
def test_the_naive_call_loses_the_jacobian(name: str) -> None:
    np.testing.assert_allclose(on_tape(penalised(LOSING[name])), LOST)


@pytest.mark.parametrize("backend", MODES, ids=str)
@pytest.mark.parametrize("outer", [on_tape, in_func])
def test_ours_keeps_it(outer: Any, backend: di.ADType) -> None:
    def at_one_point(x: Any) -> Any:
        unit = torch.zeros(3, dtype=torch.float64)
        push = di.prepare_pushforward_same_point(cube, backend, x, unit)
        return torch.stack([push(t) for t in torch.eye(3, dtype=torch.float64)], dim=1)

    for jacobian in (
        lambda x: di.jacobian(cube, backend, x),
        lambda x: di.prepare_jacobian(cube, backend, x)(x),
        lambda x: di.pushforward(cube, backend, x, torch.ones_like(x)),
        lambda x: di.pullback(cube, backend, x, torch.ones_like(x)),
        at_one_point,
    ):
        np.testing.assert_allclose(outer(penalised(jacobian)), RIGHT, rtol=1e-12)


def test_linearize_in_func_grad() -> None:
    """There torch freezes the point as well, and may read it when its memory is another's."""
    assert not np.allclose(in_func(penalised(linearize)), RIGHT)


def test_backward_inside_a_loss() -> None:
    """The naive penalty is constant, and ``.grad`` is left full of it; ours touches no ``.grad``."""

    def backward(x: Any) -> Any:
        cube(x).sum().backward()
        return x.grad.clone()

    x = torch.tensor(X, requires_grad=True)
    loss = penalised(backward)(x)
    np.testing.assert_allclose(torch.autograd.grad(loss, x)[0], LOST)
    np.testing.assert_allclose(x.grad, 3 * X**2)
    x = torch.tensor(X, requires_grad=True)
    loss = penalised(lambda x: di.gradient(lambda x: cube(x).sum(), "torch", x))(x)
    assert x.grad is None
    np.testing.assert_allclose(torch.autograd.grad(loss, x)[0], RIGHT, rtol=1e-12)
    assert x.grad is None


def test_requires_grad_inside_func() -> None:
    """The naive tape raises inside a transform; ours needs no other code there."""

    def tape(x: Any) -> Any:
        own = x.clone().requires_grad_()
        return torch.autograd.grad(cube(own).sum(), own, create_graph=True)[0]

    with pytest.raises(RuntimeError, match="requires_grad_"):
        in_func(penalised(tape))
    ours = penalised(lambda x: di.gradient(lambda x: cube(x).sum(), "torch", x))
    np.testing.assert_allclose(in_func(ours), RIGHT, rtol=1e-12)


@pytest.mark.parametrize("backend", MODES, ids=str)
def test_floats_inside_f_are_refused(backend: di.ADType) -> None:
    """An f that detaches has no derivative left to take: an error, not zeros."""
    x = torch.tensor(X)
    for f in (
        lambda x: float((x**3).sum()),
        lambda x: (x**3).sum().item(),
        lambda x: (x**3).tolist()[0],
    ):
        with pytest.raises((di.DiffInterfaceError, RuntimeError)):
            di.gradient(f, backend, x)


def twice(f: Callable[[Any], Any], x: Any) -> Any:
    one = torch.ones_like(x)
    slope = lambda x: torch.func.jvp(f, (x,), (one,))[1]  # noqa: E731
    return torch.func.jvp(slope, (x,), (one,))[1]


@pytest.mark.parametrize("backend", MODES, ids=str)
def test_nested_forward_mode_through_a_function(backend: di.ADType) -> None:
    """Torch gives zeros: the tangents of a Function's rule are lost at the outer level."""
    x = torch.tensor(2.0, dtype=torch.float64)
    assert float(twice(Cube.apply, x)) == 0
    try:
        got = float(di.second_derivative(Cube.apply, backend, x))
    except (di.DiffInterfaceError, RuntimeError, NotImplementedError):
        return
    assert got == pytest.approx(12, rel=1e-12)


def test_nested_forward_mode_through_a_bridge() -> None:
    x = torch.tensor(2.0, dtype=torch.float64)
    f = di.DifferentiateWith(lambda x: x**3, di.AutoForwardDiff())
    try:
        got = float(twice(f, x))
    except di.NestedDifferentiationError:
        return
    assert got == pytest.approx(12, rel=1e-12)


# --- JAX -----------------------------------------------------------------------------------------


def test_stop_gradient_conversions() -> None:
    """A foreign engine behind ``stop_gradient`` drops the penalty; a bridge, or our call, keeps it."""
    jax = pytest.importorskip("jax")

    def stopped(x: Any) -> Any:
        held = jax.lax.stop_gradient(x)
        return jax.pure_callback(
            lambda a: di.jacobian(cube, "forwarddiff", np.asarray(a)),
            jax.ShapeDtypeStruct((3, 3), held.dtype),
            held,
        )

    with jax.enable_x64(True):
        x = jax.numpy.asarray(X)
        np.testing.assert_allclose(jax.grad(penalised(stopped))(x), LOST)
        for backend in ("jax", "forwarddiff", "torch"):
            ours = penalised(lambda x, b=backend: di.jacobian(cube, b, x))
            np.testing.assert_allclose(jax.grad(ours)(x), RIGHT, rtol=1e-12)
            np.testing.assert_allclose(jax.jit(jax.grad(ours))(x), RIGHT, rtol=1e-12)


def test_hessians_in_the_wrong_order() -> None:
    """``jacrev(jacfwd)`` pulls n rows through n tangents; ours pushes n through one gradient."""
    jax = pytest.importorskip("jax")
    n = 64
    weights = np.random.default_rng(0).standard_normal((n, n)).astype(np.float32)
    x = jax.numpy.ones(n, dtype=np.float32)

    def f(x: Any) -> Any:
        for _ in range(3):
            x = jax.numpy.tanh(weights @ x)
        return jax.numpy.sum(x**2)

    def flops(hessian: Callable[[Any], Any]) -> float:
        return jax.jit(hessian).lower(x).compile().cost_analysis()["flops"]

    ours = flops(lambda x: di.hessian(f, "jax", x))
    assert ours <= 1.3 * flops(jax.jacfwd(jax.jacrev(f)))
    assert flops(jax.jacrev(jax.jacfwd(f))) > 10 * ours
