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
    """One way to take the gradient of a loss at a NumPy array, or its Hessian.

    Attributes
    ----------
    together : callable, optional
        The same for many losses, where each by itself would be a program to compile.
    """

    name: str
    framework: str
    of: Callable[[Loss, Any], Any]
    together: Callable[[list[Loss], Any], list[Any]] | None = None

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


def _one_program(losses: list[Loss], x: Any) -> list[Any]:
    import jax

    return list(jax.jit(lambda x: [jax.grad(f)(x) for f in losses])(jax.numpy.asarray(x)))


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
    Around("jax.jit(jax.grad)", "jax", _jax_jit, _one_program),
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


# --- twice ------------------------------------------------------------------------------------------


def _jax_hessian(loss: Loss, x: Any) -> Any:
    import jax

    return jax.jit(jax.hessian(loss))(jax.numpy.asarray(x))


def _jax_reverse(loss: Loss, x: Any) -> Any:
    import jax

    return jax.jacrev(jax.grad(loss))(jax.numpy.asarray(x))


def _double_backward(loss: Loss, x: Any) -> Any:
    import torch

    leaf = torch.tensor(x, requires_grad=True)
    (slope,) = torch.autograd.grad(loss(leaf), leaf, create_graph=True)
    return [
        torch.autograd.grad(slope, leaf, t, retain_graph=True)[0] for t in torch.eye(2).double()
    ]


def _torch_hessian(loss: Loss, x: Any) -> Any:
    import torch

    return torch.func.hessian(loss)(torch.tensor(x))


def _torch_reverse(loss: Loss, x: Any) -> Any:
    import torch

    return torch.func.jacrev(torch.func.jacrev(loss))(torch.tensor(x))


def _autograd_hessian(loss: Loss, x: Any) -> Any:
    import autograd

    return autograd.hessian(loss)(x)


def _autograd_push(loss: Loss, x: Any) -> Any:
    import autograd

    push = autograd.make_jvp(autograd.grad(loss))(x)
    return [push(t)[1] for t in _units(x)]


def _ours_twice(framework: str, backend: di.ADType) -> Around:
    name = f"di.hessian, {type(backend).__name__}"
    return Around(name, framework, lambda loss, x: di.hessian(loss, backend, x))


SECOND = (
    Around("jax.jit(jax.hessian)", "jax", _jax_hessian),
    Around("jax.jacrev(jax.grad)", "jax", _jax_reverse),
    _ours_twice("jax", di.AutoJax()),
    Around("double backward", "torch", _double_backward),
    Around("torch.func.hessian", "torch", _torch_hessian),
    Around("torch.func.jacrev twice", "torch", _torch_reverse),
    _ours_twice("torch", di.AutoTorch()),
    Around("autograd.hessian", "autograd", _autograd_hessian),
    Around("make_jvp of autograd.grad", "autograd", _autograd_push),
    _ours_twice("autograd", di.AutoAutograd()),
    _ours_twice("forwarddiff", di.AutoForwardDiff()),
)
