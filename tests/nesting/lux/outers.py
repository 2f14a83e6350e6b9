"""The outer derivatives: the gradient of a loss by its parameters and inputs, by each framework."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from ...outers import scope

Tree = dict[str, Any]
Gradient = Callable[[Callable[[Any, Any], Any], Tree], tuple[Any, Tree]]


def _jax(jit: bool) -> Gradient:
    def gradient(loss: Any, at: Tree) -> Any:
        import jax

        by = jax.value_and_grad(loss, argnums=(0, 1))
        value, (by_p, by_x) = (jax.jit(by) if jit else by)(at["p"], at["x"])
        return value, {**by_p, "x": by_x}

    return gradient


def _backward(loss: Any, at: Tree) -> Any:
    leaves = {name: leaf.requires_grad_() for name, leaf in {**at["p"], "x": at["x"]}.items()}
    value = loss(at["p"], at["x"])
    assert all(leaf.grad is None for leaf in leaves.values()), "an operator set .grad"
    value.backward()
    return value, {k: 0 * a if a.grad is None else a.grad for k, a in leaves.items()}


def _torch_func(loss: Any, at: Tree) -> Any:
    import torch

    (by_p, by_x), value = torch.func.grad_and_value(loss, argnums=(0, 1))(at["p"], at["x"])
    return value, {**by_p, "x": by_x}


def _autograd(loss: Any, at: Tree) -> Any:
    import autograd

    def plain(at: Tree) -> Any:  # a dict, where autograd gives a box of its own
        return loss({name: at["p"][name] for name in at["p"]}, at["x"])

    value, got = autograd.value_and_grad(plain)(at)
    return value, {**got["p"], "x": got["x"]}


def _ours(framework: str) -> Gradient:
    def gradient(loss: Any, at: Tree) -> Any:
        value, got = di.value_and_gradient(lambda at: loss(at["p"], at["x"]), framework, at)
        return value, {**got["p"], "x": got["x"]}

    return gradient


OUTERS: dict[str, tuple[str, Gradient]] = {
    "jax.grad": ("jax", _jax(jit=False)),
    "jax.jit(jax.grad)": ("jax", _jax(jit=True)),
    "backward": ("torch", _backward),
    "torch.func.grad": ("torch", _torch_func),
    "autograd.grad": ("autograd", _autograd),
    "di[jax]": ("jax", _ours("jax")),
    "di[torch]": ("torch", _ours("torch")),
    "di[autograd]": ("autograd", _ours("autograd")),
    "di[forwarddiff]": ("forwarddiff", _ours("forwarddiff")),
}


def native(framework: str, a: Any) -> Any:
    """An array of the framework, of its own memory."""
    if framework == "jax":
        return pytest.importorskip("jax").numpy.asarray(a)
    return pytest.importorskip("torch").tensor(a) if framework == "torch" else np.array(a)


def differentiate(outer: str, loss: Any, point: Tree) -> tuple[float, Tree]:
    """The value of ``loss(p, x)``, and its gradient by every array, in NumPy."""
    framework, gradient = OUTERS[outer]
    if framework != "forwarddiff":
        pytest.importorskip(framework)
    with scope(framework):
        at = {
            "p": {name: native(framework, leaf) for name, leaf in point["p"].items()},
            "x": native(framework, point["x"]),
        }
        value, got = gradient(loss, at)
        detached = {name: np.asarray(di.stop_gradient(leaf)) for name, leaf in got.items()}
        return float(di.stop_gradient(value)), detached
