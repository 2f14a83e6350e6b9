"""The outer derivatives of the matrix: each framework's own transforms, and our operators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import diffinterface as di

from ..outers import BACKENDS, MATRIX, Outer

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


def _one_program(losses: list[Loss], x: Any) -> list[Any]:
    import jax

    return list(jax.jit(lambda x: [jax.grad(f)(x) for f in losses])(jax.numpy.asarray(x)))


def _title(outer: Outer) -> str:
    """The name on the page, where our operators stand with their backends."""
    framework, _, mode = outer.name.removeprefix("di[").removesuffix("]").partition(", ")
    if framework == outer.name:
        return {"backward": "loss.backward()"}.get(framework, framework)
    return f"di.gradient, {type(BACKENDS[framework]).__name__} {mode}".strip()


def _row(outer: Outer) -> Around:
    def of(loss: Loss, x: Any) -> Any:
        (slope,) = outer.gradient(lambda at: loss(at[0]), (x,))
        return slope

    together = _one_program if outer.name == "jax.jit(jax.grad)" else None
    return Around(_title(outer), outer.framework, of, together)


AROUND = tuple(map(_row, MATRIX))


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
    return [push(t)[1] for t in np.eye(x.size)]


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
