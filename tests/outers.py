"""The outer derivatives, one table for all tests: each framework's own transforms, and our operators.

A test takes the rows that it needs: `OUTERS` for losses, `MATRIX` for the page of the matrix,
`JACOBIANS` for functions that are no losses.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

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
    mode = getattr(backend, "mode", "auto")
    name = framework if mode == "auto" else f"{framework}, {mode}"

    def gradient(loss: Loss, at: Arrays) -> Arrays:
        return di.gradient(loss, backend, at)

    return Outer(f"di[{name}]", framework, gradient)


def _pushed(jvp: Callable[[Loss, Arrays, Arrays], Any], asarray: Any) -> Callable[..., Arrays]:
    """The gradient in forward mode, one entry after the other."""

    def run(loss: Loss, at: Arrays) -> Arrays:
        def leaf(k: int) -> Any:
            zeros = [0 * a for a in at]
            units = np.eye(np.asarray(at[k]).size).reshape(-1, *at[k].shape)
            rows = [jvp(loss, at, (*zeros[:k], asarray(t), *zeros[k + 1 :])) for t in units]
            return asarray(np.reshape([np.asarray(row) for row in rows], at[k].shape))

        return tuple(leaf(k) for k in range(len(at)))

    return run


def _jax_pushed(jax: Any, loss: Loss) -> Callable[[Arrays], Arrays]:
    def jvp(loss: Loss, at: Arrays, t: Arrays) -> Any:
        return jax.jvp(lambda *leaves: loss(leaves), at, t)[1]

    return lambda at: _pushed(jvp, jax.numpy.asarray)(loss, at)


def _torch_pushed(torch: Any, loss: Loss) -> Callable[[Arrays], Arrays]:
    def jvp(loss: Loss, at: Arrays, t: Arrays) -> Any:
        return torch.func.jvp(lambda *leaves: loss(leaves), at, t)[1]

    return lambda at: _pushed(jvp, torch.tensor)(loss, at)


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


_EVERY = (
    jax_outer("jax.grad", lambda jax, f: jax.grad(f)),
    jax_outer("jax.jit(jax.grad)", lambda jax, f: jax.jit(jax.grad(f))),
    jax_outer("jax.jit(jax.jacfwd)", lambda jax, f: jax.jit(jax.jacfwd(f))),
    jax_outer(
        "jax.jit(jax.vmap(jax.grad))",
        lambda jax, f: _over_copies(lambda g: jax.jit(jax.vmap(g)), jax.numpy.stack, jax.grad(f)),
    ),
    jax_outer("jax.jvp", _jax_pushed),
    di_outer(di.AutoJax(), "jax"),
    di_outer(di.AutoJax(mode="reverse"), "jax"),
    di_outer(di.AutoJax(mode="forward"), "jax"),
    torch_outer("backward", lambda torch, f: _tape(torch, f, True)),
    torch_outer("torch.autograd.grad", lambda torch, f: _tape(torch, f, False)),
    torch_outer("torch.func.grad", lambda torch, f: torch.func.grad(f)),
    torch_outer("torch.func.jacfwd", lambda torch, f: torch.func.jacfwd(f)),
    torch_outer(
        "torch.func.vmap(grad)",
        lambda torch, f: _over_copies(torch.func.vmap, torch.stack, torch.func.grad(f)),
    ),
    torch_outer("torch.func.jvp", _torch_pushed),
    di_outer(di.AutoTorch(), "torch"),
    di_outer(di.AutoTorch(mode="reverse"), "torch"),
    di_outer(di.AutoTorch(mode="forward"), "torch"),
    Outer("autograd.grad", "autograd", _autograd),
    Outer("autograd.make_jvp", "autograd", _autograd_jvp),
    di_outer(di.AutoAutograd(), "autograd"),
    di_outer(di.AutoAutograd(mode="reverse"), "autograd"),
    di_outer(di.AutoAutograd(mode="forward"), "autograd"),
    di_outer(di.AutoForwardDiff(), "forwarddiff"),
)
BY_NAME = {outer.name: outer for outer in _EVERY}
#: The rows of the matrix: two of each framework's own modes, and our operators in both.
MATRIX = tuple(
    map(
        BY_NAME.__getitem__,
        (
            *("jax.grad", "jax.jit(jax.grad)", "jax.jvp", "di[jax, reverse]", "di[jax, forward]"),
            *("backward", "torch.func.grad", "torch.func.jvp"),
            *("di[torch, reverse]", "di[torch, forward]"),
            *("autograd.grad", "autograd.make_jvp"),
            *("di[autograd, reverse]", "di[autograd, forward]", "di[forwarddiff]"),
        ),
    )
)
#: The rows around losses of many arrays.
OUTERS = tuple(
    outer for outer in _EVERY if not outer.name.endswith((".jvp", "reverse]", "forward]"))
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


# --- Jacobians ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OuterJacobian:
    """An engine outside: its arrays, and its Jacobian of a function of one array."""

    array: Callable[..., Any]
    jacobian: Callable[[Any, Any], Any]


def _jax_jacobian() -> OuterJacobian:
    jax = pytest.importorskip("jax")
    return OuterJacobian(jax.numpy.asarray, lambda f, x: jax.jacrev(f)(x))


def _jitted_jacobian() -> OuterJacobian:
    jax = pytest.importorskip("jax")
    return OuterJacobian(jax.numpy.asarray, lambda f, x: jax.jit(jax.jacfwd(f))(x))


def _torch_jacobian() -> OuterJacobian:
    torch = pytest.importorskip("torch")

    def jacobian(f: Any, x: Any) -> Any:
        x = x.requires_grad_()
        y = f(x)
        result = torch.zeros(y.numel(), *x.shape, dtype=x.dtype)
        if y.requires_grad:
            for row, entry in zip(result, y.reshape(-1), strict=True):
                row += torch.autograd.grad(entry, x, retain_graph=True)[0]
        return result.reshape(y.shape + x.shape)

    return OuterJacobian(torch.tensor, jacobian)


def _func_jacobian() -> OuterJacobian:
    torch = pytest.importorskip("torch")
    return OuterJacobian(torch.tensor, lambda f, x: torch.func.jacfwd(f)(x))


def _autograd_jacobian() -> OuterJacobian:
    autograd = pytest.importorskip("autograd")

    def jacobian(f: Any, x: Any) -> Any:
        pull, y = autograd.make_vjp(f)(x)
        rows = [pull(row.reshape(np.shape(y))) for row in np.eye(np.size(y), dtype=y.dtype)]
        return np.reshape(rows, (*np.shape(y), *np.shape(x)))

    return OuterJacobian(np.asarray, jacobian)


def _duals_jacobian() -> OuterJacobian:
    return OuterJacobian(np.asarray, lambda f, x: di.jacobian(f, "forwarddiff", x))


#: For functions that are no losses: built when it is asked for, with its framework.
JACOBIANS = {
    "jax": _jax_jacobian,
    "jax.jit": _jitted_jacobian,
    "torch": _torch_jacobian,
    "torch.func": _func_jacobian,
    "autograd": _autograd_jacobian,
    "duals": _duals_jacobian,
}
