"""The outer derivatives of the matrix: each framework's own transforms, and our operators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import diffinterface as di

Loss = Callable[[Any], Any]


@dataclass(frozen=True)
class Around:
    """One way to take the gradient of a loss at a NumPy array."""

    name: str
    framework: str
    gradient: Callable[[Loss, Any], Any]

    def __str__(self) -> str:
        return self.name


def _units(x: Any) -> Any:
    return np.eye(x.size)


def _jax_grad(loss: Loss, x: Any) -> Any:
    import jax

    return jax.grad(loss)(jax.numpy.asarray(x))


def _jax_jit(loss: Loss, x: Any) -> Any:
    import jax

    return jax.jit(jax.grad(loss))(jax.numpy.asarray(x))


def _jax_jvp(loss: Loss, x: Any) -> Any:
    import jax

    z = jax.numpy.asarray(x)
    return [jax.jvp(loss, (z,), (jax.numpy.asarray(t),))[1] for t in _units(x)]


def _tape(loss: Loss, x: Any) -> Any:
    import torch

    leaf = torch.tensor(x, requires_grad=True)
    loss(leaf).backward()
    return leaf.grad


def _torch_grad(loss: Loss, x: Any) -> Any:
    import torch

    return torch.func.grad(loss)(torch.tensor(x))


def _torch_jvp(loss: Loss, x: Any) -> Any:
    import torch

    z = torch.tensor(x)
    return [torch.func.jvp(loss, (z,), (torch.tensor(t),))[1] for t in _units(x)]


def _autograd_grad(loss: Loss, x: Any) -> Any:
    import autograd

    return autograd.grad(loss)(x)


def _autograd_jvp(loss: Loss, x: Any) -> Any:
    import autograd

    push = autograd.make_jvp(loss)(x)
    return [push(t)[1] for t in _units(x)]


def _ours(framework: str, backend: di.ADType) -> Around:
    mode = getattr(backend, "mode", "")
    name = f"di.gradient, {type(backend).__name__} {mode}".strip()
    return Around(name, framework, lambda loss, x: di.gradient(loss, backend, x))


AROUND = (
    Around("jax.grad", "jax", _jax_grad),
    Around("jax.jit(jax.grad)", "jax", _jax_jit),
    Around("jax.jvp", "jax", _jax_jvp),
    _ours("jax", di.AutoJax(mode="reverse")),
    _ours("jax", di.AutoJax(mode="forward")),
    Around("loss.backward()", "torch", _tape),
    Around("torch.func.grad", "torch", _torch_grad),
    Around("torch.func.jvp", "torch", _torch_jvp),
    _ours("torch", di.AutoTorch(mode="reverse")),
    _ours("torch", di.AutoTorch(mode="forward")),
    Around("autograd.grad", "autograd", _autograd_grad),
    Around("autograd.make_jvp", "autograd", _autograd_jvp),
    _ours("autograd", di.AutoAutograd(mode="reverse")),
    _ours("autograd", di.AutoAutograd(mode="forward")),
    _ours("forwarddiff", di.AutoForwardDiff()),
)
