"""Training a network on a differential equation: ``u' = cos, u(0) = 0``, as by hand, for 50 steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from .networks import network, parameters

TIMES = np.linspace(0, 3, 16)[:, None]
STEPS = 50
P = parameters(1, 8, 8, 1)


# --- torch: a module whose parameters the function captures --------------------------------------


def train_torch(slope_of: Callable[[Any], Callable[[], Any]]) -> list[float]:
    """The losses of a training by Adam; `slope_of` gives u' of a module, at all times."""
    torch = pytest.importorskip("torch")
    net = torch.nn.Sequential(
        torch.nn.Linear(1, 8),
        torch.nn.Tanh(),
        torch.nn.Linear(8, 8),
        torch.nn.Tanh(),
        torch.nn.Linear(8, 1),
    ).double()
    with torch.no_grad():
        for own, given in zip(net.parameters(), P, strict=True):
            own.copy_(torch.tensor(given.T))
    slope = slope_of(net)
    optimiser = torch.optim.Adam(net.parameters(), lr=0.02)
    target, start = torch.tensor(np.cos(TIMES)), torch.zeros(1, 1, dtype=torch.float64)
    losses = []
    for _ in range(STEPS):
        optimiser.zero_grad()
        loss = ((slope() - target) ** 2).mean() + (net(start) ** 2).sum()
        assert all(p.grad is None for p in net.parameters())
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    return losses


def torch_by_hand(net: Any) -> Any:
    import torch

    t = torch.tensor(TIMES, requires_grad=True)
    return lambda: torch.autograd.grad(net(t).sum(), t, create_graph=True)[0]


def torch_ours(backend: di.ADType, prepared: bool, plain: bool) -> Callable[[Any], Any]:
    def slope_of(net: Any) -> Any:
        import torch

        t = TIMES if plain else torch.tensor(TIMES)

        def u(t: Any) -> Any:
            return net(t).sum()

        if prepared:
            prep = di.prepare_gradient(u, backend, t)
            return lambda: prep(t)
        return lambda: di.gradient(u, backend, t)

    return slope_of


@pytest.mark.parametrize("plain", [False, True], ids=["tensor", "numpy"])
@pytest.mark.parametrize("prepared", [False, True], ids=["once", "prepared"])
@pytest.mark.parametrize("mode", ["auto", "forward", "reverse"])
def test_torch(mode: Any, prepared: bool, plain: bool) -> None:
    want = train_torch(torch_by_hand)
    got = train_torch(torch_ours(di.AutoTorch(mode=mode), prepared, plain))
    assert want[-1] < 0.3 * want[0]
    np.testing.assert_allclose(got, want, rtol=1e-6)


def test_torch_by_samples() -> None:
    """u' as the diagonal of the batched Jacobian."""

    def slope_of(net: Any) -> Any:
        import torch

        t = torch.tensor(TIMES)
        return lambda: di.batched_jacobian(net, "torch", t)[:, :, 0]

    np.testing.assert_allclose(train_torch(slope_of), train_torch(torch_by_hand), rtol=1e-6)


# --- JAX and autograd: parameters traced by the loss, captured by the function --------------------


def adam(gradient: Callable[[Any], Any], p: Any, xp: Any) -> list[float]:
    """The losses of a training by Adam, in arrays of any framework."""
    m, v = [[0 * leaf for leaf in p] for _ in range(2)]
    losses = []
    for step in range(1, STEPS + 1):
        loss, slopes = gradient(p)
        losses.append(float(loss))
        m = [0.9 * a + 0.1 * g for a, g in zip(m, slopes, strict=True)]
        v = [0.999 * a + 0.001 * g**2 for a, g in zip(v, slopes, strict=True)]
        moved = [
            a / (1 - 0.9**step) / (xp.sqrt(b / (1 - 0.999**step)) + 1e-8)
            for a, b in zip(m, v, strict=True)
        ]
        p = tuple(leaf - 0.02 * d for leaf, d in zip(p, moved, strict=True))
    return losses


def loss_of(slope: Callable[[Any], Any], xp: Any) -> Callable[[Any], Any]:
    def loss(p: Any) -> Any:
        residual = slope(p) - xp.cos(TIMES)
        return xp.mean(residual**2) + xp.sum(network(np.zeros((1, 1)), p) ** 2)

    return loss


@pytest.fixture(scope="module")
def jax_losses() -> list[float]:
    """The training by hand."""
    jax = pytest.importorskip("jax")
    jnp = jax.numpy
    with jax.enable_x64(True):
        t = jnp.asarray(TIMES)
        by_hand = loss_of(jax.grad(lambda t, p: jnp.sum(network(t, p))).__get__(t), jnp)
        return adam(jax.jit(jax.value_and_grad(by_hand)), tuple(map(jnp.asarray, P)), jnp)


@pytest.mark.parametrize("plain", [False, True], ids=["jax", "numpy"])
@pytest.mark.parametrize("backend", [di.AutoJax(), di.AutoJax(mode="forward")], ids=str)
@pytest.mark.parametrize("prepared", [False, True], ids=["once", "prepared"])
def test_jax(jax_losses: list[float], prepared: bool, backend: di.ADType, plain: bool) -> None:
    import jax

    jnp = jax.numpy
    with jax.enable_x64(True):
        t = TIMES if plain else jnp.asarray(TIMES)

        def slope(p: Any) -> Any:
            def u(t: Any) -> Any:
                return jnp.sum(network(t, p))

            if prepared:
                return di.prepare_gradient(u, backend, t)(t)
            return di.gradient(u, backend, t)

        step = jax.jit(jax.value_and_grad(loss_of(slope, jnp)))
        got = adam(step, tuple(map(jnp.asarray, P)), jnp)
    assert jax_losses[-1] < 0.3 * jax_losses[0]
    np.testing.assert_allclose(got, jax_losses, rtol=1e-6)


@pytest.mark.parametrize("inner", [di.AutoAutograd(), di.AutoForwardDiff()], ids=str)
def test_autograd(jax_losses: list[float], inner: di.ADType) -> None:
    """The same numbers as JAX by hand."""
    autograd = pytest.importorskip("autograd")
    import autograd.numpy as anp

    def slope(p: Any) -> Any:
        return di.gradient(lambda t: di.array_namespace(t).sum(network(t, p)), inner, TIMES)

    step = autograd.value_and_grad(lambda p: loss_of(slope, anp)(tuple(p)))
    np.testing.assert_allclose(adam(step, P, np), jax_losses, rtol=1e-6)
