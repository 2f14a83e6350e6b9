"""Who is differentiating around us: torch's tape, a ``torch.func`` transform, or forward mode."""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd import forward_ad

_unpack: Any = forward_ad.unpack_dual
_interpreter = torch._C._functorch.peek_interpreter_stack


def in_transform() -> bool:
    """Whether a ``torch.func`` transform or a forward-mode level is active."""
    return _interpreter() is not None or forward_ad._current_level >= 0


def is_tracked(x: torch.Tensor) -> bool:
    """Whether something outside records `x`."""
    return (x.requires_grad and torch.is_grad_enabled()) or (
        in_transform()
        and (torch._C._functorch.is_functorch_wrapped_tensor(x) or _unpack(x).tangent is not None)
    )


def depends_beyond(outputs: tuple[Any, ...], own: tuple[torch.Tensor, ...]) -> bool:
    """Whether the tape behind `outputs` reaches a leaf that is not one of `own`.

    Such a leaf is a parameter that f captured: the derivative must then stay on the tape.
    """
    ours = {id(leaf) for leaf in own}
    stack = [y.grad_fn for y in outputs if y.grad_fn is not None]
    if any(y.grad_fn is None and y.requires_grad and id(y) not in ours for y in outputs):
        return True
    seen = set(stack)
    while stack:
        node = stack.pop()
        following_nodes = node.next_functions
        if not following_nodes and id(getattr(node, "variable", own[0])) not in ours:
            return True
        for following, _ in following_nodes:
            if following is not None and following not in seen:
                seen.add(following)
                stack.append(following)
    return False
