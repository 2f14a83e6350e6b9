"""Torch as the outer engine of a function that another engine differentiates.

One `torch.autograd.Function`, whose rules are calls of further bridges: double backward, forward mode,
``torch.func`` and ``vmap`` all arrive here.
"""

from __future__ import annotations

from typing import Any

import torch

from diffinterface.arrays import framework_of
from diffinterface.bridge import Bridge, finished
from diffinterface.trees import Leaves

from .framework import copied


def host(bridge: Bridge, x: Leaves, contexts: Leaves) -> Leaves:
    """The outputs of a bridge at tensors that torch is recording."""
    like = next(leaf for leaf in (*x, *contexts) if isinstance(leaf, torch.Tensor))
    tensors = [_tensor(leaf, like) for leaf in (*x, *contexts)]
    return tuple(_call(bridge, len(x), *tensors))


def _tensor(leaf: Any, like: torch.Tensor) -> torch.Tensor:
    if isinstance(leaf, torch.Tensor):
        return leaf
    framework = framework_of(leaf)
    assert framework is not None
    return torch.as_tensor(finished(leaf), device=like.device)


class _Call(torch.autograd.Function):
    @staticmethod
    def forward(bridge: Bridge, n: int, *args: torch.Tensor) -> tuple[torch.Tensor, ...]:
        leaves = tuple(map(copied, args))  # torch has unwrapped them: nothing records any more
        device = args[0].device
        return tuple(torch.from_numpy(y).to(device) for y in bridge(leaves[:n], leaves[n:]))

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.bridge, ctx.n = inputs[:2]
        ctx.save_for_backward(*inputs[2:])
        ctx.save_for_forward(*inputs[2:])

    @staticmethod
    def backward(ctx: Any, *cotangents: torch.Tensor) -> Any:
        n, saved = ctx.n, ctx.saved_tensors
        x, contexts = saved[:n], saved[n:]
        pulled = _call(ctx.bridge.pullback(n), n + len(cotangents), *x, *cotangents, *contexts)
        return None, None, *pulled, *[None] * len(contexts)

    @staticmethod
    def jvp(ctx: Any, _bridge: Any, _n: Any, *tangents: Any) -> Any:
        n, saved = ctx.n, ctx.saved_tensors
        x, contexts = saved[:n], saved[n:]
        t = [torch.zeros_like(a) if b is None else b for a, b in zip(x, tangents[:n], strict=True)]
        return _call(ctx.bridge.pushforward, 2 * n, *x, *t, *contexts)

    @staticmethod
    def vmap(info: Any, in_dims: Any, bridge: Bridge, n: int, *args: torch.Tensor) -> Any:
        dims = in_dims[2:]
        batched = [dim is not None for dim in dims]
        moved = [
            arg if dim is None else arg.movedim(dim, 0) for arg, dim in zip(args, dims, strict=True)
        ]
        y = _call(bridge.batched(batched[:n], batched[n:]), n, *moved)
        return y, (0,) * len(y)


_call: Any = _Call.apply
