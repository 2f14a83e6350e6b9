"""Operators inside a training loss: what f captured keeps its derivative, and no ``.grad`` is set."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from ..jax.cubic import CALLS, IDS, ROWS, Row, T, W, X
from .common import close, every_mode

torch = pytest.importorskip("torch")

GRADIENT = ROWS[0]


def weights(**options: Any) -> Any:
    return torch.tensor(W, requires_grad=True, **options)


@pytest.mark.parametrize("caller", ["torch", "numpy"])
@every_mode
@pytest.mark.parametrize(("row", "way"), CALLS, ids=IDS)
def test_captured_weights(row: Row, way: str, backend: di.ADType, caller: str) -> None:
    """The commonest nesting: x without gradient, and f closing over what is trained."""
    w = weights()
    x, t = (torch.tensor(row.x), torch.tensor(T)) if caller == "torch" else (row.x, T)
    got = row.ask(way, row.f(w), backend, x, t)
    assert w.grad is None
    close(got, row.result(W, row.x))
    (got**2).sum().backward()
    close(w.grad, row.loss_by_w(W, row.x))


@every_mode
@pytest.mark.parametrize(("row", "way"), CALLS, ids=IDS)
def test_tracked_x(row: Row, way: str, backend: di.ADType) -> None:
    w, x = weights(), torch.tensor(row.x, requires_grad=True)
    got = row.ask(way, row.f(w), backend, x, torch.tensor(T))
    assert x.grad is None
    (got**2).sum().backward()
    close(x.grad, row.loss_by_x(W, row.x))
    close(w.grad, row.loss_by_w(W, row.x))


@every_mode
@pytest.mark.parametrize("row", [row for row in ROWS if row.seeded], ids=lambda row: row.name)
def test_tracked_seeds(row: Row, backend: di.ADType) -> None:
    """The result is linear in the seed."""
    t = torch.tensor(T, requires_grad=True)
    for way in ("once", "prepared", "same_point"):
        t.grad = None
        row.ask(way, row.f(torch.tensor(W)), backend, torch.tensor(row.x), t).sum().backward()
        close(t.grad, W * row.slope(row.x) / T)


@every_mode
def test_tracked_contexts(backend: di.ADType) -> None:
    w = weights()
    f: Callable[[Any, Any], Any] = lambda x, p: (p["w"] * x**3).sum()  # noqa: E731
    x = torch.tensor(X)
    for got in (
        di.gradient(f, backend, x, {"w": w}),
        di.prepare_gradient(f, backend, x, {"w": w})(x, {"w": w}),
        di.prepare_gradient(f, backend, x, {"w": w.detach()})(x, {"w": w}),
        di.gradient(f, backend, X, {"w": w}),
    ):
        w.grad = None
        (got**2).sum().backward()
        close(w.grad, GRADIENT.loss_by_w(W, X))


def network() -> Any:
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1, bias=False)
    ).double()


def by_hand(net: Any) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The gradient g of the network at X, and of ``sum g**2`` in each parameter."""
    (a, b, c) = (p.detach().numpy() for p in net.parameters())
    h = np.tanh(a @ X + b)
    d = 1 - h**2
    g = (c[0] * d) @ a
    # With r = 2 g: d(sum g**2) = sum_j (c d)_j (da_j . r) + sum_j (dc d - 2 c h d dz)_j (a_j . r)
    r = 2 * g
    by_z = -2 * c[0] * h * d * (a @ r)
    return g, {
        "0.weight": np.outer(c[0] * d, r) + np.outer(by_z, X),
        "0.bias": by_z,
        "2.weight": (d * (a @ r))[None],
    }


@every_mode
@pytest.mark.parametrize("caller", ["torch", "numpy"])
@pytest.mark.parametrize("prepared", [True, False])
def test_gradient_penalty_of_a_network(backend: di.ADType, caller: str, prepared: bool) -> None:
    net = network()
    x = torch.tensor(X) if caller == "torch" else X

    def f(x: Any) -> Any:
        return net(x).sum()

    ask = di.prepare_gradient(f, backend, x) if prepared else lambda x: di.gradient(f, backend, x)
    got = ask(x)
    g, want = by_hand(net)
    close(got, g)
    assert all(p.grad is None for p in net.parameters())
    (got**2).sum().backward()
    for name, parameter in net.named_parameters():
        close(parameter.grad, want[name])


@every_mode
def test_prepared_calls_follow_the_optimiser(backend: di.ADType) -> None:
    """Parameters change in place between calls; prepared calls see them."""
    net = network()
    prep = di.prepare_gradient(lambda x: net(x).sum(), backend, X)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        optimiser.zero_grad()
        loss = (prep(X) ** 2).sum()
        loss.backward()
        _, want = by_hand(net)
        for name, parameter in net.named_parameters():
            close(parameter.grad, want[name])
        optimiser.step()


