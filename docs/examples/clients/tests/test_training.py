"""The same network, loss and data, trained by optax and by torch.optim, and by hand."""

from typing import Any

import numpy as np
import pytest
from clients.training import loss, train_with_optax, train_with_torch

DRAW = np.random.default_rng(8)
INPUTS = DRAW.uniform(-1.0, 1.0, (20, 2))
TARGETS = np.sin(INPUTS[:, :1]) * INPUTS[:, 1:]
START = {
    "first": 0.5 * DRAW.normal(size=(2, 6)),
    "shift": np.zeros(6),
    "second": 0.5 * DRAW.normal(size=(6, 1)),
}
STEPS, RATE = 12, 0.5

# A network is trained by a gradient that costs a few evaluations of the loss, not one for each weight.
on_fast_engines = pytest.mark.ad_backends("forwarddiff", "jax", "torch", "autograd")


def by_hand() -> tuple[dict[str, np.ndarray], list[float]]:
    """Gradient descent with the backward pass written out."""
    p, losses = dict(START), []
    for _ in range(STEPS):
        hidden = np.tanh(INPUTS @ p["first"] + p["shift"])
        error = hidden @ p["second"] - TARGETS
        losses.append(float(np.mean(error**2)))
        back = 2 * error / error.size
        through = (back @ p["second"].T) * (1 - hidden**2)
        slopes = {
            "first": INPUTS.T @ through,
            "shift": through.sum(axis=0),
            "second": hidden.T @ back,
        }
        p = {name: p[name] - RATE * slopes[name] for name in p}
    return p, losses


def check(params: Any, losses: list[float]) -> None:
    expected, values = by_hand()
    assert values[-1] < 0.7 * values[0]
    np.testing.assert_allclose(losses, values, rtol=1e-10)
    for name, leaf in expected.items():
        np.testing.assert_allclose(np.asarray(params[name]), leaf, rtol=0, atol=1e-10)


@on_fast_engines
def test_by_optax(ad_backend: Any) -> None:
    jax, optax = pytest.importorskip("jax"), pytest.importorskip("optax")
    with jax.enable_x64(True):
        params = {name: jax.numpy.asarray(leaf) for name, leaf in START.items()}
        data = jax.numpy.asarray(INPUTS), jax.numpy.asarray(TARGETS)
        params, losses = train_with_optax(optax.sgd(RATE), params, *data, STEPS, ad_backend)
        assert all(isinstance(leaf, jax.Array) for leaf in params.values())
    check(params, losses)


@on_fast_engines
def test_by_torch(ad_backend: Any) -> None:
    torch = pytest.importorskip("torch")
    params = {name: torch.tensor(leaf) for name, leaf in START.items()}
    data = torch.tensor(INPUTS), torch.tensor(TARGETS)
    optimizer = torch.optim.SGD(params.values(), lr=RATE)
    losses = train_with_torch(optimizer, params, *data, STEPS, ad_backend)
    check(params, losses)


def test_adam_is_adam() -> None:
    """Both libraries, each with the other's engine."""
    jax, optax = pytest.importorskip("jax"), pytest.importorskip("optax")
    torch = pytest.importorskip("torch")
    with jax.enable_x64(True):
        arrays = {name: jax.numpy.asarray(leaf) for name, leaf in START.items()}
        data = jax.numpy.asarray(INPUTS), jax.numpy.asarray(TARGETS)
        _, ours = train_with_optax(optax.adam(0.05), arrays, *data, STEPS, "torch")
    tensors = {name: torch.tensor(leaf) for name, leaf in START.items()}
    pair = torch.tensor(INPUTS), torch.tensor(TARGETS)
    optimizer = torch.optim.Adam(tensors.values(), lr=0.05)
    theirs = train_with_torch(optimizer, tensors, *pair, STEPS, "jax")
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    assert ours[-1] < 0.7 * ours[0]


def test_the_loss_takes_numpy_arrays_too() -> None:
    np.testing.assert_allclose(loss(START, INPUTS, TARGETS), by_hand()[1][0], rtol=1e-14)
