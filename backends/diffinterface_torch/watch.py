"""Python numbers taken from tensors that depend on x: their derivative is lost, so they are refused.

Torch warns of them once a process. We look while f runs for the first time, because watching every
operation of torch costs as much as the operations do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, final

import torch
from torch.autograd import forward_ad
from torch.overrides import TorchFunctionMode

from diffinterface.extend import Function, Leaves, OutputError

_functorch: Any = torch._C._functorch
_unpack: Any = forward_ad.unpack_dual


def call(fn: Function, x: Leaves, contexts: Leaves) -> tuple[Leaves, Any]:
    """``fn(x, contexts)``, watched until it has run once.

    Raises
    ------
    OutputError
        If f turns a tensor that depends on x into a Python number, or into a new tensor's data.
    """
    if was_watched(fn):
        return fn(x, contexts)
    with _Conversions(x):
        result = fn(x, contexts)
    watched: Any = fn  # of no concern to the core
    watched.di_watched = True
    return result


def was_watched(fn: Function) -> bool:
    """Whether f has run before."""
    return getattr(fn, "di_watched", False)


@final
class _Conversions(TorchFunctionMode):
    """While it is active, conversions of what depends on `x` raise."""

    def __init__(self, x: Leaves) -> None:
        super().__init__()
        self._x, self._recording = x, torch.is_grad_enabled()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        operation = _CONVERSIONS.get(func)
        if operation is not None and self._recording and not torch.is_grad_enabled():
            operation = None  # under f's own no_grad it means to be a constant
        if operation is not None and any(_depends(t, self._x) for t in _tensors(args)):
            raise OutputError(
                f"f called {operation} on a tensor that depends on x, which loses its derivative; "
                "expected tensors all the way. Write x[0] for float(x[0]), torch.sin for math.sin, "
                "torch.stack([...]) for torch.tensor([...]), and x.detach() for a constant.",
                operation=operation,
                expected="tensors",
            )
        return func(*args, **(kwargs or {}))


_CONVERSIONS: dict[Any, str] = {
    torch.Tensor.__float__: "float()",
    torch.Tensor.__complex__: "complex()",
    torch.Tensor.item: "item()",
    torch.Tensor.tolist: "tolist()",
    torch.tensor: "torch.tensor()",
    torch.as_tensor: "torch.as_tensor()",
}


def _tensors(tree: Any) -> Iterator[torch.Tensor]:
    if isinstance(tree, torch.Tensor):
        yield tree
    elif isinstance(tree, tuple | list):
        for part in tree:
            yield from _tensors(part)


def _depends(t: torch.Tensor, x: Leaves) -> bool:
    """Whether somebody who differentiates by x records `t`."""
    while _functorch.is_functorch_wrapped_tensor(t):
        if t.requires_grad or _unpack(t).tangent is not None:
            return True
        t = _functorch.get_unwrapped(t)
    if _unpack(t).tangent is not None:
        return True
    return t.requires_grad and _reaches(t, x)


def _reaches(t: torch.Tensor, x: Leaves) -> bool:
    """Whether the tape behind `t` goes back to one of `x`."""
    leaves = {id(leaf) for leaf in x}
    nodes = {leaf.grad_fn for leaf in x} - {None}
    if id(t) in leaves:
        return True
    stack, seen = [t.grad_fn], {t.grad_fn}
    while stack:
        node = stack.pop()
        if node is None:
            continue
        if node in nodes or id(getattr(node, "variable", None)) in leaves:
            return True
        for following, _ in node.next_functions:
            if following not in seen:
                seen.add(following)
                stack.append(following)
    return False
