"""Torch modules: buffers advance once a call under every nesting, and losses keep all their terms."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import diffinterface as di

torch = pytest.importorskip("torch")

MODES = [di.AutoTorch(), di.AutoTorch("reverse"), di.AutoTorch("forward")]

every_mode = pytest.mark.parametrize("backend", MODES, ids=lambda adtype: adtype.mode)


def network() -> Any:
    torch.manual_seed(3)
    return torch.nn.Sequential(
        torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3), torch.nn.Tanh(), torch.nn.Linear(3, 2)
    ).double()


def batch() -> Any:
    return torch.tensor(np.random.default_rng(1).normal(size=(4, 2)))


def advanced(calls: int) -> Any:
    """The buffers after so many calls of the module itself."""
    net = network()
    for _ in range(calls):
        net(batch())
    return dict(net.named_buffers())


def check(net: Any, calls: int, **tolerance: float) -> None:
    for name, expected in advanced(calls).items():
        assert_allclose(dict(net.named_buffers())[name], expected, **tolerance)


OPERATORS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "gradient": lambda f, b, x: di.gradient(lambda x: (f(x) ** 2).sum(), b, x),
    "jacobian": lambda f, b, x: di.jacobian(f, b, x),
    "tall jacobian": lambda f, b, x: di.jacobian(lambda s: f(s * x), b, x[0, 0]),
    "pushforward": lambda f, b, x: di.pushforward(f, b, x, x),
    "pullback": lambda f, b, x: di.pullback(f, b, x, x),
    "hvp": lambda f, b, x: di.hvp(lambda x: (f(x) ** 2).sum(), b, x, x),
    "hessian": lambda f, b, x: di.hessian(lambda x: (f(x) ** 2).sum(), b, x),
    "second_derivative": lambda f, b, x: di.second_derivative(lambda s: f(s * x), b, x[0, 0]),
    "prepared": lambda f, b, x: di.prepare_jacobian(f, b, x)(x),
    "prepared hessian": lambda f, b, x: di.prepare_hessian(lambda x: f(x).sum(), b, x)(x),
}
AT_OTHER_POINTS = ("tall jacobian", "second_derivative")


@every_mode
@pytest.mark.parametrize("operator", OPERATORS)
def test_running_statistics_advance_once_a_call(operator: str, backend: Any) -> None:
    net, x = network(), batch()
    layer = di.StatefulLayer(net)
    for k in (1, 2):
        OPERATORS[operator](layer, backend, x)
        assert int(net[1].num_batches_tracked) == k
        if operator not in AT_OTHER_POINTS:
            check(net, k)


@every_mode
def test_numbers_are_those_of_the_module(backend: Any) -> None:
    x = batch()
    net, layer = network(), di.StatefulLayer(network())
    assert_allclose(layer(x).detach(), net(x).detach())
    expected = torch.autograd.functional.jacobian(net, x)
    assert_allclose(di.jacobian(layer, backend, x).detach(), expected, atol=1e-13)
    values, points = layer.params, {k: v.detach() for k, v in layer.params.items()}
    got = di.gradient(lambda p: (layer.with_input(x)(p) ** 2).sum(), backend, points)
    (net(x) ** 2).sum().backward()
    for name, p in net.named_parameters():
        assert_allclose(got[name].detach(), p.grad, atol=1e-12)
        assert values[name].grad is None


def by_differences(loss: Callable[[Any], Any], net: Any) -> dict[str, Any]:
    """The gradient by every parameter, by central differences of the loss."""
    found = {}
    for name, p in net.named_parameters():
        slope, flat, h = np.zeros(p.numel()), p.detach().view(-1), 1e-5
        for k in range(p.numel()):
            values = []
            for sign in (1, -1):
                flat[k] += sign * h
                values.append(loss(copy.deepcopy(net)).item())
                flat[k] -= sign * h
            slope[k] = (values[0] - values[1]) / (2 * h)
        found[name] = slope.reshape(p.shape)
    return found


@every_mode
def test_a_loss_with_the_norm_of_a_jacobian(backend: Any) -> None:
    """Captured parameters keep both terms; each of the two calls advances the statistics."""
    net, x = network(), batch()

    def loss(net: Any, backend: Any = backend) -> Any:
        layer = di.StatefulLayer(net)
        return (layer(x) ** 2).sum() + (di.jacobian(layer, backend, x) ** 2).sum()

    loss(net).backward()
    assert int(net[1].num_batches_tracked) == 2
    check(net, 2)
    for name, expected in by_differences(loss, net).items():
        assert_allclose(dict(net.named_parameters())[name].grad, expected, atol=2e-7)


@pytest.mark.parametrize("norm", ["BatchNorm1d", "LayerNorm", "GroupNorm", "InstanceNorm1d"])
@every_mode
def test_a_loss_with_the_slope_of_a_normalised_network(backend: Any, norm: str) -> None:
    """Torch's own forward rules of the first two and the last forget what the statistics depend on."""
    torch.manual_seed(4)
    kind = getattr(torch.nn, norm)
    middle = kind(2, 4) if norm == "GroupNorm" else kind(4)
    net = torch.nn.Sequential(torch.nn.Linear(2, 4), middle, torch.nn.Tanh()).double()
    points = torch.tensor(np.random.default_rng(2).normal(size=(2, 4, 2)))
    x, t = points if norm != "InstanceNorm1d" else (points, points.flip(0))

    def loss(net: Any) -> Any:
        return (di.pushforward(di.StatefulLayer(net), backend, x, t) ** 2).sum()

    loss(net).backward()
    for name, expected in by_differences(loss, net).items():
        slope = dict(net.named_parameters())[name].grad
        assert_allclose(0 if slope is None else slope, expected, atol=1e-6)


