"""Operators inside ``torch.func``: its transforms compose with ours, or ours say why not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from ..jax.cubic import CALLS, IDS, ROWS, Row, T, W, X
from .common import close, every_mode

torch = pytest.importorskip("torch")

GRADIENT = ROWS[0]


def asked(row: Row, way: str, backend: di.ADType) -> Callable[[Any, Any], Any]:
    """The operator as a function of the weights that f captures, and of x."""
    return lambda w, x: row.ask(way, row.f(w), backend, x, torch.tensor(T))


def point(row: Row) -> tuple[Any, Any]:
    return torch.tensor(W), torch.tensor(row.x)


@every_mode
@pytest.mark.parametrize(("row", "way"), CALLS, ids=IDS)
def test_grad(row: Row, way: str, backend: di.ADType) -> None:
    ask = asked(row, way, backend)
    both = torch.func.grad(lambda w, x: (ask(w, x) ** 2).sum(), argnums=(0, 1))
    by_w, by_x = both(*point(row))
    close(by_w, row.loss_by_w(W, row.x))
    close(by_x, row.loss_by_x(W, row.x))


@every_mode
@pytest.mark.parametrize(("row", "way"), CALLS, ids=IDS)
def test_forward_mode(row: Row, way: str, backend: di.ADType) -> None:
    """The result is linear in w: its derivative along w is itself."""
    ask, (w, x) = asked(row, way, backend), point(row)
    value, slope = torch.func.jvp(lambda w: ask(w, x), (w,), (w,))
    close(value, row.result(W, row.x))
    close(slope, row.result(W, row.x))
    jacobian = torch.func.jacfwd(lambda x: (ask(w, x) ** 2).sum())(x)
    close(jacobian, row.loss_by_x(W, row.x))


@every_mode
@pytest.mark.parametrize(("row", "way"), CALLS, ids=IDS)
def test_vmap(row: Row, way: str, backend: di.ADType) -> None:
    ask, (w, x) = asked(row, way, backend), point(row)
    stacked = torch.func.vmap(ask)(torch.stack([w, 3 * w]), torch.stack([x, -x]))
    close(stacked[0], row.result(W, row.x))
    close(stacked[1], row.result(3 * W, -row.x))
    only_w = torch.func.vmap(ask, in_dims=(0, None))(torch.stack([w, 3 * w]), x)
    close(only_w[1], row.result(3 * W, row.x))


@every_mode
def test_second_order(backend: di.ADType) -> None:
    """``sum (3 w x**2)**2`` has the Hessian ``18 x**4`` in w and ``108 w**2 x**2`` in x."""
    ask = asked(GRADIENT, "once", backend)

    def loss(w: Any, x: Any) -> Any:
        return (ask(w, x) ** 2).sum()

    for hessian in (torch.func.hessian, lambda f, argnums: reverse_twice(f, argnums)):
        close(hessian(loss, argnums=0)(*point(GRADIENT)), np.diag(18 * X**4))
        close(hessian(loss, argnums=1)(*point(GRADIENT)), np.diag(108 * W**2 * X**2))


def reverse_twice(f: Any, argnums: int) -> Any:
    return torch.func.jacrev(torch.func.jacrev(f, argnums), argnums)


@every_mode
def test_per_sample_gradients(backend: di.ADType) -> None:
    """vmap of grad over samples, the network's parameters given by functional_call."""
    torch.manual_seed(0)
    layer = torch.nn.Linear(3, 1).double()
    parameters = dict(layer.named_parameters())

    def energy(p: Any, x: Any) -> Any:
        slope = di.gradient(
            lambda x: torch.func.functional_call(layer, p, (x,)).sum() ** 2, backend, x
        )
        return slope.sum()

    samples = torch.tensor(np.stack([X, 2 * X]))
    got = torch.func.vmap(torch.func.grad(energy), in_dims=(None, 0))(parameters, samples)
    a, b = layer.weight.detach().numpy()[0], layer.bias.detach().numpy()[0]
    for k, x in enumerate(samples.numpy()):
        # energy = 2 (a.x + b) sum(a)
        close(got["weight"][k, 0], 2 * (x * a.sum() + (a @ x + b)))
        close(got["bias"][k, 0], 2 * a.sum())


@every_mode
def test_prepared_outside_and_called_inside(backend: di.ADType) -> None:
    x = torch.tensor(X)
    prep = di.prepare_gradient(lambda x: (x**3).sum(), backend, x)
    close(torch.func.jacrev(prep)(x), np.diag(6 * X))
    close(torch.func.jacfwd(prep)(x), np.diag(6 * X))
    close(torch.func.vmap(prep)(torch.stack([x, 2 * x]))[1], 12 * X**2)
    close(prep(x), 3 * X**2)


@every_mode
def test_an_outer_tape_around_a_transform(backend: di.ADType) -> None:
    w = torch.tensor(W, requires_grad=True)
    got = torch.func.vmap(asked(GRADIENT, "once", backend), in_dims=(None, 0))(
        w, torch.tensor(np.stack([X, 2 * X]))
    )
    (got**2).sum().backward()
    close(w.grad, GRADIENT.loss_by_w(W, X) + GRADIENT.loss_by_w(W, 2 * X))


@every_mode
@pytest.mark.parametrize(("row", "way"), CALLS, ids=IDS)
def test_forward_mode_by_hand(row: Row, way: str, backend: di.ADType) -> None:
    """A dual level opened by the caller: w's tangent arrives, or torch says that it cannot nest."""
    reverse = row.name in ("gradient", "jacobian", "batched_jacobian", "pullback")
    with torch.autograd.forward_ad.dual_level():
        w = torch.autograd.forward_ad.make_dual(torch.tensor(W), torch.tensor(T))
        try:
            got = row.ask(way, row.f(w), backend, torch.tensor(row.x), torch.tensor(T))
        except di.NestedDifferentiationError as error:
            forward = backend.mode == "forward" and row.name != "pullback"
            if "forward mode inside a level" not in str(error) or (reverse and not forward):
                raise
            return
        primal, tangent = torch.autograd.forward_ad.unpack_dual(got)
        close(primal, row.result(W, row.x))
        assert tangent is not None
        close(tangent, row.result(T, row.x))


def test_a_numpy_x_inside_a_transform_hides_nothing() -> None:
    def loss(w: Any) -> Any:
        return (di.gradient(GRADIENT.f(w), "torch", X) ** 2).sum()

    close(torch.func.grad(loss)(torch.tensor(W)), GRADIENT.loss_by_w(W, X))
    close(torch.func.jacfwd(loss)(torch.tensor(W)), GRADIENT.loss_by_w(W, X))
    close(
        torch.func.vmap(loss)(torch.tensor(np.stack([W, 2 * W]))),
        [np.sum(GRADIENT.result(w, X) ** 2) for w in (W, 2 * W)],
    )
