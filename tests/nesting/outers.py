"""The outer derivatives: each framework's own transforms, and our operators around our operators."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

import diffinterface as di

Arrays = tuple[Any, ...]
Loss = Callable[[Arrays], Any]


@dataclass(frozen=True)
class Outer:
    """One way to take the gradient of a loss: NumPy arrays in, and out, inside the `scope`."""

    name: str
    framework: str
    gradient: Callable[[Loss, Arrays], Arrays]

    def __str__(self) -> str:
        return self.name


def jax_outer(name: str, transform: Callable[[Any, Loss], Any]) -> Outer:
    def gradient(loss: Loss, at: Arrays) -> Arrays:
        import jax

        got = transform(jax, loss)(tuple(map(jax.numpy.asarray, at)))
        return tuple(np.asarray(leaf) for leaf in got)

    return Outer(name, "jax", gradient)


def torch_outer(name: str, transform: Callable[[Any, Loss], Any]) -> Outer:
    def gradient(loss: Loss, at: Arrays) -> Arrays:
        import torch

        got = transform(torch, loss)(tuple(torch.tensor(leaf) for leaf in at))
        return tuple(leaf.detach().numpy() for leaf in got)

    return Outer(name, "torch", gradient)


def di_outer(backend: di.ADType, framework: str) -> Outer:
    def gradient(loss: Loss, at: Arrays) -> Arrays:
        return di.gradient(loss, backend, at)

    return Outer(f"di[{framework}]", framework, gradient)


def _over_copies(vmap: Any, stack: Any, grad: Callable[[Arrays], Arrays]) -> Any:
    """The last of three gradients of a batch whose last sample is the point."""

    def run(at: Arrays) -> Arrays:
        batch = tuple(stack([0 * leaf, 0.5 * leaf, leaf]) for leaf in at)
        return tuple(leaf[2] for leaf in vmap(grad)(batch))

    return run


def _tape(torch: Any, loss: Loss, backward: bool) -> Callable[[Arrays], Arrays]:
    def run(at: Arrays) -> Arrays:
        leaves = tuple(leaf.requires_grad_() for leaf in at)
        value = loss(leaves)
        assert all(leaf.grad is None for leaf in leaves), "an operator set .grad"
        if not backward:
            return torch.autograd.grad(value, leaves, materialize_grads=True)
        value.backward()
        return tuple(0 * leaf if leaf.grad is None else leaf.grad for leaf in leaves)

    return run


def _autograd(loss: Loss, at: Arrays) -> Arrays:
    import autograd

    return tuple(autograd.grad(lambda p: loss(tuple(p)))(at))


def _autograd_jvp(loss: Loss, at: Arrays) -> Arrays:
    """Forward mode of autograd, one entry after the other."""
    from autograd import make_jvp

    def leaf(k: int) -> Any:
        push = make_jvp(lambda a: loss((*at[:k], a, *at[k + 1 :])))(at[k])
        units = np.eye(at[k].size).reshape(-1, *at[k].shape)
        return np.array([push(t)[1] for t in units]).reshape(at[k].shape)

    with warnings.catch_warnings():
        # The derivative of a network does not depend on its last bias.
        warnings.filterwarnings("ignore", "Output seems independent of input")
        return tuple(leaf(k) for k in range(len(at)))


OUTERS = (
    jax_outer("jax.grad", lambda jax, f: jax.grad(f)),
    jax_outer("jax.jit(jax.grad)", lambda jax, f: jax.jit(jax.grad(f))),
    jax_outer("jax.jit(jax.jacfwd)", lambda jax, f: jax.jit(jax.jacfwd(f))),
    jax_outer(
        "jax.jit(jax.vmap(jax.grad))",
        lambda jax, f: _over_copies(lambda g: jax.jit(jax.vmap(g)), jax.numpy.stack, jax.grad(f)),
    ),
    di_outer(di.AutoJax(), "jax"),
    torch_outer("backward", lambda torch, f: _tape(torch, f, True)),
    torch_outer("torch.autograd.grad", lambda torch, f: _tape(torch, f, False)),
    torch_outer("torch.func.grad", lambda torch, f: torch.func.grad(f)),
    torch_outer("torch.func.jacfwd", lambda torch, f: torch.func.jacfwd(f)),
    torch_outer(
        "torch.func.vmap(grad)",
        lambda torch, f: _over_copies(torch.func.vmap, torch.stack, torch.func.grad(f)),
    ),
    di_outer(di.AutoTorch(), "torch"),
    Outer("autograd.grad", "autograd", _autograd),
    Outer("autograd.make_jvp", "autograd", _autograd_jvp),
    di_outer(di.AutoAutograd(), "autograd"),
    di_outer(di.AutoForwardDiff(), "forwarddiff"),
)
#: The commonest outer derivative of each framework.
FIRST = {outer.framework: outer for outer in reversed(OUTERS)}
BACKENDS = {
    "jax": di.AutoJax(),
    "torch": di.AutoTorch(),
    "autograd": di.AutoAutograd(),
    "forwarddiff": di.AutoForwardDiff(),
}


def scope(framework: str) -> Any:
    """The context in which the framework computes with doubles."""
    if framework == "jax":
        import jax

        return jax.enable_x64(True)
    return nullcontext()


def native(framework: str, a: Any) -> Any:
    """An array of the framework; NumPy's own where the framework wraps NumPy arrays."""
    if framework == "jax":
        import jax

        return jax.numpy.asarray(a)
    if framework == "torch":
        import torch

        return torch.tensor(a)
    return a
