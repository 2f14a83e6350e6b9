"""A network trained for 50 steps on ``u' = u cos t, u(0) = 1``: as by hand in torch and in JAX."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from .outers import OUTERS, differentiate
from .problems import Inner, dense, layer, parameters, total

STEPS, RATE = 50, 0.02
TIMES = np.linspace(0.0, 2.0, 12)[:, None]
START = parameters(1, 8, 1)


def train(gradient: Callable[[Any], tuple[float, Any]]) -> list[float]:
    """The losses of a training by Adam, over NumPy."""
    p = {name: leaf.copy() for name, leaf in START.items()}
    m, v = ({name: 0 * leaf for name, leaf in p.items()} for _ in range(2))
    losses = []
    for step in range(1, STEPS + 1):
        loss, slopes = gradient(p)
        losses.append(loss)
        for name, g in slopes.items():
            m[name] = 0.9 * m[name] + 0.1 * g
            v[name] = 0.999 * v[name] + 0.001 * g**2
            scale = np.sqrt(v[name] / (1 - 0.999**step)) + 1e-8
            p[name] = p[name] - RATE * m[name] / (1 - 0.9**step) / scale
    return losses


# --- by hand -------------------------------------------------------------------------------------


@cache
def torch_by_hand() -> list[float]:
    torch = pytest.importorskip("torch")

    def gradient(p: Any) -> Any:
        p = {name: torch.tensor(leaf, requires_grad=True) for name, leaf in p.items()}
        t = torch.tensor(TIMES, requires_grad=True)

        def net(t: Any) -> Any:
            return torch.tanh(t @ p["w1"] + p["b1"]) @ p["w2"] + p["b2"]

        u = net(t)
        (slope,) = torch.autograd.grad(u.sum(), t, create_graph=True)
        start = net(torch.zeros(1, 1, dtype=t.dtype))
        loss = ((slope - u * torch.cos(t)) ** 2).mean() + ((start - 1) ** 2).sum()
        loss.backward()
        return loss.item(), {name: leaf.grad.numpy() for name, leaf in p.items()}

    return train(gradient)


@cache
def jax_by_hand() -> list[float]:
    jax = pytest.importorskip("jax")
    jnp = jax.numpy

    def net(p: Any, t: Any) -> Any:
        return jnp.tanh(t @ p["w1"] + p["b1"]) @ p["w2"] + p["b2"]

    def loss(p: Any) -> Any:
        def residual(t: Any) -> Any:
            u, slope = jax.jvp(lambda t: net(p, t), (t,), (jnp.ones_like(t),))
            return u, slope

        u, slope = jax.vmap(residual)(TIMES)
        start = net(p, jnp.zeros((1, 1)))
        return jnp.mean((slope - u * jnp.cos(TIMES)) ** 2) + jnp.sum((start - 1) ** 2)

    step = jax.jit(jax.value_and_grad(loss))
    with jax.enable_x64(True):
        return train(lambda p: (lambda y, g: (float(y), jax.device_get(g)))(*step(p)))


def test_by_hand_twice() -> None:
    losses = torch_by_hand()
    assert losses[-1] < 0.1 * losses[0]
    np.testing.assert_allclose(losses, jax_by_hand(), rtol=1e-9)


# --- ours ----------------------------------------------------------------------------------------


def residuals(slope: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The loss of parameters and times, with u' from `slope`."""

    def loss(p: Any, t: Any) -> Any:
        u, start = dense(p, t), dense(p, 0 * t[:1, ...])
        misfit = slope(p, t) - u * di.array_namespace(t).cos(t)
        return total(misfit**2) / len(TIMES) + total((start - 1) ** 2)

    return loss


def trained(outer: str, slope: Callable[[Any, Any], Any]) -> list[float]:
    loss = residuals(slope)

    def gradient(p: Any) -> Any:
        value, slopes = differentiate(outer, loss, {"p": p, "x": TIMES})
        return value, {name: slopes[name] for name in p}

    return train(gradient)


WAYS = [(outer, OUTERS[outer][0], captured) for outer in OUTERS for captured in (False, True)]
WAYS += [("autograd.grad", "torch", False)]
# JAX's are traced at each step here, as they are not in `test_one_compiled_step`.
WAYS = [way for way in WAYS if OUTERS[way[0]][0] != "jax"]


@pytest.mark.parametrize(("outer", "engine", "captured"), WAYS)
def test_ours(outer: str, engine: str, captured: bool) -> None:
    pytest.importorskip(engine) if engine != "forwarddiff" else None
    inner = Inner(engine, captured)

    def slope(p: Any, t: Any) -> Any:
        return inner("gradient", lambda p, t: total(layer(dense, p)(t)), t, p)

    np.testing.assert_allclose(trained(outer, slope), torch_by_hand(), rtol=1e-9)


@pytest.mark.parametrize(("engine", "captured"), [("jax", True), ("jax", False), ("torch", False)])
def test_one_compiled_step(engine: str, captured: bool) -> None:
    jax = pytest.importorskip("jax")
    pytest.importorskip(engine)
    inner = Inner(engine, captured)

    def slope(p: Any, t: Any) -> Any:
        return inner("gradient", lambda p, t: total(layer(dense, p)(t)), t, p)

    with jax.enable_x64(True):
        step = jax.jit(jax.value_and_grad(residuals(slope)))
        got = train(lambda p: (lambda y, g: (float(y), jax.device_get(g)))(*step(p, TIMES)))
    np.testing.assert_allclose(got, torch_by_hand(), rtol=1e-9)


def test_a_jax_network_in_a_torch_loss() -> None:
    """One bridge for all steps, which compiles the network once."""
    torch, jnp = pytest.importorskip("torch"), pytest.importorskip("jax").numpy

    def u_and_slope(p: Any, t: Any) -> Any:
        return di.value_and_gradient(lambda t: jnp.sum(dense(p, t)), "jax", t)[1], dense(p, t)

    bridged = di.DifferentiateWith(u_and_slope, "jax")

    def gradient(p: Any) -> Any:
        p = {name: torch.tensor(leaf, requires_grad=True) for name, leaf in p.items()}
        slope, u = bridged(p, TIMES)
        misfit, start = slope - u * torch.cos(torch.tensor(TIMES)), u[0] - 1
        loss = (misfit**2).mean() + (start**2).sum()
        loss.backward()
        return loss.item(), {name: leaf.grad.numpy() for name, leaf in p.items()}

    np.testing.assert_allclose(train(gradient), torch_by_hand(), rtol=1e-9)


@pytest.mark.parametrize("mode", ["auto", "forward", "reverse"])
def test_a_torch_module_and_its_optimiser(mode: Any) -> None:
    """Captured parameters, as one writes it in torch; u' by samples, u with it in one pass."""
    torch = pytest.importorskip("torch")
    net = torch.nn.Sequential(torch.nn.Linear(1, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    net.load_state_dict(
        dict(zip(net.state_dict(), (torch.tensor(a.T) for a in START.values()), strict=True)),
        assign=True,
    )
    own, t = di.StatefulLayer(net), torch.tensor(TIMES)
    optimiser = torch.optim.Adam(net.parameters(), lr=RATE)
    losses = []
    for _ in range(STEPS):
        optimiser.zero_grad()
        u, rows = di.value_and_batched_jacobian(own, di.AutoTorch(mode=mode), t)
        start = own(torch.zeros(1, 1, dtype=t.dtype))
        loss = ((rows[:, :, 0] - u * torch.cos(t)) ** 2).mean() + ((start - 1) ** 2).sum()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    np.testing.assert_allclose(losses, torch_by_hand(), rtol=1e-7)
