"""One loss, trained by optax on JAX arrays and by torch.optim on tensors, with any AD engine."""

from __future__ import annotations

from typing import Any

import diffinterface as di

Backend = di.ADType | str | None


def loss(params: Any, inputs: Any, targets: Any) -> Any:
    """The mean squared error of a network with one hidden layer."""
    xp = di.array_namespace(*params.values())
    hidden = xp.tanh(inputs @ params["first"] + params["shift"])
    return xp.mean((hidden @ params["second"] - targets) ** 2)


def train_with_optax(
    optimizer: Any, params: Any, inputs: Any, targets: Any, steps: int, backend: Backend = "jax"
) -> tuple[Any, list[float]]:
    """Parameters after some steps, and the loss before each; all arrays are JAX arrays."""
    import optax

    gradient = di.prepare_gradient(loss, backend, params, inputs, targets)
    state, losses = optimizer.init(params), []
    for _ in range(steps):
        value, slopes = gradient.value_and(params, inputs, targets)
        updates, state = optimizer.update(slopes, state, params)
        params = optax.apply_updates(params, updates)
        losses.append(float(value))
    return params, losses


def train_with_torch(
    optimizer: Any, params: Any, inputs: Any, targets: Any, steps: int, backend: Backend = "torch"
) -> list[float]:
    """The loss before each step; the tensors in `params`, which `optimizer` holds, are trained."""
    gradient = di.prepare_gradient(loss, backend, params, inputs, targets)
    losses = []
    for _ in range(steps):
        value, slopes = gradient.value_and(params, inputs, targets)
        for name, leaf in params.items():
            leaf.grad = slopes[name]
        optimizer.step()
        losses.append(float(value))
    return losses