@every_mode
def test_double_backward(backend: di.ADType) -> None:
    """Second derivatives of the loss, through the operator: the Hessian in w is 18 x**4."""
    w, x = weights(), torch.tensor(X, requires_grad=True)
    loss = (di.gradient(GRADIENT.f(w), backend, x) ** 2).sum()
    first_w, first_x = torch.autograd.grad(loss, (w, x), create_graph=True)
    close(first_w, 18 * W * X**4)
    (second_w,) = torch.autograd.grad(first_w.sum(), w, retain_graph=True)
    (second_x,) = torch.autograd.grad(first_x.sum(), x)
    close(second_w, 18 * X**4)
    close(second_x, 108 * W**2 * X**2)


@every_mode
def test_operators_inside_operators(backend: di.ADType) -> None:
    """The Hessian as the Jacobian of the gradient, with weights that stay on the tape."""
    w = weights()
    got = di.jacobian(lambda x: di.gradient(GRADIENT.f(w), backend, x), backend, torch.tensor(X))
    close(got, np.diag(6 * W * X))
    (got**2).sum().backward()
    close(w.grad, 72 * W * X**2)


@every_mode
def test_values_and_aux_stay_on_the_tape(backend: di.ADType) -> None:
    def f(x: Any) -> Any:
        return (w * x**3).sum(), {"w": w**2, "name": "kept"}

    w = weights()
    x = torch.tensor(X)
    for parts in (
        di.value_and_gradient(f, backend, x, has_aux=True),
        di.prepare_gradient(f, backend, x, has_aux=True).value_and(x),
    ):
        value, slope, aux = parts
        assert aux["name"] == "kept"
        w.grad = None
        (value + slope.sum() + aux["w"].sum()).backward()
        close(w.grad, X**3 + 3 * X**2 + 2 * W)


@every_mode
def test_nothing_is_kept_where_nobody_asks(backend: di.ADType) -> None:
    """Without a tracked input, results carry no graph, and own no memory of it."""
    x = torch.tensor(X)
    for row, way in CALLS:
        point = torch.tensor(row.x)
        got = row.ask(way, row.f(torch.tensor(W)), backend, point, torch.tensor(T))
        assert not got.requires_grad, row.name
        assert not point.requires_grad
    w = weights()
    with torch.no_grad():
        for row, way in CALLS:
            got = row.ask(way, row.f(w), backend, torch.tensor(row.x), torch.tensor(T))
            assert not got.requires_grad, row.name
            close(got, row.result(W, row.x))
    assert w.grad is None
    assert x.grad is None


@every_mode
def test_frozen_parameters_are_constants(backend: di.ADType) -> None:
    net = network().requires_grad_(False)
    got = di.gradient(lambda x: net(x).sum(), backend, torch.tensor(X))
    assert not got.requires_grad
    close(got, by_hand(net)[0])


@every_mode
def test_accumulated_grads_are_left_alone(backend: di.ADType) -> None:
    w, x = weights(), torch.tensor(X, requires_grad=True)
    w.grad, x.grad = torch.full((3,), 7.0).double(), torch.full((3,), 5.0).double()
    for row, way in CALLS:
        if not row.scalar_x:
            row.ask(way, row.f(w), backend, x, torch.tensor(T))
    close(w.grad, np.full(3, 7.0))
    close(x.grad, np.full(3, 5.0))


def test_numpy_results_that_are_traced_stay_tensors() -> None:
    """Turning them into NumPy would drop the weights' derivative."""
    w = weights()
    got = di.gradient(GRADIENT.f(w), "torch", X)
    assert isinstance(got, torch.Tensor)
    with torch.no_grad():
        assert type(di.gradient(GRADIENT.f(w), "torch", X)) is np.ndarray


def test_whether_a_result_is_recorded_depends_on_its_own_call() -> None:
    x, w = torch.tensor([0.3, 0.7], dtype=torch.float64), torch.ones(2).double().requires_grad_()

    def f(z: Any, flag: int) -> Any:
        return ((w * z) ** 2).sum() if flag else (z**2).sum()

    prep = di.prepare_gradient(f, "torch", x, 0)
    assert [prep(x, k).requires_grad for k in (0, 1, 1, 0, 1, 0)] == [
        False,
        True,
        True,
        False,
        True,
        False,
    ]


def test_a_parameter_that_is_an_attribute_of_f() -> None:
    x = torch.tensor([0.3, 0.7], dtype=torch.float64)

    def f(x: Any) -> Any:
        return (f.w * x).sum()

    f.w = torch.ones(2, dtype=torch.float64, requires_grad=True)
    prep = di.prepare_gradient(f, "torch", x)
    assert [prep(x).requires_grad for _ in range(3)] == [True] * 3


@pytest.mark.parametrize("prepared", [False, True])
def test_inference_mode_with_gradients_on(prepared: bool) -> None:
    x = torch.tensor([0.3, 0.7], dtype=torch.float64)
    f = lambda x: (x**3).sum()  # noqa: E731
    prep = di.prepare_gradient(f, "torch", x) if prepared else partial(di.gradient, f, "torch")
    for _ in range(2):
        with torch.inference_mode(), torch.enable_grad():
            np.testing.assert_allclose(prep(x).numpy(), 3 * x.numpy() ** 2)