def test_inside_torch_func() -> None:
    net, x = network(), batch()
    layer = di.StatefulLayer(net)

    def loss(params: Any) -> Any:
        return (di.jacobian(layer.with_params(params), "torch", x) ** 2).sum()

    points = {name: p.detach() for name, p in layer.params.items()}
    got = torch.func.grad(loss)(points)
    check(net, 1)
    reference = network()
    (di.jacobian(di.StatefulLayer(reference), "torch", x) ** 2).sum().backward()
    for name, p in reference.named_parameters():
        # The last bias changes no slope, so the tape never reaches it.
        expected = torch.zeros_like(p) if p.grad is None else p.grad
        assert_allclose(got[name], expected, atol=1e-12)


def test_finite_differences_of_a_module() -> None:
    net, x = network(), batch()
    layer = di.StatefulLayer(net)
    with torch.no_grad():
        got = di.jacobian(layer, "finitediff", x)
    check(net, 1, atol=1e-2)
    assert int(net[1].num_batches_tracked) == 1
    assert_allclose(got, torch.autograd.functional.jacobian(network(), x), atol=1e-8)


def test_a_call_in_a_transform_of_the_users() -> None:
    net, x = network(), batch()
    layer = di.StatefulLayer(net)
    torch.func.jvp(lambda x: torch.func.grad(lambda x: layer(x).sum())(x), (x,), (x,))
    check(net, 1)
    assert not torch._C._functorch.is_functorch_wrapped_tensor(net[1].running_mean)


def test_statistics_by_sample_are_refused() -> None:
    layer = di.StatefulLayer(Counting())
    with pytest.raises(di.NestedDifferentiationError, match="from sample to sample"):
        torch.func.vmap(layer)(batch())


class Counting(torch.nn.Module):
    """Buffers that are bound anew, written in place, and left alone."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("total", torch.zeros(2, dtype=torch.float64))
        self.register_buffer("calls", torch.tensor(0))
        self.register_buffer("scale", torch.tensor([2.0, 3.0], dtype=torch.float64))
        self.total: Any
        self.calls: Any
        self.scale: Any

    def forward(self, x: Any) -> Any:
        self.total = self.total + x.reshape(-1, 2).sum(0).detach()
        self.calls += 1
        return self.scale * x**2


@every_mode
def test_buffers_bound_anew(backend: Any) -> None:
    net = Counting()
    layer, x, total = di.StatefulLayer(net), batch(), net.total
    got = di.jacobian(lambda x: layer(x).sum(0), backend, x)
    assert_allclose(got[0, :, 0], 4 * x[:, 0])
    assert net.total is total  # the same tensor, with other numbers
    assert_allclose(total, x.sum(0))
    assert int(net.calls) == 1


def test_a_buffer_that_stays_keeps_the_graphs_that_saved_it() -> None:
    net = network().eval()
    x = batch().requires_grad_()
    y = net(x).sum()
    di.StatefulLayer(net)(x)
    y.backward()  # torch raises if a saved tensor was written into since
    check(net, 0)


def test_pure_leaves_the_module_alone() -> None:
    net, x = network(), batch()
    layer = di.StatefulLayer(net)
    _, state = layer.pure(layer.params, layer.state, x)
    check(net, 0)
    for name, expected in advanced(1).items():
        assert_allclose(state[name], expected)


def test_the_optimiser_of_the_module_is_seen() -> None:
    net, x = network(), batch()
    layer = di.StatefulLayer(net)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    losses = []
    for _ in range(5):
        optimiser.zero_grad()
        loss = (di.jacobian(layer, "torch", x) ** 2).sum()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses == sorted(losses, reverse=True)
    assert int(net[1].num_batches_tracked) == 5


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, from its compiler
def test_compiled_plans_refuse_a_state() -> None:
    layer = di.StatefulLayer(network())
    with pytest.raises(di.UnsupportedOperatorError, match=r"layer\.pure"):
        di.prepare_gradient(lambda x: layer(x).sum(), di.AutoTorch(compile=True), batch())(batch())
