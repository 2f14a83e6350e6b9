"""Torch as the outer engine of a function that another engine differentiates.

One `torch.autograd.Function`, whose rules are calls of further bridges: double backward, forward mode,
``torch.func`` and ``vmap`` all arrive here.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any

import torch
from torch.autograd import forward_ad

from diffinterface.extend import Leaves
from diffinterface.extend.bridges import Bridge, finished

from .outer import in_transform, in_vmap, refuse_graph, undisturbed

_is_wrapped = torch._C._functorch.is_functorch_wrapped_tensor
_is_legacy = torch._C._functorch.is_legacy_batchedtensor
_requires_grad: Any = attrgetter("requires_grad")


def host(bridge: Bridge, x: Leaves, contexts: Leaves) -> Leaves:
    """The outputs of a bridge at tensors that torch is recording."""
    leaves = *x, *contexts
    if not _TENSORS.issuperset(map(type, leaves)):
        like = next(leaf for leaf in leaves if isinstance(leaf, torch.Tensor))
        leaves = tuple(_tensor(leaf, like) for leaf in leaves)
    return _call(bridge, len(x), *leaves)


_TENSORS = {torch.Tensor, torch.nn.Parameter}


def _tensor(leaf: Any, like: torch.Tensor) -> torch.Tensor:
    if isinstance(leaf, torch.Tensor):
        return leaf
    return torch.as_tensor(finished(leaf), device=like.device)


def _call(bridge: Bridge, n: int, *args: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """A bridge at (*x, *contexts), of which the first n are differentiable: its outputs, recorded."""
    outputs: tuple[torch.Tensor, ...]
    # Mostly there is nothing but the tape, and no tensor that a transform has wrapped.
    if undisturbed() and not any(map(_is_wrapped, args)) and not any(map(_is_legacy, args)):
        if torch.is_grad_enabled() and any(map(_requires_grad, args)):
            outputs = _record(bridge, n, *args)
            return outputs
        return _evaluate(bridge, n, args)
    refuse_graph()
    if in_vmap():
        outputs = _Transformed.apply(bridge, n, *args)  # type: ignore[no-untyped-call]
    elif any(map(_is_legacy, args)):
        outputs = _grads_batched(bridge, n, args)
    elif in_transform() or (torch.is_grad_enabled() and any(map(_requires_grad, args))):
        outputs = _Recorded.apply(bridge, n, *args)  # type: ignore[no-untyped-call]
    else:
        outputs = _evaluate(bridge, n, args)
    return outputs


def _evaluate(bridge: Bridge, n: int, args: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    leaves = tuple(map(_values, args))
    return _tensors(bridge(leaves[:n], leaves[n:]), args)


def _tensors(leaves: Leaves, beside: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    y, like = tuple(map(torch.from_numpy, leaves)), beside[0]
    return y if like.is_cpu else tuple(leaf.to(like.device) for leaf in y)


def _values(x: torch.Tensor) -> Any:
    try:
        return x.detach().numpy()
    except (TypeError, RuntimeError):  # on another device, lazily conjugated or negated, or
        # bfloat16, which NumPy has not; float32 holds it exactly.
        return (x.float() if x.dtype is torch.bfloat16 else x).numpy(force=True)


# --- derivatives ---------------------------------------------------------------------------------


class _Recorded(torch.autograd.Function):
    """On the tape, and in forward mode outside ``torch.func``."""

    @staticmethod
    def forward(ctx: Any, bridge: Bridge, n: int, *args: torch.Tensor) -> Any:
        # torch has unwrapped the arguments: nothing records any more.
        if forward_ad._current_level >= 0:
            _remember(ctx, bridge, n, args)
            return _evaluate(bridge, n, args)
        leaves = tuple(map(_values, args))
        leaves, n_slopes = bridge.with_gradient(leaves[:n], leaves[n:])
        ctx.call, made = (bridge, n, n_slopes), _tensors(leaves, args)
        n_outputs = len(made) - n_slopes
        ctx.save_for_backward(*args, *made[n_outputs:])
        return made[:n_outputs]

    @staticmethod
    def backward(ctx: Any, *cotangents: torch.Tensor) -> Any:
        (bridge, n, n_slopes), saved = ctx.call, ctx.saved_tensors
        if n_slopes and not torch.is_grad_enabled():
            slopes, (c,) = saved[-n_slopes:], cotangents
            return None, None, *[slope * c for slope in slopes], *[None] * (len(saved) - 2 * n)
        x, contexts = saved[:n], saved[n : len(saved) - n_slopes]
        pulled = _call(bridge.pullback(n), n + len(cotangents), *x, *cotangents, *contexts)
        return None, None, *pulled, *[None] * len(contexts)

    @staticmethod
    def jvp(ctx: Any, _bridge: Any, _n: Any, *tangents: Any) -> Any:
        (bridge, n, _), saved = ctx.call, ctx.saved_tensors
        x, contexts = saved[:n], saved[n:]
        t = [torch.zeros_like(a) if b is None else b for a, b in zip(x, tangents[:n], strict=True)]
        return _call(bridge.pushforward, 2 * n, *x, *t, *contexts)


#: ``_Recorded.apply`` without its look for transforms, and for tensors that are left of them.
_record: Any = super(torch.autograd.Function, _Recorded).apply


def _remember(ctx: Any, bridge: Bridge, n: int, args: tuple[torch.Tensor, ...]) -> None:
    ctx.call = bridge, n, 0
    ctx.save_for_backward(*args)
    if in_transform():
        ctx.save_for_forward(*args)


class _Transformed(torch.autograd.Function):
    """The same in the form that ``torch.func`` asks for, which costs more to call."""

    @staticmethod
    def forward(bridge: Bridge, n: int, *args: torch.Tensor) -> Any:
        return _evaluate(bridge, n, args)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        _remember(ctx, inputs[0], inputs[1], inputs[2:])

    backward = _Recorded.backward
    jvp = _Recorded.jvp

    @staticmethod
    def vmap(info: Any, in_dims: Any, bridge: Bridge, n: int, *args: torch.Tensor) -> Any:
        dims = in_dims[2:]
        flags = [dim is not None for dim in dims]
        moved = [
            arg if dim is None else arg.movedim(dim, 0) for arg, dim in zip(args, dims, strict=True)
        ]
        y = _call(bridge.batched(flags[:n], flags[n:]), n, *moved)
        return y, (0,) * len(y)


# --- batches of ``is_grads_batched`` -------------------------------------------------------------


def _grads_batched(
    bridge: Bridge, n: int, args: tuple[torch.Tensor, ...]
) -> tuple[torch.Tensor, ...]:
    """At tensors of torch's older vmap, which ``autograd.grad`` and ``functional`` run on."""
    level = torch._C._vmapmode_increment_nesting() - 1
    torch._C._vmapmode_decrement_nesting()
    while True:
        # A tensor without an axis of this level gets one of the extent that is passed here.
        opened = [torch._remove_batch_dim(a, level, 0, 0) if _is_legacy(a) else a for a in args]
        flags = [o.ndim > a.ndim and o.shape[0] > 0 for o, a in zip(opened, args, strict=True)]
        if any(flags) or level == 1:
            break
        level -= 1
    inner = [o if has else a for o, a, has in zip(opened, args, flags, strict=True)]
    y = _call(bridge.batched(flags[:n], flags[n:]), n, *inner)
    # This vmap asks for the batch axis at the front in memory too.
    return tuple(torch._add_batch_dim(leaf.contiguous(), 0, level) for leaf in y)
